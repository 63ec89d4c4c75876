"""Grades of looks and garments: recording them once, and which of them count.

A grade is only ever added. The same grader, item and sitting is the same grade: giving it again changes nothing, giving
another one is refused, because a changed opinion belongs to a new sitting. Of one grader and item the latest counts.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from creative_lab.lake.schemas import STAMPS, table_frame
from creative_lab.lake.tables import TableStore
from creative_lab.looks import prompt_ids
from creative_lab.looks.tables import LookGrades, LookManifests
from creative_lab.settings import Settings
from creative_lab.state.models import Grade

CSV_COLUMNS = ("look_id", "garment_id", "score", "note", "tags", "grader", "sitting", "graded_at", "render_no")
_REQUIRED = ("look_id", "score")
_LONGEST = {"look_id": 64, "garment_id": 64, "grader": 200, "sitting": 100, "note": 4000}


class GradeError(ValueError):
    """A grade cannot be taken; the message names the row and field, and nothing was stored."""


@dataclass(frozen=True)
class NewGrade:
    """A grade as it is given."""

    look_id: str
    score: int
    grader: str
    sitting: str
    graded_at: datetime
    garment_id: str | None = None
    note: str = ""
    tags: tuple[str, ...] = ()
    render_no: int | None = None
    instance: int | None = None

    @property
    def item(self) -> str:
        """What is graded: the look, or a garment in it."""
        return f"{self.look_id}/{self.garment_id}" if self.garment_id else self.look_id

    @property
    def grade_id(self) -> str:
        """The same for the same grader, item and sitting."""
        text = "\x1f".join((self.grader, self.item, self.sitting))
        return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Recorded:
    """How many grades were new, and how many were known already."""

    added: int
    known: int


def local_day(settings: Settings, moment: datetime) -> date:
    """The lab's local day of a moment."""
    return prompt_ids.local_day(moment, settings.time_zone)


def record(settings: Settings, session: Session, grades: Iterable[NewGrade]) -> Recorded:
    """Add grades, all or none; those that are there already are counted as known.

    Raises :class:`GradeError` for a look or garment that was never dealt, a score outside 1 to 5, or a grader who
    gave the item another grade in the same sitting.
    """
    new = list(grades)
    dealt = _dealt(settings, {grade.look_id for grade in new})
    added = 0
    for number, grade in enumerate(new, start=1):
        _check(grade, dealt, f"grade {number}")
        values = {
            "grade_id": grade.grade_id,
            "item": grade.item,
            "item_kind": "garment" if grade.garment_id else "look",
            "look_id": grade.look_id,
            "render_no": grade.render_no,
            "garment_id": grade.garment_id,
            "instance": grade.instance,
            "score": grade.score,
            "note": grade.note,
            "tags": list(grade.tags),
            "grader": grade.grader,
            "sitting": grade.sitting,
            "graded_on": local_day(settings, grade.graded_at),
            "graded_at": grade.graded_at,
        }
        statement = insert(Grade).values(**values).on_conflict_do_nothing().returning(Grade.grade_id)
        if session.execute(statement).scalar() is not None:
            added += 1
            continue
        there = session.get_one(Grade, grade.grade_id)
        if (there.score, there.note, there.tags) != (grade.score, grade.note, list(grade.tags)):
            raise GradeError(
                f"grade {number}: {grade.grader} gave {grade.item} another grade in sitting {grade.sitting!r} "
                f"({there.score}); a changed opinion needs a sitting of its own"
            )
    return Recorded(added, len(new) - added)


def read_csv(data: bytes, *, grader: str = "", now: datetime | None = None) -> list[NewGrade]:
    """Grades of a CSV file (UTF-8, with a header). Columns look_id and score are required.

    Without a column ``sitting`` the file is a sitting, named by its content: importing it twice adds nothing. Without
    ``graded_at`` the grades are of ``now``. Tags are separated by semicolons. Raises :class:`GradeError` naming row
    and field.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise GradeError(f"the file is not UTF-8: {error}") from None
    reader = csv.DictReader(io.StringIO(text))
    columns = reader.fieldnames or []
    missing = [name for name in _REQUIRED if name not in columns]
    unknown = [name for name in columns if name not in CSV_COLUMNS]
    if missing or unknown:
        problem = (
            f"missing column {', '.join(missing)}" if missing else f"unknown column {', '.join(map(str, unknown))}"
        )
        raise GradeError(f"{problem}; the columns are {', '.join(CSV_COLUMNS)}")
    sitting = f"csv-{hashlib.sha256(data).hexdigest()[:12]}"
    moment = now or datetime.now(UTC)
    return [_from_row(row, number, grader, sitting, moment) for number, row in enumerate(reader, start=2)]


def _from_row(row: dict[str, Any], number: int, grader: str, sitting: str, moment: datetime) -> NewGrade:
    if None in row or None in row.values():
        raise GradeError(f"row {number}: it has not as many fields as the header")
    value = {name: (row.get(name) or "").strip() for name in CSV_COLUMNS}
    try:
        score = int(value["score"])
        render_no = int(value["render_no"]) if value["render_no"] else None
        at = datetime.fromisoformat(value["graded_at"]) if value["graded_at"] else moment
    except ValueError as error:
        raise GradeError(f"row {number}: {error}") from None
    if at.tzinfo is None:
        raise GradeError(f"row {number}: graded_at {value['graded_at']!r} has no time zone, such as +01:00")
    given = NewGrade(
        look_id=value["look_id"],
        score=score,
        grader=value["grader"] or grader,
        sitting=value["sitting"] or sitting,
        graded_at=at,
        garment_id=value["garment_id"] or None,
        note=value["note"],
        tags=tuple(tag.strip() for tag in value["tags"].split(";") if tag.strip()),
        render_no=render_no,
    )
    _check(given, None, f"row {number}")
    return given


def _check(grade: NewGrade, dealt: dict[str, set[str]] | None, where: str) -> None:
    if not 1 <= grade.score <= 5:
        raise GradeError(f"{where}: score {grade.score} is not 1 to 5")
    for name, longest in _LONGEST.items():
        text = getattr(grade, name) or ""
        if (not text.strip() and name in {"look_id", "grader", "sitting"}) or len(text) > longest or "\x00" in text:
            raise GradeError(f"{where}: {name} must be a text of 1 to {longest} characters, not {text[:40]!r}")
    if dealt is None:
        return
    if grade.look_id not in dealt:
        raise GradeError(f"{where}: there is no look {grade.look_id!r}")
    if grade.garment_id and grade.garment_id not in dealt[grade.look_id]:
        garments = ", ".join(sorted(dealt[grade.look_id]))
        raise GradeError(f"{where}: look {grade.look_id} has no garment {grade.garment_id!r}; it has {garments}")


def _dealt(settings: Settings, looks: set[str]) -> dict[str, set[str]]:
    """Garments of each look that was dealt. A look's id begins with its day."""
    store = TableStore(settings)
    days = sorted({look[:10] for look in looks})
    there = [keys for keys in store.partitions(LookManifests) if keys["day"] in days]
    if not there:
        return {}
    rows = store.scan(LookManifests, there).filter(pl.col("look_id").is_in(sorted(looks)))
    found = rows.select("look_id", "garment_ids").collect()
    return {look: set(garments) for look, garments in found.iter_rows()}


def grades_of(session: Session, day: date) -> pl.DataFrame:
    """All grades given on a local day, with the columns of ``look_grades``."""
    query = select(Grade).where(Grade.graded_on == day).order_by(Grade.graded_at, Grade.grade_id)
    names = [name for name in LookGrades.columns() if name not in {*STAMPS, "day"}]
    rows = [
        {name: getattr(row, name) for name in names} | {"day": row.graded_on.isoformat()}
        for row in session.scalars(query)
    ]
    return table_frame(LookGrades, rows)


def counting(grades: pl.DataFrame) -> pl.DataFrame:
    """The grades that count: of each grader and item the latest."""
    keys = ["grader", "look_id", "item_kind", "garment_id"]
    return grades.sort("graded_at", "grade_id").unique(keys, keep="last", maintain_order=True)
