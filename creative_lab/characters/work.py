"""The room's work on one character: what each asset does, from the state database and the lake's rows to new rows.

Nothing here knows of Dagster.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from creative_lab.characters import base_model, captioning, dataset, report
from creative_lab.characters.errors import CharacterError
from creative_lab.characters.lora_training import Learnt, Subject, learn
from creative_lab.characters.record import Character, find_character
from creative_lab.characters.tables import (
    Captions,
    LoraCheckpoints,
    LoraValidation,
    LoraWeights,
    TrainingMetrics,
    TrainingSet,
)
from creative_lab.characters.training_data import TrainingData
from creative_lab.lake.events import stage
from creative_lab.lake.fs import FileSystem
from creative_lab.lake.pictures import PictureStore
from creative_lab.lake.schemas import TableSchema, table_frame
from creative_lab.state.db import session_scope
from creative_lab.vision.models import VisionModels
from creative_lab.vision.pictures import open_picture

if TYPE_CHECKING:
    from creative_lab.settings import Settings

Say = Callable[[str], None]


def character_of(settings: Settings, key: str) -> Character:
    """The definition of a character. Raises :class:`CharacterError` when there is none."""
    with session_scope(settings) as session:
        return find_character(session, key)


@dataclass(frozen=True)
class CaptionsMade:
    """Rows of ``captions`` with the counts and the report for people."""

    frame: pl.DataFrame
    summary: captioning.CaptionSummary
    report: Path


def caption_rows(
    settings: Settings, key: str, *, run_id: str, redo: bool = False, say: Say = lambda _: None
) -> CaptionsMade:
    """Caption the pictures of a character. Raises :class:`CharacterError` when no model can."""
    character = character_of(settings, key)
    with VisionModels(settings) as models:
        outcomes = captioning.caption_pictures(settings, character, models, run_id=run_id, redo=redo, say=say)
    rows = [
        {
            "character": key, "picture": outcome.picture.name, **vars(outcome.picture),
            "caption": outcome.judged.caption, "raw_caption": outcome.raw, "status": outcome.judged.status,
            "mended": outcome.judged.mended, "problems": outcome.judged.problems, "captioner": outcome.captioner,
            "attempts": outcome.attempts, "kept": outcome.kept, "cost_usd": outcome.cost_usd,
            "seconds": outcome.seconds,
        }
        for outcome in outcomes
    ]  # fmt: skip
    counted = captioning.summary(outcomes)
    text = report.caption_report(character, outcomes, counted)
    files, name = FileSystem(settings.reports_dir), f"characters/{key}/captions.md"
    files.write_bytes(name, text.encode())
    return CaptionsMade(table_frame(Captions, rows), counted, files.path(name))


@dataclass(frozen=True)
class SetMade:
    """Rows of ``training_set`` with the manifest."""

    frame: pl.DataFrame
    manifest: dict[str, Any]
    manifest_path: Path


def training_set_rows(
    settings: Settings,
    key: str,
    captions: pl.DataFrame,
    *,
    run_id: str,
    model: str | None = None,
    resolution: int | None = None,
) -> SetMade:
    """Check the pairs of a character and compute latents and text states for the model that will be trained.

    ``resolution`` is the side of a square picture in pixels, by default the model's. Raises :class:`CharacterError`.
    """
    character = character_of(settings, key)
    preset = base_model.choose(settings, model)
    lake = FileSystem.of_lake(settings)
    with (
        stage(settings, "training_set", run_id=run_id, character=key) as outcome,
        base_model.loaded(settings, preset) as base,
    ):
        pairs = dataset.make_pairs(
            captions.sort("picture").to_dicts(),
            lake.read_bytes,
            character.trigger,
            resolution=resolution or round((preset.default_width * preset.default_height) ** 0.5),
            multiple=dataset.side_multiple(base.pipeline),
        )
        used = [pair for pair in pairs if pair.left_out is None]
        outcome.model, outcome.detail = base.slug, {"pairs": len(pairs), "used": len(used)}
        if not used:
            reasons = "; ".join(f"{pair.name}: {pair.left_out}" for pair in pairs[:3]) or "there are no captions"
            raise CharacterError(f"{key}: no pair of picture and caption can be trained with ({reasons})")
        content = dataset.cache(base.pipeline, pairs)
        cache_path, cache_sha256 = lake.put(content, ".safetensors")
    rows = [
        {
            "character": key, "picture": pair.name, "path": pair.path, "sha256": pair.sha256, "mode": pair.mode,
            "width": pair.width, "height": pair.height, "caption": pair.caption, "used": pair.left_out is None,
            "left_out": pair.left_out, "warnings": pair.warnings, "duplicate_of": pair.duplicate_of,
            "perceptual_hash": pair.perceptual_hash, "bucket_width": pair.bucket[0] if pair.bucket else None,
            "bucket_height": pair.bucket[1] if pair.bucket else None,
            "crop_left": pair.crop[0] if pair.bucket else None, "crop_top": pair.crop[1] if pair.bucket else None,
            "base_model": base.slug, "base_model_sha256": base.sha256,
            "cache_path": cache_path if pair.left_out is None else None,
            "cache_sha256": cache_sha256 if pair.left_out is None else None,
        }
        for pair in pairs
    ]  # fmt: skip
    made = dataset.manifest(pairs, character.trigger)
    files, name = FileSystem(settings.reports_dir), f"characters/{key}/manifest.json"
    files.write_bytes(name, (json.dumps(made, indent=2, ensure_ascii=False) + "\n").encode())
    return SetMade(table_frame(TrainingSet, rows), made, files.path(name))


@dataclass(frozen=True)
class LoraMade:
    """Rows of the four tables of a training, by table name, and what people may want to know about it."""

    frames: dict[str, pl.DataFrame]
    notes: list[str]
    resumed_from: int


def lora_rows(
    settings: Settings,
    key: str,
    training_set: pl.DataFrame,
    *,
    run_id: str,
    recipe: str | None = None,
    changes: dict[str, Any] | None = None,
    say: Say = lambda _: None,
) -> LoraMade:
    """Train the LoRA of a character. ``recipe`` names the settings to begin from, ``changes`` some of them anew.

    Raises :class:`CharacterError` for bad settings, ``TrainingStopped`` when training comes to nothing.
    """
    from creative_lab.characters.recipe import RECIPES

    character = character_of(settings, key)
    used = training_set.filter(pl.col("used")).sort("picture")
    if used.is_empty():
        raise CharacterError(f"{key}: the training set has no pair that can be used; see its column left_out")
    preset = base_model.choose(settings, str(used["base_model"][0]))
    if recipe is not None and recipe not in RECIPES:
        raise CharacterError(f"there is no recipe {recipe!r}; there are: {', '.join(RECIPES)}")
    begun = RECIPES[recipe] if recipe else base_model.standard_recipe(preset)
    wanted = begun.changed(changes or {})
    lake = FileSystem.of_lake(settings)
    content = lake.read_bytes(str(used["cache_path"][0]))
    digest = hashlib.sha256(content).hexdigest()
    if digest != used["cache_sha256"][0]:
        raise CharacterError(f"{key}: the cached training set is not the one that was made; make it again")
    store = PictureStore(settings)
    pictures = [open_picture(store.read(path), name=path) for path in used["path"]]
    with (
        stage(settings, "lora_training", run_id=run_id, character=key) as outcome,
        VisionModels(settings) as models,
        base_model.loaded(settings, preset) as base,
    ):
        if base.sha256 != used["base_model_sha256"][0]:
            raise CharacterError(f"{key}: the training set was made with other weights of {base.slug}; make it again")
        faces = models.faces()
        learnt = learn(
            settings,
            Subject(key, character.trigger, pictures),
            base,
            TrainingData.read(content, used["picture"].to_list(), base.device),
            digest,
            wanted,
            faces=faces,
            no_faces_because=models.missing("faces"),
            say=say,
        )
        outcome.model = base.slug
        outcome.detail = {
            name: learnt.weights[name] for name in ("steps", "chosen_step", "identity", "steps_per_second")
        }
        if learnt.weights["skipped_steps"] or learnt.notes:
            outcome.status = "warn"
            outcome.reason = "; ".join([f"{learnt.weights['skipped_steps']} steps skipped", *learnt.notes])
    _training_report(settings, character, learnt)
    made: list[tuple[str, type[TableSchema], list[dict[str, Any]]]] = [
        ("lora_weights", LoraWeights, [learnt.weights]),
        ("lora_checkpoints", LoraCheckpoints, learnt.checkpoints),
        ("training_metrics", TrainingMetrics, learnt.metrics),
        ("lora_validation", LoraValidation, learnt.validation),
    ]
    frames = {name: table_frame(table, [row | {"character": key} for row in rows]) for name, table, rows in made}
    return LoraMade(frames, learnt.notes, learnt.resumed_from)


def _training_report(settings: Settings, character: Character, learnt: Learnt) -> None:
    files, folder = FileSystem(settings.reports_dir), f"characters/{character.key}"
    text = io.StringIO()
    writer = csv.DictWriter(text, ["step", "loss", "learning_rate", "epoch"], extrasaction="ignore")
    writer.writeheader()
    writer.writerows(learnt.metrics)
    files.write_bytes(f"{folder}/training_metrics.csv", text.getvalue().encode())
    files.write_bytes(f"{folder}/training_summary.txt", report.training_summary(character, learnt).encode())
