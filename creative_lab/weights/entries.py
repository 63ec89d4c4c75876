"""What the catalogue says about any model: its licence, where its weights come from, and their bytes."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

SHIPPED = "shipped:"
"""Prefix of paths below data/models (weights that come with the platform)."""


class Entry(BaseModel):
    """Base of everything that stands in the catalogue: fixed once read, and no field is unknown."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Licence(Entry):
    """Under which terms weights or pictures may be used; ``commercial`` None means that the terms must be read."""

    name: str
    commercial: bool | None
    note: str = ""


class WeightFile(Entry):
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


class Weights(Entry):
    """Where weights come from and what is known about their bytes; what is unknown is null and says why."""

    slug: Slug
    label: str
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

    @property
    def suffix(self) -> str:
        """Format of the weights in a folder."""
        return ".safetensors"

    def is_loadable(self, place: Path) -> bool:
        """Whether a folder (or single file) holds what loading begins with; other files may still be missing."""
        return place.exists()

    def files_in(self, place: Path) -> list[Path]:
        """The files in a folder that belong to this model."""
        return [path for path in place.rglob("*") if path.is_file()]
