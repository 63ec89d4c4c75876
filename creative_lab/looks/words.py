"""Words of prompts: counting them, and their base forms, so that "coats" and "coat" are the same thing."""

from __future__ import annotations

import re
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*", re.UNICODE)

STOP_WORDS = frozenset(
    {
        *("a", "an", "and", "any", "as", "at", "by", "for", "from", "in", "into", "its", "of", "off", "on", "onto"),
        *("or", "over", "per", "some", "such", "than", "that", "the", "their", "this", "to", "under", "up", "with"),
        "without",
    }
)
"""Words that carry no meaning of their own in a noun phrase."""

_IRREGULAR = {
    "feet": "foot",
    "knives": "knife",
    "men": "man",
    "people": "person",
    "scarves": "scarf",
    "teeth": "tooth",
    "women": "woman",
}
_UNCHANGED = frozenset({"dress", "jeans", "trousers", "shorts", "series", "canvas", "glass", "moss", "cross"})
_SYNONYMS = {
    "sweater": "jumper",
    "pullover": "jumper",
    "sneaker": "trainer",
    "pants": "trousers",
    "pant": "trousers",
    "tee": "t-shirt",
    "tshirt": "t-shirt",
    "denim": "jeans",
    "gray": "grey",
    "handbag": "bag",
    "purse": "bag",
    "footwear": "shoe",
    "loafer": "shoe",
    "trench": "coat",
    "overcoat": "coat",
    "frock": "dress",
    "overall": "jumpsuit",
}


def count_words(text: str) -> int:
    """Words as people count them: runs between spaces that hold a letter or a digit."""
    return sum(1 for part in text.split() if any(char.isalnum() for char in part))


@lru_cache(maxsize=8192)
def lemma(word: str) -> str:
    """Base form of an English noun or adjective in lower case, by rule; different names of one garment are one."""
    word = word.lower().replace("’", "'").removesuffix("'s")
    base = _IRREGULAR.get(word, word)
    if base not in _UNCHANGED and len(base) > 3:
        if base.endswith("ies"):
            base = base[:-3] + "y"
        elif base.endswith(("sses", "shes", "ches", "xes", "zes")):
            base = base[:-2]
        elif base.endswith("s") and not base.endswith(("ss", "us", "is")):
            base = base[:-1]
    return _SYNONYMS.get(base, base)


def lemmas(text: str) -> tuple[str, ...]:
    """Base forms of the words of ``text`` that mean something, in order; "T-shirt" stays one word."""
    joined = re.sub(r"\bt-shirts?\b", "tshirt", text, flags=re.IGNORECASE)
    return tuple(lemma(word) for word in _WORD.findall(joined) if word.lower() not in STOP_WORDS)


def as_pattern(phrase: str) -> re.Pattern[str]:
    """Matches ``phrase`` as whole words in any case, with any white space between its words."""
    inner = r"\s+".join(re.escape(part) for part in phrase.split())
    return re.compile(rf"(?<!\w){inner}(?!\w)", re.IGNORECASE)
