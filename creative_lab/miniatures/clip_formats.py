"""The CLIP miniature for open_clip: the same weights under open_clip's names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def open_clip_config(config: dict[str, Any]) -> dict[str, Any]:
    """open_clip's model configuration from the ``config.json`` of a transformers CLIP."""
    vision, text = config["vision_config"], config["text_config"]
    return {
        "embed_dim": config["projection_dim"],
        "vision_cfg": {
            "image_size": vision["image_size"],
            "patch_size": vision["patch_size"],
            "width": vision["hidden_size"],
            "layers": vision["num_hidden_layers"],
            "head_width": vision["hidden_size"] // vision["num_attention_heads"],
            "mlp_ratio": vision["intermediate_size"] / vision["hidden_size"],
        },
        "text_cfg": {
            "context_length": text["max_position_embeddings"],
            "vocab_size": text["vocab_size"],
            "width": text["hidden_size"],
            "heads": text["num_attention_heads"],
            "layers": text["num_hidden_layers"],
            "mlp_ratio": text["intermediate_size"] / text["hidden_size"],
        },
    }


def open_clip_state(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A transformers CLIP's tensors under open_clip's names, query, key and value joined, projections transposed."""
    import torch

    made = {
        "logit_scale": state["logit_scale"],
        "visual.class_embedding": state["vision_model.embeddings.class_embedding"],
        "visual.conv1.weight": state["vision_model.embeddings.patch_embedding.weight"],
        "visual.positional_embedding": state["vision_model.embeddings.position_embedding.weight"],
        "visual.proj": state["visual_projection.weight"].T.contiguous(),
        "token_embedding.weight": state["text_model.embeddings.token_embedding.weight"],
        "positional_embedding": state["text_model.embeddings.position_embedding.weight"],
        "text_projection": state["text_projection.weight"].T.contiguous(),
    }
    pairs = {
        # The odd spelling is transformers' own.
        "vision_model.pre_layrnorm": "visual.ln_pre",
        "vision_model.post_layernorm": "visual.ln_post",
        "text_model.final_layer_norm": "ln_final",
    }
    for tower, place in (("vision_model", "visual.transformer"), ("text_model", "transformer")):
        layers = {int(key.split(".")[3]) for key in state if key.startswith(f"{tower}.encoder.layers.")}
        for layer in layers:
            source, target = f"{tower}.encoder.layers.{layer}", f"{place}.resblocks.{layer}"
            pairs |= {
                f"{source}.layer_norm1": f"{target}.ln_1",
                f"{source}.layer_norm2": f"{target}.ln_2",
                f"{source}.self_attn.out_proj": f"{target}.attn.out_proj",
                f"{source}.mlp.fc1": f"{target}.mlp.c_fc",
                f"{source}.mlp.fc2": f"{target}.mlp.c_proj",
            }
            for kind in ("weight", "bias"):
                made[f"{target}.attn.in_proj_{kind}"] = torch.cat(
                    [state[f"{source}.self_attn.{part}_proj.{kind}"] for part in "qkv"]
                )
    for before, after in pairs.items():
        for kind in ("weight", "bias"):
            made[f"{after}.{kind}"] = state[f"{before}.{kind}"]
    return made


def load_open_clip(folder: Path) -> Any:
    """The CLIP of ``folder`` as an open_clip model in float32 on the CPU, in evaluation mode."""
    import json

    from open_clip.model import CLIP
    from safetensors.torch import load_file

    config = open_clip_config(json.loads((folder / "config.json").read_text("utf-8")))
    state = {key: value.float() for key, value in load_file(folder / "model.safetensors").items()}
    model = CLIP(config["embed_dim"], config["vision_cfg"], config["text_cfg"])
    model.load_state_dict(open_clip_state(state))
    return model.eval()
