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
    assert main(["draw", "a hat", "--size", "5000x5000"]) == 2
    said = capsys.readouterr().err.strip()
    assert said == "Error: --size 5000x5000: the width should be less than or equal to 4096"
    assert main(["draw", "a hat", "--model", "dall-e-9"]) == 1
    assert "there is no diffusion model 'dall-e-9'" in capsys.readouterr().err
    assert not list(lab_with_models.rglob("*.png"))


@pytest.mark.slow
def test_names_keep_the_letters_of_any_script_and_no_earlier_picture_is_overwritten(lab_with_models: Path) -> None:
    folder = lab_with_models / "out"

    def drawn(prompt: str, *more: str) -> list[str]:
        before = {file.name: file.read_bytes() for file in folder.glob("*.png")}
        assert main(["draw", prompt, "--count", "1", "--no-score", "--to", str(folder), *more]) == 0
        after = {file.name: file.read_bytes() for file in folder.glob("*.png")}
        assert all(after[name] == data for name, data in before.items())
        return sorted(after.keys() - before.keys())

    assert drawn("一只猫坐在桥上") == ["一只猫坐在桥上-00000.01.png"]
    assert drawn("κόκκινο καπέλο") == ["κόκκινο-καπέλο-00000.01.png"]
    assert drawn("!?") == ["picture-00000.01.png"]
    assert drawn("a hat") == ["a-hat-00000.01.png"]
    assert drawn("a hat", "--steps", "3") == ["a-hat-00000.02.png"]
    assert drawn("a hat") == [], "the very same picture is there already"


@pytest.mark.slow
def test_a_file_of_prompts_is_drawn_with_one_loaded_model(
    lab_with_models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from creative_lab.imaging import generation

    loads, load = [], generation.load

    def counted(*arguments, **named):
        loads.append(1)
        return load(*arguments, **named)

    monkeypatch.setattr(generation, "load", counted)
    prompts, folder = lab_with_models / "prompts.txt", lab_with_models / "out"
    prompts.write_text("# hats\na red hat\n\na blue hat\n", encoding="utf-8")
    assert main(["draw", "--file", str(prompts), "--count", "2", "--to", str(folder)]) == 0
    shown = capsys.readouterr().out
    assert sorted(file.name for file in folder.glob("*.png")) == [
        "a-blue-hat-00000.01.png", "a-blue-hat-00000.02.png", "a-red-hat-00000.01.png", "a-red-hat-00000.02.png",
    ]  # fmt: skip
    assert len(loads) == 1
    assert "2 pictures of a red hat" in shown and shown.count("pickscore is missing: ") == 1


def test_a_prompt_and_a_file_or_neither_or_an_empty_file_are_refused(
    lab_with_models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = lab_with_models / "empty.txt"
    empty.write_text("# nothing\n")
    for wrong in ([], ["a hat", "--file", str(empty)]):
        assert main(["draw", *wrong]) == 2
        assert "either a prompt or --file" in capsys.readouterr().err
    assert main(["draw", "--file", str(empty)]) == 2
    assert "empty.txt: holds no prompt" in capsys.readouterr().err
    assert main(["draw", "--file", str(lab_with_models / "gone.txt")]) == 2
    assert "gone.txt: cannot be read" in capsys.readouterr().err
