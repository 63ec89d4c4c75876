"""How much time a writer has for each row, told before the writing and not only measured after it."""

from __future__ import annotations

from typing import Any

from creative_lab.adaptation.schemas import AdaptationContext


def time_budget(context: AdaptationContext) -> dict[str, Any]:
    """The runtime and each row's seconds (None where the script does not say)."""
    return {
        "runtime_seconds": context.origin.total_runtime_seconds,
        "rows": [
            {"row": number, "shot_number": row.shot_number, "seconds": row.duration_seconds}
            for number, row in enumerate(context.origin.script_rows)
        ],
    }
