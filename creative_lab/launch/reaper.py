"""What the daemon does every few seconds: no run stays open without a worker, and no worker works without a run.

Dagster's run monitoring covers started runs. This covers the gaps beside it: runs that were between the queue and
their first event when everything was killed (monitoring waits for the start time-out there), runs that were being
cancelled, and workers whose run was given up while they still worked.
"""

from __future__ import annotations

import time

from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

from creative_lab.launch.processes import kill_session, why_gone
from creative_lab.launch.run_launcher import RUN_VARIABLE, GpuRunLauncher, log_path, worker_of

SETTLE_S = 10.0
"""How long a run may be between two states: dequeued, but its worker not yet recorded."""

KEEP_LOGS_S = 30 * 86_400


def reap(instance: DagsterInstance, *, settle_s: float = SETTLE_S) -> list[str]:
    """Settle runs and workers of this machine that do not match; returns a sentence for each. Idempotent."""
    if not isinstance(instance.run_launcher, GpuRunLauncher):
        return []
    done = []
    open_runs = RunsFilter(statuses=[DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING])
    for found in instance.get_run_records(filters=open_runs):
        if time.time() - found.update_timestamp.timestamp() < settle_s:
            continue
        known = worker_of(found.dagster_run)
        reason = why_gone(known) if known is not None else "none was ever recorded"
        if reason is None:
            continue
        run_id = found.dagster_run.run_id
        if known is not None:
            kill_session(known, (RUN_VARIABLE, run_id))
        run = instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            continue
        if run.status is DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, message=f"The run's worker is gone: {reason}.")
        else:
            instance.report_run_failed(run, f"The run's worker is gone: {reason}.")
        done.append(f"run {run_id} was {run.status.value} without a worker ({reason})")
    return done + _end_stray_workers(instance)


def _end_stray_workers(instance: DagsterInstance) -> list[str]:
    done = []
    for path in log_path("x").parent.glob("*.log"):
        age = time.time() - path.stat().st_mtime
        if age > KEEP_LOGS_S:
            path.unlink(missing_ok=True)
            continue
        run = instance.get_run_by_id(path.stem) if age < 2 * 86_400 else None
        known = worker_of(run) if run is not None and run.is_finished else None
        if known is not None and age > SETTLE_S and why_gone(known) is None:
            killed = kill_session(known, (RUN_VARIABLE, path.stem))
            done.append(f"killed {killed} processes of run {path.stem}, which was given up")
    return done
