"""Running the demo's jobs one by one, with progress, and counting what they did."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from creative_lab.commands.console import out
from creative_lab.commands.runs import Job, Lab, Outcome


@dataclass
class Tally:
    """What the jobs of one demo did."""

    done: int = 0
    skipped: int = 0
    failed: list[tuple[Job, Outcome]] = field(default_factory=list)


def work(
    lab: Lab,
    jobs: Sequence[Job],
    tally: Tally,
    *,
    fresh: bool,
    finished: Callable[[Lab, Job], bool] = Lab.is_fresh,
) -> list[tuple[Job, Outcome]]:
    """Run ``jobs`` in order, leaving out those that are finished unless ``fresh``; returns those that failed."""
    before = len(tally.failed)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<58.58}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=out, transient=True) as progress:
        bar = progress.add_task("", total=len(jobs))
        for job in jobs:
            progress.update(bar, description=job.label)
            # Asked again here: what ran before this job may have changed what it depends on.
            if not fresh and finished(lab, job):
                tally.skipped += 1
            else:
                outcome = lab.run(job)
                tally.done += 1
                if not outcome.success:
                    tally.failed.append((job, outcome))
            progress.advance(bar)
    return tally.failed[before:]
