"""Dagster assets of the storyboards room: scenes, prompts, pictures with their scores and choice, and the documents."""

# No postponed annotations here: Dagster reads the types of parameters when a function is decorated.

import contextlib
import hashlib
from collections.abc import Iterator
from typing import Any

import dagster as dg
import polars as pl
from pydantic import Field

from creative_lab.definition_versions import STORYBOARD
from creative_lab.partitions import storyboards
from creative_lab.settings import get_settings

_COMMON: dict[str, Any] = {"group_name": "storyboards", "owners": ["team:storyboards"], "code_version": "3"}
_TABLE_KINDS = {"polars", "parquet"}
_CIRCUMSTANCES = {"seconds", "cost_usd", "recipe", "peak_memory_bytes", "run_id", "written_at"}
"""Columns that differ from run to run although the content is the same."""
_THUMBNAILS = 10

DRAWN_TABLES = {
    "frame_candidates": "Every picture that was drawn, with its own seed and everything that decided it.",
    "quality_scores": "What every drawn picture is worth: four scorers, likeness to frame 1, faces.",
    "storyboard_frames": "The chosen frame of every scene, and why; failed scenes too.",
}


storyboard_definition = dg.AssetSpec(
    STORYBOARD, partitions_def=storyboards, group_name="storyboards", owners=["team:storyboards"], kinds={"postgres"},
    description="The storyboard as people defined it: source, method and settings, and its character's name.",
)  # fmt: skip

# Which script or LoRA a storyboard uses stands in its record, so the graph can only say that it may be any of them.


class SheetConfig(dg.Config):
    """What a person may choose for the documents of one storyboard."""

    video: bool = Field(default=True, description="Whether to make the animatic, which takes the longest.")


@dg.asset(
    **_COMMON, partitions_def=storyboards, kinds=_TABLE_KINDS, metadata={"table": "storyboard_scenes"},
    deps=[STORYBOARD, dg.AssetDep("adapted_scripts", partition_mapping=dg.AllPartitionMapping())],
)  # fmt: skip
def storyboard_scenes(context: dg.AssetExecutionContext) -> dg.MaterializeResult[pl.DataFrame]:
    """The scenes that a story, an adapted script or a person's list falls into."""
    from creative_lab.storyboards import work

    with clear_failures():
        frame = work.scene_rows(get_settings(), context.partition_key, run_id=context.run_id)
    warnings = int(frame["warnings"].list.len().sum())
    metadata: dict[str, Any] = {
        "scenes": dg.MetadataValue.md(_scene_table(frame)),
        "scene_count": frame.height,
        "film_seconds": float(frame["duration_seconds"].sum()),
        "mended": int((frame["mended"].list.len() > 0).sum()),
        "consistency_warnings": warnings,
        "model": str(frame["model_id"][0]),
    }
    return dg.MaterializeResult(value=frame, metadata=metadata, data_version=content_version(frame))


@dg.multi_asset(
    name="storyboard_prompts",
    outs={
        "scene_prompts": dg.AssetOut(
            **_COMMON, kinds=_TABLE_KINDS, metadata={"table": "scene_prompts"},
            description="The prompt of each scene as it is drawn, with the scores of its text.",
        ),
        "prompt_rounds": dg.AssetOut(
            **_COMMON, kinds=_TABLE_KINDS, metadata={"table": "prompt_rounds"},
            description="Every round of the two agents: text, scores, critique.",
        ),
    },
    partitions_def=storyboards,
    # A picture model calls the character by the trigger that its LoRA learnt.
    deps=[STORYBOARD, dg.AssetDep("lora_weights", partition_mapping=dg.AllPartitionMapping())],
)  # fmt: skip
def storyboard_prompts(
    context: dg.AssetExecutionContext, storyboard_scenes: pl.DataFrame
) -> Iterator[dg.MaterializeResult[pl.DataFrame]]:
    """Write all prompts, before any picture is drawn."""
    from creative_lab.storyboards import work

    with clear_failures():
        made = work.prompt_rows(
            get_settings(), context.partition_key, storyboard_scenes, run_id=context.run_id, say=context.log.info
        )
    frame = made.scene_prompts
    numbers = {
        "mean_overall": float(frame["overall"].mean() or 0),  # type: ignore[arg-type]
        "mean_gain": float((frame["overall"] - frame["initial_overall"]).mean() or 0),  # type: ignore[arg-type]
        "enhanced": int(frame["enhanced"].sum()),
        "failed_enhancements": int((frame["stopped"] == "failed").sum()),
        "cost_usd": float(frame["cost_usd"].sum()),
    }
    unmapped = dg.MetadataValue.md("\n".join(f"- {note}" for note in made.notes) or "Nothing.")
    yield dg.MaterializeResult(
        asset_key="scene_prompts", value=frame, data_version=content_version(frame),
        metadata={**numbers, "prompts": dg.MetadataValue.md(_prompt_table(frame)), "not_in_the_models_words": unmapped},
    )  # fmt: skip
    rounds = made.prompt_rounds
    yield dg.MaterializeResult(
        asset_key="prompt_rounds",
        value=rounds,
        metadata={"rounds": rounds.height},
        data_version=content_version(rounds),
    )


@dg.multi_asset(
    name="storyboard_pictures",
    outs={
        name: dg.AssetOut(**_COMMON, kinds=_TABLE_KINDS, metadata={"table": name}, description=description)
        for name, description in DRAWN_TABLES.items()
    },
    partitions_def=storyboards,
    deps=[STORYBOARD, dg.AssetDep("lora_weights", partition_mapping=dg.AllPartitionMapping())],
    pool="h100",
)
def storyboard_pictures(
    context: dg.AssetExecutionContext, storyboard_scenes: pl.DataFrame, scene_prompts: pl.DataFrame
) -> Iterator[dg.MaterializeResult[pl.DataFrame]]:
    """Draw the candidates of every scene, score them, choose one; finished scenes survive a stop."""
    from creative_lab.storyboards import picturing

    key, settings = context.partition_key, get_settings()
    with clear_failures():
        board = picturing.draw(
            settings, key, storyboard_scenes, scene_prompts, run_id=context.run_id, say=context.log.info
        )
    frames = picturing.frames_of(board)
    chosen = frames["storyboard_frames"]
    described: dict[str, dict[str, Any]] = {
        "frame_candidates": {
            "pictures": frames["frame_candidates"].height,
            "drawn_scenes": len(board.redone),
            "kept_scenes": len(board.kept),
        },
        "quality_scores": {
            "accepted": int(frames["quality_scores"]["accepted"].sum()),
            "mean_overall": float(frames["quality_scores"]["overall"].mean() or 0),  # type: ignore[arg-type]
        },
        "storyboard_frames": {
            "frames": dg.MetadataValue.md(_thumbnails(settings, chosen)),
            "frame_count": chosen.height,
            "without_picture": int(chosen["path"].is_null().sum()),
            "below_threshold": int(chosen["below_threshold"].sum()),
            "mean_overall": float(chosen["overall"].mean() or 0),  # type: ignore[arg-type]
            "mean_clip_identity": float(chosen["clip_identity"].mean() or 0),  # type: ignore[arg-type]
            "draw_seconds": float(chosen["seconds"].sum()),
            "cost_usd": float(chosen["cost_usd"].sum()),
        },
    }
    for name, frame in frames.items():
        yield dg.MaterializeResult(
            asset_key=name, value=frame, metadata=described[name], data_version=content_version(frame)
        )


@dg.asset(
    **_COMMON, partitions_def=storyboards, kinds={"html", "pdf", "mp4"}, metadata={"table": "storyboard_sheet"},
    deps=[STORYBOARD],
)  # fmt: skip
def storyboard_sheet(
    context: dg.AssetExecutionContext,
    config: SheetConfig,
    storyboard_scenes: pl.DataFrame,
    storyboard_frames: pl.DataFrame,
    quality_scores: pl.DataFrame,
    frame_candidates: pl.DataFrame,
) -> dg.MaterializeResult[pl.DataFrame]:
    """Contact sheet, page, PDF for sign-off, animatic with subtitles, timeline, and the facts as JSON."""
    from creative_lab.storyboards import picturing

    settings = get_settings()
    with clear_failures():
        frame = picturing.sheet_rows(
            settings, context.partition_key, storyboard_scenes, storyboard_frames, quality_scores, frame_candidates,
            run_id=context.run_id, video=config.video,
        )  # fmt: skip
    folder = settings.reports_dir
    paths = {row["document"]: dg.MetadataValue.path(str(folder / row["path"])) for row in frame.iter_rows(named=True)}
    return dg.MaterializeResult(value=frame, metadata=paths, data_version=content_version(frame))


@contextlib.contextmanager
def clear_failures() -> Iterator[None]:
    """Turn errors of the rooms into failures whose one line says what is wrong; only passing ones may be retried."""
    from creative_lab.imaging.errors import ImagingError, PassingError
    from creative_lab.language.errors import CallError, LanguageError
    from creative_lab.weights.errors import ModelError

    try:
        yield
    except (LanguageError, ImagingError, ModelError, PassingError, ValueError, FileNotFoundError) as error:
        passing = isinstance(error, PassingError) or (isinstance(error, CallError) and error.passing)
        raise dg.Failure(str(error), allow_retries=passing) from error


def content_version(frame: pl.DataFrame) -> dg.DataVersion:
    """SHA-256 over what the rows say: equal content changes nothing downstream, whenever and however it was made."""
    said = frame.drop([name for name in frame.columns if name in _CIRCUMSTANCES])
    return dg.DataVersion(hashlib.sha256(said.write_json().encode()).hexdigest())


def _scene_table(frame: pl.DataFrame) -> str:
    lines = ["| scene | shot | seen | faces |", "|---|---|---|---|"]
    for row in frame.sort("scene").iter_rows(named=True):
        lines.append(
            f"| {row['scene']} | {row['shot'] or ''} | {_cell(row['description'], 110)} | {row['expected_faces']} |"
        )
    return "\n".join(lines)


def _prompt_table(frame: pl.DataFrame) -> str:
    lines = ["| scene | prompt | score | stopped |", "|---|---|---|---|"]
    for row in frame.sort("scene").iter_rows(named=True):
        lines.append(f"| {row['scene']} | {_cell(row['prompt'], 160)} | {row['overall']:.0f} | {row['stopped']} |")
    return "\n".join(lines)


def _thumbnails(settings: Any, frames: pl.DataFrame) -> str:
    """The chosen frames as small inline pictures, each with its number and scores."""
    from creative_lab.lake.pictures import PictureStore

    store, parts = PictureStore(settings), []
    for row in frames.sort("scene").head(_THUMBNAILS).iter_rows(named=True):
        if row["thumbnail_path"] is None:
            parts.append(f"**{row['scene']}** {row['status']}: {_cell(row['reason'], 120)}")
            continue
        shown = store.inline(row["thumbnail_path"], f"frame {row['scene']}")
        score = "–" if row["overall"] is None else f"{row['overall']:.0f}"
        parts.append(f"{shown}\n\n**{row['scene']}** · overall {score}")
    return "\n\n".join(parts)


def _cell(text: str, longest: int) -> str:
    short = " ".join(text.split()).replace("|", "\\|")
    return short if len(short) <= longest else f"{short[: longest - 1]}…"
