"""LoRAs: whose they are, what they change, and that they are taken off again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from creative_lab.imaging.catalogue import Catalogue
from creative_lab.imaging.errors import ImagingError, LoraMismatch, ModelNotHere, UnsafeModel
from creative_lab.imaging.generation import PictureStudio
from creative_lab.imaging.loras import architecture_of, check_fit
from creative_lab.imaging.parameters import LoraUse, PictureRequest
from creative_lab.settings import Settings
from creative_lab_tests.imaging import tiny

MODEL = "miniature-xl"


def pixels(generation: Any) -> bytes:
    return generation.pictures[0].image.tobytes()


def with_names(file: Path, shapes: dict[str, tuple[int, ...]], metadata: dict[str, str] | None = None) -> Path:
    import torch
    from safetensors.torch import save_file

    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: torch.zeros(shape) for name, shape in shapes.items()}, file, metadata=metadata)
    return file


@pytest.mark.parametrize(
    ("name", "shape", "architecture"),
    [
        ("transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight", (4, 8), "flux1"),
        ("lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight", (4, 8), "flux1"),
        ("transformer.transformer_blocks.0.img_mlp.net.2.lora_A.weight", (4, 8), "qwen"),
        ("diffusion_model.layers.0.attention.to_q.lora_A.weight", (4, 8), "zimage"),
        ("diffusion_model.context_refiner.0.attention.to_q.lora_A.weight", (4, 8), "zimage"),
        ("lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_down.weight", (4, 8), "sdxl"),
        ("unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight", (4, 2048), "sdxl"),
        ("lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight", (4, 768), "sd15"),
        ("unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight", (4, 999), None),
        ("unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_k.lora_A.weight", (4, 320), None),
    ],
)
def test_the_architecture_is_read_from_the_file_itself(
    tmp_path: Path, name: str, shape: tuple[int, ...], architecture: str | None
) -> None:
    assert architecture_of(with_names(tmp_path / "x.safetensors", {name: shape})) == architecture


def test_files_that_are_no_loras_are_refused_without_being_run(tmp_path: Path) -> None:
    import pickle

    class Evil:
        def __reduce__(self) -> Any:
            return (open, (str(tmp_path / "executed"), "w"))

    for name in ("evil.pt", "evil.safetensors"):
        (tmp_path / name).write_bytes(pickle.dumps(Evil()))
        with pytest.raises(UnsafeModel):
            architecture_of(tmp_path / name)
    for number, data in enumerate((b"", b"\x05", b"\xff" * 64, b"\x02\0\0\0\0\0\0\0[]", b"\x04\0\0\0\0\0\0\0{{{{")):
        (tmp_path / f"{number}.safetensors").write_bytes(data)
        with pytest.raises(UnsafeModel):
            architecture_of(tmp_path / f"{number}.safetensors")
    with pytest.raises(UnsafeModel, match="no LoRA"):
        architecture_of(with_names(tmp_path / "vae.safetensors", {"decoder.conv_in.weight": (2, 2)}))
    assert not (tmp_path / "executed").exists()


def test_a_mismatch_is_refused_and_the_unknown_is_asked(tmp_path: Path) -> None:
    catalogue = Catalogue.load(Settings())
    sdxl, qwen = catalogue.model("sdxl_base"), catalogue.model("qwen_image")
    block = "transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight"
    flux = with_names(tmp_path / "f.safetensors", {block: (2, 2)})
    unknown = with_names(tmp_path / "u.safetensors", {"unet.mid.to_q.lora_A.weight": (2, 2)})
    check_fit("l", "sdxl", "urn:air:sdxl:lora:civitai:1@2", unknown, sdxl)
    with pytest.raises(LoraMismatch, match="its label says sdxl, its AIR says zimage"):
        check_fit("l", "sdxl", "urn:air:zimageturbo:lora:civitai:1@2", None, sdxl)
    with pytest.raises(LoraMismatch, match="its file says flux1"):
        check_fit("l", "sdxl", None, flux, sdxl)
    with pytest.raises(LoraMismatch, match="made for flux1"):
        check_fit("l", None, None, flux, sdxl)
    with pytest.raises(LoraMismatch, match="say which"):
        check_fit("l", None, "urn:air:pony:lora:civitai:1@2", unknown, sdxl)
    with pytest.raises(LoraMismatch, match="not used with qwen_image"):
        check_fit("l", None, None, None, qwen)


@pytest.fixture
def lab(imaging_settings: Settings) -> PictureStudio:
    """A studio whose catalogue has two LoRAs."""
    presets = json.loads((imaging_settings.data_dir / "presets.json").read_text())
    settings = {"strength": 1.2, "guidance_scale": 2.5, "clip_skip": 1}
    common = {"base_architecture": "sdxl", "label": "x"}
    presets["loras"] = [
        {**common, "slug": "ink", "path": "loras/ink.safetensors", "prompt": "inkwash", "negative_prompt": "photo",
         "settings": settings},
        {**common, "slug": "gold", "path": "loras/gold.safetensors"},
        {**common, "slug": "away", "path": "loras/away.safetensors"},
    ]  # fmt: skip
    (imaging_settings.data_dir / "presets.json").write_text(json.dumps(presets))
    tiny.lora(imaging_settings.models_root / "loras" / "ink.safetensors", seed=1)
    tiny.lora(imaging_settings.models_root / "loras" / "gold.safetensors", seed=2)
    return PictureStudio(imaging_settings)


def test_loras_change_the_picture_add_up_and_are_taken_off_afterwards(lab: PictureStudio) -> None:
    def draw(*loras: LoraUse) -> Any:
        return lab.generate(PictureRequest(MODEL, "a hat", seed=1, loras=loras))

    plain = draw()
    ink = draw(LoraUse("ink"))
    gold = draw(LoraUse("gold"))
    both = draw(LoraUse("gold", 0.5), LoraUse("ink", 2.0))
    assert len({pixels(plain), pixels(ink), pixels(gold), pixels(both)}) == 4
    assert pixels(draw(LoraUse("gold", 0.0))) == pixels(plain) == pixels(draw())
    assert pixels(draw(LoraUse("gold", 0.3))) != pixels(gold)

    recipe = ink.pictures[0].recipe
    assert (recipe.drawn_prompt, recipe.drawn_negative_prompt) == ("a hat, inkwash", "photo")
    assert (recipe.guidance_scale, recipe.clip_skip, recipe.loras[0].strength) == (2.5, 1, 1.2)
    assert len(recipe.loras[0].sha256) == 64
    assert [(x.slug, x.strength) for x in both.pictures[0].recipe.loras] == [("gold", 0.5), ("ink", 2.0)]


def test_a_lora_of_our_own_is_worn_from_its_file(lab: PictureStudio, tmp_path: Path) -> None:
    tiny.lora(tmp_path / "step-50.safetensors", seed=5)
    use = LoraUse("character", 1.0, path=str(tmp_path / "step-50.safetensors"), triggers="zoe")
    drawn = lab.generate(PictureRequest(MODEL, "a hat", seed=1, loras=(use,)))
    assert drawn.pictures[0].recipe.drawn_prompt == "a hat, zoe"
    assert pixels(drawn) != pixels(lab.generate(PictureRequest(MODEL, "a hat, zoe", seed=1)))


def test_a_lora_that_does_not_fit_is_refused_and_the_model_stays_usable(lab: PictureStudio, tmp_path: Path) -> None:
    before = lab.generate(PictureRequest(MODEL, "a hat", seed=1))
    tiny.lora(tmp_path / "wide.safetensors", width=48)
    foreign = with_names(
        tmp_path / "foreign.safetensors",
        {"unet.nowhere.to_q.lora_A.weight": (2, 32), "unet.nowhere.to_q.lora_B.weight": (32, 2)},
        {"creative_lab.architecture": "sdxl"},
    )
    for file in (tmp_path / "wide.safetensors", foreign):
        with pytest.raises(LoraMismatch):
            lab.generate(PictureRequest(MODEL, "a hat", loras=(LoraUse("x", path=str(file)),)))
    with pytest.raises(ModelNotHere, match="models pull away"):
        lab.generate(PictureRequest(MODEL, "a hat", loras=(LoraUse("away"),)))
    with pytest.raises(ImagingError, match="0 to 2"):
        LoraUse("ink", 2.5)
    assert pixels(lab.generate(PictureRequest(MODEL, "a hat", seed=1))) == pixels(before)
