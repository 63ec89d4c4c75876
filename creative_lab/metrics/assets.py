"""Assets of the metrics room: how good the gates are, measured on planted defects."""

from typing import Any

import dagster as dg
import polars as pl
from pydantic import Field

from creative_lab.settings import get_settings

_COMMON: dict[str, Any] = {
    "group_name": "metrics",
    "owners": ["team:quality"],
    "kinds": {"polars", "parquet"},
    "code_version": "1",
}


class GateQualityConfig(dg.Config):
    """How many defects are planted."""

    seed: int = Field(default=0, description="The same seed plants the same defects.")
    per_class: int = Field(default=10, ge=1, le=200, description="Planted defects of each class.")


@dg.asset(**_COMMON, deps=["origin_scripts", "brands"], metadata={"table": "gate_quality_cases"})
def gate_quality_cases(
    context: dg.AssetExecutionContext, config: GateQualityConfig
) -> dg.MaterializeResult[pl.DataFrame]:
    """Clean scripts of the sample spots in ten markets with one planted defect each, and what the gates found."""
    from creative_lab.metrics.gate_quality import evaluate
    from creative_lab.metrics.validation_set import clean_scripts
    from creative_lab.state.db import session_scope

    settings = get_settings()
    with session_scope(settings) as session:
        scripts = clean_scripts(session, settings.data_dir)
    cases = evaluate(scripts, seed=config.seed, per_class=config.per_class)
    context.log.info("%d cases from %d clean scripts", cases.height, len(scripts))
    return dg.MaterializeResult(
        value=cases, metadata={"cases": cases.height, "clean_scripts": len(scripts), "seed": config.seed}
    )


@dg.asset(**_COMMON, metadata={"table": "gate_quality"})
def gate_quality(gate_quality_cases: pl.DataFrame) -> dg.MaterializeResult[pl.DataFrame]:
    """Precision and recall of every class of exact check, of every gate and of all of them."""
    from creative_lab.metrics.gate_quality import render_markdown, summarise

    summary = summarise(gate_quality_cases)
    overall = summary.filter(pl.col("level") == "all").row(0, named=True)
    return dg.MaterializeResult(
        value=summary,
        metadata={
            "table_of_gates": dg.MetadataValue.md(render_markdown(summary.filter(pl.col("level") != "class"))),
            "recall": overall["recall"],
            "precision": overall["precision"],
            "cases": overall["cases"],
        },
    )
