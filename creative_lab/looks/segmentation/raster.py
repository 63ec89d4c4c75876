"""Small operations on pictures and masks that the segmentation shares."""

from __future__ import annotations

import io

import numpy as np


def at_most(array: np.ndarray, level: float) -> np.ndarray:
    """255 where a uint8 ``array`` is at most ``level``, else 0."""
    import cv2

    return np.asarray(cv2.compare(array, level, cv2.CMP_LE))  # type: ignore[call-overload]


def above(array: np.ndarray, level: float) -> np.ndarray:
    """255 where a uint8 ``array`` is above ``level``, else 0."""
    import cv2

    return np.asarray(cv2.compare(array, level, cv2.CMP_GT))  # type: ignore[call-overload]


def equal(array: np.ndarray, value: int) -> np.ndarray:
    """255 where a uint8 ``array`` is ``value``, else 0."""
    import cv2

    return np.asarray(cv2.compare(array, value, cv2.CMP_EQ))  # type: ignore[call-overload]


def box_of(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right, bottom (exclusive) of a bool mask that is not empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def png(array: np.ndarray) -> bytes:
    """A bool mask, a greyscale, RGB or RGBA picture as PNG."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(array).save(out, "PNG", compress_level=4)
    return out.getvalue()
