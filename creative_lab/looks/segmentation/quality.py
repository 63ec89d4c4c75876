"""How good masks are: against the drawn world's truth, or, for pictures without truth, against themselves.

Intersection over union per class, and the boundary F measure (Perazzi et al. 2016, DAVIS): the harmonic mean of the
shares of both boundaries that lie within a tolerance of the other. Without truth, the picture is mirrored and made
smaller and cut up again: masks that are right don't depend on it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from creative_lab.lake.fs import FileSystem
from creative_lab.lake.schemas import table_frame
from creative_lab.lake.tables import TableStore
from creative_lab.looks.days import merge_day, partition, read_day
from creative_lab.looks.rendering.drawn import INK, Truth
from creative_lab.looks.segmentation.cutting import Segmenter, cut
from creative_lab.looks.segmentation.people import find_people
from creative_lab.looks.tables import GarmentMasks, LookManifests, LookRenders, SegmentationQuality

if TYPE_CHECKING:
    from creative_lab.settings import Settings

PEOPLE, ALL = "people", "all"
_TOLERANCE = 0.003
_SMALLER = 0.75


def iou(found: np.ndarray, reference: np.ndarray) -> float | None:
    """Intersection over union of two bool masks; None when both are empty."""
    union = int((found | reference).sum())
    return float((found & reference).sum() / union) if union else None


def boundary_f(found: np.ndarray, reference: np.ndarray, tolerance: int) -> float | None:
    """F1 of the boundaries of two bool masks within ``tolerance`` pixels; None when both are empty."""
    import cv2

    first, second = (_boundary(mask) for mask in (found, reference))
    if not first.any() and not second.any():
        return None
    if not first.any() or not second.any():
        return 0.0
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * tolerance + 1, 2 * tolerance + 1))
    near_first, near_second = cv2.dilate(first, disc), cv2.dilate(second, disc)
    precision = float((first & near_second).sum() / first.sum())
    recall = float((second & near_first).sum() / second.sum())
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _boundary(mask: np.ndarray) -> np.ndarray:
    import cv2

    whole = mask.astype(np.uint8)
    return np.asarray(whole - cv2.erode(whole, np.ones((3, 3), np.uint8), borderValue=0))


def tolerance_of(height: int) -> int:
    """Distance in pixels that counts as the same boundary in a picture of ``height`` rows: 2 at 720."""
    return max(1, round(_TOLERANCE * height))


def class_masks(truth: Truth) -> dict[str, np.ndarray]:
    """The truth's mask per class, bool (height, width); lines between garments belong to what is nearest."""
    from scipy.ndimage import distance_transform_edt

    labels = truth.labels.copy()
    ink = labels == INK
    rows, columns = distance_transform_edt(ink | (labels == 0), return_distances=False, return_indices=True)
    labels[ink] = labels[rows, columns][ink]
    masks: dict[str, np.ndarray] = {}
    for item in truth.garments:
        own = labels == item.value
        masks[item.garment_class] = masks[item.garment_class] | own if item.garment_class in masks else own
    return {name: mask for name, mask in masks.items() if mask.any()}


def measured(
    found: Mapping[str, np.ndarray], reference: Mapping[str, np.ndarray], tolerance: int
) -> list[dict[str, Any]]:
    """A row per class that is in either, and their mean; ``people`` stands apart and is not in the mean."""
    rows = []
    for name in sorted({*found, *reference}):
        some = next(iter((*found.values(), *reference.values())))
        ours, theirs = (masks.get(name, np.zeros(some.shape, bool)) for masks in (found, reference))
        rows.append(_row(name, iou(ours, theirs), boundary_f(ours, theirs, tolerance), tolerance, int(theirs.sum())))
    garments = [row for row in rows if row["garment_class"] != PEOPLE and row["iou"] is not None]
    if garments:
        means = [float(np.mean([row[measure] for row in garments])) for measure in ("iou", "boundary_f")]
        rows.append(_row(ALL, means[0], means[1], tolerance, sum(row["pixels"] for row in garments)))
    return rows


def _row(name: str, overlap: float | None, outline: float | None, tolerance: int, pixels: int) -> dict[str, Any]:
    return {
        "garment_class": name,
        "iou": overlap,
        "boundary_f": outline,
        "tolerance_px": float(tolerance),
        "pixels": pixels,
    }


def self_consistency(
    pixels: np.ndarray,
    outfits: Sequence[Mapping[str, Any]] | None,
    found: Mapping[str, np.ndarray],
    *,
    segmenter: Segmenter | None = None,
) -> list[dict[str, Any]]:
    """How much of the masks comes back when the picture is mirrored and made smaller; rows as :func:`measured`."""
    import cv2

    height, width = pixels.shape[:2]
    size = (round(width * _SMALLER), round(height * _SMALLER))
    other = cv2.resize(np.ascontiguousarray(pixels[:, ::-1]), size, interpolation=cv2.INTER_AREA)
    last = max((int(outfit["model_index"]) for outfit in outfits), default=0) if outfits else 0
    mirrored = [{**outfit, "model_index": last - int(outfit["model_index"])} for outfit in outfits] if outfits else None
    again = cut(np.asarray(other), mirrored, segmenter=segmenter)

    def back(mask: np.ndarray) -> np.ndarray:
        large = cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
        return np.asarray(large)[:, ::-1] > 0

    masks = {PEOPLE: back(again.people.mask)}
    for item in again.garments:
        mask = back(item.mask)
        masks[item.garment_class] = masks[item.garment_class] | mask if item.garment_class in masks else mask
    return measured(masks, found, tolerance_of(height))


def measure_day(settings: Settings, day: str, *, run_id: str, segmenter: Segmenter | None = None) -> pl.DataFrame:
    """Measure every segmented rendering of a day that has no figures yet; returns all figures of the day."""
    from creative_lab.vision.pictures import open_picture

    store, files = TableStore(settings), FileSystem.of_lake(settings)
    masks = read_day(store, GarmentMasks, day)
    have = set(read_day(store, SegmentationQuality, day).select("look_id", "render_no").iter_rows())
    renders = {(row["look_id"], row["render_no"]): row for row in read_day(store, LookRenders, day).to_dicts()}
    outfits = {row["look_id"]: json.loads(row["outfits"]) for row in read_day(store, LookManifests, day).to_dicts()}
    rows: list[dict[str, Any]] = []
    for key in masks.select("look_id", "render_no").unique(maintain_order=True).iter_rows():
        render = renders.get(key)
        if key in have or render is None or not render["path"]:
            continue
        pixels = open_picture(files.read_bytes(render["path"]))
        own = masks.filter((pl.col("look_id") == key[0]) & (pl.col("render_no") == key[1]))
        found = stored_masks(own)
        found[PEOPLE] = find_people(pixels).mask
        if render["truth_path"]:
            kind, truth = "truth", Truth.from_png(files.read_bytes(render["truth_path"]))
            figures = measured(found, {PEOPLE: truth.people} | class_masks(truth), tolerance_of(pixels.shape[0]))
        else:
            kind = "self_consistency"
            figures = self_consistency(pixels, outfits.get(key[0]), found, segmenter=segmenter)
        rows += [{"day": day, "look_id": key[0], "render_no": key[1], "kind": kind} | row for row in figures]
    if not rows and store.exists(SegmentationQuality, partition(day)):
        return read_day(store, SegmentationQuality, day)
    return merge_day(
        settings, SegmentationQuality, day, table_frame(SegmentationQuality, rows), run_id=run_id,
        keys=["look_id", "render_no", "garment_class", "kind"],
    )  # fmt: skip


def stored_masks(rows: pl.DataFrame) -> dict[str, np.ndarray]:
    """The masks of one picture's rows of ``garment_masks``, per class, bool (height, width)."""
    from creative_lab.vision.garments import from_run_lengths

    masks: dict[str, np.ndarray] = {}
    for row in rows.filter(pl.col("kind") == "garment").iter_rows(named=True):
        rle = json.loads(row["rle"])
        mask = from_run_lengths(rle["counts"], *rle["size"])
        name = row["garment_class"]
        masks[name] = masks[name] | mask if name in masks else mask
    return masks
