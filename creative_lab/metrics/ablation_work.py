"""The ablation from what is stored: tables, ``results.md`` and a page, below HOME/reports/ablation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from creative_lab.lake.fs import FileSystem
from creative_lab.lake.tables import TableStore
from creative_lab.metrics import proof_report
from creative_lab.metrics.ablation import ARMS, arms_table, compared, deltas_table, frame_values
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


def build(settings: Settings, *, seed: int = 0) -> Report:
    """Compare all stored storyboards that were drawn under every method, and write the report.

    Only figures of the profile that drew most of them are compared. Raises ValueError when there is no story that
    was drawn and measured under every method.
    """
    from creative_lab.storyboards.tables import StoryboardFrames

    store = TableStore(settings)
    frames = compared(store.read(StoryboardFrames))
    if not frames.height:
        raise ValueError(f"no story was drawn under all of {', '.join(ARMS)} with one character yet")
    faces, storyboards = store.read(FaceConsistency), store.read(StoryboardConsistency)
    unmeasured = sorted(set(frames["storyboard"]) - set(storyboards["storyboard"]))
    if unmeasured:
        raise ValueError(f"face_consistency is missing for {', '.join(unmeasured)}: materialize it first")
    backend = str(frames["backend"].cast(pl.String).mode().sort()[0])
    frames = frames.filter(pl.col("backend").cast(pl.String) == backend)
    values = frame_values(frames, faces)
    arms = arms_table(values, storyboards, seed=seed)
    deltas = deltas_table(values, storyboards, seed=seed)
    validity = store.read(MetricValidity).sort("question", "metric").to_dicts()
    study = store.read(UserStudy).to_dicts()
    count = frames["storyboard"].n_unique()
    markdown = proof_report.results_markdown(arms, deltas, validity, study, measured_on=backend, storyboards=count)
    lake = FileSystem.of_lake(settings)
    page = proof_report.page(_strips(frames), arms, deltas, validity, measured_on=backend, read=lake.read_bytes)
    files = FileSystem(settings.reports_dir)
    files.write_bytes("ablation/results.md", markdown.encode())
    files.write_bytes("ablation/index.html", page.encode())
    return Report(arms, deltas, markdown, files.path("ablation/index.html"), count)


def _strips(frames: pl.DataFrame) -> list[proof_report.Strip]:
    strips = []
    for rows in frames.sort("scene").partition_by("storyboard", maintain_order=True):
        first = rows.row(0, named=True)
        names = tuple(rows["thumbnail_path"].to_list()[:10])
        strips.append(proof_report.Strip(first["title"], first["character"] or "", first["method"], names))
    return sorted(strips, key=lambda strip: (strip.title, strip.character, ARMS.index(strip.method)))
