"""The steps of learning over a day, with their files: grades, what they teach, dials."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
from sqlalchemy import func, select

from creative_lab.lake.tables import TableStore
from creative_lab.looks.feedback.stored import WINDOW_DAYS, dial_rows, learned_rows
from creative_lab.looks.grading import grades_of
from creative_lab.looks.tables import LearnedIntel, LookGrades, TargetDials
from creative_lab.looks.wardrobe import load_wardrobe
from creative_lab.settings import Settings
from creative_lab.state.db import session_scope
from creative_lab.state.models import Grade


def snapshot_grades(settings: Settings, day: date, *, run_id: str) -> tuple[pl.DataFrame, list[str]]:
    """Write the day's grades from the database to the lake; returns them, and the earlier days taken again.

    Grades may come in late, from a file that somebody kept on a train: an earlier day of the window that has more
    grades in the database than in the lake is written again.
    """
    store, late = TableStore(settings), []
    with session_scope(settings) as session:
        since = day - timedelta(days=WINDOW_DAYS)
        counts = dict(
            session.execute(
                select(Grade.graded_on, func.count())
                .where(Grade.graded_on >= since, Grade.graded_on < day)
                .group_by(Grade.graded_on)
            )
            .tuples()
            .all()
        )
        for earlier, count in sorted(counts.items()):
            partition = {"day": earlier.isoformat()}
            there = store.exists(LookGrades, partition)
            known = store.scan(LookGrades, [partition]).select(pl.len()).collect().item() if there else 0
            if known != count:
                _write(store, settings, grades_of(session, earlier), earlier, run_id)
                late.append(earlier.isoformat())
        rows = grades_of(session, day)
    _write(store, settings, rows, day, run_id)
    return rows, late


def learn_day(settings: Settings, day: date, *, run_id: str) -> pl.DataFrame:
    """Write what is known at the end of ``day``; returns the rows."""
    store, partition = TableStore(settings), {"day": day.isoformat()}
    with session_scope(settings) as session:
        rows = learned_rows(store, session, day, load_wardrobe(session))
    store.write(LearnedIntel, rows, partition=partition, run_id=run_id, backend=settings.profile)
    return rows


def dial_day(settings: Settings, day: date, *, run_id: str) -> pl.DataFrame:
    """Write the dials as they stand at the end of ``day``; returns the rows."""
    store, partition = TableStore(settings), {"day": day.isoformat()}
    with session_scope(settings) as session:
        wardrobe = load_wardrobe(session)
    rows = dial_rows(store, day, wardrobe)
    store.write(TargetDials, rows, partition=partition, run_id=run_id, backend=settings.profile)
    return rows


def _write(store: TableStore, settings: Settings, rows: pl.DataFrame, day: date, run_id: str) -> None:
    partition = {"day": day.isoformat()}
    store.write(LookGrades, rows, partition=partition, run_id=run_id, backend=settings.profile)
