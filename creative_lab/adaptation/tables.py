"""The tables of the adaptation room, and the way from results to their rows and back."""

from __future__ import annotations

import dataframely as dy

from creative_lab.adaptation.schemas import GATES
from creative_lab.lake.schemas import TableSchema, table

SEVERITIES = ["critical", "major", "minor"]


def _text(comment: str, *, nullable: bool = False) -> dy.String:
    return dy.String(nullable=nullable, metadata={"comment": comment})


def _key(comment: str) -> dy.String:
    return dy.String(nullable=False, primary_key=True, metadata={"comment": comment})


def _position(comment: str) -> dy.Int64:
    return dy.Int64(nullable=False, primary_key=True, min=0, metadata={"comment": comment})


def _number(comment: str) -> dy.Int64:
    return dy.Int64(nullable=False, min=0, metadata={"comment": comment})


def _measure(comment: str, *, nullable: bool = False) -> dy.Float64:
    return dy.Float64(nullable=nullable, min=0, metadata={"comment": comment})


def _texts(comment: str) -> dy.List:
    return dy.List(dy.String(nullable=False), nullable=False, metadata={"comment": comment})


def _moment(comment: str) -> dy.Datetime:
    return dy.Datetime(nullable=False, time_zone="UTC", time_unit="us", metadata={"comment": comment})


class _ModelCall(TableSchema):
    """Columns of a row that one model call made."""

    model_id = _text("Model that answered")
    provider = _text("Who ran the model, such as embedded/drafter or openai-compatible")
    prompt_tokens = _number("Tokens of the question")
    completion_tokens = _number("Tokens of the answer")
    cost_usd = _measure("Cost of the call in US dollars")
    seconds = _measure("Time that the node took")
    started_at = _moment("When the node began (UTC)")


class _ScriptRows(TableSchema):
    """Columns of a script row."""

    row = _position("0-based place of the row in the script")
    shot_number = _text("Number of the shot as the script writes it")
    timecode_start = _text("Start as HH:MM:SS:FF or HH:MM:SS.mmm", nullable=True)
    duration_seconds = _measure("Length of the row in seconds", nullable=True)
    visual_text = _text("What is seen, with words on screen")
    audio_text = _text("What is heard: voice-over, dialogue, effects, music")


@table("origin_scripts", partition_by=("spot",))
class OriginScripts(_ScriptRows):
    """Scripts as their campaigns wrote them, one row per script row."""

    spot = _key("Slug of the spot")
    client_name = _text("Client of the campaign")
    brand_name = _text("Brand as the script names it", nullable=True)
    script_title = _text("Title of the script")
    language = _text("BCP-47 tag of the spoken and shown words")
    total_runtime_seconds = dy.Int64(nullable=False, min=1, metadata={"comment": "Length of the whole spot in seconds"})
    content_hash = _text("SHA-256 of the whole script; the same for all its rows")


@table("concept_brief", partition_by=("spot",))
class ConceptBriefs(_ModelCall):
    """What a spot says and must keep saying, one row per spot."""

    spot = _key("Slug of the spot")
    reasoning = _text("What the model thought first")
    core_message = _text("The one thing the spot says")
    emotional_beats = _texts("Feelings in their order")
    narrative_structure = _text("How the story is built")
    themes = _texts("Themes")
    cultural_assumptions = _texts("What the script takes for granted about its audience")
    must_preserve = _texts("What every adaptation has to keep")
    can_adapt = _texts("What an adaptation may change")
    brand_voice = _text("How the brand speaks")


@table("cultural_brief", partition_by=("spot", "target"))
class CulturalBriefs(_ModelCall):
    """What a target's market asks of a spot, one row per spot and target."""

    spot = _key("Slug of the spot")
    target = _key("Code of the target")
    reasoning = _text("What the model thought first")
    market_context = _text("The market in which the spot will run")
    substitutions = dy.List(
        dy.Struct(
            {
                "original": dy.String(nullable=False),
                "replacement": dy.String(nullable=False),
                "rationale": dy.String(nullable=False),
            }
        ),
        nullable=False,
        metadata={"comment": "Planned changes: original, replacement, rationale"},
    )
    tone_adjustments = _text("How the tone should move")
    pitfalls = _texts("What would offend or fail")
    opportunities = _texts("What the market offers")
    regulatory_notes = _text("Rules of the market for this product")


@table("adapted_scripts", partition_by=("spot", "target"))
class AdaptedScripts(_ScriptRows):
    """The last draft for each target, one row per script row; only ``completed`` ones passed all gates."""

    spot = _key("Slug of the spot")
    target = _key("Code of the target")
    status = dy.Enum(["completed", "failed"], nullable=False, metadata={"comment": "Whether all gates passed"})
    content_hash = _text("SHA-256 of what a person approves; the same for all rows of the script")
    code = _text("Code of the adaptation, such as EMEA-GB")
    name = _text("Name of the adaptation")
    language = _text("BCP-47 tag of the spoken and shown words")
    visual_style_prompt = _text("English prompt for the look of the film")
    writer_model = _text("Model that really wrote the draft")


@table("gate_evaluations", partition_by=("spot", "target"))
class GateEvaluations(TableSchema):
    """Every look of a gate at a draft, in order."""

    spot = _key("Slug of the spot")
    target = _key("Code of the target")
    evaluation = _position("0-based place in the history of this adaptation")
    gate = dy.Enum(list(GATES), nullable=False, metadata={"comment": "The gate"})
    draft_number = dy.Int64(nullable=False, min=1, metadata={"comment": "Draft that was looked at, from 1"})
    passed = dy.Bool(nullable=False, metadata={"comment": "The rubric's verdict over all findings"})
    model_passed = dy.Bool(nullable=True, metadata={"comment": "The model's own verdict; null when unreadable"})
    score = dy.Float64(nullable=True, min=0, max=1, metadata={"comment": "The model's score from 0 to 1"})
    findings_critical = _number("Critical findings")
    findings_major = _number("Major findings")
    findings_minor = _number("Minor findings")
    reasoning = _text("What the judging model thought first")
    summary = _text("Findings in short, and the model's own words")
    model_id = _text("Model that judged")
    content_hash = _text("SHA-256 of the draft")
    error = _text("Why the model's judgement could not be used", nullable=True)


@table("gate_findings", partition_by=("spot", "target"))
class GateFindings(TableSchema):
    """Every fault that a gate found, from exact checks and from models."""

    spot = _key("Slug of the spot")
    target = _key("Code of the target")
    evaluation = _position("Place of the evaluation in the history of this adaptation")
    finding = _position("0-based place of the finding in its evaluation")
    gate = dy.Enum(list(GATES), nullable=False, metadata={"comment": "The gate"})
    draft_number = dy.Int64(nullable=False, min=1, metadata={"comment": "Draft that was looked at, from 1"})
    severity = dy.Enum(SEVERITIES, nullable=False, metadata={"comment": "One critical or two major findings fail"})
    check = _text("Class of the fault, such as timecode_order; model_judgement for a model's")
    source = dy.Enum(["check", "model"], nullable=False, metadata={"comment": "Exact check or model"})
    row = dy.Int64(nullable=True, min=0, metadata={"comment": "0-based script row; null for the whole script"})
    location = _text("Where in the draft")
    description = _text("What is wrong")
    suggestion = _text("What would mend it")


@table("adaptation_results", partition_by=("spot", "target"))
class AdaptationResults(TableSchema):
    """How each adaptation went, one row per spot and target."""

    spot = _key("Slug of the spot")
    target = _key("Code of the target")
    target_name = _text("Name of the target")
    language = _text("BCP-47 tag of the target's language")
    status = dy.Enum(["completed", "failed"], nullable=False, metadata={"comment": "How it ended"})
    error_message = _text("Why it failed", nullable=True)
    needs_person = dy.Bool(nullable=False, metadata={"comment": "Whether a person has to look"})
    person_reason = _text("Why a person has to look", nullable=True)
    content_hash = _text("SHA-256 of the last draft", nullable=True)
    drafts = _number("Drafts that were written")
    revisions_format = _number("Rewrites that the format gate asked for")
    revisions_culture = _number("Rewrites that the culture gate asked for")
    revisions_concept = _number("Rewrites that the concept gate asked for")
    revisions_brand = _number("Rewrites that the brand gate asked for")
    findings_critical = _number("Critical findings of the last draft")
    findings_major = _number("Major findings of the last draft")
    findings_minor = _number("Minor findings of the last draft")
    models = _text("JSON: node to the model that was chosen for it")
    writer_model = _text("Model that really wrote the last draft; models holds the ones asked for")
    writer_switched = dy.Bool(nullable=False, metadata={"comment": "Whether the writer moved to an alternative model"})
    writer_reasoning = _text("What the writer thought before the last draft", nullable=True)
    transitions = _text("JSON: list of {status, at}, in order")
    calls = _number("Replies of language models that were used")
    prompt_tokens = _number("Tokens of the questions")
    completion_tokens = _number("Tokens of the answers")
    cost_usd = _measure("Cost of writer and gates in US dollars")
    seconds = _measure("Time from the first draft to the end")
