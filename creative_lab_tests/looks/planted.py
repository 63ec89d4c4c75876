"""Looks with known truth that are hard to cut out, and failures planted into pictures and masks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from creative_lab.illustrator.garments import Garment
from creative_lab.illustrator.look import Look
from creative_lab.illustrator.sample import sample_look
from creative_lab.looks.rendering.drawn import DrawnLook, Light, draw_described

CASES = ("plain", "white clothes", "light hair", "deep shadows", "grain")


def planted_look(case: str, seed: int, *, width: int = 1280, height: int = 720) -> DrawnLook:
    """Look number ``seed`` with the difficulty that ``case`` names."""
    look = _cast(sample_look(seed))
    light = Light()
    if case == "white clothes":
        look = _changed(look, lambda garment: replace(garment, colour="white", pattern="plain"))
    elif case == "light hair":
        models = tuple(
            replace(person, identity=person.identity.variant(hair_colour="white", skin=0)) for person in look.models
        )
        look = replace(look, models=models)
    elif case == "deep shadows":
        light = Light(contact=0.5, cast=0.24, falloff=22)
    elif case == "grain":
        light = Light(grain=2.4)
    ids = [[str(number) for number in range(len(person.garments))] for person in look.models]
    return draw_described(look, ids, width, height, light)


def _cast(look: Look) -> Look:
    """Nobody bald (their highlight lies beside their heads, which no mask can be held to)."""
    models = [
        replace(
            person,
            identity=person.identity.variant(hair_style="cropped")
            if person.identity.hair_style == "bald"
            else person.identity,
        )
        for person in look.models
    ]
    return replace(look, models=tuple(models))


def _changed(look: Look, change: Callable[[Garment], Garment]) -> Look:
    models = tuple(replace(person, garments=tuple(map(change, person.garments))) for person in look.models)
    return replace(look, models=models)


def iou(found: np.ndarray, truth: np.ndarray) -> float:
    """Intersection over union of two bool masks; 1 when both are empty."""
    union = int((found | truth).sum())
    return float((found & truth).sum() / union) if union else 1.0


@dataclass(frozen=True)
class Plant:
    """One planted failure: how it spoils a correct mask (bool, height × width) of a picture."""

    name: str
    spoil: Callable[[DrawnLook, np.ndarray, np.random.Generator], np.ndarray]
