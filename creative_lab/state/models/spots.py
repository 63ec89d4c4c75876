"""Campaigns, their ad units (the origin and its adaptations) and script rows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal, get_args

from sqlalchemy import CheckConstraint, Double, ForeignKey, Index, Numeric, String, Text, UniqueConstraint, text
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, mapped_column, relationship

from creative_lab.state.models.audiences import Persona
from creative_lab.state.models.base import SLUG_PATTERN, Base, Identified, Timestamped, json_is, matches, one_of
from creative_lab.state.models.brands import Brand
from creative_lab.state.models.language import LLMModel
from creative_lab.state.models.markets import Country, Language, Region
from creative_lab.state.models.work import Target

AD_UNIT_TYPES = ("VIDEO", "AUDIO", "PRINT")
UnitStatus = Literal[
    "pending",
    "processing",
    "concept_analysis",
    "cultural_analysis",
    "writing",
    "revising",
    "format_evaluation",
    "cultural_evaluation",
    "concept_evaluation",
    "brand_evaluation",
    "completed",
    "failed",
]
"""Where an ad unit stands, in the order in which a unit passes through."""

AD_UNIT_STATUSES: tuple[str, ...] = get_args(UnitStatus)
TIMECODE_PATTERN = "^[0-9]{2}:[0-5][0-9]:[0-5][0-9](:[0-5][0-9]|[.][0-9]{3})$"


class Campaign(Identified, Timestamped, Base):
    """A spot as the client ordered it; ``spot_key`` is its Dagster partition."""

    __tablename__ = "campaigns"
    __table_args__ = (matches("spot_key", SLUG_PATTERN),)

    job_id: Mapped[str] = mapped_column(String(100), unique=True)
    spot_key: Mapped[str] = mapped_column(String(64), unique=True)
    script_title: Mapped[str] = mapped_column(String(200))
    client_name: Mapped[str] = mapped_column(String(200))
    product_name: Mapped[str] = mapped_column(String(200), default="", server_default="")
    brand_name: Mapped[str] = mapped_column(
        String(200), default="", server_default="", comment="As the script names it, when no brand is known by it"
    )
    brand_id: Mapped[int | None] = mapped_column(ForeignKey(Brand.id, ondelete="RESTRICT"))
    original_script_data: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))

    brand: Mapped[Brand | None] = relationship()
    ad_units: Mapped[list[AdUnit]] = relationship(back_populates="campaign", order_by="AdUnit.id")

    @property
    def origin(self) -> AdUnit | None:
        """The unit that the campaign began with."""
        return next((unit for unit in self.ad_units if unit.origin_or_adaptation == "ORIGIN"), None)


def _default_status(context: DefaultExecutionContext) -> str:
    kind = context.get_current_parameters()["origin_or_adaptation"]
    return "completed" if kind == "ORIGIN" else "pending"


class AdUnit(Identified, Timestamped, Base):
    """One advertisement of a campaign: the origin, or its adaptation to a target."""

    __tablename__ = "ad_units"
    __table_args__ = (
        Index(
            "uq_ad_units_one_origin",
            "campaign_id",
            unique=True,
            postgresql_where=text("origin_or_adaptation = 'ORIGIN'"),
        ),
        UniqueConstraint("campaign_id", "target_id"),
        one_of("ad_unit_type", AD_UNIT_TYPES),
        one_of("origin_or_adaptation", ("ORIGIN", "ADAPTATION")),
        one_of("status", AD_UNIT_STATUSES),
        CheckConstraint(
            "(origin_or_adaptation = 'ORIGIN') = (source_ad_unit_id IS NULL)", name="only_adaptations_have_a_source"
        ),
        CheckConstraint("source_ad_unit_id <> id", name="not_its_own_source"),
        CheckConstraint("duration > 0", name="duration_positive"),
        json_is("evaluation_history", "array"),
        json_is("pipeline_metadata", "object"),
        json_is("pipeline_model_config", "object"),
    )

    campaign_id: Mapped[int] = mapped_column(ForeignKey(Campaign.id, ondelete="RESTRICT"))
    source_ad_unit_id: Mapped[int | None] = mapped_column(ForeignKey("ad_units.id", ondelete="RESTRICT"), index=True)
    target_id: Mapped[int | None] = mapped_column(ForeignKey(Target.id, ondelete="RESTRICT"), index=True)
    ad_unit_type: Mapped[str] = mapped_column(String(10), default="VIDEO", server_default="VIDEO")
    origin_or_adaptation: Mapped[str] = mapped_column(String(10))
    code: Mapped[str] = mapped_column(String(50))
    title: Mapped[str] = mapped_column(String(200))
    persona_id: Mapped[int | None] = mapped_column(ForeignKey(Persona.id, ondelete="RESTRICT"))
    region_id: Mapped[int | None] = mapped_column(ForeignKey(Region.id, ondelete="RESTRICT"))
    country_id: Mapped[int | None] = mapped_column(ForeignKey(Country.id, ondelete="RESTRICT"))
    language_id: Mapped[int | None] = mapped_column(ForeignKey(Language.id, ondelete="RESTRICT"))
    llm_model_id: Mapped[int | None] = mapped_column(ForeignKey(LLMModel.id, ondelete="RESTRICT"))
    brand_id: Mapped[int | None] = mapped_column(ForeignKey(Brand.id, ondelete="RESTRICT"))
    use_pipeline: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    concept_brief: Mapped[dict[str, Any] | None]
    cultural_brief: Mapped[dict[str, Any] | None]
    evaluation_history: Mapped[list[Any]] = mapped_column(default=list, server_default=text("'[]'"))
    pipeline_metadata: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    pipeline_model_config: Mapped[dict[str, str]] = mapped_column(
        default=dict, server_default=text("'{}'"), comment="Node to model_id"
    )
    status: Mapped[str] = mapped_column(String(20), default=_default_status)
    run_id: Mapped[str | None] = mapped_column(String(64), comment="Run that works on the unit")
    error_message: Mapped[str] = mapped_column(Text, default="", server_default="")
    duration: Mapped[Decimal | None] = mapped_column(Numeric(8, 3), comment="Runtime of a video unit in seconds")
    visual_style_prompt: Mapped[str] = mapped_column(Text, default="", server_default="")

    campaign: Mapped[Campaign] = relationship(back_populates="ad_units")
    source_ad_unit: Mapped[AdUnit | None] = relationship(remote_side="AdUnit.id")
    target: Mapped[Target | None] = relationship()
    persona: Mapped[Persona | None] = relationship()
    region: Mapped[Region | None] = relationship()
    country: Mapped[Country | None] = relationship()
    language: Mapped[Language | None] = relationship()
    llm_model: Mapped[LLMModel | None] = relationship()
    brand: Mapped[Brand | None] = relationship()
    script_rows: Mapped[list[AdUnitScriptRow]] = relationship(
        back_populates="ad_unit",
        cascade="all, delete-orphan",
        passive_deletes=True,
        order_by="AdUnitScriptRow.order_index",
    )

    @property
    def effective_brand(self) -> Brand | None:
        """The unit's own brand, else its campaign's."""
        return self.brand or self.campaign.brand

    @property
    def effective_llm_model(self) -> LLMModel | None:
        """The unit's own model, else its language's primary one."""
        return self.llm_model or (self.language.primary_model if self.language else None)

    @property
    def origin(self) -> AdUnit:
        """The unit at the start of the chain of sources (itself for an origin)."""
        unit, seen = self, {id(self)}
        while unit.source_ad_unit is not None:
            unit = unit.source_ad_unit
            if id(unit) in seen:
                raise ValueError(f"ad unit {self.code}: its chain of sources is a circle")
            seen.add(id(unit))
        return unit

    def fill_from_persona(self, persona: Persona) -> None:
        """Choose a persona; region, country and language that are still open follow it."""
        self.persona = persona
        self.region = self.region or persona.region
        self.country = self.country or persona.country
        self.language = self.language or persona.language


class AdUnitScriptRow(Identified, Base):
    """One row of a script: what is seen and what is heard."""

    __tablename__ = "ad_unit_script_rows"
    __table_args__ = (
        UniqueConstraint("ad_unit_id", "order_index"),
        CheckConstraint("order_index >= 0", name="order_index_not_negative"),
        CheckConstraint("duration_seconds >= 0", name="duration_not_negative"),
        matches("timecode_start", TIMECODE_PATTERN),
    )

    ad_unit_id: Mapped[int] = mapped_column(ForeignKey(AdUnit.id, ondelete="CASCADE"))
    order_index: Mapped[int]
    shot_number: Mapped[str] = mapped_column(String(20))
    timecode_start: Mapped[str | None] = mapped_column(String(12), comment="HH:MM:SS:FF or HH:MM:SS.mmm")
    duration_seconds: Mapped[float | None] = mapped_column(Double)
    visual_text: Mapped[str] = mapped_column(Text)
    audio_text: Mapped[str] = mapped_column(Text)

    ad_unit: Mapped[AdUnit] = relationship(back_populates="script_rows")
