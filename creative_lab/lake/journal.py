"""Append-only tables that survive a crash of the writer: one synced line per row, moved into Parquet later.

A run appends each row as one line of JSON to a file of its own process and waits until it is on the disk. A flush moves
the lines into the table's partitions (a day and the machine that wrote). It drops rows whose key the table has already,
so it may be killed at any moment and repeated. A last line torn by a crash was never acknowledged and is left out.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import re
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from creative_lab.lake.calls import SYSTEM_CALLS, SystemCalls
from creative_lab.lake.checking import TableError, check, schema_types
from creative_lab.lake.fs import FileSystem
from creative_lab.lake.schemas import TableInfo, table_info
from creative_lab.lake.tables import TableLike, TableStore

if TYPE_CHECKING:
    from creative_lab.settings import Settings

_OPEN = ".jsonl"
_DRAINING = ".draining"
_log = logging.getLogger(__name__)


class AppendLog:
    """One append-only table of an installation. Its schema has a primary key of one text column, ``at``, ``day``
    and ``machine``, and is partitioned by the last two. Safe for threads and many processes.
    """

    def __init__(self, settings: Settings, table: TableLike, *, calls: SystemCalls = SYSTEM_CALLS) -> None:
        self.info = table_info(table)
        self._settings = settings
        self._calls = calls
        self._folder = settings.home / "journal" / self.info.name
        self._key = self.info.schema.primary_key()[0]
        self._guard = threading.Lock()
        self._descriptor: int | None = None
        self._path = self._folder / "unopened"
        self._owner = 0

    def append(self, row: dict[str, Any]) -> str:
        """Add one row durably; returns its key.

        The key, ``at`` (now) and ``backend`` (the profile) are filled in where the row lacks them, other absent
        columns are null. Raises TableError when the row breaks the schema and OSError when the disk fails; then
        nothing was added.
        """
        row = {self._key: uuid.uuid4().hex, "at": datetime.now(UTC), "backend": self._settings.profile, **row}
        row.setdefault("written_at", row["at"])
        row["day"], row["machine"] = row["at"].astimezone(UTC).date().isoformat(), machine_key()
        check(self.info, self._frame([row]), where="appended")
        line = json.dumps(row, ensure_ascii=False, default=_plain, separators=(",", ":")).encode() + b"\n"
        with self._guard, self._locked() as descriptor:
            before = os.fstat(descriptor).st_size
            try:
                rest = memoryview(line)
                while rest:
                    rest = rest[self._calls.write(descriptor, rest) :]
                self._calls.fsync(descriptor)
            except BaseException:
                os.ftruncate(descriptor, before)
                raise
        return str(row[self._key])

    def flush(self) -> int:
        """Move all finished lines of all processes into the table; returns how many rows were new."""
        if not self._folder.is_dir():
            return 0
        files = FileSystem(self._folder, calls=self._calls)
        with files.lock("flush"):
            for path in sorted(self._folder.glob(f"*{_OPEN}")):
                self._seal(path)
            sealed = sorted(self._folder.glob(f"*{_DRAINING}"))
            rows: list[dict] = []
            rejected: list[bytes] = []
            for path in sealed:
                for line in path.read_bytes().split(b"\n"):
                    if line.strip():
                        self._read_line(line, rows, rejected)
            added = self._store(rows)
            if rejected:
                _log.warning(
                    "table %s: %d lines of its journal are unreadable and kept apart", self.info.name, len(rejected)
                )
                files.write_bytes(f"rejected-{uuid.uuid4().hex}.txt", b"\n".join(rejected) + b"\n")
            for path in sealed:
                self._calls.unlink(path)
            if sealed:
                self._calls.fsync_folder(self._folder)
        return added

    # --- appending

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """The process's own file, locked against a flush, which takes the file away under its lock."""
        while True:
            if self._descriptor is None or self._owner != os.getpid():
                self._open()
            descriptor = self._descriptor
            assert descriptor is not None
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            try:
                if self._path.exists() and os.path.samestat(self._path.stat(), os.fstat(descriptor)):
                    yield descriptor
                    return
            finally:
                fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)
            self._descriptor = None

    def _open(self) -> None:
        if self._descriptor is not None:  # inherited by a fork: the parent's file and lock
            os.close(self._descriptor)
            self._descriptor = None
        self._calls.make_folder(self._folder)
        self._path = self._folder / f"{os.getpid()}-{uuid.uuid4().hex}{_OPEN}"
        self._descriptor = self._calls.open_append(self._path)
        self._owner = os.getpid()
        self._calls.fsync_folder(self._folder)

    # --- flushing

    def _seal(self, path: Path) -> None:
        """Take a file away from its writer, between two lines."""
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            self._calls.rename(path, path.with_name(path.name + _DRAINING))
        finally:
            os.close(descriptor)

    def _read_line(self, line: bytes, rows: list[dict], rejected: list[bytes]) -> None:
        try:
            row = json.loads(line)
            row["at"] = datetime.fromisoformat(row["at"])
            row["written_at"] = datetime.fromisoformat(row["written_at"])
            self._frame([row])
        except (ValueError, TypeError, KeyError, pl.exceptions.PolarsError):
            # Without its newline a torn line is also unparsable: never acknowledged, so no row is lost.
            rejected.append(line)
            return
        rows.append(row)

    def _store(self, rows: list[dict]) -> int:
        if not rows:
            return 0
        store = TableStore(self._settings)
        added = 0
        frame = self._frame(rows).unique(subset=self._key, keep="first", maintain_order=True)
        for (day, machine), new in frame.partition_by("day", "machine", as_dict=True).items():
            partition = {"day": str(day), "machine": str(machine)}
            known = store.scan(self.info, [partition] if store.exists(self.info, partition) else []).collect()
            missing = new.join(known, on=self._key, how="anti")
            if missing.height:
                merged = pl.concat([known, missing]).sort("at")
                store.write(self.info, merged, partition=partition, run_id=None, backend=None)
                added += missing.height
        return added

    def _frame(self, rows: list[dict]) -> pl.DataFrame:
        types = schema_types(self.info)
        extra = sorted({key for row in rows for key in row} - set(types))
        if extra:
            raise TableError(f"table {self.info.name}: unknown column{'s' if extra[1:] else ''} {', '.join(extra)}")
        columns = []
        for name, dtype in types.items():
            values = [row.get(name) for row in rows]
            if dtype.is_float():
                values = [float(value) if isinstance(value, int) else value for value in values]
            try:
                columns.append(pl.Series(name, values, dtype=dtype, strict=True))
            except (TypeError, OverflowError, pl.exceptions.PolarsError):
                shown = ", ".join(repr(value)[:60] for value in values[:3])
                raise TableError(f"table {self.info.name}: column {name}: {shown} is not {dtype}") from None
        return pl.DataFrame(columns)


_logs: dict[tuple[Path, str], AppendLog] = {}
_logs_guard = threading.Lock()


def append_log(settings: Settings, table: TableLike) -> AppendLog:
    """The process's one log of a table of an installation."""
    info: TableInfo = table_info(table)
    with _logs_guard:
        key = (settings.home, info.name)
        if key not in _logs:
            _logs[key] = AppendLog(settings, info)
        return _logs[key]


def flush_all(settings: Settings) -> int:
    """Flush every append-only table that has a journal; returns how many rows were new."""
    import creative_lab.lake.logs  # noqa: F401  (declares the tables)

    folder = settings.home / "journal"
    names = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    added = 0
    for name in names:
        try:
            log = append_log(settings, name)
        except KeyError:  # a table of a module that this process has not imported
            continue
        added += log.flush()
    return added


def machine_key() -> str:
    """This machine's name as a partition key."""
    return re.sub(r"[^a-z0-9_-]+", "-", socket.gethostname().lower()).strip("-_")[:64] or "machine"


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no value of a table")
