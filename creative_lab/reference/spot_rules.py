"""The rules of a TV spot file: a pure check of untrusted JSON that finds every fault at once."""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from creative_lab.reference.hidden_text import control_characters, strip_hidden
from creative_lab.reference.problems import Problem
from creative_lab.state.models import SLUG_PATTERN

MAX_ROWS = 500
MAX_RUNTIME_S = 3600
MAX_TEXT = 20_000
DEFAULT_LANGUAGE = "en-US"
IMPORT_HINT = "import the reference data first (creative-lab import data/reference)"

_TIMECODE = re.compile(r"([0-9]{2}):([0-5][0-9]):([0-5][0-9])(?::([0-5][0-9])|\.([0-9]{3}))")
_FIELDS = {
    "client_name",
    "script_title",
    "total_runtime_seconds",
    "job_id",
    "script_rows",
    "brand_name",
    "brand_code",
    "product_name",
    "language",
    "notes",
    "spot_key",
    "visual_style_prompt",
}
_ROW_FIELDS = {"visual_text", "audio_text", "shot_number", "timecode_start", "duration_seconds"}


@dataclass(frozen=True)
class Row:
    """One checked script row."""

    shot_number: str
    timecode_start: str | None
    duration_seconds: float | None
    visual_text: str
    audio_text: str


@dataclass(frozen=True)
class Spot:
    """A checked spot."""

    client_name: str
    script_title: str
    total_runtime_seconds: int
    job_id: str
    spot_key: str
    language: str
    rows: tuple[Row, ...]
    brand_code: str | None = None
    brand_name: str = ""
    product_name: str = ""
    notes: str = ""
    visual_style_prompt: str = ""


@dataclass(frozen=True)
class Known:
    """What the database knows; spot files are checked against it."""

    languages: frozenset[str] = frozenset()
    brands: Mapping[str, str] = field(default_factory=dict)
    """Code to name."""
    job_ids: frozenset[str] = frozenset()
    spot_keys: frozenset[str] = frozenset()


@dataclass
class Verdict:
    """The spot (None when anything is wrong), all problems, and what a person should look at."""

    spot: Spot | None
    problems: list[Problem]
    warnings: list[str]


def check_spot(raw: Any, file: str, known: Known) -> Verdict:
    """Check the JSON value of a spot file against every rule; never raises on bad input."""
    return _Check(raw, file, known).verdict()


def timecode_parts(timecode: str) -> tuple[int, int | None, int | None] | None:
    """Whole seconds, frame and millisecond of ``HH:MM:SS:FF`` or ``HH:MM:SS.mmm``; None for anything else."""
    match = _TIMECODE.fullmatch(timecode)
    if match is None:
        return None
    hours, minutes, seconds, frame, milliseconds = match.groups()
    whole = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    return whole, int(frame) if frame else None, int(milliseconds) if milliseconds else None


def slug_of(text: str) -> str:
    """A partition key from any text: ASCII letters and digits joined by hyphens, or a hash when there are none."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_text).strip("-")[:64].rstrip("-")
    return slug or f"spot-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


class _Check:
    def __init__(self, raw: Any, file: str, known: Known) -> None:
        self.raw = raw
        self.file = file
        self.known = known
        self.problems: list[Problem] = []
        self.warnings: list[str] = []

    def verdict(self) -> Verdict:
        if not isinstance(self.raw, dict):
            self._problem("must hold one object with the fields of a spot")
            return Verdict(None, self.problems, self.warnings)
        raw = self.raw
        self._warn_of_unknown(raw, _FIELDS, "")
        client_name = self._text(raw, "client_name", 200, required=True)
        script_title = self._text(raw, "script_title", 200, required=True)
        runtime = self._runtime(raw)
        job_id = self._text(raw, "job_id", 100, required=True)
        if job_id and job_id in self.known.job_ids:
            self._problem(f"the job {job_id!r} has been imported already", "", "job_id")
        language = self._language(raw)
        brand_code, brand_name = self._brand(raw)
        product_name = self._text(raw, "product_name", 200)
        notes = self._text(raw, "notes", MAX_TEXT, lines=True)
        style = self._text(raw, "visual_style_prompt", MAX_TEXT, lines=True)
        spot_key = self._spot_key(raw, job_id)
        rows = self._rows(raw)
        self._timing(rows, runtime)
        if self.problems or runtime is None:
            return Verdict(None, self.problems, self.warnings)
        spot = Spot(
            client_name=client_name,
            script_title=script_title,
            total_runtime_seconds=runtime,
            job_id=job_id,
            spot_key=spot_key,
            language=language,
            rows=tuple(row for row in rows if row is not None),
            brand_code=brand_code,
            brand_name=brand_name,
            product_name=product_name,
            notes=notes,
            visual_style_prompt=style,
        )
        return Verdict(spot, [], self.warnings)

    def _problem(self, message: str, place: str = "", name: str = "") -> None:
        self.problems.append(Problem(self.file, message, place, name))

    def _warn(self, message: str, place: str = "", name: str = "") -> None:
        self.warnings.append(str(Problem(self.file, message, place, name)))

    def _warn_of_unknown(self, item: dict[str, Any], known: set[str], place: str) -> None:
        for name in item:
            if name not in known:
                self._warn(f"unknown field {name[:60]!r} is ignored", place)

    def _text(
        self,
        item: dict[str, Any],
        name: str,
        longest: int,
        *,
        required: bool = False,
        lines: bool = False,
        place: str = "",
    ) -> str:
        """The trimmed text of a field, empty when it is absent or wrong."""
        value = item.get(name)
        if value is None:
            if required:
                self._problem("is missing", place, name)
            return ""
        if not isinstance(value, str):
            self._problem(f"must be a text, not {_kind(value)}", place, name)
            return ""
        text, removed = strip_hidden(value.replace("\r\n", "\n"))
        if removed:
            self._warn(f"invisible characters were removed ({', '.join(removed)})", place, name)
        text = text.strip()
        if controls := control_characters(text, lines=lines):
            self._problem(f"contains control characters ({', '.join(controls)})", place, name)
            return ""
        if required and not text:
            self._problem("is empty", place, name)
        if len(text) > longest:
            self._problem(f"is longer than {longest:,} characters", place, name)
            return ""
        return text

    def _runtime(self, raw: dict[str, Any]) -> int | None:
        name = "total_runtime_seconds"
        value = raw.get(name)
        if value is None:
            self._problem("is missing", "", name)
        elif isinstance(value, bool) or not isinstance(value, int):
            shown = "" if isinstance(value, list | dict) else f" ({value!r})"[:60]
            self._problem(f"must be a whole number of seconds, not {_kind(value)}{shown}", "", name)
        elif value <= 0:
            self._problem("must be greater than 0", "", name)
        elif value > MAX_RUNTIME_S:
            self._problem(f"must be at most {MAX_RUNTIME_S}", "", name)
        else:
            return value
        return None

    def _language(self, raw: dict[str, Any]) -> str:
        if raw.get("language") is None:
            language = DEFAULT_LANGUAGE
        else:
            before = len(self.problems)
            language = self._text(raw, "language", 50, required=True)
            if len(self.problems) > before:
                return ""
        if language not in self.known.languages:
            self._problem(f"unknown language {language!r}; {IMPORT_HINT}", "", "language")
        return language

    def _brand(self, raw: dict[str, Any]) -> tuple[str | None, str]:
        code = self._text(raw, "brand_code", 50)
        name = self._text(raw, "brand_name", 200)
        if code:
            if code not in self.known.brands:
                self._problem(f"unknown brand {code!r}; {IMPORT_HINT}", "", "brand_code")
                return None, name
            if name and name.casefold() != self.known.brands[code].casefold():
                self._warn(f"the brand {code!r} is called {self.known.brands[code]!r}", "", "brand_name")
            return code, name or self.known.brands[code]
        if not name:
            return None, ""
        if name in self.known.brands:
            return name, self.known.brands[name]
        found = [key for key, known in self.known.brands.items() if known.casefold() == name.casefold()]
        if len(found) == 1:
            return found[0], name
        reason = f"several brands are called {name!r}" if found else f"no brand is called {name!r}"
        self._warn(f"{reason}: kept as a plain name, without guidelines", "", "brand_name")
        return None, name

    def _spot_key(self, raw: dict[str, Any], job_id: str) -> str:
        given = self._text(raw, "spot_key", MAX_TEXT)
        if given:
            if not re.fullmatch(SLUG_PATTERN, given):
                self._problem(f"must match {SLUG_PATTERN} (got {given[:80]!r})", "", "spot_key")
            elif given in self.known.spot_keys:
                self._problem(f"the key {given!r} is taken by another spot", "", "spot_key")
            return given
        key = slug_of(job_id)
        if key in self.known.spot_keys:
            key = f"{key[:51]}-{hashlib.sha256(job_id.encode()).hexdigest()[:12]}"
        return key

    def _rows(self, raw: dict[str, Any]) -> list[Row | None]:
        value = raw.get("script_rows")
        if value is None:
            self._problem("is missing", "", "script_rows")
        elif not isinstance(value, list):
            self._problem(f"must be a list of rows, not {_kind(value)}", "", "script_rows")
        elif not value:
            self._problem("must have at least one row", "", "script_rows")
        elif len(value) > MAX_ROWS:
            self._problem(f"has {len(value)} rows; at most {MAX_ROWS} are allowed", "", "script_rows")
        else:
            return [self._row(item, index) for index, item in enumerate(value)]
        return []

    def _row(self, item: Any, index: int) -> Row | None:
        place = f"row {index}"
        if not isinstance(item, dict):
            self._problem(f"must be an object, not {_kind(item)}", place)
            return None
        self._warn_of_unknown(item, _ROW_FIELDS, place)
        return Row(
            shot_number=self._shot_number(item, index),
            timecode_start=self._timecode(item, place),
            duration_seconds=self._duration(item, place),
            visual_text=self._text(item, "visual_text", MAX_TEXT, required=True, lines=True, place=place),
            audio_text=self._text(item, "audio_text", MAX_TEXT, required=True, lines=True, place=place),
        )

    def _shot_number(self, item: dict[str, Any], index: int) -> str:
        value = item.get("shot_number")
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10_000:
            return f"{value:02d}"
        return self._text(item, "shot_number", 20, place=f"row {index}") or f"{index + 1:02d}"

    def _timecode(self, item: dict[str, Any], place: str) -> str | None:
        text = self._text(item, "timecode_start", MAX_TEXT, place=place)
        if not text:
            return None
        if timecode_parts(text) is None:
            self._problem(f"must be HH:MM:SS:FF or HH:MM:SS.mmm (got {text[:40]!r})", place, "timecode_start")
            return None
        return text

    def _duration(self, item: dict[str, Any], place: str) -> float | None:
        value = item.get("duration_seconds")
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._problem(f"must be a number of seconds, not {_kind(value)}", place, "duration_seconds")
        elif not 0 <= value <= MAX_RUNTIME_S or not math.isfinite(value):
            self._problem(f"must be between 0 and {MAX_RUNTIME_S}", place, "duration_seconds")
        else:
            return float(value)
        return None

    def _timing(self, rows: Sequence[Row | None], runtime: int | None) -> None:
        """Timecodes never go back (an error); durations and timecodes stay within the runtime (a warning)."""
        last: tuple[int, int | None, int | None] | None = None
        first: int | None = None
        for index, row in enumerate(rows):
            if row is None or row.timecode_start is None:
                continue
            now = timecode_parts(row.timecode_start)
            assert now is not None
            if last is not None and _is_before(now, last):
                self._problem(
                    f"{row.timecode_start} is before the timecode of an earlier row", f"row {index}", "timecode_start"
                )
            else:
                last = now
            # Programmes often start at 01:00:00:00 or 10:00:00:00: only the distance counts.
            first = now[0] if first is None else first
            if runtime is not None and now[0] - first >= runtime:
                self._warn(
                    f"{row.timecode_start} is after the end of the spot ({runtime} s)", f"row {index}", "timecode_start"
                )
        total = math.fsum(row.duration_seconds or 0.0 for row in rows if row is not None)
        if runtime is not None and total > runtime + 1e-6:
            self._warn(f"the durations of the rows add up to {total:g} s, the spot has {runtime} s", "", "script_rows")


def _is_before(now: tuple[int, int | None, int | None], last: tuple[int, int | None, int | None]) -> bool:
    if now[0] != last[0]:
        return now[0] < last[0]
    # Frames and milliseconds of one second cannot be compared without the frame rate.
    for new, old in zip(now[1:], last[1:], strict=True):
        if new is not None and old is not None:
            return new < old
    return False


def _kind(value: Any) -> str:
    names = {bool: "a truth value", int: "a number", float: "a number", str: "a text", list: "a list"}
    return names.get(type(value), "an object" if isinstance(value, dict) else "null")
