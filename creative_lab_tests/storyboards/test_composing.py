"""The text around a prompt: consistency instructions in order, advice per model, quality."""

from __future__ import annotations

from typing import Any

import pytest

from creative_lab.imaging.catalogue import Catalogue
from creative_lab.settings import Settings
from creative_lab.storyboards.composing import advice_for, base_prompt, compose, consistency_text, default_negative
from creative_lab.storyboards.scenes import Scene

FIELDS: dict[str, Any] = {
    "title": "A", "source": "story", "source_key": "x", "description": "Mara runs in the park", "style": "ink style",
    "color_palette": "warm palette", "lighting": "low sun", "composition": "centred", "mood": "calm mood",
    "subject_description": "Mara, short red hair", "continuity": "same kite", "guidelines": "consistent look",
    "transition": "direct cut",
}  # fmt: skip


def scene(number: int, **changes: Any) -> Scene:
    return Scene(scene=number, **(FIELDS | changes))


def order(text: str, *parts: str) -> None:
    places = [text.index(part) for part in parts]
    assert places == sorted(places), text


def test_the_first_scene_gets_subject_style_guidelines_and_coherence_in_this_order() -> None:
    text = " ".join(consistency_text(scene(1)))
    order(text, "The subject: Mara, short red hair", "ink style", "warm palette", "low sun", "centred", "calm mood",
          "Consistent look", "Keep face")  # fmt: skip
    assert "same kite" not in text and "direct cut" not in text


def test_later_scenes_get_the_same_subject_word_for_word_continuity_and_transition() -> None:
    text = " ".join(consistency_text(scene(3)))
    order(text, "The same subject as before: Mara, short red hair", "Style: ", "Continuity: same kite",
          "Consistent look", "Transition: direct cut", "Keep face")  # fmt: skip


def test_a_scene_without_the_subject_says_not_to_show_it() -> None:
    text = " ".join(consistency_text(scene(3, subject_presence="none")))
    assert "do not show it" in text and "short red hair" not in text


def test_a_models_advice_fits_the_model() -> None:
    catalogue = Catalogue.load(Settings())
    assert "50 to 100 words" in advice_for(catalogue, "nano-banana").text
    assert "100 to 200 words" in advice_for(catalogue, "flux1_dev").text
    sdxl = advice_for(catalogue, "sdxl_base")
    assert "Keywords" in sdxl.text and "anatomy" in sdxl.default_negative
    assert advice_for(catalogue, "sdxl_turbo").family == "sd"
    assert advice_for(catalogue, "miniature-xl").world


def test_a_model_of_the_drawn_world_gets_the_text_alone_and_others_the_instructions() -> None:
    catalogue = Catalogue.load(Settings())
    assert compose("a text", scene(2), advice_for(catalogue, "miniature-xl")) == "a text"
    assert compose("a text.", scene(2), advice_for(catalogue, "sdxl_base")).startswith("a text. The same subject")


def test_the_trigger_is_put_in_front_once_and_only_where_the_subject_is() -> None:
    assert base_prompt(scene(1), method="simple", trigger="mara_woman").startswith("mara_woman, Mara runs")
    named = scene(1, description="mara_woman runs")
    assert base_prompt(named, method="simple", trigger="mara_woman").count("mara_woman") == 1
    assert "mara_woman" not in base_prompt(scene(1, subject_presence="none"), method="simple", trigger="mara_woman")


@pytest.mark.parametrize("source", ["story", "script"])
def test_a_wireframe_is_line_art_and_its_negative_keeps_photographs_out(source: str) -> None:
    catalogue = Catalogue.load(Settings())
    told = scene(1, source=source, style="")
    assert "line drawing" in base_prompt(told, method="wireframe", trigger=None)
    assert "photograph" in default_negative(told, "wireframe", advice_for(catalogue, "sdxl_base"))
    inked = scene(1, source=source, style="loose ink sketch")
    assert base_prompt(inked, method="wireframe", trigger=None).startswith("loose ink sketch")


def test_a_given_prompt_is_drawn_as_it_is() -> None:
    told = scene(2, given_prompt="exactly this")
    assert base_prompt(told, method="simple", trigger="mara_woman") == "exactly this"
    assert compose("exactly this", told, advice_for(Catalogue.load(Settings()), "sdxl_base")) == "exactly this"
