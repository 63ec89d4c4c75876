"""The lab's own definitions under a real code server, daemon and webserver: launched, backfilled, sensed, killed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml

from creative_lab.lake.tables import TableStore
from creative_lab.launch.processes import worker_of
from creative_lab.launch.serve import DEFINITIONS
from creative_lab.reference.spots import import_spot
from creative_lab.settings import REPOSITORY_ROOT, get_settings
from creative_lab.state import db
from creative_lab_tests.launch.lab_processes import LabProcesses, wait_for
from creative_lab_tests.worked_lab import GREEN, SPOT, WAITING, worked_lab

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

TABLES = ("adapted_scripts", "gate_evaluations", "gate_findings", "adaptation_results")
OF_A_TARGET = ("cultural_brief", *TABLES, "script_deliverables")


@pytest.fixture
def processes(
    postgres_root: Path,
    _migrated_template: Callable[[str], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[LabProcesses]:
    with worked_lab(postgres_root, _migrated_template("reference"), tmp_path / "lab home"):
        configuration = yaml.safe_load((REPOSITORY_ROOT / "dagster.yaml").read_text())
        # The shipped values are for people; a test need not wait as long.
        configuration["run_monitoring"]["poll_interval_seconds"] = 3
        configuration["run_coordinator"]["config"]["dequeue_interval_seconds"] = 1
        configuration["concurrency"]["runs"]["max_concurrent_runs"] = 2
        path = tmp_path / "dagster.yaml"
        path.write_text(yaml.safe_dump(configuration))
        monkeypatch.setenv("CREATIVE_LAB_DAGSTER_YAML", str(path))
        get_settings.cache_clear()
        processes = LabProcesses(get_settings(), DEFINITIONS)
        yield processes
        processes.stop()


def key(target: str) -> str:
    return f"{SPOT}|{target}"


def made(instance: dg.DagsterInstance, asset: str) -> set[str]:
    return {str(name) for name in instance.get_materialized_partitions(dg.AssetKey(asset))}


def test_a_lab_adapts_on_request_and_by_backfill_finds_new_spots_and_tries_a_killed_run_again(
    processes: LabProcesses,
) -> None:
    settings = processes.settings
    instance = processes.start()
    store = TableStore(settings)

    # A working day: one adaptation by hand, two by backfill, and a spot that somebody imported.
    one = processes.launch(*OF_A_TARGET, partition=key("en-au"))
    processes.backfill([key("en-ie"), key("en-nz")], *OF_A_TARGET)
    with db.session_scope(settings) as session:
        import_spot(session, settings.data_dir / "spots" / "just-one.json")
    processes.wait_until(one, "SUCCESS", deadline_s=90)
    assert store.read("adaptation_results", [{"spot": SPOT, "target": "en-au"}])["status"].item() == "completed"
    assert (settings.reports_dir / "scripts" / SPOT / "en-au.html").is_file()

    # The German one ends red with its reason, and what hangs on it does not run.
    waiting = processes.launch(*OF_A_TARGET, partition=key(WAITING))
    processes.wait_until(waiting, "FAILURE", deadline_s=90)
    assert key(WAITING) not in made(instance, "script_deliverables")

    # The worker of a run is killed as soon as it is known: the run fails and is tried again, which ends well.
    before = store.read("adaptation_results", [{"spot": SPOT, "target": GREEN}])["run_id"].item()
    killed = processes.launch(*OF_A_TARGET, partition=key(GREEN))
    wait_for(lambda: worker_of(instance.get_run_by_id(killed)) and processes.workers(killed), "the worker is known")
    for worker in processes.workers(killed):
        worker.kill()
    processes.wait_until(killed, "FAILURE", deadline_s=90)

    def retry() -> str | None:
        return next((run.run_id for run in instance.get_runs(limit=20) if run.parent_run_id == killed), None)

    again = str(wait_for(retry, f"the killed run is tried again: {processes.logs()}"))
    processes.wait_until(again, "SUCCESS", deadline_s=90)
    after = store.read("adaptation_results", [{"spot": SPOT, "target": GREEN}])["run_id"].item()
    assert before != after == again

    wait_for(
        lambda: {key("en-ie"), key("en-nz")} <= made(instance, "script_deliverables"),
        f"the backfill ends: {processes.logs()}",
        90,
    )
    wait_for(lambda: "just-one" in instance.get_dynamic_partitions("spot"), "the sensor registers the new spot", 90)
    failed = {run.run_id for run in instance.get_runs(filters=dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))}
    assert {waiting, killed} <= failed
    retried = [run.run_id for run in instance.get_runs() if run.parent_run_id == waiting]
    assert retried == [], "a script that needs a translation is not tried again"
