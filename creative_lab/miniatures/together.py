"""Text to picture and both of its adapters in one training: the second stage, from a UNet that knows the world.

Beside a frozen UNet of this size an adapter can only steer what the UNet would have drawn anyway. Here every step
teaches the UNet too: some pictures come with a caption alone, some with a portrait of their person, some with the
drawing of their pose. What is written are the same three folders that the trainers of the single models write.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from creative_lab.lake.fs import FileSystem
from creative_lab.miniatures.adapted import load_frozen
from creative_lab.miniatures.image_encoder import DIMENSIONS, load_image_encoder
from creative_lab.miniatures.latents import FOLDER, choose_format, latents_plan
from creative_lab.miniatures.manifest import write_manifest
from creative_lab.miniatures.pools import Plan, Pool
from creative_lab.miniatures.pose_control import PoseControlTrainer, new_controlnet
from creative_lab.miniatures.reference_adapter import VECTOR, ReferenceAdapterTrainer, new_adapter, new_reader
from creative_lab.miniatures.references import references_plan
from creative_lab.miniatures.text_to_picture import (
    TextToPictureTrainer,
    clip_text_tower,
    noised,
    text_states,
    weighted_error,
    without_adapter,
    write_pipeline,
)
from creative_lab.miniatures.training import Batch, Recipe, Trainer

if TYPE_CHECKING:
    import torch

_PORTRAIT, _POSE = 0.35, 0.25
"""Shares of the steps with a portrait and with a pose."""
_SHARDS = 110


class TogetherTrainer(Trainer):
    """UNet, first text encoder, IP-Adapter with its image encoder, and ControlNet."""

    name: ClassVar[str] = "together"
    folder: ClassVar[str] = FOLDER
    needs: ClassVar[tuple[str, ...]] = ("miniature-xl", "image-encoder", "judge")
    writes: ClassVar[tuple[str, ...]] = ("miniature-xl", "miniature-reference", "miniature-pose")
    bars: ClassVar[dict[str, float]] = {}
    recipe: ClassVar[Recipe] = Recipe(
        steps=4000, batch=32, rate=1e-3, weight_decay=0.01, warm_up=100, average=0.995, first_shards=_SHARDS,
    )  # fmt: skip

    def plan(self) -> Plan:
        """The latents that text to picture learns from; the people with portraits are a second pool."""
        return latents_plan(self.root, _SHARDS)

    @cached_property
    def people(self) -> Pool:
        """7,000 people, each with a scene and two portraits."""
        from creative_lab.miniatures.work import cache_folder
        from creative_lab.settings import get_settings

        return Pool(references_plan(self.root, _SHARDS), cache_folder(get_settings()), workers=0)

    @cached_property
    def singles(self) -> tuple[TextToPictureTrainer, ReferenceAdapterTrainer, PoseControlTrainer]:
        """The trainers whose batches, files and measures these are."""
        return TextToPictureTrainer(self.root), ReferenceAdapterTrainer(self.root), PoseControlTrainer(self.root)

    def network(self) -> torch.nn.Module:
        """Everything that learns; the CLIP tower and the noise stand beside it."""
        from torch import nn

        known = load_frozen(self.root)
        controlnet = new_controlnet(known.unet)
        adapter = new_adapter(known.unet)
        network = nn.ModuleDict(
            {
                "unet": known.unet.requires_grad_(True).train(),
                "text": known.first.requires_grad_(True).train(),
                "controlnet": controlnet,
                "encoder": load_image_encoder(self.root / ReferenceAdapterTrainer.folder),
                "reader": new_reader(),
            }
        )
        # The adapter's weights are the UNet's own submodules: registered twice they would be stored twice.
        object.__setattr__(network, "adapter", adapter)
        object.__setattr__(network, "clip", clip_text_tower(self.root))
        object.__setattr__(network, "alphas", known.alphas)
        return network

    def choose(self, rng: np.random.Generator, available: int, batch: int) -> np.ndarray:
        """Samples of one format."""
        return choose_format(rng, available, batch, wide_share=0.2)

    def batch(self, samples: dict[str, np.ndarray], rng: np.random.Generator) -> Batch:
        """A batch of one of the three kinds."""
        text, reference, pose = self.singles
        kind = rng.random()
        if kind < _PORTRAIT:
            people = self.people
            chosen = rng.choice(people.plan.shards * people.plan.samples, size=len(samples["latents"]))
            return reference.batch(people.take(chosen), rng)
        made = text.batch(samples, rng)
        if kind < _PORTRAIT + _POSE:
            made |= pose.batch(samples, rng)
        return made

    def loss(self, network: torch.nn.Module, batch: Batch) -> torch.Tensor:
        """Squared error of the velocity, more where the face is; with a portrait the error of the face's vector too."""
        import torch
        from torch.nn import functional

        parts: Any = network
        noisy, times, velocity = noised(batch["latents"], parts.alphas)
        states, pooled = text_states(parts["text"], parts.clip.to(noisy.device), batch["ids"])
        added = {"text_embeds": pooled, "time_ids": batch["time_ids"]}
        more, hints = noisy.new_zeros(()), {}
        if "pixels" in batch:
            embedded = parts["encoder"](pixel_values=batch["pixels"]).image_embeds
            more = VECTOR * functional.mse_loss(parts["reader"](embedded).float(), batch["vectors"])
            added["image_embeds"] = [(embedded * batch["given"][:, None])[:, None]]
        else:
            added["image_embeds"] = [torch.zeros(len(noisy), 1, DIMENSIONS, device=noisy.device)]
        for processor in parts.adapter["attention"]:
            processor.scale = [float("pixels" in batch)]
        if "control" in batch:
            down, mid = parts["controlnet"](noisy, times, states, controlnet_cond=batch["control"], return_dict=False)
            hints = {"down_block_additional_residuals": down, "mid_block_additional_residual": mid}
        found = parts["unet"](noisy, times, states, added_cond_kwargs=added, **hints).sample
        return weighted_error(found, velocity, batch["weight"]) + more

    def export(self, network: torch.nn.Module, files: FileSystem) -> None:
        """The three folders, each as its own trainer writes it."""
        parts: Any = network
        _, reference, pose = self.singles
        write_pipeline(without_adapter(parts["unet"]), parts["text"], parts.clip, files)
        pose.export(parts["controlnet"], FileSystem(self.root / pose.folder))
        reference.export(
            {"adapter": parts.adapter, "encoder": parts["encoder"]}, FileSystem(self.root / reference.folder)
        )
        for single in (reference, pose):
            write_manifest(self.root, single.folder)

    def evaluate(self, folder: Path, *, samples: int = 150) -> dict[str, float]:  # noqa: ARG002 - the seam's
        """Nothing: the trainers whose models these are measure them."""
        return {}
