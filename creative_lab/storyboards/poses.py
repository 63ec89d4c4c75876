"""The pose of a scene as a picture that a ControlNet follows: the illustrator's pose for the scene's action and shot.

Joints are the 18 of COCO/OpenPose (Cao et al. 2017), limbs in its colours on black, so that ControlNets trained on
OpenPose pictures read them, the miniature one and those for real SDXL.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from creative_lab.storyboards import vocabulary as words
from creative_lab.storyboards.scenes import Scene


def pose_picture(scene: Scene, action: str, width: int, height: int, *, seed: int) -> Any:
    """The skeletons of everybody in ``scene`` as a PIL picture; the main subject does ``action``.

    ``seed`` decides details such as the side that somebody faces: the same for all tries at a scene, another for each
    scene, so that poses vary over a story.
    """
    from creative_lab.illustrator.scene import draw_scene

    truth = draw_scene(_world_scene(scene, action, seed), width, height).truth
    return draw_skeletons([person.pose for person in truth.people], width, height)


def draw_skeletons(people: Sequence[Sequence[tuple[float, float]]], width: int, height: int) -> Any:
    """Skeletons of people, each 18 joints in pixels, as a PIL picture on black; the first person lies on top."""
    from PIL import Image, ImageDraw

    scale = 4  # drawn larger and shrunk: smooth edges
    picture = Image.new("RGB", (width * scale, height * scale))
    pen = ImageDraw.Draw(picture)
    thick = max(2.0, min(width, height) / 64) * scale
    for joints in reversed(people):
        points = [(x * scale, y * scale) for x, y in joints]
        for (start, end), colour in zip(LIMBS, COLOURS, strict=False):
            pen.line([points[start], points[end]], fill=tuple(int(part * 0.6) for part in colour), width=round(thick))
        for (x, y), colour in zip(points, COLOURS, strict=True):
            pen.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=colour)
    return picture.resize((width, height), Image.Resampling.LANCZOS)


LIMBS = ((1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13), (1, 0),
         (0, 14), (14, 16), (0, 15), (15, 17))  # fmt: skip
"""Pairs of joints that a limb joins, in the order of OpenPose's colours."""
COLOURS = (
    (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0), (0, 255, 0), (0, 255, 85),
    (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255), (0, 0, 255), (85, 0, 255), (170, 0, 255), (255, 0, 255),
    (255, 0, 170), (255, 0, 85),
)  # fmt: skip
"""OpenPose's colours of limbs and joints."""


def _world_scene(scene: Scene, action: str, seed: int) -> Any:
    import numpy as np

    from creative_lab.illustrator.backdrop import Surroundings
    from creative_lab.illustrator.figure import Person
    from creative_lab.illustrator.identity import Identity
    from creative_lab.illustrator.scene import Scene as WorldScene

    dice = np.random.default_rng([7_331, seed])
    people = max(1, min(3, scene.expected_faces))
    cast = tuple(
        Person(
            identity=Identity.from_seed(index),
            action=action if index == 0 else "standing",
            mirrored=bool(dice.random() < 0.5),
        )
        for index in range(people)
    )
    shot = words.SHOTS.get(scene.shot or "MS", "medium shot")
    return WorldScene(people=cast, surroundings=Surroundings("park"), shot=shot, seed=seed)
