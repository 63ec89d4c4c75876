"""The rules between a request and the numbers it is drawn with."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from creative_lab.imaging import devices
from creative_lab.imaging.catalogue import Catalogue
from creative_lab.imaging.errors import ImagingError
from creative_lab.imaging.loras import ResolvedLora
from creative_lab.imaging.parameters import (
    Control,
    LoraUse,
    PictureRequest,
    Reference,
    fit_size,
    picture_seeds,
    resolve,
)
from creative_lab.imaging.presets import ModelPreset, Overrides
from creative_lab.settings import Settings

LORA = ResolvedLora("l", Path("l.safetensors"), 0.7, "inkwash, ww", "photo", guidance_scale=3.5, clip_skip=2)


def preset(slug: str, **changes) -> ModelPreset:
    return Catalogue.load(Settings()).model(slug).model_copy(update=changes)


def decide(slug: str, *, loras=(), **request):
    return resolve(PictureRequest(slug, "a hat", **request), preset(slug), multiple=8, loras=loras)


def test_every_picture_of_a_job_has_its_own_drawn_seed() -> None:
    first, second = picture_seeds(None, 4), picture_seeds(None, 4)
    assert len(set(first)) == len(set(second)) == 4
    assert first != second


def test_a_fixed_seed_counts_up_and_zero_is_a_seed() -> None:
    assert picture_seeds(0, 3) == (0, 1, 2)
    assert picture_seeds(None, 1, [5, 3]) == (5, 3)


@pytest.mark.parametrize(("seed", "count"), [(-1, 1), (2**63 - 1, 2), (1, 0), (1, 65)])
def test_impossible_seeds_and_counts_are_refused(seed: int, count: int) -> None:
    with pytest.raises(ImagingError):
        picture_seeds(seed, count)


def test_an_explicit_zero_is_kept() -> None:
    assert decide("juggernaut_xl", overrides=Overrides(guidance_scale=0.0)).guidance_scale == 0.0
    assert LoraUse("l", 0.0).strength == 0.0
    no_guidance = ResolvedLora("l", Path("l"), 0.0, guidance_scale=0.0)
    assert decide("juggernaut_xl", loras=[no_guidance]).guidance_scale == 0.0


def test_guidance_of_the_lora_wins_over_the_job_and_the_model() -> None:
    assert decide("juggernaut_xl").guidance_scale == 7.0
    assert decide("juggernaut_xl", overrides=Overrides(guidance_scale=4)).guidance_scale == 4.0
    decided = decide("juggernaut_xl", overrides=Overrides(guidance_scale=4, clip_skip=1), loras=[LORA])
    assert (decided.guidance_scale, decided.clip_skip) == (3.5, 2)


def test_whoever_wanted_another_guidance_or_clip_skip_than_the_first_lora_is_told() -> None:
    other = ResolvedLora("m", Path("m"), 0.7, guidance_scale=9.0, clip_skip=2)
    decided = decide("juggernaut_xl", overrides=Overrides(guidance_scale=8, clip_skip=1), loras=[LORA, other])
    assert (decided.guidance_scale, decided.clip_skip) == (3.5, 2)
    assert decided.notes == (
        "guidance 8 asked for not used: LoRA l says 3.5",
        "guidance 9 of LoRA m not used: LoRA l says 3.5",
        "clip skip 1 asked for not used: LoRA l says 2",
    )
    assert decide("juggernaut_xl", overrides=Overrides(guidance_scale=3.5), loras=[LORA]).notes == ()


def test_a_trigger_inside_another_word_is_still_appended() -> None:
    lora = ResolvedLora("l", Path("l"), 0.7, "art, blue hat")
    request = PictureRequest("x", "people at a party with (blue hat:1.2)")
    assert resolve(request, preset("juggernaut_xl"), multiple=8, loras=[lora]).prompt.endswith("(blue hat:1.2), art")


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: Control("pose", None, scale=-5), "ControlNet pose: scale -5 is not within 0 to 2"),
        (lambda: Control("pose", None, guidance_end=1.7), "ControlNet pose: guidance_end 1.7 is not within 0 to 1"),
        (lambda: Reference("face", None, scale=50), "reference face: scale 50 is not within 0 to 2"),
        (lambda: Reference("face", None, scale=float("nan")), "nan is not within"),
        (lambda: LoraUse("l", 2.5), "LoRA l: strength 2.5 is not within 0 to 2"),
        (lambda: PictureRequest("m", "a", batch_size=0), "batch_size 0 is not 1 or more"),
        (lambda: PictureRequest("m", "a", batch_size=-2), "batch_size -2 is not 1 or more"),
        (lambda: PictureRequest("m", "a \udcff"), "the prompt holds .* half a character, at 2"),
        (lambda: PictureRequest("m", "a", "\ud800"), "the negative prompt holds"),
    ],
)
def test_numbers_and_characters_that_no_model_takes_are_refused(make, named: str) -> None:
    with pytest.raises(ImagingError, match=named):
        make()


@pytest.mark.parametrize("slug", ["sdxl_turbo", "zimageturbo"])
def test_turbo_models_force_their_guidance_and_say_so(slug: str) -> None:
    decided = decide(slug, overrides=Overrides(guidance_scale=7), loras=[LORA])
    assert decided.guidance_scale == 0.0
    assert any("guidance 3.5 ignored" in note for note in decided.notes)


def test_triggers_are_appended_once_and_negative_words_only_where_supported() -> None:
    decided = resolve(PictureRequest("x", "a hat, WW", "blue"), preset("juggernaut_xl"), multiple=8, loras=[LORA])
    assert decided.prompt == "a hat, WW, inkwash"
    assert decided.negative_prompt == "blue, photo"
    assert decide("sdxl_turbo", loras=[LORA]).negative_prompt is None


@pytest.mark.parametrize(
    ("slug", "size"), [("sdxl_turbo", (680, 384)), ("realistic_vision", (832, 464)), ("juggernaut_xl", (1280, 720))]
)
def test_a_storyboard_frame_shrinks_to_what_a_model_can_draw_and_says_so(slug: str, size: tuple[int, int]) -> None:
    decided = decide(slug, overrides=Overrides(width=1280, height=720))
    assert (decided.width, decided.height) == size
    assert decided.width * decided.height <= preset(slug).max_pixels
    assert bool(decided.notes) == (size != (1280, 720))


@given(st.integers(64, 4096), st.integers(64, 4096), st.integers(4096, 20_000_000), st.sampled_from([8, 16]))
def test_any_size_fits_keeps_its_aspect_and_is_a_multiple(width: int, height: int, limit: int, multiple: int) -> None:
    w, h, note = fit_size(width, height, limit, multiple)
    assert w % multiple == h % multiple == 0
    assert w <= width and h <= height
    assert w * h <= limit or min(w, h) == multiple
    if min(w, h) >= 8 * multiple:
        assert abs(w / h / (width / height) - 1) < 0.26
    assert (note is None) == ((w, h) == (width, height))


@pytest.mark.parametrize(
    "wrong",
    [{"steps": 0}, {"steps": 201}, {"guidance_scale": -0.1}, {"guidance_scale": 20.1}, {"width": 63}, {"height": 4097},
     {"clip_skip": 13}, {"scheduler": "custom"}, {"custom_pipeline": "x"}],
)  # fmt: skip
def test_overrides_out_of_range_are_refused(wrong: dict) -> None:
    with pytest.raises(ValidationError):
        Overrides.model_validate(wrong)


def test_an_empty_prompt_is_refused() -> None:
    with pytest.raises(ImagingError, match="empty"):
        resolve(PictureRequest("x", "  "), preset("sdxl_base"), multiple=8)


def test_presets_keep_their_number_formats_and_float8_loads_as_bfloat16() -> None:
    assert devices.dtype_name(preset("juggernaut_xl"), "cuda") == "float16"
    assert devices.dtype_name(preset("zimageturbo"), "cuda") == "bfloat16"
    assert devices.dtype_name(preset("zimageturbo", dtype="float8_e4m3fn"), "mps") == "bfloat16"
    assert devices.dtype_name(preset("juggernaut_xl"), "cpu") == "float32"


def test_models_stay_on_a_gpu_that_has_room_and_move_by_parts_otherwise() -> None:
    model = preset("sdxl_base")
    assert devices.placement(model, "cuda", 80_000_000_000) == "resident"
    assert devices.placement(model, "cuda", 9_000_000_000) == "model offload"
    sequential = preset("sdxl_base", use_sequential_cpu_offload=True)
    assert devices.placement(sequential, "cuda", 80_000_000_000) == "sequential offload"
    assert devices.placement(model, "mps", None) == "sequential offload"
    assert devices.placement(model, "cpu", None) == "resident"
