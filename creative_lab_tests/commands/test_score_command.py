"""creative-lab score ranks pictures, explains what is missing, and refuses what it cannot read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from creative_lab.cli import main
from creative_lab.illustrator.captions import captions
from creative_lab.illustrator.sample import sample_scene
from creative_lab.illustrator.scene import draw_scene
from creative_lab.settings import REPOSITORY_ROOT, get_settings


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A lab without any state, on the CPU."""
    monkeypatch.setenv("CREATIVE_LAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CREATIVE_LAB_DEVICE", "cpu")
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def test_the_described_picture_comes_first_and_missing_scorers_are_explained(tmp_path: Path, capsys) -> None:
    if not (REPOSITORY_ROOT / "data" / "models" / "clip").is_dir():
        pytest.skip("the CLIP miniature is not shipped yet")
    scene = sample_scene(62_000_001)
    right, noise = tmp_path / "right.png", tmp_path / "noise.png"
    Image.fromarray(draw_scene(scene, 192, 144).pixels).save(right)
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (144, 192, 3), np.uint8)).save(noise)
    text = captions(scene, count=1)[0]
    assert main(["score", str(noise), str(right), "--text", text, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [Path(row["picture"]).name for row in rows] == ["right.png", "noise.png"]
    assert rows[0]["overall"] > rows[1]["overall"] + 10
    assert rows[0]["raw"]["hps"] is None and "names no model" in rows[0]["missing"]["hps"]
    assert sum(rows[0]["weights"].values()) == pytest.approx(1)
    assert main(["score", str(right), "--text", text]) == 0
    shown = capsys.readouterr().out
    assert "Weights:" in shown and "No HPSv3: the profile miniature names no model" in shown


def test_files_that_are_no_pictures_are_all_named(tmp_path: Path, capsys) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    assert main(["score", str(tmp_path / "a.png"), str(tmp_path / "b.png"), "--text", "x"]) == 1
    message = capsys.readouterr().err
    assert "a.png: not a PNG" in message and "b.png: cannot be read" in message


def test_a_score_needs_words(tmp_path: Path, capsys) -> None:
    assert main(["score", str(tmp_path / "a.png"), "--text", "  "]) == 2
    assert "--text is empty" in capsys.readouterr().err


def test_a_profile_that_is_none_is_refused_with_the_known_ones(tmp_path: Path, capsys) -> None:
    Image.new("RGB", (32, 32)).save(tmp_path / "a.png")
    assert main(["score", str(tmp_path / "a.png"), "--text", "x", "--profile", "nosuch"]) == 1
    message = capsys.readouterr().err
    assert "there is no profile 'nosuch'" in message and "miniature, studio, hosted" in message


def test_the_token_that_stands_for_a_picture_is_ordinary_text_in_a_prompt(tmp_path: Path, capsys) -> None:
    if not (REPOSITORY_ROOT / "data" / "models" / "vision-language").is_dir():
        pytest.skip("the vision-language miniature is not shipped yet")
    Image.fromarray(draw_scene(sample_scene(62_000_001), 192, 144).pixels).save(tmp_path / "a.png")
    values = []
    for text in ("a <image> b", "a b"):
        assert main(["score", str(tmp_path / "a.png"), "--text", text, "--json"]) == 0
        values.append(json.loads(capsys.readouterr().out)[0]["raw"]["vqascore"])
    assert values[0] == pytest.approx(values[1])


def test_the_faces_pack_is_verified_like_every_model(capsys) -> None:
    assert main(["models", "verify", "miniature-faces"]) == 0
    assert "files are as recorded" in capsys.readouterr().out


def test_a_model_that_must_be_placed_by_hand_says_how(capsys) -> None:
    assert main(["models", "pull", "buffalo-l"]) == 1
    assert "buffalo_l.zip" in capsys.readouterr().err
