"""Dagster's IO manager for tables: polars frames between assets and the lake.

An asset names its table in its definition metadata, ``metadata={"table": "adapted_scripts"}`` (default: the last part
of its key). The dimensions of its partitions are the table's partition columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl

from creative_lab.settings import Settings, get_settings

if TYPE_CHECKING:
    from creative_lab.lake.schemas import TableInfo
    from creative_lab.lake.tables import TableStore, WrittenFile

PREVIEW_ROWS = 10
_LONGEST_CELL = 200


class TableIOManager(dg.ConfigurableIOManager):
    """Stores frames as partitions of tables and loads them, eagerly or lazily by the parameter's annotation.

    A parameter annotated ``pl.LazyFrame`` gets a lazy frame whose columns and types are the table's; any other gets an
    eager frame that was checked against every rule of the schema. Several partitions arrive as one frame with the
    partition columns, and leave as one frame that is split by them; a partition of the run without rows is stored
    empty. Input metadata: ``columns`` (names to load), ``allow_missing_partitions`` (bool).
    """

    home: str | None = None
    """Home folder of the installation; default: the settings'."""

    @property
    def _settings(self) -> Settings:
        return get_settings() if self.home is None else get_settings().model_copy(update={"home": _path(self.home)})

    def handle_output(self, context: dg.OutputContext, obj: object) -> None:
        """Write the asset's frame and describe it in the materialization's metadata."""
        # Imported here: loading the definitions must not pay for schemas and databases.
        from creative_lab.lake.schemas import partition_label
        from creative_lab.lake.tables import TableStore

        if not isinstance(obj, pl.DataFrame | pl.LazyFrame):
            raise TypeError(f"asset {_name(context)}: a table is stored from a polars frame, not {type(obj).__name__}")
        info = _table(context.definition_metadata, context.asset_key)
        frame = obj.collect() if isinstance(obj, pl.LazyFrame) else obj
        settings = self._settings
        store = TableStore(settings)
        run_id = context.run_id
        if not context.has_asset_partitions:
            whole: dict[str, str] | None = None if info.partition_by else {}
            written = store.write(info, frame, partition=whole, run_id=run_id, backend=settings.profile)
            # The asset is the whole table: what an earlier run wrote for other keys is no longer true.
            for partition in store.partitions(info):
                if partition not in [file.partition for file in written]:
                    store.delete(info, partition)
            context.add_output_metadata(_summary(info, frame, written))
            return
        keys = list(context.asset_partition_keys)
        partitions = {key: _partition(info, key) for key in keys}
        written = _write_partitions(
            store, info, frame, list(partitions.values()), run_id=run_id, backend=settings.profile
        )
        context.add_output_metadata(_summary(info, frame, written, partitioned=True))
        by_label = {partition_label(info, file.partition): file for file in written}
        for key, partition in partitions.items():
            own = by_label[partition_label(info, partition)]
            own_metadata: dict[str, Any] = {
                "dagster/partition_row_count": own.rows,
                "path": dg.MetadataValue.path(own.path),
            }
            if len(keys) == 1:
                context.add_output_metadata(own_metadata)
            else:
                context.step_context.add_asset_metadata(own_metadata, context.asset_key, key)

    def load_input(self, context: dg.InputContext) -> pl.DataFrame | pl.LazyFrame:
        """The rows of the upstream asset's partitions that the downstream partition depends on."""
        from creative_lab.lake.checking import TableError, schema_types
        from creative_lab.lake.tables import MissingPartition, TableStore

        upstream = context.upstream_output.definition_metadata if context.upstream_output else {}
        info = _table(upstream or {}, context.asset_key)
        metadata = context.definition_metadata or {}
        lazy = context.dagster_type.typing_type is pl.LazyFrame
        columns = metadata.get("columns")
        store = TableStore(self._settings)
        partitions: list[dict[str, str]] | None = None
        if context.has_asset_partitions:
            partitions = [_partition(info, key) for key in context.asset_partition_keys]
            if metadata.get("allow_missing_partitions"):
                partitions = [partition for partition in partitions if store.exists(info, partition)]
        elif not store.partitions(info):
            raise MissingPartition(
                f"asset {_name(context)}: table {info.name} has no file yet; materialize the asset first "
                f"({store.files.url(f'tables/{info.name}')} is empty)"
            )
        if not lazy and columns is None:
            return store.read(info, partitions)
        frame = store.scan(info, partitions)
        if columns is not None:
            unknown = sorted(set(columns) - set(schema_types(info)))
            if unknown:
                raise TableError(
                    f"table {info.name} has no column {', '.join(unknown)} (asked for by {_name(context)})"
                )
            frame = frame.select(columns)
        return frame if lazy else frame.collect()


def _write_partitions(
    store: TableStore,
    info: TableInfo,
    frame: pl.DataFrame,
    partitions: Sequence[dict[str, str]],
    *,
    run_id: str,
    backend: str,
) -> list[WrittenFile]:
    """Write exactly these partitions; rows of any other are an error and nothing is written."""
    from creative_lab.lake.checking import TableError, schema_types
    from creative_lab.lake.schemas import partition_label

    if len(partitions) == 1:
        return store.write(info, frame, partition=partitions[0], run_id=run_id, backend=backend)
    missing = [column for column in info.partition_by if column not in frame.columns]
    if missing and frame.width:
        raise TableError(
            f"table {info.name}: column {', '.join(missing)} is missing, so the rows cannot be told apart by partition"
        )
    wanted = {partition_label(info, partition): partition for partition in partitions}
    seen: dict[str, dict[str, str]] = {}
    if frame.width:
        for row in frame.select(info.partition_by).unique().iter_rows(named=True):
            seen[partition_label(info, row)] = row
    foreign = sorted(set(seen) - set(wanted))
    if foreign:
        raise TableError(
            f"table {info.name}: the run makes {len(wanted)} partitions, but rows belong to {foreign[0]} too"
        )
    written = store.write(info, frame, run_id=run_id, backend=backend) if frame.height else []
    empty = pl.DataFrame(schema=schema_types(info))
    for label, partition in wanted.items():
        if label not in seen:
            written += store.write(info, empty, partition=partition, run_id=run_id, backend=backend)
    return written


def _table(metadata: Mapping[str, Any], key: dg.AssetKey) -> TableInfo:
    from creative_lab.lake.schemas import table_info

    named = metadata.get("table")
    named = getattr(named, "value", named)
    return table_info(str(named) if named else key.path[-1])


def _partition(info: TableInfo, key: str) -> dict[str, str]:
    """A Dagster partition key as the table's partition columns."""
    from creative_lab.lake.schemas import partition_label

    if isinstance(key, dg.MultiPartitionKey):
        partition = dict(key.keys_by_dimension)
    elif len(info.partition_by) == 1:
        partition = {info.partition_by[0]: str(key)}
    else:
        raise ValueError(
            f"table {info.name} is partitioned by {', '.join(info.partition_by) or 'nothing'}; "
            f"the asset's partition {key!r} has one dimension"
        )
    partition_label(info, partition)
    return partition


def _summary(
    info: TableInfo, frame: pl.DataFrame, written: Sequence[WrittenFile], *, partitioned: bool = False
) -> dict[str, Any]:
    """What a person wants to see of a materialization."""
    summary: dict[str, Any] = {
        "table": info.name,
        "dagster/column_schema": column_schema(info),
        "preview": preview(frame),
        "bytes": sum(file.bytes for file in written),
    }
    if not partitioned:
        summary["dagster/row_count"] = sum(file.rows for file in written)
        if len(written) == 1:
            summary["path"] = dg.MetadataValue.path(written[0].path)
    if any(file.degraded for file in written):
        summary["degraded"] = True
    return summary


def column_schema(info: TableInfo) -> dg.TableSchema:
    """The table's columns for Dagster's UI, with types, comments and constraints."""
    key = set(info.schema.primary_key())
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name,
                type=str(column.dtype),
                description=info.column_comments.get(name),
                constraints=dg.TableColumnConstraints(nullable=column.nullable, unique=name in key and len(key) == 1),
            )
            for name, column in info.schema.columns().items()
        ]
    )


def preview(frame: pl.DataFrame, rows: int = PREVIEW_ROWS) -> dg.TableMetadataValue:
    """The first rows as a table for Dagster's UI, long texts cut."""
    records = [
        dg.TableRecord({name: _cell(value) for name, value in row.items()})
        for row in frame.head(rows).iter_rows(named=True)
    ]
    columns = [dg.TableColumn(name, type=str(dtype)) for name, dtype in frame.schema.items()]
    return dg.MetadataValue.table(records, schema=dg.TableSchema(columns))


def _cell(value: object) -> str | int | float | bool | None:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value)
    return text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - 1] + "…"


def _name(context: dg.OutputContext | dg.InputContext) -> str:
    return context.asset_key.to_user_string()


def _path(text: str) -> Any:
    from pathlib import Path

    return Path(text).absolute()
