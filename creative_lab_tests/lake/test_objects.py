"""The lake on an object store that may fail: a real S3 protocol over loopback."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import httpx
import polars as pl
import pytest

from creative_lab.lake.fs import FileSystem
from creative_lab.lake.schemas import table_info
from creative_lab.lake.snapshots import Snapshots
from creative_lab.lake.tables import MissingPartition, TableStore
from creative_lab.lake.warehouse import view_statements
from creative_lab_tests.lake.faults import Scripts


class Switch:
    """Stands before the S3 server: counts uploads, and fails them while it is off."""

    def __init__(self, application: Any) -> None:
        self.application = application
        self.broken = False
        self.puts: list[str] = []
        self.before_put = lambda path: None

    def __call__(self, environ: dict, start: Any) -> Any:
        if self.broken:
            start("503 Slow Down", [("Content-Type", "text/plain")])
            return [b"no"]
        if environ["REQUEST_METHOD"] == "PUT":
            self.before_put(environ["PATH_INFO"])
            self.puts.append(environ["PATH_INFO"])
        return self.application(environ, start)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Switch, str]]:
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    switch = Switch(DomainDispatcherApplication(create_backend_app))
    http = make_server("127.0.0.1", 0, switch, threaded=True)
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    yield switch, f"http://127.0.0.1:{http.server_port}"
    http.shutdown()
    thread.join()


@pytest.fixture
def lake(server: tuple[Switch, str], tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[FileSystem]:
    """A lake in a bucket of its own."""
    switch, url = server
    switch.broken, switch.before_put = False, lambda path: None
    switch.puts.clear()
    options = {
        "key": "k",
        "secret": "s",
        "client_kwargs": {"endpoint_url": url, "region_name": "us-east-1"},
        "config_kwargs": {"retries": {"max_attempts": 1}},
        "skip_instance_cache": True,
    }
    bucket = hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:20]
    files = FileSystem(f"s3://{bucket}/lake", options=options, fallback=tmp_path / "fallback")
    assert files.remote is not None
    files.remote._store.retries = 1
    httpx.put(f"{url}/{bucket}").raise_for_status()
    switch.puts.clear()
    yield files
    switch.broken = False


def test_files_are_uploaded_whole_and_read_back(lake: FileSystem, server: tuple[Switch, str]) -> None:
    stored = lake.write_bytes("a/x.bin", b"content" * 1000)
    assert not stored.degraded
    assert stored.path == lake.url("a/x.bin")
    assert stored.sha256 == hashlib.sha256(b"content" * 1000).hexdigest()
    assert lake.read_bytes("a/x.bin") == b"content" * 1000
    assert [file.name for file in lake.list("a")] == ["a/x.bin"]
    before = lake.list("a")[0].version
    lake.write_bytes("a/x.bin", b"other")
    assert lake.list("a")[0].version != before
    lake.remove("a/x.bin")
    assert not lake.exists("a/x.bin")
    with pytest.raises(FileNotFoundError):
        lake.read_bytes("a/x.bin")
    name, digest = lake.put(b"picture", ".png")
    puts = len(server[0].puts)
    assert lake.put(b"picture", ".png") == (name, digest)
    assert len(server[0].puts) == puts


def test_an_error_of_the_caller_uploads_nothing(lake: FileSystem, server: tuple[Switch, str]) -> None:
    with pytest.raises(ZeroDivisionError), lake.writer("x") as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert not lake.exists("x")
    assert not any(path.endswith("/x") for path in server[0].puts)


def test_when_the_store_fails_files_wait_locally_marked_degraded_and_drain_later_once(
    lake: FileSystem, server: tuple[Switch, str], tmp_path: Path
) -> None:
    switch, _ = server
    lake.write_bytes("kept", b"1")
    switch.broken = True
    stored = lake.write_bytes("a/x", b"waiting")
    assert stored.degraded
    assert stored.reason
    assert stored.name == "a/x"
    assert Path(stored.path).read_bytes() == b"waiting"
    assert lake.read_bytes("a/x") == b"waiting"
    assert lake.exists("a/x")
    with pytest.raises(OSError, match="a/x"):
        lake.drain()
    assert lake.read_bytes("a/x") == b"waiting"
    switch.broken = False
    later = lake.write_bytes("a/x", b"newer")
    assert later.degraded, "a newer version waits behind the older one"
    switch.puts.clear()
    assert lake.drain() == ["a/x"]
    assert lake.drain() == []
    assert [path for path in switch.puts if path.endswith("/a/x")] == [f"/{lake.url('a/x').removeprefix('s3://')}"]
    assert lake.read_bytes("a/x") == b"newer"
    assert FileSystem(tmp_path / "fallback").list("outbox") == []
    assert not lake.write_bytes("a/x", b"direct").degraded


def test_a_drain_that_died_after_the_upload_does_not_upload_again(lake: FileSystem, server: tuple[Switch, str]) -> None:
    switch, _ = server
    switch.broken = True
    lake.write_bytes("x", b"waiting")
    switch.broken = False
    waiting = Path(lake.root, "outbox", "x").read_bytes()
    lake.drain()
    FileSystem(lake.root).write_bytes("outbox/x", waiting)  # what a drain killed before the removal leaves
    switch.puts.clear()
    assert lake.drain() == ["x"]
    assert switch.puts == []


def test_a_version_that_arrives_while_its_predecessor_is_uploaded_is_not_lost(
    lake: FileSystem, server: tuple[Switch, str]
) -> None:
    switch, _ = server
    switch.broken = True
    lake.write_bytes("x", b"first")
    switch.broken = False
    arrived: list[Any] = []

    def arrive(path: str) -> None:
        if path.endswith("/x") and not arrived:
            arrived.append(lake.write_bytes("x", b"second"))

    switch.before_put = arrive
    assert lake.drain() == []
    assert arrived[0].degraded
    assert lake.drain() == ["x"]
    assert lake.read_bytes("x") == b"second"


def test_tables_live_in_the_store_too(lake: FileSystem, server: tuple[Switch, str]) -> None:
    store = TableStore(lake)
    frame = pl.DataFrame({"spot": ["car", "bank"], "target": ["de", "us"], "row": [1, 2], "text": ["a", None]})
    frame = frame.with_columns(tone=pl.lit(None), tags=pl.lit(None))
    store.write(Scripts, frame, run_id="r1", backend="miniature")
    server[0].broken = True
    degraded = store.write(Scripts, frame.head(1), run_id="r2", backend="miniature")
    assert degraded[0].degraded
    server[0].broken = False
    assert store.partitions(Scripts) == [{"spot": "bank", "target": "us"}, {"spot": "car", "target": "de"}]
    assert store.read(Scripts).sort("row").get_column("run_id").to_list() == ["r2", "r1"]
    store.delete(Scripts, {"spot": "bank", "target": "us"})
    assert store.read(Scripts).height == 1
    with pytest.raises(MissingPartition, match="bank"):
        store.read(Scripts, [{"spot": "bank", "target": "us"}])


def test_queries_over_a_lake_in_the_store_read_local_copies(
    lake: FileSystem, server: tuple[Switch, str], tmp_path: Path
) -> None:
    store = TableStore(lake)
    snapshots = Snapshots(store, tmp_path / "views", small_bytes=0)
    frame = pl.DataFrame({"row": [1, 2], "text": ["a", None]}).with_columns(tone=pl.lit(None), tags=pl.lit(None))
    for target in ("de", "us"):
        store.write(Scripts, frame, partition={"spot": "car", "target": target}, run_id="r1", backend="miniature")

    def seen() -> list[tuple[Any, ...]]:
        with duckdb.connect() as connection:
            connection.execute(view_statements(table_info(Scripts), snapshots.refresh(table_info(Scripts)))[0])
            return connection.execute("SELECT target, count(*) FROM test_scripts GROUP BY ALL ORDER BY ALL").fetchall()

    assert seen() == [("de", 2), ("us", 2)]
    server[0].broken = True
    store.write(Scripts, frame.head(1), partition={"spot": "car", "target": "us"}, run_id="r2", backend="miniature")
    server[0].broken = False
    assert seen() == [("de", 2), ("us", 1)], "what waits in the outbox is seen too"
    lake.drain()
    assert seen() == [("de", 2), ("us", 1)]
