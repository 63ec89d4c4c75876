"""What people say about looks: grades, which are only ever added, and their decisions about kill phrases."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, Index, Integer, SmallInteger, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from creative_lab.state.models.base import Base, Timestamped, json_is, not_blank, one_of

GRADED_KINDS = ("look", "garment")
PHRASE_DECISIONS = ("active", "retired")


class Grade(Base):
    """One grade of a look or of a garment in it; rows are only ever added, and the latest of a grader counts."""

    __tablename__ = "grades"
    __table_args__ = (
        one_of("item_kind", GRADED_KINDS),
        CheckConstraint("score BETWEEN 1 AND 5", name="score_range"),
        CheckConstraint("(item_kind = 'garment') = (garment_id IS NOT NULL)", name="a_garment_is_named"),
        not_blank("look_id"),
        not_blank("grader"),
        not_blank("sitting"),
        json_is("tags", "array"),
        UniqueConstraint("grader", "item", "sitting"),
        Index(None, "graded_on"),
    )

    grade_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    item: Mapped[str] = mapped_column(String(140), comment="look_id, or look_id/garment_id")
    item_kind: Mapped[str] = mapped_column(String(10))
    look_id: Mapped[str] = mapped_column(String(64))
    render_no: Mapped[int | None] = mapped_column(Integer)
    garment_id: Mapped[str | None] = mapped_column(String(64))
    instance: Mapped[int | None] = mapped_column(Integer, comment="Number of the mask in its picture")
    score: Mapped[int] = mapped_column(SmallInteger)
    note: Mapped[str] = mapped_column(Text, default="", server_default="")
    tags: Mapped[list[str]] = mapped_column(default=list, server_default=text("'[]'"))
    grader: Mapped[str] = mapped_column(String(200))
    sitting: Mapped[str] = mapped_column(String(100), comment="A second sitting is a new opinion of the same grader")
    graded_on: Mapped[date] = mapped_column(Date, comment="Local day of the grade; it acts from the next day on")
    graded_at: Mapped[datetime]


class KillPhrase(Timestamped, Base):
    """A person's decision about a phrase that prompts should exclude; without one a phrase is only proposed."""

    __tablename__ = "kill_phrases"
    __table_args__ = (
        one_of("status", PHRASE_DECISIONS),
        CheckConstraint(r"phrase ~ '^\S+( \S+){0,4}$'", name="at_most_five_words"),
        not_blank("decided_by"),
    )

    phrase: Mapped[str] = mapped_column(String(100), primary_key=True, comment="In lower case")
    status: Mapped[str] = mapped_column(String(10))
    decided_by: Mapped[str] = mapped_column(String(200))
    decided_on: Mapped[date] = mapped_column(Date, comment="Local day of the decision; it acts from the next day on")
