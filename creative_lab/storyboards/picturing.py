"""The room's work on pictures and documents of one storyboard: drawing with everything that judges it, and the sheet.

A language model leaves the memory before a picture model is loaded. Nothing here knows of Dagster.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from creative_lab.lake.events import record_event, stage
from creative_lab.lake.schemas import table_frame
from creative_lab.storyboards import prompts, scenes, stored
from creative_lab.storyboards.record import StoryboardRecord
from creative_lab.storyboards.tables import FrameCandidates, QualityScores, StoryboardFrames, StoryboardSheet
from creative_lab.storyboards.traces import Traces
from creative_lab.storyboards.work import lead_of, lora_of, record_of

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from creative_lab.imaging.generation import PictureStudio
    from creative_lab.settings import Settings
    from creative_lab.storyboards.boards import Board
    from creative_lab.storyboards.sheet.gathering import Sheet
    from creative_lab.vision.models import VisionModels


@dataclass
class LoadLog:
    """Which models came into memory and left it, in order; a test reads it, and events carry it."""

    lines: list[str] = field(default_factory=list)

    def note(self, line: str) -> None:
        """Add a line."""
        self.lines.append(line)


def draw(
    settings: Settings,
    key: str,
    scene_frame: pl.DataFrame,
    prompt_frame: pl.DataFrame,
    *,
    run_id: str,
    studio: PictureStudio | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    say: Callable[[str], None] = lambda _: None,
    loads: LoadLog | None = None,
) -> Board:
    """Draw, score and choose: rows of ``frame_candidates``, ``quality_scores`` and ``storyboard_frames``."""
    from creative_lab.imaging.catalogue import Catalogue
    from creative_lab.lake.pictures import PictureStore
    from creative_lab.storyboards.boards import Easel, draw_storyboard
    from creative_lab.storyboards.drawing import roles_of
    from creative_lab.storyboards.judging import Judge
    from creative_lab.storyboards.ledger import Ledger
    from creative_lab.vision.models import VisionModels

    record = record_of(settings, key)
    ledger = Ledger(settings, key)
    ledger.start(run_id)
    catalogue = Catalogue.load(settings)
    roles = roles_of(catalogue, record)
    wears = record.method in ("simple", "reference_guided") and not roles.hosted
    lora = lora_of(settings, record.source.character) if wears else None
    lead = lead_of(settings, record.source.character)

    def on_scene(row: dict[str, Any]) -> None:
        status = {"failed": "fail", "fallback": "warn"}.get(row["status"], "warn" if row["below_threshold"] else "ok")
        record_event(
            settings, stage="storyboard_frame", run_id=run_id, storyboard=key, scene=str(row["scene"]),
            character=record.source.character, status=status, reason=row["reason"],  # type: ignore[arg-type]
            attempt=max(1, row["attempts"]), duration_ms=row["seconds"] * 1000, model=row["model"],
            cost_usd=row["cost_usd"], detail={"overall": row["overall"], "fallback": row["fallback"]},
        )  # fmt: skip

    with (
        Traces(settings, key, run_id, keep=record.settings.keep_traces) as traces,
        VisionModels(settings) as models,
        _drawing(settings, catalogue, roles.hosted, studio, loads or LoadLog()) as painter,
    ):
        own = own_paths(settings, record.source.character)
        mean, own_picture = own_face(settings, models, own)
        return draw_storyboard(
            record,
            scenes.scenes_of(scene_frame),
            prompts.prompts_of(prompt_frame),
            Easel(
                settings=settings,
                catalogue=catalogue,
                roles=roles,
                studio=painter,
                judge=Judge(models, mean),
                pictures=PictureStore(settings),
                ledger=ledger,
                traces=traces,
                lora=lora,
                identity=lead.identity if lead else None,
                own_picture=own_picture,
                own_pictures=own,
                cancelled=cancelled,
                say=say,
                on_scene=on_scene,
            ),
        )


OWN_PICTURES = 12
"""Most of a character's own pictures that frames are compared with."""


def own_paths(settings: Settings, character: str | None) -> list[str]:
    """Names below the lake of the character's training pictures that frames are compared with.

    Only every second one counts: the proof measures with the others, so that frames are not chosen by what measures
    them.
    """
    from creative_lab.lake.tables import TableStore

    store, partition = TableStore(settings), {"character": character or ""}
    if character is None or not store.exists("training_set", partition):
        return []
    rows = store.read("training_set", [partition])
    return rows.filter(rows["used"]).sort("picture")["path"].to_list()[1::2][:OWN_PICTURES]


def own_face(
    settings: Settings, models: VisionModels, paths: Sequence[str]
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """The mean face of a character's pictures and the picture (RGB) whose face is nearest to it.

    Both are None without pictures, a face in them or a face model.
    """
    from creative_lab.lake.fs import FileSystem
    from creative_lab.vision.faces import main_faces, mean_face
    from creative_lab.vision.pictures import open_picture

    finder = models.faces() if paths else None
    if finder is None:
        return None, None
    lake = FileSystem.of_lake(settings)
    pictures = [open_picture(lake.read_bytes(path), name=path) for path in paths]
    found = main_faces(finder, pictures, fallback=False)
    mean = mean_face(found)
    if mean is None:
        return None, None
    near = [-1.0 if face.embedding is None else float(face.embedding @ mean) for face in found]
    return mean, pictures[max(range(len(near)), key=near.__getitem__)]


@contextlib.contextmanager
def _drawing(
    settings: Settings, catalogue: Any, hosted: bool, studio: PictureStudio | None, loads: LoadLog
) -> Iterator[Any]:
    """Whoever draws; a studio of our own leaves the memory afterwards."""
    if studio is not None:
        yield studio
        return
    if hosted:
        from creative_lab.imaging.hosted import HostedStudio

        yield HostedStudio(catalogue)
        return
    own = one_at_a_time(settings, catalogue, loads)
    try:
        yield own
    finally:
        own.evict()
        loads.note("picture model left")


def one_at_a_time(settings: Settings, catalogue: Any, loads: LoadLog) -> PictureStudio:
    """A studio before whose model is loaded every language model leaves the memory."""
    from creative_lab.imaging.generation import PictureStudio
    from creative_lab.language.local_models import shared_local_models

    def make_room() -> None:
        local = shared_local_models(settings)
        if local.resident:
            loads.note(f"language model left: {local.resident}")
        local.unload()
        loads.note("picture model is loaded")

    return PictureStudio(settings, catalogue=catalogue, before_loading=make_room)


def frames_of(board: Board) -> dict[str, pl.DataFrame]:
    """The board's rows as the frames of their tables, with every column of its type."""
    return {
        "frame_candidates": table_frame(FrameCandidates, board.candidates),
        "quality_scores": table_frame(QualityScores, board.scores),
        "storyboard_frames": table_frame(StoryboardFrames, board.frames),
    }


# --- documents


def sheet_rows(
    settings: Settings,
    key: str,
    scene_frame: pl.DataFrame,
    frame_rows: pl.DataFrame,
    score_rows: pl.DataFrame,
    candidate_rows: pl.DataFrame,
    *,
    run_id: str,
    video: bool = True,
) -> pl.DataFrame:
    """Write the documents of a storyboard and return the rows of ``storyboard_sheet``.

    Other storyboards of the same source that are drawn already are laid beside it on the page.
    """
    from creative_lab.lake.pictures import PictureStore
    from creative_lab.storyboards.sheet.documents import write_poses
    from creative_lab.storyboards.sheet.gathering import gather
    from creative_lab.storyboards.sheet.writing import write_sheet

    record, pictures = record_of(settings, key), PictureStore(settings)
    with stage(settings, "storyboard_sheet", run_id=run_id, storyboard=key) as out:
        sheet = gather(
            record, pictures, scenes=scene_frame, frames=frame_rows, scores=score_rows, candidates=candidate_rows
        )
        sheet = replace(sheet, siblings=_siblings(settings, record))
        rows = write_sheet(settings, sheet, video=video)
        write_poses(settings, sheet, pictures)
        out.detail = {"documents": len(rows), "beside": [other.key for other in sheet.siblings]}
    return table_frame(StoryboardSheet, rows)


def _siblings(settings: Settings, record: StoryboardRecord) -> list[Sheet]:
    """Drawn storyboards of the same source."""
    from creative_lab.lake.pictures import PictureStore
    from creative_lab.lake.tables import TableStore
    from creative_lab.state.db import session_scope
    from creative_lab.storyboards.sheet.gathering import gather

    with session_scope(settings) as session:
        others = [item for item in stored.all_records(session) if item.source_key == record.source_key]
    store, pictures, found = TableStore(settings), PictureStore(settings), []
    for other in others:
        partition = {"storyboard": other.key}
        if other.key == record.key or not store.exists("storyboard_frames", partition):
            continue
        told, frames = (store.read(name, [partition]) for name in ("storyboard_scenes", "storyboard_frames"))
        with contextlib.suppress(OSError, KeyError):  # a picture or a scene that is gone hides only its own storyboard
            found.append(gather(other, pictures, scenes=told, frames=frames))
    return found
