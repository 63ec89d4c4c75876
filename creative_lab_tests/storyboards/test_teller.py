"""The embedded story breakdown: it really reads the story that it is given."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creative_lab.storyboards.breakdown import bring_under_rules, is_frontal
from creative_lab.storyboards.cinematographer import Subject, story_light, world_scene
from creative_lab.storyboards.record import StoryboardRecord
from creative_lab.storyboards.scenes import Scene, scene_frame, scenes_of, story_scenes
from creative_lab.storyboards.stored import read_files
from creative_lab.storyboards.teller import find_hero, recast, tell
from creative_lab_tests.storyboards.conftest import STORY

ALDAR = (
    "Aldar rides his old brown horse through the mountains. He meets a greedy merchant at the market. Aldar tells a "
    'joke and the merchant laughs. The merchant gives him a basket of bread. "Take it, you win," he says. Snow falls '
    "over the village. Aldar waves goodbye and rides home at sunset."
)


def scenes_from(story: str, *, most: int = 10, name: str | None = None) -> list[Scene]:
    record = StoryboardRecord.model_validate(
        {"key": "a", "title": "A", "source": {"kind": "story", "story": story}, "method": "baseline"}
    )
    made = bring_under_rules(tell(story, most=most, hero_name=name), most=most, subject=None)
    return story_scenes(record, made, reasoning="", model_id="embedded/breakdown", cost_usd=0.0, seconds=0.0)


def test_the_storys_own_sentences_become_scenes_after_an_identity_shot() -> None:
    scenes = scenes_from(ALDAR)
    first = scenes[0].description
    assert is_frontal(first) and "merchant" in first and "horse" in first and scenes[0].background == "in the mountains"
    assert scenes[1].description == "Aldar rides his old brown horse through the mountains"
    assert scenes[2].description.startswith("Aldar meets a greedy merchant")
    assert scenes[4].description.startswith("The greedy merchant gives Aldar a basket of bread")
    assert [scene.background for scene in scenes[1:4]] == ["in the mountains", "in the market", "in the market"]
    assert scenes[4].dialogue == "Take it, you win"


def test_a_recurring_thing_keeps_the_descriptor_of_its_first_mention() -> None:
    scenes = scenes_from(STORY)
    told = [scene.description for scene in scenes if "kite" in scene.description]
    assert len(told) >= 3 and all("small yellow kite" in text for text in told)


def test_a_sentence_without_the_hero_is_a_scene_without_the_subject() -> None:
    snow = next(scene for scene in scenes_from(ALDAR) if "Snow" in scene.description)
    assert snow.subject_presence == "none" and snow.expected_faces == 0 and not snow.with_subject


def test_the_expected_number_of_faces_comes_from_the_scene() -> None:
    by_text = {scene.description: scene.expected_faces for scene in scenes_from(ALDAR)}
    assert by_text["Aldar rides his old brown horse through the mountains"] == 1
    assert next(faces for text, faces in by_text.items() if "meets a greedy merchant" in text) == 2


def test_the_hero_is_found_by_name_by_character_or_by_role() -> None:
    assert find_hero(ALDAR).name == "Aldar"
    assert find_hero("The boy runs. The boy jumps.").name == "the boy"
    named = find_hero("The young baker wakes. The baker sings.", "Mara")
    assert named.name == "Mara" and named.named_in("A baker sleeps")


def test_a_short_story_is_told_in_six_scenes_and_a_long_one_in_no_more_than_asked_for() -> None:
    short = scenes_from("Mara loses her red umbrella in the storm.")
    assert len(short) == 6 and all("red umbrella" in scene.description for scene in short)
    long_story = " ".join(f"Mara walks through the forest and counts tree number {number}." for number in range(25))
    told = tell(long_story, most=7)
    assert len(told.scenes) == 7
    joined = " ".join(scene.description for scene in told.scenes)
    assert all(f"number {number}" in joined for number in range(25)), "sentences are joined, never dropped"


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("In the evening she waves goodbye", "In the evening Mara waves goodbye"),
        ("The merchant gives her a basket", "The merchant gives Mara a basket"),
        ("The merchant takes her basket", "The merchant takes Mara's basket"),
        ("She runs", "Mara runs"),
    ],
)
def test_pronouns_become_the_heros_name_so_that_a_frame_stands_alone(sentence: str, told: str) -> None:
    scenes = scenes_from(f"Mara walks in the park. {sentence}.", name="Mara")
    assert any(scene.description.startswith(told) for scene in scenes)


def test_the_length_of_the_film_is_what_was_asked_for() -> None:
    record = StoryboardRecord.model_validate(
        {"key": "a", "title": "A", "source": {"kind": "story", "story": ALDAR}, "method": "baseline",
         "settings": {"target_duration": 20}}
    )  # fmt: skip
    made = bring_under_rules(tell(ALDAR, most=8), most=8, subject=None)
    scenes = story_scenes(record, made, reasoning="", model_id="x", cost_usd=0.0, seconds=0.0)
    assert sum(scene.duration_seconds for scene in scenes) == pytest.approx(20)
    assert scenes[3].start_seconds == pytest.approx(sum(scene.duration_seconds for scene in scenes[:3]))


def test_scenes_come_back_from_their_rows_as_they_were() -> None:
    scenes = scenes_from(ALDAR)
    assert scenes_of(scene_frame("a", scenes)) == scenes


@settings(max_examples=30)
@given(st.text(min_size=10, max_size=200).filter(lambda text: sum(c.isalpha() for c in text) > 10))
def test_any_text_gives_six_to_ten_scenes_each_with_a_place(story: str) -> None:
    scenes = scenes_from(" ".join(story.split()))
    assert 6 <= len(scenes) <= 10
    assert all(scene.background and scene.description for scene in scenes)
    assert all(0 <= scene.expected_faces <= 3 for scene in scenes)


def corpus() -> set[str]:
    """Every word that the miniature picture model was trained on."""
    import re

    from creative_lab.illustrator.captions import captions
    from creative_lab.illustrator.sample import sample_scene

    scenes = [sample_scene(seed) for seed in range(300)]
    lines = [line for scene in scenes for who in (True, False) for line in captions(scene, count=2, identity=who)]
    return set(re.findall(r"[a-z-]+", " ".join(lines).lower()))


def test_prompts_are_in_words_that_the_miniature_model_was_trained_on() -> None:
    import re

    from creative_lab.settings import REPOSITORY_ROOT

    known = corpus()
    samples = read_files(sorted((REPOSITORY_ROOT / "data" / "storyboards").glob("*.json")))
    stories = [record.source.story for record in samples if record.source.kind == "story"]
    for story in [ALDAR, STORY, *stories]:
        scenes = scenes_from(story)
        for scene, (time, weather) in zip(scenes, story_light(scenes), strict=True):
            world = world_scene(scene, time=time, weather=weather)
            for detail in (0, 1, 2):
                text = world.text(Subject(), detail=detail)
                assert set(re.findall(r"[a-z-]+", text.lower())) <= known, text


def test_what_the_world_has_no_word_for_is_named_and_what_is_only_near_too() -> None:
    text = "Mara sails her boat to the harbour with a donkey and a sword"
    scene = Scene(scene=1, title="A", source="story", source_key="x", description=text)
    world = world_scene(scene)
    assert world.setting == "beach" and world.things == ("horse",)
    assert {"boat", "harbour → beach", "donkey → horse", "sword", "sails"} <= set(world.unmapped)


def test_light_stays_until_the_story_changes_it() -> None:
    texts = ["In the morning Mara walks", "Mara runs", "At night Mara sleeps", "Mara dreams"]
    scenes = [Scene(scene=n, title="A", source="story", source_key="x", description=t, background="in the park")
              for n, t in enumerate(texts, start=1)]  # fmt: skip
    assert [time for time, _ in story_light(scenes)] == ["morning", "morning", "night", "night"]


def test_the_trigger_calls_the_subject_and_a_scene_without_it_does_not_name_it() -> None:
    scenes = scenes_from(ALDAR)
    texts = [world_scene(scene).text(Subject("aldar_man"), detail=2) for scene in scenes]
    for scene, text in zip(scenes, texts, strict=True):
        assert ("aldar_man" in text) == scene.with_subject


def test_an_adjective_that_a_sentence_repeats_is_not_said_twice() -> None:
    story = "Mara finds a small yellow kite in the park. She runs with the yellow kite. The kite is caught by the wind."
    descriptions = [scene.description for scene in scenes_from(story)]
    assert any("runs with the small yellow kite" in text for text in descriptions)
    assert not any("yellow small yellow" in text or "yellow yellow" in text for text in descriptions)


def test_the_subject_wears_the_same_in_every_frame_and_what_the_story_says() -> None:
    from creative_lab.illustrator.garments import CATEGORIES
    from creative_lab.illustrator.palette import CLOTH
    from creative_lab.storyboards import cinematographer

    assert set(cinematographer._COLOURS) == set(CLOTH)
    assert set(cinematographer._GARMENTS) <= set(CATEGORIES)

    def text(description: str, shot: str = "MS", title: str = "The Kite", **more: Any) -> str:
        scene = Scene(scene=2, title=title, source="story", source_key="k", description=description, shot=shot, **more)
        return world_scene(scene).text(Subject("mara_kez"))

    told = (("Mara walks in the park", "MS"), ("Mara laughs at sunset", "MCU"), ("Mara runs", "WS"))
    worn = {
        found for description, shot in told for found in re.findall(r" in an? (\w+ [\w-]+)", text(description, shot))
    }
    assert len(worn) == 1
    assert len({text("Mara walks", title=f"story {number}") for number in range(20)}) > 5
    assert "mara_kez in a red coat" in text("Mara walks in her red coat")
    assert text("Mara meets a man in a red coat") == text("Mara meets a man"), "somebody else's coat"
    assert "in a green dress" in text("Mara walks", subject_description="a woman in a green dress")
    assert " in a" not in text("Mara walks", shot="CU").split(",")[0], "a close-up shows no clothes"
    assert "shirt" not in text("The empty park", subject_presence="none", expected_faces=0)


@pytest.mark.parametrize(
    ("story", "played"),
    [
        ("Mara finds a kite. She runs. Mara's dog barks.", "Orla finds a kite. She runs. Orla's dog barks."),
        ("Orla meets Mara. Orla waves.", "Orla meets Mara. Orla waves."),
        ("A boy finds a kite. He runs home.", "A boy finds a kite. He runs home."),
        ("A boy walks through Paris. Paris is loud.", "A boy walks through Paris. Paris is loud."),
        ("The dog follows Mara. She runs.", "The dog follows Mara. She runs."),
    ],
)
def test_the_character_plays_the_hero_and_no_place_is_taken_for_one(story: str, played: str) -> None:
    assert recast(story, "Orla") == played
    assert recast(story, None) == story
