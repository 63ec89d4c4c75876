"""The picture that a frame is drawn after: the main face of an earlier one, cut out with room for the hair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from creative_lab.vision.models import VisionModels

ROOM = 1.35
"""Side of the cut-out in sides of the face's box: hair and chin are part of who somebody is."""
SIDE = 224
"""Side of the cut-out in pixels: what the encoders of IP-Adapters take."""
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
        middle = ((left + right) / 2, (top + bottom) / 2)
        return FaceCrop(_square(picture, middle, ROOM * max(right - left, bottom - top)), "main face")
    if face is not None:
        reason = "the face is too small"
    side = min(height, width) * 0.6
    return FaceCrop(_square(picture, (width / 2, side / 2), side), f"upper centre: {reason}")


def _square(picture: np.ndarray, middle: tuple[float, float], side: float) -> Any:
    """A square around ``middle`` at ``SIDE`` pixels; beyond the picture its edge is repeated."""
    import cv2
    from PIL import Image

    scale = SIDE / side
    matrix = np.array([[scale, 0, SIDE / 2 - middle[0] * scale], [0, scale, SIDE / 2 - middle[1] * scale]])
    cut = cv2.warpAffine(picture, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return Image.fromarray(cut)
