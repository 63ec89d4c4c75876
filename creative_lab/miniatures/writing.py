"""Models into files, every one of them through the lake's file system."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from creative_lab.lake.fs import FileSystem

if TYPE_CHECKING:
    from pathlib import Path

    import torch


def half(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Floating tensors as fp16, others as they are, all contiguous and on the CPU."""
    import torch

    return {
        key: (value.detach().to("cpu", torch.float16) if value.is_floating_point() else value.detach().cpu())
        .clone()
        .contiguous()
        for key, value in tensors.items()
    }


def write_json(files: FileSystem, name: str, content: Any) -> None:
    """Indented JSON with a final newline."""
    files.write_bytes(name, (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())


def write_pretrained(
    network: Any, files: FileSystem, *, prefix: str = "", dtype: str = "float16", without: tuple[str, ...] = ()
) -> None:
    """A transformers model as config.json and model.safetensors in fp16.

    ``dtype`` is what it is loaded as; tensors named in ``without`` (tied to others) are left out.
    """
    from safetensors.torch import save

    config = json.loads(network.config.to_json_string(use_diff=True))
    config["architectures"] = [type(network).__name__]
    config["dtype"] = dtype
    write_json(files, f"{prefix}config.json", config)
    state = {key: value for key, value in network.state_dict().items() if key not in without}
    files.write_bytes(f"{prefix}model.safetensors", save(half(state), metadata={"format": "pt"}))


def write_link(files: FileSystem, name: str, target: str) -> None:
    """Make ``name`` a link to ``target``, relative to its folder, instead of a second copy of the same weights."""

    def publish(part: Path, final: Path) -> None:
        part.unlink()
        part.symlink_to(target)
        part.rename(final)

    files.write_bytes(name, b"", publish=publish)
