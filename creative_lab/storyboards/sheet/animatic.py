"""The animatic: the frames as a film in their timing, with their words below the picture and beside the film.

Subtitles are burnt in, so that the film can be shown anywhere, and also written as SRT and WebVTT with the same cues.
"""

from __future__ import annotations

import html
import io
from collections.abc import Iterator
from typing import Any

from creative_lab.storyboards.sheet.contact import fitted
from creative_lab.storyboards.sheet.cues import film_cues, frame_cues
from creative_lab.storyboards.sheet.fonts import picture_font, wrapped
from creative_lab.storyboards.sheet.gathering import FPS, Sheet, SheetFrame, timecode

WIDTH, HEIGHT = 1280, 720


def subtitle_files(sheet: Sheet) -> dict[str, bytes]:
    """``srt`` and ``vtt``; both empty of cues when nobody speaks."""
    import pysubs2

    files = {}
    for kind, escaped in (("srt", str), ("vtt", lambda text: html.escape(text, quote=False))):
        subs = pysubs2.SSAFile()
        for cue in film_cues(sheet):
            event = pysubs2.SSAEvent(start=cue.start_ms, end=cue.end_ms)
            event.plaintext = escaped("\n".join(cue.lines))
            subs.append(event)
        # Braces are words here, not the tags of another format.
        files[kind] = (subs.to_string(kind, keep_ssa_tags=True) or "").encode()
    return files


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
        for frame in sheet.frames:
            for first, last, picture in _stills(frame, width, height, burnt_in=burnt_in):
                still = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24").reformat(format="yuv420p")
                for number in range(first, last):
                    still.pts = number
                    film.mux(stream.encode(still))
        film.mux(stream.encode(None))
    return buffer.getvalue()


def _stills(frame: SheetFrame, width: int, height: int, *, burnt_in: bool) -> Iterator[tuple[int, int, Any]]:
    """What is seen of a frame: first picture, the one after the last, and the still, a new one for every cue."""
    bare = _still(frame, width, height)
    cues = frame_cues(frame) if burnt_in else []
    if not cues:
        yield frame.first, frame.last, bare
    font = picture_font(max(12, height // 22))
    step = round(font.size * 1.5)
    for cue in cues:
        picture = bare.copy()
        # A line is broken once more only where its letters are too wide for the picture.
        lines = [line for part in cue.lines for line in wrapped(part, font, width * 0.92, most=len(part))]
        for number, line in enumerate(lines):
            y = height * 0.94 - (len(lines) - number) * step
            _plate(picture, line, font, (width / 2, y), "middle")
        yield cue.first, cue.last, picture


def _still(frame: SheetFrame, width: int, height: int) -> Any:
    from PIL import Image, ImageDraw

    if frame.data is None:
        picture = Image.new("RGB", (width, height), "#2a2c33")
        pen = ImageDraw.Draw(picture)
        font = picture_font(max(12, height // 24))
        told = wrapped(f"frame {frame.number}: {frame.row['status']}, {frame.row['reason']}", font, width * 0.8, most=4)
        pen.multiline_text((width * 0.1, height * 0.4), "\n".join(told), "#e7e5dd", font=font, spacing=8)
    else:
        picture = fitted(frame.data, width, height)
    small = picture_font(max(10, height // 40))
    label = f"{frame.number}   {timecode(frame.start)}"
    _plate(picture, label, small, (width * 0.02, height * 0.03), "left")
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
