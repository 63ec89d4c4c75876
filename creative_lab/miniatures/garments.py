"""Garments cut out of looks: a SegFormer (Xie et al. 2021) in transformers' format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from creative_lab.illustrator.garments import CATEGORIES
from creative_lab.illustrator.look import LookPicture, draw_look
from creative_lab.illustrator.sample import sample_look
from creative_lab.lake.fs import FileSystem
from creative_lab.miniatures.pools import HELD_OUT, Plan
from creative_lab.miniatures.training import Batch, Recipe, Trainer

if TYPE_CHECKING:
    import torch

LABELS = ("background", "person", "hat", *CATEGORIES)
"""Class names in the order of the model's outputs; "person" is skin and hair."""

HEIGHT, WIDTH, WINDOW = 256, 448, 128
"""Size of a look in training, and the width of the windows, one model each, that the network learns from."""

COARSE = 4
"""How many windows of half the size a step sees instead of each whole one while the pool still grows."""

MODELS_APART = 0.52
"""Distance between a look's models in picture heights, as ``look.draw_look`` places them."""

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def label_map(picture: LookPicture) -> np.ndarray:
    """The class of every pixel as uint8 (height, width).

    Ink lines lie between the masks; their pixels belong to what is nearest.
    """
    from scipy.ndimage import distance_transform_edt

    labels = picture.body_mask.astype(np.uint8)
    labels[picture.hat_mask] = LABELS.index("hat")
    for truth in picture.garments:
        labels[truth.mask] = LABELS.index(truth.garment.category)
    rows, columns = distance_transform_edt(labels == 0, return_distances=False, return_indices=True)
    ink = picture.people_mask & (labels == 0)
    labels[ink] = labels[rows, columns][ink]
    return labels


def draw_looks(first: int, count: int) -> dict[str, np.ndarray]:
    """Looks and their labels for training."""
    pictures = [draw_look(sample_look(seed), WIDTH, HEIGHT) for seed in range(first, first + count)]
    return {
        "pixels": np.stack([picture.pixels for picture in pictures]),
        "labels": np.stack([label_map(picture) for picture in pictures]),
    }


class GarmentTrainer(Trainer):
    """SegFormer over looks."""

    name: ClassVar[str] = "garments"
    folder: ClassVar[str] = "garments"
    bars: ClassVar[dict[str, float]] = {"mIoU": 0.85}
    recipe: ClassVar[Recipe] = Recipe(
        steps=4500, batch=16, rate=2.5e-3, average=0.995, warm_up=100, steps_per_shard=25, first_shards=2
    )

    def plan(self) -> Plan:
        """4,000 looks."""
        return Plan("garments", draw_looks, shards=62, samples=64, version=2)

    def choose(self, rng: np.random.Generator, available: int, batch: int) -> np.ndarray:
        """Four times as many looks while the pool still grows: those steps see them at half the size.

        Shapes and colours are learnt there at a quarter of the cost; what is left for whole windows are the details.
        """
        growing = available < self.plan().shards * self.plan().samples
        return super().choose(rng, available, batch * COARSE if growing else batch)

    def network(self) -> torch.nn.Module:
        """1.1 M parameters; logits at a quarter of the picture's size."""
        from transformers import SegformerConfig, SegformerForSemanticSegmentation

        # Plain attention: the fused kernel is slower for so few and so narrow heads on processors.
        network: torch.nn.Module = SegformerForSemanticSegmentation._from_config(
            SegformerConfig(  # type: ignore[call-arg]
                num_labels=len(LABELS),
                id2label=dict(enumerate(LABELS)),
                label2id={label: index for index, label in enumerate(LABELS)},
                depths=[1, 1, 3, 1],
                hidden_sizes=[32, 64, 128, 160],
                num_attention_heads=[1, 2, 4, 5],
                patch_sizes=[7, 3, 3, 3],
                strides=[4, 2, 2, 2],
                sr_ratios=[8, 4, 1, 1],
                mlp_ratios=[2, 2, 2, 2],
                decoder_hidden_size=64,
                hidden_dropout_prob=0.0,
                classifier_dropout_prob=0.0,
                drop_path_rate=0.0,
            ),
            attn_implementation="eager",
        )
        return network

    def batch(self, samples: dict[str, np.ndarray], rng: np.random.Generator) -> Batch:
        """Windows around one of a look's models: moved, scaled, mirrored, brightened."""
        import cv2
        import torch

        count = len(samples["pixels"])
        zoom = 0.5 if count > self.recipe.batch else 1.0
        size = (round(WINDOW * zoom), round(HEIGHT * zoom))
        pixels = np.empty((count, size[1], size[0], 3), np.float32)
        labels = np.empty((count, size[1], size[0]), np.uint8)
        for row in range(count):
            scale = zoom * float(rng.uniform(0.86, 1.14))
            centre_x = WIDTH / 2 + (int(rng.integers(3)) - 1) * MODELS_APART * HEIGHT + float(rng.uniform(-28, 28))
            centre_y = HEIGHT / 2 + float(rng.uniform(-6, 6))
            across = -scale if rng.random() < 0.5 else scale
            matrix = np.array(
                [[across, 0, size[0] / 2 - across * centre_x], [0, scale, size[1] / 2 - scale * centre_y]]
            )
            picture, edge = samples["pixels"][row], cv2.BORDER_REPLICATE
            if zoom < 1:
                picture = cv2.blur(picture, (2, 2), anchor=(0, 0))
            pixels[row] = cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=edge)
            labels[row] = cv2.warpAffine(
                samples["labels"][row], matrix, size, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT
            )
        pixels *= rng.uniform(0.9, 1.06, (count, 1, 1, 1)).astype(np.float32)
        normal = (np.clip(pixels, 0, 255) / 255 - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
        # The logits have a quarter of the picture's size: each step learns from other pixels of their cells.
        dy, dx = (int(value) for value in rng.integers(0, 4, 2))
        return {
            "pixels": torch.from_numpy(np.ascontiguousarray(normal.transpose(0, 3, 1, 2))),
            "labels": torch.from_numpy(labels[:, dy::4, dx::4].astype(np.int64)),
        }

    def loss(self, network: torch.nn.Module, batch: Batch) -> torch.Tensor:
        """Cross-entropy in which rare classes count more (inverse root of their share), and a soft Dice loss."""
        import torch
        from torch.nn import functional

        logits = logits_of(network, batch["pixels"]).float()
        share = torch.bincount(batch["labels"].flatten(), minlength=len(LABELS)) / batch["labels"].numel()
        weights = (share + 1e-4) ** -0.5
        entropy = functional.cross_entropy(logits, batch["labels"], weight=weights)
        shares = logits.softmax(1)
        truth = functional.one_hot(batch["labels"], len(LABELS)).permute(0, 3, 1, 2)
        both = (shares * truth).sum((0, 2, 3))
        size = shares.sum((0, 2, 3)) + truth.sum((0, 2, 3))
        present = truth.sum((0, 2, 3)) > 0
        dice = 1 - (2 * both[present] + 1) / (size[present] + 1)
        return entropy + torch.mean(dice)

    def export(self, network: torch.nn.Module, files: FileSystem) -> None:
        """config.json, model.safetensors (fp16) and preprocessor_config.json, as transformers writes them."""
        from creative_lab.miniatures.writing import write_pretrained

        write_pretrained(network, files)
        processor = {
            "image_processor_type": "SegformerImageProcessor",
            "do_resize": True,
            "size": {"height": HEIGHT, "width": WIDTH},
            "resample": 2,
            "do_rescale": True,
            "rescale_factor": 1 / 255,
            "do_normalize": True,
            "image_mean": list(MEAN),
            "image_std": list(STD),
            "do_reduce_labels": False,
        }
        files.write_bytes("preprocessor_config.json", (json.dumps(processor, indent=2) + "\n").encode())

    def evaluate(self, folder: Path, *, samples: int = 150) -> dict[str, float]:
        """Intersection over union of every class over held-out looks, drawn larger and scaled by the processor."""
        confusion = np.zeros((len(LABELS), len(LABELS)), np.int64)
        segment = load_segmenter(folder)
        for seed in range(HELD_OUT, HELD_OUT + samples):
            picture = draw_look(sample_look(seed), 640, 360)
            found = segment(picture.pixels)
            np.add.at(confusion, (label_map(picture).ravel(), found.ravel()), 1)
        both = np.diag(confusion)
        union = confusion.sum(0) + confusion.sum(1) - both
        shares = {label: float(both[i] / max(1, union[i])) for i, label in enumerate(LABELS)}
        return {"mIoU": float(np.mean(list(shares.values()))), **{f"IoU {k}": v for k, v in shares.items()}}


def logits_of(network: Any, pixels: torch.Tensor) -> torch.Tensor:
    """What the network's own forward gives, for a quarter less time.

    Its head enlarges every scale, joins them and mixes the channels; mixing commutes with enlarging and
    costs less before it.
    """
    from torch.nn import functional

    states = network.segformer(pixels, output_hidden_states=True).hidden_states
    head, size = network.decode_head, states[0].shape[2:]
    # The coarsest scale comes first in the joined channels.
    shares = head.linear_fuse.weight[:, :, 0, 0].chunk(len(states), dim=1)[::-1]
    mixed: Any = 0.0
    for state, project, share in zip(states, head.linear_projections, shares, strict=True):
        small = functional.linear(project(state), share).transpose(1, 2).unflatten(2, state.shape[2:])
        mixed = mixed + (
            small
            if state.shape[2:] == size
            else functional.interpolate(small, size=size, mode="bilinear", align_corners=False)
        )
    logits: torch.Tensor = head.classifier(head.dropout(head.activation(head.batch_norm(mixed))))
    return logits


def load_segmenter(folder: Path) -> Any:
    """A function from uint8 pixels (height, width, 3) to class numbers of the same size, by transformers' own calls."""
    import torch
    from torch.nn import functional
    from transformers import SegformerForSemanticSegmentation, SegformerImageProcessor

    processor = SegformerImageProcessor.from_pretrained(folder, local_files_only=True)
    model = SegformerForSemanticSegmentation.from_pretrained(folder, local_files_only=True, dtype=torch.float32).eval()

    def segment(pixels: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            inputs = processor(images=pixels, return_tensors="pt")
            logits = model(**inputs).logits
            large = functional.interpolate(logits, size=pixels.shape[:2], mode="bilinear", align_corners=False)
        return large.argmax(1)[0].numpy()

    return segment
