"""A whole person: body, clothes and head, drawn in the body's frame (origin on the ground, one unit tall)."""

from __future__ import annotations

from dataclasses import dataclass, field

from creative_lab.illustrator.face import Head, Landmarks
from creative_lab.illustrator.garments import LAYERS, Garment, draw_garment
from creative_lab.illustrator.identity import Identity
from creative_lab.illustrator.painter import Painter, Point, ellipse, limb, shade
from creative_lab.illustrator.pose import ACTIONS, HEAD, JOINTS, MIRRORED_JOINTS, Skeleton, skeleton


@dataclass(frozen=True)
class Person:
    """Somebody in a picture: who, in what, doing what, with which face."""

    identity: Identity
    garments: tuple[Garment, ...] = field(default_factory=tuple)
    action: str = "standing"
    expression: str = "neutral"
    hat: str = "none"
    hat_colour: str = "brown"
    yaw: float | None = None
    mirrored: bool = False


@dataclass(frozen=True)
class FigureTruth:
    """Where the person ended up, in pixels."""

    identity_id: str
    landmarks: Landmarks
    pose: tuple[Point, ...]
    """18 joints in the order of ``pose.JOINTS``."""
    parts: tuple[tuple[int, Garment], ...]
    """Part numbers of the index picture and the garments they stand for."""
    face_pixels: int = 0
    """Pixels of the head before anything was drawn over it; 0 unless its part was asked for."""
    face_visible: float | None = None
    """Share of the face (0–1) that is inside the picture and not covered; ``None`` unless asked for."""


def draw_person(
    painter: Painter,
    person: Person,
    *,
    first_part: int = 0,
    face_part: int = 0,
    hat_part: int = 0,
    body_part: int = 0,
    shadow: bool = True,
) -> FigureTruth:
    """Draw ``person`` in the current frame; garments get the part numbers from ``first_part`` on (0 = none)."""
    action = ACTIONS[person.action]
    build = person.identity.build
    bones = skeleton(action, build=build, yaw=person.yaw)
    if shadow:
        painter.fill(ellipse(0.01, 0.012, 0.17 - action.lift * 0.4, 0.022), (40, 40, 60), alpha=0.26, detail=True)
    head = Head(person.identity, person.expression, yaw=bones.yaw, hat=person.hat, hat_colour=person.hat_colour)
    parts: list[tuple[int, Garment]] = []

    def wear(layer: str) -> None:
        for garment in (piece for piece in person.garments if piece.layer == layer):
            part = first_part + len(parts) if first_part else 0
            parts.append((part, garment))
            draw_garment(painter, garment, bones, build, part=part)

    with painter.moved(flip=person.mirrored):
        with painter.as_part(body_part):
            with painter.moved(x=bones.head[0], y=bones.head[1], scale=HEAD, turn=bones.head_turn):
                head.draw_behind(painter)
            _body(painter, person, bones, build)
        for layer in LAYERS:
            wear(layer)
        with painter.as_part(body_part):
            _hands(painter, person, bones)
        with painter.moved(x=bones.head[0], y=bones.head[1], scale=HEAD, turn=bones.head_turn):
            landmarks = head.draw(painter, part=face_part or body_part, hat_part=hat_part)
            with painter.as_part(face_part or body_part):
                head.draw_long_beard(painter)
        # Mirrored, the side that was drawn as the right one is the person's left.
        names = MIRRORED_JOINTS if person.mirrored else JOINTS
        pose = tuple(painter.point(*bones[name]) for name in names)
    drawn = painter.part_pixels(face_part) if face_part else 0
    return FigureTruth(person.identity.identity_id, landmarks, pose, tuple(parts), drawn)


def _body(painter: Painter, person: Person, bones: Skeleton, build: float) -> None:
    from creative_lab.illustrator.palette import SKIN

    skin = SKIN[person.identity.skin]
    for side in ("right", "left"):
        painter.fill(
            limb(
                [bones[f"{side}_hip"], bones[f"{side}_knee"], bones[f"{side}_ankle"]],
                [0.086 * build, 0.056 * build, 0.038 * build],
            ),
            skin,
            outline=0.003,
        )
        painter.fill(ellipse(bones[f"{side}_ankle"][0], bones[f"{side}_ankle"][1] + 0.018, 0.034, 0.014), skin)
    for side in ("right", "left"):
        painter.fill(
            limb(
                [bones[f"{side}_shoulder"], bones[f"{side}_elbow"], bones[f"{side}_wrist"]],
                [0.050 * build, 0.040 * build, 0.032 * build],
            ),
            skin,
            outline=0.003,
        )
    hips = [(bones["right_hip"][0] + bones["left_hip"][0]) / 2, bones["right_hip"][1]]
    neck = bones["neck"]
    painter.fill(limb([(neck[0], neck[1] + 0.06), (hips[0], hips[1] - 0.02)], [0.19 * build, 0.14 * build]), skin)
    painter.fill(
        limb([(neck[0], neck[1] + 0.02), (bones.head[0], bones.head[1] + 0.05)], [0.056, 0.054]),
        shade(skin, -0.14),
        outline=0.003,
    )


def _hands(painter: Painter, person: Person, bones: Skeleton) -> None:
    from creative_lab.illustrator.palette import SKIN

    skin = SKIN[person.identity.skin]
    for side in ("right", "left"):
        x, y = bones[f"{side}_wrist"]
        ex, ey = bones[f"{side}_elbow"]
        dx, dy = (x - ex) * 0.14, (y - ey) * 0.14
        painter.fill(ellipse(x + dx, y + dy, 0.023, 0.025), skin, outline=0.003)
