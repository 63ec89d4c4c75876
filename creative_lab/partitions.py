"""The dimensions along which assets are partitioned. Keys are slugs, because they become folders of the lake."""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

from creative_lab.settings import get_settings

spots = dg.DynamicPartitionsDefinition(name="spot")
"""TV spots; the key is the campaign's ``spot_key``."""

targets = dg.DynamicPartitionsDefinition(name="target")
"""Personas, countries and languages that spots are adapted to; the key is the target's ``code``."""

spot_targets = dg.MultiPartitionsDefinition({"spot": spots, "target": targets})
"""One adaptation: a spot for a target."""

characters = dg.DynamicPartitionsDefinition(name="character")
"""Characters; the key is the one that ``creative-lab character new`` was given."""

storyboards = dg.DynamicPartitionsDefinition(name="storyboard")
"""Storyboards: a source and a method each; the key is the one that ``creative-lab storyboard new`` was given."""

FIRST_DAY = "2026-01-01"
"""The first day that looks can be made for."""

days = dg.DailyPartitionsDefinition(start_date=FIRST_DAY, timezone=get_settings().time_zone, end_offset=1)
"""Days of the lab's local calendar, today included; all looks of a day are rows of its partition."""


def report_versions(instance: dg.DagsterInstance, asset: str, versions: Mapping[str, str]) -> list[str]:
    """Record the definitions, by partition, whose version is not the last recorded one; returns their keys."""
    from dagster._core.definitions.data_version import DATA_VERSION_TAG

    key = dg.AssetKey(asset)
    known = instance.event_log_storage.get_latest_tags_by_partition(
        key, dg.DagsterEventType.ASSET_OBSERVATION, tag_keys=[DATA_VERSION_TAG]
    )
    changed = [name for name, version in versions.items() if known.get(name, {}).get(DATA_VERSION_TAG) != version]
    for name in changed:
        instance.report_runless_asset_event(
            dg.AssetObservation(key, partition=name, tags={DATA_VERSION_TAG: versions[name]})
        )
    return changed
