"""What a training reads: latents and text states that were computed once, held in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from creative_lab.characters.errors import CharacterError

PARTS = ("mean", "spread", "mirrored_mean", "mirrored_spread", "states", "pooled", "tokens", "tokens_2", "time_ids")
"""Tensors per picture: mean and standard deviation of the latents (channels, height, width), already scaled, of the
picture and of its mirror image; text states (77, width) and pooled state of the caption; its token numbers for both
tokenizers; and the six numbers on size and crop that SDXL reads."""


@dataclass(frozen=True)
class TrainingData:
    """Cached tensors of the pictures that are trained on, in order, on one device."""

    names: tuple[str, ...]
    tensors: Mapping[str, Sequence[Any]]
    """Per name of ``PARTS`` a tensor for every picture."""
    unusable: tuple[int, ...] = ()
    """Numbers of pictures whose latents are not finite."""

    @property
    def buckets(self) -> list[tuple[int, int]]:
        """Height and width of every picture's latents."""
        return [(value.shape[-2], value.shape[-1]) for value in self.tensors["mean"]]

    def batch(self, numbers: Sequence[int]) -> dict[str, Any]:
        """The tensors of some pictures of one bucket, stacked."""
        import torch

        return {name: torch.stack([values[number] for number in numbers]) for name, values in self.tensors.items()}

    @classmethod
    def read(cls, data: bytes, names: Sequence[str], device: str = "cpu") -> TrainingData:
        """The pictures ``names`` of a file of :func:`pack`. Raises :class:`CharacterError` when one is absent."""
        from safetensors.torch import load

        found = load(data)
        absent = [name for name in names if f"{name}/mean" not in found]
        if absent:
            raise CharacterError(f"the cached training set lacks {', '.join(absent[:5])}; make the training set again")
        return cls.of({name: {part: found[f"{name}/{part}"] for part in PARTS} for name in names}, device)

    @classmethod
    def of(cls, pictures: Mapping[str, Mapping[str, Any]], device: str = "cpu") -> TrainingData:
        """From the parts of every picture by name."""
        import torch

        names = tuple(pictures)
        tensors = {part: [pictures[name][part].to(device) for name in names] for part in PARTS}
        finite = [
            all(bool(torch.isfinite(tensors[part][number]).all()) for part in PARTS[:4]) for number in range(len(names))
        ]
        return cls(names, tensors, tuple(number for number, ok in enumerate(finite) if not ok))


def pack(pictures: Mapping[str, Mapping[str, Any]]) -> bytes:
    """The parts of every picture as one safetensors file."""
    from safetensors.torch import save

    return save(
        {f"{name}/{part}": parts[part].cpu().contiguous() for name, parts in pictures.items() for part in PARTS}
    )
