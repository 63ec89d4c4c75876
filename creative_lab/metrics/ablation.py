"""The ablation: what a method gains, measured on the same stories, characters and scenes under every method."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import polars as pl

from creative_lab.metrics.consistency import anchor_scene
from creative_lab.metrics.intervals import difference_interval, mean_interval
from creative_lab.metrics.matching import ARMS


@dataclass(frozen=True)
class Metric:
    """One figure of the ablation."""

    name: str
    words: str
    per_frame: bool
    higher_is_better: bool | None
    """None for figures that are neither good nor bad."""


METRICS = (
    Metric(
        "face_consistency",
        "Cosine of the face with the first frame's that shows the character; no face counts as 0",
        True,
        True,
    ),
    Metric("reference_similarity", "Cosine of the face with the character's own pictures", True, True),
    Metric("margin", "Nearer to the character than to anybody else, by how much", True, True),
    Metric("clip_identity", "Cosine of the whole picture with the first that shows the character", True, None),
    Metric("clip_text", "Cosine of the picture with its scene's text", True, True),
    Metric("overall", "Overall quality, 0 to 100", True, True),
    Metric("missing_face", "Share of frames without a face that should have one", True, False),
    Metric("attempts", "Tries per frame", True, False),
    Metric("seconds", "Seconds per frame", True, False),
    Metric("mean_difference", "Difference between a storyboard's frames", False, True),
    Metric("copies", "Share of pairs of frames that are copies", False, False),
    Metric("scene_difference", "Difference between a storyboard's frames as CLIP sees them", False, True),
)
"""What is compared. ``clip_identity`` is no goal: a frozen picture has the highest."""


def frame_values(frames: pl.DataFrame, faces: pl.DataFrame) -> pl.DataFrame:
    """One row per frame with the per-frame metrics, from the frames that are compared and ``face_consistency``.

    In frames that should show the character, a missing face makes ``face_consistency`` and ``reference_similarity``
    0; in others they are null, as ``face_consistency`` is in the anchor, which the others are compared with.
    """
    keys = ["storyboard", "scene"]
    joined = frames.join(
        faces.select(*keys, "expected", "found", "to_first", "to_reference", pl.col("margin").alias("face_margin")),
        on=keys, how="left",
    ).join(_anchors(frames), on="storyboard", how="left").sort(keys)  # fmt: skip
    expected = pl.col("expected").fill_null(False)
    missing = expected & ~pl.col("found").fill_null(False)
    later = pl.col("scene").ne_missing(pl.col("anchor"))
    zero = pl.lit(0.0)
    return joined.select(
        "storyboard", "scene", "series", "source_key", "method", "character", "backend",
        face_consistency=pl.when(expected & later).then(
            pl.when(missing).then(zero).otherwise(pl.col("to_first").fill_null(0.0))
        ),
        reference_similarity=pl.when(expected).then(pl.when(missing).then(zero).otherwise(pl.col("to_reference"))),
        margin=pl.when(expected).then(pl.col("face_margin")),
        clip_identity=pl.col("clip_identity"),
        clip_text=pl.col("clip_text"),
        overall=pl.col("overall"),
        missing_face=pl.when(expected).then(missing.cast(pl.Float64)),
        attempts=pl.col("attempts").cast(pl.Float64),
        seconds=pl.col("seconds"),
    )  # fmt: skip


def _anchors(frames: pl.DataFrame) -> pl.DataFrame:
    found = {
        str(rows["storyboard"][0]): anchor_scene(rows.to_dicts())
        for rows in frames.select(
            "storyboard", "scene", "is_reference", "path", "subject_presence", "expected_faces"
        ).partition_by("storyboard")
    }
    schema = {"storyboard": pl.String, "anchor": pl.Int64}
    return pl.DataFrame({"storyboard": list(found), "anchor": list(found.values())}, schema=schema)


def arms_table(values: pl.DataFrame, storyboards: pl.DataFrame, *, seed: int = 0) -> list[dict[str, Any]]:
    """Rows of the ``ablation`` table from :func:`frame_values` and ``storyboard_consistency``, per backend."""
    rows: list[dict[str, Any]] = []
    for metric, backend, long in _long(values, storyboards):
        for arm in ARMS:
            mine = long.filter(pl.col("method") == arm)
            known = mine.drop_nulls("value")
            row: dict[str, Any] = {
                "metric": metric.name, "method": arm, "mean": None, "low": None, "high": None, "n": known.height,
                "storyboards": known["storyboard"].n_unique(), "missing": mine.height - known.height,
                "measured_on": backend,
            }  # fmt: skip
            if known.height:
                found = mean_interval(known["value"].to_list(), known["cluster"].to_list(), seed=seed)
                row |= {"mean": found.mean, "low": found.low, "high": found.high}
            rows.append(row)
    return rows


def deltas_table(values: pl.DataFrame, storyboards: pl.DataFrame, *, seed: int = 0) -> list[dict[str, Any]]:
    """Rows of the ``ablation_deltas`` table: every arm against every lesser one, pair by pair."""
    rows: list[dict[str, Any]] = []
    for metric, backend, long in _long(values, storyboards):
        for lesser, greater in combinations(ARMS, 2):
            pairs = _pairs(long, greater, lesser)
            row: dict[str, Any] = {
                "metric": metric.name, "method": greater, "against": lesser, "difference": None, "low": None,
                "high": None, "relative": None, "pairs": pairs.height, "better": None, "measured_on": backend,
            }  # fmt: skip
            if pairs.height:
                mine, theirs = pairs["value"].to_list(), pairs["value_right"].to_list()
                found = difference_interval(mine, theirs, pairs["cluster"].to_list(), seed=seed)
                base = sum(theirs) / len(theirs)
                row |= {"difference": found.mean, "low": found.low, "high": found.high,
                        "relative": found.mean / abs(base) if base else None}  # fmt: skip
                if metric.higher_is_better is not None and found.low is not None and found.high is not None:
                    row["better"] = found.low > 0 if metric.higher_is_better else found.high < 0
            rows.append(row)
    return rows


def _pairs(long: pl.DataFrame, greater: str, lesser: str) -> pl.DataFrame:
    keys = ["cluster", "series", "scene"]
    known = long.drop_nulls("value")
    mine = known.filter(pl.col("method") == greater)
    return mine.join(known.filter(pl.col("method") == lesser), on=keys, how="inner", nulls_equal=True).sort(keys)


def _long(values: pl.DataFrame, storyboards: pl.DataFrame) -> list[tuple[Metric, str, pl.DataFrame]]:
    cluster = pl.concat_str("source_key", pl.col("character").fill_null(""), separator="/").alias("cluster")
    whole = storyboards.join(values.select("storyboard", "series").unique(), on="storyboard", how="inner")
    whole = whole.with_columns(pl.lit(None, pl.Int64).alias("scene"))
    tables = []
    for metric in METRICS:
        source = values if metric.per_frame else whole
        columns = [
            cluster,
            "series",
            "storyboard",
            "scene",
            "method",
            pl.col(metric.name).cast(pl.Float64).alias("value"),
        ]
        for (backend,), rows in sorted(source.group_by("backend"), key=lambda pair: str(pair[0])):
            tables.append((metric, str(backend), rows.select(columns).sort("storyboard", "scene")))
    return tables
