"""What work is done on and who allowed it: targets, approvals, and definitions that become partitions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from creative_lab.state.models.audiences import Persona
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
from creative_lab.state.models.markets import Country, Language, Region

DECISIONS = ("approved", "rejected", "changes_requested", "expired")


class Target(Identified, Activatable, Timestamped, Base):
    """Where a spot is adapted to: a persona, a country (in a region), or a language. ``code`` is its partition."""

    __tablename__ = "targets"
    __table_args__ = (
        matches("code", SLUG_PATTERN),
        not_blank("name"),
        CheckConstraint("num_nonnulls(persona_id, country_id, language_id) >= 1", name="aims_at_something"),
    )

    code: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    persona_id: Mapped[int | None] = mapped_column(ForeignKey(Persona.id, ondelete="RESTRICT"))
    region_id: Mapped[int | None] = mapped_column(ForeignKey(Region.id, ondelete="RESTRICT"))
    country_id: Mapped[int | None] = mapped_column(ForeignKey(Country.id, ondelete="RESTRICT"))
    language_id: Mapped[int | None] = mapped_column(ForeignKey(Language.id, ondelete="RESTRICT"))

    persona: Mapped[Persona | None] = relationship()
    region: Mapped[Region | None] = relationship()
    country: Mapped[Country | None] = relationship()
    language: Mapped[Language | None] = relationship()

    @property
    def effective_region(self) -> Region | None:
        """The target's own region, else its persona's."""
        return self.region or (self.persona.region if self.persona else None)

    @property
    def effective_country(self) -> Country | None:
        """The target's own country, else its persona's."""
        return self.country or (self.persona.country if self.persona else None)

    @property
    def effective_language(self) -> Language | None:
        """The target's own language, else its persona's, else its country's default."""
        persona_language = self.persona.language if self.persona else None
        country = self.effective_country
        return self.language or persona_language or (country.default_language if country else None)


class Approval(Base):
    """One decision of a person about one content; rows are only ever added, and each seals the one before.

    ``entry_hash`` is the SHA-256 of the row's content and ``prev_hash``, the entry hash of the row before it; see
    ``creative_lab.review.approvals``.
    """

    __tablename__ = "approvals"
    __table_args__ = (
        one_of("decision", DECISIONS),
        matches("content_hash", "^[0-9a-f]{64}$"),
        matches("entry_hash", "^[0-9a-f]{64}$"),
        matches("prev_hash", "^[0-9a-f]{64}$"),
        not_blank("subject_kind"),
        not_blank("partition_key"),
        not_blank("who"),
        CheckConstraint("number >= 1", name="number_positive"),
        Index(None, "subject_kind", "partition_key", "content_hash"),
    )

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    subject_kind: Mapped[str] = mapped_column(String(50), comment="What is decided about, such as adapted_script")
    partition_key: Mapped[str] = mapped_column(String(200))
    content_hash: Mapped[str] = mapped_column(String(64), comment="SHA-256 of exactly what was looked at")
    decision: Mapped[str] = mapped_column(String(20))
    who: Mapped[str] = mapped_column(String(200))
    note: Mapped[str] = mapped_column(Text, default="", server_default="")
    at: Mapped[datetime]
    prev_hash: Mapped[str] = mapped_column(String(64), unique=True)
    entry_hash: Mapped[str] = mapped_column(String(64), unique=True)


class DynamicDefinition(Identified, Activatable, Timestamped, Base):
    """A record that a person makes and that becomes a partition, such as a character or a storyboard."""

    __tablename__ = "dynamic_definitions"
    __table_args__ = (
        UniqueConstraint("kind", "key"),
        matches("kind", "^[a-z][a-z_]{0,39}$"),
        matches("key", SLUG_PATTERN),
        json_is("definition", "object"),
    )

    kind: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(String(64))
    definition: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
