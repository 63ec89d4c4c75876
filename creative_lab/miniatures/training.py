"""How every miniature learns: one loop, with exact resume, a schedule that a time budget can end, and averaged weights.

The learning rate rises, stays, and falls to nothing over the last quarter ("warm-up, stable, decay", Hu et al. 2024,
MiniCPM): unlike a cosine it does not need the number of steps beforehand, so a run can be told in minutes how long it
may take on a machine whose speed nobody knows. Weights are averaged exponentially (Polyak and Juditsky 1992).
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from creative_lab.lake.fs import FileSystem
from creative_lab.miniatures.checkpoints import (
    Progress,
    load_checkpoint,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
)
from creative_lab.miniatures.pools import Plan, Pool

if TYPE_CHECKING:
    import torch

Batch = dict[str, Any]

COOLING = 0.25
"""Share of the steps over which the learning rate falls."""


@dataclass(frozen=True)
class Recipe:
    """The numbers of one training run; everything that decides its result besides the world."""

    steps: int
    batch: int
    rate: float
    seed: int = 0
    weight_decay: float = 0.02
    warm_up: int = 200
    average: float = 0.998
    clip: float = 1.0
    dtype: str = "bf16"
    """"bf16" multiplies in bfloat16 (autocast) and keeps weights in float32; "fp32" does all in float32."""
    steps_per_shard: int = 60
    """A further shard of the pool joins every so many steps."""
    first_shards: int = 1
    device: str = "cpu"


class Trainer(ABC):
    """One miniature: its data, its network, its loss, and how it is written and measured."""

    name: ClassVar[str]
    folder: ClassVar[str]
    """Folder of its files below the models' root; two trainers may share one."""
    needs: ClassVar[tuple[str, ...]] = ()
    """Trainers whose finished models this one starts from."""
    writes: ClassVar[tuple[str, ...]] = ()
    """Trainers whose models this one writes in their stead; they measure them."""
    bars: ClassVar[dict[str, float]]
    """What the model must reach: measured name → lowest value."""
    recipe: ClassVar[Recipe]

    def __init__(self, root: Path) -> None:
        self.root = root
        """The folder of all models: trainers that start from another model find it there."""

    @abstractmethod
    def plan(self) -> Plan:
        """The training data."""

    @abstractmethod
    def network(self) -> torch.nn.Module:
        """A new network with random weights (the caller has set the seed)."""

    @abstractmethod
    def batch(self, samples: dict[str, np.ndarray], rng: np.random.Generator) -> Batch:
        """Tensors for one step from uint8 samples, augmented by ``rng`` only."""

    @abstractmethod
    def loss(self, network: torch.nn.Module, batch: Batch) -> torch.Tensor:
        """The scalar that the step reduces."""

    @abstractmethod
    def export(self, network: torch.nn.Module, files: FileSystem) -> None:
        """Write the model in its big sibling's format below ``files``."""

    @abstractmethod
    def evaluate(self, folder: Path, *, samples: int) -> dict[str, float]:
        """Measure the written model, loaded by its big sibling's own call, on held-out samples."""

    def choose(self, rng: np.random.Generator, available: int, batch: int) -> np.ndarray:
        """Numbers of the samples of one step among ``available``."""
        return rng.choice(available, size=batch, replace=available < batch)


def rate_at(step: int, recipe: Recipe, progress: Progress) -> float:
    """Learning rate of ``step``."""
    rate = recipe.rate * min(1.0, (step + 1) / max(1, recipe.warm_up))
    if progress.cool_from is not None and progress.total is not None and step >= progress.cool_from:
        rate *= max(0.0, 1 - (step - progress.cool_from) / max(1, progress.total - progress.cool_from))
    return rate


class Run:
    """One training run of ``trainer`` that can be interrupted at any moment and continued exactly."""

    def __init__(
        self, trainer: Trainer, recipe: Recipe, files: FileSystem, pool: Pool, *, say: Callable[[str], None] = print
    ) -> None:
        import torch

        self.trainer, self.recipe, self.files, self.pool, self.say = trainer, recipe, files, pool, say
        self.settings = asdict(recipe)
        torch.manual_seed(recipe.seed)
        self.network = trainer.network().to(recipe.device)
        self.parameters = [p for p in self.network.parameters() if p.requires_grad]
        decayed = [p for p in self.parameters if p.ndim > 1]
        others = [p for p in self.parameters if p.ndim <= 1]
        self.optimizer = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0.0}],
            lr=recipe.rate,
            betas=(0.9, 0.98),
        )
        self.averaged = {key: value.detach().clone() for key, value in self.network.state_dict().items()}
        self.progress = Progress()
        self._resume()

    def _resume(self) -> None:
        found = load_checkpoint(self.files)
        if found is None:
            return
        progress, settings, tensors = found
        changed = {k for k in settings if settings[k] != self.settings.get(k) and k not in {"steps", "device"}}
        if changed:
            raise ValueError(
                f"{self.files.root}: this run was begun with another {', '.join(sorted(changed))}; "
                "continue it as it was, or start afresh"
            )
        self.progress = progress
        prefix = {
            name: {k.removeprefix(name): v for k, v in tensors.items() if k.startswith(name)}
            for name in ("network.", "averaged.")
        }
        self.network.load_state_dict(prefix["network."])
        self.averaged = {k: v.to(self.recipe.device) for k, v in prefix["averaged."].items()}
        restore_optimizer(self.optimizer, tensors)

    def save(self) -> None:
        """Write a checkpoint."""
        tensors = {f"network.{key}": value for key, value in self.network.state_dict().items()}
        tensors |= {f"averaged.{key}": value for key, value in self.averaged.items()}
        tensors |= optimizer_tensors(self.optimizer)
        save_checkpoint(self.files, self.progress, self.settings, tensors)

    def averaged_network(self) -> torch.nn.Module:
        """The network with its averaged weights, in evaluation mode; the training weights are put aside."""
        self.network.load_state_dict(self.averaged)
        return self.network.eval()

    def step(self) -> float:
        """One step; its batch and its random numbers depend on the seed and the step's number alone."""
        import torch

        number, recipe = self.progress.step, self.recipe
        rng = np.random.default_rng([recipe.seed, number])
        torch.manual_seed(int(rng.integers(2**31)))
        shards = min(self.pool.plan.shards, recipe.first_shards + number // recipe.steps_per_shard)
        chosen = self.trainer.choose(rng, shards * self.pool.plan.samples, recipe.batch)
        batch = self.trainer.batch(self.pool.take(chosen), rng)
        batch = {k: v.to(recipe.device) if isinstance(v, torch.Tensor) else v for k, v in batch.items()}
        for group in self.optimizer.param_groups:
            group["lr"] = rate_at(number, recipe, self.progress)
        self.network.train()
        device = torch.device(recipe.device).type
        with torch.autocast(device, dtype=torch.bfloat16, enabled=recipe.dtype == "bf16"):
            loss = self.trainer.loss(self.network, batch)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, recipe.clip)
        self.optimizer.step()
        self._average(number)
        self.progress.step += 1
        value = float(loss.detach())
        if not np.isfinite(value):
            raise FloatingPointError(f"{self.trainer.name}: the loss of step {number} is {value}")
        self.progress.losses.append(round(value, 6))
        return value

    def _average(self, number: int) -> None:
        import torch

        keep = min(self.recipe.average, (1 + number) / (10 + number))
        with torch.no_grad():
            for key, value in self.network.state_dict().items():
                if value.is_floating_point():
                    self.averaged[key].lerp_(value, 1 - keep)
                else:
                    self.averaged[key].copy_(value)

    def train(self, *, budget_s: float | None = None, save_every_s: float = 120.0) -> Progress:
        """Train to the recipe's number of steps, or until ``budget_s`` seconds of this run are used.

        A checkpoint is written every ``save_every_s`` seconds, at the end, and when the run is interrupted. A run that
        had cooled down and is given a budget that leaves time to learn goes on at the full rate and cools down again.
        """
        progress = self.progress
        finished = progress.total is not None and progress.step >= progress.total
        if finished and budget_s and progress.seconds < budget_s * (1 - COOLING):
            progress.total = progress.cool_from = None
        if budget_s is None and progress.total is None:
            progress.total = self.recipe.steps
            progress.cool_from = round(self.recipe.steps * (1 - COOLING))
        last = saved = time.monotonic()
        try:
            while progress.total is None or progress.step < progress.total:
                self.step()
                now = time.monotonic()
                progress.seconds, last = progress.seconds + now - last, now
                if progress.total is None and budget_s and progress.seconds >= budget_s * (1 - COOLING):
                    progress.cool_from = progress.step
                    progress.total = round(progress.step / (1 - COOLING))
                if progress.step % 50 == 0:
                    self.say(self._line())
                if now - saved > save_every_s:
                    self.save()
                    saved = time.monotonic()
        except KeyboardInterrupt:
            self.say(f"{self.trainer.name}: interrupted at step {progress.step}; run it again to continue")
            self.save()
            raise
        self.save()
        return progress

    def _line(self) -> str:
        done, recent = self.progress, self.progress.losses[-50:]
        speed = done.step * self.recipe.batch / max(1e-9, done.seconds)
        total = f"/{done.total}" if done.total else ""
        return (
            f"{self.trainer.name} step {done.step}{total} loss {sum(recent) / len(recent):.4f} "
            f"rate {rate_at(done.step, self.recipe, done):.2e} {speed:.1f} samples/s {done.seconds / 60:.1f} min"
        )
