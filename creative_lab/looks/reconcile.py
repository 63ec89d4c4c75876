"""One tick of the reconciliation: what is missing, what is to be done about it, and the note that it was looked at."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from creative_lab.lake.events import record_event
from creative_lab.looks.claim_book import PostgresBook
from creative_lab.looks.claims import ClaimPolicy, ClaimRecord, Claims, Failure, RenderKey, Standing, Wanted
from creative_lab.looks.sweep import SweepReport, segmented_among, sweep
from creative_lab.settings import Settings
from creative_lab.state.db import session_scope
from creative_lab.state.models import LookControl

AGE_LIMIT_S = 3600.0
"""Age from which a picture without masks, that nobody was told about, is a fault of the line: six ticks."""
SWEEPER = "reconciliation"


@dataclass(frozen=True)
class Tick:
    """What a tick found."""

    at: datetime
    report: SweepReport
    standing: Standing
    settled: int
    due_by_day: dict[str, list[Wanted]] = field(default_factory=dict)
    """Pictures to be segmented now, by day, the day with the oldest first."""

    def counts(self) -> dict[str, Any]:
        """The numbers of the tick, for events and metadata."""
        return {
            "rendered": self.report.rendered,
            "segmented": self.report.segmented,
            "found": len(self.report.missing),
            "due": len(self.standing.due),
            "held": len(self.standing.held),
            "waiting": len(self.standing.later),
            "failed": len(self.standing.failed),
            "expired": self.standing.expired,
            "settled": self.settled,
            "orphans": len(self.report.orphans),
            "duplicates": len(self.report.duplicates),
            "oldest_unsegmented_s": round(self.report.oldest_age_s(self.at), 1),
            "days": self.report.days,
            "days_read": self.report.days_read,
            "sweep_ms": round(self.report.seconds * 1000, 2),
        }


@dataclass(frozen=True)
class Request:
    """A run that a tick asks for."""

    day: str
    pictures: list[RenderKey]
    run_key: str
    """Equal for equal requests of one tick, so that a tick which is evaluated twice asks once."""


def requests(
    due_by_day: Mapping[str, Sequence[Wanted]],
    versions: Mapping[str, str],
    sequence: dict[str, int],
    *,
    busy_days: Container[str] = (),
    most_days: int = 10,
    most_pictures: int = 2000,
) -> tuple[list[Request], dict[str, int]]:
    """Runs to ask for, at most so many, the days with the oldest pictures first; and the sequence for the next tick.

    A day whose masks are being made (``busy_days``) is left alone. ``versions`` are those of the days' renders: a
    re-render makes another key. ``sequence`` counts what was asked of each day, since a run that was killed before it
    could claim anything leaves the lake as it was and must be asked for again; days that are in order are dropped.
    """
    asked: list[Request] = []
    following = {day: count for day, count in sequence.items() if day in versions}
    room = most_pictures
    for day, pictures in due_by_day.items():
        if len(asked) >= most_days or room <= 0:
            break
        if day in busy_days:
            continue
        number = following[day] = following.get(day, 0) + 1
        version = hashlib.sha256(versions.get(day, "").encode()).hexdigest()[:12]
        asked.append(Request(day, [item.key for item in pictures], f"{day}:{version}:{number}"))
        room -= len(pictures)
    return asked, following


def claim_policy(settings: Settings) -> ClaimPolicy:
    """The rules of claims with the number of tries that people set."""
    with session_scope(settings) as session:
        return ClaimPolicy(most_attempts=LookControl.get_instance(session).segment_tries)


class LabClaims(Claims):
    """Claims in the lab's database that never let masks be stored twice, and note every picture that is given up.

    The lake is asked once more right before masks are stored: a worker that was killed between storing its masks and
    closing its claim leaves a picture that is segmented and looks open.
    """

    def __init__(self, settings: Settings, owner: str) -> None:
        super().__init__(PostgresBook(settings), owner, claim_policy(settings))
        self._settings = settings

    def holds(self, look_id: str, render_no: int) -> bool:
        """Whether the picture is still ours and has no masks yet."""
        key = RenderKey(look_id, render_no)
        if not super().holds(*key):
            return False
        there = segmented_among(self._settings, [(self._known[key].day, key)]) if key in self._known else []
        self.settle(there)
        return not there

    def release(
        self,
        look_id: str,
        render_no: int,
        error: str | None = None,
        *,
        kind: Failure = "attempt",
    ) -> ClaimRecord | None:
        """End a claim; a picture that was tried often enough is noted as left to a person."""
        record = super().release(look_id, render_no, error, kind=kind)
        if record is not None and record.state == "failed":
            note_failure(self._settings, record, run_id=self.owner)
        return record


def claims_of(settings: Settings, owner: str) -> LabClaims:
    """Claims in the lab's database for ``owner``, which is a run's id or a worker's name."""
    return LabClaims(settings, owner)


def look_around(settings: Settings, claims: Claims | None = None, ended: Callable[[str], bool] | None = None) -> Tick:
    """Sweep, close claims whose masks are there, charge leases that ran out, and sort what is missing.

    ``ended`` says of an owner of claims whether it is gone, as far as the caller knows: its claims end at once.
    """
    claims = claims or claims_of(settings, SWEEPER)
    # Before the sweep: masks that are stored after it are nobody's loss, those before it must not be charged.
    unfinished = claims.book.records(states=["waiting", "claimed", "failed"])
    report = sweep(settings)
    missing = {item.key for item in report.missing}
    closing = [(record.day, record.key) for record in unfinished if record.key not in missing]
    settled = claims.settle(segmented_among(settings, closing)) if closing else 0
    abandoned = claims.abandon(ended) if ended else []
    standing = claims.standing(report.missing)
    given_up = [record for record in abandoned if record.state == "failed"]
    standing = replace(
        standing,
        newly_failed=[*standing.newly_failed, *given_up],
        expired=standing.expired + len(abandoned),
    )
    due: dict[str, list[Wanted]] = {}
    for item in standing.due:
        due.setdefault(item.day, []).append(item)
    return Tick(claims.book.now(), report, standing, settled, due)


@dataclass(frozen=True)
class Backlog:
    """What a day lacks."""

    rendered: int
    missing: list[Wanted]
    """Oldest first; those given up among them."""
    failed: list[ClaimRecord]
    oldest_unsegmented_s: float
    """Age of the oldest picture without masks that nobody was told about; 0 when there is none."""


def backlog_of_day(settings: Settings, day: str) -> Backlog:
    """Pictures of one day without masks, and those of them that are left to a person."""
    book = PostgresBook(settings)
    report = sweep(settings)
    missing = [item for item in report.missing if item.day == day]
    records = book.records([item.key for item in missing], states=["failed"]) if missing else []
    given_up = {record.key for record in records}
    open_ones = [item.rendered_at for item in missing if item.key not in given_up]
    age = (book.now() - min(open_ones)).total_seconds() if open_ones else 0.0
    return Backlog(report.rendered_by_day.get(day, 0), missing, records, round(max(age, 0.0), 1))


def note_tick(settings: Settings, tick: Tick, *, run_id: str, requeued: dict[str, int]) -> None:
    """Record the tick in ``pipeline_events``, also when it found nothing, and every picture that it had to give up.

    ``requeued`` is the number of pictures asked for, by day.
    """
    for record in tick.standing.newly_failed:
        note_failure(settings, record, run_id=run_id)
    problems = [
        f"{len(keys)} {what} ({_shown(keys)})"
        for what, keys in (
            ("masks without a render", tick.report.orphans),
            ("pictures segmented twice", tick.report.duplicates),
        )
        if keys
    ]
    record_event(
        settings,
        stage="reconcile",
        status="warn" if problems else "ok",
        reason="; ".join(problems) or None,
        run_id=run_id,
        duration_ms=tick.report.seconds * 1000,
        detail=tick.counts() | {"requeued": sum(requeued.values()), "requeued_by_day": requeued},
    )


def note_failure(settings: Settings, record: ClaimRecord, *, run_id: str) -> None:
    """Record that a picture is left to a person, with the reason of its last attempt."""
    record_event(
        settings,
        stage="segment",
        status="fail",
        reason=f"segment_failed: {record.reason}",
        run_id=run_id,
        attempt=max(record.attempts, 1),
        look_id=record.key.look_id,
        detail={"render_no": record.key.render_no, "day": record.day, "final": True},
        # One event per failure, however often it is noted.
        event_id=f"segment-failed-{record.key.look_id}-{record.key.render_no}-{record.token}",
    )


def _shown(keys: list[RenderKey], most: int = 5) -> str:
    text = ", ".join(f"{key.look_id} render {key.render_no}" for key in keys[:most])
    return text + (", …" if len(keys) > most else "")
