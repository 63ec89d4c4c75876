"""What can go wrong when pictures are drawn, in the two kinds of the platform: permanent and passing."""

from __future__ import annotations

from creative_lab.weights.errors import ModelError, ModelNotHere, PassingError, UnsafeModel

__all__ = [
    "Cancelled", "ImagingError", "LoraMismatch", "ModelNotHere", "OutOfMemory", "PassingError", "UnsafeModel",
]  # fmt: skip

ImagingError = ModelError
"""Bad input or a broken installation: a clear message, no retry helps. The same class in all rooms with models."""


class LoraMismatch(ImagingError):
    """A LoRA that belongs to another architecture, or whose architecture nobody knows."""


class Cancelled(ImagingError):
    """A person stopped the generation."""


class OutOfMemory(ImagingError):
    """Even one picture at a time does not fit."""
