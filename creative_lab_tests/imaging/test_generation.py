"""Batches, memory, progress, cancelling, schedulers and the warm model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from creative_lab.imaging.errors import Cancelled, ImagingError, ModelNotHere, OutOfMemory, UnsafeModel
from creative_lab.imaging.generation import PictureStudio, Progress
from creative_lab.imaging.parameters import PictureRequest
from creative_lab.imaging.presets import Overrides
from creative_lab.settings import Settings
from creative_lab_tests.imaging import single_file, tiny

StudioOf = Callable[[str], PictureStudio]
MODEL = "miniature-xl"
PULLED = "sdxl_turbo"


def pixels(generation: Any) -> list[bytes]:
    return [picture.image.tobytes() for picture in generation.pictures]


class ScarceMemory:
    """Makes a UNet fail as a full device does, whenever more than ``limit`` pictures are in a batch."""

    def __init__(self, studio: PictureStudio, limit: int) -> None:
        studio.generate(PictureRequest(MODEL, "warm up", seed=1))
        assert studio._warm is not None
        self.unet = studio._warm[1].pipeline.unet
        self.limit = limit

    def __enter__(self) -> None:
        import torch

        def check(_module: Any, arguments: Any) -> None:
            if arguments[0].shape[0] > 2 * self.limit:  # guided: every picture counts twice
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate more than there is")

        self.hook = self.unet.register_forward_pre_hook(check)

    def __exit__(self, *_: object) -> None:
        self.hook.remove()


def test_running_out_of_memory_draws_smaller_batches_and_says_so(studio_of: StudioOf) -> None:
    studio = studio_of(MODEL)
    whole = studio.generate(PictureRequest(MODEL, "a red hat", count=5, seed=3))
    with ScarceMemory(studio, 2):
        parts = studio.generate(PictureRequest(MODEL, "a red hat", count=5, seed=3))
    assert whole.batches == [5]
    assert parts.batches == [2, 2, 1]
    assert any("out of memory with 5" in note for note in parts.notes)
    import numpy as np

    for one, two in zip(whole.pictures, parts.pictures, strict=True):
        assert one.seed == two.seed
        assert np.abs(np.asarray(one.image, dtype=int) - np.asarray(two.image, dtype=int)).max() <= 1


def test_one_picture_that_does_not_fit_is_an_error_and_the_studio_lives_on(studio_of: StudioOf) -> None:
    studio = studio_of(MODEL)
    with ScarceMemory(studio, 0), pytest.raises(OutOfMemory, match="even one picture of 64x64"):
        studio.generate(PictureRequest(MODEL, "a red hat", count=4))
    assert studio.generate(PictureRequest(MODEL, "a red hat")).batches == [1]


def test_progress_counts_every_step(studio_of: StudioOf) -> None:
    seen: list[Progress] = []
    request = PictureRequest(MODEL, "a", count=3, seed=1, batch_size=2, overrides=Overrides(steps=3))
    generation = studio_of(MODEL).generate(request, progress=seen.append)
    assert [(p.pictures_done, p.step, p.steps, p.pictures) for p in seen] == [
        (0, 1, 3, 3), (0, 2, 3, 3), (0, 3, 3, 3), (2, 1, 3, 3), (2, 2, 3, 3), (2, 3, 3, 3),
    ]  # fmt: skip
    assert generation.batches == [2, 1]


def test_cancelling_stops_within_a_step_and_leaves_the_model_ready(studio_of: StudioOf) -> None:
    studio, steps = studio_of(MODEL), []
    with pytest.raises(Cancelled, match="step 2 of 9"):
        studio.generate(
            PictureRequest(MODEL, "a", overrides=Overrides(steps=9, scheduler="DDIM")),
            progress=steps.append,
            cancelled=lambda: len(steps) == 2,
        )
    assert len(steps) == 2
    assert studio.generate(PictureRequest(MODEL, "a", seed=1)).scheduler == "EulerDiscrete"


def test_a_scheduler_override_holds_for_one_job_and_is_named(studio_of: StudioOf) -> None:
    studio = studio_of(MODEL)
    before = studio.generate(PictureRequest(MODEL, "a", seed=1))
    other = studio.generate(PictureRequest(MODEL, "a", seed=1, overrides=Overrides(scheduler="DPMSolverMultistep")))
    after = studio.generate(PictureRequest(MODEL, "a", seed=1))
    assert (before.scheduler, other.scheduler, after.scheduler) == (
        "EulerDiscrete", "DPMSolverMultistep", "EulerDiscrete",
    )  # fmt: skip
    assert pixels(before) == pixels(after) != pixels(other)


def test_the_scheduler_of_the_preset_wins_over_that_of_the_files(studio_of: StudioOf) -> None:
    assert studio_of("sdxl_turbo").generate(PictureRequest("sdxl_turbo", "a")).scheduler == "EulerAncestralDiscrete"


@pytest.mark.parametrize(("slug", "scheduler"), [(MODEL, "FlowMatchEulerDiscrete"), ("flux1_dev", "DDIM")])
def test_a_scheduler_of_the_other_kind_is_refused(studio_of: StudioOf, slug: str, scheduler: Any) -> None:
    with pytest.raises(ImagingError, match="does not fit"):
        studio_of(slug).generate(PictureRequest(slug, "a", overrides=Overrides(scheduler=scheduler)))


def test_one_model_stays_warm_and_another_evicts_it(imaging_settings: Settings) -> None:
    loads: list[str] = []
    studio = PictureStudio(imaging_settings, before_loading=lambda: loads.append("made room"))
    first = studio.generate(PictureRequest(MODEL, "a", seed=1))
    again = studio.generate(PictureRequest(MODEL, "a", seed=1))
    assert len(loads) == 1 and again.load_s < first.load_s
    family = studio._warm[1] if studio._warm else None
    studio.generate(PictureRequest("realistic_vision", "a", seed=1))
    assert studio.warm_model == "realistic_vision" and len(loads) == 2
    assert family is not None and family.pipeline is None


def test_text_is_encoded_once_for_all_variations_and_jobs(studio_of: StudioOf) -> None:
    studio = studio_of(MODEL)
    studio.generate(PictureRequest(MODEL, "warm up"))
    assert studio._warm is not None
    calls: list[int] = []
    encoder = studio._warm[1].pipeline.text_encoder
    hook = encoder.register_forward_hook(lambda *_: calls.append(1))
    for _ in range(2):
        studio.generate(PictureRequest(MODEL, "a prompt nobody used", count=4, batch_size=2))
    hook.remove()
    assert len(calls) == 1


def test_models_with_code_or_pickles_or_changed_bytes_are_not_loaded(
    imaging_settings: Settings, tiny_models: Any
) -> None:
    import hashlib
    import json
    import shutil

    place = imaging_settings.models_root / "stabilityai--sdxl-turbo"
    place.unlink()
    sentinel = imaging_settings.home / "executed"

    def attempt() -> None:
        PictureStudio(imaging_settings).generate(PictureRequest(PULLED, "a"))

    shutil.copytree(tiny_models / "sdxl", place)
    (place / "unet" / "pipeline.py").write_text(f"open({str(sentinel)!r}, 'w')")
    with pytest.raises(UnsafeModel, match="holds code"):
        attempt()
    (place / "unet" / "pipeline.py").unlink()

    index = json.loads((place / "model_index.json").read_text())
    (place / "model_index.json").write_text(json.dumps({**index, "unet": ["evil_module", "Unet"]}))
    with pytest.raises(UnsafeModel, match="evil_module"):
        attempt()
    (place / "model_index.json").write_text(json.dumps(index))

    weights = place / "unet" / "diffusion_pytorch_model.safetensors"
    right = hashlib.sha256(weights.read_bytes()).hexdigest()
    manifest = {"files": [{"path": "unet/" + weights.name, "bytes": weights.stat().st_size, "sha256": right}]}
    (place / "manifest.json").write_text(json.dumps(manifest))
    attempt()
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(bytes(data))
    with pytest.raises(UnsafeModel, match="SHA-256"):
        attempt()

    (place / "manifest.json").unlink()
    weights.rename(weights.with_suffix(".bin"))
    with pytest.raises(ImagingError):
        attempt()
    assert not sentinel.exists()


def test_the_half_precision_variant_alone_is_enough(imaging_settings: Settings, tiny_models: Any) -> None:
    import shutil

    place = imaging_settings.models_root / "stabilityai--sdxl-turbo"
    place.unlink()
    shutil.copytree(tiny_models / "sdxl", place)
    for file in place.rglob("*.safetensors"):
        file.rename(file.with_name(file.name.replace(".safetensors", ".fp16.safetensors")))
    assert PictureStudio(imaging_settings).generate(PictureRequest(PULLED, "a")).pictures


def test_a_single_file_is_looked_for_below_the_models_folder_and_must_be_safetensors(
    imaging_settings: Settings,
) -> None:
    from creative_lab_tests.imaging.conftest import change_presets

    change_presets(imaging_settings.data_dir, juggernaut_xl={"path": "checkpoints/jug.safetensors"})
    request = PictureRequest("juggernaut_xl", "a")
    with pytest.raises(ModelNotHere, match=r"checkpoints/jug\.safetensors"):
        PictureStudio(imaging_settings).generate(request)
    file = imaging_settings.models_root / "checkpoints" / "jug.safetensors"
    file.parent.mkdir()
    file.write_bytes(b"\x80\x04 a pickle in disguise")
    with pytest.raises(UnsafeModel, match="not a safetensors file"):
        PictureStudio(imaging_settings).generate(request)
    tiny.lora(file)
    with pytest.raises(ImagingError, match="single_file_config"):
        PictureStudio(imaging_settings).generate(request)


def test_a_single_file_in_the_original_layout_draws_the_same_picture(imaging_settings: Settings) -> None:
    from diffusers import StableDiffusionXLPipeline

    from creative_lab_tests.imaging.conftest import change_presets

    folder = imaging_settings.models_root / "stabilityai--stable-diffusion-xl-base-1.0"
    tiny.sdxl(folder, second_width=24)
    file = imaging_settings.models_root / "checkpoints" / "jug.safetensors"
    pipeline = StableDiffusionXLPipeline.from_pretrained(folder, local_files_only=True)
    single_file.write(pipeline, file)
    common = {"miniature": True, "default_width": 64, "default_height": 64, "steps": 2}
    config = "stabilityai/stable-diffusion-xl-base-1.0"
    change_presets(
        imaging_settings.data_dir,
        juggernaut_xl={**common, "path": "checkpoints/jug.safetensors", "single_file_config": config},
        sdxl_base={**common, "guidance_scale": 7.0},
    )
    studio = PictureStudio(imaging_settings)
    one = studio.generate(PictureRequest("juggernaut_xl", "a hat", "blue", seed=1))
    other = studio.generate(PictureRequest("sdxl_base", "a hat", "blue", seed=1))
    assert pixels(one) == pixels(other)

    single_file.write(pipeline, file, leave_out="text_projection")
    with pytest.raises(ImagingError, match=r"no values|cannot be loaded"):
        studio.generate(PictureRequest("juggernaut_xl", "a hat", seed=1))


def test_a_model_that_cannot_be_loaded_raises_with_the_reason(imaging_settings: Settings, tiny_models: Any) -> None:
    import shutil

    place = imaging_settings.models_root / "stabilityai--sdxl-turbo"
    place.unlink()
    shutil.copytree(tiny_models / "sdxl", place)
    (place / "unet" / "config.json").write_text("{")
    with pytest.raises(ImagingError, match="SDXL Turbo cannot be loaded"):
        PictureStudio(imaging_settings).generate(PictureRequest(PULLED, "a"))
