"""Format gate: does the voice fit its window, and can the words on screen be read."""

from __future__ import annotations

import math
from collections.abc import Iterator

from creative_lab.adaptation.gates.case import Case, Check, Piece, finding
from creative_lab.adaptation.gates.syllables import ceiling, spoken
from creative_lab.adaptation.gates.timing import durations, frames_per_second, speech_windows
from creative_lab.adaptation.gates.words import count_words, same_words, term_pattern
from creative_lab.adaptation.schemas import Finding

SLACK = 0.03
"""Share of the runtime that no voice may fill: the last beat of a spot stays free."""
HOPELESS = 1.5
"""From this multiple of a ceiling on, no reading can save a row: the finding is critical."""
SHORT_SUPER_WORDS = 9
SECONDS_PER_WORD = 0.2
LINE_CHARACTERS = 42
FULL_LINES = 3
FRAME_TOLERANCE = 0.05


def hold_seconds(words: float) -> float:
    """Seconds that words on screen must stand (BCAP guidance as Clearcast applies it since March 2019).

    0.2 s a word, plus 2 s up to nine words and 3 s from ten words on; all words on screen at once count.
    """
    if words <= 0:
        return 0.0
    words = math.ceil(words)
    return SECONDS_PER_WORD * words + (2.0 if words <= SHORT_SUPER_WORDS else 3.0)


def row_lengths(case: Case) -> list[float | None]:
    """Seconds that each row of the draft stands."""
    fps = frames_per_second(case.context.origin.script_rows, case.context.origin_country)
    runtime = case.context.origin.total_runtime_seconds
    return durations([row.row for row in case.rows], runtime, fps)


def voice_over_fit(case: Case) -> Iterator[Finding]:
    """Each row's speech fits the row and the silent rows behind it; the whole fits the spot with its last beat free."""
    limit, rate_estimated = ceiling(case.language)
    windows = speech_windows(row_lengths(case), [bool(row.spoken) for row in case.rows])
    unit = "morae" if case.language == "ja" else "syllables"
    total = 0.0
    for row, window in zip(case.rows, windows, strict=True):
        counts = [spoken(piece.text, case.language) for piece in row.spoken]
        needed = sum(count.syllables for count in counts)
        total += needed
        if not window or needed <= limit * window + 0.5:
            continue
        allowed = math.floor(limit * window)
        estimated = rate_estimated or any(count.estimated for count in counts)
        hopeless = needed > HOPELESS * limit * window and not estimated
        yield finding(
            "voice_over_fit",
            "critical" if hopeless else "major",
            f"{needed:.0f} {unit} in {window:.1f} s are {needed / window:.1f} a second; the ceiling is {limit:.1f}"
            + (" (counted by estimate)." if estimated else "."),
            f"Cut at least {math.ceil(needed - allowed)} {unit}: {allowed} fit into {window:.1f} s.",
            row.spoken[0],
        )
    runtime = case.context.origin.total_runtime_seconds
    room = limit * runtime * (1 - SLACK)
    if total > room:
        yield finding(
            "voice_over_slack",
            "major",
            f"The whole spot speaks {total:.0f} {unit}; {room:.0f} fit into {runtime} s with {SLACK:.0%} left free.",
            f"Cut at least {math.ceil(total - room)} {unit} in all.",
        )


def reading_words(case: Case, pieces: list[Piece]) -> float:
    """Words on screen at once that a viewer must read; brand names do not count."""
    total = 0.0
    for piece in pieces:
        text = piece.text
        for name in case.kept_names:
            text = term_pattern(name, inflect=False).sub(" ", text)
        total += count_words(text)
    return total


def supers(case: Case) -> Iterator[Finding]:
    """Words on screen stand long enough to be read, and are few enough for three lines."""
    lengths = row_lengths(case)
    for row, length in zip(case.rows, lengths, strict=True):
        if not row.shown:
            continue
        words = reading_words(case, row.shown)
        needed = hold_seconds(words)
        held = _held(case, row.index, lengths)
        if length is not None and held + FRAME_TOLERANCE < needed:
            fitting = _fitting(held)
            yield finding(
                "super_hold",
                "major",
                f"{math.ceil(words)} words on screen need {needed:.1f} s; they stand {held:.1f} s.",
                f"Show at most {fitting} words in {held:.1f} s, or move a super to a longer shot."
                if fitting
                else f"No word can be read in {held:.1f} s: move the super to a longer shot.",
                row.shown[0],
            )
        ordinary = [piece for piece in row.shown if not case.is_legal(piece)]
        characters = sum(len(piece.text) for piece in ordinary)
        if characters > LINE_CHARACTERS * FULL_LINES:
            yield finding(
                "super_words",
                "minor",
                f"{characters} characters on screen at once fill more than {FULL_LINES} lines of {LINE_CHARACTERS}.",
                f"Cut the words on screen to {LINE_CHARACTERS * FULL_LINES} characters.",
                ordinary[0],
            )


def _held(case: Case, index: int, lengths: list[float | None]) -> float:
    """Seconds that a row's words stand, over neighbouring rows that show the same words."""
    own = [piece.text for piece in case.rows[index].shown]
    total = lengths[index] or 0.0
    for step in (-1, 1):
        other = index + step
        while 0 <= other < len(case.rows) and lengths[other]:
            theirs = [piece.text for piece in case.rows[other].shown]
            if len(theirs) != len(own) or not all(same_words(a, b) for a, b in zip(own, theirs, strict=True)):
                break
            total += lengths[other] or 0.0
            other += step
    return total


def _fitting(seconds: float) -> int:
    return max((words for words in range(1, 200) if hold_seconds(words) <= seconds + FRAME_TOLERANCE), default=0)


CHECKS: tuple[Check, ...] = (voice_over_fit, supers)
