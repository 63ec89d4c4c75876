"""What both adapters of the text-to-picture miniature share: the finished pipeline, frozen, to learn beside."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creative_lab.miniatures.latents import FOLDER
from creative_lab.miniatures.manifest import model_folder

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Frozen:
    """UNet and both text encoders of the shipped pipeline in float32; nothing in them learns."""

    unet: Any
    first: Any
    second: Any
    alphas: torch.Tensor

    def text(self, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """States and pooled embedding of token numbers (n, 77)."""
        import torch

        from creative_lab.miniatures.text_to_picture import text_states

        with torch.no_grad():
            return text_states(self.first, self.second, ids)


def load_frozen(root: Path) -> Frozen:
    """The shipped pipeline's parts. Raises ModelError when it is missing or damaged."""
    import torch
    from diffusers import UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    from creative_lab.miniatures.text_to_picture import cumulative_alphas
    from creative_lab.weights.libraries import plain_attention

    folder = model_folder(FOLDER, root=root)
    unet = UNet2DConditionModel.from_pretrained(
        folder, subfolder="unet", torch_dtype=torch.float32, local_files_only=True
    )
    plain_attention(unet)
    options: dict[str, Any] = {
        "local_files_only": True, "dtype": torch.float32, "attn_implementation": "eager",
    }  # fmt: skip
    first = CLIPTextModel.from_pretrained(folder / "text_encoder", **options)
    second = CLIPTextModelWithProjection.from_pretrained(folder / "text_encoder_2", **options)
    for part in (unet, first, second):
        part.requires_grad_(False).eval()
    return Frozen(unet, first, second, cumulative_alphas())
