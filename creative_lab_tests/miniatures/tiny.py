"""A trainer so small that a test can train it in seconds; run as a module it trains until it is killed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from creative_lab.illustrator.sample import sample_scene
from creative_lab.illustrator.scene import SHOTS, draw_scene
from creative_lab.lake.fs import FileSystem
from creative_lab.miniatures.pools import Plan, Pool
from creative_lab.miniatures.training import Batch, Recipe, Run, Trainer


def draw_shots(first: int, count: int) -> dict[str, np.ndarray]:
    scenes = [sample_scene(seed) for seed in range(first, first + count)]
    return {
        "pixels": np.stack([draw_scene(scene, 24, 24).pixels for scene in scenes]),
        "shot": np.array([list(SHOTS).index(scene.shot) for scene in scenes]),
    }


PLAN = Plan("tiny", draw_shots, shards=3, samples=8)
RECIPE = Recipe(steps=14, batch=6, rate=1e-2, warm_up=4, steps_per_shard=3, seed=5)


class TinyTrainer(Trainer):
    name: ClassVar[str] = "tiny"
    folder: ClassVar[str] = "tiny"
    bars: ClassVar[dict[str, float]] = {"accuracy": 0.0}
    recipe: ClassVar[Recipe] = RECIPE

    def plan(self) -> Plan:
        return PLAN

    def network(self) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(3, 8, 4, 4),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(288, len(SHOTS)),
        )

    def batch(self, samples: dict[str, np.ndarray], rng: np.random.Generator) -> Batch:
        noise = rng.normal(0, 0.05, samples["pixels"].shape)
        pixels = (samples["pixels"] / 255 + noise).astype(np.float32).transpose(0, 3, 1, 2)
        return {"pixels": torch.from_numpy(np.ascontiguousarray(pixels)), "shot": torch.from_numpy(samples["shot"])}

    def loss(self, network: nn.Module, batch: Batch) -> torch.Tensor:
        return nn.functional.cross_entropy(network(batch["pixels"]).float(), batch["shot"])

    def export(self, network: nn.Module, files: FileSystem) -> None:
        raise NotImplementedError

    def evaluate(self, folder: Path, *, samples: int) -> dict[str, Any]:
        raise NotImplementedError


def begin(state: Path, cache: Path) -> Run:
    torch.set_num_threads(1)
    return Run(TinyTrainer(state), RECIPE, FileSystem(state), Pool(PLAN, cache, workers=0), say=lambda _: None)


if __name__ == "__main__":
    begin(Path(sys.argv[1]), Path(sys.argv[2])).train(save_every_s=0.0)
