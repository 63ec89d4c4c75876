"""Dagster assets of the reference data: snapshots of what people keep in Postgres.

Their data version is the hash of their rows, so that Dagster knows which adaptations are out of date after an edit.
"""

from __future__ import annotations

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


def _result(frame: pl.DataFrame) -> dg.MaterializeResult[pl.DataFrame]:
    from creative_lab.reference.tables import content_hash

    version = dg.DataVersion(content_hash(frame)[:32])
    return dg.MaterializeResult(value=frame, data_version=version, metadata={"entries": frame.height})


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


KNOWN_TO_NODES = (
    "region_insights",
    "persona_insights",
    "market_packs",
    "equivalents",
    "spellings",
    "brands",
    "languages",
    "llm_models",
    "prompt_templates",
)
"""Tables whose change makes adaptations out of date. Targets are not among them: a new one changes no other."""


@dg.asset(**_COMMON, kinds=_KINDS, metadata={"table": "market_knowledge"}, deps=list(KNOWN_TO_NODES))
def market_knowledge() -> dg.MaterializeResult[pl.DataFrame]:
    """Everything that the nodes of an adaptation may know, by version: what adaptations are made from."""
    from creative_lab.lake.tables import TableStore
    from creative_lab.reference.tables import knowledge_frame

    store = TableStore(get_settings())
    frames = {name: store.scan(name).collect() for name in KNOWN_TO_NODES}
    # Templates of looks and storyboards are not asked by any node of an adaptation.
    frames["prompt_templates"] = frames["prompt_templates"].filter(~pl.col("category").is_in(["looks", "storyboards"]))
    return _result(knowledge_frame(frames))
