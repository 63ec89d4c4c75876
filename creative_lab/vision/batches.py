"""Work in batches that become smaller when memory runs out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from creative_lab.weights.errors import ModelError

Item = TypeVar("Item")


def in_batches(work: Callable[[Sequence[Item]], np.ndarray], items: Sequence[Item], size: int) -> np.ndarray:
    """``work`` over ``items`` in batches of at most ``size``, its results joined along the first axis.

    A batch that doesn't fit into memory is halved, and so are those after it. Raises :class:`ModelError` when even one
    item doesn't fit. ``items`` must not be empty.
    """
    from creative_lab.weights.libraries import is_out_of_memory

    parts: list[np.ndarray] = []
    start = 0
    while start < len(items):
        try:
            part = work(items[start : start + size])
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if size == 1:
                raise ModelError("even one picture at a time does not fit into memory") from error
            size = max(1, min(size, len(items) - start) // 2)
            continue
        parts.append(part)
        start += size
    return np.concatenate(parts)
