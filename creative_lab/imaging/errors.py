"""What can go wrong when pictures are drawn, in the two kinds of the platform: permanent and passing."""

from __future__ import annotations


class ImagingError(Exception):
    """Bad input or a broken installation: a clear message, no retry helps."""


class ModelNotHere(ImagingError):
    """The weights are not on this machine (not pulled, or not trained yet)."""


class UnsafeModel(ImagingError):
    """Files that are not loaded: pickles, code beside weights, or bytes that are not those of the catalogue."""


class LoraMismatch(ImagingError):
    """A LoRA that belongs to another architecture, or whose architecture nobody knows."""


class Cancelled(ImagingError):
    """A person stopped the generation."""


class OutOfMemory(ImagingError):
    """Even one picture at a time does not fit."""


class PassingError(Exception):
    """A network or provider failure that may be gone later."""
