"""From pictures and captions to what SDXL trains on: latents, text states, and the numbers on size and crop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def latents(vae: Any, pixels: np.ndarray) -> tuple[Any, Any]:
    """Mean and standard deviation of a picture's latents (channels, height, width), scaled as the UNet expects.

    ``pixels`` is uint8 RGB (height, width, 3). Keeping the distribution and not a sample lets every step draw anew.
    """
    import torch

    tensor = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
    with torch.inference_mode():
        found = vae.encode(tensor.to(vae.device, vae.dtype)).latent_dist
    mean, spread = found.mean[0].float().cpu(), found.std[0].float().cpu()
    config = vae.config
    if getattr(config, "latents_mean", None) is not None and getattr(config, "latents_std", None) is not None:
        centre = torch.tensor(config.latents_mean).view(-1, 1, 1)
        factor = config.scaling_factor / torch.tensor(config.latents_std).view(-1, 1, 1)
        return (mean - centre) * factor, spread * factor
    return mean * config.scaling_factor, spread * config.scaling_factor


def tokens(tokenizer: Any, texts: Sequence[str]) -> Any:
    """Token numbers (texts, length), cut and padded to the tokenizer's length."""
    return tokenizer(
        list(texts), padding="max_length", max_length=tokenizer.model_max_length, truncation=True, return_tensors="pt"
    ).input_ids


def text_states(pipeline: Any, first: Any, second: Any) -> tuple[Any, Any]:
    """Text states (batch, length, width of both encoders) and pooled states (batch, width) of token numbers.

    As SDXL reads text: the last but one layer of both encoders side by side, and the projection of the second.
    """
    import torch

    one = pipeline.text_encoder(first.to(pipeline.text_encoder.device), output_hidden_states=True)
    two = pipeline.text_encoder_2(second.to(pipeline.text_encoder_2.device), output_hidden_states=True)
    return torch.cat([one.hidden_states[-2], two.hidden_states[-2]], dim=-1), two.text_embeds


def encode(
    pipeline: Any, pixels: np.ndarray, caption: str, *, original: tuple[int, int], crop: tuple[int, int]
) -> dict[str, Any]:
    """All parts of one picture (see ``training_data.PARTS``) on the CPU.

    ``original`` is the (height, width) of the file, ``crop`` the (top, left) of what was cut off after resizing.
    """
    import torch

    mean, spread = latents(pipeline.vae, pixels)
    mirrored_mean, mirrored_spread = latents(pipeline.vae, pixels[:, ::-1])
    first, second = tokens(pipeline.tokenizer, [caption]), tokens(pipeline.tokenizer_2, [caption])
    with torch.inference_mode():
        states, pooled = text_states(pipeline, first, second)
    return {
        "mean": mean, "spread": spread, "mirrored_mean": mirrored_mean, "mirrored_spread": mirrored_spread,
        "states": states[0].float().cpu(), "pooled": pooled[0].float().cpu(), "tokens": first[0], "tokens_2": second[0],
        "time_ids": torch.tensor([*original, *crop, *pixels.shape[:2]], dtype=torch.float32),
    }  # fmt: skip
