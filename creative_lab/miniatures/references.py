"""People with a picture to draw and two portraits to know them by: what the reference adapter learns from."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from creative_lab.illustrator.captions import captions
from creative_lab.illustrator.identity import Identity
from creative_lab.illustrator.sample import sample_scene
from creative_lab.illustrator.scene import Picture, as_shown, draw_scene
from creative_lab.miniatures.captioned import packed
from creative_lab.miniatures.drawn import SQUARE, five_marks, staged_scene
from creative_lab.miniatures.latents import FOLDER, encode_pictures, latents_plan
from creative_lab.miniatures.pools import Arrays, Plan
from creative_lab.miniatures.wording import wordings

PORTRAIT = 144
"""Side of a portrait; the encoder sees all of it or a part around the face."""

VIEWS = 2
PEOPLE_OF_A_SHARD = 64
_FIRST = 3_000_000
"""People and scenes of their own, so that text-to-picture has not drawn them."""


def portrait(identity: Identity, seed: int) -> Picture:
    """Somebody alone from nearby, in any clothes, light and mood."""
    rng = np.random.default_rng([71, seed])
    shot = str(rng.choice(("close-up", "medium close-up"), p=(0.6, 0.4)))
    return draw_scene(sample_scene(seed, identity=identity, people=1, shot=shot), PORTRAIT, PORTRAIT)


def face_crop(pixels: np.ndarray, face: np.ndarray, side: int, *, room: float = 1.35) -> np.ndarray:
    """The square around a face's box, ``room`` times as large as the box, at ``side`` pixels; edges are repeated."""
    import cv2

    centre, size = (face[:2] + face[2:]) / 2, float(max(face[2] - face[0], face[3] - face[1])) * room
    scale = side / size
    matrix = np.array([[scale, 0, side / 2 - centre[0] * scale], [0, scale, side / 2 - centre[1] * scale]])
    crop: np.ndarray = cv2.warpAffine(
        pixels, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return crop


def draw_references(models: str, first: int, count: int) -> Arrays:
    """Latents and captions of one scene of each person, two portraits with the face's box, and the face's vector."""
    import torch

    from creative_lab.miniatures.autoencoder import load_autoencoder

    torch.set_num_threads(1)
    pictures, texts, marks, vectors = [], [], [], []
    portraits = np.empty((count, VIEWS, PORTRAIT, PORTRAIT, 3), np.uint8)
    faces = np.empty((count, VIEWS, 4), np.float32)
    for row, number in enumerate(range(first, first + count)):
        identity = Identity.from_seed(number)
        scene = staged_scene(number, identity=identity)
        drawn = draw_scene(scene, *SQUARE)
        said = as_shown(drawn)
        pictures.append(drawn.pixels)
        # Most captions leave the face to the reference; some name its hair or beard as people do.
        texts.append(
            packed([*captions(said, seed=number, count=3, identity=False), *wordings(said, seed=number, count=2)])
        )
        marks.append(five_marks(drawn))
        vectors.append(identity.vector())
        for view in range(VIEWS):
            shown = portrait(identity, number * VIEWS + view)
            portraits[row, view] = shown.pixels
            faces[row, view] = shown.truth.people[0].landmarks.box
    return {
        "latents": encode_pictures(load_autoencoder(Path(models) / FOLDER), np.stack(pictures)),
        "captions": np.stack(texts), "marks": np.stack(marks), "vectors": np.stack(vectors),
        "portraits": portraits, "faces": faces,
    }  # fmt: skip


def references_plan(root: Path, shards: int) -> Plan:
    """People for the reference adapter, with latents of the autoencoder below ``root``."""
    version = latents_plan(root, 1).name.removeprefix("latents-")
    return Plan(
        f"references-{version}", partial(draw_references, str(root)), shards=shards, samples=PEOPLE_OF_A_SHARD,
        first=_FIRST, version=2,
    )  # fmt: skip
