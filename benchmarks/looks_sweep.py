"""Renders without masks among millions: our comparison of composite keys against polars, pandas and a loop over sets.

Run: ``python -m benchmarks.looks_sweep [--pictures N …] [--rounds N] [--no-results]``

The key is composite in every contender: day, number of the look, number of the render, as integer columns in memory, in
the container that the contender likes best (made before the clock starts). Each returns the same three exact sets:
missing, segmented twice, orphans. Beside it, the whole sweep over Parquet files of a lake is timed, from listing the
files to the report: the first one, which reads every day, and a tick after one day changed.
"""

from __future__ import annotations

import argparse
import gc
import resource
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl

from benchmarks.results import interleaved, write_section
from creative_lab.looks.keys import Keys, compare
from creative_lab.looks.sweep import sweep
from creative_lab.settings import Settings

COLUMNS = ["day", "number", "render_no"]
Sets = tuple[set[tuple[int, ...]], set[tuple[int, ...]], set[tuple[int, ...]]]


def world(pictures: int, *, shuffled: bool = False) -> tuple[Keys, Keys]:
    """Renders of 400 days and their masks: 0.1 % missing, a few made twice, a few without a render; 5 % re-rendered."""
    random = np.random.default_rng(7)
    place = np.arange(pictures)
    per_day = -(-pictures // 400)
    again = place % 20 == 19  # the render after a look's first one
    number = place % per_day + 1 - again
    renders = [(20_500 + place // per_day).astype(np.int32), number.astype(np.int32), (1 + again).astype(np.int32)]
    kept = np.sort(random.permutation(pictures)[pictures // 1000 :])
    twice = random.choice(kept, max(pictures // 100_000, 3))
    order = np.sort(np.concatenate([kept, twice]))
    if shuffled:
        random.shuffle(order)
    masks = [column[order] for column in renders]
    orphans = max(pictures // 100_000, 3)
    masks = [
        np.concatenate([masks[0], np.full(orphans, 20_500, np.int32)]),
        np.concatenate([masks[1], np.arange(1, orphans + 1, dtype=np.int32)]),
        np.concatenate([masks[2], np.full(orphans, 3, np.int32)]),
    ]
    return Keys(*renders), Keys(*masks)


def contenders(renders: Keys, masks: Keys, *, with_loop: bool) -> dict[str, Callable[[], Sets]]:
    """Each contender over its own copy of the keys; the call returns the three sets as Python sets of tuples."""
    import pandas as pd

    polars_renders, polars_masks = (
        pl.DataFrame({name: getattr(keys, name) for name in COLUMNS}) for keys in (renders, masks)
    )
    pandas_renders, pandas_masks = (
        pd.DataFrame({name: getattr(keys, name) for name in COLUMNS}) for keys in (renders, masks)
    )

    def rows(frame: Any) -> set[tuple[int, ...]]:
        return set(frame.rows()) if isinstance(frame, pl.DataFrame) else set(frame.itertuples(index=False, name=None))

    def ours() -> Sets:
        found = compare(renders, masks)
        return set(found.missing.tuples()), set(found.duplicates.tuples()), set(found.orphans.tuples())

    def in_polars() -> Sets:
        missing = polars_renders.join(polars_masks, on=COLUMNS, how="anti")
        orphans = polars_masks.join(polars_renders, on=COLUMNS, how="anti")
        twice = polars_masks.group_by(COLUMNS).len().filter(pl.col("len") > 1).select(COLUMNS)
        return rows(missing), rows(twice), rows(orphans)

    def in_polars_packed() -> Sets:
        packed = pl.col("day").cast(pl.Int64) * 2**40 + pl.col("number").cast(pl.Int64) * 2**16 + pl.col("render_no")
        left, right = (frame.select(key=packed) for frame in (polars_renders, polars_masks))
        found = [
            left.join(right, on="key", how="anti"),
            right.group_by("key").len().filter(pl.col("len") > 1).select("key"),
            right.join(left, on="key", how="anti"),
        ]
        sets = [{(key >> 40, key >> 16 & 0xFFFFFF, key & 0xFFFF) for key in frame["key"]} for frame in found]
        return sets[0], sets[1], sets[2]

    def in_pandas() -> Sets:
        both = pandas_renders.merge(pandas_masks.drop_duplicates(), on=COLUMNS, how="outer", indicator=True)
        twice = pandas_masks[pandas_masks.duplicated(COLUMNS)]
        side = both["_merge"]
        return rows(both[side == "left_only"][COLUMNS]), rows(twice), rows(both[side == "right_only"][COLUMNS])

    found: dict[str, Callable[[], Sets]] = {
        "ours": ours,
        "polars": in_polars,
        "polars, key packed by hand": in_polars_packed,
        "pandas": in_pandas,
    }
    if with_loop:
        loop_renders, loop_masks = renders.tuples(), masks.tuples()

        def in_sets() -> Sets:
            rendered, segmented, twice = set(loop_renders), set(), set()
            for key in loop_masks:
                if key in segmented:
                    twice.add(key)
                segmented.add(key)
            return rendered - segmented, twice, segmented - rendered

        found["loop over sets"] = in_sets
    return found


def truth(renders: Keys, masks: Keys) -> Sets:
    """The three sets by counting, which is slow and plain."""
    rendered, counts = set(renders.tuples()), Counter(masks.tuples())
    return rendered - set(counts), {key for key, count in counts.items() if count > 1}, set(counts) - rendered


def run(pictures: int, rounds: int, *, shuffled: bool = False) -> dict[str, Any]:
    """Time the contenders in turn, after checking that all give the same sets."""
    renders, masks = world(pictures, shuffled=shuffled)
    work = contenders(renders, masks, with_loop=pictures <= 1_000_000)
    expected = truth(renders, masks) if pictures <= 1_000_000 else work["ours"]()
    wrong = [name for name, call in work.items() if call() != expected]
    if wrong:
        raise SystemExit(f"not the same sets: {', '.join(wrong)}")
    del expected
    gc.collect()
    return {"pictures": pictures, "shuffled": shuffled, "times": interleaved(work, rounds)}


def lake(pictures: int) -> dict[str, float]:
    """Seconds of a first sweep, of one when nothing changed and of one after a day changed, over files of a lake."""
    renders, masks = world(pictures)
    with tempfile.TemporaryDirectory(prefix="looks-sweep-") as folder:
        settings = Settings(home=Path(folder), lake_url=None)
        _fill(Path(settings.lake_root), renders, masks)
        times = {}
        first = sweep(settings)
        times["first"] = first.seconds
        difference = compare(renders, masks)
        if len(first.missing) != len(difference.missing) or len(first.orphans) != len(difference.orphans):
            raise SystemExit("the sweep over the lake found something else")
        times["unchanged"] = min(sweep(settings).seconds for _ in range(5))
        changed = []
        for day in sorted((Path(settings.lake_root) / "tables/garment_masks").iterdir())[:3]:
            file = day / "data.parquet"
            pl.read_parquet(file).write_parquet(file)
            begun = perf_counter()
            report = sweep(settings)
            changed.append(perf_counter() - begun)
            if report.days_read != 1:
                raise SystemExit("one day changed, another number was read")
        times["one day changed"] = min(changed)
    return times


def _fill(root: Path, renders: Keys, masks: Keys) -> None:
    """Day files with the columns that matter, written plainly: their durability is measured elsewhere."""
    at = datetime(2026, 3, 1, tzinfo=UTC)
    for table, keys in (("look_renders", renders), ("garment_masks", masks)):
        frame = pl.DataFrame({name: getattr(keys, name) for name in COLUMNS}).with_columns(
            day=pl.from_epoch(pl.col("day"), time_unit="d").dt.strftime("%Y-%m-%d"),
            render_no=pl.col("render_no").cast(pl.Int64),
        )
        frame = frame.with_columns(
            look_id=pl.col("day") + "-" + pl.col("number").cast(pl.String).str.zfill(4),
            status=pl.lit("ok"),
            rendered_at=pl.lit(at).cast(pl.Datetime("us", "UTC")),
            instance=pl.lit(0, pl.Int64),
        ).drop("number")
        for (day,), rows in frame.partition_by("day", as_dict=True).items():
            file = root / "tables" / table / f"day={day}" / "data.parquet"
            file.parent.mkdir(parents=True)
            rows.write_parquet(file)


def report(results: list[dict[str, Any]], lakes: dict[int, dict[str, float]]) -> str:
    """The results as Markdown."""
    lines = [
        "`python -m benchmarks.looks_sweep`: least of the rounds, contenders in turn. Keys are three integer "
        "columns in memory; every contender returns the same exact sets (checked): missing, made twice, orphans. 0.1 % "
        "are missing, 5 % are second renders, 400 days.",
        "",
        "| pictures | order of masks | contender | ms | against ours |",
        "|---:|---|---|---:|---:|",
    ]
    for result in results:
        ours = result["times"]["ours"]
        order = "any" if result["shuffled"] else "as stored"
        for name, seconds in result["times"].items():
            lines.append(
                f"| {result['pictures']:,} | {order} | {name} | {seconds * 1000:.0f} | {seconds / ours:.1f}× |"
            )
    lines += ["", "The whole sweep over 400 + 400 Parquet files of a lake, from listing them to the report:", ""]
    lines += ["| pictures | first sweep, all days read | nothing changed | one day changed |", "|---:|---:|---:|---:|"]
    for pictures, times in lakes.items():
        cells = " | ".join(f"{times[name] * 1000:.0f} ms" for name in ("first", "unchanged", "one day changed"))
        lines.append(f"| {pictures:,} | {cells} |")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    lines += ["", f"Peak memory of the whole benchmark, peers included: {peak:.1f} GB."]
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write the section of the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, nargs="*", default=[1_000_000, 10_000_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-results", action="store_true", help="print only")
    options = parser.parse_args()
    results, lakes = [], {}
    for pictures in options.pictures:
        rounds = options.rounds if pictures <= 1_000_000 else 1
        results.append(run(pictures, rounds))
        if pictures <= 1_000_000:
            results.append(run(pictures, rounds, shuffled=True))
        gc.collect()
        lakes[pictures] = lake(pictures)
    markdown = report(results, lakes)
    sys.stdout.write(markdown + "\n")
    if not options.no_results:
        write_section("Sweep for pictures without masks", markdown)


if __name__ == "__main__":
    main()
