"""The text-to-picture chain with random weights: formats, rules and folding hold whatever was learnt."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from creative_lab.illustrator.backdrop import SETTINGS
from creative_lab.lake.fs import FileSystem
from creative_lab.miniatures.autoencoder import new_autoencoder, ratio, reconstructed, standardise, to_pixels, to_unit
from creative_lab.miniatures.captioned import unpacked
from creative_lab.miniatures.drawn import SHARD, SQUARE, WIDE, draw_story, is_wide, staged_scene, story_scene
from creative_lab.miniatures.latents import choose_format, face_weight, latents_plan, prop_weight
from creative_lab.miniatures.picture_measures import draw, load_pipeline
from creative_lab.miniatures.pose_control import control_picture, new_controlnet
from creative_lab.miniatures.reference_adapter import ReferenceAdapterTrainer
from creative_lab.miniatures.text_to_picture import cumulative_alphas, noised
from creative_lab_tests.miniatures.random_models import random_clip, random_pipeline


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models' root with a pipeline of random weights."""
    folder = tmp_path_factory.mktemp("models")
    random_clip(folder)
    random_pipeline(folder)
    return folder


def test_the_same_seed_is_the_same_scene_and_formats_alternate_by_shard() -> None:
    assert story_scene(77) == story_scene(77) != story_scene(78)
    wide = next(shard for shard in range(10) if is_wide(shard))
    assert draw_story(wide * SHARD, 1)["pixels"].shape[1:3] == WIDE[::-1]
    assert draw_story(0, 1)["pixels"].shape[1:3] == SQUARE[::-1]


def test_on_a_stage_only_what_captions_say_differs_from_scene_to_scene() -> None:
    places: dict[str, set[int]] = {}
    for seed in range(300):
        free, scene = story_scene(seed), staged_scene(seed)
        turned = tuple(replace(person, mirrored=False) for person in scene.people)
        assert replace(scene, people=turned, seed=0) == replace(
            free, people=tuple(replace(person, mirrored=False) for person in free.people), seed=0
        )
        places.setdefault(scene.surroundings.setting, set()).add(scene.seed)
        if scene.shot in {"extreme close-up", "close-up", "medium close-up"}:
            assert not any(person.mirrored for person in scene.people)
    assert all(len(seeds) == 1 for seeds in places.values()) and len(places) == len(SETTINGS)
    assert {person.mirrored for seed in range(60) for person in staged_scene(seed).people} == {True, False}


def test_captions_differ_in_wording_and_name_no_thing_that_the_picture_does_not_show() -> None:
    from creative_lab.illustrator.props import PROPS
    from creative_lab.miniatures.captioned import PROP_NAMES

    story = draw_story(0, 24)
    for row in range(24):
        texts = unpacked(story["captions"][row])
        assert len(set(texts)) >= 4
        shown = {name for name, there in zip(PROP_NAMES, story["props"][row], strict=True) if there}
        for text in texts:
            named = {name for name in PROPS if re.search(rf"\b{name}\b", text)}
            assert named <= shown | {other for name in shown for other in PROPS if other in name}, text


def test_batches_have_one_format() -> None:
    rng = np.random.default_rng(0)
    kinds = {bool(is_wide(n // SHARD)) for _ in range(40) for n in choose_format(rng, 10 * SHARD, 4, wide_share=0.4)}
    assert kinds == {True, False}
    for _ in range(20):
        chosen = choose_format(rng, 10 * SHARD, 8, wide_share=0.4)
        assert len({is_wide(n // SHARD) for n in chosen}) == 1


def test_standardised_latents_have_unit_variance_and_give_the_same_pictures() -> None:
    torch.manual_seed(5)
    autoencoder = new_autoencoder().eval()
    pictures = draw_story(0, 2)["pixels"]
    before = reconstructed(autoencoder, pictures)
    with torch.inference_mode():
        latents = autoencoder.encode(to_unit(pictures)).latent_dist
        mean, deviation = latents.mean.mean((0, 2, 3)), latents.mean.std((0, 2, 3))
        relative = latents.std / deviation[:, None, None]
    standardise(autoencoder, mean.clone(), deviation.clone())
    with torch.inference_mode():
        after = autoencoder.encode(to_unit(pictures)).latent_dist
    assert torch.allclose(after.mean.std((0, 2, 3)), torch.ones(8), atol=1e-3)
    assert torch.allclose(after.std, relative, rtol=1e-3)
    assert np.abs(reconstructed(autoencoder, pictures).astype(int) - before).max() <= 1


def test_pixels_survive_the_way_to_tensors_and_back() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (2, 16, 24, 3), dtype=np.uint8)
    assert np.array_equal(to_pixels(to_unit(pixels)), pixels)
    assert ratio(pixels, pixels).min() > 100 and ratio(pixels, 255 - pixels).max() < 20


def test_velocities_lead_back_to_the_latents_and_the_last_time_is_pure_noise() -> None:
    alphas = cumulative_alphas()
    assert alphas[-1] < 1e-6
    latents = torch.randn(8, 8, 16, 16)
    noisy, times, velocity = noised(latents, alphas)
    share = alphas[times][:, None, None, None]
    assert torch.allclose(share.sqrt() * noisy - (1 - share).sqrt() * velocity, latents, atol=1e-4)
    edges = ((torch.arange(9) / 8).sqrt() * 1000).floor().long()
    assert ((edges[:-1] <= times) & (times <= edges[1:])).all()  # one time in each eighth of the mass
    late = noised(torch.zeros(4000, 1, 1, 1), alphas)[1]
    assert 0.74 < float((late >= 500).float().mean()) < 0.76


def test_the_decoder_may_learn_on_without_making_latents_stale(root: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    copy = tmp_path / "models"
    shutil.copytree(root / "miniature-xl" / "vae", copy / "miniature-xl" / "vae")
    weights = copy / "miniature-xl" / "vae" / "diffusion_pytorch_model.safetensors"
    tensors = load_file(weights)
    tensors["decoder.conv_out.bias"] += 1
    save_file(tensors, weights)
    assert latents_plan(copy, 1).name == latents_plan(root, 1).name
    tensors["encoder.conv_in.bias"] += 1
    save_file(tensors, weights)
    assert latents_plan(copy, 1).name != latents_plan(root, 1).name
    with pytest.raises(FileNotFoundError, match="autoencoder"):
        latents_plan(tmp_path / "empty", 1)


@pytest.mark.slow
def test_the_written_folder_is_an_sdxl_pipeline_that_draws_square_and_wide(root: Path) -> None:
    pipeline = load_pipeline(root / "miniature-xl")
    assert type(pipeline).__name__ == "StableDiffusionXLPipeline"
    assert pipeline.unet.config.addition_embed_type == "text_time"
    first = draw(pipeline, ["a happy person", "a sad person"], steps=2)
    assert first.shape == (2, 128, 128, 3) and first.dtype == np.uint8
    assert np.array_equal(first, draw(pipeline, ["a happy person", "a sad person"], steps=2))
    assert draw(pipeline, ["a happy person"], steps=1, size=WIDE).shape == (1, 128, 224, 3)


@pytest.mark.slow
def test_an_untrained_controlnet_changes_nothing(root: Path, tmp_path: Path) -> None:
    from PIL import Image

    from creative_lab.miniatures.pose_control import PoseControlTrainer

    controlnet = new_controlnet(load_pipeline(root / "miniature-xl").unet)
    PoseControlTrainer(root).export(controlnet, FileSystem(tmp_path / "pose"))
    joints = draw_story(0, 1)["joints"][0]
    control = Image.fromarray(control_picture(joints, *SQUARE))
    led = draw(
        load_pipeline(root / "miniature-xl", controlnet=tmp_path / "pose"), ["somebody"], steps=2, image=[control]
    )
    assert np.abs(led.astype(int) - draw(load_pipeline(root / "miniature-xl"), ["somebody"], steps=2)).max() <= 2


@pytest.mark.slow
def test_the_reference_adapter_loads_by_diffusers_own_call_and_its_scale_matters(root: Path, tmp_path: Path) -> None:
    from PIL import Image

    from creative_lab.miniatures.image_encoder import new_image_encoder, write_image_encoder

    write_image_encoder(new_image_encoder(), FileSystem(root / "miniature-reference"))
    maker = ReferenceAdapterTrainer(root)
    maker.export(maker.network(), FileSystem(tmp_path / "reference"))
    pipeline = load_pipeline(root / "miniature-xl", adapter=tmp_path / "reference")
    face = Image.fromarray(draw_story(0, 1)["pixels"][0])
    plain = draw(load_pipeline(root / "miniature-xl"), ["somebody"], steps=2)
    pipeline.set_ip_adapter_scale(0.0)
    assert np.abs(draw(pipeline, ["somebody"], steps=2, ip_adapter_image=[face]).astype(int) - plain).max() <= 2
    pipeline.set_ip_adapter_scale(1.0)
    assert np.abs(draw(pipeline, ["somebody"], steps=2, ip_adapter_image=[face]).astype(int) - plain).max() > 2


def test_errors_count_more_where_a_prop_is_that_can_be_seen() -> None:
    story = draw_story(0, 32, scene_of=staged_scene)
    seen = ~np.isnan(story["boxes"][:, :, 0])
    assert np.array_equal(seen.sum(1), story["props"].sum(1))
    weight = prop_weight(story["boxes"], 16, 16, more=2.0)
    assert np.array_equal(weight.any((1, 2)), seen.any(1)) and 0 < seen.any(1).mean() < 1
    row, place = (int(found) for found in np.argwhere(seen)[0])
    left, top, right, bottom = story["boxes"][row, place]
    middle = int((top + bottom) / 2 / 8), int((left + right) / 2 / 8)
    assert weight[row][middle] == 2.0 and weight[row].min() == 0


def test_errors_count_more_where_the_face_is() -> None:
    marks = np.array([[[60, 60], [80, 60], [70, 70], [62, 80], [78, 80]]], np.float32)
    weight = face_weight(marks, 16, 16, more=3.0)[0]
    assert weight[8, 8] > weight[0, 0] == 1
