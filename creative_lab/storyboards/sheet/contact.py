"""The contact sheet: every frame on one picture, with number, shot, time and what is seen and heard."""

from __future__ import annotations

import io
import math
from typing import Any

from creative_lab.storyboards.sheet.fonts import picture_font, wrapped
from creative_lab.storyboards.sheet.gathering import Sheet, SheetFrame, timecode

_INK, _QUIET, _PAPER, _GROUND, _ACCENT, _BAD = "#16181d", "#667085", "#ffffff", "#efede6", "#2f5d50", "#b42318"
_CELL, _GAP, _MARGIN = 480, 36, 64
_TEXT = 118


def contact_sheet(sheet: Sheet) -> bytes:
    """A PNG with all frames: three or four in a row, pictures whole, words below."""
    from PIL import Image, ImageDraw

    ratio = _ratio(sheet)
    columns = 4 if len(sheet.frames) > 6 and ratio <= 1.3 else 3
    picture_height = round(_CELL / ratio)
    rows = math.ceil(len(sheet.frames) / columns)
    width = 2 * _MARGIN + columns * _CELL + (columns - 1) * _GAP
    top = 190
    height = top + rows * (picture_height + _TEXT + _GAP) + _MARGIN - _GAP + 24
    page = Image.new("RGB", (width, height), _GROUND)
    pen = ImageDraw.Draw(page)
    pen.text((_MARGIN, 58), _cut(sheet.record.title, picture_font(46, bold=True), width - 2 * _MARGIN), _INK,
             font=picture_font(46, bold=True))  # fmt: skip
    pen.text((_MARGIN, 122), _facts(sheet), _QUIET, font=picture_font(22))
    pen.line([(_MARGIN, 164), (width - _MARGIN, 164)], fill=_INK, width=2)
    for index, frame in enumerate(sheet.frames):
        left = _MARGIN + index % columns * (_CELL + _GAP)
        upper = top + index // columns * (picture_height + _TEXT + _GAP)
        _cell(page, pen, frame, (left, upper), (_CELL, picture_height))
    buffer = io.BytesIO()
    page.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _cell(page: Any, pen: Any, frame: SheetFrame, at: tuple[int, int], size: tuple[int, int]) -> None:
    left, top = at
    width, height = size
    pen.rectangle((left, top, left + width - 1, top + height + _TEXT - 1), fill=_PAPER)
    if frame.data is None:
        pen.rectangle((left, top, left + width - 1, top + height - 1), fill="#d9d6cc")
        told = wrapped(f"{frame.row['status']}: {frame.row['reason']}", picture_font(22), width - 48, most=5)
        pen.multiline_text((left + 24, top + 24), "\n".join(told), _BAD, font=picture_font(22), spacing=8)
    else:
        picture = fitted(frame.data, width, height)
        page.paste(picture, at)
    number, small = picture_font(24, bold=True), picture_font(17)
    shot = frame.scene["shot"] or ""
    pen.text((left + 18, top + height + 14), f"{frame.number}", _ACCENT, font=number)
    pen.text((left + 26 + number.getlength(str(frame.number)), top + height + 20), shot, _QUIET, font=small)
    time = f"{timecode(frame.start)}   {frame.seconds:.1f} s"
    pen.text((left + width - 18 - small.getlength(time), top + height + 20), time, _QUIET, font=small)
    words = picture_font(19)
    lines = wrapped(frame.row["description"], words, width - 36, most=2)
    pen.multiline_text((left + 18, top + height + 50), "\n".join(lines), _INK, font=words, spacing=6)


def fitted(data: bytes, width: int, height: int, ground: str = "#16181d") -> Any:
    """A picture scaled to fit into ``width`` × ``height``, centred on ``ground`` (a PIL picture)."""
    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(data)) as opened:
        picture = ImageOps.contain(opened.convert("RGB"), (width, height), Image.Resampling.LANCZOS)
    if picture.size == (width, height):
        return picture
    canvas = Image.new("RGB", (width, height), ground)
    canvas.paste(picture, ((width - picture.width) // 2, (height - picture.height) // 2))
    return canvas


def _ratio(sheet: Sheet) -> float:
    """Width by height of most frames."""
    ratios = [frame.row["width"] / frame.row["height"] for frame in sheet.frames if frame.drawn]
    return max(set(ratios), key=ratios.count) if ratios else 16 / 9


def _facts(sheet: Sheet) -> str:
    parts = [sheet.method, f"{len(sheet.frames)} frames", f"{sheet.seconds:.1f} s"]
    if sheet.record.source.character:
        parts.append(f"character {sheet.record.source.character}")
    if sheet.drawn_by:
        parts.append(sheet.drawn_by)
    return "   ·   ".join(parts)


def _cut(text: str, font: Any, width: float) -> str:
    return wrapped(text, font, width, most=1)[0]
