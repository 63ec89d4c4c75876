"""Warnings about stored storyboards: a character that does not stay the same, faces that are missing, frozen frames."""

# No postponed annotations here: Dagster reads the types of parameters when a function is decorated.

import warnings
from collections.abc import Iterator
from typing import Any

import dagster as dg

from creative_lab.partitions import storyboards
from creative_lab.settings import get_settings

CONSISTENCY = dg.AssetKey("storyboard_consistency")
CONSISTENCY_AIM = 0.85
COPIES_AIM = 0.2

_TITLES = {
    "character_stays_the_same": (
        f"Mean likeness of faces to the first frame's that shows the character is at least {CONSISTENCY_AIM}; "
        "no face is 0."
    ),
    "every_expected_face_was_found": "The character's face was found in every frame that should show it.",
    "frames_differ": f"At most {COPIES_AIM:.0%} of the pairs of frames are copies of each other.",
}


def _spec(name: str) -> dg.AssetCheckSpec:
    # Partitioned checks are marked as a preview in this release of Dagster; every load would repeat the note.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return dg.AssetCheckSpec(name, asset=CONSISTENCY, description=_TITLES[name], partitions_def=storyboards)


@dg.multi_asset_check(name="consistency_checks", specs=[_spec(name) for name in _TITLES], can_subset=True)
def consistency_checks(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
    """What the row of the storyboard says; none of them stops anything."""
    from creative_lab.lake.tables import TableStore

    key = context.partition_key
    row = TableStore(get_settings()).read("storyboard_consistency", [{"storyboard": key}]).row(0, named=True)
    wanted = {check.name for check in context.selected_asset_check_keys}
    for name, (passed, words) in _findings(row).items():
        if name in wanted:
            yield dg.AssetCheckResult(
                asset_key=CONSISTENCY, check_name=name, passed=passed, severity=dg.AssetCheckSeverity.WARN,
                description=words, metadata={"method": row["method"]},
            )  # fmt: skip


def _findings(row: dict[str, Any]) -> dict[str, tuple[bool, str]]:
    mean, copies = row["face_consistency"], row["copies"]
    same = mean is not None and mean >= CONSISTENCY_AIM
    varied = "fewer than two frames" if copies is None else f"{copies:.0%} of the pairs are copies"
    return {
        "character_stays_the_same": (
            same or not row["frames"],
            "no frame should show the character"
            if mean is None
            else f"{mean:.3f} over {row['frames']} frames, compared with frame {row['anchor_scene'] or 1}",
        ),
        "every_expected_face_was_found": (not row["missing"], f"{row['missing']} of {row['frames']} frames without"),
        "frames_differ": (copies is None or copies <= COPIES_AIM, varied),
    }
