"""Format gate: rows, shots, timecodes, empty fields."""

from __future__ import annotations

from collections.abc import Iterator

from creative_lab.adaptation.gates.case import Case, Check, finding
from creative_lab.adaptation.gates.timing import TIMECODE, frames_per_second, seconds_of, starts
from creative_lab.adaptation.schemas import Finding


def row_count(case: Case) -> Iterator[Finding]:
    """An adaptation has as many rows as its origin, because the picture is cut to them."""
    expected, actual = len(case.origin_rows), len(case.rows)
    if actual != expected:
        missing = [row.row.shot_number for row in case.origin_rows]
        for row in case.rows:
            if row.row.shot_number in missing:
                missing.remove(row.row.shot_number)
        detail = f" Missing shots: {', '.join(missing)}." if missing else ""
        yield finding(
            "row_count",
            "critical",
            f"The script has {actual} rows, its origin has {expected}.",
            f"Write exactly {expected} rows, one for each row of the origin.{detail}",
        )


def shot_number(case: Case) -> Iterator[Finding]:
    """Shot numbers are the origin's, in its order."""
    if len(case.rows) != len(case.origin_rows):
        return
    for row, origin in zip(case.rows, case.origin_rows, strict=True):
        if row.row.shot_number != origin.row.shot_number:
            yield finding(
                "shot_number",
                "major",
                f"Shot number {row.row.shot_number!r} is {origin.row.shot_number!r} in the origin.",
                f"Set shot_number to {origin.row.shot_number!r}.",
                row.index,
            )


def timecodes(case: Case) -> Iterator[Finding]:
    """Timecodes can be read, rise from row to row, and stay inside the runtime."""
    rows = [row.row for row in case.rows]
    fps = frames_per_second(case.context.origin.script_rows, case.context.origin_country)
    tolerance = 1 / fps + 1e-6
    runtime = case.context.origin.total_runtime_seconds
    begin = starts(rows, fps)
    latest: float | None = None
    for index, row in enumerate(rows):
        start = begin[index]
        origin = case.origin_of(index)
        original = origin.row.timecode_start if origin else None
        if start is None:
            if row.timecode_start or original:
                yield finding(
                    "timecode_syntax",
                    "major",
                    _unreadable(row.timecode_start, fps),
                    f"Write the origin's timecode {original!r}." if original else "Write HH:MM:SS:FF or HH:MM:SS.mmm.",
                    index,
                )
            continue
        if latest is not None and start <= latest:
            yield finding(
                "timecode_order",
                "major",
                f"The row starts at {row.timecode_start}, not after the row before it.",
                f"Write the origin's timecode {original!r}." if original else "Let each row start after the last one.",
                index,
            )
        else:
            latest = start
        yield from _overlap(case, index, begin, tolerance)
        end = start + (row.duration_seconds or 0)
        if start >= runtime or end > runtime + tolerance:
            yield finding(
                "timecode_runtime",
                "major",
                f"The row ends at {end:.2f} s, the spot runs {runtime} s.",
                f"Keep the row inside {runtime} s"
                + (f": it started at {original} in the origin." if original else "."),
                index,
            )
    if all(value is None for value in begin):
        total = sum(row.duration_seconds or 0 for row in rows)
        if total > runtime + tolerance:
            yield finding(
                "timecode_runtime",
                "major",
                f"The rows take {total:.2f} s together, the spot runs {runtime} s.",
                f"Shorten the rows to {runtime} s in all.",
            )


def _unreadable(timecode: str | None, fps: int) -> str:
    if not timecode:
        return "The row has no timecode; its origin has one."
    if TIMECODE.fullmatch(timecode.strip()) and seconds_of(timecode, fps) is None:
        return f"Timecode {timecode!r} has a frame number beyond {fps - 1} ({fps} frames a second)."
    return f"Timecode {timecode!r} is not HH:MM:SS:FF or HH:MM:SS.mmm."


def _overlap(case: Case, index: int, begin: list[float | None], tolerance: float) -> Iterator[Finding]:
    row = case.rows[index].row
    start = begin[index]
    following = begin[index + 1] if index + 1 < len(begin) else None
    if start is None or following is None or not row.duration_seconds or following <= start:
        return
    if start + row.duration_seconds > following + tolerance:
        yield finding(
            "timecode_overlap",
            "major",
            f"The row lasts until {start + row.duration_seconds:.2f} s, the next one starts at {following:.2f} s.",
            f"Set duration_seconds to {following - start:.2f} at most.",
            index,
        )


def empty_text(case: Case) -> Iterator[Finding]:
    """Neither the picture nor the sound of a row may be empty."""
    for row in case.rows:
        for name in ("visual_text", "audio_text"):
            if not str(getattr(row.row, name)).strip():
                origin = case.origin_of(row.index)
                text = getattr(origin.row, name) if origin else ""
                yield finding(
                    "empty_text",
                    "critical",
                    f"{name} is empty.",
                    f"Adapt the origin's text: {text}" if text else "Say what is seen or heard.",
                    f"script_rows[{row.index}].{name}",
                ).model_copy(update={"row": row.index})


CHECKS: tuple[Check, ...] = (row_count, shot_number, timecodes, empty_text)
