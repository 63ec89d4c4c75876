"""Who segments which picture: claims with leases, attempts with back-off, and a failure that stays visible.

A picture is one render of a look, ``(look_id, render_no)``. Whoever wants to segment it takes a claim first, so that
the sweep and the work that follows a batch never work on one picture at the same time. A claim ends by itself when its
lease runs out, since its holder may be dead; a holder that comes back too late finds that its claim is gone, and what
it made is dropped. The lake stays the truth about what is segmented: :meth:`Claims.settle` closes claims whose masks
are there, however they got there.

The rules are the same on every book: :class:`MemoryBook` serves the simulation, and
:class:`creative_lab.looks.claim_book.PostgresBook` the lab.

    claims = Claims(PostgresBook(settings), owner=run_id)
    if claims.claim(look_id, render_no):          # a bool: False is another's, waiting, failed, or done
        try:
            masks = segment(...)
        except Exception as error:
            claims.release(look_id, render_no, error=str(error))
        else:
            if claims.holds(look_id, render_no):  # right before the masks are stored
                store(masks)
            claims.release(look_id, render_no)
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple, Protocol

State = Literal["waiting", "claimed", "done", "failed"]
Failure = Literal["attempt", "permanent", "outage"]
"""Kinds of errors; see :meth:`Claims.release`."""

LEASE_ENDED = "lease_expired"
"""Beginning of the reason of an attempt whose holder never came back."""

_LONGEST_REASON = 2000


class RenderKey(NamedTuple):
    """One picture: a look and the number of its render (1 is the first, a re-render counts on)."""

    look_id: str
    render_no: int


@dataclass(frozen=True)
class ClaimPolicy:
    """Numbers of the rules; all times in seconds."""

    lease_s: float = 600.0
    """How long a holder may be silent before its picture is given to another."""
    most_attempts: int = 5
    """Attempts that may fail before the picture is left to a person."""
    back_off_s: float = 60.0
    """Wait after the first failed attempt; each further one doubles it."""
    longest_back_off_s: float = 900.0

    def wait(self, failures: int) -> timedelta:
        """The wait after that many failures in a row; none before the first."""
        if failures < 1:
            return timedelta(0)
        doubled = self.back_off_s * 2.0 ** min(failures - 1, 30)
        return timedelta(seconds=min(doubled, self.longest_back_off_s))


@dataclass(frozen=True)
class ClaimRecord:
    """Where the segmentation of one picture stands."""

    key: RenderKey
    day: str
    """Day of the look (YYYY-MM-DD), the partition its masks belong to."""
    rendered_at: datetime
    state: State = "waiting"
    attempts: int = 0
    """Attempts that failed since the picture, or a person, began to count."""
    outages: int = 0
    """Times in a row that work could not even begin: no store, no model. They are no attempts."""
    token: int = 0
    """Grows with every claim; a late holder shows an old one."""
    owner: str = ""
    lease_until: datetime | None = None
    retry_at: datetime | None = None
    reason: str = ""
    """Why the last attempt came to nothing; kept until the picture is segmented."""
    released_by: str = ""
    """Who asked for another try of a failed picture."""

    def claimable(self, now: datetime) -> bool:
        """Whether a worker may take the picture at ``now``."""
        if self.state == "waiting":
            return self.retry_at is None or self.retry_at <= now
        return self.expired(now)

    def expired(self, now: datetime) -> bool:
        """Whether a holder had it and its lease has run out."""
        return self.state == "claimed" and self.lease_until is not None and self.lease_until <= now


class Transaction(Protocol):
    """Records that are locked against everybody else while they are looked at and changed."""

    now: datetime

    def get(self, key: RenderKey) -> ClaimRecord | None:
        """The record of a key of this transaction, None when there is none."""

    def put(self, record: ClaimRecord) -> None:
        """Store a record; visible to others when the transaction ends."""


class Book(Protocol):
    """Where records are kept."""

    def transaction(self, keys: Sequence[RenderKey]) -> AbstractContextManager[Transaction]:
        """Lock the records of ``keys`` (also those that are not there yet) for a moment."""

    def records(
        self, keys: Sequence[RenderKey] | None = None, *, states: Sequence[State] | None = None
    ) -> list[ClaimRecord]:
        """Records as they are now, all of them or of these keys and states, without locking."""

    def now(self) -> datetime:
        """The one clock that all holders of claims go by (UTC)."""


@dataclass(frozen=True)
class Wanted:
    """A picture that should be segmented, as the sweep or a batch finds it."""

    key: RenderKey
    day: str
    rendered_at: datetime


class Claims:
    """The claims of one owner (a run, a worker). Safe for threads and many processes as far as its book is."""

    def __init__(self, book: Book, owner: str, policy: ClaimPolicy | None = None) -> None:
        self.book = book
        self.owner = owner
        self.policy = policy or ClaimPolicy()
        self._tokens: dict[RenderKey, int] = {}
        self._known: dict[RenderKey, Wanted] = {}

    # --- what a worker does

    def expect(self, wanted: Iterable[Wanted]) -> None:
        """Name the pictures that will be claimed by key alone, with their day and time of rendering."""
        self._known.update({item.key: item for item in wanted})

    def claim(self, look_id: str, render_no: int) -> bool:
        """Take one picture named by :meth:`expect`; False when it is not to be had now."""
        key = RenderKey(look_id, render_no)
        return bool(self.take([self._known[key]]))

    def take(self, wanted: Sequence[Wanted], limit: int | None = None) -> list[RenderKey]:
        """Claim up to ``limit`` of the pictures, in order; returns those that are ours now.

        A picture whose holder's lease ran out is charged with the failed attempt first, which may leave it failed.
        """
        taken: list[RenderKey] = []
        with self.book.transaction([item.key for item in wanted]) as book:
            for item in wanted:
                if limit is not None and len(taken) >= limit:
                    break
                record = book.get(item.key) or ClaimRecord(item.key, item.day, item.rendered_at)
                if record.expired(book.now):
                    record = _expire(record, book.now, self.policy)
                    book.put(record)
                if not record.claimable(book.now):
                    continue
                record = replace(
                    record,
                    state="claimed",
                    token=record.token + 1,
                    owner=self.owner,
                    lease_until=book.now + timedelta(seconds=self.policy.lease_s),
                    retry_at=None,
                )
                book.put(record)
                self._tokens[item.key] = record.token
                taken.append(item.key)
        return taken

    def holds(self, look_id: str, render_no: int) -> bool:
        """Whether the picture is still ours; extends the lease if so. Ask right before storing what was made."""
        key = RenderKey(look_id, render_no)
        with self.book.transaction([key]) as book:
            record = self._ours(book, key)
            if record is None:
                return False
            book.put(replace(record, lease_until=book.now + timedelta(seconds=self.policy.lease_s)))
        return True

    def release(
        self,
        look_id: str,
        render_no: int,
        error: str | None = None,
        *,
        kind: Failure = "attempt",
    ) -> ClaimRecord | None:
        """End a claim: done without ``error``, otherwise as its ``kind`` says; None when it was lost meanwhile.

        An *attempt* that failed is tried again after a back-off until the policy's number of attempts is reached,
        then it is failed. A *permanent* error (the file is no picture) fails at once. An *outage* (no store, no
        model) is nobody's fault: the picture waits and no attempt is counted.
        """
        key = RenderKey(look_id, render_no)
        with self.book.transaction([key]) as book:
            record = self._ours(book, key)
            self._tokens.pop(key, None)
            if record is None:
                return None
            if error is None:
                record = _done(record)
            elif kind == "outage":
                record = _outage(record, error, book.now, self.policy)
            else:
                record = _failed_attempt(record, error, book.now, self.policy, permanent=kind == "permanent")
            book.put(record)
        return record

    def give_back(self) -> None:
        """Hand back everything that we still hold, uncounted: an orderly end before the work was begun."""
        for key in list(self._tokens):
            with self.book.transaction([key]) as book:
                record = self._ours(book, key)
                if record is not None:
                    book.put(replace(record, state="waiting", owner="", lease_until=None))
            self._tokens.pop(key, None)

    def _ours(self, book: Transaction, key: RenderKey) -> ClaimRecord | None:
        record = book.get(key)
        token = self._tokens.get(key)
        return record if record and record.state == "claimed" and record.token == token else None

    # --- what the sweep does

    def settle(self, segmented: Iterable[RenderKey]) -> int:
        """Close the open records of pictures whose masks are in the lake; returns how many were open."""
        keys = list(segmented)
        closed = 0
        with self.book.transaction(keys) as book:
            for key in keys:
                record = book.get(key)
                if record is not None and record.state != "done":
                    book.put(_done(record))
                    closed += 1
        return closed

    def abandon(self, ended: Callable[[str], bool]) -> list[ClaimRecord]:
        """Take claims from owners of whom ``ended`` knows that they are gone, before their lease runs out.

        Each is charged with an attempt, as if the lease had ended. Returns the records as they are then.
        """
        held = self.book.records(states=["claimed"])
        gone = {owner: ended(owner) for owner in {record.owner for record in held}}
        keys = [record.key for record in held if gone[record.owner]]
        taken = []
        with self.book.transaction(keys) as book:
            for key in keys:
                record = book.get(key)
                if record is not None and record.state == "claimed" and gone.get(record.owner):
                    record = _expire(record, book.now, self.policy)
                    book.put(record)
                    taken.append(record)
        return taken

    def standing(self, missing: Sequence[Wanted]) -> Standing:
        """Sort pictures without masks by what is to be done about them, after charging leases that ran out."""
        due: list[Wanted] = []
        later: list[Wanted] = []
        held: list[Wanted] = []
        failed: list[ClaimRecord] = []
        newly: list[ClaimRecord] = []
        expired = 0
        with self.book.transaction([item.key for item in missing]) as book:
            for item in missing:
                record = book.get(item.key)
                if record is None:
                    record = ClaimRecord(item.key, item.day, item.rendered_at)
                    book.put(record)
                elif record.state == "done":
                    # The masks are gone although they were made: they are to be made again.
                    record = replace(record, state="waiting", reason="masks_missing: they were made and are not there")
                    book.put(record)
                elif record.expired(book.now):
                    expired += 1
                    record = _expire(record, book.now, self.policy)
                    book.put(record)
                    if record.state == "failed":
                        newly.append(record)
                if record.state == "failed":
                    failed.append(record)
                elif record.state == "claimed":
                    held.append(item)
                elif record.claimable(book.now):
                    due.append(item)
                else:
                    later.append(item)
        return Standing(due, later, held, failed, newly, expired)

    def retry(self, look_id: str, who: str, render_no: int | None = None) -> list[ClaimRecord]:
        """Let failed renders of a look be tried again (all of them, or one); a person's decision. Returns them."""
        found = [
            record.key
            for record in self.book.records(states=["failed"])
            if record.key.look_id == look_id and render_no in (None, record.key.render_no)
        ]
        reopened = []
        with self.book.transaction(found) as book:
            for key in found:
                record = book.get(key)
                if record is not None and record.state == "failed":
                    record = replace(record, state="waiting", attempts=0, outages=0, retry_at=None, released_by=who)
                    book.put(record)
                    reopened.append(record)
        return reopened


@dataclass(frozen=True)
class Standing:
    """What is to be done about pictures that have no masks."""

    due: list[Wanted]
    """To be segmented now."""
    later: list[Wanted]
    """Waiting for the end of a back-off."""
    held: list[Wanted]
    """Being worked on."""
    failed: list[ClaimRecord]
    """Left to a person."""
    newly_failed: list[ClaimRecord]
    """Those of ``failed`` that became so just now, because a holder died once too often."""
    expired: int
    """Leases that had run out."""


def _expire(record: ClaimRecord, now: datetime, policy: ClaimPolicy) -> ClaimRecord:
    reason = f"{LEASE_ENDED}: {record.owner or 'the worker'} did not come back"
    expired = _failed_attempt(record, reason, now, policy)
    # Once a worker dies of something else, and its pictures need not wait; one that dies again may die of the picture.
    at_once = now + policy.wait(expired.attempts - 1)
    return replace(expired, retry_at=at_once) if expired.state == "waiting" else expired


def _failed_attempt(
    record: ClaimRecord, reason: str, now: datetime, policy: ClaimPolicy, *, permanent: bool = False
) -> ClaimRecord:
    attempts = record.attempts + 1
    over = permanent or attempts >= policy.most_attempts
    return replace(
        record,
        state="failed" if over else "waiting",
        attempts=attempts,
        outages=0,
        owner="",
        lease_until=None,
        retry_at=None if over else now + policy.wait(attempts),
        reason=reason[:_LONGEST_REASON] or "no reason was given",
    )


def _outage(record: ClaimRecord, reason: str, now: datetime, policy: ClaimPolicy) -> ClaimRecord:
    return replace(
        record,
        state="waiting",
        outages=record.outages + 1,
        owner="",
        lease_until=None,
        retry_at=now + policy.wait(record.outages + 1),
        reason=reason[:_LONGEST_REASON] or "no reason was given",
    )


def _done(record: ClaimRecord) -> ClaimRecord:
    return replace(record, state="done", owner="", lease_until=None, retry_at=None, reason="", outages=0)


class MemoryBook:
    """Records of one process, with a clock that the caller moves: for simulations."""

    def __init__(self, clock: datetime | None = None) -> None:
        self.clock = clock or datetime(2026, 3, 1, tzinfo=UTC)
        self.kept: dict[RenderKey, ClaimRecord] = {}
        self._lock = threading.RLock()

    @contextlib.contextmanager
    def transaction(self, keys: Sequence[RenderKey]) -> Iterator[Transaction]:  # noqa: ARG002 - one lock holds all
        """See :class:`Book`; nothing is stored when the block raises."""
        with self._lock:
            changes = _Changes(self.kept, self.clock)
            yield changes
            self.kept.update(changes.changed)

    def records(
        self, keys: Sequence[RenderKey] | None = None, *, states: Sequence[State] | None = None
    ) -> list[ClaimRecord]:
        """See :class:`Book`."""
        chosen = self.kept.values() if keys is None else [self.kept[key] for key in keys if key in self.kept]
        return [record for record in chosen if states is None or record.state in states]

    def now(self) -> datetime:
        """See :class:`Book`."""
        return self.clock


class _Changes:
    def __init__(self, kept: Mapping[RenderKey, ClaimRecord], now: datetime) -> None:
        self.now = now
        self.changed: dict[RenderKey, ClaimRecord] = {}
        self._kept = kept

    def get(self, key: RenderKey) -> ClaimRecord | None:
        return self.changed.get(key) or self._kept.get(key)

    def put(self, record: ClaimRecord) -> None:
        self.changed[record.key] = record
