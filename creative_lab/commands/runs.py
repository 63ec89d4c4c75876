"""Runs that the command line does itself, in this process, recorded like any other run of the lab.

A selection of assets is cut into jobs: assets with the same partitions that can run together, upstream first, once for
each partition. A job whose assets are all as fresh as Dagster would make them is up to date.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
import uuid
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

from creative_lab.commands.console import CommandError

if TYPE_CHECKING:
    import dagster as dg

    from creative_lab.settings import Settings

SEPARATOR = "|"
ALL = "*"


@dataclass(frozen=True)
class Job:
    """Assets that run together for one partition (None for assets without partitions)."""

    assets: tuple[str, ...]
    partition: str | None

    @property
    def label(self) -> str:
        """What a person reads in a list of jobs."""
        names = ", ".join(self.assets[:3]) + (f" and {len(self.assets) - 3} more" if len(self.assets) > 3 else "")
        return f"{self.partition.replace(SEPARATOR, ' → ')}: {names}" if self.partition else names


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    run_id: str
    success: bool
    reason: str | None
    seconds: float


class Lab:
    """The lab's definitions and instance, open while the ``with`` block lasts."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Lab:
        import dagster as dg

        from creative_lab.definitions import defs
        from creative_lab.launch.instance import environment, lab_instance
        from creative_lab.launch.reaper import reap

        os.environ["DAGSTER_HOME"] = environment(self.settings)["DAGSTER_HOME"]
        # A person at the shell is told in our words; the run's own log is in the Dagster UI.
        logging.getLogger("dagster").setLevel(logging.CRITICAL)
        warnings.filterwarnings("ignore", category=dg.BetaWarning)
        self.defs = defs
        self.instance = self._open.enter_context(lab_instance(self.settings))
        # Runs that a killed command or worker left open are settled before new ones begin.
        reap(self.instance)
        report_definitions(self.settings, self.instance)
        self._job = defs.resolve_implicit_global_asset_job_def()
        self._graph = defs.resolve_asset_graph()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    # --- what to run

    def keys(self, selection: str) -> list[dg.AssetKey]:
        """Assets of a selection that can be materialized, upstream first."""
        import dagster as dg

        try:
            chosen = dg.AssetSelection.from_string(selection).resolve(self._graph)
        except dg.DagsterInvalidSubsetError:
            raise self._no_asset(selection) from None
        except Exception as error:  # the parser raises errors of its own grammar library
            raise CommandError(f"selection {selection!r}: {str(error).splitlines()[0]}", exit_code=2) from error
        found = [key for key in self._graph.toposorted_asset_keys if key in chosen]
        unknown = [key for key in chosen if not self._graph.has(key)]
        executable = {key for key in found if self._graph.get(key).is_executable}
        if not executable or unknown:
            raise self._no_asset(selection)
        # Outputs of one computation are made together: one of them stands for all.
        whole = executable.union(*(self._graph.get(key).execution_set_asset_keys for key in executable))
        return [key for key in self._graph.toposorted_asset_keys if key in whole]

    def _no_asset(self, selection: str) -> CommandError:
        known = ", ".join(sorted(key.to_user_string() for key in self._graph.executable_asset_keys))
        return CommandError(f"selection {selection!r} names no asset; there are {known}", exit_code=2)

    def jobs(self, selection: str, partitions: Sequence[str]) -> list[Job]:
        """The jobs of a selection, in the order in which they have to run."""
        stages = self._stages(self.keys(selection))
        jobs = []
        for keys in stages:
            definition = self._graph.get(keys[0]).partitions_def
            names = tuple(key.to_user_string() for key in keys)
            for partition in self._expand(definition, partitions, names):
                jobs.append(Job(names, partition))
        return jobs

    def _stages(self, keys: list[dg.AssetKey]) -> list[list[dg.AssetKey]]:
        left, done, stages = list(keys), set[Any](), []
        while left:
            definition = self._graph.get(left[0]).partitions_def
            stage: list[dg.AssetKey] = []
            for key in list(left):
                node = self._graph.get(key)
                waits = {parent for parent in node.parent_keys if parent in left and parent not in stage}
                if node.partitions_def == definition and not waits:
                    stage.append(key)
            for key in stage:
                left.remove(key)
                done.add(key)
            stages.append(stage)
        return stages

    def _expand(
        self, definition: dg.PartitionsDefinition | None, wanted: Sequence[str], names: Iterable[str]
    ) -> list[str | None]:
        if definition is None:
            return [None]
        known = list(definition.get_partition_keys(dynamic_partitions_store=self.instance))
        if not wanted:
            example = known[0] if known else "KEY"
            raise CommandError(
                f"{', '.join(names)} has {len(known)} partitions: give --partition '{example}', or '{ALL}' for all",
                exit_code=2,
            )
        two = any(SEPARATOR in key for key in known)
        chosen: dict[str, None] = {}
        for pattern in wanted:
            matches = [key for key in known if _matches(pattern, key, two)]
            if not matches:
                raise CommandError(f"there is no partition {pattern!r} of {', '.join(names)}", exit_code=2)
            chosen.update(dict.fromkeys(matches))
        return list(chosen)

    def is_fresh(self, job: Job) -> bool:
        """Whether the job's assets are as fresh now as running it would make them."""
        import dagster as dg
        from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
        from dagster._core.loader import LoadingContextForTest

        # A new resolver each time: what one has cached is no longer true once another job has run.
        resolver = CachingStaleStatusResolver(self.instance, self._graph, LoadingContextForTest(self.instance))
        keys = [dg.AssetKey.from_user_string(name) for name in job.assets]
        return all(resolver.get_status(key, job.partition) == StaleStatus.FRESH for key in keys)

    # --- running

    def run(self, job: Job, config: dict[str, Any] | None = None) -> Outcome:
        """Run one job in this process; a failure is an outcome, not an error.

        ``config`` holds the configuration of its assets' computations by name.
        """
        import dagster as dg

        run_id = str(uuid.uuid4())
        partition: str | None = job.partition
        if partition is not None and SEPARATOR in partition:
            spot, target = partition.split(SEPARATOR)
            partition = dg.MultiPartitionKey({"spot": spot, "target": target})
        started = time.perf_counter()
        with _termination_kept():
            result = self._job.execute_in_process(
                instance=self.instance,
                partition_key=partition,
                asset_selection=[dg.AssetKey.from_user_string(name) for name in job.assets],
                run_id=run_id,
                tags={"creative_lab/by": "command line"},
                run_config={
                    "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
                    "ops": {name: {"config": values} for name, values in (config or {}).items()},
                },
                raise_on_error=False,
            )
        seconds = time.perf_counter() - started
        return Outcome(run_id, result.success, None if result.success else _reason(result), seconds)


def report_definitions(settings: Settings, instance: dg.DagsterInstance) -> None:
    """Tell Dagster which characters and storyboards were changed: what was made of them is out of date then."""
    from creative_lab import definition_versions, partitions
    from creative_lab.characters import record as characters
    from creative_lab.state import db
    from creative_lab.storyboards import stored as storyboards

    with db.session_scope(settings) as session:
        versions = {
            definition_versions.CHARACTER: characters.definition_versions(session),
            definition_versions.STORYBOARD: storyboards.definition_versions(session),
        }
    for asset, by_key in versions.items():
        partitions.report_versions(instance, asset, by_key)


@contextlib.contextmanager
def _termination_kept() -> Iterator[None]:
    """Leave SIGTERM as it was: after a run, Dagster gives it the handler that SIGINT had.

    A command that a shell started in the background ignores SIGINT, and could then not be ended by SIGTERM either.
    """
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def _matches(pattern: str, key: str, two_dimensions: bool) -> bool:
    if pattern in {ALL, key}:
        return True
    parts, wanted = key.split(SEPARATOR), pattern.split(SEPARATOR)
    if two_dimensions:
        return len(wanted) == 2 and all(want in {ALL, part} for want, part in zip(wanted, parts, strict=True))
    # A spot asset takes the spot's part of a spot|target key.
    return len(wanted) == 2 and wanted[0] in {ALL, key}


def _reason(result: dg.ExecuteInProcessResult) -> str:
    """The first sentence that explains a failed run."""
    for made in result.get_asset_materialization_events():
        # An asset that holds unsuccessful work says why in its metadata.
        if (reason := made.step_materialization_data.materialization.metadata.get("reason")) is not None:
            return str(reason.value)
    for check in result.get_asset_check_evaluations():
        # What the check found says more than the failure of its step, which only names it.
        if not check.passed and check.severity.value == "ERROR":
            return f"{check.check_name}: {check.description}"
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            while error is not None and error.cause is not None:
                error = error.cause
            shown = event.step_failure_data.user_failure_data
            if shown is not None and shown.description:
                return str(shown.description).splitlines()[0]
            if error is not None:
                return str(error.message).strip().splitlines()[-1]
    return "see the run's log in the Dagster UI"
