"""Intervals for means of ratings and scores, by resampling whole clusters: raters, items, stories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval; ``low`` and ``high`` are ``None`` where too little is known for one."""

    mean: float
    low: float | None
    high: float | None
    n: int

    def overlaps(self, other: Interval) -> bool:
        """Whether the two intervals share a value; an interval that is not known overlaps everything."""
        if None in (self.low, self.high, other.low, other.high):
            return True
        assert self.low is not None and self.high is not None and other.low is not None and other.high is not None
        return self.low <= other.high and other.low <= self.high


def mean_interval(
    values: Sequence[float], *clusters: Sequence[object], seed: int = 0, resamples: int = RESAMPLES
) -> Interval:
    """Mean of ``values`` and the percentile interval of its bootstrap.

    Each of ``clusters`` names, for every value, the group that it belongs to (its rater, its item): groups are drawn
    with replacement, independently for each kind, and a value counts as often as the product of its groups' draws
    (the pigeonhole bootstrap of Owen 2007, which keeps the dependence that two values of one rater or item have).
    Without clusters single values are drawn. The interval is unknown with fewer than two groups of a kind.
    Raises ValueError for no values or lengths that differ.
    """
    data = np.asarray(values, dtype=float)
    if not len(data):
        raise ValueError("no values")
    kinds = [_numbers(cluster) for cluster in clusters] or [np.arange(len(data))]
    if any(len(kind) != len(data) for kind in kinds):
        raise ValueError("every value needs one group of each kind")
    mean = float(data.mean())
    if any(kind.max() < 1 for kind in kinds):
        return Interval(mean, None, None, len(data))
    means = _resampled_means(data, kinds, seed, resamples)
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(mean, float(low), float(high), len(data))


def difference_interval(
    first: Sequence[float], second: Sequence[float], *clusters: Sequence[object], seed: int = 0,
    resamples: int = RESAMPLES,
) -> Interval:  # fmt: skip
    """Mean of ``first - second``, value by value (the same story, scene and seed under two methods), clustered."""
    if len(first) != len(second):
        raise ValueError("pairs need as many values on both sides")
    pairs = np.asarray(first, dtype=float) - np.asarray(second, dtype=float)
    return mean_interval(pairs.tolist(), *clusters, seed=seed, resamples=resamples)


def _numbers(groups: Sequence[object]) -> np.ndarray:
    known: dict[object, int] = {}
    return np.array([known.setdefault(group, len(known)) for group in groups], dtype=np.int64)


def _resampled_means(data: np.ndarray, kinds: list[np.ndarray], seed: int, resamples: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    weights = np.ones((resamples, len(data)))
    for kind in kinds:
        groups = int(kind.max()) + 1
        drawn = rng.multinomial(groups, np.full(groups, 1 / groups), size=resamples)
        weights *= drawn[:, kind]
    total = weights.sum(1)
    # With few groups of two kinds a draw may leave no value at all; such a draw says nothing.
    kept = total > 0
    means: np.ndarray = (weights[kept] @ data) / total[kept]
    return means
