"""A lab whose measuring models have random weights of the real architectures."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from creative_lab.settings import REPOSITORY_ROOT, Settings
from creative_lab.vision.models import VisionModels
from creative_lab_tests.vision import tiny


@pytest.fixture(scope="session")
def random_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """data/models with every miniature's folder, filled with random weights, and the shipped faces."""
    import torch

    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("measuring") / "models"
    tiny.clip(root / "clip", seed=1)
    tiny.clip(root / "preference", seed=2)
    tiny.laion_head(root / "aesthetic", inputs=24, seed=3)
    tiny.vision_language(root / "vision-language")
    tiny.segformer(root / "garments")
    shutil.copytree(REPOSITORY_ROOT / "data" / "models" / "faces", root / "faces")
    tiny.write_manifest(root)
    return root


def vision_lab(root: Path, random_models: Path) -> Settings:
    """Settings of a lab with the shipped catalogue and random models."""
    data = root / "data"
    data.mkdir(parents=True)
    (data / "presets.json").write_text((REPOSITORY_ROOT / "data" / "presets.json").read_text())
    (data / "models").symlink_to(random_models)
    return Settings(home=root / "home", data_dir=data, device="cpu", offline=True)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory, random_models: Path) -> Iterator[VisionModels]:
    """Warm models that no test changes."""
    with VisionModels(vision_lab(tmp_path_factory.mktemp("vision-lab"), random_models)) as models:
        yield models


@pytest.fixture
def own_lab(tmp_path: Path, random_models: Path) -> Settings:
    """A lab of this test's own, whose models are copies that it may change."""
    settings = vision_lab(tmp_path, random_models)
    (settings.data_dir / "models").unlink()
    shutil.copytree(random_models, settings.data_dir / "models")
    return settings


def change_catalogue(settings: Settings, change) -> None:
    """Rewrite DATA_DIR/presets.json."""
    path = settings.data_dir / "presets.json"
    presets = json.loads(path.read_text())
    change(presets)
    path.write_text(json.dumps(presets))


@pytest.fixture(scope="session")
def pictures() -> list[np.ndarray]:
    """Drawn scenes of four sizes, one of them grey and one very wide."""
    from creative_lab.illustrator.sample import sample_scene
    from creative_lab.illustrator.scene import draw_scene

    drawn = [
        draw_scene(sample_scene(seed), width, height).pixels
        for seed, (width, height) in enumerate([(96, 96), (160, 90), (90, 160), (96, 96), (200, 60)], start=70_000_000)
    ]
    drawn[3] = np.repeat(drawn[3].mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    return drawn


@pytest.fixture(scope="session")
def texts() -> list[str]:
    """A text for each of the pictures, one of them far longer than 77 tokens."""
    return ["a red hat", "two people in a park", "a red hat", "rain " * 60, "someone laughs"]
