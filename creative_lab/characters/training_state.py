"""Where a training stands, on disk: adapters, optimiser and metrics of a step, so that a killed run goes on exactly.

A state is two files below ``checkpoint-N/``: tensors (safetensors) and everything else (JSON). The JSON file is
written last and holds the hash of the other, so a state is either whole or not there. Nothing is pickled.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any

from creative_lab.lake.fs import FileSystem

_TENSORS, _REST = "state.safetensors", "state.json"
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

    tensors = {f"factor/{name}": value for name, value in state.factors.items()}
    tensors |= {f"optimizer/{name}": value.detach().cpu().contiguous() for name, value in state.optimizer.items()}
    folder = f"checkpoint-{state.step}"
    stored = files.write_bytes(f"{folder}/{_TENSORS}", save(tensors))
    rest = {
        "step": state.step,
        "sha256": stored.sha256,
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
    """The newest state of at most ``most`` steps; one whose bytes are not those that were written is passed by."""
    from safetensors.torch import load

    for step in reversed(saved_steps(files)):
        if step > most:
            continue
        folder = f"checkpoint-{step}"
        try:
            rest = json.loads(files.read_bytes(f"{folder}/{_REST}"))
            data = files.read_bytes(f"{folder}/{_TENSORS}")
        except (OSError, ValueError):
            continue
        if hashlib.sha256(data).hexdigest() != rest.pop("sha256"):
            continue
        tensors = load(data)
        return TrainingState(
            factors={name.removeprefix("factor/"): v for name, v in tensors.items() if name.startswith("factor/")},
            optimizer={
                name.removeprefix("optimizer/"): v for name, v in tensors.items() if name.startswith("optimizer/")
            },
            **rest,
        )
    return None


def forget_states(files: FileSystem, keep: set[int]) -> None:
    """Remove the states of all steps but ``keep``; the JSON file first, so that no half state is left."""
    for step in saved_steps(files):
        if step not in keep:
            files.remove(f"checkpoint-{step}/{_REST}")
            files.remove(f"checkpoint-{step}/{_TENSORS}")


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
