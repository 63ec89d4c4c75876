"""Models that measure pictures: what the catalogue says about each, and the roles that they fill."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from creative_lab.weights.entries import Entry, Licence, Slug, Weights

Kind = Literal["clip", "aesthetic-head", "vision-language", "reward", "face-pack", "segmenter"]
Role = Literal[
    "caption", "clip", "clip_identity", "pickscore", "clipscore", "vqascore", "aesthetic", "hps", "faces", "garments"
]

KINDS: dict[Role, frozenset[Kind]] = {
    "caption": frozenset({"vision-language"}),
    "clip": frozenset({"clip"}),
    "clip_identity": frozenset({"clip"}),
    "pickscore": frozenset({"clip"}),
    "clipscore": frozenset({"clip"}),
    "vqascore": frozenset({"vision-language"}),
    "aesthetic": frozenset({"aesthetic-head"}),
    "hps": frozenset({"reward"}),
    "faces": frozenset({"face-pack"}),
    "garments": frozenset({"segmenter"}),
}
"""The kind of model that can fill a role; captions can also come from a hosted model."""

ROLES: tuple[Role, ...] = tuple(KINDS)


class Anchors(Entry):
    """Which raw values count as 0 and as 100, and why these."""

    low: float = Field(description="raw value that is 0")
    high: float = Field(description="raw value that is 100")
    source: str = Field(min_length=10, description="paper, documentation or measurement that the two values rest on")

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if not self.low < self.high:
            raise ValueError("low has to be below high")
        return self

    def percent(self, raw: float) -> float:
        """``raw`` between the anchors as 0–100, clamped."""
        return min(100.0, max(0.0, (raw - self.low) / (self.high - self.low) * 100.0))


class MeasuringPreset(Weights):
    """One model that measures pictures on this machine."""

    kind: Kind
    dtype: Literal["bfloat16", "float16", "float32"] = "float32"
    vram_usage: int = Field(ge=1, description="MB of GPU memory")
    miniature: bool = False
    encoder: Slug | None = Field(default=None, description="the CLIP whose picture embeddings an aesthetic head rates")
    text_prefix: str = Field(default="", description="words before each text, as CLIPScore's 'A photo depicts '")
    question: str = Field(
        default='Does this figure show "{text}"? Please answer yes or no.', description="VQAScore's question"
    )
    yes: str = Field(default="Yes", description="the answer whose first token is looked at")
    caption_prompt: str = Field(default="Describe this picture.", description="what a captioner is asked")
    detection_size: tuple[int, int] = Field(default=(640, 640), description="width and height of the face detector")
    by_hand: str = Field(default="", description="how to place files that are not on the hub")
    anchors: Mapping[Role, Anchors] = {}
    notes: str = ""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.kind == "aesthetic-head") != (self.encoder is not None):
            raise ValueError("an aesthetic head, and nothing else, names its encoder")
        if "{text}" not in self.question:
            raise ValueError("question has no {text}")
        for role in self.anchors:
            if self.kind not in KINDS[role]:
                raise ValueError(f"anchors.{role}: a {self.kind} does not fill this role")
        return self

    @property
    def suffix(self) -> str:
        """Format of the weights in a folder."""
        return ".onnx" if self.kind == "face-pack" else ".safetensors"

    def is_loadable(self, place: Path) -> bool:
        """Whether the folder holds what its kind is loaded from."""
        if self.kind == "face-pack":
            return len(list(place.glob("*.onnx"))) >= 2
        has_weights = any(place.glob("*.safetensors"))
        return has_weights and (self.kind == "aesthetic-head" or (place / "config.json").is_file())


class HostedVision(Entry):
    """A vision language model behind an API, which writes captions."""

    slug: Slug
    label: str
    model: str = Field(min_length=3, description="id of the model at litellm, such as openai/gpt-4o")
    licence: Licence
    caption_prompt: str = "Describe this picture."
    is_active: bool = True
    notes: str = ""


def fitting_roles(measuring: tuple[MeasuringPreset, ...], hosted: tuple[HostedVision, ...]) -> dict[str, set[str]]:
    """Role → slugs of the models that can fill it."""
    fitting: dict[str, set[str]] = {
        role: {entry.slug for entry in measuring if entry.kind in kinds} for role, kinds in KINDS.items()
    }
    fitting["caption"] |= {entry.slug for entry in hosted}
    return fitting


def check_encoders(measuring: tuple[MeasuringPreset, ...]) -> None:
    """Raise ValueError when an aesthetic head names an encoder that is no CLIP of the catalogue."""
    clips = {entry.slug for entry in measuring if entry.kind == "clip"}
    for entry in measuring:
        if entry.encoder is not None and entry.encoder not in clips:
            raise ValueError(f"{entry.slug}: its encoder {entry.encoder!r} is no CLIP of the catalogue")
