"""What drawn pictures are worth: the four scorers, likeness to frame 1, and what a face detector sees."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from creative_lab.storyboards.choosing import Check, FaceTruth, check_faces, verdict
from creative_lab.storyboards.scenes import Scene
from creative_lab.storyboards.tables import SCORERS

if TYPE_CHECKING:
    from creative_lab.vision.models import VisionModels
    from creative_lab.vision.types import PictureScores

T = TypeVar("T")

_EDGE = 0.10
"""Share of a face's box outside the picture from which the face counts as cut off."""


@dataclass(frozen=True)
class Anchor:
    """Frame 1 as later frames are compared with it: embeddings of the picture and of its main face."""

    picture: np.ndarray | None
    face: np.ndarray | None


@dataclass
class Quality:
    """Everything that is known about one drawn picture; the row of ``quality_scores``."""

    attempt: int
    candidate: int
    overall: float | None = None
    columns: dict[str, Any] = field(default_factory=dict)
    accepted: bool = True
    reason: str = ""
    clip_identity: float | None = None
    face_similarity: float | None = None
    own_similarity: float | None = None
    check: Check | None = None
    rank: int | None = None

    def row(self) -> dict[str, Any]:
        """The row without its key columns storyboard and scene."""
        return {
            "attempt": self.attempt,
            "candidate": self.candidate,
            "overall": self.overall,
            "accepted": self.accepted,
            "reason": self.reason,
            "clip_identity": self.clip_identity,
            "face_similarity": self.face_similarity,
            "own_similarity": self.own_similarity,
            "rank": self.rank,
            **self.columns,
        }


@dataclass(frozen=True)
class _Seen:
    """What a face detector saw, and the main face's cosines with frame 1's and with the character's own pictures."""

    truth: FaceTruth | None = None
    to_first: float | None = None
    to_own: float | None = None


class Judge:
    """Measures pictures with the vision models of a profile; what is missing is null and says why.

    ``own_face`` is the mean embedding of the character's own pictures, where it has some.
    """

    def __init__(self, models: VisionModels, own_face: np.ndarray | None = None) -> None:
        self.models, self.own_face = models, own_face

    def anchor(self, picture: np.ndarray) -> Anchor:
        """Frame 1 (RGB, height × width × 3) as the one that others are compared with."""
        from creative_lab.vision.faces import main_face

        def whole() -> np.ndarray | None:
            clip = self.models.clip_identity()
            return clip.images([picture])[0] if clip is not None else None

        def face() -> np.ndarray | None:
            finder = self.models.faces()
            found = main_face(finder.find([picture])[0], picture) if finder is not None else None
            return found.embedding if found is not None else None

        return Anchor(_guarded("clip_identity", whole, None, {}), _guarded("faces", face, None, {}))

    def judge(
        self,
        pictures: Sequence[np.ndarray],
        numbers: Sequence[tuple[int, int]],
        scene: Scene,
        text: str,
        *,
        anchor: Anchor | None,
        threshold: float,
        face_threshold: float | None = None,
    ) -> list[Quality]:
        """Qualities of pictures of one scene; ``numbers`` are their (attempt, candidate), ``text`` what they show.

        A scorer that fails gives null, its weight goes to the others, and ``missing`` names it with the reason.
        """
        from creative_lab.vision.scoring import score_pictures

        failed: dict[str, str] = {}
        nobody: list[PictureScores] = []
        scored = _guarded("scorers", lambda: score_pictures(self.models, pictures, text, roles=SCORERS), nobody, failed)
        nothing: list[float | None] = [None] * len(pictures)
        unseen: list[_Seen] = [_Seen()] * len(pictures)
        identity = nothing
        if scene.with_subject:
            identity = _guarded("clip_identity", lambda: self._identity(pictures, anchor), nothing, failed)
        texts = _guarded("clip_text", lambda: self._text_cosines(pictures, text), nothing, failed)
        seen = _guarded("faces", lambda: self._faces(pictures, anchor), unseen, failed)
        qualities = []
        for index, (attempt, candidate) in enumerate(numbers):
            truth, similarity, own = seen[index].truth, seen[index].to_first, seen[index].to_own
            check = None
            if truth is not None:
                check = check_faces(truth, expected=scene.expected_faces, shot=scene.shot)
            accepted, reason = verdict(
                check,
                identity[index],
                first=anchor is None,
                with_subject=scene.with_subject,
                threshold=threshold,
                shot=scene.shot,
                face_similarity=similarity,
                own_similarity=own,
                face_threshold=face_threshold,
            )
            columns, overall = self._columns(scored[index] if scored else None, failed)
            columns |= {
                "clip_text": texts[index],
                "clip_text_calibrated": None if columns["clipscore"] is None else columns["clipscore"] / 100,
                "faces_found": truth.found if truth is not None else None,
                "faces_expected": scene.expected_faces,
                "anomalies": check.anomalies if check is not None else [],
                "confidence": check.confidence if check is not None else None,
            }
            qualities.append(
                Quality(attempt, candidate, overall, columns, accepted, reason, identity[index],
                        similarity if scene.with_subject else None, own if scene.with_subject else None, check)
            )  # fmt: skip
        return qualities

    def _columns(self, scored: Any, failed: dict[str, str]) -> tuple[dict[str, Any], float | None]:
        columns: dict[str, Any] = {}
        for role in SCORERS:
            columns[f"{role}_raw"] = scored.raw.get(role) if scored else None
            percent = scored.percent.get(role) if scored else None
            columns[role] = None if percent is None else min(100.0, max(0.0, percent))
        missing = {**(scored.missing if scored else {}), **failed}
        columns["weights"] = json.dumps(scored.weights if scored else {}, sort_keys=True)
        columns["missing"] = [f"{role}: {reason}" for role, reason in sorted(missing.items())]
        return columns, scored.overall if scored else None

    def _identity(self, pictures: Sequence[np.ndarray], anchor: Anchor | None) -> list[float | None]:
        clip = self.models.clip_identity() if anchor is not None and anchor.picture is not None else None
        if clip is None or anchor is None:
            return [None] * len(pictures)
        return [float(value) for value in clip.images(pictures) @ anchor.picture]

    def _text_cosines(self, pictures: Sequence[np.ndarray], text: str) -> list[float | None]:
        clip = self.models.clip()
        if clip is None:
            return [None] * len(pictures)
        return [float(value) for value in clip.images(pictures) @ clip.texts([text])[0]]

    def _faces(self, pictures: Sequence[np.ndarray], anchor: Anchor | None) -> list[_Seen]:
        """What the detector saw of each picture, and whom the main face is like."""
        from creative_lab.vision.faces import main_face

        finder = self.models.faces()
        if finder is None:
            return [_Seen()] * len(pictures)
        answers: list[_Seen] = []
        first = anchor.face if anchor is not None else None
        for picture, faces in zip(pictures, finder.find(pictures), strict=True):
            face = main_face(faces, picture)
            if face is None:
                answers.append(_Seen(FaceTruth(0)))
                continue
            like = [None if other is None else float(face.embedding @ other) for other in (first, self.own_face)]
            answers.append(_Seen(_face_truth(len(faces), face, picture), *like))
        return answers


def _guarded(what: str, measure: Callable[[], T], otherwise: T, problems: dict[str, str]) -> T:
    """What ``measure`` gives, or ``otherwise`` with the reason in ``problems``: a measure never costs a picture."""
    from creative_lab.weights.errors import ModelError

    try:
        return measure()
    except (ModelError, RuntimeError, ValueError, OSError) as error:
        problems[what] = f"{type(error).__name__}: {error}"
        return otherwise


def _face_truth(count: int, face: Any, picture: np.ndarray) -> FaceTruth:
    height, width = picture.shape[:2]
    left, top, right, bottom = (float(value) for value in face.box)
    whole = max(1e-6, (right - left) * (bottom - top))
    inside = max(0.0, min(right, width) - max(left, 0)) * max(0.0, min(bottom, height) - max(top, 0))
    eyes, nose, mouth = face.points[:2], face.points[2], face.points[3:]
    # Eyes above nose above mouth, and the nose between the outer points: a face that breaks this is no whole face.
    upright = eyes[:, 1].mean() < nose[1] < mouth[:, 1].mean()
    span = face.points[:, 0].max() - face.points[:, 0].min()
    return FaceTruth(
        found=count,
        area=inside / (height * width),
        cut_off=inside / whole < 1 - _EDGE,
        deformed=not bool(upright) or bool(span < 0.15 * (right - left)),
    )
