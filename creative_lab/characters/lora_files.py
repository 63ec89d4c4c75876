"""LoRA files: diffusers' format, which ``load_lora_weights`` reads, and kohya's, which most other programs read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

DIFFUSERS_NAME = "pytorch_lora_weights.safetensors"
"""The name that diffusers looks for in a folder."""

_KOHYA = {"unet": "lora_unet", "text_encoder": "lora_te1", "text_encoder_2": "lora_te2"}


def diffusers_bytes(factors: Mapping[str, Any], *, rank: int, alpha: float, facts: Mapping[str, str]) -> bytes:
    """The file in the format of diffusers. ``factors`` are as :func:`creative_lab.characters.adapters.factors` gives.

    The format has no place for alpha that every reader knows, and readers take alpha = rank then: the second factor
    is stored times alpha / rank, so that the strength is right everywhere. ``facts`` become the header's metadata.
    """
    scale = alpha / rank
    tensors = {}
    for name, value in factors.items():
        tensors[_with_text_model(name)] = (value * scale if ".lora_B." in name else value).contiguous()
    return _file(tensors, _metadata(facts))


def kohya_bytes(factors: Mapping[str, Any], *, rank: int, alpha: float, facts: Mapping[str, str]) -> bytes:
    """The file in kohya's format: ``lora_unet_LAYER.lora_down.weight``, ``lora_up`` and ``alpha`` per layer."""
    import torch

    tensors: dict[str, Any] = {}
    for name, value in factors.items():
        component, _, layer = _with_text_model(name).partition(".")
        layer, part = re.fullmatch(r"(.+)\.lora_([AB])\.weight", layer).groups()  # type: ignore[union-attr]
        stem = f"{_KOHYA[component]}_{layer.replace('.', '_')}"
        tensors[f"{stem}.lora_{'down' if part == 'A' else 'up'}.weight"] = value.contiguous()
        tensors[f"{stem}.alpha"] = torch.tensor(float(alpha))
    for component in ("lora_te1", "lora_te2"):
        own = [name for name in tensors if name.startswith(component) and name.endswith("lora_down.weight")]
        if own and not any("out_proj" in name for name in own):
            # diffusers tells this format by an adapted out_proj, which kohya's own files always have: one of zeros.
            stem = f"{own[0].partition('self_attn')[0]}self_attn_out_proj"
            down = tensors[own[0]]
            tensors[f"{stem}.lora_down.weight"] = torch.zeros_like(down)
            tensors[f"{stem}.lora_up.weight"] = torch.zeros(down.shape[1], down.shape[0])
            tensors[f"{stem}.alpha"] = torch.tensor(float(alpha))
    network = {
        "ss_network_module": "networks.lora",
        "ss_network_dim": str(rank),
        "ss_network_alpha": f"{alpha:g}",
        "ss_base_model_version": "sdxl_base_v1-0",
    }
    return _file(tensors, _metadata(facts) | network)


def _metadata(facts: Mapping[str, str]) -> dict[str, str]:
    # The architecture is read from here by the platform's own loader; a miniature's widths do not tell it.
    own = {f"creative_lab.{name}": value for name, value in facts.items()}
    return own | {
        "format": "pt",
        "modelspec.title": facts.get("character", ""),
        "creative_lab.facts": json.dumps(facts),
    }


def _with_text_model(name: str) -> str:
    """Layers of text encoders by the names that all releases of diffusers and kohya know.

    transformers 5 calls the layers of the first encoder ``encoder.layers…``, all before it
    ``text_model.encoder.layers…``.
    """
    component, _, layer = name.partition(".")
    if component.startswith("text_encoder") and not layer.startswith("text_model."):
        return f"{component}.text_model.{layer}"
    return name


def _file(tensors: Mapping[str, Any], metadata: Mapping[str, str]) -> bytes:
    """A safetensors file whose bytes depend on its content alone: the library shuffles metadata in the header."""
    from safetensors.torch import save

    plain = save(dict(tensors))
    length = int.from_bytes(plain[:8], "little")
    header = {"__metadata__": dict(sorted(metadata.items()))} | json.loads(plain[8 : 8 + length])
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + plain[8 + length :]
