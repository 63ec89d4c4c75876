"""The training set: pairs, repeats, buckets, and what is computed once."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from creative_lab.characters import dataset
from creative_lab.characters.training_data import PARTS, TrainingData
from creative_lab.illustrator.sample import sample_scene
from creative_lab.illustrator.scene import draw_scene

TRIGGER = "abc_man"
CAPTION = "abc_man waving in the park at dawn, close-up"


def picture(seed: int, width: int = 64, height: int = 64) -> Image.Image:
    return Image.fromarray(draw_scene(sample_scene(seed, people=1), width, height).pixels)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def row(name: str, caption: str | None = CAPTION, status: str = "ready") -> dict[str, Any]:
    return {"picture": name, "path": name, "sha256": "0" * 64, "caption": caption, "status": status}


def pairs(files: dict[str, bytes], rows: list[dict[str, Any]]) -> dict[str, dataset.Pair]:
    def read(name: str) -> bytes:
        if name not in files:
            raise FileNotFoundError(name)
        return files[name]

    made = dataset.make_pairs(rows, read, TRIGGER, resolution=64, multiple=8)
    return {pair.name: pair for pair in made}


def test_pairs_that_cannot_be_used_are_listed_with_the_reason() -> None:
    good = encoded(picture(1))
    files = {"good": good, "no caption": encoded(picture(2)), "blank": encoded(picture(3)), "damaged": good[:200],
             "refused": encoded(picture(4))}  # fmt: skip
    rows = [row("good"), row("no caption", None), row("blank", "  "), row("damaged"), row("gone"),
            row("refused", None, "refused")]  # fmt: skip
    found = pairs(files, rows)
    assert found["good"].left_out is None
    assert found["no caption"].left_out == found["blank"].left_out == "the caption is missing or empty"
    assert "damaged" in str(found["damaged"].left_out)
    assert found["gone"].left_out == "the picture's file is missing"
    assert found["refused"].left_out == "its caption is not ready (refused)"
    made = dataset.manifest(list(found.values()), TRIGGER)
    assert made["metadata"]["total_samples"] == len(made["samples"]) == 1
    assert set(made["metadata"]["statistics"]["left_out"]) == {"no caption", "blank", "damaged", "gone", "refused"}
    assert made["samples"][0]["caption"] == CAPTION


def test_doubtful_captions_are_used_with_a_warning() -> None:
    files = {"a": encoded(picture(1)), "b": encoded(picture(2))}
    found = pairs(files, [row("a", "somebody waving in the park at dawn, close-up"), row("b", "abc_man in a red coat")])
    assert found["a"].warnings == ["the caption lacks the trigger abc_man"]
    assert found["b"].warnings == [
        "the caption says looks or clothes: coat",
        "the caption has 21 characters, not 40 to 100",
    ]
    assert dataset.manifest(list(found.values()), TRIGGER)["metadata"]["statistics"]["without_trigger"] == ["a"]


def test_a_repeated_picture_is_found_whatever_its_format_size_and_compression() -> None:
    same = picture(5, 96, 96)
    files = {
        "first": encoded(same),
        "as jpeg": encoded(same, "JPEG", quality=60),
        "smaller": encoded(same.resize((64, 64), Image.Resampling.LANCZOS)),
        "brighter": encoded(same.point(lambda value: min(255, value + 6))),
        "other": encoded(picture(6, 96, 96)),
    }
    found = pairs(files, [row(name) for name in files])
    assert {name: pair.duplicate_of for name, pair in found.items()} == {
        "first": None, "as jpeg": "first", "smaller": "first", "brighter": "first", "other": None,
    }  # fmt: skip


def test_different_pictures_of_one_character_are_no_repeats() -> None:
    from pathlib import Path

    from creative_lab.characters.samples import draw, read_description
    from creative_lab.settings import REPOSITORY_ROOT

    folder = Path(REPOSITORY_ROOT, "data", "characters")
    for sample in sorted(folder.iterdir()):
        files = {drawn.name: drawn.data for drawn in draw(read_description(sample))}
        found = pairs(files, [row(name) for name in files])
        assert [name for name, pair in found.items() if pair.duplicate_of] == []


@given(st.integers(40, 4000), st.integers(40, 4000), st.sampled_from([(128, 32), (64, 8), (512, 64), (1024, 64)]))
def test_a_bucket_has_about_the_right_number_of_pixels_and_the_picture_s_aspect(
    width: int, height: int, sizes: tuple[int, int]
) -> None:
    resolution, multiple = sizes
    wide, high = dataset.bucket_of(width, height, resolution, multiple)
    assert wide % multiple == high % multiple == 0
    assert wide * high <= max(multiple**2, min(resolution**2, width * height)) + multiple * max(wide, high)
    if width * height >= resolution**2 and 0.5 <= width / height <= 2 and multiple * 8 <= resolution:
        assert abs(np.log((wide / high) / (width / height))) < 0.2
        assert wide * high >= 0.75 * resolution**2


def test_pictures_cover_their_bucket_and_are_cut_at_the_centre() -> None:
    pixels = np.zeros((60, 120, 3), np.uint8)
    pixels[:, 40:80] = 255
    cut, crop = dataset.fit(pixels, (64, 64))
    assert cut.shape == (64, 64, 3)
    assert crop == (32, 0)
    assert cut[:, 16:48].mean() > 240
    assert cut[:, :6].mean() < 15


def test_latents_and_text_states_are_those_that_the_pipeline_itself_computes(new_pipeline: Callable[[], Any]) -> None:
    import torch

    pipeline = new_pipeline()
    files = {"a": encoded(picture(1, 64, 64)), "b": encoded(picture(2, 96, 48))}
    rows = [row(name) for name in files]
    made = dataset.make_pairs(rows, files.__getitem__, TRIGGER, resolution=64, multiple=dataset.side_multiple(pipeline))
    data = TrainingData.read(dataset.cache(pipeline, made), ["a", "b"])
    assert set(data.tensors) == set(PARTS)
    assert data.buckets[0] == (32, 32)
    assert data.buckets[1][0] < data.buckets[1][1]
    with torch.no_grad():
        states, _, pooled, _ = pipeline.encode_prompt(CAPTION, do_classifier_free_guidance=False)
        assert made[0].pixels is not None
        tensor = torch.from_numpy(made[0].pixels.copy()).permute(2, 0, 1)[None] / 127.5 - 1
        mean = pipeline.vae.encode(tensor).latent_dist.mean[0] * pipeline.vae.config.scaling_factor
    assert torch.allclose(data.tensors["states"][0], states[0], atol=1e-5)
    assert torch.allclose(data.tensors["pooled"][0], pooled[0], atol=1e-5)
    assert torch.allclose(data.tensors["mean"][0], mean, atol=1e-5)
    assert data.tensors["time_ids"][1].tolist()[:2] == [48, 96]
    assert not torch.allclose(data.tensors["mean"][0], data.tensors["mirrored_mean"][0], atol=1e-3)


def test_a_cache_that_lacks_a_picture_is_refused(new_pipeline: Callable[[], Any], tiny_data: Any) -> None:
    from creative_lab.characters.errors import CharacterError
    from creative_lab.characters.training_data import pack

    one = {"p0": {part: tiny_data.tensors[part][0] for part in PARTS}}
    with pytest.raises(CharacterError, match="lacks p9; make the training set again"):
        TrainingData.read(pack(one), ["p0", "p9"])
