"""Which executor the code location uses: a matter of the deployment, never of an asset.

In-process is the default. Worker, step and lease holder are then one process: the work ends with the worker, nothing
is left behind, a card is used by one asset after the other, and a step costs milliseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from creative_lab.settings import Settings, get_settings

if TYPE_CHECKING:
    from dagster import ExecutorDefinition


def executor(settings: Settings | None = None) -> ExecutorDefinition:
    """The executor that ``CREATIVE_LAB_EXECUTOR`` names. Raises ImportError naming the package that it needs."""
    import dagster as dg

    choice = (settings or get_settings()).executor
    if choice == "multiprocess":
        # One step at a time: several at once would share the run's card.
        return dg.multiprocess_executor.configured({"max_concurrent": 1}, name="multiprocess")
    if choice == "ray":
        try:
            from dagster_ray import ray_executor
        except ImportError as error:
            raise ImportError("CREATIVE_LAB_EXECUTOR=ray needs the package dagster-ray") from error
        return ray_executor
    if choice == "kubernetes":
        try:
            from dagster_k8s import k8s_job_executor
        except ImportError as error:
            raise ImportError("CREATIVE_LAB_EXECUTOR=kubernetes needs the package dagster-k8s") from error
        return k8s_job_executor
    return dg.in_process_executor
