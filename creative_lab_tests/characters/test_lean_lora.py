"""The lean way of computing adapted layers gives what PEFT gives, forward and backward."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from creative_lab.characters import adapters
from creative_lab.characters.lean_lora import make_lean
from creative_lab_tests.characters.small import SMALL


def adapted_layer(dropout: float, dtype: Any) -> Any:
    """A linear layer of 24 to 20 numbers with an adapter whose factors are random."""
    import torch
    from peft import LoraConfig, inject_adapter_in_model

    torch.manual_seed(1)
    model = torch.nn.ModuleDict({"to_q": torch.nn.Linear(24, 20)}).to(dtype).requires_grad_(False)
    config = LoraConfig(r=3, lora_alpha=7, lora_dropout=dropout, target_modules=["to_q"])
    inject_adapter_in_model(config, model, adapter_name=adapters.NAME)
    for value in model.parameters():
        if value.requires_grad:
            value.data = torch.randn(value.shape)
    return model


@pytest.mark.parametrize(("dropout", "precision"), [(0.0, "float32"), (0.4, "float32"), (0.0, "bfloat16")])
def test_outputs_and_gradients_are_those_of_peft(dropout: float, precision: str) -> None:
    import torch

    dtype = getattr(torch, precision)
    plain = adapted_layer(dropout, dtype).train()
    lean = copy.deepcopy(plain)
    assert make_lean(lean) == 1
    x, upstream = torch.randn(2, 5, 24), torch.randn(2, 5, 20)
    found = []
    for model in (plain, lean):
        own = x.clone().requires_grad_(True)
        torch.manual_seed(3)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            said = model["to_q"](own.to(dtype) if precision == "bfloat16" else own)
        (said.float() * upstream).sum().backward()
        gradients = [value.grad for value in model.parameters() if value.requires_grad]
        found.append([said.detach().float(), own.grad, *gradients])
    tolerance = 1e-5 if precision == "float32" else 0.02
    for expected, value in zip(*found, strict=True):
        assert value.dtype == expected.dtype
        assert (value - expected).norm() <= tolerance * expected.norm()


def test_a_whole_unet_draws_the_same_whether_lean_or_not(new_pipeline: Callable[[], Any]) -> None:
    import torch

    pipeline = new_pipeline()
    own = adapters.attach(pipeline, SMALL)[adapters.UNET]
    with torch.no_grad():
        for name, value in own:
            if "lora_B" in name:
                value.normal_(std=0.3)
    unet = pipeline.unet.eval()
    added = {"text_embeds": torch.ones(2, 16), "time_ids": torch.ones(2, 6)}
    latents, texts, times = torch.randn(2, 4, 16, 16), torch.randn(2, 77, 32), torch.tensor([10, 700])

    def said() -> Any:
        with torch.no_grad():
            return unet(latents, times, encoder_hidden_states=texts, added_cond_kwargs=added).sample

    before = said()
    assert make_lean(unet) == len(own) // 2
    assert torch.allclose(said(), before, atol=1e-4)
