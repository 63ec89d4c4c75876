"""The tables of the adaptation room, and the way from results to their rows and back."""

from __future__ import annotations

import dataframely as dy

from creative_lab.adaptation.schemas import GATES
from creative_lab.lake import columns
from creative_lab.lake.schemas import TableSchema, table

SEVERITIES = ["critical", "major", "minor"]


class _ModelCall(TableSchema):
    """Columns of a row that one model call made."""

    model_id = columns.text("Model that answered")
    provider = columns.text("Who ran the model, such as embedded/drafter or openai-compatible")
    prompt_tokens = columns.count("Tokens of the question")
    completion_tokens = columns.count("Tokens of the answer")
    cost_usd = columns.measure("Cost of the call in US dollars")
    seconds = columns.measure("Time that the node took")
    started_at = columns.moment("When the node began (UTC)")


class _ScriptRows(TableSchema):
    """Columns of a script row."""

    row = columns.position("0-based place of the row in the script")
    shot_number = columns.text("Number of the shot as the script writes it")
    timecode_start = columns.text("Start as HH:MM:SS:FF or HH:MM:SS.mmm", nullable=True)
    duration_seconds = columns.measure("Length of the row in seconds", nullable=True)
    visual_text = columns.text("What is seen, with words on screen")
    audio_text = columns.text("What is heard: voice-over, dialogue, effects, music")


@table("origin_scripts", partition_by=("spot",))
class OriginScripts(_ScriptRows):
    """Scripts as their campaigns wrote them, one row per script row."""

    spot = columns.key("Slug of the spot")
    client_name = columns.text("Client of the campaign")
    brand_name = columns.text("Brand as the script names it", nullable=True)
    script_title = columns.text("Title of the script")
    language = columns.text("BCP-47 tag of the spoken and shown words")
    total_runtime_seconds = dy.Int64(nullable=False, min=1, metadata={"comment": "Length of the whole spot in seconds"})
    content_hash = columns.text("SHA-256 of the whole script; the same for all its rows")


@table("concept_brief", partition_by=("spot",))
class ConceptBriefs(_ModelCall):
    """What a spot says and must keep saying, one row per spot."""

    spot = columns.key("Slug of the spot")
    reasoning = columns.text("What the model thought first")
    core_message = columns.text("The one thing the spot says")
    emotional_beats = columns.texts("Feelings in their order")
    narrative_structure = columns.text("How the story is built")
    themes = columns.texts("Themes")
    cultural_assumptions = columns.texts("What the script takes for granted about its audience")
    must_preserve = columns.texts("What every adaptation has to keep")
    can_adapt = columns.texts("What an adaptation may change")
    brand_voice = columns.text("How the brand speaks")


@table("cultural_brief", partition_by=("spot", "target"))
class CulturalBriefs(_ModelCall):
    """What a target's market asks of a spot, one row per spot and target."""

    spot = columns.key("Slug of the spot")
    target = columns.key("Code of the target")
    reasoning = columns.text("What the model thought first")
    market_context = columns.text("The market in which the spot will run")
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
    tone_adjustments = columns.text("How the tone should move")
    pitfalls = columns.texts("What would offend or fail")
    opportunities = columns.texts("What the market offers")
    regulatory_notes = columns.text("Rules of the market for this product")


@table("adapted_scripts", partition_by=("spot", "target"))
class AdaptedScripts(_ScriptRows):
    """The last draft for each target, one row per script row; only ``completed`` ones passed all gates."""

    spot = columns.key("Slug of the spot")
    target = columns.key("Code of the target")
    status = dy.Enum(["completed", "failed"], nullable=False, metadata={"comment": "Whether all gates passed"})
    content_hash = columns.text("SHA-256 of what a person approves; the same for all rows of the script")
    code = columns.text("Code of the adaptation, such as EMEA-GB")
    name = columns.text("Name of the adaptation")
    language = columns.text("BCP-47 tag of the spoken and shown words")
    visual_style_prompt = columns.text("English prompt for the look of the film")
    writer_model = columns.text("Model that really wrote the draft")


@table("gate_evaluations", partition_by=("spot", "target"))
class GateEvaluations(TableSchema):
    """Every look of a gate at a draft, in order."""

    spot = columns.key("Slug of the spot")
    target = columns.key("Code of the target")
    evaluation = columns.position("0-based place in the history of this adaptation")
    gate = dy.Enum(list(GATES), nullable=False, metadata={"comment": "The gate"})
    draft_number = dy.Int64(nullable=False, min=1, metadata={"comment": "Draft that was looked at, from 1"})
    passed = dy.Bool(nullable=False, metadata={"comment": "The rubric's verdict over all findings"})
    model_passed = dy.Bool(nullable=True, metadata={"comment": "The model's own verdict; null when unreadable"})
    score = dy.Float64(nullable=True, min=0, max=1, metadata={"comment": "The model's score from 0 to 1"})
    findings_critical = columns.count("Critical findings")
    findings_major = columns.count("Major findings")
    findings_minor = columns.count("Minor findings")
    reasoning = columns.text("What the judging model thought first")
    summary = columns.text("Findings in short, and the model's own words")
    model_id = columns.text("Model that judged")
    content_hash = columns.text("SHA-256 of the draft")
    error = columns.text("Why the model's judgement could not be used", nullable=True)


@table("gate_findings", partition_by=("spot", "target"))
class GateFindings(TableSchema):
    """Every fault that a gate found, from exact checks and from models."""

    spot = columns.key("Slug of the spot")
    target = columns.key("Code of the target")
    evaluation = columns.position("Place of the evaluation in the history of this adaptation")
    finding = columns.position("0-based place of the finding in its evaluation")
    gate = dy.Enum(list(GATES), nullable=False, metadata={"comment": "The gate"})
    draft_number = dy.Int64(nullable=False, min=1, metadata={"comment": "Draft that was looked at, from 1"})
    severity = dy.Enum(SEVERITIES, nullable=False, metadata={"comment": "One critical or two major findings fail"})
    check = columns.text("Class of the fault, such as timecode_order; model_judgement for a model's")
    source = dy.Enum(["check", "model"], nullable=False, metadata={"comment": "Exact check or model"})
    row = dy.Int64(nullable=True, min=0, metadata={"comment": "0-based script row; null for the whole script"})
    location = columns.text("Where in the draft")
    description = columns.text("What is wrong")
    suggestion = columns.text("What would mend it")


@table("adaptation_results", partition_by=("spot", "target"))
class AdaptationResults(TableSchema):
    """How each adaptation went, one row per spot and target."""

    spot = columns.key("Slug of the spot")
    target = columns.key("Code of the target")
    target_name = columns.text("Name of the target")
    language = columns.text("BCP-47 tag of the target's language")
    status = dy.Enum(["completed", "failed"], nullable=False, metadata={"comment": "How it ended"})
    error_message = columns.text("Why it failed", nullable=True)
    needs_person = dy.Bool(nullable=False, metadata={"comment": "Whether a person has to look"})
    person_reason = columns.text("Why a person has to look", nullable=True)
    content_hash = columns.text("SHA-256 of the last draft", nullable=True)
    drafts = columns.count("Drafts that were written")
    revisions_format = columns.count("Rewrites that the format gate asked for")
    revisions_culture = columns.count("Rewrites that the culture gate asked for")
    revisions_concept = columns.count("Rewrites that the concept gate asked for")
    revisions_brand = columns.count("Rewrites that the brand gate asked for")
    findings_critical = columns.count("Critical findings of the last draft")
    findings_major = columns.count("Major findings of the last draft")
    findings_minor = columns.count("Minor findings of the last draft")
    models = columns.text("JSON: node to the model that was chosen for it")
    writer_model = columns.text("Model that really wrote the last draft; models holds the ones asked for")
    writer_switched = dy.Bool(nullable=False, metadata={"comment": "Whether the writer moved to an alternative model"})
    writer_reasoning = columns.text("What the writer thought before the last draft", nullable=True)
    transitions = columns.text("JSON: list of {status, at}, in order")
    calls = columns.count("Replies of language models that were used")
    prompt_tokens = columns.count("Tokens of the questions")
    completion_tokens = columns.count("Tokens of the answers")
    cost_usd = columns.measure("Cost of writer and gates in US dollars")
    seconds = columns.measure("Time from the first draft to the end")
