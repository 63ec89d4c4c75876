"""Concept gate: what must survive the adaptation is still there, row by row."""

from __future__ import annotations

import re
from collections.abc import Iterator

from creative_lab.adaptation.gates.case import Case, Check, RowView, finding
from creative_lab.adaptation.gates.words import WORD_END, WORD_START, fold, same_words, says, squeeze, tokens
from creative_lab.adaptation.schemas import Finding

_QUOTED = re.compile(r"[\"“„«]([^\"”“»]{2,120})[\"”»]|(?<!\w)[‘']([^'’]{2,120})[’'](?!\w)")
_MONEY_OR_UNIT = re.compile(
    r"[$£€¥₹%°]|\b(?:USD|EUR|GBP|dollars?|cents?|pounds?|euros?|miles?|mph|km|kg|oz|lbs?|MSRP|RRP)\b", re.IGNORECASE
)


def must_preserve(case: Case) -> Iterator[Finding]:
    """Names, taglines and numbers that the concept brief wants kept, letter by letter.

    An item is checkable when it quotes words, or when it is itself a piece of the origin's copy; other items are ideas,
    and left to the model's judgement. In another language only names and plain numbers can be held to their letters.
    Amounts, quantities and words that the cultural brief replaces are expected in their adapted form.
    """
    if case.concept is None:
        return
    origin = _copy(case.origin_rows)
    draft = _copy(case.rows)
    seen: set[tuple[str, ...]] = set()
    for item in case.concept.must_preserve:
        quoted = [(a or b).strip() for a, b in _QUOTED.findall(item)]
        for literal in quoted or [item.strip()]:
            key = tuple(word.casefold() for word in tokens(literal))
            if not key or key in seen or not says(origin, literal):
                continue
            seen.add(key)
            expected = _expected(case, literal)
            if expected is None or any(says(draft, option) for option in expected):
                continue
            row = next((row for row in case.origin_rows if says(_copy((row,)), literal)), None)
            index = row.index if row is not None and row.index < len(case.rows) else None
            yield finding(
                "must_preserve",
                "critical",
                f"“{literal}” must be kept and is missing.",
                f"Bring {expected[0]!r} back word for word.",
                index,
            )


def _expected(case: Case, literal: str) -> list[str] | None:
    """Forms in which a literal may stand in the draft; None when it can't be decided."""
    name = any(same_words(literal, kept) for kept in case.kept_names)
    number = bool(re.fullmatch(r"[\d.,\s]+", literal))
    if name:
        return [literal]
    if not case.context.shares_language:
        return [literal] if number and literal.isdigit() else None
    if _MONEY_OR_UNIT.search(literal) and case.context.origin_country != case.context.country_code:
        return None
    options = [literal]
    for item in case.culture.substitutions if case.culture else ():
        original = fold(item.original).strip()
        if original.lower() not in fold(literal).lower():
            continue
        pattern = re.compile(f"{WORD_START}{re.escape(original)}{WORD_END}", re.IGNORECASE)
        changed = [pattern.sub(lambda _, new=item.replacement: fold(new), option) for option in options]  # type: ignore[misc]
        options += [option for option in changed if option not in options]
    plain = literal.lower()
    for word in case.context.spellings:
        forms = (word.american, word.british, word.canadian)
        for form in {form for form in forms if form.lower() in plain}:
            pattern = re.compile(WORD_START + re.escape(form), re.IGNORECASE)
            options += [pattern.sub(other, option) for option in list(options) for other in forms]
    return list(dict.fromkeys(reversed(options)))


def _copy(rows: tuple[RowView, ...]) -> str:
    return "\n".join(piece.text for row in rows for piece in row.said)


def row_function(case: Case) -> Iterator[Finding]:
    """Every row still does its work: who speaks, what stands on screen, where the product is named."""
    for row in case.rows:
        origin = case.origin_of(row.index)
        if origin is None:
            continue
        if origin.spoken and not row.spoken:
            yield _lost(row.index, "speech", f"the words of “{squeeze(origin.spoken[0].text)}”", "audio_text")
        shown = [piece for piece in origin.shown if not case.is_legal(piece)]
        if shown and not [piece for piece in row.shown if not case.is_legal(piece)]:
            yield _lost(row.index, "super", f"the words of “{squeeze(shown[0].text)}”", "visual_text")
        for name in case.kept_names:
            pattern = re.compile(f"{WORD_START}{re.escape(fold(name))}{WORD_END}", re.IGNORECASE)
            before, after = _all_text(origin), _all_text(row)
            if pattern.search(before) and not pattern.search(after):
                yield _lost(
                    row.index, "product", f"{name!r}", "visual_text" if _visual(origin, pattern) else "audio_text"
                )
                break


def _lost(index: int, what: str, content: str, field: str) -> Finding:
    return finding(
        "row_function",
        "major",
        f"The row has lost its {what}.",
        f"Bring back {content} in the target's words.",
        f"script_rows[{index}].{field}",
    ).model_copy(update={"row": index})


def _all_text(row: RowView) -> str:
    return fold(f"{row.row.visual_text}\n{row.row.audio_text}")


def _visual(row: RowView, pattern: re.Pattern[str]) -> bool:
    return bool(pattern.search(fold(row.row.visual_text)))


def element_missing(case: Case) -> Iterator[Finding]:
    """A row has as many spoken and shown elements, effects and music cues as its origin."""
    groups = (
        ("spoken", frozenset({"vo", "dialogue"}), "major"),
        ("shown", frozenset({"super", "title", "card", "text"}), "major"),
        ("SFX", frozenset({"sfx"}), "minor"),
        ("music", frozenset({"music"}), "minor"),
    )
    for row in case.rows:
        origin = case.origin_of(row.index)
        if origin is None:
            continue
        for name, kinds, severity in groups:
            before = [piece for piece in origin.pieces if piece.element.kind in kinds and not case.is_legal(piece)]
            after = [piece for piece in row.pieces if piece.element.kind in kinds and not case.is_legal(piece)]
            whole_function = not after and name in ("spoken", "shown")
            if len(after) < len(before) and not whole_function:
                yield finding(
                    "element_missing",
                    severity,  # type: ignore[arg-type]
                    f"The row has {len(after)} {name} elements, its origin has {len(before)}.",
                    f"Bring back: {'; '.join(squeeze(piece.element.raw) for piece in before)}",
                    row.index,
                )


CHECKS: tuple[Check, ...] = (must_preserve, row_function, element_missing)
