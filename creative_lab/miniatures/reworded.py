"""Captions that are wrong in one thing: the truth with another setting, shot, colour, expression and so on."""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np

from creative_lab.illustrator.backdrop import SETTINGS
from creative_lab.illustrator.expression import EXPRESSIONS
from creative_lab.illustrator.face import HATS
from creative_lab.illustrator.garments import CATEGORIES
from creative_lab.illustrator.identity import HAIR_STYLES
from creative_lab.illustrator.palette import CLOTH
from creative_lab.illustrator.pose import ACTIONS
from creative_lab.illustrator.props import PROPS
from creative_lab.illustrator.scene import ANGLES, SHOTS

_SAID = {"neutral": "calm", "asleep": "sleeping"}

WORDS: dict[str, tuple[str, ...]] = {
    "setting": tuple(SETTINGS),
    "time": ("at dawn", "in the morning", "at noon", "in the evening", "at night"),
    "weather": ("under clouds", "in the rain", "in the snow", "in fog"),
    "shot": tuple(SHOTS),
    "angle": ANGLES[1:],
    "action": tuple(action.phrase for action in ACTIONS.values()),
    "expression": tuple(_SAID.get(name, name) for name in EXPRESSIONS),
    "hat": HATS[1:],
    # A camel is an animal too.
    "colour": tuple(colour for colour in CLOTH if colour != "camel"),
    "garment": tuple(CATEGORIES),
    "hair": tuple(f"{style} hair" for style in HAIR_STYLES[1:]),
    "prop": tuple(name for name in PROPS if name != "camel"),
}
"""Words of captions that exclude each other, by what they are about."""


@lru_cache(maxsize=1)
def _patterns() -> dict[str, re.Pattern[str]]:
    # The longest first: "extreme close-up" is no "close-up".
    return {
        name: re.compile(
            r"(?<![\w-])(" + "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)) + r")(?![\w-])"
        )
        for name, words in WORDS.items()
    }


def said(text: str) -> dict[str, list[str]]:
    """What ``text`` names: kind → words in their order."""
    found = {name: pattern.findall(text) for name, pattern in _patterns().items()}
    return {name: words for name, words in found.items() if words}


def reworded(text: str, rng: np.random.Generator, kinds: tuple[str, ...] = ()) -> tuple[str, str] | None:
    """``text`` with one word replaced by another of its kind, and the kind; ``None`` when nothing can be replaced.

    The new word is one that the text says nowhere else, so that the result is wrong whoever wears what.
    """
    found = said(text)
    open_kinds = [kind for kind in found if not kinds or kind in kinds]
    if not open_kinds:
        return None
    kind = str(rng.choice(open_kinds))
    there = set(found[kind])
    matches = list(_patterns()[kind].finditer(text))
    match = matches[int(rng.integers(len(matches)))]
    new = str(rng.choice([word for word in WORDS[kind] if word not in there]))
    return _with_article(text[: match.start()], new, text[match.end() :]), kind


def _with_article(before: str, word: str, after: str) -> str:
    fitting = "an " if word[0] in "aeiou" else "a "
    return re.sub(r"(?<!\w)an? $", fitting, before) + word + after
