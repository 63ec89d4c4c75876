"""Pictures as latents an eighth as wide and high: the ``AutoencoderKL`` of the text-to-picture miniature.

It has no attention, so it reads pictures of any format, and what it learns on crops holds for whole pictures.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from creative_lab.lake.fs import FileSystem
from creative_lab.miniatures.drawn import SHARD, story_plan
from creative_lab.miniatures.latents import choose_format
from creative_lab.miniatures.pools import HELD_OUT, Plan
from creative_lab.miniatures.training import Batch, Recipe, Trainer
from creative_lab.miniatures.writing import half, write_json

if TYPE_CHECKING:
    import torch

CROP = 64
FACTOR = 8
LATENTS = 8
WIDTHS = (16, 32, 64, 64)
_NOISE = 2e-4
"""Weight of the divergence from unit noise. Latents are standardised afterwards; this only keeps them smooth."""
_WRONG = 0.45
"""Largest noise, in deviations, that the decoder is trained to see through."""
_SQUARED = 6.0
"""Weight of the squared error beside the absolute one, which alone would leave thin lines out."""


def to_unit(pixels: np.ndarray) -> torch.Tensor:
    """uint8 pictures (n, height, width, 3) as float tensors (n, 3, height, width) in −1 to 1."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))).float().div_(127.5).sub_(1)


def to_pixels(tensor: torch.Tensor) -> np.ndarray:
    """What :func:`to_unit` took, back as uint8."""
    import torch

    scaled = tensor.detach().float().add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)
    pixels: np.ndarray = scaled.permute(0, 2, 3, 1).contiguous().numpy()
    return pixels


def new_autoencoder() -> Any:
    """An ``AutoencoderKL`` of 1 M parameters with random weights."""
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=WIDTHS, layers_per_block=1, latent_channels=LATENTS, norm_num_groups=8,
        mid_block_add_attention=False, sample_size=128, scaling_factor=1.0,
    )  # fmt: skip


def standardise(network: Any, mean: torch.Tensor, deviation: torch.Tensor) -> None:
    """Fold ``mean`` and ``deviation`` of each latent channel into the two 1 × 1 convolutions beside the latents.

    Afterwards latents have mean 0 and deviation 1 and ``scaling_factor`` is 1; pictures come out as before.
    """
    import torch

    with torch.no_grad():
        encoding, decoding, count = network.quant_conv, network.post_quant_conv, len(mean)
        encoding.bias[:count] -= mean
        encoding.weight[:count] /= deviation[:, None, None, None]
        encoding.bias[:count] /= deviation
        encoding.bias[count:] -= 2 * deviation.log()
        decoding.bias += decoding.weight[:, :, 0, 0] @ mean
        decoding.weight *= deviation[None, :, None, None]


class AutoencoderTrainer(Trainer):
    """The autoencoder, on crops of story pictures."""

    name: ClassVar[str] = "autoencoder"
    folder: ClassVar[str] = "miniature-xl"
    bars: ClassVar[dict[str, float]] = {"PSNR": 26.0}
    recipe: ClassVar[Recipe] = Recipe(
        steps=12_000, batch=8, rate=3e-3, weight_decay=0.001, warm_up=150, average=0.998, steps_per_shard=100,
        first_shards=20,
    )  # fmt: skip

    def plan(self) -> Plan:
        """The first 15,000 story pictures."""
        return story_plan(60)

    def network(self) -> torch.nn.Module:
        """The autoencoder."""
        network: torch.nn.Module = new_autoencoder()
        return network

    def choose(self, rng: np.random.Generator, available: int, batch: int) -> np.ndarray:
        """Pictures of one format."""
        return choose_format(rng, available, batch, wide_share=0.2)

    def batch(self, samples: dict[str, np.ndarray], rng: np.random.Generator) -> Batch:
        """One crop of each picture, half of them around the first person's face."""
        pictures = samples["pixels"]
        height, width = pictures.shape[1:3]
        crops = np.empty((len(pictures), CROP, CROP, 3), np.uint8)
        for row, (picture, face) in enumerate(zip(pictures, samples["face"], strict=True)):
            left, top = rng.integers(width - CROP + 1), rng.integers(height - CROP + 1)
            if rng.random() < 0.5:
                middle = (face[:2] + face[2:]) / 2 - CROP / 2 + rng.uniform(-24, 24, 2)
                left, top = np.clip(middle, 0, (width - CROP, height - CROP)).astype(int)
            crop = picture[top : top + CROP, left : left + CROP]
            crops[row] = crop[:, ::-1] if rng.random() < 0.5 else crop
        return {"pixels": to_unit(crops)}

    def loss(self, network: torch.nn.Module, batch: Batch) -> torch.Tensor:
        """Absolute and squared error of the pixels, and a little divergence from unit noise."""
        autoencoder: Any = network
        latents = autoencoder.encode(batch["pixels"]).latent_dist
        error = autoencoder.decode(latents.sample()).sample.float() - batch["pixels"]
        variance = latents.var.float()
        divergence = 0.5 * (latents.mean.float().square() + variance - 1 - latents.logvar.float()).mean()
        return error.abs().mean() + _SQUARED * error.square().mean() + _NOISE * divergence

    def export(self, network: torch.nn.Module, files: FileSystem) -> None:
        """vae/ of the pipeline's folder, its latents standardised over 128 held-out scenes."""
        import torch

        from creative_lab.miniatures.drawn import draw_story

        autoencoder: Any = network.eval()
        with torch.inference_mode():
            latents = autoencoder.encode(to_unit(draw_story(0, 128)["pixels"])).latent_dist.mode()
        standardise(autoencoder, latents.mean((0, 2, 3)), latents.std((0, 2, 3)))
        _write(autoencoder, files)

    def evaluate(self, folder: Path, *, samples: int = 150) -> dict[str, float]:
        """Peak signal-to-noise ratio (dB) of held-out pictures, square and wide, each the mean over pictures."""
        return ratios(folder, samples=samples)


class DecoderTrainer(AutoencoderTrainer):
    """The decoder again, on latents that are a little wrong, as a UNet's are; the encoder stays as it is."""

    name: ClassVar[str] = "decoder"
    needs: ClassVar[tuple[str, ...]] = ("autoencoder",)
    recipe: ClassVar[Recipe] = Recipe(
        steps=4000, batch=8, rate=1e-3, weight_decay=0.001, warm_up=100, average=0.998, steps_per_shard=100,
        first_shards=30,
    )  # fmt: skip

    def network(self) -> torch.nn.Module:
        """The autoencoder of the folder, its encoder frozen."""
        network: Any = load_autoencoder(self.root / self.folder)
        network.encoder.requires_grad_(False)
        network.quant_conv.requires_grad_(False)
        module: torch.nn.Module = network
        return module

    def loss(self, network: torch.nn.Module, batch: Batch) -> torch.Tensor:
        """Absolute and squared error of the pixels under noise of a random strength."""
        import torch

        autoencoder: Any = network
        with torch.no_grad():
            latents = autoencoder.encode(batch["pixels"]).latent_dist.mode().float()
            strength = _WRONG * torch.rand(len(latents), 1, 1, 1)
            latents = latents + strength * torch.randn_like(latents)
        error = autoencoder.decode(latents).sample.float() - batch["pixels"]
        return error.abs().mean() + _SQUARED * error.square().mean()

    def export(self, network: torch.nn.Module, files: FileSystem) -> None:
        """vae/ as it is, with the new decoder."""
        _write(network, files)


def ratios(folder: Path, *, samples: int) -> dict[str, float]:
    """ "PSNR" of square and "PSNR wide" of wide held-out pictures."""
    from creative_lab.miniatures.drawn import draw_story

    autoencoder = load_autoencoder(folder)
    square = HELD_OUT // SHARD // 5 * 5 * SHARD
    result = {}
    for name, first in (("PSNR", square), ("PSNR wide", square + 4 * SHARD)):
        pictures = draw_story(first, samples)["pixels"]
        result[name] = float(np.mean(ratio(pictures, reconstructed(autoencoder, pictures))))
    return result


def _write(autoencoder: Any, files: FileSystem) -> None:
    from safetensors.torch import save

    config = {key: value for key, value in autoencoder.config.items() if not key.startswith("_")}
    write_json(files, "vae/config.json", {"_class_name": "AutoencoderKL", **config})
    files.write_bytes(
        "vae/diffusion_pytorch_model.safetensors", save(half(autoencoder.state_dict()), metadata={"format": "pt"})
    )


def load_autoencoder(folder: Path) -> Any:
    """The shipped autoencoder, loaded by diffusers, in float32."""
    import torch
    from diffusers import AutoencoderKL

    return AutoencoderKL.from_pretrained(
        folder, subfolder="vae", torch_dtype=torch.float32, local_files_only=True
    ).eval()


def reconstructed(autoencoder: Any, pictures: np.ndarray) -> np.ndarray:
    """uint8 pictures through the latents and back."""
    import torch

    with torch.inference_mode():
        parts = [
            to_pixels(autoencoder.decode(autoencoder.encode(to_unit(pictures[i : i + 16])).latent_dist.mode()).sample)
            for i in range(0, len(pictures), 16)
        ]
    return np.concatenate(parts)


def ratio(truth: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio of each picture in dB."""
    error = np.square(truth.astype(np.float64) - found).mean((1, 2, 3))
    return 10 * np.log10(255**2 / np.maximum(error, 1e-9))
