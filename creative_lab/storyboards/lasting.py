"""How long a drawn scene lasts: what it is drawn and judged by; and what a reader should hear of how it was drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from creative_lab.storyboards import choosing, drawing
from creative_lab.storyboards.record import StoryboardRecord

if TYPE_CHECKING:
    from creative_lab.imaging.catalogue import Catalogue
    from creative_lab.vision.models import VisionModels
    from creative_lab.weights.measuring import Role

_NOT_DRAWN_FROM = {
    "keep_traces", "language_model", "enhancement", "max_enhancement_iterations", "enhancement_target", "num_scenes",
    "target_duration", "brand_name", "style", "quality_threshold", "batch_size",
}  # fmt: skip
"""Settings that change no picture and no choice, or only through the prompt."""

_JUDGES: tuple[Role, ...] = ("pickscore", "clipscore", "vqascore", "aesthetic", "clip", "clip_identity", "faces")

_REPLACING = ("line art", "no LoRA", "no reference", "no pose", "no face", "the LoRA")
_AS_ASKED = ("no LoRA: the subject is not in this scene", "the LoRA is not used: its strength is 0")


def drawn_from(
    record: StoryboardRecord,
    catalogue: Catalogue,
    roles: drawing.Roles,
    *,
    judges: VisionModels,
    own_pictures: Sequence[str],
) -> list[Any]:
    """What every scene of a storyboard is drawn and judged by, as plain data; no weights are read.

    Settings, with the values of presets and profile where a setting is None; who draws and with which files; who
    judges, with which files and scales; the pictures of the character that frames are compared with.
    """
    settings, profile = record.settings, catalogue.settings.profile
    asked = settings.model_dump(exclude=_NOT_DRAWN_FROM)
    asked["identity_threshold"] = choosing.identity_threshold(settings.identity_threshold, profile)
    asked["face_threshold"] = choosing.face_threshold(record.method, settings.face_threshold, profile)
    weights: list[Any] = []
    if not roles.hosted:
        preset = catalogue.model(roles.picture)
        weights.append(drawing.weights_stamp(catalogue.place(preset)))
        usual = {"steps": preset.steps, "guidance_scale": preset.guidance_scale, "width": preset.default_width,
                 "height": preset.default_height}  # fmt: skip
        asked |= {name: value for name, value in usual.items() if asked[name] is None}
        asked["scheduler"] = preset.scheduler
        if record.method == "reference_guided" and roles.reference:
            face = catalogue.ip_adapter(roles.reference)
            weights.append(drawing.weights_stamp(catalogue.place(face)))
            asked["ip_adapter_scale"] = _or(asked["ip_adapter_scale"], face.default_scale)
        if record.method == "reference_guided" and roles.control:
            pose = catalogue.controlnet(roles.control)
            weights.append(drawing.weights_stamp(catalogue.place(pose)))
            asked["controlnet_scale"] = _or(asked["controlnet_scale"], pose.default_conditioning_scale)
    return [asked, vars(roles), weights, _judges(judges), list(own_pictures)]


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def _judges(models: VisionModels) -> dict[str, Any]:
    """Every judging role: the catalogue's entry with its scale, and the stamp of its files; None where it is empty."""
    from creative_lab.weights.measuring import MeasuringPreset
    from creative_lab.weights.places import place_of

    found: dict[str, Any] = {}
    for role in _JUDGES:
        entry = models.catalogue.role(role, models.profile)
        if not isinstance(entry, MeasuringPreset) or models.missing(role):
            found[role] = None
            continue
        told = entry.model_dump(mode="json", exclude={"label", "notes", "by_hand", "licence"})
        found[role] = [told, drawing.weights_stamp(place_of(models.settings, entry))]
    return found


def fallbacks_and_notes(
    replaced: Sequence[str], notes: Sequence[str], of_picture: Sequence[str]
) -> tuple[str | None, list[str]]:
    """What was done instead of what was asked (None: nothing), and what went as it should and is worth knowing.

    ``of_picture`` are the chosen picture's own notes, of both kinds.
    """
    instead, ordinary = list(replaced), list(notes)
    for note in of_picture:
        real = note.startswith(_REPLACING) and note not in _AS_ASKED
        (instead if real else ordinary).append(note)
    return "; ".join(dict.fromkeys(instead)) or None, list(dict.fromkeys(ordinary))
