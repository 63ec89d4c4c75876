"""World Values Survey: country averages from a CSV that the user supplies, as profiles and as insights.

The survey's data may not be redistributed: get it from worldvaluessurvey.org under its own terms. The CSV has one
line per country and wave, with the columns of :data:`COLUMNS`. Headings made here carry :data:`PREFIX`, so a second
import replaces its own blocks and leaves those that people wrote.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from creative_lab.reference.country_codes import alpha2
from creative_lab.reference.problems import ImportFailed, Problem
from creative_lab.state.models import Country, WVSProfile

PREFIX = "World Values Survey: "
"""Start of every heading that this import owns."""

AXES = ("traditional_secular", "survival_self_expression")
"""Factor scores of the Inglehart–Welzel cultural map, about −2.5 to 2.5."""
SHARES = ("interpersonal_trust", "tolerance", "gender_equality", "civic_participation")
"""Shares of respondents, 0 to 1."""
COLUMNS = ("country", "wave", *AXES, *SHARES)
MAX_CSV_BYTES = 5_000_000


@dataclass(frozen=True)
class Line:
    """The averages of one country in one wave; None where the survey did not ask."""

    country: str
    wave: int
    values: dict[str, float | None]


@dataclass(frozen=True)
class WVSReport:
    """What an import did, or would do."""

    updated: tuple[str, ...]
    unchanged: tuple[str, ...]
    skipped: tuple[str, ...]
    """Countries of the file that the reference data does not have."""
    dry_run: bool

    def __str__(self) -> str:
        would = "would be " if self.dry_run else ""
        return (
            f"{len(self.updated)} countries {would}updated, {len(self.unchanged)} unchanged, "
            f"{len(self.skipped)} not in the reference data" + (f" ({', '.join(self.skipped)})" if self.skipped else "")
        )


def import_wvs(session: Session, file: Path, dry_run: bool = False) -> WVSReport:
    """Write the newest wave of every known country of ``file`` to its profile and insights.

    Inside the caller's transaction; every fault of the file is reported together as :class:`ImportFailed`, and then
    nothing is written.
    """
    newest: dict[str, Line] = {}
    for line in read_wvs(file):
        if line.country not in newest or newest[line.country].wave < line.wave:
            newest[line.country] = line
    countries = {country.code: country for country in session.scalars(select(Country))}
    profiles = {profile.country_id: profile for profile in session.scalars(select(WVSProfile))}
    updated, unchanged = [], []
    for code, line in sorted(newest.items()):
        if code not in countries:
            continue
        country = countries[code]
        insights = replace_blocks(country.insights, blocks_of(line))
        profile = profiles.get(country.id)
        values: dict[str, Any] = {"wave": line.wave, **line.values}
        if (
            profile is not None
            and insights == country.insights
            and all(getattr(profile, name) == value for name, value in values.items())
        ):
            unchanged.append(code)
            continue
        updated.append(code)
        if dry_run:
            continue
        country.insights = insights
        if profile is None:
            session.add(WVSProfile(country_id=country.id, **values))
        else:
            for name, value in values.items():
                setattr(profile, name, value)
    session.flush()
    skipped = tuple(sorted(set(newest) - set(countries)))
    return WVSReport(tuple(updated), tuple(unchanged), skipped, dry_run)


def read_wvs(file: Path) -> list[Line]:
    """The lines of a CSV (comma or semicolon, UTF-8); raises ImportFailed with every fault found."""
    file = Path(file)
    try:
        data = file.read_bytes() if file.stat().st_size <= MAX_CSV_BYTES else None
        text = data.decode("utf-8-sig") if data is not None else None
    except FileNotFoundError:
        raise ImportFailed([Problem(file.name, f"file not found: {file}")]) from None
    except UnicodeDecodeError as error:
        raise ImportFailed([Problem(file.name, "the file is not UTF-8")]) from error
    if text is None:
        raise ImportFailed(
            [Problem(file.name, f"the file is larger than {MAX_CSV_BYTES:,} bytes; it must hold one line per country")]
        )
    header = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=";" if ";" in header else ",", strict=True)
    columns = [name.strip() for name in reader.fieldnames or []]
    if missing := [name for name in COLUMNS if name not in columns]:
        raise ImportFailed(
            [Problem(file.name, f"missing columns: {', '.join(missing)} (needed: {', '.join(COLUMNS)})")]
        )
    reader.fieldnames = columns
    problems: list[Problem] = []
    lines: list[Line] = []
    seen: dict[tuple[str, int], int] = {}
    try:
        for row in reader:
            number = reader.line_num
            line = _line(row, file.name, number, problems)
            if line is None:
                continue
            key = (line.country, line.wave)
            if key in seen:
                message = f"{line.country} has wave {line.wave} in line {seen[key]} already"
                problems.append(Problem(file.name, message, f"line {number}"))
            seen.setdefault(key, number)
            lines.append(line)
    except csv.Error as error:
        problems.append(Problem(file.name, f"malformed CSV: {error}", f"line {reader.line_num}"))
    if not lines and not problems:
        problems.append(Problem(file.name, "holds no line of data"))
    if problems:
        raise ImportFailed(problems)
    return lines


def _line(row: dict[str, str | None], file: str, number: int, problems: list[Problem]) -> Line | None:
    before = len(problems)

    def wrong(column: str, message: str) -> None:
        problems.append(Problem(file, message, f"line {number}", column))

    given = (row["country"] or "").strip()
    country = alpha2(given)
    if country is None:
        wrong("country", f"is no ISO 3166-1 country code (got {given!r})")
    wave_text = (row["wave"] or "").strip()
    wave = int(wave_text) if wave_text.isascii() and wave_text.isdigit() and len(wave_text) <= 2 else 0
    if not 1 <= wave <= 20:
        wrong("wave", f"must be a whole number from 1 to 20 (got {wave_text!r})")
    values: dict[str, float | None] = {}
    for column in (*AXES, *SHARES):
        cell = (row[column] or "").strip()
        low, high = (-5.0, 5.0) if column in AXES else (0.0, 1.0)
        try:
            value = float(cell) if cell else None
        except ValueError:
            wrong(column, f"must be a number (got {cell!r})")
            continue
        if value is not None and not (math.isfinite(value) and low <= value <= high):
            wrong(column, f"must be between {low:g} and {high:g} (got {cell!r})")
        values[column] = value
    if len(problems) > before or country is None:
        return None
    return Line(country, wave, values)


def blocks_of(line: Line) -> list[dict[str, Any]]:
    """The averages as insight blocks that a planner can read; figures that are missing are left out."""
    values = line.values
    position = [
        text
        for text in (
            _axis(values["traditional_secular"], "Traditional to secular-rational", "traditional", "secular-rational"),
            _axis(values["survival_self_expression"], "Survival to self-expression", "survival", "self-expression"),
        )
        if text
    ]
    people = [
        text
        for text in (
            _share(values["interpersonal_trust"], "say that most people can be trusted"),
            _share(values["tolerance"], "would accept all the groups asked about as neighbours"),
            _share(values["gender_equality"], "see women and men as equally fit for work, study and office"),
            _share(values["civic_participation"], "have signed a petition, boycotted or demonstrated"),
        )
        if text
    ]
    note = f"Averages of wave {line.wave}: they describe a country, never a person"
    return [
        {"heading": f"{PREFIX}{title}", "points": [*points, note]}
        for title, points in (("place on the cultural map", position), ("trust, tolerance and taking part", people))
        if points
    ]


def _axis(value: float | None, name: str, low: str, high: str) -> str:
    if value is None:
        return ""
    leaning = "in between" if abs(value) < 0.5 else f"leaning {high if value > 0 else low}"
    return f"{name}: {value:+.2f}, {leaning}"


def _share(value: float | None, what: str) -> str:
    return "" if value is None else f"{round(value * 100)} % {what}"


def is_own_block(block: dict[str, Any]) -> bool:
    """Whether a block was made by this import."""
    return str(block.get("heading", "")).startswith(PREFIX)


def replace_blocks(insights: Sequence[dict[str, Any]], own: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """``insights`` with its own blocks exchanged for ``own``, which come last; all others stay as they are."""
    return [*(block for block in insights if not is_own_block(block)), *own]
