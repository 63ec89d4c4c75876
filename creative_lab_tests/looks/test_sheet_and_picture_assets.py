"""The contact sheet, and the assets from rendering to it as Dagster runs them."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import dagster as dg
import polars as pl
import pytest
from PIL import Image

from creative_lab.lake.io_manager import TableIOManager
from creative_lab.lake.tables import TableStore
from creative_lab.looks.rendering import assets
from creative_lab.looks.rendering.renderers import IllustratorRenderer
from creative_lab.looks.rendering.work import render_day
from creative_lab.looks.segmentation.work import segment_renders
from creative_lab.looks.sheet import day_looks, sheet_html, sheet_png, write_sheet
from creative_lab.settings import Settings
from creative_lab_tests.looks import rows
from creative_lab_tests.looks.a_day import DAY, write_day


def test_the_sheet_shows_every_look_with_masks_grades_and_names(migrated_lab: Settings) -> None:
    from creative_lab.looks.tables import LookGrades

    ids = write_day(migrated_lab, 2)
    render_day(migrated_lab, DAY, run_id="r", renderer=IllustratorRenderer(width=320, height=180))
    segment_renders(migrated_lab, DAY, run_id="r", wanted=[(ids[0], 1)], use_model=False)
    graded = {"day": DAY, "look_id": ids[0], "item_kind": "look", "graded_at": datetime(2026, 5, 4, 12, tzinfo=UTC)}
    given = [
        rows.filled(LookGrades, **graded, grade_id="1", grader="ada", score=2),
        rows.filled(LookGrades, **graded, grade_id="2", grader="bo", score=4),
        # Ada thinks again: the later grade counts.
        rows.filled(LookGrades, **graded | {"graded_at": datetime(2026, 5, 4, 13, tzinfo=UTC)}, grade_id="3",
                    grader="ada", score=5),
    ]  # fmt: skip
    rows.write(TableStore(migrated_lab), LookGrades, DAY, given)
    first, second = day_looks(migrated_lab, DAY)
    assert (first.grade, first.grades) == (4.5, 2)
    assert first.masks is not None
    assert {item["name"] for item in first.garments} >= {"red coat", "teal dress"}
    assert (second.grade, second.masks, second.segmented) == (None, None, False)

    first.designer = "<script>alert(1)</script>"
    page = sheet_html(DAY, [first, second])
    assert page.count("<article") == 2
    assert page.count('class="masks"') == 1
    assert "4.5 of 5" in page
    assert "not segmented yet" in page
    assert "<script>" not in page
    assert "http" not in page.replace("http-equiv", "")
    image = Image.open(io.BytesIO(sheet_png(DAY, [first, second])))
    assert image.width > 1000

    empty = sheet_html("2026-05-05", [])
    assert "No look was rendered" in empty


@pytest.mark.slow
def test_a_day_goes_from_prompts_to_the_sheet_through_dagster_and_a_second_run_changes_nothing(
    migrated_lab: Settings,
) -> None:
    write_day(migrated_lab, 1)
    chain = [assets.look_renders, assets.garment_masks, assets.segmentation_quality, assets.look_sheet]

    def run() -> dg.ExecuteInProcessResult:
        done = dg.materialize(
            chain,
            partition_key=DAY,
            resources={"io_manager": TableIOManager()},
            instance=dg.DagsterInstance.ephemeral(),
        )
        assert done.success
        return done

    def metadata(done: dg.ExecuteInProcessResult, name: str) -> dict[str, object]:
        (event,) = done.asset_materializations_for_node(name)
        return {key: value.value for key, value in event.metadata.items()}

    first = run()
    store = TableStore(migrated_lab)
    before = {name: store.read(name, [{"day": DAY}]) for name in ("look_renders", "garment_masks")}
    assert metadata(first, "look_renders")["drawn"] == 1
    assert "data:image/jpeg;base64" in str(metadata(first, "look_renders")["pictures"])
    assert metadata(first, "garment_masks")["segmented"] == 1
    assert float(str(metadata(first, "segmentation_quality")["truth_iou_people"])) > 0.97
    assert metadata(first, "look_sheet")["looks"] == 1
    second = run()
    assert metadata(second, "look_renders")["drawn"] == 0
    assert metadata(second, "garment_masks")["segmented"] == 0
    for name, frame in before.items():
        assert store.read(name, [{"day": DAY}]).equals(frame), name
    paths, looks = write_sheet(migrated_lab, DAY)
    assert len(looks) == 1
    assert set(paths) == {"html", "png"}
    assert before["garment_masks"].filter(pl.col("kind") == "garment").height >= 6
