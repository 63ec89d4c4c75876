"""What passes, what is tried again and how, and which picture is taken. Plain rules, free of models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

Anomaly = str
SEVERAL, NONE, FEWER, CUT, DEFORMED, SMALL, LARGE = (
    "several faces", "no face", "fewer faces", "face cut off", "deformed face", "face too small", "face too large",
)  # fmt: skip

_COSTS: dict[Anomaly, float] = {
    SEVERAL: 0.40, NONE: 0.30, FEWER: 0.30, CUT: 0.25, DEFORMED: 0.20, SMALL: 0.15, LARGE: 0.15,
}  # fmt: skip
LEAST_CONFIDENCE = 0.6
LEAST_AREA, MOST_AREA = 0.02, 0.65
"""Share of the picture that the main face takes up in shots that show faces."""

IDENTITY_THRESHOLD, MINIATURE_IDENTITY_THRESHOLD = 0.70, 0.10
"""Least ``clip_identity`` by default. Real CLIP encoders put frames of one story near each other. The miniature tells
scenes apart first: of one person's portraits in two random scenes nine in ten are above 0.10 (median 0.31), of two
people's eight in ten. There it only catches what has nothing in common with frame 1."""

FACE_THRESHOLD, MINIATURE_FACE_THRESHOLD = 0.50, 0.80
"""Least likeness of the main face to frame 1's in reference-guided frames, by default. For the miniature pack,
close-ups that the world draws of one person lie at 0.9 on average. The first is a place to begin: it was measured on no
photographs, and a storyboard's own ``face_threshold`` overrules it."""

_FAR = ("WS", "EWS")
"""Shots in which a face is too small to be missed, or to be told from another."""

_NUDGES: tuple[tuple[Anomaly, float, float], ...] = (
    (SEVERAL, 1.5, 12.0),
    (NONE, 1.0, 10.0),
    (FEWER, 1.0, 10.0),
    (DEFORMED, -1.0, 5.0),
    (SMALL, 0.5, 9.0),
    (LARGE, -0.5, 6.0),
    (CUT, -0.5, 6.5),
)
"""What an anomaly does to the guidance of the next try, and the bound beyond which it does no more."""


class Scored(Protocol):
    """What is known of a drawn picture when it is chosen."""

    attempt: int
    candidate: int
    overall: float | None
    accepted: bool
    clip_identity: float | None
    face_similarity: float | None
    own_similarity: float | None


@dataclass(frozen=True)
class FaceTruth:
    """What a face detector saw: number of faces; of the main face its share of the picture and whether it is whole."""

    found: int
    area: float | None = None
    cut_off: bool = False
    deformed: bool = False


@dataclass(frozen=True)
class Check:
    """What looks wrong about a picture and how sure that nothing is."""

    anomalies: list[Anomaly] = field(default_factory=list)
    confidence: float = 1.0

    def passed(self, *, strict: bool) -> bool:
        """Nothing wrong, or (unless ``strict``) little enough."""
        return not self.anomalies or (not strict and self.confidence > LEAST_CONFIDENCE)


def check_faces(truth: FaceTruth, *, expected: int, shot: str | None) -> Check:
    """Compare what a detector saw with what the scene should show.

    The size of a face is only judged where the shot says how large it is: from a medium shot on inwards.
    """
    found: list[Anomaly] = []
    if truth.found > expected:
        found.append(SEVERAL)
    elif truth.found == 0 < expected:
        found.append(NONE)
    elif truth.found < expected:
        found.append(FEWER)
    if truth.found and expected and truth.area is not None:
        if truth.cut_off and shot not in ("ECU", "CU"):
            found.append(CUT)
        if truth.deformed:
            found.append(DEFORMED)
        if truth.area < LEAST_AREA and shot in ("ECU", "CU", "MCU", "MS"):
            found.append(SMALL)
        if truth.area > MOST_AREA and shot != "ECU":
            found.append(LARGE)
    confidence = 1.0 - sum(_COSTS[anomaly] for anomaly in found)
    if truth.found == expected == 1:
        confidence += 0.1
    return Check(found, round(min(1.0, max(0.0, confidence)), 3))


def nudged(guidance: float, anomalies: Sequence[Anomaly]) -> tuple[float, str | None]:
    """Guidance of the next try and why it changed; the first anomaly by weight decides.

    A nudge never moves against its own direction: a guidance that is below a lower bound already stays.
    """
    for anomaly, step, bound in _NUDGES:
        if anomaly in anomalies:
            moved = min(bound, guidance + step) if step > 0 else max(bound, guidance + step)
            moved = max(moved, guidance) if step > 0 else min(moved, guidance)
            return moved, f"{anomaly}: guidance {guidance:g} → {moved:g}" if moved != guidance else None
    return guidance, None


def verdict(
    check: Check | None,
    clip_identity: float | None,
    *,
    first: bool,
    with_subject: bool,
    threshold: float,
    shot: str | None = None,
    face_similarity: float | None = None,
    own_similarity: float | None = None,
    face_threshold: float | None = None,
) -> tuple[bool, str]:
    """Whether a picture passes the gate, and the reason in a sentence.

    Frame 1 shows who somebody is, so nothing may be wrong with it; nor may a face be missing where the shot is close
    enough to show one. With ``face_threshold`` the face must be like frame 1's there, too, and frame 1's like the
    character's own pictures.
    """
    strict = check is not None and (first or (NONE in check.anomalies and shot not in _FAR))
    if check is not None and not check.passed(strict=strict):
        return False, f"{', '.join(check.anomalies)} (confidence {check.confidence:.2f})"
    if first:
        if face_threshold is not None and own_similarity is not None and own_similarity < face_threshold:
            return False, f"own_similarity {own_similarity:.3f} is below {face_threshold:g}"
        return True, "nothing to compare it with yet"
    if not with_subject:
        return True, "the subject is not in this scene: its identity is not compared"
    seen = None if shot in _FAR else face_similarity
    if face_threshold is not None and seen is not None and seen < face_threshold:
        return False, f"face_similarity {seen:.3f} is below {face_threshold:g}"
    if clip_identity is None:
        return True, "identity could not be measured"
    if clip_identity < threshold:
        return False, f"clip_identity {clip_identity:.3f} is below {threshold:g}"
    return True, f"clip_identity {clip_identity:.3f}"


def likeness(picture: Scored) -> float | None:
    """How far the main face is the character's: the mean of its cosines with frame 1's and with its own pictures.

    Either counts alone where the other is not known. A blur can come near one of them by chance.
    """
    known = [value for value in (picture.face_similarity, picture.own_similarity) if value is not None]
    return sum(known) / len(known) if known else None


def rank(pictures: Sequence[Scored], *, by_face: bool = False) -> list[int]:
    """Indices of ``pictures``, the best first.

    Those that passed come first, then the higher overall score; without one the nearer to frame 1. Ties keep the order
    in which they were drawn. ``by_face`` orders those that did not pass by the :func:`likeness` of their faces.
    """

    def key(index: int) -> tuple[float, ...]:
        item = pictures[index]
        overall = -1.0 if item.overall is None else item.overall
        near = item.face_similarity if item.face_similarity is not None else item.clip_identity
        like = likeness(item)
        face = 0.0 if item.accepted or not by_face else -1.0 if like is None else like
        return (-float(item.accepted), -face, -overall, -(-2.0 if near is None else near), item.attempt, item.candidate)

    return sorted(range(len(pictures)), key=key)


def face_threshold(method: str, own: float | None, profile: str) -> float | None:
    """Least likeness of faces to frame 1's: a storyboard's own, else the profile's; None where no face guides."""
    if method != "reference_guided":
        return None
    if own is not None:
        return own
    return MINIATURE_FACE_THRESHOLD if profile == "miniature" else FACE_THRESHOLD


def identity_threshold(asked: float | None, profile: str) -> float:
    """The threshold of ``clip_identity``: as asked for (0 counts), else the profile's."""
    if asked is not None:
        return asked
    return MINIATURE_IDENTITY_THRESHOLD if profile == "miniature" else IDENTITY_THRESHOLD


def candidate_seed(base: int, scene: int, attempt: int, candidate: int, extra: int = 0) -> int:
    """Seed of one picture: base + 1000 · (scene − 1) + 10 · attempt + candidate, plus what a temperature added."""
    return base + 1000 * (scene - 1) + 10 * attempt + candidate + extra
