"""Events and calls: nothing acknowledged is lost, nothing is stored twice, no secret is kept."""

from __future__ import annotations

import contextlib
import errno
import json
import multiprocessing
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl
import pytest

from creative_lab.lake import journal
from creative_lab.lake.checking import TableError
from creative_lab.lake.events import flush_events, record_event, record_llm_call, stage
from creative_lab.lake.fs import FileSystem
from creative_lab.lake.journal import AppendLog
from creative_lab.lake.logs import LlmCalls, PipelineEvents
from creative_lab.lake.tables import TableStore
from creative_lab.lake.warehouse import build_warehouse
from creative_lab.settings import Settings
from creative_lab_tests.lake.faults import ERRORS, FailingCalls


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Settings]:
    journal._logs.clear()
    yield Settings(home=tmp_path / "home", lake_url=None, openai_api_key="sk-canary-123", profile="studio")
    journal._logs.clear()


def events(home: Settings) -> pl.DataFrame:
    flush_events(home)
    return TableStore(home).read(PipelineEvents).sort("at")


def test_an_event_becomes_a_row_with_everything_that_was_said(home: Settings) -> None:
    event_id = record_event(
        home,
        stage="writer",
        status="fail",
        reason="model refused",
        run_id="run-1",
        attempt=2,
        duration_ms=12.5,
        model="openai/x",
        cost_usd=0.01,
        detail={"rows": 8, "wörter": ["ä"]},
        spot="car",
        target="de",
    )
    row = events(home).row(0, named=True)
    assert row["event_id"] == event_id
    assert (row["stage"], row["status"], row["reason"], row["attempt"]) == ("writer", "fail", "model refused", 2)
    assert (row["spot"], row["target"], row["look_id"]) == ("car", "de", None)
    assert json.loads(row["detail"]) == {"rows": 8, "wörter": ["ä"]}
    assert (row["run_id"], row["backend"]) == ("run-1", "studio")
    assert row["day"] == row["at"].date().isoformat()
    assert row["written_at"] == row["at"]


def test_the_warehouse_shows_rows_that_were_not_flushed_by_anybody(home: Settings) -> None:
    record_event(home, stage="a", status="ok", run_id="r")
    record_llm_call(home, run_id="r", model_id="m", cached=True, status="ok", attempt=1, prompt_tokens=3)
    build_warehouse(home, ["pipeline_events", "llm_calls"])
    with duckdb.connect(str(home.warehouse_path), read_only=True) as connection:
        assert connection.execute("SELECT stage FROM pipeline_events").fetchall() == [("a",)]
        assert connection.execute("SELECT model_id, cached FROM llm_calls").fetchall() == [("m", True)]


def test_a_stage_records_success_warning_and_failure_and_raises_on(home: Settings) -> None:
    with stage(home, "draw", run_id="r", spot="car") as outcome:
        outcome.model, outcome.cost_usd, outcome.detail = "m", 0.5, {"n": 1}
    with stage(home, "score", run_id="r") as outcome:
        outcome.status, outcome.reason = "warn", "below 30"
    with pytest.raises(ZeroDivisionError), stage(home, "mask", run_id="r", attempt=3):
        _ = 1 / 0
    with pytest.raises(KeyboardInterrupt), stage(home, "stop", run_id="r"):
        raise KeyboardInterrupt
    rows = events(home).select("stage", "status", "reason", "attempt", "model").rows()
    assert rows == [
        ("draw", "ok", None, 1, "m"),
        ("score", "warn", "below 30", 1, None),
        ("mask", "fail", "ZeroDivisionError: division by zero", 3, None),
        ("stop", "fail", "KeyboardInterrupt: ", 1, None),
    ]
    assert events(home)["duration_ms"].min() >= 0  # type: ignore[operator]


def test_the_error_of_a_stage_reaches_the_caller_even_when_it_cannot_be_recorded(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = AppendLog(home, PipelineEvents, calls=FailingCalls(1, errno.ENOSPC))
    monkeypatch.setitem(journal._logs, (home.home, "pipeline_events"), log)
    with pytest.raises(ZeroDivisionError) as caught, stage(home, "mask", run_id="r"):
        _ = 1 / 0
    assert "could not be recorded" in caught.value.__notes__[0]


def test_secrets_of_the_settings_never_reach_a_row(home: Settings) -> None:
    record_event(
        home,
        stage="a",
        status="fail",
        reason="401 for key sk-canary-123",
        detail={"headers": "Bearer sk-canary-123"},
        run_id="r",
    )
    record_llm_call(home, run_id="r", model_id="m", cached=False, status="error", error="sk-canary-123", attempt=1)
    build_warehouse(home, ["pipeline_events", "llm_calls"])
    for path in home.home.rglob("*"):
        assert not path.is_file() or b"sk-canary-123" not in path.read_bytes(), path
    assert TableStore(home).read(LlmCalls)["error"].to_list() == ["***"]


def test_rows_that_break_the_schema_are_refused_at_once_and_nothing_is_added(home: Settings) -> None:
    with pytest.raises(TableError, match="failures_have_a_reason"):
        record_event(home, stage="a", status="fail", run_id="r")
    with pytest.raises(TableError, match="unknown column spott"):
        record_event(home, stage="a", status="ok", run_id="r", spott="car")
    with pytest.raises(TableError, match="cost_usd"):
        record_event(home, stage="a", status="ok", run_id="r", cost_usd=-1.0)
    with pytest.raises(TableError, match="column attempt: 'one' is not Int32"):
        record_llm_call(home, run_id="r", model_id="m", cached=False, status="ok", attempt="one")
    with pytest.raises(TableError, match="column cached: 'no' is not Boolean"):
        record_llm_call(home, run_id="r", model_id="m", cached="no", status="ok", attempt=1)
    with pytest.raises(TableError, match="column status: 'great' is not Enum"):
        record_event(home, stage="a", status="great", run_id="r")  # type: ignore[arg-type]
    assert events(home).height == 0


def test_a_known_event_id_is_stored_once_however_often_it_comes(home: Settings) -> None:
    for _ in range(3):
        record_event(home, stage="a", status="ok", run_id="r", event_id="same")
        flush_events(home)
        record_event(home, stage="a", status="ok", run_id="r", event_id="same")
    assert events(home)["event_id"].to_list() == ["same"]


def test_a_torn_last_line_is_left_out_and_the_rest_is_kept(home: Settings) -> None:
    record_event(home, stage="a", status="ok", run_id="r", event_id="whole")
    file = next((home.home / "journal/pipeline_events").glob("*.jsonl"))
    line = file.read_bytes()
    for cut in [1, len(line) // 2, len(line) - 2]:
        FileSystem(file.parent).write_bytes(f"torn-{cut}.jsonl", line.replace(b"whole", b"other") + line[:cut])
    assert sorted(events(home)["event_id"]) == ["other", "whole"]


@pytest.mark.parametrize("error", ERRORS, ids=errno.errorcode.get)
def test_an_append_that_fails_adds_nothing_and_one_that_succeeds_is_there(home: Settings, error: int) -> None:
    expected = []
    for number in range(1, 100):
        calls = FailingCalls(number, error)
        log = AppendLog(home, PipelineEvents, calls=calls)
        for attempt in ("first", "second"):
            name = f"{number}-{attempt}"
            try:
                log.append({"event_id": name, "stage": "a", "status": "ok", "attempt": 1, "run_id": "r"})
                expected.append(name)
            except OSError as caught:
                assert caught.errno == error
        if not calls.failed:
            break
    assert len(expected) > 10
    assert sorted(events(home)["event_id"]) == sorted(expected)


@pytest.mark.parametrize("error", ERRORS, ids=errno.errorcode.get)
def test_a_flush_that_fails_anywhere_loses_and_doubles_nothing(
    home: Settings, error: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 100):
        for i in range(3):
            record_event(home, stage="a", status="ok", run_id="r", event_id=f"{number}-{i}")
        calls = FailingCalls(number, error)
        original = FileSystem.of_lake

        def failing(settings: Settings, calls: FailingCalls = calls) -> FileSystem:
            return FileSystem(settings.lake_root, calls=calls)

        monkeypatch.setattr(FileSystem, "of_lake", failing)
        with contextlib.suppress(OSError):
            AppendLog(home, PipelineEvents, calls=calls).flush()
        monkeypatch.setattr(FileSystem, "of_lake", original)
        ids = events(home)["event_id"].to_list()
        assert sorted(ids) == sorted(f"{n}-{i}" for n in range(1, number + 1) for i in range(3))
        if not calls.failed:
            return
    pytest.fail("the flush never got through")


def _append_for_ever(settings: Settings, acknowledged: Path, worker: int) -> None:
    descriptor = os.open(acknowledged, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in range(100_000):
        event_id = record_event(settings, stage="a", status="ok", run_id="r", event_id=f"{worker}-{number}")
        os.write(descriptor, f"{event_id}\n".encode())


def _flush_for_ever(settings: Settings) -> None:
    while True:
        flush_events(settings)


def test_killed_writers_and_flushers_lose_no_acknowledged_event_and_double_none(home: Settings) -> None:
    context = multiprocessing.get_context("spawn")
    acknowledged = [home.home / f"ack-{worker}" for worker in range(2)]
    home.home.mkdir(parents=True)
    processes = [
        context.Process(target=_append_for_ever, args=(home, path, worker)) for worker, path in enumerate(acknowledged)
    ] + [context.Process(target=_flush_for_ever, args=(home,))]
    for process in processes:
        process.start()
    deadline = time.monotonic() + 60
    while not all(path.exists() and path.stat().st_size > 100 for path in acknowledged):
        assert time.monotonic() < deadline
        assert all(process.is_alive() for process in processes)
        time.sleep(0.02)
    random.shuffle(processes)
    for process in processes:
        time.sleep(random.random() * 0.2)
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
    ids = events(home)["event_id"].to_list()
    assert len(ids) == len(set(ids))
    promised = {name for path in acknowledged for name in path.read_text().split()}
    assert promised <= set(ids)


def test_threads_of_one_process_may_record_beside_a_flush(home: Settings) -> None:
    def work(name: str) -> None:
        for number in range(15):
            record_event(home, stage="a", status="ok", run_id="r", event_id=f"{name}-{number}")

    threads = [threading.Thread(target=work, args=(f"thread{i}",)) for i in range(3)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        flush_events(home)
    assert events(home).height == 3 * 15
