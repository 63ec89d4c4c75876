"""Weights on disk: only safetensors, only known components, and the bytes that the catalogue or the pull names."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from creative_lab.weights.entries import WeightFile
from creative_lab.weights.errors import ModelError, UnsafeModel

MANIFEST = "manifest.json"
"""Written last by ``models pull``: its presence means that every file arrived and was verified.

Shipped models share one below data/models: model → file → SHA-256.
"""

INDEX = "*.safetensors.index*.json"
"""Files that name the parts of weights which are split over several files."""

PICKLES = frozenset({".bin", ".ckpt", ".pt", ".pth", ".pkl", ".pickle", ".joblib"})
TRUSTED_LIBRARIES = frozenset({"diffusers", "transformers", "stable_diffusion"})
"""Libraries that components of a pipeline may come from; anything else is a module that would be run."""

_HEADER_LIMIT = 100 << 20


@dataclass(frozen=True)
class Verified:
    """What a check of a model's files found."""

    digest: str
    """One hash of all weight files: SHA-256 over their names and hashes."""
    checked: int
    """How many files were compared with a known hash."""
    unknown: int
    """How many weight files have no known hash."""


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex; remembered while the file stays unchanged."""
    state = path.stat()
    return _hash(str(path), state.st_ino, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=512)
def _hash(path: str, inode: int, size: int, changed: int) -> str:  # noqa: ARG001 - part of the cache's key
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(place: Path, known: Iterable[WeightFile], *, suffix: str = ".safetensors") -> Verified:
    """Check a model's folder (or single file) before it is loaded.

    ``suffix`` is the format of the weights in a folder. Raises :class:`UnsafeModel` for code beside the weights,
    components of foreign libraries, or a file whose size or SHA-256 differs from the catalogue's or the manifest's that
    ``models pull`` wrote.
    """
    root = place if place.is_dir() else place.parent
    expected = {file.path: file for file in [*recorded(root), *known]}
    if place.is_dir():
        _refuse_code(place)
        weights = sorted(place.rglob(f"*{suffix}"))
    else:
        read_header(place)
        weights = [place]
        expected = {name: file for name, file in expected.items() if name == place.name}
    if not weights:
        raise UnsafeModel(f"{place}: there are no {suffix} files; other formats are not loaded")
    checked = 0
    names = {path.relative_to(root).as_posix(): path for path in weights}
    for name, file in expected.items():
        path = root / name
        if not path.is_file():
            raise ModelError(f"{path}: the file is missing; creative-lab models pull fetches what is missing")
        if file.bytes is not None and path.stat().st_size != file.bytes:
            raise UnsafeModel(f"{path}: {path.stat().st_size} bytes instead of {file.bytes}")
        if file.sha256 is not None:
            checked += 1
            if sha256_of(path) != file.sha256:
                raise UnsafeModel(f"{path}: its SHA-256 is not the one in the catalogue; the file is not loaded")
    hashed = {name for name, file in expected.items() if file.sha256 is not None}
    digest = together({name: sha256_of(path) for name, path in names.items()})
    return Verified(digest, checked, len(set(names) - hashed))


def together(digests: dict[str, str]) -> str:
    """One SHA-256 over the names and hashes of several files."""
    return hashlib.sha256("\n".join(f"{name} {digests[name]}" for name in sorted(digests)).encode()).hexdigest()


def read_header(path: Path) -> dict[str, Any]:
    """Header of a safetensors file: tensor names with dtype and shape, and ``__metadata__``.

    Reads no tensor. Raises :class:`UnsafeModel` when the file is anything else (such as a renamed pickle).
    """
    if path.suffix != ".safetensors":
        raise UnsafeModel(f"{path}: only .safetensors files are loaded")
    try:
        with path.open("rb") as file:
            head = file.read(8)
            length = struct.unpack("<Q", head)[0] if len(head) == 8 else 0
            if not 2 <= length <= min(_HEADER_LIMIT, path.stat().st_size - 8):
                raise ValueError("the header has an impossible length")
            header = json.loads(file.read(length))
    except (ValueError, RecursionError, UnicodeDecodeError) as error:
        raise UnsafeModel(f"{path}: not a safetensors file ({error})") from error
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
    if not isinstance(header, dict) or not all(isinstance(value, dict) for value in header.values()):
        raise UnsafeModel(f"{path}: not a safetensors file (the header is no object)")
    return header


def _refuse_code(folder: Path) -> None:
    if code := sorted(path.name for path in folder.rglob("*.py")):
        raise UnsafeModel(f"{folder}: holds code ({', '.join(code[:3])}); pipelines with code of their own are not run")
    index = folder / "model_index.json"
    if not index.is_file():
        return
    try:
        components = json.loads(index.read_text(encoding="utf-8"))
        assert isinstance(components, dict)
    except (ValueError, AssertionError) as error:
        raise ModelError(f"{index}: not a JSON object ({error})") from error
    if not isinstance(components.get("_class_name"), str):
        raise UnsafeModel(f"{index}: _class_name is not the name of a pipeline of diffusers")
    for name, component in components.items():
        if name.startswith("_") or not isinstance(component, list) or not component:
            continue
        if component[0] is not None and component[0] not in TRUSTED_LIBRARIES:
            raise UnsafeModel(f"{index}: the component {name} comes from {component[0]!r}, which is not run")


def marker_of(slug: str) -> str:
    """Name of the file that lists what a pull of the model ``slug`` fetches; it is there until all has arrived."""
    return f".pull-{slug}.json"


def recorded(root: Path, name: str = MANIFEST) -> list[WeightFile]:
    """The files that a manifest or the marker of a pull names; none when there is no such file."""
    path = root / name
    if not path.is_file():
        return []
    try:
        return [WeightFile.model_validate(entry) for entry in json.loads(path.read_text(encoding="utf-8"))["files"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: the manifest of the download cannot be read: {error}") from error
