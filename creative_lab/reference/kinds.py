"""How each reference file maps to its table: natural key, column values, and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session

from creative_lab.reference import entries as shapes
from creative_lab.state import models

Key = tuple[str, ...]


class Resolve(Protocol):
    """Finds the id of the row of a kind by natural key, for a field; None (and a problem) if there is none."""

    def __call__(self, name: str, key: str | Key | None, field: str) -> int | None: ...


@dataclass(frozen=True)
class Kind:
    """One reference file and its table."""

    name: str
    noun: str
    model: Any
    entry: type[BaseModel]
    key_fields: tuple[str, ...]
    row_key: Callable[[Any], Key]
    values: Callable[[Any, Resolve], dict[str, Any]]
    to_entry: Callable[[Any], dict[str, Any]]
    late_values: Callable[[Any, Resolve], dict[str, Any]] | None = None
    """Forward references, set when all files are in."""
    only: tuple[Any, ...] = ()
    """Conditions on the rows that belong in the file."""

    @property
    def file(self) -> str:
        """Name of the file in a folder of reference data."""
        return f"{self.name}.json"

    def rows(self, session: Session) -> dict[Key, Any]:
        """All rows of the table by natural key."""
        return {self.row_key(row): row for row in session.scalars(select(self.model).where(*self.only))}


def _plain(*names: str) -> Callable[[Any, Resolve], dict[str, Any]]:
    """Column values that are the entry's own fields."""
    return lambda entry, _resolve: entry.model_dump(mode="json", include=set(names))


def _fields(*names: str) -> Callable[[Any], dict[str, Any]]:
    return lambda row: {name: getattr(row, name) for name in names}


def _code(row: Any) -> str | None:
    return None if row is None else str(row.code)


def _sorted(value: Any) -> Any:
    """JSON with the keys of objects in order, so that exports do not depend on how Postgres stores them."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def _language_values(entry: Any, resolve: Resolve) -> dict[str, Any]:
    plain = _plain("code", "name", "base_language", "insights", "notes", "is_active")(entry, resolve)
    return plain | {"primary_model_id": resolve("llm_models", entry.primary_model, "primary_model")}


def _place(entry: Any, resolve: Resolve) -> dict[str, Any]:
    return {
        "region_id": resolve("regions", entry.region_code, "region_code"),
        "country_id": resolve("countries", entry.country_code, "country_code"),
        "language_id": resolve("languages", entry.language_code, "language_code"),
    }


def _place_codes(row: Any) -> dict[str, str | None]:
    return {
        "region_code": _code(row.region),
        "country_code": _code(row.country),
        "language_code": _code(row.language),
    }


def _pack_json(entry: Any) -> dict[str, Any]:
    pack: dict[str, Any] = entry.model_dump(mode="json")
    return pack


_COUNTRY = ("code", "name", "insights", "notes", "is_active")
_REGION = ("code", "name", "description", "insights", "is_active")
_MODEL = ("model_id", "name", "notes", "is_active", "load_in_4bit")
_SEGMENT = ("category", "vector", "value", "description", "insights", "is_active")
_BRAND = (
    "code",
    "name",
    "category",
    "description",
    "guidelines",
    "insights",
    "do_not_translate",
    "banned_words",
    "required_words",
    "legal_lines",
    "is_active",
)
_TEMPLATE = ("slug", "name", "category", "description", "template", "expected_variables", "version")

KINDS: tuple[Kind, ...] = (
    Kind(
        "llm_models",
        "model",
        models.LLMModel,
        shapes.LLMModelEntry,
        ("model_id",),
        lambda row: (row.model_id,),
        _plain(*_MODEL),
        _fields(*_MODEL),
    ),
    Kind(
        "regions",
        "region",
        models.Region,
        shapes.RegionEntry,
        ("code",),
        lambda row: (row.code,),
        _plain(*_REGION),
        _fields(*_REGION),
    ),
    Kind(
        "countries",
        "country",
        models.Country,
        shapes.CountryEntry,
        ("code",),
        lambda row: (row.code,),
        _plain(*_COUNTRY),
        lambda row: _fields(*_COUNTRY)(row) | {"default_language": _code(row.default_language)},
        late_values=lambda entry, resolve: {
            "default_language_id": resolve("languages", entry.default_language, "default_language")
        },
    ),
    Kind(
        "languages",
        "language",
        models.Language,
        shapes.LanguageEntry,
        ("code",),
        lambda row: (row.code,),
        _language_values,
        lambda row: (
            _fields("code", "name", "base_language", "insights", "notes", "is_active")(row)
            | {
                "primary_model": row.primary_model.model_id,
                "alternative_models": [model.model_id for model in row.alternative_models],
            }
        ),
    ),
    Kind(
        "country_regions",
        "country in a region",
        models.CountryRegion,
        shapes.CountryRegionEntry,
        ("country_code", "region_code"),
        lambda row: (row.country.code, row.region.code),
        lambda entry, resolve: {
            "country_id": resolve("countries", entry.country_code, "country_code"),
            "region_id": resolve("regions", entry.region_code, "region_code"),
        },
        lambda row: {"country_code": row.country.code, "region_code": row.region.code},
    ),
    Kind(
        "country_languages",
        "language of a country",
        models.CountryLanguage,
        shapes.CountryLanguageEntry,
        ("country_code", "language_code"),
        lambda row: (row.country.code, row.language.code),
        lambda entry, resolve: {
            "country_id": resolve("countries", entry.country_code, "country_code"),
            "language_id": resolve("languages", entry.language_code, "language_code"),
            "is_primary": entry.is_primary,
        },
        lambda row: {
            "country_code": row.country.code,
            "language_code": row.language.code,
            "is_primary": row.is_primary,
        },
    ),
    Kind(
        "segments",
        "segment",
        models.Segment,
        shapes.SegmentEntry,
        ("category", "vector", "value"),
        lambda row: (row.category, row.vector, row.value),
        _plain(*_SEGMENT),
        _fields(*_SEGMENT),
    ),
    Kind(
        "personas",
        "persona",
        models.Persona,
        shapes.PersonaEntry,
        ("name",),
        lambda row: (row.name,),
        lambda entry, resolve: _plain("name", "description", "is_active")(entry, resolve) | _place(entry, resolve),
        lambda row: _fields("name", "description", "is_active")(row) | _place_codes(row),
    ),
    Kind(
        "persona_segments",
        "segment of a persona",
        models.PersonaSegment,
        shapes.PersonaSegmentEntry,
        ("persona_name", "segment_category", "segment_vector", "segment_value"),
        lambda row: (row.persona.name, row.segment.category, row.segment.vector, row.segment.value),
        lambda entry, resolve: {
            "persona_id": resolve("personas", entry.persona_name, "persona_name"),
            "segment_id": resolve(
                "segments",
                (entry.segment_category, entry.segment_vector, entry.segment_value),
                "segment_value",
            ),
            "order_index": entry.order_index,
        },
        lambda row: {
            "persona_name": row.persona.name,
            "segment_category": row.segment.category,
            "segment_vector": row.segment.vector,
            "segment_value": row.segment.value,
            "order_index": row.order_index,
        },
    ),
    Kind(
        "brands",
        "brand",
        models.Brand,
        shapes.BrandEntry,
        ("code",),
        lambda row: (row.code,),
        _plain(*_BRAND),
        lambda row: _fields(*_BRAND)(row) | {"legal_lines": _sorted(row.legal_lines)},
    ),
    Kind(
        "prompt_templates",
        "prompt template",
        models.PromptTemplate,
        shapes.PromptTemplateEntry,
        ("slug",),
        lambda row: (row.slug,),
        _plain(*_TEMPLATE),
        lambda row: _fields(*_TEMPLATE)(row) | {"expected_variables": _sorted(row.expected_variables)},
        only=(models.PromptTemplate.is_active.is_(True),),
    ),
    Kind(
        "market_packs",
        "market pack",
        models.MarketPack,
        shapes.MarketPackEntry,
        ("country",),
        lambda row: (row.country_code,),
        lambda entry, resolve: {
            "country_code": entry.country if resolve("countries", entry.country, "country") else None,
            "pack": _pack_json(entry),
        },
        lambda row: dict(row.pack),
    ),
    Kind(
        "equivalents",
        "equivalent",
        models.Equivalent,
        shapes.EquivalentEntry,
        ("kind", "concept"),
        lambda row: (row.kind, row.concept),
        _plain("kind", "concept", "forms", "note"),
        lambda row: _fields("kind", "concept", "note")(row) | {"forms": _sorted(row.forms)},
    ),
    Kind(
        "spellings",
        "spelling",
        models.Spelling,
        shapes.SpellingEntry,
        ("american",),
        lambda row: (row.american,),
        _plain("american", "british", "canadian"),
        _fields("american", "british", "canadian"),
    ),
    Kind(
        "targets",
        "target",
        models.Target,
        shapes.TargetEntry,
        ("code",),
        lambda row: (row.code,),
        lambda entry, resolve: (
            _plain("code", "name", "is_active")(entry, resolve)
            | {"persona_id": resolve("personas", entry.persona, "persona")}
            | _place(entry, resolve)
        ),
        lambda row: (
            _fields("code", "name", "is_active")(row)
            | {"persona": row.persona.name if row.persona else None}
            | _place_codes(row)
        ),
    ),
)
"""Every reference file, in the order in which they depend on each other."""
