"""What a caption may say: refusals, quotes, trigger, clothes, looks and length, each on replies as models give them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creative_lab.characters.caption_rules import LONGEST, SHORTEST, is_refusal, judge, looks_said
from creative_lab.illustrator.captions import captions
from creative_lab.illustrator.sample import sample_scene

TRIGGER = "marlow_man"


@pytest.mark.parametrize(
    "reply",
    [
        "I'm sorry, but I can't help with identifying people in images.",
        "I’m sorry, I cannot describe this person.",
        "Sorry, I can't assist with that request.",
        "As an AI language model, I do not identify people.",
        "I am unable to provide a caption for this image.",
        "Unfortunately I won't comment on this picture.",
        "This violates our content policy and guidelines.",
        "I must decline.",
    ],
)
def test_a_refusal_never_becomes_a_caption(reply: str) -> None:
    judged = judge(reply, TRIGGER)
    assert judged.status == "refused"
    assert judged.caption is None
    assert "declined" in judged.problems[0]


@pytest.mark.parametrize(
    "caption",
    [
        "marlow_man cannot help laughing in the park with a dog at noon, wide shot",
        "marlow_man refuses a bowl of soup in the kitchen at night, medium shot",
        "a sorry sight: marlow_man sitting on the street in the rain, wide shot",
    ],
)
def test_a_caption_that_only_sounds_like_one_is_no_refusal(caption: str) -> None:
    assert not is_refusal(caption)
    assert judge(caption, TRIGGER).caption == caption


@pytest.mark.parametrize(
    "reply",
    [
        '"marlow_man waving in the park at dawn, close-up"',
        "“marlow_man waving in the park at dawn, close-up”",
        "'marlow_man waving in the park at dawn, close-up",
        'Caption: "marlow_man waving in the park at dawn, close-up"',
        "``marlow_man waving in the park at dawn, close-up``",
        'marlow_man waving in the "park" at dawn, close-up',
    ],
)
def test_stray_quotes_and_labels_are_taken_off(reply: str) -> None:
    judged = judge(reply, TRIGGER)
    assert judged.caption == "marlow_man waving in the park at dawn, close-up"
    assert judged.mended == ["quotes and labels removed"]


def test_an_apostrophe_inside_a_word_is_no_stray_quote() -> None:
    caption = "marlow_man doesn't look up in the children's room at night"
    assert judge(caption, TRIGGER).caption == caption


@pytest.mark.parametrize(
    ("reply", "caption"),
    [
        (
            "waving in the park at dawn, soft light",
            "marlow_man, waving in the park at dawn, soft light",
        ),
        ("a happy man waving in the park at dawn, close-up", "happy marlow_man waving in the park at dawn, close-up"),
        ("He is waving in the park at dawn, wide shot", "marlow_man is waving in the park at dawn, wide shot"),
        ("MARLOW_MAN waving in the park at dawn, wide shot", "marlow_man waving in the park at dawn, wide shot"),
    ],
)
def test_the_trigger_is_put_in_where_it_is_missing(reply: str, caption: str) -> None:
    judged = judge(reply, TRIGGER)
    assert judged.caption == caption
    assert judged.status == "mended"


@pytest.mark.parametrize(
    ("reply", "caption"),
    [
        (
            "A calm person with red curly hair, a full beard, glasses and freckles in a red coat and jeans walking "
            "in the park at dawn, medium shot",
            "calm marlow_man walking in the park at dawn, medium shot",
        ),
        ("a bearded man in a blue suit sitting on a bench in the park", "marlow_man sitting on a bench in the park"),
        (
            "marlow_man wearing a long red coat, standing by a horse in the field at noon",
            "marlow_man standing by a horse in the field at noon",
        ),
    ],
)
def test_clothes_and_looks_are_taken_out(reply: str, caption: str) -> None:
    judged = judge(reply, TRIGGER)
    assert judged.caption is not None
    assert judged.caption.replace(",", "") == caption.replace(",", "")
    assert "clothes and looks removed" in judged.mended


def test_what_cannot_be_put_right_waits_for_a_person() -> None:
    judged = judge("marlow_man's red coat flies in the wind on the street", TRIGGER)
    assert judged.status == "needs_person"
    assert judged.problems == ["still says looks or clothes: coat"]
    assert judge("marlow_man smiles", TRIGGER).status == "needs_person"
    assert judge(" . ", TRIGGER).status == "failed"


def test_the_length_is_kept() -> None:
    long = judge("marlow_man walking in the park, " + "with a dog beside the river, " * 5, TRIGGER)
    assert long.caption is not None
    assert SHORTEST <= len(long.caption) <= LONGEST
    assert "shortened to 100 characters" in long.mended
    short = judge("marlow_man waving in the park", TRIGGER)
    assert short.usable
    assert short.problems == ["29 characters, at least 40 are wanted"]


@given(st.integers(0, 10_000))
def test_the_world_s_own_captions_lose_every_word_for_looks_and_keep_the_place(seed: int) -> None:
    scene = sample_scene(seed, people=1)
    for text in captions(scene, seed=seed, count=2):
        judged = judge(text, TRIGGER)
        assert judged.caption is not None
        assert TRIGGER in judged.caption
        assert looks_said(judged.caption, TRIGGER) == []
        if "shortened to 100 characters" not in judged.mended:
            assert scene.surroundings.setting in judged.caption


@given(st.text(max_size=300))
def test_whatever_a_model_says_is_judged_without_an_error_and_never_used_against_the_rules(reply: str) -> None:
    judged = judge(reply, TRIGGER)
    assert (judged.caption is None) == (judged.status in {"refused", "failed"})
    if judged.usable:
        assert judged.caption is not None
        assert TRIGGER in judged.caption
        assert len(judged.caption) <= LONGEST
        assert not looks_said(judged.caption, TRIGGER)
        assert judge(judged.caption, TRIGGER).caption == judged.caption


def test_rules_do_not_depend_on_hidden_state() -> None:
    rng = np.random.default_rng(1)
    texts = [captions(sample_scene(int(seed)), count=1)[0] for seed in rng.integers(0, 1000, 20)]
    assert [judge(text, TRIGGER) for text in texts] == [judge(text, TRIGGER) for text in texts]
