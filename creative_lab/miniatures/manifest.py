"""Hashes of all shipped weights, and the check that every loader makes before it trusts a folder."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from creative_lab.lake.fs import FileSystem
from creative_lab.settings import Settings, get_settings

MANIFEST = "manifest.json"


class ModelFilesError(RuntimeError):
    """A model's folder is missing, or a file in it is not the one that was shipped."""


def models_root(settings: Settings | None = None) -> Path:
    """The folder of all shipped models."""
    return (settings or get_settings()).data_dir / "models"


def read_manifest(root: Path) -> dict[str, dict[str, str]]:
    """Model → file name → SHA-256; empty when nothing is shipped."""
    path = root / MANIFEST
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def write_manifest(root: Path, name: str) -> dict[str, str]:
    """Put the hashes of all files of model ``name`` into the manifest; returns them."""
    files = FileSystem(root)
    with files.lock("manifest"):
        manifest = read_manifest(root)
        manifest[name] = {
            entry.name.removeprefix(f"{name}/"): hashlib.sha256(files.read_bytes(entry.name)).hexdigest()
            for entry in files.list(name)
        }
        text = json.dumps(dict(sorted(manifest.items())), indent=2, sort_keys=True) + "\n"
        files.write_bytes(MANIFEST, text.encode())
    return manifest[name]


def model_folder(name: str, *, root: Path | None = None) -> Path:
    """The folder of model ``name`` after its files were checked against the manifest.

    Raises :class:`ModelFilesError`, which names the file, when one is missing, changed or unknown.
    """
    root = root or models_root()
    expected = read_manifest(root).get(name)
    if expected is None:
        raise ModelFilesError(
            f"model {name!r} is not in {root / MANIFEST}: train it with creative_lab.miniatures train"
        )
    folder = root / name
    for file, digest in expected.items():
        path = folder / file
        if not path.is_file():
            raise ModelFilesError(f"model {name!r} lacks {path}")
        if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise ModelFilesError(f"{path} is not the file that was shipped: its SHA-256 differs from the manifest")
    unknown = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - set(expected)
    if unknown:
        raise ModelFilesError(f"model {name!r} has files that were not shipped: {', '.join(sorted(unknown))}")
    return folder
