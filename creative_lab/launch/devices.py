"""Leasing a card to exactly one run at a time.

A lease is an exclusive kernel lock (``flock``) on one file per card. The launcher takes it, hands the open file to the
worker and closes its own copy; the kernel drops the lock when the last process that holds it ends, whatever way that
is. So there is no time-out, no heartbeat and nothing to clean up. The folder must be on a local disk, not on NFS.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

QUERY_TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Lease:
    """A card and the open file whose lock says that it is taken."""

    device: str
    descriptor: int

    def close(self) -> None:
        """Give up this process' copy; the lock stays for as long as another process holds one."""
        os.close(self.descriptor)


def _query(*arguments: str) -> list[str]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    try:
        answer = subprocess.run(
            [program, *arguments, "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=QUERY_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        # A driver that does not answer is the same as no driver: runs then use the CPU.
        return []
    return [line.strip() for line in answer.stdout.splitlines() if line.strip()]


def discover() -> list[str]:
    """UUIDs of the cards of this machine in PCI order, empty without a driver; nvidia-smi asks NVML."""
    return [line for line in _query("--query-gpu=uuid") if line.startswith("GPU-")]


def in_use() -> set[str]:
    """UUIDs of the cards on which some process computes right now, ours or not."""
    return set(_query("--query-compute-apps=gpu_uuid"))


def lease(lock_dir: Path, devices: Sequence[str], foreign: Callable[[], set[str]] = in_use) -> Lease | None:
    """Take the first free card of ``devices``, None when there is none.

    A card whose lock is free but on which something computes belongs to a process outside of the platform
    (``foreign`` names such cards) and is passed over.
    """
    lock_dir.mkdir(parents=True, exist_ok=True)
    busy: set[str] | None = None
    for device in devices:
        name = re.sub(r"[^A-Za-z0-9._-]", "_", device)
        descriptor = os.open(lock_dir / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        busy = foreign() if busy is None else busy
        if device in busy:
            os.close(descriptor)
            continue
        return Lease(device, descriptor)
    return None
