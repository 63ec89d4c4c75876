"""Checks of a storyboard's frames: they warn, they never block, since a weak frame is better than none."""

# No postponed annotations here: Dagster reads the types of parameters when a function is decorated.

import warnings
from collections.abc import Iterator
from typing import Any

import dagster as dg
import polars as pl

from creative_lab.partitions import storyboards
from creative_lab.settings import get_settings

FRAMES = dg.AssetKey("storyboard_frames")

_TITLES = {
    "every_scene_has_a_frame": "Every scene has a picture; failed and cancelled scenes are named.",
    "quality_above_threshold": "No frame scores below the storyboard's threshold.",
    "subject_is_present": "The faces that a scene should show are found, and none where it shows nobody.",
}


def _spec(name: str) -> dg.AssetCheckSpec:
    # Partitioned checks are marked as a preview in this release of Dagster; every load would repeat the note.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return dg.AssetCheckSpec(name, asset=FRAMES, description=_TITLES[name], partitions_def=storyboards)


@dg.multi_asset_check(name="storyboard_frame_checks", specs=[_spec(name) for name in _TITLES], can_subset=True)
def storyboard_frame_checks(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
    """What the rows of the frames say about themselves."""
    from creative_lab.lake.tables import TableStore

    frames = TableStore(get_settings()).read("storyboard_frames", [{"storyboard": context.partition_key}])
    wanted = {key.name for key in context.selected_asset_check_keys}
    faults = {
        "every_scene_has_a_frame": without_picture(frames),
        "quality_above_threshold": below_threshold(frames),
        "subject_is_present": wrong_subject(frames),
    }
    for name, found in faults.items():
        if name in wanted:
            yield dg.AssetCheckResult(
                asset_key=FRAMES, check_name=name, passed=not found, severity=dg.AssetCheckSeverity.WARN,
                description="; ".join(found) or _TITLES[name], metadata=_numbers(frames, found),
            )  # fmt: skip


def without_picture(frames: pl.DataFrame) -> list[str]:
    """Scenes without a picture, with the reason."""
    rows = frames.filter(pl.col("path").is_null()).sort("scene")
    return [f"scene {row['scene']} {row['status']}: {row['reason']}" for row in rows.iter_rows(named=True)]


def below_threshold(frames: pl.DataFrame) -> list[str]:
    """Frames whose overall score is below the threshold."""
    rows = frames.filter(pl.col("below_threshold")).sort("scene")
    return [f"scene {row['scene']}: overall {row['overall']:.1f}" for row in rows.iter_rows(named=True)]


def wrong_subject(frames: pl.DataFrame) -> list[str]:
    """Frames with fewer faces than the scene should show, or with faces where it should show nobody."""
    found = []
    for row in frames.sort("scene").iter_rows(named=True):
        if row["faces_found"] is None:
            continue
        if row["subject_presence"] == "none" and row["faces_found"] > row["expected_faces"]:
            found.append(f"scene {row['scene']}: the subject should not be there, {row['faces_found']} faces found")
        elif row["faces_found"] < row["expected_faces"]:
            found.append(f"scene {row['scene']}: {row['faces_found']} of {row['expected_faces']} faces found")
    return found


def _numbers(frames: pl.DataFrame, found: list[str]) -> dict[str, Any]:
    return {"frames": frames.height, "concerned": len(found)}


storyboard_checks = [storyboard_frame_checks]
