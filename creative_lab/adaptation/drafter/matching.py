"""Replacing words in a text: whole words, longest match first, never inside a protected span, each change recorded.

All rules look at the same original text, and their matches are applied in one pass. So no rule sees the outcome of
another, and nothing is replaced twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

_VOWEL_SOUND = re.compile(r"(?:[aeio]|u(?!ni(?:[^nm]|$)|s(?:e|u)|k\b|te)|hour|honest|heir|8|11\b|18\b)", re.IGNORECASE)
_CONSONANT_SOUND = re.compile(r"(?:one\b|once\b|eu)", re.IGNORECASE)
_ARTICLE = re.compile(r"\b(an?)([ \t]+(?:[\"“‘']?))$", re.IGNORECASE)


@dataclass(frozen=True)
class Match:
    """A place in a text where a rule wants other words. ``kind`` names the rule, as in the notes for people."""

    start: int
    end: int
    replacement: str
    kind: str
    why: str = ""


Finder = Callable[[str], Iterable[Match]]


@dataclass(frozen=True)
class Change:
    """A replacement that was made."""

    original: str
    replacement: str
    kind: str
    why: str = ""
    row: int | None = None
    place: str = ""


@dataclass
class Outcome:
    """A text after its rules, with what was changed."""

    text: str
    changes: list[Change] = field(default_factory=list)


def apply(text: str, finders: Sequence[Finder], protected: Sequence[tuple[int, int]] = ()) -> Outcome:
    """Apply every rule to ``text`` once. Of overlapping matches the longer wins, then the earlier rule."""
    used = bytearray(len(text))
    for start, end in protected:
        used[start:end] = b"\x01" * (end - start)
    matches = [(match, order) for order, finder in enumerate(finders) for match in finder(text)]
    matches.sort(key=lambda item: (-(item[0].end - item[0].start), item[1], item[0].start))
    taken: list[Match] = []
    for match, _ in matches:
        if not any(used[match.start : match.end]):
            used[match.start : match.end] = b"\x01" * (match.end - match.start)
            taken.append(match)
    taken.sort(key=lambda match: match.start)
    pieces: list[str] = []
    changes: list[Change] = []
    position = 0
    for match in taken:
        before = text[position : match.start]
        original = text[match.start : match.end]
        if match.replacement != original and (echo := _echo(before, match.replacement)):
            before, original = before[:-echo], before[-echo:] + original
        if match.replacement != original:
            before, replacement = _with_article(before, original, match.replacement)
            changes.append(Change(original, replacement, match.kind, match.why))
        else:
            replacement = original
        pieces += [before, replacement]
        position = match.end
    pieces.append(text[position:])
    return Outcome("".join(pieces), changes)


def _with_article(before: str, original: str, replacement: str) -> tuple[str, str]:
    """Keep "a" and "an" right in front of other words; drop an article that the replacement brings itself."""
    article = _ARTICLE.search(before)
    own = re.match(r"(?:the|an?) ", replacement, re.IGNORECASE)
    if own and re.search(r"\b(?:the|an?|this|that|our|your|my|his|her|their|its)[ \t]+$", before, re.IGNORECASE):
        return before, replacement[own.end() :]
    if not article or not replacement[:1].strip():
        return before, replacement
    was, now = _vowel(original), _vowel(replacement)
    if was == now:
        return before, replacement
    word = article.group(1)
    right = ("an" if now else "a") if word.islower() else ("An" if now else "A")
    if word.isupper() and len(word) > 1:
        right = right.upper()
    return before[: article.start()] + right + article.group(2), replacement


def _echo(before: str, replacement: str) -> int:
    """Length of a word in front that says the same again ("roadside roadhouse"), with its blank; 0 without one."""
    word = re.search(r"\b([A-Za-z]{6,})[ ]$", before)
    first = replacement.split(" ", maxsplit=1)[0].lower()
    if word is None or len(first) < 6 or word.group(1).lower()[:4] != first[:4] or word.group(1).lower() == first:
        return 0
    return len(word.group(0))


def _vowel(word: str) -> bool:
    return bool(_VOWEL_SOUND.match(word)) and not _CONSONANT_SOUND.match(word)


def like_case(original: str, replacement: str, *, pattern: str | None = None) -> str:
    """``replacement`` with the capitals of ``original``: ALL CAPS, Capital first, or as it stands.

    ``pattern`` is the dictionary form that matched: a capital that belongs to it ("Thanksgiving") is not carried over.
    """
    letters = [c for c in original if c.isalpha()]
    if len(letters) > 1 and all(c.isupper() for c in letters) and not (pattern and pattern.isupper()):
        return replacement.upper()
    if letters and letters[0].isupper() and not (pattern or "")[:1].isupper():
        words = original.split()
        if (
            len(words) > 1
            and (pattern or "").islower()
            and all(w[:1].isupper() for w in words if w[:1].isalpha() and len(w) > 3)
        ):
            return " ".join(w[:1].upper() + w[1:] if len(w) > 2 else w for w in replacement.split(" "))
        return replacement[:1].upper() + replacement[1:]
    return replacement


def sentence_start(text: str, position: int) -> bool:
    """Whether a sentence begins at ``position``."""
    before = text[:position].rstrip(" \t\n\"“‘'(")
    return not before or before[-1] in ".!?…:–—"


@lru_cache(maxsize=8192)
def word_pattern(phrase: str, *, hyphens: bool = False, any_case: bool = True) -> re.Pattern[str]:
    """Matches ``phrase`` as whole words; blanks and apostrophes in any form. ``hyphens``: also beside a hyphen."""
    body = re.escape(phrase.replace("’", "'")).replace(r"\ ", r"[ \u00a0]+").replace("'", "['’]")
    left, right = (r"(?<!\w)", r"(?!\w)") if hyphens else (r"(?<![\w-])(?<!\w['’])", r"(?!\w|-\w)")
    return re.compile(f"{left}{body}{right}", re.IGNORECASE if any_case else 0)


def plural(phrase: str) -> str:
    """The English plural of a noun phrase by rule (last word); a phrase that looks plural stays."""
    if re.search(r"(?<![su])s$", phrase) or len(phrase) < 2:
        return phrase
    if re.search(r"(?:s|x|z|ch|sh)$", phrase):
        return phrase + "es"
    if re.search(r"[^aeiou]y$", phrase):
        return phrase[:-1] + "ies"
    return phrase + "s"


def inflections(base: str, other: str) -> dict[str, str]:
    """Forms of ``base`` with the same form of ``other``: the word itself and its plural."""
    forms = {base: other}
    many = plural(base)
    if many != base:
        forms.setdefault(many, plural(other))
    return forms
