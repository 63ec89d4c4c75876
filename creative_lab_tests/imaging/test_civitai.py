"""LoRAs from Civitai: planned, accepted, fetched with the key, and checked before anyone can load them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from creative_lab.cli import main
from creative_lab.imaging import civitai
from creative_lab.imaging.catalogue import Catalogue
from creative_lab.imaging.errors import ImagingError, LoraMismatch, ModelNotHere, PassingError, UnsafeModel
from creative_lab.imaging.presets import LoraPreset
from creative_lab.settings import get_settings
from creative_lab_tests.imaging import tiny
from creative_lab_tests.imaging.file_server import Server


def with_lora(catalogue: Catalogue, **fields: Any) -> Catalogue:
    path = catalogue.settings.data_dir / "presets.json"
    presets = json.loads(path.read_text())
    air = "urn:air:sdxl:lora:civitai:12@345"
    presets["loras"] = [{"slug": "ink", "label": "Ink", "base_architecture": "sdxl", "air": air, **fields}]
    path.write_text(json.dumps(presets))
    return Catalogue.load(catalogue.settings)


def fetch_lora(catalogue: Catalogue, server: Server) -> Path:
    plan = civitai.plan_lora(catalogue, "ink", civitai=server.url)
    return civitai.pull_lora(catalogue, plan, accept_licence=True, civitai=server.url)


def offer_lora(server: Server, data: bytes) -> None:
    server.files["/api/download/models/345"] = data
    digest = hashlib.sha256(data).hexdigest().upper()
    described = {
        "name": "Ink wash", "baseModel": "SDXL 1.0", "trainedWords": ["inkwash", "ww"], "description": "d",
        "stats": {"downloadCount": 3}, "images": [{"meta": {"cfgScale": 0, "negativePrompt": "photo"}}],
        "files": [{"primary": True, "sizeKB": len(data) / 1024, "hashes": {"SHA256": digest}}],
    }  # fmt: skip
    server.files["/api/v1/model-versions/345"] = json.dumps(described).encode()


def test_a_lora_is_fetched_by_its_air_with_the_key(server: Server, catalogue: Catalogue, tmp_path: Path) -> None:
    catalogue = with_lora(catalogue)
    tiny.lora(tmp_path / "l.safetensors")
    offer_lora(server, (tmp_path / "l.safetensors").read_bytes())
    file = fetch_lora(catalogue, server)
    assert file == catalogue.settings.models_root / "loras" / "civitai_345.safetensors" and file.is_file()
    assert all(headers["authorization"] == "Bearer civitai-secret" for _, headers in server.requests)
    asked = len(server.requests)
    assert fetch_lora(catalogue, server) == file and len(server.requests) == asked

    entry = civitai.lora_from_civitai(catalogue, "urn:air:sdxl:lora:civitai:12@345", civitai=server.url)
    assert (entry["base_architecture"], entry["prompt"], entry["negative_prompt"]) == ("sdxl", "inkwash, ww", "photo")
    assert LoraPreset.model_validate({"slug": "ink-wash", **entry}).settings.guidance_scale == 0.0
    assert len(entry["sha256"]) == 64
    unknown = civitai.lora_from_civitai(catalogue, "urn:air:pony:lora:civitai:12@345", civitai=server.url)
    assert unknown["base_architecture"] is None


@pytest.mark.parametrize("kind", ["architecture", "no safetensors", "cut", "hash"])
def test_a_lora_that_is_not_right_leaves_no_file(
    server: Server, catalogue: Catalogue, tmp_path: Path, kind: str
) -> None:
    catalogue = with_lora(catalogue, sha256="0" * 64) if kind == "hash" else with_lora(catalogue)
    metadata = {"creative_lab.architecture": "flux1" if kind == "architecture" else "sdxl"}
    tiny.lora(tmp_path / "l.safetensors", metadata=metadata)
    data = b"\x80\x04pickle" if kind == "no safetensors" else (tmp_path / "l.safetensors").read_bytes()
    offer_lora(server, data)
    if kind == "cut":
        server.cut_after = [10**9, 100, 100, 100]
    wanted = {"architecture": LoraMismatch, "no safetensors": UnsafeModel, "cut": PassingError, "hash": UnsafeModel}
    with pytest.raises(wanted[kind]):
        fetch_lora(catalogue, server)
    folder = catalogue.settings.models_root / "loras"
    left = [path.name for path in folder.iterdir() if path.suffix == ".safetensors"]
    assert left == []


def test_without_a_key_or_an_air_nothing_is_asked(server: Server, catalogue: Catalogue) -> None:
    keyless = with_lora(Catalogue.load(catalogue.settings.model_copy(update={"civitai_api_key": None})))
    with pytest.raises(ImagingError, match="CREATIVE_LAB_CIVITAI_API_KEY"):
        civitai.plan_lora(keyless, "ink", civitai=server.url)
    own = with_lora(catalogue, air=None, path="loras/own.safetensors")
    with pytest.raises(ModelNotHere, match="no AIR"):
        civitai.plan_lora(own, "ink", civitai=server.url)
    assert server.requests == []


def test_a_lora_is_planned_without_a_byte_and_fetched_when_its_licence_is_accepted(
    server: Server, catalogue: Catalogue, tmp_path: Path
) -> None:
    catalogue = with_lora(catalogue)
    tiny.lora(tmp_path / "l.safetensors")
    data = (tmp_path / "l.safetensors").read_bytes()
    offer_lora(server, data)
    plan = civitai.plan_lora(catalogue, "ink", civitai=server.url)
    assert plan.download_bytes == len(data) and plan.needs_acceptance and plan.licence.name == "unknown"
    with pytest.raises(ImagingError, match="--accept-licence"):
        civitai.pull_lora(catalogue, plan, civitai=server.url)
    huge = dataclasses.replace(plan, download_bytes=plan.free_bytes)
    with pytest.raises(ImagingError, match="must be free"):
        civitai.pull_lora(catalogue, huge, accept_licence=True, civitai=server.url)
    assert not plan.target.exists() and len(server.requests) == 1
    licensed = with_lora(catalogue, licence={"name": "CC0", "commercial": True})
    plan = civitai.plan_lora(licensed, "ink", civitai=server.url)
    assert civitai.pull_lora(licensed, plan, civitai=server.url).read_bytes() == data


def test_a_lora_is_verified_by_the_hash_of_its_download_or_of_the_catalogue(
    server: Server, catalogue: Catalogue, tmp_path: Path
) -> None:
    catalogue = with_lora(catalogue)
    with pytest.raises(ModelNotHere, match="models pull ink"):
        civitai.verify_lora(catalogue, "ink")
    tiny.lora(tmp_path / "l.safetensors")
    offer_lora(server, (tmp_path / "l.safetensors").read_bytes())
    file = fetch_lora(catalogue, server)
    report = civitai.verify_lora(catalogue, "ink")
    assert (report.checked, report.unknown) == (1, 0)
    with pytest.raises(UnsafeModel, match="SHA-256"):
        civitai.verify_lora(with_lora(catalogue, sha256="0" * 64), "ink")
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(bytes(data))
    with pytest.raises(UnsafeModel, match="SHA-256"):
        civitai.verify_lora(with_lora(catalogue), "ink")


def test_the_command_shows_a_lora_first_and_asks_about_its_licence_like_a_models(
    server: Server,
    catalogue: Catalogue,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    catalogue = with_lora(catalogue)
    tiny.lora(tmp_path / "l.safetensors")
    offer_lora(server, (tmp_path / "l.safetensors").read_bytes())
    for name, value in {"HOME": catalogue.settings.home, "DATA_DIR": catalogue.settings.data_dir}.items():
        monkeypatch.setenv(f"CREATIVE_LAB_{name}", str(value))
    monkeypatch.setenv("CREATIVE_LAB_CIVITAI_API_KEY", "civitai-secret")
    monkeypatch.setitem(civitai.plan_lora.__kwdefaults__, "civitai", server.url)
    monkeypatch.setitem(civitai.pull_lora.__kwdefaults__, "civitai", server.url)
    get_settings.cache_clear()
    try:
        assert main(["models", "pull", "ink", "--dry-run"]) == 0
        assert "Licence:  unknown." in capsys.readouterr().out
        assert main(["models", "pull", "ink"]) == 1
        assert "--accept-licence" in capsys.readouterr().err
        assert [path for path, _ in server.requests] == ["/api/v1/model-versions/345"] * 2
        assert main(["models", "pull", "ink", "--accept-licence"]) == 0
        assert main(["models", "verify", "ink"]) == 0
        assert "ink: 1 files are as recorded" in capsys.readouterr().out
    finally:
        get_settings.cache_clear()
