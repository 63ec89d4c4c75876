"""Drawing all variations of one try at a scene, by the method of the storyboard and whoever fills the picture role.

The methods differ only in what guides the drawing: nothing (baseline), the character's LoRA (simple), LoRA, a reference
face and a pose (reference-guided), or lines instead of colour (wireframe).
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from creative_lab.storyboards.choosing import candidate_seed
from creative_lab.storyboards.poses import pose_picture
from creative_lab.storyboards.prompts import DrawnPrompt
from creative_lab.storyboards.record import StoryboardRecord
from creative_lab.storyboards.scenes import Scene

if TYPE_CHECKING:
    from creative_lab.imaging.catalogue import Catalogue
    from creative_lab.imaging.generation import Generation
    from creative_lab.imaging.parameters import Control, LoraUse, PictureRequest, Redraw, Reference

RANDOM_PART = 10_000
"""A temperature above 0 adds a random number below this to the seeds of a try; it is part of the recorded seed."""


class Studio(Protocol):
    """Whoever draws: local pipelines, a hosted model or the illustrator's line art."""

    def generate(self, request: PictureRequest, *, cancelled: Callable[[], bool] | None = None) -> Generation:
        """All pictures of a request."""
        ...


@dataclass(frozen=True)
class CharacterLora:
    """The LoRA of the storyboard's character, from the table ``lora_weights``."""

    character: str
    path: Path
    sha256: str
    trigger: str
    base_model: str
    step: int | None = None
    """Training step of its checkpoint."""


@dataclass(frozen=True)
class GuidingFace:
    """The face that frames are drawn after, and which scene's frame it was cut out of."""

    image: Any
    how: str
    scene: int | None
    """None: one of the character's own pictures."""


@dataclass(frozen=True)
class Roles:
    """Slugs of the models that draw; None where the profile has none."""

    picture: str
    reference: str | None = None
    control: str | None = None
    hosted: bool = False
    world: bool = False


@dataclass(frozen=True)
class Guidance:
    """What one try was guided by: parts of the request, and the columns that say so."""

    loras: tuple[LoraUse, ...] = ()
    reference: Reference | None = None
    control: Control | None = None
    columns: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    control_image: Any = None


@dataclass(frozen=True)
class Drawn:
    """One drawn picture and what its row says besides the stored file."""

    image: Any
    recipe: Any
    seed: int | None
    seed_rule: str
    attempt: int
    candidate: int
    columns: dict[str, Any]


def roles_of(catalogue: Catalogue, record: StoryboardRecord) -> Roles:
    """Who draws a storyboard in the profile of the settings. Raises :class:`ImagingError` when nobody does."""
    from creative_lab.imaging.errors import ImagingError

    slug = record.settings.picture_model or catalogue.role("picture")
    if slug is None:
        raise ImagingError(f"the profile {catalogue.settings.profile} has no picture model")
    hosted = catalogue.is_hosted(slug)
    world = not hosted and catalogue.model(slug).miniature
    reference, control = catalogue.role("reference"), catalogue.role("control")
    return Roles(slug, reference, control, hosted, world)


def no_conditioning() -> dict[str, Any]:
    """The columns of guidance for a picture without any."""
    names = ("lora", "lora_sha256", "lora_step", "lora_strength", "ip_adapter", "ip_adapter_scale", "reference_scene",
             "reference_sha256", "reference_path", "reference_crop", "controlnet", "controlnet_scale", "control_path",
             "redrawn_from", "redraw_prompt", "redraw_strength")  # fmt: skip
    return dict.fromkeys(names)


def guidance_of(
    record: StoryboardRecord,
    scene: Scene,
    prompt: DrawnPrompt,
    *,
    catalogue: Catalogue,
    roles: Roles,
    lora: CharacterLora | None,
    face: GuidingFace | None,
    size: tuple[int, int],
) -> Guidance:
    """What guides the drawing of a scene; what was asked for and cannot be had is a note, never silence.

    In a scene without the subject nothing of the subject guides: no face and no pose. Models that are loaded with an
    adapter get it at scale 0 then, so that the pipeline stays warm, and the columns say that it was not active.
    """
    from creative_lab.imaging.parameters import Control, LoraUse, Reference
    from creative_lab.imaging.recipe import picture_sha256

    columns, notes = no_conditioning(), []
    settings = record.settings
    worn: tuple[LoraUse, ...] = ()
    if record.method in ("simple", "reference_guided"):
        if lora is None:
            notes.append("no LoRA: the storyboard names no character")
        elif not scene.with_subject:
            notes.append("no LoRA: the subject is not in this scene")
        elif roles.hosted or (record.method == "simple" and settings.lora_strength == 0):
            notes.append("the LoRA is not used: " + ("a hosted model draws" if roles.hosted else "its strength is 0"))
        else:
            strength = 1.0 if settings.lora_strength is None else settings.lora_strength
            worn = (LoraUse(lora.character, strength, str(lora.path), lora.trigger),)
            columns |= {"lora": lora.character, "lora_sha256": lora.sha256, "lora_step": lora.step,
                        "lora_strength": strength}  # fmt: skip
    if record.method == "reference_guided" and face is None and scene.scene > 1:
        notes.append("no face and no pose: no earlier frame shows the subject")
    if record.method != "reference_guided" or face is None:
        return Guidance(worn, None, None, columns, tuple(notes))
    reference, control, control_image = None, None, None
    follows = scene.subject_presence in ("full", "partial", "appears", "disappears")
    if roles.reference is None:
        notes.append("no reference: the profile has no model for it")
    else:
        default = 0.6 if catalogue.is_hosted(roles.reference) else catalogue.ip_adapter(roles.reference).default_scale
        scale = default if settings.ip_adapter_scale is None else settings.ip_adapter_scale
        scale = scale if follows else 0.0
        if not roles.hosted or scale > 0:
            reference = Reference(roles.reference, face.image, scale)
        if scale > 0:
            columns |= {
                "ip_adapter": roles.reference,
                "ip_adapter_scale": scale,
                "reference_scene": face.scene,
                "reference_sha256": picture_sha256(face.image),
                "reference_crop": face.how,
            }
    if roles.control is None:
        notes.append("no pose: the profile has no model for it")
    elif not roles.hosted:
        preset = catalogue.controlnet(roles.control)
        scale = preset.default_conditioning_scale if settings.controlnet_scale is None else settings.controlnet_scale
        scale = scale if follows and prompt.action else 0.0
        control_image = pose_picture(scene, prompt.action or "standing", *size, seed=settings.base_seed + scene.scene)
        control = Control(roles.control, control_image, scale)
        if scale > 0:
            columns |= {"controlnet": roles.control, "controlnet_scale": scale}
        else:
            control_image = None
    return Guidance(worn, reference, control, columns, tuple(notes), control_image)


def draw_try(
    studio: Studio,
    record: StoryboardRecord,
    scene: Scene,
    prompt: DrawnPrompt,
    guidance: Guidance,
    *,
    roles: Roles,
    attempt: int,
    guidance_scale: float | None,
    size: tuple[int | None, int | None],
    variations: int | None = None,
    text: str | None = None,
    redraw: Redraw | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> list[Drawn]:
    """All variations of one try, each with its own seed. Raises what the studio raises.

    ``text`` replaces the prompt (a fallback, a face from nearby); ``variations`` the record's number. ``redraw`` draws
    over a part of a picture.
    """
    from creative_lab.imaging.parameters import PictureRequest
    from creative_lab.imaging.presets import Overrides

    settings = record.settings
    count = settings.num_variations if variations is None else variations
    extra = random.SystemRandom().randrange(RANDOM_PART) if settings.temperature > 0 else 0
    seeds = tuple(candidate_seed(settings.base_seed, scene.scene, attempt, number, extra) for number in range(count))
    rule = "base + 1000·scene + 10·attempt + candidate" + (f" + {extra} (temperature)" if extra else "")
    request = PictureRequest(
        model=roles.picture,
        prompt=text or prompt.prompt,
        negative_prompt=prompt.negative_prompt or None,
        seeds=seeds,
        overrides=Overrides(width=size[0], height=size[1], steps=settings.steps, guidance_scale=guidance_scale),
        loras=guidance.loras,
        control=None if redraw else guidance.control,
        reference=guidance.reference,
        redraw=redraw,
        batch_size=settings.batch_size,
    )
    began = time.perf_counter()
    made = studio.generate(request, cancelled=cancelled)
    seconds = (time.perf_counter() - began - made.load_s) / len(made.pictures)
    batches = [size for size in made.batches for _ in range(size)] or [1] * len(made.pictures)
    drawn = []
    for number, picture in enumerate(made.pictures):
        columns = {
            "method": record.method,
            "prompt": request.prompt,
            "negative_prompt": request.negative_prompt or "",
            "model": made.model,
            "model_sha256": made.model_sha256,
            "steps": picture.recipe.steps,
            "guidance_scale": picture.recipe.guidance_scale,
            "batch": batches[number],
            "notes": [*guidance.notes, *made.notes],
            "seconds": max(0.0, seconds),
            "cost_usd": None if made.cost_usd is None else made.cost_usd / len(made.pictures),
            "peak_memory_bytes": made.peak_memory_bytes,
            **guidance.columns,
        }
        seed_rule = rule if picture.seed is not None else f"none: {made.model} takes no seed"
        drawn.append(Drawn(picture.image, picture.recipe, picture.seed, seed_rule, attempt, number, columns))
    return drawn


def fingerprint(*parts: Any) -> str:
    """Hash of everything that a scene is drawn from; equal means that there is nothing to redo."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def weights_stamp(place: Path) -> list[tuple[str, int, int]]:
    """Names, sizes and times of a model's files: changes when the weights do, without reading them."""
    files: Sequence[Path] = sorted(place.rglob("*")) if place.is_dir() else [place] if place.exists() else []
    return [
        (str(file.relative_to(place)), file.stat().st_size, file.stat().st_mtime_ns) for file in files if file.is_file()
    ]
