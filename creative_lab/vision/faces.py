"""Faces by InsightFace: its detector, its alignment and its recogniser, from a model pack in a local folder."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from creative_lab.vision.types import Face, FaceFinder
from creative_lab.weights.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

    from creative_lab.weights.libraries import Device

CROP = 112
"""Side in pixels of the aligned faces that recognisers take."""


class InsightFaces:
    """A model pack, loaded by ``FaceAnalysis`` as InsightFace's own programs do."""

    def __init__(
        self, folder: Path, *, slug: str, device: Device, detection_size: tuple[int, int], threshold: float = 0.5
    ) -> None:
        import onnxruntime
        from insightface.app import FaceAnalysis

        self.slug = slug
        on_gpu = device == "cuda" and "CUDAExecutionProvider" in onnxruntime.get_available_providers()
        providers = ["CUDAExecutionProvider", "CPUExecutionProvider"] if on_gpu else ["CPUExecutionProvider"]
        self.analysis: Any = FaceAnalysis(
            name=str(folder), allowed_modules=["detection", "recognition"], providers=providers
        )
        if "recognition" not in self.analysis.models:
            raise ModelError(f"{folder}: the pack has no recogniser")
        self.analysis.prepare(ctx_id=0 if on_gpu else -1, det_size=detection_size, det_thresh=threshold)

    def find(self, pictures: Sequence[np.ndarray]) -> list[list[Face]]:
        """All faces of each picture, most confident first, with the embeddings that ``FaceAnalysis.get`` gives.

        The crops of all pictures go through the recogniser together.
        """
        from insightface.utils import face_align

        found: list[list[tuple[np.ndarray, np.ndarray]]] = []
        crops: list[np.ndarray] = []
        for picture in pictures:
            blue_first = np.ascontiguousarray(picture[..., ::-1])
            boxes, points = self._detect(blue_first)
            order = np.argsort(-boxes[:, 4], kind="stable")
            found.append([(boxes[row], points[row]) for row in order])
            with warnings.catch_warnings():
                # InsightFace calls scikit-image by a name that is about to go; nobody here can change that.
                warnings.simplefilter("ignore", FutureWarning)
                crops += [face_align.norm_crop(blue_first, landmark=points[row], image_size=CROP) for row in order]
        vectors = iter(self._embed(crops))
        return [[Face(box[:4], marks, float(box[4]), next(vectors)) for box, marks in faces] for faces in found]

    def embed_crop(self, picture: np.ndarray, box: np.ndarray) -> np.ndarray:
        """The embedding of an unaligned cut-out, for pictures in which no face was found; 512 numbers of length 1."""
        import cv2

        left, top, right, bottom = (round(float(value)) for value in box)
        cut = picture[max(0, top) : max(top + 1, bottom), max(0, left) : max(left + 1, right)]
        square = cv2.resize(cut, (CROP, CROP), interpolation=cv2.INTER_AREA)
        return self._embed([np.ascontiguousarray(square[..., ::-1])])[0]

    def _detect(self, blue_first: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if min(blue_first.shape[:2]) < 2 or max(blue_first.shape[:2]) > 100 * min(blue_first.shape[:2]):
            # The detector scales the long side to its input: the short one would vanish.
            return np.empty((0, 5), np.float32), np.empty((0, 5, 2), np.float32)
        boxes, points = self.analysis.det_model.detect(blue_first)
        return boxes, points

    def _embed(self, crops: list[np.ndarray]) -> np.ndarray:
        recogniser = self.analysis.models["recognition"]
        if not crops:
            return np.empty((0, 512), np.float32)
        parts = [recogniser.get_feat(crops[start : start + 64]) for start in range(0, len(crops), 64)]
        vectors = np.concatenate(parts)
        unit: np.ndarray = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        return unit


@dataclass(frozen=True)
class MainFace:
    """The face by which a picture is compared with others."""

    source: Literal["detector", "upper centre crop", "none"]
    """How it was found. A crop is a guess: report it, and count it as a picture without a found face."""
    box: np.ndarray | None
    embedding: np.ndarray | None
    faces: int
    """How many faces the detector found."""


def main_face(faces: Sequence[Face], picture: np.ndarray) -> Face | None:
    """The face that a picture is about: the largest, less the more it is off the centre; None without faces.

    The measure is InsightFace's own: area minus twice the squared distance of the centres.
    """
    if not faces:
        return None
    middle = np.array([picture.shape[1] // 2, picture.shape[0] // 2], np.float32)

    def weight(face: Face) -> float:
        centre = (face.box[:2] + face.box[2:]) / 2
        return face.area - 2.0 * float(((centre - middle) ** 2).sum())

    return max(faces, key=weight)


def main_faces(finder: FaceFinder, pictures: Sequence[np.ndarray], *, fallback: bool = True) -> list[MainFace]:
    """The main face of each picture; without one, an embedding of the upper centre of the picture when ``fallback``.

    Detectors trained on people can miss drawn characters: their figure stands mostly in the middle, head up, so the
    middle half of the width and the upper half of the height is compared instead, and ``source`` says so.
    """
    result = []
    for picture, faces in zip(pictures, finder.find(pictures), strict=True):
        chosen = main_face(faces, picture)
        if chosen is not None:
            result.append(MainFace("detector", chosen.box, chosen.embedding, len(faces)))
        elif fallback:
            height, width = picture.shape[:2]
            box = np.array([width / 4, 0, width * 3 / 4, height / 2], np.float32)
            result.append(MainFace("upper centre crop", box, finder.embed_crop(picture, box), 0))
        else:
            result.append(MainFace("none", None, None, 0))
    return result


def mean_face(faces: Sequence[MainFace]) -> np.ndarray | None:
    """The normalised mean embedding of main faces; None when none was found. Guessed crops are faces, too: leave them
    out by ``fallback=False``."""
    found = [face.embedding for face in faces if face.embedding is not None]
    if not found:
        return None
    mean = np.mean(np.stack(found), axis=0)
    unit: np.ndarray = mean / max(float(np.linalg.norm(mean)), 1e-12)
    return unit
