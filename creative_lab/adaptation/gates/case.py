"""One draft as the checks see it: rows read into elements, beside the origin's rows, with the names to leave alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from creative_lab.adaptation.gates.words import fold, same_words, squeeze, term_pattern
from creative_lab.adaptation.schemas import (
    AdaptationContext,
    AdaptationOutput,
    ConceptBrief,
    CulturalBrief,
    Finding,
    ScriptRow,
    Severity,
)
from creative_lab.adaptation.script_elements import Element, parse_audio, parse_visual

FieldName = Literal["visual_text", "audio_text"]


@dataclass(frozen=True)
class Piece:
    """One element of a script and where it stands."""

    row: int
    field: FieldName
    element: Element

    @property
    def text(self) -> str:
        """The words, without label, quotes and translation."""
        return self.element.text

    @property
    def said(self) -> bool:
        """Whether the audience hears or reads these words."""
        return self.element.spoken or self.element.shown

    @property
    def location(self) -> str:
        """The field, as feedback names it."""
        return f"script_rows[{self.row}].{self.field}"


@dataclass(frozen=True)
class RowView:
    """One row and its elements in reading order: what is seen, then what is heard."""

    index: int
    row: ScriptRow
    pieces: tuple[Piece, ...]

    @property
    def spoken(self) -> list[Piece]:
        """Voice-over and dialogue."""
        return [piece for piece in self.pieces if piece.element.spoken]

    @property
    def shown(self) -> list[Piece]:
        """Words on screen."""
        return [piece for piece in self.pieces if piece.element.shown]

    @property
    def said(self) -> list[Piece]:
        """Everything that the audience hears or reads as words."""
        return [piece for piece in self.pieces if piece.said]

    @property
    def described(self) -> list[Piece]:
        """Descriptions, effects and music."""
        return [piece for piece in self.pieces if not piece.said]


def view(rows: list[ScriptRow]) -> tuple[RowView, ...]:
    """Rows of a script read into elements."""
    views = []
    for index, row in enumerate(rows):
        pieces = [Piece(index, "visual_text", element) for element in parse_visual(row.visual_text)]
        pieces += [Piece(index, "audio_text", element) for element in parse_audio(row.audio_text)]
        views.append(RowView(index, row, tuple(piece for piece in pieces if piece.text.strip())))
    return tuple(views)


@dataclass(frozen=True)
class Case:
    """Everything that a check may look at."""

    draft: AdaptationOutput
    context: AdaptationContext
    concept: ConceptBrief | None
    culture: CulturalBrief | None

    @cached_property
    def rows(self) -> tuple[RowView, ...]:
        """The draft's rows."""
        return view(self.draft.script_rows)

    @cached_property
    def origin_rows(self) -> tuple[RowView, ...]:
        """The origin's rows."""
        return view(self.context.origin.script_rows)

    def origin_of(self, index: int) -> RowView | None:
        """The origin's row that a draft's row adapts: the same place, or the same shot when the counts differ."""
        if len(self.rows) == len(self.origin_rows):
            return self.origin_rows[index]
        shot = self.rows[index].row.shot_number
        return next((row for row in self.origin_rows if row.row.shot_number == shot), None)

    @cached_property
    def language(self) -> str:
        """Base language of the target, in lower case."""
        return re.split(r"[-_]", self.context.target_language)[0].lower()

    @property
    def english(self) -> bool:
        """Whether the target speaks English."""
        return self.language == "en"

    @cached_property
    def brand_names(self) -> tuple[str, ...]:
        """The brand's name as the facts and the origin give it."""
        brand = self.context.brand
        names = [brand.name if brand else "", self.context.origin.brand_name or ""]
        return tuple(dict.fromkeys(name.strip() for name in names if name.strip()))

    @cached_property
    def kept_names(self) -> tuple[str, ...]:
        """Names that stay as they are in every language, longest first."""
        brand = self.context.brand
        names = [*self.brand_names, *(brand.do_not_translate if brand else ())]
        return tuple(sorted({name.strip() for name in names if name.strip()}, key=len, reverse=True))

    @cached_property
    def legal_lines(self) -> tuple[str, ...]:
        """Legal lines of all markets, longest first."""
        lines = self.context.brand.legal_lines.values() if self.context.brand else ()
        return tuple(sorted({line.strip() for line in lines if line.strip()}, key=len, reverse=True))

    @cached_property
    def _mask(self) -> re.Pattern[str]:
        legal = [r"\s+".join(re.escape(word) for word in fold(line).split()) for line in self.legal_lines]
        names = [term_pattern(name, inflect=False).pattern for name in self.kept_names]
        return re.compile("|".join([*legal, *names]) or r"(?!)", re.IGNORECASE)

    def masked(self, text: str) -> str:
        """Folded text with legal lines and names to keep blanked out; lengths and offsets stay the same."""
        return self._mask.sub(lambda match: " " * len(match.group(0)), fold(text))

    @cached_property
    def _folded_legal_lines(self) -> tuple[str, ...]:
        return tuple(squeeze(fold(line)) for line in self.legal_lines)

    def is_legal(self, piece: Piece) -> bool:
        """Whether an element is a legal line: by its label, or by its words in any market's version."""
        if piece.element.legal:
            return True
        text = squeeze(fold(piece.text))
        return any(line in text or same_words(line, text) for line in self._folded_legal_lines)


def finding(
    check: str,
    severity: Severity,
    description: str,
    suggestion: str,
    where: Piece | int | str | None = None,
) -> Finding:
    """A finding of an exact check at an element, a row or the whole script (None, or the name of a field)."""
    if isinstance(where, Piece):
        row, location = where.row, where.location
    elif isinstance(where, int):
        row, location = where, f"script_rows[{where}]"
    else:
        row, location = None, where or "script_rows"
    return Finding(
        check=check, severity=severity, description=description, suggestion=suggestion, row=row, location=location
    )


Check = Callable[[Case], Iterator[Finding]]
"""Looks at a case and yields what is wrong."""
