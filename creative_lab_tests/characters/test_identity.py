"""Identity of drawn pictures by the shipped face models: the truth is known, so the numbers have to follow it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from creative_lab.characters.identity import Identity, IdentityJudge
from creative_lab.characters.samples import draw, read_description
from creative_lab.illustrator.sample import sample_scene
from creative_lab.illustrator.scene import draw_scene
from creative_lab.settings import REPOSITORY_ROOT, Settings
from creative_lab.vision.models import VisionModels
from creative_lab.vision.pictures import open_picture


def test_a_picture_without_a_face_counts_as_nothing_like_the_character() -> None:
    identity = Identity([0.9, None, 0.7])
    assert identity.mean == pytest.approx(1.6 / 3)
    assert identity.least == 0.0
    assert identity.found == 2


def test_a_character_is_nearer_to_itself_than_to_the_others_and_to_strangers(tmp_path: Path) -> None:
    models = VisionModels(Settings(home=tmp_path, device="cpu"))
    if why := models.missing("faces"):
        pytest.skip(why)
    faces = models.faces()
    pictures = {
        folder.name: [open_picture(drawn.data) for drawn in draw(read_description(folder))][:10]
        for folder in sorted((REPOSITORY_ROOT / "data" / "characters").iterdir())
    }
    strangers = [
        draw_scene(sample_scene(60_000_000 + number, people=1, shot="close-up"), 128, 128).pixels for number in range(8)
    ]
    for key, own in pictures.items():
        judge = IdentityJudge(faces, own[:5])
        self_likeness = judge.judge(own[5:]).mean
        others = [judge.judge(other[5:]).mean for name, other in pictures.items() if name != key]
        assert self_likeness > 0.75, key
        assert self_likeness > max(others) + 0.2, key
        assert judge.judge(strangers).mean < 0.35, key
    with pytest.raises(ValueError, match="no face was found in any of 2 pictures"):
        IdentityJudge(faces, [np.full((128, 128, 3), 200, np.uint8)] * 2)
