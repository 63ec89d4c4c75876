"""Every trainer takes a step, writes what it promises, and measures what it wrote."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from creative_lab.lake.fs import FileSystem
from creative_lab.miniatures.adapted import load_frozen
from creative_lab.miniatures.manifest import model_folder, write_manifest
from creative_lab.miniatures.picture_measures import draw, load_pipeline
from creative_lab.miniatures.pools import Pool
from creative_lab.miniatures.references import references_plan
from creative_lab.miniatures.registry import NAMES, trainer
from creative_lab.miniatures.together import TogetherTrainer
from creative_lab.miniatures.training import Run
from creative_lab_tests.miniatures.random_models import random_clip, random_judges, random_pipeline

FILES = {
    "garments": {"config.json", "model.safetensors", "preprocessor_config.json"},
    "face-detector": {"det.onnx"},
    "face-recogniser": {"rec.onnx"},
    "clip": {"config.json", "model.safetensors", "preprocessor_config.json", "vocab.json", "merges.txt",
             "tokenizer_config.json"},
    "aesthetic": {"head.safetensors", "config.json"},
    "preference": {"config.json", "model.safetensors", "preprocessor_config.json", "vocab.json", "merges.txt",
                   "tokenizer_config.json"},
    "autoencoder": set(),
    "decoder": set(),
    "judge": {"judge.safetensors", "config.json"},
    "miniature-xl": {"model_index.json"},
    "image-encoder": set(),
    "miniature-pose": {"config.json", "diffusion_pytorch_model.safetensors"},
    "miniature-reference": {"ip_adapter.safetensors"},
    "vision-language": {"config.json", "model.safetensors", "processor_config.json", "chat_template.jinja",
                        "tokenizer.json", "tokenizer_config.json"},
}  # fmt: skip
SAMPLES = {"garments": 1, "face-detector": 3, "face-recogniser": 2, "clip": 1, "aesthetic": 6, "preference": 6,
           "vision-language": 6, "autoencoder": 2, "decoder": 2, "judge": 8, "miniature-xl": 2, "image-encoder": 2,
           "miniature-pose": 1, "miniature-reference": 1}  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models' root with the models of random weights that other trainers start from."""
    folder = tmp_path_factory.mktemp("models")
    random_clip(folder)
    random_pipeline(folder)
    random_judges(folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NAMES if name != "together"])
def test_a_trainer_steps_writes_and_measures(name: str, root: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    maker = trainer(name, root)
    plan = dataclasses.replace(maker.plan(), shards=1, samples=4)
    recipe = dataclasses.replace(maker.recipe, batch=4, steps=2)
    run = Run(maker, recipe, FileSystem(tmp_path / "state"), Pool(plan, tmp_path / "pictures", workers=0))
    before = {key: value.clone() for key, value in run.network.state_dict().items()}
    assert all(np.isfinite(run.step()) for _ in range(2))
    after = run.network.state_dict()
    assert any(not torch.equal(after[key], value) for key, value in before.items())
    out = tmp_path / "out"
    maker.export(run.averaged_network(), FileSystem(out))
    assert {path.name for path in out.iterdir() if path.is_file()} == FILES[name]
    if name == "clip":
        return  # measuring takes a hundred pictures; the shipped model's test does it
    if name == "miniature-xl":
        shutil.copytree(root / "miniature-xl" / "vae", out / "vae")  # another trainer's part of the same folder
    measured = maker.evaluate(out, samples=SAMPLES[name])
    assert set(maker.bars) <= set(measured)
    unbounded = {"AUC of the pack", "PSNR", "joint error removed"}  # no detector beside it; decibels; may get worse
    assert all(-1 <= measured[key] <= 1 for key in set(maker.bars) - unbounded)


@pytest.mark.slow
def test_three_models_that_learn_together_are_written_as_each_by_itself(root: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    mine = tmp_path / "models"
    shutil.copytree(root, mine)
    maker = TogetherTrainer(mine)
    plan = dataclasses.replace(maker.plan(), shards=1, samples=4)
    people = dataclasses.replace(references_plan(mine, 1), samples=4)
    maker.people = Pool(people, tmp_path / "people", workers=0)
    recipe = dataclasses.replace(maker.recipe, batch=4, steps=9)
    state = FileSystem(tmp_path / "state")
    run = Run(maker, recipe, state, Pool(plan, tmp_path / "pictures", workers=0))
    parts: Any = run.network
    learnt = {name: next(part.parameters()).detach().clone() for name, part in parts.items()}
    assert all(np.isfinite(run.step()) for _ in range(9))
    assert not any(torch.equal(next(part.parameters()), learnt[name]) for name, part in parts.items()), (
        "captions, portraits and poses all had their turn"
    )
    run.save()
    again = Run(maker, recipe, state, Pool(plan, tmp_path / "pictures", workers=0))
    assert again.progress.step == 9
    maker.export(run.averaged_network(), FileSystem(mine / maker.folder))
    for name in maker.writes:
        written = {path.name for path in (mine / name).iterdir() if path.is_file()}
        assert written >= FILES[name]
    write_manifest(mine, maker.folder)
    assert (mine / maker.folder / "text_encoder_2" / "model.safetensors").is_symlink(), "the CLIP is shipped once"
    plain = load_frozen(mine).unet
    assert not [key for key in plain.state_dict() if "processor" in key or "encoder_hid" in key]
    adapter = model_folder("miniature-reference", root=mine)
    pipeline = load_pipeline(mine / maker.folder, adapter=adapter)
    dark, light = (Image.new("RGB", (64, 64), colour) for colour in ("navy", "ivory"))
    both = draw(pipeline, ["a person"] * 2, steps=1, ip_adapter_image=[dark, light])
    one, other = (draw(pipeline, ["a person"], steps=1, ip_adapter_image=[picture]) for picture in (dark, light))
    assert np.abs(both[0].astype(int) - one[0]).max() <= 2, "in a batch each text has its own reference"
    assert np.abs(other[0].astype(int) - one[0]).max() > 0
