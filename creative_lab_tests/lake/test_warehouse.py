"""The warehouse shows what the tables hold, stays readable while they change, and is whole after any failure."""

from __future__ import annotations

import errno
import multiprocessing
import os
import random
import signal
import threading
import time
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from creative_lab.lake.fs import FileSystem
from creative_lab.lake.schemas import table_info
from creative_lab.lake.snapshots import Snapshots
from creative_lab.lake.tables import TableStore
from creative_lab.lake.warehouse import BuildReport, build_warehouse, views_folder
from creative_lab.settings import Settings
from creative_lab_tests.lake.faults import ERRORS, FailingCalls, Scripts, Totals

SCRIPTS = table_info(Scripts)


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    """A home whose path asks for quoting."""
    return Settings(home=tmp_path / 'a "lab" of o\'hara; --', lake_url=None)


def write(settings: Settings, spot: str, target: str, count: int, text: str) -> None:
    data = pl.DataFrame({"row": range(count)}).with_columns(
        text=pl.lit(text), tone=pl.lit("cool"), tags=pl.lit([text], dtype=pl.List(pl.String))
    )
    TableStore(settings).write(
        Scripts, data, partition={"spot": spot, "target": target}, run_id="r", backend="miniature"
    )


def build(settings: Settings) -> BuildReport:
    report = build_warehouse(settings, [SCRIPTS, table_info(Totals)])
    assert report.problems == {}
    return report


def query(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


CONTENT = "SELECT spot, target, count(*), min(text), max(text) FROM test_scripts GROUP BY ALL ORDER BY ALL"


def truth(settings: Settings) -> list[tuple[Any, ...]]:
    rows = TableStore(settings).read(Scripts)
    grouped = rows.group_by("spot", "target").agg(
        pl.len(), pl.col("text").min().alias("min"), pl.col("text").max().alias("max")
    )
    return sorted(grouped.rows())


def test_empty_tables_are_empty_typed_views_with_comments(home: Settings) -> None:
    assert build(home).rebuilt
    assert query(home, "SELECT * FROM test_scripts") == []
    types = dict(query(home, "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 'test_scripts'"))
    assert types["row"] == "BIGINT"
    assert types["tags"] == "VARCHAR[]"
    assert types["written_at"] == "TIMESTAMP WITH TIME ZONE"
    assert list(types) == Scripts.column_names()
    comments = dict(query(home, "SELECT view_name, comment FROM duckdb_views() WHERE NOT internal"))
    assert comments == {"test_scripts": SCRIPTS.comment, "test_totals": "One number"}
    columns = dict(query(home, "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'test_scripts'"))
    assert columns["spot"] == "Spot's slug"
    assert columns["run_id"] == "Dagster run that wrote the row"


def test_rows_written_rewritten_and_deleted_show_after_a_build(home: Settings) -> None:
    write(home, "car", "de", 3, "x")
    write(home, "car", "us", 2, "y")
    build(home)
    assert query(home, CONTENT) == [("car", "de", 3, "x", "x"), ("car", "us", 2, "y", "y")]
    assert not build(home).rebuilt
    write(home, "car", "de", 1, "new")
    TableStore(home).delete(Scripts, {"spot": "car", "target": "us"})
    assert build(home).rebuilt
    assert query(home, CONTENT) == [("car", "de", 1, "new", "new")]
    TableStore(home).write(Totals, pl.DataFrame({"total": [5]}), run_id="r", backend="studio")
    build(home)
    assert query(home, "SELECT total, backend FROM test_totals") == [(5, "studio")]


def test_an_open_connection_keeps_the_state_it_began_with(home: Settings) -> None:
    write(home, "car", "de", 3, "old")
    build(home)
    with duckdb.connect(str(home.warehouse_path), read_only=True) as connection:
        before = connection.execute(CONTENT).fetchall()
        for number in range(5):
            write(home, "car", "de", number + 10, "new")
            build(home)
            assert connection.execute(CONTENT).fetchall() == before


def _snapshots(home: Settings, **options: Any) -> Snapshots:
    return Snapshots(TableStore(home), views_folder(home), **options)


def _seen(state: Any) -> list[tuple[Any, ...]]:
    from creative_lab.lake.warehouse import view_statements

    with duckdb.connect() as connection:
        connection.execute(view_statements(SCRIPTS, state)[0])
        return connection.execute(CONTENT).fetchall()


def test_changed_partitions_are_read_beside_the_snapshot_until_there_are_many(home: Settings) -> None:
    snapshots = _snapshots(home, small_bytes=0, most_changed=3)
    for target in ["de", "us", "jp", "fr", "br"]:
        write(home, "car", target, 2, "first")
    first = snapshots.refresh(SCRIPTS)
    assert (first.changed, first.excluded) == (None, ())
    write(home, "car", "de", 5, "second")
    write(home, "car", "xx", 1, "added")
    TableStore(home).delete(Scripts, {"spot": "car", "target": "us"})
    write(home, "car", "jp", 0, "emptied")
    state = snapshots.refresh(SCRIPTS)
    assert state.snapshot == first.snapshot
    assert len(state.excluded) == 3
    assert _seen(state) == truth(home)
    write(home, "car", "de", 6, "third")
    again = snapshots.refresh(SCRIPTS)
    assert again.snapshot == first.snapshot
    assert _seen(again) == truth(home)
    write(home, "car", "br", 1, "too many")
    compacted = snapshots.refresh(SCRIPTS)
    assert compacted.snapshot != first.snapshot
    assert compacted.changed is None
    assert _seen(compacted) == truth(home)
    # A query that began with an earlier state still finds its files.
    assert _seen(first) == [("car", t, 2, "first", "first") for t in ["br", "de", "fr", "jp", "us"]]
    assert ("car", "de", 5, "second", "second") in _seen(state)


def test_files_out_of_use_are_removed_after_the_time_of_grace(home: Settings) -> None:
    snapshots = _snapshots(home, grace_s=0.05)
    write(home, "car", "de", 1, "a")
    first = snapshots.refresh(SCRIPTS)
    write(home, "car", "de", 2, "b")
    second = snapshots.refresh(SCRIPTS)
    assert Path(first.snapshot).exists()
    deadline = time.monotonic() + 10
    number = 2
    while Path(first.snapshot).exists():
        assert time.monotonic() < deadline
        number += 1
        write(home, "car", "de", number, "c")
        second = snapshots.refresh(SCRIPTS)
    assert _seen(second) == truth(home)


def test_copies_may_be_deleted_and_are_made_again(home: Settings) -> None:
    write(home, "car", "de", 2, "x")
    build(home)
    for file in views_folder(home).rglob("*.parquet"):
        file.unlink()
    build(home)
    assert query(home, CONTENT) == truth(home)


def test_a_new_column_shows_at_once_with_nulls_in_older_rows(home: Settings) -> None:
    write(home, "car", "de", 2, "x")
    files = TableStore(home).files
    name = "tables/test_scripts/spot=car/target=de/data.parquet"
    with files.writer(name) as file:
        pl.read_parquet(files.read_bytes(name)).drop("tags").write_parquet(file)
    build(home)
    assert query(home, "SELECT count(*), count(tags) FROM test_scripts") == [(2, 0)]


def test_a_damaged_partition_is_reported_and_the_last_good_state_stays(home: Settings) -> None:
    write(home, "car", "de", 2, "x")
    TableStore(home).write(Totals, pl.DataFrame({"total": [1]}), run_id="r", backend="studio")
    build(home)
    before = query(home, CONTENT)
    write(home, "car", "de", 3, "y")
    TableStore(home).write(Totals, pl.DataFrame({"total": [2]}), run_id="r", backend="studio")
    TableStore(home).files.write_bytes("tables/test_scripts/spot=car/target=us/data.parquet", b"PAR1 nonsense PAR1")
    report = build_warehouse(home, [SCRIPTS, table_info(Totals)])
    assert list(report.problems) == ["test_scripts"]
    assert query(home, CONTENT) == before
    assert query(home, "SELECT total FROM test_totals") == [(2,)]


@pytest.mark.parametrize("error", ERRORS, ids=errno.errorcode.get)
def test_whichever_call_fails_the_next_refresh_shows_the_truth(home: Settings, error: int) -> None:
    options = {"small_bytes": 0, "most_changed": 2}
    for target in ["de", "us", "jp", "fr"]:
        write(home, "car", target, 2, "first")
    for number in range(1, 200):
        for target in random.Random(number).sample(["de", "us", "jp", "fr"], 1 + number % 3):
            write(home, "car", target, number, str(number))
        calls = FailingCalls(number, error)
        store = TableStore(FileSystem(home.lake_root, calls=calls))
        try:
            assert _seen(Snapshots(store, views_folder(home), **options).refresh(SCRIPTS)) == truth(home)
        except OSError as caught:
            assert caught.errno == error
        assert _seen(_snapshots(home, **options).refresh(SCRIPTS)) == truth(home)
        if not calls.failed:
            return
    pytest.fail("the refresh never got through")


def _build_in_a_loop(settings: Settings, rounds: int) -> None:
    for _ in range(rounds):
        build_warehouse(settings, [SCRIPTS])


def test_builders_writers_and_readers_do_not_disturb_each_other(home: Settings) -> None:
    for target in ["de", "us", "jp"]:
        write(home, "car", target, 1, "1")
    build(home)
    stop = threading.Event()

    def rewrite() -> None:
        while not stop.is_set():
            count = random.choice([1, 10, 2000])
            write(home, "car", random.choice(["de", "us", "jp"]), count, str(count))

    writer = threading.Thread(target=rewrite)
    context = multiprocessing.get_context("spawn")
    builders = [context.Process(target=_build_in_a_loop, args=(home, 8)) for _ in range(2)]
    writer.start()
    for builder in builders:
        builder.start()
    reads = 0
    try:
        while any(builder.is_alive() for builder in builders):
            rows = query(home, CONTENT)
            assert [row[1] for row in rows] == ["de", "jp", "us"]
            assert all(str(count) == low == high for _, _, count, low, high in rows)
            reads += 1
    finally:
        stop.set()
        writer.join()
    for builder in builders:
        builder.join()
        assert builder.exitcode == 0
    assert reads > 5
    build(home)
    assert query(home, CONTENT) == truth(home)


def test_a_builder_killed_at_any_moment_leaves_a_readable_warehouse(home: Settings) -> None:
    write(home, "car", "de", 1, "0")
    build(home)
    context = multiprocessing.get_context("spawn")
    random.seed(5)
    for kill in range(3):
        builder = context.Process(target=_write_and_build, args=(home,))
        builder.start()
        started = home.home / "started"
        deadline = time.monotonic() + 30
        while not started.exists():
            assert time.monotonic() < deadline
            time.sleep(0.002)
        for _ in range(3):
            time.sleep(random.random() * 0.05)
            assert query(home, CONTENT)[0][1] == "de"
        os.kill(builder.pid or 0, signal.SIGKILL)
        builder.join()
        started.unlink()
        assert query(home, CONTENT)[0][1] == "de", kill
    build(home)
    assert query(home, CONTENT) == truth(home)


def _write_and_build(settings: Settings) -> None:
    FileSystem(settings.home).write_bytes("started", b"")
    for number in range(10_000):
        write(settings, "car", "de", 1 + number % 7, str(number))
        build_warehouse(settings, [SCRIPTS])
