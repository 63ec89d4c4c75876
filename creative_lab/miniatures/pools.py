"""Pictures drawn ahead: shards of training data that worker processes draw while a model already learns.

A shard is a file of uint8 and float arrays in the cache. Training takes a new shard in at fixed steps and waits for it
if it must, so that what a step sees depends on its number alone and never on how fast the drawing went.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context, parent_process
from pathlib import Path

import numpy as np

from creative_lab.lake.fs import FileSystem

HELD_OUT = 50_000_000
"""Seeds from here on are never trained on."""

Arrays = dict[str, np.ndarray]


@lru_cache(maxsize=1)
def world_version() -> str:
    """A short hash of the illustrator's sources: pictures drawn by another version are drawn again."""
    import creative_lab.illustrator as world

    digest = hashlib.sha256()
    for path in sorted(Path(world.__path__[0]).glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


@dataclass(frozen=True)
class Plan:
    """Which samples a pool holds. ``draw(first, count)`` returns arrays whose first axis is ``count`` long."""

    name: str
    draw: Callable[[int, int], Arrays]
    shards: int
    samples: int
    """Samples of one shard."""
    first: int = 0
    version: int = 1
    """Raise it when ``draw`` changes."""

    def shard_name(self, index: int) -> str:
        """Name of a shard's file below the cache."""
        folder = f"{self.name}-v{self.version}-{world_version()}-{self.samples}"
        return f"{folder}/{self.first + index * self.samples}.safetensors"


def draw_shard(plan: Plan, index: int, cache: str) -> str:
    """Draw shard ``index`` unless the cache has it; returns its name. Runs in a worker process."""
    from safetensors.numpy import save

    files, name = FileSystem(cache), plan.shard_name(index)
    if not files.exists(name):
        arrays = plan.draw(plan.first + index * plan.samples, plan.samples)
        files.write_bytes(name, save({key: np.ascontiguousarray(value) for key, value in arrays.items()}))
    return name


def _end_with_parent() -> None:
    """Let a worker end when the training that it draws for was killed."""
    parent = parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


class Pool:
    """The samples of a plan, drawn by ``workers`` processes (0 draws in this one, when a sample is asked for)."""

    def __init__(self, plan: Plan, cache: Path, *, workers: int = 1) -> None:
        self.plan, self.cache = plan, FileSystem(cache)
        self._shards: dict[int, Arrays] = {}
        self._futures: dict[int, Future[str]] = {}
        self._executor: ProcessPoolExecutor | None = None
        missing = [index for index in range(plan.shards) if not self.cache.exists(plan.shard_name(index))]
        if workers and missing:
            self._executor = ProcessPoolExecutor(workers, get_context("spawn"), _end_with_parent)
            for index in missing:
                self._futures[index] = self._executor.submit(draw_shard, plan, index, str(cache))

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop drawing; finished shards stay in the cache."""
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)

    def shard(self, index: int) -> Arrays:
        """The arrays of shard ``index``, waiting until it is drawn."""
        if index not in self._shards:
            from safetensors.numpy import load_file

            if index in self._futures:
                self._futures[index].result()
            else:
                draw_shard(self.plan, index, str(self.cache.root))
            self._shards[index] = load_file(self.cache.path(self.plan.shard_name(index)))
        return self._shards[index]

    def take(self, indices: np.ndarray) -> Arrays:
        """The samples with these numbers, stacked."""
        size = self.plan.samples
        found = [(self.shard(int(index) // size), int(index) % size) for index in indices]
        return {key: np.stack([shard[key][row] for shard, row in found]) for key in found[0][0]}

    def everything(self) -> Arrays:
        """All samples of all shards, in order."""
        parts = [self.shard(index) for index in range(self.plan.shards)]
        return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
