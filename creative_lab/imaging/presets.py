"""The shapes of ``data/presets.json``: what is known about models, adapters and LoRAs; ranges of overrides."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from creative_lab.imaging.errors import ImagingError

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
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

SHIPPED = "shipped:"
"""Prefix of paths below data/models (weights that come with the platform)."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Licence(_Entry):
    """Under which terms weights or pictures may be used; ``commercial`` None means that the terms must be read."""

    name: str
    commercial: bool | None
    note: str = ""


class WeightFile(_Entry):
    """One file of a model, relative to its folder."""

    path: str
    bytes: int | None = Field(default=None, ge=0)
    sha256: Sha256 | None = None

    @field_validator("path")
    @classmethod
    def _inside(cls, value: str) -> str:
        parts = PurePosixPath(value).parts
        if not parts or value.startswith("/") or ".." in parts or "#" in value or "\\" in value:
            raise ValueError(f"{value!r} is no plain relative path")
        return value


class Weights(_Entry):
    """Where weights come from and what is known about their bytes; what is unknown is null and says why."""

    path: str = Field(description="HF id (owner/name), shipped:NAME, or a .safetensors file below the models folder")
    licence: Licence
    revision: str | None = Field(default=None, pattern=r"^[0-9a-f]{40}$")
    size_bytes: int | None = Field(default=None, ge=0)
    files: tuple[WeightFile, ...] = ()
    unknown_because: str = Field(default="", description="why revision, size or hashes are null")
    is_active: bool = True

    @field_validator("path")
    @classmethod
    def _strip_prefix(cls, value: str) -> str:
        value = value.removeprefix("Huggingface:").removeprefix("huggingface:")
        name = value.removeprefix(SHIPPED)
        if not name or name.startswith("/") or ".." in PurePosixPath(name).parts or "#" in name or "://" in name:
            raise ValueError(f"{value!r} is neither owner/name, shipped:NAME nor a relative .safetensors file")
        if name.endswith((".ckpt", ".bin", ".pt", ".pth", ".pkl")):
            raise ValueError(f"{value!r} can run code when it is loaded: only .safetensors files are used")
        return value

    @model_validator(mode="after")
    def _say_why(self) -> Self:
        unknown = self.revision is None or self.size_bytes is None or not self.files
        if unknown and not self.unknown_because and not self.path.startswith(SHIPPED):
            raise ValueError("revision, size_bytes or files are unknown: say why in unknown_because")
        return self

    @property
    def single_file(self) -> bool:
        """Whether all weights are one .safetensors file in the original layout."""
        return self.path.endswith(".safetensors")


class ModelPreset(Weights):
    """One diffusion model that runs here."""

    slug: Slug
    label: str
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


class HostedModel(_Entry):
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

    slug: Slug
    label: str
    control_type: Literal["pose", "canny", "depth", "lineart", "scribble"]
    base_architecture: Architecture
    default_conditioning_scale: float = Field(ge=0, le=2)
    default_guidance_end: float = Field(ge=0, le=1)


class IpAdapterPreset(Weights):
    """An IP-Adapter: pictures follow a reference picture."""

    slug: Slug
    label: str
    base_architecture: Architecture
    subfolder: str = ""
    weight_name: str = Field(pattern=r"^[\w.-]+\.safetensors$")
    image_encoder_folder: str = Field(description="folder of the CLIP vision encoder below the adapter's")
    default_scale: float = Field(ge=0, le=2)


class LoraSettings(_Entry):
    """How a LoRA likes to be used; None leaves the choice to the request or the model."""

    strength: float = Field(default=0.8, ge=0, le=2)
    guidance_scale: float | None = Field(default=None, ge=0, le=20)
    clip_skip: int | None = Field(default=None, ge=1, le=12)


class LoraPreset(_Entry):
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


class Overrides(_Entry):
    """What one request may change; None inherits the preset, and 0 is a value."""

    width: int | None = Field(default=None, ge=64, le=4096)
    height: int | None = Field(default=None, ge=64, le=4096)
    steps: int | None = Field(default=None, ge=1, le=200)
    guidance_scale: float | None = Field(default=None, ge=0, le=20)
    scheduler: SchedulerName | None = None
    clip_skip: int | None = Field(default=None, ge=1, le=12)


ROLES = ("picture", "reference", "control")
"""Roles of this room: text to picture, follow a reference picture, follow a pose."""


class Presets(_Entry):
    """The whole file."""

    models: tuple[ModelPreset, ...]
    hosted: tuple[HostedModel, ...] = ()
    controlnets: tuple[ControlNetPreset, ...] = ()
    ip_adapters: tuple[IpAdapterPreset, ...] = ()
    loras: tuple[LoraPreset, ...] = ()
    roles: Mapping[Literal["miniature", "studio", "hosted"], Mapping[str, Slug | None]]

    @model_validator(mode="after")
    def _references(self) -> Self:
        entries: list[Any] = [*self.models, *self.hosted, *self.controlnets, *self.ip_adapters, *self.loras]
        slugs = [entry.slug for entry in entries]
        if twice := sorted({slug for slug in slugs if slugs.count(slug) > 1}):
            raise ValueError(f"used twice as slug: {', '.join(twice)}")
        fitting: dict[str, set[str]] = {
            "picture": {entry.slug for entry in self.models} | {entry.slug for entry in self.hosted},
            "control": {entry.slug for entry in self.controlnets},
            "reference": {entry.slug for entry in self.ip_adapters} | {entry.slug for entry in self.hosted},
        }
        for profile, roles in self.roles.items():
            if set(roles) != set(ROLES):
                raise ValueError(f"roles.{profile}: give {', '.join(ROLES)} (null where there is none)")
            for role, slug in roles.items():
                if slug is not None and slug not in fitting[role]:
                    raise ValueError(f"roles.{profile}.{role}: there is no such model as {slug!r}")
        return self
