"""Rows of renders and masks for tests of what happens between them; every column of the real schemas is there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import polars as pl

from creative_lab.lake.checking import schema_types
from creative_lab.lake.schemas import TableSchema, table_info
from creative_lab.lake.tables import TableStore
from creative_lab.looks.tables import GarmentMasks, LookRenders

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
_KEPT = {"run_id", "written_at", "backend"}


def filled(table: type[TableSchema], **values: Any) -> dict[str, Any]:
    """A row with plain values in the columns that are not given and must not be null."""
    row: dict[str, Any] = {}
    for name, column in table.columns().items():
        kind = column.dtype
        if name in _KEPT:
            continue
        if column.nullable:
            row[name] = None
        elif isinstance(kind, pl.List):
            row[name] = []
        elif isinstance(kind, pl.Enum):
            row[name] = kind.categories[0]
        elif kind.is_integer():
            row[name] = 1
        elif kind.is_float():
            row[name] = 0.0
        elif kind == pl.Boolean:
            row[name] = False
        elif kind == pl.Date:
            row[name] = AT.date()
        elif kind.is_temporal():
            row[name] = AT
        else:
            row[name] = "[]"
    return row | values


def frame(table: type[TableSchema], rows: Iterable[dict[str, Any]]) -> pl.DataFrame:
    """The rows with the types of the table."""
    types = {name: kind for name, kind in schema_types(table_info(table)).items() if name not in _KEPT}
    return pl.DataFrame(list(rows), schema=types)


def write(store: TableStore, table: type[TableSchema], day: str, rows: Iterable[dict[str, Any]]) -> None:
    """Replace the day's rows."""
    store.write(table, frame(table, rows), partition={"day": day}, run_id="run", backend="miniature")


def render(day: str, look_id: str, render_no: int = 1, *, at: datetime = AT, status: str = "ok") -> dict[str, Any]:
    """A row of ``look_renders``."""
    failed = {"reason": "the model was away"} if status == "failed" else {"path": "objects/x.png", "sha256": "0" * 64}
    return filled(LookRenders, day=day, look_id=look_id, render_no=render_no, rendered_at=at, status=status, **failed)


def mask(day: str, look_id: str, render_no: int = 1, *, instance: int = 0, kind: str = "none") -> dict[str, Any]:
    """A row of ``garment_masks``."""
    found = {"garment_class": "coat", "rle": "{}"} if kind == "garment" else {}
    return filled(GarmentMasks, day=day, look_id=look_id, render_no=render_no, instance=instance, kind=kind, **found)
