"""Pictures made worse by a known amount: what judges of beauty and preference are trained on and measured by.

The quality level runs from 1 (as drawn) to 0 (spoilt). A picture gets one to three faults; their strengths add up to
what the level is short of 1, so that equal levels look equally bad whatever the faults are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FAULTS = ("blur", "noise", "blocks", "washed out", "dark", "colour cast", "clutter", "cut off")


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a picture; ``strength`` is 0–1."""

    name: str
    strength: float


def sample_faults(level: float, rng: np.random.Generator) -> tuple[Fault, ...]:
    """One to three faults whose strengths add up to ``1 - level``."""
    if not 0 <= level <= 1:
        raise ValueError(f"a quality level is between 0 and 1, not {level}")
    if level > 0.995:
        return ()
    count = int(rng.choice([1, 2, 3], p=[0.5, 0.35, 0.15]))
    names = rng.choice(len(FAULTS), size=count, replace=False)
    shares = rng.dirichlet(np.full(count, 3.0)) * (1 - level)
    return tuple(Fault(FAULTS[int(name)], float(share)) for name, share in zip(names, shares, strict=True))


def spoil(pixels: np.ndarray, faults: tuple[Fault, ...], rng: np.random.Generator) -> np.ndarray:
    """``pixels`` (uint8, height × width × 3) with ``faults``; lengths scale with the picture's height."""
    picture = pixels.astype(np.float32)
    for fault in faults:
        picture = np.clip(_MAKERS[fault.name](picture, fault.strength, rng), 0, 255)
    return picture.round().astype(np.uint8)


def _blur(picture: np.ndarray, strength: float, _: np.random.Generator) -> np.ndarray:
    from scipy.ndimage import gaussian_filter1d

    sigma = 0.004 * picture.shape[0] * (1 + 9 * strength)
    return gaussian_filter1d(gaussian_filter1d(picture, sigma, axis=0), sigma, axis=1)


def _noise(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    return picture + rng.normal(0, 6 + 64 * strength, picture.shape).astype(np.float32)


def _blocks(picture: np.ndarray, strength: float, _: np.random.Generator) -> np.ndarray:
    height, width = picture.shape[:2]
    size = max(2, round(height * (0.012 + 0.07 * strength)))
    rows, columns = np.arange(height) // size * size, np.arange(width) // size * size
    coarse = np.add.reduceat(np.add.reduceat(picture, rows[::size], axis=0), columns[::size], axis=1)
    counts = np.outer(np.diff([*rows[::size], height]), np.diff([*columns[::size], width]))[..., None]
    blocky = (coarse / counts)[rows // size][:, columns // size]
    share = min(1.0, 0.45 + strength)
    return picture * (1 - share) + blocky * share


def _washed_out(picture: np.ndarray, strength: float, _: np.random.Generator) -> np.ndarray:
    share = 0.12 + 0.75 * strength
    return picture * (1 - share) + np.float32(205) * share


def _dark(picture: np.ndarray, strength: float, _: np.random.Generator) -> np.ndarray:
    return 255 * (picture / 255) ** (1.25 + 2.2 * strength) * (1 - 0.55 * strength)


def _colour_cast(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    tint = np.array([(255, 40, 220), (40, 255, 60), (255, 200, 0), (0, 230, 255)][int(rng.integers(4))], np.float32)
    share = 0.08 + 0.55 * strength
    return picture * (1 - share) + tint * share


def _clutter(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    height, width = picture.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    picture = picture.copy()
    for _ in range(2 + round(22 * strength)):
        radius = height * rng.uniform(0.02, 0.075)
        inside = np.abs(x - rng.uniform(0, width)) + np.abs(y - rng.uniform(0, height)) * rng.uniform(0.5, 2) < radius
        picture[inside] = rng.uniform(0, 255, 3)
    return picture


def _cut_off(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    picture = picture.copy()
    lost = 0.05 + 0.5 * strength
    axis, end = int(rng.integers(2)), bool(rng.integers(2))
    length = picture.shape[axis]
    shift = round(length * lost)
    moved = np.roll(picture, shift if end else -shift, axis=axis)
    gap = slice(0, shift) if end else slice(length - shift, length)
    moved[(gap, slice(None)) if axis == 0 else (slice(None), gap)] = 128
    return moved


_MAKERS = {
    "blur": _blur, "noise": _noise, "blocks": _blocks, "washed out": _washed_out, "dark": _dark,
    "colour cast": _colour_cast, "clutter": _clutter, "cut off": _cut_off,
}  # fmt: skip
