"""Every setting of a LoRA training, with the sets of values that people begin from."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from creative_lab.characters.errors import CharacterError
from creative_lab.weights.libraries import Device, multiplies_bfloat16

Schedule = Literal["constant", "cosine", "linear"]
Precision = Literal["auto", "float32", "bfloat16", "float16"]

VALIDATION_PROMPTS = (
    "close-up of {trigger}, in the park in the morning",
    "medium close-up of happy {trigger} waving, on the city street at noon",
    "close-up of angry {trigger}, in the kitchen in the evening",
    "medium close-up of {trigger} reading, in the library at night",
)
"""Prompts of the pictures at checkpoints; ``{trigger}`` stands for the character's trigger."""

_LENGTH = {"max_steps", "epochs"}
_WITHOUT_EFFECT = {
    "checkpoint_every", "keep_last", "metrics_every", "validation_prompts", "validation_seeds", "validation_steps",
    "validation_guidance", "most_skipped",
}  # fmt: skip
"""Settings that leave the weights of a step as they are."""


class TrainingRecipe(BaseModel):
    """How a LoRA is trained. Learning rates are per step, sizes in pixels, numbers of steps are optimiser steps."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    batch_size: int = Field(default=4, ge=1, le=64, description="Pictures in one forward pass.")
    accumulation: int = Field(default=1, ge=1, le=64, description="Forward passes whose gradients make one step.")
    max_steps: int | None = Field(default=1000, ge=1, description="Steps in all; wins over epochs. None: by epochs.")
    epochs: int = Field(default=1, ge=1, description="Passes over the training set; only used without max_steps.")
    learning_rate: float = Field(default=1e-4, gt=0, le=1, description="Of the UNet's adapters.")
    text_encoder_learning_rate: float = Field(default=5e-5, ge=0, le=1, description="Of the text encoders' adapters.")
    train_text_encoders: bool = Field(default=False, description="Adapt the text encoders too; slower.")
    rank: int = Field(default=64, ge=1, le=512)
    alpha: float = Field(default=32, gt=0, description="The adapters' part is multiplied by alpha / rank.")
    dropout: float = Field(default=0.1, ge=0, lt=1, description="Share of an adapter's inputs that is dropped.")
    unet_targets: tuple[str, ...] = Field(default=("to_q", "to_k", "to_v", "to_out.0"), min_length=1)
    text_encoder_targets: tuple[str, ...] = Field(default=("q_proj", "v_proj"), min_length=1)
    schedule: Schedule = Field(default="constant", description="How the learning rate goes on after the warm-up.")
    warmup_steps: int = Field(default=100, ge=0, description="Steps in which the learning rate rises from near 0.")
    precision: Precision = Field(
        default="bfloat16",
        description="Number format of the frozen weights and activations; auto: what the device is fast in.",
    )
    gradient_checkpointing: bool = Field(default=False, description="Less memory for a third more time.")
    optimizer: Literal["adamw", "adamw8bit"] = Field(default="adamw", description="adamw8bit: CUDA only.")
    beta1: float = Field(default=0.9, ge=0, lt=1)
    beta2: float = Field(default=0.999, ge=0, lt=1)
    weight_decay: float = Field(default=0.01, ge=0)
    epsilon: float = Field(default=1e-8, gt=0)
    snr_gamma: float | None = Field(default=5.0, gt=0, description="Min-SNR weighting (Hang et al. 2023); None: none.")
    noise_offset: float = Field(default=0.1, ge=0, le=1, description="Strength of noise that is equal over a picture.")
    max_grad_norm: float | None = Field(default=1.0, gt=0, description="Gradients are clipped to it; None: never.")
    flip: bool = Field(default=False, description="Mirror half of the pictures; wrong for a face that is not even.")
    seed: int = Field(default=42, ge=0, lt=2**31)
    checkpoint_every: int = Field(default=50, ge=1)
    keep_last: int = Field(default=5, ge=1, description="Checkpoints that are kept besides the best one.")
    metrics_every: int = Field(default=10, ge=1, description="A row of training_metrics every so many steps.")
    compile: bool = Field(default=False, description="Compile the UNet's blocks; pays off on a GPU only.")
    most_skipped: int = Field(default=10, ge=1, description="Skipped steps in a row after which training stops.")
    validation_prompts: tuple[str, ...] = Field(default=VALIDATION_PROMPTS)
    validation_seeds: tuple[int, ...] = Field(default=(42, 123, 456, 789), min_length=1)
    validation_steps: int | None = Field(default=None, ge=1, description="Sampler steps; None: the model's.")
    validation_guidance: float | None = Field(default=None, ge=0, description="None: the model's.")

    def steps(self, pictures: int) -> int:
        """How many steps a training on ``pictures`` takes: ``max_steps``, else the epochs' worth."""
        if self.max_steps is not None:
            return self.max_steps
        return max(1, math.ceil(self.epochs * math.ceil(pictures / self.batch_size) / self.accumulation))

    def on_device(self, device: Device) -> TrainingRecipe:
        """The recipe with a precision of "auto" decided: bfloat16 where the device multiplies in it, else float32."""
        if self.precision != "auto":
            return self
        return self.changed({"precision": "bfloat16" if multiplies_bfloat16(device) else "float32"})

    def learning_factor(self, step: int, steps: int) -> float:
        """What the learning rates are multiplied by in ``step`` (from 1) of ``steps``."""
        if step <= self.warmup_steps:
            return step / self.warmup_steps
        if self.schedule == "constant":
            return 1.0
        done = (step - self.warmup_steps - 1) / max(1, steps - self.warmup_steps)
        return 0.5 * (1 + math.cos(math.pi * done)) if self.schedule == "cosine" else 1.0 - done

    def fingerprint(self, *facts: str) -> str:
        """A short hash of everything that decides the weights of a step: the settings and ``facts`` about the data.

        With a constant schedule the length is not part of it, so that a finished training may be made longer.
        """
        left_out = _WITHOUT_EFFECT | (_LENGTH if self.schedule == "constant" else set())
        text = json.dumps([self.model_dump(mode="json", exclude=left_out), *facts], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def changed(self, changes: dict[str, Any]) -> TrainingRecipe:
        """The recipe with some settings changed. Raises :class:`CharacterError` naming the setting that is wrong."""
        try:
            return TrainingRecipe.model_validate(self.model_dump() | changes)
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors(include_url=False)
            )
            raise CharacterError(f"training settings: {problems}") from None


STANDARD = TrainingRecipe()
"""For SDXL on a card of 40 GB or more."""

SMALL_CARD = TrainingRecipe(
    batch_size=1, rank=16, alpha=16, dropout=0.0, precision="float16", gradient_checkpointing=True,
    optimizer="adamw8bit",
)  # fmt: skip
"""For a card of 8 GB, with a training set made at 512 pixels."""

MINIATURE = TrainingRecipe(
    batch_size=4, max_steps=300, learning_rate=2e-3, rank=32, alpha=32, dropout=0.0, schedule="cosine", warmup_steps=10,
    snr_gamma=None, noise_offset=0.0, precision="auto",
    unet_targets=(
        "to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2", "proj_in", "proj_out", "conv1", "conv2",
        "time_emb_proj",
    ),
)  # fmt: skip
"""For the miniature on a processor.

Convolutions are adapted beside attention, as both draw a face. Min-SNR weighting would all but switch off the steps of
much noise, which decide hair, skin and shape in a picture of 16 × 16 latents.
"""

RECIPES = {"standard": STANDARD, "small-card": SMALL_CARD, "miniature": MINIATURE}
