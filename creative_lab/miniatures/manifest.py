"""Hashes of all shipped weights, and the check that every loader makes before it trusts a folder."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from creative_lab.lake.fs import FileSystem
from creative_lab.settings import Settings, get_settings
from creative_lab.weights.errors import ModelNotHere
from creative_lab.weights.files import MANIFEST
from creative_lab.weights.places import check_shipped


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

    Raises :class:`ModelError`, which names the file, when one is missing, changed or unknown.
    """
    root = root or models_root()
    if name not in read_manifest(root):
        raise ModelNotHere(f"model {name!r} is not in {root / MANIFEST}: train it with creative_lab.miniatures train")
    check_shipped(root / name)
    return root / name
