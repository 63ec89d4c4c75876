"""What all state models share: the metadata, timestamps, activity, and the shape of insights.

Everything lives in the Postgres schema ``creative_lab``, because Dagster's own storage may share the database and
brings tables (and an ``alembic_version``) of its own.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from sqlalchemy import BigInteger, Boolean, CheckConstraint, DateTime, MetaData, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, validates

SCHEMA = "creative_lab"
"""Postgres schema of all tables of this module."""

SLUG_PATTERN = "^[a-z0-9][a-z0-9_-]{0,63}$"
"""Partition keys become paths, so they are slugs."""

_NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Root of all models."""

    metadata = MetaData(schema=SCHEMA, naming_convention=_NAMING)
    type_annotation_map = {  # noqa: RUF012 - the attribute that SQLAlchemy reads
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB(none_as_null=True),
        list[Any]: JSONB(none_as_null=True),
        list[str]: JSONB(none_as_null=True),
        list[dict[str, Any]]: JSONB(none_as_null=True),
        dict[str, str]: JSONB(none_as_null=True),
    }


class Identified:
    """A surrogate key, which never leaves the database: files and other tables' people use natural keys."""

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, sort_order=-10)


class Timestamped:
    """When a row was made and last changed (UTC)."""

    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), sort_order=90)
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now(), sort_order=91)


class Activatable:
    """Rows that people switch off instead of deleting."""

    is_active: Mapped[bool] = mapped_column(Boolean, default=True, server_default=text("true"), sort_order=80)


class InsightBlock(BaseModel):
    """One block of knowledge about a market, an audience or a brand: a heading and its points."""

    model_config = ConfigDict(extra="forbid", strict=True)

    heading: str
    points: list[str]


_INSIGHTS = TypeAdapter(list[InsightBlock])


def validated_insights(value: Any) -> list[dict[str, Any]]:
    """``value`` as a list of ``{heading, points}``; raises ValueError naming the block and field that is not."""
    try:
        return [block.model_dump() for block in _INSIGHTS.validate_python(value)]
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"insights{'.' + place if place else ''}: {first['msg']}") from error


def insights_check() -> CheckConstraint:
    """The shape of insights, held by the database as well: ``[{heading: text, points: [text]}]``."""
    # Strict paths see nested lists, which lax ones look through. The lax one sees missing keys, which are errors in
    # strict mode; there the silent flag gives NULL, and the lax path has refused the row already.
    strict = "jsonb_path_exists(insights, 'strict {path} ? (@.type() != \"{kind}\")', '{{}}', true)"
    return CheckConstraint(
        "jsonb_typeof(insights) = 'array'"
        f" AND NOT {strict.format(path='$[*]', kind='object')}"
        " AND NOT jsonb_path_exists(insights, "
        '\'$[*] ? (!(@.heading.type() == "string" && @.points.type() == "array"))\')'
        f" AND NOT {strict.format(path='$[*].points[*]', kind='string')}",
        name="insights_shape",
    )


class WithInsights:
    """A level of the insights composition."""

    insights: Mapped[list[dict[str, Any]]] = mapped_column(default=list, server_default=text("'[]'"), sort_order=70)

    @validates("insights")
    def _check_insights(self, _key: str, value: Any) -> list[dict[str, Any]]:
        return validated_insights(value)


def one_of(column: str, values: tuple[str, ...], name: str | None = None) -> CheckConstraint:
    """A constraint that ``column`` is one of ``values``."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=name or f"{column}_known")


def matches(column: str, pattern: str, name: str | None = None) -> CheckConstraint:
    """A constraint that ``column`` matches the POSIX regular expression ``pattern``."""
    return CheckConstraint(f"{column} ~ '{pattern}'", name=name or f"{column}_pattern")


def not_blank(column: str) -> CheckConstraint:
    """A constraint that ``column`` holds more than white space."""
    return CheckConstraint(rf"{column} ~ '\S'", name=f"{column}_not_blank")


def json_is(column: str, kind: str) -> CheckConstraint:
    """A constraint that the JSON in ``column`` is an ``object`` or an ``array``."""
    return CheckConstraint(f"jsonb_typeof({column}) = '{kind}'", name=f"{column}_is_{kind}")
