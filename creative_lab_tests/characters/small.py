"""Small things that several tests of this room (and a process that gets killed) train with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from creative_lab.characters.recipe import TrainingRecipe

SMALL = TrainingRecipe(
    batch_size=2, max_steps=12, learning_rate=5e-3, rank=2, alpha=2, dropout=0.2, warmup_steps=3, precision="float32",
    checkpoint_every=5, metrics_every=1,
)  # fmt: skip
"""A few steps with everything random switched on (dropout, noise offset)."""


def load(place: Path) -> Any:
    """The pipeline at ``place``."""
    import torch
    from diffusers import StableDiffusionXLPipeline

    torch.set_num_threads(1)
    pipeline = StableDiffusionXLPipeline.from_pretrained(place, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def copy_of(pipeline: Any) -> Any:
    """A pipeline of the same weights that shares nothing with ``pipeline``."""
    import copy

    made = type(pipeline)(**{name: copy.deepcopy(part) for name, part in pipeline.components.items()})
    made.set_progress_bar_config(disable=True)
    return made


def training_data(pipeline: Any) -> Any:
    """Six drawn pictures with captions, four square and two wide."""
    from creative_lab.characters.encoding import encode
    from creative_lab.characters.training_data import TrainingData
    from creative_lab.illustrator.sample import sample_scene
    from creative_lab.illustrator.scene import draw_scene

    pictures = {}
    for number in range(6):
        height, width = (32, 32) if number < 4 else (24, 40)
        pixels = draw_scene(sample_scene(number, people=1), width, height).pixels
        caption = f"abc man number {number}"
        pictures[f"p{number}"] = encode(pipeline, pixels, caption, original=(height, width), crop=(0, 0))
    return TrainingData.of(pictures)
