"""Brands: what they say about themselves, what they allow and what they ask for."""

from __future__ import annotations

from typing import Any

from sqlalchemy import String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from creative_lab.state.models.base import (
    Activatable,
    Base,
    Identified,
    Timestamped,
    WithInsights,
    insights_check,
    json_is,
    not_blank,
)


class Brand(Identified, WithInsights, Activatable, Timestamped, Base):
    """A brand, or its trade name in one country (an ad unit's brand then overrides its campaign's)."""

    __tablename__ = "brands"
    __table_args__ = (
        insights_check(),
        not_blank("code"),
        not_blank("name"),
        json_is("do_not_translate", "array"),
        json_is("banned_words", "array"),
        json_is("required_words", "array"),
        json_is("legal_lines", "object"),
    )

    code: Mapped[str] = mapped_column(String(50), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text, default="", server_default="")
    guidelines: Mapped[str] = mapped_column(Text, default="", server_default="")
    category: Mapped[str] = mapped_column(String(50), default="", server_default="")
    do_not_translate: Mapped[list[str]] = mapped_column(default=list, server_default=text("'[]'"))
    banned_words: Mapped[list[str]] = mapped_column(default=list, server_default=text("'[]'"))
    required_words: Mapped[list[dict[str, Any]]] = mapped_column(
        default=list, server_default=text("'[]'"), comment="List of {text, language}; language * means every language"
    )
    legal_lines: Mapped[dict[str, str]] = mapped_column(
        default=dict, server_default=text("'{}'"), comment="Country code to the legal line shown there, verbatim"
    )
