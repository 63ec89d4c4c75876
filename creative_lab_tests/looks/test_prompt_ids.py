"""Numbers of prompts: their form, their day, and that no two batches ever share one."""

from __future__ import annotations

import multiprocessing
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from creative_lab.looks.prompt_ids import PromptId, allocate, local_day
from creative_lab.settings import Settings, get_settings
from creative_lab.state import db
from creative_lab.state.models import LookBatch, LookPromptId

DAY = date(2026, 3, 29)


@given(st.dates(min_value=date(1000, 1, 1)), st.integers(min_value=1, max_value=10**9))
def test_a_prompt_id_reads_back_and_widens_beyond_four_digits(day: date, number: int) -> None:
    made = PromptId(day, number)
    assert PromptId.parse(str(made)) == made
    assert str(PromptId(date(2026, 5, 4), 7)) == "P-0007-20260504"
    assert str(PromptId(date(2026, 5, 4), 10_000)) == "P-10000-20260504"


@pytest.mark.parametrize(
    "text", ["P-0-20260504", "P-0000-20260504", "P-00012-20260504", "P-0001-20260230", "p-0001-20260504", ""]
)
def test_anything_else_is_no_prompt_id(text: str) -> None:
    with pytest.raises(ValueError):
        PromptId.parse(text)


def test_the_day_is_the_lab_s_own_at_midnight_and_when_clocks_change() -> None:
    berlin = "Europe/Berlin"
    before = datetime(2026, 5, 4, 21, 59, tzinfo=UTC)
    assert local_day(before, berlin) == date(2026, 5, 4)
    assert local_day(before + timedelta(minutes=2), berlin) == date(2026, 5, 5)
    # The nights of 2026 in which Berlin loses and repeats an hour.
    for day in (date(2026, 3, 29), date(2026, 10, 25)):
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        seen = [local_day(midnight + timedelta(minutes=minutes), berlin) for minutes in range(-180, 24 * 60, 30)]
        assert seen == sorted(seen)
        assert set(seen) == {day - timedelta(days=1), day, day + timedelta(days=1)}
    assert local_day(datetime(2026, 5, 4, 12, tzinfo=UTC), "Pacific/Kiritimati") == date(2026, 5, 5)
    with pytest.raises(ValueError, match="needs its zone"):
        local_day(before.replace(tzinfo=None), berlin)


def batch(session: Session, name: str, number: int) -> None:
    session.add(LookBatch(batch_id=name, local_date=DAY, number=number, run_id="run"))
    session.flush()


def _take(name: str, rounds: int) -> None:
    settings = get_settings()
    for _ in range(rounds):
        with db.session_scope(settings) as session:
            allocate(session, DAY, 5, name)
    db.dispose(settings)


def test_two_processes_that_number_at_once_share_no_number_and_leave_no_gap(migrated_lab: Settings) -> None:
    with db.session_scope(migrated_lab) as session:
        batch(session, "a", 1)
        batch(session, "b", 2)
    db.dispose(migrated_lab)
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_take, args=(name, 10)) for name in ("a", "b")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(300)
    assert [worker.exitcode for worker in workers] == [0, 0]
    with db.session_scope(migrated_lab) as session:
        rows = session.execute(select(LookPromptId.number, LookPromptId.batch_id).order_by(LookPromptId.number)).all()
        assert [number for number, _ in rows] == list(range(1, 101))
        assert [owner for _, owner in rows].count("a") == 50
        # Ten thousand and beyond, from a floor that only the lake knows.
        ids = allocate(session, DAY, 2, "a", floor=9999)
        assert [str(one) for one in ids] == ["P-10000-20260329", "P-10001-20260329"]
        # A writer without the lock has taken the next number: the constraint refuses it a second time.
        session.add(LookPromptId(prompt_id="P-10002-20260329", local_date=DAY, number=10_002, batch_id="b"))
        session.flush()
        assert allocate(session, DAY, 1, "a")[0].number == 10_003
