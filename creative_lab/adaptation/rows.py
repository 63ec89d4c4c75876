"""From scripts, briefs and results to rows of the room's tables, and back.

The columns ``run_id``, ``written_at`` and ``backend`` are left to the table store.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import polars as pl

from creative_lab.adaptation.graph import AdaptationResult, Transition
from creative_lab.adaptation.nodes import NodeReply
from creative_lab.adaptation.resolution import NodeModel
from creative_lab.adaptation.schemas import (
    AdaptationContext,
    AdaptationOutput,
    ConceptBrief,
    CulturalBrief,
    Finding,
    Gate,
    GateEvaluation,
    Node,
    OriginScript,
    ScriptRow,
)
from creative_lab.adaptation.tables import (
    SEVERITIES,
    AdaptationResults,
    AdaptedScripts,
    ConceptBriefs,
    CulturalBriefs,
    GateEvaluations,
    GateFindings,
    OriginScripts,
)
from creative_lab.lake.schemas import table_frame


def origin_frame(spot: str, origin: OriginScript) -> pl.DataFrame:
    """One row per script row of ``origin``."""
    whole = origin.model_dump(mode="json")
    text = json.dumps(whole, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    shared = {name: whole[name] for name in whole if name != "script_rows"}
    shared |= {"spot": spot, "content_hash": hashlib.sha256(text.encode()).hexdigest()}
    return table_frame(OriginScripts, [_row(shared, number, row) for number, row in enumerate(origin.script_rows)])


def origin_of(frame: pl.DataFrame) -> OriginScript:
    """The script whose rows are in ``frame`` (one spot)."""
    rows = frame.sort("row")
    first = rows.row(0, named=True)
    names = [name for name in OriginScript.model_fields if name != "script_rows"]
    return OriginScript(**{name: first[name] for name in names}, script_rows=_script_rows(rows))


def concept_frame(
    spot: str, reply: NodeReply[ConceptBrief], *, started_at: datetime, finished_at: datetime
) -> pl.DataFrame:
    """The concept brief as one row."""
    return table_frame(ConceptBriefs, [{"spot": spot, **_brief(reply, started_at, finished_at)}])


def concept_of(frame: pl.DataFrame) -> ConceptBrief:
    """The brief in ``frame`` (one row)."""
    return ConceptBrief(**_fields(ConceptBrief, frame))


def culture_frame(
    spot: str, target: str, reply: NodeReply[CulturalBrief], *, started_at: datetime, finished_at: datetime
) -> pl.DataFrame:
    """The cultural brief as one row."""
    return table_frame(CulturalBriefs, [{"spot": spot, "target": target, **_brief(reply, started_at, finished_at)}])


def culture_of(frame: pl.DataFrame) -> CulturalBrief:
    """The brief in ``frame`` (one row)."""
    return CulturalBrief(**_fields(CulturalBrief, frame))


def script_frame(context: AdaptationContext, result: AdaptationResult) -> pl.DataFrame:
    """One row per script row of the last draft; no rows when there is no draft."""
    draft = result.draft
    if draft is None:
        return table_frame(AdaptedScripts, [])
    shared = {
        **_keys(context),
        "status": result.status,
        "content_hash": result.content_hash,
        "writer_model": result.written_by,
        **draft.model_dump(include={"code", "name", "language", "visual_style_prompt"}),
    }
    return table_frame(AdaptedScripts, [_row(shared, number, row) for number, row in enumerate(draft.script_rows)])


def output_of(frame: pl.DataFrame) -> AdaptationOutput | None:
    """The draft whose rows are in ``frame`` (one spot and target); its reasoning is empty. None without rows."""
    if frame.is_empty():
        return None
    rows = frame.sort("row")
    first = rows.row(0, named=True)
    names = ("code", "name", "language", "visual_style_prompt")
    return AdaptationOutput(reasoning="", **{name: first[name] for name in names}, script_rows=_script_rows(rows))


def evaluation_frame(context: AdaptationContext, result: AdaptationResult) -> pl.DataFrame:
    """One row per evaluation, in order."""
    return table_frame(
        GateEvaluations,
        [
            {
                **_keys(context),
                "evaluation": number,
                **counts_of(evaluation.findings),
                **evaluation.model_dump(exclude={"findings"}),
            }
            for number, evaluation in enumerate(result.evaluations)
        ],
    )


def finding_frame(context: AdaptationContext, result: AdaptationResult) -> pl.DataFrame:
    """One row per finding of every evaluation."""
    return table_frame(
        GateFindings,
        [
            {
                **_keys(context),
                "evaluation": number,
                "finding": position,
                "gate": evaluation.gate,
                "draft_number": evaluation.draft_number,
                **finding.model_dump(),
            }
            for number, evaluation in enumerate(result.evaluations)
            for position, finding in enumerate(evaluation.findings)
        ],
    )


def evaluations_of(evaluations: pl.DataFrame, findings: pl.DataFrame) -> list[GateEvaluation]:
    """The history whose rows are in the two frames (one spot and target), in order."""
    found: dict[int, list[Finding]] = {}
    for row in findings.sort("evaluation", "finding").iter_rows(named=True):
        fields = {name: row[name] for name in Finding.model_fields}
        found.setdefault(row["evaluation"], []).append(Finding(**fields))
    names = [name for name in GateEvaluation.model_fields if name != "findings"]
    return [
        GateEvaluation(**{name: row[name] for name in names}, findings=found.get(row["evaluation"], []))
        for row in evaluations.sort("evaluation").iter_rows(named=True)
    ]


def result_frame(
    context: AdaptationContext, result: AdaptationResult, models: Mapping[Node, NodeModel]
) -> pl.DataFrame:
    """The result as one row."""
    last = [item for item in result.evaluations if item.draft_number == result.drafts]
    row = {
        **_keys(context),
        "target_name": context.target_name,
        "language": context.target_language,
        "status": result.status,
        "error_message": result.error_message,
        "needs_person": result.needs_person,
        "person_reason": result.person_reason,
        "content_hash": result.content_hash,
        "drafts": result.drafts,
        **{revision_column(gate): number for gate, number in result.revisions.items()},
        **counts_of([finding for item in last for finding in item.findings]),
        "models": json.dumps({node: model.model_id for node, model in models.items()}),
        "writer_model": result.written_by,
        "writer_switched": result.switched,
        "writer_reasoning": result.draft.reasoning if result.draft else None,
        "transitions": transitions_json(result.transitions),
        "calls": result.usage.calls,
        "prompt_tokens": result.usage.prompt_tokens,
        "completion_tokens": result.usage.completion_tokens,
        "cost_usd": result.usage.cost_usd,
        "seconds": result.seconds,
    }
    return table_frame(AdaptationResults, [row])


def revision_column(gate: Gate) -> str:
    """Column of ``adaptation_results`` that counts a gate's rewrites."""
    return f"revisions_{gate.removesuffix('_gate')}"


def counts_of(findings: list[Finding]) -> dict[str, int]:
    """Number of findings by severity, as columns."""
    return {
        f"findings_{severity}": sum(finding.severity == severity for finding in findings) for severity in SEVERITIES
    }


def transitions_json(transitions: tuple[Transition, ...]) -> str:
    """Statuses and times as JSON."""
    return json.dumps([{"status": item.status, "at": item.at.astimezone(UTC).isoformat()} for item in transitions])


def _keys(context: AdaptationContext) -> dict[str, str]:
    return {"spot": context.spot, "target": context.target}


def _row(shared: Mapping[str, Any], number: int, row: ScriptRow) -> dict[str, Any]:
    return {**shared, "row": number, **row.model_dump()}


def _script_rows(frame: pl.DataFrame) -> list[ScriptRow]:
    names = list(ScriptRow.model_fields)
    return [ScriptRow(**row) for row in frame.select(names).iter_rows(named=True)]


def _brief(reply: NodeReply[Any], started_at: datetime, finished_at: datetime) -> dict[str, Any]:
    return {
        **reply.value.model_dump(),
        "model_id": reply.model_id,
        "provider": reply.provider,
        "prompt_tokens": reply.usage.prompt_tokens,
        "completion_tokens": reply.usage.completion_tokens,
        "cost_usd": reply.usage.cost_usd,
        "seconds": (finished_at - started_at).total_seconds(),
        "started_at": started_at,
    }


def _fields(brief: type[ConceptBrief] | type[CulturalBrief], frame: pl.DataFrame) -> dict[str, Any]:
    row = frame.row(0, named=True)
    return {name: row[name] for name in brief.model_fields}
