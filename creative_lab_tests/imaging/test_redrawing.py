"""A part of a picture drawn over: what changes, what stays, and the way back from the file."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from creative_lab import cli
from creative_lab.imaging import recipe
from creative_lab.imaging.errors import ImagingError
from creative_lab.imaging.generation import PictureStudio
from creative_lab.imaging.parameters import Control, PictureRequest, Redraw, Reference
from creative_lab.imaging.presets import Overrides
from creative_lab.imaging.redrawing import blend_in, cut_out
from creative_lab.lake.fs import FileSystem
from creative_lab.settings import Settings
from creative_lab_tests.imaging.conftest import ship_adapters

MODEL = "miniature-xl"
SQUARE = (40.0, 30.0, 50.0)


def smooth(width: int = 160, height: int = 120) -> Image.Image:
    """A picture that changes slowly, so that resampling hardly shows."""
    y, x = np.mgrid[0:height, 0:width]
    return Image.fromarray(np.stack([x * 255 / width, y * 255 / height, (x + y) * 127 / width], -1).astype(np.uint8))


@pytest.fixture
def lab(imaging_settings: Settings) -> PictureStudio:
    ship_adapters(imaging_settings)
    return PictureStudio(imaging_settings)


@settings(max_examples=40, deadline=None)
@given(
    left=st.floats(-20, 120), top=st.floats(-20, 90), side=st.floats(20, 80), upscale=st.integers(1, 3),
    size=st.sampled_from([48, 64, 128]),
)  # fmt: skip
def test_a_part_that_is_cut_out_and_blended_in_again_changes_nothing(
    left: float, top: float, side: float, upscale: int, size: int
) -> None:
    picture = smooth()
    again = blend_in(picture, cut_out(picture, (left, top, side), size), (left, top, side), upscale)
    assert again.size == (160 * upscale, 120 * upscale)
    large = np.asarray(picture.resize(again.size, Image.Resampling.BICUBIC)).astype(int)
    inside = np.asarray(again).astype(int)[4 * upscale : -4 * upscale, 4 * upscale : -4 * upscale]
    assert np.abs(inside - large[4 * upscale : -4 * upscale, 4 * upscale : -4 * upscale]).max() <= 6


def test_only_the_square_changes_and_its_rim_passes_over(lab: PictureStudio) -> None:
    base = smooth()
    made = lab.generate(PictureRequest(MODEL, "a face", count=2, seed=3, redraw=Redraw(base, SQUARE, 0.8)))
    assert len({drawn.image.tobytes() for drawn in made.pictures}) == 2 and made.batches == [2]
    changed = np.abs(np.asarray(made.pictures[0].image).astype(int) - np.asarray(base)).max(-1)
    left, top, side = (int(value) for value in SQUARE)
    assert changed[top + 15 : top + side - 15, left + 15 : left + side - 15].mean() > 5
    changed[top : top + side, left : left + side] = 0
    assert changed.max() == 0
    assert made.pictures[0].image.size == base.size
    alone = lab.generate(PictureRequest(MODEL, "a face", seed=4, redraw=Redraw(base, SQUARE, 0.8)))
    second, same = (np.asarray(drawn.image).astype(int) for drawn in (made.pictures[1], alone.pictures[0]))
    assert np.abs(second - same).max() <= 2, "a seed gives the same whether alone or in a batch"
    large = lab.generate(PictureRequest(MODEL, "a face", seed=3, redraw=Redraw(base, SQUARE, 0.8, 2)))
    assert large.pictures[0].image.size == (320, 240)


def test_the_higher_the_strength_the_less_is_left_of_what_was_there(lab: PictureStudio) -> None:
    dark, bright = (Image.fromarray(np.full((120, 160, 3), value, np.uint8)) for value in (10, 245))

    def remembered(strength: float) -> float:
        parts = []
        for base in (dark, bright):
            redraw = Redraw(base, SQUARE, strength)
            request = PictureRequest(MODEL, "a face", seed=3, overrides=Overrides(steps=10), redraw=redraw)
            parts.append(np.asarray(lab.generate(request).pictures[0].image).astype(int)[45:65, 55:75])
        return float(np.abs(parts[0] - parts[1]).mean())

    assert remembered(0.1) > remembered(0.5) > remembered(1.0)


def test_models_of_one_step_draw_over_in_one(lab: PictureStudio) -> None:
    made = lab.generate(
        PictureRequest(MODEL, "a face", seed=3, overrides=Overrides(steps=1), redraw=Redraw(smooth(), SQUARE, 0.3))
    )
    assert made.pictures[0].recipe.steps == 1 and made.steps_per_s is not None


def test_the_reference_steers_the_part_and_the_warm_model_is_kept(lab: PictureStudio) -> None:
    base, pose = smooth(), Control("miniature-pose", smooth(48, 48))
    faces = [Reference("miniature-reference", Image.fromarray(np.full((48, 48, 3), v, np.uint8))) for v in (0, 250)]
    lab.generate(PictureRequest(MODEL, "a face", seed=1, control=pose, reference=faces[0]))
    warm: Any = lab._warm
    pictures = [
        lab.generate(PictureRequest(MODEL, "a face", seed=1, reference=face, redraw=Redraw(base, SQUARE, 1.0)))
        for face in faces
    ]
    assert lab._warm is not None and lab._warm[1] is warm[1]
    assert pictures[0].pictures[0].image.tobytes() != pictures[1].pictures[0].image.tobytes()
    before = lab.generate(PictureRequest(MODEL, "a face", seed=1, control=pose, reference=faces[0]))
    again = lab.generate(PictureRequest(MODEL, "a face", seed=1, control=pose, reference=faces[0]))
    assert before.pictures[0].image.tobytes() == again.pictures[0].image.tobytes(), "nothing is left behind"


def test_a_part_is_drawn_again_from_its_file_and_the_picture_below_it(lab: PictureStudio) -> None:
    base = smooth()
    made = lab.generate(PictureRequest(MODEL, "a face", count=2, seed=3, redraw=Redraw(base, SQUARE, 0.5, 2)))
    files = FileSystem(lab.settings.home)
    files.write_bytes("part.png", recipe.finished_png(made.pictures[1].image, made.pictures[1].recipe, lab.settings))
    entry, shown = made.pictures[1].recipe, recipe.show(files.path("part.png")).parameters
    assert (entry.width, entry.height) == made.pictures[1].image.size == (base.width * 2, base.height * 2)
    assert entry.redraw and entry.redraw.drawn_side == 64
    assert shown and f"Size: {base.width * 2}x{base.height * 2}" in shown
    again = recipe.replay(files.path("part.png"), lab, base_image=base)
    assert again.same_pixels and again.notes == ()
    part = entry.redraw.model_copy(update={"drawn_side": None})
    older = entry.model_copy(update={"width": 64, "height": 64, "redraw": part})
    files.write_bytes("older.png", recipe.finished_png(made.pictures[1].image, older, lab.settings))
    again = recipe.replay(files.path("older.png"), lab, base_image=base)
    assert again.same_pixels and again.notes == ()
    with pytest.raises(ImagingError, match="base picture"):
        recipe.replay(files.path("part.png"), lab)
    with pytest.raises(ImagingError, match="not the base picture"):
        recipe.replay(files.path("part.png"), lab, base_image=smooth(100, 100))


def test_the_command_takes_the_picture_below_and_says_what_is_wrong_with_it(
    lab: PictureStudio, capsys: pytest.CaptureFixture[str]
) -> None:
    base, files = smooth(), FileSystem(lab.settings.home)
    made = lab.generate(PictureRequest(MODEL, "a face", seed=3, redraw=Redraw(base, SQUARE, 0.5))).pictures[0]
    files.write_bytes("part.png", recipe.finished_png(made.image, made.recipe, lab.settings))
    file = io.BytesIO()
    base.save(file, "PNG")
    files.write_bytes("base.png", file.getvalue())
    files.write_bytes("broken.png", b"no picture")
    part, to = str(files.path("part.png")), str(files.path("again.png"))
    assert cli.main(["recipe", "replay", part, "--to", to, "--base", str(files.path("base.png"))]) == 0
    assert "the same pixels" in capsys.readouterr().out
    assert cli.main(["recipe", "replay", part, "--to", to, "--base", str(files.path("broken.png"))]) == 1
    assert "broken.png" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("square", "strength", "upscale", "named"),
    [(SQUARE, 0.0, 1, "strength"), (SQUARE, 1.1, 1, "strength"), ((0, 0, 4.0), 0.5, 1, "too small"),
     (SQUARE, 0.5, 5, "times larger"), ((0, 0, float("nan")), 0.5, 1, "too small")],
)  # fmt: skip
def test_impossible_parts_are_refused(square: Any, strength: float, upscale: int, named: str) -> None:
    with pytest.raises(ImagingError, match=named):
        Redraw(smooth(), square, strength, upscale)


def test_a_part_with_a_control_picture_is_refused() -> None:
    with pytest.raises(ImagingError, match="without a control picture"):
        PictureRequest(MODEL, "a", control=Control("miniature-pose", smooth()), redraw=Redraw(smooth(), SQUARE))
