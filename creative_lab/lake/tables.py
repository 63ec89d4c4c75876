"""Tables of the lake: polars frames in and out, one Parquet file per partition.

A partition lives in ``tables/<name>/<dimension>=<key>/…/data.parquet``, a table without partitions in
``tables/<name>/data.parquet``. A file is replaced in one step; a reader that began before keeps the old rows.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import polars as pl

from creative_lab.lake.checking import TableError, check, conform, schema_types, stored_types
from creative_lab.lake.fs import FileSystem, Stored
from creative_lab.lake.schemas import TableInfo, TableSchema, partition_label, table_info

if TYPE_CHECKING:
    from creative_lab.settings import Settings

TableLike = str | type[TableSchema] | TableInfo
"""A registered table: its name, its schema or its entry in the register."""

DATA_FILE = "data.parquet"
_MOST_OPEN = 64


class MissingPartition(FileNotFoundError):
    """A partition that was asked for has no file."""


@dataclass(frozen=True)
class WrittenFile:
    """One partition's file after a write."""

    table: str
    partition: dict[str, str]
    name: str
    """Name below the lake's root."""
    path: str
    """Absolute path or URL."""
    rows: int
    bytes: int
    sha256: str
    degraded: bool = False


class TableStore:
    """Reads and writes the tables below a lake's root (settings, a local folder, or a file system)."""

    def __init__(self, root: Settings | FileSystem | str | Path) -> None:
        if isinstance(root, FileSystem):
            self.files = root
        elif isinstance(root, str | Path):
            self.files = FileSystem(root)
        else:
            self.files = FileSystem.of_lake(root)

    # --- writing

    def write(
        self,
        table: TableLike,
        frame: pl.DataFrame | pl.LazyFrame,
        *,
        partition: dict[str, str] | None = None,
        run_id: str | None,
        backend: str | None,
    ) -> list[WrittenFile]:
        """Replace whole partitions by the rows of ``frame``, each file in one step.

        With ``partition`` all rows belong to it (its columns are filled in where the frame lacks them; no rows make
        an empty partition). Without, the rows of a partitioned table are split by its partition columns.
        ``run_id`` and ``backend`` fill those columns, and ``written_at`` is now; None for ``run_id`` keeps the frame's
        own run and time, None for ``backend`` its own backend. Raises
        :class:`~creative_lab.lake.checking.TableError` before anything is written when a row breaks the schema.
        """
        info = table_info(table)
        frame = frame.collect() if isinstance(frame, pl.LazyFrame) else frame
        frame = self._fill(info, frame, partition, run_id, backend)
        frame = check(info, frame, where="to be written")
        parts = [(partition or {}, frame)]
        if partition is None and info.partition_by:
            parts = _split(info, frame)
        for keys, _ in parts:
            partition_label(info, keys)
        return [self._write_one(info, keys, rows) for keys, rows in parts]

    def delete(self, table: TableLike, partition: dict[str, str]) -> None:
        """Remove one partition; readers that began before still see its rows."""
        self.files.remove(file_name(table_info(table), partition))

    def _fill(
        self,
        info: TableInfo,
        frame: pl.DataFrame,
        partition: dict[str, str] | None,
        run_id: str | None,
        backend: str | None,
    ) -> pl.DataFrame:
        filled: dict[str, pl.Expr] = {}
        if run_id is not None:
            filled["run_id"] = pl.lit(run_id)
        if run_id is not None or "written_at" not in frame.columns:
            filled["written_at"] = pl.lit(datetime.now(UTC)).cast(pl.Datetime("us", "UTC"))
        if backend is not None:
            filled["backend"] = pl.lit(backend)
        if partition is not None:
            partition_label(info, partition)
            for column, key in partition.items():
                if column not in frame.columns:
                    filled[column] = pl.lit(key)
                    continue
                wrong = frame.get_column(column).cast(pl.String).ne_missing(pl.Series([key])).arg_true()
                if len(wrong):
                    row = int(wrong[0])
                    raise TableError(
                        f"table {info.name}: column {column}: {len(wrong)} rows do not belong to partition {key!r}; "
                        f"first row {row} ({frame.get_column(column)[row]!r})"
                    )
        if not frame.width:
            return pl.DataFrame(schema=schema_types(info))
        return frame.with_columns(**filled)

    def _write_one(self, info: TableInfo, partition: dict[str, str], rows: pl.DataFrame) -> WrittenFile:
        buffer = io.BytesIO()
        stored_form(info, rows).write_parquet(buffer)
        stored = self._store(info, partition, buffer.getvalue())
        return WrittenFile(
            info.name,
            dict(partition),
            stored.name,
            stored.path,
            rows.height,
            stored.bytes,
            stored.sha256,
            stored.degraded,
        )

    def _store(self, info: TableInfo, partition: dict[str, str], data: bytes) -> Stored:
        return self.files.write_bytes(file_name(info, partition), data)

    # --- reading

    def partitions(self, table: TableLike) -> list[dict[str, str]]:
        """Keys of all partitions that have a file (one empty dict for an existing table without partitions)."""
        info = table_info(table)
        return [keys for keys, _ in self._found(info)]

    def exists(self, table: TableLike, partition: dict[str, str] | None = None) -> bool:
        """Whether the partition has a file."""
        return self.files.exists(file_name(table_info(table), partition or {}))

    def scan(self, table: TableLike, partitions: list[dict[str, str]] | None = None) -> pl.LazyFrame:
        """Rows of the partitions asked for (default: all there are), lazily, with the table's columns and types.

        The frame keeps seeing the files as they were at this moment, whatever is written afterwards. Raises
        :class:`MissingPartition` when a partition asked for has no file; a table without files has no rows.
        """
        info = table_info(table)
        if partitions is None:
            names = [name for _, name in self._found(info)]
            return self._scan_files(info, names, may_vanish=True)
        return self._scan_files(info, [file_name(info, keys) for keys in partitions], may_vanish=False)

    def read(self, table: TableLike, partitions: list[dict[str, str]] | None = None) -> pl.DataFrame:
        """Like :meth:`scan`, collected and checked against every rule of the schema."""
        info = table_info(table)
        lazy = self.scan(info, partitions)
        try:
            frame = lazy.collect()
        except pl.exceptions.PolarsError as error:  # a file that is damaged or of other types
            raise TableError(f"table {info.name} (read from the lake): {error}") from error
        return check(info, frame, where="read from the lake")

    def _found(self, info: TableInfo) -> list[tuple[dict[str, str], str]]:
        folder = f"tables/{info.name}"
        found = []
        for file in self.files.list(folder, suffix=f"/{DATA_FILE}"):
            keys = partition_of(info, file.name)
            if keys is not None:
                found.append((keys, file.name))
        return found

    def _scan_files(self, info: TableInfo, names: list[str], *, may_vanish: bool) -> pl.LazyFrame:
        opened: list = []
        # A handful stay open; more are read at once, for the number of open files of a process is limited.
        read = self.files.open if len(names) <= _MOST_OPEN else self.files.read_bytes
        for name in names:
            try:
                opened.append(read(name))
            except FileNotFoundError:
                if not may_vanish:
                    label = ", ".join(PurePosixPath(name).parts[2:-1]) or "(the only one)"
                    raise MissingPartition(
                        f"table {info.name} has no partition {label}: {self.files.url(name)} is missing"
                    ) from None
        if not opened:
            return pl.LazyFrame(schema=schema_types(info))
        try:
            return in_memory_form(info, scan_stored(info, opened))
        finally:
            # polars holds its own descriptors: the rows stay readable when a file is replaced or removed.
            for file in opened:
                if not isinstance(file, bytes):
                    file.close()


def file_name(info: TableInfo, partition: dict[str, str]) -> str:
    """Name of a partition's file below the lake's root; ValueError for a bad key."""
    partition_label(info, partition)
    folders = [f"{dimension}={partition[dimension]}" for dimension in info.partition_by]
    return "/".join(["tables", info.name, *folders, DATA_FILE])


def partition_of(info: TableInfo, name: str) -> dict[str, str] | None:
    """The partition whose file is called ``name``; None for a file that belongs to no partition."""
    pairs = [part.partition("=") for part in PurePosixPath(name).parts[2:-1]]
    if tuple(dimension for dimension, _, _ in pairs) != info.partition_by:
        return None
    return {dimension: key for dimension, _, key in pairs}


def stored_form(info: TableInfo, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame as it is written: categories become plain text."""
    return conform(info, frame).cast(stored_types(info))  # type: ignore[arg-type]


def scan_stored(info: TableInfo, sources: list) -> pl.LazyFrame:
    """Files in stored form; columns that an older file lacks are null, those that the table lost are left out."""
    return pl.scan_parquet(
        sources,
        schema=stored_types(info),
        missing_columns="insert",
        extra_columns="ignore",
        cast_options=pl.ScanCastOptions(
            integer_cast="upcast",
            float_cast="upcast",
            missing_struct_fields="insert",
            extra_struct_fields="ignore",
        ),
    )


def in_memory_form(info: TableInfo, stored: pl.LazyFrame) -> pl.LazyFrame:
    """Stored rows with the types that the schema declares."""
    return stored.select(list(schema_types(info))).cast(schema_types(info))  # type: ignore[arg-type]


def _split(info: TableInfo, frame: pl.DataFrame) -> list[tuple[dict[str, str], pl.DataFrame]]:
    groups = frame.partition_by(*info.partition_by, as_dict=True, maintain_order=True)
    return [
        (dict(zip(info.partition_by, map(str, keys), strict=True)), rows)
        for keys, rows in sorted(groups.items(), key=lambda group: group[0])
    ]
