"""Which of two pictures people would rather have for a prompt: PickScore (Kirstain et al. 2023) in miniature.

The lower layers of the CLIP miniature, trained further on pairs: a picture as described against one that is spoilt, and
against one that shows something else. Its score is the formula of PickScore: exp(logit scale) times the cosine of text
and picture. How spoilt a picture is must be readable from its embedding too: the aesthetic head stands on it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from creative_lab.illustrator.backdrop import SETTINGS, Surroundings
from creative_lab.illustrator.captions import captions
from creative_lab.illustrator.expression import EXPRESSIONS
from creative_lab.illustrator.face import HATS
from creative_lab.illustrator.palette import CLOTH
from creative_lab.illustrator.quality import sample_faults, spoil
from creative_lab.illustrator.sample import sample_scene
from creative_lab.illustrator.scene import SHOTS, Scene
from creative_lab.lake.fs import FileSystem
from creative_lab.miniatures.captioned import picture_of
from creative_lab.miniatures.clip import ClipTrainer, LoadedClip, pooled, to_tensor, write_clip
from creative_lab.miniatures.manifest import model_folder
from creative_lab.miniatures.pools import HELD_OUT, Plan
from creative_lab.miniatures.reworded import reworded
from creative_lab.miniatures.training import Batch, Recipe, Trainer
from creative_lab.miniatures.words import LENGTH

if TYPE_CHECKING:
    import torch

IMAGE_LAYERS, TEXT_LAYERS = 3, 2
"""Layers of the CLIP miniature that are kept: telling a spoilt picture needs the lower ones."""

LEVEL_ONLY = 0.5
"""Share of the steps that see pictures and their levels without texts, which costs less than half."""

CHANGES = ("setting", "shot", "hat", "expression", "garment colour", "another scene")


def changed(scene: Scene, rng: np.random.Generator) -> tuple[Scene, str]:
    """A scene that differs from ``scene`` in one thing that its caption says, and the name of that thing."""
    change = str(rng.choice(CHANGES))
    lead = scene.people[0]

    def other(options: tuple[str, ...], value: str) -> str:
        return str(rng.choice([option for option in options if option != value]))

    def with_lead(**values: Any) -> Scene:
        return replace(scene, people=(replace(lead, **values), *scene.people[1:]))

    if change == "setting":
        setting = other(tuple(SETTINGS), scene.surroundings.setting)
        return replace(scene, surroundings=Surroundings(setting, scene.surroundings.time)), change
    if change == "shot":
        shots = tuple(SHOTS)
        here = shots.index(scene.shot)
        return replace(scene, shot=str(rng.choice([s for i, s in enumerate(shots) if abs(i - here) > 1]))), change
    if change == "hat":
        return with_lead(hat=other(HATS, lead.hat)), change
    if change == "expression":
        return with_lead(expression=other(tuple(EXPRESSIONS), lead.expression)), change
    if change == "garment colour" and scene.shot not in {"close-up", "extreme close-up"}:
        garments = tuple(replace(g, colour=other(tuple(CLOTH), g.colour)) for g in lead.garments)
        return with_lead(garments=garments), change
    return sample_scene(int(rng.integers(10_000_000, 20_000_000))), "another scene"


def pair(seed: int) -> tuple[str, np.ndarray, np.ndarray, str]:
    """A prompt, the picture to prefer, the other, and what is wrong with the other."""
    rng = np.random.default_rng([59, seed])
    scene = sample_scene(seed)
    good = picture_of(scene, seed)
    if rng.random() < 0.5:
        level = float(rng.uniform(0, 0.8))
        bad, wrong = spoil(good, sample_faults(level, rng), rng), "spoilt"
    else:
        wrong_scene, wrong = changed(scene, rng)
        bad = picture_of(wrong_scene, seed)
    return captions(scene, count=1, seed=3)[0], good, bad, wrong


class PreferenceTrainer(Trainer):
    """A CLIP that prefers."""

    name: ClassVar[str] = "preference"
    folder: ClassVar[str] = "preference"
    needs: ClassVar[tuple[str, ...]] = ("clip",)
    bars: ClassVar[dict[str, float]] = {"right of pairs": 0.90}
    recipe: ClassVar[Recipe] = Recipe(
        steps=800, batch=48, rate=8e-4, weight_decay=0.05, average=0.99, warm_up=50, steps_per_shard=1, first_shards=20
    )

    def plan(self) -> Plan:
        """The CLIP's 32,000 scenes."""
        return ClipTrainer(self.root).plan()

    @cached_property
    def tokenizer(self) -> Any:
        """The tokenizer of the CLIP that the scorer starts from."""
        return LoadedClip(model_folder("clip", root=self.root)).tokenizer

    def network(self) -> torch.nn.Module:
        """The CLIP miniature without its last layers, and the reader of the level, which is not shipped."""
        from torch import nn

        clip = LoadedClip(model_folder("clip", root=self.root)).model
        for tower, config, layers in (
            (clip.vision_model, clip.config.vision_config, IMAGE_LAYERS),
            (clip.text_model, clip.config.text_config, TEXT_LAYERS),
        ):
            tower.encoder.layers = tower.encoder.layers[:layers]
            config.num_hidden_layers = layers
        return nn.ModuleDict({"clip": clip, "level": nn.Linear(clip.config.projection_dim, 1)})

    def batch(self, samples: dict[str, np.ndarray], rng: np.random.Generator) -> Batch:
        """Pictures and the same spoilt further, mirrored together, with captions that are right and wrong."""
        import torch

        from creative_lab.miniatures.captioned import unpacked

        pixels = samples["pixels"][..., ::-1, :] if rng.random() < 0.5 else samples["pixels"]
        levels = np.minimum(samples["level"], rng.uniform(0, 0.95, len(pixels)).astype(np.float32))
        spoilt = np.stack(
            [
                spoil(picture, sample_faults(float(1 - (before - after)), rng), rng)
                for picture, before, after in zip(pixels, samples["level"], levels, strict=True)
            ]
        )
        made: Batch = {
            "pixels": to_tensor(np.concatenate([pixels, spoilt])),
            "level": torch.from_numpy(np.concatenate([samples["level"], levels])),
        }
        if rng.random() < LEVEL_ONLY:
            return made
        count = len(pixels)
        which = rng.integers(samples["captions"].shape[1], size=count)
        right = unpacked(samples["captions"][np.arange(count), which])
        wrong = [(reworded(text, rng) or (text, ""))[0] for text in right]
        tokens = self.tokenizer([*right, *wrong], padding=True, truncation=True, max_length=LENGTH, return_tensors="pt")
        return made | {"ids": tokens["input_ids"], "mask": tokens["attention_mask"]}

    def loss(self, network: torch.nn.Module, batch: Batch) -> torch.Tensor:
        """Cross-entropy of each pair's softmax, as in PickScore, the old contrast so as to keep its sense, the level.

        A pair is a picture and itself spoilt, or a caption and itself reworded.
        """
        import torch
        from torch.nn import functional

        parts: Any = network
        clip = parts["clip"]
        images = pooled(clip.get_image_features(pixel_values=batch["pixels"]))
        if "ids" not in batch:
            unit = functional.normalize(images.float(), dim=1)
            return 20.0 * functional.mse_loss(self._level(parts, unit), batch["level"])
        texts = pooled(clip.get_text_features(input_ids=batch["ids"], attention_mask=batch["mask"]))
        image, text = functional.normalize(images.float(), dim=1), functional.normalize(texts.float(), dim=1)
        count = len(image) // 2
        scale = clip.logit_scale.exp()
        good = scale * (text[:count] * image[:count]).sum(1)
        spoilt = scale * (text[:count] * image[count:]).sum(1)
        reworded = scale * (text[count:] * image[:count]).sum(1)
        gap = (batch["level"][:count] - batch["level"][count:]).clamp(max=0.3) / 0.3
        pairs = (gap * functional.softplus(spoilt - good) + functional.softplus(reworded - good)).mean()
        alike = scale * text[:count] @ image[:count].T
        same = torch.arange(count, device=alike.device)
        contrast = (functional.cross_entropy(alike, same) + functional.cross_entropy(alike.T, same)) / 2
        level = 20.0 * functional.mse_loss(self._level(parts, image), batch["level"])
        return pairs + 0.3 * contrast + level

    @staticmethod
    def _level(parts: Any, image: torch.Tensor) -> torch.Tensor:
        """The level read from embeddings, scaled to unit variance: a reader of tiny numbers would hardly learn."""
        read: torch.Tensor = parts["level"](image * image.shape[1] ** 0.5).float()[:, 0]
        return read

    def export(self, network: torch.nn.Module, files: FileSystem) -> None:
        """The same files as the CLIP's."""
        parts: Any = network
        write_clip(parts["clip"], files)

    def evaluate(self, folder: Path, *, samples: int = 500) -> dict[str, float]:
        """Share of held-out pairs that the scorer gets right, all and by kind."""
        scorer = LoadedClip(folder)
        pairs = [pair(seed) for seed in range(HELD_OUT, HELD_OUT + samples)]
        texts = scorer.texts([text for text, *_ in pairs])
        good = scorer.images([good for _, good, _, _ in pairs])
        bad = scorer.images([bad for _, _, bad, _ in pairs])
        right = (texts * good).sum(1) > (texts * bad).sum(1)
        kinds = np.array([wrong for *_, wrong in pairs])
        result = {"right of pairs": float(right.mean()), "against spoilt": float(right[kinds == "spoilt"].mean()),
                  "against wrong": float(right[kinds != "spoilt"].mean())}  # fmt: skip
        return result | {
            f"against {kind}": float(right[kinds == kind].mean()) for kind in sorted(set(kinds) - {"spoilt"})
        }
