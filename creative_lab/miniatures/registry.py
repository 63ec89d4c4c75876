"""All miniatures by name, in the order in which they can be trained."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from creative_lab.miniatures.training import Trainer

_TRAINERS = {
    "autoencoder": ("creative_lab.miniatures.autoencoder", "AutoencoderTrainer"),
    "decoder": ("creative_lab.miniatures.autoencoder", "DecoderTrainer"),
    "garments": ("creative_lab.miniatures.garments", "GarmentTrainer"),
    "face-detector": ("creative_lab.miniatures.face_detector", "FaceDetectorTrainer"),
    "face-recogniser": ("creative_lab.miniatures.face_recogniser", "FaceRecogniserTrainer"),
    "clip": ("creative_lab.miniatures.clip", "ClipTrainer"),
    "judge": ("creative_lab.miniatures.judge", "JudgeTrainer"),
    "miniature-xl": ("creative_lab.miniatures.text_to_picture", "TextToPictureTrainer"),
    "image-encoder": ("creative_lab.miniatures.image_encoder", "ImageEncoderTrainer"),
    "preference": ("creative_lab.miniatures.preference", "PreferenceTrainer"),
    "miniature-pose": ("creative_lab.miniatures.pose_control", "PoseControlTrainer"),
    "miniature-reference": ("creative_lab.miniatures.reference_adapter", "ReferenceAdapterTrainer"),
    "together": ("creative_lab.miniatures.together", "TogetherTrainer"),
    "aesthetic": ("creative_lab.miniatures.aesthetic", "AestheticTrainer"),
    "vision-language": ("creative_lab.miniatures.vision_language", "VisionLanguageTrainer"),
}

NAMES = tuple(_TRAINERS)
ALONE = ("miniature-pose", "miniature-reference")
"""Adapters that "together" teaches beside the UNet; by themselves they learn beside a frozen one, as elsewhere."""


def trainer(name: str, root: Path) -> Trainer:
    """The trainer ``name`` for models below ``root``. Raises ValueError, which lists the names, when there is none."""
    if name not in _TRAINERS:
        raise ValueError(f"unknown miniature {name!r}; known: {', '.join(NAMES)}")
    module, attribute = _TRAINERS[name]
    made: Trainer = getattr(import_module(module), attribute)(root)
    return made
