"""Fashion looks: three models on a white seamless backdrop, full length, with a mask for every garment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from creative_lab.illustrator.figure import FigureTruth, Person, draw_person
from creative_lab.illustrator.garments import Garment
from creative_lab.illustrator.painter import Painter, box, ellipse
from creative_lab.illustrator.palette import BACKDROP

_HAT_PART = 190
"""Number of the first model's hat in the index picture, above all garments' numbers."""
_BODY_PART = 200

MODEL_ACTIONS = ("standing", "walking", "waving", "pointing")


@dataclass(frozen=True)
class Look:
    """Three dressed models, from left to right."""

    models: tuple[Person, Person, Person]
    backdrop: bool = True
    seed: int = 0


@dataclass(frozen=True)
class GarmentTruth:
    """One garment in a picture of a look; the mask is bool (height, width) and shows what is visible."""

    model_index: int
    garment: Garment
    mask: np.ndarray

    @property
    def area(self) -> int:
        """Visible pixels."""
        return int(self.mask.sum())

    @property
    def box(self) -> tuple[int, int, int, int] | None:
        """Left, top, right, bottom of the visible part; ``None`` when nothing is visible."""
        rows, columns = np.flatnonzero(self.mask.any(1)), np.flatnonzero(self.mask.any(0))
        if not len(rows):
            return None
        return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


@dataclass(frozen=True)
class LookPicture:
    """A drawn look: uint8 pixels (height, width, 3), the people's truth, and every garment with its mask."""

    pixels: np.ndarray
    people: tuple[FigureTruth, ...]
    garments: tuple[GarmentTruth, ...]
    people_mask: np.ndarray
    hat_mask: np.ndarray
    """Where a hat is visible; hats belong to the head and are not among the garments."""
    body_mask: np.ndarray
    """Where skin or hair is visible."""


def draw_look(look: Look, width: int, height: int) -> LookPicture:
    """Draw ``look``; best at 16:9 or wider. The same look and size give the same bytes."""
    painter = Painter(width, height, masks=True)
    rng = np.random.default_rng([6_011, look.seed])
    if look.backdrop:
        with painter.moved(scale=height):
            painter.fill(box(-1, -1, 4, 2), BACKDROP, to=(240, 240, 242), axis=((0, 0.2), (0, 1.05)))
            painter.glow(width / height / 2, 0.45, 0.9, (255, 255, 255), 0.8)
    truths = []
    # One model's width of air between the models keeps garments apart for every segmenter.
    for index, person in enumerate(look.models):
        x = width / 2 + (index - 1) * height * 0.52 + float(rng.uniform(-0.012, 0.012)) * height
        with painter.moved(x=x, y=height * 0.945, scale=height * 0.86):
            painter.fill(ellipse(0.03, 0.012, 0.20, 0.024), (150, 150, 160), alpha=0.24, detail=True)
            truths.append(
                draw_person(
                    painter,
                    person,
                    first_part=1 + index * 60,
                    hat_part=_HAT_PART + index,
                    body_part=_BODY_PART,
                    shadow=False,
                )
            )
    garments = tuple(
        GarmentTruth(index, garment, painter.part_mask(part))
        for index, truth in enumerate(truths)
        for part, garment in truth.parts
    )
    hats = np.logical_or.reduce([painter.part_mask(_HAT_PART + index) for index in range(len(look.models))])
    people = _people_mask(look, width, height, rng_seed=look.seed)
    return LookPicture(painter.rgb(), tuple(truths), garments, people, hats, painter.part_mask(_BODY_PART))


def draw_models(look: Look, width: int, height: int) -> np.ndarray:
    """The models alone, cut out: uint8 (height, width, 4), colours premultiplied by alpha, without backdrop or shadows.

    They stand exactly where :func:`draw_look` puts them, so that they can be laid on another backdrop.
    """
    painter = Painter(width, height)
    painter.canvas.clear(0x00000000)
    rng = np.random.default_rng([6_011, look.seed])
    for index, person in enumerate(look.models):
        x = width / 2 + (index - 1) * height * 0.52 + float(rng.uniform(-0.012, 0.012)) * height
        with painter.moved(x=x, y=height * 0.945, scale=height * 0.86):
            draw_person(painter, person, shadow=False)
    return painter.pixels.copy()


def _people_mask(look: Look, width: int, height: int, *, rng_seed: int) -> np.ndarray:
    """Where any part of a person or a garment is: the same drawing without a backdrop on a key colour."""
    painter = Painter(width, height)
    painter.canvas.clear(0xFF00FF00)
    rng = np.random.default_rng([6_011, rng_seed])
    for index, person in enumerate(look.models):
        x = width / 2 + (index - 1) * height * 0.52 + float(rng.uniform(-0.012, 0.012)) * height
        with painter.moved(x=x, y=height * 0.945, scale=height * 0.86):
            draw_person(painter, person, shadow=False)
    key = (painter.pixels[..., 0] == 0) & (painter.pixels[..., 1] == 255) & (painter.pixels[..., 2] == 0)
    return ~key
