"""The PDF that a client signs: picture, action, dialogue, shot and timing of every frame, and a place to sign."""

from __future__ import annotations

import importlib.util
import io
from typing import Any

from creative_lab.storyboards.sheet.contact import fitted
from creative_lab.storyboards.sheet.fonts import text_fonts
from creative_lab.storyboards.sheet.gathering import Sheet, SheetFrame, timecode

_INK, _QUIET, _LINE, _ACCENT, _BAD = (22, 24, 29), (102, 112, 133), (200, 203, 210), (47, 93, 80), (180, 35, 24)
_WIDTH, _HEIGHT, _MARGIN, _GAP = 297.0, 210.0, 14.0, 7.0
_COLUMNS, _TOP, _TEXT = 3, 30.0, 33.0
_DPI = 200


def sign_off_pdf(sheet: Sheet) -> tuple[bytes, str | None]:
    """The PDF (A4, landscape, six frames a page) and a note about what it could not show; None when it shows all."""
    from fpdf import FPDF

    pdf = FPDF(orientation="landscape", format="A4")
    family, covered = _font(pdf)
    state = _State(pdf, family, covered)
    pdf.set_auto_page_break(False)
    pdf.c_margin = 0
    pdf.set_title(state.text(sheet.record.title))
    pdf.set_creator("Creative Lab")
    pdf.set_lang("en")
    cell = (_WIDTH - 2 * _MARGIN - (_COLUMNS - 1) * _GAP) / _COLUMNS
    picture_height = cell * 9 / 16
    per_page = 2 * _COLUMNS
    pages = max(1, -(-len(sheet.frames) // per_page))
    # A half-empty last page has room for the signatures.
    on_last = 1 <= (len(sheet.frames) % per_page) <= _COLUMNS
    total = pages if on_last else pages + 1
    for index, frame in enumerate(sheet.frames):
        place = index % per_page
        if place == 0:
            pdf.add_page()
            _head(state, sheet, index // per_page + 1, total)
        left = _MARGIN + place % _COLUMNS * (cell + _GAP)
        top = _TOP + place // _COLUMNS * (picture_height + _TEXT + 4)
        _frame(state, frame, left, top, cell, picture_height)
    if on_last:
        _signature(state, sheet, _TOP + picture_height + _TEXT + 6)
    else:
        pdf.add_page()
        _head(state, sheet, total, total)
        _signature(state, sheet, 36)
    note = None
    if state.lost:
        letters = "".join(sorted(state.lost))[:40]
        note = f"no font of this machine has: {letters}; the page and the subtitles show them"
    return bytes(pdf.output()), note


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

    def write(
        self, x: float, y: float, width: float, value: str, size: float, *, bold: bool = False,
        colour: tuple[int, int, int] = _INK, lines: int = 1, align: str = "L",
    ) -> float:  # fmt: skip
        """Write at most ``lines`` lines; returns where the next text may begin."""
        pdf = self.pdf
        pdf.set_font(self.family, "B" if bold else "", size)
        pdf.set_text_color(*colour)
        step = size * 0.45
        shown = pdf.multi_cell(width, step, self.text(value), align=align, dry_run=True, output="LINES")
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
    state.write(_MARGIN, 11, 190, sheet.record.title, 17, bold=True)
    facts = f"Storyboard {sheet.key}  ·  {sheet.method}  ·  {len(sheet.frames)} frames  ·  {sheet.seconds:.1f} s"
    state.write(_MARGIN, 19.5, 200, facts, 8.5, colour=_QUIET)
    state.write(_WIDTH - _MARGIN - 60, 19.5, 60, f"page {page} of {pages}", 8.5, colour=_QUIET, align="R")
    pdf.set_draw_color(*_INK)
    pdf.set_line_width(0.4)
    pdf.line(_MARGIN, 25, _WIDTH - _MARGIN, 25)


def _frame(state: _State, frame: SheetFrame, left: float, top: float, width: float, height: float) -> None:
    pdf = state.pdf
    if frame.data is None:
        pdf.set_fill_color(235, 233, 226)
        pdf.rect(left, top, width, height, style="F")
        state.write(
            left + 4, top + 5, width - 8, f"{frame.row['status']}: {frame.row['reason']}", 8, colour=_BAD, lines=5
        )
    else:
        size = (round(width / 25.4 * _DPI), round(height / 25.4 * _DPI))
        buffer = io.BytesIO()
        fitted(frame.data, *size, ground="#efede6").save(buffer, "JPEG", quality=90)
        pdf.image(buffer, left, top, width, height, alt_text=state.text(frame.row["description"])[:200])
    pdf.set_draw_color(*_LINE)
    pdf.set_line_width(0.2)
    pdf.rect(left, top, width, height)
    y = top + height + 1.8
    state.write(left, y, 20, f"{frame.number}", 11, bold=True, colour=_ACCENT)
    camera = ", ".join(part for part in (frame.scene["shot"], frame.scene["camera"]) if part)
    state.write(left + 9, y + 0.9, width - 50, camera, 7.5, colour=_QUIET)
    time = f"{timecode(frame.row['start_seconds'])}  ·  {frame.seconds:.1f} s"
    state.write(left + width - 45, y + 0.9, 45, time, 7.5, colour=_QUIET, align="R")
    y = state.write(left, y + 6, width, frame.row["description"], 8, lines=3) + 0.8
    if frame.scene["dialogue"]:
        y = state.write(left, y, width, f"“{frame.scene['dialogue']}”", 8, colour=_ACCENT, lines=2) + 0.6
    if frame.scene["shown_text"]:
        state.write(left, y, width, f"On screen: {frame.scene['shown_text']}", 7.5, colour=_QUIET, lines=1)


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
        y = state.write(_MARGIN, y, 200, f"Without a picture: frames {', '.join(missing)}.", 9, colour=_BAD) + 3
    weak = [str(frame.number) for frame in sheet.frames if frame.row["below_threshold"]]
    if weak:
        y = (
            state.write(_MARGIN, y, 200, f"Below the quality threshold: frames {', '.join(weak)}.", 9, colour=_QUIET)
            + 3
        )
    state.write(_MARGIN, _HEIGHT - 12, _WIDTH - 2 * _MARGIN, f"Content {sheet.content_hash}", 7.5, colour=_QUIET)
