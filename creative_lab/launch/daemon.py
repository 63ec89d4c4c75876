"""Dagster's daemon with two additions: ``python -m creative_lab.launch.daemon run -w WORKSPACE``.

- The reaper (:mod:`creative_lab.launch.reaper`) runs beside the other loops.
- A backfill is taken up within :data:`BACKFILL_INTERVAL_S`. Dagster looks for new backfills every 30 s and has no
  setting for it, so a person who starts one of two partitions waits longer for its start than for its work.
"""

from __future__ import annotations

import logging
import threading

from dagster import DagsterInstance
from dagster._daemon import controller
from dagster._daemon.cli import main as dagster_daemon

from creative_lab.launch.reaper import reap

BACKFILL_INTERVAL_S = 5
REAP_INTERVAL_S = 10.0

_log = logging.getLogger("dagster.daemon.Reaper")


def _reap_for_ever(instance: DagsterInstance) -> None:
    pause = threading.Event()
    while not pause.wait(REAP_INTERVAL_S):
        try:
            for sentence in reap(instance):
                _log.warning(sentence)
        except Exception:
            # The database may be restarting; the next round finds the same runs.
            _log.exception("could not look for runs without a worker")


def main() -> None:
    """Run the daemon until it is told to end."""
    controller.DEFAULT_DAEMON_INTERVAL_SECONDS = BACKFILL_INTERVAL_S
    threading.Thread(target=_reap_for_ever, args=(DagsterInstance.get(),), name="reaper", daemon=True).start()
    dagster_daemon()


if __name__ == "__main__":
    main()
