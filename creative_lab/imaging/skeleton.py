"""Poses as the control pictures that pose ControlNets read: OpenPose's 18 points, limbs and colours.

Limbs and colours are those of OpenPose's COCO model (Cao et al. 2017), which ControlNets for poses are trained on.
Joints come in its order: nose, neck, right shoulder, elbow and wrist, the same at the left, right hip, knee and
ankle, the same at the left, right and left eye, right and left ear.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

JOINTS = 18

LIMBS = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13), (1, 0),
    (0, 14), (14, 16), (0, 15), (15, 17),
)  # fmt: skip
"""Pairs of joints that are joined by a line; a limb has the colour of its place in the list."""

COLOURS = (
    (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0), (0, 255, 0), (0, 255, 85),
    (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255), (0, 0, 255), (85, 0, 255), (170, 0, 255),
    (255, 0, 255), (255, 0, 170), (255, 0, 85),
)  # fmt: skip

_DIM = 0.6
"""Limbs are drawn darker than joints, as OpenPose draws them."""


def draw_skeleton(people: Iterable[Any], width: int, height: int) -> np.ndarray:
    """A control picture: uint8 (height, width, 3), black, with everybody's limbs and joints.

    Each person is 18 points (x, y) in pixels; a point with a nan is left out, and so are its limbs. Lines are 1/48 of
    the height thick. Raises ValueError when somebody does not have 18 points.
    """
    import cv2

    canvas = np.zeros((height, width, 3), np.uint8)
    scale = 16  # cv2 takes positions in fixed point: sixteenths of a pixel
    thick, radius = max(1, round(height / 48)), max(1, round(height / 64))
    for person in people:
        joints = np.asarray(person, np.float64)
        if joints.shape != (JOINTS, 2):
            raise ValueError(f"a pose has {JOINTS} points (x, y), not an array of shape {joints.shape}")
        known = [bool(np.isfinite(joint).all()) for joint in joints]
        places = np.round(np.clip(np.nan_to_num(joints), -4 * width - 4, 4 * width + 4) * scale).astype(int)
        for number, (start, end) in enumerate(LIMBS):
            if known[start] and known[end]:
                colour = tuple(round(part * _DIM) for part in COLOURS[number])
                cv2.line(canvas, _point(places[start]), _point(places[end]), colour, thick, cv2.LINE_AA, 4)
        for number in range(JOINTS):
            if known[number]:
                cv2.circle(canvas, _point(places[number]), radius * scale, COLOURS[number], -1, cv2.LINE_AA, 4)
    return canvas


def _point(place: Sequence[int] | np.ndarray) -> tuple[int, int]:
    return int(place[0]), int(place[1])
