"""The assets in Dagster and the commands around them, on a lab where the illustrator draws."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from creative_lab import cli
from creative_lab.lake.io_manager import TableIOManager
from creative_lab.lake.tables import TableStore
from creative_lab.settings import Settings
from creative_lab.state import db
from creative_lab.state.models import DynamicDefinition
from creative_lab.storyboards import assets, checks
from creative_lab.storyboards.checks import below_threshold, without_picture, wrong_subject
from creative_lab.storyboards.sensors import storyboard_arrivals
from creative_lab_tests.storyboards.conftest import keep

ALL: list[Any] = [
    assets.storyboard_scenes, assets.storyboard_prompts, assets.storyboard_pictures, assets.storyboard_sheet,
    checks.storyboard_frame_checks,
]  # fmt: skip
TABLES = ("storyboard_scenes", "scene_prompts", "prompt_rounds", "frame_candidates", "quality_scores",
          "storyboard_frames", "storyboard_sheet")  # fmt: skip
SMALL = {"num_variations": 2, "width": 96, "height": 64}


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """An instance of Dagster that lives in memory, with the partition board."""
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("storyboard", ["board"])
        yield instance


def run(instance: dg.DagsterInstance, **options: Any) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        ALL, instance=instance, partition_key="board", resources={"io_manager": TableIOManager()},
        run_config={"ops": {"storyboard_sheet": {"config": {"video": False}}}}, raise_on_error=False, **options,
    )  # fmt: skip


def test_a_storyboard_goes_from_story_to_documents_in_one_run_and_shows_its_frames(
    line_lab: Settings, instance: dg.DagsterInstance
) -> None:
    keep(line_lab, method="wireframe", settings=SMALL)
    result = run(instance)
    assert result.success
    store = TableStore(line_lab)
    frames = {name: store.read(name, [{"storyboard": "board"}]) for name in TABLES}
    assert all(frame.height for frame in frames.values())
    assert set(frames["storyboard_frames"]["backend"].to_list()) == {"miniature"}
    shown = next(
        event.materialization.metadata
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey("storyboard_frames")
    )
    assert str(shown["frames"].value).count("data:image/jpeg;base64,") == frames["storyboard_frames"].height
    assert shown["without_picture"].value == 0
    verdicts = {item.check_name: item for item in result.get_asset_check_evaluations()}
    assert set(verdicts) == {"every_scene_has_a_frame", "quality_above_threshold", "subject_is_present"}
    assert all(item.passed for item in verdicts.values())
    page = line_lab.reports_dir / "storyboards" / "board" / "index.html"
    assert page.read_text().startswith("<!doctype html>")


def test_a_second_run_of_the_same_gives_the_same_data_versions(
    line_lab: Settings, instance: dg.DagsterInstance
) -> None:
    keep(line_lab, method="wireframe", settings=SMALL)

    def versions(result: dg.ExecuteInProcessResult) -> dict[str, str | None]:
        return {
            str(event.asset_key): (event.materialization.tags or {}).get("dagster/data_version")
            for event in result.get_asset_materialization_events()
            if event.asset_key != dg.AssetKey("storyboard_sheet")  # its JSON carries the time
        }

    first, second = versions(run(instance)), versions(run(instance))
    assert first == second and len(first) == 6


def test_an_unknown_storyboard_or_a_missing_script_fails_with_one_clear_line(
    line_lab: Settings, instance: dg.DagsterInstance
) -> None:
    failed = run(instance)
    assert not failed.success
    assert "there is no storyboard 'board'" in str(failed.get_step_failure_events()[0].step_failure_data.error)
    keep(line_lab, method="wireframe", source={"kind": "script", "spot": "just-one", "target": "en-gb"})
    failed = run(instance)
    assert "just-one is not adapted to en-gb yet" in str(failed.get_step_failure_events()[0].step_failure_data.error)


def test_a_script_that_passed_its_gates_becomes_one_frame_per_row(
    line_lab: Settings, instance: dg.DagsterInstance
) -> None:
    from creative_lab.settings import REPOSITORY_ROOT

    spot = json.loads((REPOSITORY_ROOT / "data" / "spots" / "just-one.json").read_text())
    rows = [
        {
            "spot": "just-one", "target": "en-gb", "row": number, "status": "completed", "content_hash": "0" * 64,
            "code": "UK-GB", "name": "Just One", "language": "en-GB", "visual_style_prompt": "Deadpan comedy.",
            "writer_model": "embedded/drafter", **row, "duration_seconds": float(row["duration_seconds"]),
        }
        for number, row in enumerate(spot["script_rows"])
    ]  # fmt: skip
    store = TableStore(line_lab)
    store.write("adapted_scripts", pl.DataFrame(rows), run_id="adaptation", backend="miniature")
    keep(line_lab, method="wireframe", source={"kind": "script", "spot": "just-one", "target": "en-gb"}, settings=SMALL)
    assert run(instance).success
    scenes = store.read("storyboard_scenes", [{"storyboard": "board"}])
    assert scenes["script_row"].to_list() == list(range(len(rows)))
    names = store.read("frame_candidates", [{"storyboard": "board"}])["identifier"].to_list()
    assert names[0] == "just-one_UK-GB_row-01_wf-WS_img-01" and len(set(names)) == 2 * len(rows)
    failed = pl.DataFrame(rows).with_columns(status=pl.lit("failed"))
    store.write("adapted_scripts", failed, run_id="adaptation", backend="miniature")
    assert not run(instance).success


def test_checks_name_the_frames_that_they_are_about() -> None:
    base = {"path": "x", "status": "chosen", "reason": "", "below_threshold": False, "overall": 50.0,
            "faces_found": 1, "expected_faces": 1, "subject_presence": "full"}  # fmt: skip
    frames = pl.DataFrame(
        [
            {"scene": 1, **base},
            {"scene": 2, **base, "path": None, "status": "failed", "reason": "broken", "faces_found": None},
            {"scene": 3, **base, "below_threshold": True, "overall": 12.5},
            {"scene": 4, **base, "faces_found": 0},
            {"scene": 5, **base, "subject_presence": "none", "expected_faces": 0},
        ]
    )
    assert without_picture(frames) == ["scene 2 failed: broken"]
    assert below_threshold(frames) == ["scene 3: overall 12.5"]
    assert wrong_subject(frames) == [
        "scene 4: 0 of 1 faces found", "scene 5: the subject should not be there, 1 faces found",
    ]  # fmt: skip


def test_new_records_become_partitions(line_lab: Settings, instance: dg.DagsterInstance) -> None:
    keep(line_lab, key="fresh", method="wireframe")
    with dg.build_sensor_context(instance=instance) as context:
        found = storyboard_arrivals(context)
    assert isinstance(found, dg.SensorResult) and found.dynamic_partitions_requests
    assert list(found.dynamic_partitions_requests[0].partition_keys) == ["fresh"]
    instance.add_dynamic_partitions("storyboard", ["fresh"])
    with dg.build_sensor_context(instance=instance) as context:
        assert isinstance(storyboard_arrivals(context), dg.SkipReason)


@pytest.mark.slow
def test_a_story_of_ones_own_becomes_a_storyboard_on_the_command_line(
    line_lab: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    story = tmp_path / "story.txt"
    story.write_text("Tom finds a red ball in the park. He runs through the field. A dog follows him home.")
    make = ["storyboard", "new", "tom", "--story-file", str(story), "--method", "wireframe", "--preset", "fast",
            "--set", "num_scenes=6", "--set", "width=96", "--set", "height=64"]  # fmt: skip
    assert cli.main(make) == 0
    assert "creative-lab materialize group:storyboards --partition tom" in capsys.readouterr().out
    assert cli.main(["storyboard", "new", "tom", "--story", "Another story about Tom.", "--method", "wireframe"]) == 1
    assert "there is another storyboard 'tom' already" in capsys.readouterr().err
    assert cli.main(["storyboard", "new", "b", "--story", "Too", "--method", "wireframe"]) != 0
    assert "storyboard b: source.story" in capsys.readouterr().err
    assert cli.main([*make[:2], "c", *make[3:], "--set", "num_variations=99"]) != 0
    assert "settings.num_variations" in capsys.readouterr().err
    both = ["--method", "baseline", "--method", "wireframe"]
    with db.session_scope(line_lab) as session:
        for lead in ("tom", "ann"):
            definition = {"name": lead, "trigger": f"{lead}_zzz", "pictures": []}
            session.add(DynamicDefinition(kind="character", key=lead, definition=definition))
    for lead in ("tom", "ann"):
        assert cli.main(["storyboard", "import", "--character", lead, *both]) == 0
    assert cli.main(["storyboard", "list"]) == 0
    listed = capsys.readouterr().out
    assert "tom" in listed and all(f"the-merchants-horse-{lead}-baseline" in listed for lead in ("tom", "ann"))
    assert cli.main(["materialize", "group:storyboards", "--partition", "tom"]) == 0
    assert cli.main(["storyboard", "show", "tom"]) == 0
    shown = capsys.readouterr().out
    assert "index.html" in shown and "animatic.mp4" in shown
    frames = TableStore(line_lab).read("storyboard_frames", [{"storyboard": "tom"}])
    assert frames.height == 6 and frames["path"].null_count() == 0
