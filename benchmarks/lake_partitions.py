"""A table of many partitions against one Parquet file of the same rows, queried with DuckDB.

Run: ``python -m benchmarks.lake_partitions [--partitions N] [--rows N] [--no-results]``
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import dataframely as dy
import duckdb
import polars as pl

from benchmarks.results import interleaved, write_section
from creative_lab.lake.schemas import TableSchema, table
from creative_lab.lake.snapshots import Snapshots
from creative_lab.lake.tables import TableStore
from creative_lab.lake.warehouse import build_warehouse, views_folder
from creative_lab.settings import Settings


@table("bench_scores", partition_by=("day", "look"), group="benchmarks", comment="Scores for the benchmark")
class Scores(TableSchema):
    """Rows of the benchmark."""

    day = dy.String(primary_key=True)
    look = dy.String(primary_key=True)
    candidate = dy.Int64(primary_key=True)
    score = dy.Float64(nullable=False)
    scorer = dy.String(nullable=False)


QUERIES = {
    "mean per day": "SELECT day, count(*), avg(score) FROM {} GROUP BY day ORDER BY day",
    "mean per scorer": "SELECT scorer, avg(score), quantile_cont(score, 0.9) FROM {} GROUP BY scorer ORDER BY scorer",
    "one partition": "SELECT avg(score) FROM {} WHERE day = 'd0050' AND look = 'l020'",
}


def _fill(store: TableStore, partitions: int, rows: int) -> float:
    """Write the partitions' files without syncing each (that is measured apart); returns the seconds it took."""

    class Unsynced(type(store.files.calls)):  # type: ignore[misc]
        def fsync(self, descriptor: int) -> None: ...
        def fsync_folder(self, folder: Path) -> None: ...

    synced = store.files.calls
    store.files.calls = Unsynced()
    start = time.perf_counter()
    per_day = max(1, partitions // 100)
    for day in range(partitions // per_day):
        _write(store, [(f"d{day:04d}", f"l{look:03d}") for look in range(per_day)], rows)
    taken = time.perf_counter() - start
    store.files.calls = synced
    return taken


def _write(store: TableStore, keys: list[tuple[str, str]], rows: int, run: str = "r") -> None:
    frame = pl.DataFrame(
        {
            "day": [day for day, _ in keys for _ in range(rows)],
            "look": [look for _, look in keys for _ in range(rows)],
            "candidate": [i for _ in keys for i in range(rows)],
            "score": [((i * 37 + n * 11) % 1000) / 10 for n, _ in enumerate(keys) for i in range(rows)],
            "scorer": [("clip", "pick", "vqa")[i % 3] for _ in keys for i in range(rows)],
        }
    )
    store.write(Scores, frame, run_id=run, backend="miniature")


def run(partitions: int = 10_000, rows: int = 50, rounds: int = 40) -> dict[str, Any]:
    """Measure; returns times in milliseconds and ratios against the single file, per query and state."""
    results: dict[str, Any] = {"partitions": partitions, "rows": partitions * rows, "queries": {}}
    with tempfile.TemporaryDirectory(prefix="lake-partitions-") as folder:
        settings = Settings(home=Path(folder), lake_url=None)
        store = TableStore(settings)
        results["fill_s"] = _fill(store, partitions, rows)
        start = time.perf_counter()
        build_warehouse(settings, ["bench_scores"])
        results["first_build_s"] = time.perf_counter() - start
        start = time.perf_counter()
        build_warehouse(settings, ["bench_scores"])
        results["unchanged_build_s"] = time.perf_counter() - start
        snapshots = Snapshots(store, views_folder(settings))
        one = Path(folder, "one.parquet")
        duckdb.execute(
            f"COPY (SELECT * FROM read_parquet('{snapshots.refresh(_info()).snapshot}') ORDER BY day, look) "
            f"TO '{one}' (FORMAT parquet)"
        )
        hive = f"read_parquet('{settings.lake_root}/tables/bench_scores/**/*.parquet')"
        results["queries"]["compacted"] = _measure(settings, one, hive, rounds)
        for changed in (1, 20, 100):
            start = time.perf_counter()
            _write(store, [("d0000", f"l{look:03d}") for look in range(changed)], rows + 1, "again")
            results[f"rewrite_{changed}_s"] = time.perf_counter() - start
            start = time.perf_counter()
            build_warehouse(settings, ["bench_scores"])
            results[f"build_{changed}_s"] = time.perf_counter() - start
            results["queries"][f"{changed} partitions rewritten"] = _measure(settings, one, None, rounds)
    results["load_average"] = os.getloadavg()
    return results


def _info() -> Any:
    from creative_lab.lake.schemas import table_info

    return table_info(Scores)


def _measure(settings: Settings, one: Path, hive: str | None, rounds: int) -> dict[str, dict[str, float]]:
    measured = {}
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        connection.execute("SET threads = 2")
        sources = {"one file": f"read_parquet('{one}')", "warehouse": "bench_scores"}
        for name, query in QUERIES.items():
            times = interleaved(
                {
                    source: lambda query=query, table=table: connection.execute(query.format(table)).fetchall()  # type: ignore[misc]
                    for source, table in sources.items()
                },
                rounds,
            )
            if hive:
                times |= interleaved({"hive": lambda query=query: connection.execute(query.format(hive)).fetchall()}, 1)  # type: ignore[misc]
            measured[name] = {source: seconds * 1000 for source, seconds in times.items()}
            measured[name]["ratio"] = times["warehouse"] / times["one file"]
    return measured


def report(results: dict[str, Any]) -> str:
    """The results as Markdown."""
    lines = [
        f"`python -m benchmarks.lake_partitions`: {results['rows']:,} rows in {results['partitions']:,} partitions, "
        "each a file that can be rewritten alone. Least of the rounds, DuckDB with 2 threads.",
        "",
        "| state | query | one Parquet file | warehouse | ratio | all partition files (glob) |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for state, queries in results["queries"].items():
        for name, times in queries.items():
            hive = f"{times['hive']:.0f} ms" if "hive" in times else ""
            lines.append(
                f"| {state} | {name} | {times['one file']:.1f} ms | {times['warehouse']:.1f} ms "
                f"| {times['ratio']:.2f} | {hive} |"
            )
    lines += [
        "",
        f"First build of the warehouse {results['first_build_s']:.1f} s, a build when nothing changed "
        f"{results['unchanged_build_s']:.2f} s, after one rewritten partition {results['build_1_s']:.2f} s "
        f"(the rewrite itself, durable: {results['rewrite_1_s'] * 1000:.0f} ms).",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write the section of the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--partitions", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=50, help="rows per partition")
    parser.add_argument("--no-results", action="store_true", help="print only")
    options = parser.parse_args()
    markdown = report(run(options.partitions, options.rows))
    sys.stdout.write(markdown + "\n")
    if not options.no_results:
        write_section("Tables of many partitions", markdown)


if __name__ == "__main__":
    main()
