"""What is allowed but probably not meant: found after an import and told as warnings."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from creative_lab.state import models


def warnings_of(session: Session) -> list[str]:
    """Warnings about the reference data in the database, in a stable order."""
    spoken: dict[int, dict[int, bool]] = {}
    for language_link in session.scalars(select(models.CountryLanguage)):
        spoken.setdefault(language_link.country_id, {})[language_link.language_id] = language_link.is_primary
    regions: dict[int, set[int]] = {}
    for region_link in session.scalars(select(models.CountryRegion)):
        regions.setdefault(region_link.country_id, set()).add(region_link.region_id)
    result = []
    for country in session.scalars(select(models.Country).order_by(models.Country.code)):
        languages = spoken.get(country.id, {})
        primary = sum(languages.values())
        if languages and primary != 1:
            result.append(f"country {country.code} has {primary} primary languages; normally it has one")
        if country.default_language is not None and country.default_language_id not in languages:
            result.append(
                f"country {country.code}: its default language {country.default_language.code} is not among its "
                "languages in country_languages.json"
            )
    placed: list[tuple[str, models.Persona | models.Target]] = [
        (f"persona {persona.name}", persona)
        for persona in session.scalars(select(models.Persona).order_by(models.Persona.name))
    ]
    placed += [
        (f"target {target.code}", target)
        for target in session.scalars(select(models.Target).order_by(models.Target.code))
    ]
    for label, item in placed:
        if item.country is None:
            continue
        if item.region is not None and item.region.id not in regions.get(item.country.id, set()):
            result.append(f"{label}: {item.country.code} is not in region {item.region.code}")
        if item.language is not None and item.language.id not in spoken.get(item.country.id, {}):
            result.append(f"{label}: {item.language.code} is not a language of {item.country.code}")
    return result
