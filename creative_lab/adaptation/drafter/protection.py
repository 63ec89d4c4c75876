"""What no rule may touch: names, the lines that the brand fixed, addresses, legal lines."""

from __future__ import annotations

import re

from creative_lab.adaptation.drafter.matching import word_pattern
from creative_lab.adaptation.schemas import AdaptationContext, BrandFacts

_ADDRESS = re.compile(
    r"(?:https?://|www\.)\S{1,300}[\w/]"
    r"|(?<![\w.-])[\w-]{1,63}(?:\.[\w-]{1,63}){0,4}\.(?:com|co|org|net|io|tv|bank|uk|us|ca|au|nz|za|ie|in|sg|eu)\b(?:/\S{0,300}\w)?"
    r"|(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}\.\w{2,63}|(?<!\w)[@#][A-Za-z]\w{1,60}",
    re.IGNORECASE,
)


def protected_terms(context: AdaptationContext) -> list[str]:
    """Names and fixed lines, longest first: the brand, its products, the words required in the target's language."""
    terms = [context.origin.brand_name or "", context.origin.client_name]
    brand = context.brand
    if brand:
        terms += [brand.name, *brand.do_not_translate, *required_lines(brand, context.target_language)]
        terms += [line for country, line in brand.legal_lines.items() if country == context.country_code]
    return sorted({term.strip() for term in terms if term.strip()}, key=len, reverse=True)


def required_lines(brand: BrandFacts, language: str) -> list[str]:
    """Words that a script in ``language`` must contain: those for the exact tag, for its base language, and for all."""
    tag, base = language.lower(), language.lower().split("-")[0]
    return [word.text for word in brand.required_words if word.language == "*" or word.language.lower() in (tag, base)]


def spans(text: str, terms: list[str]) -> list[tuple[int, int]]:
    """Where protected terms and addresses stand in ``text``."""
    found = [match.span() for match in _ADDRESS.finditer(text)]
    for term in terms:
        found += [match.span() for match in word_pattern(term, hyphens=True).finditer(text)]
    return found
