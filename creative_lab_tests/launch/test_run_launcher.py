"""The launcher without a daemon: which worker belongs to a run, whether it lives, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import psutil
import pytest
import yaml
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.launcher.base import WorkerStatus
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

from creative_lab.launch import processes
from creative_lab.launch.instance import environment, lab_instance
from creative_lab.launch.reaper import reap
from creative_lab.launch.run_launcher import DEVICE_TAG, WORKER_TAG, GpuRunLauncher, log_path, worker_of
from creative_lab.settings import REPOSITORY_ROOT, Settings, get_settings
from creative_lab_tests.launch.lab_processes import LabProcesses, wait_for

WORKSPACE = REPOSITORY_ROOT / "creative_lab_tests" / "launch" / "workspace" / "definitions.py"


class Launches:
    """Runs of the test workspace, launched by this process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.instance = lab_instance(settings)
        self.processes = LabProcesses(settings, [])

    def create(self, asset: str, interpreter: str = sys.executable) -> dg.DagsterRun:
        repository = ReconstructableRepository.for_file(str(WORKSPACE), "defs", str(REPOSITORY_ROOT))
        job = repository.get_reconstructable_job("__ASSET_JOB").get_subset(asset_selection={dg.AssetKey(asset)})
        origin = job.get_python_origin()
        return self.instance.create_run_for_job(
            job.get_definition(),
            job_code_origin=origin._replace(
                repository_origin=origin.repository_origin._replace(executable_path=interpreter)
            ),
            remote_job_origin=RemoteJobOrigin(
                RemoteRepositoryOrigin(
                    GrpcServerCodeLocationOrigin(host="localhost", port=1, location_name="creative_lab"),
                    "__repository__",
                ),
                "__ASSET_JOB",
            ),
            asset_selection=frozenset({dg.AssetKey(asset)}),
        )

    def launch(self, asset: str) -> dg.DagsterRun:
        return self.start(self.create(asset).run_id)

    def start(self, run_id: str) -> dg.DagsterRun:
        # Our launcher never asks for the workspace, which only a daemon has.
        self.instance.launch_run(run_id, workspace=None)  # type: ignore[arg-type]
        return self.run(run_id)

    def run(self, run_id: str) -> dg.DagsterRun:
        found = self.instance.get_run_by_id(run_id)
        assert found is not None
        return found

    def wait(self, run_id: str, *statuses: dg.DagsterRunStatus, deadline_s: float = 60) -> dg.DagsterRun:
        wait_for(lambda: self.run(run_id).status in statuses, f"{statuses}, {self.processes.logs()}", deadline_s)
        return self.run(run_id)

    def wait_for_note(self, run_id: str) -> list[str]:
        found = wait_for(
            lambda: [line for line in self.processes.journal() if line[-1] == run_id],
            f"a note of {run_id}: {self.processes.logs()}",
        )
        return list(found[0])

    def health(self, run_id: str) -> WorkerStatus:
        return self.instance.run_launcher.check_run_worker_health(self.run(run_id)).status

    def worker(self, run_id: str) -> psutil.Process:
        known = worker_of(self.run(run_id))
        assert known is not None
        return psutil.Process(known.pid)

    def messages(self, run_id: str) -> str:
        return "\n".join(record.event_log_entry.message for record in self.instance.get_records_for_run(run_id).records)


@pytest.fixture
def make(lab: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Launches]]:
    made: list[Launches] = []

    def build(*cards: str, grace_s: int = 10) -> Launches:
        configuration = yaml.safe_load((REPOSITORY_ROOT / "dagster.yaml").read_text())
        configuration["run_launcher"]["config"] = {"devices": list(cards), "termination_grace_s": grace_s}
        path = tmp_path / "dagster.yaml"
        path.write_text(yaml.safe_dump(configuration))
        monkeypatch.setenv("CREATIVE_LAB_DAGSTER_YAML", str(path))
        get_settings.cache_clear()
        made.append(Launches(get_settings()))
        return made[-1]

    yield build
    for one in made:
        one.processes.kill_workers()


@pytest.mark.slow
def test_a_worker_is_healthy_until_it_is_killed_and_its_run_then_fails_at_once(make: Callable[..., Launches]) -> None:
    launches = make()
    run = launches.launch("slow")
    launches.wait_for_note(run.run_id)
    assert launches.health(run.run_id) is WorkerStatus.RUNNING
    worker = launches.worker(run.run_id)
    assert "instance_ref" not in " ".join(worker.cmdline()), "arguments of a run do not belong where ps shows them"
    assert os.getsid(worker.pid) == worker.pid, "a worker must not die with the daemon's session"
    worker.kill()
    launches.wait(run.run_id, dg.DagsterRunStatus.FAILURE)
    assert launches.health(run.run_id) is WorkerStatus.NOT_FOUND
    text = launches.messages(run.run_id)
    assert "was killed by SIGKILL" in text
    assert str(log_path(run.run_id)) in text


LAUNCHED_AND_KILLED = """
import os, signal, sys
from creative_lab.launch.instance import lab_instance
lab_instance().launch_run(sys.argv[1], workspace=None)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_a_worker_outlives_the_daemon_that_started_it_and_the_next_one_recognises_it(
    make: Callable[..., Launches],
) -> None:
    launches = make("GPU-one")
    run = launches.create("card_a")
    command = [sys.executable, "-c", LAUNCHED_AND_KILLED, run.run_id]
    daemon = subprocess.run(command, cwd=REPOSITORY_ROOT, env=environment(launches.settings), check=False)
    assert daemon.returncode == -9
    launches.wait_for_note(run.run_id)
    assert launches.health(run.run_id) is WorkerStatus.RUNNING
    waiting = launches.launch("card_b")
    assert waiting.status is dg.DagsterRunStatus.QUEUED, "the lease lives with the worker, not with the daemon"
    (launches.settings.home / "go_a").touch()
    launches.wait(run.run_id, dg.DagsterRunStatus.SUCCESS)


def test_a_record_is_believed_only_for_exactly_that_process(make: Callable[..., Launches]) -> None:
    launches = make()
    own = processes.record(os.getpid())
    assert own is not None
    run = launches.create("slow")
    cases = {
        "the process itself": (own, run.run_id, WorkerStatus.RUNNING),
        "a reused number": (replace(own, start_ticks=own.start_ticks - 1), run.run_id, WorkerStatus.NOT_FOUND),
        "before a restart": (replace(own, boot_id="earlier"), run.run_id, WorkerStatus.NOT_FOUND),
        "another container": (replace(own, pid_namespace="pid:[1]"), run.run_id, WorkerStatus.NOT_FOUND),
        "another machine": (replace(own, host="elsewhere"), run.run_id, WorkerStatus.NOT_FOUND),
        "inherited by a retry": (own, "the run that is retried", WorkerStatus.NOT_FOUND),
    }
    for name, (record, of_run, expected) in cases.items():
        launches.instance.add_run_tags(run.run_id, {WORKER_TAG: json.dumps({"run_id": of_run} | record.as_dict())})
        assert launches.health(run.run_id) is expected, name
    for broken in ("", "[]", "{}", '{"run_id": 1}'):
        launches.instance.add_run_tags(run.run_id, {WORKER_TAG: broken})
        assert launches.health(run.run_id) is WorkerStatus.NOT_FOUND, broken


def test_a_zombie_counts_as_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    known = processes.record(child.pid)
    assert known is not None
    assert processes.why_gone(known) is None
    child.kill()
    wait_for(lambda: psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE, "a zombie")
    os.kill(child.pid, 0)  # It still answers to its number.
    assert "has ended" in str(processes.why_gone(known))
    child.communicate()


@pytest.mark.slow
def test_a_cancelled_run_ends_and_what_it_started_ends_with_it_even_when_it_resists(
    make: Callable[..., Launches], tmp_path: Path
) -> None:
    launches = make(grace_s=2)
    run = launches.launch("stubborn")
    launches.wait_for_note(run.run_id)
    child = psutil.Process(int((launches.settings.home / "child.pid").read_text()))
    worker = launches.worker(run.run_id)
    # Another launcher object, as the webserver has: everything it knows comes from the run.
    other = lab_instance(launches.settings)
    assert other.run_launcher.terminate(run.run_id)
    assert launches.wait(run.run_id, dg.DagsterRunStatus.CANCELED)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
    assert not other.run_launcher.terminate(run.run_id), "there is nothing left to end"


def test_a_worker_that_dies_before_its_run_starts_fails_it_at_once_with_what_it_printed(
    make: Callable[..., Launches], tmp_path: Path
) -> None:
    launches = make()
    interpreter = tmp_path / "an interpreter"
    interpreter.write_text("#!/bin/sh\necho libgomp is missing\nexit 3\n")
    interpreter.chmod(0o755)
    run = launches.create("slow", interpreter=str(interpreter))
    launches.start(run.run_id)
    launches.wait(run.run_id, dg.DagsterRunStatus.FAILURE)
    text = launches.messages(run.run_id)
    assert "ended with code 3" in text
    assert "libgomp is missing" in text


@pytest.mark.slow
def test_each_card_run_gets_a_card_of_its_own_the_third_waits_and_takes_the_first_that_is_free(
    make: Callable[..., Launches],
) -> None:
    launches = make("GPU-one", "GPU-two")
    first, second, third = (launches.launch(name) for name in ("card_a", "card_b", "card_c"))
    notes = [launches.wait_for_note(run.run_id)[1] for run in (first, second)]
    assert sorted(notes) == ["device=GPU-one", "device=GPU-two"]
    assert first.tags[DEVICE_TAG] == "GPU-one"
    assert launches.run(third.run_id).status is dg.DagsterRunStatus.QUEUED, "back in the queue"
    assert worker_of(launches.run(third.run_id)) is None
    launches.worker(first.run_id).kill()
    launches.wait(first.run_id, dg.DagsterRunStatus.FAILURE)
    # What the daemon does with it at its next look into the queue:
    launches.start(third.run_id)
    assert launches.wait_for_note(third.run_id)[1] == "device=GPU-one"
    # A run that needs no card sees none, so that it cannot take memory of somebody else's.
    aside = launches.launch("on_the_processor")
    assert launches.wait_for_note(aside.run_id)[1] == "device="


def test_without_cards_a_card_run_works_on_the_processor_and_nothing_is_hidden(
    make: Callable[..., Launches], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    launches = make()
    run = launches.launch("card_a")
    assert launches.wait_for_note(run.run_id)[1] == "device=unset"
    assert DEVICE_TAG not in launches.run(run.run_id).tags


def test_the_reaper_settles_runs_without_a_worker_and_workers_without_a_run(make: Callable[..., Launches]) -> None:
    launches = make()
    lost = launches.create("slow")
    launches.instance.report_dagster_event(
        dg.DagsterEvent(event_type_value="PIPELINE_STARTING", job_name=lost.job_name), run_id=lost.run_id
    )
    working = launches.launch("slow")
    launches.wait_for_note(working.run_id)
    assert reap(launches.instance, settle_s=3600) == [], "what has just changed is left alone"
    assert len(reap(launches.instance, settle_s=0)) == 1
    assert launches.run(lost.run_id).status is dg.DagsterRunStatus.FAILURE
    assert launches.run(working.run_id).status is dg.DagsterRunStatus.STARTED
    assert reap(launches.instance, settle_s=0) == []
    launches.instance.report_run_failed(launches.run(working.run_id), "given up")
    worker = launches.worker(working.run_id)
    os.utime(log_path(working.run_id), (0, log_path(working.run_id).stat().st_mtime - 60))
    assert "which was given up" in reap(launches.instance)[0]
    wait_for(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE, "the worker is gone")


def test_cards_that_are_neither_a_list_nor_auto_are_refused() -> None:
    with pytest.raises(ValueError, match='"auto" or a list'):
        GpuRunLauncher(devices="GPU-1")
