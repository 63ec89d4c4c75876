"""Telling one process from every other, also after its number was given to somebody else.

A process number alone identifies nothing: numbers are reused, a zombie still answers to its number, and after a
restart of the machine or in another container the same number means another process.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import psutil

WORKER_TAG = "creative_lab/worker"


class TaggedRun(Protocol):
    """What is needed of a Dagster run here."""

    @property
    def run_id(self) -> str:
        """Its id."""

    @property
    def tags(self) -> Mapping[str, str]:
        """Its tags."""


@dataclass(frozen=True)
class ProcessRecord:
    """Where a process runs and which one it is; stored as a run tag and read by other processes."""

    host: str
    boot_id: str
    pid_namespace: str
    pid: int
    start_ticks: int

    def as_dict(self) -> dict[str, str | int]:
        """Plain values for JSON."""
        return asdict(self)


def worker_tag(run_id: str, process: ProcessRecord) -> dict[str, str]:
    """The run tag that says which process executes the run."""
    return {WORKER_TAG: json.dumps({"run_id": run_id} | process.as_dict())}


def worker_of(run: TaggedRun) -> ProcessRecord | None:
    """The process recorded for this very run, None when there is none or the record belongs to the run it retries."""
    try:
        value = json.loads(run.tags.get(WORKER_TAG, "null"))
        if not isinstance(value, dict) or value.pop("run_id", None) != run.run_id:
            return None
        return ProcessRecord(**value)
    except (ValueError, TypeError):
        return None


def _first_line(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def _pid_namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def start_ticks(pid: int) -> int | None:
    """When the process started, in clock ticks since the machine did; None when there is none or it is a zombie."""
    stat = _first_line(f"/proc/{pid}/stat")
    if stat:
        # The name in parentheses may hold spaces and parentheses itself; the fields are counted after the last one.
        fields = stat.rpartition(")")[2].split()
        return None if fields[0] in "ZX" else int(fields[19])
    if Path("/proc/self/stat").exists():
        return None
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else int(process.create_time() * 100)
    except psutil.Error:
        return None


def record(pid: int) -> ProcessRecord | None:
    """The record of a live process of this machine, None when it has ended."""
    ticks = start_ticks(pid)
    if ticks is None:
        return None
    boot_id = _first_line("/proc/sys/kernel/random/boot_id") or str(int(psutil.boot_time()))
    return ProcessRecord(socket.gethostname(), boot_id, _pid_namespace(), pid, ticks)


def why_gone(known: ProcessRecord) -> str | None:
    """None when exactly that process lives on this machine, else a sentence that says why it does not."""
    here = record(os.getpid())
    assert here is not None
    if known.host != here.host:
        return f"it ran on {known.host}, and this is {here.host}"
    if known.boot_id != here.boot_id:
        return "the machine was restarted since"
    if known.pid_namespace != here.pid_namespace:
        return "its container is gone"
    now = start_ticks(known.pid)
    if now is None:
        return f"process {known.pid} has ended"
    if now != known.start_ticks:
        return f"process {known.pid} is another one by now"
    return None


def members(known: ProcessRecord, mark: tuple[str, str]) -> list[psutil.Process]:
    """Live processes of the session that ``known`` leads or led, recognised by an environment variable they inherit.

    The variable is what makes it safe to signal them when the leader is gone and its number may be reused.
    """
    found = []
    for pid in psutil.pids():
        try:
            # The cheap question first: on a busy machine reading about every process takes seconds.
            if os.getsid(pid) != known.pid:
                continue
            process = psutil.Process(pid)
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get(mark[0]) == mark[1]:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def kill_session(known: ProcessRecord, mark: tuple[str, str], patience_s: float = 20.0) -> int:
    """SIGKILL what is left of the session of ``known`` and wait until it is gone; returns how many there were."""
    if known.pid_namespace != _pid_namespace():
        return 0
    killed: set[int] = set()
    deadline = time.monotonic() + patience_s
    while left := members(known, mark):
        for process in left:
            try:
                process.send_signal(signal.SIGKILL)
                killed.add(process.pid)
            except psutil.Error:
                continue
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    # A dying process loses its environment, and with it its membership, a moment before it is gone.
    while known.pid in killed and why_gone(known) is None and time.monotonic() < deadline:
        time.sleep(0.02)
    return len(killed)
