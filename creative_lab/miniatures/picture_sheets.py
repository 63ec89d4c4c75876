"""Sheets of the text-to-picture chain: prompts, poses and references against what was drawn, and the autoencoder."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np

from creative_lab.illustrator.identity import Identity
from creative_lab.illustrator.sample import sample_scene
from creative_lab.illustrator.scene import draw_scene
from creative_lab.miniatures.drawn import SQUARE, WIDE, poses, story_scene
from creative_lab.miniatures.picture_measures import draw, full_caption, held_out, load_pipeline
from creative_lab.miniatures.sheets import GAP, HELD_OUT, INK, PAPER, grid

PROMPTS = (
    "close-up of a happy person with red curly hair in a green beanie, in the park in the morning",
    "an angry man with a full beard, portrait, in the library",
    "a surprised woman with blond long hair, close-up, on the beach at noon",
    "a sad person with a bald head and glasses, close-up, in the office at night",
    "a laughing woman in a red dress, half-length picture, in the field in the evening",
    "a calm man in a mustard jumper and a navy cap, medium shot, in the kitchen",
    "a thoughtful person in a white shirt reading, medium shot, in the library",
    "an afraid man in a purple hoodie, medium close-up, in the forest at night",
    "a person in an orange coat walking, wide shot, on the city street in the rain",
    "a happy person in a turquoise jacket waving, medium wide shot, in the mountains in the snow",
    "a woman in a pink skirt dancing, full-length picture, in the market",
    "a man in a black hoodie running, wide shot, in the park at dawn",
    "a person in a blue dress next to a dog, wide shot, in the village",
    "a man next to a horse in the desert at sunset, wide shot",
    "a person jumping, full-length picture, on the beach under a clear sky",
    "a man with a red umbrella on the city street while it rains, medium wide shot",
    "two friends: a happy person in a red jumper with another person, in the living room, medium shot",
    "a sleeping woman in a lilac cardigan sitting, medium shot, in the living room at night",
    "a person in a yellow raincoat under clouds, medium shot, in the harbour",
    "the wizard in a purple robe and a witch hat, close-up, in the forest in fog",
    "a furious woman with grey bun hair, extreme close-up, in the classroom",
    "a happy man with black afro hair in a striped t-shirt, medium close-up, in the workshop",
    "a distant view of a person walking in the snow, in the mountains",
    "the detective in a brown trench coat and a fedora at night on the city street, medium shot",
)
"""Twenty-four prompts as people write them; some use words that the world's captions don't have."""


def captioned_grid(tiles: list[np.ndarray], texts: list[str], columns: int, *, lines: int = 4) -> np.ndarray:
    """Tiles in rows, each with its text in small letters below it."""
    from PIL import Image, ImageDraw, ImageFont

    height, width = tiles[0].shape[:2]
    tall = height + 12 * lines + 4
    rows = -(-len(tiles) // columns)
    sheet = Image.new("RGB", (columns * (width + GAP) + GAP, rows * (tall + GAP) + GAP), PAPER)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(10)
    for number, (tile, text) in enumerate(zip(tiles, texts, strict=True)):
        x, y = GAP + number % columns * (width + GAP), GAP + number // columns * (tall + GAP)
        sheet.paste(Image.fromarray(tile), (x, y))
        for line, part in enumerate(textwrap.wrap(text, max(8, width // 5))[:lines]):
            pen.text((x, y + height + 2 + 12 * line), part, fill=INK, font=font)
    return np.asarray(sheet)


def larger(pixels: np.ndarray, factor: float = 1.25) -> np.ndarray:
    """A picture a little larger, for people to look at."""
    import cv2

    shown: np.ndarray = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    return shown


def prompts(folder: Path) -> np.ndarray:
    """Twenty-four prompts and what is drawn from them."""
    drawn = draw(load_pipeline(folder), PROMPTS)
    return captioned_grid([larger(pixels) for pixels in drawn], list(PROMPTS), 8)


def wide(folder: Path) -> np.ndarray:
    """Six wide prompts."""
    chosen = [PROMPTS[number] for number in (0, 8, 9, 12, 13, 15)]
    drawn = draw(load_pipeline(folder), chosen, size=WIDE)
    return captioned_grid(list(drawn), chosen, 3, lines=3)


def against_truth(folder: Path) -> np.ndarray:
    """Held-out captions: the world's picture, and beside it what the miniature draws."""
    seeds, pictures = zip(*held_out(500_000, 16), strict=True)
    texts = [full_caption(picture, seed) for picture, seed in zip(pictures, seeds, strict=True)]
    drawn = draw(load_pipeline(folder), texts)
    tiles = [np.concatenate([picture.pixels, found], axis=1) for picture, found in zip(pictures, drawn, strict=True)]
    return captioned_grid(tiles, texts, 4, lines=5)


def reconstruction(folder: Path) -> np.ndarray:
    """Pictures, and below each what comes back from its latents."""
    from creative_lab.miniatures.autoencoder import load_autoencoder, ratio, reconstructed

    pictures = np.stack([draw_scene(story_scene(HELD_OUT + number), *SQUARE).pixels for number in range(10)])
    back = reconstructed(load_autoencoder(folder), pictures)
    values = ratio(pictures, back)
    return grid([*pictures, *back], 10, ["picture"] * 10 + [f"{value:.1f} dB" for value in values])


def pose(folder: Path) -> np.ndarray:
    """The same text and noise: the pose, without it, with it, and the world's picture."""
    from PIL import Image

    from creative_lab.miniatures.latents import FOLDER
    from creative_lab.miniatures.manifest import model_folder
    from creative_lab.miniatures.pose_control import control_picture

    shots = ("medium shot", "medium wide shot", "wide shot")
    seeds, pictures = zip(*held_out(600_000, 9, alone=True, shots=shots), strict=True)
    texts = [full_caption(picture, seed) for picture, seed in zip(pictures, seeds, strict=True)]
    controls = [control_picture(poses(picture), *SQUARE) for picture in pictures]
    base = model_folder(FOLDER, root=folder.parent)
    free = draw(load_pipeline(base), texts)
    led = draw(load_pipeline(base, controlnet=folder), texts, image=[Image.fromarray(pixels) for pixels in controls])
    tiles = [*controls, *free, *led, *(picture.pixels for picture in pictures)]
    names = [name for name in ("pose", "text alone", "text and pose", "the world's picture") for _ in pictures]
    return grid(tiles, len(pictures), names)


def reference(folder: Path) -> np.ndarray:
    """Six people: the reference, three texts with it, and the last text without it."""
    from PIL import Image

    from creative_lab.miniatures.latents import FOLDER
    from creative_lab.miniatures.manifest import model_folder
    from creative_lab.miniatures.references import portrait

    people = [Identity.from_seed(HELD_OUT + 900 + number) for number in range(6)]
    shown = [portrait(identity, HELD_OUT + number).pixels for number, identity in enumerate(people)]
    scenes = [sample_scene(HELD_OUT + 40 + number, people=1, shot="close-up") for number in range(3)]
    from creative_lab.illustrator.captions import captions

    said = [captions(scene, count=1, identity=False)[0] for scene in scenes]
    base = model_folder(FOLDER, root=folder.parent)
    adapted = load_pipeline(base, adapter=folder)
    adapted.set_ip_adapter_scale(1.0)
    tiles = [[larger(pixels, SQUARE[0] / pixels.shape[0])] for pixels in shown]
    for text in said:
        drawn = draw(adapted, [text] * len(people), ip_adapter_image=[Image.fromarray(pixels) for pixels in shown])
        for row, pixels in zip(tiles, drawn, strict=True):
            row.append(pixels)
    alone = draw(load_pipeline(base), [said[-1]] * len(people))
    for row, pixels in zip(tiles, alone, strict=True):
        row.append(pixels)
    ordered = [row[place] for place in range(5) for row in tiles]
    names = [name for name in ("reference", *(f"text {n + 1}" for n in range(3)), "text 3 alone") for _ in people]
    return grid(ordered, len(people), names)
