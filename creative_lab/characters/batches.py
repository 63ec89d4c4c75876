"""Which pictures a step sees: decided by the seed and the number of the batch alone, so that a training can resume."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np


class BatchPlan:
    """Batches of pictures of one bucket, in an order that changes from epoch to epoch.

    ``buckets`` names the bucket of every picture. The last batch of a bucket is filled with its first pictures, so
    that all batches have ``size`` pictures, or as many as a small bucket has.
    """

    def __init__(self, buckets: Sequence[tuple[int, int]], size: int, seed: int) -> None:
        self._by_bucket: dict[tuple[int, int], list[int]] = defaultdict(list)
        for number, bucket in enumerate(buckets):
            self._by_bucket[bucket].append(number)
        self._size, self._seed = size, seed
        self.batches_per_epoch = sum(math.ceil(len(own) / size) for own in self._by_bucket.values())
        self._epoch: tuple[int, list[list[int]]] = (-1, [])

    def batch(self, number: int) -> list[int]:
        """Pictures of batch ``number`` (from 0)."""
        epoch, place = divmod(number, self.batches_per_epoch)
        if self._epoch[0] != epoch:
            self._epoch = (epoch, self._shuffled(epoch))
        return self._epoch[1][place]

    def epoch(self, batches: int) -> float:
        """How many passes ``batches`` make."""
        return batches / self.batches_per_epoch

    def _shuffled(self, epoch: int) -> list[list[int]]:
        rng = np.random.default_rng([self._seed, epoch])
        batches = []
        for bucket in sorted(self._by_bucket):
            own = [self._by_bucket[bucket][place] for place in rng.permutation(len(self._by_bucket[bucket]))]
            size = min(self._size, len(own))
            for first in range(0, len(own), self._size):
                part = own[first : first + size]
                batches.append(part + own[: size - len(part)])
        return [batches[place] for place in rng.permutation(len(batches))]
