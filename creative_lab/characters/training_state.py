"""Where a training stands, on disk: adapters, optimiser and metrics of a step, so that a killed run goes on exactly.

A state is three files below ``checkpoint-N/``: the adapters, the optimiser's tensors, and everything else (JSON). The
JSON file is written last and holds the hashes of the others, so a state is either whole or not there. Nothing is
pickled. The optimiser is twice as large as the adapters and only kept for the last two states; what is left of older
ones is enough to use them, not to go on from them.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any

from creative_lab.lake.fs import FileSystem

_FACTORS, _OPTIMIZER, _REST = "factors.safetensors", "optimizer.safetensors", "state.json"
_RESUMABLE = 2
_FOLDER = re.compile(r"checkpoint-(\d+)/state\.json")


@dataclass
class TrainingState:
    """Everything that the next step depends on besides the recipe and the data."""

    step: int
    factors: dict[str, Any]
    optimizer: dict[str, Any]
    """Tensors of the optimiser, named ``NUMBER.KEY`` by the number of the parameter."""
    optimizer_numbers: dict[str, Any] = field(default_factory=dict)
    """Plain numbers of the optimiser, by the same names."""
    scaler: dict[str, Any] = field(default_factory=dict)
    metrics: list[dict[str, Any]] = field(default_factory=list)
    checkpoints: list[dict[str, Any]] = field(default_factory=list)
    """What is known about earlier checkpoints, such as their identity scores."""
    skipped_in_a_row: int = 0
    seconds: float = 0.0


def save_state(files: FileSystem, state: TrainingState) -> None:
    """Write ``state`` as ``checkpoint-STEP``."""
    from safetensors.torch import save

    folder = f"checkpoint-{state.step}"
    optimizer = {name: value.detach().cpu().contiguous() for name, value in state.optimizer.items()}
    rest = {
        "step": state.step,
        "factors_sha256": files.write_bytes(f"{folder}/{_FACTORS}", save(state.factors)).sha256,
        "optimizer_sha256": files.write_bytes(f"{folder}/{_OPTIMIZER}", save(optimizer)).sha256,
        "optimizer_numbers": state.optimizer_numbers,
        "scaler": state.scaler,
        "metrics": state.metrics,
        "checkpoints": state.checkpoints,
        "skipped_in_a_row": state.skipped_in_a_row,
        "seconds": state.seconds,
    }
    files.write_bytes(f"{folder}/{_REST}", json.dumps(rest).encode())


def saved_steps(files: FileSystem) -> list[int]:
    """Steps of the states that are there, in order."""
    found = [_FOLDER.fullmatch(file.name) for file in files.list(suffix=f"/{_REST}")]
    return sorted(int(match.group(1)) for match in found if match)


def load_state(files: FileSystem, most: int) -> TrainingState | None:
    """The newest state of at most ``most`` steps that is whole; others are passed by."""
    for step in reversed(saved_steps(files)):
        if step > most:
            continue
        try:
            rest = json.loads(files.read_bytes(f"checkpoint-{step}/{_REST}"))
        except (OSError, ValueError):
            continue
        factors = _tensors(files, f"checkpoint-{step}/{_FACTORS}", rest.pop("factors_sha256"))
        optimizer = _tensors(files, f"checkpoint-{step}/{_OPTIMIZER}", rest.pop("optimizer_sha256"))
        if factors is not None and optimizer is not None:
            return TrainingState(factors=factors, optimizer=optimizer, **rest)
    return None


def saved_factors(files: FileSystem, step: int) -> dict[str, Any] | None:
    """The adapters of the state of ``step``; None when they are not there."""
    try:
        rest = json.loads(files.read_bytes(f"checkpoint-{step}/{_REST}"))
    except (OSError, ValueError):
        return None
    return _tensors(files, f"checkpoint-{step}/{_FACTORS}", rest["factors_sha256"])


def _tensors(files: FileSystem, name: str, sha256: str) -> dict[str, Any] | None:
    """A file's tensors; None when it is missing or its bytes are not those that were written."""
    from safetensors.torch import load

    try:
        data = files.read_bytes(name)
    except OSError:
        return None
    return load(data) if hashlib.sha256(data).hexdigest() == sha256 else None


def forget_states(files: FileSystem, keep: set[int]) -> None:
    """Remove the states of all steps but ``keep``, and the optimisers of all but the last two.

    The JSON file goes first, so that no half state looks whole.
    """
    steps = saved_steps(files)
    for step in steps:
        if step not in keep:
            for name in (_REST, _FACTORS, _OPTIMIZER):
                files.remove(f"checkpoint-{step}/{name}")
        elif step not in steps[-_RESUMABLE:]:
            files.remove(f"checkpoint-{step}/{_OPTIMIZER}")


def optimizer_state(optimizer: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Tensors and plain numbers of an optimiser's state, by number of the parameter and key."""
    import torch

    tensors: dict[str, Any] = {}
    numbers: dict[str, Any] = {}
    for number, values in optimizer.state_dict()["state"].items():
        for key, value in values.items():
            (tensors if isinstance(value, torch.Tensor) else numbers)[f"{number}.{key}"] = value
    return tensors, numbers


def restore_optimizer(optimizer: Any, tensors: dict[str, Any], numbers: dict[str, Any]) -> None:
    """Put back what :func:`optimizer_state` gave."""
    state: dict[int, dict[str, Any]] = {}
    for name, value in (tensors | numbers).items():
        number, _, key = name.partition(".")
        state.setdefault(int(number), {})[key] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
