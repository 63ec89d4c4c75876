"""Finding words in copy: folding, whole words, English inflections, near misses, scripts without spaces."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_FOLD = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "‑": "-", "‐": "-"})
_VOWELS = "aeiou"
_TOKEN = re.compile(r"\d+(?:[.,/:]\d+)*|[^\W_]+(?:['’\-.&][^\W_]+)*")
UNSPACED = re.compile(
    "[\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\u0e00-\u0e7f\u0e80-\u0eff\u1780-\u17ff]"
)
"""Characters of scripts that put no space between words: kana, Han, Thai, Lao, Khmer."""
_WORD_CHARACTER = r"[^\W\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\uff66-\uff9f\u0e00-\u0eff\u1780-\u17ff]"
WORD_START, WORD_END = rf"(?<!{_WORD_CHARACTER})", rf"(?!{_WORD_CHARACTER})"
"""Bounds of a whole word; a Latin name may stand right beside kana or Han."""


def fold(text: str) -> str:
    """The text with plain apostrophes, hyphens and spaces; lengths and offsets stay the same."""
    return text.translate(_FOLD)


def tokens(text: str) -> list[str]:
    """Words of a text in a script with spaces; "don't" and "e-bike" are one word each."""
    return _TOKEN.findall(fold(text))


def count_words(text: str) -> float:
    """Words that a viewer reads.

    Scripts without spaces are counted by characters: two Japanese or Chinese characters, or four Thai, Lao or Khmer
    ones, make one word (translation trade's usual ratio of about two source characters to an English word).
    """
    unspaced = UNSPACED.findall(text)
    thai = sum("\u0e00" <= char <= "\u17ff" for char in unspaced)
    rest = UNSPACED.sub(" ", text)
    return len(tokens(rest)) + (len(unspaced) - thai) / 2 + thai / 4


@lru_cache(maxsize=4096)
def inflections(word: str) -> frozenset[str]:
    """English forms of a word that regular endings make, in lower case, the word itself among them."""
    base = word.lower()
    forms = {base, f"{base}'s", f"{base}s'", f"{base}s", f"{base}ly"}
    if base.endswith(("s", "x", "z", "ch", "sh")):
        forms.add(f"{base}es")
    if base.endswith("e"):
        stem = base[:-1]
        forms |= {f"{base}d", f"{base}r", f"{base}rs", f"{base}st", f"{stem}ing", f"{stem}ings", f"{stem}ation"}
        forms |= {f"{stem}ations", f"{base}ful", f"{base}less"}
    elif len(base) > 2 and base.endswith("y") and base[-2] not in _VOWELS:
        stem = base[:-1]
        forms |= {f"{stem}{end}" for end in ("ies", "ied", "ier", "iest", "ily")} | {f"{base}ing"}
    else:
        stems = {base}
        if len(base) > 2 and base[-1] not in "aeiouwxy" and base[-2] in _VOWELS and base[-3] not in _VOWELS:
            stems.add(base + base[-1])
        forms |= {f"{stem}{end}" for stem in stems for end in ("ed", "ing", "ings", "er", "ers", "est")}
        forms |= {f"{base}ful", f"{base}less", f"{base}able", f"{base}ite", f"{base}ites", f"{base}hood"}
    return frozenset(forms)


@lru_cache(maxsize=8192)
def term_pattern(term: str, *, inflect: bool = True) -> re.Pattern[str]:
    """Pattern that finds a term as whole words in folded text, whatever its case.

    ``inflect`` adds regular English endings to the last word. Spaces and hyphens inside the term match each other.
    A term in a script without spaces is found anywhere.
    """
    words = fold(term).strip().split()
    if not words:
        return re.compile(r"(?!)")
    if UNSPACED.search(term):
        return re.compile(r"\s*".join(re.escape(word) for word in words), re.IGNORECASE)
    last = words[-1]
    if inflect and last.isascii() and last.replace("-", "").replace("'", "").isalpha() and len(last) > 2:
        options = sorted(inflections(last), key=len, reverse=True)
        tail = "(?:" + "|".join(re.escape(option) for option in options) + ")"
    else:
        tail = re.escape(last)
    body = r"[\s\-]+".join([*(re.escape(word) for word in words[:-1]), tail])
    return re.compile(rf"{WORD_START}(?:{body}){WORD_END}", re.IGNORECASE)


@lru_cache(maxsize=4096)
def _lenient_pattern(term: str) -> re.Pattern[str]:
    """Whole words with a short ending (German, Romance and Nordic inflection) or Arabic's joined particles."""
    words = [re.escape(word) for word in fold(term).strip().split()]
    if not words:
        return re.compile(r"(?!)")
    if re.search("[\u0600-\u06ff]", term):
        words[0] = rf"(?:[وفبكل]{{0,2}}(?:ال)?|لل){words[0]}"
        return re.compile(r"(?<!\w)" + r"\s+".join(words) + r"(?!\w)")
    ending = r"\w{0,2}" if len(term) >= 5 and term[-1].isalpha() else ""
    return re.compile(WORD_START + r"[\s\-]+".join(words) + ending + WORD_END, re.IGNORECASE)


def find_term(term: str, text: str, language: str = "en") -> str | None:
    """The first place where a term stands in a text as whole words, inflected or not, as written there; or None."""
    if language == "en" or UNSPACED.search(term):
        match = term_pattern(term).search(fold(text))
    else:
        match = _lenient_pattern(term).search(fold(text))
    return match.group(0) if match else None


@lru_cache(maxsize=4096)
def _saying(literal: str) -> re.Pattern[str]:
    words = [re.escape(word) for word in tokens(literal)]
    return re.compile(WORD_START + r"[\W_]+".join(words) + WORD_END if words else r"(?!)", re.IGNORECASE)


def says(copy: str, literal: str) -> bool:
    """Whether a copy has the words of a literal one after the other, whatever its punctuation and case."""
    return bool(_saying(literal).search(fold(copy)))


def edit_distance(left: str, right: str, limit: int = 2) -> int:
    """Optimal string alignment distance (insert, delete, change, swap neighbours), or ``limit + 1`` when greater."""
    if abs(len(left) - len(right)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        current = [i]
        for j, b in enumerate(right, 1):
            cost = min(row[j] + 1, current[j - 1] + 1, row[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            current.append(cost)
        before, row = row, current
        if min(row) > limit:
            return limit + 1
    return min(row[-1], limit + 1)


def same_words(left: str, right: str) -> bool:
    """Whether two texts say the same, apart from case, spaces, accents' encoding and punctuation."""
    return _bare(left) == _bare(right)


@lru_cache(maxsize=8192)
def _bare(text: str) -> str:
    kept = (char for char in unicodedata.normalize("NFKC", fold(text)) if char.isalnum())
    return "".join(kept).casefold()


@lru_cache(maxsize=8192)
def squeeze(text: str) -> str:
    """The text with runs of white space as one space."""
    return re.sub(r"\s+", " ", text).strip()
