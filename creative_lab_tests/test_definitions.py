"""What Dagster loads: complete, described, and due when it should be."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from creative_lab import catalogue  # noqa: F401 - makes the tables known
from creative_lab.definitions import defs
from creative_lab.lake.schemas import registered_tables
from creative_lab.launch.instance import environment
from creative_lab.settings import REPOSITORY_ROOT, Settings

GROUPS = {"reference", "adaptation", "characters", "storyboards", "looks", "metrics", "operations"}
SPECS = sorted(defs.resolve_all_asset_specs(), key=lambda spec: spec.key)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.key.to_user_string())
def test_every_asset_says_what_it_is_whose_it_is_and_of_what_kind(spec: dg.AssetSpec) -> None:
    assert spec.group_name in GROUPS
    assert spec.owners
    assert spec.kinds
    assert spec.description
    assert spec.description.strip()[0].isupper() or spec.description.startswith("``")


def test_every_group_that_people_expect_is_there() -> None:
    assert {spec.group_name for spec in SPECS} == GROUPS


def test_every_asset_that_is_a_table_names_one_that_the_warehouse_shows_and_every_such_table_has_an_asset() -> None:
    named = {spec.key.to_user_string(): spec.metadata["table"] for spec in SPECS if "table" in spec.metadata}
    assert all(name == table for name, table in named.items())
    # Other tests of the same process declare tables of their own.
    shown = {info.name for info in registered_tables() if info.schema.__module__.startswith("creative_lab.")}
    assert set(named.values()) == shown
    tableless = {spec.key.to_user_string() for spec in SPECS} - set(named)
    assert tableless == {
        "script_deliverables", "warehouse", "look_sheet", "season_report", "segmentation_backlog",
        "storyboard_definition", "character_definition",
    }  # fmt: skip


def test_partitioned_assets_are_tables_with_the_same_partitions() -> None:
    tables = {info.name: info for info in registered_tables()}
    for spec in SPECS:
        if "table" not in spec.metadata or spec.key.to_user_string() in {"pipeline_events", "llm_calls"}:
            continue
        definition = spec.partitions_def
        dimensions: set[str] = set()
        if isinstance(definition, dg.MultiPartitionsDefinition):
            dimensions = {dimension.name for dimension in definition.partitions_defs}
        elif isinstance(definition, dg.DynamicPartitionsDefinition):
            dimensions = {str(definition.name)}
        elif isinstance(definition, dg.TimeWindowPartitionsDefinition):
            dimensions = {"day"}
        assert set(tables[spec.metadata["table"]].partition_by) == dimensions, spec.key


def test_jobs_checks_and_sensors_resolve() -> None:
    repository = defs.get_repository_def()
    graph = defs.resolve_asset_graph()
    assert {sensor.name for sensor in repository.sensor_defs} == {
        "spot_arrivals",
        "approved_scripts",
        "character_arrivals",
        "storyboard_arrivals",
        "segmentation_reconciliation",
        "segmentation_follow_up",
        "automation",
    }
    assert all(sensor.default_status is dg.DefaultSensorStatus.RUNNING for sensor in repository.sensor_defs)
    assert all(sensor.description or sensor.name for sensor in repository.sensor_defs)
    checks = {key.name for key in graph.asset_check_keys if key.asset_key == dg.AssetKey("adapted_scripts")}
    assert checks == {"format_gate", "culture_gate", "concept_gate", "brand_gate", "approved"}
    for spec in SPECS:
        for dependency in spec.deps:
            assert graph.has(dependency.asset_key), f"{spec.key} depends on {dependency.asset_key}, which is not there"
    assert defs.resolve_implicit_global_asset_job_def().asset_layer is not None


def test_the_warehouse_is_due_every_quarter_of_an_hour_and_not_between() -> None:
    instance = dg.DagsterInstance.ephemeral()
    start = datetime(2026, 3, 1, 12, 1, tzinfo=UTC)
    cursor = None
    asked = []
    for minutes in (0, 5, 15, 16, 20, 30, 31):
        result = dg.evaluate_automation_conditions(
            defs, instance, asset_selection=dg.AssetSelection.all(), evaluation_time=start + timedelta(minutes=minutes),
            cursor=cursor,
        )  # fmt: skip
        cursor = result.cursor
        assert result.total_requested == result.get_num_requested(dg.AssetKey("warehouse"))
        asked.append(result.total_requested)
    assert asked == [0, 0, 1, 0, 0, 1, 0]


@pytest.mark.slow
def test_the_workspace_file_loads_as_plain_dagster_commands_load_it(lab: Settings) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dagster", "definitions", "validate", "-w", "workspace.yaml"],
        cwd=REPOSITORY_ROOT,
        check=False,
        env=environment(lab),
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "creative_lab" in done.stdout + done.stderr
