"""The calendar of the looks: what was graded is learned from after midnight, and a day is dealt at the lab's hour."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg

from creative_lab.partitions import days
from creative_lab.settings import get_settings

look_day = dg.define_asset_job(
    "look_day",
    selection=dg.AssetSelection.assets(
        "look_manifests", "look_prompts", "look_renders", "garment_masks", "segmentation_quality", "look_sheet"
    ),
    partitions_def=days,
    description="One day of looks, from the deal to the contact sheet. Earlier days are backfilled with it.",
)

look_learning = dg.define_asset_job(
    "look_learning",
    selection=dg.AssetSelection.assets("look_grades", "learned_intel", "target_dials"),
    partitions_def=days,
    description="What a day's grades teach; it acts from the next day on.",
)


@dg.schedule(
    cron_schedule="0 * * * *",
    job=look_day,
    execution_timezone=get_settings().time_zone,
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def daily_looks(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Deals the local day at the hour that Control names.

    A machine that was off at that hour makes up for it at the next full hour of the same local day. Days that passed
    while it was off are not made up for by themselves: yesterday's looks help nobody, and whoever wants them
    launches a backfill. One run per day is asked for, whatever happens at the change of the clocks.
    """
    from creative_lab.looks.wardrobe import load_control
    from creative_lab.state import db

    settings = get_settings()
    db.upgrade(settings)
    with db.session_scope(settings) as session:
        hour = load_control(session).schedule_hour
    return due(context.scheduled_execution_time, datetime.now(ZoneInfo(settings.time_zone)), hour, settings.time_zone)


def due(tick: datetime, now: datetime, hour: int, time_zone: str) -> dg.RunRequest | dg.SkipReason:
    """Whether the tick of an hour deals its day: not before ``hour``, and not on a day that is over."""
    local = tick.astimezone(ZoneInfo(time_zone))
    day, today = local.date().isoformat(), now.astimezone(ZoneInfo(time_zone)).date().isoformat()
    if day != today:
        return dg.SkipReason(
            f"{day} is over: its looks are dealt by a backfill of the job look_day, if anybody wants them"
        )
    if local.hour < hour:
        return dg.SkipReason(f"looks are dealt at {hour}:00 local time, it is {local:%H:%M}")
    # The key makes later hours of the day ask for nothing new.
    return dg.RunRequest(run_key=f"looks-{day}", partition_key=day)


@dg.schedule(
    cron_schedule="5 0 * * *",
    job=look_learning,
    execution_timezone=get_settings().time_zone,
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def daily_learning(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Learns from the local day that has just ended."""
    local = context.scheduled_execution_time.astimezone(ZoneInfo(get_settings().time_zone))
    day = (local - timedelta(hours=12)).date().isoformat()
    return dg.RunRequest(run_key=f"learning-{day}", partition_key=day)
