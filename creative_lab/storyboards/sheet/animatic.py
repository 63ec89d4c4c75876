"""The animatic: the frames as a film in their timing, with their words below the picture and beside the film.

Subtitles are burnt in, so that the film can be shown anywhere, and also written as SRT and WebVTT in the script's
timing.
"""

from __future__ import annotations

import io
from typing import Any

from creative_lab.storyboards.sheet.contact import fitted
from creative_lab.storyboards.sheet.fonts import picture_font, wrapped
from creative_lab.storyboards.sheet.gathering import FPS, Sheet, SheetFrame, timecode

WIDTH, HEIGHT = 1280, 720


def subtitles(sheet: Sheet) -> Any:
    """What is heard and shown, as pysubs2 subtitles timed like the film."""
    import pysubs2

    subs = pysubs2.SSAFile()
    start = 0.0
    for frame in sheet.frames:
        text = _words(frame)
        if text:
            begin, end = round(start * 1000), round((start + frame.seconds) * 1000)
            subs.append(pysubs2.SSAEvent(start=begin, end=end, text=text))
        start += frame.seconds
    return subs


def subtitle_files(sheet: Sheet) -> dict[str, bytes]:
    """``srt`` and ``vtt``; both empty of cues when nobody speaks."""
    subs = subtitles(sheet)
    return {kind: (subs.to_string(kind) or "").encode() for kind in ("srt", "vtt")}


def animatic(sheet: Sheet, *, width: int = WIDTH, height: int = HEIGHT, burnt_in: bool = True) -> bytes:
    """An MP4 (H.264, 25 pictures a second, yuv420p) with one still per frame for as long as it stands.

    A frame without a picture is a slate that says why. ``width`` and ``height`` are even.
    """
    import av
    import numpy as np

    buffer = io.BytesIO()
    with av.open(buffer, mode="w", format="mp4") as film:
        film.metadata["title"] = sheet.record.title
        stream: Any = film.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"preset": "veryfast", "crf": "18", "tune": "stillimage"}
        stream.thread_count = 1
        start = 0.0
        for frame in sheet.frames:
            still = av.VideoFrame.from_ndarray(
                np.asarray(_still(frame, start, width, height, burnt_in=burnt_in)), format="rgb24"
            )
            still = still.reformat(format="yuv420p")
            for number in range(round(frame.seconds * FPS)):
                still.pts = round(start * FPS) + number
                film.mux(stream.encode(still))
            start += frame.seconds
        film.mux(stream.encode(None))
    return buffer.getvalue()


def _still(frame: SheetFrame, start: float, width: int, height: int, *, burnt_in: bool) -> Any:
    from PIL import Image, ImageDraw

    if frame.data is None:
        picture = Image.new("RGB", (width, height), "#2a2c33")
        pen = ImageDraw.Draw(picture)
        font = picture_font(max(12, height // 24))
        told = wrapped(f"frame {frame.number}: {frame.row['status']}, {frame.row['reason']}", font, width * 0.8, most=4)
        pen.multiline_text((width * 0.1, height * 0.4), "\n".join(told), "#e7e5dd", font=font, spacing=8)
    else:
        picture = fitted(frame.data, width, height)
        pen = ImageDraw.Draw(picture)
    small = picture_font(max(10, height // 40))
    label = f"{frame.number}   {timecode(start)}"
    _plate(picture, label, small, (width * 0.02, height * 0.03), "left")
    text = _words(frame) if burnt_in else ""
    if text:
        font = picture_font(max(12, height // 22))
        lines = [line for part in text.split("\n") for line in wrapped(part, font, width * 0.84, most=2)]
        step = round(font.size * 1.5)
        for number, line in enumerate(lines):
            y = height * 0.94 - (len(lines) - number) * step
            _plate(picture, line, font, (width / 2, y), "middle")
    return picture


def _plate(picture: Any, text: str, font: Any, at: tuple[float, float], anchor: str) -> None:
    """A line of text on a dark plate that keeps it readable over any picture."""
    from PIL import Image, ImageDraw

    left, top, right, bottom = font.getbbox(text)
    pad = font.size * 0.35
    x = at[0] - (right - left) / 2 if anchor == "middle" else at[0]
    area = (
        round(x - pad),
        round(at[1] + top - pad * 0.7),
        round(x + right - left + pad),
        round(at[1] + bottom + pad * 0.7),
    )
    inside = (max(0, area[0]), max(0, area[1]), min(picture.width, area[2]), min(picture.height, area[3]))
    if inside[0] < inside[2] and inside[1] < inside[3]:
        under = picture.crop(inside)
        picture.paste(Image.blend(under, Image.new("RGB", under.size, "#0c0d10"), 0.66), inside[:2])
    ImageDraw.Draw(picture).text((x - left, at[1]), text, "#ffffff", font=font)


def _words(frame: SheetFrame) -> str:
    """What is heard, and what is to be read, on a line of its own in brackets."""
    heard, shown = frame.scene["dialogue"], frame.scene["shown_text"]
    return "\n".join(part for part in (heard, f"[{shown}]" if shown else None) if part)
