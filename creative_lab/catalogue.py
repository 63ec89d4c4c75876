"""Every table of the platform: importing this module registers them all, which a complete warehouse needs."""

from __future__ import annotations

import importlib

TABLE_MODULES = (
    "creative_lab.lake.logs",
    "creative_lab.reference.tables",
    "creative_lab.adaptation.tables",
    "creative_lab.metrics.schemas",
)
"""Modules that declare tables, in the order in which people should meet them."""


def register_all() -> None:
    """Register every table. Cheap after the first call."""
    for name in TABLE_MODULES:
        importlib.import_module(name)


register_all()
