"""Culture gate: what is left of the origin's culture, what the market forbids, seasons that don't fit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from creative_lab.adaptation.drafter.senses import meant
from creative_lab.adaptation.gates.case import Case, Check, Piece, finding
from creative_lab.adaptation.gates.season import season_mismatch
from creative_lab.adaptation.gates.words import find_term, fold, inflections, same_words, tokens
from creative_lab.adaptation.schemas import Finding, Severity
from creative_lab.reference.market_packs import SpellingVariant

_NOUN_ENDING = r"(?:s|es|'s|s')?"
_ANYWHERE = frozenset({"holiday", "institution"})
"""Kinds that are a fault even where the origin has no such word: a writer put them in."""
_MINOR = frozenset({"given_name", "family_name", "place"})
"""Kinds that may stay: people have foreign names and spots show foreign places."""
_QUOTED = re.compile(r"[\"“„«]([^\"”“»]{2,60})[\"”»]|(?<!\w)[‘']([^'’]{2,60})[’'](?!\w)")
_NEGATIVE = re.compile(r"\b(?:never|avoid\w*|no|not|don't|without|drop|skip|instead of|refrain)\b", re.IGNORECASE)


@lru_cache(maxsize=8192)
def noun_pattern(form: str) -> re.Pattern[str]:
    """A form as a whole word, its regular plural and possessive, in any case."""
    words = [re.escape(word) for word in fold(form).split()]
    last = words[-1]
    if form[-1:].lower() == "y" and form[-2:-1].lower() not in "aeiou":
        last = rf"(?:{last}(?:'s)?|{last[:-1]}ies)"
    elif form[-1:].isalpha():
        last += _NOUN_ENDING
    body = r"[ \-]".join([*words[:-1], last])
    return re.compile(rf"(?<![\w\-])(?:{body})(?![\w]|-\w)", re.IGNORECASE)


@dataclass(frozen=True)
class _Foreign:
    """A form of the origin's market, and what the target calls it."""

    form: str
    target: str
    kind: str
    shared: bool
    """Whether the same word has another meaning in the target market (chips, football, biscuit)."""


def _foreign_forms(case: Case) -> list[_Foreign]:
    origin, target = case.context.origin_country, case.context.country_code
    if not origin or not target or origin == target:
        return []
    all_target = {form.lower() for item in case.context.equivalents for form in item.forms.get(target, [])}
    found: dict[str, _Foreign] = {}
    for item in case.context.equivalents:
        targets = item.forms.get(target, [])
        if not targets:
            continue
        own = {form.lower() for form in targets}
        for form in item.forms.get(origin, []):
            if form.strip() and form.lower() not in own and form.lower() not in found:
                found[form.lower()] = _Foreign(form, targets[0], item.kind, form.lower() in all_target)
    return sorted(found.values(), key=lambda foreign: -len(foreign.form))


def origin_residue(case: Case) -> Iterator[Finding]:
    """Words of the origin's market that the target calls otherwise.

    A word that exists in the target with another meaning counts only where the origin's row has it and the row can't
    have got it from an adaptation. Words that the cultural brief replaces are left to ``substitution_missing``.
    """
    planned = {item.original.lower() for item in case.culture.substitutions} if case.culture else set()
    forms = [item for item in _foreign_forms(case) if item.form.lower() not in planned]
    whole = "\n".join(fold(f"{row.row.visual_text}\n{row.row.audio_text}") for row in case.origin_rows)
    everything = whole.lower()
    candidates = [
        (item, noun_pattern(item.form))
        for item in forms
        if item.kind in _ANYWHERE or (_stem(item.form) in everything and noun_pattern(item.form).search(whole))
    ]
    if not candidates:
        return
    own = _own_longer_forms(case, [item.form for item, _ in candidates])
    replaced = [noun_pattern(original) for original in planned if original.strip()]
    for row in case.rows:
        origin_row = case.origin_of(row.index)
        origin_text = fold(f"{origin_row.row.visual_text}\n{origin_row.row.audio_text}") if origin_row else ""
        for piece in row.pieces:
            if piece.said and (case.is_legal(piece) or not case.english):
                continue
            text = _masked_forms(case.masked(piece.text), [*own, *replaced])
            taken: list[tuple[int, int]] = []
            for item, pattern in candidates:
                for match in pattern.finditer(text):
                    if any(match.start() < end and start < match.end() for start, end in taken):
                        continue
                    if not meant(match.group(0), text[: match.start()], text[match.end() :]):
                        continue
                    if _common_noun(item, match.group(0)):
                        continue
                    if item.shared and not _left_over(item, origin_text, pattern, forms):
                        continue
                    taken.append(match.span())
                    yield finding(
                        "origin_residue",
                        _residue_severity(item.kind, piece),
                        f"“{match.group(0)}” is the origin's word ({item.kind}).",
                        f"Write {item.target!r}.",
                        piece,
                    )


def _stem(form: str) -> str:
    """A beginning of a form that all its inflections share, in lower case: tells quickly where it can't be."""
    words = fold(form).lower().split()
    return words[0][:-1] if len(words) == 1 and len(words[0]) > 3 else words[0]


def _own_longer_forms(case: Case, words: list[str]) -> list[re.Pattern[str]]:
    """Forms of the target's market that hold a word of the origin's (natural gas) and stand in the draft."""
    country = case.context.country_code or ""
    draft = fold("\n".join(f"{row.visual_text}\n{row.audio_text}" for row in case.draft.script_rows)).lower()
    patterns = [(_stem(word), noun_pattern(word)) for word in words]
    found = []
    for item in case.context.equivalents:
        for form in item.forms.get(country, []):
            plain = fold(form).lower()
            if (" " not in plain and "-" not in plain) or _stem(form) not in draft:
                continue
            if any(stem in plain and pattern.search(plain) for stem, pattern in patterns):
                found.append(noun_pattern(form))
    return found


def _masked_forms(text: str, forms: list[re.Pattern[str]]) -> str:
    for form in forms:
        text = form.sub(lambda match: " " * len(match.group(0)), text)
    return text


def _common_noun(item: _Foreign, written: str) -> bool:
    """Whether a name that is also a word (Reception, the first school year) is written as the word."""
    return item.kind != "holiday" and " " not in item.form and item.form[:1].isupper() and written[:1].islower()


def _left_over(item: _Foreign, origin: str, pattern: re.Pattern[str], forms: list[_Foreign]) -> bool:
    if not pattern.search(origin):
        return False
    return not any(
        other.form != item.form
        and other.target.lower() == item.form.lower()
        and noun_pattern(other.form).search(origin)
        for other in forms
    )


def _residue_severity(kind: str, piece: Piece) -> Severity:
    if kind in _MINOR or (kind in ("vocabulary", "food") and not piece.said):
        return "minor"
    return "major"


def substitution_missing(case: Case) -> Iterator[Finding]:
    """The cultural brief's substitutions are made: what it replaces is no longer there."""
    if case.culture is None:
        return
    plans = [
        (item, noun_pattern(item.original))
        for item in case.culture.substitutions
        if item.original.strip() and not same_words(item.original, item.replacement) and len(tokens(item.original)) <= 6
    ]
    plans.sort(key=lambda plan: -len(plan[0].original))
    own = _own_longer_forms(case, [item.original for item, _ in plans])
    for row in case.rows:
        origin_row = case.origin_of(row.index)
        origin_text = fold(f"{origin_row.row.visual_text}\n{origin_row.row.audio_text}") if origin_row else ""
        for piece in row.pieces:
            if piece.said and (case.is_legal(piece) or not case.english):
                continue
            text = _masked_forms(case.masked(piece.text), own)
            for item, pattern in plans:
                replaced = fold(item.replacement)
                if replaced and pattern.search(replaced):
                    text = re.sub(re.escape(replaced), lambda m: " " * len(m.group(0)), text, flags=re.IGNORECASE)
            taken: list[tuple[int, int]] = []
            for item, pattern in plans:
                for match in pattern.finditer(text):
                    if any(match.start() < end and start < match.end() for start, end in taken):
                        continue
                    before, after = text[: match.start()], text[match.end() :]
                    if not pattern.search(origin_text) or not meant(match.group(0), before, after):
                        continue
                    if _made_by_another(item.original, case, origin_text):
                        continue
                    taken.append(match.span())
                    yield finding(
                        "substitution_missing",
                        "major" if piece.said else "minor",
                        f"“{match.group(0)}” should have become “{item.replacement}”: {item.rationale}",
                        f"Write {item.replacement!r}.",
                        piece,
                    )


def _made_by_another(word: str, case: Case, origin_text: str) -> bool:
    """Whether another substitution of this row puts the word there."""
    assert case.culture is not None
    return any(
        other.original.lower() != word.lower()
        and noun_pattern(word).search(fold(other.replacement))
        and noun_pattern(other.original).search(origin_text)
        for other in case.culture.substitutions
    )


def spelling_variant(case: Case) -> Iterator[Finding]:
    """English is spelled as the market spells it."""
    pack = case.context.target_pack
    if pack is None or pack.spelling is None or not case.english:
        return
    wrong = _misspellings(
        tuple((item.american, item.british, item.canadian) for item in case.context.spellings), pack.spelling
    )
    if not wrong:
        return
    for row in case.rows:
        for piece in row.pieces:
            if piece.said and case.is_legal(piece):
                continue
            text = case.masked(piece.text)
            for match in re.finditer(r"[^\W\d_]+(?:'[^\W\d_]+)?", text):
                right = wrong.get(match.group(0).lower())
                if right is None or not meant(match.group(0), text[: match.start()], text[match.end() :]):
                    continue
                yield finding(
                    "spelling_variant",
                    "major" if piece.element.shown else "minor",
                    f"“{match.group(0)}” is not {pack.spelling} spelling.",
                    f"Write {right!r}.",
                    piece,
                )


@lru_cache(maxsize=16)
def _misspellings(words: tuple[tuple[str, str, str], ...], variant: SpellingVariant) -> dict[str, str]:
    """Forms of other variants, with the form of this one; a form that is right in this variant is never wrong."""
    place = {"american": 0, "british": 1, "canadian": 2}[variant]
    right: set[str] = set()
    wrong: dict[str, str] = {}
    for forms in words:
        right |= inflections(forms[place])
    for forms in words:
        good = forms[place].lower()
        for other in forms:
            bad = other.lower()
            if bad == good:
                continue
            stem = _common(bad, good)
            for form in inflections(bad):
                if form in right:
                    continue
                ending = form[len(bad) :] if form.startswith(bad) else None
                wrong[form] = good + ending if ending is not None else _align(form, bad, good, stem)
    return wrong


def _common(left: str, right: str) -> int:
    length = 0
    while length < min(len(left), len(right)) and left[-1 - length] == right[-1 - length]:
        length += 1
    return length


def _align(form: str, bad: str, good: str, tail: int) -> str:
    """The same inflection of the right word, where the words differ before their common ending."""
    head = bad[: len(bad) - tail]
    return good[: len(good) - tail] + form[len(head) :] if form.startswith(head) else good


def taboo(case: Case) -> Iterator[Finding]:
    """Words and images that the market's audience must not meet."""
    terms = case.context.target_pack.taboos if case.context.target_pack else []
    for row in case.rows:
        for piece in row.pieces:
            text = case.masked(piece.text)
            for term in terms:
                language = case.language if piece.said else "en"
                if (found := find_term(term, text, language)) is not None:
                    yield finding(
                        "taboo", "critical", f"“{found}” is taboo in the market.", f"Leave out {term!r}.", piece
                    )


def pitfall(case: Case) -> Iterator[Finding]:
    """Words that the cultural brief quotes as ones to avoid, beyond the market's taboos."""
    if case.culture is None:
        return
    taboos = {term.lower() for term in case.context.target_pack.taboos} if case.context.target_pack else set()
    terms = {
        term
        for note in case.culture.pitfalls
        if _NEGATIVE.search(_QUOTED.sub(" ", note))
        for match in _QUOTED.finditer(note)
        if (term := (match.group(1) or match.group(2)).strip())
        and _NEGATIVE.search(note[: match.start()])
        and term.lower() not in taboos
    }
    for row in case.rows:
        for piece in row.said:
            if case.is_legal(piece):
                continue
            for term in sorted(terms):
                if (found := find_term(term, case.masked(piece.text), case.language)) is not None:
                    yield finding(
                        "pitfall",
                        "major",
                        f"“{found}” is a pitfall that the cultural brief names.",
                        f"Say it without {term!r}.",
                        piece,
                    )


def forbidden_term(case: Case) -> Iterator[Finding]:
    """Words that an advertising rule of the market forbids for the brand's category."""
    pack, brand = case.context.target_pack, case.context.brand
    if pack is None:
        return
    categories = {"*", brand.category.lower()} if brand and brand.category else {"*"}
    for rule in pack.regulations:
        if rule.category.lower() not in categories:
            continue
        for row in case.rows:
            for piece in row.said:
                text = case.masked(piece.text)
                for term in rule.forbidden_terms:
                    if (found := find_term(term, text, case.language)) is not None:
                        source = f" ({rule.source})" if rule.source else ""
                        yield finding(
                            "forbidden_term",
                            "critical",
                            f"“{found}” breaks a rule of the market: {rule.rule}{source}",
                            f"Leave out {term!r}.",
                            piece,
                        )


CHECKS: tuple[Check, ...] = (
    origin_residue,
    substitution_missing,
    spelling_variant,
    taboo,
    pitfall,
    season_mismatch,
    forbidden_term,
)
