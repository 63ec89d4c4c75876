"""Word rules: planned substitutions and spelling, with their inflections, as finders for the matching engine."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from creative_lab.adaptation.drafter import senses
from creative_lab.adaptation.drafter.matching import (
    Finder,
    Match,
    inflections,
    like_case,
    sentence_start,
    word_pattern,
)
from creative_lab.reference.market_packs import Spelling, SpellingVariant


@dataclass(frozen=True)
class Swap:
    """Words of the origin and what to write instead. ``kind`` is the rule's name in notes."""

    original: str
    replacement: str
    kind: str
    why: str = ""


def swap_finder(swaps: Sequence[Swap], counts: Callable[[Swap], None] | None = None) -> Finder:
    """Finds planned words, also in the plural and in capitals, where their sense is the one meant."""
    patterns = [
        (word_pattern(form, any_case=not form[:1].isupper()), form, other, swap)
        for swap in swaps
        for form, other in inflections(swap.original, swap.replacement).items()
    ]
    patterns += [
        (re.compile(rf"(?<![\w-]){re.escape(form.upper())}(?!\w|-\w)"), form, other, swap)
        for _, form, other, swap in list(patterns)
        if form[:1].isupper() and len(form) > 2
    ]

    def find(text: str) -> Iterator[Match]:
        for pattern, form, other, swap in patterns:
            for match in pattern.finditer(text):
                if not _allowed(form, text, match):
                    continue
                if swap.original == swap.replacement:
                    yield Match(match.start(), match.end(), match.group(0), swap.kind)
                    continue
                new = like_case(match.group(0), other, pattern=form)
                if match.group(0)[:1].isupper() and new[:1].islower() and sentence_start(text, match.start()):
                    new = new[:1].upper() + new[1:]
                if counts is not None:
                    counts(swap)
                yield Match(match.start(), match.end(), new, swap.kind, swap.original)

    return find


def _allowed(form: str, text: str, match: re.Match[str]) -> bool:
    before, after = text[: match.start()], text[match.end() :]
    if form[:1].isupper() and form.lower() in senses.NAMES_AND_WORDS:
        return not sentence_start(text, match.start()) and bool(before.strip())
    return senses.meant(form, before, after)


def occurs(form: str, text: str) -> bool:
    """Whether a word or phrase stands in ``text`` in the sense that rules mean."""
    return any(True for _ in swap_finder([Swap(form, "\x00", "")])(text))


def forms_in(phrase: str, text: str) -> bool:
    """Whether a word or phrase stands in ``text``, also in the plural or with the capitals of a heading."""
    return any(word_pattern(form).search(text) for form in inflections(phrase, phrase))


_SUFFIXES = ("", "s", "es", "d", "ed", "ing", "er", "ers", "est", "r", "rs", "ful", "fully", "less", "able", "ist",
"ists", "ly", "hood",
             "hoods", "ization", "ations", "y")  # fmt: skip


def _inflect(base: str, suffix: str) -> str | None:
    """``base`` with an English ending by rule, or None where the ending does not go with it."""
    if not suffix:
        return base
    if base.endswith(("ize", "ise", "yze", "yse")) and suffix == "ization":
        return base[:-1] + "ation"
    if suffix in ("ization", "ations"):
        return None
    if base.endswith("e"):
        if suffix in ("d", "r", "rs", "s"):
            return base + suffix
        if suffix in ("ing", "able", "est"):
            return base[:-1] + suffix
        if base.endswith("re") and suffix in ("ed",):
            return base + "d"
        return None if suffix in ("ed", "er", "ers", "es", "y") else base + suffix
    if suffix in ("d", "r", "rs"):
        return None
    if base.endswith("y") and not base.endswith(("ay", "ey", "oy", "uy")):
        changed = {
            "s": None,
            "es": base[:-1] + "ies",
            "ed": base[:-1] + "ied",
            "er": base[:-1] + "ier",
            "est": base[:-1] + "iest",
        }
        return changed.get(suffix, base + suffix)
    if suffix == "es" and not base.endswith(("s", "x", "z", "ch", "sh")):
        return None
    if suffix == "s" and base.endswith(("s", "x", "z", "ch", "sh")):
        return None
    return base + suffix


@lru_cache(maxsize=16)
def _table(pairs: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Every form of every word with its other spelling; a word of the list itself goes before a form made by rule."""
    different = [(old, new) for old, new in pairs if old != new]
    table = dict(different)
    for old, new in different:
        for suffix in _SUFFIXES[1:]:
            left, right = _both(old, new, suffix)
            if left and right and left != right:
                table.setdefault(left, right)
    return table


def spelling_finder(
    spellings: Iterable[Spelling], origin: SpellingVariant | None, target: SpellingVariant | None
) -> Finder:
    """Finds words in the origin's English spelling; case and endings are kept."""
    table: dict[str, str] = {}
    if origin and target and origin != target:
        table = _table(tuple((getattr(entry, origin), getattr(entry, target)) for entry in spellings))
    why = f"{target} spelling"

    def find(text: str) -> Iterator[Match]:
        if not table:
            return
        for match in re.compile(r"(?<![\w@#/.])[A-Za-z]+(?:['’][a-z]+)?").finditer(text):
            word = match.group(0)
            stem = re.split(r"['’]", word)[0]
            other = table.get(stem.lower())
            if other is None or not senses.meant(stem, text[: match.start()], text[match.end() :]):
                continue
            yield Match(match.start(), match.start() + len(stem), like_case(stem, other), "spelling", why)

    return find


def _both(old: str, new: str, suffix: str) -> tuple[str | None, str | None]:
    """The same form of both spellings; endings that begin with a vowel meet an e on one side only (center, centre)."""
    left, right = _inflect(old, suffix), _inflect(new, suffix)
    if left is None and right is None:
        return None, None
    if old.endswith("er") and new.endswith("re") and suffix in ("ed", "ing", "s", "d"):
        endings = {"ed": ("ed", "d"), "ing": ("ing", ""), "s": ("s", "s"), "d": (None, None)}[suffix]
        if endings[0] is None:
            return None, None
        return old + endings[0], (new[:-1] + "ing" if suffix == "ing" else new + str(endings[1]))
    return left, right
