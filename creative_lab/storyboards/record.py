"""The storyboard record: where its scenes come from, how it is drawn, and within which limits.

Comparing two ways of drawing is two records of one source. 0 is a value everywhere, never "the default".
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

Method = Literal["baseline", "simple", "reference_guided", "wireframe"]
Presence = Literal["full", "partial", "none", "appears", "disappears"]
METHODS: tuple[Method, ...] = ("baseline", "simple", "reference_guided", "wireframe")

Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]

LEAST_SCENES, MOST_SCENES = 6, 10


class RecordError(ValueError):
    """A record that cannot be used; the message names the field."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StorySource(_Entry):
    """A story in a few sentences, about a character or about anybody."""

    kind: Literal["story"] = "story"
    story: str = Field(min_length=10, max_length=2000, description="The story in plain sentences")
    character: Slug | None = Field(default=None, description="Key of the character whose story it is")

    @field_validator("story")
    @classmethod
    def _words(cls, value: str) -> str:
        value = " ".join(value.split())
        if sum(letter.isalpha() for letter in value) < 8:
            raise ValueError("a story needs words")
        return value


class ScriptSource(_Entry):
    """An adapted script: one scene per row of it."""

    kind: Literal["script"] = "script"
    spot: Slug
    target: Slug
    character: Slug | None = Field(default=None, description="Key of the character who plays the lead")


class GivenScene(_Entry):
    """One scene as a person wants it."""

    description: str = Field(min_length=3, max_length=1000)
    prompt: str | None = Field(default=None, min_length=3, max_length=4000, description="Drawn as it is where given")
    shot: str | None = Field(default=None, max_length=40)
    subject_presence: Presence = "full"
    dialogue: str | None = Field(default=None, max_length=1000)
    duration_seconds: float = Field(default=3.0, gt=0, le=60)


class ScenesSource(_Entry):
    """Scenes that a person wrote."""

    kind: Literal["scenes"] = "scenes"
    scenes: tuple[GivenScene, ...] = Field(min_length=1, max_length=30)
    character: Slug | None = None


Source = Annotated[StorySource | ScriptSource | ScenesSource, Field(discriminator="kind")]


class ReferencePicture(_Entry):
    """A user's picture in the lake: it is scene 1, unchanged."""

    path: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class StoryboardSettings(_Entry):
    """How a storyboard is drawn and judged; None takes the model's own value."""

    num_scenes: int = Field(default=8, ge=LEAST_SCENES, le=MOST_SCENES, description="Most scenes of a story")
    target_duration: float | None = Field(
        default=None, ge=9, le=60, description="Length of a story's film in seconds; None gives every scene 3 s"
    )
    enhancement: bool = Field(default=True, description="Whether two agents work on every prompt")
    max_enhancement_iterations: int = Field(default=4, ge=1, le=6)
    enhancement_target: float = Field(default=85, ge=0, le=100, description="Score of a prompt that is good enough")
    num_variations: int = Field(default=4, ge=2, le=8, description="Pictures per try")
    attempts: int = Field(default=3, ge=1, le=6, description="Tries per scene; the best of all is kept")
    quality_threshold: float = Field(default=30, ge=0, le=100, description="Overall score below which a frame warns")
    identity_threshold: float | None = Field(
        default=None, ge=0, le=1, description="Least clip_identity of a good frame; None takes the profile's"
    )
    face_threshold: float | None = Field(
        default=None, ge=-1, le=1,
        description="Least likeness of the face to frame 1's in reference_guided; None takes the profile's",
    )  # fmt: skip
    base_seed: int = Field(default=42, ge=0, le=2**53)
    temperature: float = Field(default=0, ge=0, le=1, description="Above 0 seeds get a random part, which is recorded")
    steps: int | None = Field(default=None, ge=1, le=200)
    guidance_scale: float | None = Field(default=None, ge=0, le=20)
    width: int | None = Field(default=None, ge=64, le=4096, multiple_of=8)
    height: int | None = Field(default=None, ge=64, le=4096, multiple_of=8)
    lora_strength: float | None = Field(default=None, ge=0, le=2)
    ip_adapter_scale: float | None = Field(default=None, ge=0, le=2, description="0 switches the IP-Adapter off")
    controlnet_scale: float | None = Field(default=None, ge=0, le=2, description="0 switches the pose off")
    redraw_faces: bool = Field(
        default=True, description="Whether a small face of the best picture is drawn anew from nearby, by local models"
    )
    redraw_strength: float = Field(default=0.6, ge=0.1, le=1, description="1 forgets the face that was there")
    reference_from: Literal["first", "previous"] = Field(
        default="first", description="Whether frames follow frame 1's face or the best picture of the scene before"
    )
    batch_size: int | None = Field(default=None, ge=1, le=8, description="Most pictures in one forward pass")
    picture_model: Slug | None = Field(default=None, description="Picture model instead of the profile's")
    language_model: str | None = Field(default=None, max_length=200, description="Language model instead of the lab's")
    style: str = Field(default="", max_length=500, description="Look of the film, in front of every prompt")
    brand_name: str = Field(default="", max_length=50)
    keep_traces: bool = Field(default=False, description="Keep the files of a run's traces; tables keep them anyway")


class StoryboardRecord(_Entry):
    """One storyboard: source, method, settings. Its key is the partition."""

    key: Slug
    title: str = Field(min_length=1, max_length=200)
    source: Source
    method: Method = "simple"
    settings: StoryboardSettings = StoryboardSettings()
    reference: ReferencePicture | None = None

    @model_validator(mode="after")
    def _consistent(self) -> StoryboardRecord:
        needs_character = self.method in ("simple", "reference_guided") and self.source.kind == "story"
        if needs_character and self.source.character is None and self.reference is None:
            raise ValueError(f"method: {self.method} needs source.character (its LoRA) or a reference picture")
        return self

    @property
    def source_key(self) -> str:
        """The same for every record of one source, whatever the method: kind and a short hash of its content."""
        text = json.dumps(self.source.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
        return f"{self.source.kind}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


PRESETS: dict[str, dict[str, Any]] = {
    "max": {"max_enhancement_iterations": 6, "num_variations": 4, "quality_threshold": 50},
    "balanced": {"max_enhancement_iterations": 4, "num_variations": 4, "quality_threshold": 30},
    "fast": {"max_enhancement_iterations": 2, "num_variations": 2, "quality_threshold": 20},
}
"""Named settings: quality first, the usual, speed first."""


def read_record(data: Any, *, where: str) -> StoryboardRecord:
    """A record from plain data. Raises :class:`RecordError` naming ``where`` and every field that is wrong."""
    try:
        return StoryboardRecord.model_validate(data)
    except ValidationError as error:
        problems = [f"{_place(item['loc'])}: {item['msg'].removeprefix('Value error, ')}" for item in error.errors()]
        raise RecordError(f"{where}: {'; '.join(problems)}") from error


def _place(parts: tuple[int | str, ...]) -> str:
    """Where a mistake is, as a person would write it: the kind of the source is no field."""
    named = parts[:1] + parts[2:] if parts[:1] == ("source",) and len(parts) > 2 else parts
    return ".".join(map(str, named)) or "record"
