"""Language models, prompt templates and the settings of the adaptation pipeline."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from creative_lab.state.models.base import (
    Activatable,
    Base,
    Identified,
    Timestamped,
    json_is,
    matches,
    not_blank,
    one_of,
)

TEMPLATE_CATEGORIES = ("adaptation", "enhancement", "concept", "evaluation", "looks", "storyboards")


class LLMModel(Identified, Activatable, Base):
    """A language model that may fill a node of the adaptation graph."""

    __tablename__ = "llm_models"
    __table_args__ = (not_blank("model_id"),)

    model_id: Mapped[str] = mapped_column(String(200), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    notes: Mapped[str] = mapped_column(Text, default="", server_default="")
    load_in_4bit: Mapped[bool] = mapped_column(default=False, server_default=text("false"))


class PromptTemplate(Identified, Timestamped, Base):
    """One version of a prompt template; at most one version of a slug is active."""

    __tablename__ = "prompt_templates"
    __table_args__ = (
        UniqueConstraint("slug", "version"),
        Index("uq_prompt_templates_active_slug", "slug", unique=True, postgresql_where=text("is_active")),
        matches("slug", "^[a-z0-9][a-z0-9-]*$"),
        one_of("category", TEMPLATE_CATEGORIES),
        CheckConstraint("version >= 1", name="version_positive"),
        CheckConstraint("usage_count >= 0", name="usage_count_not_negative"),
        json_is("expected_variables", "object"),
    )

    slug: Mapped[str] = mapped_column(String(100))
    version: Mapped[int] = mapped_column(default=1)
    name: Mapped[str] = mapped_column(String(200))
    category: Mapped[str] = mapped_column(String(20))
    description: Mapped[str] = mapped_column(Text, default="", server_default="")
    template: Mapped[str] = mapped_column(Text)
    expected_variables: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    is_active: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    usage_count: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    last_used_at: Mapped[datetime | None]


class PipelineSettings(Timestamped, Base):
    """The default model of each node; the table holds exactly one row.

    There is no default for the writer: the writer follows the language.
    """

    __tablename__ = "pipeline_settings"
    __table_args__ = (CheckConstraint("id = 1", name="singleton"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=1)
    global_default_model_id: Mapped[int | None] = mapped_column(ForeignKey(LLMModel.id, ondelete="RESTRICT"))
    concept_default_model_id: Mapped[int | None] = mapped_column(ForeignKey(LLMModel.id, ondelete="RESTRICT"))
    culture_default_model_id: Mapped[int | None] = mapped_column(ForeignKey(LLMModel.id, ondelete="RESTRICT"))
    format_gate_default_model_id: Mapped[int | None] = mapped_column(ForeignKey(LLMModel.id, ondelete="RESTRICT"))
    culture_gate_default_model_id: Mapped[int | None] = mapped_column(ForeignKey(LLMModel.id, ondelete="RESTRICT"))
    concept_gate_default_model_id: Mapped[int | None] = mapped_column(ForeignKey(LLMModel.id, ondelete="RESTRICT"))
    brand_gate_default_model_id: Mapped[int | None] = mapped_column(ForeignKey(LLMModel.id, ondelete="RESTRICT"))

    global_default_model: Mapped[LLMModel | None] = relationship(foreign_keys=[global_default_model_id])
    concept_default_model: Mapped[LLMModel | None] = relationship(foreign_keys=[concept_default_model_id])
    culture_default_model: Mapped[LLMModel | None] = relationship(foreign_keys=[culture_default_model_id])
    format_gate_default_model: Mapped[LLMModel | None] = relationship(foreign_keys=[format_gate_default_model_id])
    culture_gate_default_model: Mapped[LLMModel | None] = relationship(foreign_keys=[culture_gate_default_model_id])
    concept_gate_default_model: Mapped[LLMModel | None] = relationship(foreign_keys=[concept_gate_default_model_id])
    brand_gate_default_model: Mapped[LLMModel | None] = relationship(foreign_keys=[brand_gate_default_model_id])

    @classmethod
    def get_instance(cls, session: Session) -> PipelineSettings:
        """The one row, made when it is missing; safe when two processes ask at once."""
        session.execute(insert(cls).values(id=1).on_conflict_do_nothing(index_elements=["id"]))
        return session.get_one(cls, 1)

    def default_model(self, node: str) -> LLMModel | None:
        """The default of ``node`` (None for the writer, which has none); KeyError for an unknown node."""
        if node == "writer":
            return None
        if node not in PIPELINE_NODES:
            raise KeyError(f"unknown node {node!r}; known: {', '.join(PIPELINE_NODES)}")
        model: LLMModel | None = getattr(self, f"{node}_default_model")
        return model


PIPELINE_NODES = ("concept", "culture", "writer", "format_gate", "culture_gate", "concept_gate", "brand_gate")
"""The nodes of the adaptation graph, in order."""
