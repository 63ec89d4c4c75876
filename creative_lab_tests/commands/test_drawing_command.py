"""creative-lab draw, with tiny random-weight models on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from creative_lab.cli import main
from creative_lab.imaging.recipe import show
from creative_lab.settings import get_settings
from creative_lab_tests.imaging import tiny
from creative_lab_tests.imaging.conftest import lab_in


@pytest.fixture
def lab_with_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lab whose picture model is a tiny SDXL."""
    models = tmp_path / "weights"
    models.mkdir()
    tiny.BUILDERS["sdxl"](models / "sdxl")
    for other in tiny.BUILDERS:
        (models / other).mkdir(exist_ok=True)
    settings = lab_in(tmp_path, models)
    monkeypatch.setenv("CREATIVE_LAB_HOME", str(settings.home))
    monkeypatch.setenv("CREATIVE_LAB_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("CREATIVE_LAB_DEVICE", "cpu")
    get_settings.cache_clear()
    return tmp_path


@pytest.mark.slow
def test_pictures_are_drawn_with_their_recipes_and_the_missing_scorers_are_named(
    lab_with_models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = lab_with_models / "out"
    assert main(["draw", "a red hat", "--count", "2", "--seed", "7", "--to", str(folder)]) == 0
    shown = capsys.readouterr().out
    files = sorted(folder.glob("*.png"))
    assert len(files) == 2 and all(str(file) in shown for file in files)
    recipes = [show(file).recipe for file in files]
    assert sorted(recipe.seed or 0 for recipe in recipes if recipe) == [7, 8]
    assert "pickscore is missing: " in shown


def test_a_size_that_is_none_and_a_model_that_is_unknown_are_refused(
    lab_with_models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["draw", "a hat", "--size", "huge"]) == 2
    assert "write it as 1024x1024" in capsys.readouterr().err
    assert main(["draw", "a hat", "--model", "dall-e-9"]) == 1
    assert "there is no diffusion model 'dall-e-9'" in capsys.readouterr().err
    assert not list(lab_with_models.rglob("*.png"))
