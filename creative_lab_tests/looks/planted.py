"""Looks with known truth that are hard to cut out, and failures planted into pictures and masks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from creative_lab.illustrator.figure import Person
from creative_lab.illustrator.look import Look
from creative_lab.illustrator.sample import sample_look
from creative_lab.looks.rendering.drawn import DrawnLook, Light, draw_described

CASES = ("plain", "white clothes", "light hair", "deep shadows", "grain")


def planted_look(case: str, seed: int, *, width: int = 1280, height: int = 720) -> DrawnLook:
    """Look number ``seed`` with the difficulty that ``case`` names."""
    look = _cast(sample_look(seed))
    light = Light()
    if case == "white clothes":
        look = _each(
            look,
            lambda one: replace(
                one, garments=tuple(replace(garment, colour="white", pattern="plain") for garment in one.garments)
            ),
        )
    elif case == "light hair":
        look = _each(look, lambda one: replace(one, identity=one.identity.variant(hair_colour="white", skin=0)))
    elif case == "deep shadows":
        light = Light(contact=0.5, cast=0.24, falloff=22)
    elif case == "grain":
        light = Light(grain=2.4)
    ids = [[str(number) for number in range(len(person.garments))] for person in look.models]
    return draw_described(look, ids, width, height, light)


def _cast(look: Look) -> Look:
    """Nobody bald: their highlight lies beside their heads, which no mask can be held to."""
    hair = {"bald": "cropped"}
    return _each(
        look,
        lambda one: replace(
            one, identity=one.identity.variant(hair_style=hair.get(one.identity.hair_style, one.identity.hair_style))
        ),
    )


def _each(look: Look, change: Callable[[Person], Person]) -> Look:
    left, middle, right = map(change, look.models)
    return replace(look, models=(left, middle, right))


Spoil = Callable[[DrawnLook, np.ndarray, np.random.Generator], np.ndarray]
"""Makes a wrong mask (bool, height × width) of a right one."""


def _person(mask: np.ndarray, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of one of the people, chosen at random."""
    from scipy.ndimage import find_objects, label

    labels, _ = label(mask)
    boxes = [box for box in find_objects(labels) if box[0].stop - box[0].start > 0.4 * mask.shape[0]]
    rows, columns = boxes[int(rng.integers(len(boxes)))]
    return columns.start, rows.start, columns.stop, rows.stop


def _shadow_merged(drawn: DrawnLook, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    left, _top, right, bottom = _person(mask, rng)
    y, x = np.ogrid[: mask.shape[0], : mask.shape[1]]
    wide, flat = (right - left) * float(rng.uniform(0.5, 0.7)), mask.shape[0] * float(rng.uniform(0.016, 0.03))
    return mask | (((x - (left + right) / 2) / wide) ** 2 + ((y - bottom) / flat) ** 2 < 1)


def _garment_eaten(drawn: DrawnLook, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    large = [item for item in drawn.truth.garments if drawn.truth.mask(item).sum() > 0.004 * mask.size]
    return mask & ~drawn.truth.mask(large[int(rng.integers(len(large)))])


def _feet_cut_off(drawn: DrawnLook, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    left, top, right, bottom = _person(mask, rng)
    mask[round(bottom - (bottom - top) * float(rng.uniform(0.05, 0.12))) : bottom, left:right] = False
    return mask


def _head_lost(drawn: DrawnLook, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    left, top, right, bottom = _person(mask, rng)
    mask[top : round(top + (bottom - top) * float(rng.uniform(0.08, 0.2))), left:right] = False
    return mask


def _people_merged(drawn: DrawnLook, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    middle = int(mask.shape[0] * float(rng.uniform(0.4, 0.6)))
    tall = int(mask.shape[0] * float(rng.uniform(0.08, 0.2)))
    columns = np.flatnonzero(mask.any(0))
    mask[middle : middle + tall, columns[0] : int(columns.mean())] = True
    return mask


def _person_lost(drawn: DrawnLook, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    left, _top, right, _bottom = _person(mask, rng)
    mask[:, left:right] = False
    return mask


def _backdrop_kept(drawn: DrawnLook, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    from scipy.ndimage import binary_dilation

    return binary_dilation(mask, iterations=int(rng.integers(8, 20)))


def _eroded(drawn: DrawnLook, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    from scipy.ndimage import binary_erosion

    return binary_erosion(mask, iterations=int(rng.integers(7, 12)))


FAILURES: dict[str, Spoil] = {
    "shadow merged": _shadow_merged,
    "garment eaten": _garment_eaten,
    "feet cut off": _feet_cut_off,
    "head lost": _head_lost,
    "people merged": _people_merged,
    "person lost": _person_lost,
    "backdrop kept": _backdrop_kept,
    "eroded": _eroded,
    "nothing": lambda drawn, mask, rng: np.zeros_like(mask),
    "everything": lambda drawn, mask, rng: np.ones_like(mask),
}
"""Ways in which masks go wrong, by name."""
