"""Spots, targets and adaptations as the state database keeps them: finding them, and saving what became of them."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from creative_lab.adaptation.graph import AdaptationResult, Status
from creative_lab.adaptation.resolution import NODES, ModelRecord, ModelSources, NodeModel
from creative_lab.adaptation.rows import transitions_json
from creative_lab.adaptation.schemas import (
    AdaptationContext,
    ConceptBrief,
    CulturalBrief,
    Node,
)
from creative_lab.state.models import (
    AdUnit,
    AdUnitScriptRow,
    Approval,
    Campaign,
    Language,
    LLMModel,
    PipelineSettings,
    Target,
)

APPROVAL_KIND = "adapted_script"
"""Subject of approvals of adapted scripts."""

_LISTED = 20
_LONGEST_REASON = 2000


class ContextError(ValueError):
    """The facts for an adaptation are missing or contradict each other; the message says what to do."""


def find_spot(session: Session, spot: str) -> Campaign:
    """The campaign of a spot; raises :class:`ContextError` that lists the spots there are."""
    campaign = session.scalar(select(Campaign).where(Campaign.spot_key == spot))
    if campaign is None:
        known = session.scalars(select(Campaign.spot_key).order_by(Campaign.spot_key)).all()
        raise ContextError(f"there is no spot {spot!r}: import it first ({_known('spots', known)})")
    return campaign


def origin_unit(campaign: Campaign) -> AdUnit:
    """The unit that the campaign began with; raises :class:`ContextError` when it has no script."""
    unit = campaign.origin
    if unit is None or not unit.script_rows:
        raise ContextError(f"spot {campaign.spot_key!r} has no script: import it again")
    return unit


def find_target(session: Session, target: str) -> Target:
    """An active target; raises :class:`ContextError` that lists the targets there are."""
    found = session.scalar(select(Target).where(Target.code == target))
    if found is None:
        known = session.scalars(select(Target.code).where(Target.is_active).order_by(Target.code)).all()
        raise ContextError(f"there is no target {target!r}: make it first ({_known('targets', known)})")
    if not found.is_active:
        raise ContextError(f"target {target!r} is switched off: switch it on before adapting to it")
    return found


def find_unit(session: Session, campaign: Campaign, target: Target) -> AdUnit | None:
    """The campaign's adaptation to a target, when someone or an earlier run made it."""
    return session.scalar(select(AdUnit).where(AdUnit.campaign_id == campaign.id, AdUnit.target_id == target.id))


def model_sources(session: Session, language: Language | None, unit: AdUnit | None) -> ModelSources:
    """Every level that may name a node's model, for a unit (None when there is none yet) in a language."""
    settings = PipelineSettings.get_instance(session)
    defaults = {node: settings.default_model(node) for node in NODES}
    overall = settings.global_default_model
    return ModelSources(
        catalogue={
            model.model_id: ModelRecord(model.model_id, model.is_active, model.load_in_4bit)
            for model in session.scalars(select(LLMModel))
        },
        unit_config=dict(unit.pipeline_model_config) if unit else {},
        unit_model=unit.llm_model.model_id if unit and unit.llm_model else None,
        node_defaults={node: model.model_id if model else None for node, model in defaults.items()},
        global_default=overall.model_id if overall else None,
        language_primary=language.primary_model.model_id if language else None,
        language_alternatives=tuple(model.model_id for model in language.alternative_models) if language else (),
    )


def open_unit(session: Session, context: AdaptationContext, *, run_id: str) -> AdUnit:
    """The unit of an adaptation, made when it is missing and marked as worked on by ``run_id``."""
    campaign = find_spot(session, context.spot)
    target = find_target(session, context.target)
    # Two runs of one adaptation would both find no unit: they take turns.
    key = func.hashtextextended(approval_key(context.spot, context.target), 0)
    session.execute(select(func.pg_advisory_xact_lock(key)))
    unit = find_unit(session, campaign, target)
    if unit is None:
        unit = AdUnit(
            campaign=campaign,
            source_ad_unit=origin_unit(campaign),
            target=target,
            origin_or_adaptation="ADAPTATION",
        )
        session.add(unit)
    # Where the unit goes follows its target, also after someone changed it.
    unit.code = context.target_code[:50]
    unit.title = f"{campaign.script_title} · {context.target_name}"[:200]
    unit.persona, unit.region = target.persona, target.effective_region
    unit.country, unit.language = target.effective_country, target.effective_language
    unit.status, unit.run_id, unit.error_message = "processing", run_id, ""
    session.flush()
    return unit


def save_status(session: Session, context: AdaptationContext, status: Status) -> None:
    """Show on the unit what is being done."""
    unit = find_unit(session, find_spot(session, context.spot), find_target(session, context.target))
    if unit is not None:
        unit.status = status


def save_failure(session: Session, context: AdaptationContext, reason: str) -> None:
    """Show on the unit that the work on it broke off, and why; what an earlier run left there stays."""
    unit = find_unit(session, find_spot(session, context.spot), find_target(session, context.target))
    if unit is not None:
        unit.status, unit.error_message = "failed", reason[:_LONGEST_REASON]


def decision_on(session: Session, spot: str, target: str, content_hash: str) -> str:
    """The newest decision about exactly this content of an adapted script; ``pending`` when there is none."""
    query = (
        select(Approval.decision)
        .where(
            Approval.subject_kind == APPROVAL_KIND,
            Approval.partition_key == approval_key(spot, target),
            Approval.content_hash == content_hash,
        )
        .order_by(Approval.number.desc())
        .limit(1)
    )
    return session.scalar(query) or "pending"


def approval_key(spot: str, target: str) -> str:
    """Partition key under which approvals of an adapted script are kept: Dagster's key of the partition."""
    return f"{spot}|{target}"


def save_result(
    session: Session,
    context: AdaptationContext,
    result: AdaptationResult,
    *,
    concept: ConceptBrief,
    culture: CulturalBrief,
    models: Mapping[Node, NodeModel],
    run_id: str,
) -> AdUnit:
    """Put everything that a run made onto its unit, in the place of what an earlier run left there.

    Script rows are replaced within the caller's transaction: a second run neither adds to them nor collides with them.
    """
    unit = open_unit(session, context, run_id=run_id)
    unit.status = result.status
    unit.error_message = result.error_message or ""
    unit.concept_brief = concept.model_dump(mode="json")
    unit.cultural_brief = culture.model_dump(mode="json")
    unit.evaluation_history = [
        {"type": item.gate, **item.model_dump(mode="json", exclude={"gate"})} for item in result.evaluations
    ]
    unit.pipeline_metadata = {
        "revisions": dict(result.revisions),
        "drafts": result.drafts,
        "models": {node: model.model_id for node, model in models.items()},
        "final_model_id": result.written_by,
        "writer_switched": result.switched,
        "final_status": result.status,
        "content_hash": result.content_hash,
        "transitions": json.loads(transitions_json(result.transitions)),
        "seconds": result.seconds,
        "cost_usd": result.usage.cost_usd,
    }
    if result.draft is None:
        return unit
    unit.visual_style_prompt = result.draft.visual_style_prompt
    unit.script_rows.clear()
    # The old rows must be gone before new ones take their places: (unit, order_index) is unique.
    session.flush()
    unit.script_rows.extend(
        AdUnitScriptRow(order_index=number, **row.model_dump()) for number, row in enumerate(result.draft.script_rows)
    )
    session.flush()
    return unit


def _known(what: str, names: object) -> str:
    found = list(names)  # type: ignore[call-overload]
    more = ", …" if len(found) > _LISTED else ""
    return f"there are {what} {', '.join(found[:_LISTED])}{more}" if found else f"there are no {what} yet"
