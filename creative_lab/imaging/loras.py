"""LoRAs: which architecture a file really belongs to, putting them on for one generation and taking them off again.

The architecture comes from the file's own tensor names and widths and from the ecosystem in its AIR, never from a
default: what disagrees is refused, what nobody knows is asked.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creative_lab.imaging.errors import ImagingError, LoraMismatch, ModelNotHere, UnsafeModel
from creative_lab.imaging.parameters import LoraUse, first_given
from creative_lab.weights.files import read_header, sha256_of

if TYPE_CHECKING:
    from creative_lab.imaging.catalogue import Catalogue
    from creative_lab.imaging.presets import Architecture, ModelPreset

_NAMES: tuple[tuple[str, Architecture], ...] = (
    (r"(context_refiner|noise_refiner|layers[._]\d+[._](attention|feed_forward|adaLN_modulation))", "zimage"),
    (r"transformer_blocks[._]\d+[._](img_mlp|txt_mlp|img_mod|txt_mod)", "qwen"),
    (r"(single_transformer_blocks|single_blocks|double_blocks)[._]", "flux1"),
    (r"(lora_te2_|text_encoder_2\.|unet_input_blocks_)", "sdxl"),
)
_CROSS_ATTENTION = re.compile(r"attn2[._]to_k\b.*(lora_A|lora_down|lora\.down)")
_CONTEXT_WIDTHS: dict[int, Architecture] = {768: "sd15", 2048: "sdxl"}
"""Width of the text states that cross-attention reads."""


@dataclass(frozen=True)
class ResolvedLora:
    """A LoRA that is here, checked, with everything decided."""

    slug: str
    path: Path
    strength: float
    triggers: str = ""
    negative_prompt: str = ""
    guidance_scale: float | None = None
    clip_skip: int | None = None
    sha256: str = ""


def architecture_of(path: Path) -> Architecture | None:
    """The architecture that the tensors of a LoRA file belong to; None when they do not tell.

    Raises :class:`UnsafeModel` for a file that is not safetensors.
    """
    header = read_header(path)
    metadata = header.get("__metadata__", {})
    names = [name for name in header if name != "__metadata__"]
    if not any("lora" in name.lower() or "alpha" in name for name in names):
        raise UnsafeModel(f"{path}: no LoRA: none of its {len(names)} tensors is a low-rank factor")
    if own := metadata.get("creative_lab.architecture"):
        return own if own in {"sdxl", "sd15", "flux1", "flux2", "qwen", "zimage"} else None
    for pattern, architecture in _NAMES:
        if any(re.search(pattern, name) for name in names):
            return architecture
    for name in names:
        shape = header[name].get("shape")
        if _CROSS_ATTENTION.search(name) and isinstance(shape, list) and len(shape) == 2:
            return _CONTEXT_WIDTHS.get(shape[1])
    return None


def check_fit(slug: str, declared: str | None, air: str | None, path: Path | None, model: ModelPreset) -> None:
    """Refuse a LoRA that does not belong to a model; use it when a job is made and again before it is drawn.

    ``declared`` is what a person said, ``air`` and ``path`` are asked for what they know. Raises
    :class:`LoraMismatch`; its message says which of them disagree, or asks when nobody knows.
    """
    from creative_lab.imaging.air import parse_air

    if model.base_architecture == "qwen":
        raise LoraMismatch(f"LoRA {slug}: LoRAs are not used with {model.slug}")
    said: dict[str, str] = {}
    if declared:
        said["its label"] = declared
    if air and (ecosystem := parse_air(air).architecture):
        said["its AIR"] = ecosystem
    if path is not None and (found := architecture_of(path)):
        said["its file"] = found
    if not said:
        raise LoraMismatch(f"LoRA {slug}: nobody knows its architecture: say which it is made for (base_architecture)")
    if len(set(said.values())) > 1:
        told = ", ".join(f"{who} says {what}" for who, what in said.items())
        raise LoraMismatch(f"LoRA {slug}: {told}; correct the label")
    architecture = next(iter(said.values()))
    if architecture != model.base_architecture:
        raise LoraMismatch(
            f"LoRA {slug} is made for {architecture}, the model {model.slug} is {model.base_architecture}"
        )


def resolve(uses: Sequence[LoraUse], model: ModelPreset, catalogue: Catalogue) -> list[ResolvedLora]:
    """Look up, check and complete the LoRAs of a request. Strength: the request's, else the LoRA's own."""
    resolved = []
    for use in uses:
        if use.path is not None:
            path = Path(use.path)
            if not path.is_file():
                raise ModelNotHere(f"LoRA {use.slug}: there is no {path}")
            check_fit(use.slug, None, None, path, model)
            strength = float(first_given(use.strength, 0.8))
            resolved.append(ResolvedLora(use.slug, path, strength, use.triggers, sha256=sha256_of(path)))
            continue
        preset = catalogue.lora(use.slug)
        check_fit(preset.slug, preset.base_architecture, preset.air, None, model)
        path = catalogue.lora_path(preset)
        if not path.is_file():
            raise ModelNotHere(f"LoRA {preset.slug} is not on this machine: creative-lab models pull {preset.slug}")
        check_fit(preset.slug, preset.base_architecture, preset.air, path, model)
        if preset.sha256 and sha256_of(path) != preset.sha256:
            raise UnsafeModel(f"{path}: its SHA-256 is not the one in the catalogue; the LoRA is not loaded")
        resolved.append(
            ResolvedLora(
                preset.slug,
                path,
                float(first_given(use.strength, preset.settings.strength)),
                preset.prompt,
                preset.negative_prompt,
                preset.settings.guidance_scale,
                preset.settings.clip_skip,
                sha256_of(path),
            )
        )
    return resolved


@contextlib.contextmanager
def applied(pipeline: Any, loras: Sequence[ResolvedLora]) -> Iterator[None]:
    """Wear ``loras`` inside the block, all at once, and none before or after it.

    Raises :class:`LoraMismatch` when the shapes do not fit the pipeline's.
    """
    if not loras:
        yield
        return
    _take_off(pipeline)
    names = [f"lora_{number}" for number in range(len(loras))]
    try:
        for name, lora in zip(names, loras, strict=True):
            try:
                pipeline.load_lora_weights(
                    str(lora.path.parent), weight_name=lora.path.name, adapter_name=name, local_files_only=True
                )
            except (RuntimeError, ValueError, KeyError) as error:
                reason = str(error).splitlines()[0][:300]
                raise LoraMismatch(f"LoRA {lora.slug} does not fit the model: {reason}") from error
            if name not in {adapter for worn in pipeline.get_list_adapters().values() for adapter in worn}:
                raise LoraMismatch(f"LoRA {lora.slug}: none of its tensors belongs to the model")
        pipeline.set_adapters(names, adapter_weights=[lora.strength for lora in loras])
        yield
    finally:
        _take_off(pipeline)


def _take_off(pipeline: Any) -> None:
    if not hasattr(pipeline, "unload_lora_weights"):
        raise ImagingError(f"{type(pipeline).__name__} takes no LoRAs")
    pipeline.unload_lora_weights()
