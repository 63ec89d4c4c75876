"""The shipped text-to-picture chain draws what it is asked for, through the studio that loads the big models too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from creative_lab.illustrator.pose import JOINTS
from creative_lab.imaging.generation import PictureStudio
from creative_lab.imaging.parameters import Control, PictureRequest, Reference
from creative_lab.imaging.skeleton import draw_skeleton
from creative_lab.miniatures.drawn import SQUARE
from creative_lab.miniatures.manifest import models_root, read_manifest
from creative_lab.miniatures.picture_measures import held_out
from creative_lab.settings import Settings

SHIPPED = read_manifest(models_root())
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("miniature-xl" not in SHIPPED, reason="no weights of miniature-xl are shipped yet"),
]


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> PictureStudio:
    return PictureStudio(Settings(home=tmp_path_factory.mktemp("home")))


def _draw(studio: PictureStudio, prompt: str, count: int = 3, **more: object) -> np.ndarray:
    drawn = studio.generate(PictureRequest("miniature-xl", prompt, seed=5, count=count, **more))  # type: ignore[arg-type]
    return np.stack([np.asarray(picture.image.convert("RGB")) for picture in drawn.pictures]).astype(int)


def test_nights_are_darker_than_noons(studio: PictureStudio) -> None:
    noon, night = (
        _draw(studio, f"a person in a white shirt on the beach at {time}, wide shot") for time in ("noon", "night")
    )
    assert noon.mean() > night.mean() + 40


def test_clothes_have_the_colour_that_the_prompt_names(studio: PictureStudio) -> None:
    red, blue = (
        _draw(studio, f"medium shot of a person in a {colour} jumper standing, in the office at noon")[:, 90:, 40:88]
        for colour in ("red", "navy")
    )
    assert (red[..., 0] - red[..., 2]).mean() > (blue[..., 0] - blue[..., 2]).mean() + 40


def test_wide_pictures_have_the_size_that_was_asked_for(studio: PictureStudio) -> None:
    from creative_lab.imaging.presets import Overrides

    wide = _draw(studio, "a person walking in the desert, wide shot", 1, overrides=Overrides(width=224, height=128))
    assert wide.shape == (1, 128, 224, 3)


@pytest.mark.skipif("miniature-pose" not in SHIPPED, reason="no weights of miniature-pose are shipped yet")
def test_somebody_stands_where_the_pose_says(studio: PictureStudio) -> None:
    picture = held_out(900_000, 1, alone=True, shots=("medium wide shot",))[0][1]
    joints = np.asarray(picture.truth.people[0].pose)
    assert joints.shape == (len(JOINTS), 2)
    aside = [joints + np.array([shift, 0.0]) for shift in (-24.0, 24.0)]
    prompt = "medium wide shot of a person in a red coat, in the field at noon"
    left, right = (
        _draw(studio, prompt, control=Control("miniature-pose", Image.fromarray(draw_skeleton([pose], *SQUARE)), 1.0))
        for pose in aside
    )

    def reddest(pictures: np.ndarray) -> float:
        red = (pictures[..., 0] - pictures[..., 1:3].max(-1)).clip(0).sum((0, 1)).astype(float)
        return float((red * np.arange(red.size)).sum() / red.sum())

    assert reddest(right) > reddest(left) + 16


@pytest.mark.skipif("miniature-reference" not in SHIPPED, reason="no weights of miniature-reference are shipped yet")
def test_the_reference_s_skin_comes_through_where_the_text_says_nothing_of_it(studio: PictureStudio) -> None:
    from creative_lab.illustrator.identity import Identity
    from creative_lab.miniatures.references import portrait

    fair, dark = (Identity.from_seed(60_000_001).variant(skin=skin, hair_style="cropped") for skin in (0, 7))

    def face(identity: Identity) -> float:
        reference = Reference("miniature-reference", Image.fromarray(portrait(identity, 50_000_009).pixels))
        return float(
            _draw(studio, "close-up of a calm person in the park at noon", reference=reference)[:, 40:90, 44:84].mean()
        )

    assert face(fair) > face(dark) + 30


def test_the_same_recipe_is_the_same_picture(studio: PictureStudio, tmp_path: Path) -> None:
    first = _draw(studio, "a happy person", 1)
    again = _draw(PictureStudio(Settings(home=tmp_path)), "a happy person", 1)
    assert np.abs(first - again).max() <= 2
