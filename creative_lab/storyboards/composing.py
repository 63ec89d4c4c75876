"""From a scene's text to the prompt that is drawn: quality and style, consistency instructions, advice per model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from creative_lab.storyboards import script_rows
from creative_lab.storyboards.record import Method
from creative_lab.storyboards.scenes import Scene

if TYPE_CHECKING:
    from creative_lab.imaging.catalogue import Catalogue

STORY_QUALITY = "3D animation, detailed, professional render"
"""What ends the prompt of every scene of a story that names no style of its own."""
COHERENCE = "Keep face, proportions, palette and light the same as in the other frames."


@dataclass(frozen=True)
class Advice:
    """How to write for a picture model."""

    family: str
    text: str
    default_negative: str
    most_words: int
    world: bool = False
    """Whether the model knows the drawn world's words only."""


_SD_NEGATIVE = (
    "low quality, blurry, distorted anatomy, extra limbs, deformed hands, watermark, signature, text, jpeg artefacts"
)
_ADVICE: dict[str, Advice] = {
    "nano-banana": Advice(
        "nano-banana",
        "Write 50 to 100 words of plain language with few technical terms; say what should stay the same.",
        "blur, distortion, watermark, text",
        100,
    ),
    "flux": Advice(
        "flux",
        "Write 100 to 200 words of natural language, long and flowing; there is no negative prompt: say what is there.",
        "",
        200,
    ),
    "sd": Advice(
        "sd",
        "Keywords are welcome: subject first, then place, light and style, about 60 words. Use negatives firmly.",
        _SD_NEGATIVE,
        75,
    ),
    "miniature": Advice(
        "miniature",
        "Use only words of the drawn world: shot, person or trigger, action, things, setting, time, weather, angle.",
        "blurred, smeared, noise, distorted face",
        60,
        world=True,
    ),
    "other": Advice("other", "Write 60 to 120 words of natural language.", "blur, low quality, watermark, text", 150),
}


def advice_for(catalogue: Catalogue, slug: str) -> Advice:
    """How to write for the picture model ``slug``. Raises :class:`ImagingError` for an unknown one."""
    if catalogue.is_hosted(slug):
        hosted = catalogue.hosted(slug)
        if "nano-banana" in slug:
            return _ADVICE["nano-banana"]
        return _ADVICE["flux"] if "flux" in f"{slug} {hosted.model}" else _ADVICE["other"]
    preset = catalogue.model(slug)
    if preset.miniature:
        return _ADVICE["miniature"]
    if preset.base_architecture in ("flux1", "flux2"):
        return _ADVICE["flux"]
    return _ADVICE["sd"] if preset.base_architecture in ("sdxl", "sd15") else _ADVICE["other"]


def base_prompt(scene: Scene, *, method: Method, trigger: str | None) -> str:
    """The scene's prompt before anybody works on it, in sentences."""
    if scene.given_prompt is not None:
        return scene.given_prompt
    if method == "wireframe":
        style = scene.style if _is_line_art(scene.style) else script_rows.WIREFRAME_STYLE
        return f"{style}: {scene.description}"
    shot = f"{scene.shot}: " if scene.shot else ""
    camera = f", {scene.camera}" if scene.camera and scene.camera not in ("POV", "OTS") else ""
    text = f"{shot}{scene.description.rstrip('. ')}{camera}"
    if trigger and scene.with_subject and not re.search(rf"(?<!\w){re.escape(trigger)}(?!\w)", text):
        text = f"{trigger}, {text}"
    if scene.source == "script":
        parts = [scene.style.strip().rstrip("."), text, *script_rows.QUALITY]
        return ", ".join(part for part in parts if part)
    return f"{text}, {scene.style.strip().rstrip('.') or STORY_QUALITY}"


def consistency_text(scene: Scene) -> list[str]:
    """What is added to a prompt so that frames belong together, in the order in which it is added."""
    first = scene.scene == 1
    parts: list[str] = []
    if scene.with_subject:
        if first and scene.subject_description:
            parts.append(f"The subject: {scene.subject_description}.")
        elif scene.subject_description:
            parts.append(f"The same subject as before: {scene.subject_description}.")
    else:
        parts.append("The main subject is not in this frame: do not show it.")
    markers = [scene.style, scene.color_palette, scene.lighting, scene.composition, scene.mood]
    if named := [marker.strip().rstrip(".") for marker in markers if marker.strip()]:
        parts.append(f"Style: {'; '.join(named)}.")
    if not first and scene.continuity:
        parts.append(f"Continuity: {scene.continuity.rstrip('.')}.")
    if scene.guidelines:
        parts.append(f"{scene.guidelines[:1].upper()}{scene.guidelines[1:].rstrip('.')}.")
    if not first and scene.transition:
        parts.append(f"Transition: {scene.transition.rstrip('.')}.")
    return [*parts, COHERENCE]


def compose(text: str, scene: Scene, advice: Advice) -> str:
    """The prompt that is drawn. A model of the drawn world gets the text alone: it knows no other words."""
    if advice.world or scene.given_prompt is not None:
        return text
    return " ".join([text.rstrip(". ") + ".", *consistency_text(scene)])


def default_negative(scene: Scene, method: Method, advice: Advice) -> str:
    """The negative prompt where no agent writes one."""
    if method == "wireframe":
        return script_rows.WIREFRAME_NEGATIVE
    if scene.source == "script" and not advice.world:
        return script_rows.NEGATIVE
    return advice.default_negative


def _is_line_art(style: str) -> bool:
    return bool(re.search(r"\b(?:line[\s-]?(?:art|drawing)|sketch|ink|outline|storyboard)\b", style, re.IGNORECASE))


def as_row(scene: Scene) -> dict[str, Any]:
    """What templates and embedded agents are told of a scene."""
    return scene.model_dump(exclude={"reasoning", "mended", "warnings", "cost_usd", "seconds", "model_id"})
