"""Facts behind exact localisation checks; their shapes are those of ``creative_lab.reference.market_packs``."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from creative_lab.state.models.base import Base, Identified, Timestamped, json_is, not_blank, one_of
from creative_lab.state.models.markets import Country

EQUIVALENT_KINDS = (
    "vocabulary",
    "holiday",
    "sport",
    "institution",
    "food",
    "given_name",
    "family_name",
    "place",
    "school",
    "season",
)


class MarketPack(Timestamped, Base):
    """Formats and rules of one country, as the JSON of a market pack."""

    __tablename__ = "market_packs"
    __table_args__ = (json_is("pack", "object"),)

    country_code: Mapped[str] = mapped_column(ForeignKey(Country.code, ondelete="RESTRICT"), primary_key=True)
    pack: Mapped[dict[str, Any]]

    country: Mapped[Country] = relationship()


class Equivalent(Identified, Timestamped, Base):
    """One concept and its names by country."""

    __tablename__ = "equivalents"
    __table_args__ = (
        UniqueConstraint("kind", "concept"),
        one_of("kind", EQUIVALENT_KINDS),
        not_blank("concept"),
        json_is("forms", "object"),
    )

    kind: Mapped[str] = mapped_column(String(20))
    concept: Mapped[str] = mapped_column(String(100))
    forms: Mapped[dict[str, Any]] = mapped_column(comment="Country code to names; the first is the one to write")
    note: Mapped[str] = mapped_column(Text, default="", server_default="")


class Spelling(Identified, Timestamped, Base):
    """One English word in its spelling variants."""

    __tablename__ = "spellings"
    __table_args__ = (not_blank("american"), not_blank("british"), not_blank("canadian"))

    american: Mapped[str] = mapped_column(String(100), unique=True)
    british: Mapped[str] = mapped_column(String(100))
    canadian: Mapped[str] = mapped_column(String(100))
