"""The dimensions along which assets are partitioned. Keys are slugs, because they become folders of the lake."""

from __future__ import annotations

import dagster as dg

spots = dg.DynamicPartitionsDefinition(name="spot")
"""TV spots; the key is the campaign's ``spot_key``."""

targets = dg.DynamicPartitionsDefinition(name="target")
"""Personas, countries and languages that spots are adapted to; the key is the target's ``code``."""

spot_targets = dg.MultiPartitionsDefinition({"spot": spots, "target": targets})
"""One adaptation: a spot for a target."""
