"""Weights, long prompts and the legacy truncation, on real CLIP encoders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creative_lab.imaging.errors import ImagingError
from creative_lab.imaging.generation import PictureStudio
from creative_lab.imaging.parameters import LoraUse, PictureRequest
from creative_lab.imaging.presets import Overrides
from creative_lab.imaging.prompt_weighting import (
    ClipPromptEncoder,
    Fragment,
    parse_weights,
    plain_text,
    truncate_keeping_triggers,
    without_lora_tags,
)
from creative_lab_tests.imaging import tiny


@pytest.fixture(scope="module")
def sdxl(tiny_models: Path) -> Any:
    from diffusers import StableDiffusionXLPipeline

    return StableDiffusionXLPipeline.from_pretrained(tiny_models / "sdxl", local_files_only=True)


@pytest.fixture(scope="module")
def sd15(tiny_models: Path) -> Any:
    from diffusers import StableDiffusionPipeline

    return StableDiffusionPipeline.from_pretrained(tiny_models / "sd15", local_files_only=True, safety_checker=None)


@pytest.mark.parametrize(
    ("prompt", "fragments"),
    [
        ("a hat", [("a hat", 1)]),
        ("(red:1.3) hat", [("red", 1.3), (" hat", 1)]),
        ("a (big (red:0.5) hat:1.2)", [("a ", 1), ("big ", 1.2), ("red", 0.6), (" hat", 1.2)]),
        ("mother's (two) hats", [("mother's (two) hats", 1)]),
        (r"a \(red:1.3\) hat", [("a (red:1.3) hat", 1)]),
        ("(red:0) hat", [("red", 0), (" hat", 1)]),
        ("(a: b) (c:) (d:.) )(", [("(a: b) (c:) (d:.) )(", 1)]),
        ("50% off: now (today: 5)", [("50% off: now ", 1), ("today", 4)]),
        ("(x:99)", [("x", 4)]),
        ("", [("", 1)]),
        ('"a".swap("b") withLora(x,0.5)', [('"a".swap("b") withLora(x,0.5)', 1)]),
    ],
)
def test_weights_are_read_and_everything_else_stays_text(prompt: str, fragments: list) -> None:
    parsed = [(fragment.text, pytest.approx(fragment.weight)) for fragment in parse_weights(prompt)]
    assert [text for text, _ in fragments] == [text for text, _ in parsed]
    assert [weight for _, weight in parsed] == [weight for _, weight in fragments]


@given(st.text(alphabet="ab (:)\\.015,<>", max_size=60))
def test_no_prompt_crashes_the_parser_and_text_without_weights_is_kept(prompt: str) -> None:
    fragments = parse_weights(prompt)
    assert all(0 <= fragment.weight <= 4 for fragment in fragments)
    if "(" not in prompt and "\\" not in prompt:
        assert fragments == [Fragment(prompt, 1.0)]


def test_a_deeply_nested_or_endless_prompt_is_no_danger() -> None:
    assert parse_weights("(" * 4000 + "a" + ":1.1)" * 2500)
    with pytest.raises(ImagingError, match="characters"):
        parse_weights("a" * 20_001)


def test_lora_tags_of_other_tools_are_removed() -> None:
    assert without_lora_tags("a hat, <lora:ink:0.8>, blue <LORA:x>") == "a hat, blue"
    assert without_lora_tags("a <b> hat") == "a <b> hat"
    assert plain_text("a (red:1.2) hat <lora:ink:0.8>") == "a red hat"


def test_a_plain_prompt_gives_exactly_the_states_of_diffusers(sdxl: Any, sd15: Any) -> None:
    import torch

    ours = ClipPromptEncoder(sdxl).encode("a red hat", "blue", guided=True, clip_skip=None)
    names = ["prompt_embeds", "negative_prompt_embeds", "pooled_prompt_embeds", "negative_pooled_prompt_embeds"]
    for name, theirs in zip(names, sdxl.encode_prompt("a red hat", negative_prompt="blue"), strict=True):
        assert torch.allclose(ours[name], theirs, atol=1e-5), name
    ours = ClipPromptEncoder(sd15).encode("a red hat", "blue", guided=True, clip_skip=None)
    theirs = sd15.encode_prompt("a red hat", "cpu", 1, True, negative_prompt="blue")
    for name, states in zip(names, theirs, strict=False):
        assert torch.allclose(ours[name], states, atol=1e-5), name
    skipped = ClipPromptEncoder(sdxl).encode("a red hat", None, guided=False, clip_skip=1)
    theirs = sdxl.encode_prompt("a red hat", do_classifier_free_guidance=False, clip_skip=1)
    assert torch.allclose(skipped["prompt_embeds"], theirs[0], atol=1e-5)


def test_an_empty_negative_prompt_is_text_and_a_missing_one_is_zeros_in_sdxl(sdxl: Any) -> None:
    encoder = ClipPromptEncoder(sdxl)
    assert encoder.encode("a", None, guided=True, clip_skip=None)["negative_prompt_embeds"].abs().max() == 0
    assert encoder.encode("a", "", guided=True, clip_skip=None)["negative_prompt_embeds"].abs().max() > 0


def test_weights_scale_the_distance_from_the_empty_prompt(sdxl: Any) -> None:
    import torch

    encoder = ClipPromptEncoder(sdxl)

    def states(prompt: str) -> Any:
        return encoder.encode(prompt, None, guided=False, clip_skip=None)["prompt_embeds"]

    empty, plain = states(""), states("hat")
    assert torch.allclose(states("(hat:1.5)")[:, 1:4], (empty + 1.5 * (plain - empty))[:, 1:4], atol=1e-5)
    assert torch.allclose(states("(hat:0)")[:, 1:4], empty[:, 1:4], atol=1e-5)
    assert torch.allclose(states("(hat:1)"), plain)


def test_prompts_beyond_77_tokens_are_chunked_and_heard_to_the_end(sdxl: Any) -> None:
    encoder = ClipPromptEncoder(sdxl)
    long = "a red hat " * 16
    first = encoder.encode(long + "sun", "short", guided=True, clip_skip=None)
    second = encoder.encode(long + "sea", "short", guided=True, clip_skip=None)
    assert first["prompt_embeds"].shape[1] == 77 * 2
    assert first["negative_prompt_embeds"].shape == first["prompt_embeds"].shape
    assert (first["prompt_embeds"] - second["prompt_embeds"]).abs().max() > 1e-3
    negative = encoder.encode("short", long * 2, guided=True, clip_skip=None)
    assert negative["prompt_embeds"].shape == negative["negative_prompt_embeds"].shape


def test_the_legacy_truncation_keeps_triggers_first_and_cuts_the_prompt_at_a_word() -> None:
    tokenizer = tiny.clip_tokenizer()
    long = "a red hat " * 20
    text, note = truncate_keeping_triggers(long + "inkwash", ["inkwash, ww"], tokenizer)
    assert text.startswith("inkwash, ww, a red hat")
    assert len(tokenizer(text, add_special_tokens=False)["input_ids"]) <= 75
    assert text.endswith(("a", "red", "hat"))
    assert note and "cut to 75 tokens" in note
    assert truncate_keeping_triggers("a (red:1.2) hat", [], tokenizer) == ("a red hat", None)


def test_clip_skip_changes_the_picture_and_too_deep_a_skip_is_refused(
    studio_of: Callable[[str], PictureStudio],
) -> None:
    for slug in ("realistic_vision", "miniature-xl"):

        def draw(skip: int | None, slug: str = slug) -> bytes:
            request = PictureRequest(slug, "a red hat", seed=1, overrides=Overrides(clip_skip=skip))
            return studio_of(slug).generate(request).pictures[0].image.tobytes()

        assert draw(None) != draw(1)
        with pytest.raises(ImagingError, match="too deep"):
            draw(9)


def test_weights_and_truncation_reach_the_picture(studio_of: Callable[[str], PictureStudio]) -> None:
    studio, long = studio_of("miniature-xl"), "a red hat " * 16

    def draw(prompt: str, **more: Any) -> Any:
        return studio.generate(PictureRequest("miniature-xl", prompt, seed=1, **more))

    def same(one: Any, two: Any) -> bool:
        return one.pictures[0].image.tobytes() == two.pictures[0].image.tobytes()

    assert not same(draw("a red hat"), draw("a (red:2) hat"))
    assert not same(draw(long + "sun"), draw(long + "sea"))
    cut = draw(long + "sun", weighting="truncated")
    assert same(cut, draw(long + "sea", weighting="truncated"))
    assert any("prompt cut" in note for note in cut.notes)


def test_an_unknown_lora_is_refused_before_anything_is_drawn(studio_of: Callable[[str], PictureStudio]) -> None:
    with pytest.raises(ImagingError, match="no LoRA"):
        studio_of("miniature-xl").generate(PictureRequest("miniature-xl", "a", loras=(LoraUse("nobody"),)))
