"""How a body stands: 18 joints from the angles of an action, in units of body height.

Joints follow the COCO/OpenPose order of 18 points (Cao et al. 2017). The frame has its origin on the ground below the
hips, y points down (so heads have negative y), and the body is 1 unit tall when it stands upright.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from creative_lab.illustrator.painter import Point

JOINTS = (
    "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist",
    "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
    "right_eye", "left_eye", "right_ear", "left_ear",
)  # fmt: skip

MIRRORED_JOINTS = tuple(name.replace("left", "?").replace("right", "left").replace("?", "right") for name in JOINTS)
"""The joint that stands in the place of each when a body is mirrored: what was its right side is then its left."""

HEAD = 0.092
"""Half the height of a head. Heads are larger than life, as in animation, so that faces read at small sizes."""

_UPPER_ARM, _FOREARM, _THIGH, _SHIN = 0.150, 0.140, 0.225, 0.225
_TORSO, _SHOULDER, _HIP = 0.315, 0.098, 0.058


@dataclass(frozen=True)
class Action:
    """Angles in degrees from straight down, positive towards the right edge of the picture.

    ``right`` and ``left`` are the person's own sides; facing the viewer, the right side is at the picture's left.
    """

    right_arm: tuple[float, float] = (-9.0, -5.0)
    left_arm: tuple[float, float] = (9.0, 5.0)
    right_leg: tuple[float, float] = (-4.0, -2.0)
    left_leg: tuple[float, float] = (4.0, 2.0)
    lean: float = 0.0
    yaw: float = 0.0
    lift: float = 0.0
    tilt: float = 0.0
    phrase: str = ""


ACTIONS: dict[str, Action] = {
    "standing": Action(phrase="standing"),
    "walking": Action((-30, -12), (26, 48), (-20, -34), (22, 8), lean=3, yaw=0.55, phrase="walking"),
    "running": Action((-52, 28), (46, 112), (-26, -92), (52, -6), lean=12, yaw=0.65, lift=0.02, phrase="running"),
    "sitting": Action((-4, 40), (10, 58), (74, 4), (82, -2), lean=-4, yaw=0.5, phrase="sitting"),
    "waving": Action((-9, -5), (128, 172), tilt=4, phrase="waving"),
    "pointing": Action((-12, -30), (88, 88), yaw=0.35, phrase="pointing"),
    "dancing": Action((-112, -160), (70, 24), (-24, 6), (18, -22), lean=-6, tilt=-8, lift=0.01, phrase="dancing"),
    "kneeling": Action((-14, 22), (16, 40), (66, -4), (8, -88), lean=4, yaw=0.45, phrase="kneeling"),
    "carrying": Action((-16, 62), (20, 78), yaw=0.3, phrase="carrying something"),
    "jumping": Action((-140, -156), (140, 156), (-30, 18), (30, -18), lift=0.12, phrase="jumping"),
    "reading": Action((-22, 96), (22, -96), tilt=0, phrase="reading"),
    "cheering": Action((-150, -172), (150, 172), (-10, -6), (10, 6), phrase="cheering"),
}
"""Twelve actions; ``phrase`` is how a caption says it."""


@dataclass(frozen=True)
class Skeleton:
    """Joint positions in the body's frame and where the head is."""

    joints: dict[str, Point]
    head: Point
    head_turn: float
    yaw: float

    def __getitem__(self, name: str) -> Point:
        return self.joints[name]


def _step(start: Point, angle: float, length: float) -> Point:
    radians = math.radians(angle)
    return start[0] + math.sin(radians) * length, start[1] + math.cos(radians) * length


def skeleton(action: Action, *, build: float = 1.0, yaw: float | None = None) -> Skeleton:
    """The 18 joints of a body doing ``action``; ``build`` widens shoulders and hips, ``yaw`` overrides the action's."""
    yaw = action.yaw if yaw is None else yaw
    narrow = 1.0 - 0.35 * abs(yaw)
    legs = {}
    for side, (thigh, shin) in (("right", action.right_leg), ("left", action.left_leg)):
        knee = _step((0.0, 0.0), thigh, _THIGH)
        legs[side] = (knee, _step(knee, shin, _SHIN))
    lowest = max(max(knee[1], ankle[1]) for knee, ankle in legs.values())
    hip_y = -(lowest + 0.030) - action.lift
    hips = (0.0, hip_y)
    neck = _step(hips, 180 - action.lean, _TORSO)
    joints: dict[str, Point] = {"neck": neck}
    for side, sign, arm in (("right", -1, action.right_arm), ("left", 1, action.left_arm)):
        shoulder = (neck[0] + sign * _SHOULDER * build * narrow, neck[1] + 0.018)
        elbow = _step(shoulder, arm[0], _UPPER_ARM)
        joints |= {
            f"{side}_shoulder": shoulder,
            f"{side}_elbow": elbow,
            f"{side}_wrist": _step(elbow, arm[1], _FOREARM),
        }
        hip = (sign * _HIP * build * narrow, hip_y)
        knee, ankle = legs[side]
        joints |= {
            f"{side}_hip": hip,
            f"{side}_knee": (hip[0] + knee[0], hip[1] + knee[1]),
            f"{side}_ankle": (hip[0] + ankle[0], hip[1] + ankle[1]),
        }
    turn = action.tilt - action.lean * 0.3
    head = _step(neck, 180 - action.lean * 0.6 - action.tilt * 0.5, 0.045 + HEAD)
    radians = math.radians(turn)

    def on_head(x: float, y: float) -> Point:
        x, y = x * HEAD, y * HEAD
        return (
            head[0] + x * math.cos(radians) - y * math.sin(radians),
            head[1] + x * math.sin(radians) + y * math.cos(radians),
        )

    shift = 0.45 * yaw
    joints["nose"] = on_head(shift * 1.2, 0.35)
    for name, x, y in (
        ("right_eye", -0.36, 0.0),
        ("left_eye", 0.36, 0.0),
        ("right_ear", -0.86, 0.1),
        ("left_ear", 0.86, 0.1),
    ):
        joints[name] = on_head(x * narrow + shift * (1 if "eye" in name else -0.3), y)
    return Skeleton({name: joints[name] for name in JOINTS}, head, turn, yaw)
