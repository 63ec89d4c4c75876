"""What is heard and shown, as cues that can be read: at most two short lines at a time, timed by their length.

The film's subtitles and the files beside it are made of the same cues. No word is ever left out.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import accumulate, pairwise

from creative_lab.storyboards.sheet.gathering import FPS, Sheet, SheetFrame

LINE = 42
"""Most columns of a line; letters of full width, as in Chinese, take two."""
LINES = 2
READABLE = 20.0
"""Columns a second that people can still read."""

_SENTENCE = re.compile(r"(?<=[.!?…。！？])[\"'”’»)]*\s+")
_CLAUSE = re.compile(r"(?<=[,;:—–，；：、])[\"'”’»)]*\s+")


@dataclass(frozen=True)
class Cue:
    """Lines that stand from picture ``first`` of the film up to, and without, picture ``last``."""

    lines: tuple[str, ...]
    first: int
    last: int

    @property
    def start_ms(self) -> int:
        """When it appears, in milliseconds."""
        return self.first * 1000 // FPS

    @property
    def end_ms(self) -> int:
        """When it goes, in milliseconds."""
        return self.last * 1000 // FPS


def frame_cues(frame: SheetFrame) -> list[Cue]:
    """The cues of one frame, which fill its time; what is to be read stands in brackets after what is heard."""
    parts = _parts(frame)
    pictures = frame.last - frame.first
    if len(parts) > pictures:  # less than a picture for each: the last one holds the rest
        parts = [*parts[: pictures - 1], tuple(line for part in parts[pictures - 1 :] for line in part)]
    lengths = [sum(map(columns, part)) for part in parts]
    total, ends, edge = sum(lengths), [], frame.first
    for number, sofar in enumerate(accumulate(lengths), 1):
        left = len(parts) - number  # each cue to come needs a picture
        edge = min(max(edge + 1, frame.first + round(pictures * sofar / total)), frame.last - left)
        ends.append(edge)
    return [Cue(part, *span) for part, span in zip(parts, pairwise([frame.first, *ends]), strict=True)]


def film_cues(sheet: Sheet) -> list[Cue]:
    """All cues of the film, in order."""
    return [cue for frame in sheet.frames for cue in frame_cues(frame)]


def hasty(sheet: Sheet) -> list[int]:
    """Numbers of frames whose words are too many for their time."""
    read = {frame.number: sum(columns(line) for part in _parts(frame) for line in part) for frame in sheet.frames}
    return [frame.number for frame in sheet.frames if read[frame.number] > READABLE * frame.seconds]


def columns(text: str) -> int:
    """Width of ``text`` in columns of a subtitle."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _parts(frame: SheetFrame) -> list[tuple[str, ...]]:
    heard, shown = frame.scene["dialogue"], frame.scene["shown_text"]
    said = _split(heard) if heard else []
    read = _split(f"[{' '.join(shown.split())}]") if shown else []
    if len(said) == len(read) == 1 and len(said[0]) + len(read[0]) <= LINES:
        return [said[0] + read[0]]
    return said + read


def _split(text: str) -> list[tuple[str, ...]]:
    """Parts of at most two lines: sentences together where they fit, a long one by its clauses, then by its words."""
    pieces: list[str] = []
    for sentence in _cut(" ".join(text.split()), _SENTENCE):
        pieces += _cut(sentence, _CLAUSE) if len(_lines(sentence, LINE)) > LINES else [sentence]
    parts: list[tuple[str, ...]] = []
    held = ""
    for piece in pieces:
        longer = f"{held} {piece}".strip()
        if held and len(_lines(longer, LINE)) > LINES:
            parts += _pairs(held)
            held = piece
        else:
            held = longer
    return parts + _pairs(held) if held else parts


def _cut(text: str, mark: re.Pattern[str]) -> list[str]:
    """``text`` in pieces that end with ``mark``."""
    edges = [0, *(found.end() for found in mark.finditer(text)), len(text)]
    return [part for start, end in pairwise(edges) if (part := text[start:end].strip())]


def _pairs(text: str) -> list[tuple[str, ...]]:
    lines = _lines(text, LINE)
    for width in range(max(1, LINE // 3), LINE):  # the narrowest that needs no more lines: they come out alike
        if len(narrower := _lines(text, width)) == len(lines):
            lines = narrower
            break
    return [tuple(lines[at : at + LINES]) for at in range(0, len(lines), LINES)]


def _lines(text: str, width: int) -> list[str]:
    """Lines of at most ``width`` columns, broken between words, and within a word only where it is wider than that."""
    lines, line = [], ""
    for word in text.split():
        if line and columns(line) + 1 + columns(word) > width:
            lines.append(line)
            line = ""
        line = f"{line} {word}" if line else word
        while columns(line) > width:
            cut = len(line)
            while columns(line[:cut]) > width:
                cut -= 1
            cut = max(1, cut)
            lines.append(line[:cut])
            line = line[cut:]
    return [*lines, line] if line else lines
