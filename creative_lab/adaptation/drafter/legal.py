"""Legal lines: the market's line stands verbatim where the origin's stood."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from creative_lab.adaptation.schemas import AdaptationContext
from creative_lab.adaptation.script_elements import Element


@dataclass(frozen=True)
class LegalLines:
    """The legal line of the origin's market and of the target's, empty where the brand gives none."""

    origin: str
    target: str
    all_lines: tuple[str, ...]

    def is_legal(self, element: Element) -> bool:
        """Whether an element carries a legal line: by its words, or by its label."""
        words = _plain(element.text)
        return element.legal or any(_plain(line) in words for line in self.all_lines if _plain(line))

    @property
    def missing(self) -> bool:
        """Whether the origin has a legal line and the target's market none on file."""
        return bool(self.origin) and not self.target


def lines_of(context: AdaptationContext) -> LegalLines:
    """The legal lines that matter for a target."""
    lines = context.brand.legal_lines if context.brand else {}
    known = tuple(line for line in lines.values() if line.strip())
    return LegalLines(lines.get(context.origin_country or "", ""), lines.get(context.country_code or "", ""), known)


def replaced(element: Element, legal: LegalLines) -> str | None:
    """The words of a legal element for the target, or None when there is nothing to replace."""
    if not legal.target or not legal.is_legal(element):
        return None
    for line in sorted(legal.all_lines, key=len, reverse=True):
        place = re.compile(r"\s+".join(re.escape(word) for word in line.split()), re.IGNORECASE).search(element.text)
        if place:
            return element.text[: place.start()] + legal.target + element.text[place.end() :]
    return legal.target if element.legal else None


def without(text: str, line: str) -> str | None:
    """``text`` without a legal line, or None where the line is not in it."""
    words = r"\s+".join(re.escape(word) for word in line.split())
    place = re.search(words, text, re.IGNORECASE) if words else None
    return (text[: place.start()] + text[place.end() :]).strip() if place else None


def row_for(durations: Sequence[float | None], needed: float, taken: Sequence[float]) -> int | None:
    """The row to show a missing legal line on: the last one that stands long enough beside the words already there."""
    for index in range(len(durations) - 1, -1, -1):
        length = durations[index]
        if length is not None and length >= needed + taken[index]:
            return index
    return None


def _plain(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())
