"""The catalogue as tables."""

from __future__ import annotations

from creative_lab.imaging.catalogue import Catalogue
from creative_lab.imaging.tables import lora_rows, model_rows
from creative_lab.lake.tables import TableStore
from creative_lab.settings import Settings


def test_the_catalogue_becomes_a_row_per_model_with_licence_state_and_roles(imaging_settings: Settings) -> None:
    catalogue = Catalogue.load(imaging_settings)
    store = TableStore(imaging_settings)
    store.write("diffusion_models", model_rows(catalogue), run_id="r", backend="miniature")
    rows = {row["slug"]: row for row in store.read("diffusion_models").to_dicts()}
    assert rows["miniature-xl"]["state"] == "here" and "miniature: picture" in rows["miniature-xl"]["roles"]
    assert rows["sdxl_turbo"]["guidance_scale"] == 0.0
    assert rows["imagen-4-ultra"]["kind"] == "hosted"
    assert all(row["licence"] for row in rows.values())
    assert lora_rows(catalogue).height == len(catalogue.presets.loras)
