"""How much time a writer has for each row, told before the writing and not only measured after it."""

from __future__ import annotations

from typing import Any

from creative_lab.adaptation.gates.case import view
from creative_lab.adaptation.gates.format_fit import hold_seconds
from creative_lab.adaptation.gates.syllables import ceiling
from creative_lab.adaptation.gates.timing import durations, frames_per_second, speech_windows
from creative_lab.adaptation.schemas import AdaptationContext

_MOST_WORDS = 100


def time_budget(context: AdaptationContext) -> dict[str, Any]:
    """What fits into the origin's rows in the target's language, by the rules of the format gate.

    For each row: its seconds, the most syllables (morae in Japanese) that a voice can say from its start until the next
    row that speaks, and the most words that can be read on screen; None where a length is not known.
    """
    origin = context.origin
    fps = frames_per_second(origin.script_rows, context.origin_country)
    lengths = durations(origin.script_rows, origin.total_runtime_seconds, fps)
    windows = speech_windows(lengths, [bool(row.spoken) for row in view(origin.script_rows)])
    rate, estimated = ceiling(context.target_language)
    unit = "morae" if context.target_language.lower().startswith("ja") else "syllables"
    return {
        "runtime_seconds": origin.total_runtime_seconds,
        f"{unit}_per_second": rate,
        "rate_is_an_estimate": estimated,
        "rows": [
            {
                "row": number,
                "shot_number": row.shot_number,
                "seconds": length,
                f"most_{unit}": int(rate * window) if window else None,
                "most_words_on_screen": _most_words(length) if length else None,
            }
            for number, (row, length, window) in enumerate(zip(origin.script_rows, lengths, windows, strict=True))
        ],
    }


def _most_words(seconds: float) -> int:
    return max((words for words in range(1, _MOST_WORDS) if hold_seconds(words) <= seconds), default=0)
