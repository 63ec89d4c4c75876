"""The shapes of ``data/presets.json``: what is known about models, adapters and LoRAs; ranges of overrides."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from creative_lab.imaging.errors import ImagingError
from creative_lab.weights.entries import Entry, Licence, Sha256, Slug, Weights
from creative_lab.weights.measuring import ROLES as MEASURING_ROLES
from creative_lab.weights.measuring import HostedVision, MeasuringPreset, check_encoders, fitting_roles

Architecture = Literal["sdxl", "sd15", "flux1", "flux2", "qwen", "zimage"]
Dtype = Literal["bfloat16", "float16", "float32", "float8_e4m3fn"]
SchedulerName = Literal[
    "DDIM",
    "DPMSolverMultistep",
    "DPMSolverSinglestep",
    "EulerAncestralDiscrete",
    "EulerDiscrete",
    "FlowMatchEulerDiscrete",
    "FlowMatchHeunDiscrete",
    "HeunDiscrete",
    "LCM",
    "LMSDiscrete",
    "UniPCMultistep",
]
PipelineName = Literal[
    "AutoPipelineForText2Image",
    "Flux2KleinPipeline",
    "FluxPipeline",
    "QwenImagePipeline",
    "StableDiffusionControlNetPipeline",
    "StableDiffusionPipeline",
    "StableDiffusionXLControlNetPipeline",
    "StableDiffusionXLPipeline",
    "ZImagePipeline",
]


class ModelPreset(Weights):
    """One diffusion model that runs here."""

    base_architecture: Architecture
    pipeline: PipelineName
    steps: int = Field(ge=1, le=200)
    guidance_scale: float = Field(ge=0, le=20)
    default_width: int = Field(ge=64, le=4096, multiple_of=8)
    default_height: int = Field(ge=64, le=4096, multiple_of=8)
    max_pixels: int = Field(ge=64 * 64)
    scheduler: SchedulerName | None = Field(default=None, description="None keeps the scheduler of the files")
    dtype: Dtype
    supports_negative_prompt: bool
    force_default_guidance: bool = False
    max_sequence_length: int | None = Field(default=None, ge=1, le=4096)
    token_window: int = Field(ge=1, le=4096)
    vram_usage: int = Field(ge=1, description="MB of GPU memory")
    enable_debug_logging: bool = False
    use_sequential_cpu_offload: bool = False
    enable_vae_slicing: bool = False
    load_in_8bit: bool = False
    miniature: bool = False
    single_file_config: str | None = Field(default=None, description="HF id whose configuration a single file uses")
    notes: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.miniature and min(self.default_width, self.default_height) < 256:
            raise ValueError("default_width and default_height are at least 256")
        if self.default_width * self.default_height > self.max_pixels:
            raise ValueError("the default size exceeds max_pixels")
        return self

    def is_loadable(self, place: Path) -> bool:
        """Whether there is the list of a pipeline's parts, or the single file."""
        return place.is_file() if self.single_file else (place / "model_index.json").is_file()


class HostedModel(Entry):
    """A model behind an API; pictures cost money and may lack a seed or a negative prompt."""

    slug: Slug
    label: str
    provider: Literal["litellm", "replicate"]
    model: str = Field(description="name of the model at the provider")
    cost_per_image_usd: float | None = Field(default=None, ge=0, description="None: not known offline")
    supports_seed: bool
    supports_negative_prompt: bool
    supports_image_input: bool
    sizes: tuple[str, ...] = Field(default=(), description="WIDTHxHEIGHT values the provider accepts; empty: any")
    licence: Licence
    is_active: bool = True


class ControlNetPreset(Weights):
    """A ControlNet: pictures follow a pose, edges or a depth map."""

    control_type: Literal["pose", "canny", "depth", "lineart", "scribble"]
    base_architecture: Architecture
    default_conditioning_scale: float = Field(ge=0, le=2)
    default_guidance_end: float = Field(ge=0, le=1)

    def is_loadable(self, place: Path) -> bool:
        """Whether there is the configuration of the network, or the single file."""
        return place.is_file() if self.single_file else (place / "config.json").is_file()


class IpAdapterPreset(Weights):
    """An IP-Adapter: pictures follow a reference picture."""

    base_architecture: Architecture
    subfolder: str = ""
    weight_name: str = Field(pattern=r"^[\w.-]+\.safetensors$")
    image_encoder_folder: str = Field(description="folder of the CLIP vision encoder below the adapter's")
    default_scale: float = Field(ge=0, le=2)

    @property
    def adapter_path(self) -> PurePosixPath:
        """The adapter's own file, relative to the folder."""
        return PurePosixPath(self.subfolder, self.weight_name)

    @property
    def encoder_path(self) -> PurePosixPath:
        """Folder of the image encoder, relative to the folder; beside the adapter unless it names a path."""
        inside = "" if "/" in self.image_encoder_folder else self.subfolder
        return PurePosixPath(inside, self.image_encoder_folder)

    def is_loadable(self, place: Path) -> bool:
        """Whether the adapter's own file is there."""
        return (place / self.adapter_path).is_file()

    def files_in(self, place: Path) -> list[Path]:
        """The adapter's file and its encoder's; several adapters share one folder."""
        encoder = place / self.encoder_path
        return [path for path in (place / self.adapter_path, *encoder.glob("*")) if path.is_file()]


class LoraSettings(Entry):
    """How a LoRA likes to be used; None leaves the choice to the request or the model."""

    strength: float = Field(default=0.8, ge=0, le=2)
    guidance_scale: float | None = Field(default=None, ge=0, le=20)
    clip_skip: int | None = Field(default=None, ge=1, le=12)


class LoraPreset(Entry):
    """A LoRA: ``path`` below the models folder, or ``air`` (Civitai), or both."""

    slug: Slug
    label: str
    base_architecture: Architecture
    theme: str = ""
    air: str | None = None
    path: str | None = Field(default=None, pattern=r"^\w[\w.-]*(/\w[\w.-]*)*\.safetensors$")
    prompt: str = Field(default="", description="trigger words, separated by commas")
    negative_prompt: str = ""
    settings: LoraSettings = LoraSettings()
    sha256: Sha256 | None = None
    licence: Licence | None = None
    notes: str = ""
    is_active: bool = True

    @model_validator(mode="after")
    def _source(self) -> Self:
        from creative_lab.imaging.air import parse_air

        if not self.air and not self.path:
            raise ValueError(f"LoRA {self.slug}: give a path, an air, or both")
        if self.base_architecture == "qwen":
            raise ValueError(f"LoRA {self.slug}: LoRAs are not used with qwen")
        if self.air:
            try:
                named = parse_air(self.air).architecture
            except ImagingError as error:
                raise ValueError(f"LoRA {self.slug}: {error}") from error
            if named is None:
                raise ValueError(f"LoRA {self.slug}: the ecosystem of {self.air} is unknown: say which architecture")
            if named != self.base_architecture:
                raise ValueError(
                    f"LoRA {self.slug}: labelled {self.base_architecture}, but {self.air} is made for {named}"
                )
        return self


class Overrides(Entry):
    """What one request may change; None inherits the preset, and 0 is a value."""

    width: int | None = Field(default=None, ge=64, le=4096)
    height: int | None = Field(default=None, ge=64, le=4096)
    steps: int | None = Field(default=None, ge=1, le=200)
    guidance_scale: float | None = Field(default=None, ge=0, le=20)
    scheduler: SchedulerName | None = None
    clip_skip: int | None = Field(default=None, ge=1, le=12)


ROLES = ("picture", "reference", "control")
"""Roles that draw: text to picture, follow a reference picture, follow a pose."""


class Presets(Entry):
    """The whole file."""

    models: tuple[ModelPreset, ...]
    hosted: tuple[HostedModel, ...] = ()
    controlnets: tuple[ControlNetPreset, ...] = ()
    ip_adapters: tuple[IpAdapterPreset, ...] = ()
    loras: tuple[LoraPreset, ...] = ()
    measuring: tuple[MeasuringPreset, ...] = ()
    hosted_vision: tuple[HostedVision, ...] = ()
    roles: Mapping[Literal["miniature", "studio", "hosted"], Mapping[str, Slug | None]]

    @model_validator(mode="after")
    def _references(self) -> Self:
        entries: list[Any] = [*self.models, *self.hosted, *self.controlnets, *self.ip_adapters, *self.loras]
        entries += [*self.measuring, *self.hosted_vision]
        slugs = [entry.slug for entry in entries]
        if twice := sorted({slug for slug in slugs if slugs.count(slug) > 1}):
            raise ValueError(f"used twice as slug: {', '.join(twice)}")
        check_encoders(self.measuring)
        fitting: dict[str, set[str]] = fitting_roles(self.measuring, self.hosted_vision) | {
            "picture": {entry.slug for entry in self.models} | {entry.slug for entry in self.hosted},
            "control": {entry.slug for entry in self.controlnets},
            "reference": {entry.slug for entry in self.ip_adapters} | {entry.slug for entry in self.hosted},
        }
        for profile, roles in self.roles.items():
            if set(roles) != {*ROLES, *MEASURING_ROLES}:
                wanted = ", ".join((*ROLES, *MEASURING_ROLES))
                raise ValueError(f"roles.{profile}: give {wanted} (null where there is none)")
            for role, slug in roles.items():
                if slug is not None and slug not in fitting[role]:
                    raise ValueError(f"roles.{profile}.{role}: there is no such model as {slug!r}")
        return self
