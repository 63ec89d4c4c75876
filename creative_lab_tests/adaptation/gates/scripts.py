"""Small scripts to put before the gates, and what the gates say of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from creative_lab.adaptation import gates
from creative_lab.adaptation.schemas import (
    AdaptationContext,
    AdaptationOutput,
    BrandFacts,
    ConceptBrief,
    CulturalBrief,
    Finding,
    Gate,
    OriginScript,
    ScriptRow,
    Substitution,
)
from creative_lab_tests.adaptation.drafter import markets

TRANSLATIONS = Path(__file__).parents[3] / "data" / "validation" / "translations"
STYLE = "Warm evening light, calm frames and soft colours, filmed like an old family movie."


def draft_of(context: AdaptationContext, *rows: tuple[str, str], **fields: Any) -> AdaptationOutput:
    """A draft of the origin's rows with other texts."""
    origin = context.origin.script_rows
    texts = rows or [(row.visual_text, row.audio_text) for row in origin]
    script = [
        row.model_copy(update={"visual_text": visual, "audio_text": audio})
        for row, (visual, audio) in zip(origin, texts, strict=True)
    ]
    body = {
        "reasoning": "", "code": context.target_code, "name": context.target_name, "language": context.target_language,
        "visual_style_prompt": STYLE, "script_rows": script,
    } | fields  # fmt: skip
    return AdaptationOutput(**body)


def spot(*rows: tuple[str, str], language: str = "en-US", brand: str | None = None) -> OriginScript:
    """A spot of rows of five seconds each, in 25 frames a second."""
    return markets.script(*rows, language=language).model_copy(update={"brand_name": brand})


def facts(**fields: Any) -> BrandFacts:
    """A brand."""
    return BrandFacts(**({"code": "brand", "name": "Kestavo", "category": "snack"} | fields))


def substituting(**pairs: str) -> CulturalBrief:
    """A cultural brief with these substitutions (underscores stand for spaces)."""
    items = [Substitution(original=a.replace("_", " "), replacement=b, rationale="Local.") for a, b in pairs.items()]
    return CulturalBrief(
        reasoning="", market_context="", substitutions=items, tone_adjustments="", pitfalls=[], opportunities=[]
    )


def keeping(*items: str) -> ConceptBrief:
    """A concept brief that keeps these items."""
    return ConceptBrief(
        reasoning="", core_message="", emotional_beats=[], narrative_structure="", themes=[], cultural_assumptions=[],
        must_preserve=list(items), can_adapt=[], brand_voice="",
    )  # fmt: skip


def judge(
    gate: Gate,
    draft: AdaptationOutput,
    context: AdaptationContext,
    concept: ConceptBrief | None = None,
    culture: CulturalBrief | None = None,
) -> list[Finding]:
    """The findings of one gate."""
    return gates.check(gate, draft, context, concept, culture)


def classes(findings: list[Finding]) -> list[tuple[str, str, int | None]]:
    """Class, severity and row of findings."""
    return [(item.check, item.severity, item.row) for item in findings]


def say(country: str, words: str, origin: str = "Hello out there.", language: str | None = None) -> list[Finding]:
    """Findings of the format gate on words that are spoken in a market in a row of five seconds."""
    where = markets.context(spot(("A street.", f'VO: "{origin}"')), country, brand_facts=facts(), language=language)
    translation = "" if where.target_language.startswith("en") else " (In English.)"
    return judge("format_gate", draft_of(where, ("A street.", f'VO: "{words}"{translation}')), where)


def translated(name: str, country: str) -> tuple[AdaptationContext, AdaptationOutput]:
    """A translation made by hand, with the origin's timing."""
    where = markets.context(name, country)
    text = json.loads((TRANSLATIONS / f"{name}.{country.lower()}.json").read_text(encoding="utf-8"))
    rows = [(row["visual_text"], row["audio_text"]) for row in text["script_rows"]]
    style = text["visual_style_prompt"]
    return where, draft_of(where, *rows, language=text["language"], visual_style_prompt=style)


def row_of(visual: str, audio: str, **fields: Any) -> ScriptRow:
    """One row."""
    return ScriptRow(shot_number="01", visual_text=visual, audio_text=audio, **fields)
