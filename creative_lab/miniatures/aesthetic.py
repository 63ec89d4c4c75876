"""How well made a picture is: the LAION predictor's head over the preference miniature, a CLIP that knows quality.

The plain CLIP miniature has learnt to name what a picture shows however spoilt it is: over its embeddings the same head
reached a Spearman correlation of 0.46 only.

The head is a stack of five linear layers without activations over the L2-normalised image embedding, as in LAION's
improved aesthetic predictor (Schuhmann 2022), and gives a rating of 1 to 10.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from creative_lab.illustrator.quality import sample_faults, spoil
from creative_lab.illustrator.sample import sample_scene
from creative_lab.lake.fs import FileSystem
from creative_lab.miniatures.captioned import picture_of, squashed
from creative_lab.miniatures.clip import DIMENSIONS, LoadedClip, pooled, to_tensor
from creative_lab.miniatures.manifest import model_folder
from creative_lab.miniatures.pools import HELD_OUT, Plan
from creative_lab.miniatures.training import Batch, Recipe, Trainer
from creative_lab.miniatures.writing import half, write_json

if TYPE_CHECKING:
    import torch

HIDDEN = (256, 128, 64, 16)

BASE = "preference"
"""The CLIP folder whose image embeddings the head takes."""


def spoilt_scene(seed: int) -> tuple[np.ndarray, float]:
    """A scene and its known quality level (0–1), which is uniform over pictures."""
    rng = np.random.default_rng([53, seed])
    level = float(rng.random())
    return spoil(picture_of(sample_scene(seed), seed), sample_faults(level, rng), rng), level


def draw_spoilt(first: int, count: int) -> dict[str, np.ndarray]:
    """Spoilt scenes and their levels."""
    drawn = [spoilt_scene(seed) for seed in range(first, first + count)]
    return {
        "pixels": np.stack([squashed(pixels) for pixels, _ in drawn]),
        "level": np.array([level for _, level in drawn], np.float32),
    }


def head() -> torch.nn.Sequential:
    """The head with random weights; parameters are named as in LAION's file (``layers.0.weight`` and so on)."""
    from torch import nn

    first, second, third, fourth = HIDDEN
    return nn.Sequential(
        nn.Linear(DIMENSIONS, first), nn.Dropout(0.1), nn.Linear(first, second), nn.Dropout(0.1),
        nn.Linear(second, third), nn.Dropout(0.05), nn.Linear(third, fourth), nn.Linear(fourth, 1),
    )  # fmt: skip


class AestheticTrainer(Trainer):
    """The head alone learns; the CLIP below it stays as it is."""

    name: ClassVar[str] = "aesthetic"
    folder: ClassVar[str] = "aesthetic"
    needs: ClassVar[tuple[str, ...]] = (BASE,)
    bars: ClassVar[dict[str, float]] = {"Spearman": 0.80}
    recipe: ClassVar[Recipe] = Recipe(
        steps=600, batch=128, rate=2e-3, dtype="fp32", average=0.99, warm_up=50, steps_per_shard=10, first_shards=2
    )

    def plan(self) -> Plan:
        """6,000 spoilt scenes."""
        return Plan("spoilt", draw_spoilt, shards=24, samples=256, first=2_000_000)

    def network(self) -> torch.nn.Module:
        """A frozen CLIP image tower and the head."""
        from torch import nn

        clip = LoadedClip(model_folder(BASE, root=self.root)).model.requires_grad_(False)
        network = nn.ModuleDict({"layers": head()})
        # Kept out of the module's parameters: neither checkpoints nor the written file repeat the CLIP.
        object.__setattr__(network, "clip", clip)
        object.__setattr__(network, "embedded", {})
        return network

    def batch(self, samples: dict[str, np.ndarray], rng: np.random.Generator) -> Batch:  # noqa: ARG002 - the seam's
        """Pictures as they are, because their embeddings are remembered."""
        import torch

        return {"pixels": samples["pixels"], "level": torch.from_numpy(samples["level"])}

    def loss(self, network: torch.nn.Module, batch: Batch) -> torch.Tensor:
        """Squared error of the rating."""
        import torch
        from torch.nn import functional

        module: Any = network
        keys = [hash(picture.tobytes()) for picture in batch["pixels"]]
        new = [row for row, key in enumerate(keys) if key not in module.embedded]
        if new:
            with torch.no_grad():
                pixels = to_tensor(batch["pixels"][new]).to(module.clip.device)
                vectors = functional.normalize(pooled(module.clip.get_image_features(pixel_values=pixels)), dim=1)
            module.embedded.update({keys[row]: vector for row, vector in zip(new, vectors, strict=True)})
        rating = module["layers"](torch.stack([module.embedded[key] for key in keys]))[:, 0]
        return functional.mse_loss(rating, 1 + 9 * batch["level"]) / 9

    def export(self, network: torch.nn.Module, files: FileSystem) -> None:
        """head.safetensors (fp16) and config.json, which names the CLIP it belongs to."""
        from safetensors.torch import save

        files.write_bytes("head.safetensors", save(half(network.state_dict())))
        write_json(files, "config.json", {"clip": BASE, "input": DIMENSIONS, "hidden": list(HIDDEN), "range": [1, 10]})

    def evaluate(self, folder: Path, *, samples: int = 500) -> dict[str, float]:
        """Rank correlation of ratings with the known levels of held-out pictures."""
        from scipy.stats import spearmanr

        clip = LoadedClip(model_folder(BASE, root=self.root))
        drawn = [spoilt_scene(seed) for seed in range(HELD_OUT, HELD_OUT + samples)]
        ratings = rate(folder, clip.images([pixels for pixels, _ in drawn]))
        levels = np.array([level for _, level in drawn])
        error = float(np.abs(ratings - (1 + 9 * levels)).mean())
        return {"Spearman": float(spearmanr(ratings, levels).statistic), "mean error of 1–10": error}


def rate(folder: Path, embeddings: np.ndarray) -> np.ndarray:
    """Ratings (about 1–10) of L2-normalised embeddings (n, dimensions)."""
    import torch
    from safetensors.torch import load_file

    layers = head().eval()
    tensors = load_file(folder / "head.safetensors")
    layers.load_state_dict({key.removeprefix("layers."): value.float() for key, value in tensors.items()})
    with torch.inference_mode():
        ratings: np.ndarray = layers(torch.from_numpy(embeddings))[:, 0].numpy()
    return ratings
