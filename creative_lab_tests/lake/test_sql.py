"""Analysts' queries: answered from the warehouse, and unable to do anything else."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import psutil
import pytest

from creative_lab.lake import sql_child
from creative_lab.lake.events import record_event, record_llm_call
from creative_lab.lake.sql import (
    QueryError,
    QueryFailed,
    QueryRefused,
    QueryResult,
    QueryTimeout,
    run_query,
    to_csv,
    to_json,
    to_table,
)
from creative_lab.lake.sql_examples import EXAMPLES, example
from creative_lab.lake.tables import TableStore
from creative_lab.lake.warehouse import build_warehouse, views_folder
from creative_lab.settings import Settings
from creative_lab_tests.lake.faults import Scripts

SECRET = "canary-4711"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A built warehouse beside files that nobody may read."""
    settings = Settings(home=tmp_path_factory.mktemp("sql") / "o'home", lake_url=None, sql_timeout_s=20)
    data = pl.DataFrame({"row": range(100)}).with_columns(
        text=pl.format("line {}", "row"), tone=pl.lit("warm"), tags=pl.lit(["a", "b"], dtype=pl.List(pl.String))
    )
    TableStore(settings).write(
        Scripts, data, partition={"spot": "car", "target": "de"}, run_id="r", backend="miniature"
    )
    record_event(settings, stage="writer", status="fail", reason="no model", run_id="r", spot="car", target="de")
    record_event(settings, stage="writer", status="ok", run_id="r", spot="car", target="de", attempt=2)
    record_llm_call(settings, run_id="r", model_id="m", cached=False, status="ok", attempt=1, cost_usd=0.25)
    build_warehouse(settings, ["test_scripts", "pipeline_events", "llm_calls"])
    for folder in (settings.postgres_dir, settings.home / "lake" / "views-evil"):
        folder.mkdir(parents=True)
        (folder / "secret.txt").write_text(SECRET)
        pl.DataFrame({"secret": [SECRET]}).write_parquet(folder / "secret.parquet")
    (views_folder(settings) / "link.txt").symlink_to(settings.postgres_dir / "secret.txt")
    (views_folder(settings) / "link.parquet").symlink_to(settings.postgres_dir / "secret.parquet")
    (views_folder(settings) / "linked").symlink_to(settings.postgres_dir)
    return settings


def ask(home: Settings, query: str, **limits: float) -> QueryResult:
    return run_query(home, query, refresh=False, **limits)  # type: ignore[arg-type]


def test_a_query_is_answered_in_three_formats(home: Settings) -> None:
    result = ask(home, 'SELECT row, text, tags, written_at, NULL AS none FROM test_scripts ORDER BY row LIMIT 2 -- "x"')
    assert result.columns == ["row", "text", "tags", "written_at", "none"]
    assert result.rows[1][:3] == [1, "line 1", ["a", "b"]]
    assert result.rows[0][3].endswith("+00:00")
    parsed = list(csv.reader(io.StringIO(to_csv(result))))
    assert parsed[0] == result.columns
    assert parsed[1][:3] == ["0", "line 0", '["a", "b"]']
    assert parsed[1][4] == ""
    assert json.loads(to_json(result))[1]["text"] == "line 1"
    assert "line 1" in to_table(result)
    assert "(2 rows)" in to_table(result)


def test_columns_of_one_name_are_all_kept(home: Settings) -> None:
    assert json.loads(to_json(ask(home, "SELECT 1 AS a, 2 AS a, 3 AS a"))) == [{"a": 1, "a_2": 2, "a_3": 3}]


def test_too_many_rows_are_cut_and_said_so(home: Settings) -> None:
    result = ask(home, "SELECT * FROM range(1000000000)", max_rows=3)
    assert [row[0] for row in result.rows] == [0, 1, 2]
    assert result.truncated
    assert "more were left out" in to_table(result)


def test_every_value_that_duckdb_knows_can_be_shown(home: Settings) -> None:
    result = ask(home, "SELECT * FROM test_all_types()")
    assert result.rows
    json.loads(to_json(result))
    to_csv(result)
    to_table(result)


# The others ask about tables of other rooms; they are asked where those rooms have filled them.
OWN = ("tables", "columns", "failures", "stages", "retries", "model_costs", "slow_calls", "cost_per_spot")


@pytest.mark.parametrize("name", [found.name for found in EXAMPLES if found.name in OWN])
def test_every_example_about_the_logs_runs_and_answers(home: Settings, name: str) -> None:
    assert ask(home, example(name).sql).rows, example(name).question


def test_a_refresh_shows_what_was_written_since(home: Settings) -> None:
    before = ask(home, "SELECT count(*) FROM pipeline_events").rows[0][0]
    record_event(home, stage="late", status="ok", run_id="r")
    assert run_query(home, "SELECT count(*) FROM pipeline_events").rows[0][0] == before + 1


HOSTILE = [
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('/proc/self/environ')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM parquet_metadata('{home}/postgres/secret.parquet')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM glob('{home}/*')",
    "SELECT * FROM '/etc/passwd'",
    "FROM '{home}/postgres/secret.parquet'",
    "SELECT * FROM read_text('{home}/postgres/secret.txt')",
    "SELECT * FROM read_text('{views}/../../postgres/secret.txt')",
    "SELECT * FROM read_text('{views}-evil/secret.txt')",
    "SELECT * FROM read_text('{views}/link.txt')",
    "SELECT * FROM read_parquet('{views}/link.parquet')",
    "SELECT * FROM read_text('{views}/linked/secret.txt')",
    "SELECT * FROM read_text('file://{home}/postgres/secret.txt')",
    "SELECT * FROM read_parquet('https://example.com/x.parquet')",
    "SELECT * FROM 's3://bucket/x.parquet'",
    "ATTACH '{home}/postgres/secret.txt' AS s",
    "ATTACH ':memory:' AS m",
    "COPY (SELECT 1) TO '/tmp/creative-lab-evil.csv'",
    "COPY (SELECT 1) TO '{views}/evil.parquet'",
    "WITH a AS (COPY (SELECT 1) TO '{views}/evil.parquet') SELECT * FROM a",
    "SELECT * FROM (WITH a AS (COPY (SELECT 1) TO '{views}/evil.parquet') SELECT 1)",
    "FROM query('WITH a AS (COPY (SELECT 1) TO ''{views}/evil.parquet'') SELECT 1')",
    "FROM query('SELECT * FROM read_text(''/etc/passwd'')')",
    "WITH a AS (INSERT INTO test_scripts VALUES (1) RETURNING *) SELECT * FROM a",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{views}/evil.parquet'",
    "EXPORT DATABASE '{views}/evil'",
    "IMPORT DATABASE '{views}'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET lock_configuration = false",
    "SET allowed_directories = ['/']",
    "RESET memory_limit",
    "PRAGMA database_list",
    "CALL enable_logging()",
    "CREATE TABLE evil (a INTEGER)",
    "CREATE OR REPLACE VIEW test_scripts AS SELECT 1",
    "CREATE SECRET (TYPE s3, KEY_ID 'x', SECRET 'y')",
    "INSERT INTO test_scripts VALUES (1)",
    "DELETE FROM test_scripts",
    "DROP VIEW test_scripts",
    "CHECKPOINT",
    "SELECT 1; SELECT 2",
    "SELECT 1; COPY (SELECT 1) TO '{views}/evil.parquet'",
    "/* nothing */",
    "",
    "SELECT getenv('HOME')",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM request",
]


@pytest.mark.parametrize("statement", HOSTILE)
def test_a_hostile_statement_is_refused_with_one_line_and_changes_nothing(home: Settings, statement: str) -> None:
    quote = "''''" if statement.startswith("FROM query(") else "''"

    def escaped(path: Path) -> str:
        return str(path).replace("'", quote)

    def files() -> dict[str, int]:
        return {str(path): path.lstat().st_mtime_ns for path in home.home.rglob("*")}

    before = files()
    query = statement.format(home=escaped(home.home), views=escaped(views_folder(home)))
    with pytest.raises(QueryError) as caught:
        print(ask(home, query).rows)
    assert not str(caught.value).startswith("Parser Error"), "the statement does not say what it was meant to"
    assert "\n" not in str(caught.value)
    assert SECRET not in str(caught.value)
    assert files() == before
    assert not Path("/tmp/creative-lab-evil.csv").exists()


@pytest.mark.parametrize(
    "query",
    [
        "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range * b.range = 7",
        "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t",
        "SELECT max(md5(repeat(range::VARCHAR, 1000))) FROM range(1000000000)",
    ],
)
def test_an_endless_query_is_ended_in_time_with_its_process(home: Settings, query: str) -> None:
    start = time.monotonic()
    with pytest.raises(QueryTimeout, match=r"longer than 0\.5 s"):
        ask(home, query, timeout_s=0.5)
    assert time.monotonic() - start < 15
    assert not [child for child in psutil.Process().children() if "sql_child" in " ".join(child.cmdline())]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT range(200000000)",
        "SELECT list(range) FROM range(100000000)",
        "SELECT a.range, b.range, random() FROM range(100000) a, range(100000) b ORDER BY 3",
    ],
)
def test_a_greedy_query_is_refused_by_the_memory_limit(home: Settings, query: str) -> None:
    with pytest.raises(QueryError) as caught:
        ask(home, query, memory_mb=100, timeout_s=20)
    assert isinstance(caught.value, QueryFailed | QueryTimeout | QueryRefused)
    assert "\n" not in str(caught.value)


def test_a_mistake_gives_one_clear_line(home: Settings) -> None:
    with pytest.raises(QueryFailed, match=r"^Catalog Error: Table with name test_script does not exist! Did you mean"):
        ask(home, "SELECT * FROM test_script")
    with pytest.raises(QueryRefused, match="only SELECT is allowed, not COPY inside it"):
        ask(home, "WITH a AS (COPY (SELECT 1) TO 'x') SELECT 1")


def test_the_query_sees_nothing_of_our_environment(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREATIVE_LAB_OPENAI_API_KEY", SECRET)
    rows = ask(home, "SELECT * FROM duckdb_settings()").rows
    assert SECRET not in json.dumps(rows)


def test_the_kernel_refuses_what_duckdb_would_let_through(home: Settings, tmp_path: Path) -> None:
    probe = f"""
import runpy, os, socket
child = runpy.run_path({str(sql_child.__file__)!r})
version = child["confine"]([{str(views_folder(home))!r}])
print(version)
def attempt(what):
    try:
        what()
        print("done")
    except PermissionError:
        print("refused")
attempt(lambda: open("/etc/passwd").read())
attempt(lambda: open({str(tmp_path / "new")!r}, "w"))
attempt(lambda: open({str(views_folder(home) / "new")!r}, "w"))
attempt(lambda: os.truncate({str(next(views_folder(home).rglob("*.parquet")))!r}, 0))
attempt(lambda: os.unlink({str(views_folder(home) / "link.txt")!r}))
attempt(lambda: open({str(views_folder(home) / "link.txt")!r}).read())
attempt(lambda: os.listdir({str(views_folder(home))!r}))
"""
    output = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout.split()
    if output[0] == "0":
        pytest.skip("this kernel has no Landlock; the other walls are tested above")
    assert output[1:] == ["refused"] * 6 + ["done"]
    assert list(views_folder(home).iterdir())
