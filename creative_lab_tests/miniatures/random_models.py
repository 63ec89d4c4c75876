"""A models' root whose miniatures have random weights: enough for everything that loads them."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch

from creative_lab.lake.fs import FileSystem
from creative_lab.miniatures.autoencoder import new_autoencoder
from creative_lab.miniatures.clip import ClipTrainer
from creative_lab.miniatures.image_encoder import new_image_encoder, write_image_encoder
from creative_lab.miniatures.judge import JudgeTrainer
from creative_lab.miniatures.manifest import models_root, write_manifest
from creative_lab.miniatures.text_to_picture import TextToPictureTrainer
from creative_lab.miniatures.writing import half, write_json


def random_clip(folder: Path) -> None:
    """clip/ and preference/, which is a CLIP too."""
    torch.manual_seed(1)
    clip = ClipTrainer(folder)
    for name in ("clip", "preference"):
        clip.export(clip.network(), FileSystem(folder / name))
        write_manifest(folder, name)


def random_pipeline(folder: Path) -> None:
    """miniature-xl/ beside a clip/ that is there already."""
    from safetensors.torch import save

    torch.manual_seed(2)
    files, autoencoder = FileSystem(folder / "miniature-xl"), new_autoencoder()
    write_json(files, "vae/config.json", {**dict(autoencoder.config), "_class_name": "AutoencoderKL"})
    files.write_bytes("vae/diffusion_pytorch_model.safetensors", save(half(autoencoder.state_dict())))
    maker = TextToPictureTrainer(folder)
    maker.export(maker.network(), files)
    write_manifest(folder, "miniature-xl")


def random_judges(folder: Path) -> None:
    """judge/ and the image encoder of miniature-reference/ with random weights, and the shipped faces."""
    torch.manual_seed(3)
    judge = JudgeTrainer(folder)
    judge.export(judge.network(), FileSystem(folder / "judge"))
    write_manifest(folder, "judge")
    write_image_encoder(new_image_encoder(), FileSystem(folder / "miniature-reference"))
    shutil.copytree(models_root() / "faces", folder / "faces")
    write_manifest(folder, "faces")
