"""A small, complete set of reference data for tests, with every optional field used somewhere."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

_INSIGHTS = [{"heading": "Tone", "points": ["Plain words", "No superlatives"]}]

DATA: dict[str, list[dict[str, Any]]] = {
    "llm_models": [
        {"model_id": "lab/one", "name": "One", "notes": "small", "is_active": True, "load_in_4bit": False},
        {"model_id": "lab/two", "name": "Two", "is_active": True, "load_in_4bit": True},
        {"model_id": "lab/three", "name": "Three", "is_active": False, "load_in_4bit": False},
    ],
    "regions": [
        {"code": "DACH", "name": "German-speaking Europe", "insights": _INSIGHTS, "is_active": True},
        {"code": "EU", "name": "Europe", "description": "The Union", "insights": [], "is_active": True},
        {"code": "APAC", "name": "Asia-Pacific", "insights": [], "is_active": True},
    ],
    "countries": [
        {"code": "DE", "name": "Germany", "default_language": "de-DE", "insights": _INSIGHTS, "is_active": True},
        {"code": "AT", "name": "Austria", "default_language": "de-AT", "insights": [], "notes": "n", "is_active": True},
        {"code": "JP", "name": "Japan", "default_language": "ja-JP", "insights": [], "is_active": True},
        {"code": "NZ", "name": "New Zealand", "default_language": None, "insights": [], "is_active": True},
    ],
    "languages": [
        {
            "code": code,
            "name": name,
            "base_language": code[:2],
            "primary_model": "lab/one",
            "alternative_models": alternatives,
            "insights": [],
            "is_active": True,
        }
        for code, name, alternatives in (
            ("de-DE", "German", ["lab/three", "lab/two"]),
            ("de-AT", "Austrian German", []),
            ("ja-JP", "Japanese", ["lab/two"]),
            ("en-US", "English", []),
        )
    ],
    "country_regions": [
        {"country_code": "DE", "region_code": "DACH"},
        {"country_code": "AT", "region_code": "DACH"},
        {"country_code": "DE", "region_code": "EU"},
        {"country_code": "JP", "region_code": "APAC"},
    ],
    "country_languages": [
        {"country_code": "DE", "language_code": "de-DE", "is_primary": True},
        {"country_code": "AT", "language_code": "de-AT", "is_primary": True},
        {"country_code": "AT", "language_code": "de-DE", "is_primary": False},
        {"country_code": "JP", "language_code": "ja-JP", "is_primary": True},
    ],
    "segments": [
        {"category": "DEMOGRAPHIC", "vector": "age", "value": "30–44", "insights": _INSIGHTS, "is_active": True},
        {"category": "BEHAVIORAL", "vector": "shopping", "value": "bargain", "description": "d", "is_active": True},
        {"category": "BEHAVIORAL", "vector": "shopping", "value": "luxury", "is_active": False},
        {"category": "BEHAVIORAL", "vector": "media", "value": "streaming", "is_active": True},
    ],
    "personas": [
        {
            "name": "Lena",
            "description": "A nurse",
            "region_code": "DACH",
            "country_code": "AT",
            "language_code": "de-AT",
            "is_active": True,
        },
        {"name": "Anyone", "is_active": True},
    ],
    "persona_segments": [
        {
            "persona_name": "Lena",
            "segment_category": "BEHAVIORAL",
            "segment_vector": "shopping",
            "segment_value": "bargain",
            "order_index": 1,
        },
        {
            "persona_name": "Lena",
            "segment_category": "DEMOGRAPHIC",
            "segment_vector": "age",
            "segment_value": "30–44",
        },
    ],
    "brands": [
        {
            "code": "acme",
            "name": "Acme",
            "category": "snack",
            "guidelines": "Warm.",
            "insights": _INSIGHTS,
            "do_not_translate": ["Acme"],
            "banned_words": ["cheap"],
            "required_words": [{"text": "Acme", "language": "*"}, {"text": "knusprig", "language": "de"}],
            "legal_lines": {"DE": "Nur solange der Vorrat reicht.", "AT": "Solange der Vorrat reicht."},
            "is_active": True,
        },
        {"code": "plain", "name": "Plain", "is_active": True},
    ],
    "prompt_templates": [
        {
            "slug": "eval-brand",
            "name": "Brand gate",
            "category": "evaluation",
            "description": "Judges",
            "template": "{% for row in rows %}{{ row }}{% endfor %}\n",
            "expected_variables": {"rows": "list of rows", "brand": "facts"},
            "version": 2,
        }
    ],
    "market_packs": [
        {
            "country": "DE",
            "locale": "de-DE",
            "currency": "EUR",
            "units_per_usd": 0.92,
            "rate_date": "2026-11-02",
            "measurement": "metric",
            "temperature": "celsius",
            "hemisphere": "north",
            "drives_on": "right",
            "regulations": [{"category": "*", "rule": "No lies.", "forbidden_terms": ["garantiert"]}],
        }
    ],
    "equivalents": [
        {"concept": "autumn", "kind": "season", "forms": {"US": ["fall"], "GB": ["autumn"]}, "note": "n"},
        {"concept": "football", "kind": "sport", "forms": {"US": ["soccer"], "GB": ["football", "footie"]}},
    ],
    "spellings": [{"american": "color", "british": "colour", "canadian": "colour"}],
    "targets": [
        {"code": "lena", "name": "Lena in Austria", "persona": "Lena", "is_active": True},
        {"code": "de", "name": "Germany", "region_code": "DACH", "country_code": "DE", "is_active": True},
        {"code": "japanese", "name": "Japanese", "language_code": "ja-JP", "is_active": True},
    ],
}


def data() -> dict[str, list[dict[str, Any]]]:
    """A copy that a test may damage."""
    return deepcopy(DATA)


def write(folder: Path, content: dict[str, Any]) -> Path:
    """Write each item of ``content`` as a file of ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, entries in content.items():
        (folder / f"{name}.json").write_text(json.dumps(entries, ensure_ascii=False), encoding="utf-8")
    return folder
