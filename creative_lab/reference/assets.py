"""Dagster assets of the reference data: snapshots of what people keep in Postgres.

Their data version is the hash of their rows, so that Dagster knows which adaptations are out of date after an edit.
"""

from __future__ import annotations

import hashlib
from typing import Any

import dagster as dg
import polars as pl

from creative_lab.settings import get_settings

_COMMON: dict[str, Any] = {"group_name": "reference", "owners": ["team:planning"], "code_version": "1"}
_KINDS = {"postgres", "parquet"}

DESCRIPTIONS = {
    "llm_models": "Language models that nodes may be given.",
    "regions": "Groups of countries, with what a planner knows about them.",
    "countries": "Countries with their insights and default language.",
    "languages": "Languages and the models that write them.",
    "country_regions": "Which countries belong to which regions.",
    "country_languages": "Which languages are spoken in which countries.",
    "segments": "Traits of audiences: demographic, behavioural, psychographic.",
    "personas": "People that campaigns speak to.",
    "persona_segments": "Which segments make up a persona.",
    "brands": "Brands: guidelines, names to keep, banned and required words, legal lines.",
    "prompt_templates": "The active version of each prompt template.",
    "market_packs": "Currency, units, spelling, regulation and taboos of each country.",
    "equivalents": "What one concept is called in each English-speaking market.",
    "spellings": "English words in their spelling variants.",
    "targets": "Personas, countries and languages that spots are adapted to.",
}


def data_version(frame: pl.DataFrame) -> dg.DataVersion:
    """SHA-256 over the rows: equal rows are the same data, whenever they were written."""
    digest = hashlib.sha256(repr(sorted(frame.columns)).encode())
    digest.update(frame.select(sorted(frame.columns)).write_json().encode())
    return dg.DataVersion(digest.hexdigest()[:32])


def _result(frame: pl.DataFrame) -> dg.MaterializeResult[pl.DataFrame]:
    return dg.MaterializeResult(value=frame, data_version=data_version(frame), metadata={"entries": frame.height})


def _snapshot(name: str, description: str) -> dg.AssetsDefinition:
    @dg.asset(name=name, description=description, kinds=_KINDS, metadata={"table": name}, **_COMMON)
    def snapshot() -> dg.MaterializeResult[pl.DataFrame]:
        from creative_lab.reference.tables import reference_frame
        from creative_lab.state.db import session_scope

        with session_scope(get_settings()) as session:
            return _result(reference_frame(session, name))

    return snapshot


reference_snapshots = [_snapshot(name, description) for name, description in DESCRIPTIONS.items()]


@dg.asset(**_COMMON, kinds=_KINDS, metadata={"table": "region_insights"}, deps=["regions", "countries", "languages"])
def region_insights() -> dg.MaterializeResult[pl.DataFrame]:
    """Insights of every active region, country and language, as Markdown."""
    from creative_lab.reference.tables import insight_frame
    from creative_lab.state.db import session_scope

    with session_scope(get_settings()) as session:
        return _result(insight_frame(session, "region_insights"))


@dg.asset(
    **_COMMON, kinds=_KINDS, metadata={"table": "persona_insights"}, deps=["personas", "segments", "persona_segments"]
)
def persona_insights() -> dg.MaterializeResult[pl.DataFrame]:
    """Insights of segments, and the document composed for each persona from region to segment."""
    from creative_lab.reference.tables import insight_frame
    from creative_lab.state.db import session_scope

    with session_scope(get_settings()) as session:
        return _result(insight_frame(session, "persona_insights"))
