"""From a request and a preset to the numbers that are drawn with: guidance, size, seeds, prompts.

All rules are here, free of torch, so that they can be read and tested in one place. Nothing uses ``value or default``:
0 is a value.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from creative_lab.imaging.enhancement import has_word
from creative_lab.imaging.errors import ImagingError
from creative_lab.imaging.presets import ModelPreset, Overrides

if TYPE_CHECKING:
    from creative_lab.imaging.loras import ResolvedLora

MAX_PICTURES = 64
SEED_LIMIT = 2**63
"""torch generators take seeds below this."""

Weighting = Literal["chunked", "truncated"]


@dataclass(frozen=True)
class LoraUse:
    """A LoRA of the catalogue or a file of our own (``path``), with a strength or its default."""

    slug: str
    strength: float | None = None
    path: str | None = None
    triggers: str = ""

    def __post_init__(self) -> None:
        _within(f"LoRA {self.slug}: strength", self.strength, 2)


@dataclass(frozen=True)
class Control:
    """Follow a picture through a ControlNet; None inherits the preset's default, 0 switches it off."""

    slug: str
    image: Any
    scale: float | None = None
    guidance_end: float | None = None
    """Share of the steps after which the picture is followed no more."""

    def __post_init__(self) -> None:
        _within(f"ControlNet {self.slug}: scale", self.scale, 2)
        _within(f"ControlNet {self.slug}: guidance_end", self.guidance_end, 1)


@dataclass(frozen=True)
class Reference:
    """Follow a reference picture through an IP-Adapter; None inherits the preset's default, 0 switches it off."""

    slug: str
    image: Any
    scale: float | None = None

    def __post_init__(self) -> None:
        _within(f"reference {self.slug}: scale", self.scale, 2)


@dataclass(frozen=True)
class Redraw:
    """Draw a square part of a picture anew and keep the rest: see :mod:`creative_lab.imaging.redrawing`."""

    image: Any
    """The whole picture (PIL)."""
    square: tuple[float, float, float]
    """Left, top and side in its pixels; it may reach beyond the edges."""
    strength: float = 0.6
    """Share of the steps that are drawn; 1 forgets what was there."""
    upscale: int = 1
    """How many times larger the picture becomes, so that it can hold what is drawn."""

    def __post_init__(self) -> None:
        if not 0 < self.strength <= 1:
            raise ImagingError(f"redrawing: strength {self.strength} is not within 0 to 1")
        if not self.square[2] >= 8:
            raise ImagingError(f"redrawing: a square of {self.square[2]:g} pixels is too small")
        if not 1 <= self.upscale <= 4:
            raise ImagingError(f"redrawing: {self.upscale} times larger is not within 1 to 4")


@dataclass(frozen=True)
class PictureRequest:
    """What to draw: all variations of one prompt with one model."""

    model: str
    prompt: str
    negative_prompt: str | None = None
    count: int = 1
    seed: int | None = None
    """First seed: picture i uses seed + i. None draws one per picture."""
    seeds: tuple[int, ...] | None = None
    """Explicit seeds, one per picture; ``count`` and ``seed`` are then not used."""
    overrides: Overrides = field(default_factory=Overrides)
    loras: tuple[LoraUse, ...] = ()
    control: Control | None = None
    reference: Reference | None = None
    redraw: Redraw | None = None
    """Draw over a part of a picture instead of a new one; not with ``control``."""
    weighting: Weighting = "chunked"
    batch_size: int | None = None
    """Most pictures in one forward pass; None tries all at once."""

    def __post_init__(self) -> None:
        if self.redraw and self.control:
            raise ImagingError("a part is drawn over without a control picture: leave one of the two out")
        if self.batch_size is not None and self.batch_size < 1:
            raise ImagingError(f"batch_size {self.batch_size} is not 1 or more")
        for what, text in (("prompt", self.prompt), ("negative prompt", self.negative_prompt or "")):
            try:
                text.encode()
            except UnicodeEncodeError as error:
                raise ImagingError(
                    f"the {what} holds {text[error.start]!r}, half a character, at {error.start}"
                ) from error


@dataclass(frozen=True)
class Parameters:
    """What a pipeline is called with; everything is decided."""

    prompt: str
    negative_prompt: str | None
    width: int
    height: int
    steps: int
    guidance_scale: float
    scheduler: str | None
    clip_skip: int | None
    max_sequence_length: int | None
    seeds: tuple[int, ...]
    weighting: Weighting
    loras: tuple[ResolvedLora, ...] = ()
    notes: tuple[str, ...] = field(default=())


def _within(what: str, value: float | None, most: float) -> None:
    if value is not None and not 0 <= value <= most:
        raise ImagingError(f"{what} {value:g} is not within 0 to {most:g}")


def first_given(*values: Any) -> Any:
    """The first value that is not None (0 and "" count), or None."""
    return next((value for value in values if value is not None), None)


def picture_seeds(seed: int | None, count: int, seeds: Sequence[int] | None = None) -> tuple[int, ...]:
    """One seed per picture: as given, else seed + i, else drawn anew for each; all different unless given."""
    chosen: tuple[int, ...]
    if seeds is not None:
        chosen = tuple(seeds)
    elif seed is not None:
        chosen = tuple(seed + i for i in range(count))
    else:
        chosen = tuple(random.SystemRandom().sample(range(2**32), count))
    if not 1 <= len(chosen) <= MAX_PICTURES:
        raise ImagingError(f"{len(chosen)} pictures asked for: 1 to {MAX_PICTURES} are drawn at a time")
    for value in chosen:
        if not 0 <= value < SEED_LIMIT:
            raise ImagingError(f"seed {value} is not within 0 to 2^63 - 1")
    return chosen


def fit_size(width: int, height: int, max_pixels: int, multiple: int) -> tuple[int, int, str | None]:
    """Largest size of about the same aspect that a model can draw, and a note when it is not the size asked for.

    Sides become multiples of ``multiple`` (8 pixels per latent; 16 where a transformer also groups latents by two).
    """
    scale = min(1.0, math.sqrt(max_pixels / (width * height)))
    fitted_width = max(multiple, int(width * scale) // multiple * multiple)
    fitted_height = max(multiple, int(height * scale) // multiple * multiple)
    if (fitted_width, fitted_height) == (width, height):
        return width, height, None
    reason = f"at most {max_pixels} pixels" if scale < 1 else f"sides are multiples of {multiple}"
    return fitted_width, fitted_height, f"size {width}x{height} became {fitted_width}x{fitted_height}: {reason}"


def resolve(
    request: PictureRequest,
    preset: ModelPreset,
    *,
    multiple: int,
    loras: Sequence[ResolvedLora] = (),
) -> Parameters:
    """Apply every rule of the catalogue to a request.

    Guidance: the preset's where it is forced (distilled models), else LoRA, request, preset, in this order. Clip skip:
    LoRA, then request. Of several LoRAs the first that names a value decides; what is not followed is noted. Triggers
    of LoRAs are appended to the prompt, their negative words to the negative prompt.
    """
    if not request.prompt.strip():
        raise ImagingError("the prompt is empty")
    wish, notes = request.overrides, []
    lora_guidance, guidance_notes = _by_loras("guidance", "guidance_scale", loras, wish.guidance_scale)
    clip_skip, skip_notes = _by_loras("clip skip", "clip_skip", loras, wish.clip_skip)
    if preset.force_default_guidance:
        guidance = preset.guidance_scale
        asked = first_given(lora_guidance, wish.guidance_scale)
        if asked is not None and asked != guidance:
            notes.append(f"guidance {asked:g} ignored: {preset.slug} always uses {guidance:g}")
    else:
        guidance = first_given(lora_guidance, wish.guidance_scale, preset.guidance_scale)
        notes += guidance_notes
    notes += skip_notes
    width, height, size_note = fit_size(
        first_given(wish.width, preset.default_width),
        first_given(wish.height, preset.default_height),
        preset.max_pixels,
        multiple,
    )
    if size_note:
        notes.append(size_note)
    negative = _joined(request.negative_prompt, *(lora.negative_prompt for lora in loras))
    if negative and not preset.supports_negative_prompt:
        notes.append(f"negative prompt not used: {preset.slug} has none")
        negative = None
    return Parameters(
        prompt=_with_triggers(request.prompt, [lora.triggers for lora in loras]),
        negative_prompt=negative,
        width=width,
        height=height,
        steps=first_given(wish.steps, preset.steps),
        guidance_scale=float(guidance),
        scheduler=first_given(wish.scheduler, preset.scheduler),
        clip_skip=first_given(clip_skip, wish.clip_skip),
        max_sequence_length=preset.max_sequence_length,
        seeds=picture_seeds(request.seed, request.count, request.seeds),
        weighting=request.weighting,
        loras=tuple(loras),
        notes=tuple(notes),
    )


def _by_loras(
    what: str, field_name: str, loras: Sequence[ResolvedLora], wish: float | None
) -> tuple[Any | None, list[str]]:
    """What the first LoRA that names a value says, and notes about everybody who wanted another one."""
    said = [(lora.slug, getattr(lora, field_name)) for lora in loras if getattr(lora, field_name) is not None]
    if not said:
        return None, []
    first, value = said[0]
    others = [("asked for", wish)] if wish is not None else []
    others += [(f"of LoRA {slug}", other) for slug, other in said[1:]]
    notes = [f"{what} {other:g} {who} not used: LoRA {first} says {value:g}" for who, other in others if other != value]
    return value, notes


def _joined(*texts: str | None) -> str | None:
    kept = [text.strip().strip(",").strip() for text in texts if text and text.strip()]
    return ", ".join(kept) if kept else None


def _with_triggers(prompt: str, triggers: Sequence[str]) -> str:
    missing = [
        word.strip()
        for words in triggers
        for word in words.split(",")
        if word.strip() and not has_word(prompt, word.strip())
    ]
    return ", ".join([prompt.strip(), *dict.fromkeys(missing)])
