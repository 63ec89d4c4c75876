"""The main job on the sample data, in chapters: spots adapted, looks of a day, a character and its storyboards."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from creative_lab.commands import demo_adaptation, demo_drawings, demo_looks, demo_storyboards
from creative_lab.commands.console import err, out
from creative_lab.commands.data import ready, sync_partitions
from creative_lab.commands.demo_runs import Tally, work
from creative_lab.commands.runs import Job, Lab, Outcome

if TYPE_CHECKING:
    from creative_lab.settings import Settings


CHAPTERS = ("adaptation", "looks", "storyboards")


def run_demo(
    settings: Settings,
    *,
    fresh: bool = False,
    every_target: bool = False,
    chapters: Sequence[str] = CHAPTERS,
) -> int:
    """Import, work, measure, show. Returns the exit code: 1 when something failed that should not have."""
    began = time.perf_counter()
    out.print("[bold]Creative Lab[/] adapts spots, makes a day of looks, and draws storyboards.\n", soft_wrap=True)
    ready(settings)
    tally, places = Tally(), list[tuple[Path, str]]()
    failed: list[tuple[Job, Outcome]] = []
    spots = demo_adaptation.import_samples(settings)
    sync_partitions(settings)
    with Lab(settings) as lab:
        if "adaptation" in chapters or "storyboards" in chapters:
            targets = demo_adaptation.all_targets(settings) if every_target else list(demo_adaptation.TARGETS)
            jobs = demo_adaptation.jobs(lab, spots, targets)
            work(lab, jobs, tally, fresh=fresh, finished=demo_adaptation.finished)
            demo_adaptation.show(settings, spots, targets)
            failed += demo_adaptation.unexpected(settings, tally)
            places += demo_adaptation.places(settings)
        if "looks" in chapters:
            demo_looks.import_samples(settings)
            day = demo_looks.today(settings)
            failed += work(lab, demo_looks.jobs(lab, day), tally, fresh=fresh)
            demo_looks.show(settings, day)
            places += demo_looks.places(settings, day)
        if "storyboards" in chapters:
            reasons = demo_storyboards.missing(settings)
            keys = demo_storyboards.make_records(settings, drawn=not reasons)
            for reason in reasons:
                out.print(f"Only wireframes are drawn: {reason}", style="yellow", markup=False, soft_wrap=True)
            if not reasons:
                demo_drawings.show(settings)
                places += demo_drawings.places(settings)
            failed += work(lab, demo_storyboards.jobs(lab, keys, drawn=not reasons), tally, fresh=fresh)
            demo_storyboards.show(settings, keys)
            places += demo_storyboards.places(settings, keys)
        failed += work(lab, lab.jobs("warehouse", []), tally, fresh=fresh)
    _ending(settings, tally, began, places)
    for job, outcome in failed:
        err.print(f"[red]{job.label}: {outcome.reason}[/]")
    return 1 if failed else 0


def _ending(settings: Settings, tally: Tally, began: float, places: list[tuple[Path, str]]) -> None:
    seconds = time.perf_counter() - began
    out.print(f"{tally.done} runs in {seconds:.0f} s", end="")
    if tally.skipped:
        out.print(f"; {tally.skipped} were finished earlier and nothing they depend on has changed", end="")
        out.print(" (make demo FRESH=1 redoes them)", end="")
    out.print(".")
    out.print("\nLook at:")
    for path, meaning in [*places, (settings.warehouse_path, "views for DuckDB")]:
        out.print(f"  {_short(path)}   {meaning}", markup=False, soft_wrap=True)
    out.print("\nGo on with:")
    steps = (
        ("up", "the Dagster UI and the review page"),
        ("sql --example market_results", "ask the warehouse (sql --examples lists the questions)"),
        ("review list", "what waits for a decision"),
    )
    for arguments, meaning in steps:
        out.print(f"  .venv/bin/creative-lab {arguments:<30} {meaning}", markup=False, soft_wrap=True)


def _short(path: Path) -> Path:
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path
