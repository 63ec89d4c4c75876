"""Where a pipeline runs and in which number format."""

from __future__ import annotations

import resource
import sys
from typing import TYPE_CHECKING, Any, Literal

from creative_lab.imaging.presets import ModelPreset
from creative_lab.weights.libraries import Device, device_named, is_out_of_memory, quiet_transformers

if TYPE_CHECKING:
    from creative_lab.settings import Settings

__all__ = ["Device", "is_out_of_memory"]

Placement = Literal["resident", "model offload", "sequential offload"]


def quiet_libraries() -> None:
    """Keep the model libraries off the network and their bars off the terminal; call before importing them.

    Weights are fetched by ``models pull`` alone: loading reads local folders only.
    """
    quiet_transformers()
    import diffusers

    diffusers.utils.logging.disable_progress_bar()
    # It warns of every LoRA that leaves a text encoder alone, as most do.
    diffusers.utils.logging.set_verbosity_error()


def choose_device(settings: Settings) -> Device:
    """The device of the settings, or the best one here. Raises :class:`ImagingError` for one that is missing."""
    return device_named(settings.device)


def dtype_name(preset: ModelPreset, device: Device) -> Literal["bfloat16", "float16", "float32"]:
    """Number format to load with: float8 weights as bfloat16; everything as float32 on a CPU, where it is fastest."""
    if device == "cpu":
        return "float32"
    return "bfloat16" if preset.dtype == "float8_e4m3fn" else preset.dtype


def placement(preset: ModelPreset, device: Device, free_bytes: int | None) -> Placement:
    """How to fit a model: resident where its memory is free with a third to spare, else moved in by parts."""
    if device == "cpu":
        return "resident"
    if device == "mps" or preset.use_sequential_cpu_offload:
        return "sequential offload"
    needed = preset.vram_usage * 1_000_000 * 4 // 3
    return "resident" if free_bytes is not None and free_bytes >= needed else "model offload"


def place(pipeline: Any, preset: ModelPreset, device: Device) -> Placement:
    """Move a loaded pipeline to its device and save memory as the device and the preset ask for."""
    import torch

    chosen = placement(preset, device, torch.cuda.mem_get_info()[0] if device == "cuda" else None)
    if device == "mps":
        pipeline.enable_attention_slicing()
        pipeline.vae.to(torch.float32)
    if preset.enable_vae_slicing:
        pipeline.vae.enable_slicing()
    if chosen == "sequential offload":
        pipeline.enable_sequential_cpu_offload(device=device)
    elif chosen == "model offload":
        pipeline.enable_model_cpu_offload(device=device)
    elif device != "cpu":
        pipeline.to(device)
    return chosen


def clear_cache(*, collect: bool = False) -> None:
    """Give unused memory back to the device; ``collect`` first frees what only cycles hold (slow: a second)."""
    import gc

    import torch

    if collect:
        gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()


def reset_peak_memory(device: Device) -> None:
    """Start counting the peak anew where the device can."""
    import torch

    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()


def peak_memory(device: Device) -> tuple[int, str]:
    """Peak memory in bytes and what it counts: the GPU's since the last reset, or the process's since it started."""
    import torch

    if device == "cuda":
        return torch.cuda.max_memory_allocated(), "cuda"
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale, "process"
