"""Pictures that follow a pose: a ControlNet (Zhang et al. 2023) for the text-to-picture miniature.

It has the UNet's encoder without attention and without SDXL's size ids: where limbs are is told by the drawing alone.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from creative_lab.imaging.skeleton import draw_skeleton
from creative_lab.lake.fs import FileSystem
from creative_lab.miniatures.adapted import load_frozen
from creative_lab.miniatures.drawn import SQUARE, WIDE
from creative_lab.miniatures.latents import choose_format, latents_plan, time_ids
from creative_lab.miniatures.pools import Plan
from creative_lab.miniatures.text_to_picture import HEADS, WIDTHS, TextToPictureTrainer, noised
from creative_lab.miniatures.training import Batch, Recipe, Trainer
from creative_lab.miniatures.writing import half, write_json

if TYPE_CHECKING:
    import torch

_NO_TEXT = 0.3
"""Share of captions that are left out, so that the pose alone must say where limbs are."""


def control_picture(joints: np.ndarray, width: int, height: int) -> np.ndarray:
    """The skeletons of one picture's people; ``joints`` (people, 18, 2) in shares of width and height."""
    there = np.isfinite(joints).all(axis=(1, 2))
    return draw_skeleton(joints[there] * (width, height), width, height)


def new_controlnet(unet: Any) -> Any:
    """A ControlNet for ``unet`` (1.2 M parameters) that changes nothing yet; where it can it begins as the UNet."""
    from diffusers import ControlNetModel

    controlnet: Any = ControlNetModel(
        in_channels=unet.config.in_channels, block_out_channels=WIDTHS, layers_per_block=1,
        down_block_types=("DownBlock2D", "DownBlock2D"), mid_block_type="UNetMidBlock2D",
        cross_attention_dim=unet.config.cross_attention_dim, attention_head_dim=HEADS, norm_num_groups=16,
        conditioning_embedding_out_channels=(16, 24, 48, 64), transformer_layers_per_block=1,
    )  # fmt: skip
    own, there = controlnet.state_dict(), unet.state_dict()
    taken = {key: value for key, value in there.items() if key in own and own[key].shape == value.shape}
    controlnet.load_state_dict(taken, strict=False)
    return controlnet


class PoseControlTrainer(Trainer):
    """The ControlNet over story pictures and their skeletons."""

    name: ClassVar[str] = "miniature-pose"
    folder: ClassVar[str] = "miniature-pose"
    needs: ClassVar[tuple[str, ...]] = ("miniature-xl", "judge")
    bars: ClassVar[dict[str, float]] = {"joint error removed": 0.5}
    recipe: ClassVar[Recipe] = Recipe(
        steps=1200, batch=32, rate=1e-3, weight_decay=0.01, warm_up=100, average=0.99, steps_per_shard=4,
        first_shards=40,
    )  # fmt: skip

    def plan(self) -> Plan:
        """The latents that text to picture learns from."""
        return latents_plan(self.root, 160)

    @cached_property
    def texts(self) -> TextToPictureTrainer:
        """Whose captions these are."""
        return TextToPictureTrainer(self.root)

    def network(self) -> torch.nn.Module:
        """The ControlNet; the frozen pipeline stands beside it."""
        frozen = load_frozen(self.root)
        network: torch.nn.Module = new_controlnet(frozen.unet)
        object.__setattr__(network, "frozen", frozen)
        return network

    def choose(self, rng: np.random.Generator, available: int, batch: int) -> np.ndarray:
        """Samples of one format."""
        return choose_format(rng, available, batch, wide_share=0.15)

    def batch(self, samples: dict[str, np.ndarray], rng: np.random.Generator) -> Batch:
        """Latents, captions and the drawings of everybody's pose."""
        import torch

        latents = torch.from_numpy(samples["latents"].astype(np.float32))
        width, height = WIDE if latents.shape[-1] > latents.shape[-2] else SQUARE
        drawn = np.stack([control_picture(joints, width, height) for joints in samples["joints"]])
        return {
            "latents": latents,
            "ids": self.texts.tokens(samples, rng, dropped=_NO_TEXT),
            "time_ids": time_ids(len(latents), latents),
            "control": torch.from_numpy(drawn).permute(0, 3, 1, 2).float().div_(255).contiguous(),
        }

    def loss(self, network: torch.nn.Module, batch: Batch) -> torch.Tensor:
        """Squared error of the velocity that the frozen UNet predicts with the ControlNet's help."""
        from torch.nn import functional

        controlnet: Any = network
        frozen = controlnet.frozen
        noisy, times, velocity = noised(batch["latents"], frozen.alphas)
        states, pooled = frozen.text(batch["ids"])
        down, mid = controlnet(noisy, times, states, controlnet_cond=batch["control"], return_dict=False)
        found = frozen.unet(
            noisy, times, states, added_cond_kwargs={"text_embeds": pooled, "time_ids": batch["time_ids"]},
            down_block_additional_residuals=down, mid_block_additional_residual=mid,
        ).sample  # fmt: skip
        return functional.mse_loss(found.float(), velocity)

    def export(self, network: torch.nn.Module, files: FileSystem) -> None:
        """config.json and diffusion_pytorch_model.safetensors, as ``ControlNetModel.from_pretrained`` takes them."""
        from safetensors.torch import save

        controlnet: Any = network
        write_json(files, "config.json", {**dict(controlnet.config), "_class_name": "ControlNetModel"})
        files.write_bytes(
            "diffusion_pytorch_model.safetensors", save(half(controlnet.state_dict()), metadata={"format": "pt"})
        )

    def evaluate(self, folder: Path, *, samples: int = 100) -> dict[str, float]:
        """Mean joint error of pictures drawn with and without the pose, found by the independent judge."""
        from creative_lab.miniatures.picture_measures import pose_error_removed

        return pose_error_removed(folder, self.root, samples=samples)
