"""A square part of a picture drawn anew from nearby: cut out, drawn over at the model's own size, blended back in.

Models draw small faces badly because few latents show them. Drawing over an enlarged part (Meng et al. 2021, SDEdit)
gives it as many latents as a picture of its own; retouchers know it as a face detailer.
"""

from __future__ import annotations

from typing import Any

import numpy as np

EDGE = 0.125
"""Share of the square's side over which old and new pass into each other, on a circle that fills the square."""


def cut_out(image: Any, square: tuple[float, float, float], side: int) -> Any:
    """The square (left, top, side in pixels) of a PIL picture, ``side`` pixels wide; edges are repeated outside."""
    from PIL import Image

    pixels = np.asarray(image.convert("RGB"))
    return Image.fromarray(_warped(pixels, _matrix(square, side), (side, side), shrunk=square[2] / side))


def blend_in(image: Any, drawn: Any, square: tuple[float, float, float], upscale: int) -> Any:
    """``image`` enlarged ``upscale`` times with ``drawn`` in place of its square; the rim passes over softly."""
    import cv2
    from PIL import Image

    new, side = np.asarray(drawn.convert("RGB")), drawn.width
    size = (image.width * upscale, image.height * upscale)
    large = np.asarray(image.convert("RGB").resize(size, Image.Resampling.BICUBIC))
    left, top, part = (value * upscale for value in square)
    back = cv2.invertAffineTransform(_matrix((left, top, part), side))
    # Round, as heads are: the corners of a square would show as such against what stands behind somebody.
    across = np.linspace(-1, 1, side, dtype=np.float32)
    distance = np.hypot(across[:, None], across[None])
    inner = 1 - 2 * EDGE
    mask = np.clip((1 - distance) / (1 - inner), 0, 1)
    mask = mask * mask * (3 - 2 * mask)
    shown = _warped(new, back, size, shrunk=side / part)
    share = cv2.warpAffine(mask, back, size)[..., None]
    return Image.fromarray((large * (1 - share) + shown * share).round().clip(0, 255).astype(np.uint8))


def _warped(pixels: np.ndarray, matrix: np.ndarray, size: tuple[int, int], *, shrunk: float) -> np.ndarray:
    """Pixels through an affine map; where they shrink they are blurred first, as a warp would skip some of them."""
    import cv2

    if shrunk > 1:
        pixels = cv2.GaussianBlur(pixels, (0, 0), max(0.1, 0.4 * (shrunk - 1)))
    return cv2.warpAffine(pixels, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def _matrix(square: tuple[float, float, float], side: int) -> np.ndarray:
    """The affine map from a picture to its square at ``side`` pixels (2, 3)."""
    left, top, size = square
    scale = side / size
    # Pixels are areas: their centres, not their corners, lie on whole numbers for OpenCV.
    shift = (scale - 1) / 2
    return np.array([[scale, 0, shift - left * scale], [0, scale, shift - top * scale]])
