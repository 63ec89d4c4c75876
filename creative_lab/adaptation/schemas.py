"""The shapes that travel through the adaptation graph: scripts, briefs, drafts, evaluations, findings.

Replies of language models begin with ``reasoning`` so that a model thinks before it concludes.
"""

from __future__ import annotations

import hashlib
import json
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from creative_lab.reference.market_packs import Equivalent, MarketPack, Spelling

Severity = Literal["critical", "major", "minor"]
Node = Literal["concept", "culture", "writer", "format_gate", "culture_gate", "concept_gate", "brand_gate"]
Gate = Literal["format_gate", "culture_gate", "concept_gate", "brand_gate"]
GATES: tuple[Gate, ...] = ("format_gate", "culture_gate", "concept_gate", "brand_gate")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ScriptRow(_Model):
    """One row of a TV script: what is seen and what is heard."""

    shot_number: str
    timecode_start: str | None = Field(default=None, description="HH:MM:SS:FF or HH:MM:SS.mmm")
    duration_seconds: float | None = Field(default=None, ge=0)
    visual_text: str
    audio_text: str


class OriginScript(_Model):
    """The spot as its campaign wrote it."""

    client_name: str
    brand_name: str | None
    script_title: str
    language: str = Field(description="BCP-47 tag of the spoken and shown words.")
    total_runtime_seconds: int = Field(gt=0)
    script_rows: list[ScriptRow]


class ConceptBrief(_Model):
    """What the spot says and must keep saying."""

    reasoning: str
    core_message: str
    emotional_beats: list[str]
    narrative_structure: str
    themes: list[str]
    cultural_assumptions: list[str]
    must_preserve: list[str]
    can_adapt: list[str]
    brand_voice: str


class Substitution(_Model):
    """One planned change from the origin's culture to the target's."""

    original: str
    replacement: str
    rationale: str


class CulturalBrief(_Model):
    """What the market asks for."""

    reasoning: str
    market_context: str
    substitutions: list[Substitution]
    tone_adjustments: str
    pitfalls: list[str]
    opportunities: list[str]
    regulatory_notes: str = ""


class AdaptationOutput(_Model):
    """A draft of the adapted script."""

    reasoning: str
    code: str
    name: str
    language: str
    visual_style_prompt: str
    script_rows: list[ScriptRow]

    def content_hash(self) -> str:
        """SHA-256 of what a person approves: everything but the writer's reasoning."""
        body = self.model_dump(mode="json", exclude={"reasoning"})
        text = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


class Issue(_Model):
    """One fault that a model found in a draft."""

    severity: Severity
    description: str
    location: str
    suggestion: str


class EvaluationResult(_Model):
    """A model's judgement of a draft. ``passed`` is kept, but the verdict is computed from the issues."""

    reasoning: str
    passed: bool
    score: float = Field(ge=0, le=1)
    issues: list[Issue]
    summary: str


class Finding(Issue):
    """One fault of a draft, from an exact check or from the model's judgement."""

    check: str = Field(description="Class of the fault in snake_case, such as timecode_order or currency_format.")
    row: int | None = Field(default=None, description="0-based row of the script; None for the whole script.")
    source: Literal["check", "model"] = "check"


class GateEvaluation(_Model):
    """The record of one gate looking at one draft; every one is kept, in order."""

    gate: Gate
    draft_number: int = Field(ge=1)
    passed: bool = Field(description="The rubric's verdict over all findings.")
    model_passed: bool | None = Field(description="The model's own verdict; None when it could not be read.")
    score: float | None
    findings: list[Finding]
    reasoning: str
    summary: str
    model_id: str
    content_hash: str
    error: str | None = Field(default=None, description="Why the model's judgement could not be used.")


class PersonaFacts(_Model):
    """Who the spot speaks to."""

    name: str
    description: str = ""
    segments: list[str] = Field(default_factory=list, description="Labels such as 'Behavioral: shopping → bargain'.")


class RequiredWord(_Model):
    """Words that an adapted script must contain, for all languages (``*``) or one."""

    text: str
    language: str = "*"


class BrandFacts(_Model):
    """What the brand allows and asks for."""

    code: str
    name: str
    category: str = Field(default="", description="Product category, as the regulations name it: car, snack, bank.")
    guidelines: str = ""
    insights_markdown: str = ""
    do_not_translate: list[str] = Field(default_factory=list)
    banned_words: list[str] = Field(default_factory=list)
    required_words: list[RequiredWord] = Field(default_factory=list)
    legal_lines: dict[str, str] = Field(
        default_factory=dict, description="Country code to the legal line shown there, verbatim."
    )


class AdaptationContext(_Model):
    """Everything that the nodes may know about one spot and one target."""

    spot: str
    target: str
    origin: OriginScript
    origin_country: str | None = Field(description="Country whose formats and culture the origin uses.")
    target_name: str
    target_code: str
    target_language: str = Field(description="BCP-47 tag")
    target_language_name: str
    region_code: str | None = None
    country_code: str | None = None
    persona: PersonaFacts | None = None
    market_rules: str = Field(description="Composed insights as Markdown; may be empty.")
    brand: BrandFacts | None = None
    origin_pack: MarketPack | None = None
    target_pack: MarketPack | None = None
    equivalents: list[Equivalent] = Field(default_factory=list)
    spellings: list[Spelling] = Field(default_factory=list)

    @property
    def shares_language(self) -> bool:
        """Whether origin and target speak the same base language (en-US and en-GB do)."""
        return self.origin.language.split("-")[0].lower() == self.target_language.split("-")[0].lower()
