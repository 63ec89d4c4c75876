"""Labs whose picture model is a tiny SDXL of random weights, with its ControlNet, IP-Adapter and a character's LoRA."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import creative_lab.catalogue  # noqa: F401 - makes all tables known
from creative_lab.lake.tables import TableStore
from creative_lab.miniatures.manifest import write_manifest
from creative_lab.settings import REPOSITORY_ROOT, Settings
from creative_lab.state import db
from creative_lab.storyboards import picturing, work
from creative_lab.storyboards.boards import Board
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


def with_tiny_models(root: Path, tiny_xl: Path | None, *, vision: bool = False) -> Path:
    """A data folder in ``root`` whose picture model is the tiny one, drawing 64 × 64 in two steps.

    Without ``tiny_xl`` there is no picture model, without ``vision`` no model that measures: both are missing, as on a
    machine where nothing was trained yet.
    """
    data = root / "data"
    (data / "models").mkdir(parents=True)
    presets = json.loads((REPOSITORY_ROOT / "data" / "presets.json").read_text())
    for entry in presets["models"]:
        if entry["slug"] == "miniature-xl":
            entry.update({"default_width": 64, "default_height": 64, "steps": 2})
    (data / "presets.json").write_text(json.dumps(presets))
    (data / "storyboards").symlink_to(REPOSITORY_ROOT / "data" / "storyboards")
    for file in (REPOSITORY_ROOT / "data").glob("*.json"):
        if file.name != "presets.json":
            (data / file.name).symlink_to(file)
    for name in ("miniature-xl", "miniature-pose", "miniature-reference") if tiny_xl else ():
        assert tiny_xl is not None
        (data / "models" / name).symlink_to(tiny_xl / name)
    for name in ("manifest.json", "faces", "clip", "preference", "aesthetic"):
        shipped = REPOSITORY_ROOT / "data" / "models" / name
        if shipped.exists() and (vision or name == "manifest.json"):
            (data / "models" / name).symlink_to(shipped)
    for name in ("miniature-xl", "miniature-pose", "miniature-reference") if tiny_xl else ():
        write_manifest(data / "models", name)  # becomes a file of its own in the place of the link
    return data


def _lab(data: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    from creative_lab.settings import get_settings

    monkeypatch.setenv("CREATIVE_LAB_DATA_DIR", str(data))
    monkeypatch.setenv("CREATIVE_LAB_DEVICE", "cpu")
    get_settings.cache_clear()
    return get_settings()


@pytest.fixture
def line_lab(
    migrated_lab: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Settings]:
    """A lab without any trained model: only the illustrator draws, and nothing measures."""
    settings = _lab(with_tiny_models(tmp_path, None), monkeypatch)
    yield settings
    db.dispose(settings)


@pytest.fixture
def drawing_lab(
    migrated_lab: Settings,
    tmp_path: Path,
    tiny_xl: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Settings]:
    """A lab with tiny picture models and the LoRA of the character mara; nothing measures."""
    settings = _lab(with_tiny_models(tmp_path, tiny_xl), monkeypatch)
    give_lora(settings, tiny_xl / "mara.safetensors")
    yield settings
    db.dispose(settings)


def give_lora(settings: Settings, file: Path, character: str = "mara") -> None:
    """The row and the file of a character's LoRA, as training would leave them, and the character's definition."""
    from creative_lab.lake.fs import FileSystem
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


def keep(settings: Settings, /, **fields: object) -> StoryboardRecord:
    """Make a record from fields and store it."""
    source = {"kind": "story", "story": STORY, "character": "mara"}
    given = {"key": "board", "title": "The kite", "source": source} | fields
    record = StoryboardRecord.model_validate(given)
    with db.session_scope(settings) as session:
        save_record(session, record, replace=True)
    return record


@dataclass(frozen=True)
class Drawn:
    """A storyboard that went the whole way, and its rows by table."""

    board: Board
    tables: dict[str, pl.DataFrame]

    def frames(self) -> list[dict[str, Any]]:
        """Rows of ``storyboard_frames`` in order."""
        return list(self.tables["storyboard_frames"].sort("scene").iter_rows(named=True))


def go(settings: Settings, /, key: str = "board", *, store: bool = False, run_id: str = "run", **options: Any) -> Drawn:
    """Scenes, prompts and pictures of a stored record; ``options`` go to the drawing."""
    scenes = work.scene_rows(settings, key, run_id=run_id)
    written = work.prompt_rows(settings, key, scenes, run_id=run_id)
    board = picturing.draw(settings, key, scenes, written.scene_prompts, run_id=run_id, **options)
    tables = {
        "storyboard_scenes": scenes,
        "scene_prompts": written.scene_prompts,
        "prompt_rounds": written.prompt_rounds,
        **picturing.frames_of(board),
    }
    if store:
        lake = TableStore(settings)
        for name, frame in tables.items():
            lake.write(name, frame, partition={"storyboard": key}, run_id="run", backend="miniature")
    return Drawn(board, tables)
