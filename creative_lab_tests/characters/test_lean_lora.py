"""The lean way of computing adapted layers gives what PEFT gives, forward and backward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from creative_lab.characters import adapters
from creative_lab.characters.lean_lora import make_lean
from creative_lab_tests.characters.small import SMALL


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_outputs_and_gradients_are_those_of_peft(
    new_pipeline: Callable[[], Any], dropout: float, precision: str
) -> None:
    import torch

    dtype = getattr(torch, precision)
    results = []
    for lean in (False, True):
        pipeline = new_pipeline()
        unet = pipeline.unet.to(dtype)
        own = adapters.attach(pipeline, SMALL.changed({"rank": 3, "alpha": 7, "dropout": dropout}))[adapters.UNET]
        generator = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for name, value in own:
                if "lora_B" in name:
                    value.copy_(torch.randn(value.shape, generator=generator) * 0.3)
        if lean:
            assert make_lean(unet) == len(own) // 2
        unet.train()
        latents = torch.randn(2, 4, 16, 16, generator=generator)
        texts = torch.randn(2, 77, 32, generator=generator)
        added = {"text_embeds": torch.ones(2, 16, dtype=dtype), "time_ids": torch.ones(2, 6, dtype=dtype)}
        torch.manual_seed(5)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            said = unet(
                latents.to(dtype), torch.tensor([10, 700]), encoder_hidden_states=texts.to(dtype),
                added_cond_kwargs=added, return_dict=False,
            )[0]  # fmt: skip
        said.float().pow(2).mean().backward()
        results.append((said.detach().float(), {name: value.grad for name, value in own}))
    (plain, plain_gradients), (lean_said, lean_gradients) = results
    tolerance = 1e-4 if precision == "float32" else 0.06
    assert (plain - lean_said).abs().max() < tolerance * plain.abs().max()
    for name, gradient in plain_gradients.items():
        assert gradient.dtype == lean_gradients[name].dtype == torch.float32
        assert (gradient - lean_gradients[name]).norm() < 2 * tolerance * gradient.norm() + 1e-7, name
