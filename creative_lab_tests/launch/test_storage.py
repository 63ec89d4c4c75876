"""Dagster's storage on the platform's server: side by side with our tables, pooled, and without loss."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psutil
import pytest
import sqlalchemy as sa
import yaml
from dagster._core.events import StepMaterializationData
from dagster._core.instance.ref import InstanceRef
from dagster._core.launcher.base import WorkerStatus

from creative_lab.launch import storage
from creative_lab.launch.executors import executor
from creative_lab.launch.instance import dagster_home, environment, lab_instance
from creative_lab.launch.reaper import reap
from creative_lab.launch.run_launcher import GpuRunLauncher
from creative_lab.settings import REPOSITORY_ROOT, Settings, get_settings
from creative_lab.state import postgres
from creative_lab_tests.launch.lab_processes import wait_for


@pytest.fixture
def embedded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A lab with a server of its own, as a person who set nothing has it."""
    for name in list(os.environ):
        if name.startswith(("CREATIVE_LAB_", "DAGSTER_")) and name != "CREATIVE_LAB_TEST_POSTGRES":
            monkeypatch.delenv(name)
    monkeypatch.setenv("CREATIVE_LAB_HOME", str(tmp_path / "a home with spaces"))
    get_settings.cache_clear()
    yield get_settings()
    get_settings.cache_clear()


@dg.asset
def plain() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"rows": 3}, tags={"kind": "test"})


@dg.asset_check(asset=plain)
def plain_is_fine() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


def tables(url: str, schema: str) -> set[str]:
    engine = sa.create_engine(url)
    try:
        return set(sa.inspect(engine).get_table_names(schema=schema))
    finally:
        engine.dispose()


def test_dagster_and_the_platform_share_a_given_server_without_meeting(lab: Settings) -> None:
    url = postgres.database_url(settings=lab)
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        # The name that both migration tools use.
        connection.execute(sa.text("create table alembic_version (version_num text primary key)"))
        connection.execute(sa.text("insert into alembic_version values ('ours')"))
    instance = lab_instance(lab)
    assert dg.materialize([plain, plain_is_fine], instance=instance).success
    assert tables(url, "public") == {"alembic_version"}
    assert {"runs", "event_logs", "job_ticks", "alembic_version"} <= tables(url, storage.SCHEMA)
    with engine.begin() as connection:
        assert connection.execute(sa.text("select version_num from public.alembic_version")).scalars().all() == ["ours"]
    engine.dispose()
    # What another process sees, and what `dagster instance migrate` finds to do: nothing.
    for part in (instance.run_storage, instance.event_log_storage):
        version = part.alembic_version()
        assert version is not None
        assert version[0] == version[1]


def test_an_account_that_may_not_create_the_schema_is_told_so(lab: Settings, postgres_url: str) -> None:
    engine = sa.create_engine(postgres_url)
    with engine.begin() as connection:
        connection.execute(sa.text("drop role if exists guest"))
        connection.execute(sa.text("create role guest login"))
    guest = Settings(home=lab.home, postgres_url=postgres_url.replace("postgres@", "guest@"))
    with pytest.raises(postgres.PostgresError, match="may not create the schema 'dagster'"):
        storage.storage_url(guest)
    with engine.begin() as connection:
        connection.execute(sa.text("create schema dagster authorization guest"))
    assert "search_path" in storage.storage_url(guest)
    engine.dispose()


def test_a_server_that_cannot_be_reached_is_one_clear_error_without_the_password(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, postgres_url="postgresql://lab:secret-canary@127.0.0.1:1/lab")
    with pytest.raises(postgres.PostgresError, match="cannot be reached") as caught:
        storage.storage_url(settings)
    assert "secret-canary" not in str(caught.value)


def test_events_assets_tags_and_checks_are_stored_as_dagster_stores_them(lab: Settings) -> None:
    instance = lab_instance(lab)
    result = dg.materialize([plain, plain_is_fine], instance=instance)
    stored = [record.event_log_entry for record in instance.get_records_for_run(result.run_id).records]
    # What the run told in memory and what was stored are the same events in the same order.
    kinds = [event.dagster_event_type for event in stored if event.is_dagster_event and event.step_key]
    planned = [kind for kind in kinds if kind is not None and kind.name.endswith("_PLANNED")]
    assert len(planned) == 2
    assert kinds[len(planned) :] == [event.event_type for event in result.all_events if event.step_key]
    record = instance.get_asset_records([dg.AssetKey("plain")])[0].asset_entry.last_materialization_record
    assert record is not None
    assert record.event_log_entry.run_id == result.run_id
    found = instance.event_log_storage.get_event_tags_for_asset(dg.AssetKey("plain"))
    assert any(tags.get("dagster/code_version") or tags.get("dagster/data_version") for tags in found)
    check = instance.event_log_storage.get_latest_asset_check_execution_by_key([plain_is_fine.check_key])
    assert check[plain_is_fine.check_key].status.value == "SUCCEEDED"


def test_an_event_whose_asset_row_cannot_be_written_leaves_nothing_behind(
    lab: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = lab_instance(lab)
    log = instance.event_log_storage
    run_id = dg.materialize([plain], instance=instance).run_id
    before = len(instance.get_records_for_run(run_id).records)
    # A real failure of the second statement: the table that it writes to is gone for this moment.
    engine = log._engine  # type: ignore[attr-defined]
    with engine.connect() as connection:
        connection.execute(sa.text("alter table asset_keys rename to asset_keys_away"))
    data = StepMaterializationData(dg.AssetMaterialization("plain"), [])
    event = dg.DagsterEvent(event_type_value="ASSET_MATERIALIZATION", job_name="x", event_specific_data=data)
    with pytest.raises(sa.exc.ProgrammingError):
        instance.report_dagster_event(event, run_id=run_id)
    assert len(instance.get_records_for_run(run_id).records) == before
    with engine.connect() as connection:
        connection.execute(sa.text("alter table asset_keys_away rename to asset_keys"))
    instance.report_dagster_event(event, run_id=run_id)
    assert len(instance.get_records_for_run(run_id).records) == before + 1


def test_only_progress_is_written_without_waiting_for_the_disk() -> None:
    telling = {
        dg.DagsterEventType.ASSET_MATERIALIZATION,
        dg.DagsterEventType.ASSET_OBSERVATION,
        dg.DagsterEventType.ASSET_CHECK_EVALUATION,
        dg.DagsterEventType.STEP_FAILURE,
        dg.DagsterEventType.STEP_UP_FOR_RETRY,
    }
    status = {kind for kind in dg.DagsterEventType if kind.name.startswith(("RUN_", "PIPELINE_", "BACKFILL_"))}
    assert not storage.PROGRESS & (telling | status)


KILLED = """
import os, signal
import dagster as dg
from creative_lab.launch.instance import lab_instance
instance = lab_instance()
@dg.asset
def telling(context):
    for number in range(25):
        context.log.info(f"line {number}")
    os.kill(os.getpid(), signal.SIGKILL)
print(instance.get_ref() and "", end="", flush=True)
dg.materialize([telling], instance=instance)
"""


def test_a_killed_worker_loses_no_event_that_it_reported(lab: Settings) -> None:
    instance = lab_instance(lab)
    done = subprocess.run([sys.executable, "-c", KILLED], cwd=REPOSITORY_ROOT, env=environment(lab), check=False)
    assert done.returncode == -9
    (run,) = instance.get_runs()
    text = [record.event_log_entry.user_message for record in instance.get_records_for_run(run.run_id).records]
    assert [line for line in text if line.startswith("line ")] == [f"line {number}" for number in range(25)]


IN_PROCESS = """
import sys
import dagster as dg
from creative_lab.launch.instance import lab_instance
@dg.asset
def held():
    print("working", flush=True)
    sys.stdin.read()
dg.materialize([held], instance=lab_instance())
"""


def test_a_run_that_a_script_executes_itself_is_left_alone_while_it_works_and_settled_when_it_was_killed(
    lab: Settings,
) -> None:
    instance = lab_instance(lab)
    script = subprocess.Popen(
        [sys.executable, "-c", IN_PROCESS],
        cwd=REPOSITORY_ROOT,
        env=environment(lab),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert script.stdout is not None
    assert script.stdout.readline() == b"working\n"
    (run,) = instance.get_runs()
    assert run.status is dg.DagsterRunStatus.STARTED
    assert instance.run_launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING
    assert reap(instance, settle_s=0) == []
    script.kill()
    script.communicate()
    assert instance.run_launcher.check_run_worker_health(run).status is WorkerStatus.NOT_FOUND
    assert len(reap(instance, settle_s=0)) == 1
    assert instance.get_runs()[0].status is dg.DagsterRunStatus.FAILURE


@pytest.mark.slow
def test_connections_heal_after_the_server_went_away_and_a_forked_child_opens_its_own(embedded: Settings) -> None:
    instance = lab_instance(embedded)
    assert dg.materialize([plain], instance=instance).success
    assert "/dagster?" in storage.storage_url(embedded), "a database of its own, beside the platform's"
    child = os.fork()
    if child == 0:
        os._exit(0 if len(instance.get_runs()) == 1 else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert len(instance.get_runs()) == 1
    record = json.loads((embedded.postgres_dir / "keeper.json").read_text())
    psutil.Process(record["keeper"]).kill()
    wait_for(lambda: not psutil.pid_exists(record["server"]), "keeper and server are gone")
    engine = instance.run_storage._engine  # type: ignore[attr-defined]
    assert engine.pool.checkedin() > 0, "there must be a stale connection to heal from"
    # Nobody asks for a URL again: the pool notices and brings the server up.
    wait_for(lambda: _idle(engine), "the connection lay idle")
    assert len(instance.get_runs()) == 1
    assert dg.materialize([plain], instance=instance).success


def _idle(engine: sa.Engine) -> bool:
    with engine.pool._pool.mutex:  # type: ignore[attr-defined]
        records = list(engine.pool._pool.queue)  # type: ignore[attr-defined]
    return all(time.monotonic() - record.info["idle_since"] > storage._IDLE_S for record in records)


def test_the_shipped_configuration_is_what_the_guide_says(embedded: Settings) -> None:
    instance = lab_instance(embedded)
    assert isinstance(instance.run_launcher, GpuRunLauncher)
    assert instance.run_monitoring_enabled
    assert instance.run_monitoring_max_runtime_seconds > 0
    assert instance.run_retries_enabled
    assert instance.run_retries_max_retries > 0
    assert instance.get_settings("run_retries")["retry_on_asset_or_op_failure"] is False
    assert instance.get_concurrency_config().pool_config.pool_granularity is not None
    assert not instance.telemetry_enabled
    assert Path(instance.storage_directory()).is_relative_to(embedded.home)
    assert dagster_home(embedded) == embedded.home / "dagster"
    assert executor(embedded) is dg.in_process_executor


def test_a_second_lab_in_one_process_is_refused_rather_than_mixed_up(embedded: Settings, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="this process belongs to the lab in"):
        lab_instance(Settings(home=tmp_path / "other"))


@pytest.mark.slow
def test_plain_dagster_commands_in_the_repository_use_the_same_storage(embedded: Settings, tmp_path: Path) -> None:
    # What `dagster dev` does without DAGSTER_HOME: a temporary home, and the configuration of the current folder.
    ref = InstanceRef.from_dir(str(tmp_path), config_dir=str(REPOSITORY_ROOT))
    plain_instance = dg.DagsterInstance.from_ref(ref)
    assert dg.materialize([plain], instance=plain_instance).success
    assert len(lab_instance(embedded).get_runs()) == 1
    assert yaml.safe_load((REPOSITORY_ROOT / "workspace.yaml").read_text())["load_from"]
