"""Dagster assets of the adaptation room: the script, its briefs, the adaptation with its history, and the documents."""

# No postponed annotations here: Dagster reads the types of parameters when a function is decorated.

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
from pydantic import Field

from creative_lab.partitions import spot_targets, spots
from creative_lab.settings import get_settings

_COMMON: dict[str, Any] = {"group_name": "adaptation", "owners": ["team:adaptation"], "code_version": "1"}
_TABLE_KINDS = {"polars", "parquet"}
_ROWS_SHOWN = 12
_CELL = 60
_CIRCUMSTANCES = {"started_at", "seconds", "transitions", "calls", "prompt_tokens", "completion_tokens", "cost_usd"}
"""Columns that differ from run to run although the content is the same."""

RESULT_TABLES = {
    "adapted_scripts": "The last draft for a target, a row per script row; only `completed` ones passed all gates.",
    "gate_evaluations": "Every look of a gate at a draft, in order, with the rubric's verdict and the model's own.",
    "gate_findings": "Every fault that a gate found, from exact checks and from models, with a suggestion.",
    "adaptation_results": "How the adaptation went: status and reason, rewrites per gate, models, times, cost.",
}


class AdaptationConfig(dg.Config):
    """What a person may choose for one adaptation."""

    max_retries: int = Field(default=3, ge=0, le=10, description="Rewrites that each gate may ask for.")
    translation: str | None = Field(
        default=None, description="XLIFF file with a translation of the last draft; no writer is asked then."
    )


@dg.asset(
    **_COMMON,
    partitions_def=spots,
    kinds=_TABLE_KINDS,
    metadata={"table": "origin_scripts"},
)
def origin_scripts(context: dg.AssetExecutionContext) -> dg.MaterializeResult[pl.DataFrame]:
    """The spot as its campaign wrote it, a row per script row."""
    from creative_lab.adaptation import work

    with clear_failures():
        frame = work.origin_rows(get_settings(), context.partition_key)
    metadata: dict[str, Any] = {
        "script": dg.MetadataValue.md(script_table(frame)),
        "script_rows": frame.height,
        "runtime_seconds": int(frame["total_runtime_seconds"][0]),
    }
    return dg.MaterializeResult(value=frame, metadata=metadata, data_version=content_version(frame))


@dg.asset(
    **_COMMON,
    partitions_def=spots,
    kinds=_TABLE_KINDS,
    metadata={"table": "concept_brief"},
    deps=["market_knowledge"],
)
def concept_brief(
    context: dg.AssetExecutionContext, origin_scripts: pl.DataFrame
) -> dg.MaterializeResult[pl.DataFrame]:
    """What the spot says and what every adaptation must keep."""
    from creative_lab.adaptation import work

    with clear_failures():
        frame = work.concept_rows(get_settings(), context.partition_key, origin_scripts, run_id=context.run_id)
    metadata = _brief_metadata(frame, "core_message", "must_preserve")
    return dg.MaterializeResult(value=frame, metadata=metadata, data_version=content_version(frame))


@dg.asset(
    **_COMMON,
    partitions_def=spot_targets,
    kinds=_TABLE_KINDS,
    metadata={"table": "cultural_brief"},
    deps=["market_knowledge"],
)
def cultural_brief(
    context: dg.AssetExecutionContext, origin_scripts: pl.DataFrame, concept_brief: pl.DataFrame
) -> dg.MaterializeResult[pl.DataFrame]:
    """What the target's market asks of the spot: substitutions, tone, pitfalls, regulation."""
    from creative_lab.adaptation import work

    spot, target = partition_of(context)
    with clear_failures():
        frame = work.culture_rows(get_settings(), spot, target, origin_scripts, concept_brief, run_id=context.run_id)
    metadata = _brief_metadata(frame, "market_context", "pitfalls")
    metadata["substitutions"] = len(frame["substitutions"][0])
    return dg.MaterializeResult(value=frame, metadata=metadata, data_version=content_version(frame))


@dg.multi_asset(
    name="adaptation",
    outs={
        name: dg.AssetOut(**_COMMON, kinds=_TABLE_KINDS, metadata={"table": name}, description=description)
        for name, description in RESULT_TABLES.items()
    },
    partitions_def=spot_targets,
    deps=["market_knowledge"],
)
def adaptation(
    context: dg.AssetExecutionContext,
    config: AdaptationConfig,
    origin_scripts: pl.DataFrame,
    concept_brief: pl.DataFrame,
    cultural_brief: pl.DataFrame,
) -> Iterator[dg.MaterializeResult[pl.DataFrame]]:
    """Write drafts and judge them until all gates are green or a person has to look."""
    from creative_lab.adaptation import work
    from creative_lab.adaptation.exchange import translated_draft
    from creative_lab.state.db import session_scope

    spot, target = partition_of(context)
    settings = get_settings()
    with clear_failures():
        translated = None
        if config.translation:
            with session_scope(settings) as session:
                translated = translated_draft(settings, session, spot, target, Path(config.translation))
        made = work.adapt(
            settings,
            spot,
            target,
            origin_scripts,
            concept_brief,
            cultural_brief,
            run_id=context.run_id,
            max_retries=config.max_retries,
            translated=translated,
            say=context.log.info,
        )
        for_translators = work.translation_file(settings, made)
    frames = made.frames()
    described = result_metadata(frames)
    if for_translators:
        described["adaptation_results"]["for_translators"] = dg.MetadataValue.path(for_translators)
    context.log.info("%s for %s: %s", spot, target, made.result.error_message or "completed, all gates green")
    for name, frame in frames.items():
        yield dg.MaterializeResult(
            asset_key=name, value=frame, metadata=described[name], data_version=content_version(frame)
        )


@dg.asset(
    **_COMMON,
    partitions_def=spot_targets,
    kinds={"html", "file"},
)
def script_deliverables(
    context: dg.AssetExecutionContext,
    origin_scripts: pl.DataFrame,
    concept_brief: pl.DataFrame,
    cultural_brief: pl.DataFrame,
    adapted_scripts: pl.DataFrame,
    gate_evaluations: pl.DataFrame,
    gate_findings: pl.DataFrame,
) -> dg.MaterializeResult:
    """The adapted script as a page for people and as XLIFF for translators; only once it may be used."""
    from creative_lab.adaptation import work

    spot, target = partition_of(context)
    settings = get_settings()
    reason = work.blocked(settings, spot, target, adapted_scripts)
    if reason:
        raise dg.Failure(reason, allow_retries=False)
    with clear_failures():
        paths = work.deliver(
            settings,
            spot,
            target,
            origin=origin_scripts,
            concept=concept_brief,
            culture=cultural_brief,
            script=adapted_scripts,
            evaluations=gate_evaluations,
            findings=gate_findings,
        )
    return dg.MaterializeResult(
        metadata={
            "script_page": dg.MetadataValue.path(paths["html"]),
            "xliff": dg.MetadataValue.path(paths["xlf"]),
            "content_hash": str(adapted_scripts["content_hash"][0]),
        }
    )


@contextlib.contextmanager
def clear_failures() -> Iterator[None]:
    """Turn errors of the rooms into failures whose one line says what is wrong; only passing ones may be retried."""
    from creative_lab.language.errors import CallError, LanguageError

    try:
        yield
    except (LanguageError, ValueError, FileNotFoundError) as error:
        passing = isinstance(error, CallError) and error.passing
        raise dg.Failure(str(error), allow_retries=passing) from error


def partition_of(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> tuple[str, str]:
    """Spot and target of the partition that a run works on."""
    key = context.partition_key
    if not isinstance(key, dg.MultiPartitionKey):
        raise dg.Failure(f"{key!r} is not a partition of spot and target", allow_retries=False)
    return key.keys_by_dimension["spot"], key.keys_by_dimension["target"]


def script_table(script: pl.DataFrame) -> str:
    """The first rows of a script as a small Markdown table."""
    lines = ["| shot | seen | heard |", "|---|---|---|"]
    for row in script.sort("row").head(_ROWS_SHOWN).iter_rows(named=True):
        lines.append(f"| {row['shot_number']} | {_cell(row['visual_text'])} | {_cell(row['audio_text'])} |")
    if script.height > _ROWS_SHOWN:
        lines.append(f"| … | {script.height - _ROWS_SHOWN} more rows | |")
    return "\n".join(lines)


def findings_table(findings: pl.DataFrame) -> str:
    """The findings about the last draft as a small Markdown table, the heaviest first."""
    if findings.is_empty():
        return "No findings."
    last = findings.filter(pl.col("draft_number") == pl.col("draft_number").max())
    lines = [f"Draft {last['draft_number'][0]}", "", "| gate | severity | row | fault |", "|---|---|---|---|"]
    for row in last.sort("severity", "evaluation", "finding").head(_ROWS_SHOWN).iter_rows(named=True):
        place = "" if row["row"] is None else row["row"] + 1
        lines.append(f"| {row['gate']} | {row['severity']} | {place} | {_cell(row['description'], 2 * _CELL)} |")
    return "\n".join(lines)


def result_metadata(frames: dict[str, pl.DataFrame]) -> dict[str, dict[str, Any]]:
    """What a person wants to see of each of the four tables; numbers plot over partitions."""
    row = frames["adaptation_results"].row(0, named=True)
    numbers = {
        "drafts": row["drafts"],
        "revisions": sum(row[f"revisions_{gate}"] for gate in ("format", "culture", "concept", "brand")),
        "findings_critical": row["findings_critical"],
        "findings_major": row["findings_major"],
        "findings_minor": row["findings_minor"],
        "seconds": row["seconds"],
        "cost_usd": row["cost_usd"],
    }
    status = {"status": row["status"]} | ({"reason": row["error_message"]} if row["error_message"] else {})
    evaluations = frames["gate_evaluations"]
    return {
        "adapted_scripts": {
            **status,
            "script": dg.MetadataValue.md(script_table(frames["adapted_scripts"])),
            "writer_model": row["writer_model"],
            "content_hash": row["content_hash"] or "",
            **numbers,
        },
        "gate_evaluations": {
            "evaluations": evaluations.height,
            "evaluations_failed": int((~evaluations["passed"]).sum()),
        },
        "gate_findings": {
            "findings": dg.MetadataValue.md(findings_table(frames["gate_findings"])),
            "findings_all_drafts": frames["gate_findings"].height,
        },
        "adaptation_results": {**status, "needs_person": row["needs_person"], **numbers},
    }


def _brief_metadata(frame: pl.DataFrame, headline: str, points: str) -> dict[str, Any]:
    row = frame.row(0, named=True)
    text = "\n".join([f"**{row[headline]}**", "", *(f"- {point}" for point in row[points])])
    return {
        "brief": dg.MetadataValue.md(text),
        "model": row["model_id"],
        "seconds": row["seconds"],
        "cost_usd": row["cost_usd"],
    }


def content_version(frame: pl.DataFrame) -> dg.DataVersion:
    """SHA-256 over what the rows say: equal content changes nothing downstream, whenever and however it was made."""
    said = frame.drop([name for name in frame.columns if name in _CIRCUMSTANCES])
    return dg.DataVersion(hashlib.sha256(said.write_json().encode()).hexdigest())


def _cell(text: str, longest: int = _CELL) -> str:
    short = " ".join(text.split()).replace("|", "\\|")
    return short if len(short) <= longest else f"{short[: longest - 1]}…"
