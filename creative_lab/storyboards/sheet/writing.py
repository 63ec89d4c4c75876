"""Writing all documents of a storyboard below HOME/reports/storyboards/KEY."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from creative_lab.lake.fs import FileSystem
from creative_lab.storyboards.sheet import documents
from creative_lab.storyboards.sheet.animatic import animatic, subtitle_files
from creative_lab.storyboards.sheet.contact import contact_sheet
from creative_lab.storyboards.sheet.cues import hasty
from creative_lab.storyboards.sheet.gathering import Sheet
from creative_lab.storyboards.sheet.page import render_page
from creative_lab.storyboards.sheet.pdf import sign_off_pdf
from creative_lab.storyboards.sheet.timeline import timeline

if TYPE_CHECKING:
    from creative_lab.settings import Settings

FOLDER = "storyboards"


def write_sheet(settings: Settings, sheet: Sheet, *, video: bool = True) -> list[dict[str, Any]]:
    """Write every document; returns the rows of ``storyboard_sheet``. ``video`` False leaves the animatic out."""
    files = FileSystem(settings.reports_dir)
    rows: list[dict[str, Any]] = []

    def put(document: str, name: str, data: bytes, note: str | None = None) -> None:
        stored = files.write_bytes(f"{FOLDER}/{sheet.key}/{name}", data)
        rows.append(
            {
                "storyboard": sheet.key,
                "document": document,
                "path": f"{FOLDER}/{sheet.key}/{name}",
                "sha256": stored.sha256,
                "bytes": len(data),
                "frames": len(sheet.frames),
                "note": note,
            }
        )

    _frames(files, sheet)
    missing = [str(frame.number) for frame in sheet.frames if not frame.drawn]
    gaps = f"no picture for frames {', '.join(missing)}" if missing else None
    put("contact_sheet", "contact_sheet.png", contact_sheet(sheet), gaps)
    put("page", "index.html", render_page(sheet).encode(), gaps)
    pdf, note = sign_off_pdf(sheet)
    put("pdf", "storyboard.pdf", pdf, note or gaps)
    if video:
        put("animatic", "animatic.mp4", animatic(sheet), gaps)
    fast = hasty(sheet)
    hurried = f"too many words to read in their time: frames {', '.join(map(str, fast))}" if fast else None
    for kind, data in subtitle_files(sheet).items():
        put(f"subtitles_{kind}", f"animatic.{kind}", data, hurried if b"-->" in data else "nobody speaks")
    put("timeline", "timeline.otio", timeline(sheet), gaps)
    facts: dict[str, Callable[[Sheet], Any]] = {
        "metadata": documents.metadata,
        "scene_breakdown": documents.scene_breakdown,
        "report": documents.report,
        "sdxl_prompts": documents.drawn_prompts,
    }
    for name, make in facts.items():
        put(name, f"{name}.json", documents.as_json(make(sheet)))
    return rows


def _frames(files: FileSystem, sheet: Sheet) -> None:
    """The chosen pictures under the names that timeline and metadata use; those of longer versions go."""
    folder = f"{FOLDER}/{sheet.key}/frames"
    wanted = {f"{folder}/{frame.file}" for frame in sheet.frames if frame.drawn}
    for file in files.list(folder):
        if file.name not in wanted:
            files.remove(file.name)
    for frame in sheet.frames:
        if frame.data is not None:
            files.write_bytes(f"{folder}/{frame.file}", frame.data)
