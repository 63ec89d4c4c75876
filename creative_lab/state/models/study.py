"""The user study: what was shown to whom, and what people answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, Float, ForeignKey, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from creative_lab.state.models.base import SLUG_PATTERN, Base, Identified, Timestamped, json_is, matches, not_blank


class Study(Identified, Timestamped, Base):
    """One blind study; ``definition`` says what each opaque item is, and which form shows it where."""

    __tablename__ = "studies"
    __table_args__ = (matches("key", SLUG_PATTERN), json_is("definition", "object"))

    key: Mapped[str] = mapped_column(String(64), unique=True)
    seed: Mapped[int] = mapped_column(Integer)
    definition: Mapped[dict[str, Any]]


class StudyAnswer(Identified, Base):
    """One answer to one question of one form; rows are only ever added."""

    __tablename__ = "study_answers"
    __table_args__ = (
        UniqueConstraint("study_id", "form", "position", "question"),
        not_blank("rater"),
        CheckConstraint("position >= 0", name="position_not_negative"),
        CheckConstraint("seconds >= 0", name="seconds_not_negative"),
    )

    study_id: Mapped[int] = mapped_column(ForeignKey(Study.id, ondelete="CASCADE"))
    form: Mapped[str] = mapped_column(String(40), comment="Which form was filled in, such as form-01")
    rater: Mapped[str] = mapped_column(String(100), comment="What the rater calls themselves")
    position: Mapped[int] = mapped_column(Integer, comment="0-based place of the item in the form")
    item: Mapped[str] = mapped_column(String(40), comment="Opaque name of what was shown")
    question: Mapped[str] = mapped_column(String(40))
    answer: Mapped[str] = mapped_column(String(40))
    note: Mapped[str] = mapped_column(Text, default="", server_default="")
    seconds: Mapped[float] = mapped_column(Float, comment="Time from showing the item to its answers")
    synthetic: Mapped[bool] = mapped_column(Boolean, comment="Whether a program answered, to test the analysis")
    answered_at: Mapped[datetime]
