"""The commands about image models and recipes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from creative_lab.cli import main
from creative_lab.settings import REPOSITORY_ROOT, get_settings
from creative_lab.vision.models import VisionModels


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CREATIVE_LAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CREATIVE_LAB_OFFLINE", "true")
    monkeypatch.setenv("COLUMNS", "200")
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def test_models_are_listed_with_state_and_licence_and_nothing_is_fetched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "list"]) == 0
    shown = capsys.readouterr().out
    flux = next(line for line in shown.splitlines() if line.startswith("flux1_dev"))
    assert "not pulled" in flux
    assert "Non-Commercial" in flux
    assert " no " in flux
    assert "not trained yet" in shown or "here" in shown
    assert not (tmp_path / "home" / "models").exists()


def test_the_list_names_roles_memory_and_the_size_of_what_is_on_disk(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "list", "--json"]) == 0
    listed = {entry["slug"]: entry for entry in json.loads(capsys.readouterr().out)}
    clip = listed["miniature-clip"]
    folder = REPOSITORY_ROOT / "data" / "models" / "clip"
    assert clip["size_bytes"] == sum(file.stat().st_size for file in folder.iterdir())
    assert "miniature: clip" in clip["roles"] and clip["vram_mb"] == 128
    assert main(["models", "list"]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("miniature-clip"))
    assert f"{clip['size_bytes'] / 1e6:.1f}" in row.split() and "128" in row.split()
    assert "miniature: clip, miniature: clip_identity" in row


def test_a_part_of_a_model_is_listed_as_incomplete_and_verify_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "home" / "models" / "Qwen--Qwen2.5-VL-7B-Instruct"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model-1.safetensors").write_bytes(b"half")
    parts = {"a": "model-1.safetensors", "b": "model-2.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": parts}))
    assert main(["models", "list"]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("qwen2.5-vl-7b"))
    assert "incomplete" in row
    assert main(["models", "verify", "qwen2.5-vl-7b"]) == 1
    assert "model-2.safetensors is missing" in capsys.readouterr().err
    assert "model-2.safetensors is missing" in VisionModels(get_settings(), "studio").missing("vqascore")


def test_an_unknown_model_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "verify", "no-such-model"]) == 1
    assert "zimageturbo" in capsys.readouterr().err


def test_a_model_that_is_not_here_names_the_command_that_fetches_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "verify", "sdxl_base"]) == 1
    assert "creative-lab models pull sdxl_base" in capsys.readouterr().err


def test_a_pull_is_refused_where_the_network_is_forbidden(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "pull", "sdxl_base"]) == 1
    assert "OFFLINE" in capsys.readouterr().err.upper()


def test_a_picture_without_a_recipe_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "plain.png"
    Image.new("RGB", (8, 8)).save(file)
    assert main(["recipe", "show", str(file)]) == 1
    assert "carries no recipe" in capsys.readouterr().err


def test_the_parameters_of_another_tool_are_shown_as_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from PIL.PngImagePlugin import PngInfo

    note = PngInfo()
    note.add_itxt("parameters", "a red boat\nSteps: 20, Seed: 7")
    file = tmp_path / "other.png"
    Image.new("RGB", (8, 8)).save(file, pnginfo=note)
    assert main(["recipe", "show", str(file)]) == 0
    assert "Steps: 20, Seed: 7" in capsys.readouterr().out
