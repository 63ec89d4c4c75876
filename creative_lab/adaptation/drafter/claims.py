"""Words that a regulator or the brand forbids, and the softer words that say what may be said."""

from __future__ import annotations

from collections.abc import Iterator

from creative_lab.adaptation.drafter.lexicon import Swap, occurs
from creative_lab.adaptation.schemas import AdaptationContext
from creative_lab.adaptation.script_elements import parse_audio, parse_visual

SOFTER = {
    "fastest": "smoothest", "fast": "quick", "race": "drive", "racing": "driving", "thrill": "joy", "thrills": "joys",
    "speed thrills": "the drive delights", "racing start": "smooth start", "adrenaline": "excitement", "hoon": "drive",
    "cheap": "good-value", "cheapest": "great-value", "guaranteed returns": "steady saving", "guaranteed": "dependable",
    "risk-free": "simple", "guilt-free": "satisfying", "eco-friendly": "efficient", "carbon neutral": "more efficient",
    "zero impact": "lower impact", "zero emissions hybrid": "efficient hybrid", "sunblock": "sunscreen",
    "waterproof": "water-resistant", "sweatproof": "sweat-resistant", "100% protection": "high protection",
    "all-day protection": "lasting protection", "safe tan": "summer day", "instant approval": "a quick decision",
    "no-brainer": "easy choice", "double your money": "build your savings", "get rich": "get ahead",
    "rooting for": "cheering for", "root for": "cheer for", "fanny pack": "belt bag", "third world": "developing",
    "plus mandatory fees": "in total", "meal replacement": "snack", "scientifically proven miracle": "carefully made",
    "guaranteed acceptance": "a simple application", "no credit check": "a simple application", "chewing gum": "mints",
    "zero down no strings": "clear terms", "beef burger": "veggie burger", "spirit animal": "kindred spirit",
    "powwow": "get-together", "miracle cure": "daily care", "best": "great", "cures": "comforts",
}  # fmt: skip
"""A softer wording by forbidden word; a word that is not here can only be flagged."""


def forbidden(context: AdaptationContext) -> Iterator[tuple[str, str, str]]:
    """Forbidden words for the target: the word, the kind of rule, and the rule in words."""
    pack, brand = context.target_pack, context.brand
    category = (brand.category if brand else "").lower()
    for rule in pack.regulations if pack else []:
        if rule.category in ("*", category):
            for term in rule.forbidden_terms:
                yield term, "regulation", f"{rule.rule} ({rule.source})" if rule.source else rule.rule
    for term in brand.banned_words if brand else []:
        yield term, "brand_word", f"{brand.name if brand else 'the brand'} does not use “{term}”"
    for term in pack.taboos if pack else []:
        yield term, "taboo", f"“{term}” offends or misleads in {pack.country if pack else ''}"


def swaps(context: AdaptationContext, flags: list[str]) -> Iterator[Swap]:
    """Softer words for forbidden ones that the script says; what has none is added to ``flags``."""
    said = said_text(context)
    seen: set[str] = set()
    for term, kind, rule in forbidden(context):
        if term.lower() in seen or term.lower() not in said.lower() or not occurs(term, said):
            continue
        seen.add(term.lower())
        softer = SOFTER.get(term.lower())
        if softer:
            yield Swap(term, softer, kind, rule)
        else:
            flags.append(f"“{term}” must go and no rule knows a replacement: {rule}.")


def said_text(context: AdaptationContext) -> str:
    """All spoken and shown words of the origin, a line each."""
    return "\n".join(
        element.text
        for row in context.origin.script_rows
        for element in (*parse_visual(row.visual_text), *parse_audio(row.audio_text))
        if element.spoken or element.shown
    )
