"""How the libraries that load weights behave here: which device, no network, no bars, and what lack of memory is."""

from __future__ import annotations

import os
from typing import Any, Literal

from creative_lab.weights.errors import ModelError

Device = Literal["cpu", "cuda", "mps"]


def quiet_transformers() -> None:
    """Keep transformers off the network and its bars off the terminal; call before importing it.

    Weights are fetched by ``models pull`` alone: loading reads local folders only.
    """
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    import transformers

    transformers.utils.logging.disable_progress_bar()


def device_named(wanted: Literal["auto", "cpu", "cuda", "mps"]) -> Device:
    """``wanted``, or for auto the best device here. Raises :class:`ModelError` for one that is missing."""
    import torch

    here: dict[Device, bool] = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if wanted == "auto":
        return next(device for device, present in here.items() if present)
    if not here[wanted]:
        raise ModelError(f"CREATIVE_LAB_DEVICE is {wanted}, but this machine has none")
    return wanted


def multiplies_bfloat16(device: Device) -> bool:
    """Whether a device has instructions for bfloat16; where it has none, float32 is faster. Of Arm it is not known."""
    import torch

    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device == "mps":
        return False
    known = torch.cpu.get_capabilities()
    return any(known.get(name) for name in ("avx512_bf16", "amx_bf16"))


def plain_attention(network: Any) -> None:
    """Let a UNet's attention multiply matrices one by one: for heads this narrow it learns faster on a CPU.

    There the backward pass of the fused kernel takes longer than its parts one by one.
    """
    from diffusers.models.attention_processor import AttnProcessor

    network.set_attn_processor(AttnProcessor())


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch means that memory ran out, on any device."""
    import torch

    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)
