"""Ordinary stories as a reader would have them: who is in every scene, what is said in it, what its picture holds."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creative_lab.settings import REPOSITORY_ROOT
from creative_lab.storyboards.breakdown import bring_under_rules
from creative_lab.storyboards.cinematographer import world_scene
from creative_lab.storyboards.record import StoryboardRecord
from creative_lab.storyboards.scenes import Scene, choose_shot, count_faces, given_scenes, story_scenes
from creative_lab.storyboards.stored import read_files
from creative_lab.storyboards.teller import find_hero, recast, tell, unread


def told(story: str, *, name: str | None = None, most: int = 10) -> list[Scene]:
    record = StoryboardRecord.model_validate(
        {"key": "a", "title": "A", "source": {"kind": "story", "story": story}, "method": "baseline"}
    )
    story = recast(story, name)
    reply = tell(story, most=most, hero_name=name)
    return story_scenes(record, bring_under_rules(reply, most=most, subject=find_hero(story, name).words))


def described(story: str, **how: str) -> list[str]:
    return [scene.description for scene in told(story, **how)]  # type: ignore[arg-type]


# --- what is said


def test_speech_of_a_shipped_sample_sits_on_the_frame_of_whoever_speaks() -> None:
    samples = read_files(sorted((REPOSITORY_ROOT / "data" / "storyboards").glob("*horse.json")))
    source = samples[0].source
    assert source.kind == "story"
    spoken = [scene for scene in told(source.story, name="Orla", most=8) if scene.dialogue]
    assert [scene.dialogue for scene in spoken] == ["Take it, you win"]
    assert spoken[0].with_subject and "merchant gives Orla" in spoken[0].description


def test_speech_between_two_sentences_stays_with_the_first_and_adds_nobody() -> None:
    scenes = told('Tom walks in the park. He says: "Come here, friend!" Then they run to the forest. They laugh.')
    assert [(scene.description, scene.dialogue) for scene in scenes[1:3]] == [
        ("Tom walks in the park", "Come here, friend!"),
        ("Tom and the others run to the forest", None),
    ]
    assert not any("friend" in scene.description or scene.elements for scene in scenes)
    assert scenes[0].expected_faces == 1


@pytest.mark.parametrize(
    ("sentence", "seen", "said"),
    [
        ('"Mine!" says Mara and runs.', "Mara runs, in the park", "Mine!"),
        ('Mara jumps and shouts: "I have a dog. He is here!"', "Mara jumps, in the park", "I have a dog. He is here!"),
        ('"Stop," she says quietly, "or I fall." Mara sits.', "Mara sits, in the park", "Stop / or I fall."),
        ('Mara sits. "A dog," says the old man.', "Mara sits, in the park", "A dog"),
        ('Mara sits. "Is it a dog?" she asked a boy.', "Mara sits, in the park", "Is it a dog?"),
        (
            "Mara stops. “A king lives here,” the old man whispers to her.",
            "Mara stops, in the park",
            "A king lives here",
        ),
    ],
)
def test_a_speech_is_heard_whole_and_what_is_done_is_seen(sentence: str, seen: str, said: str) -> None:
    scenes = told(f"Mara walks in the park. Mara waves. Mara smiles. Mara dreams. {sentence}")
    assert seen in {scene.description for scene in scenes} and said in {scene.dialogue for scene in scenes}
    assert not any({"king", "dog", "man", "boy"} & set(scene.description.split()) for scene in scenes)


_WORD = st.sampled_from(["come", "friend", "dog", "run", "home", "why", "king", "Paris", "then", "while", "but"])
_SPEECH = st.lists(_WORD, min_size=1, max_size=6).map(" ".join)
_SENTENCE = st.one_of(
    st.sampled_from(["Mara walks in the park.", "A dog follows her.", "Snow falls!", "She runs, but the dog sits.",
                     "Then they laugh while Tom waits."]),
    st.builds(lambda said, end, how: how.format(f"{said}{end}"), _SPEECH, st.sampled_from([",", ".", "!", "?", "…"]),
              st.sampled_from(['"{}" he says.', '"{}"', 'Mara says: "{}"', '"{}" Tom shouts and runs.',
                               "“{}” the old man asks.", 'She smiles, and then asks, "{}"'])),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(_SENTENCE, min_size=1, max_size=14), st.integers(6, 10))
def test_no_word_of_a_storys_speech_is_lost_or_said_twice(parts: list[str], most: int) -> None:
    story = " ".join(parts)
    said = [word for speech in re.findall(r"[\"“]([^\"”]+)[\"”]", story) for word in re.findall(r"\w+", speech)]
    heard = [word for scene in tell(story, most=most).scenes for word in re.findall(r"\w+", scene.dialogue or "")]
    assert heard == said


# --- who is in it


@pytest.mark.parametrize(
    ("description", "subject", "faces"),
    [
        ("A woman waits", True, 1),
        ("The boy opens a door", True, 1),
        ("A man and a woman dance", True, 2),
        ("Orla and a man dance", True, 2),
        ("Orla waits with her dog", True, 1),
        ("Two friends walk", True, 2),
        ("A family eats", True, 3),
        ("A man waits", False, 1),
        ("An empty street at night", False, 0),
    ],
)
def test_the_first_person_of_a_given_scene_is_its_subject(description: str, subject: bool, faces: int) -> None:
    assert count_faces(description, subject=subject) == faces


def test_a_given_first_scene_without_a_subject_is_a_wide_one() -> None:
    record = StoryboardRecord.model_validate(
        {"key": "g", "title": "G", "method": "baseline",
         "source": {"kind": "scenes", "scenes": [
             {"description": "An empty street at night", "subject_presence": "none"}, {"description": "A woman waits"},
         ]}}
    )  # fmt: skip
    assert record.source.kind == "scenes"
    scenes = given_scenes(record, record.source)
    assert [(scene.shot, scene.expected_faces) for scene in scenes] == [("WS", 0), ("MS", 1)]


def test_a_hero_without_a_name_is_whoever_the_story_begins_with() -> None:
    story = "An old lighthouse keeper walks along the shore. He lights the lamp. His brother comes by boat."
    scenes = told(story)
    assert all(scene.with_subject for scene in scenes)
    assert [scene.description for scene in scenes[1:4]] == [
        "An old lighthouse keeper walks along the shore",
        "The old lighthouse keeper lights the lamp, on the shore",
        "The old lighthouse keeper's brother comes by boat, on the shore",
    ]
    assert [scene.expected_faces for scene in scenes[1:4]] == [1, 1, 2]


def test_a_title_with_a_full_stop_ends_no_sentence() -> None:
    scenes = told("Dr. Smith meets Mr. Jones at the bank. Mr. Jones laughs. Dr. Smith reads a letter.")
    assert [scene.description for scene in scenes[1:4]] == [
        "Dr. Smith meets Mr. Jones at the bank",
        "Mr. Jones laughs, in the bank",
        "Dr. Smith reads a letter, in the bank",
    ]
    assert [(scene.subject_presence, scene.expected_faces) for scene in scenes[1:4]] == [
        ("full", 2), ("none", 1), ("full", 1)
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "called"), [("Orla", "Orla"), (None, "The main character")])
def test_a_story_in_the_first_person_is_about_its_hero(name: str | None, called: str) -> None:
    story = "I lost my keys in the snow. I look for them in the park. We found them under a bench. My dog barked."
    scenes = told(story, name=name)
    assert [scene.description for scene in scenes[1:5]] == [
        f"{called} lost their keys in the snow, in the park",
        f"{called} looks for them in the park",
        f"{called} and the others found them under a bench, in the park",
        f"{called}'s dog barked, in the park",
    ]
    assert all(scene.with_subject for scene in scenes)
    assert not any(scene.warnings for scene in scenes)


def test_a_place_has_its_own_preposition() -> None:
    story = "Mara writes at the desk. She sleeps on the sofa. She climbs the mountain. She looks at the sea. She waits."
    assert [scene.background for scene in told(story)[1:]] == [
        "at the desk", "on the sofa", "on the mountain", "by the sea", "by the sea"
    ]  # fmt: skip


def test_a_hero_that_some_frames_call_by_a_noun_and_others_by_name_is_named_in_all() -> None:
    scenes = told("A woman finds a map. She walks to the harbour. The woman smiles at a sailor.", name="Orla")
    assert {"Orla walks to the harbour", "A woman finds a map, at the harbour"} <= {s.description for s in scenes}
    assert not any(scene.warnings for scene in scenes)


@pytest.mark.parametrize(
    ("story", "english"),
    [
        ("Ein Junge findet einen roten Ball im Park. Der Hund folgt ihm nach Hause.", False),
        ("Un garçon trouve un ballon rouge dans le parc. Le chien le suit à la maison.", False),
        ("Un ragazzo trova una palla rossa in un parco. Il cane lo segue a casa.", False),
        ("Мальчик находит красный мяч в парке.", False),
        ("Tom finds a red ball in the park. A dog follows him.", True),
        ("Mara runs. Mara jumps. Mara laughs.", True),
        ("Mara runs home", True),
    ],
)
def test_a_story_that_is_not_in_english_is_warned_of(story: str, english: bool) -> None:
    assert (unread(story) == []) == english


# --- what its picture holds


@pytest.mark.parametrize("size", [(128, 128), (224, 128), (640, 360)])
def test_everything_that_a_scene_of_a_story_names_lies_in_its_picture(size: tuple[int, int]) -> None:
    from creative_lab.illustrator.scene import draw_scene, shown_props
    from creative_lab.storyboards.line_art import LineArtStudio

    for story in (
        "Tom finds a red ball in the park. A dog follows him.",
        "Mara reads a book. She holds a cup. Her cat sleeps. She finds a kite and a basket. A horse follows her.",
    ):
        for scene in told(story):
            world = world_scene(scene)
            if not world.things or "closer look" in scene.description:
                continue
            for seed in range(3):
                picture = draw_scene(LineArtStudio(world, who="tom")._scene(seed), *size)
                assert len(shown_props(picture)) == len(world.things), (scene.shot, scene.description)


def test_frame_1_names_what_it_can_show_beside_a_face_and_stays_near() -> None:
    first = told("Tom finds a red ball in the park. He buys an umbrella. A dog follows Tom and the umbrella.")[0]
    assert "umbrella" in first.description and "ball" not in first.description and "dog" not in first.description
    assert first.shot == "MCU"
    assert choose_shot("Mara holds a book", 0, subject=True, faces=1) == "MS"


def test_a_thing_on_the_ground_does_not_take_a_face_that_must_be_known_again_far_away() -> None:
    for description, near in (("Mara runs with the dog", "MWS"), ("Mara laughs at the dog", "MCU")):
        assert choose_shot(description, 2, subject=True, faces=1) == "WS"
        assert choose_shot(description, 2, subject=True, faces=1, face_kept=True) == near
