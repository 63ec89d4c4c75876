"""When each row begins, how long it stands, and how long a voice may speak in it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from creative_lab.adaptation.schemas import ScriptRow

TIMECODE = re.compile(r"(\d{2}):([0-5]\d):([0-5]\d)(?::(\d{2})|\.(\d{3}))")
NTSC_COUNTRIES = frozenset(
    {"BO", "BS", "CA", "CL", "CO", "CR", "CU", "DO", "EC", "GT", "HN", "HT", "JM", "JP", "KR", "MM", "MX", "NI", "PA"}
    | {"PE", "PH", "PR", "SR", "SV", "TT", "TW", "US", "VE"}
)
"""Countries of the 525-line system, whose timecodes count 30 frames a second; the others count 25."""


def frames_per_second(rows: Sequence[ScriptRow], country: str | None) -> int:
    """Frame rate that the timecodes of a spot count in.

    A frame number of 25 or more means 30. Otherwise the rate at which rows meet their written durations best is taken
    (25, 30 or 24), and where that is undecided the rate of the country's television system.
    """
    matches = [TIMECODE.fullmatch((row.timecode_start or "").strip()) for row in rows]
    if any(match and match.group(4) and 25 <= int(match.group(4)) < 30 for match in matches):
        return 30
    usual = 30 if country in NTSC_COUNTRIES else 25
    return min((usual, 25, 30, 24), key=lambda fps: round(_misfit(rows, fps), 6))


def _misfit(rows: Sequence[ScriptRow], fps: int) -> float:
    """Seconds by which rows with a duration miss the start of the next row, in all."""
    begin = starts(rows, fps)
    total = 0.0
    for index, row in enumerate(rows[:-1]):
        here, following = begin[index], begin[index + 1]
        if here is not None and following is not None and row.duration_seconds:
            total += min(1.0, abs(here + row.duration_seconds - following))
        elif row.timecode_start and here is None:
            total += 1.0
    return total


def seconds_of(timecode: str | None, fps: int) -> float | None:
    """Seconds from the start of the spot of ``HH:MM:SS:FF`` or ``HH:MM:SS.mmm``; None for anything else."""
    match = TIMECODE.fullmatch((timecode or "").strip())
    if match is None:
        return None
    hours, minutes, seconds, frames, milliseconds = match.groups()
    whole = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    if frames is not None:
        return None if int(frames) >= fps else whole + int(frames) / fps
    return whole + int(milliseconds) / 1000


def starts(rows: Sequence[ScriptRow], fps: int) -> list[float | None]:
    """Start of every row in seconds, where it can be read; hour-based spots (01:00:00:00) count from their hour."""
    found = [seconds_of(row.timecode_start, fps) for row in rows]
    first = next((value for value in found if value is not None), None)
    if first is None or first < 3600:
        return found
    hour = first - first % 3600
    return [None if value is None else value - hour for value in found]


def durations(rows: Sequence[ScriptRow], runtime: float, fps: int) -> list[float | None]:
    """How long each row stands, in seconds: as written, else up to the next row's start or the end of the spot."""
    begin = starts(rows, fps)
    result: list[float | None] = []
    for index, row in enumerate(rows):
        if row.duration_seconds:
            result.append(row.duration_seconds)
            continue
        at = begin[index]
        if at is None:
            result.append(None)
            continue
        later = next((value for value in begin[index + 1 :] if value is not None and value > at), runtime)
        unreadable = index + 1 < len(rows) and begin[index + 1] is None
        result.append(None if unreadable else max(0.0, later - at))
    return result


def speech_windows(lengths: Sequence[float | None], speaks: Sequence[bool]) -> list[float | None]:
    """Seconds that a voice has which starts in each row: the row and the silent rows behind it.

    A voice-over runs on over a cut while nobody else speaks; None where a length is not known.
    """
    result: list[float | None] = []
    for index, length in enumerate(lengths):
        total = length
        for later in range(index + 1, len(lengths)):
            following = lengths[later]
            if speaks[later] or total is None or following is None:
                break
            total += following
        result.append(total)
    return result
