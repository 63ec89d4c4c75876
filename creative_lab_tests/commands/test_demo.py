"""The demo on a smaller world: it works once, redoes nothing it need not, and tells an honest failure from a fault."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from creative_lab.commands import demo_adaptation
from creative_lab.launch.instance import lab_instance
from creative_lab.settings import Settings, get_settings
from creative_lab_tests.commands.conftest import Call

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def small_world(migrated_lab: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A copy of the shipped data that a test may damage, and two targets: one in English and one in German."""
    shutil.copytree(migrated_lab.data_dir / "reference", tmp_path / "data" / "reference")
    shutil.copytree(migrated_lab.data_dir / "spots", tmp_path / "data" / "spots")
    shutil.copytree(migrated_lab.data_dir / "validation", tmp_path / "data" / "validation")
    shutil.copy(migrated_lab.data_dir / "presets.json", tmp_path / "data" / "presets.json")
    monkeypatch.setenv("CREATIVE_LAB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("DAGSTER_HOME", str(migrated_lab.home / "dagster"))
    monkeypatch.setattr(demo_adaptation, "TARGETS", ("en-gb", "de-de"))
    get_settings.cache_clear()
    yield get_settings()


def runs(settings: Settings) -> int:
    with lab_instance(settings) as instance:
        return instance.get_runs_count()


def test_the_demo_works_once_and_then_only_when_asked_or_when_something_changed(
    small_world: Settings, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = call("demo", "--chapter", "adaptation")
    assert first.code == 0, first.out + first.err
    rows = {line.split()[0]: line for line in first.out.splitlines() if line.startswith(("en-gb", "de-de"))}
    assert rows["en-gb"].count("green") == 3
    assert rows["de-de"].count("needs translation") == 3, "which is no error"
    assert "cannot translate from English (en-US) to German (de-DE)" in first.out
    assert re.search(r"^brand_gate +\d+ +[01]\.\d{3} +[01]\.\d{3}", first.out, re.MULTILINE)
    assert "scripts" in first.out
    assert first.out.count(".venv/bin/creative-lab ") == 3
    assert small_world.warehouse_path.is_file()
    done = runs(small_world)
    assert done > 9

    second = call("demo", "--chapter", "adaptation")
    assert second.code == 0, second.out + second.err
    assert runs(small_world) == done
    assert "\n0 runs in " in second.out
    assert f"; {done} were finished earlier" in second.out
    assert "FRESH=1" in second.out

    fault_in_the_data(small_world)
    monkeypatch.setattr(demo_adaptation, "TARGETS", ("en-gb",))
    third = call("demo", "--fresh", "--chapter", "adaptation")
    assert third.code == 1
    assert "just-one.de.json is missing" in third.err
    assert "en-gb" not in third.err
    assert runs(small_world) >= done + 9, "reference data, three spots, three adaptations, measurement, warehouse"
    with lab_instance(small_world) as instance:
        failed = instance.get_runs(filters=dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
    assert failed


def fault_in_the_data(settings: Settings) -> None:
    """A file that the measurement of the gates needs is gone."""
    (settings.data_dir / "validation" / "translations" / "just-one.de.json").unlink()


def test_a_lab_without_sample_spots_says_so(small_world: Settings, call: Call) -> None:
    shutil.rmtree(small_world.data_dir / "spots")
    said = call("demo", "--chapter", "adaptation")
    assert said.code == 1
    assert "there are no sample spots in" in said.err
