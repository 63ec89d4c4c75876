"""A real lab whose worker is killed in the middle of a day's masks: the ticks that follow finish the day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
import yaml

from creative_lab.lake.events import flush_events
from creative_lab.lake.tables import TableStore
from creative_lab.launch.serve import DEFINITIONS
from creative_lab.looks.importing import import_looks
from creative_lab.looks.manifests import deal_day
from creative_lab.looks.prompts import write_day
from creative_lab.looks.rendering.work import render_day
from creative_lab.settings import REPOSITORY_ROOT, Settings, get_settings
from creative_lab.state import db
from creative_lab.state.models import LookControl
from creative_lab_tests.launch.lab_processes import LabProcesses, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

DAY, LOOKS = "2026-03-02", 8


@pytest.fixture
def rendered(reference_lab: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A lab with a day of rendered looks, whose reconciliation looks every five seconds."""
    configuration = yaml.safe_load((REPOSITORY_ROOT / "dagster.yaml").read_text())
    configuration["run_monitoring"]["poll_interval_seconds"] = 3
    configuration["run_coordinator"]["config"]["dequeue_interval_seconds"] = 1
    # The sweep has to finish the day, not a second try of the run that was killed.
    configuration["run_retries"]["enabled"] = False
    path = tmp_path / "dagster.yaml"
    path.write_text(yaml.safe_dump(configuration))
    monkeypatch.setenv("CREATIVE_LAB_DAGSTER_YAML", str(path))
    monkeypatch.setenv("DAGSTER_HOME", str(reference_lab.home / "dagster"))
    monkeypatch.setenv("CREATIVE_LAB_LOOKS_SWEEP_S", "5")
    get_settings.cache_clear()
    settings = get_settings()
    with db.session_scope(settings) as session:
        import_looks(session, settings.data_dir / "looks")
        LookControl.get_instance(session).looks_per_day = LOOKS
    deal_day(settings, date.fromisoformat(DAY), run_id="given")
    write_day(settings, date.fromisoformat(DAY), run_id="given")
    render_day(settings, DAY, run_id="given")
    return settings


@pytest.fixture
def processes(rendered: Settings) -> Iterator[LabProcesses]:
    processes = LabProcesses(rendered, DEFINITIONS)
    yield processes
    processes.stop()


def segmented(settings: Settings) -> set[tuple[str, int]]:
    store = TableStore(settings)
    if not store.exists("garment_masks", {"day": DAY}):
        return set()
    rows = store.scan("garment_masks", [{"day": DAY}]).select("look_id", "render_no").unique().collect()
    return set(rows.iter_rows())


def test_a_worker_killed_in_the_middle_of_masks_leaves_a_day_that_the_next_ticks_finish(
    processes: LabProcesses,
) -> None:
    settings = processes.settings
    store = TableStore(settings)
    pictures = store.read("look_renders", [{"day": DAY}]).filter(pl.col("status") == "ok").height
    assert pictures >= LOOKS - 2
    instance = processes.start()

    def masks_run(but: set[str] = frozenset()) -> dg.DagsterRun | None:  # type: ignore[assignment]
        runs = instance.get_runs(filters=dg.RunsFilter(tags={"dagster/partition": DAY}))
        return next((run for run in runs if run.run_id not in but), None)

    first = wait_for(masks_run, f"the sweep asks for the day: {processes.logs()}", 180)
    wait_for(lambda: 0 < len(segmented(settings)) < pictures, f"the first masks are there: {processes.logs()}", 180)
    for worker in processes.workers(first.run_id):
        worker.kill()
    kept = segmented(settings)
    assert len(kept) < pictures, "the worker was killed too late for this test to show anything"
    processes.wait_until(first.run_id, "FAILURE", deadline_s=120)
    wait_for(lambda: len(segmented(settings)) == pictures, f"the next ticks finish the day: {processes.logs()}", 240)
    second = masks_run({first.run_id})
    assert second is not None
    processes.wait_until(second.run_id, "SUCCESS", deadline_s=120)

    masks = store.read("garment_masks", [{"day": DAY}])
    written = masks.group_by("look_id", "render_no").agg(pl.col("run_id").n_unique().alias("runs"))
    assert written["runs"].max() == 1, "no picture has masks of two runs"
    assert kept <= set(masks.filter(pl.col("run_id") == first.run_id).select("look_id", "render_no").iter_rows())
    flush_events(settings)
    events = store.read("pipeline_events")
    ok = events.filter((pl.col("stage") == "segment") & pl.col("status").cast(pl.String).is_in(["ok", "warn"]))
    assert ok.group_by("look_id").len()["len"].max() == 1, "no picture was segmented twice"
    assert events.filter(pl.col("stage") == "reconcile").height >= 2
