"""``creative-lab sql``: one query over the warehouse, read-only, locked down, bounded in time and memory."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from creative_lab.settings import Settings

_CHILD = Path(__file__).with_name("sql_child.py")
_START_S = 20.0
"""Allowance for starting the child and reading its answer, beyond the query's own time, which the child watches."""


class QueryError(Exception):
    """A query gave no result; the message is one line."""


class QueryRefused(QueryError):
    """The query tried something that analysts may not do."""


class QueryFailed(QueryError):
    """The query is wrong, or needs more memory than allowed."""


class QueryTimeout(QueryError):
    """The query took too long and was ended."""


@dataclass(frozen=True)
class QueryResult:
    """Columns and rows of one query; values as JSON holds them (times in ISO 8601, bytes in base64)."""

    columns: list[str]
    types: list[str]
    rows: list[list[Any]]
    truncated: bool
    """Whether there were more rows than asked for."""
    elapsed_s: float
    landlock: int
    """Version of the kernel's confinement of the process, 0 where the kernel has none."""


def run_query(
    settings: Settings,
    sql: str,
    *,
    timeout_s: float | None = None,
    memory_mb: int | None = None,
    max_rows: int = 10_000,
    refresh: bool = True,
) -> QueryResult:
    """Run one SELECT over the views of the warehouse in a process of its own.

    The warehouse is brought up to date first unless ``refresh`` is false (or when there is none). Limits default to
    the settings. Raises :class:`QueryRefused`, :class:`QueryFailed` or :class:`QueryTimeout`.
    """
    from creative_lab.lake.warehouse import build_warehouse, views_folder

    if refresh or not settings.warehouse_path.exists():
        build_warehouse(settings)
    timeout = settings.sql_timeout_s if timeout_s is None else timeout_s
    memory = settings.sql_memory_mb if memory_mb is None else memory_mb
    request = {
        "database": str(settings.warehouse_path),
        "folder": f"{views_folder(settings)}/",
        "sql": sql,
        "timeout_s": timeout,
        "memory_mb": memory,
        "max_rows": max_rows,
    }
    start = time.perf_counter()
    with tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(
            [sys.executable, "-I", str(_CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={"LANG": "C.UTF-8"},
            cwd="/",
        )
        try:
            output, _ = child.communicate(json.dumps(request).encode(), timeout=timeout + _START_S)
        except subprocess.TimeoutExpired:
            raise QueryTimeout(f"the query took longer than {timeout:g} s and was ended") from None
        finally:
            child.kill()
            child.wait()
        errors.seek(0)
        lines = errors.read().decode(errors="replace").strip().splitlines()
    if child.returncode == -signal.SIGALRM:
        raise QueryTimeout(f"the query took longer than {timeout:g} s and was ended")
    try:
        answer = json.loads(output)
    except ValueError:
        reason = lines[-1][:300] if lines else f"its process ended with {child.returncode}"
        raise QueryFailed(f"the query was ended, probably for its need of memory ({reason})") from None
    if answer.get("error") == "refused":
        raise QueryRefused(answer["message"])
    if answer.get("error"):
        raise QueryFailed(answer["message"])
    return QueryResult(
        answer["columns"],
        answer["types"],
        answer["rows"],
        answer["truncated"],
        time.perf_counter() - start,
        answer["landlock"],
    )


def to_csv(result: QueryResult) -> str:
    """The result as CSV with a header; nested values as JSON, null as an empty field."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(result.columns)
    for row in result.rows:
        writer.writerow([_text(value) for value in row])
    return buffer.getvalue()


def to_json(result: QueryResult) -> str:
    """The result as a JSON list with an object per row; of columns with one name the later get ``_2``, ``_3`` …"""
    names: list[str] = []
    for column in result.columns:
        count, name = 1, column
        while name in names:
            count += 1
            name = f"{column}_{count}"
        names.append(name)
    return json.dumps([dict(zip(names, row, strict=True)) for row in result.rows], ensure_ascii=False, indent=2)


def to_table(result: QueryResult, *, widest: int = 60) -> str:
    """The result as aligned text for a terminal; long values are cut to ``widest`` characters."""
    cells = [[_short(_text(value), widest) for value in row] for row in result.rows]
    widths = [max([len(name), *(len(row[i]) for row in cells)]) for i, name in enumerate(result.columns)]
    numeric = [
        all(isinstance(row[i], int | float) or row[i] is None for row in result.rows) for i in range(len(widths))
    ]

    def line(values: list[str]) -> str:
        padded = (v.rjust(w) if n else v.ljust(w) for v, w, n in zip(values, widths, numeric, strict=True))
        return "  ".join(padded).rstrip()

    count = len(result.rows)
    end = f"({count} row{'' if count == 1 else 's'}{', more were left out' if result.truncated else ''})"
    return "\n".join([line(result.columns), line(["─" * width for width in widths]), *map(line, cells), end])


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _short(text: str, widest: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= widest else text[: widest - 1] + "…"
