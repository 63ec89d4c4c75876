"""The white seamless backdrop of a picture: a smooth surface fitted to what lies at the border.

A seamless backdrop has no corners: its colour changes slowly from place to place. It is modelled, channel by channel,
as a polynomial of the fourth degree in x and y, fitted by least squares with Tukey's biweight (Beaton and Tukey 1974)
to a thin sample of the picture: first the border, then everything that agrees with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_STEP = 16
_DEGREE = 4
_CELL = 16
_RING = 0.03
_ROUNDS = 3
_FAR = 24.0


@dataclass(frozen=True)
class Backdrop:
    """A fitted backdrop; colours and differences are levels of 0–255."""

    colour: np.ndarray
    """The backdrop's colour at every pixel, uint8 (height, width, 3)."""
    grain: float
    """Standard deviation of a backdrop pixel around the surface (noise of the picture), in levels."""
    agreement: float
    """Share of the border (0–1) that agrees with the surface; people at the border and a set with edges lower it."""

    @property
    def brightness(self) -> float:
        """Mean level of the backdrop (255 is white)."""
        return float(self.colour[::_CELL, ::_CELL].mean())

    @property
    def tint(self) -> float:
        """Largest difference between the mean levels of two channels; 0 is neutral."""
        means = self.colour[::_CELL, ::_CELL].reshape(-1, 3).mean(0)
        return float(means.max() - means.min())

    @property
    def tolerance(self) -> int:
        """Difference up to which a pixel is the bare backdrop: four standard deviations of its grain, at least 5."""
        return int(np.ceil(max(5.0, 4.0 * self.grain + 1.0)))


def fit_backdrop(pixels: np.ndarray) -> Backdrop:
    """The backdrop of a picture, uint8 RGB (height, width, 3), at least 32 × 32."""
    import cv2

    height, width = pixels.shape[:2]
    step = max(1, min(_STEP, min(height, width) // 48))
    sample = pixels[step // 2 :: step, step // 2 :: step].astype(np.float32)
    rows, columns = sample.shape[:2]
    x, y = np.meshgrid(_centres(columns), _centres(rows))
    ring = np.zeros((rows, columns), bool)
    edge = max(1, round(_RING * min(rows, columns)))
    # The lower border is left out of the start: feet and their shadows are nearest to it.
    ring[:edge], ring[:, :edge], ring[:, -edge:] = True, True, True
    terms = _terms(x, y)
    flat, wanted = sample.reshape(-1, 3), ring.ravel()
    # A plane first: a high degree over the border alone would be free to bend in the middle.
    surface = _robust(terms[:, :3], flat, np.flatnonzero(wanted))
    for columns_used in (6, terms.shape[1]):
        error = np.abs(flat - terms[:, : surface.shape[0]] @ surface).max(1)
        # Bare paper has neighbours like itself; what is flat but coloured, or dark, is somebody's coat.
        near = np.flatnonzero(error < (_FAR if columns_used == 6 else _FAR / 2))
        if len(near) < 4 * columns_used:
            break
        surface = _robust(terms[:, :columns_used], flat, near)
    used = surface.shape[0]
    error = flat - terms[:, :used] @ surface
    off = np.abs(error).max(1)
    calm = off < _FAR / 2
    # The median absolute deviation times 1.4826 is the standard deviation of normal noise.
    grain = float(1.4826 * np.median(np.abs(error[calm]))) if calm.any() else _FAR
    agreement = float((off[wanted] < max(8.0, 4 * grain)).mean())

    # cv2.resize takes the centres of pixels as its grid, as the sample does: a coarse picture of the surface is enough.
    gx, gy = np.meshgrid(_centres(-(-width // _CELL)), _centres(-(-height // _CELL)))
    coarse = (_terms(gx, gy)[:, :used] @ surface).reshape(*gx.shape, 3)
    full = cv2.resize(
        np.clip(np.rint(coarse), 0, 255).astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR
    )
    return Backdrop(full, grain, agreement)


def _centres(count: int) -> np.ndarray:
    """Centres of ``count`` equal cells of the interval from -1 to 1."""
    return ((np.arange(count) + 0.5) * 2 / count - 1).astype(np.float32)


def _terms(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Columns 1, x, y, x², … of a polynomial in two variables, lowest degree first."""
    x, y = x.ravel(), y.ravel()
    columns = [x**i * y ** (total - i) for total in range(_DEGREE + 1) for i in range(total, -1, -1)]
    return np.stack(columns, 1).astype(np.float32)


def _robust(terms: np.ndarray, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Coefficients (terms, channels) by iterated reweighted least squares with Tukey's biweight."""
    a, b = terms[rows], values[rows]
    weights = np.ones(len(rows), np.float32)
    solution = np.zeros((terms.shape[1], values.shape[1]), np.float32)
    for _ in range(_ROUNDS):
        weighted = a * weights[:, None]
        normal = weighted.T @ a + np.eye(a.shape[1], dtype=np.float32) * 1e-3
        solution = np.linalg.solve(normal, weighted.T @ b)
        error = np.abs(b - a @ solution).max(1)
        scale = 4.685 * max(0.7, 1.4826 * float(np.median(error)))
        weights = np.square(np.clip(1 - np.square(error / scale), 0, None))
    return solution.astype(np.float32)
