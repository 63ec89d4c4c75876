"""The commands about characters: one is defined, becomes a partition, and is listed; mistakes give one line."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from creative_lab.characters.record import find_character
from creative_lab.launch.instance import lab_instance
from creative_lab.settings import REPOSITORY_ROOT, Settings
from creative_lab.state import db
from creative_lab_tests.commands.conftest import Call

ORLA = REPOSITORY_ROOT / "data" / "characters" / "orla"


def test_a_sample_character_is_defined_listed_and_ready_to_be_materialized(migrated_lab: Settings, call: Call) -> None:
    assert "No character yet" in call("character", "list").out
    made = call("character", "new", "orla", "--pictures", ORLA)
    assert made.code == 0, made.err
    assert "Orla (orla) is defined: 30 pictures, trigger orla_kez" in made.out
    with lab_instance(migrated_lab) as instance:
        assert instance.get_dynamic_partitions("character") == ["orla"]
    again = call("character", "new", "orla", "--pictures", ORLA, "--name", "Orla Kez")
    assert "Orla Kez (orla) has new pictures" in again.out
    line = next(line for line in call("character", "list").out.splitlines() if line.startswith("orla"))
    assert line.split() == ["orla", "Orla", "Kez", "orla_kez", "30", "–"]


def test_captions_of_a_person_go_in_and_out_as_text_files_and_age_what_was_made(
    migrated_lab: Settings, call: Call, tmp_path: Path
) -> None:
    texts = tmp_path / "texts"
    key, observed = dg.AssetKey("character_definition"), dg.DagsterEventType.ASSET_OBSERVATION

    def version() -> str:
        with lab_instance(migrated_lab) as instance:
            tags = instance.event_log_storage.get_latest_tags_by_partition(key, observed, ["dagster/data_version"])
        return tags["orla"]["dagster/data_version"]

    assert call("character", "new", "orla", "--pictures", ORLA).code == 0
    first = version()
    with db.session_scope(migrated_lab) as session:
        name = find_character(session, "orla").pictures[0].name
    text = "orla_kez reading under a tree in the park at dawn, wide shot"
    said = call("character", "caption", "orla", name, text)
    assert said.code == 0 and f"{name}: ready: {text}" in said.out
    second = version()
    assert second != first
    assert call("character", "export-captions", "orla", texts).code == 0
    assert [file.name for file in texts.iterdir()] == [f"{name}.txt"]
    assert "0 captions are kept" in call("character", "import-captions", "orla", texts).out
    assert version() == second
    (texts / f"{name}.txt").write_text("orla_kez asleep under a tree in the park at night, wide shot")
    assert "orla_kez asleep" in call("character", "import-captions", "orla", texts).out
    assert call("character", "new", "orla", "--pictures", ORLA, "--trigger", "orla_zzz").code == 0
    assert version() not in (first, second)
    with db.session_scope(migrated_lab) as session:
        assert len(find_character(session, "orla").captions) == 1, "the pictures are the same"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["new", "Orla!", "--pictures", ORLA], "'Orla!' is no key"),
        (["new", "orla", "--pictures", "no/such/folder"], "no/such/folder is not a folder"),
        (["new", "orla", "--pictures", REPOSITORY_ROOT / "docs"], "give a trigger"),
        (["new", "orla", "--trigger", "orla_kez", "--pictures", REPOSITORY_ROOT / "deploy"], "there is no picture"),
        (["caption", "nobody", "1", "A walk."], "there is no character 'nobody'"),
        (["captions", "nobody"], "there is no character 'nobody'"),
    ],
)
def test_a_mistake_gives_one_clear_line(
    migrated_lab: Settings, call: Call, arguments: list[str | Path], message: str
) -> None:
    said = call("character", *arguments)
    assert said.code == 1
    assert message in said.err
    assert len(said.err.strip().splitlines()) == 1
