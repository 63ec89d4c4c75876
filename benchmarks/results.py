"""Writes benchmark results into ``RESULTS.md``, one section per benchmark, and says on which machine they were made."""

from __future__ import annotations

import os
import platform
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from creative_lab.lake.fs import FileSystem

RESULTS = Path(__file__).with_name("RESULTS.md")
_HEAD = (
    "# What was measured\n\nEvery section is written by the script that it names, from one run in which the contenders "
    "took turns. Ratios carry over to other machines; times do not.\n"
)


def write_section(title: str, markdown: str, *, path: Path = RESULTS) -> None:
    """Replace the section ``title`` of the results (or add it, sections sorted by title) and name the machine."""
    files = FileSystem(path.parent)
    text = files.read_bytes(path.name).decode() if files.exists(path.name) else ""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    sections = dict(zip(parts[1::2], (body.strip() for body in parts[2::2]), strict=True))
    sections[title] = f"{markdown.strip()}\n\n{machine()}"
    body = "\n".join(f"## {name}\n\n{sections[name]}\n" for name in sorted(sections))
    files.write_bytes(path.name, f"{_HEAD}\n{body}".encode())


def machine() -> str:
    """One line: processor, cores, memory, operating system, Python, load, date and the disk's speed of syncing."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"*Machine: {_processor()}, {os.cpu_count()} cores, {pages:.0f} GB memory, {platform.system()} "
        f"{platform.release()}, Python {platform.python_version()}; load average {load}; fsync median "
        f"{fsync_median_ms():.1f} ms; {datetime.now(UTC):%Y-%m-%d}.*"
    )


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def fsync_median_ms(folder: Path | None = None, times: int = 15) -> float:
    """Median time of one fsync of a 4 kB write below ``folder`` (default: the temporary folder), in milliseconds."""
    taken = []
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        for _ in range(times):
            file.write(b"x" * 4096)
            file.flush()
            start = time.perf_counter()
            os.fsync(file.fileno())
            taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken)


def interleaved(contenders: dict[str, Callable[[], object]], rounds: int = 7) -> dict[str, float]:
    """Least time in seconds of each contender over ``rounds`` rounds in which all take turns (one more to warm up)."""
    least = dict.fromkeys(contenders, float("inf"))
    for number in range(rounds + 1):
        for name, work in contenders.items():
            start = time.perf_counter()
            work()
            if number:
                least[name] = min(least[name], time.perf_counter() - start)
    return least
