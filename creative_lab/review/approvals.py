"""Approvals: who decided what about exactly which content, in a chain of entries that shows any later change.

A decision holds for one content hash. New content of the same subject is pending again; it inherits the notes, never
the approval. Entries are only ever added (the database refuses anything else), and each carries a hash over its own
fields and the entry before it, so a row that was altered behind the database's back is found by :func:`verify_chain`.
Cutting off the newest entries leaves a chain that is whole in itself: whoever needs to notice that keeps
:attr:`ChainReport.head` somewhere else and gives it to :func:`verify_chain`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from creative_lab.state.models import DECISIONS, Approval

Decision = Literal["approved", "rejected", "changes_requested", "expired"]
State = Literal["pending", "approved", "rejected", "changes_requested", "expired"]

GENESIS = "0" * 64
"""Previous hash of the first entry."""

_APPROVAL_LOCK = 0x6C61_6264_6203
_NEEDS_NOTE = {"rejected", "changes_requested"}


@dataclass(frozen=True)
class Status:
    """Where one content stands."""

    state: State
    who: str | None = None
    note: str = ""
    at: datetime | None = None
    earlier_notes: tuple[str, ...] = ()
    """Notes of decisions about other contents of the same subject, oldest first."""

    @property
    def approved(self) -> bool:
        """Whether work may go on with exactly this content."""
        return self.state == "approved"


@dataclass(frozen=True)
class ChainReport:
    """Whether the entries are as they were written."""

    entries: int
    head: str
    """Hash of the newest entry."""
    broken_at: int | None = None
    """Number of the first entry that is wrong."""
    problem: str = ""

    @property
    def ok(self) -> bool:
        """Whether no entry was changed, removed or put between."""
        return not self.problem


def record(
    session: Session,
    kind: str,
    key: str,
    content_hash: str,
    decision: Decision,
    *,
    who: str,
    note: str = "",
    at: datetime | None = None,
) -> Approval:
    """Add a decision about the content ``content_hash`` (SHA-256 in hex) of the subject ``kind``, partition ``key``.

    A rejection or a request for changes needs a note. Raises ValueError for anything that is no proper decision.
    """
    if decision not in DECISIONS:
        raise ValueError(f"unknown decision {decision!r}; known: {', '.join(DECISIONS)}")
    if len(content_hash) != 64 or set(content_hash) - set("0123456789abcdef"):
        raise ValueError("content_hash must be a SHA-256 in lower-case hex")
    for name, value, longest in (("kind", kind, 50), ("key", key, 200), ("who", who, 200)):
        if not value.strip() or len(value) > longest or "\x00" in value:
            raise ValueError(f"{name} must be a text of 1 to {longest} characters")
    if "\x00" in note:
        raise ValueError("note must not contain NUL characters")
    if decision in _NEEDS_NOTE and not note.strip():
        raise ValueError(f"the decision {decision!r} needs a note")
    moment = at or datetime.now(UTC)
    if moment.tzinfo is None:
        raise ValueError("at must carry a time zone")
    # One entry at a time: two that follow the same entry would fork the chain.
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _APPROVAL_LOCK})
    last = session.scalars(select(Approval).order_by(Approval.number.desc()).limit(1)).first()
    entry = Approval(
        number=last.number + 1 if last else 1,
        subject_kind=kind,
        partition_key=key,
        content_hash=content_hash,
        decision=decision,
        who=who,
        note=note,
        at=moment.astimezone(UTC),
        prev_hash=last.entry_hash if last else GENESIS,
    )
    entry.entry_hash = entry_hash(entry)
    session.add(entry)
    session.flush()
    return entry


def entry_hash(entry: Approval) -> str:
    """SHA-256 over the fields of an entry and the hash of the one before it."""
    body = [
        entry.number,
        entry.subject_kind,
        entry.partition_key,
        entry.content_hash,
        entry.decision,
        entry.who,
        entry.note,
        entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        entry.prev_hash,
    ]
    return hashlib.sha256(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def status(session: Session, kind: str, key: str, content_hash: str) -> Status:
    """Where exactly this content stands: its newest decision, or pending when it has none."""
    entries = history(session, kind, key)
    own = [entry for entry in entries if entry.content_hash == content_hash]
    earlier = tuple(entry.note for entry in entries if entry.content_hash != content_hash and entry.note)
    if not own:
        return Status("pending", earlier_notes=earlier)
    newest = own[-1]
    state: State = newest.decision  # type: ignore[assignment]  # the database allows no other value
    return Status(state, newest.who, newest.note, newest.at, earlier)


def history(session: Session, kind: str, key: str) -> Sequence[Approval]:
    """All decisions about a subject, oldest first."""
    query = select(Approval).where(Approval.subject_kind == kind, Approval.partition_key == key)
    return session.scalars(query.order_by(Approval.number)).all()


def verify_chain(session: Session, expected_head: str | None = None) -> ChainReport:
    """Recompute every hash; ``expected_head`` (kept from an earlier report) must still be in the chain."""
    previous, number = GENESIS, 0
    expected_seen = expected_head in (None, GENESIS)
    # Read afresh: a session that has seen the entries before would not notice that they changed.
    query = select(Approval).order_by(Approval.number).execution_options(populate_existing=True, yield_per=1000)
    for entry in session.scalars(query):
        number += 1
        problem = ""
        if entry.number != number:
            problem = f"entry {number} is missing"
        elif entry.prev_hash != previous:
            problem = f"entry {number} does not follow entry {number - 1}"
        elif entry_hash(entry) != entry.entry_hash:
            problem = f"entry {number} was changed after it was written"
        if problem:
            return ChainReport(number - 1, previous, number, problem)
        previous = entry.entry_hash
        expected_seen = expected_seen or previous == expected_head
    if not expected_seen:
        return ChainReport(number, previous, number + 1, "the newest entries are missing")
    return ChainReport(number, previous)
