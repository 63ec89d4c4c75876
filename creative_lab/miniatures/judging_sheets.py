"""Contact sheets of the models that speak about pictures and grade them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from creative_lab.illustrator.quality import sample_faults, spoil
from creative_lab.illustrator.sample import sample_scene
from creative_lab.illustrator.scene import as_shown, draw_scene
from creative_lab.miniatures.sheets import GAP, HELD_OUT, INK, PAPER

_GOOD, _BAD = (46, 148, 108), (206, 92, 70)
_BINS = 24


def captioned(folder: Path) -> np.ndarray:
    """Pictures with both captions under them, and the chance that the model gives to a true and a false statement."""
    import textwrap

    from PIL import Image, ImageDraw, ImageFont

    from creative_lab.miniatures.chat_measures import LoadedChat, held_out
    from creative_lab.miniatures.questions import FULL_PROMPTS, SCENE_PROMPTS, caption, figure_question

    chat, drawn = LoadedChat(folder), held_out(16)[1:13]
    drawn = [entry for entry in drawn if entry[0].shape[0] == entry[0].shape[1]][:9]
    pictures = [pixels for pixels, _, _ in drawn]
    full = chat.answers(pictures, [FULL_PROMPTS[0]] * len(drawn))
    scene = chat.answers(pictures, [SCENE_PROMPTS[0]] * len(drawn))
    rng = np.random.default_rng(73)
    asked = [figure_question(seen, things, rng)[:2] for _, seen, things in drawn]
    chance = chat.yes(pictures, [text for text, _ in asked])
    wide, high = 330, 342
    sheet = Image.new("RGB", (3 * (wide + GAP) + GAP, -(-len(drawn) // 3) * (high + GAP) + GAP), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    for index, (pixels, seen, things) in enumerate(drawn):
        x, y = GAP + index % 3 * (wide + GAP), GAP + index // 3 * (high + GAP)
        sheet.paste(Image.fromarray(pixels).resize((150, 150), Image.Resampling.LANCZOS), (x, y))
        lines = ["In full: " + full[index], "Without looks: " + scene[index],
                 "Truth: " + caption(seen, things, looks=True)]  # fmt: skip
        place = y + 154
        for number, line in enumerate(lines):
            for part in textwrap.wrap(line, 56):
                draw.text((x, place), part, fill=INK if number < 2 else (140, 140, 148), font=font)
                place += 14
            place += 3
        statement = asked[index][0].split('"')[1]
        colour = _GOOD if (chance[index] > 0.5) == (asked[index][1] == "yes") else _BAD
        verdict = f"P(yes) {chance[index]:.2f}, true answer {asked[index][1]}: {statement}"
        for row, part in enumerate(textwrap.wrap(verdict, 27)[:10]):
            draw.text((x + 156, y + 2 + 14 * row), part, fill=colour, font=font)
    return np.asarray(sheet)


Group = tuple[str, np.ndarray, tuple[int, int, int]]


def _histogram(groups: list[Group], title: str, size: tuple[int, int]) -> np.ndarray:
    from PIL import Image, ImageDraw, ImageFont

    width, height = size
    sheet = Image.new("RGB", size, PAPER)
    draw, font = ImageDraw.Draw(sheet, "RGBA"), ImageFont.load_default(13)
    values = np.concatenate([part for _, part, _ in groups])
    edges = np.linspace(float(values.min()), float(values.max()), _BINS + 1)
    counts = [np.histogram(part, edges)[0] for _, part, _ in groups]
    most, bottom = max(int(count.max()) for count in counts), height - 34
    step = (width - 40) / _BINS
    for (_, _, colour), count in zip(groups, counts, strict=True):
        for index, number in enumerate(count):
            top = bottom - (bottom - 56) * number / most
            draw.rectangle([20 + index * step, top, 20 + (index + 1) * step - 1, bottom], fill=(*colour, 150))
    draw.line([20, bottom, width - 20, bottom], fill=INK)
    draw.text((20, 8), title, fill=INK, font=font)
    for number, (name, part, colour) in enumerate(groups):
        draw.text((20 + 210 * number, 28), f"{name}, mean {part.mean():.2f}", fill=colour, font=font)
    for value, x in ((edges[0], 20), (edges[-1], width - 60)):
        draw.text((x, bottom + 6), f"{value:.1f}", fill=INK, font=font)
    return np.asarray(sheet)


def _scenes(count: int) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Captions with the picture as drawn and spoilt to a level below 0.6."""
    from creative_lab.illustrator.captions import captions

    made = []
    for number in range(HELD_OUT + 200, HELD_OUT + 200 + count):
        scene, rng = sample_scene(number), np.random.default_rng(number)
        picture = draw_scene(scene, 128, 128)
        text, pixels = captions(as_shown(picture), count=1)[0], picture.pixels
        made.append((text, pixels, spoil(pixels, sample_faults(rng.uniform(0, 0.6), rng), rng)))
    return made


def _pictures(scenes: list[tuple[str, np.ndarray, np.ndarray]]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    return [clean for _, clean, _ in scenes], [spoilt for _, _, spoilt in scenes]


def preferred(folder: Path) -> np.ndarray:
    """Scores of pictures as described, of the same spoilt, and of other pictures, each for the first one's caption."""
    from creative_lab.miniatures.clip import LoadedClip

    scorer, scenes = LoadedClip(folder), _scenes(240)
    scale = float(scorer.model.logit_scale.exp().detach())
    texts = scorer.texts([text for text, _, _ in scenes])
    clean, spoilt = (scorer.images(pictures) for pictures in _pictures(scenes))
    return _histogram(
        [
            ("as described", scale * (texts * clean).sum(1), _GOOD),
            ("the same, spoilt", scale * (texts * spoilt).sum(1), _BAD),
            ("another picture", scale * (texts * np.roll(clean, 1, axis=0)).sum(1), (92, 110, 180)),
        ],
        "Preference: score of 240 held-out pictures", (760, 260),
    )  # fmt: skip


def rated(folder: Path) -> np.ndarray:
    """Ratings of pictures as drawn and of the same spoilt."""
    from creative_lab.miniatures.aesthetic import BASE, rate
    from creative_lab.miniatures.clip import LoadedClip
    from creative_lab.miniatures.manifest import model_folder

    clip, scenes = LoadedClip(model_folder(BASE, root=folder.parent)), _scenes(240)
    clean, spoilt = (rate(folder, clip.images(pictures)) for pictures in _pictures(scenes))
    return _histogram(
        [("as drawn", clean, _GOOD), ("spoilt", spoilt, _BAD)], "Aesthetic: rating of 240 held-out pictures", (760, 260)
    )


MODELS: dict[str, tuple[str, Callable[[Path], np.ndarray]]] = {
    "captions": ("vision-language", captioned), "preference": ("preference", preferred),
    "aesthetic": ("aesthetic", rated),
}  # fmt: skip
"""Sheets as in ``sheets.MODELS``."""
