"""Story pictures as latents: what the UNet and its adapters learn from, encoded once by the worker processes."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from creative_lab.miniatures.drawn import SHARD, SQUARE, WIDE, draw_story, is_wide, staged_scene
from creative_lab.miniatures.pools import Arrays, Plan

if TYPE_CHECKING:
    import torch

FOLDER = "miniature-xl"
_KEPT = ("captions", "numbers", "joints", "marks", "boxes", "face", "vectors")


def encode_pictures(autoencoder: Any, pictures: np.ndarray) -> np.ndarray:
    """uint8 pictures as latents (n, channels, height / 8, width / 8) in fp16, without the encoder's noise."""
    import torch

    from creative_lab.miniatures.autoencoder import to_unit

    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        parts = [
            autoencoder.encode(to_unit(pictures[start : start + 32])).latent_dist.mode()
            for start in range(0, len(pictures), 32)
        ]
    latents: np.ndarray = torch.cat(parts).to(torch.float16).numpy()
    return latents


def draw_latents(models: str, first: int, count: int) -> Arrays:
    """Latents of staged pictures with the truth about them."""
    import torch

    from creative_lab.miniatures.autoencoder import load_autoencoder

    torch.set_num_threads(1)
    story = draw_story(first, count, scene_of=staged_scene)
    latents = encode_pictures(load_autoencoder(Path(models) / FOLDER), story["pixels"])
    return {"latents": latents, **{key: story[key] for key in _KEPT}}


def latents_plan(root: Path, shards: int) -> Plan:
    """Latents of the autoencoder below ``root``. Raises FileNotFoundError when there is none."""
    weights = root / FOLDER / "vae" / "diffusion_pytorch_model.safetensors"
    if not weights.is_file():
        raise FileNotFoundError(f"{weights} is missing: train the autoencoder first")
    version = _encoder_version(weights)
    return Plan(f"latents-{version}", partial(draw_latents, str(root)), shards=shards, samples=SHARD, version=3)


def _encoder_version(weights: Path) -> str:
    """A short hash of the encoder alone: the decoder may learn on without making latents stale."""
    from safetensors.numpy import load_file

    digest = hashlib.sha256()
    for key, value in sorted(load_file(weights).items()):
        if key.startswith(("encoder.", "quant_conv.")):
            digest.update(key.encode() + value.tobytes())
    return digest.hexdigest()[:8]


def choose_format(rng: np.random.Generator, available: int, batch: int, *, wide_share: float) -> np.ndarray:
    """Numbers of ``batch`` samples of one format, which is wide with probability ``wide_share`` where there are any."""
    shards = max(1, available // SHARD)
    formats: dict[bool, list[int]] = {True: [], False: []}
    for shard in range(shards):
        formats[is_wide(shard)].append(shard)
    wide = bool(formats[True]) and rng.random() < wide_share
    size = min(SHARD, available)
    return rng.choice(formats[wide], batch) * SHARD + rng.integers(size, size=batch)


def time_ids(count: int, latents: torch.Tensor) -> torch.Tensor:
    """SDXL's six numbers of whole pictures: original height and width, crop's top and left, target height and width."""
    import torch

    width, height = WIDE if latents.shape[-1] > latents.shape[-2] else SQUARE
    return torch.tensor([[height, width, 0, 0, height, width]], dtype=torch.float32).repeat(count, 1)


def face_weight(marks: np.ndarray, height: int, width: int, *, more: float) -> np.ndarray:
    """Weights (n, height, width) of errors: 1, and ``more`` added around five points (n, 5, 2 in pixels)."""
    from creative_lab.miniatures.autoencoder import FACTOR

    weight = np.ones((len(marks), height, width), np.float32)
    for row, points in enumerate(marks / FACTOR):
        size = float(np.ptp(points, axis=0).max())
        left, top = np.floor(points.min(0) - 0.6 * size).astype(int)
        right, bottom = np.ceil(points.max(0) + 0.6 * size).astype(int)
        weight[row, max(0, top) : max(0, bottom), max(0, left) : max(0, right)] += more
    return weight


def prop_weight(boxes: np.ndarray, height: int, width: int, *, more: float) -> np.ndarray:
    """What to add to weights (n, height, width) of errors: ``more`` in boxes (n, props, 4 in pixels; nan is none)."""
    from creative_lab.miniatures.autoencoder import FACTOR

    weight = np.zeros((len(boxes), height, width), np.float32)
    for row, found in enumerate(boxes / FACTOR):
        for box in found[~np.isnan(found[:, 0])]:
            (left, top), (right, bottom) = np.floor(box[:2]).astype(int), np.ceil(box[2:]).astype(int)
            weight[row, max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = more
    return weight
