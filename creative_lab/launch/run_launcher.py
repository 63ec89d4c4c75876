"""Starts one worker process per run on this machine, knows whether it lives, and gives it a card when it needs one.

Why not Dagster's own launcher: it cannot tell whether a worker still lives, so a run whose worker and code server
were killed stays STARTED for ever; and all its workers share one environment, so no run can have a card of its own.

- A worker is ``python -m dagster api execute_run`` in a session of its own. It outlives the daemon, so a daemon can
  be restarted while runs work. Its arguments travel in the environment, where ``ps`` does not show them.
- Which process it is stands in the run's tag :data:`WORKER_TAG`, so that any process (daemon, webserver) can judge
  it or end it. Retries inherit tags; the record names its run, and one of another run counts as none.
- A run that uses the pool :data:`POOL` leases a card (:mod:`creative_lab.launch.devices`). While all are taken the
  run goes back to the queue.
- What a dead worker leaves running is killed before its run is reported as failed, so a retry never overlaps it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dagster import Array, DagsterInstance, DagsterRun, DagsterRunStatus, Field, IntSource, Noneable, ScalarUnion
from dagster._config.config_schema import UserConfigSchema
from dagster._core.events import DagsterEvent, EngineEventData
from dagster._core.launcher.base import CheckRunHealthResult, LaunchRunContext, RunLauncher, WorkerStatus
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import ConfigurableClass, ConfigurableClassData, serialize_value

from creative_lab.launch import devices as cards
from creative_lab.launch.local_files import dagster_dir
from creative_lab.launch.processes import (
    WORKER_TAG,  # noqa: F401 - part of this module's interface
    kill_session,
    record,
    why_gone,
    worker_of,
    worker_tag,
)

DEVICE_TAG = "creative_lab/device"
POOL = "h100"
RUN_VARIABLE = "CREATIVE_LAB_WORKER_OF_RUN"
"""Environment variable by which a worker and all its children are recognised."""

_UNFINISHED = (DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING)
_LOG_LINES, _LOG_BYTES = 30, 16_384


class GpuRunLauncher(RunLauncher[DagsterInstance], ConfigurableClass):
    """Run launcher for one machine with any number of cards, none included.

    ``devices``: ``"auto"`` (ask the driver) or the list of cards to use (UUIDs or indices as ``CUDA_VISIBLE_DEVICES``
    takes them). Without any card, GPU runs work on the CPU. ``lock_dir``: folder of the leases, HOME/dagster/devices
    by default; give a common local folder when several labs share the cards or the home is on NFS.
    ``termination_grace_s``: how long a cancelled worker may take before it is killed.
    """

    def __init__(
        self,
        devices: str | Sequence[str] = "auto",
        lock_dir: str | None = None,
        termination_grace_s: int = 15,
        inst_data: ConfigurableClassData | None = None,
    ) -> None:
        if isinstance(devices, str) and devices != "auto":
            raise ValueError(f'run_launcher: devices must be "auto" or a list of cards, not {devices!r}')
        self._configured = devices
        self._discovered: list[str] | None = None
        self._lock_dir = lock_dir
        self._grace_s = termination_grace_s
        self._inst_data = inst_data
        super().__init__()

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """Dagster's record of the configuration."""
        return self._inst_data

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """Schema of ``run_launcher: config:``."""
        return {
            "devices": Field(
                ScalarUnion(scalar_type=str, non_scalar_schema=Array(str)), is_required=False, default_value="auto"
            ),
            "lock_dir": Field(Noneable(str), is_required=False, default_value=None),
            "termination_grace_s": Field(IntSource, is_required=False, default_value=15),
        }

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> GpuRunLauncher:
        """Called by Dagster in every process that opens the instance."""
        return cls(inst_data=inst_data, **config_value)

    @property
    def devices(self) -> Sequence[str]:
        """The cards to lease, empty on a machine without any."""
        if not isinstance(self._configured, str):
            return self._configured
        if self._discovered is None:
            self._discovered = cards.discover()
        return self._discovered

    @property
    def lock_dir(self) -> Path:
        """Folder of the leases."""
        return Path(self._lock_dir) if self._lock_dir else dagster_dir() / "devices"

    # --- launching

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start the worker, or put the run back into the queue when it needs a card and none is free."""
        run = context.dagster_run
        operations = run.run_op_concurrency
        lease: cards.Lease | None = None
        if self.devices and operations is not None and POOL in (operations.all_pools or ()):
            lease = cards.lease(self.lock_dir, self.devices)
            if lease is None:
                self._instance.report_dagster_event(DagsterEvent.job_enqueue(run), run_id=run.run_id)
                return
        try:
            worker = self._start(run, lease)
        finally:
            if lease is not None:
                lease.close()
        self._note(run, worker, lease)
        threading.Thread(target=self._watch, args=(run.run_id, worker), name="run-watch", daemon=True).start()

    def _start(self, run: DagsterRun, lease: cards.Lease | None) -> subprocess.Popen[bytes]:
        origin = run.job_code_origin
        if origin is None:
            raise ValueError(f"run {run.run_id} does not say where its code is")
        arguments = ExecuteRunArgs(
            job_origin=origin,
            run_id=run.run_id,
            instance_ref=self._instance.get_ref(),
            set_exit_code_on_failure=True,
        )
        environment = os.environ | {
            "DAGSTER_EXECUTE_RUN_ARGS": serialize_value(arguments),
            RUN_VARIABLE: run.run_id,
        }
        if self.devices:
            # A run without a lease sees no card at all: a stray CUDA call fails instead of taking somebody's memory.
            environment["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
            environment["CUDA_VISIBLE_DEVICES"] = lease.device if lease else ""
        path = log_path(run.run_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as log:
            return subprocess.Popen(
                [origin.executable_path or sys.executable, "-m", "dagster", "api", "execute_run"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=environment,
                pass_fds=[lease.descriptor] if lease else [],
            )

    def _note(self, run: DagsterRun, worker: subprocess.Popen[bytes], lease: cards.Lease | None) -> None:
        known = record(worker.pid)
        if known is None:
            return  # It has ended already; the watch reports that.
        tags = worker_tag(run.run_id, known)
        # An empty device replaces the one that a retry inherits.
        if lease is not None or DEVICE_TAG in run.tags:
            tags[DEVICE_TAG] = lease.device if lease else ""
        self._instance.add_run_tags(run.run_id, tags)
        where = f" on {lease.device}" if lease else ""
        self._instance.report_engine_event(
            f"Started worker process {worker.pid}{where}; it prints to {log_path(run.run_id)}",
            run,
            EngineEventData(),
            cls=self.__class__,
        )

    def _watch(self, run_id: str, worker: subprocess.Popen[bytes]) -> None:
        """Wait for the worker; report its run at once if it ended without doing so itself.

        Without this, a worker that dies before its run has started would be noticed only by the start time-out.
        """
        known = record(worker.pid)
        code = worker.wait()
        try:
            if known is not None:
                kill_session(known, (RUN_VARIABLE, run_id))
            self._report_end(run_id, code)
        except Exception:
            # The instance may be closed or the database away; run monitoring and the reaper find the run later.
            logging.getLogger("dagster").warning(
                "run %s: the end of its worker was not reported", run_id, exc_info=True
            )

    def _report_end(self, run_id: str, code: int) -> None:
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.status not in _UNFINISHED:
            return
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        if run.status is DagsterRunStatus.CANCELING:
            self._instance.report_run_canceled(run, message=f"The run's worker {how}.")
        else:
            self._instance.report_run_failed(run, f"The run's worker {how}.{self._last_lines(run_id)}")

    # --- judging

    @property
    def supports_check_run_worker_health(self) -> bool:
        """True: this is what lets run monitoring notice a killed worker."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """RUNNING when exactly the process that was started for this run lives, else NOT_FOUND with the reason.

        When it does not, children that it left are killed first, since Dagster starts a retry after this.
        """
        known = worker_of(run)
        if known is None:
            return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "no worker was recorded for this run")
        reason = why_gone(known)
        if reason is None:
            return CheckRunHealthResult(WorkerStatus.RUNNING, run_worker_id=str(known.pid))
        killed = kill_session(known, (RUN_VARIABLE, run.run_id))
        left = f"; killed {killed} processes that it left" if killed else ""
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, f"The worker is gone: {reason}{left}.")

    def get_run_worker_debug_info(self, run: DagsterRun, include_container_logs: bool | None = True) -> str | None:
        """The end of what the worker printed, for the message of a failed run."""
        return self._last_lines(run.run_id) if include_container_logs is not False else None

    @staticmethod
    def _last_lines(run_id: str) -> str:
        path = log_path(run_id)
        try:
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - _LOG_BYTES))
                lines = file.read().decode(errors="replace").splitlines()[-_LOG_LINES:]
        except OSError:
            return ""
        return f"\nThe end of {path}:\n" + "\n".join(lines) if lines else ""

    # --- ending

    def terminate(self, run_id: str) -> bool:
        """End the worker from any process: SIGINT, and SIGKILL for its whole session after the grace time.

        Returns when it is gone; True when there was a live worker and now there is none.
        """
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        known = worker_of(run)
        self._instance.report_run_canceling(run)
        reason = "none was recorded" if known is None else why_gone(known)
        if known is None or reason is not None:
            if known is not None:
                kill_session(known, (RUN_VARIABLE, run_id))
            self._instance.report_run_canceled(run, message=f"There was no worker to end: {reason}.")
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(known.pid, signal.SIGINT)
        deadline = time.monotonic() + self._grace_s
        while why_gone(known) is None and time.monotonic() < deadline:
            time.sleep(0.05)
        in_time = why_gone(known) is not None
        kill_session(known, (RUN_VARIABLE, run_id))
        if why_gone(known) is None:
            # A command or a notebook that executes the run itself: it was asked, and killing it is not ours to do.
            self._instance.report_engine_event(f"Process {known.pid} does not end; run {run_id} may go on.", run)
            return False
        run = self._instance.get_run_by_id(run_id)
        if run is not None and not run.is_finished:
            how = "ended" if in_time else f"was killed after {self._grace_s} s"
            self._instance.report_run_canceled(run, message=f"The run's worker {how}.")
        return True


def log_path(run_id: str) -> Path:
    """Where the worker of a run prints to."""
    return dagster_dir() / "workers" / f"{run_id}.log"
