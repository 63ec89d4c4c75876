"""A character's pictures as people bring them: found in a folder, made upright and of one kind."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from creative_lab.characters.errors import CharacterError
from creative_lab.vision.pictures import SUFFIXES, PictureError, open_picture

LONGEST_SIDE = 2048
QUALITY = 85
LEAST_SIDE = 32
MOST_PICTURES = 500


@dataclass(frozen=True)
class Photograph:
    """One picture that was read: its name (the file's, without suffix) and the JPEG that is kept of it."""

    name: str
    source: str
    """The file's name in the folder."""
    data: bytes
    width: int
    height: int


def picture_files(folder: Path) -> list[Path]:
    """Picture files directly in ``folder`` by name, whatever the case of their suffix; hidden files are no pictures.

    Raises :class:`CharacterError` when there is no such folder, no picture, or too many.
    """
    if not folder.is_dir():
        raise CharacterError(f"{folder} is not a folder")
    found = [
        path
        for path in sorted(folder.iterdir())
        if path.is_file() and path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    ]
    if not found:
        kinds = ", ".join(sorted(suffix[1:] for suffix in SUFFIXES))
        raise CharacterError(f"{folder}: there is no picture ({kinds}) in this folder")
    if len(found) > MOST_PICTURES:
        raise CharacterError(f"{folder}: {len(found)} pictures, more than {MOST_PICTURES}: choose the best ones")
    return found


def read_photographs(folder: Path) -> list[Photograph]:
    """All pictures of ``folder``, upright, over white, RGB, at most 2048 pixels long, as JPEG of quality 85.

    A file that is there twice (same name but for the suffix, or the same bytes) is told apart by number or read once.
    Raises :class:`CharacterError` that names every file that cannot be used; nothing is half done then.
    """
    problems: list[str] = []
    found: list[Photograph] = []
    seen: set[bytes] = set()
    names: set[str] = set()
    for path in picture_files(folder):
        raw = path.read_bytes()
        if raw in seen:
            continue
        seen.add(raw)
        try:
            pixels = open_picture(raw, name=path.name)
        except PictureError as error:
            problems.append(str(error))
            continue
        height, width = pixels.shape[:2]
        if min(width, height) < LEAST_SIDE:
            problems.append(f"{path.name}: {width} × {height} pixels, at least {LEAST_SIDE} a side are needed")
            continue
        name = unique_name(path.stem, names)
        data, width, height = as_jpeg(pixels)
        found.append(Photograph(name, path.name, data, width, height))
    if problems:
        shown = "; ".join(problems[:5]) + (f"; and {len(problems) - 5} more" if len(problems) > 5 else "")
        raise CharacterError(f"{folder}: {len(problems)} of the pictures cannot be used: {shown}")
    return found


def as_jpeg(pixels: np.ndarray) -> tuple[bytes, int, int]:
    """RGB uint8 (height, width, 3) as JPEG, made smaller where a side is too long; returns bytes, width, height."""
    from PIL import Image

    image = Image.fromarray(pixels)
    # Only ever smaller, and with the aspect kept: thumbnail does both.
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue(), image.width, image.height


def unique_name(stem: str, taken: set[str]) -> str:
    """``stem`` in letters that files and tensors may be named by, with a number where it is taken already."""
    plain = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in stem).strip("-")[:60]
    base = name = plain or "picture"
    number = 2
    while name.lower() in {other.lower() for other in taken}:
        name, number = f"{base}-{number}", number + 1
    taken.add(name)
    return name
