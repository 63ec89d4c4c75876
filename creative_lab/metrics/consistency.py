"""How far a character stays the same over the frames of a storyboard, and how far the frames differ nonetheless.

Frames are compared with the anchor, the first frame that shows the character, which need not be frame 1.
A mean similarity alone is won by pasting one picture into every frame, so it stands beside measures of variety, and a
frame in which the character's face cannot be found counts as a failure instead of being dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

COPY_LIMIT = 0.03
"""Frames whose thumbnails differ by less than this (root mean square over RGB from 0 to 1) count as copies."""
_THUMBNAIL = 32

PRESENT = ("full", "partial", "appears", "disappears")
"""Presence of the subject under which its face should be found somewhere in the frame."""

Found = Literal["detector", "upper centre crop", "none"]


@dataclass(frozen=True)
class FrameFace:
    """The character's face in one frame, as it was measured."""

    scene: int
    expected: bool
    """Whether the character should be seen in this frame."""
    source: Found
    """How the face was found; anything but the detector is a guess and counts as a frame without a face."""
    embedding: np.ndarray | None
    """512 numbers of length 1."""
    faces: int
    """Faces that the detector found."""


@dataclass(frozen=True)
class FrameConsistency:
    """One frame against the anchor and against everybody known; cosines, null where there is nothing to compare."""

    scene: int
    expected: bool
    found: bool
    source: Found
    faces: int
    to_first: float | None
    to_reference: float | None
    to_nearest_other: float | None
    nearest_other: str | None
    margin: float | None
    """``to_reference - to_nearest_other``: above 0 the frame is nearer to its character than to anybody else."""


@dataclass(frozen=True)
class Consistency:
    """A storyboard as a whole; frames in which the character is not expected take no part."""

    frames: int
    """Frames in which the character is expected."""
    missing: int
    """Of those, frames without a found face."""
    mean: float | None
    """Mean cosine with the anchor over the other frames, a missing face counting as 0."""
    mean_found: float | None
    """The same over frames with a face."""
    minimum: float | None
    """Lowest cosine with the anchor; 0 when a face is missing."""
    pairwise_minimum: float | None
    """Lowest cosine of any two found faces."""
    reference_mean: float | None
    """Mean cosine with the character's reference pictures, a missing face counting as 0."""
    margin_mean: float | None
    """Mean identity margin over found faces."""
    recognised: float | None
    """Share of expected frames whose face is nearer to the character than to anybody else; missing ones are not."""


def face_expected(row: Mapping[str, Any]) -> bool:
    """Whether a row of ``storyboard_frames`` should show the character's face."""
    return row["subject_presence"] in PRESENT and row["expected_faces"] > 0


def anchor_scene(rows: Sequence[Mapping[str, Any]]) -> int | None:
    """Number of the frame that the others of a storyboard are compared with, from its ``storyboard_frames`` rows.

    It is the frame that drawing followed: the first reference that should show the face. A reference seen from behind
    has no face to compare with, so then, or without any, the first frame that should show it counts, drawn ones
    before those without a picture. None where no frame should show the character.
    """
    expected = [row for row in sorted(rows, key=lambda row: row["scene"]) if face_expected(row)]
    ranked = sorted(expected, key=lambda row: (not row["is_reference"], row["path"] is None))
    return int(ranked[0]["scene"]) if ranked else None


def measure(
    faces: Sequence[FrameFace],
    references: Mapping[str, np.ndarray],
    character: str | None,
    *,
    anchor: int | None = 1,
) -> tuple[list[FrameConsistency], Consistency]:
    """Frame by frame and as a whole; ``anchor`` is the scene that the others are compared with.

    ``references`` holds one embedding (the normalised mean of the reference set's) per known character; those other
    than ``character`` are the crowd that it must not be mistaken for.
    """
    first = next((face.embedding for face in faces if face.scene == anchor and face.source == "detector"), None)
    rows = [_frame(face, None if face.scene == anchor else first, references, character) for face in faces]
    return rows, _whole(faces, rows, anchor)


def _frame(
    face: FrameFace, first: np.ndarray | None, references: Mapping[str, np.ndarray], character: str | None
) -> FrameConsistency:
    found = face.source == "detector" and face.embedding is not None
    vector = face.embedding if found else None
    own = references.get(character) if character else None
    to_reference = _cosine(vector, own)
    others = {name: _cosine(vector, other) for name, other in references.items() if name != character}
    known = {name: value for name, value in others.items() if value is not None}
    nearest = max(known, key=lambda name: known[name]) if known else None
    to_other = known[nearest] if nearest else None
    margin = to_reference - to_other if to_reference is not None and to_other is not None else None
    return FrameConsistency(
        face.scene, face.expected, found, face.source, face.faces, _cosine(vector, first), to_reference, to_other,
        nearest, margin,
    )  # fmt: skip


def _cosine(one: np.ndarray | None, other: np.ndarray | None) -> float | None:
    return None if one is None or other is None else float(np.clip(one @ other, -1, 1))


def _whole(faces: Sequence[FrameFace], rows: list[FrameConsistency], anchor: int | None) -> Consistency:
    expected = [row for row in rows if row.expected]
    later = [row for row in expected if row.scene != anchor]
    missing = sum(not row.found for row in expected)
    first_found = any(row.scene == anchor and row.found for row in rows)
    # Without a face in the anchor nothing can be like it: every other frame fails.
    against = [row.to_first if row.found and row.to_first is not None else 0.0 for row in later]
    seen = [row.to_first for row in later if row.to_first is not None]
    vectors = [f.embedding for f, row in zip(faces, rows, strict=True) if row.expected and row.found]
    to_reference = [0.0 if not row.found else row.to_reference for row in expected]
    margins = [row.margin for row in expected if row.margin is not None]
    return Consistency(
        frames=len(expected),
        missing=missing,
        mean=float(np.mean(against)) if against else None,
        mean_found=float(np.mean(seen)) if seen else None,
        minimum=(min(against) if first_found else 0.0) if against else None,
        pairwise_minimum=_least_pair(vectors),
        reference_mean=_mean_of_known(to_reference),
        margin_mean=float(np.mean(margins)) if margins else None,
        recognised=sum(m > 0 for m in margins) / len(expected) if margins and expected else None,
    )


def _mean_of_known(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) and known else None


def _least_pair(vectors: Sequence[np.ndarray | None]) -> float | None:
    known = np.array([vector for vector in vectors if vector is not None])
    if len(known) < 2:
        return None
    cosines = known @ known.T
    return float(np.clip(cosines[np.triu_indices(len(known), 1)].min(), -1, 1))


@dataclass(frozen=True)
class Variety:
    """How far the frames of a storyboard differ from each other."""

    mean_difference: float | None
    """Mean root mean square difference of two frames' thumbnails, RGB from 0 to 1."""
    copies: float | None
    """Share of pairs of frames that are copies of each other (the copy-paste score; 0 is good)."""
    scene_difference: float | None
    """1 minus the mean cosine of two frames' picture embeddings; null without an encoder."""


def variety(pictures: Sequence[np.ndarray], embeddings: np.ndarray | None = None) -> Variety:
    """Variety of ``pictures`` (RGB uint8), with CLIP embeddings of length 1 where there are some.

    Null with fewer than two pictures.
    """
    if len(pictures) < 2:
        return Variety(None, None, None)
    small = np.stack([_small(picture) for picture in pictures])
    upper = np.triu_indices(len(pictures), 1)
    differences = np.sqrt(((small[:, None] - small[None]) ** 2).mean(-1))[upper]
    apart = None
    if embeddings is not None:
        apart = float(1 - (embeddings @ embeddings.T)[upper].mean())
    return Variety(float(differences.mean()), float((differences < COPY_LIMIT).mean()), apart)


def _small(picture: np.ndarray) -> np.ndarray:
    from PIL import Image

    image = Image.fromarray(picture).resize((_THUMBNAIL, _THUMBNAIL), Image.Resampling.BOX)
    return np.asarray(image, np.float32).reshape(-1) / 255
