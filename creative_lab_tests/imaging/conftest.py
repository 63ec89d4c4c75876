"""A lab whose catalogue names tiny random models on disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from creative_lab.imaging import net
from creative_lab.imaging.catalogue import Catalogue
from creative_lab.imaging.generation import PictureStudio
from creative_lab.miniatures.manifest import write_manifest
from creative_lab.settings import REPOSITORY_ROOT, Settings
from creative_lab_tests.imaging import tiny
from creative_lab_tests.imaging.file_server import Server

TINY = {
    "miniature-xl": "sdxl",
    "sdxl_turbo": "sdxl",
    "realistic_vision": "sd15",
    "flux1_dev": "flux1",
    "qwen_image": "qwen",
    "zimageturbo": "zimage",
}
"""Presets that get tiny weights, and which builder makes them."""


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one tiny pipeline per architecture."""
    import torch

    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("tiny-models")
    for name, build in tiny.BUILDERS.items():
        build(root / name)
    return root


def change_presets(data_dir: Path, **changes: dict[str, Any]) -> None:
    """Change fields of models in DATA_DIR/presets.json, by slug (underscores stand for dashes where needed)."""
    path = data_dir / "presets.json"
    presets = json.loads(path.read_text())
    for kind in ("models", "controlnets", "ip_adapters", "hosted"):
        for entry in presets[kind]:
            entry.update(changes.get(entry["slug"], changes.get(entry["slug"].replace("-", "_"), {})))
    path.write_text(json.dumps(presets))


def ship_adapters(settings: Settings) -> None:
    """Put the tiny ControlNet and IP-Adapter beside the shipped model, with their hashes."""
    models = settings.data_dir / "models"
    for name, build in (("miniature-pose", tiny.controlnet), ("miniature-reference", tiny.ip_adapter)):
        build(models / name)
        write_manifest(models, name)


def lab_in(root: Path, tiny_models: Path) -> Settings:
    """Settings with a catalogue of its own, whose models are the tiny ones and draw at 64x64 in two steps."""
    data, home = root / "data", root / "home"
    (data / "models").mkdir(parents=True)
    (home / "models").mkdir(parents=True)
    presets = json.loads((REPOSITORY_ROOT / "data" / "presets.json").read_text())
    for entry in presets["models"]:
        if entry["slug"] in TINY:
            small = {"default_width": 64, "default_height": 64, "miniature": True, "steps": 2}
            entry.update(small)
            target = tiny_models / TINY[entry["slug"]]
            if entry["path"].startswith("shipped:"):
                name = entry["path"].removeprefix("shipped:")
                (data / "models" / name).symlink_to(target)
                write_manifest(data / "models", name)
            else:
                (home / "models" / entry["path"].replace("/", "--")).symlink_to(target)
    (data / "presets.json").write_text(json.dumps(presets))
    return Settings(home=home, data_dir=data, device="cpu", offline=True)


@pytest.fixture
def imaging_settings(tmp_path: Path, tiny_models: Path) -> Settings:
    """A lab of this test's own."""
    return lab_in(tmp_path, tiny_models)


@pytest.fixture(scope="session")
def studio_of(tmp_path_factory: pytest.TempPathFactory, tiny_models: Path) -> Callable[[str], PictureStudio]:
    """A studio per model that stays warm for all tests, which change nothing about it."""
    settings = lab_in(tmp_path_factory.mktemp("warm-lab"), tiny_models)
    return lru_cache(lambda _slug: PictureStudio(settings))


@pytest.fixture
def studio(imaging_settings: Settings) -> Iterator[PictureStudio]:
    """A studio over the tiny models."""
    studio = PictureStudio(imaging_settings, catalogue=Catalogue.load(imaging_settings))
    yield studio
    studio.evict()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A hub on this machine; pauses between attempts are short."""
    monkeypatch.setattr(net, "FIRST_WAIT_S", 0.01)
    server = Server()
    yield server
    server.http.shutdown()
    server.http.server_close()


@pytest.fixture
def catalogue(imaging_settings: Settings) -> Catalogue:
    """A catalogue with nothing pulled and keys set."""
    for entry in (imaging_settings.home / "models").iterdir():
        entry.unlink()
    keys = {"civitai_api_key": SecretStr("civitai-secret"), "hf_token": SecretStr("hub-secret")}
    return Catalogue.load(imaging_settings.model_copy(update=keys))
