"""Dagster assets of the catalogue: which models draw, and which LoRAs they can wear."""

from typing import Any

import dagster as dg
import polars as pl

from creative_lab.settings import get_settings

_COMMON: dict[str, Any] = {
    "group_name": "reference",
    "owners": ["team:imaging"],
    "kinds": {"json", "parquet"},
    "code_version": "1",
}


@dg.asset(**_COMMON, metadata={"table": "diffusion_models"})
def diffusion_models() -> dg.MaterializeResult[pl.DataFrame]:
    """Models that draw, with licence, size, price and whether they are on this machine."""
    from creative_lab.imaging.catalogue import Catalogue
    from creative_lab.imaging.tables import model_rows

    frame = model_rows(Catalogue.load(get_settings()))
    here = frame.filter(pl.col("state") == "here").height
    return dg.MaterializeResult(value=frame, metadata={"models": frame.height, "on_this_machine": here})


@dg.asset(**_COMMON, metadata={"table": "loras"})
def loras() -> dg.MaterializeResult[pl.DataFrame]:
    """LoRAs of the catalogue."""
    from creative_lab.imaging.catalogue import Catalogue
    from creative_lab.imaging.tables import lora_rows

    frame = lora_rows(Catalogue.load(get_settings()))
    return dg.MaterializeResult(value=frame, metadata={"loras": frame.height})
