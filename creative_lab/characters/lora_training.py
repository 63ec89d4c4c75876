"""One training from a stored training set to LoRA files in the lake, with the best checkpoint chosen by its faces."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from creative_lab.characters import adapters
from creative_lab.characters.identity import IdentityJudge
from creative_lab.characters.lora_files import DIFFUSERS_NAME, diffusers_bytes, kohya_bytes
from creative_lab.characters.losses import NoiseSchedule
from creative_lab.characters.recipe import TrainingRecipe
from creative_lab.characters.training import LoraTrainer, Trained, best_step
from creative_lab.characters.training_data import TrainingData
from creative_lab.characters.training_state import saved_factors
from creative_lab.characters.validation import Validator
from creative_lab.imaging.recipe import UsedLora
from creative_lab.lake.fs import FileSystem
from creative_lab.lake.pictures import PictureStore

if TYPE_CHECKING:
    from creative_lab.characters.base_model import BaseModel
    from creative_lab.settings import Settings


@dataclass(frozen=True)
class Learnt:
    """A finished training, as rows of the four tables (without the columns that every row has)."""

    weights: dict[str, Any]
    checkpoints: list[dict[str, Any]]
    metrics: list[dict[str, Any]]
    validation: list[dict[str, Any]]
    notes: list[str]
    resumed_from: int


@dataclass(frozen=True)
class Subject:
    """Whom a LoRA is trained for. ``pictures`` (RGB uint8) are what drawn faces are compared with."""

    key: str
    trigger: str
    pictures: Sequence[np.ndarray]


def learn(
    settings: Settings,
    subject: Subject,
    base: BaseModel,
    data: TrainingData,
    data_sha256: str,
    recipe: TrainingRecipe,
    *,
    faces: Any,
    no_faces_because: str = "",
    say: Callable[[str], None] = lambda _: None,
) -> Learnt:
    """Train a LoRA on ``data`` with the loaded model ``base``, or finish what a killed run began.

    ``faces`` finds faces (None: the last checkpoint is taken, and ``chosen_because`` says why). Weights go to
    ``loras/KEY/`` in the lake.
    """
    recipe = recipe.on_device(base.device)
    fingerprint = recipe.fingerprint(base.slug, base.sha256 or "", data_sha256, subject.trigger, *data.names)
    work = FileSystem(settings.home / "characters" / subject.key / "training" / fingerprint)
    judge, why = None, no_faces_because
    if faces is not None:
        try:
            judge = IdentityJudge(faces, subject.pictures)
        except ValueError as error:
            why = str(error)
    checkpoints = _Checkpoints(settings, subject, base, recipe, judge)
    last = [time.monotonic()]

    def on_step(row: dict[str, Any]) -> None:
        if row["step"] == 1 or time.monotonic() - last[0] > 10:
            last[0] = time.monotonic()
            loss = "skipped" if row["loss"] is None else f"loss {row['loss']:.4f}"
            say(f"step {row['step']}: {loss}")

    # One at a time: a second run of the same training waits, and then finds it finished.
    with work.lock("training"):
        trainer = LoraTrainer(
            base.pipeline, data, recipe, work, device=base.device, on_checkpoint=checkpoints, on_step=on_step
        )
        try:
            trained = trainer.run()
        finally:
            adapters.detach(base.pipeline)
        chosen = best_step(trained.checkpoints)
        return _rows(settings, subject, base, recipe, data, trained, work, chosen, why)


class _Checkpoints:
    """Draws and judges at every checkpoint; what it returns is kept in the training's state."""

    def __init__(
        self, settings: Settings, subject: Subject, base: BaseModel, recipe: TrainingRecipe, judge: IdentityJudge | None
    ) -> None:
        self._store = PictureStore(settings)
        self._subject, self._base, self._recipe, self._judge = subject, base, recipe, judge
        self._validator = (
            Validator(settings, base.pipeline, base.preset, recipe, subject.trigger)
            if recipe.validation_prompts
            else None
        )

    def __call__(self, step: int) -> dict[str, Any]:
        if self._validator is None:
            return {"identity": None, "pictures": []}
        lora = None
        if step:
            data = _diffusers_file(self._subject, self._base, self._recipe, adapters.factors(self._base.pipeline), step)
            import hashlib

            lora = UsedLora(
                slug=f"{self._subject.key}-{step}", strength=1.0, sha256=hashlib.sha256(data).hexdigest(),
                triggers=self._subject.trigger,
            )  # fmt: skip
        drawn = self._validator.draw(lora)
        identity = self._judge.judge([picture.pixels for picture in drawn]) if self._judge else None
        rows = []
        for picture in drawn:
            cosine = identity.cosines[picture.number] if identity else None
            rows.append(
                {"step": step, "number": picture.number, "prompt": picture.prompt, "seed": picture.seed,
                 "identity": cosine, "face_found": cosine is not None if identity else None}
                | vars(self._store.put(picture.data))
            )  # fmt: skip
        return {
            "identity": identity.mean if identity else None,
            "identity_min": identity.least if identity else None,
            "faces_found": identity.found if identity else None,
            "pictures": rows,
        }


def _facts(subject: Subject, base: BaseModel, recipe: TrainingRecipe, step: int) -> dict[str, str]:
    return {
        "architecture": "sdxl", "character": subject.key, "trigger": subject.trigger, "base_model": base.slug,
        "base_model_sha256": base.sha256 or "", "step": str(step), "rank": str(recipe.rank),
        "alpha": f"{recipe.alpha:g}",
    }  # fmt: skip


def _diffusers_file(
    subject: Subject, base: BaseModel, recipe: TrainingRecipe, factors: dict[str, Any], step: int
) -> bytes:
    facts = _facts(subject, base, recipe, step)
    return diffusers_bytes(factors, rank=recipe.rank, alpha=recipe.alpha, facts=facts)


def _rows(
    settings: Settings,
    subject: Subject,
    base: BaseModel,
    recipe: TrainingRecipe,
    data: TrainingData,
    trained: Trained,
    work: FileSystem,
    chosen: int,
    why: str,
) -> Learnt:
    """Write the files of all kept checkpoints and make the rows of the tables."""
    lake = FileSystem.of_lake(settings)
    rows, files = [], {}
    for known in trained.checkpoints:
        row = {name: known.get(name) for name in ("step", "loss", "identity", "identity_min", "faces_found")}
        row |= {"path": None, "sha256": None, "pictures": len(known["pictures"]), "chosen": known["step"] == chosen}
        factors = saved_factors(work, known["step"]) if known["step"] else None
        if factors is not None:
            content = _diffusers_file(subject, base, recipe, factors, known["step"])
            stored = _write(lake, subject, known["step"], content, DIFFUSERS_NAME)
            row |= {"path": stored[0], "sha256": stored[1]}
            files[known["step"]] = (factors, content, stored)
        rows.append(row)
    factors, content, (path, sha256) = files[chosen]
    kohya = kohya_bytes(factors, rank=recipe.rank, alpha=recipe.alpha, facts=_facts(subject, base, recipe, chosen))
    kohya_path, kohya_sha256 = _write(lake, subject, chosen, kohya, f"{subject.key}.safetensors")
    by_step = {row["step"]: row for row in rows}
    identity = by_step[chosen]["identity"]
    because = f"no checkpoint could be judged ({why}): the last one was taken"
    if identity is not None:
        measured = sum(row["identity"] is not None for row in rows if row["step"])
        because = f"highest identity of {measured} checkpoints over {len(recipe.validation_prompts)} fixed prompts"
    weights = {
        "path": path, "sha256": sha256, "bytes": len(content), "kohya_path": kohya_path, "kohya_sha256": kohya_sha256,
        "trigger": subject.trigger, "base_model": base.slug, "base_model_sha256": base.sha256, "architecture": "sdxl",
        "rank": recipe.rank, "alpha": float(recipe.alpha), "pictures": len(data.names), "steps": trained.steps,
        "chosen_step": chosen, "chosen_because": because, "identity": identity,
        "identity_base": by_step[0]["identity"] if 0 in by_step else None,
        "skipped_steps": sum(row["skipped"] is not None for row in trained.metrics),
        "prediction_type": NoiseSchedule.of(base.pipeline.scheduler, "cpu").prediction,
        "recipe": json.dumps(recipe.model_dump(mode="json"), sort_keys=True), "seconds": trained.seconds,
        "steps_per_second": trained.steps / trained.seconds if trained.seconds else None,
    }  # fmt: skip
    logged = [
        row
        for row in trained.metrics
        if row["step"] % recipe.metrics_every == 0 or row["step"] in {1, trained.steps} or row["skipped"]
    ]
    validation = [picture for known in trained.checkpoints for picture in known["pictures"]]
    return Learnt(weights, rows, logged, validation, trained.notes, trained.resumed_from)


def _write(files: FileSystem, subject: Subject, step: int, content: bytes, name: str) -> tuple[str, str]:
    """Store a file in a folder named by its content, so that a path never comes to mean other weights."""
    import hashlib

    digest = hashlib.sha256(content).hexdigest()
    path = f"loras/{subject.key}/{step:05d}-{digest[:12]}/{name}"
    if not files.exists(path):
        files.write_bytes(path, content)
    return path, digest
