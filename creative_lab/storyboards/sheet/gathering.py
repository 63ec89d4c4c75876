"""A storyboard with everything that its documents show, gathered from the rows of its tables."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from creative_lab.lake.pictures import PictureStore
from creative_lab.storyboards.record import StoryboardRecord

FPS = 25
"""Pictures per second of animatic and timeline."""

_METHOD_NAMES = {
    "baseline": "Baseline",
    "simple": "Character LoRA",
    "reference_guided": "Reference-guided",
    "wireframe": "Wireframe",
}


@dataclass(frozen=True)
class SheetFrame:
    """One frame: its picture (None without one) and what is known about it. ``row`` is the one of its table.

    It stands from picture ``first`` of the film up to, and without, picture ``last``; :func:`in_time` sets both.
    """

    number: int
    data: bytes | None
    row: Mapping[str, Any]
    scene: Mapping[str, Any]
    tries: Sequence[Mapping[str, Any]] = ()
    first: int = 0
    last: int = 1

    @property
    def drawn(self) -> bool:
        """Whether there is a picture."""
        return self.data is not None

    @property
    def seconds(self) -> float:
        """How long it stands, in whole pictures of the film."""
        return (self.last - self.first) / FPS

    @property
    def start(self) -> float:
        """When it begins in the film, in seconds."""
        return self.first / FPS

    @property
    def notes(self) -> list[str]:
        """What was decided on the way as it should be, such as a LoRA that rests in a scene without its character."""
        return list(self.row.get("notes") or [])

    @property
    def file(self) -> str:
        """Name of its picture file."""
        suffix = "jpg" if self.data is not None and self.data.startswith(b"\xff\xd8") else "png"
        return f"frame_{self.number:03d}.{suffix}"

    @property
    def conditioning(self) -> str:
        """What guided the drawing, in words."""
        row, parts = self.row, []
        if row["status"] == "given":
            return "given picture, nothing drawn"
        if row["lora"]:
            parts.append(f"LoRA {row['lora']} at {row['lora_strength']:g}")
        if row["ip_adapter"]:
            scene = row["reference_scene"]
            whose = "the character's own face" if scene is None else f"face of frame {scene}"
            parts.append(f"{whose} at {row['ip_adapter_scale']:g}")
        if row["controlnet"]:
            parts.append(f"pose at {row['controlnet_scale']:g}")
        if row["redrawn_from"]:
            parts.append(f"small face drawn anew at {row['redraw_strength']:g}")
        return ", ".join(parts) or "text alone"


@dataclass(frozen=True)
class Sheet:
    """A storyboard as its documents need it."""

    record: StoryboardRecord
    frames: list[SheetFrame]
    backend: str
    siblings: list[Sheet] = field(default_factory=list)
    """Other storyboards of the same source, each with its own frames and no siblings."""

    @property
    def key(self) -> str:
        """Key of the storyboard."""
        return self.record.key

    @property
    def method(self) -> str:
        """How it is drawn, as people read it."""
        return _METHOD_NAMES[self.record.method]

    @property
    def drawn_by(self) -> str | None:
        """Who drew it, where that is no model of the size that people expect."""
        models = {frame.row["model"] for frame in self.frames if frame.row["model"]}
        if models == {"embedded/illustrator"}:
            return "line art by the illustrator"
        return "drawn by the miniature models" if self.backend == "miniature" and models else None

    @property
    def seconds(self) -> float:
        """Length of the film."""
        return self.frames[-1].last / FPS if self.frames else 0.0

    @property
    def anchor(self) -> int | None:
        """Number of the frame that the others are like: the first that others were drawn after."""
        return next((frame.number for frame in self.frames if frame.row["is_reference"]), None)

    @property
    def mean_overall(self) -> float | None:
        """Mean overall score of the frames that have one."""
        return _mean([frame.row["overall"] for frame in self.frames])

    @property
    def mean_identity(self) -> float | None:
        """Mean clip_identity of the frames that have one."""
        return _mean([frame.row["clip_identity"] for frame in self.frames])

    @property
    def content_hash(self) -> str:
        """SHA-256 of what a client signs off: every frame's picture, words and timing."""
        said = [
            [frame.number, frame.row["sha256"], frame.row["description"], frame.scene["dialogue"],
             frame.scene["shown_text"], frame.scene["shot"], frame.row["duration_seconds"]]
            for frame in self.frames
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()


def gather(
    record: StoryboardRecord,
    pictures: PictureStore,
    *,
    scenes: pl.DataFrame,
    frames: pl.DataFrame,
    scores: pl.DataFrame | None = None,
    candidates: pl.DataFrame | None = None,
) -> Sheet:
    """A sheet from the rows of one storyboard; scenes and frames meet by their number, never by their place."""
    by_scene = {row["scene"]: row for row in scenes.iter_rows(named=True)}
    tries: dict[int, list[dict[str, Any]]] = {}
    if scores is not None and candidates is not None:
        seeds = {(row["scene"], row["attempt"], row["candidate"]): row for row in candidates.iter_rows(named=True)}
        for row in scores.sort("scene", "attempt", "candidate").iter_rows(named=True):
            drawn = seeds.get((row["scene"], row["attempt"], row["candidate"]), {})
            tries.setdefault(row["scene"], []).append({**row, "seed": drawn.get("seed"), "path": drawn.get("path")})
    made = []
    for row in frames.sort("scene").iter_rows(named=True):
        data = pictures.read(row["path"]) if row["path"] else None
        made.append(SheetFrame(row["scene"], data, row, by_scene[row["scene"]], tries.get(row["scene"], [])))
    backend = str(frames["backend"][0]) if "backend" in frames.columns and frames.height else "miniature"
    return Sheet(record, in_time(made), backend)


def in_time(frames: Iterable[SheetFrame]) -> list[SheetFrame]:
    """The frames one after the other in the film.

    Each ends with the picture that is nearest to the sum of all lengths so far, so that the film never drifts from
    the script, however its rows are cut; a frame stands for one picture at least.
    """
    placed, first, seconds = [], 0, 0.0
    for frame in frames:
        seconds += float(frame.row["duration_seconds"])
        last = max(first + 1, round(seconds * FPS))
        placed.append(replace(frame, first=first, last=last))
        first = last
    return placed


def timecode(seconds: float) -> str:
    """``MM:SS:FF`` at 25 pictures a second."""
    pictures = round(seconds * FPS)
    return f"{pictures // (60 * FPS):02d}:{pictures // FPS % 60:02d}:{pictures % FPS:02d}"


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
