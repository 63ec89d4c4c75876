"""Composition of insights: what a writer must know about a target, from the widest level to the narrowest.

:func:`compose_insights` and :func:`compose_insights_as_markdown` are pure functions over plain data; :func:`subject_of`
takes that data from a target, a persona or an ad unit of the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from sqlalchemy import select
from sqlalchemy.orm import Session

from creative_lab.state.models import AdUnit, Country, Language, Persona, Region, Segment, Target

GENERIC_TARGET = "General audience"


class SourcedMarkdown(TypedDict):
    """The insights of one level."""

    source: str
    markdown: str


@dataclass(frozen=True)
class Place:
    """A region, country or language and what is known about it."""

    name: str
    insights: Sequence[dict[str, Any]] = ()


@dataclass(frozen=True)
class Trait:
    """A segment of the persona and what is known about it."""

    category: str
    vector: str
    value: str
    insights: Sequence[dict[str, Any]] = ()
    is_active: bool = True

    @property
    def label(self) -> str:
        """``Behavioral: shopping → bargain``."""
        return f"{self.category.capitalize()}: {self.vector} → {self.value}"


@dataclass(frozen=True)
class Subject:
    """Whom insights are composed for; every part may be unknown."""

    persona: str | None = None
    region: Place | None = None
    country: Place | None = None
    language: Place | None = None
    traits: Sequence[Trait] = ()


def render_insights(insights: Sequence[dict[str, Any]]) -> str:
    """Insight blocks as Markdown: a level-3 heading each, a bullet per point, a blank line between blocks.

    A block without a heading is skipped.
    """
    blocks = []
    for block in insights:
        heading = _line(block.get("heading") or "")
        if heading:
            points = [f"- {_line(point)}" for point in block.get("points") or []]
            blocks.append("\n".join([f"### {heading}", *points]))
    return "\n\n".join(blocks)


def compose_insights(subject: Subject) -> list[SourcedMarkdown]:
    """Region, country, language, then each active segment by category, vector and value; empty levels are left out."""
    levels = [
        (f"{label}: {place.name}", place.insights)
        for label, place in (("Region", subject.region), ("Country", subject.country), ("Language", subject.language))
        if place is not None
    ]
    levels += [
        (trait.label, trait.insights)
        for trait in sorted(subject.traits, key=lambda trait: (trait.category, trait.vector, trait.value))
        if trait.is_active
    ]
    composed = (SourcedMarkdown(source=source, markdown=render_insights(insights)) for source, insights in levels)
    return [level for level in composed if level["markdown"]]


def target_title(subject: Subject) -> str:
    """``Lena – DACH / Austria (German)``, with whatever is known; :data:`GENERIC_TARGET` when nothing is."""
    place = " / ".join(part.name for part in (subject.region, subject.country) if part is not None)
    if subject.language is not None:
        place = f"{place} ({subject.language.name})" if place else subject.language.name
    return " – ".join(part for part in (subject.persona, place) if part) or GENERIC_TARGET


def compose_insights_as_markdown(subject: Subject) -> str:
    """One document: a title with the target, a section per source; empty when there is nothing to say."""
    sections = [f"## {level['source']}\n\n{level['markdown']}" for level in compose_insights(subject)]
    if not sections:
        return ""
    return "\n\n".join([f"# Insights: {target_title(subject)}", *sections]) + "\n"


def _line(text: str) -> str:
    # A line break inside a heading or a point would end it.
    return " ".join(str(text).split())


def subject_of(item: Target | Persona | AdUnit) -> Subject:
    """The data of a target (its persona fills what it leaves open), a persona, or an ad unit."""
    persona = item if isinstance(item, Persona) else item.persona
    if isinstance(item, Target):
        region, country, language = item.effective_region, item.effective_country, item.effective_language
    else:
        region, country, language = item.region, item.country, item.language
    return Subject(
        persona=persona.name if persona else None,
        region=_place(region),
        country=_place(country),
        language=_place(language),
        traits=[_trait(segment) for segment in persona.segments] if persona else [],
    )


def _place(row: Region | Country | Language | None) -> Place | None:
    return None if row is None else Place(row.name, row.insights)


def _trait(row: Segment) -> Trait:
    return Trait(row.category, row.vector, row.value, row.insights, row.is_active)


@dataclass(frozen=True)
class InsightRow:
    """One level and entity, as the tables ``region_insights`` and ``persona_insights`` hold it."""

    level: str
    code: str
    name: str
    source: str
    markdown: str


def market_insight_rows(session: Session) -> list[InsightRow]:
    """The insights of every active region, country and language that has any."""
    rows: list[tuple[str, Region | Country | Language]] = []
    rows += [("Region", row) for row in session.scalars(select(Region).order_by(Region.code))]
    rows += [("Country", row) for row in session.scalars(select(Country).order_by(Country.code))]
    rows += [("Language", row) for row in session.scalars(select(Language).order_by(Language.code))]
    return [
        InsightRow(level.lower(), row.code, row.name, f"{level}: {row.name}", markdown)
        for level, row in rows
        if row.is_active and (markdown := render_insights(row.insights))
    ]


def persona_insight_rows(session: Session) -> list[InsightRow]:
    """The composed document of every active persona, and the insights of every active segment that has any."""
    rows = []
    for segment in session.scalars(
        select(Segment).where(Segment.is_active).order_by(Segment.category, Segment.vector, Segment.value)
    ):
        if markdown := render_insights(segment.insights):
            code = f"{segment.category}/{segment.vector}/{segment.value}"
            rows.append(InsightRow("segment", code, segment.value, segment.label, markdown))
    for persona in session.scalars(select(Persona).where(Persona.is_active).order_by(Persona.name)):
        if markdown := compose_insights_as_markdown(subject_of(persona)):
            rows.append(InsightRow("persona", persona.name, persona.name, f"Persona: {persona.name}", markdown))
    return rows
