"""Pictures and captions in one space: a CLIP (Radford et al. 2021) in transformers' format.

Besides the contrast of pictures with captions, both embeddings must tell the caption's named attributes through the
same linear readers, which pulls the two towers together long before the contrast alone would on so little data.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from creative_lab.illustrator.captions import captions
from creative_lab.illustrator.sample import sample_scene
from creative_lab.lake.fs import FileSystem
from creative_lab.miniatures.captioned import ATTRIBUTES, PROP_NAMES, SIDE, draw_captioned, picture_of, unpacked
from creative_lab.miniatures.pools import HELD_OUT, Plan
from creative_lab.miniatures.training import Batch, Recipe, Trainer
from creative_lab.miniatures.words import LENGTH, tokenizer_files

if TYPE_CHECKING:
    import torch

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
WIDTH, HEADS, IMAGE_LAYERS, TEXT_LAYERS, PATCH, DIMENSIONS = 160, 5, 6, 4, 12, 128


def to_tensor(pixels: np.ndarray) -> torch.Tensor:
    """uint8 squares (n, side, side, 3) as CLIP's normalised float tensor."""
    import torch

    scaled = (pixels.astype(np.float32) / 255 - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
    return torch.from_numpy(np.ascontiguousarray(scaled.transpose(0, 3, 1, 2)))


def pooled(output: Any) -> torch.Tensor:
    """The embedding in what ``get_image_features`` and ``get_text_features`` return, tensor or not."""
    return getattr(output, "pooler_output", output)


def write_clip(model: Any, files: FileSystem) -> None:
    """A CLIP with its tokenizer and processor, as transformers writes them."""
    from creative_lab.miniatures.writing import write_json, write_pretrained

    write_pretrained(model, files)
    for name, data in tokenizer_files().items():
        files.write_bytes(name, data)
    write_json(files, "preprocessor_config.json", {
        "image_processor_type": "CLIPImageProcessor", "do_resize": True, "size": {"height": SIDE, "width": SIDE},
        "resample": 3, "do_center_crop": False, "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True,
        "do_convert_rgb": True, "image_mean": list(MEAN), "image_std": list(STD),
    })  # fmt: skip


class LoadedClip:
    """A CLIP folder, loaded by transformers' own calls, in float32 on the CPU."""

    def __init__(self, folder: Path) -> None:
        import torch
        from transformers import CLIPImageProcessor, CLIPModel, CLIPTokenizer

        self.model = CLIPModel.from_pretrained(folder, local_files_only=True, dtype=torch.float32).eval()
        self.tokenizer = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
        self.processor = CLIPImageProcessor.from_pretrained(folder, local_files_only=True)

    def images(self, pictures: list[np.ndarray]) -> np.ndarray:
        """L2-normalised embeddings of uint8 pictures of any sizes."""
        import torch

        with torch.inference_mode():
            tensors = torch.cat([self.processor(images=p, return_tensors="pt")["pixel_values"] for p in pictures])
            vectors = pooled(self.model.get_image_features(pixel_values=tensors))
            return torch.nn.functional.normalize(vectors, dim=-1).numpy()

    def texts(self, texts: list[str]) -> np.ndarray:
        """L2-normalised embeddings of texts."""
        import torch

        with torch.inference_mode():
            inputs = self.tokenizer(texts, padding=True, truncation=True, max_length=LENGTH, return_tensors="pt")
            vectors = pooled(self.model.get_text_features(**inputs))
            return torch.nn.functional.normalize(vectors, dim=-1).numpy()


class ClipTrainer(Trainer):
    """CLIP over captioned scenes."""

    name: ClassVar[str] = "clip"
    folder: ClassVar[str] = "clip"
    bars: ClassVar[dict[str, float]] = {"R@1 text to picture": 0.80, "R@1 picture to text": 0.80}
    recipe: ClassVar[Recipe] = Recipe(
        steps=2400, batch=96, rate=1.2e-3, weight_decay=0.05, average=0.995, steps_per_shard=4, warm_up=150
    )

    def plan(self) -> Plan:
        """32,000 scenes."""
        return Plan("captioned", draw_captioned, shards=125, samples=256)

    @cached_property
    def tokenizer(self) -> Any:
        """The tokenizer, read from the files that are shipped with the model."""
        from creative_lab.miniatures.words import load_tokenizer

        return load_tokenizer()

    def network(self) -> torch.nn.Module:
        """About 3 M parameters and the readers, which are not shipped."""
        from torch import nn
        from transformers import CLIPConfig, CLIPModel

        ids = {"bos_token_id": self.tokenizer.bos_token_id, "eos_token_id": self.tokenizer.eos_token_id}
        shared = {"hidden_size": WIDTH, "intermediate_size": 3 * WIDTH, "num_attention_heads": HEADS,
                  "hidden_act": "gelu", "projection_dim": DIMENSIONS}  # fmt: skip
        config = CLIPConfig(
            text_config={
                **shared, **ids, "vocab_size": len(self.tokenizer), "num_hidden_layers": TEXT_LAYERS,
                "max_position_embeddings": LENGTH, "pad_token_id": self.tokenizer.pad_token_id,
            },
            vision_config={**shared, "num_hidden_layers": IMAGE_LAYERS, "image_size": SIDE, "patch_size": PATCH},
            projection_dim=DIMENSIONS,
            **ids,
        )  # fmt: skip

        class Towers(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.clip = CLIPModel(config)
                self.attributes = nn.Linear(DIMENSIONS, sum(len(options) for options in ATTRIBUTES.values()))
                self.props = nn.Linear(DIMENSIONS, len(PROP_NAMES))
                self.level = nn.Linear(DIMENSIONS, 1)

            def forward(self, pixels: torch.Tensor, ids: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, ...]:
                image = pooled(self.clip.get_image_features(pixel_values=pixels))
                text = pooled(self.clip.get_text_features(input_ids=ids, attention_mask=mask))
                return image.float(), text.float()

        return Towers()

    def batch(self, samples: dict[str, np.ndarray], rng: np.random.Generator) -> Batch:
        """Pictures moved by some pixels, mirrored and brightened; one of their captions each."""
        import torch

        count = len(samples["pixels"])
        pixels = samples["pixels"].copy()
        for row in range(count):
            if rng.random() < 0.5:
                pixels[row] = pixels[row][:, ::-1]
            pixels[row] = np.roll(pixels[row], rng.integers(-3, 4, 2), axis=(0, 1))
        which = rng.integers(samples["captions"].shape[1], size=count)
        tokens = self.tokenizer(
            unpacked(samples["captions"][np.arange(count), which]), padding=True, truncation=True, max_length=LENGTH,
            return_tensors="pt",
        )  # fmt: skip
        return {
            "pixels": to_tensor(pixels),
            "ids": tokens["input_ids"],
            "mask": tokens["attention_mask"],
            "numbers": torch.from_numpy(samples["numbers"]),
            "props": torch.from_numpy(samples["props"].astype(np.float32)),
            "level": torch.from_numpy(samples["level"]),
        }

    def loss(self, network: torch.nn.Module, batch: Batch) -> torch.Tensor:
        """InfoNCE both ways, the attributes read from both embeddings, and the quality level from the picture's."""
        import torch
        from torch.nn import functional

        towers: Any = network
        image, text = towers(batch["pixels"], batch["ids"], batch["mask"])
        scale = towers.clip.logit_scale.exp().clamp(max=60)
        alike = scale * functional.normalize(image, dim=1) @ functional.normalize(text, dim=1).T
        same = torch.arange(len(image), device=image.device)
        contrast = (functional.cross_entropy(alike, same) + functional.cross_entropy(alike.T, same)) / 2
        named = torch.zeros((), device=image.device)
        for embedding in (image, text):
            logits = towers.attributes(embedding).float().split([len(o) for o in ATTRIBUTES.values()], dim=1)
            for index, part in enumerate(logits):
                truth = batch["numbers"][:, index]
                if bool((truth >= 0).any()):
                    named = named + functional.cross_entropy(part, truth, ignore_index=-100) / len(ATTRIBUTES)
            props = towers.props(embedding).float()
            named = named + 4 * functional.binary_cross_entropy_with_logits(props, batch["props"])
        level = functional.mse_loss(towers.level(functional.normalize(image, dim=1)).float()[:, 0], batch["level"])
        return contrast + named + 4 * level

    def export(self, network: torch.nn.Module, files: FileSystem) -> None:
        """transformers' files; ``open_clip_files`` makes the other format from them."""
        write_clip(network.clip, files)

    def evaluate(self, folder: Path, *, samples: int = 500) -> dict[str, float]:
        """Recall at 1 among groups of 100 held-out scenes, both ways."""
        clip = LoadedClip(folder)
        groups = [range(HELD_OUT + start, HELD_OUT + start + 100) for start in range(0, max(100, samples), 100)]
        to_picture, to_text = [], []
        for group in groups:
            scenes = [sample_scene(seed) for seed in group]
            pictures = clip.images([picture_of(scene, seed) for scene, seed in zip(scenes, group, strict=True)])
            texts = clip.texts([captions(scene, count=1, seed=1)[0] for scene in scenes])
            alike = texts @ pictures.T
            to_picture.append(float((alike.argmax(1) == np.arange(100)).mean()))
            to_text.append(float((alike.argmax(0) == np.arange(100)).mean()))
        return {"R@1 text to picture": float(np.mean(to_picture)), "R@1 picture to text": float(np.mean(to_text))}
