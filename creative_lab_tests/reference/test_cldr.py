"""Countries and languages from CLDR."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from creative_lab.reference.cldr import complete_directory, generate, merge
from creative_lab.reference.importing import import_directory
from creative_lab.reference.problems import ImportFailed
from creative_lab.settings import Settings
from creative_lab.state import db
from creative_lab_tests.reference import sample

COUNTRIES = ["DE", "CH", "IN", "ZA", "US", "TW", "NO", "RS"]


def _tags(threshold: float, include_official: bool = True) -> set[str]:
    files = generate(COUNTRIES, threshold=threshold, primary_model="m", include_official=include_official)
    return {entry["code"] for entry in files["languages"]}


def test_a_higher_threshold_gives_fewer_languages() -> None:
    found = [_tags(threshold) for threshold in (0.1, 1, 5, 20, 60)]
    assert all(narrow < wide for wide, narrow in itertools.pairwise(found))


def test_a_language_that_is_official_in_the_whole_country_is_kept_below_the_threshold() -> None:
    assert "it-CH" in _tags(50) and "it-CH" not in _tags(50, include_official=False)
    # Official in one region only does not count.
    assert "rm-CH" not in _tags(50)


def test_the_official_language_with_most_users_is_primary_and_default() -> None:
    files = generate(["CH", "IN", "NO", "TW"], threshold=10, primary_model="m")
    assert {entry["code"]: entry["default_language"] for entry in files["countries"]} == {
        "CH": "de-CH",
        "IN": "hi-IN",
        "NO": "nb-NO",
        "TW": "zh-Hant-TW",
    }
    assert sum(entry["is_primary"] for entry in files["country_languages"]) == 4
    names = {entry["code"]: entry["name"] for entry in files["languages"]}
    assert names["fr-CH"] == "French (Switzerland)"
    assert "no-NO" not in names


@pytest.mark.parametrize(("codes", "threshold"), [(["XX"], 5), (["Germany"], 5), (["DE"], -1), (["DE"], 101)])
def test_a_code_that_is_no_country_and_a_threshold_that_is_no_percentage_are_refused(
    codes: list[str], threshold: float
) -> None:
    with pytest.raises(ValueError, match=r"no ISO 3166|percentage"):
        generate(codes, threshold=threshold, primary_model="m")


def test_merging_keeps_everything_that_people_wrote() -> None:
    mine = sample.data()
    generated = generate(["DE", "NZ", "FR"], threshold=5, primary_model="m")
    merged = merge(mine, generated)
    by_code = {entry["code"]: entry for entry in merged["countries"]}
    assert by_code["DE"] == mine["countries"][0]
    assert by_code["NZ"] == mine["countries"][3] | {"default_language": "en-NZ"}
    assert by_code["FR"]["name"] == "France"
    assert merged["languages"][: len(mine["languages"])] == mine["languages"]
    german = [entry for entry in merged["country_languages"] if entry["country_code"] == "DE"]
    assert [entry["language_code"] for entry in german if entry["is_primary"]] == ["de-DE"]
    assert merge(merged, generated) == merged


def test_generated_files_import_and_a_second_generation_changes_no_byte(migrated_lab: Settings, tmp_path: Path) -> None:
    folder = sample.write(tmp_path / "data", sample.data())
    gained = complete_directory(folder, [*COUNTRIES, "AT", "JP", "NZ"], threshold=5, primary_model="lab/one").gained
    assert gained["countries.json"] == 7 and gained["languages.json"] > 20
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(complete_directory(folder, threshold=5, primary_model="lab/one").gained.values()) == {0}
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    with db.session_scope(migrated_lab) as session:
        report = import_directory(session, folder)
    assert report.created > 60


def test_a_file_that_is_no_list_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "languages.json").write_text(json.dumps({"code": "de"}))
    with pytest.raises(ImportFailed, match=r"languages\.json: must hold a list"):
        complete_directory(tmp_path, ["DE"], threshold=5, primary_model="m")
    assert [path.name for path in tmp_path.iterdir()] == ["languages.json"]
