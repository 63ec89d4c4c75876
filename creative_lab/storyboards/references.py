"""The picture that a frame is drawn after: the main face of an earlier one, cut out with room for the hair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from creative_lab.vision.models import VisionModels

ROOM = 1.7
"""Side of the cut-out in sides of the face's box: hair and chin are part of who somebody is."""
_LEAST = 24
"""Side in pixels below which a face is too small to guide a drawing."""


@dataclass(frozen=True)
class FaceCrop:
    """A square cut-out as a PIL picture and how it was found."""

    image: Any
    how: str


def face_crop(models: VisionModels, picture: np.ndarray) -> FaceCrop:
    """The main face of an RGB picture (height, width, 3); the upper centre where no face is found, and it says so."""
    from creative_lab.vision.faces import main_face
    from creative_lab.weights.errors import ModelError

    face, reason = None, "no face was found"
    try:
        finder = models.faces()
        reason = models.missing("faces") or reason
        face = main_face(finder.find([picture])[0], picture) if finder is not None else None
    except (ModelError, RuntimeError, ValueError, OSError) as error:
        reason = f"the face detector failed: {error}"
    height, width = picture.shape[:2]
    if face is not None and min(face.box[2] - face.box[0], face.box[3] - face.box[1]) >= _LEAST:
        left, top, right, bottom = (float(value) for value in face.box)
        side = min(ROOM * max(right - left, bottom - top), float(min(height, width)))
        # The box ends at the brow: the middle of the head lies a little above the middle of the box.
        middle = ((left + right) / 2, (top + bottom) / 2 - 0.08 * (bottom - top))
        return FaceCrop(_square(picture, middle, side), "main face")
    if face is not None:
        reason = "the face is too small"
    side = min(height, width) * 0.6
    return FaceCrop(_square(picture, (width / 2, side / 2), side), f"upper centre: {reason}")


def _square(picture: np.ndarray, middle: tuple[float, float], side: float) -> Any:
    """A square around ``middle``, moved inside the picture where it would stick out."""
    from PIL import Image

    height, width = picture.shape[:2]
    side_px = max(1, round(side))
    left = min(max(0, round(middle[0] - side / 2)), max(0, width - side_px))
    top = min(max(0, round(middle[1] - side / 2)), max(0, height - side_px))
    return Image.fromarray(np.ascontiguousarray(picture[top : top + side_px, left : left + side_px]))
