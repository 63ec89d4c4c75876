"""Scores of pictures: raw values, 0–100 values by documented anchors, and one overall value that never hides a gap."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from creative_lab.vision.anchors import Scales
from creative_lab.vision.clip import PixelStore, clipscore, pickscore
from creative_lab.vision.models import SCORING_ROLES
from creative_lab.vision.types import PictureScores
from creative_lab.weights.errors import UnsafeModel
from creative_lab.weights.measuring import Role

if TYPE_CHECKING:
    from creative_lab.vision.clip import Clip
    from creative_lab.vision.models import VisionModels

WEIGHTS: Mapping[Role, float] = {"pickscore": 0.50, "clipscore": 0.25, "vqascore": 0.15, "aesthetic": 0.10}
"""Weights of the scorers in the overall value; HPSv3 is reported beside them and has none unless it is given one."""

SHARES: Mapping[Role, float] = {"pickscore": 0.50, "clipscore": 0.30, "vqascore": 0.25, "aesthetic": 0.20}
"""In which ratio the present scorers take over the weight of a missing one.

Without VQAScore its 0.15 make PickScore 0.575, CLIPScore 0.295 and the aesthetic 0.13, as specified.
"""


def shared_weights(present: Sequence[Role], weights: Mapping[Role, float] = WEIGHTS) -> dict[str, float]:
    """The weights of the scorers that are ``present``, adding up to 1; empty when none of them has a weight.

    The standard weights are shared out by ``SHARES``, any others in proportion.
    """
    own = {role: weights[role] for role in weights if role in present and weights[role] > 0}
    total = sum(weights.values())
    if not own:
        return {}
    spare = total - sum(own.values())
    standard = dict(weights) == dict(WEIGHTS)
    shares = {role: (SHARES[role] if standard else own[role]) for role in own}
    return {role: (own[role] + spare * shares[role] / sum(shares.values())) / total for role in own}


def overall(percent: Mapping[str, float | None], weights: Mapping[str, float]) -> float | None:
    """Weighted mean of the percents, whose weights add up to 1; None when there are none.

    Raises ValueError for a scorer with a weight but without a percent: a gap is no zero.
    """
    if not weights:
        return None
    total = 0.0
    for role, weight in weights.items():
        value = percent[role]
        if value is None:
            raise ValueError(f"{role} has a weight but no value")
        total += weight * value
    return total


def score_pictures(
    models: VisionModels,
    pictures: Sequence[np.ndarray],
    texts: str | Sequence[str],
    *,
    roles: Sequence[Role] = SCORING_ROLES,
    weights: Mapping[Role, float] = WEIGHTS,
    progress: Callable[[Role], None] | None = None,
) -> list[PictureScores]:
    """Score each RGB picture against its text (or all against one text) by every scorer that is installed.

    Each picture is prepared once per kind of preparation and encoded once per encoder, each text once per encoder.
    A scorer that is missing or fails gives None with a reason, and the others take over its weight. ``progress`` is
    called before each scorer and may raise to stop. Raises ValueError when pictures and texts differ in number,
    :class:`UnsafeModel` when a model's files are not those of the catalogue.
    """
    wanted = [texts] * len(pictures) if isinstance(texts, str) else list(texts)
    if len(wanted) != len(pictures):
        raise ValueError(f"{len(pictures)} pictures, but {len(wanted)} texts")
    if not len(pictures):
        return []
    scales = Scales(models)
    raw, missing, used = _raw_scores(models, pictures, wanted, roles, progress)
    results = []
    for row in range(len(pictures)):
        values: dict[str, float | None] = {role: float(raw[role][row]) if role in raw else None for role in roles}
        gone = dict(missing)
        percent: dict[str, float | None] = {}
        for role in roles:
            value = values[role]
            percent[role] = None
            if value is None:
                continue
            if not np.isfinite(value):
                values[role] = None
                gone[role] = f"{used[role]} gave no number"
                continue
            anchors = scales.of(role)
            if anchors is None:
                gone[role] = scales.missing(role)
            else:
                percent[role] = anchors.percent(value)
        shared = shared_weights([role for role in roles if percent.get(role) is not None], weights)
        results.append(PictureScores(values, percent, shared, overall(percent, shared), gone, dict(used)))
    return results


def _raw_scores(
    models: VisionModels,
    pictures: Sequence[np.ndarray],
    texts: Sequence[str],
    roles: Sequence[Role],
    progress: Callable[[Role], None] | None,
) -> tuple[dict[Role, np.ndarray], dict[str, str], dict[str, str]]:
    """Raw values by scorer, why others have none, and the slug of each scorer's model.

    Whatever goes wrong in one scorer is its reason, and takes nothing from the others; unsafe files stop everything.
    """
    pixels = PixelStore(pictures)
    embedded: dict[str, np.ndarray] = {}

    def images(clip: Clip) -> np.ndarray:
        if clip.slug not in embedded:
            embedded[clip.slug] = clip.images(pictures, pixels=pixels)
        return embedded[clip.slug]

    def measured(role: Role, slug: str) -> np.ndarray:
        if role == "aesthetic":
            found = models.aesthetic()
            assert found is not None
            head, clip = found
            return head.rate(images(clip))
        model = models.model(role)
        values: np.ndarray
        if role == "pickscore":
            values = pickscore(model.scale, images(model), model.texts(texts))
        elif role == "clipscore":
            prefix = models.catalogue.entry(slug).text_prefix
            values = clipscore(images(model), model.texts([prefix + text for text in texts]))
        elif role == "vqascore":
            values = model.yes_probabilities(pictures, texts)
        else:
            values = model.rewards(pictures, texts)
        return values

    raw: dict[Role, np.ndarray] = {}
    missing: dict[str, str] = {}
    used: dict[str, str] = {}
    for role in roles:
        if reason := models.missing(role):
            missing[role] = reason
            continue
        if progress is not None:
            progress(role)
        slug = models.slug(role)
        assert slug is not None
        used[role] = slug
        try:
            raw[role] = measured(role, slug)
        except UnsafeModel:
            raise
        except Exception as error:
            first_line = (str(error).strip() or "no reason given").splitlines()[0]
            missing[role] = f"{slug} failed: {type(error).__name__}: {first_line[:300]}"
    return raw, missing, used
