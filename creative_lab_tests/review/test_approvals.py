"""Approvals are bound to content and cannot be changed unnoticed."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from creative_lab.review.approvals import GENESIS, history, record, status, verify_chain
from creative_lab.settings import Settings
from creative_lab.state import db

ONE, TWO = (hashlib.sha256(body).hexdigest() for body in (b"one", b"two"))
KIND, KEY = "adapted_script", "crunch|lena"


def _filled(session: Session) -> None:
    record(session, KIND, KEY, ONE, "changes_requested", who="ada@lab", note="Softer end line, bitte – „weicher“")
    record(session, KIND, KEY, TWO, "approved", who="ada@lab")
    record(session, KIND, "crunch|de", ONE, "rejected", who="bob@lab", note="Legal line is old")
    record(session, KIND, KEY, TWO, "expired", who="policy", note="30 days")


def test_a_decision_holds_for_exactly_the_content_it_names(migrated_lab: Settings) -> None:
    with db.session_scope(migrated_lab) as session:
        assert status(session, KIND, KEY, ONE).state == "pending"
        record(session, KIND, KEY, ONE, "approved", who="ada@lab", note="Fine for me")
        assert status(session, KIND, KEY, ONE).approved
        for other in (
            status(session, KIND, KEY, TWO),
            status(session, KIND, "crunch|de", ONE),
            status(session, "storyboard", KEY, ONE),
        ):
            assert (other.state, other.approved, other.who) == ("pending", False, None)


def test_new_content_inherits_the_notes_but_not_the_approval(migrated_lab: Settings) -> None:
    with db.session_scope(migrated_lab) as session:
        record(session, KIND, KEY, ONE, "approved", who="ada@lab", note="Mind the legal line")
        found = status(session, KIND, KEY, TWO)
    assert (found.state, found.earlier_notes) == ("pending", ("Mind the legal line",))


def test_the_newest_decision_counts_and_all_are_kept(migrated_lab: Settings) -> None:
    with db.session_scope(migrated_lab) as session:
        _filled(session)
    with db.session_scope(migrated_lab) as session:
        found = status(session, KIND, KEY, TWO)
        assert (found.state, found.who, found.note) == ("expired", "policy", "30 days")
        assert [entry.decision for entry in history(session, KIND, KEY)] == [
            "changes_requested",
            "approved",
            "expired",
        ]


def test_a_whole_chain_verifies_after_it_was_stored(migrated_lab: Settings) -> None:
    with db.session_scope(migrated_lab) as session:
        assert verify_chain(session).head == GENESIS
        _filled(session)
    with db.session_scope(migrated_lab) as session:
        report = verify_chain(session)
        assert (report.ok, report.entries, report.broken_at) == (True, 4, None)
        assert verify_chain(session, expected_head=report.head).ok


def _behind_the_databases_back(session: Session, statement: str) -> None:
    session.execute(text("ALTER TABLE creative_lab.approvals DISABLE TRIGGER approvals_append_only"))
    session.execute(text(statement))
    session.execute(text("ALTER TABLE creative_lab.approvals ENABLE TRIGGER approvals_append_only"))


@pytest.mark.parametrize(
    ("tampering", "broken_at"),
    [
        ("UPDATE creative_lab.approvals SET decision = 'approved' WHERE number = 1", 1),
        ("UPDATE creative_lab.approvals SET who = 'eve@lab' WHERE number = 2", 2),
        ("UPDATE creative_lab.approvals SET note = '' WHERE number = 3", 3),
        ("UPDATE creative_lab.approvals SET at = at + interval '1 microsecond' WHERE number = 4", 4),
        (f"UPDATE creative_lab.approvals SET content_hash = '{ONE}' WHERE number = 2", 2),
        ("UPDATE creative_lab.approvals SET partition_key = 'crunch|de' WHERE number = 2", 2),
        ("DELETE FROM creative_lab.approvals WHERE number = 2", 2),
        ("UPDATE creative_lab.approvals SET number = 9 WHERE number = 4", 4),
    ],
)
def test_tampering_with_a_row_is_detected(shared_lab: Settings, tampering: str, broken_at: int) -> None:
    with Session(db.engine(shared_lab)) as session:
        _filled(session)
        assert verify_chain(session).ok
        _behind_the_databases_back(session, tampering)
        report = verify_chain(session)
        session.rollback()
    assert not report.ok
    assert report.broken_at == broken_at
    assert f"entry {broken_at}" in report.problem


def test_cutting_off_the_newest_entries_is_seen_by_who_kept_the_head(migrated_lab: Settings) -> None:
    with db.session_scope(migrated_lab) as session:
        _filled(session)
        head = verify_chain(session).head
        _behind_the_databases_back(session, "DELETE FROM creative_lab.approvals WHERE number = 4")
        assert verify_chain(session).ok
        report = verify_chain(session, expected_head=head)
    assert (report.ok, report.problem) == (False, "the newest entries are missing")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE creative_lab.approvals SET note = 'x'",
        "DELETE FROM creative_lab.approvals",
        "TRUNCATE creative_lab.approvals",
    ],
)
def test_the_database_refuses_to_change_or_remove_an_entry(shared_lab: Settings, statement: str) -> None:
    with pytest.raises(DBAPIError, match="only ever added"), db.session_scope(shared_lab) as session:
        _filled(session)
        session.execute(text(statement))


def test_decisions_made_at_once_follow_one_another(migrated_lab: Settings) -> None:
    def decide(number: int) -> None:
        with db.session_scope(migrated_lab) as session:
            record(session, KIND, f"key-{number}", ONE, "approved", who="ada@lab")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(decide, range(18)))
    with db.session_scope(migrated_lab) as session:
        report = verify_chain(session)
    assert (report.ok, report.entries) == (True, 18)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"decision": "maybe"}, "unknown decision 'maybe'"),
        ({"content_hash": "abc"}, "content_hash must be a SHA-256"),
        ({"content_hash": ONE.upper()}, "content_hash must be a SHA-256"),
        ({"who": " "}, "who must be a text"),
        ({"key": "x" * 201}, "key must be a text"),
        ({"decision": "rejected"}, "needs a note"),
        ({"decision": "changes_requested", "note": " "}, "needs a note"),
        ({"at": datetime(2026, 1, 1)}, "time zone"),  # noqa: DTZ001
    ],
)
def test_an_improper_decision_is_refused(shared_lab: Settings, change: dict[str, Any], message: str) -> None:
    proper: dict[str, Any] = {"kind": KIND, "key": KEY, "content_hash": ONE, "decision": "approved", "who": "ada"}
    with db.session_scope(shared_lab) as session:
        with pytest.raises(ValueError, match=message):
            record(session, **(proper | change))
        assert verify_chain(session).entries == 0
