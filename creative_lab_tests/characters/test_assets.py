"""The assets of a character in Dagster, from pictures to a LoRA, on a tiny model and a server that sees pictures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from creative_lab.characters.assets import captions, lora_training, training_set
from creative_lab.characters.record import new_character
from creative_lab.characters.samples import draw, read_description
from creative_lab.lake.fs import FileSystem
from creative_lab.lake.io_manager import TableIOManager
from creative_lab.lake.tables import TableStore
from creative_lab.miniatures.manifest import write_manifest
from creative_lab.partitions import characters
from creative_lab.settings import REPOSITORY_ROOT, Settings, get_settings
from creative_lab.state import db
from creative_lab_tests.characters.vision_server import VisionServer, serve

PICTURES = 4
KEYS = [{"character": "orla"}]
LORA = {
    "recipe": "miniature",
    "max_steps": 6,
    "changes": {"rank": 2, "alpha": 2, "checkpoint_every": 3, "validation_steps": 1, "warmup_steps": 0},
}


@pytest.fixture
def studio_lab(
    migrated_lab: Settings, tiny_place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Settings, VisionServer]]:
    """A lab whose captions come from a server, whose miniature is tiny, and which has one character."""
    data = tmp_path / "data"
    (data / "models").mkdir(parents=True)
    (data / "models" / "miniature-xl").symlink_to(tiny_place)
    write_manifest(data / "models", "miniature-xl")
    presets = json.loads((REPOSITORY_ROOT / "data" / "presets.json").read_text())
    for entry in presets["models"]:
        if entry["slug"] == "miniature-xl":
            entry |= {"default_width": 64, "default_height": 64, "steps": 2}
    (data / "presets.json").write_text(json.dumps(presets))
    folder = tmp_path / "pictures"
    folder.mkdir()
    for drawn in draw(read_description(REPOSITORY_ROOT / "data" / "characters" / "orla"))[:PICTURES]:
        (folder / drawn.source).write_bytes(drawn.data)
    places = ("park at dawn", "street at noon", "library at night", "kitchen in the evening")
    answers = [f"orla_kez waving, in the {place}, medium close-up" for place in places]
    with serve(*answers) as server:
        for name, value in {
            "PROFILE": "studio", "LLM_API_BASE": server.api_base, "HOSTED_MODEL": "eyes", "OFFLINE": "1",
            "DATA_DIR": str(data), "DEVICE": "cpu",
        }.items():  # fmt: skip
            monkeypatch.setenv(f"CREATIVE_LAB_{name}", value)
        get_settings.cache_clear()
        settings = get_settings()
        with db.session_scope(settings) as session:
            new_character(settings, session, "orla", folder=folder, trigger="orla_kez")
        yield settings, server


def run(instance: dg.DagsterInstance, assets: list[Any], config: dict[str, Any]) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        assets,
        instance=instance,
        partition_key="orla",
        resources={"io_manager": TableIOManager()},
        run_config={"ops": config},
        selection=None,
        raise_on_error=False,
    )


@pytest.mark.slow
def test_a_character_goes_from_pictures_to_a_lora_that_the_studio_wears(
    studio_lab: tuple[Settings, VisionServer],
) -> None:
    settings, server = studio_lab
    store = TableStore(settings)
    everything = [captions, training_set, lora_training]
    with dg.instance_for_test() as instance:
        instance.add_dynamic_partitions(str(characters.name), ["orla"])
        config = {"training_set": {"config": {"base_model": "miniature-xl"}}, "lora_training": {"config": LORA}}
        result = run(instance, everything, config)
        assert result.success
        found = {name: store.read(name, KEYS) for name in
                 ("captions", "training_set", "training_metrics", "lora_checkpoints", "lora_weights",
                  "lora_validation")}  # fmt: skip
        assert found["captions"]["status"].to_list() == ["ready"] * PICTURES
        assert found["training_set"]["used"].all()
        assert found["lora_checkpoints"]["step"].to_list() == [0, 3, 6]
        assert found["training_metrics"].select("step", "loss", "learning_rate", "epoch").drop_nulls().height > 0
        assert found["lora_validation"].height == 3 * 4
        row = found["lora_weights"].row(0, named=True)
        assert (row["trigger"], row["base_model"], row["chosen_step"], row["identity"]) == (
            "orla_kez", "miniature-xl", 6, None,
        )  # fmt: skip
        assert "no checkpoint could be judged" in row["chosen_because"]
        lake = FileSystem.of_lake(settings)
        assert lake.exists(row["path"]) and lake.exists(row["kohya_path"])
        _draws_with_it(settings, lake.path(row["path"]))
        reports = settings.reports_dir / "characters" / "orla"
        assert {path.name for path in reports.iterdir()} == {
            "captions.md", "manifest.json", "training_metrics.csv", "training_summary.txt",
        }  # fmt: skip
        assert (reports / "training_metrics.csv").read_text().startswith("step,loss,learning_rate,epoch")
        metadata = {
            event.asset_key.to_user_string(): event.materialization.metadata
            for event in result.get_asset_materialization_events()
            if event.asset_key
        }
        assert "data:image/jpeg;base64," in str(metadata["lora_weights"]["with_lora"].value)
        # A second run asks nobody and trains nothing again.
        again = run(instance, everything, config)
        assert again.success
        assert len(server.requests) == PICTURES
        assert store.read("captions", KEYS)["kept"].all()
        assert store.read("lora_weights", KEYS)["sha256"][0] == row["sha256"]


def _draws_with_it(settings: Settings, path: Path) -> None:
    import numpy as np

    from creative_lab.imaging.generation import PictureStudio
    from creative_lab.imaging.parameters import LoraUse, PictureRequest

    studio = PictureStudio(settings)
    lora = LoraUse(slug="orla", path=str(path), strength=1.0, triggers="orla_kez")
    pictures = [
        studio.generate(PictureRequest(model="miniature-xl", prompt="orla_kez waving", seed=1, loras=worn)).pictures[0]
        for worn in ((), (lora,))
    ]
    studio.evict()
    plain, wearing = (np.asarray(picture.image) for picture in pictures)
    assert not np.array_equal(plain, wearing)


def test_bad_settings_and_hosted_models_give_one_clear_failure(studio_lab: tuple[Settings, VisionServer]) -> None:
    from creative_lab.characters import base_model, work
    from creative_lab.characters.errors import CharacterError

    settings, _ = studio_lab
    with pytest.raises(CharacterError, match="nano-banana is a hosted model: training needs a local model"):
        base_model.choose(settings.model_copy(update={"profile": "hosted"}))
    with pytest.raises(CharacterError, match="flux1_dev is flux1: LoRAs of characters are trained for SDXL"):
        base_model.choose(settings, "flux1_dev")
    made = work.caption_rows(settings, "orla", run_id="r")
    broken = made.frame.with_columns(caption=None, status=None).with_columns(status=made.frame["status"])
    with pytest.raises(CharacterError, match="orla: no pair of picture and caption can be trained with"):
        work.training_set_rows(settings, "orla", broken, run_id="r", model="miniature-xl")
    paired = work.training_set_rows(settings, "orla", made.frame, run_id="r", model="miniature-xl").frame
    with pytest.raises(CharacterError, match="there is no recipe 'huge'; there are: standard, small-card, miniature"):
        work.lora_rows(settings, "orla", paired, run_id="r", recipe="huge")
    with pytest.raises(CharacterError, match="training settings: rank"):
        work.lora_rows(settings, "orla", paired, run_id="r", changes={"rank": -1})
