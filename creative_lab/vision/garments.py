"""From labels to garments: a mask, a box, an area and a cut-out for each garment of each model in a look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

NOT_GARMENTS = frozenset(
    {"background", "person", "skin", "hair", "face", "left-leg", "right-leg", "left-arm", "right-arm", "left-hand",
     "right-hand", "left-foot", "right-foot", "torso-skin"}
)  # fmt: skip
"""Classes (lower case) that are not worn."""

LEAST_SHARE = 0.0004
"""Pieces below this share of the picture are specks, not garments."""


@dataclass(frozen=True)
class GarmentMask:
    """One garment of one model."""

    category: str
    model_index: int
    """Which model wears it, from the left, starting at 0."""
    mask: np.ndarray
    """Booleans (height, width)."""
    box: tuple[int, int, int, int]
    """Left, top, right, bottom in pixels; right and bottom are exclusive."""
    area: int
    """Pixels of the mask."""


@dataclass(frozen=True)
class Columns:
    """How a picture was divided among the models that stand in it side by side."""

    edges: tuple[int, ...]
    """Left edge of each model's columns, and the picture's width at the end."""
    how: Literal["gaps", "equal parts"]
    """Cut at the gaps between the models, or, when they touch, into equal parts of what they cover."""


def divide(figures: np.ndarray, people: int) -> Columns:
    """Divide a picture among ``people`` side by side. ``figures`` marks the pixels that show anybody."""
    width = figures.shape[1]
    if people <= 1:
        return Columns((0, width), "gaps")
    used = figures.sum(axis=0) > 0.004 * figures.shape[0]
    covered = np.flatnonzero(used)
    if covered.size == 0:
        return Columns((*(round(width * part / people) for part in range(people)), width), "equal parts")
    first, last = int(covered[0]), int(covered[-1])
    edges = np.flatnonzero(np.diff(np.concatenate([[1], used[first : last + 1], [1]]).astype(int)))
    gaps = [(int(start) + first, int(end) + first) for start, end in zip(edges[::2], edges[1::2], strict=True)]
    if len(gaps) < people - 1:
        step = (last + 1 - first) / people
        return Columns((0, *(round(first + step * part) for part in range(1, people)), width), "equal parts")
    widest = sorted(sorted(gaps, key=lambda gap: gap[0] - gap[1])[: people - 1])
    return Columns((0, *((start + end) // 2 for start, end in widest), width), "gaps")


def garment_masks(
    labels: np.ndarray, classes: Sequence[str], *, people: int = 1, least_share: float = LEAST_SHARE
) -> tuple[list[GarmentMask], Columns]:
    """The garments in ``labels`` (height, width), by model from the left, then from the top; and how models were told.

    All pixels of one class within the columns of one model are one garment (two shoes are a pair). An empty list is a
    result: there is none.
    """
    background = [number for number, name in enumerate(classes) if name.lower() == "background"]
    columns = divide(~np.isin(labels, background), people)
    found = []
    for index, (left, right) in enumerate(pairwise(columns.edges)):
        part = labels[:, left:right]
        for number in np.unique(part):
            name = classes[int(number)]
            if name.lower() in NOT_GARMENTS:
                continue
            mask = np.zeros(labels.shape, bool)
            mask[:, left:right] = part == number
            area = int(mask.sum())
            if area < least_share * labels.size:
                continue
            found.append(GarmentMask(name, index, mask, _box(mask), area))
    return sorted(found, key=lambda garment: (garment.model_index, garment.box[1], garment.category)), columns


def _box(mask: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def crop(picture: np.ndarray, garment: GarmentMask) -> np.ndarray:
    """The garment alone as RGBA uint8 of the size of its box, transparent outside its mask."""
    left, top, right, bottom = garment.box
    alpha = garment.mask[top:bottom, left:right].astype(np.uint8) * 255
    return np.dstack([picture[top:bottom, left:right], alpha])


def run_lengths(mask: np.ndarray) -> list[int]:
    """A mask as COCO's uncompressed run lengths: columns from left to right, each from top to bottom, zeros first."""
    flat = mask.astype(bool).ravel(order="F")
    changes = np.flatnonzero(np.diff(flat.astype(np.int8))) + 1
    runs = np.diff(np.concatenate([[0], changes, [flat.size]])).tolist()
    return [0, *runs] if flat.size and flat[0] else [int(run) for run in runs]


def from_run_lengths(counts: Sequence[int], height: int, width: int) -> np.ndarray:
    """The mask (height, width) of COCO's run lengths. Raises ValueError when they don't fill it exactly."""
    runs = np.asarray(counts, np.int64)
    if runs.sum() != height * width or (runs < 0).any():
        raise ValueError(f"the run lengths add up to {int(runs.sum())}, not to {height} × {width}")
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape((height, width), order="F")
