"""A real lab for tests: code server, daemon and webserver as processes of their own, driven over GraphQL."""

from __future__ import annotations

import json
import os
import socket
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil
from dagster import DagsterInstance

from creative_lab.launch.run_launcher import RUN_VARIABLE
from creative_lab.launch.serve import HOST, Lab
from creative_lab.settings import Settings

ENDED = {"SUCCESS", "FAILURE", "CANCELED"}


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], Any], what: str, deadline_s: float = 60) -> Any:
    """The first true value of ``condition``; fails with ``what`` when the deadline passes."""
    deadline = time.monotonic() + deadline_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {deadline_s} s: {what}"
        time.sleep(0.1)
    return value


class LabProcesses:
    """A running lab and its GraphQL interface. ``target`` is what the code server loads."""

    def __init__(self, settings: Settings, target: Sequence[str]) -> None:
        self.settings = settings
        self.target = target
        self.lab = Lab(settings, free_port(), target)
        self.instance: DagsterInstance | None = None

    def start(self) -> DagsterInstance:
        """Start all of it and return the instance that it shares with this process."""
        self.lab = Lab(self.settings, free_port(), self.target)
        self.instance = self.lab.start()
        return self.instance

    def logs(self) -> str:
        """The end of every log, for the message of a failed test."""
        texts = []
        folder = self.settings.home / "dagster"
        for path in [*folder.glob("logs/*.log"), *folder.glob("workers/*.log")]:
            texts.append(f"--- {path.name}\n{path.read_text(errors='replace')[-3000:]}")
        return "\n".join(texts)

    def stop(self) -> None:
        """End the servers and every worker."""
        self.lab.stop()
        self.kill_workers()

    def kill_everything(self) -> None:
        """What a power cut does, as far as a test may: SIGKILL to servers and workers at once."""
        for part in self.lab.parts:
            os.killpg(part.process.pid, 9)
        self.kill_workers()
        self.lab.kill()

    def kill_workers(self) -> None:
        """SIGKILL every run worker of this lab."""
        for process in self.workers():
            try:
                process.kill()
                process.wait(10)
            except psutil.Error:
                continue

    def workers(self, run_id: str | None = None) -> list[psutil.Process]:
        """Live processes of run workers (with their children) of this lab, or of one run."""
        found = []
        for process in psutil.process_iter():
            try:
                environment = process.environ()
                mine = environment.get("CREATIVE_LAB_HOME") == str(self.settings.home)
                run = environment.get(RUN_VARIABLE)
                if mine and run and run_id in (None, run) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    # --- GraphQL

    def graphql(self, query: str, **variables: Any) -> dict[str, Any]:
        """The ``data`` of an answer; fails on errors."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            f"{self.lab.url}/graphql", data=body, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            value = json.load(answer)
        assert "errors" not in value, value["errors"]
        data: dict[str, Any] = value["data"]
        return data

    def launch(self, *assets: str, partition: str | None = None) -> str:
        """Materialize assets as the UI does; returns the run's id. ``a|b`` is a partition of spot and target."""
        tags = [{"key": "dagster/partition", "value": partition}] if partition else []
        if partition and "|" in partition:
            parts = zip(("spot", "target"), partition.split("|"), strict=True)
            tags += [{"key": f"dagster/partition/{name}", "value": value} for name, value in parts]
        data = self.graphql(
            """mutation ($params: ExecutionParams!) { launchPipelineExecution(executionParams: $params) {
                 __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
                 ... on InvalidSubsetError { message } ... on PipelineNotFoundError { message } } }""",
            params={
                "selector": {
                    "repositoryLocationName": "creative_lab",
                    "repositoryName": "__repository__",
                    "pipelineName": "__ASSET_JOB",
                    "assetSelection": [{"path": name.split("/")} for name in assets],
                    "assetCheckSelection": None,
                },
                "mode": "default",
                "executionMetadata": {"tags": tags},
            },
        )["launchPipelineExecution"]
        assert data["__typename"] == "LaunchRunSuccess", data
        return str(data["run"]["runId"])

    def backfill(self, partitions: Sequence[str], *assets: str) -> str:
        """Launch a backfill as the UI does; returns its id."""
        data = self.graphql(
            """mutation ($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
                 __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }""",
            params={
                "partitionNames": list(partitions),
                "assetSelection": [{"path": name.split("/")} for name in assets],
            },
        )["launchPartitionBackfill"]
        assert data["__typename"] == "LaunchBackfillSuccess", data
        return str(data["backfillId"])

    def cancel(self, run_id: str) -> None:
        """Terminate a run as the UI does."""
        data = self.graphql(
            """mutation ($id: String!) { terminateRun(runId: $id) { __typename
                 ... on TerminateRunFailure { message } ... on PythonError { message } } }""",
            id=run_id,
        )["terminateRun"]
        assert data["__typename"] == "TerminateRunSuccess", data

    def status(self, run_id: str) -> str:
        """Status of a run as the webserver sees it."""
        data = self.graphql(
            "query ($id: ID!) { runOrError(runId: $id) { __typename ... on Run { status } } }", id=run_id
        )["runOrError"]
        return str(data["status"])

    def wait_until(self, run_id: str, *statuses: str, deadline_s: float = 60) -> str:
        """Wait until the run has one of the statuses; fails at once when it ended with another."""
        wanted = set(statuses)

        def reached() -> str | None:
            status = self.status(run_id)
            assert status in wanted or status not in ENDED, (run_id, status, self.logs())
            return status if status in wanted else None

        return str(wait_for(reached, f"run {run_id} is {' or '.join(statuses)}", deadline_s))

    def journal(self) -> list[list[str]]:
        """What the assets of the test workspace noted: asset, text, run id."""
        path = Path(self.settings.home) / "journal.txt"
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []
