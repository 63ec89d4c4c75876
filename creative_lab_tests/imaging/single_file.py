"""A pipeline as one file in the original layout, as model sharing sites offer them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_UNET = {
    "conv_in": "input_blocks.0.0",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "down_blocks.0.resnets.0": "input_blocks.1.0",
    "down_blocks.0.downsamplers.0.conv": "input_blocks.2.0.op",
    "down_blocks.1.resnets.0": "input_blocks.3.0",
    "down_blocks.1.attentions.0": "input_blocks.3.1",
    "mid_block.resnets.0": "middle_block.0",
    "mid_block.attentions.0": "middle_block.1",
    "mid_block.resnets.1": "middle_block.2",
    "up_blocks.0.resnets.0": "output_blocks.0.0",
    "up_blocks.0.attentions.0": "output_blocks.0.1",
    "up_blocks.0.resnets.1": "output_blocks.1.0",
    "up_blocks.0.attentions.1": "output_blocks.1.1",
    "up_blocks.0.upsamplers.0": "output_blocks.1.2",
    "up_blocks.1.resnets.0": "output_blocks.2.0",
    "up_blocks.1.resnets.1": "output_blocks.3.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
_VAE = (
    (r"down_blocks\.(\d)\.resnets\.(\d)", r"down.\1.block.\2"),
    (r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample"),
    (r"up_blocks\.0\.resnets\.(\d)", r"up.1.block.\1"),
    (r"up_blocks\.1\.resnets\.(\d)", r"up.0.block.\1"),
    (r"up_blocks\.0\.upsamplers\.0", r"up.1.upsample"),
    (r"mid_block\.resnets\.0", "mid.block_1"),
    (r"mid_block\.resnets\.1", "mid.block_2"),
    (r"mid_block\.attentions\.0", "mid.attn_1"),
    ("group_norm", "norm"),
    (r"to_out\.0", "proj_out"),
    (r"to_([qkv])\.", r"\1."),
    ("conv_shortcut", "nin_shortcut"),
    ("conv_norm_out", "norm_out"),
)
_OPEN_CLIP = (
    (r"encoder\.layers\.", "transformer.resblocks."),
    ("layer_norm1", "ln_1"),
    ("layer_norm2", "ln_2"),
    (r"mlp\.fc1", "mlp.c_fc"),
    (r"mlp\.fc2", "mlp.c_proj"),
    (r"self_attn\.out_proj", "attn.out_proj"),
    ("final_layer_norm", "ln_final"),
    (r"embeddings\.token_embedding\.weight", "token_embedding.weight"),
    (r"embeddings\.position_embedding\.weight", "positional_embedding"),
)


def write(pipeline: Any, file: Path, *, leave_out: str | None = None) -> None:
    """Write the tiny SDXL of :mod:`tiny` to ``file`` in the original layout, without tensors named ``leave_out``."""
    import torch
    from safetensors.torch import save_file

    tensors: dict[str, Any] = {}
    for name, value in pipeline.unet.state_dict().items():
        start = max((known for known in _UNET if name.startswith(f"{known}.")), key=len)
        rest = name[len(start) :]
        for ours, theirs in _RESNET.items():
            rest = re.sub(rf"^\.{ours}\.", f".{theirs}.", rest) if ".resnets." in name else rest
        tensors[f"model.diffusion_model.{_UNET[start]}{rest}"] = value
    for name, value in pipeline.vae.state_dict().items():
        for ours, theirs in _VAE:
            name = re.sub(ours, theirs, name)  # noqa: PLW2901 - renamed step by step
        attention = "attn_1" in name and value.ndim == 2
        tensors[f"first_stage_model.{name}"] = value[:, :, None, None] if attention else value
    for name, value in pipeline.text_encoder.state_dict().items():
        bare = name.removeprefix("text_model.")
        tensors[f"conditioner.embedders.0.transformer.text_model.{bare}"] = value
    second = {name.removeprefix("text_model."): v for name, v in pipeline.text_encoder_2.state_dict().items()}
    prefix = "conditioner.embedders.1.model."
    tensors[f"{prefix}text_projection"] = second.pop("text_projection.weight").T
    for name, value in second.items():
        if found := re.fullmatch(r"encoder\.layers\.(\d+)\.self_attn\.q_proj\.(weight|bias)", name):
            parts = [second[name.replace("q_proj", part)] for part in ("q_proj", "k_proj", "v_proj")]
            tensors[f"{prefix}transformer.resblocks.{found[1]}.attn.in_proj_{found[2]}"] = torch.cat(parts)
        elif not re.search(r"self_attn\.[qkv]_proj", name):
            for ours, theirs in _OPEN_CLIP:
                name = re.sub(ours, theirs, name)  # noqa: PLW2901
            tensors[prefix + name] = value
    file.parent.mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in tensors.items() if not (leave_out and leave_out in name)}
    save_file({name: value.contiguous().clone() for name, value in kept.items()}, file)
