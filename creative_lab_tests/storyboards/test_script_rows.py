"""Script rows as scenes: golden examples, with the words for shots mapped and not only their abbreviations."""

from __future__ import annotations

import json

import pytest

from creative_lab.settings import REPOSITORY_ROOT
from creative_lab.storyboards.cinematographer import Subject, world_scene
from creative_lab.storyboards.composing import base_prompt
from creative_lab.storyboards.record import StoryboardRecord
from creative_lab.storyboards.scenes import Scene, script_scenes
from creative_lab.storyboards.script_rows import QUALITY, clean_visual, read_row


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("00:00:03:12 Medium shot: Anna walks  in (5.0s)", "MS: Anna walks in"),
        ("MS Anna at the window", "MS: Anna at the window"),
        ("Medium shot of Anna", "MS: Anna"),
        ("00:00:01:00 – 00:00:04:00 Close-up of a hand", "CU: a hand"),
        ("extreme close up, eye [2s]", "ECU: eye"),
        ("Medium close-up – Grandma", "MCU: Grandma"),
        ("Medium wide shot: the table", "MWS: the table"),
        ("Establishing shot. A village", "EWS: A village"),
        ("Wide, locked-off. A couch", "WS: locked-off. A couch"),
        ("over-the-shoulder shot of the screen", "OTS: the screen"),
        ("POV: a long road", "POV: a long road"),
        ("CU: CU: face", "CU: face"),
        ("His eyes go wide. He runs", "His eyes go wide. He runs"),
        ("A MSG on the phone, CUT", "A MSG on the phone, CUT"),
        ("00:01:02.500 A dog ( 1.5 sec ) barks", "A dog barks"),
    ],
)
def test_the_seen_text_is_cleaned(text: str, clean: str) -> None:
    assert clean_visual(text) == clean


def test_a_row_gives_shot_camera_place_people_and_words() -> None:
    row = read_row(
        'INT. LIVING ROOM – DAY. Medium close-up, slow push in. GRANDMA holds a cup.\nSUPER: "Later"',
        'DIALOGUE (Grandma): "It was the dog."\nSFX: The dog sighs.\nMUSIC: strings',
    )
    assert (row.shot, row.camera, row.background) == ("MCU", "slow push in", "inside, living room, day")
    assert (row.people, row.presence, row.elements) == (1, "full", ["cup"])
    assert (row.dialogue, row.shown_text) == ("It was the dog.", "Later")
    assert "SUPER" not in row.description and "Later" not in row.description


def test_a_pack_shot_has_no_subject() -> None:
    row = read_row("Pack shot, macro. A golden chip on the rim of a bag.", 'VO: "Just one."')
    assert (row.shot, row.people, row.presence, row.dialogue) == ("ECU", 0, "none", "Just one.")


def test_the_prompt_is_style_then_shot_and_text_then_four_phrases_of_quality() -> None:
    record = StoryboardRecord.model_validate(
        {"key": "s", "title": "S", "source": {"kind": "script", "spot": "a", "target": "b"}, "method": "baseline"}
    )
    rows = [{"visual_text": "Wide shot: a field at dawn", "audio_text": "", "duration_seconds": 2}]
    scene = script_scenes(record, rows, job_id="J", code="C", visual_style="Warm film look.")[0]
    told = base_prompt(scene, method="baseline", trigger=None)
    assert told == f"Warm film look, WS: A field at dawn, {', '.join(QUALITY)}"


def test_every_row_of_the_sample_spots_becomes_one_scene_in_its_own_time() -> None:
    for file in sorted((REPOSITORY_ROOT / "data" / "spots").glob("*.json")):
        spot = json.loads(file.read_text())
        record = StoryboardRecord.model_validate(
            {"key": "s", "title": "S", "source": {"kind": "script", "spot": spot["spot_key"], "target": "en-gb"},
             "method": "baseline"}
        )  # fmt: skip
        rows = [{"row": number, **row} for number, row in enumerate(spot["script_rows"])]
        scenes = script_scenes(record, rows, job_id=spot["job_id"], code="UK-GB", visual_style="Warm film look")
        assert [scene.script_row for scene in scenes] == list(range(len(rows)))
        assert [scene.duration_seconds for scene in scenes] == [row["duration_seconds"] for row in rows]
        assert sum(scene.duration_seconds for scene in scenes) == pytest.approx(spot["total_runtime_seconds"])
        assert scenes[1].start_seconds == pytest.approx(rows[0]["duration_seconds"])
        assert scenes[0].identifier == f"{spot['job_id']}_UK-GB_row-01"
        assert all(scene.shot and scene.description for scene in scenes)


def test_a_name_that_is_introduced_in_capitals_counts_as_a_person_in_later_rows() -> None:
    record = StoryboardRecord.model_validate(
        {"key": "s", "title": "S", "source": {"kind": "script", "spot": "a", "target": "b"}, "method": "baseline"}
    )
    rows = [{"visual_text": "JENNIFER, 46, and her DOG", "audio_text": "", "duration_seconds": 2},
            {"visual_text": "Jennifer smiles", "audio_text": "", "duration_seconds": 0}]  # fmt: skip
    scenes = script_scenes(record, rows, job_id="J", code="C", visual_style="")
    assert [scene.expected_faces for scene in scenes] == [1, 1]
    assert scenes[1].duration_seconds == 3.0, "a row without a length stands three seconds"


def rows_of(*visuals: str) -> list[Scene]:
    record = StoryboardRecord.model_validate(
        {"key": "s", "title": "S", "source": {"kind": "script", "spot": "a", "target": "b"}, "method": "baseline"}
    )
    rows = [{"visual_text": text, "audio_text": "", "duration_seconds": 2} for text in visuals]
    return script_scenes(record, rows, job_id="J", code="C", visual_style="")


@pytest.mark.parametrize(
    ("visual", "presence", "people"),
    [
        ("Pack shot, macro. A single golden crisp balances on the open packet. A hand enters, freezes.", "none", 0),
        ("Product shot. Her favourite crisps on the table.", "none", 0),
        ("Close-up. Two hands close the lid of the box.", "none", 0),
        ("Close-up. Her hand opens the box.", "partial", 1),
        ("A face in the window.", "partial", 1),
        ("He smiles and waits.", "partial", 1),
        ("They laugh on the sofa.", "partial", 2),
        ("Wide. Three generations squeezed on one sofa, plates on their knees.", "full", 3),
        ("Whip pan. Every head on the sofa snaps to the armchair.", "full", 3),
        ("Two grown cousins argue.", "full", 2),
        ("A family at the table.", "full", 3),
        ("A crowd at the market.", "full", 3),
    ],
)
def test_a_row_shows_whoever_it_tells_of_and_nobody_else(visual: str, presence: str, people: int) -> None:
    row = read_row(visual, "")
    assert (row.presence, row.people) == (presence, people)


def test_nobody_is_drawn_where_no_face_is_expected() -> None:
    for file in sorted((REPOSITORY_ROOT / "data" / "spots").glob("*.json")):
        spot = json.loads(file.read_text())
        for scene in rows_of(*(row["visual_text"] for row in spot["script_rows"])):
            assert scene.with_subject == (scene.expected_faces > 0), scene.description


def test_the_insert_of_a_thing_is_asked_for_without_a_person() -> None:
    scene = rows_of("Pack shot, macro. A golden crisp on the rim of a packet. A hand enters.")[0]
    world = world_scene(scene)
    assert world.text(Subject("mara_kez")).startswith("wide shot of a camel basket,")
    assert "extreme close-up → wide shot" in world.unmapped


def test_what_a_rows_own_shot_cuts_off_is_named() -> None:
    scene = rows_of("Medium close-up. GRANDMA holds an umbrella. At her feet, an innocent DOG.")[0]
    assert scene.shot == "MCU"
    assert "dog (outside a medium close-up)" in world_scene(scene).unmapped
    assert not any("umbrella" in word for word in world_scene(scene).unmapped)


def test_a_place_with_a_hyphen_in_its_name_is_a_place_and_no_crowd() -> None:
    row = read_row("EXT. TWO-LANE MOUNTAIN ROAD – BLUE HOUR. Aerial tracking shot. The car rolls on.", "")
    assert (row.background, row.people) == ("outside, two-lane mountain road, blue hour", 0)
