"""The demo's first chapter: three spots adapted to many markets, and how good the gates are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from creative_lab.commands.console import CommandError, out, table
from creative_lab.commands.demo_runs import Tally
from creative_lab.commands.runs import Job, Lab, Outcome

if TYPE_CHECKING:
    from pathlib import Path

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


def jobs(lab: Lab, spots: list[str], targets: list[str]) -> list[Job]:
    """Reference data, all adaptations, and the measurement of the gates."""
    patterns = [f"{spot}|{target}" for spot in spots for target in targets]
    return [
        *lab.jobs("group:reference", []),
        *lab.jobs("group:adaptation", patterns),
        *lab.jobs('key:"gate_quality_cases" or key:"gate_quality"', []),
    ]


def import_samples(settings: Settings) -> list[str]:
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


def all_targets(settings: Settings) -> list[str]:
    """Codes of all targets."""
    from creative_lab.adaptation.arrivals import partition_keys
    from creative_lab.state import db

    with db.session_scope(settings) as session:
        return partition_keys(session).targets


def finished(lab: Lab, job: Job) -> bool:
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


def show(settings: Settings, spots: list[str], targets: list[str]) -> None:
    """The grid of spots and targets, and the quality of the gates."""
    results = _results(settings)

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
    _gate_quality(settings)


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


def unexpected(settings: Settings, tally: Tally) -> list[tuple[Job, Outcome]]:
    """Failures other than the honest one: a target in another language, which needs a translation."""
    results, found = _results(settings), []
    for job, outcome in tally.failed:
        spot, _, target = (job.partition or "").partition("|")
        row = results.get((spot, target))
        if row is None or not _needs_translation(row):
            found.append((job, outcome))
    return found


def places(settings: Settings) -> list[tuple[Path, str]]:
    """What to look at: one adapted script, and the folder of all."""
    scripts = settings.reports_dir / "scripts"
    example = next(iter(sorted(scripts.glob("*/en-gb.html"))), None)
    found = [(example, "an adapted script, every change marked")] if example else []
    return [*found, (scripts, "all scripts, as pages and as XLIFF for translators")]
