"""Anchors of the miniatures, measured on the drawn world: ``python -m creative_lab.miniatures.calibration``.

A CLIP's raw values mean nothing by themselves. On held-out scenes the value of a picture with the caption of *another*
scene says what "no better than any other picture" is (its median is 0), and that of a picture with its own caption what
"as described" is (its 90th percentile is 100).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from creative_lab.vision.anchors import FILE, MeasuredAnchors
from creative_lab.vision.clip import Clip, clipscore, pickscore
from creative_lab.vision.models import VisionModels
from creative_lab.weights.errors import ModelError
from creative_lab.weights.measuring import Anchors, Role

if TYPE_CHECKING:
    from creative_lab.settings import Settings

FIRST_SEED = 60_000_000
"""Scenes from here on are never trained on."""

_QUANTILES = {"5 %": 0.05, "median": 0.5, "90 %": 0.9, "95 %": 0.95}
_PER_ROLE: dict[Role, Callable[[Clip, np.ndarray, np.ndarray], np.ndarray]] = {
    "clip": lambda _clip, images, texts: (images * texts).sum(axis=1),
    "clipscore": lambda _clip, images, texts: clipscore(images, texts),
    "pickscore": lambda clip, images, texts: pickscore(clip.scale, images, texts),
}


def scenes(count: int, *, first: int = FIRST_SEED) -> tuple[list[np.ndarray], list[str]]:
    """Held-out pictures in several formats and a caption of each."""
    from creative_lab.illustrator.captions import captions
    from creative_lab.illustrator.sample import sample_scene
    from creative_lab.illustrator.scene import as_shown, draw_scene

    drawn = [sample_scene(first + number) for number in range(count)]
    sizes = ((160, 160), (192, 144), (224, 126))
    pictures = [draw_scene(scene, *sizes[number % len(sizes)]) for number, scene in enumerate(drawn)]
    return [picture.pixels for picture in pictures], [captions(as_shown(picture), count=1)[0] for picture in pictures]


def measure(models: VisionModels, count: int = 400) -> MeasuredAnchors:
    """Anchors of every CLIP of the profile for every role that it fills, and the distributions they come from.

    Raises :class:`ModelError` for a model that can't tell captions apart.
    """
    pictures, texts = scenes(count)
    others = [*texts[1:], texts[0]]
    anchors: dict[str, dict[Role, Anchors]] = {}
    weights: dict[str, str] = {}
    seen: dict[str, dict[str, dict[str, float]]] = {}
    for role, score in _PER_ROLE.items():
        clip, slug = models.model(role), models.slug(role)
        if clip is None or slug is None:
            continue
        prefix = models.catalogue.entry(slug).text_prefix if role == "clipscore" else ""
        images = clip.images(pictures)
        fitting = score(clip, images, clip.texts([prefix + text for text in texts]))
        wrong = score(clip, images, clip.texts([prefix + text for text in others]))
        low, high = round(float(np.median(wrong)), 4), round(float(np.quantile(fitting, 0.9)), 4)
        if low >= high:
            raise ModelError(
                f"{slug} gives pictures no higher {role} with their own captions ({high}) than with others' ({low}): "
                "there is nothing to calibrate"
            )
        anchors.setdefault(slug, {})[role] = Anchors(
            low=low,
            high=high,
            source=f"median with another scene's caption, 90th percentile with its own, {count} held-out scenes",
        )
        weights[slug] = models.digest(slug)
        seen[f"{slug} {role}"] = {"own caption": _quantiles(fitting), "another's caption": _quantiles(wrong)}
    made = (
        f"python -m creative_lab.miniatures.calibration: {count} scenes of the illustrator from seed {FIRST_SEED} on, "
        "160 × 160, 192 × 144 and 224 × 126 pixels, one caption each"
    )
    return MeasuredAnchors(made=made, weights=weights, anchors=anchors, distributions=seen)


def _quantiles(values: np.ndarray) -> dict[str, float]:
    return {name: round(float(np.quantile(values, share)), 4) for name, share in _QUANTILES.items()}


def calibrate(settings: Settings, count: int = 400) -> MeasuredAnchors:
    """Measure the miniatures of an installation and write DATA_DIR/score_anchors.json."""
    from creative_lab.lake.fs import FileSystem

    with VisionModels(settings, "miniature") as models:
        measured = measure(models, count)
    text = json.dumps(measured.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n"
    FileSystem(settings.data_dir).write_bytes(FILE, text.encode())
    return measured


if __name__ == "__main__":
    from creative_lab.settings import get_settings

    for model, roles in calibrate(get_settings()).anchors.items():
        for name, found in roles.items():
            print(f"{model} {name}: {found.low} is 0, {found.high} is 100")  # noqa: T201 - what the command says
