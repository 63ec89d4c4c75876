"""Small faces drawn anew from nearby, so that somebody can be recognised in far shots, too.

A face that covers a few latents is a smudge, whoever guides the drawing. Once the best picture of a scene is known, the
part around its main face is drawn over at the model's own size with the guidance of the storyboard's method, and kept
where it does no harm.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from creative_lab.storyboards.choosing import likeness
from creative_lab.storyboards.drawing import Drawn, Guidance, Roles, Studio, draw_try
from creative_lab.storyboards.prompts import DrawnPrompt
from creative_lab.storyboards.record import StoryboardRecord
from creative_lab.storyboards.scenes import Scene

if TYPE_CHECKING:
    from collections.abc import Callable

    from creative_lab.storyboards.judging import Quality
    from creative_lab.vision.models import VisionModels


@dataclass(frozen=True)
class Framing:
    """A shot that a square has: its name, the side of the face's box in sides of the square, and how far above the
    square's middle the face's is. Means of the world's shots, as the detector sees them."""

    shot: str
    face: float
    above: float


BUST, HEAD = Framing("medium close-up", 0.52, 0.06), Framing("close-up", 0.79, -0.015)
SMALL, NEAR = 0.42, 0.65
"""Side of a face's box in short sides of the picture: below the first the face is drawn anew with head and shoulders,
below the second the head alone where the face is not like the character's."""
LEAST = 8
"""Side of a face's box in pixels below which nothing is left to begin from."""
SHARP = 384
"""Short side in pixels that a picture is enlarged to at least, so that it can hold the new face."""
MOST_UPSCALE = 4
ROUNDS = 3
"""Most times that a face is drawn anew where faces guide, each from the best so far."""
TOLERANCE = 5.0
"""How much the overall score may fall for a new face."""


@dataclass(frozen=True)
class Part:
    """A square of a picture (left, top, side in pixels) and what it shows."""

    square: tuple[float, float, float]
    framing: Framing


def face_part(models: VisionModels, picture: np.ndarray, *, unlike: bool = False) -> Part | None:
    """The part around the main face of an RGB picture (height, width, 3), where it is small.

    ``unlike`` says that the face is not like the character's: then one of medium size is worth another try, too.
    """
    from creative_lab.vision.faces import main_face

    finder = models.faces()
    face = main_face(finder.find([picture])[0], picture) if finder is not None else None
    if face is None:
        return None
    left, top, right, bottom = (float(value) for value in face.box)
    size, short = max(right - left, bottom - top), min(picture.shape[:2])
    framing = BUST if size < SMALL * short else HEAD
    if size < LEAST or size >= (NEAR if unlike else SMALL) * short:
        return None
    side = size / framing.face
    return Part(((left + right - side) / 2, (top + bottom - side) / 2 + framing.above * side, side), framing)


def face_text(prompt: DrawnPrompt, shot: str, *, world: bool) -> str:
    """What a part shows. A model of the drawn world is told of the closer shot, and of no things beside the person.

    Other models get the picture's own prompt, as retouchers do.
    """
    if not world:
        return prompt.prompt
    text = re.sub(r"^.*? of ", f"{shot} of ", prompt.prompt, count=1)
    alone = re.sub(r" (?:next to|carrying|holding|with another person)\b[^,]*", "", text)
    return re.sub(r",(?:\s*,)+", ",", alone)


def redraw_face(
    studio: Studio,
    record: StoryboardRecord,
    scene: Scene,
    prompt: DrawnPrompt,
    guidance: Guidance,
    best: Drawn,
    best_sha256: str,
    part: Part,
    *,
    roles: Roles,
    attempt: int,
    cancelled: Callable[[], bool] | None = None,
) -> list[Drawn]:
    """All variations of a part of ``best`` drawn over. Raises what the studio raises.

    Their seeds follow the rule of tries, as the try number ``attempt``.
    """
    from creative_lab.imaging.parameters import Redraw

    short, settings = min(best.image.size), record.settings
    upscale = min(MOST_UPSCALE, max(1, -(-SHARP // short)))
    text = face_text(prompt, part.framing.shot, world=roles.world)
    drawn = draw_try(
        studio, record, scene, prompt, guidance, roles=roles, attempt=attempt,
        guidance_scale=best.columns["guidance_scale"], size=(None, None), text=text,
        redraw=Redraw(best.image, part.square, settings.redraw_strength, upscale), cancelled=cancelled,
    )  # fmt: skip
    said = {"redrawn_from": best_sha256, "redraw_prompt": text, "redraw_strength": settings.redraw_strength}
    # What the picture as a whole was guided by stays what the row says.
    own = ("batch", "seconds", "cost_usd", "peak_memory_bytes", "notes")
    return [replace(one, columns=best.columns | {name: one.columns[name] for name in own} | said) for one in drawn]


def better(new: Sequence[Quality], old: Quality, *, by_face: bool) -> int | None:
    """Which of the pictures with a new face takes the place of the old one; None where all are worse.

    More may not look wrong with it than before, and the overall score may fall by ``TOLERANCE`` at most. ``by_face``
    takes the one with the highest :func:`choosing.likeness`, if it rises; otherwise the overall score decides.
    """

    def fits(quality: Quality) -> bool:
        if quality.accepted < old.accepted or _flaws(quality) > _flaws(old):
            return False
        if quality.overall is not None and old.overall is not None and quality.overall < old.overall - TOLERANCE:
            return False
        before, after = likeness(old), likeness(quality)
        if by_face and before is not None:
            return after is not None and after > before
        return True

    def worth(index: int) -> tuple[float, float]:
        quality = new[index]
        face = likeness(quality) if by_face else None
        return (-1.0 if face is None else face, quality.overall if quality.overall is not None else -1.0)

    return max((index for index, quality in enumerate(new) if fits(quality)), key=worth, default=None)


def _flaws(quality: Quality) -> int:
    return len(quality.check.anomalies) if quality.check is not None else 0


def said_of(best: Quality, new: Quality) -> str:
    """What a frame's reason says of its new face."""
    before, after = likeness(best), likeness(new)
    if before is None or after is None:
        return "face drawn anew from nearby"
    return f"face drawn anew from nearby: likeness {before:.2f} → {after:.2f}"
