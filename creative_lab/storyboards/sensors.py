"""Sensor of the storyboards room: new records become partitions, changed ones make what is made of them old."""

from __future__ import annotations

import dagster as dg

from creative_lab import definition_versions, partitions
from creative_lab.partitions import storyboards
from creative_lab.settings import get_settings


@dg.sensor(minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING)
def storyboard_arrivals(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Registers storyboards as partitions and records changed ones; what to do with them is up to people."""
    from creative_lab.state import db
    from creative_lab.storyboards.stored import definition_versions as versions_of
    from creative_lab.storyboards.stored import record_keys

    settings = get_settings()
    db.upgrade(settings)
    with db.session_scope(settings) as session:
        keys, versions = record_keys(session), versions_of(session)
    partitions.report_versions(context.instance, definition_versions.STORYBOARD, versions)
    known = set(context.instance.get_dynamic_partitions(str(storyboards.name)))
    new = [key for key in keys if key not in known]
    if not new:
        return dg.SkipReason(f"all {len(keys)} storyboards are registered")
    return dg.SensorResult(dynamic_partitions_requests=[storyboards.build_add_request(new)])
