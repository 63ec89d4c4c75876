"""The main job on the sample data: three spots adapted to many markets, measured, and ready to be asked about."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from creative_lab.commands.console import CommandError, err, out, table
from creative_lab.commands.data import ready, sync_partitions
from creative_lab.commands.runs import Job, Lab, Outcome

if TYPE_CHECKING:
    from creative_lab.settings import Settings

TARGETS = (
    "en-gb",
    "en-ie",
    "en-au",
    "en-in",
    "uk-young-parents",
    "in-first-car-family",
    "de-de",
    "ja-jp",
    "ar-ae",
)
"""English-speaking markets and personas, which the offline drafter adapts to, and three that need a translation."""

ADAPTATION = "group:adaptation"


@dataclass
class Tally:
    """What the jobs of one demo did."""

    done: int = 0
    skipped: int = 0
    failed: list[tuple[Job, Outcome]] = field(default_factory=list)


def run_demo(settings: Settings, *, fresh: bool = False, every_target: bool = False) -> int:
    """Import, adapt, measure, show. Returns the exit code: 1 when something failed that should not have."""
    began = time.perf_counter()
    out.print("[bold]Creative Lab[/] adapts three TV spots to their markets.\n")
    ready(settings)
    spots = _import(settings)
    sync_partitions(settings)
    targets = _all_targets(settings) if every_target else list(TARGETS)
    tally = Tally()
    with Lab(settings) as lab:
        patterns = [f"{spot}|{target}" for spot in spots for target in targets]
        jobs = [
            *lab.jobs("group:reference", []),
            *lab.jobs(ADAPTATION, patterns),
            *lab.jobs("group:metrics", []),
            *lab.jobs("warehouse", []),
        ]
        _work(lab, jobs, tally, fresh=fresh)
    results = _results(settings)
    _show(results, spots, targets)
    _gate_quality(settings)
    unexpected = _unexpected(tally, results)
    _ending(settings, tally, began)
    for job, outcome in unexpected:
        err.print(f"[red]{job.label}: {outcome.reason}[/]")
    return 1 if unexpected else 0


def _import(settings: Settings) -> list[str]:
    """Reference data and the sample spots; returns the spots' keys."""
    import json

    from sqlalchemy import select

    from creative_lab.reference.importing import import_directory
    from creative_lab.reference.spots import import_spot
    from creative_lab.state import db
    from creative_lab.state.models import Campaign

    with db.session_scope(settings) as session:
        report = import_directory(session, settings.data_dir / "reference")
    out.print(f"Reference data: {report.created} new, {report.updated} changed, {report.unchanged} as before.")
    files = sorted((settings.data_dir / "spots").glob("*.json"))
    if not files:
        raise CommandError(f"there are no sample spots in {settings.data_dir / 'spots'}")
    keys = []
    for file in files:
        job_id = json.loads(file.read_text(encoding="utf-8"))["job_id"]
        with db.session_scope(settings) as session:
            known = session.scalar(select(Campaign.spot_key).where(Campaign.job_id == job_id))
            if known is None:
                known = import_spot(session, file).spot_key
        keys.append(known)
    out.print(f"Spots: {', '.join(keys)}.\n")
    return keys


def _all_targets(settings: Settings) -> list[str]:
    from creative_lab.adaptation.arrivals import partition_keys
    from creative_lab.state import db

    with db.session_scope(settings) as session:
        return partition_keys(session).targets


def _work(lab: Lab, jobs: list[Job], tally: Tally, *, fresh: bool) -> None:
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
            if not fresh and _finished(lab, job):
                tally.skipped += 1
            else:
                outcome = lab.run(job)
                tally.done += 1
                if not outcome.success:
                    tally.failed.append((job, outcome))
            progress.advance(bar)


def _finished(lab: Lab, job: Job) -> bool:
    """Whether nothing would change: all is fresh, or the draft is fresh and waits for a person."""
    if lab.is_fresh(job):
        return True
    if "adaptation_results" not in job.assets:
        return False
    upstream = Job(tuple(name for name in job.assets if name != "script_deliverables"), job.partition)
    if not lab.is_fresh(upstream) or job.partition is None:
        return False
    spot, target = job.partition.split("|")
    return bool(_result_of(lab.settings, spot, target)["status"] == "failed")


def _result_of(settings: Settings, spot: str, target: str) -> dict[str, Any]:
    from creative_lab.adaptation.tables import AdaptationResults
    from creative_lab.lake.tables import TableStore

    return TableStore(settings).read(AdaptationResults, [{"spot": spot, "target": target}]).row(0, named=True)


def _results(settings: Settings) -> dict[tuple[str, str], dict[str, Any]]:
    from creative_lab.adaptation.tables import AdaptationResults
    from creative_lab.lake.tables import TableStore

    rows = TableStore(settings).scan(AdaptationResults).collect().iter_rows(named=True)
    return {(row["spot"], row["target"]): row for row in rows}


def _show(results: dict[tuple[str, str], dict[str, Any]], spots: list[str], targets: list[str]) -> None:
    def cell(spot: str, target: str) -> str:
        row = results.get((spot, target))
        if row is None:
            return "not run"
        if row["status"] == "completed":
            notes = row["findings_minor"]
            return "green" + (f", {notes} note{'s' * (notes != 1)}" if notes else "")
        return "needs translation" if _needs_translation(row) else "failed"

    rows = [(target, *(cell(spot, target) for spot in spots)) for target in targets]
    table("Adaptations: green means that all four gates passed", ["target", *spots], rows)
    for reason in sorted({row["error_message"] or "" for row in results.values() if row["status"] == "failed"}):
        out.print(f"  {reason}", style="dim", markup=False, soft_wrap=True)
    out.print("")


def _needs_translation(row: dict[str, Any]) -> bool:
    return "cannot translate" in (row["error_message"] or "")


def _gate_quality(settings: Settings) -> None:
    from creative_lab.lake.tables import TableStore
    from creative_lab.metrics.schemas import GateQuality

    frame = TableStore(settings).scan(GateQuality).collect()
    rows = [
        (row["gate"], row["cases"], f"{row['recall']:.3f}", f"{row['precision']:.3f}")
        for row in frame.iter_rows(named=True)
        if row["level"] != "class" and row["recall"] is not None and row["precision"] is not None
    ]
    table("Gate quality on planted defects", ["gate", "defects", "recall", "precision"], rows, right=[1, 2, 3])
    out.print("")


def _unexpected(tally: Tally, results: dict[tuple[str, str], dict[str, Any]]) -> list[tuple[Job, Outcome]]:
    """Failures other than the honest one: a target in another language, which needs a translation."""
    found = []
    for job, outcome in tally.failed:
        spot, _, target = (job.partition or "").partition("|")
        row = results.get((spot, target))
        if row is None or not _needs_translation(row):
            found.append((job, outcome))
    return found


def _ending(settings: Settings, tally: Tally, began: float) -> None:
    seconds = time.perf_counter() - began
    out.print(f"{tally.done} runs in {seconds:.0f} s", end="")
    if tally.skipped:
        out.print(f"; {tally.skipped} were finished earlier and nothing they depend on has changed", end="")
        out.print(" (make demo FRESH=1 redoes them)", end="")
    out.print(".")
    scripts = settings.reports_dir / "scripts"
    example = next(iter(sorted(scripts.glob("*/en-gb.html"))), None)
    out.print("\nLook at:")
    if example:
        out.print(f"  {_short(example)}   an adapted script, every change marked", markup=False, soft_wrap=True)
    out.print(f"  {_short(scripts)}   all scripts, as pages and as XLIFF for translators", markup=False, soft_wrap=True)
    out.print(f"  {_short(settings.warehouse_path)}   views for DuckDB", markup=False, soft_wrap=True)
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
