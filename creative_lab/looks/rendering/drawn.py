"""Looks drawn by the illustrator from their manifest, lit as in a studio, with the truth about every garment.

The models are laid on a white sweep whose light falls off softly, with a contact shadow below their shoes and a wide
soft one around it, and with a little grain. What lies where is known exactly and is kept beside the picture.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from creative_lab.illustrator.figure import Person
from creative_lab.illustrator.garments import CATEGORIES, Garment
from creative_lab.illustrator.identity import Identity
from creative_lab.illustrator.look import Look, draw_look, draw_models

PROVIDER = "embedded/illustrator"
"""Model named in the rows of pictures that the illustrator drew."""

BODY, HAT, INK = 1, 2, 255
"""Values of a truth picture besides garments: skin and hair, hat, and lines that belong to no single garment."""
FIRST_GARMENT = 10
"""Value of the first garment of the truth's list."""

_TRUTH_KEY = "creative_lab_truth"
_COARSE = 4
_SEEN = 25
"""Coverage, of 255, from which a pixel at an outline counts as the model's: a tenth."""
_SKIRTED = {"skirt", "dress", "robe", "coat", "trench coat"}


@dataclass(frozen=True)
class Light:
    """How a drawn look is lit; every number may be 0."""

    contact: float = 0.42
    """Darkening right below the shoes, 0–1."""
    cast: float = 0.13
    """Darkening of the wide soft shadow on the floor, 0–1."""
    falloff: float = 9.0
    """Levels by which the sweep is darker on the floor and in the corners."""
    grain: float = 0.6
    """Standard deviation of the film's grain in levels."""


@dataclass(frozen=True)
class TrueGarment:
    """One garment that the world drew; ``value`` marks its pixels in the truth picture."""

    value: int
    model_index: int
    garment_class: str
    garment_id: str


@dataclass(frozen=True)
class Truth:
    """What is where in a drawn look."""

    labels: np.ndarray
    """uint8 (height, width): 0 backdrop, BODY, HAT, INK, or a garment's value."""
    garments: tuple[TrueGarment, ...] = field(default=())

    @property
    def people(self) -> np.ndarray:
        """Where anybody is, as bool (height, width)."""
        return self.labels > 0

    def mask(self, garment: TrueGarment) -> np.ndarray:
        """Where a garment is visible, as bool (height, width)."""
        return self.labels == garment.value

    def classes(self) -> np.ndarray:
        """Index + 1 into ``sorted(CATEGORIES)`` per pixel, 0 elsewhere; uint8 (height, width)."""
        order = {name: number + 1 for number, name in enumerate(sorted(CATEGORIES))}
        table = np.zeros(256, np.uint8)
        for item in self.garments:
            table[item.value] = order[item.garment_class]
        return table[self.labels]

    def png(self) -> bytes:
        """The truth as a greyscale PNG that carries the list of garments as a text."""
        from PIL import Image
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_itxt(_TRUTH_KEY, json.dumps([vars(item) for item in self.garments]))
        out = io.BytesIO()
        Image.fromarray(self.labels).save(out, "PNG", pnginfo=info)
        return out.getvalue()

    @classmethod
    def from_png(cls, data: bytes) -> Truth:
        """Read what :meth:`png` wrote; ValueError for another file."""
        from PIL import Image

        try:
            image = Image.open(io.BytesIO(data), formats=("PNG",))
            listed = json.loads(image.text[_TRUTH_KEY])  # type: ignore[attr-defined]
            return cls(np.asarray(image.convert("L")), tuple(TrueGarment(**item) for item in listed))
        except (KeyError, TypeError, OSError, SyntaxError) as error:
            raise ValueError(f"not a truth picture: {type(error).__name__}: {error}") from error


@dataclass(frozen=True)
class DrawnLook:
    """A drawn and lit look, uint8 RGB (height, width, 3), with its truth."""

    pixels: np.ndarray
    truth: Truth


def look_of(outfits: Sequence[Mapping[str, Any]], seed: int) -> tuple[Look, tuple[tuple[str, ...], ...]]:
    """The world's description of three outfits of a manifest, and the garment ids of each model in its order.

    The same outfits and seed give the same people. Raises ValueError that names the outfit and garment which the world
    cannot draw.
    """
    if len(outfits) != 3:
        raise ValueError(f"a look has three outfits, not {len(outfits)}")
    rng = np.random.default_rng([6_101, seed])
    models, ids = [], []
    for number, outfit in enumerate(sorted(outfits, key=lambda item: int(item["model_index"]))):
        pieces = [outfit["hero"], *outfit["slots"]]
        garments, keys = [], []
        for piece in pieces:
            try:
                garments.append(
                    Garment(piece["category"], piece["cut"], piece["colour"], piece.get("pattern", "plain"))
                )
            except (KeyError, ValueError) as error:
                raise ValueError(f"outfit {number}: garment {piece.get('garment_id')!r}: {error}") from error
            keys.append(str(piece["garment_id"]))
        models.append(_model(number, tuple(garments), rng))
        ids.append(tuple(keys))
    return Look((models[0], models[1], models[2]), seed=seed % 2**31), tuple(ids)


def _model(number: int, garments: tuple[Garment, ...], rng: np.random.Generator) -> Person:
    person = Identity.from_seed(int(rng.integers(1_000_000)))
    if person.hair_style == "bald":
        person = person.variant(hair_style="cropped")  # a bald head's highlight is drawn beyond its outline
    # Only the one in the middle may stride: the others would leave the frame or meet.
    walks = number == 1 and rng.random() < 0.4 and not any(garment.category in _SKIRTED for garment in garments)
    turn = float(rng.choice([-0.28, 0.0, 0.28]))
    return Person(
        identity=person,
        garments=garments,
        action="walking" if walks else "standing",
        expression=str(rng.choice(["neutral", "thoughtful", "happy"], p=[0.6, 0.25, 0.15])),
        yaw=None if walks else turn,
        mirrored=bool(rng.random() < 0.5),
    )


def draw(
    outfits: Sequence[Mapping[str, Any]], seed: int, *, width: int = 1280, height: int = 720, light: Light | None = None
) -> DrawnLook:
    """Draw the outfits of a manifest; the same arguments give the same bytes."""
    look, ids = look_of(outfits, seed)
    return draw_described(look, ids, width, height, light or Light())


def draw_described(look: Look, ids: Sequence[Sequence[str]], width: int, height: int, light: Light) -> DrawnLook:
    """Draw a described look; ``ids`` are the garment ids of each model, in the order of its garments."""
    drawn = draw_look(look, width, height)
    cut_out = draw_models(look, width, height)
    labels = np.where(cut_out[..., 3] > _SEEN, np.uint8(INK), np.uint8(0))
    labels[drawn.body_mask] = BODY
    labels[drawn.hat_mask] = HAT
    listed = []
    # The world draws a person's garments layer by layer; equal pieces are told apart by their order.
    left = [[*zip(person.garments, own, strict=True)] for person, own in zip(look.models, ids, strict=True)]
    for number, item in enumerate(drawn.garments):
        own = left[item.model_index]
        at = next(i for i, (garment, _) in enumerate(own) if garment == item.garment)
        value = FIRST_GARMENT + number
        labels[item.mask] = value
        listed.append(TrueGarment(value, item.model_index, item.garment.category, own.pop(at)[1]))
    truth = Truth(labels, tuple(listed))
    return DrawnLook(_composed(cut_out, light, look.seed), truth)


def _composed(cut_out: np.ndarray, light: Light, seed: int) -> np.ndarray:
    """Models on the sweep, with shadows and grain; uint8 (height, width, 3)."""
    height, width = cut_out.shape[:2]
    alpha = cut_out[..., 3].astype(np.float32) / 255
    floor = sweep(width, height, light) * (1 - shadow(alpha, light))[..., None]
    picture = cut_out[..., :3].astype(np.float32) + floor * (1 - alpha)[..., None]
    if light.grain > 0:
        rng = np.random.default_rng([6_113, seed])
        grain = rng.standard_normal((height, width, 1), dtype=np.float32) * light.grain
        picture += grain
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def sweep(width: int, height: int, light: Light) -> np.ndarray:
    """A white seamless backdrop, float32 (height, width, 3): brightest behind the models, softer on the floor."""
    y = (np.arange(height, dtype=np.float32) + 0.5)[:, None] / height
    x = ((np.arange(width, dtype=np.float32) + 0.5)[None, :] - width / 2) / height
    bend = np.clip((y - 0.62) / 0.38, 0, 1)
    bend = bend * bend * (3 - 2 * bend)
    corners = np.clip((x * x * 0.45 + (y - 0.42) ** 2) / 0.9, 0, 1)
    level = 251 - light.falloff * (0.55 * bend + 0.75 * corners)
    return np.stack([level, level, level + 0.12 * light.falloff * (0.5 * bend + 0.3 * corners)], -1)


def shadow(alpha: np.ndarray, light: Light) -> np.ndarray:
    """Darkening of the floor, float32 (height, width) 0–1, from the models' coverage: contact and wide soft shadow."""
    import cv2

    # Shadows are soft: a quarter of the size holds all that there is to see of them.
    height, width = (-(-side // _COARSE) for side in alpha.shape)
    small = cv2.resize(alpha, (width, height), interpolation=cv2.INTER_AREA)
    ground = 0.945 * height
    dark = np.zeros_like(small)
    rows = np.arange(height, dtype=np.float32)[:, None]
    for share, flat, blur, strength in ((0.035, 0.25, 0.009, light.contact), (1.0, 0.045, 0.022, light.cast)):
        # The standing figure, pressed flat onto the floor around its ground line.
        standing = np.where(rows > ground - share * height, small, 0)
        squash = np.array([[1, 0, 0], [0, flat, ground * (1 - flat) + 0.006 * height]], np.float32)
        flattened = cv2.warpAffine(standing, squash, (width, height), flags=cv2.INTER_AREA)
        soft = cv2.GaussianBlur(flattened, (0, 0), sigmaX=blur * height * 1.6, sigmaY=blur * height * 0.6)
        peak = float(soft.max())
        if peak > 0:
            dark = 1 - (1 - dark) * (1 - strength * np.minimum(1.0, soft / peak * 1.15))
    return cv2.resize(dark.astype(np.float32), alpha.shape[::-1], interpolation=cv2.INTER_CUBIC)
