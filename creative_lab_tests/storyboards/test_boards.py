"""Drawing a storyboard scene by scene: failures, stops, re-runs, given pictures; the illustrator draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr

from creative_lab.imaging.credentials import check
from creative_lab.imaging.errors import ImagingError
from creative_lab.lake.pictures import PictureStore
from creative_lab.lake.tables import TableStore
from creative_lab.settings import Settings
from creative_lab.storyboards import picturing, work
from creative_lab.storyboards.line_art import LineArtStudio
from creative_lab.vision.pictures import open_picture
from creative_lab_tests.storyboards.conftest import STORY, go, keep

LINES: dict[str, Any] = {"method": "wireframe", "settings": {"num_variations": 2}}


def pixels(settings: Settings, path: str) -> np.ndarray:
    return open_picture(PictureStore(settings).read(path))


def test_every_scene_gets_its_own_frame_and_all_rows_fit_their_tables(line_lab: Settings) -> None:
    keep(line_lab, **LINES)
    made = go(line_lab, store=True)
    frames = made.frames()
    assert [row["scene"] for row in frames] == list(range(1, len(frames) + 1))
    assert all(row["status"] == "chosen" and row["model"] == "embedded/illustrator" for row in frames)
    assert all("line art by the illustrator" in row["fallback"] for row in frames)
    candidates = made.tables["frame_candidates"]
    assert candidates.height == 2 * len(frames)
    assert candidates["sha256"].n_unique() == candidates.height, "every variation is another picture"
    assert candidates["identifier"].n_unique() == candidates.height
    read = TableStore(line_lab).read("storyboard_frames", [{"storyboard": "board"}])
    assert read["sha256"].to_list() == [row["sha256"] for row in frames]


def test_the_pictures_of_a_scene_never_replace_those_of_another(line_lab: Settings) -> None:
    keep(line_lab, **LINES)
    made = go(line_lab)
    store = PictureStore(line_lab)
    for row in made.tables["frame_candidates"].iter_rows(named=True):
        import hashlib

        assert hashlib.sha256(store.read(row["path"])).hexdigest() == row["sha256"]


def test_recipes_hold_no_secret_of_the_settings_and_pictures_are_signed_where_asked(line_lab: Settings) -> None:
    canary = "canary-7d41c"
    settings = line_lab.model_copy(update={"openai_api_key": SecretStr(canary), "content_credentials": True})
    told = [{"description": "Mara waves", "prompt": f"Mara waves, {canary}"}]
    keep(settings, **LINES | {"source": {"kind": "scenes", "scenes": told}})
    candidates = go(settings).tables["frame_candidates"]
    store = PictureStore(settings)
    for row in candidates.iter_rows(named=True):
        data = store.read(row["path"])
        assert canary not in row["recipe"] and canary.encode() not in data
        assert "[secret]" in row["recipe"] and b"[secret]" in data
        assert check(data) is not None, "signed"
    assert candidates.height == 2


def test_seeds_are_base_plus_thousand_per_scene_ten_per_try_and_one_per_candidate(line_lab: Settings) -> None:
    keep(line_lab, method="wireframe", settings={"num_variations": 3, "base_seed": 0})
    made = go(line_lab)
    for row in made.tables["frame_candidates"].iter_rows(named=True):
        assert row["seed"] == 1000 * (row["scene"] - 1) + 10 * row["attempt"] + row["candidate"]


def test_a_temperature_adds_a_random_part_that_is_recorded(line_lab: Settings) -> None:
    import json

    keep(line_lab, method="wireframe", settings={"num_variations": 2, "temperature": 0.5})
    rows = go(line_lab).tables["frame_candidates"]
    for row in rows.iter_rows(named=True):
        extra = row["seed"] - (42 + 1000 * (row["scene"] - 1) + 10 * row["attempt"] + row["candidate"])
        assert 0 <= extra < 10_000
        assert "temperature" in row["seed_rule"] and json.loads(row["recipe"])["seed"] == row["seed"]


def test_a_failed_scene_is_named_and_moves_no_other(line_lab: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(line_lab, **LINES)
    whole = go(line_lab).frames()
    draw = LineArtStudio.generate

    def broken(self: LineArtStudio, request: Any, **options: Any) -> Any:
        if 1000 <= request.seeds[0] - 42 < 2000:  # scene 2
            raise ImagingError("the brush is broken")
        return draw(self, request, **options)

    monkeypatch.setattr(LineArtStudio, "generate", broken)
    keep(line_lab, **LINES, key="again")
    frames = go(line_lab, "again").frames()
    assert [row["scene"] for row in frames] == [row["scene"] for row in whole]
    assert frames[1]["status"] == "failed" and "the brush is broken" in frames[1]["reason"]
    assert frames[1]["path"] is None and frames[1]["fallback"] == "no picture"
    for before, now in zip(whole, frames, strict=True):
        if now["scene"] != 2:
            assert (now["status"], now["seed"], now["description"]) == ("chosen", before["seed"], before["description"])
            assert np.array_equal(pixels(line_lab, now["path"]), pixels(line_lab, before["path"]))


def test_after_an_error_the_plain_prompt_is_drawn_once_and_the_row_says_so(
    line_lab: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(line_lab, **LINES)
    draw = LineArtStudio.generate

    def once(self: LineArtStudio, request: Any, **options: Any) -> Any:
        if len(request.seeds) > 1 and request.seeds[0] == 42 + 2000:
            raise ImagingError("out of ink")
        return draw(self, request, **options)

    monkeypatch.setattr(LineArtStudio, "generate", once)
    frame = go(line_lab).frames()[2]
    assert frame["status"] == "fallback" and "out of ink" in frame["fallback"] and frame["candidates"] == 1


def test_a_stop_between_scenes_keeps_what_is_done_and_the_next_run_goes_on(line_lab: Settings) -> None:
    keep(line_lab, **LINES)
    done: list[str] = []

    def say(line: str) -> None:
        done.append(line)
        if len(done) == 3:
            work.ask_to_stop(line_lab, "board")

    stopped = go(line_lab, say=say)
    assert [row["status"] for row in stopped.frames()][:4] == ["chosen", "chosen", "chosen", "cancelled"]
    assert stopped.board.redone == [1, 2, 3] and not stopped.board.complete
    rest = go(line_lab, run_id="the next run")
    assert rest.board.kept == [1, 2, 3] and rest.board.redone == list(range(4, len(rest.frames()) + 1))
    assert rest.board.complete
    assert [row["sha256"] for row in rest.frames()[:3]] == [row["sha256"] for row in stopped.frames()[:3]]


def test_a_run_again_redoes_only_what_changed_or_is_missing(line_lab: Settings) -> None:
    keep(line_lab, **LINES)
    first = go(line_lab)
    again = go(line_lab)
    assert again.board.redone == [] and again.board.kept == [row["scene"] for row in first.frames()]
    assert again.tables["quality_scores"].equals(first.tables["quality_scores"])
    changed = STORY.replace("She laughs at sunset", "She dances at night")
    keep(line_lab, **LINES, source={"kind": "story", "story": changed, "character": "mara"})
    assert go(line_lab).board.redone == [7]
    lost = again.frames()[3]["path"]
    PictureStore(line_lab).files.remove(lost)
    keep(line_lab, **LINES)
    assert 4 in go(line_lab).board.redone
    keep(line_lab, method="wireframe", settings={"num_variations": 3})
    assert len(go(line_lab).board.redone) == 7


def test_a_given_picture_is_scene_1_byte_for_byte_and_nothing_is_drawn_for_it(
    line_lab: Settings, tmp_path: Any
) -> None:
    from PIL import Image

    from creative_lab.storyboards.stored import reference_of

    file = tmp_path / "hero.jpg"
    Image.new("RGB", (200, 120), "teal").save(file, quality=91)
    keep(line_lab, **LINES, reference=reference_of(line_lab, file).model_dump())
    made = go(line_lab)
    first = made.frames()[0]
    assert first["status"] == "given" and first["candidates"] == 0 and first["seed"] is None
    assert PictureStore(line_lab).read(first["path"]) == file.read_bytes()
    assert 1 not in made.tables["frame_candidates"]["scene"].to_list()
    assert made.frames()[1]["status"] == "chosen"


def test_without_scorers_scores_are_null_and_say_why_and_the_first_picture_is_taken(line_lab: Settings) -> None:
    keep(line_lab, **LINES)
    made = go(line_lab)
    scores = made.tables["quality_scores"]
    assert scores["overall"].null_count() == scores.height, "a missing scorer is null, never a constant"
    assert all(len(missing) == 4 for missing in scores["missing"].to_list())
    assert all(row["candidate"] == 0 and "ranked without scores" in row["reason"] for row in made.frames())


def test_nobody_is_drawn_in_a_scene_without_the_subject(line_lab: Settings) -> None:
    keep(line_lab, **LINES)
    made = go(line_lab)
    snow = next(row for row in made.frames() if "Snow" in row["description"])
    assert snow["subject_presence"] == "none" and snow["expected_faces"] == 0
    prompts = made.tables["scene_prompts"]
    text = prompts.filter(prompts["scene"] == snow["scene"]).row(0, named=True)
    assert "person" not in text["prompt"] and text["action"] is None


def test_traces_are_there_during_the_run_gone_after_it_and_kept_where_asked(line_lab: Settings) -> None:
    import json

    traces = line_lab.home / "traces" / "storyboards"
    seen: list[list[str]] = []
    keep(line_lab, **LINES)
    go(line_lab, say=lambda _: seen.append(sorted(p.name for p in traces.rglob("*") if p.is_file())))
    assert any("quality_scores.json" in names for names in seen)
    assert not [path for path in traces.rglob("*") if path.is_file()]
    keep(line_lab, method="wireframe", settings={"num_variations": 2, "keep_traces": True, "base_seed": 7})
    made = go(line_lab)
    folder = traces / "board" / "run" / "scene_1"
    names = {path.name for path in folder.iterdir()}
    assert {"00_original_prompt.txt", "01_agent1_iteration_1.txt", "02_agent2_iteration_1.json",
            "final_enhanced_prompt.txt", "prompt_trace_summary.json", "image_1.png", "image_2.png",
            "quality_scores.json", "selected_best.txt"} <= names  # fmt: skip
    store = PictureStore(line_lab)
    rows = json.loads((folder / "quality_scores.json").read_text())
    candidates = {(r["attempt"], r["candidate"]): r for r in made.tables["frame_candidates"].iter_rows(named=True)
                  if r["scene"] == 1}  # fmt: skip
    for row in rows:  # a score stands beside the picture that it belongs to
        stored = candidates[row["attempt"], row["candidate"]]
        assert (folder / row["image"]).read_bytes() == store.read(stored["path"])


def test_a_missing_lora_says_what_to_do(line_lab: Settings) -> None:
    keep(line_lab, method="simple")
    with pytest.raises(work.StoryboardError, match="has no LoRA yet: creative-lab character new mara, then "):
        go(line_lab)


def test_every_stage_leaves_an_event(line_lab: Settings) -> None:
    from creative_lab.lake.events import flush_events

    keep(line_lab, **LINES)
    made = go(line_lab)
    flush_events(line_lab)
    events = TableStore(line_lab).read("pipeline_events")
    assert set(events["storyboard"].to_list()) == {"board"}
    per_scene = events.filter(events["stage"] == "storyboard_frame")
    assert per_scene.height == len(made.frames()) and set(per_scene["model"].to_list()) == {"embedded/illustrator"}
    assert events.filter(events["stage"] == "scene_prompts").height == len(made.frames())


def test_frames_of_an_empty_board_have_every_column() -> None:
    from creative_lab.storyboards.boards import Board

    assert picturing.frames_of(Board())["storyboard_frames"].height == 0
