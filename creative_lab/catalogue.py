"""Every table of the platform: importing this module makes them all known, which a complete warehouse needs.

The modules themselves are imported when a table is first looked up, since loading the definitions needs none of them.
"""

from __future__ import annotations

from creative_lab.lake.declared import declare

TABLE_MODULES = (
    "creative_lab.lake.logs",
    "creative_lab.reference.tables",
    "creative_lab.imaging.tables",
    "creative_lab.adaptation.tables",
    "creative_lab.characters.tables",
    "creative_lab.looks.tables",
    "creative_lab.metrics.schemas",
    "creative_lab.metrics.proof_tables",
    "creative_lab.storyboards.tables",
)
"""Modules that declare tables."""

declare(*TABLE_MODULES)
