"""What every table of the lake has in common, and the register of all tables.

A room declares a table as a dataframely schema derived from :class:`TableSchema` and marked with :func:`table`::

    @table("adapted_scripts", partition_by=("spot", "target"), comment="Finished scripts, one row per script row")
    class AdaptedScripts(TableSchema):
        spot = dy.String(nullable=False, metadata={"comment": "Slug of the spot"})

The metadata ``comment`` of a column is its comment in the warehouse and in Dagster's column list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import dataframely as dy

from creative_lab.lake.declared import import_declared

if TYPE_CHECKING:
    import polars as pl

PARTITION_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
"""What a partition key may look like (whole match): keys become folder names."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


class TableSchema(dy.Schema):
    """Columns that every row of every table carries; the table store fills them in."""

    run_id = dy.String(nullable=False, metadata={"comment": "Dagster run that wrote the row"})
    written_at = dy.Datetime(
        nullable=False, time_zone="UTC", time_unit="us", metadata={"comment": "When the row was written (UTC)"}
    )
    backend = dy.Enum(
        ["miniature", "studio", "hosted"],
        nullable=False,
        metadata={"comment": "Profile whose models made the row; figures of different backends are not averaged"},
    )


@dataclass(frozen=True)
class TableInfo:
    """What the register knows about one table."""

    name: str
    schema: type[TableSchema]
    group: str
    comment: str
    partition_by: tuple[str, ...]

    @property
    def column_comments(self) -> dict[str, str]:
        """Comment of every column that has one."""
        found = {name: (column.metadata or {}).get("comment") for name, column in self.schema.columns().items()}
        return {name: str(comment) for name, comment in found.items() if comment}


_BY_NAME: dict[str, TableInfo] = {}
_BY_SCHEMA: dict[type[TableSchema], TableInfo] = {}

S = TypeVar("S", bound=type[TableSchema])


def table(
    name: str, *, partition_by: tuple[str, ...] = (), comment: str | None = None, group: str | None = None
) -> Callable[[S], S]:
    """Register the decorated schema as table ``name``.

    ``partition_by`` names the columns, in order, whose values choose the file of a row (they equal the dimension
    names of the asset's partitions); they must be non-null strings. A primary key holds over the whole table, so it
    contains the partition columns unless its own columns are unique already. ``comment`` defaults to the first line
    of the docstring, ``group`` to the room that declares the schema. Raises ValueError for a bad or taken name.
    """

    def register(schema: S) -> S:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a table name (lower-case letters, digits and _, up to 63)")
        columns = schema.columns()
        for column in partition_by:
            if not isinstance(columns.get(column), dy.String) or columns[column].nullable:
                raise ValueError(f"table {name}: partition column {column!r} must be a non-null String of the schema")
        taken = _BY_NAME.get(name)
        if taken and (taken.schema.__module__, taken.schema.__qualname__) != (schema.__module__, schema.__qualname__):
            raise ValueError(f"table {name} is declared twice, in {taken.schema.__module__} and {schema.__module__}")
        parts = schema.__module__.split(".")
        info = TableInfo(
            name=name,
            schema=schema,
            group=group or (parts[1] if len(parts) > 1 else parts[0]),
            comment=comment or (schema.__doc__ or name).strip().splitlines()[0],
            partition_by=tuple(partition_by),
        )
        _BY_NAME[name] = _BY_SCHEMA[schema] = info
        return schema

    return register


def table_info(table: str | type[TableSchema] | TableInfo) -> TableInfo:
    """The register's entry for a table name or a schema; KeyError says which tables there are."""
    if isinstance(table, TableInfo):
        return table
    found = _BY_NAME.get(table) if isinstance(table, str) else _BY_SCHEMA.get(table)
    if found is None and import_declared():
        return table_info(table)
    if found is None:
        name = table if isinstance(table, str) else table.__name__
        raise KeyError(f"no table {name!r} is declared; there are {', '.join(sorted(_BY_NAME)) or 'none'}")
    return found


STAMPS = frozenset({"run_id", "written_at", "backend"})
"""Columns that the table store fills in."""


def table_frame(table: str | type[TableSchema], rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Rows as a frame with the columns and types of ``table``, without those that the table store fills in.

    A key that a row lacks becomes null; whether it may be is checked when the table is written.
    """
    import polars as pl

    schema = table_info(table).schema
    types = {name: column.dtype for name, column in schema.columns().items() if name not in STAMPS}
    return pl.DataFrame(list(rows), schema=types, orient="row")


def registered_tables() -> list[TableInfo]:
    """All tables of the declared modules and of those imported so far, by name."""
    import_declared()
    return [_BY_NAME[name] for name in sorted(_BY_NAME)]


def partition_label(info: TableInfo, partition: dict[str, str]) -> str:
    """``spot=car,target=de`` (or ``all`` for a table without partitions), after checking names and keys.

    Raises ValueError that names the table, the dimension and the offending key.
    """
    if set(partition) != set(info.partition_by):
        wanted = ", ".join(info.partition_by) or "no dimensions"
        raise ValueError(f"table {info.name} is partitioned by {wanted}, not by {', '.join(partition) or 'nothing'}")
    for dimension in info.partition_by:
        key = partition[dimension]
        if not isinstance(key, str) or not PARTITION_KEY.fullmatch(key):
            raise ValueError(
                f"table {info.name}: {key!r} is not a partition key of {dimension} ({PARTITION_KEY.pattern})"
            )
    return ",".join(f"{dimension}={partition[dimension]}" for dimension in info.partition_by) or "all"
