"""Dagster assets from rendering to the contact sheet: pictures, masks, their quality and the sheet, per day."""

# No postponed annotations here: Dagster reads the types of parameters when a function is decorated.

from typing import Any

import dagster as dg
from pydantic import Field

from creative_lab.partitions import days
from creative_lab.settings import get_settings

_COMMON: dict[str, Any] = {"group_name": "looks", "owners": ["team:looks"], "code_version": "1"}
_TABLE_KINDS = {"polars", "parquet"}
_SHOWN = 4


class RenderConfig(dg.Config):
    """What a person may choose when a day is rendered."""

    looks: list[str] = Field(default=[], description="Only these looks; empty for all of the day.")
    again: bool = Field(default=False, description="Draw looks again that have a picture; they get the next number.")


class MaskConfig(dg.Config):
    """What the sweep asks for when it launches a run."""

    pictures: list[str] = Field(default=[], description="Only these, as look_id#render_no; empty for all missing.")


@dg.asset(
    **_COMMON,
    partitions_def=days,
    kinds=_TABLE_KINDS,
    metadata={"table": "look_renders"},
    deps=["look_prompts"],
    pool="h100",
)
def look_renders(context: dg.AssetExecutionContext, config: RenderConfig) -> dg.MaterializeResult:
    """The pictures of the day's looks; a look that fails has a row with the reason and the others go on."""
    from creative_lab.looks.rendering.work import render_day

    settings, day = get_settings(), context.partition_key
    report = render_day(settings, day, run_id=context.run_id, only=config.looks or None, again=config.again)
    for look, reason in report.failed.items():
        context.log.warning("look %s: %s", look, reason)
    rows = report.rows
    metadata: dict[str, Any] = {
        "dagster/partition_row_count": rows.height,
        "drawn": len(report.drawn),
        "failed": len(report.failed),
        "waiting_for_store": len(report.local),
        "drained": report.drained,
        "cost_usd": report.cost_usd,
        "seconds": report.seconds,
        "pictures": _thumbnails(settings, rows.filter(rows["status"] == "ok")["thumbnail_path"].to_list()[:_SHOWN]),
    }
    if report.failed:
        metadata["reasons"] = dg.MetadataValue.md(
            "\n".join(f"- {look}: {text}" for look, text in report.failed.items())
        )
    version = _version(rows.select("look_id", "render_no", "sha256").rows())
    return dg.MaterializeResult(metadata=metadata, data_version=version)


@dg.asset(**_COMMON, partitions_def=days, kinds=_TABLE_KINDS, metadata={"table": "garment_masks"}, deps=[look_renders])
def garment_masks(context: dg.AssetExecutionContext, config: MaskConfig) -> dg.MaterializeResult:
    """Every garment of the day's pictures; only pictures without masks are cut up, each by one worker at a time."""
    from creative_lab.looks.reconcile import claims_of
    from creative_lab.looks.segmentation.work import day_masks, rendered_on, segment_renders

    settings, day = get_settings(), context.partition_key
    claims = claims_of(settings, context.run_id)
    claims.expect(rendered_on(settings, day))
    wanted = [(look, int(number)) for look, _, number in (name.rpartition("#") for name in config.pictures)]
    report = segment_renders(settings, day, run_id=context.run_id, wanted=wanted or None, claims=claims)
    for key, reason in report.failed.items():
        context.log.warning("look %s, rendering %s: %s", *key, reason)
    rows = day_masks(settings, day)
    metadata: dict[str, Any] = {
        "dagster/partition_row_count": rows.height,
        "segmented": len(report.segmented),
        "failed": len(report.failed),
        "doubtful": len(report.doubtful),
        "without_garments": len(report.empty),
        "left_to_others": len(report.not_ours),
        "masks": report.masks,
        "seconds": report.seconds,
        "cut_outs": _thumbnails(settings, [path for path in rows["crop_path"].to_list() if path][: 2 * _SHOWN]),
    }
    version = _version(rows.select("look_id", "render_no", "instance", "sha256", "area").rows())
    return dg.MaterializeResult(metadata=metadata, data_version=version)


@dg.asset(
    **_COMMON, partitions_def=days, kinds=_TABLE_KINDS, metadata={"table": "segmentation_quality"}, deps=[garment_masks]
)
def segmentation_quality(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """How good the day's masks are: against the drawn world's truth, or against the picture mirrored and rescaled."""
    from creative_lab.looks.segmentation.quality import ALL, PEOPLE, measure_day

    rows = measure_day(get_settings(), context.partition_key, run_id=context.run_id)
    metadata: dict[str, Any] = {"dagster/partition_row_count": rows.height}
    for kind in rows["kind"].unique().sort().to_list():
        for name in (PEOPLE, ALL):
            own = rows.filter((rows["kind"] == kind) & (rows["garment_class"] == name))
            if own.height:
                metadata[f"{kind}_iou_{name}"] = float(own["iou"].mean() or 0.0)  # type: ignore[arg-type]
                metadata[f"{kind}_boundary_f_{name}"] = float(own["boundary_f"].mean() or 0.0)  # type: ignore[arg-type]
    return dg.MaterializeResult(metadata=metadata)


@dg.asset(**_COMMON, partitions_def=days, kinds={"html", "file"}, deps=[garment_masks])
def look_sheet(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """The contact sheet of the day as a page with masks on hover and as a picture."""
    from creative_lab.looks.sheet import write_sheet

    paths, looks = write_sheet(get_settings(), context.partition_key)
    return dg.MaterializeResult(
        metadata={
            "page": dg.MetadataValue.path(paths["html"]),
            "picture": dg.MetadataValue.path(paths["png"]),
            "looks": len(looks),
            "graded": sum(look.grade is not None for look in looks),
        }
    )


def _thumbnails(settings: Any, paths: list[str]) -> dg.MetadataValue:
    """A few stored pictures, small and inline."""
    from creative_lab.lake.pictures import PictureStore

    store = PictureStore(settings)
    return dg.MetadataValue.md(" ".join(store.inline(path, "look") for path in paths) or "none")


def _version(rows: list[tuple[object, ...]]) -> dg.DataVersion:
    import hashlib

    return dg.DataVersion(hashlib.sha256(repr(sorted(rows, key=repr)).encode()).hexdigest())
