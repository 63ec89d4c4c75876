"""Whom a spot speaks to: segments, personas, and a country's values as the World Values Survey measured them."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from creative_lab.state.models.base import (
    Activatable,
    Base,
    Identified,
    Timestamped,
    WithInsights,
    insights_check,
    not_blank,
    one_of,
)
from creative_lab.state.models.markets import Country, Language, Region

SEGMENT_CATEGORIES = ("DEMOGRAPHIC", "BEHAVIORAL", "PSYCHOGRAPHIC")


class Segment(Identified, WithInsights, Activatable, Timestamped, Base):
    """One trait of an audience: a category, a vector within it, and a value of that vector."""

    __tablename__ = "segments"
    __table_args__ = (
        insights_check(),
        UniqueConstraint("category", "vector", "value"),
        one_of("category", SEGMENT_CATEGORIES),
        not_blank("vector"),
        not_blank("value"),
    )

    category: Mapped[str] = mapped_column(String(20))
    vector: Mapped[str] = mapped_column(String(100))
    value: Mapped[str] = mapped_column(String(100))
    description: Mapped[str] = mapped_column(Text, default="", server_default="")

    @property
    def label(self) -> str:
        """The segment as people read it: ``Behavioral: shopping → bargain``."""
        return f"{self.category.capitalize()}: {self.vector} → {self.value}"


class Persona(Identified, Activatable, Timestamped, Base):
    """A person who stands for an audience, placed as far as it is known."""

    __tablename__ = "personas"
    __table_args__ = (not_blank("name"),)

    name: Mapped[str] = mapped_column(String(200), unique=True)
    description: Mapped[str] = mapped_column(Text, default="", server_default="")
    region_id: Mapped[int | None] = mapped_column(ForeignKey(Region.id, ondelete="RESTRICT"))
    country_id: Mapped[int | None] = mapped_column(ForeignKey(Country.id, ondelete="RESTRICT"))
    language_id: Mapped[int | None] = mapped_column(ForeignKey(Language.id, ondelete="RESTRICT"))

    region: Mapped[Region | None] = relationship()
    country: Mapped[Country | None] = relationship()
    language: Mapped[Language | None] = relationship()
    segment_links: Mapped[list[PersonaSegment]] = relationship(
        back_populates="persona", cascade="all, delete-orphan", passive_deletes=True
    )

    @property
    def segments(self) -> list[Segment]:
        """The persona's segments by category, vector and value."""
        found = (link.segment for link in self.segment_links)
        return sorted(found, key=lambda segment: (segment.category, segment.vector, segment.value))


class PersonaSegment(Identified, Base):
    """A segment that a persona belongs to."""

    __tablename__ = "persona_segments"
    __table_args__ = (UniqueConstraint("persona_id", "segment_id"),)

    persona_id: Mapped[int] = mapped_column(ForeignKey(Persona.id, ondelete="CASCADE"))
    segment_id: Mapped[int] = mapped_column(ForeignKey(Segment.id, ondelete="CASCADE"), index=True)
    order_index: Mapped[int] = mapped_column(default=0, server_default=text("0"))

    persona: Mapped[Persona] = relationship(back_populates="segment_links")
    segment: Mapped[Segment] = relationship()


class WVSProfile(Identified, Timestamped, Base):
    """A country's averages in the World Values Survey (worldvaluessurvey.org); the user supplies the data.

    The two axes are the factor scores of the Inglehart–Welzel map; the other figures are shares from 0 to 1.
    """

    __tablename__ = "wvs_profiles"
    __table_args__ = tuple(
        CheckConstraint(f"{name} BETWEEN {low} AND {high}", name=f"{name}_range")
        for name, low, high in (
            ("traditional_secular", -5, 5),
            ("survival_self_expression", -5, 5),
            ("interpersonal_trust", 0, 1),
            ("tolerance", 0, 1),
            ("gender_equality", 0, 1),
            ("civic_participation", 0, 1),
            ("wave", 1, 20),
        )
    )

    country_id: Mapped[int] = mapped_column(ForeignKey(Country.id, ondelete="CASCADE"), unique=True)
    wave: Mapped[int]
    traditional_secular: Mapped[float | None]
    survival_self_expression: Mapped[float | None]
    interpersonal_trust: Mapped[float | None]
    tolerance: Mapped[float | None]
    gender_equality: Mapped[float | None]
    civic_participation: Mapped[float | None]

    country: Mapped[Country] = relationship()
