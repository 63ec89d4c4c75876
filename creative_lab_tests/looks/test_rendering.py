"""Rendering a day: rows, versions, failures that stop nothing, a store that is down, and hosted models."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydantic import SecretStr

from creative_lab.imaging.catalogue import Catalogue
from creative_lab.imaging.hosted import HostedStudio
from creative_lab.lake.events import flush_events
from creative_lab.lake.fs import FileSystem
from creative_lab.lake.tables import TableStore
from creative_lab.looks.rendering.drawn import Light, Truth, draw, shadow, sweep
from creative_lab.looks.rendering.renderers import IllustratorRenderer, ModelRenderer, Order, Rendered, renderer_for
from creative_lab.looks.rendering.work import drain, render_day, render_seed, versioned
from creative_lab.settings import Settings
from creative_lab_tests.imaging import tiny
from creative_lab_tests.imaging.conftest import lab_in
from creative_lab_tests.imaging.test_hosted import Provider, png
from creative_lab_tests.looks.a_day import DAY, outfits, write_day

SMALL = IllustratorRenderer(width=320, height=180)


def events(settings: Settings, stage: str) -> list[dict[str, Any]]:
    flush_events(settings)
    frame = TableStore(settings).read("pipeline_events")
    return frame.filter(pl.col("stage") == stage).sort("at").to_dicts()


def test_a_day_is_drawn_once_and_again_only_when_asked(migrated_lab: Settings) -> None:
    ids = write_day(migrated_lab)
    first = render_day(migrated_lab, DAY, run_id="r1", renderer=SMALL)
    assert list(first.drawn) == ids
    assert render_day(migrated_lab, DAY, run_id="r2", renderer=SMALL).drawn == ()
    again = render_day(migrated_lab, DAY, run_id="r3", renderer=SMALL, only=ids[:1], again=True)
    rows = again.rows.filter(pl.col("look_id") == ids[0]).sort("render_no").to_dicts()
    assert [row["render_no"] for row in rows] == [1, 2]
    assert rows[0]["prompt_id"] == rows[1]["prompt_id"]
    assert rows[0]["sha256"] != rows[1]["sha256"]
    assert rows[0]["address"] != rows[1]["address"]
    assert all("?v=" in row["address"] for row in rows)
    assert again.rows.height == 3
    seen = events(migrated_lab, "render")
    assert [(event["status"], event["attempt"]) for event in seen] == [("ok", 1), ("ok", 1), ("ok", 2)]
    assert all(event["model"] == "embedded/illustrator" and event["cost_usd"] == 0.0 for event in seen)


def test_a_look_that_cannot_be_drawn_never_stops_the_batch(migrated_lab: Settings) -> None:
    ids = write_day(migrated_lab, 3, broken=(2,))
    report = render_day(migrated_lab, DAY, run_id="r1", renderer=SMALL)
    assert list(report.drawn) == [ids[0], ids[2]]
    assert "hovercraft" in report.failed[ids[1]]
    row = report.rows.filter(pl.col("look_id") == ids[1]).row(0, named=True)
    assert (row["status"], row["path"], row["address"]) == ("failed", None, None)
    assert [event["reason"] for event in events(migrated_lab, "render") if event["status"] == "fail"] == [row["reason"]]
    # The next run tries it again under the next number.
    assert render_day(migrated_lab, DAY, run_id="r2", renderer=SMALL).rows["render_no"].max() == 2


def test_pictures_wait_on_the_local_disk_while_the_store_is_down_and_are_drained_later(
    migrated_lab: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from creative_lab.lake.objects import ObjectStore

    settings = migrated_lab.model_copy(update={"lake_url": f"memory://{tmp_path.name}"})
    ids = write_day(settings, 1)
    upload = ObjectStore._upload

    def failing(self: ObjectStore, source: Path, name: str, digest: str, size: int) -> None:
        if name.startswith("objects/"):
            raise OSError("the bucket is gone")
        upload(self, source, name, digest, size)

    monkeypatch.setattr(ObjectStore, "_upload", failing)
    row = render_day(settings, DAY, run_id="r1", renderer=SMALL).rows.row(0, named=True)
    assert (row["status"], row["location"]) == ("ok", "local")
    assert Path(row["address"].split("?v=")[0]).is_file()
    assert FileSystem.of_lake(settings).read_bytes(row["path"])
    assert [(e["status"], e["look_id"]) for e in events(settings, "s3_upload")] == [("fail", ids[0])]

    monkeypatch.setattr(ObjectStore, "_upload", upload)
    assert drain(settings, DAY, run_id="r2") >= 2
    row = TableStore(settings).read("look_renders", [{"day": DAY}]).row(0, named=True)
    assert row["location"] == "store"
    assert row["address"].startswith("memory://")
    assert [e["status"] for e in events(settings, "s3_upload")] == ["fail", "ok"]


def test_a_hosted_model_is_polled_and_told_what_to_avoid_in_its_prompt() -> None:
    provider = Provider()
    try:
        provider.picture = png(size=(64, 36))
        settings = Settings(profile="hosted", offline=True, replicate_api_token=SecretStr("r8-secret"))
        studio = HostedStudio(Catalogue.load(settings), replicate_url=provider.url, sleep=lambda _: None)
        order = Order("look", tuple(outfits()), "three models", "Avoid: hats, logos", ("hats", "logos"), 5)
        rendered = ModelRenderer(studio, "imagen-4-ultra", "replicate").render(order)
    finally:
        provider.http.shutdown()
        provider.http.server_close()
    assert provider.inputs[0]["prompt"] == "three models Avoid: hats, logos"
    assert provider.inputs[0]["aspect_ratio"] == "16:9"
    assert "negative_prompt" not in provider.inputs[0]
    assert rendered.cost_usd == 0.01
    assert rendered.seed is None
    assert b"r8-secret" not in rendered.data


def test_a_model_on_this_machine_draws_a_look_as_the_same_picture_for_the_same_seed(tmp_path: Path) -> None:
    tiny.BUILDERS["sdxl"](tmp_path / "tiny" / "sdxl")
    settings = lab_in(tmp_path, tmp_path / "tiny")
    renderer = renderer_for(settings, "miniature-xl")
    order = Order("look", tuple(outfits()), "three models", "Avoid: hats, logos", ("hats", "logos"), 5)
    first, second = renderer.render(order), renderer.render(order)
    assert first.data == second.data or _pixels(first) == _pixels(second)
    other = renderer.render(replace(order, seed=6))
    assert _pixels(other) != _pixels(first)
    recipe = json.loads(first.recipe)
    assert (recipe["seed"], recipe["negative_prompt"]) == (5, "hats, logos")
    assert first.seed == 5 and first.cost_usd == 0 and first.truth is None
    width, height = Image.open(io.BytesIO(first.data)).size
    assert width > height and width * height <= 29184


def _pixels(rendered: Rendered) -> bytes:
    return Image.open(io.BytesIO(rendered.data)).tobytes()


def test_the_profile_chooses_who_draws_and_the_control_setting_overrules_it() -> None:
    assert renderer_for(Settings(profile="miniature")).name == "illustrator"
    assert renderer_for(Settings(profile="studio")).name == "diffusers"
    assert renderer_for(Settings(profile="hosted")).name == "replicate"
    assert renderer_for(Settings(profile="hosted"), "imagen-4-ultra").model == "imagen-4-ultra"
    assert renderer_for(Settings(profile="hosted"), "embedded/illustrator").name == "illustrator"


@given(st.sampled_from(["https://x.org/a.png", "https://x.org/a.png?b=1", "/disk/a.png", "s3://k/a.png#f"]),
       st.integers(0, 10**13))  # fmt: skip
def test_the_version_joins_a_query_with_an_ampersand(address: str, stamp: int) -> None:
    found = versioned(address, stamp)
    assert f"{'&' if '?b' in address else '?'}v={stamp}" in found
    assert found.count("?") == 1
    assert versioned(address, stamp) != versioned(address, stamp + 1)


def test_a_drawn_look_is_the_same_every_time_and_its_truth_survives_its_file() -> None:
    first, second = (draw(outfits(), 7, width=320, height=180) for _ in range(2))
    assert np.array_equal(first.pixels, second.pixels)
    read = Truth.from_png(first.truth.png())
    assert np.array_equal(read.labels, first.truth.labels)
    assert read.garments == first.truth.garments
    assert {item.garment_id for item in read.garments if item.model_index == 1} == {"g-dress", "g-belt", "g-shoes-1"}
    assert not np.array_equal(first.pixels, draw(outfits(), 8, width=320, height=180).pixels)
    with pytest.raises(ValueError, match="not a truth picture"):
        Truth.from_png(png())


def test_shadows_lie_below_the_shoes_and_the_sweep_is_white() -> None:
    light = Light()
    alpha = np.zeros((180, 320), np.float32)
    alpha[60:170, 150:170] = 1
    dark = shadow(alpha, light)
    assert dark[:120].max() < 0.01
    assert 0.1 < dark[165:178].max() < 0.6
    assert sweep(320, 180, light).min() > 225
    assert Light(contact=0, cast=0) and shadow(alpha, Light(contact=0, cast=0)).max() == 0


def test_an_outfit_that_the_world_cannot_draw_is_named() -> None:
    worn = outfits()
    worn[2]["slots"][0]["colour"] = "octarine"
    with pytest.raises(ValueError, match=r"outfit 2: garment 'g-skirt': unknown colour 'octarine'"):
        draw(worn, 1, width=160, height=90)


def test_seeds_differ_by_look_and_rendering() -> None:
    seeds = {render_seed(f"look-{look}", number) for look in range(50) for number in range(1, 4)}
    assert len(seeds) == 150
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_a_drawn_picture_carries_its_recipe() -> None:
    from PIL import Image

    order = Order("look-1", tuple(outfits()), "p", "", (), 3)
    image = Image.open(io.BytesIO(SMALL.render(order).data))
    recipe = json.loads(image.text["creative_lab_look"])  # type: ignore[attr-defined]
    assert (recipe["look_id"], recipe["seed"], recipe["model"]) == ("look-1", 3, "embedded/illustrator")
