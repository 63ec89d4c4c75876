"""Blocking checks of a day's prompts: nothing that lost its scene, its words or its entities is rendered."""

# No postponed annotations here: Dagster reads the types of parameters when a function is decorated.

import json
import warnings
from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from creative_lab.partitions import days
from creative_lab.settings import get_settings

PROMPTS = dg.AssetKey("look_prompts")

_TITLES = {
    "scene_lock": "Every prompt to be rendered holds the whole scene: backdrop, spacing, frame, length, three models.",
    "brand_guard": "Every prompt to be rendered is free of banned words and has exactly its own entities and length.",
}


def _spec(name: str) -> dg.AssetCheckSpec:
    # Partitioned checks are marked as a preview in this release of Dagster; every load would repeat the note.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return dg.AssetCheckSpec(name, asset=PROMPTS, description=_TITLES[name], blocking=True, partitions_def=days)


@dg.multi_asset_check(name="look_prompt_checks", specs=[_spec(name) for name in _TITLES], can_subset=True)
def look_prompt_checks(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
    """The stored prompts looked at once more, by the rules as they stand now, whoever wrote them."""
    from creative_lab.looks.guarding import faults_of_day

    wanted = {key.name for key in context.selected_asset_check_keys}
    faults = faults_of_day(get_settings(), date.fromisoformat(context.partition_key))
    drift = faults.filter(pl.col("reason").str.starts_with("scene_drift:"))
    for name, rows in (
        ("scene_lock", drift),
        ("brand_guard", faults.join(drift, on=["look_id", "reason"], how="anti")),
    ):
        if name in wanted:
            yield _result(name, rows)


def _result(name: str, rows: pl.DataFrame) -> dg.AssetCheckResult:
    found: dict[str, Any] = {}
    for look_id, reason in rows.select("look_id", "reason").iter_rows():
        found.setdefault(look_id, []).append(reason)
    said = "; ".join(f"{look_id}: {', '.join(reasons)}" for look_id, reasons in found.items())
    loudly = "SCENE DRIFT: " if name == "scene_lock" and found else ""
    return dg.AssetCheckResult(
        asset_key=PROMPTS,
        check_name=name,
        passed=not found,
        description=f"{loudly}{said}" if found else "all prompts hold",
        metadata={"prompts_at_fault": len(found), "faults": json.dumps(found)},
    )
