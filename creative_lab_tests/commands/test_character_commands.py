"""The commands about characters: one is defined, becomes a partition, and is listed; mistakes give one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from creative_lab.launch.instance import lab_instance
from creative_lab.settings import REPOSITORY_ROOT, Settings
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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["new", "Orla!", "--pictures", ORLA], "'Orla!' is no key"),
        (["new", "orla", "--pictures", "no/such/folder"], "no/such/folder is not a folder"),
        (["new", "orla", "--pictures", REPOSITORY_ROOT / "docs"], "give a trigger"),
        (["new", "orla", "--trigger", "orla_kez", "--pictures", REPOSITORY_ROOT / "deploy"], "there is no picture"),
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
