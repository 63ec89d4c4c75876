"""Anchors measured on the drawn world: refused where there is nothing to measure, and those that are shipped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from creative_lab.miniatures.calibration import measure, scenes
from creative_lab.settings import REPOSITORY_ROOT, Settings
from creative_lab.vision.anchors import FILE, read_measured
from creative_lab.vision.models import VisionModels
from creative_lab.vision.scoring import score_pictures
from creative_lab.weights.errors import ModelError
from creative_lab_tests.miniatures.random_models import random_clip


@pytest.fixture
def random_lab(tmp_path: Path) -> Settings:
    """A lab with the shipped catalogue whose CLIPs have random weights."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "presets.json").write_text((REPOSITORY_ROOT / "data" / "presets.json").read_text())
    random_clip(data / "models")
    return Settings(home=tmp_path / "home", data_dir=data, device="cpu", offline=True)


def test_a_model_that_tells_nothing_apart_gets_no_anchors(random_lab) -> None:
    with VisionModels(random_lab) as models, pytest.raises(ModelError, match="nothing to calibrate"):
        # Any picture's own caption is as good as another's for random weights; one scene has no other at all.
        measure(models, 1)


def shipped(*names: str) -> Settings:
    """The installation's own settings, or a skip when one of its miniatures is not trained yet."""
    settings = Settings(device="cpu")
    for name in names:
        if not (settings.data_dir / "models" / name).is_dir():
            pytest.skip(f"the miniature {name} is not shipped yet")
    return settings


def test_the_shipped_miniatures_score_fitting_pictures_above_others() -> None:
    settings = shipped("clip")
    pictures, captions = scenes(24, first=61_000_000)
    with VisionModels(settings) as models:
        roles = [role for role in ("pickscore", "clipscore") if not models.missing(role)]
        fitting = score_pictures(models, pictures, captions, roles=roles)
        wrong = score_pictures(models, pictures, [*captions[1:], captions[0]], roles=roles)
        for role in roles:
            better = [one.raw[role] > other.raw[role] for one, other in zip(fitting, wrong, strict=True)]
            assert np.mean(better) >= 0.9, role


def test_the_shipped_anchors_belong_to_the_shipped_weights() -> None:
    settings = shipped("clip")
    measured = read_measured(settings.data_dir / FILE)
    assert measured is not None and "seed 60000000" in measured.made
    with VisionModels(settings) as models:
        here = {models.slug(role) for role in ("clip", "pickscore") if not models.missing(role)}
        for slug, digest in measured.weights.items():
            if slug not in here:
                continue
            assert models.digest(slug) == digest, f"run python -m creative_lab.miniatures.calibration: {slug} is newer"
        for role in ("clip", "clipscore"):
            assert measured.anchors["miniature-clip"][role].low < measured.anchors["miniature-clip"][role].high
    seen = measured.distributions["miniature-clip clip"]
    assert seen["own caption"]["median"] > seen["another's caption"]["95 %"]
