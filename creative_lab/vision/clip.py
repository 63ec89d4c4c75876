"""CLIP models in transformers' format: pictures and texts as vectors of one space, each computed once."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from creative_lab.vision.batches import in_batches

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from creative_lab.weights.libraries import Device

BATCH, CPU_BATCH = 64, 16
"""Pictures per pass; a processor's caches like few, a GPU wants many."""

_REMEMBERED_TEXTS = 4096
_PREPARED = 64
"""Pictures that are prepared together, which bounds the memory of their full size."""


def _tensor(picture: np.ndarray) -> torch.Tensor:
    """A picture as a tensor (3, height, width); torch refuses to share memory that may not be written."""
    import torch

    return torch.from_numpy(np.require(picture, requirements="W")).permute(2, 0, 1)


class PixelStore:
    """Prepared pixels of a set of pictures, shared by all encoders that prepare them in the same way."""

    def __init__(self, pictures: Sequence[np.ndarray]) -> None:
        self.pictures = pictures
        self._prepared: dict[str, list[torch.Tensor]] = {}

    def prepared(self, processor: Any) -> list[torch.Tensor]:
        """What ``processor`` makes of each picture: float tensors (3, height, width)."""
        key = settings_of(processor)
        if key not in self._prepared:
            made: list[torch.Tensor] = []
            for start in range(0, len(self.pictures), _PREPARED):
                # As tensors the processor resizes pictures of one size together.
                tensors = [_tensor(p) for p in self.pictures[start : start + _PREPARED]]
                made += processor(images=tensors, return_tensors="pt", input_data_format="channels_first")[
                    "pixel_values"
                ]
            self._prepared[key] = made
        return self._prepared[key]


def settings_of(processor: Any) -> str:
    """A key that is the same for processors that do the same."""
    values = {name: value for name, value in processor.to_dict().items() if not name.startswith("_")}
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()


class Clip:
    """A CLIP folder. Vectors are computed in the model's number format and given as float32 of length 1."""

    def __init__(
        self, folder: Path, *, slug: str, device: Device, dtype: str = "float32", batch: int | None = None
    ) -> None:
        import torch
        from transformers import AutoImageProcessor, AutoTokenizer, CLIPModel

        self.slug, self.device = slug, device
        self.batch = batch or (CPU_BATCH if device == "cpu" else BATCH)
        self.dtype = torch.float32 if device == "cpu" else getattr(torch, dtype)
        self.model: Any = CLIPModel.from_pretrained(folder, local_files_only=True, dtype=self.dtype).eval().to(device)
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self.processor: Any = AutoImageProcessor.from_pretrained(folder, local_files_only=True)
        self.longest = min(77, int(self.model.config.text_config.max_position_embeddings))
        self._texts: OrderedDict[str, np.ndarray] = OrderedDict()

    @property
    def scale(self) -> float:
        """The factor that the model learnt for its cosines, exp(logit_scale); about 100 for trained ones."""
        return float(self.model.logit_scale.float().exp().item())

    def images(self, pictures: Sequence[np.ndarray], *, pixels: PixelStore | None = None) -> np.ndarray:
        """L2-normalised embeddings, float32 (pictures, dimensions); ``pixels`` shares the preparation."""
        import torch
        from torch.nn import functional

        if not len(pictures):
            return np.empty((0, int(self.model.config.projection_dim)), np.float32)

        def embed(batch: Sequence[torch.Tensor]) -> np.ndarray:
            with torch.inference_mode():
                values = torch.stack(list(batch)).to(self.device, self.dtype)
                vectors = as_tensor(self.model.get_image_features(pixel_values=values))
                made: np.ndarray = functional.normalize(vectors.float(), dim=-1).cpu().numpy()
                return made

        return in_batches(embed, (pixels or PixelStore(pictures)).prepared(self.processor), self.batch)

    def texts(self, texts: Sequence[str]) -> np.ndarray:
        """L2-normalised embeddings, float32 (texts, dimensions), remembered; cut at 77 tokens."""
        import torch
        from torch.nn import functional

        def embed(batch: Sequence[str]) -> np.ndarray:
            with torch.inference_mode():
                inputs = self.tokenizer(
                    list(batch), padding=True, truncation=True, max_length=self.longest, return_tensors="pt"
                )
                given = {name: inputs[name].to(self.device) for name in ("input_ids", "attention_mask")}
                vectors = as_tensor(self.model.get_text_features(**given))
                made: np.ndarray = functional.normalize(vectors.float(), dim=-1).cpu().numpy()
                return made

        if not len(texts):
            return np.empty((0, int(self.model.config.projection_dim)), np.float32)
        known = {text: self._texts[text] for text in texts if text in self._texts}
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            known.update(zip(new, in_batches(embed, new, 4 * self.batch), strict=True))
        for text in dict.fromkeys(texts):
            self._texts[text] = known[text]
            self._texts.move_to_end(text)
        while len(self._texts) > _REMEMBERED_TEXTS:
            self._texts.popitem(last=False)
        return np.stack([known[text] for text in texts])


def as_tensor(features: Any) -> torch.Tensor:
    """The embedding in what ``get_image_features`` gives: transformers 5 wraps it, older ones don't."""
    made: torch.Tensor = getattr(features, "pooler_output", features)
    return made


def pickscore(scale: float, images: np.ndarray, texts: np.ndarray) -> np.ndarray:
    """exp(logit_scale) · cosine of each picture with its text (Kirstain et al. 2023), about 18–24 for the real model.

    Takes L2-normalised vectors (n, dimensions).
    """
    return scale * (images * texts).sum(axis=1)


def clipscore(images: np.ndarray, texts: np.ndarray) -> np.ndarray:
    """2.5 · max(cosine, 0) of each picture with its text (Hessel et al. 2021). Takes L2-normalised vectors."""
    return 2.5 * np.maximum((images * texts).sum(axis=1), 0.0)
