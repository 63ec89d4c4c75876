"""Labs whose picture model is a tiny SDXL of random weights, with its ControlNet, IP-Adapter and a character's LoRA."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import creative_lab.catalogue  # noqa: F401 - makes all tables known
from creative_lab.settings import REPOSITORY_ROOT, Settings
from creative_lab.state import db
from creative_lab.storyboards.record import StoryboardRecord
from creative_lab.storyboards.stored import save_record
from creative_lab_tests.imaging import tiny

STORY = (
    "Mara finds a small yellow kite in the park. She carries it to the workshop. An old man mends it with her. "
    "Snow falls over the village. Mara runs through the field with the kite. She laughs at sunset."
)


@pytest.fixture(scope="session")
def tiny_xl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tiny pipeline, its adapters and a LoRA."""
    import torch

    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("tiny-storyboard-models")
    tiny.sdxl(root / "miniature-xl")
    tiny.controlnet(root / "miniature-pose")
    tiny.ip_adapter(root / "miniature-reference")
    tiny.lora(root / "mara.safetensors")
    return root


def with_tiny_models(root: Path, tiny_xl: Path) -> Path:
    """A data folder in ``root`` whose picture model is the tiny one, drawing 64 × 64 in two steps."""
    data = root / "data"
    (data / "models").mkdir(parents=True)
    presets = json.loads((REPOSITORY_ROOT / "data" / "presets.json").read_text())
    for entry in presets["models"]:
        if entry["slug"] == "miniature-xl":
            entry.update({"default_width": 64, "default_height": 64, "steps": 2})
    (data / "presets.json").write_text(json.dumps(presets))
    for file in (REPOSITORY_ROOT / "data").glob("*.json"):
        if file.name != "presets.json":
            (data / file.name).symlink_to(file)
    for name in ("miniature-xl", "miniature-pose", "miniature-reference"):
        (data / "models" / name).symlink_to(tiny_xl / name)
    for name in ("manifest.json", "faces", "clip", "preference", "aesthetic"):
        shipped = REPOSITORY_ROOT / "data" / "models" / name
        if shipped.exists():
            (data / "models" / name).symlink_to(shipped)
    return data


@pytest.fixture
def drawing_lab(
    migrated_lab: Settings,
    tmp_path: Path,
    tiny_xl: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Settings]:
    """A lab with a migrated database, tiny picture models and the LoRA of the character mara."""
    from creative_lab.settings import get_settings

    data = with_tiny_models(tmp_path, tiny_xl)
    monkeypatch.setenv("CREATIVE_LAB_DATA_DIR", str(data))
    monkeypatch.setenv("CREATIVE_LAB_DEVICE", "cpu")
    get_settings.cache_clear()
    settings = get_settings()
    give_lora(settings, tiny_xl / "mara.safetensors")
    yield settings
    db.dispose(settings)


def give_lora(settings: Settings, file: Path, character: str = "mara") -> None:
    """The row and the file of a character's LoRA, as training would leave them, and the character's definition."""
    import polars as pl

    from creative_lab.lake.fs import FileSystem
    from creative_lab.lake.tables import TableStore
    from creative_lab.state.models import DynamicDefinition

    path, digest = FileSystem.of_lake(settings).put(file.read_bytes(), ".safetensors")
    row = {
        "character": character, "path": path, "sha256": digest, "bytes": file.stat().st_size, "kohya_path": path,
        "kohya_sha256": digest, "trigger": f"{character}_woman", "base_model": "miniature-xl",
        "base_model_sha256": None, "architecture": "sdxl", "rank": 2, "alpha": 2.0, "pictures": 30, "steps": 10,
        "chosen_step": 10, "chosen_because": "test", "identity": None, "identity_base": None, "skipped_steps": 0,
        "prediction_type": "epsilon", "recipe": "{}", "seconds": 1.0, "steps_per_second": 10.0,
    }  # fmt: skip
    TableStore(settings).write("lora_weights", pl.DataFrame([row]), run_id="training", backend="miniature")
    with db.session_scope(settings) as session:
        session.add(
            DynamicDefinition(
                kind="character", key=character, definition={"name": "Mara", "trigger": f"{character}_woman"}
            )
        )


@pytest.fixture
def keep(drawing_lab: Settings) -> Callable[[dict[str, object]], StoryboardRecord]:
    """Makes a record from fields and stores it."""

    def make(fields: dict[str, object]) -> StoryboardRecord:
        record = StoryboardRecord.model_validate(
            {"key": "board", "title": "The kite", "source": {"kind": "story", "story": STORY, "character": "mara"}}
            | fields
        )
        with db.session_scope(drawing_lab) as session:
            save_record(session, record, replace=True)
        return record

    return make
