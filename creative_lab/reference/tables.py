"""The tables that show reference data in the warehouse, as it was when the assets were last materialized.

Postgres is where people change these things; the tables are for questions that join them with results.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import polars as pl
from sqlalchemy.orm import Session

from creative_lab.lake import columns
from creative_lab.lake.schemas import STAMPS, TableSchema, table, table_frame
from creative_lab.reference.insights import (
    InsightRow,
    market_insight_rows,
    persona_insight_rows,
    render_insights,
)
from creative_lab.reference.kinds import KINDS


class _Described(TableSchema):
    insights = columns.text("Insights as Markdown: a heading and its points")
    is_active = columns.flag("Whether it is in use")


@table("regions", comment="Groups of countries")
class Regions(_Described):
    """One row per region."""

    code = columns.key("Code of the region")
    name = columns.text("Name")
    description = columns.text("What holds the region together")


@table("countries", comment="Countries and what a planner knows about them")
class Countries(_Described):
    """One row per country."""

    code = columns.key("ISO 3166-1 alpha-2 code")
    name = columns.text("Name")
    default_language = columns.text("BCP-47 tag of the language to use when none is given", nullable=True)
    notes = columns.text("Notes of the editors")


@table("languages", comment="Languages, and the models that write them")
class Languages(_Described):
    """One row per language."""

    code = columns.key("BCP-47 tag")
    name = columns.text("Name")
    base_language = columns.text("Language without its region")
    primary_model = columns.text("Model that writes the language")
    alternative_models = columns.texts("Models to turn to when drafts keep failing, in order")
    notes = columns.text("Notes of the editors")


@table("country_regions", comment="Which countries belong to which regions")
class CountryRegions(TableSchema):
    """One row per country and region."""

    country_code = columns.key("ISO 3166-1 alpha-2 code")
    region_code = columns.key("Code of the region")


@table("country_languages", comment="Which languages are spoken in which countries")
class CountryLanguages(TableSchema):
    """One row per country and language."""

    country_code = columns.key("ISO 3166-1 alpha-2 code")
    language_code = columns.key("BCP-47 tag")
    is_primary = columns.flag("Whether it is the country's main language")


@table("segments", comment="Traits of audiences")
class Segments(_Described):
    """One row per segment."""

    category = columns.key("DEMOGRAPHIC, BEHAVIORAL or PSYCHOGRAPHIC")
    vector = columns.key("Dimension, such as age")
    value = columns.key("Value on the dimension")
    description = columns.text("What it means")


@table("personas", comment="People that campaigns speak to")
class Personas(TableSchema):
    """One row per persona."""

    name = columns.key("Name")
    description = columns.text("Who it is")
    region_code = columns.text("Region", nullable=True)
    country_code = columns.text("Country", nullable=True)
    language_code = columns.text("Language", nullable=True)
    is_active = columns.flag("Whether it is in use")


@table("persona_segments", comment="Which segments make up a persona")
class PersonaSegments(TableSchema):
    """One row per persona and segment."""

    persona_name = columns.key("Name of the persona")
    segment_category = columns.key("Category of the segment")
    segment_vector = columns.key("Dimension of the segment")
    segment_value = columns.key("Value of the segment")
    order_index = columns.count("Place in the persona's list")


@table("brands", comment="Brands and what they allow")
class Brands(_Described):
    """One row per brand."""

    code = columns.key("Code")
    name = columns.text("Name")
    category = columns.text("Product category, as regulations name it")
    description = columns.text("What the brand is")
    guidelines = columns.text("Guidelines in prose")
    do_not_translate = columns.texts("Names that stay as they are")
    banned_words = columns.texts("Words that must not appear")
    required_words = columns.text("JSON: words that must appear, by language")
    legal_lines = columns.text("JSON: country code to legal line, verbatim")


@table("llm_models", comment="Language models that nodes may be given")
class LLMModels(TableSchema):
    """One row per model."""

    model_id = columns.key("Hugging Face id or litellm name")
    name = columns.text("Name")
    notes = columns.text("Coverage, size, licence")
    is_active = columns.flag("Whether it may be used")
    load_in_4bit = columns.flag("Whether it is quantised to 4 bits on CUDA")


@table("prompt_templates", comment="Active versions of the prompt templates")
class PromptTemplates(TableSchema):
    """One row per template."""

    slug = columns.key("Name that the code uses")
    name = columns.text("Name")
    category = columns.text("adaptation, enhancement, concept or evaluation")
    description = columns.text("What it is for")
    template = columns.text("Jinja2 text")
    expected_variables = columns.text("JSON: variables and what they hold")
    version = columns.count("Version that is active")


@table("market_packs", comment="Formats and rules of a country, behind the exact checks")
class MarketPacks(TableSchema):
    """One row per country."""

    country = columns.key("ISO 3166-1 alpha-2 code")
    pack = columns.text("JSON: currency, planning rate, units, spelling, regulations, taboos")


@table("equivalents", comment="What one concept is called in each English-speaking market")
class Equivalents(TableSchema):
    """One row per concept."""

    kind = columns.key("vocabulary, holiday, sport, institution, food, name, place …")
    concept = columns.key("Name of the concept")
    forms = columns.text("JSON: country code to names, the first to be written")
    note = columns.text("What to mind")


@table("spellings", comment="English words in their spelling variants")
class Spellings(TableSchema):
    """One row per word."""

    american = columns.key("American spelling")
    british = columns.text("British spelling")
    canadian = columns.text("Canadian spelling")


@table("targets", comment="Personas, countries and languages that spots are adapted to")
class Targets(TableSchema):
    """One row per target."""

    code = columns.key("Key of the target's partition")
    name = columns.text("Name")
    persona = columns.text("Persona", nullable=True)
    region_code = columns.text("Region", nullable=True)
    country_code = columns.text("Country", nullable=True)
    language_code = columns.text("Language", nullable=True)
    is_active = columns.flag("Whether it is in use")


class _Insights(TableSchema):
    level = columns.key("Level of the entity")
    code = columns.key("Code or name of the entity")
    name = columns.text("Name")
    source = columns.text("Label under which the text appears in a composed document")
    markdown = columns.text("The insights as Markdown")


@table("region_insights", comment="Insights of regions, countries and languages")
class RegionInsights(_Insights):
    """One row per level and entity."""


@table("persona_insights", comment="Insights of segments, and the composed document of each persona")
class PersonaInsights(_Insights):
    """One row per level and entity."""


@table("market_knowledge", comment="Which version of each reference table the adaptations are made from")
class MarketKnowledge(TableSchema):
    """One row per reference table that a node may know."""

    name = columns.key("Table")
    entries = columns.count("Rows of the table")
    content_hash = columns.text("SHA-256 of its rows, without run and time")


SCHEMAS: dict[str, type[TableSchema]] = {
    "llm_models": LLMModels,
    "regions": Regions,
    "countries": Countries,
    "languages": Languages,
    "country_regions": CountryRegions,
    "country_languages": CountryLanguages,
    "segments": Segments,
    "personas": Personas,
    "persona_segments": PersonaSegments,
    "brands": Brands,
    "prompt_templates": PromptTemplates,
    "market_packs": MarketPacks,
    "equivalents": Equivalents,
    "spellings": Spellings,
    "targets": Targets,
}
"""Kind of reference data (and name of its file) to its table."""


def reference_frame(session: Session, name: str) -> pl.DataFrame:
    """Rows of the table ``name`` as the database has them now."""
    kind = next(kind for kind in KINDS if kind.name == name)
    entries = [kind.to_entry(row) for _, row in sorted(kind.rows(session).items())]
    return table_frame(SCHEMAS[name], [_cells(SCHEMAS[name], entry) for entry in entries])


def insight_frame(session: Session, name: str) -> pl.DataFrame:
    """Rows of ``region_insights`` or ``persona_insights``."""
    rows: list[InsightRow] = (
        market_insight_rows(session) if name == "region_insights" else persona_insight_rows(session)
    )
    schema = RegionInsights if name == "region_insights" else PersonaInsights
    return table_frame(schema, [vars(row) for row in rows])


def content_hash(frame: pl.DataFrame) -> str:
    """SHA-256 over the rows: equal rows are the same data, whenever and by whichever run they were written."""
    kept = sorted(set(frame.columns) - STAMPS)
    digest = hashlib.sha256(repr(kept).encode())
    digest.update(frame.select(kept).write_json().encode())
    return digest.hexdigest()


def knowledge_frame(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Rows of ``market_knowledge`` over the given reference tables by name."""
    rows = [
        {"name": name, "entries": frame.height, "content_hash": content_hash(frame)}
        for name, frame in sorted(frames.items())
    ]
    return table_frame(MarketKnowledge, rows)


def _cells(schema: type[TableSchema], entry: dict[str, Any]) -> dict[str, Any]:
    if schema is MarketPacks:
        return {"country": entry["country"], "pack": _json(entry)}
    cells = {}
    for name, value in entry.items():
        if name == "insights":
            cells[name] = render_insights(value)
        elif name == "required_words" or isinstance(value, dict):
            cells[name] = _json(value)
        else:
            cells[name] = value
    return cells


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
