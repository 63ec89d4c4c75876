"""Rule-based enhancement counts and detects as specified; models fall back on rules and say so."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creative_lab.imaging import style_words as words
from creative_lab.imaging.enhancement import (
    detect_style,
    detect_subjects,
    enhance,
    enhance_by_rules,
    read_batch,
    read_reply,
)
from creative_lab.imaging.errors import ImagingError


@pytest.mark.parametrize(
    ("prompt", "style"),
    [
        ("guests start the party at the mart", "realistic"),
        ("modern art in a hall", "artistic"),
        ("line art of a photo studio", "coloring-book"),
        ("a photo of a painting", "photography"),
        ("a film director, painted", "artistic"),
        ("a cinematic chase", "cinematic"),
        ("a kettle", "realistic"),
    ],
)
def test_styles_are_detected_by_whole_words_in_order(prompt: str, style: str) -> None:
    assert detect_style(prompt) == style


def test_subjects_are_detected_by_whole_words() -> None:
    assert detect_subjects("a woman and her dogs by the sea") == ["people", "landscape", "animals"]
    assert detect_subjects("a manual for seasoning category leaders") == []


@given(st.floats(-2, 3, allow_nan=False), st.sampled_from(["photography", "artistic", "realistic", "cinematic"]))
def test_the_number_of_tags_follows_the_creativity(creativity: float, style) -> None:
    c = min(1.0, max(0.0, creativity))
    parts = enhance_by_rules("a kettle", style=style, creativity=creativity).enhanced_prompt.split(", ")
    assert sum(part in words.QUALITY for part in parts) == max(2, int(3 * c))
    assert sum(part in words.STYLE[style] for part in parts) == max(2, int(4 * c))
    assert sum(part in words.TECHNICAL[style] for part in parts) == max(2, int(4 * c))


@given(st.floats(0, 1, allow_nan=False))
def test_colouring_pages_have_tags_of_their_own(c: float) -> None:
    page = enhance_by_rules("a dog", style="coloring-book", creativity=c)
    parts = page.enhanced_prompt.split(", ")
    assert sum(part in words.LINE_ART for part in parts) == max(3, int(5 * c))
    assert sum(part in words.LINE_QUALITY for part in parts) == max(2, int(3 * c))
    assert sum(part in words.LINE_SUBJECTS["animals"] for part in parts) == 1
    for word in ("colour", "shading", "gradients", "texture"):
        assert word in page.negative_prompt


def test_the_seed_decides_and_triggers_come_first() -> None:
    def text(seed: int) -> str:
        return enhance_by_rules("a house", creativity=0.3, triggers=["inkwash"], seed=seed).enhanced_prompt

    assert text(1) == text(1)
    assert len({text(seed) for seed in range(10)}) > 5
    assert text(1).startswith("inkwash, ")


def test_the_words_of_each_list_are_different_so_that_counts_can_be_kept() -> None:
    for tags in (words.QUALITY, *words.STYLE.values(), *words.TECHNICAL.values(), words.LINE_ART, words.LINE_QUALITY):
        assert len(set(tags)) == len(tags)
    assert all(len(tags) >= 4 for tags in (*words.STYLE.values(), *words.TECHNICAL.values()))
    assert len(words.LINE_ART) >= 5


def test_a_model_gets_prompt_style_and_creativity_and_its_answer_is_used() -> None:
    asked = []

    def ask(prompt: str, style: str, temperature: float) -> str:
        asked.append((prompt, style, temperature))
        return 'Sure: {"enhanced_prompt": "a brass kettle at dawn", "negative_prompt": "steam"} done'

    result = enhance("a kettle", method="llm", creativity=0.0, triggers=["inkwash"], ask=ask, model="m")
    assert asked == [("a kettle", "realistic", 0.0)]
    assert result.enhanced_prompt == "inkwash, a brass kettle at dawn"
    assert (result.negative_prompt, result.method, result.model, result.fallback_reason) == ("steam", "llm", "m", None)


@pytest.mark.parametrize(
    "reply", ["", "no json", '{"enhanced_prompt": 3}', '{"enhanced_prompt": ""}', "[1]", "{" * 500]
)
def test_an_unusable_answer_falls_back_on_rules_and_says_so(reply: str) -> None:
    result = enhance("a kettle", method="huggingface", ask=lambda *_: reply, seed=3)
    assert result.method == "rule-based"
    assert result.enhanced_prompt == enhance_by_rules("a kettle", seed=3).enhanced_prompt
    assert result.fallback_reason and "huggingface failed" in result.fallback_reason


def test_a_failing_or_missing_model_falls_back_on_rules() -> None:
    def broken(*_):
        raise ConnectionError("no key")

    assert "no key" in (enhance("a kettle", method="llm", ask=broken).fallback_reason or "")
    assert "no language model" in (enhance("a kettle", method="llm").fallback_reason or "")


@given(st.text(max_size=200))
def test_no_reply_crashes_the_reader(text: str) -> None:
    reply = json.dumps({"enhanced_prompt": text})
    if text.strip():
        assert read_reply(f"x {reply} y")[0] == text.strip()
    else:
        with pytest.raises(ImagingError):
            read_reply(reply)


def test_a_batch_file_skips_comments_and_empty_lines() -> None:
    assert read_batch("# list\n\n a hat \n#x\nb # not a comment\n") == ["a hat", "b # not a comment"]


def test_a_model_that_wrote_the_trigger_only_inside_another_word_gets_it_in_front() -> None:
    def ask(_prompt: str, _style: str, _temperature: float) -> str:
        return '{"enhanced_prompt": "people at a party"}'

    assert enhance("a party", method="llm", triggers=["art"], ask=ask).enhanced_prompt == "art, people at a party"
    assert enhance("a party", method="llm", triggers=["Party"], ask=ask).enhanced_prompt == "people at a party"
