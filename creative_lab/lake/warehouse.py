# ruff: noqa: S608  (views are made of quoted names and paths; DuckDB takes no parameters in DDL)
"""``warehouse.duckdb``: a catalogue of views over the lake's tables, for analysts.

It holds no rows. It is built under a temporary name and renamed over the old one, so an open connection keeps the state
it began with, and a new process sees the new one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from creative_lab.lake.fs import FileSystem
from creative_lab.lake.schemas import TableInfo, registered_tables, table_info
from creative_lab.lake.snapshots import ID_COLUMN, Snapshots, TableState
from creative_lab.lake.tables import TableStore

if TYPE_CHECKING:
    from creative_lab.settings import Settings


@dataclass
class BuildReport:
    """What a build of the warehouse did."""

    path: Path
    tables: list[str]
    rebuilt: bool
    """False when the published file was up to date already."""
    problems: dict[str, str] = field(default_factory=dict)
    """Tables that could not be read, with the reason; their views show what could be read before, or nothing."""


def views_folder(settings: Settings) -> Path:
    """Where the files that the views read are kept: with a local lake, else in the home folder."""
    return (settings.home if settings.lake_url else Path(settings.lake_root)) / "views"


def build_warehouse(settings: Settings, tables: Iterable[TableInfo | str] | None = None) -> BuildReport:
    """Publish a view for each of ``tables`` (default: all registered ones) at ``settings.warehouse_path``.

    First moves journals of events into their tables. Safe beside writers, readers and other builds. A table that
    cannot be read is reported and does not stop the others.
    """
    from creative_lab.lake.journal import flush_all

    infos = [table_info(item) for item in tables] if tables is not None else registered_tables()
    files = FileSystem(settings.home)
    report = BuildReport(settings.warehouse_path, [info.name for info in infos], rebuilt=False)
    with files.lock("warehouse"):
        flush_all(settings)
        snapshots = Snapshots(TableStore(settings), views_folder(settings))
        statements = ["BEGIN"]
        for info in infos:
            try:
                state = snapshots.refresh(info)
            except Exception as error:  # whatever a damaged file raises; the other tables are still wanted
                report.problems[info.name] = f"{type(error).__name__}: {error}"
                state = snapshots.last(info)
            statements += view_statements(info, state)
        statements.append("COMMIT")
        script = "\n".join(f"{statement};" for statement in statements)
        if settings.warehouse_path.exists() and _published_script(files) == script:
            return report
        _publish(files, settings.warehouse_path, script)
        report.rebuilt = True
    return report


_SCRIPT = "warehouse.sql"


def _published_script(files: FileSystem) -> str | None:
    try:
        return files.read_bytes(_SCRIPT).decode()
    except (FileNotFoundError, UnicodeDecodeError):
        return None


def _publish(files: FileSystem, path: Path, script: str) -> None:
    import duckdb

    with tempfile.TemporaryDirectory(prefix="creative-lab-warehouse-") as folder:
        draft = Path(folder, "warehouse.duckdb")
        connection = duckdb.connect(str(draft))
        try:
            connection.execute(script)
        finally:
            connection.close()
        files.remove(_SCRIPT)
        files.write_bytes(path.name, draft.read_bytes())
        files.write_bytes(_SCRIPT, script.encode())


def view_statements(info: TableInfo, state: TableState) -> list[str]:
    """SQL that creates the view of one table, with its comments."""
    name = _identifier(info.name)
    listed = ", ".join(_identifier(column) for column in info.schema.column_names())
    query = f"SELECT {listed} FROM read_parquet({_text(state.snapshot)}, hive_partitioning = false)"
    if state.excluded:
        query += f" WHERE {ID_COLUMN} NOT IN ({', '.join(map(str, state.excluded))})"
    if state.changed:
        query += f" UNION ALL SELECT {listed} FROM read_parquet({_text(state.changed)}, hive_partitioning = false)"
    statements = [f"CREATE VIEW {name} AS {query}", f"COMMENT ON VIEW {name} IS {_text(info.comment)}"]
    for column, comment in info.column_comments.items():
        statements.append(f"COMMENT ON COLUMN {name}.{_identifier(column)} IS {_text(comment)}")
    return statements


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
