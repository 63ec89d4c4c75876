"""The demo's second chapter: today's fashion looks, from the deal to a mask per garment."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from creative_lab.commands.console import out, table
from creative_lab.commands.runs import Job, Lab

if TYPE_CHECKING:
    from pathlib import Path

    from creative_lab.settings import Settings

ASSETS = ("look_manifests", "look_prompts", "look_renders", "garment_masks", "segmentation_quality", "look_sheet")
"""One day of looks; grades and what they teach come from people."""


def import_samples(settings: Settings) -> None:
    """The shipped wardrobe, unless it is as it was."""
    from creative_lab.looks.importing import import_looks
    from creative_lab.state import db

    with db.session_scope(settings) as session:
        report = import_looks(session, settings.data_dir / "looks")
    out.print(f"Wardrobe: {report.created} new, {report.updated} changed, {report.unchanged} as before.\n")


def today(settings: Settings) -> str:
    """The lab's local day."""
    return datetime.now(ZoneInfo(settings.time_zone)).date().isoformat()


def jobs(lab: Lab, day: str) -> list[Job]:
    """The day's assets in order."""
    return lab.jobs(" or ".join(f'key:"{name}"' for name in ASSETS), [day])


def show(settings: Settings, day: str) -> None:
    """One line per look: what it is made of, and how its garments were cut."""
    import polars as pl

    from creative_lab.lake.tables import TableStore

    store, partition = TableStore(settings), [{"day": day}]
    if not store.exists("garment_masks", partition[0]):
        return
    manifests = store.read("look_manifests", partition).filter(pl.col("status").cast(pl.String) == "dealt")
    masks = store.read("garment_masks", partition)
    quality = store.read("segmentation_quality", partition)
    rows = []
    for look in manifests.sort("prompt_id").iter_rows(named=True):
        mine = masks.filter((pl.col("look_id") == look["look_id"]) & pl.col("garment_id").is_not_null())
        methods = sorted(set(mine["method"].cast(pl.String)))
        whole = quality.filter((pl.col("look_id") == look["look_id"]) & (pl.col("garment_class") == "all"))
        right: list[float] = whole["iou"].drop_nulls().to_list()
        shown = f"{sum(right) / len(right):.3f}" if right else "–"
        rows.append(
            (look["prompt_id"], look["designer_name"], look["colourway_name"], mine.height, ", ".join(methods), shown)
        )
    table(
        f"Looks of {day}",
        ["prompt", "designer", "colourway", "garments", "cut by", "IoU with truth"],
        rows,
        right=[3, 5],
    )
    out.print("")


def places(settings: Settings, day: str) -> list[tuple[Path, str]]:
    """What to look at: the day's contact sheet."""
    found = settings.reports_dir / "looks" / day / "sheet.html"
    return [(found, "the day's looks, with every garment cut out")] if found.is_file() else []
