"""The training loop: one step depends on the recipe, the data and its own number, and on nothing else.

Noise, timesteps, pictures and dropout of a step come from generators seeded by the step's number. A run that was
killed therefore goes on from its newest state with the very losses that an undisturbed run has.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from creative_lab.characters import adapters, training_state
from creative_lab.characters.batches import BatchPlan
from creative_lab.characters.encoding import text_states
from creative_lab.characters.errors import TrainingStopped
from creative_lab.characters.lean_lora import make_lean
from creative_lab.characters.losses import NoiseSchedule, sample_noise, weighted_error
from creative_lab.characters.recipe import TrainingRecipe
from creative_lab.characters.training_data import TrainingData
from creative_lab.lake.fs import FileSystem
from creative_lab.weights.libraries import Device, plain_attention

_log = logging.getLogger(__name__)

OnCheckpoint = Callable[[int], dict[str, Any]]
"""Called at a checkpoint with its step; gives what should be remembered about it (JSON), such as ``identity``."""


@dataclass(frozen=True)
class Trained:
    """What a training came to."""

    steps: int
    metrics: list[dict[str, Any]]
    """A row per step: step, loss, learning_rate, text_encoder_learning_rate, epoch, grad_norm, skipped."""
    checkpoints: list[dict[str, Any]]
    """A row per checkpoint: step, loss (mean since the one before) and what ``on_checkpoint`` gave."""
    resumed_from: int
    seconds: float
    """Time of the steps, those of interrupted runs that were kept included."""
    notes: list[str]
    """What was decided otherwise than asked."""


class LoraTrainer:
    """Trains adapters on ``pipeline`` (all parts on ``device``) and keeps its state below ``files``.

    The pipeline's frozen parts are changed to the recipe's number format; its VAE is not used. ``on_step`` is called
    after each step with its row of metrics.
    """

    def __init__(
        self,
        pipeline: Any,
        data: TrainingData,
        recipe: TrainingRecipe,
        files: FileSystem,
        *,
        device: Device = "cpu",
        on_checkpoint: OnCheckpoint | None = None,
        on_step: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        recipe = recipe.on_device(device)
        self.pipeline, self.data, self.recipe, self.files, self.device = pipeline, data, recipe, files, device
        self._on_checkpoint, self._on_step = on_checkpoint, on_step
        self.notes: list[str] = []
        self.steps = recipe.steps(len(data.names))
        self._plan = BatchPlan(data.buckets, recipe.batch_size, recipe.seed)
        self._schedule = NoiseSchedule.of(pipeline.scheduler, device)
        self._precision = self._usable_precision()
        self._prepare()

    def run(self) -> Trained:
        """Train from the newest state, or from the start, to the last step.

        Raises :class:`TrainingStopped` when too many steps in a row came to no finite number.
        """
        import torch

        state = training_state.load_state(self.files, self.steps)
        if state is None:
            state = training_state.TrainingState(0, {}, {})
            if self._on_checkpoint:
                state.checkpoints.append({"step": 0, "loss": None} | self._on_checkpoint(0))
        else:
            self._restore(state)
        resumed_from = state.step
        for step in range(state.step + 1, self.steps + 1):
            started = time.perf_counter()
            row = self._guarded_step(step)
            state.seconds += time.perf_counter() - started
            state.step = step
            state.metrics.append(row)
            state.skipped_in_a_row = state.skipped_in_a_row + 1 if row["skipped"] else 0
            if row["skipped"]:
                _log.warning("step %d skipped: %s", step, row["skipped"])
            if state.skipped_in_a_row >= self.recipe.most_skipped:
                raise TrainingStopped(
                    f"{state.skipped_in_a_row} steps in a row changed nothing, the last ({step}) because "
                    f"{row['skipped']}: lower the learning rate or look at the training pictures"
                )
            if self._on_step:
                self._on_step(row)
            if step % self.recipe.checkpoint_every == 0 or step == self.steps:
                self._checkpoint(state)
        for model in self._models:
            model.eval()
        if self.device == "cuda":
            torch.cuda.synchronize()
        return Trained(self.steps, state.metrics, state.checkpoints, resumed_from, state.seconds, self.notes)

    # --- set-up

    def _usable_precision(self) -> str:
        if self.recipe.precision == "float16" and self.device != "cuda":
            self._note(f"float16 needs a CUDA card; trained in float32 on {self.device}")
            return "float32"
        return self.recipe.precision

    def _prepare(self) -> None:
        import torch

        recipe, dtype = self.recipe, getattr(torch, self._precision)
        for component in adapters.COMPONENTS:
            model = getattr(self.pipeline, component).to(self.device)
            if model.dtype != dtype:
                model.to(dtype)
        self.trainable = adapters.attach(self.pipeline, recipe)
        self._models = [getattr(self.pipeline, component) for component in self.trainable]
        if recipe.gradient_checkpointing:
            self.pipeline.unet.enable_gradient_checkpointing()
            if recipe.train_text_encoders:
                self.pipeline.text_encoder.gradient_checkpointing_enable()
                self.pipeline.text_encoder_2.gradient_checkpointing_enable()
        if recipe.compile:
            self.pipeline.unet.compile_repeated_blocks(fullgraph=True)
        else:
            for model in self._models:
                make_lean(model)
            if self.device == "cpu":
                plain_attention(self.pipeline.unet)
        rates = {adapters.UNET: recipe.learning_rate}
        groups: list[dict[str, Any]] = [
            {"params": [value for _, value in own], "rate": rates.get(component, recipe.text_encoder_learning_rate)}
            for component, own in self.trainable.items()
        ]
        self._parameters = [value for group in groups for value in group["params"]]
        self.optimizer = self._make_optimizer(groups)
        self._scaler = torch.amp.GradScaler(self.device, enabled=self._precision == "float16")

    def _make_optimizer(self, groups: list[dict[str, Any]]) -> Any:
        import torch

        recipe = self.recipe
        options: dict[str, Any] = {
            "lr": recipe.learning_rate,
            "betas": (recipe.beta1, recipe.beta2),
            "weight_decay": recipe.weight_decay,
            "eps": recipe.epsilon,
        }
        if recipe.optimizer == "adamw8bit":
            import importlib.util

            if self.device == "cuda" and importlib.util.find_spec("bitsandbytes"):
                import bitsandbytes

                return bitsandbytes.optim.AdamW8bit(groups, **options)
            why = "bitsandbytes is not installed" if self.device == "cuda" else f"the device is {self.device}"
            self._note(f"8-bit Adam needs a CUDA card and bitsandbytes ({why}); trained with AdamW")
        return torch.optim.AdamW(groups, **options, fused=True)

    def _note(self, note: str) -> None:
        _log.warning(note)
        self.notes.append(note)

    # --- one step

    def _guarded_step(self, step: int) -> dict[str, Any]:
        from creative_lab.imaging.devices import is_out_of_memory

        try:
            return self._step(step)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            raise TrainingStopped(
                f"out of memory in step {step} with batch_size {self.recipe.batch_size}: halve it and double "
                "accumulation, or switch on gradient_checkpointing"
            ) from error

    def _step(self, step: int) -> dict[str, Any]:
        """Do optimiser step number ``step`` (from 1) and describe it."""
        import torch

        recipe = self.recipe
        factor = recipe.learning_factor(step, self.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = group["rate"] * factor
        for model in self._models:
            model.train()
        reason: str | None = None
        total: Any = 0.0
        for part in range(recipe.accumulation):
            number = (step - 1) * recipe.accumulation + part
            pictures = self._plan.batch(number)
            bad = [self.data.names[picture] for picture in pictures if picture in self.data.unusable]
            if bad:
                reason = f"latents of {', '.join(bad)} are not finite"
                break
            loss = self._loss(number, pictures) / recipe.accumulation
            self._scaler.scale(loss).backward()
            total = total + loss.detach()
        row: dict[str, Any] = {
            "step": step, "loss": None, "learning_rate": recipe.learning_rate * factor,
            "text_encoder_learning_rate": (
                recipe.text_encoder_learning_rate * factor if recipe.train_text_encoders else None
            ),
            "epoch": self._plan.epoch(step * recipe.accumulation), "grad_norm": None, "skipped": reason,
        }  # fmt: skip
        if reason is None:
            self._scaler.unscale_(self.optimizer)
            limit = recipe.max_grad_norm
            norm = torch.nn.utils.clip_grad_norm_(self._parameters, float("inf") if limit is None else limit)
            loss_value, norm_value = torch.stack([total.float(), norm.float()]).tolist()
            if _finite(loss_value) and _finite(norm_value):
                self._scaler.step(self.optimizer)
                row |= {"loss": loss_value, "grad_norm": norm_value}
            else:
                what = "loss" if not _finite(loss_value) else "gradient"
                row["skipped"] = (
                    f"the {what} of {', '.join(self.data.names[number] for number in pictures)} is not finite"
                )
            self._scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        return row

    def _loss(self, number: int, pictures: list[int]) -> Any:
        """Weighted error of batch ``number`` over the whole training."""
        import torch

        recipe, batch = self.recipe, self.data.batch(pictures)
        generator = torch.Generator(self.device).manual_seed(recipe.seed * 1_000_003 + number)
        # Dropout draws from the global generator.
        torch.manual_seed(recipe.seed * 1_000_003 + number)
        mean, spread = batch["mean"], batch["spread"]
        if recipe.flip:
            mirrored = torch.rand(len(pictures), generator=generator, device=self.device).view(-1, 1, 1, 1) < 0.5
            mean = torch.where(mirrored, batch["mirrored_mean"], mean)
            spread = torch.where(mirrored, batch["mirrored_spread"], spread)
        latents = mean + spread * torch.randn(mean.shape, generator=generator, device=self.device)
        noise = sample_noise(latents, recipe.noise_offset, generator)
        timesteps = torch.randint(
            0, len(self._schedule.alphas), (len(pictures),), generator=generator, device=self.device
        )
        noisy = self._schedule.noisy(latents, noise, timesteps)
        with self._autocast():
            if recipe.train_text_encoders:
                states, pooled = text_states(self.pipeline, batch["tokens"], batch["tokens_2"])
            else:
                states, pooled = batch["states"], batch["pooled"]
            dtype = self.pipeline.unet.dtype
            said = self.pipeline.unet(
                noisy.to(dtype),
                timesteps,
                encoder_hidden_states=states.to(dtype),
                added_cond_kwargs={"text_embeds": pooled.to(dtype), "time_ids": batch["time_ids"].to(dtype)},
                return_dict=False,
            )[0]
        target = self._schedule.target(latents, noise, timesteps)
        return weighted_error(said, target, self._schedule.weights(timesteps, recipe.snr_gamma))

    @contextlib.contextmanager
    def _autocast(self) -> Iterator[None]:
        import torch

        if self._precision == "float32":
            yield
            return
        with torch.autocast(self.device, dtype=getattr(torch, self._precision)):
            yield

    # --- states

    def _checkpoint(self, state: training_state.TrainingState) -> None:
        known = {row["step"] for row in state.checkpoints}
        if state.step not in known:
            since = max((step for step in known if step < state.step), default=0)
            losses = [row["loss"] for row in state.metrics[since:] if row["loss"] is not None]
            row = {"step": state.step, "loss": sum(losses) / len(losses) if losses else None}
            if self._on_checkpoint:
                for model in self._models:
                    model.eval()
                row |= self._on_checkpoint(state.step)
            state.checkpoints.append(row)
        state.factors = adapters.factors(self.pipeline)
        state.optimizer, state.optimizer_numbers = training_state.optimizer_state(self.optimizer)
        state.scaler = self._scaler.state_dict()
        training_state.save_state(self.files, state)
        recent = training_state.saved_steps(self.files)[-self.recipe.keep_last :]
        training_state.forget_states(self.files, {*recent, best_step(state.checkpoints)})

    def _restore(self, state: training_state.TrainingState) -> None:
        adapters.load_factors(self.pipeline, state.factors)
        training_state.restore_optimizer(self.optimizer, state.optimizer, state.optimizer_numbers)
        if state.scaler:
            self._scaler.load_state_dict(state.scaler)


def best_step(checkpoints: list[dict[str, Any]]) -> int:
    """Step of the checkpoint with the highest identity; the last one when none was measured. Step 0 is no candidate."""
    candidates = [row for row in checkpoints if row["step"] > 0]
    measured = [row for row in candidates if row.get("identity") is not None]
    if not measured:
        return int(candidates[-1]["step"]) if candidates else 0
    # The earlier one of equals: the longer a training, the less the model can draw anything else.
    return int(max(measured, key=lambda row: (row["identity"], -row["step"]))["step"])


def _finite(value: float) -> bool:
    return value == value and abs(value) != float("inf")  # noqa: PLR0124 - not a number is not itself
