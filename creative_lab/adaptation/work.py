"""The room's work on one spot and one target, from the state database and the lake's frames to new frames.

Each function is what one asset does: it gathers the facts, runs the nodes with the lab's language client, records an
event per attempt, and gives back rows. Nothing here knows of Dagster.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from creative_lab.adaptation import rows, stored
from creative_lab.adaptation.context import build_context, origin_context, origin_of_spot
from creative_lab.adaptation.document import Document, render_html
from creative_lab.adaptation.drafter import drafters
from creative_lab.adaptation.graph import AdaptationResult, Attempt, Transition, judge_draft, run_adaptation
from creative_lab.adaptation.nodes import Asker, NodeReply, run_concept, run_culture
from creative_lab.adaptation.resolution import ModelSources, NodeModel, resolve_models, writer_alternatives
from creative_lab.adaptation.schemas import AdaptationContext, AdaptationOutput, Node
from creative_lab.adaptation.xliff import export_xliff
from creative_lab.lake.events import record_event, record_llm_call, stage
from creative_lab.lake.fs import FileSystem
from creative_lab.lake.logs import LlmCalls
from creative_lab.language.cache import ReplyCache
from creative_lab.language.client import LanguageClient
from creative_lab.language.templates import TemplateStore
from creative_lab.settings import Settings
from creative_lab.state.db import session_scope

TRANSLATION = "translation (XLIFF)"
"""Author of a draft that came back from a translator."""


@dataclass(frozen=True)
class Adaptation:
    """A finished adaptation with everything that its tables need."""

    context: AdaptationContext
    result: AdaptationResult
    models: Mapping[Node, NodeModel]

    def frames(self) -> dict[str, pl.DataFrame]:
        """Rows of the four tables, by table name."""
        return {
            "adapted_scripts": rows.script_frame(self.context, self.result),
            "gate_evaluations": rows.evaluation_frame(self.context, self.result),
            "gate_findings": rows.finding_frame(self.context, self.result),
            "adaptation_results": rows.result_frame(self.context, self.result, self.models),
        }


def language_client(settings: Settings, run_id: str, spot: str, target: str | None = None) -> LanguageClient:
    """The lab's client for one piece of work: cached, logged to ``llm_calls``, with the offline drafter's rules."""
    columns = set(LlmCalls.columns())

    def log(row: dict[str, Any]) -> None:
        kept = {name: value for name, value in row.items() if name in columns}
        kept |= {"cached": row.get("status") == "cached", "error": row.get("reason")}
        # A reply from the cache took no attempt; the table counts from 1.
        kept["attempt"] = max(1, row.get("attempt", 1))
        if not row.get("cost_known", True):
            kept["cost_usd"] = None
        record_llm_call(settings, **kept)

    tags = {"spot": spot} | ({"target": target} if target else {})
    return LanguageClient(settings, run_id=run_id, drafters=drafters(), log=log, cache=ReplyCache(settings), tags=tags)


def origin_rows(settings: Settings, spot: str) -> pl.DataFrame:
    """Rows of ``origin_scripts`` for one spot."""
    with session_scope(settings) as session:
        return rows.origin_frame(spot, origin_of_spot(session, spot))


def concept_rows(settings: Settings, spot: str, origin: pl.DataFrame, *, run_id: str) -> pl.DataFrame:
    """The row of ``concept_brief`` for one spot."""
    with session_scope(settings) as session:
        context = origin_context(session, spot, rows.origin_of(origin))
        campaign = stored.find_spot(session, spot)
        unit = stored.origin_unit(campaign)
        sources = stored.model_sources(session, unit.language, unit)
    started = datetime.now(UTC)
    asker = _asker(settings, run_id, sources, spot)
    reply = _recorded(settings, "concept", lambda: run_concept(context, asker), run_id=run_id, spot=spot)
    return rows.concept_frame(spot, reply, started_at=started, finished_at=datetime.now(UTC))


def culture_rows(
    settings: Settings, spot: str, target: str, origin: pl.DataFrame, concept: pl.DataFrame, *, run_id: str
) -> pl.DataFrame:
    """The row of ``cultural_brief`` for one spot and target."""
    context, sources = _facts(settings, spot, target, origin)
    brief = rows.concept_of(concept)
    started = datetime.now(UTC)
    asker = _asker(settings, run_id, sources, spot, target)
    reply = _recorded(
        settings, "culture", lambda: run_culture(context, asker, brief), run_id=run_id, spot=spot, target=target
    )
    return rows.culture_frame(spot, target, reply, started_at=started, finished_at=datetime.now(UTC))


def adapt(
    settings: Settings,
    spot: str,
    target: str,
    origin: pl.DataFrame,
    concept: pl.DataFrame,
    culture: pl.DataFrame,
    *,
    run_id: str,
    max_retries: int = 3,
    translated: AdaptationOutput | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Adaptation:
    """Write and judge the adaptation of one spot for one target, and save it on its unit.

    With ``translated`` no writer is asked: the gates look at that draft. ``say`` receives a line for every attempt of a
    node. An error of a call is recorded, shown on the unit, and raised.
    """
    context, sources = _facts(settings, spot, target, origin)
    models = resolve_models(sources)
    briefs: dict[str, Any] = {"concept": rows.concept_of(concept), "culture": rows.culture_of(culture)}
    with session_scope(settings) as session:
        stored.open_unit(session, context, run_id=run_id)

    def on_status(transition: Transition) -> None:
        with session_scope(settings) as session:
            stored.save_status(session, context, transition.status)

    def on_attempt(attempt: Attempt) -> None:
        say(line_of(attempt))
        _record_attempt(settings, attempt, run_id=run_id, spot=spot, target=target)

    shared: dict[str, Any] = {
        **briefs,
        "models": models,
        "client": language_client(settings, run_id, spot, target),
        "render": TemplateStore(settings).render,
        "earlier": _earlier(concept, culture),
        "on_status": on_status,
        "on_attempt": on_attempt,
    }
    try:
        with stage(settings, "adaptation", run_id=run_id, spot=spot, target=target) as outcome:
            if translated is None:
                alternatives = writer_alternatives(sources)
                result = run_adaptation(context, max_retries=max_retries, alternatives=alternatives, **shared)
            else:
                result = judge_draft(context, translated, author=TRANSLATION, **shared)
            outcome.status = "ok" if result.status == "completed" else "fail"
            outcome.reason, outcome.model = result.error_message, result.written_by
            outcome.cost_usd = result.usage.cost_usd
            outcome.detail = {"drafts": result.drafts, "revisions": dict(result.revisions)}
    except Exception as error:
        with session_scope(settings) as session:
            stored.save_failure(session, context, str(error))
        raise
    with session_scope(settings) as session:
        stored.save_result(session, context, result, models=models, run_id=run_id, **briefs)
    return Adaptation(context, result, models)


def line_of(attempt: Attempt) -> str:
    """One line about an attempt, for the log of a run."""
    what = "written" if attempt.node == "writer" else "passed"
    end = what if attempt.ok else f"failed: {attempt.reason}"
    notes = f" with {attempt.findings} notes" if attempt.ok and attempt.findings else ""
    return f"draft {attempt.draft_number}, {attempt.node} ({attempt.model_id}): {end}{notes}"


def translation_file(settings: Settings, made: Adaptation) -> Path | None:
    """Write the last draft of an adaptation that needs a person as XLIFF, for a translator to finish; None without one.

    The finished file comes back through ``exchange.translated_draft``, and all gates look at it.
    """
    result, context = made.result, made.context
    if result.draft is None or not result.needs_person:
        return None
    files, name = FileSystem(settings.reports_dir), f"translations/{context.spot}/{context.target}.xlf"
    files.write_bytes(name, export_xliff(result.draft, context))
    return files.path(name)


def blocked(settings: Settings, spot: str, target: str, script: pl.DataFrame) -> str | None:
    """Why nothing may be made from an adapted script yet; None when it may.

    It may when all gates passed and, where the settings ask for review, a person approved exactly this content.
    """
    if script.is_empty():
        return f"{spot} has no draft for {target}"
    first = script.row(0, named=True)
    if first["status"] != "completed":
        return f"the adaptation of {spot} for {target} failed its gates"
    if not settings.review:
        return None
    with session_scope(settings) as session:
        decision = stored.decision_on(session, spot, target, first["content_hash"])
    return None if decision == "approved" else f"{spot} for {target} is {decision}: content {first['content_hash']}"


def deliver(
    settings: Settings,
    spot: str,
    target: str,
    *,
    origin: pl.DataFrame,
    concept: pl.DataFrame,
    culture: pl.DataFrame,
    script: pl.DataFrame,
    evaluations: pl.DataFrame,
    findings: pl.DataFrame,
) -> dict[str, Path]:
    """Write the readable script and its XLIFF file below the reports folder; returns their paths by kind."""
    draft = rows.output_of(script)
    if draft is None:
        raise ValueError(f"{spot} has no draft for {target}")
    context, _ = _facts(settings, spot, target, origin)
    first = script.row(0, named=True)
    page = render_html(
        Document(
            spot=spot,
            target=target,
            target_name=context.target_name,
            origin=rows.origin_of(origin),
            draft=draft,
            status=first["status"],
            error_message=None,
            content_hash=first["content_hash"],
            writer_model=first["writer_model"],
            backend=str(first["backend"]),
            evaluations=rows.evaluations_of(evaluations, findings),
            concept=rows.concept_of(concept),
            culture=rows.culture_of(culture),
        )
    )
    files = FileSystem(settings.reports_dir)
    for name, data in (("html", page.encode()), ("xlf", export_xliff(draft, context))):
        files.write_bytes(f"scripts/{spot}/{target}.{name}", data)
    return {name: files.path(f"scripts/{spot}/{target}.{name}") for name in ("html", "xlf")}


def _facts(settings: Settings, spot: str, target: str, origin: pl.DataFrame) -> tuple[AdaptationContext, ModelSources]:
    with session_scope(settings) as session:
        context = build_context(session, spot, target, rows.origin_of(origin))
        wanted = stored.find_target(session, target)
        unit = stored.find_unit(session, stored.find_spot(session, spot), wanted)
        return context, stored.model_sources(session, wanted.effective_language, unit)


def _asker(settings: Settings, run_id: str, sources: ModelSources, spot: str, target: str | None = None) -> Asker:
    client = language_client(settings, run_id, spot, target)
    return Asker(client, TemplateStore(settings).render, resolve_models(sources))


def _recorded(
    settings: Settings,
    node: str,
    ask: Callable[[], NodeReply[Any]],
    *,
    run_id: str,
    spot: str,
    target: str | None = None,
) -> NodeReply[Any]:
    with stage(settings, node, run_id=run_id, spot=spot, target=target) as outcome:
        reply = ask()
        outcome.model, outcome.cost_usd = reply.model_id, reply.usage.cost_usd
    return reply


def _record_attempt(settings: Settings, attempt: Attempt, *, run_id: str, spot: str, target: str) -> None:
    record_event(
        settings,
        stage=attempt.node,
        status="ok" if attempt.ok else "fail",
        reason=attempt.reason,
        run_id=run_id,
        attempt=attempt.attempt,
        duration_ms=float(attempt.usage.duration_ms),
        model=attempt.model_id,
        cost_usd=attempt.usage.cost_usd,
        detail={"draft": attempt.draft_number, "findings": attempt.findings},
        spot=spot,
        target=target,
    )


def _earlier(concept: pl.DataFrame, culture: pl.DataFrame) -> list[Transition]:
    """The statuses that the briefs went through, with the times at which they were made."""
    began: datetime = concept["started_at"].item()
    researched: datetime = max(began, culture["started_at"].item())
    return [
        Transition("pending", began),
        Transition("processing", began),
        Transition("concept_analysis", began),
        Transition("cultural_analysis", researched),
    ]
