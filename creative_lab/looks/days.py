"""Rows of a day that several runs add to: merged under a lock, so that no run overwrites another's rows."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import polars as pl

from creative_lab.lake.schemas import table_info
from creative_lab.lake.tables import TableLike, TableStore

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from creative_lab.settings import Settings


def partition(day: date | str) -> dict[str, str]:
    """The partition of a local day."""
    return {"day": day if isinstance(day, str) else day.isoformat()}


def read_day(store: TableStore, table: TableLike, day: date | str) -> pl.DataFrame:
    """The rows of a day; no rows where none were written."""
    keys = [partition(day)]
    return store.read(table, keys if store.exists(table, keys[0]) else [])


def lock(session: Session, name: str) -> None:
    """Wait for whoever holds the lock called ``name``; it is held until the session's transaction ends."""
    from sqlalchemy import text

    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": f"looks:{name}"})


@contextlib.contextmanager
def day_locked(settings: Settings, table: TableLike, day: date | str) -> Iterator[None]:
    """Hold the day of a table against other writers who ask in the same way, in this process and in others."""
    from creative_lab.state.db import session_scope

    with session_scope(settings) as session:
        lock(session, f"{table_info(table).name}:{partition(day)['day']}")
        yield


def merge_day(
    settings: Settings, table: TableLike, day: date | str, rows: pl.DataFrame, *, run_id: str, keys: list[str]
) -> pl.DataFrame:
    """Put ``rows`` into a day in the place of rows with the same ``keys``; returns the whole day, sorted by them.

    Rows that are not replaced keep their run, time and backend. One writer at a time, and the file is replaced in one
    step, so a reader sees the day before or after.
    """
    with day_locked(settings, table, day):
        return replace_rows(TableStore(settings), table, day, rows, settings=settings, run_id=run_id, keys=keys)


def replace_rows(
    store: TableStore,
    table: TableLike,
    day: date | str,
    rows: pl.DataFrame,
    *,
    settings: Settings,
    run_id: str,
    keys: list[str],
) -> pl.DataFrame:
    """What :func:`merge_day` does, for a caller who holds a lock of their own."""
    from creative_lab.lake.checking import schema_types

    info = table_info(table)
    there = read_day(store, info, day)
    if rows.is_empty() and store.exists(info, partition(day)):
        return there
    whole = there
    if not rows.is_empty():
        types = schema_types(info)
        fresh = rows.with_columns(
            run_id=pl.lit(run_id),
            backend=pl.lit(settings.profile),
            written_at=pl.lit(datetime.now(UTC)).cast(pl.Datetime("us", "UTC")),
            day=pl.lit(partition(day)["day"]),
        )
        fresh = fresh.select(list(types)).cast(types)  # type: ignore[arg-type]
        whole = pl.concat([there.join(fresh, on=keys, how="anti"), fresh]).sort(keys)
    store.write(info, whole, partition=partition(day), run_id=None, backend=None)
    return whole
