"""The pose of a scene as a picture that a ControlNet follows: the illustrator's pose for the scene's action and shot.

Joints are the 18 of COCO/OpenPose (Cao et al. 2017), limbs in its colours on black, so that ControlNets trained on
OpenPose pictures read them, the miniature one and those for real SDXL.
"""

from __future__ import annotations

from typing import Any

from creative_lab.storyboards import vocabulary as words
from creative_lab.storyboards.scenes import Scene


def pose_picture(scene: Scene, action: str, width: int, height: int, *, seed: int) -> Any:
    """The skeletons of everybody in ``scene`` as a PIL picture; the main subject does ``action``.

    ``seed`` decides details such as the side that somebody faces: the same for all tries at a scene, another for each
    scene, so that poses vary over a story.
    """
    from PIL import Image

    from creative_lab.illustrator.scene import draw_scene
    from creative_lab.imaging.skeleton import draw_skeleton

    truth = draw_scene(_world_scene(scene, action, seed), width, height).truth
    return Image.fromarray(draw_skeleton([person.pose for person in truth.people], width, height))


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
