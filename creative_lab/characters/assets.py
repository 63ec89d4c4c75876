"""Dagster assets of the characters room: captions, the training set, and the LoRA with its checkpoints."""

# No postponed annotations here: Dagster reads the types of parameters when a function is decorated.

import contextlib
import hashlib
from collections.abc import Iterator
from typing import Any

import dagster as dg
import polars as pl
from pydantic import Field

from creative_lab.definition_versions import CHARACTER
from creative_lab.partitions import characters
from creative_lab.settings import get_settings

_COMMON: dict[str, Any] = {"group_name": "characters", "owners": ["team:characters"], "code_version": "1"}
_TABLE_KINDS = {"polars", "parquet"}
_SHOWN = 4
_THUMBNAIL = 96

TRAINING_TABLES = {
    "lora_weights": "The character's LoRA, from the checkpoint whose pictures are nearest to the character.",
    "lora_checkpoints": "Checkpoints of the training with the identity of the pictures drawn at each.",
    "training_metrics": "Loss, learning rate and gradient of the training's steps.",
    "lora_validation": "Pictures that were drawn at the checkpoints from fixed prompts and seeds.",
}


character_definition = dg.AssetSpec(
    CHARACTER, partitions_def=characters, group_name="characters", owners=["team:characters"], kinds={"postgres"},
    description="The character as people defined it: name, trigger and pictures.",
)  # fmt: skip


class CaptionConfig(dg.Config):
    """What a person may choose about captions."""

    redo: bool = Field(default=False, description="Ask again about pictures whose reply was kept.")


class TrainingSetConfig(dg.Config):
    """What a person may choose about the training set."""

    base_model: str | None = Field(
        default=None, description="Slug of the model to train for; the one for pictures by default."
    )
    resolution: int | None = Field(
        default=None, ge=64, le=2048, description="Side in pixels of a square picture; the model's own by default."
    )


class LoraConfig(dg.Config):
    """What a person may choose about a training."""

    recipe: str | None = Field(
        default=None, description="Settings to begin from: standard, small-card or miniature; by default the model's."
    )
    max_steps: int | None = Field(default=None, ge=1, description="Steps in all, in place of the recipe's.")
    changes: dict[str, Any] = Field(
        default={}, description="Any other setting of the recipe by name, such as {rank: 32, snr_gamma: null}."
    )


@dg.asset(
    **_COMMON, partitions_def=characters, kinds=_TABLE_KINDS, metadata={"table": "captions"}, deps=[CHARACTER],
    pool="h100",
)  # fmt: skip
def captions(context: dg.AssetExecutionContext, config: CaptionConfig) -> dg.MaterializeResult[pl.DataFrame]:
    """What each picture of the character shows besides the character."""
    from creative_lab.characters import work

    with clear_failures():
        made = work.caption_rows(
            get_settings(), context.partition_key, run_id=context.run_id, redo=config.redo, say=context.log.info
        )
    counted = made.summary
    metadata: dict[str, Any] = {
        "pictures": dg.MetadataValue.md(thumbnails(made.frame["thumbnail_path"].head(_SHOWN).to_list())),
        "captions_total": counted.total,
        "captions_processed": counted.processed,
        "captions_kept": counted.skipped,
        "captions_failed": counted.failed,
        "captions_mended": made.frame.filter(pl.col("status") == "mended").height,
        "report": dg.MetadataValue.path(made.report),
    }
    if counted.cost_usd is not None:
        metadata["cost_usd"] = counted.cost_usd
    return dg.MaterializeResult(value=made.frame, metadata=metadata, data_version=_version(made.frame, "caption"))


@dg.asset(**_COMMON, partitions_def=characters, kinds=_TABLE_KINDS, metadata={"table": "training_set"}, pool="h100")
def training_set(
    context: dg.AssetExecutionContext, config: TrainingSetConfig, captions: pl.DataFrame
) -> dg.MaterializeResult[pl.DataFrame]:
    """Pairs of picture and caption, checked and without repeats, with latents and text states computed once."""
    from creative_lab.characters import work

    with clear_failures():
        made = work.training_set_rows(
            get_settings(),
            context.partition_key,
            captions,
            run_id=context.run_id,
            model=config.base_model,
            resolution=config.resolution,
        )
    statistics = made.manifest["metadata"]["statistics"]
    for name, reason in statistics["left_out"].items():
        context.log.warning("%s is left out: %s", name, reason)
    metadata: dict[str, Any] = {
        "pairs": statistics["pairs"],
        "pairs_used": made.manifest["metadata"]["total_samples"],
        "buckets": dg.MetadataValue.json(statistics["buckets"]),
        "without_trigger": len(statistics["without_trigger"]),
        "base_model": str(made.frame["base_model"][0]),
        "manifest": dg.MetadataValue.path(made.manifest_path),
    }
    return dg.MaterializeResult(value=made.frame, metadata=metadata, data_version=_version(made.frame, "cache_sha256"))


@dg.multi_asset(
    name="lora_training",
    outs={
        name: dg.AssetOut(
            **_COMMON,
            kinds=_TABLE_KINDS | ({"pytorch"} if name == "lora_weights" else set()),
            metadata={"table": name},
            description=description,
        )
        for name, description in TRAINING_TABLES.items()
    },
    partitions_def=characters,
    pool="h100",
)
def lora_training(
    context: dg.AssetExecutionContext, config: LoraConfig, training_set: pl.DataFrame
) -> Iterator[dg.MaterializeResult[pl.DataFrame]]:
    """Train the LoRA, or go on with a training that was interrupted, and choose the best checkpoint."""
    from creative_lab.characters import work

    changes = dict(config.changes) | ({"max_steps": config.max_steps} if config.max_steps else {})
    with clear_failures():
        made = work.lora_rows(
            get_settings(),
            context.partition_key,
            training_set,
            run_id=context.run_id,
            recipe=config.recipe,
            changes=changes,
            say=context.log.info,
        )
    for note in made.notes:
        context.log.warning(note)
    described = _training_metadata(made.frames)
    if made.resumed_from:
        described["lora_weights"]["resumed_from_step"] = made.resumed_from
    for name, frame in made.frames.items():
        yield dg.MaterializeResult(
            asset_key=name,
            value=frame,
            metadata=described[name],
            data_version=_version(made.frames["lora_weights"], "sha256"),
        )


@contextlib.contextmanager
def clear_failures() -> Iterator[None]:
    """Turn errors of the rooms into failures whose one line says what is wrong; only passing ones may be retried."""
    from creative_lab.characters.errors import TrainingStopped
    from creative_lab.language.errors import CallError, LanguageError
    from creative_lab.weights.errors import ModelError

    try:
        yield
    except (LanguageError, ModelError, TrainingStopped, ValueError, FileNotFoundError) as error:
        passing = isinstance(error, CallError) and error.passing
        raise dg.Failure(str(error), allow_retries=passing) from error


def thumbnails(paths: list[str]) -> str:
    """A few stored pictures, small and inline, as Markdown."""
    from creative_lab.lake.pictures import PictureStore

    store = PictureStore(get_settings())
    return " ".join(store.inline(path, longest=_THUMBNAIL) for path in paths)


def _training_metadata(frames: dict[str, pl.DataFrame]) -> dict[str, dict[str, Any]]:
    row = frames["lora_weights"].row(0, named=True)
    numbers = {
        name: row[name]
        for name in (
            "steps",
            "chosen_step",
            "identity",
            "identity_base",
            "skipped_steps",
            "seconds",
            "steps_per_second",
        )
        if row[name] is not None
    }
    chosen = frames["lora_validation"].filter(pl.col("step") == row["chosen_step"])
    first = frames["lora_validation"].filter(pl.col("step") == 0)
    shown: dict[str, Any] = {}
    if not chosen.is_empty():
        shown["with_lora"] = dg.MetadataValue.md(thumbnails(chosen["thumbnail_path"].head(_SHOWN).to_list()))
    if not first.is_empty():
        shown["without_lora"] = dg.MetadataValue.md(thumbnails(first["thumbnail_path"].head(_SHOWN).to_list()))
    losses = frames["training_metrics"]["loss"].drop_nulls()
    return {
        "lora_weights": {
            **shown, **numbers, "trigger": row["trigger"], "base_model": row["base_model"],
            "chosen_because": row["chosen_because"], "lora": row["path"], "kohya": row["kohya_path"],
        },
        "lora_checkpoints": {"checkpoints": frames["lora_checkpoints"].height},
        "training_metrics": {"loss_last": losses[-1]} if len(losses) else {},
        "lora_validation": {"pictures_drawn": frames["lora_validation"].height},
    }  # fmt: skip


def _version(frame: pl.DataFrame, column: str) -> dg.DataVersion:
    """SHA-256 over what decides everything downstream: equal content changes nothing there."""
    said = frame.select("sha256", column) if column != "sha256" else frame.select(column)
    return dg.DataVersion(hashlib.sha256(said.write_json().encode()).hexdigest())
