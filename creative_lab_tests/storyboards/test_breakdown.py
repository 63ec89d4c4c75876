"""The rules that every breakdown of a story is brought under."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creative_lab.language.errors import ReplyError
from creative_lab.storyboards.breakdown import (
    BreakdownError,
    BreakdownReply,
    SceneReply,
    bring_under_rules,
    is_frontal,
    mend_first,
    read_breakdown,
    sounds_turned,
)


def told(*descriptions: str, **fields: object) -> BreakdownReply:
    return BreakdownReply.model_validate({"scenes": [{"description": text, **fields} for text in descriptions]})


SIX = [f"Aldar walks on, part {number}, in the village" for number in range(2, 7)]


@pytest.mark.parametrize(
    "text",
    [
        "Aldar faces the camera beside his brown horse, a village in the background",
        "Aldar on horseback faces the viewer, a merchant in the background",
        "Portrait of Aldar, who has come back to the market with his horse",
        "Aldar, front view, a sidewalk and distant mountains behind him, his backpack beside him",
    ],
)
def test_a_background_is_no_back_and_frame_1_stays_as_it_was_told(text: str) -> None:
    assert sounds_turned(text) is None
    assert mend_first(text) == (text, None)
    assert bring_under_rules(told(text, *SIX), most=8, subject="Aldar").scenes[0].description.startswith(text)


@pytest.mark.parametrize(
    "turned",
    ["seen from behind", "from the back", "in profile", "in silhouette", "side view", "with his back to the camera",
     "as a silhouette", "from far away", "in the distance", "facing away", "a tiny figure", "wide shot"],
)  # fmt: skip
def test_a_turned_or_distant_first_frame_is_mended_and_keeps_horse_merchant_and_place(turned: str) -> None:
    text = f"Aldar {turned} with his brown horse and the merchant in the market"
    mended, why = mend_first(text)
    assert why is not None and "frame 1" in why
    assert is_frontal(mended) and sounds_turned(mended) is None
    assert all(word in mended for word in ("Aldar", "brown horse", "merchant", "in the market"))


def test_a_first_frame_that_says_nothing_about_the_view_gets_a_frontal_clause() -> None:
    mended, why = mend_first("Aldar stands with his horse in the market.")
    assert mended.startswith("Aldar stands with his horse in the market, ") and is_frontal(mended)
    assert why is not None and "nothing said" in why


def test_too_many_scenes_are_trimmed_and_it_is_said() -> None:
    made = bring_under_rules(told("Aldar faces the camera in the village", *SIX * 3), most=7, subject="Aldar")
    assert len(made.scenes) == 7 and [scene.frame for scene in made.scenes] == list(range(1, 8))
    assert any("16 scenes were told; the last 9 are left out" in note for note in made.mended[6])


def test_too_few_scenes_are_continued_up_to_six_and_it_is_said() -> None:
    made = bring_under_rules(told("Aldar faces the camera in the village", "Aldar sleeps in the field"), most=8,
                             subject="Aldar")  # fmt: skip
    assert len(made.scenes) == 6
    assert all("Aldar sleeps in the field" in scene.description for scene in made.scenes[2:])
    assert len({scene.description for scene in made.scenes}) == 6
    assert all("only 2 scenes were told" in note for notes in made.mended[2:] for note in notes)


@pytest.mark.parametrize(
    "reply",
    ['[{"frame": 1, "description": "A"}, {"frame": 2, "description": "B"}]',
     '{"frames": [{"description": "A"}, {"description": "B"}]}',
     '{"storyboard": [{"scene_number": 1, "detailed_prompt": "A"}, {"scene_number": 2, "detailed_prompt": "B"}]}',
     '{"scenes": ["A", "B"]}', '```json\n[{"description": "A", "elements": ["kite"]}, {"description": "B"}]\n```'],
)  # fmt: skip
def test_a_bare_list_or_another_key_is_taken_for_the_scenes(reply: str) -> None:
    assert [scene.description for scene in read_breakdown(reply).scenes] == ["A", "B"]


def test_nothing_usable_is_an_error_and_not_an_empty_storyboard() -> None:
    with pytest.raises(BreakdownError, match="no scene"):
        bring_under_rules(BreakdownReply(scenes=[]), most=8, subject=None)
    for text in ('{"answer": "I cannot do that"}', "I cannot do that", "[1, 2]", ""):
        with pytest.raises((ReplyError, BreakdownError)):
            read_breakdown(text)


def test_a_recurring_element_has_one_descriptor_in_every_frame() -> None:
    made = bring_under_rules(
        told(
            "Aldar faces the camera beside an old brown horse in the village",
            "Aldar leads the horse through the market",
            "The white horse drinks in the field",
            *SIX[:3],
        ).model_copy(deep=True),
        most=8,
        subject="Aldar",
    )
    assert made.scenes  # without listed elements nothing is rewritten
    scenes = [
        SceneReply(
            description="Aldar faces the camera beside an old brown horse, village", elements=["old brown horse"]
        ),
        SceneReply(description="Aldar leads the horse through the market"),
        SceneReply(description="The white horse drinks in the field"),
        *(SceneReply(description=text) for text in SIX[:3]),
    ]
    made = bring_under_rules(BreakdownReply(scenes=scenes), most=8, subject="Aldar")
    assert all("old brown horse" in scene.description for scene in made.scenes[:3])
    assert made.scenes[1].elements == ["old brown horse"] and made.scenes[3].elements == []
    assert any("in every frame" in note for note in made.mended[2])


def test_every_frame_names_its_background_and_it_changes_only_when_the_story_moves() -> None:
    made = bring_under_rules(
        told(
            "Aldar faces the camera in the village", "Aldar laughs", "Aldar walks to the market", "He waves", *SIX[:2]
        ),
        most=8,
        subject=None,
    )
    assert all(scene.background for scene in made.scenes)
    assert "in the village" in made.scenes[1].description
    assert "market" in made.scenes[3].description and "village" not in made.scenes[3].description


def test_the_consistency_check_names_what_only_a_person_can_mend() -> None:
    scenes = [
        SceneReply(description="Aldar faces the camera in the village"),
        SceneReply(description="A man sleeps in the village", elements=["red kite"]),
        SceneReply(description="Snow falls over the village", subject_presence="none"),
        *(SceneReply(description=text) for text in SIX[:3]),
    ]
    made = bring_under_rules(BreakdownReply(scenes=scenes), most=8, subject="Aldar")
    assert made.warnings[0] == [] and made.warnings[2] == []
    assert any("does not name Aldar" in note for note in made.warnings[1])
    assert any("'red kite' is listed but not described" in note for note in made.warnings[1])


@given(st.lists(st.text(min_size=1, max_size=120), min_size=1, max_size=30), st.integers(6, 10))
def test_whatever_a_model_says_there_are_six_to_ten_scenes_in_order(texts: list[str], most: int) -> None:
    try:
        made = bring_under_rules(told(*texts), most=most, subject="Mara")
    except BreakdownError:
        assert not any(text.strip() for text in texts)
        return
    assert 6 <= len(made.scenes) <= most
    assert [scene.frame for scene in made.scenes] == list(range(1, len(made.scenes) + 1))
    assert is_frontal(made.scenes[0].description)
    assert len(made.mended) == len(made.warnings) == len(made.scenes)
