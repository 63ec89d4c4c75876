"""The reconciliation and the follow-up on a real instance: what they ask for, and when they are quiet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from creative_lab.definitions import defs
from creative_lab.lake.events import flush_events
from creative_lab.lake.tables import TableStore
from creative_lab.looks.reconcile import claims_of, look_around, requests
from creative_lab.looks.sensors import AFTER_RENDERS, BACKLOG, segmentation_follow_up, segmentation_reconciliation
from creative_lab.looks.tables import GarmentMasks, LookRenders
from creative_lab.settings import Settings
from creative_lab_tests.looks.rows import mask, render, write

MONDAY, TUESDAY = "2026-03-02", "2026-03-03"


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


def tick(instance: dg.DagsterInstance, cursor: str | None = None) -> dg.SensorResult:
    context = dg.build_sensor_context(instance=instance, cursor=cursor, definitions=defs)
    result = segmentation_reconciliation(context)
    assert isinstance(result, dg.SensorResult)
    return result


def asked(result: dg.SensorResult) -> list[tuple[str | None, str | None]]:
    return [(request.partition_key, request.run_key) for request in result.run_requests or []]


def test_a_quiet_tick_says_what_it_saw_and_plots_it(migrated_lab: Settings, instance: dg.DagsterInstance) -> None:
    store = TableStore(migrated_lab)
    write(store, LookRenders, MONDAY, [render(MONDAY, f"{MONDAY}-0001")])
    write(store, GarmentMasks, MONDAY, [mask(MONDAY, f"{MONDAY}-0001")])
    result = tick(instance)
    assert not result.run_requests
    assert str(result.skip_reason and result.skip_reason.skip_message).startswith("1 pictures, 1 segmented, 0 without")
    [event] = result.asset_events
    assert event.asset_key == BACKLOG
    assert event.metadata["oldest_unsegmented_s"].value == 0
    flush_events(migrated_lab)
    [row] = store.read("pipeline_events").filter(pl.col("stage") == "reconcile").to_dicts()
    assert json.loads(row["detail"])["requeued"] == 0


def test_days_with_missing_pictures_are_asked_for_once_per_try_with_the_version_of_their_renders_in_the_key(
    migrated_lab: Settings, instance: dg.DagsterInstance
) -> None:
    store = TableStore(migrated_lab)
    for day in (MONDAY, TUESDAY):
        write(store, LookRenders, day, [render(day, f"{day}-0001")])
    first = tick(instance)
    again = tick(instance)
    assert asked(first) == asked(again), "a tick evaluated twice asks once: equal run keys"
    assert [day for day, _ in asked(first)] == [MONDAY, TUESDAY]
    assert first.run_requests is not None
    assert first.run_requests[0].asset_selection == AFTER_RENDERS
    second = tick(instance, first.cursor)
    assert set(asked(second)).isdisjoint(asked(first)), "a run that was killed is asked for again"
    write(store, LookRenders, MONDAY, [render(MONDAY, f"{MONDAY}-0001"), render(MONDAY, f"{MONDAY}-0001", 2)])
    versions = [str(key).split(":")[2] for result in (first, tick(instance)) for _, key in asked(result)[:1]]
    assert versions[0] != versions[1], "a re-render is another request"


def test_pictures_in_work_and_days_in_progress_are_left_alone(
    migrated_lab: Settings, instance: dg.DagsterInstance
) -> None:
    store = TableStore(migrated_lab)
    write(store, LookRenders, MONDAY, [render(MONDAY, f"{MONDAY}-000{number}") for number in (1, 2)])
    worker = claims_of(migrated_lab, "follow-up")
    worker.expect(look_around(migrated_lab).standing.due)
    assert worker.claim(f"{MONDAY}-0001", 1)
    assert worker.claim(f"{MONDAY}-0002", 1)
    quiet = tick(instance)
    assert not quiet.run_requests
    assert "2 in work" in str(quiet.skip_reason and quiet.skip_reason.skip_message)
    worker.give_back()
    run = instance.create_run_for_job(
        defs.resolve_job_def("look_day"), tags={"dagster/partition": MONDAY}, status=dg.DagsterRunStatus.STARTED
    )
    assert not tick(instance).run_requests
    instance.report_run_failed(run)
    assert [day for day, _ in asked(tick(instance))] == [MONDAY]


def test_at_most_so_many_days_are_asked_for_a_tick_and_the_rest_come_later(migrated_lab: Settings) -> None:
    store = TableStore(migrated_lab)
    days = [f"2026-02-{day:02d}" for day in range(1, 16)]
    for day in days:
        write(store, LookRenders, day, [render(day, f"{day}-0001")])
    found = look_around(migrated_lab)
    some, sequence = requests(found.due_by_day, found.report.versions, {"2026-01-01": 4}, most_days=10)
    assert (len(some), "2026-01-01" in sequence) == (10, False)
    few, _ = requests(found.due_by_day, found.report.versions, sequence, busy_days=days[:12], most_pictures=2)
    assert [request.day for request in few] == days[12:14]


def test_a_batch_is_followed_up_once_and_only_when_its_run_makes_no_masks_itself(
    migrated_lab: Settings, instance: dg.DagsterInstance
) -> None:
    def look(cursor: str | None) -> dg.SensorResult:
        result = segmentation_follow_up(dg.build_sensor_context(instance=instance, cursor=cursor))
        assert isinstance(result, dg.SensorResult)
        return result

    def rendered(day: str, run_id: str = "") -> None:
        event = dg.AssetMaterialization("look_renders", partition=day)
        if not run_id:
            instance.report_runless_asset_event(event)
            return
        from dagster._core.events import DagsterEvent, DagsterEventType, StepMaterializationData

        instance.report_dagster_event(
            DagsterEvent(
                DagsterEventType.ASSET_MATERIALIZATION.value, "look_day",
                event_specific_data=StepMaterializationData(event),
            ),
            run_id=run_id,
        )  # fmt: skip

    rendered("2026-03-01")
    first = look(None)
    assert not first.run_requests, "what was there before is the reconciliation's"
    rendered(MONDAY)
    rendered(MONDAY)
    whole = instance.create_run_for_job(defs.resolve_job_def("look_day"), tags={"dagster/partition": TUESDAY})
    rendered(TUESDAY, whole.run_id)
    second = look(first.cursor)
    assert [day for day, _ in asked(second)] == [MONDAY]
    assert not look(second.cursor).run_requests
