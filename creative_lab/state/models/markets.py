"""Regions, countries and languages, and how they belong together."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from creative_lab.state.models.base import (
    Activatable,
    Base,
    Identified,
    Timestamped,
    WithInsights,
    insights_check,
    matches,
    not_blank,
)
from creative_lab.state.models.language import LLMModel


class Region(Identified, WithInsights, Activatable, Timestamped, Base):
    """A group of countries that are planned together, such as DACH or LATAM."""

    __tablename__ = "regions"
    __table_args__ = (insights_check(), not_blank("code"), not_blank("name"))

    code: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    description: Mapped[str] = mapped_column(Text, default="", server_default="")

    country_links: Mapped[list[CountryRegion]] = relationship(back_populates="region", passive_deletes=True)
    countries: Mapped[list[Country]] = relationship(
        secondary="creative_lab.country_regions", viewonly=True, order_by="Country.code"
    )


class Country(Identified, WithInsights, Activatable, Timestamped, Base):
    """A market, by its ISO 3166-1 alpha-2 code."""

    __tablename__ = "countries"
    __table_args__ = (insights_check(), matches("code", "^[A-Z]{2}$"), not_blank("name"))

    code: Mapped[str] = mapped_column(String(2), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    default_language_id: Mapped[int | None] = mapped_column(ForeignKey("languages.id", ondelete="RESTRICT"))
    notes: Mapped[str] = mapped_column(Text, default="", server_default="")

    default_language: Mapped[Language | None] = relationship(foreign_keys=[default_language_id])
    region_links: Mapped[list[CountryRegion]] = relationship(back_populates="country", passive_deletes=True)
    language_links: Mapped[list[CountryLanguage]] = relationship(back_populates="country", passive_deletes=True)
    regions: Mapped[list[Region]] = relationship(
        secondary="creative_lab.country_regions", viewonly=True, order_by="Region.code"
    )
    languages: Mapped[list[Language]] = relationship(
        secondary="creative_lab.country_languages", viewonly=True, order_by="Language.code"
    )

    @property
    def primary_languages(self) -> list[Language]:
        """Languages marked primary in this country, by code."""
        return sorted((link.language for link in self.language_links if link.is_primary), key=lambda item: item.code)


class Language(Identified, WithInsights, Activatable, Timestamped, Base):
    """A language as a market speaks it, by its BCP-47 tag, and the models that write it."""

    __tablename__ = "languages"
    __table_args__ = (
        insights_check(),
        Index(None, "base_language", "is_active"),
        matches("code", "^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$"),
        not_blank("name"),
    )

    code: Mapped[str] = mapped_column(String(10), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    base_language: Mapped[str] = mapped_column(String(10))
    primary_model_id: Mapped[int] = mapped_column(ForeignKey(LLMModel.id, ondelete="RESTRICT"))
    notes: Mapped[str] = mapped_column(Text, default="", server_default="")

    primary_model: Mapped[LLMModel] = relationship()
    alternative_links: Mapped[list[LanguageAlternativeModel]] = relationship(
        back_populates="language",
        cascade="all, delete-orphan",
        passive_deletes=True,
        order_by="LanguageAlternativeModel.order_index",
    )

    @property
    def alternative_models(self) -> list[LLMModel]:
        """The alternatives in the order in which the writer tries them."""
        return [link.llm_model for link in self.alternative_links]

    @property
    def models(self) -> list[LLMModel]:
        """Primary model and alternatives, each once."""
        return list(dict.fromkeys([self.primary_model, *self.alternative_models]))


class CountryRegion(Identified, Base):
    """A country's place in a region; it may have several."""

    __tablename__ = "country_regions"
    __table_args__ = (UniqueConstraint("country_id", "region_id"),)

    country_id: Mapped[int] = mapped_column(ForeignKey(Country.id, ondelete="CASCADE"))
    region_id: Mapped[int] = mapped_column(ForeignKey(Region.id, ondelete="CASCADE"), index=True)

    country: Mapped[Country] = relationship(back_populates="region_links")
    region: Mapped[Region] = relationship(back_populates="country_links")


class CountryLanguage(Identified, Base):
    """A language spoken in a country."""

    __tablename__ = "country_languages"
    __table_args__ = (UniqueConstraint("country_id", "language_id"),)

    country_id: Mapped[int] = mapped_column(ForeignKey(Country.id, ondelete="CASCADE"))
    language_id: Mapped[int] = mapped_column(ForeignKey(Language.id, ondelete="CASCADE"), index=True)
    is_primary: Mapped[bool] = mapped_column(default=False, server_default=text("false"))

    country: Mapped[Country] = relationship(back_populates="language_links")
    language: Mapped[Language] = relationship()


class LanguageAlternativeModel(Identified, Base):
    """A model that the writer may switch to for a language; ``order_index`` is the order of trying."""

    __tablename__ = "language_alternative_models"
    __table_args__ = (
        UniqueConstraint("language_id", "llm_model_id"),
        CheckConstraint("order_index >= 0", name="order_index_not_negative"),
    )

    language_id: Mapped[int] = mapped_column(ForeignKey(Language.id, ondelete="CASCADE"))
    llm_model_id: Mapped[int] = mapped_column(ForeignKey(LLMModel.id, ondelete="RESTRICT"))
    order_index: Mapped[int] = mapped_column(default=0, server_default=text("0"))

    language: Mapped[Language] = relationship(back_populates="alternative_links")
    llm_model: Mapped[LLMModel] = relationship()
