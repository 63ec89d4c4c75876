"""The wardrobe and the rules of the daily looks: what is dealt from, how prompts are built, and the numbers of the day.

Categories, cuts, patterns and cloth colours are those that the illustrator can draw; the import of the looks room
checks them, because this floor does not know the illustrator.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from creative_lab.state.models.base import (
    SLUG_PATTERN,
    Activatable,
    Base,
    Identified,
    Timestamped,
    json_is,
    matches,
    not_blank,
    one_of,
)

SEASONS = ("spring", "summer", "autumn", "winter")
SCENE_INVARIANTS = ("backdrop", "spacing", "frame", "length", "model_count")
"""What no prompt may lose: white seamless, a model's width of air, ultrawide 16:9, full length, three models."""


def _share(name: str) -> CheckConstraint:
    return CheckConstraint(f"{name} BETWEEN 0 AND 1", name=f"{name}_share")


def _between(name: str, least: int, most: int) -> CheckConstraint:
    return CheckConstraint(f"{name} BETWEEN {least} AND {most}", name=f"{name}_range")


class Dialled:
    """An item that should appear in a given share of the outfits."""

    target_pct: Mapped[float | None] = mapped_column(
        comment="Per cent of outfits that should have it (5 = 1 in 20); null leaves it to a fair share", sort_order=60
    )
    dial_locked: Mapped[bool] = mapped_column(
        default=False,
        server_default=text("false"),
        comment="Whether only people may move the dial",
        sort_order=61,
    )


def _dial_check() -> CheckConstraint:
    return CheckConstraint("target_pct BETWEEN 0 AND 100", name="target_pct_range")


class Designer(Identified, Dialled, Activatable, Timestamped, Base):
    """A designer of the house: a hand, and the categories that may lead one of their looks."""

    __tablename__ = "designers"
    __table_args__ = (
        matches("key", SLUG_PATTERN),
        not_blank("name"),
        not_blank("signature"),
        json_is("hero_categories", "array"),
        _dial_check(),
    )

    key: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    signature: Mapped[str] = mapped_column(Text, comment="How this designer works, in a sentence or two")
    hero_categories: Mapped[list[str]] = mapped_column(comment="Garment categories that may be the hero of an outfit")


class Colourway(Identified, Dialled, Activatable, Timestamped, Base):
    """A colour story: named colours, each with the cloth colour that comes nearest to it."""

    __tablename__ = "colourways"
    __table_args__ = (
        matches("key", SLUG_PATTERN),
        not_blank("name"),
        json_is("colours", "array"),
        json_is("seasons", "array"),
        _dial_check(),
    )

    key: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    mood: Mapped[str] = mapped_column(Text, default="", server_default="")
    colours: Mapped[list[dict[str, Any]]] = mapped_column(comment="List of {name, cloth}, the leading colour first")
    seasons: Mapped[list[str]] = mapped_column(comment="Seasons in which it is dealt")


class WardrobeGarment(Identified, Dialled, Activatable, Timestamped, Base):
    """A garment of the wardrobe."""

    __tablename__ = "garments"
    __table_args__ = (
        matches("key", SLUG_PATTERN),
        not_blank("name"),
        not_blank("category"),
        not_blank("cut"),
        not_blank("pattern"),
        not_blank("silhouette_hint"),
        json_is("fabric", "array"),
        json_is("details", "array"),
        json_is("colours", "array"),
        json_is("seasons", "array"),
        _dial_check(),
    )

    key: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    category: Mapped[str] = mapped_column(String(40), index=True)
    cut: Mapped[str] = mapped_column(String(40))
    pattern: Mapped[str] = mapped_column(String(40), default="plain", server_default="plain")
    silhouette_hint: Mapped[str] = mapped_column(Text, comment="The silhouette, which prompts repeat word for word")
    fabric: Mapped[list[str]] = mapped_column(comment="Cloths that it is made in, the usual one first")
    details: Mapped[list[str]] = mapped_column(comment="Details that belong to it")
    colours: Mapped[list[str]] = mapped_column(comment="Cloth colours that it comes in")
    seasons: Mapped[list[str]] = mapped_column(comment="Seasons in which it is worn")


class OutfitTemplate(Identified, Activatable, Timestamped, Base):
    """How an outfit is built: the categories of its hero, and the slots that are filled around it."""

    __tablename__ = "outfit_templates"
    __table_args__ = (
        matches("key", SLUG_PATTERN),
        not_blank("name"),
        json_is("hero_categories", "array"),
        json_is("slots", "array"),
    )

    key: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    description: Mapped[str] = mapped_column(Text, default="", server_default="")
    hero_categories: Mapped[list[str]]
    slots: Mapped[list[dict[str, Any]]] = mapped_column(
        comment="List of {slot, categories, chance}; chance is how often the slot is filled at all"
    )


class BannedWord(Identified, Activatable, Timestamped, Base):
    """A word that the brand does not use, and what it says instead."""

    __tablename__ = "brand_vocabulary"
    __table_args__ = (not_blank("word"), CheckConstraint("substitute <> word", name="substitute_differs"))

    word: Mapped[str] = mapped_column(String(60), unique=True)
    substitute: Mapped[str | None] = mapped_column(String(100), comment="Null where only a new text helps")
    note: Mapped[str] = mapped_column(Text, default="", server_default="")


class LookScene(Identified, Activatable, Timestamped, Base):
    """The fixed words around the garment lines, and the phrase that stands for each invariant. One is active."""

    __tablename__ = "look_scenes"
    __table_args__ = (
        Index("uq_look_scenes_one_active", "is_active", unique=True, postgresql_where=text("is_active")),
        matches("key", SLUG_PATTERN),
        not_blank("opening"),
        not_blank("closing"),
        json_is("invariants", "object"),
    )

    key: Mapped[str] = mapped_column(String(64), unique=True)
    opening: Mapped[str] = mapped_column(Text)
    closing: Mapped[str] = mapped_column(Text)
    invariants: Mapped[dict[str, str]] = mapped_column(
        comment="backdrop, spacing, frame, length, model_count: the words of the scene that say so"
    )


class LookControl(Timestamped, Base):
    """The settings that people turn; the table holds exactly one row.

    The lab's time zone is not among them: it decides which day a partition is, so it is a setting of the installation.
    """

    __tablename__ = "look_control"
    __table_args__ = (
        CheckConstraint("id = 1", name="singleton"),
        _between("looks_per_day", 1, 5000),
        _between("schedule_hour", 0, 23),
        _between("deal_tries", 1, 1000),
        _between("dedup_window", 1, 100_000),
        _between("share_window", 1, 100_000),
        _between("recompose_limit", 0, 10),
        _between("render_tries", 1, 10),
        _between("segment_tries", 1, 20),
        _between("negative_cap", 0, 50),
        _between("negative_words", 1, 10),
        _between("prompt_token_limit", 100, 100_000),
        CheckConstraint("words_least >= 1 AND words_least < words_most", name="words_ordered"),
        _share("stale_front"),
        _share("innovation_rate"),
        _share("vocabulary_share"),
        one_of("hemisphere", ("north", "south")),
        not_blank("prompt_model"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=1)
    looks_per_day: Mapped[int] = mapped_column(default=6, server_default=text("6"))
    schedule_hour: Mapped[int] = mapped_column(default=6, server_default=text("6"), comment="Local hour of the batch")
    hemisphere: Mapped[str] = mapped_column(String(5), default="north", server_default="north")
    image_model: Mapped[str | None] = mapped_column(
        String(200), comment="Slug of data/presets.json that draws; null takes the profile's"
    )
    prompt_model: Mapped[str] = mapped_column(
        String(200), default="gemini/gemini-2.5-flash", server_default="gemini/gemini-2.5-flash"
    )
    dedup_window: Mapped[int] = mapped_column(default=200, server_default=text("200"))
    deal_tries: Mapped[int] = mapped_column(
        default=40, server_default=text("40"), comment="Draws before a guard is relaxed"
    )
    stale_front: Mapped[float] = mapped_column(
        default=0.5, server_default=text("0.5"), comment="Share of a pool, longest unused first, that is dealt from"
    )
    share_window: Mapped[int] = mapped_column(
        default=900, server_default=text("900"), comment="Newest outfits over which shares are measured"
    )
    innovation_rate: Mapped[float] = mapped_column(default=0.15, server_default=text("0.15"))
    vocabulary_share: Mapped[float] = mapped_column(default=0.5, server_default=text("0.5"))
    recompose_limit: Mapped[int] = mapped_column(default=2, server_default=text("2"))
    words_least: Mapped[int] = mapped_column(default=150, server_default=text("150"))
    words_most: Mapped[int] = mapped_column(default=250, server_default=text("250"))
    negative_cap: Mapped[int] = mapped_column(default=12, server_default=text("12"))
    negative_words: Mapped[int] = mapped_column(default=5, server_default=text("5"))
    prompt_token_limit: Mapped[int] = mapped_column(
        default=480, server_default=text("480"), comment="Tokens of the image model's prompt, suffix included"
    )
    render_tries: Mapped[int] = mapped_column(default=3, server_default=text("3"))
    segment_tries: Mapped[int] = mapped_column(default=5, server_default=text("5"))

    @classmethod
    def get_instance(cls, session: Session) -> LookControl:
        """The one row, made when it is missing; safe when two processes ask at once."""
        session.execute(insert(cls).values(id=1).on_conflict_do_nothing(index_elements=["id"]))
        return session.get_one(cls, 1)


class LookBatch(Timestamped, Base):
    """One dealing of looks for a local day; a day may have several."""

    __tablename__ = "look_batches"
    __table_args__ = (UniqueConstraint("local_date", "number"), CheckConstraint("number >= 1", name="number_positive"))

    batch_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    local_date: Mapped[date] = mapped_column(Date)
    number: Mapped[int]
    run_id: Mapped[str] = mapped_column(String(64))
    dealt: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    exhausted: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    policy_version: Mapped[str] = mapped_column(String(40), default="", server_default="")


class LookPromptId(Base):
    """A number of a local day that was given to a look; the constraint keeps two batches from sharing one."""

    __tablename__ = "look_prompt_ids"
    __table_args__ = (
        UniqueConstraint("local_date", "number"),
        CheckConstraint("number >= 1", name="number_positive"),
        matches("prompt_id", "^P-[0-9]{4,}-[0-9]{8}$"),
    )

    prompt_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    local_date: Mapped[date] = mapped_column(Date)
    number: Mapped[int] = mapped_column(BigInteger)
    batch_id: Mapped[str] = mapped_column(ForeignKey(LookBatch.batch_id, ondelete="RESTRICT"), index=True)
    given_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
