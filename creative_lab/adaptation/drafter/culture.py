"""What a market asks for, from its pack, its insights and the script: the plan that the writer then carries out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from creative_lab.adaptation.drafter import planning, tone
from creative_lab.adaptation.drafter.lexicon import occurs
from creative_lab.adaptation.drafter.matching import word_pattern
from creative_lab.adaptation.drafter.writer import cannot_translate
from creative_lab.adaptation.schemas import AdaptationContext, ConceptBrief, CulturalBrief, Substitution

_FORMATS = (
    "currency",
    "unit",
    "temperature",
    "date",
    "time",
    "phone",
    "spelling",
    "season",
    "driving_side",
    "legal_line",
)


_CHANCES = (
    r".*\b(?:opportunit|life\b|everyday|what moves|what convinces|how they listen|occasion|humour|casting|"
    r"how the idea travels)"
)
_CARE = r"\b(?:care|avoid|pitfall|taboo|sensitiv|consequence|rights|trust|modesty|respect|check first)"
_VOICE = r"\b(?:voice|address|tone|ear)\b"
_RULES = r"\bregulation"
"""Headings under which insights speak of chances, of care, of the voice, and of rules."""

_SYSTEMS = {"us": "US customary", "uk": "British", "metric": "metric"}


def research(context: AdaptationContext, concept: ConceptBrief | None) -> CulturalBrief:
    """The cultural brief for one spot and one target; its substitutions are exactly those that the writer will make."""
    plan = planning.plan(context)
    substitutions = [
        Substitution(original=swap.original, replacement=swap.replacement, rationale=swap.why) for swap in plan.swaps
    ]
    counts = Counter(change.kind for change in plan.changes if change.kind in _FORMATS)
    formats = ", ".join(f"{count} × {kind.replace('_', ' ')}" for kind, count in counts.items()) or "none"
    register = tone.register_of(context.persona)
    opportunities = list(_points(context.market_rules, _CHANCES))[:5]
    if concept is not None and concept.themes:
        opportunities.append(f"The theme of {concept.themes[0]} is told by local detail, not by local cliché.")
    return CulturalBrief(
        reasoning=(
            f"Planned by rule from the market's pack, {len(context.equivalents)} equivalents and the insights on file. "
            f"{len(substitutions)} substitutions occur in the script and will be made; format changes: {formats}."
            + (
                ""
                if context.shares_language
                else f" {cannot_translate(context)} The substitutions reach descriptions only."
            )
        ),
        market_context=_market(context),
        substitutions=substitutions,
        tone_adjustments=_tone(context, register),
        pitfalls=list(dict.fromkeys([*plan.flags, *_pitfalls(context, plan)])),
        opportunities=opportunities,
        regulatory_notes=_regulation(context),
    )


def _market(context: AdaptationContext) -> str:
    pack = context.target_pack
    lines = []
    if pack is not None:
        side = f"traffic keeps {pack.drives_on}"
        lines.append(
            f"{context.target_name}: {pack.locale}, prices in {pack.currency} (planning rate "
            f"{pack.units_per_usd:g} to the US dollar, {pack.rate_date.isoformat()}), "
            f"{_SYSTEMS[pack.measurement]} measures, degrees {pack.temperature.capitalize()}, {side}, "
            + {"north": "northern seasons.", "south": "southern seasons.", "tropics": "tropical seasons."}[
                pack.hemisphere
            ]
        )
    else:
        lines.append(f"{context.target_name} ({context.target_language}): no market pack is on file, so formats stay.")
    if context.persona is not None:
        who = context.persona.description or ", ".join(context.persona.segments)
        lines.append(f"Audience: {context.persona.name}. {who}".strip())
    about = f"(?!.*(?:{_RULES}|{_CARE}|{_VOICE}))"
    lines += [f"{point.rstrip('.')}." for point in _points(context.market_rules, about)][:5]
    return " ".join(lines)


def _points(rules: str, about: str) -> Iterator[str]:
    """Bullet points of the composed insights under headings (in lower case) that match ``about``."""
    heading = ""
    for line in rules.splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ").lower()
        elif re.match(r"\s*[-*] ", line) and re.match(about, heading):
            yield re.sub(r"^\s*[-*] ", "", line).strip()


def _tone(context: AdaptationContext, register: tone.Register | None) -> str:
    points = list(_points(context.market_rules, f".*(?:{_VOICE})"))[:3]
    voice = " ".join(f"{point.rstrip('.')}." for point in points)
    if register is None:
        return f"Keep the origin's tone; only the words of the market change. {voice}".strip()
    words = tone.swaps(context.persona, context.country_code)[:5]
    swaps = ", ".join(f"“{swap.original}” → “{swap.replacement}”" for swap in words)
    who = context.persona.name if context.persona else context.target_name
    return f"{who}: {register.name}. {register.advice} Where they occur: {swaps}. {voice}".strip()


def _pitfalls(context: AdaptationContext, plan: planning.Plan) -> Iterator[str]:
    pack = context.target_pack
    for taboo in pack.taboos if pack else []:
        yield f"Never say or show “{taboo}”."
    whole = "\n".join(f"{row.visual_text}\n{row.audio_text}" for row in context.origin.script_rows)
    for swap in (*plan.swaps, *plan.kept):
        whole = word_pattern(swap.original).sub(" ", whole)
    for word in planning.two_faced(context):
        if re.search(rf"\b{word}\b", whole, re.IGNORECASE) and not occurs(word, whole):
            yield f"“{word.capitalize()}” has another sense in this script and stays as it is."
    yield from list(_points(context.market_rules, f".*(?:{_CARE})"))[:6]


def _regulation(context: AdaptationContext) -> str:
    pack = context.target_pack
    category = (context.brand.category if context.brand else "").lower()
    rules = [rule for rule in pack.regulations if rule.category in ("*", category)] if pack else []
    lines = [f"{rule.rule} ({rule.source})" if rule.source else rule.rule for rule in rules]
    lines += list(_points(context.market_rules, f".*(?:{_RULES})"))[:4]
    line = context.brand.legal_lines.get(context.country_code or "", "") if context.brand else ""
    if line:
        lines.append(f"Legal line, verbatim: {line}")
    return "\n".join(lines)
