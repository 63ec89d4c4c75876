"""What a selection would do before it does it: runs, models, time, cost, disk, taken from what earlier runs took."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from creative_lab.commands.runs import SEPARATOR, Job, Lab

if TYPE_CHECKING:
    import dagster as dg

    from creative_lab.settings import Settings

NODES_OF_ASSET = {
    "concept_brief": ("concept",),
    "cultural_brief": ("culture",),
    "adaptation_results": ("writer", "format_gate", "culture_gate", "concept_gate", "brand_gate"),
}
"""Assets that ask language models, and the nodes they run. The other tables of an adaptation come with its results."""

_HISTORY = 5


@dataclass
class Line:
    """One asset of a plan. Times, costs and sizes are medians of earlier runs; None where there were none."""

    asset: str
    runs: int = 0
    up_to_date: int = 0
    model: str = "–"
    seconds: float | None = None
    cost_usd: float | None = None
    kilobytes: float | None = None

    @staticmethod
    def show(value: float | None, digits: int) -> str:
        """A figure for the table."""
        return "?" if value is None else f"{value:.{digits}f}"


@dataclass(frozen=True)
class Plan:
    """A selection, asset by asset."""

    lines: list[Line]
    summary: str


def make_plan(settings: Settings, selection: str, partitions: list[str]) -> Plan:
    """What ``materialize`` would do for the selection. Nothing is run, and nothing is asked over the network."""
    with Lab(settings) as lab:
        jobs = lab.jobs(selection, partitions)
        lines: dict[str, Line] = {}
        open_jobs = []
        for job in jobs:
            fresh = lab.is_fresh(job)
            open_jobs += [] if fresh else [job]
            for asset in job.assets:
                line = lines.setdefault(asset, Line(asset))
                line.up_to_date += fresh
                line.runs += not fresh
        for line in lines.values():
            _fill(lab, line)
        for asset in NODES_OF_ASSET:
            if asset in lines:
                lines[asset].model = _models(settings, asset, jobs)
    return Plan(list(lines.values()), _summary(list(lines.values()), len(open_jobs), len(jobs) - len(open_jobs)))


def _fill(lab: Lab, line: Line) -> None:
    import dagster as dg

    key = dg.AssetKey.from_user_string(line.asset)
    seconds: list[float] = []
    sizes: list[float] = []
    costs: list[float] = []
    for record in lab.instance.fetch_materializations(key, limit=_HISTORY).records:
        seconds += _step_seconds(lab.instance, record.event_log_entry.run_id, record.event_log_entry.step_key)
        metadata = record.asset_materialization.metadata if record.asset_materialization else {}
        for name, values in (("bytes", sizes), ("cost_usd", costs)):
            found = metadata.get(name)
            if found is not None and isinstance(found.value, int | float):
                values.append(float(found.value))
    line.seconds = statistics.median(seconds) if seconds else None
    line.kilobytes = statistics.median(sizes) / 1000 if sizes else None
    if line.asset in NODES_OF_ASSET:
        line.cost_usd = statistics.median(costs) if costs else None
    else:
        line.cost_usd = 0.0


def _step_seconds(instance: dg.DagsterInstance, run_id: str, step_key: str | None) -> list[float]:
    stats = instance.get_run_step_stats(run_id, step_keys=[step_key] if step_key else None)
    return [s.end_time - s.start_time for s in stats if s.start_time is not None and s.end_time is not None]


def _models(settings: Settings, asset: str, jobs: list[Job]) -> str:
    """Who would answer the nodes of an asset, over all partitions of the plan."""
    from creative_lab.adaptation import stored
    from creative_lab.adaptation.resolution import resolve_models
    from creative_lab.language.routing import resolve
    from creative_lab.state.db import session_scope

    found: dict[str, None] = {}
    with session_scope(settings) as session:
        for job in jobs:
            if asset not in job.assets or job.partition is None:
                continue
            spot, _, code = job.partition.partition(SEPARATOR)
            campaign = stored.find_spot(session, spot)
            if code:
                target = stored.find_target(session, code)
                unit, language = stored.find_unit(session, campaign, target), target.effective_language
            else:
                unit = stored.origin_unit(campaign)
                language = unit.language
            models = resolve_models(stored.model_sources(session, language, unit))
            for node in NODES_OF_ASSET[asset]:
                route = resolve(settings, models[node].model_id)  # type: ignore[index]
                found[route.model if route.provider == "embedded/drafter" else f"{route.model} ({route.provider})"] = (
                    None
                )
    return ", ".join(found) or "–"


def _summary(lines: list[Line], runs: int, up_to_date: int) -> str:
    known = [line for line in lines if line.runs and line.seconds is not None]
    # Outputs of one step share its time: the longest stands for all of them.
    steps = {"adapted_scripts", "gate_evaluations", "gate_findings"}
    seconds = sum(line.runs * (line.seconds or 0) for line in known if line.asset not in steps)
    cost = sum(line.runs * (line.cost_usd or 0) for line in lines)
    disk = sum(line.runs * (line.kilobytes or 0) for line in lines)
    unknown = [line.asset for line in lines if line.runs and line.seconds is None]
    text = f"{runs} runs ({up_to_date} are up to date): about {seconds:.0f} s, {cost:.2f} USD, {disk / 1000:.1f} MB."
    if unknown:
        text += f" Not run yet, so not counted: {', '.join(unknown)}."
    return text
