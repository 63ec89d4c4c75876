"""Putting one known defect into a clean script: the shapes, and small edits of a draft's elements."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from creative_lab.adaptation.gates.case import Case, Piece, RowView, view
from creative_lab.adaptation.schemas import AdaptationContext, AdaptationOutput, ConceptBrief, CulturalBrief, Gate
from creative_lab.adaptation.script_elements import Element, parse_audio, parse_visual, render

FIT = frozenset({"voice_over_fit", "voice_over_slack", "super_hold", "super_words"})
"""What longer words may rightly cause in the row that they were put into."""


@dataclass(frozen=True)
class CleanScript:
    """A script without known faults, with everything that its gates look at."""

    context: AdaptationContext
    concept: ConceptBrief
    culture: CulturalBrief
    draft: AdaptationOutput

    @property
    def spot(self) -> str:
        """Slug of the spot."""
        return self.context.spot

    @property
    def market(self) -> str:
        """Country of the target, in capitals, or its code."""
        return self.context.country_code or self.context.target_code

    @property
    def language(self) -> str:
        """Base language of the target."""
        return self.context.target_language.split("-", maxsplit=1)[0].lower()

    @property
    def rows(self) -> tuple[RowView, ...]:
        """The draft's rows, read into elements."""
        return view(self.draft.script_rows)

    @property
    def origin_rows(self) -> tuple[RowView, ...]:
        """The origin's rows, read into elements."""
        return view(self.context.origin.script_rows)

    @property
    def case(self) -> Case:
        """The draft as the checks see it."""
        return Case(self.draft, self.context, self.concept, self.culture)


@dataclass(frozen=True)
class Planted:
    """A script with one defect.

    ``row`` is where the gate must find it (None: anywhere). ``also`` names classes that the same edit rightly causes in
    that row, ``also_anywhere`` those that it causes in other rows; neither counts for or against a gate.
    """

    script: CleanScript
    row: int | None
    what: str
    also: frozenset[str] = frozenset()
    also_anywhere: frozenset[str] = frozenset()


Planter = Callable[[CleanScript, Random], Planted | None]
"""Plants one defect; None where the script offers no place for it. The same seed plants the same."""


@dataclass(frozen=True)
class DefectClass:
    """A class of fault, the gate that must find it, and the functions that plant it in different ways."""

    check: str
    gate: Gate
    planters: tuple[Planter, ...] = field(repr=False)


def with_row(script: CleanScript, row: int, **changes: Any) -> CleanScript:
    """The script with other fields in one row."""
    rows = list(script.draft.script_rows)
    rows[row] = rows[row].model_copy(update=changes)
    return with_draft(script, script_rows=rows)


def with_draft(script: CleanScript, **changes: Any) -> CleanScript:
    """The script with other fields in its draft."""
    return replace(script, draft=script.draft.model_copy(update=changes))


def with_elements(
    script: CleanScript, row: int, field_name: str, change: Callable[[Element], Element | None]
) -> CleanScript:
    """The script with each element of a field changed, or left out where ``change`` gives None."""
    text = getattr(script.draft.script_rows[row], field_name)
    elements = parse_visual(text) if field_name == "visual_text" else parse_audio(text)
    kept = [changed for element in elements if (changed := change(element)) is not None]
    return with_row(script, row, **{field_name: render(kept).lstrip("\n")})


def with_text(script: CleanScript, piece: Piece, text: str) -> CleanScript:
    """The script with other words in one element."""
    return with_elements(
        script, piece.row, piece.field, lambda element: element.with_text(text) if element == piece.element else element
    )


def said(script: CleanScript, *, spoken: bool = True, shown: bool = True) -> list[Piece]:
    """Spoken and/or shown elements that are no legal lines."""
    case = script.case
    return [
        piece
        for row in case.rows
        for piece in row.said
        if ((spoken and piece.element.spoken) or (shown and piece.element.shown)) and not case.is_legal(piece)
    ]


def append(script: CleanScript, piece: Piece, sentence: str) -> CleanScript:
    """The script with one more sentence in an element."""
    text = piece.text.rstrip()
    gap = "" if script.language in ("ja", "zh") else " "
    end = "" if text[-1:] in ".!?…。！？" else ("。" if script.language in ("ja", "zh") else ".")
    return with_text(script, piece, f"{text}{end}{gap}{sentence}")


def roomiest(script: CleanScript, random: Random, pieces: Iterable[Piece]) -> Piece | None:
    """One of the three elements with the most seconds for their words: a sentence more fits there if anywhere."""
    rows = script.draft.script_rows

    def room(piece: Piece) -> float:
        return (rows[piece.row].duration_seconds or 0) - len(piece.text) / 15

    best = sorted(pieces, key=lambda piece: (-room(piece), piece.row, piece.element.start))[:3]
    return random.choice(best) if best else None


def insert_sentence(
    script: CleanScript, random: Random, sentence: str, what: str, also: frozenset[str] = frozenset()
) -> Planted | None:
    """A sentence more in the voice or in dialogue, where there is room."""
    piece = roomiest(script, random, said(script, shown=False))
    if piece is None:
        return None
    return Planted(append(script, piece, sentence), piece.row, what, also | FIT | {"brand_guideline"})


def describe(script: CleanScript, row: int, sentence: str) -> CleanScript:
    """The script with one more sentence in the description of a row."""
    first = True

    def add(element: Element) -> Element:
        nonlocal first
        if element.kind == "description" and first:
            first = False
            return element.with_text(f"{element.text.rstrip()} {sentence}")
        return element

    return with_elements(script, row, "visual_text", add)
