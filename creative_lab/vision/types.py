"""What the models of this room give back, and what other rooms may expect of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

Ask = Callable[[str, np.ndarray], str]
"""Asks a hosted vision language model about one picture: (prompt, picture) → reply. The caller's room makes it."""


@dataclass(frozen=True)
class Face:
    """One face in a picture."""

    box: np.ndarray
    """Left, top, right, bottom in pixels, float32."""
    points: np.ndarray
    """Left eye, right eye, nose, left and right corner of the mouth, as seen, float32 (5, 2)."""
    score: float
    """The detector's confidence, 0–1."""
    embedding: np.ndarray
    """512 numbers of length 1; the cosine of two is the likeness of two faces."""

    @property
    def area(self) -> float:
        """Area of the box in pixels."""
        return float(max(0.0, self.box[2] - self.box[0]) * max(0.0, self.box[3] - self.box[1]))


@dataclass(frozen=True)
class PictureScores:
    """What the scorers say about one picture and its text."""

    raw: dict[str, float | None]
    """Scorer → value in its own unit; None where the scorer is missing or could not score."""
    percent: dict[str, float | None]
    """Scorer → 0–100 by the anchors of its model; None where raw is, or where the model has no anchors."""
    weights: dict[str, float]
    """Scorer → weight in the overall value; those of missing scorers are shared out, so that they add up to 1."""
    overall: float | None
    """Weighted mean of the percents, 0–100; None when no scorer could score."""
    missing: dict[str, str] = field(default_factory=dict)
    """Scorer → why it gave nothing."""
    models: dict[str, str] = field(default_factory=dict)
    """Scorer → slug of the model that filled it."""


class Captioner(Protocol):
    """Describes pictures."""

    slug: str

    def caption(self, pictures: Sequence[np.ndarray], *, prompt: str | None = None) -> list[str]:
        """One caption per picture; ``prompt`` replaces the one of the catalogue."""
        ...


class FaceFinder(Protocol):
    """Finds faces."""

    slug: str

    def find(self, pictures: Sequence[np.ndarray]) -> list[list[Face]]:
        """All faces of each picture, most confident first."""
        ...

    def embed_crop(self, picture: np.ndarray, box: np.ndarray) -> np.ndarray:
        """The embedding of an unaligned cut-out."""
        ...
