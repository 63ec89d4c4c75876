"""The template that every family of diffusion models follows.

Loading: verify the files, create the pipeline, remember its scheduler, apply the preset's, fit it to the device.
Drawing: override the scheduler and put LoRAs on (restored and taken off afterwards), encode the text once, then draw
batches of pictures, each from the noise of its own seed. Families decide how text is encoded and what is passed.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from creative_lab.imaging import devices
from creative_lab.imaging.errors import ImagingError, UnsafeModel
from creative_lab.imaging.parameters import Control, Parameters, Reference
from creative_lab.imaging.pipelines import schedulers
from creative_lab.imaging.presets import ControlNetPreset, IpAdapterPreset, ModelPreset
from creative_lab.weights.files import Verified
from creative_lab.weights.places import check_files

OnStep = Callable[[int, int], None]
"""Called after each step with (steps done, steps in all); may raise to stop."""

_TEXT_STATES_KEPT = 16


@dataclass(frozen=True)
class Located:
    """A preset and where its weights are; ``config`` is the folder that a single file takes its configuration from."""

    preset: ModelPreset
    place: Path
    controlnet: tuple[ControlNetPreset, Path] | None = None
    ip_adapter: tuple[IpAdapterPreset, Path] | None = None
    config: Path | None = None


@dataclass(frozen=True)
class Start:
    """A picture (PIL) to begin from instead of noise alone; ``strength`` is the share of the steps that are drawn."""

    image: Any
    strength: float


@dataclass(frozen=True)
class Drawn:
    """Pictures of one batch (PIL, RGB) and which of them the model's own safety checker blacked out."""

    images: list[Any]
    blacked_out: list[bool]


class Family:
    """One loaded model. Subclasses are one per family of architectures."""

    size_multiple: ClassVar[int] = 8
    """Both sides of a picture are multiples of this."""
    pipeline_class: ClassVar[str] = ""
    """Class of diffusers; empty takes the one that the preset names."""
    over_class: ClassVar[str] = ""
    """Class of diffusers that draws over a picture with the same parts; empty: the family cannot."""

    def __init__(self, located: Located, device: devices.Device) -> None:
        self.located = located
        self.preset = located.preset
        self.device = device
        self.pipeline: Any = None
        self.verified: Verified | None = None
        self.dtype = devices.dtype_name(located.preset, device)
        self.placement = ""
        self._text_states: OrderedDict[tuple[Any, ...], dict[str, Any]] = OrderedDict()

    # --- loading

    def load(self) -> None:
        """Load the weights. Raises :class:`ImagingError` with the reason; never returns it."""
        devices.quiet_libraries()
        self.verified = check_files(self.located.place, self.preset)
        for adapter in (self.located.controlnet, self.located.ip_adapter):
            if adapter:
                check_files(adapter[1], adapter[0])
        try:
            self.pipeline = self.create()
            self.attach()
        except ImagingError:
            raise
        except Exception as error:
            if devices.is_out_of_memory(error):
                raise
            raise ImagingError(f"{self.preset.label} cannot be loaded from {self.located.place}: {error}") from error
        self._refuse_gaps()
        self.pipeline.set_progress_bar_config(disable=True)
        self.original_scheduler = self.pipeline.scheduler
        if self.preset.scheduler:
            self.pipeline.scheduler = schedulers.build(self.preset.scheduler, self.original_scheduler)
        self.placement = self.optimise()

    def create(self) -> Any:
        """The pipeline, from a folder as ``save_pretrained`` writes it or from a single file."""
        import diffusers
        import torch

        loader = getattr(diffusers, self.pipeline_class or self.preset.pipeline)
        options: dict[str, Any] = {"dtype": getattr(torch, self.dtype), "local_files_only": True}
        options |= self.create_options()
        if self.preset.load_in_8bit:
            options["quantization_config"] = _eight_bit()
        if self.preset.single_file:
            if self.located.config is None:
                raise ImagingError(
                    f"{self.preset.label}: a single file needs single_file_config, a pulled model whose layout it has"
                )
            return loader.from_single_file(str(self.located.place), config=str(self.located.config), **options)
        if _has_half_only(self.located.place) or (
            self.dtype == "float16" and any(self.located.place.rglob("*.fp16.safetensors"))
        ):
            options["variant"] = "fp16"
        return loader.from_pretrained(str(self.located.place), use_safetensors=True, **options)

    def _refuse_gaps(self) -> None:
        """Refuse weights that some tensors are missing from: diffusers leaves them without values, silently."""
        for name, component in self.pipeline.components.items():
            parameters = component.named_parameters() if hasattr(component, "named_parameters") else ()
            if missing := [tensor for tensor, value in parameters if value.is_meta]:
                raise ImagingError(
                    f"{self.preset.label}: {self.located.place} has no values for {len(missing)} tensors of {name}, "
                    f"such as {missing[0]}"
                )

    def create_options(self) -> dict[str, Any]:
        """Further arguments of the loader."""
        return {}

    def attach(self) -> None:
        """Load what hangs on the pipeline (an IP-Adapter)."""
        if self.located.ip_adapter:
            raise ImagingError(f"IP-Adapters are not used with {self.preset.base_architecture}")

    def optimise(self) -> str:
        """Fit the pipeline to the device."""
        return devices.place(self.pipeline, self.preset, self.device)

    def unload(self) -> None:
        """Drop the weights and give the memory back."""
        self.pipeline = None
        self._text_states.clear()
        devices.clear_cache(collect=self.device != "cpu")

    # --- drawing

    @contextlib.contextmanager
    def prepared(self, parameters: Parameters) -> Iterator[str]:
        """Scheduler and LoRAs of one generation; gives the name of the scheduler that is active."""
        from creative_lab.imaging import loras

        with (
            schedulers.overridden(self.pipeline, parameters.scheduler, self.original_scheduler) as name,
            loras.applied(self.pipeline, parameters.loras),
        ):
            yield name

    def text(self, parameters: Parameters) -> dict[str, Any]:
        """The text as keyword arguments of the pipeline, encoded once and remembered."""
        worn = tuple((lora.path, lora.strength) for lora in parameters.loras)
        triggers = tuple(lora.triggers for lora in parameters.loras)
        key = (
            parameters.prompt,
            parameters.negative_prompt,
            self.guided(parameters),
            parameters.clip_skip,
            parameters.weighting,
            parameters.max_sequence_length,
            worn,
            triggers,
        )
        if key not in self._text_states:
            self._text_states[key] = self.encode(parameters)
            while len(self._text_states) > _TEXT_STATES_KEPT:
                self._text_states.popitem(last=False)
        self._text_states.move_to_end(key)
        return self._text_states[key]

    def encode(self, parameters: Parameters) -> dict[str, Any]:
        """Encode prompt and negative prompt. Returns keyword arguments of the pipeline."""
        raise NotImplementedError

    def notes(self, _parameters: Parameters) -> list[str]:
        """What people should know about how the text was used."""
        return []

    def guided(self, parameters: Parameters) -> bool:
        """Whether classifier-free guidance runs the negative prompt too."""
        return parameters.guidance_scale > 1

    def arguments(self, parameters: Parameters) -> dict[str, Any]:
        """Keyword arguments of the pipeline besides text, size, steps and noise."""
        return {"guidance_scale": parameters.guidance_scale}

    def draw(
        self,
        parameters: Parameters,
        seeds: Sequence[int],
        on_step: OnStep,
        *,
        control: Control | None = None,
        reference: Reference | None = None,
        start: Start | None = None,
    ) -> Drawn:
        """Draw one picture per seed in one batch. The noise of a picture depends on its own seed alone.

        With ``start`` a picture is drawn over. Raises :class:`ImagingError` where the family cannot do that.
        """
        import torch

        steps = parameters.steps if start is None else max(1, int(parameters.steps * start.strength))

        def after_step(_pipeline: Any, step: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            on_step(step + 1, steps)
            return tensors

        pipeline = self.pipeline
        arguments = self.text(parameters) | self.arguments(parameters)
        if start is None:
            arguments |= self.adapter_arguments(parameters, control, reference)
            arguments |= {"width": parameters.width, "height": parameters.height}
        else:
            pipeline = self.over_pipeline()
            arguments |= self.reference_arguments(reference)
            image = start.image.convert("RGB").resize((parameters.width, parameters.height))
            # diffusers draws int(steps · strength) steps and refuses none at all.
            arguments |= {"image": image, "strength": min(1.0, max(start.strength, 1.001 / parameters.steps))}
        try:
            result = pipeline(
                **arguments,
                num_inference_steps=parameters.steps,
                num_images_per_prompt=len(seeds),
                generator=[torch.Generator("cpu").manual_seed(seed) for seed in seeds],
                callback_on_step_end=after_step,
            )
        finally:
            self.pipeline.maybe_free_model_hooks()
        flagged = getattr(result, "nsfw_content_detected", None) or [False] * len(seeds)
        return Drawn(list(result.images), [bool(flag) for flag in flagged])

    def over_pipeline(self) -> Any:
        """The pipeline that draws over pictures; it shares all parts with the one that draws new ones."""
        import inspect

        import diffusers

        if not self.over_class:
            raise ImagingError(f"{self.preset.slug}: {self.preset.base_architecture} cannot draw over a picture here")
        chosen = getattr(diffusers, self.over_class)
        wanted = inspect.signature(chosen.__init__).parameters
        made = chosen(**{name: part for name, part in self.pipeline.components.items() if name in wanted})
        made.set_progress_bar_config(disable=True)
        return made

    def reference_arguments(self, reference: Reference | None) -> dict[str, Any]:
        """Keyword arguments for an IP-Adapter."""
        if reference:
            raise ImagingError(f"{self.preset.slug} is loaded without an IP-Adapter")
        return {}

    def adapter_arguments(
        self, _parameters: Parameters, control: Control | None, reference: Reference | None
    ) -> dict[str, Any]:
        """Keyword arguments for ControlNet and IP-Adapter."""
        if control or reference:
            raise ImagingError(f"{self.preset.slug} is loaded without a ControlNet or IP-Adapter")
        return {}


def _has_half_only(place: Path) -> bool:
    """Whether the folder holds the fp16 variant without the full one, as ``models pull`` fetches it."""
    return any(
        not half.with_name(half.name.replace(".fp16.", ".")).exists() for half in place.rglob("*.fp16.safetensors")
    )


def _eight_bit() -> Any:
    import importlib.util

    if importlib.util.find_spec("bitsandbytes") is None:
        raise ImagingError("load_in_8bit needs the package bitsandbytes and a CUDA GPU")
    from diffusers import PipelineQuantizationConfig

    return PipelineQuantizationConfig(
        quant_backend="bitsandbytes_8bit",
        quant_kwargs={"load_in_8bit": True},
        components_to_quantize=["transformer", "text_encoder"],
    )


__all__ = ["Drawn", "Family", "Located", "OnStep", "UnsafeModel"]
