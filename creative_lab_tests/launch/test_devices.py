"""A card is leased to one process at a time, for exactly as long as something lives that may use it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from creative_lab.launch import devices

HOLDER = """
import os, subprocess, sys, time
from pathlib import Path
from creative_lab.launch.devices import lease
taken = lease(Path(sys.argv[1]), ["0"], set)
if sys.argv[2] == "fork" and os.fork() == 0:
    sys.stdin.read()
    os._exit(0)
elif sys.argv[2] == "worker":
    subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], pass_fds=[taken.descriptor])
print(taken.device, flush=True)
sys.stdin.read()
"""


def holder(folder: Path, kind: str = "alone") -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder), kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "0\n"
    return process


def free(folder: Path) -> bool:
    taken = devices.lease(folder, ["0"], set)
    if taken is not None:
        taken.close()
    return taken is not None


def eventually(condition: Callable[[], bool], deadline_s: float = 10) -> None:
    deadline = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        pipe.close()


def test_two_leases_never_name_the_same_card(tmp_path: Path) -> None:
    one = devices.lease(tmp_path, ["GPU-a", "GPU-b"], set)
    two = devices.lease(tmp_path, ["GPU-a", "GPU-b"], set)
    assert one is not None
    assert two is not None
    assert {one.device, two.device} == {"GPU-a", "GPU-b"}
    assert devices.lease(tmp_path, ["GPU-a", "GPU-b"], set) is None
    one.close()
    again = devices.lease(tmp_path, ["GPU-a", "GPU-b"], set)
    assert again is not None
    assert again.device == "GPU-a"
    again.close()
    two.close()


def test_a_killed_holder_frees_its_card(tmp_path: Path) -> None:
    process = holder(tmp_path)
    assert not free(tmp_path)
    end(process)
    eventually(lambda: free(tmp_path))


def test_a_forked_child_keeps_the_card_when_its_parent_is_killed(tmp_path: Path) -> None:
    process = holder(tmp_path, "fork")
    process.kill()
    process.wait()
    assert not free(tmp_path), "the child may still use the card"
    assert process.stdin is not None
    process.stdin.close()
    eventually(lambda: free(tmp_path))


def test_a_worker_that_was_handed_the_lease_keeps_it_when_the_launcher_is_killed(tmp_path: Path) -> None:
    process = holder(tmp_path, "worker")
    process.kill()
    process.wait()
    assert not free(tmp_path)
    assert process.stdin is not None
    process.stdin.close()
    eventually(lambda: free(tmp_path))


def test_a_card_on_which_an_outsider_computes_is_passed_over(tmp_path: Path) -> None:
    taken = devices.lease(tmp_path, ["GPU-a", "GPU-b"], lambda: {"GPU-a"})
    assert taken is not None
    assert taken.device == "GPU-b"
    taken.close()
    assert devices.lease(tmp_path, ["GPU-a"], lambda: {"GPU-a"}) is None
    freed = devices.lease(tmp_path, ["GPU-a"], set)
    assert freed is not None, "passing a card over must not keep its lock"
    freed.close()


def test_a_machine_without_a_driver_has_no_cards(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert devices.discover() == []
    assert devices.in_use() == set()


def test_cards_are_read_from_the_driver_s_tool(tmp_path: Path, monkeypatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\ncase $1 in *uuid) echo GPU-1; echo GPU-2;; esac\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert devices.discover() == ["GPU-1", "GPU-2"]
