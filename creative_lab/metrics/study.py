"""Blind studies: which pictures a rater sees in which order, under names that say nothing about how they were made.

The protocol follows Otani et al. 2023 ("Toward Verifiable and Reproducible Human Evaluation for Text-to-Image
Generation"): absolute ratings with anchored words, every item rated by all, random order, repeats that show how well a
rater agrees with themselves, and attention checks that were declared beforehand.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["storyboard", "identity", "attention"]

RATING = ("1", "2", "3", "4", "5")
YES_NO = ("yes", "no", "cannot_tell")

ANCHORS = {
    "1": "a different story or broken pictures",
    "2": "hard to follow, clearly flawed",
    "3": "can be followed, flaws disturb",
    "4": "clear, small flaws",
    "5": "could be shown to a client",
}
"""What the numbers of the rating mean; the form shows them."""

REPEATS = 0.10
"""Share of the items that are shown a second time."""
ATTENTION = 0.05
"""Share of attention checks."""


@dataclass(frozen=True)
class Shown:
    """One storyboard of a study: where it comes from, and its pictures as names below the lake."""

    storyboard: str
    story: str
    method: str
    character: str
    reference: str
    """The character's reference picture."""
    frames: tuple[str, ...]


class Item(BaseModel):
    """What an opaque name stands for; never in a form."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    storyboard: str
    method: str
    frame: int | None = Field(default=None, description="0-based frame of an identity item")
    pictures: list[str] = Field(description="Names below the lake, in the order in which they are shown")
    expected: str | None = Field(default=None, description="The right answer of an attention check")

    @property
    def question(self) -> str:
        """What is asked about it."""
        return "rating" if self.kind == "storyboard" else "same_person"

    @property
    def answers(self) -> tuple[str, ...]:
        """What may be answered."""
        return RATING if self.kind == "storyboard" else YES_NO


class Definition(BaseModel):
    """A whole study: items by their opaque names, and the order of every form."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    items: dict[str, Item]
    forms: dict[str, list[str]]
    """Form → opaque names in the order in which they are shown; a name that comes twice is a repeat."""


def design(
    shown: Sequence[Shown], *, key: str, raters: int = 5, frames_per_storyboard: int = 3, seed: int = 0
) -> Definition:
    """The study over ``shown`` with one form per rater.

    Every form holds every storyboard once as a whole, up to ``frames_per_storyboard`` of its frames beside the
    character's reference, repeats and attention checks, in an order of its own; ratings and identity questions are
    mixed, and a repeat keeps at least five items' distance where the form is long enough. Raises ValueError for fewer
    than five raters' forms, no storyboards, or storyboards without frames.
    """
    if raters < 5:
        raise ValueError("a study needs at least five raters: fewer say too little")
    if not shown or any(not one.frames for one in shown):
        raise ValueError("a study needs storyboards with frames")
    items: dict[str, Item] = {}

    def add(item: Item, *parts: object) -> str:
        name = _opaque(key, seed, item.kind, *parts)
        items[name] = item
        return name

    rng = np.random.default_rng([seed, len(shown)])
    names = []
    for one in shown:
        common = {"storyboard": one.storyboard, "method": one.method}
        names.append(add(Item(kind="storyboard", pictures=[one.reference, *one.frames], **common), one.storyboard))
        count = min(frames_per_storyboard, len(one.frames))
        for frame in sorted(int(n) for n in rng.choice(len(one.frames), size=count, replace=False)):
            item = Item(kind="identity", frame=frame, pictures=[one.reference, one.frames[frame]], **common)
            names.append(add(item, one.storyboard, frame))
    checks = [add(item, number) for number, item in enumerate(_attention(shown, max(1, round(ATTENTION * len(names)))))]
    forms = {
        f"form-{number + 1:02d}": _order(names, checks, np.random.default_rng([seed, 1 + number]))
        for number in range(raters)
    }
    return Definition(items=items, forms=forms)


def _opaque(*parts: object) -> str:
    text = "\x1f".join(str(part) for part in parts)
    return "item-" + hashlib.sha256(text.encode()).hexdigest()[:12]


def _attention(shown: Sequence[Shown], count: int) -> list[Item]:
    """A reference beside itself (yes), or beside another character's reference (no), by turns."""
    references = {one.character: one.reference for one in shown}
    people = sorted(references)
    checks = []
    for number in range(count):
        mine = references[people[number % len(people)]]
        other = references[people[(number + 1) % len(people)]]
        same = number % 2 == 0 or mine == other
        pictures = [mine, mine if same else other]
        expected = "yes" if same else "no"
        checks.append(Item(kind="attention", storyboard="", method="", pictures=pictures, expected=expected))
    return checks


def _order(names: list[str], checks: list[str], rng: np.random.Generator) -> list[str]:
    order = [str(name) for name in rng.permutation([*names, *checks])]
    repeats = rng.choice(names, size=max(1, round(REPEATS * len(names))), replace=False)
    for name in repeats:
        first = order.index(str(name))
        lowest = min(first + 5, len(order))
        order.insert(int(rng.integers(lowest, len(order) + 1)), str(name))
    return order
