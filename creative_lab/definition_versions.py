"""What people define, as Dagster sees it: one observation per change of a definition, so that what was made of it ages.

A definition is an external asset with the partitions of what is made of it. Its data version is a hash of its content.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

STORYBOARD, CHARACTER = "storyboard_definition", "character_definition"
"""Names of the external assets."""


def version_of(*parts: Any) -> str:
    """SHA-256 over plain data."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
