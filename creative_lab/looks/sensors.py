"""Sensors that see to it that no picture of a look stays without masks.

Two ways lead to a run, each with one actor: what a batch rendered is followed up at once, and what is missing later,
for whatever reason, is found by the reconciliation. Both ask for the same assets, whose workers share the claims.
"""

from __future__ import annotations

import json

import dagster as dg

from creative_lab.settings import get_settings

RENDERS, MASKS = dg.AssetKey("look_renders"), dg.AssetKey("garment_masks")
AFTER_RENDERS = [MASKS, dg.AssetKey("segmentation_quality"), dg.AssetKey("look_sheet")]
BACKLOG = dg.AssetKey("segmentation_backlog")
_TARGET = dg.AssetSelection.assets(*AFTER_RENDERS)
_MOST_EVENTS = 50
_IN_PROGRESS = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dg.sensor(
    target=_TARGET,
    minimum_interval_seconds=get_settings().looks_sweep_s,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def segmentation_reconciliation(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Compares renders with masks and asks for the days that lack some, the oldest first, at most ten a tick.

    A day whose masks are being made is left alone. The run key holds the version of the day's renders, so that a
    re-render is segmented again, and a number, so that a run that was killed is asked for again.
    """
    from creative_lab.looks.reconcile import look_around, note_tick, requests

    settings = get_settings()
    tick = look_around(settings, ended=lambda owner: _has_ended(context.instance, owner))
    sequence = json.loads(context.cursor) if context.cursor else {}
    busy = _busy_days(context.instance)
    asked, following = requests(tick.due_by_day, tick.report.versions, sequence, busy_days=busy)
    requeued = {request.day: len(request.pictures) for request in asked}
    counts = tick.counts() | {"requeued": sum(requeued.values())}
    note_tick(settings, tick, run_id=f"tick-{tick.at:%Y%m%dT%H%M%S}", requeued=requeued)
    return dg.SensorResult(
        run_requests=[_run(request.day, f"sweep:{request.run_key}") for request in asked],
        skip_reason=None if asked else dg.SkipReason(_quiet(counts)),
        cursor=json.dumps(following, sort_keys=True),
        asset_events=[dg.AssetMaterialization(BACKLOG, metadata=counts)],
    )


@dg.sensor(target=_TARGET, minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING)
def segmentation_follow_up(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Asks for masks as soon as a batch was rendered by a run that does not make them itself."""
    kept = int(context.cursor) if context.cursor else None
    if kept is None:
        newest = context.instance.fetch_materializations(RENDERS, limit=1).records
        begun = str(newest[0].storage_id if newest else 0)
        return dg.SensorResult(skip_reason=dg.SkipReason("from now on batches are followed up"), cursor=begun)
    found = context.instance.fetch_materializations(
        dg.AssetRecordsFilter(RENDERS, after_storage_id=kept), limit=_MOST_EVENTS, ascending=True
    ).records
    asked = {}
    for record in found:
        run = context.instance.get_run_by_id(record.run_id)
        if record.partition_key and not (run and _makes_masks(run)):
            asked[record.partition_key] = _run(record.partition_key, f"follow-up:{record.storage_id}")
    reason = f"{len(found)} batches rendered since the last look, none without masks of its own"
    return dg.SensorResult(
        run_requests=list(asked.values()),
        skip_reason=None if asked else dg.SkipReason(reason),
        cursor=str(found[-1].storage_id if found else kept),
    )


def _run(day: str, run_key: str) -> dg.RunRequest:
    return dg.RunRequest(run_key=run_key, partition_key=day, asset_selection=AFTER_RENDERS)


def _busy_days(instance: dg.DagsterInstance) -> set[str]:
    """Days whose masks a run is making, or is about to make."""
    runs = instance.get_runs(filters=dg.RunsFilter(statuses=_IN_PROGRESS))
    return {day for run in runs if _makes_masks(run) and (day := run.tags.get("dagster/partition"))}


def _has_ended(instance: dg.DagsterInstance, owner: str) -> bool:
    """Whether a claim's owner is a run that is over, however it ended."""
    run = instance.get_run_by_id(owner)
    return run is not None and run.is_finished


def _makes_masks(run: dg.DagsterRun) -> bool:
    return bool(run.asset_selection and MASKS in run.asset_selection) or run.job_name == "look_day"


def _quiet(counts: dict[str, object]) -> str:
    return (
        f"{counts['rendered']} pictures, {counts['segmented']} segmented, {counts['found']} without masks: "
        f"{counts['held']} in work, {counts['waiting']} waiting, {counts['failed']} failed and left to a person, "
        f"{counts['due']} due on days that are being worked on"
    )
