"""What a person may choose next, given what was chosen: region → country → language; category → vector → value."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from creative_lab.state.models import (
    Country,
    CountryLanguage,
    CountryRegion,
    Language,
    Persona,
    PersonaSegment,
    Region,
    Segment,
)


def regions(session: Session) -> list[Region]:
    """Active regions by name."""
    return list(session.scalars(select(Region).where(Region.is_active).order_by(Region.name, Region.code)))


def countries_of(session: Session, region_code: str | None = None) -> list[Country]:
    """Active countries of a region, or all, by name; an unknown region has none."""
    query = select(Country).where(Country.is_active).order_by(Country.name, Country.code)
    if region_code is not None:
        query = query.join(CountryRegion).join(Region).where(Region.code == region_code)
    return list(session.scalars(query))


def languages_of(session: Session, country_code: str | None = None, region_code: str | None = None) -> list[Language]:
    """Active languages of a country, of all active countries of a region, or all.

    A country's primary languages come first, then by name.
    """
    query = select(Language).where(Language.is_active)
    if country_code is None and region_code is None:
        return list(session.scalars(query.order_by(Language.name, Language.code)))
    links = select(CountryLanguage).join(Country).where(Country.is_active)
    if country_code is not None:
        links = links.where(Country.code == country_code)
    if region_code is not None:
        links = links.where(
            Country.id.in_(select(CountryRegion.country_id).join(Region).where(Region.code == region_code))
        )
    primary: dict[int, bool] = {}
    for link in session.scalars(links):
        primary[link.language_id] = primary.get(link.language_id, False) or link.is_primary
    found = session.scalars(query.where(Language.id.in_(primary)))
    return sorted(found, key=lambda language: (not primary[language.id], language.name, language.code))


def vectors_of(session: Session, category: str) -> list[str]:
    """Vectors of a segment category that have an active value, in order."""
    query = select(Segment.vector).where(Segment.is_active, Segment.category == category).distinct()
    return list(session.scalars(query.order_by(Segment.vector)))


def values_of(session: Session, category: str, vector: str) -> list[str]:
    """Active values of a vector, in order."""
    query = select(Segment.value).where(Segment.is_active, Segment.category == category, Segment.vector == vector)
    return list(session.scalars(query.order_by(Segment.value)))


def add_segment(session: Session, persona: Persona, segment: Segment) -> bool:
    """Give a persona a segment; False when it has it already."""
    session.flush()
    known = select(PersonaSegment).where(
        PersonaSegment.persona_id == persona.id, PersonaSegment.segment_id == segment.id
    )
    if session.scalar(known) is not None:
        return False
    persona.segment_links.append(PersonaSegment(segment=segment, order_index=len(persona.segment_links)))
    session.flush()
    return True


def remove_segment(session: Session, persona: Persona, segment: Segment) -> bool:
    """Take a segment from a persona; False when it does not have it."""
    for link in persona.segment_links:
        if link.segment is segment or link.segment_id == segment.id:
            persona.segment_links.remove(link)
            session.flush()
            return True
    return False
