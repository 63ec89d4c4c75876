"""Garments by SegFormer: the label of every pixel of a look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from creative_lab.weights.libraries import Device


class SegFormer:
    """A SegFormer folder in transformers' format."""

    def __init__(self, folder: Path, *, slug: str, device: Device, dtype: str = "float32") -> None:
        import torch
        from transformers import AutoImageProcessor, SegformerForSemanticSegmentation

        self.slug, self.device = slug, device
        self.dtype = torch.float32 if device == "cpu" else getattr(torch, dtype)
        self.model: Any = SegformerForSemanticSegmentation.from_pretrained(
            folder, local_files_only=True, dtype=self.dtype
        )
        self.model.eval().to(device)
        self.processor: Any = AutoImageProcessor.from_pretrained(folder, local_files_only=True)
        labels = {int(number): str(name) for number, name in (self.model.config.id2label or {}).items()}
        self.classes = tuple(labels[number] for number in sorted(labels))

    def segment(self, picture: np.ndarray) -> np.ndarray:
        """The label of each pixel, uint8 (height, width); logits are enlarged bilinearly to the picture's size."""
        import torch
        from torch.nn import functional

        with torch.inference_mode():
            inputs = self.processor(images=picture, return_tensors="pt", input_data_format="channels_last")
            logits = self.model(pixel_values=inputs["pixel_values"].to(self.device, self.dtype)).logits.float()
            large = functional.interpolate(logits, size=picture.shape[:2], mode="bilinear", align_corners=False)
            labels: np.ndarray = large.argmax(1)[0].to(torch.uint8).cpu().numpy()
            return labels
