"""How near drawn pictures are to a character: cosines of face embeddings with the mean face of its own pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from creative_lab.vision.faces import main_faces, mean_face


@dataclass(frozen=True)
class Identity:
    """What a face model says about some pictures of a character."""

    cosines: list[float | None]
    """Per picture the cosine of its main face with the character's mean face; None without a face."""

    @property
    def mean(self) -> float:
        """Mean over all pictures. One without a face counts as 0: hiding the face is no way to a good score."""
        return float(np.mean([0.0 if value is None else value for value in self.cosines]))

    @property
    def least(self) -> float:
        """The smallest, a picture without a face counting as 0."""
        return float(min(0.0 if value is None else value for value in self.cosines))

    @property
    def found(self) -> int:
        """Pictures with a face."""
        return sum(value is not None for value in self.cosines)


class IdentityJudge:
    """Compares pictures with the mean face of a character's own pictures (uint8 RGB)."""

    def __init__(self, faces: Any, own: Sequence[np.ndarray]) -> None:
        """``faces`` finds and embeds faces. Raises ValueError when none of ``own`` shows one."""
        self._faces = faces
        found = mean_face(main_faces(faces, own, fallback=False))
        if found is None:
            raise ValueError(f"no face was found in any of {len(own)} pictures")
        self.mean_face = found

    def judge(self, pictures: Sequence[np.ndarray]) -> Identity:
        """How near the main faces of ``pictures`` are."""
        found = main_faces(self._faces, pictures, fallback=False)
        return Identity([None if face.embedding is None else float(face.embedding @ self.mean_face) for face in found])
