"""What can go wrong in this room, in the two kinds of the platform: permanent and passing."""

from __future__ import annotations


class CharacterError(ValueError):
    """Bad input or a missing model: a clear message, no retry helps."""


class CaptionerMissing(CharacterError):
    """No model fills the role that writes captions."""


class TrainingStopped(RuntimeError):
    """Training cannot go on, such as after many steps in a row whose loss is not a number."""
