"""Where weights are on this machine, and whether the shipped ones are those that were shipped."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from creative_lab.weights.entries import SHIPPED, Weights
from creative_lab.weights.errors import ModelError, ModelNotHere, UnsafeModel
from creative_lab.weights.files import MANIFEST, Verified, sha256_of, together, verify

if TYPE_CHECKING:
    from pathlib import Path

    from creative_lab.settings import Settings
    from creative_lab.weights.measuring import MeasuringPreset


def place_of(settings: Settings, weights: Weights) -> Path:
    """Folder (or single file) where the weights of an entry belong, whether they are there or not."""
    if weights.path.startswith(SHIPPED):
        return settings.data_dir / "models" / weights.path.removeprefix(SHIPPED)
    if weights.single_file:
        return settings.models_root / weights.path
    return settings.models_root / weights.path.replace("/", "--")


def shows_it_is_here(place: Path, weights: MeasuringPreset) -> bool:
    """Whether the folder of a measuring model holds what its kind is loaded from."""
    if weights.kind == "face-pack":
        return len(list(place.glob("*.onnx"))) >= 2
    has_weights = any(place.glob("*.safetensors"))
    return has_weights if weights.kind == "aesthetic-head" else has_weights and (place / "config.json").is_file()


def located(settings: Settings, weights: MeasuringPreset) -> Path:
    """Where a measuring model is. Raises :class:`ModelNotHere`, which says what to do, when it isn't."""
    place = place_of(settings, weights)
    if shows_it_is_here(place, weights):
        return place
    if weights.path.startswith(SHIPPED):
        how = f"train it with: python -m creative_lab.miniatures train {weights.path.removeprefix(SHIPPED)}"
        raise ModelNotHere(f"{weights.label} is not trained yet: there is no {place}; {how}")
    how = weights.by_hand or f"fetch it with: creative-lab models pull {weights.slug}"
    raise ModelNotHere(f"{weights.label} is not on this machine: there is no {place}; {how}")


def checked(settings: Settings, weights: MeasuringPreset) -> Verified:
    """Check the files of a measuring model before they are loaded; returns their digest.

    Shipped files are compared with data/models/manifest.json, all others with the catalogue and the manifest of their
    download. Raises :class:`ModelNotHere` or :class:`UnsafeModel`.
    """
    place = located(settings, weights)
    if weights.path.startswith(SHIPPED):
        return check_shipped(place)
    if weights.kind == "face-pack":
        return verify(place, weights.files, suffix=".onnx")
    return verify(place, weights.files)


def check_shipped(folder: Path) -> Verified:
    """Compare a shipped model's folder with the hashes in manifest.json beside it; returns the digest of its weights.

    Raises :class:`ModelNotHere` or :class:`UnsafeModel`, which name the file, when one is missing, changed or unknown.
    """
    path = folder.parent / MANIFEST
    try:
        expected = json.loads(path.read_text("utf-8")).get(folder.name)
    except OSError as error:
        raise ModelError(f"{path}: the hashes of the shipped models cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise ModelError(f"{path}: not valid JSON: {error}") from error
    if not expected:
        raise UnsafeModel(f"{path} has no hashes of {folder.name}: its files are not loaded")
    for name, digest in expected.items():
        if not (folder / name).is_file():
            raise ModelNotHere(f"the shipped model {folder.name} lacks {folder / name}")
        if sha256_of(folder / name) != digest:
            raise UnsafeModel(f"{folder / name}: its SHA-256 is not the one in {path}; the file is not loaded")
    here = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    if unknown := sorted(here - set(expected)):
        raise UnsafeModel(f"{folder} has files that were not shipped: {', '.join(unknown[:3])}")
    weights = {name: digest for name, digest in expected.items() if name.endswith((".safetensors", ".onnx"))}
    return Verified(together(weights), len(expected), 0)
