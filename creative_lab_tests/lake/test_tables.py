"""Tables: typed frames in and out, split by partition, refused with an error that finds the row."""

from __future__ import annotations

import errno
import random
import threading
from pathlib import Path

import dataframely as dy
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creative_lab.lake.checking import TableError
from creative_lab.lake.fs import FileSystem
from creative_lab.lake.schemas import (
    PARTITION_KEY,
    TableSchema,
    partition_label,
    registered_tables,
    table,
    table_info,
)
from creative_lab.lake.tables import MissingPartition, TableStore
from creative_lab_tests.lake.faults import ERRORS, FailingCalls, Scripts, Totals

DE = {"spot": "car", "target": "de"}
US = {"spot": "car", "target": "us"}


def frame(*rows: tuple[str, str, int, str | None]) -> pl.DataFrame:
    data = pl.DataFrame(rows, schema=["spot", "target", "row", "text"], orient="row")
    return data.with_columns(tone=pl.lit("warm"), tags=pl.lit(["a"], dtype=pl.List(pl.String)))


def write(store: TableStore, data: pl.DataFrame, partition: dict[str, str] | None = None, run: str = "r1") -> list:
    return store.write(Scripts, data, partition=partition, run_id=run, backend="miniature")


def test_a_frame_is_split_by_its_partition_columns_and_comes_back_combined(tmp_path: Path) -> None:
    store = TableStore(tmp_path)
    written = write(store, frame(("car", "de", 1, "x"), ("car", "us", 1, None), ("car", "de", 2, "y")))
    assert [(file.partition, file.rows) for file in written] == [(DE, 2), (US, 1)]
    assert written[0].name == "tables/test_scripts/spot=car/target=de/data.parquet"
    assert Path(written[0].path).stat().st_size == written[0].bytes
    assert store.partitions(Scripts) == [DE, US]
    back = store.read(Scripts)
    assert back.schema == pl.Schema({name: column.dtype for name, column in Scripts.columns().items()})
    assert sorted(zip(back["target"], back["row"], back["text"], strict=True)) == [
        ("de", 1, "x"),
        ("de", 2, "y"),
        ("us", 1, None),
    ]
    assert back["run_id"].unique().to_list() == ["r1"]
    assert back["backend"].cast(pl.String).unique().to_list() == ["miniature"]
    assert back["written_at"].null_count() == 0
    assert store.scan(Scripts, [US]).select("row").collect().height == 1
    assert store.scan("test_scripts", [DE, US]).collect().height == 3


def test_writing_replaces_whole_partitions_and_only_those(tmp_path: Path) -> None:
    store = TableStore(tmp_path)
    write(store, frame(("car", "de", 1, "x"), ("car", "de", 2, "x"), ("car", "us", 1, "x")))
    write(store, frame(("car", "de", 3, "z")), run="r2")
    assert store.read(Scripts, [DE])["row"].to_list() == [3]
    assert store.read(Scripts, [US])["run_id"].to_list() == ["r1"]
    assert write(store, frame().drop("spot", "target"), partition=US, run="r3")[0].rows == 0
    assert store.read(Scripts, [US]).height == 0
    store.delete(Scripts, US)
    assert store.partitions(Scripts) == [DE]


def test_a_table_without_partitions_is_one_file(tmp_path: Path) -> None:
    store = TableStore(tmp_path)
    assert store.scan(Totals).collect().height == 0
    assert store.partitions(Totals) == []
    store.write(Totals, pl.DataFrame({"total": [7]}), run_id="r", backend="studio")
    assert store.partitions(Totals) == [{}]
    assert store.read(Totals)["total"].to_list() == [7]


ONE = frame(("car", "de", 1, "x"))
BAD = {
    "rule": (
        frame(("car", "de", 1, "x"), ("car", "de", -2, "x")),
        "column row breaks rule min (0) in 1 row: row 1 (row=-2)",
    ),
    "regex": (
        frame(("car", "de", 1, "a#b")),
        "column text breaks rule regex ('^[^#]*$') in 1 row: row 0 (text='a#b')",
    ),
    "repeated key": (
        frame(("car", "de", 4, "x"), ("car", "de", 5, "x"), ("car", "de", 4, "y")),
        "columns spot, target, row break rule primary_key (repeated) in 2 rows: "
        "row 0 (spot='car', target='de', row=4), row 2 (spot='car', target='de', row=4)",
    ),
    "null": (
        ONE.with_columns(row=pl.lit(None)),
        "column row breaks rule nullability in 1 row: row 0 (row=None)",
    ),
    "category": (
        ONE.with_columns(tone=pl.lit("hot")),
        "column tone: not a value of Enum(categories=['warm', 'cool']) in 1 row: row 0 ('hot')",
    ),
    "lossy type": (ONE.with_columns(row=pl.lit(1.5)), "column row: type Float64 where Int64 is declared"),
    "text": (ONE.with_columns(row=pl.lit("1")), "column row: type String where Int64 is declared"),
    "missing": (ONE.drop("text"), "missing column text"),
    "unknown": (ONE.with_columns(txet=pl.lit(1)), "unknown column txet"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_frame_that_breaks_the_schema_is_refused_naming_table_column_rule_rows_and_values(
    tmp_path: Path, case: str
) -> None:
    data, message = BAD[case]
    store = TableStore(tmp_path)
    with pytest.raises(TableError) as caught:
        write(store, data)
    assert str(caught.value).startswith("table test_scripts (to be written): ")
    assert message in str(caught.value)
    assert list(tmp_path.rglob("*.parquet")) == []


@pytest.mark.parametrize("key", ["", "../x", "A", "a b", "-a", "a" * 65, "a/b", "a=b", "ü", "a\n", "a."])
def test_bad_partition_keys_are_refused_from_columns_and_from_the_caller(tmp_path: Path, key: str) -> None:
    store = TableStore(tmp_path)
    with pytest.raises(ValueError, match="is not a partition key of target"):
        write(store, frame(("car", "de", 1, "x"), ("car", key, 2, "x")))
    with pytest.raises(ValueError, match="is not a partition key of target"):
        write(store, frame().drop("spot", "target"), partition={"spot": "car", "target": key})
    with pytest.raises(ValueError, match="is not a partition key"):
        store.scan(Scripts, [{"spot": "car", "target": key}])
    assert list(tmp_path.rglob("*.parquet")) == []


@given(st.text(max_size=70))
def test_every_accepted_partition_key_is_one_plain_folder_name(key: str) -> None:
    info = table_info(Scripts)
    try:
        label = partition_label(info, {"spot": key, "target": "de"})
    except ValueError:
        assert not PARTITION_KEY.fullmatch(key)
        return
    assert label == f"spot={key},target=de"
    assert key.isascii()
    assert not set(key) & set("/\\.=,~ \n\0")


def test_a_partition_named_by_the_caller_must_hold_the_rows(tmp_path: Path) -> None:
    store = TableStore(tmp_path)
    with pytest.raises(
        TableError, match=r"column target: 1 rows do not belong to partition 'de'; first row 1 \('us'\)"
    ):
        write(store, frame(("car", "de", 1, "x"), ("car", "us", 2, "x")), partition=DE)
    with pytest.raises(ValueError, match="partitioned by spot, target, not by spot"):
        write(store, frame(("car", "de", 1, "x")), partition={"spot": "car"})


def test_a_missing_partition_is_named(tmp_path: Path) -> None:
    store = TableStore(tmp_path)
    write(store, frame(("car", "de", 1, "x")))
    with pytest.raises(MissingPartition, match=r"test_scripts has no partition spot=car, target=us: .*data.parquet is"):
        store.scan(Scripts, [DE, US])


def test_a_damaged_or_tampered_file_is_an_error_that_names_the_table(tmp_path: Path) -> None:
    store = TableStore(tmp_path)
    name = write(store, frame(("car", "de", 1, "x")))[0].name
    files = FileSystem(tmp_path)
    good = files.read_bytes(name)
    files.write_bytes(name, good[: len(good) // 2])
    with pytest.raises(TableError, match="table test_scripts"):
        store.read(Scripts)
    with files.writer(name) as file:
        store_rows = pl.read_parquet(good).with_columns(row=pl.lit(-5, dtype=pl.Int64))
        store_rows.write_parquet(file)
    with pytest.raises(TableError, match=r"read from the lake.*column row breaks rule min"):
        store.read(Scripts)


def test_files_of_an_older_schema_are_read_with_nulls_and_wider_types(tmp_path: Path) -> None:
    store = TableStore(tmp_path)
    name = write(store, frame(("car", "de", 1, "x")))[0].name
    files = FileSystem(tmp_path)
    older = (
        pl.read_parquet(files.read_bytes(name)).drop("tags").with_columns(pl.col("row").cast(pl.Int32), old=pl.lit(1))
    )
    with files.writer(name) as file:
        older.write_parquet(file)
    write(store, frame(("car", "us", 2, "y")))
    back = store.read(Scripts).sort("row")
    assert back["tags"].to_list() == [None, ["a"]]
    assert back["row"].dtype == pl.Int64


def test_a_lazy_frame_keeps_its_rows_while_files_are_replaced_and_removed(tmp_path: Path) -> None:
    store = TableStore(tmp_path)
    write(store, frame(*[("car", "de", i, "old" * 50) for i in range(2000)], ("car", "us", 1, "x")))
    lazy = store.scan(Scripts)
    lazy.collect_schema()
    write(store, frame(("car", "de", 1, "new")))
    store.delete(Scripts, US)
    assert lazy.collect().height == 2001
    assert lazy.filter(pl.col("text") == "new").collect().height == 0
    assert store.read(Scripts)["text"].to_list() == ["new"]


def test_readers_beside_a_rewriting_and_deleting_writer_see_whole_partitions(tmp_path: Path) -> None:
    store = TableStore(tmp_path)
    stop = threading.Event()
    random.seed(3)

    def rewrite() -> None:
        while not stop.is_set():
            count = random.choice([1, 10, 3000])
            write(store, frame(*[("car", "de", i, str(count)) for i in range(count)]))
            if count == 10:
                store.delete(Scripts, US)
            else:
                write(store, frame(("car", "us", 1, "1")))

    write(store, frame(("car", "de", 0, "1")))
    writer = threading.Thread(target=rewrite)
    writer.start()
    try:
        for _ in range(40):
            rows = store.scan(Scripts).filter(pl.col("target") == "de").collect()
            assert rows["text"].unique().to_list() == [str(rows.height)]
    finally:
        stop.set()
        writer.join()


@pytest.mark.parametrize("error", ERRORS, ids=errno.errorcode.get)
def test_whichever_call_fails_each_partition_is_old_or_new(tmp_path: Path, error: int) -> None:
    old, new = frame(("car", "de", 1, "old")), frame(("car", "de", 1, "new"), ("car", "us", 1, "new"))
    for number in range(1, 200):
        folder = tmp_path / str(number)
        write(TableStore(folder), old)
        calls = FailingCalls(number, error)
        try:
            write(TableStore(FileSystem(folder, calls=calls)), new)
            failed = False
        except OSError:
            failed = True
        texts = TableStore(folder).read(Scripts).sort("target")["text"].to_list()
        assert texts in ([["old"], ["new"], ["new", "new"]] if failed else [["new", "new"]])
        if not calls.failed:
            return
    pytest.fail("the write never got through")


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["car", "bank", "snack-2"]),
            st.sampled_from(["de", "us", "jp"]),
            st.one_of(
                st.none(), st.text(st.characters(exclude_characters="#", exclude_categories=["Cs"]), max_size=20)
            ),
        ),
        max_size=30,
    )
)
def test_what_is_written_is_what_is_read(tmp_path_factory: pytest.TempPathFactory, rows: list) -> None:
    store = TableStore(tmp_path_factory.mktemp("lake"))
    data = [(spot, target, i, text) for i, (spot, target, text) in enumerate(rows)]
    data = [row for row in data if row[3] is None or "\n" not in row[3]]
    if data:
        write(store, frame(*data))
    back = store.read(Scripts).sort("row")
    assert list(zip(back["spot"], back["target"], back["row"], back["text"], strict=True)) == data


def test_the_register_refuses_bad_and_doubled_names() -> None:
    with pytest.raises(ValueError, match="is not a table name"):
        table("Bad Name")(Totals)
    with pytest.raises(ValueError, match="partition column 'nothing'"):
        table("other_table", partition_by=("nothing",))(Totals)
    with pytest.raises(ValueError, match="declared twice"):

        @table("test_totals")
        class Again(TableSchema):
            total = dy.Int64(nullable=False)

    with pytest.raises(KeyError, match="no table 'nope'"):
        table_info("nope")
    info = table_info(Scripts)
    assert info in registered_tables()
    assert info.column_comments["spot"] == "Spot's slug"
    assert info.column_comments["run_id"]
    assert (info.group, table_info(Totals).comment) == ("tests", "One number")
