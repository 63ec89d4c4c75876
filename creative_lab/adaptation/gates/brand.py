"""Brand gate: names, legal line, banned and required words, and guidelines that a machine can hold a script to."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from creative_lab.adaptation.gates.case import Case, Check, Piece, RowView, finding
from creative_lab.adaptation.gates.words import (
    UNSPACED,
    WORD_END,
    WORD_START,
    edit_distance,
    find_term,
    fold,
    same_words,
    says,
    squeeze,
    tokens,
)
from creative_lab.adaptation.schemas import Finding

_QUOTED = re.compile(r"[\"“„«]([^\"”“»]{2,60})[\"”»]|(?<!\w)[‘']([^'’]{2,60})[’'](?!\w)")
_NEVER = re.compile(r"\b(?:never|no|avoid|do not|don't|must not|may not)\b", re.IGNORECASE)
_LONGEST = re.compile(r"no sentence of (?:the )?voice-over is longer than (\w+) words", re.IGNORECASE)
_EXCLAMATION = re.compile(r"\b(?:no|never use|avoid|without) exclamation marks?\b", re.IGNORECASE)
_NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen".split()  # noqa: SIM905
)
_NEAR = 0.55
_LATIN_WORD = re.compile(r"[A-Za-z0-9\u00c0-\u024f]+(?:['\-][A-Za-z0-9\u00c0-\u024f]+)*")


def names(case: Case) -> Iterator[Finding]:
    """Names to keep stand in every row that has them in the origin, letter for letter."""
    for row in case.rows:
        origin = case.origin_of(row.index)
        for name in case.kept_names:
            check = "brand_name" if name in case.brand_names else "do_not_translate"
            pattern = _exactly(name)
            near = _near_miss(case, row, origin, name)
            lost = next(
                (
                    "heard" if spoken else "seen"
                    for spoken in (True, False)
                    if origin is not None
                    and any(pattern.search(fold(piece.text)) for piece in _channel(case, origin, spoken))
                    and not any(pattern.search(fold(piece.text)) for piece in _channel(case, row, spoken))
                ),
                None,
            )
            if near is not None:
                piece, written = near
                yield finding(check, "critical", f"“{written}” is not {name!r}.", f"Write {name!r}.", piece)
            elif lost is not None and not _kept_in_longer(case, row, name):
                yield finding(
                    check,
                    "critical",
                    f"{name!r} is no longer {lost} in this row: it was translated, altered or dropped.",
                    f"Write {name!r} as it is.",
                    row.index,
                )


def _channel(case: Case, row: RowView, spoken: bool) -> list[Piece]:
    """What is heard or seen in a row as words, without legal lines: each market has its own."""
    return [piece for piece in (row.spoken if spoken else row.shown) if not case.is_legal(piece)]


def _kept_in_longer(case: Case, row: RowView, name: str) -> bool:
    return any(name != other and name in other and _exactly(other).search(_all_text(row)) for other in case.kept_names)


def _exactly(name: str) -> re.Pattern[str]:
    """A name letter for letter; all capitals are the same name, other changes of case are not."""
    plain = re.escape(fold(name)).replace(r"\ ", r"\s+")
    upper = re.escape(fold(name).upper()).replace(r"\ ", r"\s+")
    return re.compile(rf"{WORD_START}(?:{plain}|{upper})(?:'s|s')?{WORD_END}")


def _near_miss(case: Case, row: RowView, origin: RowView | None, name: str) -> tuple[Piece, str] | None:
    """A word that is nearly the name: one or two letters off, in another case, or split."""
    target = re.sub(r"[\W_]", "", fold(name)).casefold()
    if len(target) < 4:
        return None
    limit = 1 if len(target) < 6 else 2
    known = {word.casefold() for word in tokens(_all_text(origin))} if origin else set()
    size = len(tokens(name))
    for piece in row.said:
        words = list(_LATIN_WORD.finditer(fold(piece.text)))
        for width in {size, size + 1, max(1, size - 1)}:
            for at in range(len(words) - width + 1):
                start, end = words[at].start(), words[at + width - 1].end()
                written = re.sub(r"(?:'s|s')$", "", fold(piece.text)[start:end])
                bare = re.sub(r"[\W_]", "", written).casefold()
                if _exactly(name).fullmatch(written) or not bare.isascii() or UNSPACED.search(written):
                    continue
                if bare == target:
                    return piece, written
                if width != size or bare in known or not written[:1].isupper() or bare.rstrip("s") == target:
                    continue
                if 0 < edit_distance(bare, target, limit) <= limit and not _is_other_name(case, written, name):
                    return piece, written
    return None


def _is_other_name(case: Case, written: str, name: str) -> bool:
    return any(same_words(written, other) for other in case.kept_names if other != name)


def brand_missing(case: Case) -> Iterator[Finding]:
    """The brand is named at least once, where the origin names it."""
    for name in case.brand_names:
        pattern = _exactly(name)
        before = any(pattern.search(fold(piece.text)) for row in case.origin_rows for piece in row.said)
        after = any(pattern.search(fold(piece.text)) for row in case.rows for piece in row.said)
        rows_equal = len(case.rows) == len(case.origin_rows)
        if before and not after and not rows_equal:
            yield finding("brand_name", "critical", f"The script never says or shows {name!r}.", f"Name {name!r}.")


def legal_line(case: Case) -> Iterator[Finding]:
    """The legal line of the country stands on screen or is spoken, to the letter, and no other market's does."""
    brand, country = case.context.brand, case.context.country_code
    if brand is None or not brand.legal_lines:
        return
    right = brand.legal_lines.get(country or "", "").strip()
    others: dict[str, str] = {}
    for code in sorted(brand.legal_lines, key=lambda code: code != case.context.origin_country):
        if (line := brand.legal_lines[code].strip()) and line != right:
            others.setdefault(line, code)
    said = [piece for row in case.rows for piece in row.said]
    present = bool(right) and any(_verbatim(right, piece.text) for piece in said)
    reported = False
    for piece in said:
        rest = squeeze(piece.text).replace(squeeze(right), " ") if right else squeeze(piece.text)
        foreign = next(
            (line for line in sorted(others, key=len, reverse=True) if _verbatim(line, rest) and _alone(line, rest)),
            None,
        )
        if foreign is not None:
            reported = True
            yield finding(
                "legal_line",
                "critical",
                f"This is the legal line of {others[foreign]}: “{foreign}”.",
                f"Write exactly: {right}" if right else "Leave it out: the market has no legal line.",
                piece,
            )
    if present or not right or reported:
        return
    likeness = {piece: _likeness(right, piece.text) for piece in said}
    altered = max(said, key=lambda piece: likeness[piece], default=None)
    if altered is not None and (likeness[altered] >= _NEAR or altered.element.legal):
        yield finding(
            "legal_line",
            "critical",
            f"The legal line is altered: “{squeeze(altered.text)}”.",
            f"Write exactly: {right}",
            altered,
        )
        return
    place = next((row.index for row in case.origin_rows if any(case.is_legal(piece) for piece in row.shown)), None)
    if place is not None and place >= len(case.rows):
        place = None
    yield finding(
        "legal_line", "critical", "The market's legal line is missing.", f'Show exactly: SUPER: "{right}"', place
    )


def _verbatim(line: str, text: str) -> bool:
    return squeeze(line) in squeeze(text)


def _alone(line: str, text: str) -> bool:
    """Whether the line is the element's text, or close to it; short lines are also parts of ordinary sentences."""
    return len(squeeze(line)) >= 0.6 * len(squeeze(text))


def _likeness(line: str, text: str) -> float:
    """Similarity of two texts, 0 to 1 (difflib's ratio over case-folded characters)."""
    matcher = difflib.SequenceMatcher(None, squeeze(fold(line)).casefold(), squeeze(fold(text)).casefold(), False)
    return matcher.ratio() if matcher.real_quick_ratio() >= _NEAR else 0.0


def banned_word(case: Case) -> Iterator[Finding]:
    """Words that the brand never uses, in any regular inflection."""
    brand = case.context.brand
    for row in case.rows if brand else ():
        for piece in row.said:
            text = case.masked(piece.text)
            for word in brand.banned_words if brand else ():
                if (found := find_term(word, text, case.language)) is not None:
                    yield finding(
                        "banned_word",
                        "critical",
                        f"“{found}” is a word that the brand never uses.",
                        f"Say it without {word!r}.",
                        piece,
                    )


def required_word(case: Case) -> Iterator[Finding]:
    """Words that every script of the brand holds where the origin holds them, in the target's language.

    A required word for all languages that the origin itself does not have belongs to another product of the brand.
    """
    brand = case.context.brand
    if brand is None:
        return
    draft, origin = _joined(case.rows), _joined(case.origin_rows)
    language = case.context.target_language.lower()
    for required in brand.required_words:
        wanted = required.language.lower()
        if wanted not in ("*", language, case.language) or not tokens(required.text):
            continue
        if says(draft, required.text) or (wanted == "*" and not says(origin, required.text)):
            continue
        row = next((row.index for row in case.origin_rows if says(_joined((row,)), required.text)), None)
        yield finding(
            "required_word",
            "major",
            f"The brand requires “{required.text}”.",
            f"Say or show exactly: {required.text}",
            row if row is not None and row < len(case.rows) else None,
        )


def _joined(rows: tuple[RowView, ...]) -> str:
    return "\n".join(piece.text for row in rows for piece in row.said)


def _all_text(row: RowView | None) -> str:
    return fold(f"{row.row.visual_text}\n{row.row.audio_text}") if row is not None else ""


def brand_guideline(case: Case) -> Iterator[Finding]:
    """Guidelines that forbid quoted words, exclamation marks or long sentences."""
    guidelines = fold(case.context.brand.guidelines) if case.context.brand else ""
    if not guidelines:
        return
    terms: dict[str, str] = {}
    for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z])|\n", guidelines):
        for match in _QUOTED.finditer(sentence):
            if _NEVER.search(sentence[: match.start()]):
                terms.setdefault((match.group(1) or match.group(2)).strip(), sentence.strip())
    banned = {word.lower() for word in case.context.brand.banned_words} if case.context.brand else set()
    longest = _longest(guidelines)
    for row in case.rows:
        for piece in row.said:
            if case.is_legal(piece):
                continue
            text = case.masked(piece.text)
            for term, rule in terms.items():
                if term.lower() not in banned and (found := find_term(term, text, case.language)) is not None:
                    yield finding(
                        "brand_guideline",
                        "major",
                        f"“{found}” breaks the guideline: {rule}",
                        f"Say it without {term!r}.",
                        piece,
                    )
            if _EXCLAMATION.search(guidelines) and re.search("[!！]", text):
                yield finding(
                    "brand_guideline", "minor", "The brand uses no exclamation marks.", "End with a full stop.", piece
                )
            if longest and piece.element.kind == "vo" and case.english:
                for sentence in re.split(r"(?<=[.!?…])\s+", piece.text):
                    if (words := len(tokens(sentence))) > longest:
                        yield finding(
                            "brand_guideline",
                            "minor",
                            f"A sentence of voice-over has {words} words; the brand's limit is {longest}.",
                            f"Split it or cut {words - longest} words.",
                            piece,
                        )


def _longest(guidelines: str) -> int | None:
    match = _LONGEST.search(guidelines)
    if match is None:
        return None
    word = match.group(1).lower()
    return int(word) if word.isdigit() else _NUMBERS.index(word) if word in _NUMBERS else None


CHECKS: tuple[Check, ...] = (names, brand_missing, legal_line, banned_word, required_word, brand_guideline)
