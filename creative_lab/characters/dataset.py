"""The training set: pairs checked, repeats found, sizes put into buckets, and what SDXL reads computed once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from creative_lab.characters.caption_rules import LONGEST, SHORTEST, looks_said
from creative_lab.characters.encoding import encode
from creative_lab.characters.training_data import pack
from creative_lab.vision.pictures import PictureError, open_picture

MODES = frozenset({"RGB", "RGBA", "L"})
NEAR_BITS = 4
"""Perceptual hashes that differ in at most this many of 64 bits belong to the same picture."""


@dataclass
class Pair:
    """A picture with its caption, and what is known about them."""

    name: str
    path: str
    sha256: str
    caption: str | None
    mode: str = ""
    width: int = 0
    height: int = 0
    left_out: str | None = None
    warnings: list[str] = field(default_factory=list)
    duplicate_of: str | None = None
    perceptual_hash: str | None = None
    bucket: tuple[int, int] | None = None
    """Width and height that are trained at."""
    crop: tuple[int, int] = (0, 0)
    """Pixels cut off at the left and at the top after resizing."""
    pixels: np.ndarray | None = None
    """The picture at the size of its bucket, RGB uint8; None when it is left out."""


def check_pair(pair: Pair, data: bytes | None, trigger: str, *, status: str = "ready") -> np.ndarray | None:
    """Look at one pair and say why it cannot be used (``left_out``) or what is doubtful (``warnings``).

    ``data`` is the picture's file, None when it is missing. Returns the picture as RGB when it can be read.
    """
    from PIL import Image

    if data is None:
        pair.left_out = "the picture's file is missing"
        return None
    try:
        pixels = open_picture(data, name=pair.name)
    except PictureError as error:
        pair.left_out = str(error)
        return None
    import io

    with Image.open(io.BytesIO(data)) as image:
        pair.mode = image.mode
    pair.height, pair.width = pixels.shape[:2]
    caption = (pair.caption or "").strip()
    if pair.mode not in MODES:
        pair.warnings.append(f"pixel format {pair.mode}, read as RGB")
    if status not in {"ready", "mended"}:
        pair.left_out = f"its caption is not ready ({status.replace('_', ' ')})"
    elif not caption:
        pair.left_out = "the caption is missing or empty"
    else:
        if trigger not in caption:
            pair.warnings.append(f"the caption lacks the trigger {trigger}")
        if said := looks_said(caption, trigger):
            pair.warnings.append(f"the caption says looks or clothes: {', '.join(said)}")
        if not SHORTEST <= len(caption) <= LONGEST:
            pair.warnings.append(f"the caption has {len(caption)} characters, not {SHORTEST} to {LONGEST}")
    return pixels


def perceptual_hash(pixels: np.ndarray) -> int:
    """64 bits about the coarse brightness of a picture: the signs of low frequencies of its cosine transform.

    The usual pHash: 32 × 32 grey, DCT, the 8 × 8 lowest frequencies against their median.
    """
    import cv2

    grey = cv2.cvtColor(cv2.resize(pixels, (32, 32), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    low = cv2.dct(grey.astype(np.float32))[:8, :8].flatten()
    bits = low > np.median(low[1:])
    return int("".join("1" if bit else "0" for bit in bits), 2)


def mark_duplicates(pairs: Sequence[Pair], hashes: Sequence[int | None], pictures: Sequence[np.ndarray | None]) -> None:
    """Leave out pictures that repeat an earlier one: near in perceptual hash, and alike when laid on each other."""
    kept: list[int] = []
    for number, pair in enumerate(pairs):
        own = hashes[number]
        if own is None or pair.left_out:
            continue
        pair.perceptual_hash = f"{own:016x}"
        for other in kept:
            near = (own ^ int(hashes[other] or 0)).bit_count() <= NEAR_BITS
            if near and _alike(pictures[number], pictures[other]):
                pair.duplicate_of = pairs[other].name
                pair.left_out = f"repeats {pairs[other].name}"
                break
        else:
            kept.append(number)


def _alike(first: Any, second: Any, *, most: float = 12.0) -> bool:
    """Whether two pictures differ by at most ``most`` grey levels on average, seen at 32 × 32.

    Plain backgrounds give near hashes to pictures of different people; their pixels differ all the same.
    """
    import cv2

    small = [
        cv2.resize(picture, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32) for picture in (first, second)
    ]
    return float(np.abs(small[0] - small[1]).mean()) <= most


def bucket_of(width: int, height: int, resolution: int, multiple: int) -> tuple[int, int]:
    """Width and height to train a picture at: about ``resolution``² pixels, its aspect, sides of a ``multiple``.

    Aspects beyond 1 : 2 are cut to it. Small pictures are not enlarged beyond their own number of pixels by more than
    it takes to reach one multiple.
    """
    aspect = min(2.0, max(0.5, width / height))
    area = min(resolution**2, max(multiple**2, width * height))

    def size(steps: int) -> tuple[int, int]:
        wide = steps * multiple
        high = max(multiple, int(area / wide) // multiple * multiple)
        return wide, high

    widest = math.floor(math.sqrt(2 * area) / multiple)
    sizes = {size(steps) for steps in range(1, max(1, widest) + 1)}
    # Nearest aspect; of equals the one with more pixels.
    return min(sizes, key=lambda s: (round(abs(math.log(s[0] / s[1] / aspect)), 6), -s[0] * s[1]))


def fit(pixels: np.ndarray, bucket: tuple[int, int]) -> tuple[np.ndarray, tuple[int, int]]:
    """``pixels`` resized to cover ``bucket`` and cut at the centre; returns them and (left, top) of the cut."""
    from PIL import Image

    width, height = bucket
    high, wide = pixels.shape[:2]
    scale = max(width / wide, height / high)
    size = (max(width, round(wide * scale)), max(height, round(high * scale)))
    image = Image.fromarray(pixels)
    if size != image.size:
        image = image.resize(size, Image.Resampling.LANCZOS)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return np.asarray(image.crop((left, top, left + width, top + height))), (left, top)


def make_pairs(
    rows: Sequence[dict[str, Any]],
    read: Callable[[str], bytes],
    trigger: str,
    *,
    resolution: int,
    multiple: int,
) -> list[Pair]:
    """Pairs from rows of ``captions``; ``read`` gives a file of the lake. Sizes are in pixels."""
    pairs: list[Pair] = []
    pictures: list[np.ndarray | None] = []
    for row in rows:
        pair = Pair(row["picture"], row["path"], row["sha256"], row["caption"])
        try:
            data: bytes | None = read(row["path"])
        except OSError:
            data = None
        pictures.append(check_pair(pair, data, trigger, status=row["status"]))
        pairs.append(pair)
    hashes = [None if picture is None else perceptual_hash(picture) for picture in pictures]
    mark_duplicates(pairs, hashes, pictures)
    for pair, picture in zip(pairs, pictures, strict=True):
        if pair.left_out is None and picture is not None:
            pair.bucket = bucket_of(pair.width, pair.height, resolution, multiple)
            pair.pixels, pair.crop = fit(picture, pair.bucket)
    return pairs


def side_multiple(pipeline: Any) -> int:
    """Sides of pictures are multiples of this many pixels, so that latents can be halved as often as the UNet does."""
    return int(pipeline.vae_scale_factor * 2 ** (len(pipeline.unet.config.block_out_channels) - 1))


def cache(pipeline: Any, pairs: Sequence[Pair]) -> bytes:
    """Latents and text states of all pairs that are used, as one safetensors file."""
    return pack(
        {
            pair.name: encode(
                pipeline, pair.pixels, pair.caption or "", original=(pair.height, pair.width), crop=pair.crop[::-1]
            )
            for pair in pairs
            if pair.left_out is None and pair.pixels is not None
        }
    )


def manifest(pairs: Sequence[Pair], trigger: str) -> dict[str, Any]:
    """The set as JSON, in the shape that other trainers' tools read: metadata with statistics, and the samples."""
    used = [pair for pair in pairs if pair.left_out is None]
    buckets: dict[str, int] = {}
    for pair in used:
        assert pair.bucket is not None
        name = f"{pair.bucket[0]}x{pair.bucket[1]}"
        buckets[name] = buckets.get(name, 0) + 1
    lengths = [len(pair.caption or "") for pair in used]
    return {
        "metadata": {
            "total_samples": len(used),
            "trigger": trigger,
            "statistics": {
                "pairs": len(pairs),
                "left_out": {pair.name: pair.left_out for pair in pairs if pair.left_out},
                "without_trigger": [pair.name for pair in used if trigger not in (pair.caption or "")],
                "warnings": {pair.name: pair.warnings for pair in used if pair.warnings},
                "buckets": buckets,
                "caption_characters_mean": sum(lengths) / len(lengths) if lengths else 0,
            },
        },
        "samples": [
            {
                "image_path": pair.path, "caption": pair.caption, "width": pair.width, "height": pair.height,
                "mode": pair.mode, "filename": pair.name, "bucket": list(pair.bucket or ()), "crop": list(pair.crop),
                "sha256": pair.sha256,
            }
            for pair in used
        ],
    }  # fmt: skip
