"""Assets exchange frames through tables, with one partition or many, eagerly or lazily."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from creative_lab.lake.io_manager import TableIOManager
from creative_lab.lake.tables import TableStore
from creative_lab_tests.lake.faults import Scripts

SPOTS = dg.StaticPartitionsDefinition(["bank", "car"])
TARGETS = dg.StaticPartitionsDefinition(["de", "us"])
GRID = dg.MultiPartitionsDefinition({"spot": SPOTS, "target": TARGETS})
TABLE = {"table": "test_scripts"}


def rows(*keys: tuple[str, str], count: int = 2) -> pl.DataFrame:
    data = [(spot, target, i, f"{spot} {i}") for spot, target in keys for i in range(count)]
    frame = pl.DataFrame(
        data, schema={"spot": pl.String, "target": pl.String, "row": pl.Int64, "text": pl.String}, orient="row"
    )
    return frame.with_columns(tone=pl.lit("warm"), tags=pl.lit(None, dtype=pl.List(pl.String)))


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as created:
        yield created


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def materialize(home: Path, instance: dg.DagsterInstance, assets: list, **options: Any) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        assets, instance=instance, resources={"io_manager": TableIOManager(home=str(home))}, **options
    )


def store(home: Path) -> TableStore:
    return TableStore(home / "lake")


@dg.asset(partitions_def=GRID, metadata=TABLE, backfill_policy=dg.BackfillPolicy.single_run())
def scripts(context: dg.AssetExecutionContext) -> pl.DataFrame:
    keys = [key.keys_by_dimension for key in context.partition_keys]
    return rows(*[(key["spot"], key["target"]) for key in keys if key != {"spot": "bank", "target": "us"}])


def event_metadata(result: dg.ExecuteInProcessResult, asset: str) -> dict[str | None, dict[str, Any]]:
    return {
        event.partition: {name: value.value for name, value in event.materialization.metadata.items()}
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey(asset)
    }


def test_one_partition_is_stored_with_its_metadata_and_loaded_eagerly(home: Path, instance: dg.DagsterInstance) -> None:
    seen = []

    @dg.asset(partitions_def=GRID)
    def reader(scripts: pl.DataFrame) -> None:
        seen.append(scripts)

    key = dg.MultiPartitionKey({"spot": "car", "target": "de"})
    result = materialize(home, instance, [scripts, reader], partition_key=key)
    assert seen[0]["row"].to_list() == [0, 1]
    assert seen[0]["run_id"].unique().to_list() == [result.run_id]
    (metadata,) = event_metadata(result, "scripts").values()
    path = Path(metadata["path"])
    assert path == home / "lake/tables/test_scripts/spot=car/target=de/data.parquet"
    assert path.exists()
    assert metadata["dagster/partition_row_count"] == 2
    assert "dagster/row_count" not in metadata
    columns = {column.name: column for column in metadata["dagster/column_schema"].columns}
    assert columns["spot"].description == "Spot's slug"
    assert not columns["row"].constraints.nullable
    assert columns["text"].constraints.nullable
    assert [record.data["text"] for record in metadata["preview"].records] == ["car 0", "car 1"]


def test_a_single_run_backfill_stores_every_partition_and_empty_ones_too(
    home: Path, instance: dg.DagsterInstance
) -> None:
    store(home).write(
        Scripts, rows(("bank", "us")), run_id="old", backend="miniature"
    )  # this run makes no rows for it, so the old ones must go
    result = materialize(
        home,
        instance,
        [scripts],
        tags={
            "dagster/asset_partition_range_start": "bank|de",
            "dagster/asset_partition_range_end": "car|us",
        },
    )
    assert result.success
    assert {(p["spot"], p["target"]) for p in store(home).partitions(Scripts)} == {
        ("bank", "de"),
        ("bank", "us"),
        ("car", "de"),
        ("car", "us"),
    }
    assert store(home).read(Scripts, [{"spot": "bank", "target": "us"}]).height == 0
    metadata = event_metadata(result, "scripts")
    counts = {str(key): value["dagster/partition_row_count"] for key, value in metadata.items()}
    assert counts == {"bank|de": 2, "bank|us": 0, "car|de": 2, "car|us": 2}
    assert all(Path(value["path"]).exists() for value in metadata.values())


def test_many_partitions_are_loaded_into_one_lazy_frame_chosen_by_annotation(
    home: Path, instance: dg.DagsterInstance
) -> None:
    seen: dict[str, Any] = {}

    @dg.asset
    def lazily(scripts: pl.LazyFrame) -> None:
        seen["lazy"] = scripts

    @dg.asset
    def eagerly(scripts: pl.DataFrame) -> None:
        seen["eager"] = scripts

    @dg.asset(ins={"scripts": dg.AssetIn(metadata={"columns": ["target", "row"]})})
    def narrowly(scripts: pl.DataFrame) -> None:
        seen["narrow"] = scripts

    store(home).write(
        Scripts,
        rows(("bank", "de"), ("bank", "us"), ("car", "de"), ("car", "us")),
        run_id="r",
        backend="miniature",
    )
    materialize(home, instance, [lazily, eagerly, narrowly, scripts.to_source_asset()])
    assert isinstance(seen["lazy"], pl.LazyFrame)
    assert seen["lazy"].group_by("spot", "target").len().collect().height == 4
    assert isinstance(seen["eager"], pl.DataFrame)
    assert seen["eager"].height == 8
    assert seen["narrow"].columns == ["target", "row"]


def test_a_missing_partition_fails_by_name_or_is_left_out_when_allowed(
    home: Path, instance: dg.DagsterInstance
) -> None:
    store(home).write(Scripts, rows(("car", "de")), run_id="r", backend="miniature")
    seen = []

    @dg.asset
    def strict(scripts: pl.DataFrame) -> None:
        seen.append(scripts)

    @dg.asset(ins={"scripts": dg.AssetIn(metadata={"allow_missing_partitions": True})})
    def tolerant(scripts: pl.DataFrame) -> None:
        seen.append(scripts)

    source = scripts.to_source_asset()
    result = materialize(home, instance, [strict, source], raise_on_error=False)
    failure = next(event for event in result.all_events if event.is_step_failure)
    assert "test_scripts has no partition spot=bank" in str(failure.step_failure_data.error)
    assert materialize(home, instance, [tolerant, source]).success
    assert seen[0].height == 2


@pytest.mark.parametrize("broken", ["rule", "foreign", "type"])
def test_a_frame_that_breaks_the_schema_fails_the_asset_and_stores_nothing(
    home: Path, instance: dg.DagsterInstance, broken: str
) -> None:
    frames: dict[str, Any] = {
        "rule": rows(("car", "de")).with_columns(row=pl.lit(-7)),
        "foreign": rows(("car", "us")),
        "type": {"not": "a frame"},
    }
    messages = {"rule": "column row breaks rule min", "foreign": "do not belong to partition 'de'", "type": "not dict"}

    @dg.asset(partitions_def=GRID, metadata=TABLE)
    def bad() -> Any:
        return frames[broken]

    key = dg.MultiPartitionKey({"spot": "car", "target": "de"})
    result = materialize(home, instance, [bad], partition_key=key, raise_on_error=False)
    assert not result.success
    failure = next(event for event in result.all_events if event.is_step_failure)
    assert messages[broken] in str(failure.step_failure_data.error)
    assert store(home).partitions(Scripts) == []


def test_an_asset_without_partitions_owns_its_whole_table(home: Path, instance: dg.DagsterInstance) -> None:
    produced = [rows(("car", "de"), ("car", "us")), rows(("car", "us"), count=1)]

    @dg.asset(metadata=TABLE)
    def everything() -> pl.LazyFrame:
        return produced.pop(0).lazy()

    @dg.asset
    def test_totals(everything: pl.DataFrame) -> pl.DataFrame:
        return pl.DataFrame({"total": [everything.height]})

    first = materialize(home, instance, [everything, test_totals])
    (metadata,) = event_metadata(first, "everything").values()
    assert metadata["dagster/row_count"] == 4
    second = materialize(home, instance, [everything, test_totals])
    assert store(home).partitions(Scripts) == [{"spot": "car", "target": "us"}]
    (metadata,) = event_metadata(second, "test_totals").values()
    assert metadata["dagster/row_count"] == 1
    assert store(home).read("test_totals")["total"].to_list() == [1]


def test_an_unknown_table_is_named(home: Path, instance: dg.DagsterInstance) -> None:
    @dg.asset
    def nobody_knows() -> pl.DataFrame:
        return pl.DataFrame({"a": [1]})

    with pytest.raises(KeyError, match="no table 'nobody_knows' is declared"):
        materialize(home, instance, [nobody_knows])


def test_previews_are_short(home: Path, instance: dg.DagsterInstance) -> None:
    @dg.asset(metadata=TABLE)
    def long() -> pl.DataFrame:
        return rows(("car", "de"), count=50).with_columns(text=pl.lit("x" * 5000))

    result = materialize(home, instance, [long])
    (metadata,) = event_metadata(result, "long").values()
    assert len(metadata["preview"].records) == 10
    assert max(len(str(record.data["text"])) for record in metadata["preview"].records) <= 200
