"""Sensor of the characters room: new characters become partitions, changed ones make what is made of them old."""

from __future__ import annotations

import dagster as dg

from creative_lab import definition_versions, partitions
from creative_lab.partitions import characters
from creative_lab.settings import get_settings


@dg.sensor(minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING)
def character_arrivals(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Registers characters as partitions and records changed ones; what to do with them is up to people."""
    from creative_lab.characters.arrivals import partition_keys
    from creative_lab.characters.record import definition_versions as versions_of
    from creative_lab.state import db

    settings = get_settings()
    db.upgrade(settings)
    with db.session_scope(settings) as session:
        keys, versions = partition_keys(session), versions_of(session)
    partitions.report_versions(context.instance, definition_versions.CHARACTER, versions)
    known = set(context.instance.get_dynamic_partitions(str(characters.name)))
    new = [key for key in keys if key not in known]
    if not new:
        return dg.SkipReason(f"all {len(keys)} characters are registered")
    return dg.SensorResult(dynamic_partitions_requests=[characters.build_add_request(new)])
