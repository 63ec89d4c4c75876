"""The page: a file that stands alone, shows all frames, and lays the methods of one source over each other."""

from __future__ import annotations

import base64
import io
import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from creative_lab.storyboards.record import StorySource
from creative_lab.storyboards.sheet.gathering import Sheet, SheetFrame, timecode

if TYPE_CHECKING:
    from jinja2 import Template

LARGEST = 960
"""Longest side in pixels of a picture within the page."""
_ORDER = ("wireframe", "baseline", "simple", "reference_guided")


def render_page(sheet: Sheet) -> str:
    """The storyboard as one HTML file without any reference to the outside.

    With siblings (other methods of the same source) every frame has a slider between two of them.
    """
    boards = sorted([sheet, *sheet.siblings], key=lambda board: (_ORDER.index(board.record.method), board.key))
    own = boards.index(sheet)
    other = next((index for index in range(len(boards)) if index != own), own)
    data = [
        {
            "key": board.key,
            "method": board.method,
            "frames": {
                str(frame.number): {
                    "src": data_url(frame.data) if frame.data is not None else None,
                    "recipe": str(recipe(frame, board)),
                }
                for frame in board.frames
            },
        }
        for board in (boards if len(boards) > 1 else [])
    ]
    source = sheet.record.source
    sizes = [(frame.row["width"], frame.row["height"]) for frame in sheet.frames if frame.drawn]
    fallbacks = {frame.row["fallback"] for frame in sheet.frames}
    width, height = max(set(sizes), key=sizes.count) if sizes else (16, 9)
    return _template().render(
        sheet=sheet,
        boards=boards,
        start=(other, own) if other < own else (own, other),
        story=source.story if isinstance(source, StorySource) else None,
        ratio=f"{width} / {height}",
        common=next(iter(fallbacks)) if len(fallbacks) == 1 else None,  # said once, not under every frame
        recipes={frame.number: recipe(frame, sheet) for frame in sheet.frames},
        # A closing tag inside a string would end the script element.
        data=Markup(json.dumps(data, ensure_ascii=False).replace("</", "<\\/").replace("<!--", "<\\!--")),  # noqa: S704
    )


def data_url(data: bytes) -> str:
    """A picture as a data URL: as it is when it is small, else scaled down as a JPEG."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        kind = "jpeg" if picture.format == "JPEG" else "png"
        if max(picture.size) > LARGEST or len(data) > 400_000:
            small = picture.convert("RGB")
            small.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
            buffer = io.BytesIO()
            small.save(buffer, "JPEG", quality=88)
            data, kind = buffer.getvalue(), "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def recipe(frame: SheetFrame, board: Sheet) -> Markup:
    """How a frame was drawn and what it is worth, as HTML."""
    row = frame.row
    facts = [
        ("seed", "none: the model takes no seed" if row["seed"] is None and row["model"] else row["seed"]),
        ("model", row["model"]),
        ("guided by", frame.conditioning),
        (
            "steps, guidance",
            f"{row['steps']}, {row['guidance_scale']:g}" if row["guidance_scale"] is not None else None,
        ),
        ("overall", _figure(row["overall"], 1)),
        ("text match", _figure(row["clip_text"], 3)),
        (f"likeness to frame {board.anchor or 1}", _figure(row["clip_identity"], 3)),
        ("face likeness", _figure(row["face_similarity"], 3)),
        ("faces", f"{row['faces_found']} of {row['expected_faces']}" if row["faces_found"] is not None else None),
        ("tries", f"{row['attempts']}, {row['candidates']} pictures" if row["attempts"] else None),
    ]
    lines = [f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts if value not in (None, "–")]
    parts = [f"<h3>{escape(board.method)}</h3><dl>{''.join(lines)}</dl>"]
    told = (
        ("Notes", "; ".join(frame.notes)),
        ("Prompt", row["prompt"]),
        ("Not shown", row["negative_prompt"]),
        ("Chosen", row["reason"]),
    )
    for name, value in told:
        if value:
            parts.append(f"<h3>{name}</h3><p>{escape(value)}</p>")
    return Markup("".join(parts))  # noqa: S704 - every value is escaped above


def _figure(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


@lru_cache(maxsize=1)
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
    )
    filters: dict[str, Any] = {"figure": _figure, "timecode": timecode, "picture": data_url}
    environment.filters.update(filters)
    return environment.get_template("page.html.j2")
