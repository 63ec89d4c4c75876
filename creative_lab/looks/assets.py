"""Dagster assets of the looks: what is dealt for a day, and the prompts that are written for it."""

# No postponed annotations here: Dagster reads the types of parameters when a function is decorated.

import contextlib
import hashlib
from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg
import polars as pl
from pydantic import Field

from creative_lab.partitions import days
from creative_lab.settings import get_settings

LOOKS: dict[str, Any] = {
    "group_name": "looks",
    "owners": ["team:looks"],
    "code_version": "1",
    "partitions_def": days,
    "pool": "looks",
}
_KINDS = {"polars", "parquet"}
_SHOWN = 12


class DealConfig(dg.Config):
    """How many looks are dealt."""

    extra: int = Field(default=0, ge=0, le=500, description="Looks on top of a complete day; 0 deals what it lacks.")


class ComposeConfig(dg.Config):
    """Which prompts are written."""

    again: bool = Field(default=False, description="Write rejected prompts once more.")


@dg.asset(**LOOKS, kinds=_KINDS, metadata={"table": "look_manifests"})
def look_manifests(context: dg.AssetExecutionContext, config: DealConfig) -> dg.MaterializeResult:
    """What each look of the day is made of: one designer, one colourway, three outfits, and how the guards decided."""
    from creative_lab.looks.manifests import deal_day

    settings = get_settings()
    with clear_failures():
        dealt = deal_day(settings, date.fromisoformat(context.partition_key), run_id=context.run_id, extra=config.extra)
    rows = dealt.rows
    found = rows.filter(pl.col("status").cast(pl.String) == "dealt")
    context.log.info("%s: %d looks, %d of them new", context.partition_key, found.height, len(dealt.new_look_ids))
    return dg.MaterializeResult(
        metadata={
            "looks": dg.MetadataValue.md(_manifest_table(found)),
            "dealt": found.height,
            "exhausted": rows.height - found.height,
            "relaxed": int((found["relaxed"].list.len() > 0).sum()),
            "draws_per_deal": float(rows["attempts"].mean() or 0.0),  # type: ignore[arg-type]
            "designers": found["designer"].n_unique(),
            "colourways": found["colourway"].n_unique(),
            "batch": dealt.batch_id or "nothing was missing",
            "dagster/partition_row_count": rows.height,
        },
        data_version=_version(rows, "look_id", "look_hash"),
    )


@dg.asset(**LOOKS, kinds=_KINDS, metadata={"table": "look_prompts"}, deps=[look_manifests])
def look_prompts(context: dg.AssetExecutionContext, config: ComposeConfig) -> dg.MaterializeResult:
    """The day's prompts: written by the profile's model, checked, with one suffix of what to leave out."""
    from creative_lab.looks.prompts import write_day

    settings = get_settings()
    with clear_failures():
        rows = write_day(
            settings,
            date.fromisoformat(context.partition_key),
            run_id=context.run_id,
            again=config.again,
            say=context.log.info,
        )
    good = rows.filter(pl.col("status").cast(pl.String) == "ok")
    return dg.MaterializeResult(
        metadata={
            "prompts": dg.MetadataValue.md(_prompt_table(rows)),
            "ok": good.height,
            "rejected": rows.height - good.height,
            "words_mean": float(good["words"].mean() or 0.0),  # type: ignore[arg-type]
            "with_vocabulary": int((rows["vocabulary_arm"].cast(pl.String) == "with").sum()),
            "substitutions": int(rows["substitutions"].list.len().sum()),
            "cost_usd": float(rows["cost_usd"].sum()),
            "models": ", ".join(sorted(rows["model"].unique().to_list())) or "none",
            "dagster/partition_row_count": rows.height,
        },
        data_version=_version(rows, "look_id", "prompt", "avoid_suffix"),
    )


@contextlib.contextmanager
def clear_failures() -> Iterator[None]:
    """Errors of the rooms as failures whose one line says what is wrong; only passing ones may be retried."""
    from creative_lab.language.errors import CallError, LanguageError

    try:
        yield
    except (LanguageError, ValueError, FileNotFoundError) as error:
        passing = isinstance(error, CallError) and error.passing
        raise dg.Failure(str(error), allow_retries=passing) from error


def _version(rows: pl.DataFrame, *columns: str) -> dg.DataVersion:
    said = rows.sort("look_id").select(columns).write_json()
    return dg.DataVersion(hashlib.sha256(said.encode()).hexdigest())


def _manifest_table(rows: pl.DataFrame) -> str:
    lines = ["| prompt | designer | colourway | heroes | relaxed |", "|---|---|---|---|---|"]
    for row in rows.sort("look_id").head(_SHOWN).iter_rows(named=True):
        heroes, relaxed = ", ".join(row["hero_categories"]), ", ".join(row["relaxed"])
        lines.append(
            f"| {row['prompt_id']} | {row['designer_name']} | {row['colourway_name']} | {heroes} | {relaxed} |"
        )
    if rows.height > _SHOWN:
        lines.append(f"| … {rows.height - _SHOWN} more | | | | |")
    return "\n".join(lines)


def _prompt_table(rows: pl.DataFrame) -> str:
    lines = ["| prompt | status | words | text |", "|---|---|---|---|"]
    for row in rows.sort("look_id").head(_SHOWN).iter_rows(named=True):
        text = ", ".join(row["reasons"]) or f"{(row['prompt'] or '')[:160]}…"
        lines.append(f"| {row['prompt_id']} | {row['status']} | {row['words']} | {text.replace('|', '/')} |")
    return "\n".join(lines)
