"""Cutting people and garments out of white backdrops, held to known truth; and checks held to planted failures."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache

import numpy as np
import polars as pl
import pytest

from creative_lab.lake.events import flush_events
from creative_lab.lake.fs import FileSystem
from creative_lab.lake.tables import TableStore
from creative_lab.looks.claims import Claims, MemoryBook, RenderKey, Wanted
from creative_lab.looks.rendering.drawn import DrawnLook, Light, draw
from creative_lab.looks.rendering.renderers import IllustratorRenderer, Order, Rendered
from creative_lab.looks.rendering.work import render_day
from creative_lab.looks.segmentation.backdrop import fit_backdrop
from creative_lab.looks.segmentation.checks import check_people
from creative_lab.looks.segmentation.cutting import cut
from creative_lab.looks.segmentation.people import find_people, people_of_mask
from creative_lab.looks.segmentation.quality import (
    boundary_f,
    class_masks,
    iou,
    measure_day,
    measured,
    self_consistency,
    stored_masks,
)
from creative_lab.looks.segmentation.raster import png
from creative_lab.looks.segmentation.work import missing_masks, segment_renders
from creative_lab.settings import Settings
from creative_lab.vision.garments import from_run_lengths
from creative_lab_tests.looks.a_day import DAY, outfits, write_day
from creative_lab_tests.looks.planted import CASES, FAILURES, planted_look


@lru_cache(maxsize=8)
def look(case: str, seed: int = 903) -> DrawnLook:
    return planted_look(case, seed)


@pytest.mark.parametrize("case", CASES)
def test_people_are_cut_out_within_a_percent_and_a_half_of_the_truth(case: str) -> None:
    drawn = look(case)
    people = find_people(drawn.pixels)
    assert len(people.people) == 3
    assert (iou(people.mask, drawn.truth.people) or 0) >= 0.985
    assert [person.box[0] for person in people.people] == sorted(person.box[0] for person in people.people)


@pytest.mark.parametrize("case", CASES)
def test_a_right_mask_is_not_doubted(case: str) -> None:
    drawn = look(case)
    assert check_people(drawn.pixels, find_people(drawn.pixels)).failed == ()


@pytest.mark.parametrize("failure", sorted(FAILURES))
def test_every_planted_failure_of_a_mask_is_caught(failure: str) -> None:
    for case in ("plain", "white clothes"):
        drawn = look(case)
        backdrop = fit_backdrop(drawn.pixels)
        for seed in range(4):
            spoilt = FAILURES[failure](drawn, drawn.truth.people.copy(), np.random.default_rng(seed))
            judged = check_people(drawn.pixels, people_of_mask(spoilt, backdrop))
            assert judged.doubtful, (failure, case, seed, judged.measures)


def test_a_picture_without_anybody_is_a_result_that_says_so() -> None:
    pixels = np.full((180, 320, 3), 248, np.uint8)
    found = cut(pixels, None)
    assert found.people.people == ()
    assert found.garments == ()
    assert "empty" in found.checked.failed


def test_a_cropped_picture_and_a_coloured_set_are_doubted() -> None:
    drawn = look("plain")
    assert "cut_off" in check_people(drawn.pixels[:640], find_people(drawn.pixels[:640])).failed
    red = drawn.pixels.copy()
    red[~drawn.truth.people] = (200, 60, 50)
    assert "backdrop" in check_people(red, find_people(red)).failed


def test_people_who_touch_by_their_hands_are_parted_and_it_is_noted() -> None:
    drawn = look("plain")
    joined = drawn.truth.people.copy()
    people = find_people(drawn.pixels).people
    row = (people[0].box[1] + people[0].box[3]) // 2
    joined[row : row + 6, people[0].box[0] + 40 : people[1].box[2] - 40] = True
    parted = people_of_mask(joined, fit_backdrop(drawn.pixels))
    assert len(parted.people) == 3
    assert parted.split == 1
    assert "people_touch" in check_people(drawn.pixels, parted).failed


def test_garments_of_a_manifest_are_found_where_they_are() -> None:
    drawn = draw(outfits(), 11)
    found = cut(drawn.pixels, outfits())
    assert found.method == "classical"
    assert {item.garment_id for item in found.garments} >= {"g-coat", "g-dress", "g-jumper", "g-skirt", "g-trousers"}
    truth = {(item.model_index, str(item.garment_id)): drawn.truth.mask(item) for item in drawn.truth.garments}
    for item in found.garments:
        if item.garment_class in {"coat", "dress", "jumper", "skirt"}:
            assert (iou(item.mask, truth[(item.model_index, str(item.garment_id))]) or 0) > 0.85, item.garment_id
    # No pixel belongs to two garments.
    assert np.sum([item.mask for item in found.garments], axis=0).max() == 1


class _ModelThatKnows:
    """A segmenter with the truth in its hands, as a perfect model would have it."""

    slug = "oracle"

    def __init__(self, drawn: DrawnLook) -> None:
        names = sorted({item.garment_class for item in drawn.truth.garments})
        self.classes = ("background", "person", *names)
        self.calls = 0
        self.labels = (drawn.truth.labels > 0).astype(np.uint8)
        for item in drawn.truth.garments:
            self.labels[drawn.truth.mask(item)] = self.classes.index(item.garment_class)

    def segment(self, picture: np.ndarray) -> np.ndarray:
        self.calls += 1
        return self.labels


def test_the_model_is_asked_only_in_doubt_or_without_a_manifest() -> None:
    drawn = draw(outfits(), 11)
    model = _ModelThatKnows(drawn)
    cut(drawn.pixels, outfits(), segmenter=model)
    assert model.calls == 0
    named = cut(drawn.pixels, None, segmenter=model)
    assert (model.calls, named.method, named.model) == (1, "segformer", "oracle")
    assert {item.garment_class for item in named.garments} >= {"coat", "dress", "jumper", "skirt"}
    coloured = drawn.pixels.copy()
    coloured[~drawn.truth.people & (np.arange(1280) < 90)] = (90, 60, 50)
    repaired = cut(coloured, outfits(), segmenter=model)
    assert model.calls == 2
    assert repaired.checked.doubtful


def test_masks_are_stored_once_and_merged_into_the_day(migrated_lab: Settings) -> None:
    ids = write_day(migrated_lab, 2)
    renderer = IllustratorRenderer(width=640, height=360)
    render_day(migrated_lab, DAY, run_id="r1", renderer=renderer)
    first = segment_renders(migrated_lab, DAY, run_id="r2", wanted=[(ids[0], 1)], use_model=False)
    assert first.segmented == [(ids[0], 1)]
    assert missing_masks(migrated_lab, DAY) == [(ids[1], 1)]
    segment_renders(migrated_lab, DAY, run_id="r3", use_model=False)
    rows = TableStore(migrated_lab).read("garment_masks", [{"day": DAY}])
    assert rows.filter(pl.col("look_id") == ids[0])["run_id"].unique().to_list() == ["r2"]
    assert segment_renders(migrated_lab, DAY, run_id="r4", use_model=False).segmented == []
    assert TableStore(migrated_lab).read("garment_masks", [{"day": DAY}]).equals(rows)
    files = FileSystem.of_lake(migrated_lab)
    from PIL import Image

    for row in rows.filter(pl.col("kind") == "garment").head(3).iter_rows(named=True):
        rle = json.loads(row["rle"])
        mask = from_run_lengths(rle["counts"], *rle["size"])
        assert int(mask.sum()) == row["area"]
        assert np.array_equal(np.asarray(Image.open(files.open(row["mask_path"]))) > 0, mask)
        cut_out = np.asarray(Image.open(files.open(row["crop_path"])))
        assert cut_out.shape == (row["bottom"] - row["top"], row["right"] - row["left"], 4)
        assert int((cut_out[..., 3] > 0).sum()) == row["area"]

    # A re-render is segmented again and leaves the first alone.
    render_day(migrated_lab, DAY, run_id="r5", renderer=renderer, only=ids[:1], again=True)
    assert segment_renders(migrated_lab, DAY, run_id="r6", use_model=False).segmented == [(ids[0], 2)]

    figures = measure_day(migrated_lab, DAY, run_id="r7")
    assert figures["kind"].unique().to_list() == ["truth"]
    people = figures.filter(pl.col("garment_class") == "people")
    assert people.height == 3
    assert min(people["iou"].to_list()) > 0.97
    assert min(figures.filter(pl.col("garment_class") == "all")["iou"].to_list()) > 0.6
    assert measure_day(migrated_lab, DAY, run_id="r8").equals(figures)


def test_claims_keep_two_workers_apart_and_failures_are_released_with_their_reason(migrated_lab: Settings) -> None:
    ids = write_day(migrated_lab, 3)
    rows = render_day(migrated_lab, DAY, run_id="r1", renderer=IllustratorRenderer(width=320, height=180)).rows
    wanted = [Wanted(RenderKey(look, 1), DAY, rows["rendered_at"][0]) for look in ids]
    book = MemoryBook(rows["rendered_at"][0])
    ours, theirs = Claims(book, "ours"), Claims(book, "theirs")
    for claims in (ours, theirs):
        claims.expect(wanted)
    assert theirs.claim(ids[0], 1)
    path = rows.filter(pl.col("look_id") == ids[1])["path"][0]
    FileSystem.of_lake(migrated_lab).write_bytes(path, b"not a picture")
    report = segment_renders(migrated_lab, DAY, run_id="r2", claims=ours, use_model=False)
    assert report.not_ours == [(ids[0], 1)]
    assert report.segmented == [(ids[2], 1)]
    assert list(report.failed) == [(ids[1], 1)]
    assert {key.look_id: record.state for key, record in book.kept.items()} == {
        ids[0]: "claimed", ids[1]: "failed", ids[2]: "done",
    }  # fmt: skip
    flush_events(migrated_lab)
    events = TableStore(migrated_lab).read("pipeline_events").filter(pl.col("stage") == "segment")
    assert events.filter(pl.col("status") == "fail")["look_id"].to_list() == [ids[1]]


def test_a_picture_without_garments_has_one_row_of_kind_none(migrated_lab: Settings) -> None:
    write_day(migrated_lab, 1)

    class Blank(IllustratorRenderer):
        def render(self, order: Order) -> Rendered:
            return replace(super().render(order), data=png(np.full((180, 320, 3), 250, np.uint8)), truth=None)

    render_day(migrated_lab, DAY, run_id="r1", renderer=Blank(width=320, height=180))
    report = segment_renders(migrated_lab, DAY, run_id="r2", use_model=False)
    assert len(report.empty) == 1
    row = TableStore(migrated_lab).read("garment_masks", [{"day": DAY}]).row(0, named=True)
    assert (row["kind"], row["area"], row["doubtful"]) == ("none", 0, True)
    assert "empty" in json.loads(row["checks"])["failed"]


def _square(left: int) -> np.ndarray:
    mask = np.zeros((100, 100), bool)
    mask[20:60, left : left + 40] = True
    return mask


def test_measures_have_their_known_values() -> None:
    a = _square(10)
    assert iou(a, a) == 1
    assert boundary_f(a, a, 1) == 1
    assert iou(a, _square(30)) == pytest.approx(20 / 60)
    assert boundary_f(a, _square(11), 1) == 1
    assert (boundary_f(a, _square(14), 1) or 0) < 0.7
    assert iou(a & False, a & False) is None
    assert boundary_f(a, a & False, 2) == 0
    rows = measured({"coat": a}, {"coat": a, "hat": _square(30)}, 1)
    assert {row["garment_class"]: row["iou"] for row in rows} == {"coat": 1.0, "hat": 0.0, "all": 0.5}


def test_stored_masks_come_back_as_they_were_and_truth_gives_lines_to_the_nearest() -> None:
    drawn = draw(outfits(), 3, width=320, height=180, light=Light(grain=0))
    masks = class_masks(drawn.truth)
    assert set(masks) >= {"coat", "dress", "jumper"}
    assert all(mask.sum() >= drawn.truth.mask(item).sum() for item in drawn.truth.garments
               if item.garment_class != "shoes" for mask in [masks[item.garment_class]])  # fmt: skip
    assert stored_masks(pl.DataFrame({"kind": ["none"], "rle": [None], "garment_class": [None]})) == {}


def test_without_a_truth_masks_are_measured_by_what_of_them_comes_back(migrated_lab: Settings) -> None:
    write_day(migrated_lab, looks=1)

    class Unknown(IllustratorRenderer):
        def render(self, order: Order) -> Rendered:
            return replace(super().render(order), truth=None)

    render_day(migrated_lab, DAY, run_id="r1", renderer=Unknown(width=640, height=360))
    segment_renders(migrated_lab, DAY, run_id="r2", use_model=False)
    rows = measure_day(migrated_lab, DAY, run_id="r3")
    assert set(rows["kind"]) == {"self_consistency"}
    figures = dict(rows.select("garment_class", "iou").iter_rows())
    assert figures["people"] > 0.95 and 0.6 < figures["all"] < 1
    again = measure_day(migrated_lab, DAY, run_id="r4")
    assert again.height == rows.height and set(again["run_id"]) == {"r3"}, "what was measured is not measured twice"


def test_masks_that_hang_on_chance_do_not_come_back() -> None:
    drawn = draw(outfits(), 11, width=640, height=360)
    found = {item.garment_class: item.mask for item in cut(drawn.pixels, outfits()).garments}
    moved = {name: np.roll(mask, 25, axis=1) for name, mask in found.items()}
    figures = [
        {row["garment_class"]: row["iou"] for row in self_consistency(drawn.pixels, outfits(), masks)}["all"]
        for masks in (found, moved)
    ]
    assert figures[0] > figures[1] + 0.3
