"""The trainable part of a pipeline: low-rank adapters on the UNet and, where asked for, on both text encoders."""

from __future__ import annotations

from typing import Any

from creative_lab.characters.errors import CharacterError
from creative_lab.characters.recipe import TrainingRecipe

UNET, FIRST, SECOND = "unet", "text_encoder", "text_encoder_2"
COMPONENTS = (UNET, FIRST, SECOND)
"""Parts of a pipeline that may be adapted, by the names that diffusers gives them."""

NAME = "character"
"""Name of the adapter while it is trained."""


def attach(pipeline: Any, recipe: TrainingRecipe) -> dict[str, list[tuple[str, Any]]]:
    """Freeze ``pipeline`` and put fresh adapters on it; returns the trainable parameters (name, tensor) by component.

    The first factor is drawn from a normal distribution by the recipe's seed, the second is zero, so that the model
    first draws as before (Hu et al. 2021). Raises :class:`CharacterError` when a target is not in the model.
    """
    import torch
    from peft import LoraConfig

    for name in (*COMPONENTS, "vae"):
        getattr(pipeline, name).requires_grad_(False)
    targets = {UNET: recipe.unet_targets}
    if recipe.train_text_encoders:
        targets |= {FIRST: recipe.text_encoder_targets, SECOND: recipe.text_encoder_targets}
    found = {}
    for number, (component, wanted) in enumerate(targets.items()):
        model = getattr(pipeline, component)
        names = [name for name, _ in model.named_modules()]
        absent = [target for target in wanted if not any(name.endswith(f".{target}") for name in names)]
        if absent:
            raise CharacterError(f"{component} has no layer {', '.join(absent)} to adapt")
        config = LoraConfig(
            r=recipe.rank,
            lora_alpha=recipe.alpha,  # type: ignore[arg-type]  # peft multiplies by it; a fraction is fine
            lora_dropout=recipe.dropout,
            init_lora_weights="gaussian",
            target_modules=list(wanted),
        )
        torch.manual_seed(recipe.seed + number)
        model.add_adapter(config, adapter_name=NAME)
        own = [(name, value) for name, value in model.named_parameters() if value.requires_grad]
        # Adapters stay in float32, whatever the frozen weights are: steps of 1e-4 would be lost in bfloat16.
        for _, value in own:
            value.data = value.data.float()
        found[component] = own
    return found


def detach(pipeline: Any) -> None:
    """Take the adapters off again."""
    pipeline.unload_lora_weights()


def factors(pipeline: Any) -> dict[str, Any]:
    """The adapters' tensors on the CPU: ``COMPONENT.LAYER.lora_A.weight`` (rank, in) and ``lora_B`` (out, rank)."""
    from peft.utils import get_peft_model_state_dict

    tensors = {}
    for component in COMPONENTS:
        model = getattr(pipeline, component)
        if NAME in getattr(model, "peft_config", {}):
            for name, value in get_peft_model_state_dict(model, adapter_name=NAME).items():
                tensors[f"{component}.{name}"] = value.detach().float().cpu().contiguous().clone()
    return tensors


def load_factors(pipeline: Any, tensors: dict[str, Any]) -> None:
    """Put tensors as :func:`factors` gives them into the attached adapters; all of them, or ``KeyError``."""
    import torch

    for component in COMPONENTS:
        model = getattr(pipeline, component)
        if NAME not in getattr(model, "peft_config", {}):
            continue
        own = dict(model.named_parameters())
        with torch.no_grad():
            for name, value in own.items():
                if f".{NAME}." in name:
                    value.copy_(tensors[f"{component}.{name.replace(f'.{NAME}.', '.')}"])
