"""Pictures from fixed prompts and seeds at every checkpoint, drawn by the very pipeline that is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from creative_lab.characters.recipe import TrainingRecipe
from creative_lab.imaging.presets import ModelPreset
from creative_lab.imaging.prompt_weighting import ClipPromptEncoder
from creative_lab.imaging.recipe import Recipe, UsedLora, finished_png

if TYPE_CHECKING:
    from creative_lab.settings import Settings


@dataclass(frozen=True)
class DrawnPrompt:
    """One picture of a checkpoint: PNG with its recipe, and the same as RGB uint8."""

    number: int
    prompt: str
    seed: int
    data: bytes
    pixels: np.ndarray


class Validator:
    """Draws the recipe's prompts in one batch, with the adapters as they are at that moment."""

    def __init__(
        self, settings: Settings, pipeline: Any, preset: ModelPreset, recipe: TrainingRecipe, trigger: str
    ) -> None:
        self._settings, self._pipeline, self._preset = settings, pipeline, preset
        self.prompts = [prompt.replace("{trigger}", trigger) for prompt in recipe.validation_prompts]
        seeds = recipe.validation_seeds
        self.seeds = [seeds[number % len(seeds)] for number in range(len(self.prompts))]
        self._steps = recipe.validation_steps or preset.steps
        guidance = recipe.validation_guidance
        self._guidance = preset.guidance_scale if guidance is None else guidance

    def draw(self, lora: UsedLora | None) -> list[DrawnPrompt]:
        """The pictures with the adapters as they are; ``lora`` names them in the recipes, None for fresh ones.

        What the training draws by chance is not touched.
        """
        import torch

        devices = [self._pipeline.device] if self._pipeline.device.type == "cuda" else []
        with torch.random.fork_rng(devices), torch.inference_mode():
            images = self._images()
        return [
            DrawnPrompt(
                number=number,
                prompt=prompt,
                seed=seed,
                data=finished_png(image, self._recipe(prompt, seed, lora), self._settings),
                pixels=np.asarray(image.convert("RGB")),
            )
            for number, (prompt, seed, image) in enumerate(zip(self.prompts, self.seeds, images, strict=True))
        ]

    def _images(self) -> Sequence[Any]:
        import torch

        encoder, guided = ClipPromptEncoder(self._pipeline), self._guidance > 1
        parts = [encoder.encode(prompt, None, guided=guided, clip_skip=None) for prompt in self.prompts]
        dtype = self._pipeline.unet.dtype
        texts = {
            name: torch.cat([part[name] for part in parts]).to(dtype)
            for name in parts[0]
            if isinstance(parts[0][name], torch.Tensor)
        }
        autocast = torch.autocast(self._pipeline.device.type, dtype=dtype, enabled=dtype is not torch.float32)
        with autocast:
            return list(
                self._pipeline(
                    **texts,
                    width=self._preset.default_width,
                    height=self._preset.default_height,
                    num_inference_steps=self._steps,
                    guidance_scale=self._guidance,
                    generator=[torch.Generator("cpu").manual_seed(seed) for seed in self.seeds],
                ).images
            )

    def _recipe(self, prompt: str, seed: int, lora: UsedLora | None) -> Recipe:
        return Recipe(
            prompt=prompt,
            drawn_prompt=prompt,
            model=self._preset.slug,
            width=self._preset.default_width,
            height=self._preset.default_height,
            steps=self._steps,
            guidance_scale=self._guidance,
            scheduler=type(self._pipeline.scheduler).__name__.removesuffix("Scheduler"),
            seed=seed,
            batch_seeds=tuple(self.seeds),
            loras=(lora,) if lora else (),
            backend=self._settings.profile,
            device=self._pipeline.device.type,
            dtype=str(self._pipeline.unet.dtype).removeprefix("torch."),
            drawn_at=datetime.now(UTC),
        )
