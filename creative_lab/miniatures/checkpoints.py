"""Where a training run stands, on disk: tensors as safetensors, everything else as JSON, never a pickle.

The tensors of a step get a name of their own and the JSON file, which names them and their SHA-256, is replaced last:
whatever moment a run dies in, the JSON points to a whole set of tensors.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from creative_lab.lake.fs import FileSystem

if TYPE_CHECKING:
    import torch

_STATE = "state.json"


@dataclass
class Progress:
    """What a run has done so far. Times are seconds of wall clock, summed over resumed runs."""

    step: int = 0
    seconds: float = 0.0
    cool_from: int | None = None
    """Step at which the learning rate begins to fall; ``None`` as long as a time budget has not decided it."""
    total: int | None = None
    losses: list[float] = field(default_factory=list)
    """Loss of every step."""


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """The optimizer's state as flat named tensors."""
    state = optimizer.state_dict()["state"]
    return {f"optimizer.{index}.{key}": value for index, entry in state.items() for key, value in entry.items()}


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    """Put back what :func:`optimizer_tensors` took."""
    state: dict[int, dict[str, Any]] = {}
    for name, value in tensors.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".", 2)
            state.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def save_checkpoint(
    files: FileSystem, progress: Progress, settings: dict[str, Any], tensors: dict[str, torch.Tensor]
) -> None:
    """Write a checkpoint and remove the one before it."""
    from safetensors.torch import save

    before = [entry.name for entry in files.list(suffix=".safetensors")]
    name = f"step-{progress.step:07d}.safetensors"
    stored = files.write_bytes(name, save({key: value.detach().cpu().contiguous() for key, value in tensors.items()}))
    state = {"tensors": name, "sha256": stored.sha256, "settings": settings, "progress": asdict(progress)}
    files.write_bytes(_STATE, json.dumps(state).encode())
    for old in before:
        if old != name:
            files.remove(old)


def load_checkpoint(files: FileSystem) -> tuple[Progress, dict[str, Any], dict[str, torch.Tensor]] | None:
    """The last checkpoint: progress, the run's settings, tensors. ``None`` when there is none.

    Raises ValueError when the tensors are not the ones that the state names.
    """
    from safetensors.torch import load

    if not files.exists(_STATE):
        return None
    state = json.loads(files.read_bytes(_STATE))
    data = files.read_bytes(state["tensors"])
    if hashlib.sha256(data).hexdigest() != state["sha256"]:
        raise ValueError(f"{files.url(state['tensors'])} is damaged: its SHA-256 is not the one in {_STATE}")
    return Progress(**state["progress"]), state["settings"], load(data)


def discard_checkpoint(files: FileSystem) -> None:
    """Forget a run."""
    files.remove(_STATE)
    for entry in files.list(suffix=".safetensors"):
        files.remove(entry.name)
