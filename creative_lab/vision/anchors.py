"""Which raw values of a scorer count as 0 and as 100: from the catalogue, or measured on the drawn world."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from creative_lab.weights.errors import ModelError
from creative_lab.weights.measuring import Anchors, MeasuringPreset, Role

if TYPE_CHECKING:
    from creative_lab.vision.models import VisionModels

FILE = "score_anchors.json"
"""Below DATA_DIR: anchors of the miniatures, written by ``python -m creative_lab.miniatures.calibration``."""


class MeasuredAnchors(BaseModel):
    """Anchors that were measured, and how."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    made: str
    """How the values were made, in words."""
    weights: dict[str, str]
    """Model → digest of the weights that were measured."""
    anchors: dict[str, dict[Role, Anchors]]
    """Model → role → anchors."""
    distributions: dict[str, dict[str, dict[str, float]]] = {}
    """Model and role → kind of picture → quantiles of the raw value, for people to judge the anchors by."""


class Scales:
    """Anchors for the models of a profile."""

    def __init__(self, models: VisionModels) -> None:
        self._models = models
        self._measured = read_measured(models.settings.data_dir / FILE)

    def of(self, role: Role) -> Anchors | None:
        """Anchors of the model that fills ``role``; None when there are none for these very weights."""
        return None if self.missing(role) else self._find(role)

    def missing(self, role: Role) -> str:
        """Why ``role`` has no anchors; empty when it has."""
        slug = self._models.slug(role)
        if slug is None or self._find(role) is None:
            return f"{slug} has no anchors for {role}: its raw value stands alone"
        entry = self._models.catalogue.role(role, self._models.profile)
        if isinstance(entry, MeasuringPreset) and role in entry.anchors:
            return ""
        assert self._measured is not None
        if self._measured.weights.get(slug) != self._models.digest(slug):
            return (
                f"the anchors of {slug} were measured on other weights: its raw value stands alone until "
                "python -m creative_lab.miniatures.calibration has run"
            )
        return ""

    def _find(self, role: Role) -> Anchors | None:
        entry = self._models.catalogue.role(role, self._models.profile)
        if not isinstance(entry, MeasuringPreset):
            return None
        if role in entry.anchors:
            return entry.anchors[role]
        return self._measured.anchors.get(entry.slug, {}).get(role) if self._measured else None


def read_measured(path: Path) -> MeasuredAnchors | None:
    """The measured anchors; None when the file isn't there. Raises :class:`ModelError` naming file and field."""
    try:
        stamp = path.stat().st_mtime_ns
    except FileNotFoundError:
        return None
    return _parse(path, stamp)


@lru_cache(maxsize=8)
def _parse(path: Path, stamp: int) -> MeasuredAnchors:  # noqa: ARG001 - the stamp is part of the cache's key
    try:
        return MeasuredAnchors.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        raise ModelError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except ValueError as error:
        raise ModelError(f"{path}: not valid JSON: {error}") from error
