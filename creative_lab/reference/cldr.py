"""Countries and languages from the Unicode CLDR (through babel): a start that people then enrich.

CLDR's territory language information says which share of a country's people can use a language, and whether it is
official there (Unicode CLDR supplemental data, ``territoryInfo``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from creative_lab.lake.fs import FileSystem
from creative_lab.reference.country_codes import is_country
from creative_lab.reference.problems import ImportFailed, Problem, read_json

Files = dict[str, list[dict[str, Any]]]
"""Entries by name of the file, without ``.json``."""

_OFFICIAL = {"official", "de_facto_official"}
_FILES = ("countries", "languages", "country_languages")
_LONGEST_TAG = 10


def generate(countries: Iterable[str], *, threshold: float, primary_model: str, include_official: bool = True) -> Files:
    """Entries of countries, languages and country_languages for ISO 3166-1 alpha-2 codes.

    A language is taken when at least ``threshold`` per cent of the country's people use it, or, with
    ``include_official``, when it is official in the whole country. The official language with most users is primary,
    or the one with most users where none is official. ``primary_model`` is the model of every language. Raises
    ValueError for a code that is no country, or a threshold outside 0 to 100.
    """
    from babel import Locale

    if not 0 <= threshold <= 100:
        raise ValueError(f"the population threshold is a percentage from 0 to 100, not {threshold:g}")
    names = Locale("en").territories
    files: Files = {name: [] for name in _FILES}
    for country in sorted(set(countries)):
        if not is_country(country):
            raise ValueError(f"{country!r} is no ISO 3166-1 alpha-2 country code")
        tags = _languages(country, threshold, include_official)
        primary = tags[0][0] if tags else None
        files["countries"].append(
            {
                "code": country,
                "name": names[country],
                "default_language": primary,
                "insights": [],
                "notes": "",
                "is_active": True,
            }
        )
        for tag, language in tags:
            files["languages"].append(
                {
                    "code": tag,
                    "name": f"{_language_name(language)} ({names[country]})",
                    "base_language": tag.split("-")[0],
                    "primary_model": primary_model,
                    "alternative_models": [],
                    "insights": [],
                    "notes": "",
                    "is_active": True,
                }
            )
            files["country_languages"].append(
                {"country_code": country, "language_code": tag, "is_primary": tag == primary}
            )
    return files


def _languages(country: str, threshold: float, include_official: bool) -> list[tuple[str, str]]:
    """Tags and CLDR names of the languages taken for a country, the primary one first."""
    import langcodes
    from babel.core import get_global

    found: dict[str, tuple[bool, float, str]] = {}
    for language, facts in get_global("territory_languages").get(country, {}).items():
        official = facts["official_status"] in _OFFICIAL
        share = float(facts["population_percent"])
        tag = langcodes.standardize_tag(f"{language.replace('_', '-')}-{country}")
        # Our tags have at most ten characters; longer ones are rare scripts of small languages.
        if len(tag) <= _LONGEST_TAG and (share >= threshold or (official and include_official)):
            found[tag] = (official, share, language)
    if f"nb-{country}" in found:
        found.pop(f"no-{country}", None)  # CLDR lists Bokmål under its macrolanguage as well
    ordered = sorted(found.items(), key=lambda item: (not item[1][0], -item[1][1], item[0]))
    return [(tag, language) for tag, (_official, _share, language) in ordered]


def _language_name(language: str) -> str:
    import langcodes
    from babel import Locale

    known: str | None = Locale("en").languages.get(language)
    return known or langcodes.Language.get(language.replace("_", "-")).display_name()


def merge(existing: Files, generated: Files) -> Files:
    """``existing`` with what is missing from ``generated``; nothing that a person wrote is changed.

    A country keeps its entry and only gets a default language when it has none; a language keeps its entry; a country
    with a primary language keeps it.
    """
    merged: Files = {name: [dict(entry) for entry in existing.get(name, [])] for name in _FILES}
    countries = {entry.get("code"): entry for entry in merged["countries"]}
    for entry in generated["countries"]:
        known = countries.get(entry["code"])
        if known is None:
            merged["countries"].append(entry)
        elif known.get("default_language") is None:
            known["default_language"] = entry["default_language"]
    languages = {entry.get("code") for entry in merged["languages"]}
    merged["languages"] += [entry for entry in generated["languages"] if entry["code"] not in languages]
    pairs = {(entry.get("country_code"), entry.get("language_code")) for entry in merged["country_languages"]}
    with_primary = {entry.get("country_code") for entry in merged["country_languages"] if entry.get("is_primary")}
    for entry in generated["country_languages"]:
        if (entry["country_code"], entry["language_code"]) not in pairs:
            primary = entry["is_primary"] and entry["country_code"] not in with_primary
            merged["country_languages"].append(entry | {"is_primary": primary})
    return merged


@dataclass(frozen=True)
class CompletionReport:
    """How many entries each file gained."""

    gained: dict[str, int]

    def __str__(self) -> str:
        return "\n".join(f"{file}: {count} entries added" for file, count in self.gained.items())


def complete_directory(
    directory: Path,
    countries: Sequence[str] | None = None,
    *,
    threshold: float,
    primary_model: str,
    include_official: bool = True,
) -> CompletionReport:
    """Merge generated entries into the files of ``directory`` (all its countries when none are named).

    The files are written only when all three could be read.
    """
    existing: Files = {}
    for name in _FILES:
        path = directory / f"{name}.json"
        content = read_json(path) if path.exists() else []
        if not isinstance(content, list) or not all(isinstance(entry, dict) for entry in content):
            raise ImportFailed([Problem(path.name, "must hold a list of entries")])
        existing[name] = content
    if not countries:
        countries = [str(entry.get("code")) for entry in existing["countries"]]
    generated = generate(countries, threshold=threshold, primary_model=primary_model, include_official=include_official)
    merged = merge(existing, generated)
    files = FileSystem(directory)
    for name in _FILES:
        if merged[name] != existing[name]:
            text = json.dumps(merged[name], indent=2, ensure_ascii=False) + "\n"
            files.write_bytes(f"{name}.json", text.encode())
    return CompletionReport({f"{name}.json": len(merged[name]) - len(existing[name]) for name in _FILES})
