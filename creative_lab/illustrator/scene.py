"""Story scenes: people, things and a setting seen through a camera, with the truth about what is where."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from creative_lab.illustrator.backdrop import HORIZON, Surroundings, draw_air, draw_backdrop
from creative_lab.illustrator.figure import FigureTruth, Person, draw_person
from creative_lab.illustrator.painter import Painter, box
from creative_lab.illustrator.pose import ACTIONS, HEAD, skeleton
from creative_lab.illustrator.props import Prop, draw_prop

SHOTS: dict[str, tuple[float, float]] = {
    "extreme close-up": (7.2, 0.52),
    "close-up": (4.1, 0.50),
    "medium close-up": (2.7, 0.42),
    "medium shot": (1.85, 0.36),
    "medium wide shot": (1.18, 0.28),
    "wide shot": (0.66, 0.30),
    "extreme wide shot": (0.34, 0.42),
}
"""Shot size → (body height in picture heights, how far down the picture the first person's head is)."""

ANGLES = ("eye level", "low angle", "high angle", "dutch angle")
STYLES = ("colour", "line art")


@dataclass(frozen=True)
class Scene:
    """Everything a story picture shows. One to three people; ``props`` stand beside them or in their hands."""

    people: tuple[Person, ...]
    surroundings: Surroundings
    props: tuple[Prop, ...] = field(default_factory=tuple)
    shot: str = "medium shot"
    angle: str = "eye level"
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= len(self.people) <= 3:
            raise ValueError(f"a scene has one to three people, not {len(self.people)}")
        if self.shot not in SHOTS:
            raise ValueError(f"unknown shot {self.shot!r}; known: {', '.join(SHOTS)}")
        if self.angle not in ANGLES:
            raise ValueError(f"unknown angle {self.angle!r}; known: {', '.join(ANGLES)}")


@dataclass(frozen=True)
class PropTruth:
    """A prop and its box in pixels (left, top, right, bottom), clipped to the picture."""

    prop: Prop
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class SceneTruth:
    """What is known about a drawn scene."""

    scene: Scene
    people: tuple[FigureTruth, ...]
    props: tuple[PropTruth, ...]


@dataclass(frozen=True)
class Picture:
    """A drawn scene: uint8 pixels (height, width, 3) and the truth about them."""

    pixels: np.ndarray
    truth: SceneTruth


def _places(count: int, rng: np.random.Generator, room: float, size: float) -> list[float]:
    """Sideways places of people in body heights, within ``room`` (the picture's width in body heights).

    ``size`` is the body's height in picture heights: the closer somebody is, the less they stand beside the middle.
    """
    if count == 1:
        return [float(rng.uniform(-0.08, 0.08)) * min(1.0, 0.6 / size)]
    gap = max(0.19, min(float(rng.uniform(0.40, 0.52)), room * (0.48 if count == 2 else 0.32)))
    return [-gap / 2, gap / 2] if count == 2 else [0.0, -gap, gap]


def draw_scene(scene: Scene, width: int, height: int, *, style: str = "colour", visibility: bool = False) -> Picture:
    """Draw ``scene`` at any size; the same scene and size give the same bytes.

    ``style`` is "colour" or "line art" (black on white, as in a wireframe storyboard). With
    ``visibility`` the truth says how much of each face can be seen; that costs about a third more time.
    """
    if style not in STYLES:
        raise ValueError(f"unknown style {style!r}; known: {', '.join(STYLES)}")
    painter = Painter(width, height, line_art=style == "line art", masks=visibility)
    rng = np.random.default_rng([6_007, scene.seed])
    size, head_at = SHOTS[scene.shot]
    aspect = width / height
    tall = size * height
    lead = scene.people[0]
    bones = skeleton(ACTIONS[lead.action], build=lead.identity.build, yaw=lead.yaw)
    # The camera follows the first person's head; a low angle looks up (the head sits higher), a high one down.
    tilt = {"low angle": -0.06, "high angle": 0.09}.get(scene.angle, 0.0)
    stretch = {"low angle": 1.10, "high angle": 0.92}.get(scene.angle, 1.0)
    tall *= stretch
    places = _places(len(scene.people), rng, width / tall, size)
    centre = width * (0.5 + (float(rng.uniform(-0.06, 0.06)) if len(scene.people) == 1 else 0.0))
    ground = height * (head_at + tilt) - bones.head[1] * tall
    if len(scene.people) == 1:
        # The closer the shot, the more the camera pans to the head of somebody who leans or runs.
        follow = min(1.0, max(0.0, (size - 0.66) / 2.0))
        centre -= follow * bones.head[0] * tall * (-1 if lead.mirrored else 1)
    zoom = 1.0 + 0.55 * max(0.0, np.log2(max(size, 0.5) / 0.66)) / 3.4
    with painter.moved(x=width / 2, y=height / 2, turn=7.0 if scene.angle == "dutch angle" else 0.0):
        with painter.softened(max(0.0, size - 1.0) * height * 0.0032):
            scale = height * zoom * (1.16 if scene.angle == "dutch angle" else 1.0)
            horizon = min(HORIZON, ground / height) if size < 1.0 else HORIZON
            drop = {"low angle": 0.10, "high angle": -0.13}.get(scene.angle, 0.0) + (HORIZON - horizon)
            with painter.moved(
                x=-aspect * scale / 2, y=-scale * (0.5 - drop * 0.5) - (zoom - 1) * height * 0.06, scale=scale
            ):
                painter.fill(box(-0.5, -0.5, aspect + 0.5, 1.5), (206, 200, 188))
                draw_backdrop(painter, scene.surroundings, aspect=aspect, seed=scene.seed)
        with painter.moved(x=-width / 2, y=-height / 2):
            truths, props = _draw_cast(painter, scene, places, centre, ground, tall, rng)
    if visibility:
        truths = tuple(_with_visibility(painter, index, truth) for index, truth in enumerate(truths))
    with painter.moved(scale=height):
        draw_air(painter, scene.surroundings, aspect=aspect, seed=scene.seed)
    return Picture(painter.rgb(), SceneTruth(scene, truths, props))


def _draw_cast(
    painter: Painter,
    scene: Scene,
    places: list[float],
    centre: float,
    ground: float,
    tall: float,
    rng: np.random.Generator,
) -> tuple[tuple[FigureTruth, ...], tuple[PropTruth, ...]]:
    props: dict[int, PropTruth] = {}
    truths: dict[int, FigureTruth] = {}
    edge = max(abs(place) for place in places) + 0.30
    standing = [index for index, prop in enumerate(scene.props) if not prop.held]
    sides = [1, -1] if rng.random() < 0.5 else [-1, 1]
    for number, index in enumerate(standing):
        prop = scene.props[index]
        wide = 0.42 if prop.name in {"horse", "camel", "car"} else 0.10
        x = sides[number % 2] * (edge + wide * 0.7)
        with painter.moved(
            x=centre + x * tall,
            y=ground + 0.02 * tall,
            scale=tall,
            flip=sides[number % 2] > 0 and prop.name in {"horse", "camel", "dog", "cat", "sheep", "bird"},
        ):
            props[index] = PropTruth(prop, _clip(draw_prop(painter, prop), painter))
    # People further back are drawn first: the order of the list is the order of importance.
    for index in reversed(range(len(scene.people))):
        person = scene.people[index]
        with painter.moved(
            x=centre + places[index] * tall, y=ground + (0.0 if index == 0 else -0.012 * tall), scale=tall
        ):
            truths[index] = draw_person(painter, person, face_part=index + 1 if painter.index is not None else 0)
    holder = scene.people[0]
    hands = skeleton(ACTIONS[holder.action], build=holder.identity.build, yaw=holder.yaw)
    for index, prop in enumerate(scene.props):
        if prop.held:
            hand = hands["left_wrist"]
            sign = -1 if holder.mirrored else 1
            with painter.moved(
                x=centre + (places[0] + sign * hand[0]) * tall, y=ground + (hand[1] + 0.03) * tall, scale=tall
            ):
                props[index] = PropTruth(prop, _clip(draw_prop(painter, prop), painter))
    return tuple(truths[i] for i in range(len(scene.people))), tuple(props[i] for i in range(len(scene.props)))


def _with_visibility(painter: Painter, index: int, truth: FigureTruth) -> FigureTruth:
    left, top, right, bottom = truth.landmarks.box
    inside = _clip(truth.landmarks.box, painter)
    share = max(0.0, inside[2] - inside[0]) * max(0.0, inside[3] - inside[1]) / ((right - left) * (bottom - top))
    uncovered = painter.part_pixels(index + 1) / truth.face_pixels if truth.face_pixels else 0.0
    return replace(truth, face_visible=share * uncovered)


def _clip(edges: tuple[float, float, float, float], painter: Painter) -> tuple[float, float, float, float]:
    left, top, right, bottom = edges
    return (
        min(max(left, 0.0), painter.width), min(max(top, 0.0), painter.height),
        min(max(right, 0.0), painter.width), min(max(bottom, 0.0), painter.height),
    )  # fmt: skip


__all__ = ["ANGLES", "HEAD", "SHOTS", "STYLES", "Picture", "PropTruth", "Scene", "SceneTruth", "draw_scene"]


def shown_props(picture: Picture) -> tuple[int, ...]:
    """Places in the scene's props of those that can be seen: what the picture holds of one is at least 3 % of its width
    and of its height.
    """
    height, width = picture.pixels.shape[:2]
    places = []
    for place, truth in enumerate(picture.truth.props):
        left, top, right, bottom = truth.box
        if right - left >= 0.03 * width and bottom - top >= 0.03 * height:
            places.append(place)
    return tuple(places)


def as_shown(picture: Picture) -> Scene:
    """The picture's scene without the props that its edge cuts off: what a caption may speak of."""
    scene = picture.truth.scene
    return replace(scene, props=tuple(scene.props[place] for place in shown_props(picture)))
