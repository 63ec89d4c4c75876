"""Reading a model's reply into a schema: strictly for verdicts, with bounded repair for creative work.

A *verdict* decides whether something goes on, so it is readable exactly as it stands or it is an error: one complete
JSON object, plain prose or a code fence around it at most, no key twice, no string where a boolean belongs. A
*creative* reply may be mended, and the reading says so.

Guards come before parsing, because parsers are what hostile text attacks: size, then nesting depth, then one scan
that knows strings and escapes. Every failure is a :class:`~creative_lab.language.errors.ReplyError`.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any, Generic, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from creative_lab.language.errors import ReplyError, SandboxError
from creative_lab.language.sandbox import shared_sandbox
from creative_lab.language.types import ReplyKind

T = TypeVar("T", bound=BaseModel)

MAX_REPLY_BYTES = 1024 * 1024
"""Larger replies are refused unread: 16,384 tokens make about 64 kB."""
CUT_OFF = frozenset({"length", "max_tokens", "content_filter"})
"""Finish reasons of replies that ended before the model was done."""
MAX_DEPTH = 64
"""Deepest nesting of objects and lists; our schemas need four."""
MAX_REPAIR_BYTES = 256 * 1024
"""Larger text is not handed to the repairer, whose effort grows faster than its input."""
_MAX_CANDIDATES = 64
_STRUCTURE = re.compile(r'["\\{}\[\]]')
_BRACKETS = re.compile(r"[{}\[\]]")
_THINKING = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_TYPOGRAPHIC = str.maketrans("“”„‟", '""""')
_SHOWN_ERRORS = 6
_SHOWN_REPLY_CHARS = 12_000


@dataclass(frozen=True)
class Reading(Generic[T]):
    """A reply as a value; ``repaired`` when it did not say exactly that."""

    value: T
    repaired: bool = False


def read_reply(text: str, schema: type[T], kind: ReplyKind, *, finish_reason: str = "stop") -> Reading[T]:
    """Read ``text`` into ``schema``.

    ``finish_reason`` is the provider's: a verdict that was cut off is refused even when it happens to parse, a
    creative reply only when it doesn't.
    """
    if len(text.encode("utf-8", "replace")) > MAX_REPLY_BYTES:
        raise ReplyError(f"the reply is larger than {MAX_REPLY_BYTES} bytes", "too_large")
    cut_off = finish_reason in CUT_OFF
    if cut_off and kind == "verdict":
        raise ReplyError(f"the reply was cut off (finish reason {finish_reason})", "truncated")
    # Reasoning models think aloud first, in a block that may hold drafts of the object.
    text = _THINKING.sub("", text, count=1).lstrip("\ufeff").strip()
    if not text:
        raise ReplyError("the reply is empty", "empty")
    if kind == "verdict":
        return Reading(_read_verdict(text, schema))
    try:
        return _read_creative(text, schema)
    except ReplyError as error:
        if cut_off:
            raise ReplyError(f"the reply was cut off (finish reason {finish_reason})", "truncated") from error
        raise


def correction(error: ReplyError, previous: str) -> list[dict[str, str]]:
    """The two messages that show a model its reply and what is wrong with it."""
    shown = previous if len(previous) <= _SHOWN_REPLY_CHARS else previous[:_SHOWN_REPLY_CHARS] + "\n[shortened]"
    return [
        {"role": "assistant", "content": shown or "(nothing)"},
        {
            "role": "user",
            "content": (
                f"That reply could not be used: {error}. Answer the original request again, in full. Reply with one "
                "JSON object of the required shape and nothing else: no remarks before or after it, no code fence, "
                "every required field present, no field that was not asked for, no field twice."
            ),
        },
    ]


def _read_verdict(text: str, schema: type[T]) -> T:
    spans = _objects(text)
    if len(spans) > 1:
        raise ReplyError("the reply holds several objects, and it is not clear which one counts", "several_objects")
    start, end = spans[0]
    if _BRACKETS.search(text[:start]) or _BRACKETS.search(text[end:]):
        raise ReplyError("there are brackets around the object", "surrounding_text")
    value = _parse(text[start:end])
    if _unprintable(value):
        raise ReplyError("a string holds a character that cannot be stored", "not_json")
    return _validate(value, schema, strict=True)


def _read_creative(text: str, schema: type[T]) -> Reading[T]:
    fault: ReplyError | None = None
    fitting: list[T] = []
    spans = _objects(text, complete=False)
    mended = bool(spans) and bool(_BRACKETS.search(text[: spans[0][0]] + text[spans[-1][1] :]))
    for start, end in spans:
        try:
            value = _parse(text[start:end])
            mended = mended or _unprintable(value)
            fitting.append(_validate(_printable(value), schema))
        except ReplyError as error:
            # A key twice or a number that is none leaves a choice which only the model can make.
            if error.fault in {"duplicate_key", "not_finite"}:
                raise
            fault = fault or error
    if fitting:
        # Of several complete objects the last is the one that the model settled on.
        return Reading(fitting[-1], repaired=mended or len(spans) > 1)
    if fault is not None and fault.fault == "wrong_shape" and len(spans) == 1:
        # It is good JSON; mending it further would invent content.
        raise fault
    return Reading(_validate(_printable(_repair(text)), schema), repaired=True)


def _objects(text: str, *, complete: bool = True) -> list[tuple[int, int]]:
    """Spans of the outermost objects in ``text``.

    With ``complete`` an object that never ends is an error, otherwise it is left out. Raises for missing objects only
    with ``complete``, for excessive depth always.
    """
    spans: list[tuple[int, int]] = []
    position = 0
    unfinished = False
    for _ in range(_MAX_CANDIDATES):
        start = text.find("{", position)
        if start < 0:
            break
        end = _end_of(text, start)
        if end is None:
            unfinished = True
            # In prose a lone brace may stand before the object.
            position = start + 1
            if complete:
                break
        else:
            spans.append((start, end))
            position = end
    else:
        raise ReplyError(f"the reply holds more than {_MAX_CANDIDATES} objects", "several_objects")
    if complete:
        if unfinished:
            raise ReplyError("the object has no end", "truncated")
        if not spans:
            raise ReplyError("the reply holds no JSON object", "no_object")
    return spans


def _end_of(text: str, start: int) -> int | None:
    """Index after the object that begins at ``start``, or None when it never ends. Linear, without recursion."""
    depth = 0
    in_string = False
    escaped = -1
    for match in _STRUCTURE.finditer(text, start):
        at, mark = match.start(), match.group()
        if in_string:
            if at == escaped:
                continue
            if mark == "\\":
                escaped = at + 1
            elif mark == '"':
                in_string = False
        elif mark == '"':
            in_string = True
        elif mark in "{[":
            depth += 1
            if depth > MAX_DEPTH:
                raise ReplyError(f"the reply is nested more than {MAX_DEPTH} levels deep", "too_deep")
        elif mark in "}]":
            depth -= 1
            if depth == 0:
                return at + 1
    return None


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ReplyError(f"the key {_short(key)} appears twice", "duplicate_key")
        found[key] = value
    return found


def _not_a_number(name: str) -> NoReturn:
    raise ReplyError(f"{name} is not a JSON number", "not_finite")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ReplyError("a number is too large", "not_finite")
    return value


def _parse(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_no_twins, parse_constant=_not_a_number, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise ReplyError(f"the reply is not valid JSON: {error.msg} at character {error.pos}", "not_json") from None
    except (ValueError, RecursionError):
        raise ReplyError("the reply is not valid JSON", "not_json") from None


def _repair(text: str) -> Any:
    if len(text.encode("utf-8", "replace")) > MAX_REPAIR_BYTES:
        raise ReplyError(f"the reply is damaged and larger than {MAX_REPAIR_BYTES} bytes", "too_large")
    # Broken strings hide what is inside and outside of them, so every bracket counts here.
    depth = deepest = 0
    for match in _BRACKETS.finditer(text):
        depth = depth + 1 if match.group() in "{[" else max(0, depth - 1)
        deepest = max(deepest, depth)
    if deepest > MAX_DEPTH:
        raise ReplyError(f"the reply is nested more than {MAX_DEPTH} levels deep", "too_deep")
    start = text.find("{")
    if start < 0:
        raise ReplyError("the reply holds no JSON object", "no_object")
    if '"' not in text:
        text = text.translate(_TYPOGRAPHIC)
    try:
        # Elsewhere, under limits: some texts take the repairer minutes.
        value = shared_sandbox().repair(text[start:])
    except SandboxError as error:
        raise ReplyError(f"the reply could not be repaired: {error}", "not_json") from None
    if isinstance(value, list):
        # Several pieces: mending cannot know which of them counts.
        objects = [item for item in value if isinstance(item, dict)]
        if len(objects) != 1:
            raise ReplyError("the damaged reply holds several objects", "several_objects")
        value = objects[0]
    if not isinstance(value, dict) or not value:
        raise ReplyError("the reply holds no JSON object", "no_object")
    return value


def _check_finite(value: Any) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise ReplyError("a number is not finite", "not_finite")
    if isinstance(value, dict):
        for item in value.values():
            _check_finite(item)
    elif isinstance(value, list):
        for item in value:
            _check_finite(item)


_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def _unprintable(value: Any) -> bool:
    """Whether any string holds NUL or half of a surrogate pair, which neither Postgres nor Parquet can store."""
    if isinstance(value, str):
        return bool(_UNSTORABLE.search(value))
    if isinstance(value, dict):
        return any(_unprintable(key) or _unprintable(item) for key, item in value.items())
    return isinstance(value, list) and any(_unprintable(item) for item in value)


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_printable(key): _printable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_printable(item) for item in value]
    return value


def _validate(value: Any, schema: type[T], *, strict: bool = False) -> T:
    try:
        # Through JSON, because strict mode then still takes a date from its text and an int for a float.
        valid = schema.model_validate_json(json.dumps(value), strict=strict or None)
    except ValidationError as error:
        # The message names places and rules, never the offending values: it goes into logs.
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        told = [f"{_short('.'.join(map(str, item['loc'])) or 'reply')}: {item['msg']}" for item in faults]
        more = f" (and {len(told) - _SHOWN_ERRORS} more)" if len(told) > _SHOWN_ERRORS else ""
        message = f"it does not fit {schema.__name__}: {'; '.join(told[:_SHOWN_ERRORS])}{more}"
    except (ValueError, RecursionError):
        message = f"it does not fit {schema.__name__}"
    else:
        # A text such as "NaN", or one of thousands of digits, becomes a number only here.
        _check_finite(valid.model_dump())
        return valid
    raise ReplyError(message, "wrong_shape")


def _short(text: str) -> str:
    text = _printable(text)
    return repr(text if len(text) <= 60 else text[:59] + "…").strip("'")
