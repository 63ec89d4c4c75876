"""LoRAs from Civitai: planned and fetched by their AIR with a key, checked before anyone can load them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from creative_lab.imaging import net
from creative_lab.imaging.air import parse_air
from creative_lab.imaging.catalogue import Catalogue
from creative_lab.imaging.downloads import PullPlan, VerifyReport, policy, require_acceptance
from creative_lab.imaging.errors import ImagingError, LoraMismatch, ModelNotHere, UnsafeModel
from creative_lab.imaging.loras import architecture_of
from creative_lab.imaging.presets import LoraPreset
from creative_lab.lake.fs import FileSystem
from creative_lab.weights.entries import Licence, WeightFile
from creative_lab.weights.files import recorded, sha256_of, together

CIVITAI = "https://civitai.com"
UNKNOWN_LICENCE = Licence(name="unknown", commercial=None, note="Read the terms on its page at Civitai.")
"""What counts for a LoRA whose catalogue entry names no licence."""


def plan_lora(catalogue: Catalogue, slug: str, *, civitai: str = CIVITAI) -> PullPlan:
    """Ask Civitai about a LoRA that is not here; nothing is fetched or written. Its size is Civitai's word.

    The hash is the catalogue's or Civitai's own. Raises :class:`ModelNotHere` for a LoRA that has no AIR.
    """
    lora = catalogue.lora(slug)
    target = catalogue.lora_path(lora)
    licence = lora.licence or UNKNOWN_LICENCE
    source, revision = lora.air or "a file of your own", ""
    size, digest = 0, lora.sha256
    if not target.is_file():
        if not lora.air:
            raise ModelNotHere(f"LoRA {slug}: there is no {target}, and it has no AIR to fetch it by")
        file = _main_file(_described(catalogue, lora.air, civitai))
        revision = str(parse_air(lora.air).version_id)
        size = round(_number(file.get("sizeKB"), 0.0) * 1024)
        digest = digest or _digest(file)
    # Civitai rounds its sizes: only the hash decides whether the file is right.
    files = (WeightFile(path=target.name, sha256=digest),)
    return PullPlan(
        slug, lora.label, source, revision, licence, target.parent, files, size, net.free_bytes(target.parent)
    )


def pull_lora(
    catalogue: Catalogue,
    plan: PullPlan,
    *,
    accept_licence: bool = False,
    civitai: str = CIVITAI,
    on_bytes: net.OnBytes | None = None,
) -> Path:
    """Fetch the LoRA of a plan and return its file; nothing happens when it is there.

    Raises :class:`ImagingError` before anything is written when the licence was not accepted or the space is short,
    and :class:`LoraMismatch` when the file is made for another architecture than its label says.
    """
    lora = catalogue.lora(plan.slug)
    target = catalogue.lora_path(lora)
    if target.is_file():
        return target
    require_acceptance(plan, accept_licence)
    net.require_space(plan.target, plan.download_bytes)
    incoming = target.with_name(f".incoming-{target.name}")
    try:
        digest = net.download(
            f"{civitai}/api/download/models/{quote(plan.revision)}",
            incoming,
            policy(catalogue, civitai),
            sha256=plan.files[0].sha256,
            headers=civitai_key(catalogue),
            on_bytes=on_bytes,
        )
        _check_architecture(lora, incoming)
        fetched = {"path": target.name, "bytes": incoming.stat().st_size, "sha256": digest}
        manifest = {
            "source": plan.source,
            "revision": plan.revision,
            "licence": plan.licence.name,
            "accepted": plan.needs_acceptance,
            "files": [fetched],
        }
        FileSystem(target.parent).write_bytes(_manifest_of(target), json.dumps(manifest, indent=1).encode())
        incoming.replace(target)
    finally:
        incoming.unlink(missing_ok=True)
    return target


def verify_lora(catalogue: Catalogue, slug: str) -> VerifyReport:
    """Compare a LoRA's file with the catalogue's hash, else with that of its download, and its tensors with its label.

    Raises :class:`ModelNotHere`, :class:`UnsafeModel` or :class:`LoraMismatch`.
    """
    lora = catalogue.lora(slug)
    target = catalogue.lora_path(lora)
    if not target.is_file():
        raise ModelNotHere(
            f"LoRA {slug} is not on this machine: there is no {target}. Fetch it with: creative-lab models pull {slug}"
        )
    downloaded = [file.sha256 for file in recorded(target.parent, _manifest_of(target)) if file.path == target.name]
    expected = lora.sha256 or next(iter(downloaded), None)
    digest = sha256_of(target)
    if expected not in {None, digest}:
        raise UnsafeModel(f"{target}: its SHA-256 is not the one that is recorded")
    _check_architecture(lora, target)
    known = expected is not None
    return VerifyReport(slug, together({target.name: digest}), int(known), int(not known))


def lora_from_civitai(catalogue: Catalogue, air_text: str, *, civitai: str = CIVITAI) -> dict[str, Any]:
    """Fields of a catalogue entry for a LoRA, from Civitai's description of it; the slug is for people to choose.

    The architecture comes from the AIR; None where its ecosystem is unknown, so that a person says it.
    """
    answer = _described(catalogue, air_text, civitai)
    air = parse_air(air_text)
    sample = next((image.get("meta") or {} for image in answer.get("images") or [] if isinstance(image, dict)), {})
    guidance = _number(sample.get("cfgScale"), -1.0)
    return {
        "label": str(answer.get("name") or f"LoRA {air.version_id}")[:200],
        "base_architecture": air.architecture,
        "air": air_text,
        "prompt": ", ".join(str(word).strip() for word in answer.get("trainedWords") or []),
        "negative_prompt": str(sample.get("negativePrompt") or ""),
        "settings": {"guidance_scale": guidance if 0 <= guidance <= 20 else None},
        "sha256": _digest(_main_file(answer)),
        "notes": (
            f"{answer.get('description') or ''} (base {answer.get('baseModel')}, {answer.get('stats') or {}})"[:2000]
        ),
    }


def civitai_key(catalogue: Catalogue) -> dict[str, str]:
    """The Civitai key as a header. Raises :class:`ImagingError` when it is not set."""
    key = catalogue.settings.civitai_api_key
    if key is None:
        raise ImagingError("LoRAs are fetched from Civitai with a key: set CREATIVE_LAB_CIVITAI_API_KEY")
    return {"Authorization": f"Bearer {key.get_secret_value()}"}


def _described(catalogue: Catalogue, air_text: str, civitai: str) -> dict[str, Any]:
    address = f"{civitai}/api/v1/model-versions/{parse_air(air_text).version_id}"
    answer = net.fetch_json(address, policy(catalogue, civitai), civitai_key(catalogue))
    if not isinstance(answer, dict):
        raise ImagingError(f"{address}: not an object")
    return answer


def _main_file(answer: dict[str, Any]) -> dict[str, Any]:
    files = [file for file in answer.get("files") or [] if isinstance(file, dict)]
    return next((file for file in files if file.get("primary")), files[0] if files else {})


def _digest(file: dict[str, Any]) -> str | None:
    digest = str((file.get("hashes") or {}).get("SHA256") or "").lower()
    return digest if len(digest) == 64 else None


def _number(value: Any, otherwise: float) -> float:
    return float(value) if isinstance(value, (int, float)) else otherwise


def _manifest_of(target: Path) -> str:
    return f"{target.stem}.manifest.json"


def _check_architecture(lora: LoraPreset, path: Path) -> None:
    found = architecture_of(path)
    if found is not None and found != lora.base_architecture:
        raise LoraMismatch(f"LoRA {lora.slug}: labelled {lora.base_architecture}, but the file is made for {found}")
