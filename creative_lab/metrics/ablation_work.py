"""The ablation from what is stored: tables, ``results.md`` and a page, below HOME/reports/ablation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from creative_lab.lake.fs import FileSystem
from creative_lab.lake.tables import TableStore
from creative_lab.metrics import proof_report
from creative_lab.metrics.ablation import arms_table, deltas_table, frame_values
from creative_lab.metrics.matching import ARMS, LeftOut, compared, stale
from creative_lab.metrics.proof_tables import FaceConsistency, MetricValidity, StoryboardConsistency, UserStudy

if TYPE_CHECKING:
    from creative_lab.settings import Settings


@dataclass(frozen=True)
class Report:
    """What the ablation found and where it can be read."""

    arms: list[dict[str, Any]]
    deltas: list[dict[str, Any]]
    markdown: str
    page: Path
    storyboards: int
    left_out: list[LeftOut]
    """Storyboards of these methods that were not compared, each with the reason."""


def build(settings: Settings, *, seed: int = 0) -> Report:
    """Compare all stored storyboards that were drawn alike under every method, and write the report.

    Raises ValueError when there is no story that was drawn under every method with the same scenes, settings, seed
    and LoRA, or when faces were not measured on the pictures that are stored now.
    """
    from creative_lab.storyboards.tables import FrameCandidates, StoryboardFrames

    store = TableStore(settings)
    found = compared(store.read(StoryboardFrames), store.read(FrameCandidates))
    frames = found.frames
    if not frames.height:
        reasons = "; ".join(f"{one.storyboard}: {one.reason}" for one in found.left_out[:6])
        told = f" ({reasons})" if reasons else ""
        raise ValueError(f"no story was drawn under all of {', '.join(ARMS)} with one character yet{told}")
    faces, storyboards = store.read(FaceConsistency), store.read(StoryboardConsistency)
    unmeasured = sorted(set(frames["storyboard"]) - set(storyboards["storyboard"]))
    if unmeasured:
        raise ValueError(f"face_consistency is missing for {', '.join(unmeasured)}: materialize it first")
    if old := stale(frames, faces):
        raise ValueError(
            f"face_consistency of {', '.join(old)} was measured on other pictures than those of storyboard_frames: "
            "materialize it again"
        )
    backend = str(frames["backend"][0])
    values = frame_values(frames, faces)
    arms = arms_table(values, storyboards, seed=seed)
    deltas = deltas_table(values, storyboards, seed=seed)
    validity = store.read(MetricValidity).sort("question", "metric").to_dicts()
    study = store.read(UserStudy).to_dicts()
    count = frames["storyboard"].n_unique()
    markdown = proof_report.results_markdown(
        arms, deltas, validity, study, measured_on=backend, storyboards=count, left_out=found.left_out
    )
    lake = FileSystem.of_lake(settings)
    page = proof_report.page(
        _strips(frames), arms, deltas, validity, measured_on=backend, read=lake.read_bytes, left_out=found.left_out
    )
    files = FileSystem(settings.reports_dir)
    files.write_bytes("ablation/results.md", markdown.encode())
    files.write_bytes("ablation/index.html", page.encode())
    return Report(arms, deltas, markdown, files.path("ablation/index.html"), count, found.left_out)


def _strips(frames: pl.DataFrame) -> list[proof_report.Strip]:
    strips = []
    for rows in frames.sort("scene").partition_by("storyboard", maintain_order=True):
        first = rows.row(0, named=True)
        names = tuple(rows["thumbnail_path"].to_list()[:10])
        strips.append(proof_report.Strip(first["title"], first["character"] or "", first["method"], names))
    return sorted(strips, key=lambda strip: (strip.title, strip.character, ARMS.index(strip.method)))
