"""What can go wrong with models, in the two kinds of the platform: permanent and passing."""

from __future__ import annotations


class ModelError(Exception):
    """Bad input or a broken installation: a clear message, no retry helps."""


class ModelNotHere(ModelError):
    """The weights are not on this machine (not pulled, or not trained yet)."""


class UnsafeModel(ModelError):
    """Files that are not loaded: pickles, code beside weights, or bytes that are not those of the catalogue."""


class PassingError(Exception):
    """A network or provider failure that may be gone later; ``wait_s`` is how long the other side asks to wait."""

    def __init__(self, message: str, *, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.wait_s = wait_s
