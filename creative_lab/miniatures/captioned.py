"""Pictures with captions and named attributes: what the CLIP miniature learns from."""

from __future__ import annotations

import numpy as np

from creative_lab.illustrator.backdrop import SETTINGS, TIMES, WEATHERS
from creative_lab.illustrator.captions import captions
from creative_lab.illustrator.expression import EXPRESSIONS
from creative_lab.illustrator.face import HATS
from creative_lab.illustrator.garments import CATEGORIES, PATTERNS
from creative_lab.illustrator.identity import BEARDS, HAIR_COLOURS, HAIR_STYLES
from creative_lab.illustrator.palette import CLOTH
from creative_lab.illustrator.pose import ACTIONS
from creative_lab.illustrator.props import PROPS
from creative_lab.illustrator.quality import sample_faults, spoil
from creative_lab.illustrator.sample import sample_scene
from creative_lab.illustrator.scene import ANGLES, SHOTS, Scene, draw_scene

SIDE = 96
"""Side of the square that pictures of any format are squashed into."""

CAPTIONS = 4
_CAPTION_BYTES = 640
_SPOILT = 0.3

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "setting": tuple(SETTINGS), "time": TIMES, "weather": WEATHERS, "shot": tuple(SHOTS), "angle": ANGLES,
    "people": ("1", "2", "3"), "action": tuple(ACTIONS), "expression": tuple(EXPRESSIONS), "hat": HATS,
    "hat colour": tuple(CLOTH), "garment": tuple(CATEGORIES), "garment colour": tuple(CLOTH), "pattern": PATTERNS,
    "hair": HAIR_STYLES, "hair colour": HAIR_COLOURS, "beard": BEARDS,
}  # fmt: skip
"""What a caption names, and its values; a value that a picture doesn't show is -100 in the truth."""

PROP_NAMES = tuple(PROPS)


def attribute_numbers(scene: Scene) -> np.ndarray:
    """The number of every attribute's value as int64, -100 where the caption doesn't say it."""
    from creative_lab.illustrator.captions import visible_garments

    lead, where = scene.people[0], scene.surroundings
    close = scene.shot in {"close-up", "extreme close-up"}
    phrases = visible_garments(lead, scene.shot)
    shown = next((g for g in lead.garments if phrases and g.phrase == phrases[0]), None)
    values: dict[str, str | None] = {
        "setting": where.setting, "time": where.time, "weather": None if where.indoors else where.weather,
        "shot": scene.shot, "angle": scene.angle, "people": str(len(scene.people)),
        "action": None if close else lead.action, "expression": lead.expression, "hat": lead.hat,
        "hat colour": lead.hat_colour if lead.hat != "none" else None,
        "garment": shown.category if shown else None, "garment colour": shown.colour if shown else None,
        "pattern": shown.pattern if shown else None, "hair": lead.identity.hair_style,
        "hair colour": lead.identity.hair_colour if lead.identity.hair_style != "bald" else None,
        "beard": lead.identity.beard,
    }  # fmt: skip
    return np.array(
        [-100 if values[name] is None else options.index(values[name]) for name, options in ATTRIBUTES.items()],
        np.int64,
    )


def squashed(pixels: np.ndarray) -> np.ndarray:
    """A picture of any format as a square of ``SIDE`` pixels, as the model's processor makes it."""
    import cv2

    square: np.ndarray = cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return square


def picture_of(scene: Scene, seed: int) -> np.ndarray:
    """``scene`` in a random format."""
    aspect = float(np.random.default_rng([43, seed]).choice([1.0, 4 / 3, 16 / 9, 3 / 4]))
    width = round(112 * aspect**0.5)
    return draw_scene(scene, width, round(width / aspect)).pixels


def packed(texts: list[str]) -> np.ndarray:
    """Texts as rows of bytes, padded with zeros."""
    rows = np.zeros((len(texts), _CAPTION_BYTES), np.uint8)
    for row, text in zip(rows, texts, strict=True):
        data = text.encode()[:_CAPTION_BYTES]
        row[: len(data)] = np.frombuffer(data, np.uint8)
    return rows


def unpacked(rows: np.ndarray) -> list[str]:
    """The texts that were stored as rows of bytes."""
    return [bytes(row).rstrip(b"\0").decode(errors="ignore") for row in rows]


def draw_captioned(first: int, count: int) -> dict[str, np.ndarray]:
    """Scenes with four captions each; some are spoilt by a known amount (their level is below 1)."""
    pixels = np.empty((count, SIDE, SIDE, 3), np.uint8)
    level = np.ones(count, np.float32)
    texts, numbers = [], []
    props = np.zeros((count, len(PROP_NAMES)), np.uint8)
    for row, seed in enumerate(range(first, first + count)):
        rng = np.random.default_rng([47, seed])
        scene = sample_scene(seed)
        picture = picture_of(scene, seed)
        if rng.random() < _SPOILT:
            level[row] = rng.random()
            picture = spoil(picture, sample_faults(float(level[row]), rng), rng)
        pixels[row] = squashed(picture)
        texts.append(packed(captions(scene, count=CAPTIONS)))
        numbers.append(attribute_numbers(scene))
        for prop in scene.props:
            props[row, PROP_NAMES.index(prop.name)] = 1
    return {"pixels": pixels, "level": level, "captions": np.stack(texts), "numbers": np.stack(numbers), "props": props}
