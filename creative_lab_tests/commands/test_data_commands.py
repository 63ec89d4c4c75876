"""Reference data, spots and targets through the command line: in, out, and refused with one clear message."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from creative_lab.launch.instance import lab_instance
from creative_lab.settings import Settings, get_settings
from creative_lab.state import db
from creative_lab.state.models import Campaign, Region, Target
from creative_lab_tests.commands.conftest import Call

SPOTS = ("just-one", "the-long-way-home")


@pytest.fixture
def empty(migrated_lab: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A lab with tables and no rows; what a command sets in the environment is undone."""
    monkeypatch.setenv("DAGSTER_HOME", str(migrated_lab.home / "dagster"))
    return migrated_lab


@pytest.fixture
def filled(reference_lab: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A lab with the shipped reference data."""
    monkeypatch.setenv("DAGSTER_HOME", str(reference_lab.home / "dagster"))
    yield reference_lab


def count(settings: Settings, model: type[Any]) -> int:
    with db.session_scope(settings) as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def sample(name: str) -> Path:
    return get_settings().data_dir / "spots" / f"{name}.json"


def partitions(settings: Settings, name: str) -> list[str]:
    with lab_instance(settings) as instance:
        return sorted(instance.get_dynamic_partitions(name))


def test_a_dry_run_of_an_import_checks_everything_and_writes_nothing(empty: Settings, call: Call) -> None:
    said = call("import", empty.data_dir / "reference", "--dry-run")
    assert said.code == 0, said.err
    assert "regions" in said.out
    assert count(empty, Region) == 0
    assert not (empty.home / "dagster").exists(), "not even the instance is opened"


def test_an_import_registers_its_targets_and_what_is_exported_again_is_equal(
    empty: Settings, call: Call, tmp_path: Path
) -> None:
    source = empty.data_dir / "reference"
    assert call("import", source).code == 0
    assert "en-gb" in partitions(empty, "target")
    said = call("export", tmp_path / "out")
    assert said.code == 0, said.err
    assert {file.name for file in (tmp_path / "out").iterdir()} == {file.name for file in source.glob("*.json")}
    again = call("import", tmp_path / "out", "--dry-run")
    assert again.out == call("import", source, "--dry-run").out
    assert "0 would be created, 0 would be updated" in again.out


def test_a_bad_entry_is_one_message_with_file_entry_and_field_and_nothing_is_written(
    empty: Settings, call: Call, tmp_path: Path
) -> None:
    shutil.copytree(empty.data_dir / "reference", tmp_path / "data")
    file = tmp_path / "data" / "regions.json"
    regions = json.loads(file.read_text(encoding="utf-8"))
    regions[1]["name"] = 7
    file.write_text(json.dumps(regions), encoding="utf-8")
    said = call("import", tmp_path / "data")
    assert said.code == 1
    assert "regions.json" in said.err
    assert "name" in said.err
    assert "Traceback" not in said.err
    assert count(empty, Region) == 0


def test_a_folder_that_is_not_there_is_wrong_use(empty: Settings, call: Call, tmp_path: Path) -> None:
    said = call("import", tmp_path / "nowhere")
    assert said.code == 2
    assert "is not a folder" in said.err


def test_several_spots_are_imported_at_once_listed_and_registered(filled: Settings, call: Call) -> None:
    said = call("spot", "import", *(sample(name) for name in SPOTS))
    assert said.code == 0, said.err
    assert said.out.count("Imported.") == 2
    assert partitions(filled, "spot") == list(SPOTS)
    listed = call("spot", "list")
    assert listed.code == 0
    assert [line.split()[0] for line in listed.out.splitlines()[1:]] == list(SPOTS)


def test_a_bad_spot_is_refused_with_its_faults_and_the_good_one_beside_it_is_kept(
    filled: Settings, call: Call, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.json"
    spot = json.loads(sample("just-one").read_text(encoding="utf-8"))
    del spot["script_title"]
    bad.write_text(json.dumps(spot), encoding="utf-8")
    alone = call("spot", "import", bad)
    assert alone.code == 1
    assert "bad.json" in alone.err
    assert "script_title" in alone.err
    assert count(filled, Campaign) == 0
    both = call("spot", "import", bad, sample("the-long-way-home"), tmp_path / "missing.json")
    assert both.code == 1
    assert "missing.json" in both.err
    assert partitions(filled, "spot") == ["the-long-way-home"]


def test_a_dry_run_of_a_spot_writes_nothing(filled: Settings, call: Call) -> None:
    said = call("spot", "import", sample("just-one"), "--dry-run")
    assert said.code == 0, said.err
    assert count(filled, Campaign) == 0


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["New Target", "--name", "x", "--country", "GB"], "is no slug"),
        (["../up", "--name", "x", "--country", "GB"], "is no slug"),
        (["x" * 65, "--name", "x", "--country", "GB"], "is no slug"),
        (["fresh", "--name", "x", "--country", "XX"], "unknown country 'XX'"),
        (["fresh", "--name", "x", "--persona", "Nobody"], "unknown persona 'Nobody'"),
        (["fresh", "--name", "x"], "needs a persona, a country or a language"),
        (["fresh", "--country", "GB"], "--name"),
    ],
)
def test_a_target_that_cannot_be_is_wrong_use(filled: Settings, call: Call, arguments: list[str], reason: str) -> None:
    before = count(filled, Target)
    said = call("target", "new", *arguments)
    assert said.code == 2
    assert reason in said.err
    assert count(filled, Target) == before


def test_a_new_target_is_listed_registered_and_made_only_once(filled: Settings, call: Call) -> None:
    said = call("target", "new", "cardiff", "--name", "Cardiff", "--country", "GB", "--language", "en-GB")
    assert said.code == 0, said.err
    assert "SPOT|cardiff" in said.out
    assert "cardiff" in partitions(filled, "target")
    (line,) = [line for line in call("target", "list").out.splitlines() if line.startswith("cardiff")]
    assert line.split() == ["cardiff", "Cardiff", "–", "GB", "en-GB"]
    again = call("target", "new", "cardiff", "--name", "Cardiff", "--country", "GB")
    assert again.code == 1
    assert "already" in again.err


def test_insights_are_printed_as_markdown_to_the_letter(filled: Settings, call: Call) -> None:
    from creative_lab.adaptation.stored import find_target
    from creative_lab.reference.insights import compose_insights_as_markdown, subject_of

    with db.session_scope(filled) as session:
        wanted = compose_insights_as_markdown(subject_of(find_target(session, "uk-young-parents")))
    said = call("insights", "uk-young-parents")
    assert said.code == 0
    assert said.out.rstrip("\n") == wanted.rstrip("\n")
    unknown = call("insights", "nowhere")
    assert unknown.code == 1
    assert "'nowhere'" in unknown.err


def test_countries_are_completed_from_cldr_in_the_folder_that_was_named(
    empty: Settings, call: Call, tmp_path: Path
) -> None:
    for name in ("countries.json", "languages.json"):
        (tmp_path / name).write_text("[]")
    said = call("cldr", tmp_path, "--country", "NO")
    assert said.code == 0, said.err
    assert [entry["code"] for entry in json.loads((tmp_path / "countries.json").read_text())] == ["NO"]


def test_a_survey_file_of_the_wrong_shape_is_one_message(filled: Settings, call: Call, tmp_path: Path) -> None:
    file = tmp_path / "wvs.csv"
    file.write_text("not,the,survey\n1,2,3\n")
    said = call("wvs", file)
    assert said.code == 1
    assert "wvs.csv" in said.err
    assert "Traceback" not in said.err
