"""Modules that declare tables: named early and for nothing, imported when a table is first looked up."""

from __future__ import annotations

import importlib

_waiting: list[str] = []


def declare(*modules: str) -> None:
    """Name modules whose import registers tables; each is imported at most once."""
    _waiting.extend(name for name in modules if name not in _waiting)


def import_declared() -> bool:
    """Import what was named and not imported yet; False when there was nothing to do."""
    if not _waiting:
        return False
    while _waiting:
        importlib.import_module(_waiting.pop(0))
    return True
