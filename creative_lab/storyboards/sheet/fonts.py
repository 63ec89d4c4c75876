"""A font that has more than Latin letters, where the machine has one."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts", "/System/Library/Fonts/Supplemental",
            "C:/Windows/Fonts")  # fmt: skip
_FAMILIES: tuple[tuple[str, str], ...] = (
    ("NotoSans-Regular.ttf", "NotoSans-Bold.ttf"),
    ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    ("LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf"),
    ("Arial Unicode.ttf", "Arial Bold.ttf"),
    ("arial.ttf", "arialbd.ttf"),
)


@lru_cache(maxsize=1)
def text_fonts() -> tuple[Path, Path] | None:
    """Files of a regular and a bold font, the one with the most scripts first; None when the machine has none."""
    found: dict[str, Path] = {}
    for folder in map(Path, _FOLDERS):
        if folder.is_dir():
            for file in folder.rglob("*.[tT][tT][fF]"):
                found.setdefault(file.name, file)
    for regular, bold in _FAMILIES:
        if regular in found:
            return found[regular], found.get(bold, found[regular])
    return None


def picture_font(size: int, *, bold: bool = False) -> Any:
    """A Pillow font of ``size`` pixels."""
    from PIL import ImageFont

    files = text_fonts()
    if files is None:
        return ImageFont.load_default(size)
    return ImageFont.truetype(str(files[1] if bold else files[0]), size)


def wrapped(text: str, font: Any, width: float, *, most: int) -> list[str]:
    """``text`` in lines of at most ``width`` pixels; what does not fit into ``most`` lines ends in an ellipsis."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and font.getlength(longer) > width:
            lines.append(line)
            line = word
        else:
            line = longer
    lines.append(line)
    if len(lines) > most:
        last = lines[most - 1]
        while last and font.getlength(f"{last}…") > width:
            last = last[:-1]
        lines = [*lines[: most - 1], f"{last.rstrip()}…"]
    return [line for line in lines if line]
