"""Sensors of the adaptation room: new spots and targets become partitions, approvals let documents be made."""

from __future__ import annotations

import dagster as dg

from creative_lab.partitions import spots, targets
from creative_lab.settings import get_settings


@dg.sensor(minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING)
def spot_arrivals(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Registers imported spots and active targets as partitions; what to do with them is up to people."""
    from creative_lab.adaptation.arrivals import partition_keys
    from creative_lab.state import db

    settings = get_settings()
    # Where Dagster was started without the lab's own command, this is the first to ask the database for anything.
    db.upgrade(settings)
    with db.session_scope(settings) as session:
        wanted = partition_keys(session)
    requests = []
    for definition, keys in ((spots, wanted.spots), (targets, wanted.targets)):
        known = set(context.instance.get_dynamic_partitions(str(definition.name)))
        new = [key for key in keys if key not in known]
        if new:
            requests.append(definition.build_add_request(new))
    if not requests:
        return dg.SkipReason(f"all {len(wanted.spots)} spots and {len(wanted.targets)} targets are registered")
    return dg.SensorResult(dynamic_partitions_requests=requests)


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    target=dg.AssetSelection.assets("script_deliverables"),
)
def approved_scripts(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Asks for the documents of a script once a person approved its present content.

    The cursor is the number of the newest decision that was looked at, and the content hash is part of the run key:
    one approval leads to one run, and a later draft needs an approval of its own.
    """
    from creative_lab.adaptation.arrivals import approved_since
    from creative_lab.state.db import session_scope

    settings = get_settings()
    if not settings.review:
        return dg.SkipReason("approval is not asked for (CREATIVE_LAB_REVIEW is off)")
    with session_scope(settings) as session:
        approved, newest = approved_since(settings, session, int(context.cursor or 0))
    known = {
        definition.name: set(context.instance.get_dynamic_partitions(str(definition.name)))
        for definition in (spots, targets)
    }
    requests = [
        dg.RunRequest(
            run_key=f"{script.spot}|{script.target}:{script.content_hash}",
            partition_key=dg.MultiPartitionKey({"spot": script.spot, "target": script.target}),
        )
        for script in approved
        # A request for a partition that was deleted would be refused together with all others of the tick.
        if script.spot in known["spot"] and script.target in known["target"]
    ]
    if not requests:
        return dg.SensorResult(skip_reason=dg.SkipReason("no approval since the last look"), cursor=str(newest))
    return dg.SensorResult(run_requests=requests, cursor=str(newest))
