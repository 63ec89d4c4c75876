"""Numbers of prompts: ``P-NNNN-YYYYMMDD``, counted over a local day across all its batches."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_PROMPT_ID = re.compile(r"P-(\d{4,})-(\d{4})(\d{2})(\d{2})")
_TRIES = 8


@dataclass(frozen=True)
class PromptId:
    """The number of a look over its local day."""

    day: date
    number: int

    def __str__(self) -> str:
        """Four digits, more when the day is that full."""
        return f"P-{self.number:04d}-{self.day:%Y%m%d}"

    @property
    def look_id(self) -> str:
        """Id of the look that has this number."""
        return f"{self.day.isoformat()}-{self.number:04d}"

    @classmethod
    def parse(cls, text: str) -> PromptId:
        """The number and day of a prompt id; raises ValueError for anything else."""
        match = _PROMPT_ID.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is no prompt id such as P-0001-20260504")
        number, year, month, day = (int(part) for part in match.groups())
        found = cls(date(year, month, day), number)
        if number < 1 or str(found) != text:
            raise ValueError(f"{text!r} is no prompt id such as P-0001-20260504")
        return found


def local_day(at: datetime, time_zone: str) -> date:
    """The lab's local day at a point in time; ``at`` carries its own zone (raises ValueError when it has none)."""
    if at.tzinfo is None:
        raise ValueError("a point in time needs its zone")
    return at.astimezone(ZoneInfo(time_zone)).date()


def allocate(session: Session, day: date, count: int, batch_id: str, *, floor: int = 0) -> list[PromptId]:
    """The next ``count`` numbers of ``day`` for a batch, in order and without a gap.

    The first is the highest of the day + 1; ``floor`` is the highest number known from elsewhere (manifests whose
    allocation was lost). Batches of a day wait for one another, and a unique constraint refuses a number that a
    writer without the lock took meanwhile; then the next numbers are tried. The batch's row must exist.
    """
    from sqlalchemy import func, insert, select, text
    from sqlalchemy.exc import IntegrityError

    from creative_lab.state.models import LookPromptId

    if count < 1:
        return []
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": f"look_prompt_ids:{day.isoformat()}"}
    )
    for attempt in range(_TRIES):
        highest = session.scalar(select(func.max(LookPromptId.number)).where(LookPromptId.local_date == day)) or 0
        first = max(highest, floor) + 1
        ids = [PromptId(day, number) for number in range(first, first + count)]
        rows = [{"prompt_id": str(one), "local_date": day, "number": one.number, "batch_id": batch_id} for one in ids]
        try:
            with session.begin_nested():
                session.execute(insert(LookPromptId), rows)
        except IntegrityError as error:
            if getattr(error.orig, "pgcode", None) != "23505" or attempt == _TRIES - 1:
                raise
            continue
        return ids
    raise AssertionError("unreachable")
