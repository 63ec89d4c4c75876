"""Dagster assets of learning: the day's grades, what they teach, the dials, and the simulated season."""

# No postponed annotations here: Dagster reads the types of parameters when a function is decorated.

from datetime import date
from typing import Any

import dagster as dg
import polars as pl
from pydantic import Field

from creative_lab.partitions import days
from creative_lab.settings import get_settings

_COMMON: dict[str, Any] = {"group_name": "looks", "owners": ["team:looks"], "code_version": "1"}
_TABLE: dict[str, Any] = {**_COMMON, "partitions_def": days, "kinds": {"polars", "parquet"}}
_SHOWN = 12


segmentation_backlog = dg.AssetSpec(
    "segmentation_backlog",
    group_name="looks",
    owners=["team:looks"],
    kinds={"python"},
    deps=["look_renders", "garment_masks"],
    description="What every tick of the reconciliation found: pictures without masks, and the age of the oldest.",
)


class SeasonConfig(dg.Config):
    """What is simulated."""

    seed: int = Field(default=1, ge=0, description="Seed of taste, deals, words and grades.")
    days: int = Field(default=30, ge=14, le=120, description="Simulated days.")
    looks_per_day: int = Field(default=12, ge=2, le=60, description="Looks a day.")


@dg.asset(**_TABLE, metadata={"table": "look_grades"})
def look_grades(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Grades that people gave on the day, as the database has them; days with late arrivals are taken again."""
    from creative_lab.looks.feedback.work import snapshot_grades

    rows, late = snapshot_grades(get_settings(), date.fromisoformat(context.partition_key), run_id=context.run_id)
    return dg.MaterializeResult(
        metadata={
            "dagster/partition_row_count": rows.height,
            "graders": rows["grader"].n_unique(),
            "looks": rows["look_id"].n_unique(),
            "mean_score": float(rows["score"].mean() or 0.0),  # type: ignore[arg-type]
            "days_taken_again": len(late),
        }
    )


@dg.asset(**_TABLE, metadata={"table": "learned_intel"}, deps=[look_grades])
def learned_intel(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """What is known at the end of the day: notes, proven fragments, phrases to keep out. It acts from the next day."""
    from creative_lab.looks.feedback.work import learn_day

    rows = learn_day(get_settings(), date.fromisoformat(context.partition_key), run_id=context.run_id)
    active = rows.filter(pl.col("status").cast(pl.String) == "active")
    counts = {str(kind): count for kind, count in active.group_by("kind").len().iter_rows()}
    return dg.MaterializeResult(
        metadata={
            "dagster/partition_row_count": rows.height,
            "notes": counts.get("note", 0),
            "fragments": counts.get("vocabulary", 0),
            "kill_phrases": counts.get("kill_phrase", 0),
            "phrases_waiting": rows.filter(
                (pl.col("kind").cast(pl.String) == "kill_phrase") & (pl.col("status").cast(pl.String) == "proposed")
            ).height,
            "learned": dg.MetadataValue.md(_table(rows, ["kind", "status", "text", "support", "reason"])),
        }
    )


@dg.asset(**_TABLE, metadata={"table": "target_dials"}, deps=[look_grades])
def target_dials(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """How often each item should appear, moved by a bounded step with a reason. It acts from the next day on."""
    from creative_lab.looks.feedback.work import dial_day

    rows = dial_day(get_settings(), date.fromisoformat(context.partition_key), run_id=context.run_id)
    moved = rows.filter(pl.col("target_pct") != pl.col("previous_pct").fill_null(-1))
    return dg.MaterializeResult(
        metadata={
            "dagster/partition_row_count": rows.height,
            "moved": moved.height,
            "locked": int(rows["locked"].sum()),
            "dials": dg.MetadataValue.md(
                _table(moved, ["item_kind", "item_key", "previous_pct", "target_pct", "reason"])
            ),
        }
    )


@dg.asset(**_COMMON, kinds={"html", "file"})
def season_report(context: dg.AssetExecutionContext, config: SeasonConfig) -> dg.MaterializeResult:
    """A simulated season with graders of hidden taste: does learning make looks better without narrowing them?"""
    from creative_lab.looks.feedback.season import SeasonPlan
    from creative_lab.looks.feedback.season_report import write_season_report

    plan = SeasonPlan(seed=config.seed, days=config.days, looks_per_day=config.looks_per_day)
    made = write_season_report(get_settings(), plan)
    context.log.info("simulated season %d: %s", plan.seed, made.numbers)
    return dg.MaterializeResult(
        metadata={
            "page": dg.MetadataValue.path(made.page),
            "simulated": True,
            "chart": dg.MetadataValue.md(f"![simulated season](data:image/png;base64,{made.thumbnail})"),
            **made.numbers,
        }
    )


def _table(rows: pl.DataFrame, columns: list[str]) -> str:
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    for row in rows.head(_SHOWN).select(columns).iter_rows():
        lines.append("| " + " | ".join(str(value).replace("|", "/").replace("\n", " ")[:90] for value in row) + " |")
    if rows.height > _SHOWN:
        lines.append(f"| … {rows.height - _SHOWN} more |" + " |" * (len(columns) - 1))
    return "\n".join(lines)
