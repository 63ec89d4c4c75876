"""Checks a frame against a table's schema and says what is wrong so that a person can find it.

dataframely counts failed rows per rule; this module adds their numbers and values, refuses lossy type changes, and
knows the physical form of a table on disk (categories as plain text, which survives a change of the list).
"""

from __future__ import annotations

from typing import Any

import dataframely as dy
import polars as pl

from creative_lab.lake.schemas import TableInfo

_ROW = "row_number_"
_SHOWN_ROWS = 5
_SHOWN_CHARACTERS = 60


class TableError(ValueError):
    """A frame does not fit its table. The message names table, column, rule, row numbers and values."""


def check(info: TableInfo, frame: pl.DataFrame, *, where: str = "") -> pl.DataFrame:
    """``frame`` with the columns, order and types of the table; raises :class:`TableError` otherwise.

    ``where`` (such as "written by asset x" or a path) is put into the message. Row numbers count from 0.
    """
    frame = conform(info, frame, where=where)
    indexed: type[dy.Schema] = type(info.schema.__name__, (info.schema,), {_ROW: dy.UInt32(nullable=False)})
    _, failure = indexed.filter(frame.with_row_index(_ROW))
    counts = failure.counts()
    if not counts:
        return frame
    details = failure.details()
    lines = [_describe(info, rule, counts[rule], details) for rule in sorted(counts)]
    raise TableError(f"table {info.name}{_at(where)}: " + "; ".join(lines))


def conform(info: TableInfo, frame: pl.DataFrame, *, where: str = "", drop_extra: bool = False) -> pl.DataFrame:
    """``frame`` with the columns, order and types of the table, cast only where nothing can be lost."""
    wanted = schema_types(info)
    missing = [name for name in wanted if name not in frame.columns]
    if missing:
        raise TableError(f"table {info.name}{_at(where)}: missing column{_s(missing)} {', '.join(missing)}")
    extra = [name for name in frame.columns if name not in wanted]
    if extra and not drop_extra:
        raise TableError(f"table {info.name}{_at(where)}: unknown column{_s(extra)} {', '.join(extra)}")
    columns = []
    for name, target in wanted.items():
        column = frame.get_column(name)
        if column.dtype != target:
            if not _lossless(column.dtype, target):
                raise TableError(
                    f"table {info.name}{_at(where)}: column {name}: type {column.dtype} where {target} is declared"
                )
            cast = column.cast(target, strict=False)
            lost = (cast.is_null() & column.is_not_null()).arg_true()
            if len(lost):
                shown = ", ".join(f"row {row} ({_text(column[row])})" for row in lost[:_SHOWN_ROWS].to_list())
                raise TableError(
                    f"table {info.name}{_at(where)}: column {name}: not a value of {target} in "
                    f"{len(lost)} row{_s(lost)}: {shown}"
                )
            column = cast
        columns.append(column)
    return pl.DataFrame(columns)


def schema_types(info: TableInfo) -> dict[str, pl.DataType]:
    """Column names and polars types of the table in memory."""
    return {name: column.dtype for name, column in info.schema.columns().items()}


def stored_types(info: TableInfo) -> dict[str, pl.DataType]:
    """Column names and polars types of the table on disk."""
    return {name: _stored(dtype) for name, dtype in schema_types(info).items()}


def _stored(dtype: Any) -> Any:
    if isinstance(dtype, pl.Enum | pl.Categorical):
        return pl.String()
    if isinstance(dtype, pl.List):
        return pl.List(_stored(dtype.inner))
    if isinstance(dtype, pl.Array):
        return pl.List(_stored(dtype.inner))
    if isinstance(dtype, pl.Struct):
        return pl.Struct({field.name: _stored(field.dtype) for field in dtype.fields})
    return dtype


def _lossless(source: Any, target: Any) -> bool:
    """Whether a strict cast keeps every value, or fails visibly."""
    if source == target or isinstance(source, pl.Null):
        return True
    if isinstance(target, pl.List | pl.Array) and isinstance(source, pl.List | pl.Array):
        return _lossless(source.inner, target.inner)
    if isinstance(target, pl.Struct) and isinstance(source, pl.Struct):
        fields = {field.name: field.dtype for field in source.fields}
        names = [field.name for field in target.fields]
        return set(fields) == set(names) and all(_lossless(fields[f.name], f.dtype) for f in target.fields)
    if source.is_integer() and (target.is_integer() or target.is_float() or target.is_decimal()):
        return True
    if source.is_float() and target.is_float():
        return True
    if isinstance(source, pl.Datetime) and isinstance(target, pl.Datetime):
        return bool(source.time_zone) == bool(target.time_zone)
    texts = pl.String | pl.Enum | pl.Categorical
    return isinstance(source, texts) and isinstance(target, texts)


def _describe(info: TableInfo, rule: str, count: int, details: pl.DataFrame) -> str:
    """One sentence about one broken rule: column, rule, row numbers, values."""
    column, _, name = rule.rpartition("|")
    rows = details.filter(pl.col(rule) == "invalid").head(_SHOWN_ROWS)
    if column:
        shown, what = [column], f"column {column} breaks rule {name}{_argument(info, column, name)}"
    elif rule == "primary_key":
        shown = info.schema.primary_key()
        what = f"column{_s(shown)} {', '.join(shown)} break{'' if len(shown) > 1 else 's'} rule primary_key (repeated)"
    else:
        shown, what = [], f"rule {rule} is broken"
    examples = []
    for row in rows.iter_rows(named=True):
        values = ", ".join(f"{key}={_text(row[key])}" for key in shown)
        examples.append(f"row {row[_ROW]}" + (f" ({values})" if values else ""))
    more = ", …" if count > len(examples) else ""
    return f"{what} in {count} row{'' if count == 1 else 's'}: {', '.join(examples)}{more}"


def _argument(info: TableInfo, column: str, rule: str) -> str:
    value = getattr(info.schema.columns()[column], rule, None)
    return f" ({_text(value)})" if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _text(value: object) -> str:
    text = repr(value.to_list() if isinstance(value, pl.Series) else value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def _at(where: str) -> str:
    return f" ({where})" if where else ""


def _s(items: Any) -> str:
    return "" if len(items) == 1 else "s"
