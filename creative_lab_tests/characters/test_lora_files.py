"""LoRA files: plain diffusers draws with them what the trained pipeline draws, in both formats."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from creative_lab.characters import adapters
from creative_lab.characters.lora_files import DIFFUSERS_NAME, diffusers_bytes, kohya_bytes
from creative_lab.imaging.loras import architecture_of
from creative_lab_tests.characters.small import SMALL

FACTS = {"architecture": "sdxl", "character": "abc", "trigger": "abc_man"}


def draw(pipeline: Any) -> Any:
    import torch

    generator = torch.Generator().manual_seed(1)
    return pipeline("abc man", num_inference_steps=2, width=64, height=64, generator=generator, output_type="np").images


WIDE = (*SMALL.unet_targets, "ff.net.0.proj", "ff.net.2", "conv1", "conv2", "time_emb_proj", "proj_in", "proj_out")
"""Layers beyond attention, convolutions among them."""


@pytest.mark.parametrize(
    "changes",
    [{}, {"train_text_encoders": True}, {"unet_targets": WIDE}],
    ids=["attention", "with text encoders", "with convolutions"],
)
def test_plain_diffusers_draws_the_same_with_either_file(
    new_pipeline: Callable[[], Any], tmp_path: Path, changes: dict[str, Any]
) -> None:
    import numpy as np
    import torch

    pipeline, plain = new_pipeline(), new_pipeline()
    recipe = SMALL.changed({"rank": 3, "alpha": 6, **changes})
    for own in adapters.attach(pipeline, recipe).values():
        with torch.no_grad():
            for name, value in own:
                if "lora_B" in name:
                    value.normal_(std=0.2)
    for component in adapters.COMPONENTS:
        getattr(pipeline, component).eval()
    wanted, without = draw(pipeline), draw(plain)
    assert np.abs(wanted - without).max() > 0.05
    factors = adapters.factors(pipeline)
    for name, make in (("diffusers", diffusers_bytes), ("kohya", kohya_bytes)):
        file = tmp_path / name / DIFFUSERS_NAME
        file.parent.mkdir()
        file.write_bytes(make(factors, rank=3, alpha=6, facts=FACTS))
        plain.load_lora_weights(str(file.parent))
        assert np.abs(draw(plain) - wanted).max() < 1e-4, name
        plain.unload_lora_weights()
        assert architecture_of(file) == "sdxl"
        header = file.read_bytes()
        metadata = json.loads(header[8 : 8 + int.from_bytes(header[:8], "little")])["__metadata__"]
        assert metadata["creative_lab.trigger"] == "abc_man"
    assert (metadata["ss_network_dim"], metadata["ss_network_alpha"]) == ("3", "6")
    adapters.detach(pipeline)
    assert np.array_equal(draw(pipeline), without)


def test_kohya_s_file_names_layers_as_other_programs_expect(new_pipeline: Callable[[], Any]) -> None:
    from safetensors.torch import load

    pipeline = new_pipeline()
    adapters.attach(pipeline, SMALL.changed({"train_text_encoders": True}))
    names = set(load(kohya_bytes(adapters.factors(pipeline), rank=2, alpha=2, facts=FACTS)))
    for stem in (
        "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q",
        "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_out_0",
        "lora_te1_text_model_encoder_layers_0_self_attn_q_proj",
        "lora_te2_text_model_encoder_layers_2_self_attn_v_proj",
    ):
        assert {f"{stem}.lora_down.weight", f"{stem}.lora_up.weight", f"{stem}.alpha"} <= names
