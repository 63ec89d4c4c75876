"""Where weights are on this machine, and whether the shipped ones are those that were shipped."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal

from creative_lab.weights.entries import SHIPPED, Weights
from creative_lab.weights.errors import ModelError, ModelNotHere, UnsafeModel
from creative_lab.weights.files import INDEX, MANIFEST, Verified, marker_of, recorded, sha256_of, together, verify

if TYPE_CHECKING:
    from pathlib import Path

    from creative_lab.settings import Settings

PlaceState = Literal["here", "incomplete", "not trained yet", "not pulled"]


def place_of(settings: Settings, weights: Weights) -> Path:
    """Folder (or single file) where the weights of an entry belong, whether they are there or not."""
    if weights.path.startswith(SHIPPED):
        return settings.data_dir / "models" / weights.path.removeprefix(SHIPPED)
    if weights.single_file:
        return settings.models_root / weights.path
    return settings.models_root / weights.path.replace("/", "--")


def state_of(settings: Settings, weights: Weights) -> PlaceState:
    """Whether the weights of an entry are on this machine; looks at names and sizes, not at bytes."""
    place = place_of(settings, weights)
    if lacking(place, weights):
        return "incomplete"
    if weights.is_loadable(place):
        return "here"
    return "not trained yet" if weights.path.startswith(SHIPPED) else "not pulled"


def lacking(place: Path, weights: Weights) -> str:
    """What is missing from weights of which a part is here, in a few words; empty when nothing is known to be.

    A pull that has not ended leaves its marker; afterwards the manifest of the download counts, and for folders placed
    by hand the files that their indexes name. Shipped weights are left to :func:`check_shipped`.
    """
    if weights.path.startswith(SHIPPED) or not place.is_dir():
        return ""
    try:
        if (place / marker_of(weights.slug)).is_file():
            planned = recorded(place, marker_of(weights.slug))
            here = sum((place / file.path).is_file() for file in planned)
            return f"its download stopped with {here} of {len(planned)} files"
        known = recorded(place)
        for folder in {index.parent for index in place.rglob(INDEX)} if not known else ():
            if missing := _missing_parts(folder):
                return f"{missing.relative_to(place)} is missing"
    except ModelError as error:
        return str(error)
    for file in known:
        path = place / file.path
        if not path.is_file():
            return f"{file.path} is missing"
        if file.bytes is not None and path.stat().st_size != file.bytes:
            return f"{file.path} has {path.stat().st_size} bytes instead of {file.bytes}"
    return ""


def located(settings: Settings, weights: Weights) -> Path:
    """Where weights are. Raises :class:`ModelNotHere`, which says what to do, when they aren't or not whole."""
    place = place_of(settings, weights)
    state = state_of(settings, weights)
    if state == "here":
        return place
    if state == "not trained yet":
        how = f"Train it with: python -m creative_lab.miniatures train {weights.path.removeprefix(SHIPPED)}"
        raise ModelNotHere(f"{weights.label} is not trained yet: there is no {place}. {how}")
    by_hand = getattr(weights, "by_hand", "")
    if state == "incomplete":
        how = by_hand or f"Pull it again to fetch the rest: creative-lab models pull {weights.slug}"
        raise ModelNotHere(f"{weights.label} is not whole at {place}: {lacking(place, weights)}. {how}")
    how = by_hand or f"Fetch it with: creative-lab models pull {weights.slug}"
    raise ModelNotHere(f"{weights.label} is not on this machine: there is no {place}. {how}")


def bytes_here(settings: Settings, weights: Weights) -> int | None:
    """Size of the weights of an entry in bytes: what is on disk, else the catalogue's; None where nobody knows."""
    place = place_of(settings, weights)
    files = [place] if place.is_file() else weights.files_in(place) if weights.is_loadable(place) else []
    return sum(file.stat().st_size for file in files) if files else weights.size_bytes


def checked(settings: Settings, weights: Weights) -> Verified:
    """Find and check the weights of an entry. Raises :class:`ModelNotHere`, or what :func:`check_files` raises."""
    return check_files(located(settings, weights), weights)


def check_files(place: Path, weights: Weights) -> Verified:
    """Check the files of a model before they are loaded; returns their digest.

    Shipped files are compared with data/models/manifest.json, all others with the catalogue and the manifest of their
    download. Hashes of unchanged files are remembered. Raises :class:`ModelNotHere` or :class:`UnsafeModel`.
    """
    if weights.path.startswith(SHIPPED):
        return check_shipped(place)
    return verify(place, weights.files, suffix=weights.suffix)


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


def _missing_parts(folder: Path) -> Path | None:
    """The first file that the indexes of a folder name and that is not there.

    None where one index (there may be one per precision) has all its files, or where weights lie beside them whole.
    """
    named: set[str] = set()
    first: Path | None = None
    for index in sorted(folder.glob(INDEX)):
        try:
            parts = sorted({str(part) for part in json.loads(index.read_text("utf-8"))["weight_map"].values()})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"{index}: the list of its files cannot be read: {error}") from error
        missing = [folder / part for part in parts if not (folder / part).is_file()]
        if not missing:
            return None
        named |= set(parts)
        first = first or missing[0]
    whole = [path for path in folder.glob("*.safetensors") if path.name not in named]
    return None if whole else first
