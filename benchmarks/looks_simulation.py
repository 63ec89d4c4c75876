"""Worlds of faults around the segmentation of daily looks: is a picture ever left behind, or done twice?

Run: ``python -m benchmarks.looks_simulation [--seeds N] [--size N] [--no-results]``
"""

from __future__ import annotations

import argparse
import statistics
import sys
from time import process_time

from benchmarks.results import write_section
from creative_lab.looks.simulation import Outcome, simulate


def report(outcomes: list[Outcome], seconds: float) -> str:
    """The sums of all worlds as Markdown."""
    names = {
        "pictures": "pictures rendered (re-renders included)",
        "segmented": "segmented, each once",
        "failed": "listed as failed, each with its reason",
        "crashes": "workers killed",
        "late": "results that came after their lease and were dropped",
        "outages": "times that a worker found store or segmenter away",
        "ticks": "ticks",
        "requeued": "pictures asked for again by a tick",
    }
    broken = [outcome for outcome in outcomes if outcome.problems]
    waits = sorted(outcome.oldest_s for outcome in outcomes)
    lines = [
        f"`python -m benchmarks.looks_simulation`: {len(outcomes):,} seeded worlds in {seconds:.1f} s of processor "
        "time, real claim rules on a fake clock.",
        "",
        "| what happened | sum over all worlds |",
        "|---|---:|",
        *(f"| {text} | {sum(getattr(outcome, name) for outcome in outcomes):,} |" for name, text in names.items()),
        f"| **worlds with a picture left behind, done twice, or failed without a reason** | **{len(broken)}** |",
        "",
        f"Longest wait of a picture, outages apart: median of the worlds {statistics.median(waits) / 60:.0f} min, "
        f"95th percentile {waits[int(len(waits) * 0.95)] / 60:.0f} min, worst {waits[-1] / 60:.0f} min (half of the "
        "workers of the worst worlds are killed before they are done).",
    ]
    return "\n".join(lines)


def main() -> None:
    """Play the worlds, print, and write the section of the results; exit code 1 when a rule was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000)
    parser.add_argument("--size", type=int, default=40, help="most pictures of a batch")
    parser.add_argument("--no-results", action="store_true", help="print only")
    options = parser.parse_args()
    begun = process_time()
    outcomes = [simulate(seed, size=options.size) for seed in range(options.seeds)]
    markdown = report(outcomes, process_time() - begun)
    sys.stdout.write(markdown + "\n")
    for outcome in outcomes:
        for problem in outcome.problems:
            sys.stdout.write(f"seed {outcome.seed}: {problem}\n")
    if not options.no_results:
        write_section("Simulated days of faults around segmentation", markdown)
    sys.exit(any(outcome.problems for outcome in outcomes))


if __name__ == "__main__":
    main()
