"""Contact sheets: the drawn world, and what the miniatures make of it, as people judge them."""

from __future__ import annotations

import colorsys
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from creative_lab.illustrator.backdrop import SETTINGS, TIMES, Surroundings
from creative_lab.illustrator.expression import EXPRESSIONS
from creative_lab.illustrator.figure import Person
from creative_lab.illustrator.garments import CATEGORIES, PATTERNS, Garment
from creative_lab.illustrator.identity import Identity
from creative_lab.illustrator.look import Look, draw_look
from creative_lab.illustrator.quality import FAULTS, Fault, spoil
from creative_lab.illustrator.sample import COLOURS, sample_look, sample_scene
from creative_lab.illustrator.scene import SHOTS, Scene, draw_scene

INK, PAPER, GAP = (52, 52, 60), (250, 249, 246), 6
HELD_OUT = 50_500_000
"""Sheets show pictures that were neither trained nor measured on."""


def grid(tiles: Sequence[np.ndarray], columns: int, labels: Sequence[str] | None = None) -> np.ndarray:
    """Tiles of one size in rows on paper, each with its label below it."""
    from PIL import Image, ImageDraw, ImageFont

    height, width = tiles[0].shape[:2]
    below = 18 if labels else 0
    rows = -(-len(tiles) // columns)
    sheet = Image.new("RGB", (columns * (width + GAP) + GAP, rows * (height + below + GAP) + GAP), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for index, tile in enumerate(tiles):
        x, y = GAP + index % columns * (width + GAP), GAP + index // columns * (height + below + GAP)
        sheet.paste(Image.fromarray(tile), (x, y))
        if labels:
            draw.text((x + 2, y + height + 2), labels[index], fill=INK, font=font)
    return np.asarray(sheet)


def png(pixels: np.ndarray, *, limit: int = 300_000) -> bytes:
    """A PNG of at most ``limit`` bytes: in full colour when it fits, else with as many colours as fit."""
    from PIL import Image

    picture = Image.fromarray(pixels)
    for colours in (0, 256, 128, 64):
        stream = io.BytesIO()
        (picture.quantize(colours, dither=Image.Dither.NONE) if colours else picture).save(stream, "PNG", optimize=True)
        if stream.tell() <= limit:
            break
    return stream.getvalue()


_PLAIN = (
    Garment("jumper", "fitted", "mustard"),
    Garment("jeans", "straight", "navy"),
    Garment("shoes", "flat", "black"),
)


def people() -> np.ndarray:
    """Thirty people as their faces tell them apart."""
    return grid([_portrait(Identity.from_seed(seed)) for seed in range(30)], 10)


def _portrait(identity: Identity, size: int = 96, **changes: Any) -> np.ndarray:
    person = Person(identity, (replace_colour(_PLAIN[0], identity.skin),), **changes)
    return draw_scene(Scene((person,), Surroundings("office"), shot="close-up", seed=6), size, size).pixels


def replace_colour(garment: Garment, number: int) -> Garment:
    """The garment in another of the world's colours."""
    return Garment(garment.category, garment.cut, COLOURS[number * 5 % len(COLOURS)], garment.pattern)


def expressions() -> np.ndarray:
    """Three people with every expression."""
    tiles = [_portrait(Identity.from_seed(seed), 104, expression=name) for seed in (11, 4, 23) for name in EXPRESSIONS]
    return grid(tiles, len(EXPRESSIONS), [*EXPRESSIONS] * 3)


def garments() -> np.ndarray:
    """Every category, in cuts, colours and patterns."""
    tiles, labels = [], []
    for number, (category, (layer, cuts)) in enumerate(CATEGORIES.items()):
        garment = Garment(category, cuts[number % 3], COLOURS[number * 7 % 24],
                          PATTERNS[number % 6] if layer not in {"shoes", "accessory"} else "plain")  # fmt: skip
        under = tuple(g for g in _PLAIN if g.layer != layer and not (layer == "dress" and g.layer in {"top", "bottom"}))
        person = Person(Identity.from_seed(60 + number), (*under, garment))
        whole = draw_look(Look((person, person, person)), 384, 216).pixels
        tiles.append(whole[:, 192 - 56 : 192 + 56])
        labels.append(f"{garment.cut} {category}")
    return grid(tiles, 8, labels)


def settings() -> np.ndarray:
    """Every setting, through the times of the day."""
    tiles, labels = [], []
    for number, setting in enumerate(SETTINGS):
        time = TIMES[number % len(TIMES)]
        person = Person(Identity.from_seed(80 + number), _PLAIN, "walking")
        scene = Scene((person,), Surroundings(setting, time), shot="wide shot", seed=number)
        tiles.append(draw_scene(scene, 208, 117).pixels)
        labels.append(f"{setting}, {time}")
    return grid(tiles, 5, labels)


def scenes(*, style: str = "colour") -> np.ndarray:
    """Scenes of every shot size, as they come."""
    shots = list(SHOTS)
    tiles = [
        draw_scene(sample_scene(HELD_OUT + number, shot=shots[number % 7]), 176, 99, style=style).pixels
        for number in range(28)
    ]
    return grid(tiles, 7, [shots[number % 7] for number in range(28)])


def looks() -> np.ndarray:
    """Fashion looks."""
    return grid([draw_look(sample_look(HELD_OUT + number), 420, 180).pixels for number in range(8)], 2)


def faults() -> np.ndarray:
    """What makes pictures worse, from a little to a lot."""
    tiles, labels = [], []
    for number, name in enumerate(FAULTS):
        pixels = draw_scene(sample_scene(HELD_OUT + number, shot="medium shot"), 96, 96).pixels
        for strength in (0.1, 0.4, 0.8):
            tiles.append(spoil(pixels, (Fault(name, strength),), np.random.default_rng(number)))
            labels.append(f"{name} {strength:.1f}")
    return grid(tiles, 12, labels)


WORLD: dict[str, Callable[[], np.ndarray]] = {
    "people": people, "expressions": expressions, "garments": garments, "settings": settings, "scenes": scenes,
    "line-art": lambda: scenes(style="line art"), "looks": looks, "faults": faults,
}  # fmt: skip
"""Sheets of the world by the name of their file."""


def class_colours(count: int) -> np.ndarray:
    """A colour for every class; the background is white."""
    wheel = [colorsys.hsv_to_rgb(i * 0.381 % 1, 0.72, 0.60 + 0.35 * (i % 2)) for i in range(1, count)]
    return np.array([(255, 255, 255), *(tuple(round(255 * part) for part in colour) for colour in wheel)], np.uint8)


def masks(folder: Path) -> np.ndarray:
    """Looks, the model's masks over them, and the true masks."""
    from creative_lab.miniatures.garments import LABELS, label_map, load_segmenter

    segment, colours = load_segmenter(folder), class_colours(len(LABELS))
    tiles = []
    for number in range(4):
        picture = draw_look(sample_look(HELD_OUT + number), 352, 198)
        found, truth = segment(picture.pixels), label_map(picture)
        grey = picture.pixels.mean(axis=2, keepdims=True)
        shown = [(0.25 * grey + 0.75 * colours[labels]).astype(np.uint8) for labels in (found, truth)]
        tiles += [picture.pixels, *shown]
    return grid(tiles, 3, ["look", "found", "true"] * 4)


def faces(folder: Path) -> np.ndarray:
    """Boxes and points, and below them a person's pictures with their similarity to the first."""
    from PIL import Image, ImageDraw

    from creative_lab.miniatures.face_detector import DETECTION_SIZE
    from creative_lab.miniatures.face_measures import load_faces
    from creative_lab.miniatures.face_recogniser import portrait

    app = load_faces(folder, DETECTION_SIZE)
    tiles, labels = [], []
    for number in range(12):
        picture = draw_scene(sample_scene(HELD_OUT + 40 + number), 160, 160)
        image = Image.fromarray(picture.pixels)
        draw = ImageDraw.Draw(image)
        found = app.get(np.ascontiguousarray(picture.pixels[..., ::-1]))
        for face in found:
            draw.rectangle([float(v) for v in face.bbox], outline=(255, 60, 60), width=2)
            for x, y in face.kps:
                draw.ellipse([float(x) - 2, float(y) - 2, float(x) + 2, float(y) + 2], fill=(60, 255, 120))
        tiles.append(np.asarray(image))
        labels.append(", ".join(f"{face.det_score:.2f}" for face in found) or "nothing found")
    for number in range(3):
        reference = None
        for view in range(6):
            person = HELD_OUT + number + (10 if view == 5 else 0)
            picture = portrait(Identity.from_seed(person), 4 * person + 700 + view)
            found = app.get(np.ascontiguousarray(picture.pixels[..., ::-1]), max_num=1)
            vector = found[0].normed_embedding if found else None
            reference = vector if reference is None else reference
            tiles.append(np.asarray(Image.fromarray(picture.pixels).resize((160, 160), Image.Resampling.LANCZOS)))
            alike = (
                f"cosine {float(reference @ vector):.2f}"
                if vector is not None and reference is not None
                else "not found"
            )
            labels.append("reference" if view == 0 else ("somebody else, " if view == 5 else "same, ") + alike)
    return grid(tiles, 6, labels)


def retrieval(folder: Path) -> np.ndarray:
    """Six captions and the three nearest of a hundred pictures, the nearest first; the right one has a dot."""
    from PIL import Image, ImageDraw, ImageFont

    from creative_lab.illustrator.captions import captions
    from creative_lab.miniatures.captioned import picture_of
    from creative_lab.miniatures.clip import LoadedClip

    clip = LoadedClip(folder)
    numbers = range(HELD_OUT, HELD_OUT + 100)
    drawn = [sample_scene(number) for number in numbers]
    pictures = [picture_of(scene, number) for scene, number in zip(drawn, numbers, strict=True)]
    texts = [captions(scene, count=1, seed=1)[0] for scene in drawn[:6]]
    alike = clip.texts(texts) @ clip.images(pictures).T
    sheet = Image.new("RGB", (1000, 6 * 124 + GAP), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for row, text in enumerate(texts):
        for line, part in enumerate(_wrapped(text, 62)):
            draw.text((10, 14 + row * 124 + line * 17), part, fill=INK, font=font)
        for place, index in enumerate(np.argsort(-alike[row])[:3]):
            x, y = 470 + place * 176, GAP + row * 124
            tile = Image.fromarray(pictures[int(index)])
            tile.thumbnail((168, 118))
            sheet.paste(tile, (x, y))
            if index == row:
                draw.ellipse([x + 5, y + 5, x + 19, y + 19], fill=(52, 200, 120), outline=(255, 255, 255), width=2)
    return np.asarray(sheet)


def _wrapped(text: str, width: int) -> Iterable[str]:
    import textwrap

    return textwrap.wrap(text, width)[:6]


def _of_the_chain(name: str) -> Callable[[Path], np.ndarray]:
    """A sheet of ``picture_sheets``, which builds on this module."""

    def show(folder: Path) -> np.ndarray:
        from creative_lab.miniatures import picture_sheets

        pixels: np.ndarray = getattr(picture_sheets, name)(folder)
        return pixels

    return show


MODELS: dict[str, tuple[str, Callable[[Path], np.ndarray]]] = {
    "masks": ("garments", masks), "faces": ("faces", faces), "retrieval": ("clip", retrieval),
    "prompts": ("miniature-xl", _of_the_chain("prompts")), "wide": ("miniature-xl", _of_the_chain("wide")),
    "against-truth": ("miniature-xl", _of_the_chain("against_truth")),
    "reconstruction": ("miniature-xl", _of_the_chain("reconstruction")),
    "pose": ("miniature-pose", _of_the_chain("pose")),
    "reference": ("miniature-reference", _of_the_chain("reference")),
}  # fmt: skip
"""Sheets of the models: file name → (model folder, function)."""
