"""Every family loads from disk as the real ones do and draws by the same rules."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from creative_lab.imaging.generation import PictureStudio
from creative_lab.imaging.parameters import PictureRequest
from creative_lab.imaging.presets import Overrides
from creative_lab.settings import Settings
from creative_lab_tests.imaging.conftest import TINY, change_presets

StudioOf = Callable[[str], PictureStudio]


def pixels(generation) -> list[bytes]:
    return [picture.image.tobytes() for picture in generation.pictures]


@pytest.mark.parametrize("slug", sorted(TINY))
def test_every_family_draws_different_pictures_with_their_own_seeds(studio_of: StudioOf, slug: str) -> None:
    generation = studio_of(slug).generate(PictureRequest(slug, "a (red:1.2) hat on a chair", count=3, seed=7))
    assert [picture.seed for picture in generation.pictures] == [7, 8, 9]
    assert [picture.image.size for picture in generation.pictures] == [(64, 64)] * 3
    assert len(set(pixels(generation))) == 3
    assert generation.batches == [3]
    assert generation.model_sha256 and generation.steps_per_s and generation.peak_memory_bytes


@pytest.mark.parametrize("slug", sorted(TINY))
def test_a_picture_is_the_same_whether_it_is_drawn_in_a_batch_or_alone(studio_of: StudioOf, slug: str) -> None:
    import numpy as np

    together = studio_of(slug).generate(PictureRequest(slug, "a red hat", count=3, seed=7))
    alone = studio_of(slug).generate(PictureRequest(slug, "a red hat", seed=9))
    last = np.asarray(together.pictures[2].image, dtype=int)
    assert np.abs(last - np.asarray(alone.pictures[0].image, dtype=int)).max() <= 1  # rounding of other batch sizes
    first = np.asarray(together.pictures[0].image, dtype=int)
    assert np.abs(last - first).max() > 1


@pytest.mark.parametrize("slug", ["miniature-xl", "realistic_vision", "qwen_image"])
def test_negative_prompts_change_the_picture_where_the_model_has_them(studio_of: StudioOf, slug: str) -> None:
    plain = studio_of(slug).generate(PictureRequest(slug, "a red hat", seed=1, overrides=Overrides(guidance_scale=6)))
    negative = studio_of(slug).generate(
        PictureRequest(slug, "a red hat", "blue, green", seed=1, overrides=Overrides(guidance_scale=6))
    )
    assert pixels(plain) != pixels(negative)
    assert negative.pictures[0].recipe.drawn_negative_prompt == "blue, green"


@pytest.mark.parametrize("slug", ["sdxl_turbo", "flux1_dev", "zimageturbo"])
def test_negative_prompts_are_left_out_and_noted_where_the_model_has_none(studio_of: StudioOf, slug: str) -> None:
    plain = studio_of(slug).generate(PictureRequest(slug, "a red hat", seed=1))
    negative = studio_of(slug).generate(PictureRequest(slug, "a red hat", "blue, green", seed=1))
    assert pixels(plain) == pixels(negative)
    assert negative.pictures[0].recipe.drawn_negative_prompt is None
    assert any("negative prompt not used" in note for note in negative.notes)


def test_guidance_of_qwen_works_without_a_negative_prompt(studio_of: StudioOf) -> None:
    low = studio_of("qwen_image").generate(
        PictureRequest("qwen_image", "a red hat", seed=1, overrides=Overrides(guidance_scale=1))
    )
    high = studio_of("qwen_image").generate(
        PictureRequest("qwen_image", "a red hat", seed=1, overrides=Overrides(guidance_scale=8))
    )
    assert pixels(low) != pixels(high)


@pytest.mark.parametrize("slug", ["qwen_image", "zimageturbo"])
def test_the_sequence_length_of_the_preset_cuts_the_prompt(
    studio_of: StudioOf, imaging_settings: Settings, slug: str
) -> None:
    start = "a red hat " * 6
    texts = [start + "and a blue chair", start + "or some green tea"]
    whole = [pixels(studio_of(slug).generate(PictureRequest(slug, text, seed=1))) for text in texts]
    assert whole[0] != whole[1]
    change_presets(imaging_settings.data_dir, **{slug: {"max_sequence_length": 20}})
    studio = PictureStudio(imaging_settings)
    short = [pixels(studio.generate(PictureRequest(slug, text, seed=1))) for text in texts]
    assert short[0] == short[1]


@pytest.mark.parametrize("slug", ["flux1_dev", "qwen_image", "zimageturbo"])
def test_a_prompt_that_is_cut_says_so(studio_of: StudioOf, imaging_settings: Settings, slug: str) -> None:
    change_presets(imaging_settings.data_dir, **{slug: {"max_sequence_length": 64}})
    studio = PictureStudio(imaging_settings)
    long = studio.generate(PictureRequest(slug, "a red hat " * 30, seed=1))
    assert any(f"prompt cut: {slug} reads 64 of its" in note for note in long.notes)
    assert not any("prompt cut" in note for note in studio.generate(PictureRequest(slug, "a", seed=1)).notes)
