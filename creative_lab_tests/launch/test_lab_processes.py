"""The whole lab as processes: launched, cancelled, killed and started again, over a real daemon and webserver."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import yaml
from dagster import AssetKey, DagsterInstance

from creative_lab.launch.instance import environment
from creative_lab.launch.serve import HOST, Lab, Part, ServeError, check_port
from creative_lab.settings import REPOSITORY_ROOT, Settings, get_settings
from creative_lab_tests.launch.lab_processes import LabProcesses, free_port, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

WORKSPACE = REPOSITORY_ROOT / "creative_lab_tests" / "launch" / "workspace" / "definitions.py"


@pytest.fixture
def processes(lab: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LabProcesses]:
    configuration = yaml.safe_load((REPOSITORY_ROOT / "dagster.yaml").read_text())
    configuration["run_launcher"]["config"] = {"devices": ["GPU-one"], "termination_grace_s": 5}
    # The shipped values are for people; a test need not wait as long.
    configuration["run_monitoring"]["poll_interval_seconds"] = 3
    configuration["run_coordinator"]["config"]["dequeue_interval_seconds"] = 1
    path = tmp_path / "dagster.yaml"
    path.write_text(yaml.safe_dump(configuration))
    monkeypatch.setenv("CREATIVE_LAB_DAGSTER_YAML", str(path))
    get_settings.cache_clear()
    processes = LabProcesses(get_settings(), ["-f", str(WORKSPACE)])
    yield processes
    processes.stop()


def materializations(instance: DagsterInstance) -> Counter[tuple[str, str | None]]:
    found: Counter[tuple[str, str | None]] = Counter()
    for name in ("spots", "scripts", "slow", "card_a", "card_b", "arrivals"):
        records = instance.fetch_materializations(AssetKey(name), limit=100).records
        found.update((name, record.partition_key) for record in records)
    return found


def retries(instance: DagsterInstance, run_id: str) -> list[str]:
    return [run.run_id for run in instance.get_runs() if run.parent_run_id == run_id]


def test_a_lab_launches_cancels_senses_and_survives_the_death_of_all_its_processes(processes: LabProcesses) -> None:
    home = processes.settings.home
    instance = processes.start()
    assert instance.event_log_storage.get_concurrency_info("h100").slot_count == 1

    # A run, a backfill, a tick of the sensor, a failure: at the same time, as on a working day.
    one = processes.launch("spots", "scripts", partition="at")
    processes.backfill(["ch", "de"], "spots", "scripts")
    failing = processes.launch("failing")
    (home / "arrival_1").touch()
    processes.wait_until(one, "SUCCESS")
    processes.wait_until(failing, "FAILURE")
    wait_for(lambda: len(materializations(instance)) == 7, f"backfill and sensor: {processes.logs()}")
    assert retries(instance, failing) == [], "a failed asset is not tried again behind its back"

    # The card: one run holds it, the next waits in the queue.
    first = processes.launch("card_a")
    wait_for(lambda: [line for line in processes.journal() if line[-1] == first], "the first card run")
    second = processes.launch("card_b")
    slow = processes.launch("slow")
    wait_for(lambda: [line for line in processes.journal() if line[-1] == slow], "a run without a card starts")
    assert processes.status(second) == "QUEUED"

    # Cancelled by a person: the worker ends, the card is free, the next one takes it.
    processes.cancel(first)
    processes.wait_until(first, "CANCELED")
    assert processes.workers(first) == []
    wait_for(lambda: ["card_b", "device=GPU-one", second] in processes.journal(), processes.logs())
    assert retries(instance, first) == []

    # The worker is killed: its run fails and is tried again, which ends well.
    processes.workers(slow)[0].kill()
    processes.wait_until(slow, "FAILURE")
    again = str(wait_for(lambda: (retries(instance, slow) or [""])[0], "the killed run is tried again"))
    wait_for(lambda: ["slow", "began", again] in processes.journal(), "the second attempt works")

    # Everything is killed while two runs work, and started again.
    processes.kill_everything()
    before = materializations(instance)
    (home / "go").touch()
    (home / "go_b").touch()
    instance = processes.start()
    open_statuses = {"STARTED", "STARTING", "QUEUED", "CANCELING", "NOT_STARTED"}
    wait_for(
        lambda: (
            retries(instance, again)
            and retries(instance, second)
            and not [run for run in instance.get_runs() if run.status.value in open_statuses]
        ),
        "no run stays open, and each killed one was tried again",
        90,
    )
    assert {processes.status(run) for run in (again, second)} == {"FAILURE"}
    after = materializations(instance)
    assert all(after[key] == count for key, count in before.items()), "nothing lost, nothing twice"
    assert after - before == Counter({("slow", None): 1, ("card_b", None): 1})
    assert max(after.values()) == 1
    ended = Counter(line[0] for line in processes.journal() if line[1] == "ended")
    assert ended == Counter({"slow": 1}), "only the attempt that lived wrote"


def test_a_port_that_is_taken_and_definitions_that_do_not_load_give_one_clear_error(
    lab: Settings, tmp_path: Path
) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        with pytest.raises(ServeError, match="give another one with --port"):
            check_port(taken.getsockname()[1])
    broken = tmp_path / "broken.py"
    broken.write_text("raise RuntimeError('no spot in data/spots')\n")
    processes = LabProcesses(lab, ["-f", str(broken)])
    with pytest.raises(ServeError, match="no spot in data/spots"):
        processes.start()
    assert processes.lab.parts == []


UP = """
import sys
from creative_lab.launch import serve
lab = serve.Lab
serve.Lab = lambda settings, port, **rest: lab(settings, port, ("-f", sys.argv[2]), **rest)
raise SystemExit(serve.serve(int(sys.argv[1]), say=lambda text: print(text, flush=True)))
"""


def test_up_says_where_it_is_and_ctrl_c_ends_all_of_it(lab: Settings) -> None:
    port = free_port()
    up = subprocess.Popen(
        [sys.executable, "-c", UP, str(port), str(WORKSPACE)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY_ROOT,
        env=environment(lab),
        start_new_session=True,
    )
    assert up.stdout is not None
    lines = [up.stdout.readline(), up.stdout.readline()]
    assert f"http://127.0.0.1:{port}" in lines[1], lines
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/server_info", timeout=30) as answer:
        assert answer.status == 200
    children = psutil.Process(up.pid).children(recursive=True)
    assert len(children) >= 3
    os.kill(up.pid, signal.SIGINT)
    rest, _ = up.communicate(timeout=60)
    assert up.returncode == 0, rest
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive


def test_a_part_that_dies_is_named_and_takes_the_rest_with_it(lab: Settings, tmp_path: Path) -> None:
    whole = Lab(lab)
    for name in ("daemon", "webserver"):
        process = subprocess.Popen(["sleep", "300"], start_new_session=True)
        whole.parts.append(Part(name, process, tmp_path / f"{name}.log"))
    daemon, webserver = (part.process for part in whole.parts)
    whole.check()
    webserver.kill()
    wait_for(lambda: webserver.poll() is not None, "the webserver is gone")
    with pytest.raises(ServeError, match=r"the webserver was killed by SIGKILL; see .*webserver\.log"):
        whole.check()
    whole.stop()
    assert daemon.returncode == -signal.SIGTERM
    assert whole.parts == []
