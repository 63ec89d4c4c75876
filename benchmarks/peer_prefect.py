"""The graph of benchmarks/orchestration.py as Prefect flows; runs in an environment of its own."""

from __future__ import annotations

import json
import sys
import time

from prefect import flow, task


@task
def step(_upstream: int, number: int) -> int:
    return number


@flow
def graph(steps: int) -> None:
    value = 0
    for number in range(steps):
        value = step(value, number)


if __name__ == "__main__":
    steps, partitions = int(sys.argv[1]), int(sys.argv[2])
    graph(steps)  # Starts the temporary server, which is not what is measured.
    began = time.perf_counter()
    for _ in range(partitions):
        graph(steps)
    print(json.dumps({"steps": steps * partitions, "seconds": time.perf_counter() - began}))
