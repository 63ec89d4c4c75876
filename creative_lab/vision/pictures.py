"""Reading picture files of any kind as plain RGB, or saying clearly why not."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
"""Names of picture files (lower case) that are read."""

MOST_PIXELS = 178_956_970
"""Largest picture that is opened, as in the lake (Pillow's own limit against decompression bombs)."""

_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


class PictureError(ValueError):
    """Bytes that are no picture, or one that cannot be read; the message names the file and the reason."""


def open_picture(data: bytes | Path, *, name: str = "") -> np.ndarray:
    """A picture as RGB uint8 (height, width, 3): upright by its EXIF tag, transparency over white, first frame.

    Colours are brought to sRGB where the file carries another profile. 16-bit grey is scaled to 8 bits. Profiles and
    EXIF that cannot be read are ignored. ``name`` stands in messages for bytes without a path. Raises
    :class:`PictureError`.
    """
    from PIL import Image

    where = name or (str(data) if isinstance(data, Path) else "picture")
    try:
        raw = data.read_bytes() if isinstance(data, Path) else data
    except OSError as error:
        raise PictureError(f"{where}: cannot be read ({error.strerror})") from error
    if not raw:
        raise PictureError(f"{where}: the file is empty")
    try:
        with Image.open(io.BytesIO(raw), formats=_FORMATS) as image:
            pixels = image.width * image.height
            if pixels > MOST_PIXELS:
                raise PictureError(f"{where}: {image.width} × {image.height} pixels, more than {MOST_PIXELS:,}")
            return np.array(_rgb(image, where), order="C")
    except PictureError:
        raise
    except Image.DecompressionBombError as error:
        raise PictureError(f"{where}: more than {MOST_PIXELS:,} pixels") from error
    except Image.UnidentifiedImageError as error:
        if raw[:4] in _TIFF:
            raise PictureError(f"{where}: a TIFF of a kind that is not read, such as 64-bit numbers") from error
        raise PictureError(f"{where}: not a PNG, JPEG, WebP, BMP, GIF or TIFF picture") from error
    except Exception as error:
        # Damaged files make Pillow's decoders raise nearly anything: struct.error, zlib.error, AttributeError ...
        raise PictureError(f"{where}: damaged or unfinished ({error or type(error).__name__})") from error


def open_pictures(sources: Sequence[bytes | Path], *, workers: int | None = None) -> list[np.ndarray]:
    """Several pictures at once, by threads (decoding runs outside the interpreter's lock). Raises as `open_picture`."""
    count = min(workers or os.cpu_count() or 1, len(sources))
    if count <= 1:
        return [open_picture(source) for source in sources]
    with ThreadPoolExecutor(count, "pictures") as pool:
        return list(pool.map(open_picture, sources))


def _rgb(image: Image.Image, where: str) -> np.ndarray:
    image.seek(0)
    image.load()
    upright = _upright(image)
    if upright.mode.startswith("I") or upright.mode == "F":
        return _from_numbers(np.asarray(upright), upright.mode, where)
    upright = _in_srgb(upright, image.info.get("icc_profile"))
    if upright.has_transparency_data:
        with_alpha = upright.convert("RGBA")
        white = with_alpha.copy()
        white.paste((255, 255, 255, 255), (0, 0, *white.size))
        white.alpha_composite(with_alpha)
        upright = white
    # Copies of large pictures cost as much as their decoding: none is made that is not needed.
    return np.asarray(upright if upright.mode == "RGB" else upright.convert("RGB"))


def _upright(image: Image.Image) -> Image.Image:
    """``image`` turned as its EXIF says; EXIF that cannot be read says nothing."""
    from PIL import ExifTags
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:
        return image
    turn = turns.get(orientation) if isinstance(orientation, int) else None
    return image if turn is None else image.transpose(turn)


def _from_numbers(values: np.ndarray, mode: str, where: str) -> np.ndarray:
    """Grey levels of 16 or 32 bits, or floating point, as RGB.

    Pillow's 16-bit modes say their scale; of the others it is told by the largest value.
    """
    values = values.astype(np.float64)
    if not np.isfinite(values).all():
        raise PictureError(f"{where}: has pixels that are not numbers")
    low, high = float(values.min()), float(values.max())
    limits = (65535.0,) if mode.startswith("I;16") else (1.0, 255.0, 65535.0)
    top = next((limit for limit in limits if high <= limit), None)
    if low < 0 or top is None:
        raise PictureError(f"{where}: grey levels from {low:g} to {high:g} are neither 0–1, 8-bit nor 16-bit")
    grey = np.rint(values * (255.0 / top)).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """``image`` in sRGB when its profile says that it is something else; unreadable profiles are ignored."""
    from PIL import ImageCms

    if not profile or image.mode not in {"RGB", "RGBA", "CMYK", "L"}:
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return image
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode=mode)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image
    return image if converted is None else converted
