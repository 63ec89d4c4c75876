"""What a drawn scene outlasts and what it doesn't: changed records, words, judges; and stops at every step."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from creative_lab import cli
from creative_lab.imaging.catalogue import Catalogue
from creative_lab.lake.pictures import PictureStore
from creative_lab.lake.tables import TableStore
from creative_lab.settings import REPOSITORY_ROOT, Settings
from creative_lab.state import db
from creative_lab.state.models import DynamicDefinition
from creative_lab.storyboards import work
from creative_lab.storyboards.drawing import roles_of
from creative_lab.storyboards.frame_rows import TAKEN, png_of, with_threshold
from creative_lab.storyboards.lasting import drawn_from, fallbacks_and_notes
from creative_lab.storyboards.record import StoryboardRecord
from creative_lab.storyboards.sheet import documents
from creative_lab.storyboards.sheet.gathering import Sheet, SheetFrame
from creative_lab.storyboards.stored import definition_versions
from creative_lab.vision.models import VisionModels
from creative_lab_tests.storyboards.conftest import go, keep

TOLD = [
    {"description": "Mara waves in the park", "prompt": "Mara waves", "duration_seconds": 3.0},
    {"description": "Mara reads in the library", "prompt": "Mara reads", "duration_seconds": 3.0},
]
BRIEF: dict[str, Any] = {
    "method": "wireframe", "source": {"kind": "scenes", "scenes": TOLD}, "settings": {"num_variations": 2},
}  # fmt: skip


def test_a_replaced_storyboard_is_made_again_and_only_then(
    line_lab: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    new = ["storyboard", "new", "tom", "--story", "Tom finds a red ball in the park. A dog follows him home.",
           "--method", "wireframe"]  # fmt: skip
    make = ["materialize", 'key:"storyboard_scenes"', "--partition", "tom"]

    def film() -> tuple[str, float]:
        assert cli.main(make) == 0
        rows = TableStore(line_lab).read("storyboard_scenes", [{"storyboard": "tom"}])
        return capsys.readouterr().out, float(rows["duration_seconds"].sum())

    assert cli.main(new) == 0
    assert "done" in film()[0]
    assert "up to date" in film()[0]
    assert cli.main([*new, "--replace"]) == 0, "the same again"
    assert "up to date" in film()[0]
    assert cli.main([*new, "--replace", "--set", "target_duration=45", "--title", "The ball"]) == 0
    said, seconds = film()
    assert "done" in said and seconds == pytest.approx(45, abs=1)


def test_a_fresh_process_shows_the_documents_of_a_storyboard(line_lab: Settings) -> None:
    keep(line_lab, key="tom", method="wireframe")

    def show() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "creative_lab.cli", "storyboard", "show", "tom"]
        return subprocess.run(command, check=False, capture_output=True, text=True, env=dict(os.environ), timeout=120)

    empty = show()
    assert empty.returncode == 1 and "tom has no documents yet" in empty.stderr
    row = {"storyboard": "tom", "document": "page", "path": "storyboards/tom/index.html", "sha256": "0" * 64,
           "bytes": 1, "frames": 6, "note": None}  # fmt: skip
    import polars as pl

    TableStore(line_lab).write("storyboard_sheet", pl.DataFrame([row]), run_id="r", backend="miniature")
    full = show()
    assert full.returncode == 0, full.stderr
    assert "storyboards/tom/index.html" in full.stdout


def test_a_kept_scene_takes_the_title_and_the_timing_of_now(line_lab: Settings) -> None:
    keep(line_lab, **BRIEF)
    before = go(line_lab).frames()
    longer = [{**told, "duration_seconds": 5.0, "dialogue": "Hello!"} for told in TOLD]
    settings = {"num_variations": 2, "quality_threshold": 90, "batch_size": 1}
    keep(line_lab, **BRIEF | {"source": {"kind": "scenes", "scenes": longer}, "settings": settings}, title="Another")
    made = go(line_lab)
    after = made.frames()
    assert made.board.redone == [] and [row["sha256"] for row in after] == [row["sha256"] for row in before]
    assert [(row["title"], row["start_seconds"], row["duration_seconds"]) for row in after] == [
        ("Another", 0.0, 5.0), ("Another", 5.0, 5.0),
    ]  # fmt: skip


def test_a_threshold_that_moves_takes_its_words_along() -> None:
    frame = {"overall": 40.0, "method": "simple", "reason": "rank 1 of 2; overall 40.0", "below_threshold": False}
    below = with_threshold(frame, 50)
    assert below["below_threshold"] and below["reason"].endswith("; below the threshold of 50")
    assert with_threshold(below, 60)["reason"].count("below the threshold") == 1
    assert with_threshold(below, 30) == frame
    assert not with_threshold({**frame, "method": "wireframe"}, 50)["below_threshold"]


def test_a_stop_is_heard_during_the_prompts_and_forgotten_by_the_next_run(line_lab: Settings) -> None:
    keep(line_lab, **BRIEF)
    scenes = work.scene_rows(line_lab, "board", run_id="first")
    work.ask_to_stop(line_lab, "board")
    with pytest.raises(work.StoryboardError, match="board was stopped after the prompts of 0 of 2 scenes"):
        work.prompt_rows(line_lab, "board", scenes, run_id="first")
    with pytest.raises(work.StoryboardError, match="was stopped"):
        work.prompt_rows(line_lab, "board", scenes, run_id="first")
    assert work.prompt_rows(line_lab, "board", scenes, run_id="second").scene_prompts.height == 2


def test_scenes_are_drawn_anew_for_other_judges_other_own_pictures_and_other_values_behind_none(
    line_lab: Settings,
) -> None:
    record = StoryboardRecord.model_validate({"key": "board", "title": "The kite", **BRIEF})
    catalogue = Catalogue.load(line_lab)
    roles = roles_of(catalogue, record)

    def basis(own: tuple[str, ...] = (), **settings: Any) -> Any:
        changed = record.model_copy(update={"settings": record.settings.model_copy(update=settings)})
        return drawn_from(changed, catalogue, roles, judges=VisionModels(line_lab), own_pictures=own)

    plain = basis()
    assert basis() == plain == basis(quality_threshold=99.0, batch_size=3)
    assert basis(steps=catalogue.model(roles.picture).steps) == plain, "None is the preset's value"
    assert basis(steps=7) != plain and basis(own=("pictures/a.png",)) != plain
    faces = Path(line_lab.data_dir) / "models" / "faces"
    faces.symlink_to(REPOSITORY_ROOT / "data" / "models" / "faces")
    assert basis() != plain


def test_poses_are_written_beside_the_documents_and_those_of_longer_versions_go(line_lab: Settings) -> None:
    record = StoryboardRecord.model_validate({"key": "board", "title": "The kite", **BRIEF})
    store = PictureStore(line_lab)
    pose = store.put(png_of(Image.new("RGB", (8, 8), "teal"))).path
    row = dict.fromkeys(("path", "sha256", *TAKEN))
    frames = [SheetFrame(number, None, {**row, "control_path": pose}, {}) for number in (1, 2)]
    folder = line_lab.reports_dir / "storyboards" / "board" / "poses"
    documents.write_poses(line_lab, Sheet(record, frames, "miniature"), store)
    assert sorted(path.name for path in folder.iterdir()) == ["frame_001.png", "frame_002.png"]
    assert (folder / "frame_001.png").read_bytes() == store.read(pose)
    documents.write_poses(line_lab, Sheet(record, frames[:1], "miniature"), store)
    assert [path.name for path in folder.iterdir()] == ["frame_001.png"]


def test_nudges_and_guidance_that_rightly_rests_are_notes_and_no_fallbacks() -> None:
    resting = "no LoRA: the subject is not in this scene"
    nudge = "try 2: no face: guidance 7 → 8"
    assert fallbacks_and_notes([], [nudge], [resting]) == (None, [nudge, resting])
    missing = "no pose: the profile has no model for it"
    assert fallbacks_and_notes(["out of memory"], [], [missing]) == (f"out of memory; {missing}", [])


def test_the_prompt_calls_the_character_by_the_word_that_its_lora_learnt(drawing_lab: Settings) -> None:
    record = keep(drawing_lab, method="simple")
    with db.session_scope(drawing_lab) as session:
        before = definition_versions(session)
        row = session.query(DynamicDefinition).filter_by(kind="character", key="mara").one()
        row.definition = {"name": "Mara Kez", "trigger": "mara_zzz"}
        session.flush()
        assert definition_versions(session) != before, "the story tells of another name"
    assert work.cast_of(drawing_lab, record).trigger == "mara_woman"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--story", "A long walk home.", "--character", "nobody"], "there is no character 'nobody'; there are: none"),
        (["--spot", "nope", "--target", "en-gb"], "there is no spot 'nope'; there are: none yet"),
        (["--story", "A long walk home.", "--target", "en-gb"], "--target needs --spot"),
    ],
)
def test_a_storyboard_of_what_is_not_there_is_refused(
    line_lab: Settings, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert cli.main(["storyboard", "new", "lost", "--method", "wireframe", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert cli.main(["storyboard", "import", "--character", "nobody"]) == 2
    assert "there is no character 'nobody'" in capsys.readouterr().err
