"""What is wrong with a file, said so that a person finds the place; and reading JSON without surprises."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

MAX_FILE_BYTES = 20_000_000
"""No reference file is near this; a larger one is a mistake or an attack."""


@dataclass(frozen=True)
class Problem:
    """One fault of one file. ``place`` is an entry or row as people count it in the message (0-based)."""

    file: str
    message: str
    place: str = ""
    field: str = ""

    def __str__(self) -> str:
        where = ", ".join(part for part in (self.place, f"field {self.field}" if self.field else "") if part)
        return f"{self.file}: {where}: {self.message}" if where else f"{self.file}: {self.message}"


class ImportFailed(ValueError):
    """Nothing was written; ``problems`` lists everything that is wrong, in the order of the files."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


def read_json(path: Path, *, max_bytes: int = MAX_FILE_BYTES) -> Any:
    """The JSON value of ``path`` (UTF-8, no duplicate keys, no NaN); raises ImportFailed with line and column."""

    def fail(message: str) -> ImportFailed:
        return ImportFailed([Problem(path.name, message)])

    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except FileNotFoundError:
        raise fail(f"file not found: {path}") from None
    except OSError as error:
        raise fail(f"the file cannot be read: {error.strerror}") from error
    if len(data) > max_bytes:
        raise fail(f"the file is larger than {max_bytes:,} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise fail(f"line {line}: the file is not UTF-8 (byte 0x{data[error.start]:02x})") from error
    try:
        return json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise fail(f"line {error.lineno}, column {error.colno}: malformed JSON: {error.msg}") from error
    except _BadJson as error:
        raise fail(str(error)) from error
    except RecursionError:
        raise fail("the JSON is nested too deeply") from None
    except ValueError as error:  # an integer with thousands of digits
        raise fail(f"malformed JSON: {error}") from error


class _BadJson(ValueError):
    pass


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            hint = next((f" (in the object with {k} {v!r})" for k, v in pairs if isinstance(v, str) and k != key), "")
            raise _BadJson(f"the key {key!r} appears twice in one object{hint}")
        result[key] = value
    return result


def _no_constant(name: str) -> float:
    raise _BadJson(f"{name} is not a JSON number")


def unstorable(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Paths and reasons of texts that no database can hold: NUL characters and lone surrogates."""
    if isinstance(value, str):
        if "\x00" in value:
            yield path, "contains a NUL character"
        elif any("\ud800" <= character <= "\udfff" for character in value):
            yield path, "contains half of a surrogate pair"
    elif isinstance(value, dict):
        for key, item in value.items():
            inner = f"{path}.{key}" if path else str(key)
            if any(True for _ in unstorable(str(key))):
                yield path, "has a key with a character that cannot be stored"
            else:
                yield from unstorable(item, inner)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from unstorable(item, f"{path}.{index}" if path else str(index))


def validation_problems(error: ValidationError, file: str, place: str) -> list[Problem]:
    """Pydantic's complaints in the words of this platform."""
    return [
        Problem(file, _message(item), place, ".".join(str(part) for part in item["loc"]))
        for item in error.errors(include_url=False)
    ]


def _message(item: Any) -> str:
    kind = item["type"]
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return "unknown field"
    message = str(item["msg"]).removeprefix("Value error, ")
    given = item["input"]
    if isinstance(given, str | int | float | bool) and len(repr(given)) <= 60:
        return f"{message[:1].lower()}{message[1:]} (got {given!r})"
    return message[:1].lower() + message[1:]
