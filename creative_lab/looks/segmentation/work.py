"""Segmenting a day's pictures: what is missing is cut up, stored and merged into the day, one picture at a time.

Whoever calls says by which claims pictures are taken, so that the sweep and the work that follows a batch never meet.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from creative_lab.lake.events import record_event, redact
from creative_lab.lake.fs import FileSystem
from creative_lab.lake.schemas import table_frame
from creative_lab.lake.tables import TableStore
from creative_lab.looks.claims import Claims, Failure, RenderKey, Wanted
from creative_lab.looks.days import merge_day, partition, read_day
from creative_lab.looks.segmentation.cutting import CutPicture, Segmenter, cut, open_segmenter
from creative_lab.looks.segmentation.garments import FoundGarment
from creative_lab.looks.segmentation.raster import box_of, png
from creative_lab.looks.tables import GarmentMasks, LookManifests, LookRenders

if TYPE_CHECKING:
    from creative_lab.settings import Settings

Key = tuple[str, int]
_LONGEST_REASON = 500


@dataclass
class SegmentReport:
    """What segmenting came to."""

    segmented: list[Key] = field(default_factory=list)
    empty: list[Key] = field(default_factory=list)
    """Segmented ones without any garment."""
    doubtful: list[Key] = field(default_factory=list)
    not_ours: list[Key] = field(default_factory=list)
    """Claimed by others, or lost to them before the masks could be stored."""
    failed: dict[Key, str] = field(default_factory=dict)
    masks: int = 0
    seconds: float = 0.0


def missing_masks(settings: Settings, day: str) -> list[Key]:
    """Renderings of a day with a picture and without masks."""
    store = TableStore(settings)
    renders = read_day(store, LookRenders, day).filter(pl.col("status") == "ok")
    have = set(read_day(store, GarmentMasks, day).select("look_id", "render_no").iter_rows())
    return [key for key in renders.sort("look_id", "render_no").select("look_id", "render_no").iter_rows()
            if key not in have]  # fmt: skip


def rendered_on(settings: Settings, day: str) -> list[Wanted]:
    """The pictures of a day with their times, as claims want them named."""
    rows = read_day(TableStore(settings), LookRenders, day).filter(pl.col("status") == "ok")
    return [
        Wanted(RenderKey(row["look_id"], row["render_no"]), day, row["rendered_at"])
        for row in rows.iter_rows(named=True)
    ]


def day_masks(settings: Settings, day: str) -> pl.DataFrame:
    """All rows of the day's masks."""
    return read_day(TableStore(settings), GarmentMasks, day)


def segment_renders(
    settings: Settings,
    day: str,
    *,
    run_id: str,
    wanted: Iterable[Key] | None = None,
    claims: Claims | None = None,
    segmenter: Segmenter | None = None,
    use_model: bool = True,
) -> SegmentReport:
    """Cut up the pictures of ``day`` that have no masks, or those of them that ``wanted`` names.

    Rows are merged into the day after each picture: a killed run loses at most the one it was at, and a second run for
    the same rendering changes nothing. A picture that cannot be cut up gets an event with the reason and its claim is
    released with it; the rest goes on. A picture without garments is a result with one row of kind ``none``.
    """
    started = time.perf_counter()
    report = SegmentReport()
    store = TableStore(settings)
    missing = missing_masks(settings, day)
    if wanted is not None:
        chosen = {(str(look), int(number)) for look, number in wanted}
        missing = [key for key in missing if key in chosen]
    renders = {(row["look_id"], row["render_no"]): row
               for row in read_day(store, LookRenders, day).iter_rows(named=True)} if missing else {}  # fmt: skip
    outfits = _outfits(store, day) if missing else {}
    if missing and segmenter is None and use_model:
        segmenter, _ = open_segmenter(settings)
    for key in missing:
        if claims is not None and not claims.claim(*key):
            report.not_ours.append(key)
            continue
        _segment_one(settings, day, key, renders[key], outfits.get(key[0]), segmenter, claims, report, run_id=run_id)
    if not store.exists(GarmentMasks, partition(day)):
        merge_day(settings, GarmentMasks, day, table_frame(GarmentMasks, []), run_id=run_id, keys=["look_id"])
    report.seconds = time.perf_counter() - started
    return report


def _segment_one(
    settings: Settings,
    day: str,
    key: Key,
    render: dict[str, Any],
    outfits: Sequence[dict[str, Any]] | None,
    segmenter: Segmenter | None,
    claims: Claims | None,
    report: SegmentReport,
    *,
    run_id: str,
) -> None:
    from creative_lab.vision.pictures import PictureError, open_picture

    started = time.perf_counter()
    files = FileSystem.of_lake(settings)
    kind: Failure = "attempt"
    try:
        try:
            data = files.read_bytes(render["path"])
        except OSError:
            kind = "outage" if files.remote is not None else "attempt"
            raise
        try:
            pixels = open_picture(data)
        except PictureError:
            kind = "permanent"
            raise
        found = cut(pixels, outfits, segmenter=segmenter)
        rows = mask_rows(files, day, key, render["sha256"], pixels, found)
        if claims is not None and not claims.holds(*key):
            report.not_ours.append(key)
            _event(settings, key, "skipped", "the claim was lost to another worker", started, run_id, found)
            return
        merge_day(
            settings, GarmentMasks, day, table_frame(GarmentMasks, rows), run_id=run_id,
            keys=["look_id", "render_no", "instance"],
        )  # fmt: skip
    except Exception as error:  # one picture that cannot be cut up must not stop the day
        reason = redact(settings, f"{type(error).__name__}: {error}"[:_LONGEST_REASON])
        report.failed[key] = reason
        _event(settings, key, "fail", reason, started, run_id, None)
        if claims is not None:
            claims.release(*key, error=reason, kind=kind)
        return
    if claims is not None:
        claims.release(*key)
    report.segmented.append(key)
    report.masks += len(found.garments)
    if not found.garments:
        report.empty.append(key)
    if found.checked.doubtful:
        report.doubtful.append(key)
    doubt = f"doubtful: {', '.join(found.checked.failed)}" if found.checked.doubtful else None
    _event(settings, key, "warn" if doubt else "ok", doubt, started, run_id, found)


def mask_rows(
    files: FileSystem, day: str, key: Key, sha256: str, pixels: np.ndarray, found: CutPicture
) -> list[dict[str, Any]]:
    """Rows of ``garment_masks`` for one picture; masks and cut-outs are written to the lake."""
    common: dict[str, Any] = {
        "day": day,
        "look_id": key[0],
        "render_no": key[1],
        "sha256": sha256,
        "method": found.method,
        "model": found.model,
        "checks": json.dumps(found.checked.described(), sort_keys=True),
        "doubtful": found.checked.doubtful,
        "duration_ms": found.duration_ms,
    }
    rows = []
    boxed = [(item, box_of(item.mask)) for item in found.garments]
    for number, (item, box) in enumerate(sorted(boxed, key=lambda pair: (pair[0].model_index, pair[1][1], pair[1][0]))):
        rows.append(common | _garment(files, pixels, item, box) | {"instance": number, "kind": "garment"})
    return rows or [common | {"instance": 0, "kind": "none", "area": 0}]


def _garment(
    files: FileSystem, pixels: np.ndarray, item: FoundGarment, box: tuple[int, int, int, int]
) -> dict[str, Any]:
    from creative_lab.vision.garments import run_lengths

    left, top, right, bottom = box
    height, width = item.mask.shape
    alpha = item.mask[top:bottom, left:right].astype(np.uint8) * 255
    cut_out = np.dstack([pixels[top:bottom, left:right], alpha])
    return {
        "model_index": item.model_index,
        "garment_class": item.garment_class,
        "garment_id": item.garment_id,
        "left": left,
        "top": top,
        "right": right,
        "bottom": bottom,
        "area": int(item.mask.sum()),
        "rle": json.dumps({"size": [height, width], "counts": run_lengths(item.mask)}),
        "mask_path": files.put(png(item.mask), ".png")[0],
        "crop_path": files.put(png(cut_out), ".png")[0],
        "confidence": item.confidence,
    }


def _outfits(store: TableStore, day: str) -> dict[str, list[dict[str, Any]]]:
    manifests = read_day(store, LookManifests, day)
    return {
        row["look_id"]: json.loads(row["outfits"])
        for row in manifests.filter(pl.col("status") == "dealt").iter_rows(named=True)
    }


def _event(
    settings: Settings,
    key: Key,
    status: Literal["ok", "fail", "warn", "skipped"],
    reason: str | None,
    started: float,
    run_id: str,
    found: CutPicture | None,
) -> None:
    detail: dict[str, Any] = {"render_no": key[1]}
    if found is not None:
        detail |= {"garments": len(found.garments), "method": found.method, "failed_checks": list(found.checked.failed)}
    record_event(
        settings,
        stage="segment",
        status=status,
        reason=reason,
        run_id=run_id,
        duration_ms=(time.perf_counter() - started) * 1000,
        model=found.model if found else None,
        look_id=key[0],
        detail=detail,
    )
