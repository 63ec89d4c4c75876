"""Whether the metrics order what is known: the drawn world knows who is who, and how good and how fitting a picture is.

A metric that does not order the truth is not worth reporting; these figures are shown beside the metrics themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from creative_lab.miniatures.face_verification import area_under_curve, pair_similarities


@dataclass(frozen=True)
class Separation:
    """How well similarities tell pairs of one person from pairs of two."""

    auc: float
    """Probability that a pair of one person is more alike than a pair of two."""
    auc_shuffled: float
    """The same with names shuffled among the pictures: must be near 0.5, or the measure leaks."""
    same_mean: float
    different_mean: float
    pairs: int


def separation(vectors: np.ndarray, people: Sequence[object], *, seed: int = 0) -> Separation:
    """Separation of embeddings of length 1 by person. Raises ValueError without pairs of both kinds."""
    names = np.array([list(dict.fromkeys(people)).index(person) for person in people])
    auc, same, different = _auc(vectors, names)
    shuffled = np.random.default_rng(seed).permutation(names)
    control, _, _ = _auc(vectors, shuffled)
    return Separation(auc, control, float(same.mean()), float(different.mean()), len(same) + len(different))


def _auc(vectors: np.ndarray, names: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    same, different = pair_similarities(vectors, names)
    if not len(same) or not len(different):
        raise ValueError("separation needs pairs of one person and pairs of two")
    return area_under_curve(same, different), same, different


@dataclass(frozen=True)
class Order:
    """How well a score orders pictures whose true order is known."""

    spearman: float | None
    """Spearman's correlation with the truth; null for a score that is constant or missing."""
    low: float | None
    high: float | None
    n: int


def order(truth: Sequence[float], scores: Sequence[float | None], *, seed: int = 0, resamples: int = 1000) -> Order:
    """Spearman's correlation and its bootstrap interval over pictures; pictures without a score are left out."""
    from scipy.stats import spearmanr

    pairs = np.array([(t, s) for t, s in zip(truth, scores, strict=True) if s is not None], float)
    if len(pairs) < 3 or len(np.unique(pairs[:, 0])) < 2 or len(np.unique(pairs[:, 1])) < 2:
        return Order(None, None, None, len(pairs))
    value = float(spearmanr(pairs[:, 0], pairs[:, 1]).statistic)
    rng = np.random.default_rng(seed)
    draws = []
    for _ in range(resamples):
        drawn = pairs[rng.integers(len(pairs), size=len(pairs))]
        if len(np.unique(drawn[:, 0])) > 1 and len(np.unique(drawn[:, 1])) > 1:
            draws.append(float(spearmanr(drawn[:, 0], drawn[:, 1]).statistic))
    low, high = np.quantile(draws, [0.025, 0.975]) if draws else (None, None)
    return Order(value, None if low is None else float(low), None if high is None else float(high), len(pairs))
