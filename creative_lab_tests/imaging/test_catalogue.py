"""The catalogue holds what the specification names, and refuses what cannot be right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from creative_lab.imaging.air import parse_air
from creative_lab.imaging.catalogue import Catalogue
from creative_lab.imaging.errors import ImagingError, ModelNotHere
from creative_lab.settings import REPOSITORY_ROOT, Settings

TABLE = {
    "zimageturbo": ("Tongyi-MAI/Z-Image-Turbo", "ZImagePipeline", "zimage", 9, 0.0, (1024, 1024), 1048576, "bfloat16",
                    "FlowMatchEulerDiscrete", False, 512, 8192, True),
    "flux1_dev": ("black-forest-labs/FLUX.1-dev", "FluxPipeline", "flux1", 28, 3.5, (1024, 1024), 2097152, "bfloat16",
                  None, False, 512, 24576, False),
    "qwen_image": ("Qwen/Qwen-Image-2512", "QwenImagePipeline", "qwen", 50, 4.5, (1328, 1328), 14680064, "bfloat16",
                   "FlowMatchEulerDiscrete", True, 512, 24576, False),
    "sdxl_turbo": ("stabilityai/sdxl-turbo", "AutoPipelineForText2Image", "sdxl", 4, 0.0, (512, 512), 262144, "float16",
                   "EulerAncestralDiscrete", False, 77, 6144, True),
    "juggernaut_xl": ("RunDiffusion/Juggernaut-XL-v9", "StableDiffusionXLPipeline", "sdxl", 30, 7.0, (1024, 1024),
                      1048576, "float16", None, True, 77, 8192, False),
    "dreamshaper_xl": ("Lykon/dreamshaper-xl-lightning", "StableDiffusionXLPipeline", "sdxl", 4, 2.0, (1024, 1024),
                       1048576, "float16", "DPMSolverMultistep", False, 77, 8192, False),
    "realistic_vision": ("SG161222/Realistic_Vision_V5.1_noVAE", "StableDiffusionPipeline", "sd15", 30, 5.0, (512, 768),
                         393216, "float16", None, True, 77, 4096, False),
}  # fmt: skip


@pytest.mark.parametrize("slug", sorted(TABLE))
def test_the_named_models_have_the_specified_values(slug: str) -> None:
    m = Catalogue.load(Settings()).model(slug)
    assert (
        m.path, m.pipeline, m.base_architecture, m.steps, m.guidance_scale, (m.default_width, m.default_height),
        m.max_pixels, m.dtype, m.scheduler, m.supports_negative_prompt, m.token_window, m.vram_usage,
        m.force_default_guidance,
    ) == TABLE[slug]  # fmt: skip


def test_every_profile_fills_its_roles_with_models_of_one_architecture() -> None:
    catalogue = Catalogue.load(Settings())
    for profile in ("miniature", "studio"):
        picture = catalogue.model(catalogue.role("picture", profile) or "")
        assert catalogue.ip_adapter(catalogue.role("reference", profile) or "").base_architecture == (
            picture.base_architecture
        )
        assert catalogue.controlnet(catalogue.role("control", profile) or "").base_architecture == (
            picture.base_architecture
        )
    assert catalogue.is_hosted(catalogue.role("picture", "hosted") or "")
    assert catalogue.role("control", "hosted") is None


def test_miniatures_that_nobody_trained_yet_say_so(tmp_path: Path) -> None:
    (tmp_path / "presets.json").write_text((REPOSITORY_ROOT / "data" / "presets.json").read_text())
    catalogue = Catalogue.load(Settings(home=tmp_path / "home", data_dir=tmp_path))
    assert {line.slug: line.state for line in catalogue.listing()}["miniature-xl"] == "not trained yet"
    with pytest.raises(ModelNotHere, match="miniatures train miniature-xl"):
        catalogue.located(catalogue.model("miniature-xl"))
    with pytest.raises(ModelNotHere, match="models pull sdxl_base"):
        catalogue.located(catalogue.model("sdxl_base"))
    with pytest.raises(ImagingError, match="switched off"):
        catalogue.model("flux2_klein")


def changed(tmp_path: Path, change) -> Catalogue:
    presets = json.loads((REPOSITORY_ROOT / "data" / "presets.json").read_text())
    change(presets)
    (tmp_path / "presets.json").write_text(json.dumps(presets))
    return Catalogue.load(Settings(home=tmp_path / "home", data_dir=tmp_path))


def lora(**fields) -> dict:
    return {"slug": "ink", "label": "Ink", "base_architecture": "sdxl", "path": "loras/ink.safetensors", **fields}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p["models"][1].update(steps=500), "models.1.steps"),
        (lambda p: p["models"][1].update(path="x.ckpt"), "run code"),
        (lambda p: p["models"][1].update(path="../x"), "models.1.path"),
        (lambda p: p["models"][1].update(pipeline="DiffusionPipeline"), "models.1.pipeline"),
        (lambda p: p["models"][1].update(custom_pipeline="evil/repo"), "custom_pipeline"),
        (lambda p: p["models"][1].update(trust_remote_code=True), "trust_remote_code"),
        (lambda p: p["models"][1].update(unknown_because=""), "say why"),
        (lambda p: p["models"][1].update(default_width=8), "default_width"),
        (lambda p: p["models"].append(p["models"][0]), "used twice"),
        (lambda p: p["roles"]["studio"].update(picture="nobody"), "nobody"),
        (lambda p: p["loras"].append(lora(air="urn:air:zimageturbo:lora:civitai:1@2")), "made for zimage"),
        (lambda p: p["loras"].append(lora(air="urn:air:pony:lora:civitai:1@2")), "unknown"),
        (lambda p: p["loras"].append(lora(air="urn:air:sdxl:lora:civitai:a@2")), "no AIR"),
        (lambda p: p["loras"].append(lora(base_architecture="qwen")), "not used with qwen"),
        (lambda p: p["loras"].append(lora(path="../x.safetensors")), "loras.0.path"),
        (lambda p: p["loras"].append(lora(path="x.pt")), "loras.0.path"),
    ],
)
def test_a_wrong_entry_is_refused_with_file_and_field(tmp_path: Path, change, message: str) -> None:
    with pytest.raises(ImagingError, match=message) as caught:
        changed(tmp_path, change)
    assert "presets.json" in str(caught.value)


def test_loras_are_offered_for_their_architecture_and_theme(tmp_path: Path) -> None:
    def add(presets):
        air = "urn:air:zimagebase:lora:civitai:1@77"
        presets["loras"] += [lora(theme="ink"), lora(slug="z", base_architecture="zimage", air=air, path=None)]

    catalogue = changed(tmp_path, add)
    assert [entry.slug for entry in catalogue.loras_for(catalogue.model("sdxl_base"))] == ["ink"]
    assert catalogue.loras_for(catalogue.model("sdxl_base"), theme="photo") == []
    assert [entry.slug for entry in catalogue.loras_for(catalogue.model("zimageturbo"))] == ["z"]
    assert catalogue.loras_for(catalogue.model("qwen_image")) == []
    assert catalogue.lora_path(catalogue.lora("z")).name == "civitai_77.safetensors"


@pytest.mark.parametrize(
    ("ecosystem", "architecture"),
    [("sd1", "sd15"), ("sdxl", "sdxl"), ("flux1", "flux1"), ("zimageturbo", "zimage"), ("zimagebase", "zimage"),
     ("qwen", "qwen"), ("pony", None)],
)  # fmt: skip
def test_the_ecosystem_of_an_air_names_the_architecture(ecosystem: str, architecture: str | None) -> None:
    air = parse_air(f"urn:air:{ecosystem}:lora:civitai:12@345")
    assert (air.architecture, air.model_id, air.version_id) == (architecture, 12, 345)


@pytest.mark.parametrize(
    "text",
    ["", "urn:air:sdxl:lora:civitai:12", "urn:air:sdxl:checkpoint:civitai:1@2", "urn:air:sdxl:lora:civitai:1@2/../x",
     "urn:air:sdxl:lora:civitai:x@2", "urn:air:sdxl:lora:civitai:１@2", "urn:air:sdxl:lora:huggingface:1@2"],
)  # fmt: skip
def test_what_is_no_air_is_refused(text: str) -> None:
    with pytest.raises(ImagingError, match="no AIR"):
        parse_air(text)
