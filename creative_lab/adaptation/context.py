"""Gathers everything that the nodes may know about one spot and one target from the state database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import langcodes
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session

from creative_lab.adaptation.schemas import (
    AdaptationContext,
    BrandFacts,
    OriginScript,
    PersonaFacts,
    RequiredWord,
)
from creative_lab.adaptation.stored import ContextError, find_spot, find_target, find_unit, origin_unit
from creative_lab.adaptation.text import visible
from creative_lab.reference.insights import compose_insights_as_markdown, render_insights, subject_of
from creative_lab.reference.market_packs import Equivalent, MarketPack, Spelling
from creative_lab.reference.spots import origin_script
from creative_lab.state import models as state

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Aim:
    """Where an adaptation goes, after the persona has filled the gaps that its target leaves."""

    language: state.Language
    region: state.Region | None = None
    country: state.Country | None = None
    persona: state.Persona | None = None

    @property
    def name(self) -> str:
        """The persona's name, else ``Region / Country`` as far as they are known, else the language's name."""
        if self.persona is not None:
            return self.persona.name
        return " / ".join(place.name for place in (self.region, self.country) if place) or self.language.name

    @property
    def code(self) -> str:
        """Codes of region and country joined by a dash, else the language's code, in capitals."""
        codes = [place.code for place in (self.region, self.country) if place]
        return ("-".join(codes) or self.language.code).upper()

    @property
    def country_code(self) -> str | None:
        """The country whose formats and legal line apply: the aim's own, else the one that the language tag names."""
        return self.country.code if self.country else territory_of(self.language.code)


def territory_of(tag: str) -> str | None:
    """ISO 3166-1 code of a BCP-47 tag's region subtag; None when it names no country."""
    territory = langcodes.get(tag).territory
    return territory if territory and territory.isalpha() else None


def aim_of(target: state.Target) -> Aim:
    """Persona, region, country and language of a target; its persona fills what the target leaves open.

    Raises :class:`~creative_lab.adaptation.stored.ContextError` when no language follows from any of them.
    """
    language, country = target.effective_language, target.effective_country
    if language is None:
        hint = f", or country {country.code} a default language" if country else ""
        raise ContextError(f"target {target.code!r} has no language: give the target one{hint}")
    return Aim(language, target.effective_region, country, target.persona)


def origin_of_spot(session: Session, spot: str) -> OriginScript:
    """The script of a spot as it was imported; raises ContextError when there is none."""
    campaign = find_spot(session, spot)
    try:
        return OriginScript.model_validate(origin_script(campaign))
    except ValueError as error:
        raise ContextError(f"spot {spot!r}: {error}; import it again") from error


def origin_context(session: Session, spot: str, origin: OriginScript | None = None) -> AdaptationContext:
    """What the concept node may know: the spot in its own language and country, without a target."""
    campaign = find_spot(session, spot)
    unit = origin_unit(campaign)
    origin = origin or origin_of_spot(session, spot)
    language = unit.language
    country = unit.country.code if unit.country else territory_of(origin.language)
    pack = _pack(session, country)
    return cleaned(
        AdaptationContext(
            spot=spot,
            target="origin",
            origin=origin,
            origin_country=country,
            target_name=language.name if language else origin.language,
            target_code="ORIGIN",
            target_language=origin.language,
            target_language_name=language.name if language else origin.language,
            country_code=country,
            market_rules="",
            brand=_brand(unit.effective_brand),
            origin_pack=pack,
            target_pack=pack,
        )
    )


def build_context(session: Session, spot: str, target: str, origin: OriginScript | None = None) -> AdaptationContext:
    """What the nodes may know about adapting ``spot`` to ``target``, without invisible characters.

    ``origin`` is the script to adapt when it is at hand; by default it is read from the spot's campaign. Raises
    :class:`~creative_lab.adaptation.stored.ContextError` for an unknown spot or target and for a target without a
    language.
    """
    campaign = find_spot(session, spot)
    source = origin_unit(campaign)
    origin = origin or origin_of_spot(session, spot)
    wanted = find_target(session, target)
    unit = find_unit(session, campaign, wanted)
    aim = aim_of(wanted)
    origin_country = source.country.code if source.country else territory_of(origin.language)
    return cleaned(
        AdaptationContext(
            spot=spot,
            target=target,
            origin=origin,
            origin_country=origin_country,
            target_name=aim.name,
            target_code=aim.code,
            target_language=aim.language.code,
            target_language_name=aim.language.name,
            region_code=aim.region.code if aim.region else None,
            country_code=aim.country_code,
            persona=_persona(aim.persona),
            market_rules=compose_insights_as_markdown(subject_of(wanted)),
            brand=_brand((unit.brand if unit else None) or campaign.brand),
            origin_pack=_pack(session, origin_country),
            target_pack=_pack(session, aim.country_code),
            equivalents=_equivalents(session, origin_country, aim.country_code),
            spellings=_spellings(session, origin.language, aim.language.code),
        )
    )


def cleaned(model: M) -> M:
    """``model`` with every text in it free of invisible characters."""
    return type(model).model_validate(_cleaned(model.model_dump()))


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {key: _cleaned(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    return value


def _persona(persona: state.Persona | None) -> PersonaFacts | None:
    if persona is None:
        return None
    labels = [segment.label for segment in persona.segments if segment.is_active]
    return PersonaFacts(name=persona.name, description=persona.description, segments=labels)


def _brand(brand: state.Brand | None) -> BrandFacts | None:
    if brand is None:
        return None
    return BrandFacts(
        code=brand.code,
        name=brand.name,
        category=brand.category,
        guidelines=brand.guidelines,
        insights_markdown=render_insights(brand.insights),
        do_not_translate=list(brand.do_not_translate),
        banned_words=list(brand.banned_words),
        required_words=[RequiredWord.model_validate(word) for word in brand.required_words],
        legal_lines=dict(brand.legal_lines),
    )


def _pack(session: Session, country: str | None) -> MarketPack | None:
    found = session.get(state.MarketPack, country) if country else None
    return MarketPack.model_validate(found.pack) if found else None


def _equivalents(session: Session, *countries: str | None) -> list[Equivalent]:
    """The concepts that have a name in at least one of the two countries."""
    found = session.scalars(select(state.Equivalent).order_by(state.Equivalent.kind, state.Equivalent.concept))
    return [
        Equivalent.model_validate({"concept": row.concept, "kind": row.kind, "forms": row.forms, "note": row.note})
        for row in found
        if any(country in row.forms for country in countries)
    ]


def _spellings(session: Session, *tags: str) -> list[Spelling]:
    """The spelling variants of English, when both languages are English."""
    if any(langcodes.get(tag).language != "en" for tag in tags):
        return []
    found = session.scalars(select(state.Spelling).order_by(state.Spelling.american))
    return [Spelling(american=row.american, british=row.british, canadian=row.canadian) for row in found]
