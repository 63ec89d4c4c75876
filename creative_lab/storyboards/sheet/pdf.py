"""The PDF that a client signs: picture, action, dialogue, shot and timing of every frame, and a place to sign."""

from __future__ import annotations

import importlib.util
import io
from dataclasses import dataclass
from typing import Any

from creative_lab.storyboards.sheet.contact import fitted
from creative_lab.storyboards.sheet.fonts import text_fonts
from creative_lab.storyboards.sheet.gathering import Sheet, SheetFrame, timecode

_INK, _QUIET, _LINE, _ACCENT, _BAD = (22, 24, 29), (102, 112, 133), (200, 203, 210), (47, 93, 80), (180, 35, 24)
_WIDTH, _HEIGHT, _MARGIN, _GAP = 297.0, 210.0, 14.0, 7.0
_COLUMNS, _TOP, _BOTTOM = 3, 30.0, _HEIGHT - 14.0
_CELL = (_WIDTH - 2 * _MARGIN - (_COLUMNS - 1) * _GAP) / _COLUMNS
_PICTURE = _CELL * 9 / 16
_SIGNATURE = 72.0
"""Height in mm of the place to sign."""
_STEP = 0.45
"""Height in mm of a line for each point of its size."""
_DPI = 200


def sign_off_pdf(sheet: Sheet) -> tuple[bytes, str | None]:
    """The PDF (A4, landscape) and a note about what it could not show; None when it shows all.

    Three frames stand side by side, in rows as high as their words need: nothing that is signed is cut off.
    """
    from fpdf import FPDF

    pdf = FPDF(orientation="landscape", format="A4")
    family, covered = _font(pdf)
    state = _State(pdf, family, covered)
    pdf.set_auto_page_break(False)
    pdf.c_margin = 0
    pdf.set_title(state.text(sheet.record.title))
    pdf.set_creator("Creative Lab")
    pdf.set_lang("en")
    pdf.add_page()  # lines can only be measured on a page
    pages = _pages(state, sheet)
    # The signatures stand below the last frames where there is room.
    used = max((part.bottom for part in pages[-1]), default=_TOP)
    signature = used + 8 if used + 8 + _SIGNATURE <= _BOTTOM else None
    total = len(pages) + (signature is None)
    for number, parts in enumerate(pages, 1):
        if number > 1:
            pdf.add_page()
        _head(state, sheet, number, total)
        for part in parts:
            _frame(state, part)
    if signature is None:
        pdf.add_page()
        _head(state, sheet, total, total)
    _signature(state, sheet, 36 if signature is None else signature)
    note = None
    if state.lost:
        letters = "".join(sorted(state.lost))[:40]
        note = f"no font of this machine has: {letters}; the page and the subtitles show them"
    return bytes(pdf.output()), note


@dataclass(frozen=True)
class _Line:
    """A line of a frame's words: its size in points, colour, and the gap above it in mm."""

    text: str
    size: float
    colour: tuple[int, int, int]
    gap: float = 0.0

    @property
    def height(self) -> float:
        return self.gap + self.size * _STEP


@dataclass(frozen=True)
class _Part:
    """A frame's place on a page with the lines that stand there; words that no page holds go on without the picture."""

    frame: SheetFrame
    left: float
    top: float
    lines: list[_Line]
    pictured: bool

    @property
    def bottom(self) -> float:
        return self.top + _above(self.pictured) + sum(line.height for line in self.lines)


def _above(pictured: bool) -> float:
    """From the top of a frame to its words, in mm."""
    return (_PICTURE + 1.8 if pictured else 0.0) + 6.0


def _pages(state: _State, sheet: Sheet) -> list[list[_Part]]:
    """Where every frame and every line stands, page by page."""
    pages: list[list[_Part]] = [[]]
    top = _TOP
    for start in range(0, len(sheet.frames), _COLUMNS):
        row = sheet.frames[start : start + _COLUMNS]
        waiting = [_words(state, frame) for frame in row]
        tallest = max(sum(line.height for line in lines) for lines in waiting)
        if pages[-1] and top + _above(True) + tallest > _BOTTOM:
            pages.append([])
            top = _TOP
        pictured = True
        while pictured or any(waiting):
            if not pictured:
                pages.append([])
                top = _TOP
            ends = [top]
            for column, frame in enumerate(row):
                if not (pictured or waiting[column]):
                    continue
                fitting = _fitting(waiting[column], _BOTTOM - top - _above(pictured))
                left = _MARGIN + column * (_CELL + _GAP)
                part = _Part(frame, left, top, waiting[column][:fitting], pictured)
                waiting[column] = waiting[column][fitting:]
                pages[-1].append(part)
                ends.append(part.bottom)
            top = max(ends) + 6
            pictured = False
    return pages


def _fitting(lines: list[_Line], room: float) -> int:
    """How many of ``lines`` fit into ``room`` mm."""
    for number, line in enumerate(lines):
        room -= line.height
        if room < 0:
            return number
    return len(lines)


def _words(state: _State, frame: SheetFrame) -> list[_Line]:
    """Everything that a frame says, line by line."""
    said = [
        (_camera(frame) if not _beside(state, frame) else None, 7.5, _QUIET, 0.0),
        (frame.row["description"], 8, _INK, 0.8),
        (f"“{frame.scene['dialogue']}”" if frame.scene["dialogue"] else None, 8, _ACCENT, 0.8),
        (f"On screen: {frame.scene['shown_text']}" if frame.scene["shown_text"] else None, 7.5, _QUIET, 0.6),
    ]
    lines = []
    for text, size, colour, gap in said:
        for number, line in enumerate(state.lines(text, size, _CELL) if text else []):
            lines.append(_Line(line, size, colour, 0.0 if number else gap))
    return lines


def _camera(frame: SheetFrame) -> str:
    return ", ".join(part for part in (frame.scene["shot"], frame.scene["camera"]) if part)


def _beside(state: _State, frame: SheetFrame) -> bool:
    """Whether shot and camera fit between the frame's number and its time."""
    return len(state.lines(_camera(frame), 7.5, _CELL - 50)) <= 1


class _State:
    """The document being written, its font, and letters that the font lacks."""

    def __init__(self, pdf: Any, family: str, covered: set[int] | None) -> None:
        self.pdf = pdf
        self.family = family
        self.covered = covered
        self.lost: set[str] = set()

    def text(self, value: str) -> str:
        """``value`` with a mark in the place of letters that the font lacks."""
        result = []
        for letter in " ".join(value.split()):
            known = ord(letter) < 256 if self.covered is None else ord(letter) in self.covered
            if not known:
                self.lost.add(letter)
            result.append(letter if known else "?" if self.covered is None else "□")
        return "".join(result)

    def lines(self, value: str, size: float, width: float, *, bold: bool = False) -> list[str]:
        """``value`` in lines of at most ``width`` mm; unlike in :meth:`write` none is dropped."""
        self.pdf.set_font(self.family, "B" if bold else "", size)
        shown: list[str] = self.pdf.multi_cell(
            width, size * _STEP, self.text(value), align="L", dry_run=True, output="LINES"
        )
        return shown

    def write(
        self, x: float, y: float, width: float, value: str, size: float, *, bold: bool = False,
        colour: tuple[int, int, int] = _INK, lines: int = 1, align: str = "L",
    ) -> float:  # fmt: skip
        """Write at most ``lines`` lines; returns where the next text may begin."""
        pdf, step = self.pdf, size * _STEP
        shown = self.lines(value, size, width, bold=bold)
        pdf.set_text_color(*colour)
        if len(shown) > lines:
            shown = shown[:lines]
            dots = "…" if self.covered is None or ord("…") in self.covered else "..."
            dots = "..." if self.covered is None else dots
            while shown[-1] and pdf.get_string_width(shown[-1] + dots) > width - 2:
                shown[-1] = shown[-1][:-1]
            shown[-1] = shown[-1].rstrip() + dots
        for line in shown:
            pdf.set_xy(x, y)
            pdf.cell(width, step, line, align=align)
            y += step
        return y


def _font(pdf: Any) -> tuple[str, set[int] | None]:
    files = text_fonts()
    if files is None:
        return "Helvetica", None
    pdf.add_font("text", "", str(files[0]))
    pdf.add_font("text", "B", str(files[1]))
    if importlib.util.find_spec("uharfbuzz") is not None:
        pdf.set_text_shaping(True)  # joins the letters of Arabic and Indic scripts
    return "text", set(pdf.fonts["text"].cmap)


def _head(state: _State, sheet: Sheet, page: int, pages: int) -> None:
    pdf = state.pdf
    width = _WIDTH - 2 * _MARGIN
    long = len(state.lines(sheet.record.title, 17, width, bold=True)) > 1
    state.write(_MARGIN, 9.5 if long else 11, width, sheet.record.title, 10 if long else 17, bold=True, lines=2)
    facts = f"Storyboard {sheet.key}  ·  {sheet.method}  ·  {len(sheet.frames)} frames  ·  {sheet.seconds:.1f} s"
    state.write(_MARGIN, 19.5, 200, facts, 8.5, colour=_QUIET)
    state.write(_WIDTH - _MARGIN - 60, 19.5, 60, f"page {page} of {pages}", 8.5, colour=_QUIET, align="R")
    pdf.set_draw_color(*_INK)
    pdf.set_line_width(0.4)
    pdf.line(_MARGIN, 25, _WIDTH - _MARGIN, 25)


def _frame(state: _State, part: _Part) -> None:
    pdf, frame, left, y = state.pdf, part.frame, part.left, part.top
    if part.pictured:
        _picture(state, frame, left, y)
        y += _PICTURE + 1.8
    number = f"{frame.number}" if part.pictured else f"{frame.number}, continued"
    state.write(left, y, _CELL if not part.pictured else 20, number, 11, bold=True, colour=_ACCENT)
    if part.pictured:
        if _beside(state, frame):
            state.write(left + 9, y + 0.9, _CELL - 50, _camera(frame), 7.5, colour=_QUIET)
        time = f"{timecode(frame.start)}  ·  {frame.seconds:.1f} s"
        state.write(left + _CELL - 45, y + 0.9, 45, time, 7.5, colour=_QUIET, align="R")
    y += 6
    for line in part.lines:
        y += line.gap
        pdf.set_font(state.family, "", line.size)
        pdf.set_text_color(*line.colour)
        pdf.set_xy(left, y)
        pdf.cell(_CELL, line.size * _STEP, line.text)
        y += line.size * _STEP


def _picture(state: _State, frame: SheetFrame, left: float, top: float) -> None:
    pdf = state.pdf
    if frame.data is None:
        pdf.set_fill_color(235, 233, 226)
        pdf.rect(left, top, _CELL, _PICTURE, style="F")
        told = f"{frame.row['status']}: {frame.row['reason']}"
        state.write(left + 4, top + 5, _CELL - 8, told, 8, colour=_BAD, lines=10)
    else:
        size = (round(_CELL / 25.4 * _DPI), round(_PICTURE / 25.4 * _DPI))
        buffer = io.BytesIO()
        fitted(frame.data, *size, ground="#efede6").save(buffer, "JPEG", quality=90)
        pdf.image(buffer, left, top, _CELL, _PICTURE, alt_text=state.text(frame.row["description"])[:200])
    pdf.set_draw_color(*_LINE)
    pdf.set_line_width(0.2)
    pdf.rect(left, top, _CELL, _PICTURE)


def _signature(state: _State, sheet: Sheet, y: float) -> None:
    pdf = state.pdf
    y = state.write(_MARGIN, y, 200, "Sign-off", 14, bold=True) + 4
    told = (
        f"These {len(sheet.frames)} frames, their words and their timing ({sheet.seconds:.1f} seconds in all) are "
        "approved for production as shown on the pages before."
    )
    y = state.write(_MARGIN, y, 190, told, 10, lines=3) + 13
    half = (_WIDTH - 2 * _MARGIN - 20) / 2
    pdf.set_draw_color(*_INK)
    for row in (("Name and role", "Company"), ("Signature", "Date")):
        for column, label in enumerate(row):
            x = _MARGIN + column * (half + 20)
            pdf.line(x, y, x + half, y)
            state.write(x, y + 1.5, half, label, 8, colour=_QUIET)
        y += 19
    missing = [str(frame.number) for frame in sheet.frames if not frame.drawn]
    if missing:
        y = (
            state.write(_MARGIN, y, 200, f"Without a picture: frames {', '.join(missing)}.", 9, colour=_BAD, lines=2)
            + 3
        )
    weak = [str(frame.number) for frame in sheet.frames if frame.row["below_threshold"]]
    if weak:
        y = (
            state.write(_MARGIN, y, 200, f"Below the quality threshold: frames {', '.join(weak)}.", 9, colour=_QUIET)
            + 3
        )
    state.write(_MARGIN, _HEIGHT - 12, _WIDTH - 2 * _MARGIN, f"Content {sheet.content_hash}", 7.5, colour=_QUIET)
