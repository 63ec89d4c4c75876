"""How well pictures follow a text, and how alike they are to one picture, by CLIP: two measures, never mixed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from creative_lab.vision.anchors import Scales

if TYPE_CHECKING:
    from creative_lab.vision.models import VisionModels


@dataclass(frozen=True)
class Alignment:
    """One measure of several pictures."""

    raw: tuple[float | None, ...]
    """Cosine of each picture; None where there is no model."""
    calibrated: tuple[float | None, ...]
    """0–1 by the anchors of the model; None without a model or anchors."""
    model: str | None
    """Slug of the model."""
    missing: str = ""
    """Why values are None."""


def clip_text(models: VisionModels, pictures: Sequence[np.ndarray], texts: str | Sequence[str]) -> Alignment:
    """Cosine of each picture with its text (or all with one), and 0–1 between the anchors of the model.

    Raw cosines of trained models lie at about 0.2–0.35 for fitting texts: thresholds belong to the calibrated value.
    """
    wanted = [texts] * len(pictures) if isinstance(texts, str) else list(texts)
    if len(wanted) != len(pictures):
        raise ValueError(f"{len(pictures)} pictures, but {len(wanted)} texts")
    clip = models.clip()
    if clip is None:
        nothing = (None,) * len(pictures)
        return Alignment(nothing, nothing, None, models.missing("clip"))
    raw = (clip.images(pictures) * clip.texts(wanted)).sum(axis=1)
    scales = Scales(models)
    anchors = scales.of("clip")
    calibrated = tuple(None if anchors is None else anchors.percent(float(value)) / 100.0 for value in raw)
    return Alignment(tuple(float(value) for value in raw), calibrated, clip.slug, scales.missing("clip"))


def clip_identity(models: VisionModels, pictures: Sequence[np.ndarray], reference: np.ndarray) -> Alignment:
    """Cosine of each picture with one reference picture.

    There are no anchors: the cosine itself is what thresholds of identity (0.70 by default) are given in.
    """
    clip = models.clip_identity()
    if clip is None:
        nothing = (None,) * len(pictures)
        return Alignment(nothing, nothing, None, models.missing("clip_identity"))
    vectors = clip.images([reference, *pictures])
    raw = tuple(float(value) for value in vectors[1:] @ vectors[0])
    return Alignment(raw, (None,) * len(raw), clip.slug)
