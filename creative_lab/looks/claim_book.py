"""Claims of segmentation in the state database, under row locks and the database's own clock."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from creative_lab.looks.claims import ClaimRecord, RenderKey, State, Transaction
from creative_lab.settings import Settings
from creative_lab.state.db import session_scope
from creative_lab.state.models import SegmentationClaim

_FIELDS = (
    "day", "rendered_at", "state", "attempts", "outages", "token", "owner", "lease_until", "retry_at", "reason",
    "released_by",
)  # fmt: skip
_CLAIM_LOCK = 0x6C61_6264_7000
_BUCKETS = 64
_MOST_AT_ONCE = 5_000
"""Keys in one query: well below the number of parameters that a statement may have."""


class PostgresBook:
    """See :class:`creative_lab.looks.claims.Book`. ``clock`` replaces the database's clock in tests."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime] | None = None) -> None:
        self._settings = settings
        self._clock = clock

    def now(self) -> datetime:
        """The database's clock: machines whose own clocks differ agree on it."""
        with session_scope(self._settings) as session:
            return self._now(session)

    @contextlib.contextmanager
    def transaction(self, keys: Sequence[RenderKey]) -> Iterator[Transaction]:
        """Rows of ``keys``, locked together with the absent ones; locks are taken in one order, so nobody deadlocks."""
        with session_scope(self._settings) as session:
            ordered = sorted(set(keys))
            # Row locks can't hold rows that are not there yet.
            for bucket in sorted({zlib.crc32(key.look_id.encode()) % _BUCKETS for key in ordered}):
                session.execute(select(func.pg_advisory_xact_lock(_CLAIM_LOCK + bucket)))
            found: dict[RenderKey, SegmentationClaim] = {}
            for start in range(0, len(ordered), _MOST_AT_ONCE):
                part = ordered[start : start + _MOST_AT_ONCE]
                query = select(SegmentationClaim).where(
                    tuple_(SegmentationClaim.look_id, SegmentationClaim.render_no).in_(part)
                )
                found |= {RenderKey(row.look_id, row.render_no): row for row in session.scalars(query)}
            yield _LockedRows(session, found, self._now(session))

    def records(
        self, keys: Sequence[RenderKey] | None = None, *, states: Sequence[State] | None = None
    ) -> list[ClaimRecord]:
        """See :class:`creative_lab.looks.claims.Book`; oldest picture first."""
        query = select(SegmentationClaim).order_by(SegmentationClaim.rendered_at, SegmentationClaim.look_id)
        if states is not None:
            query = query.where(SegmentationClaim.state.in_(states))
        if keys is not None:
            query = query.where(tuple_(SegmentationClaim.look_id, SegmentationClaim.render_no).in_(list(keys)))
        with session_scope(self._settings) as session:
            return [_record(row) for row in session.scalars(query)]

    def _now(self, session: Session) -> datetime:
        return self._clock() if self._clock else session.execute(select(func.clock_timestamp())).scalar_one()


class _LockedRows:
    def __init__(self, session: Session, rows: dict[RenderKey, SegmentationClaim], now: datetime) -> None:
        self.now = now
        self._session = session
        self._rows = rows

    def get(self, key: RenderKey) -> ClaimRecord | None:
        row = self._rows.get(key)
        return _record(row) if row is not None else None

    def put(self, record: ClaimRecord) -> None:
        values = {name: getattr(record, name) for name in _FIELDS}
        row = self._rows.get(record.key)
        if row is None:
            row = SegmentationClaim(look_id=record.key.look_id, render_no=record.key.render_no, **values)
            self._session.add(row)
            self._rows[record.key] = row
            return
        for name, value in values.items():
            if getattr(row, name) != value:
                setattr(row, name, value)


def _record(row: SegmentationClaim) -> ClaimRecord:
    values = {name: getattr(row, name) for name in _FIELDS}
    return ClaimRecord(key=RenderKey(row.look_id, row.render_no), **values)
