"""Story pictures at the size that the text-to-picture miniature draws, with everything that its chain learns from.

Six in ten show one person from nearby, because characters live by their faces; the others show everything that the
world has. A plan's shards alternate between square and wide pictures, so that a batch always has one format.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from creative_lab.illustrator.backdrop import SETTINGS
from creative_lab.illustrator.identity import Identity
from creative_lab.illustrator.pose import JOINTS
from creative_lab.illustrator.sample import sample_scene
from creative_lab.illustrator.scene import SHOTS, Picture, Scene, as_shown, draw_scene, shown_props
from creative_lab.miniatures.captioned import PROP_NAMES, attribute_numbers, packed
from creative_lab.miniatures.pools import Plan
from creative_lab.miniatures.wording import wordings

SQUARE, WIDE = (128, 128), (224, 128)
"""Width and height of the two formats."""

SHARD = 256
_WIDE_EVERY = 5
"""Every fifth shard is wide."""

CAPTIONS = 6
MOST_PEOPLE = 3
MOST_PROPS = 2
_NEAR = ("extreme close-up", "close-up", "medium close-up", "medium shot")
_FACES = _NEAR[:3]
_NEAR_SHARES = (0.08, 0.36, 0.32, 0.24)
_FAR_SHARES = (0.0, 0.06, 0.14, 0.26, 0.24, 0.22, 0.08)


def is_wide(shard: int) -> bool:
    """Whether a shard holds wide pictures."""
    return shard % _WIDE_EVERY == _WIDE_EVERY - 1


def size_of(seed: int) -> tuple[int, int]:
    """Width and height of the picture of ``seed``."""
    return WIDE if is_wide(seed // SHARD) else SQUARE


def story_scene(seed: int, *, identity: Identity | None = None) -> Scene:
    """Scene number ``seed`` of the text-to-picture miniature."""
    rng = np.random.default_rng([61, seed])
    if identity is not None or rng.random() < 0.6:
        shot = str(rng.choice(_NEAR, p=_NEAR_SHARES))
        scene = sample_scene(seed, identity=identity, people=1, shot=shot)
        # From nearby, most of what stands beside somebody is cut off by the picture's edge.
        things = tuple(prop for prop in scene.props if prop.held or rng.random() < 0.5)
        return replace(scene, props=things)
    return sample_scene(seed, shot=str(rng.choice(tuple(SHOTS), p=_FAR_SHARES)))


def staged_scene(seed: int, *, identity: Identity | None = None) -> Scene:
    """Scene number ``seed`` on a stage: what no caption says (where the camera stands, how a place is furnished, which
    way somebody faces from nearby) is always the same.

    A network this small would otherwise spend itself on what cannot be known. Those seen from further away still face
    either way, which is what a pose is needed for.
    """
    scene = story_scene(seed, identity=identity)
    people = scene.people
    if scene.shot in _FACES:
        people = tuple(replace(person, mirrored=False) for person in people)
    return replace(scene, people=people, seed=tuple(SETTINGS).index(scene.surroundings.setting))


def poses(picture: Picture) -> np.ndarray:
    """Joints of up to three people as float32 (3, 18, 2) in shares of width and height; nan where nobody is."""
    height, width = picture.pixels.shape[:2]
    joints = np.full((MOST_PEOPLE, len(JOINTS), 2), np.nan, np.float32)
    for row, person in enumerate(picture.truth.people[:MOST_PEOPLE]):
        joints[row] = np.asarray(person.pose, np.float32) / (width, height)
    return joints


def prop_boxes(picture: Picture) -> np.ndarray:
    """Boxes of the props that can be seen as float32 (2, 4) in pixels: left, top, right, bottom; nan where none is."""
    boxes = np.full((MOST_PROPS, 4), np.nan, np.float32)
    for row, place in enumerate(shown_props(picture)[:MOST_PROPS]):
        boxes[row] = picture.truth.props[place].box
    return boxes


def five_marks(picture: Picture) -> np.ndarray:
    """The first person's eyes, nose and corners of the mouth as float32 (5, 2) in pixels."""
    marks = picture.truth.people[0].landmarks
    return np.array([marks.left_eye, marks.right_eye, marks.nose, marks.mouth_left, marks.mouth_right], np.float32)


def draw_story(first: int, count: int, *, scene_of: Callable[[int], Scene] = story_scene) -> dict[str, np.ndarray]:
    """Pictures with their captions, attributes, poses, faces and the vectors behind them."""
    pixels, texts, numbers, joints, marks, boxes, faces, vectors = [], [], [], [], [], [], [], []
    props = np.zeros((count, len(PROP_NAMES)), np.uint8)
    for row, seed in enumerate(range(first, first + count)):
        scene = scene_of(seed)
        picture = draw_scene(scene, *size_of(first))
        shown = shown_props(picture)
        said = as_shown(picture)
        pixels.append(picture.pixels)
        texts.append(packed(wordings(said, seed=seed, count=CAPTIONS)))
        numbers.append(attribute_numbers(scene))
        joints.append(poses(picture))
        marks.append(five_marks(picture))
        boxes.append(prop_boxes(picture))
        faces.append(np.asarray(picture.truth.people[0].landmarks.box, np.float32))
        vectors.append(scene.people[0].identity.vector())
        for place in shown:
            props[row, PROP_NAMES.index(scene.props[place].name)] = 1
    return {
        "pixels": np.stack(pixels), "captions": np.stack(texts), "numbers": np.stack(numbers), "props": props,
        "joints": np.stack(joints), "marks": np.stack(marks), "boxes": np.stack(boxes), "face": np.stack(faces),
        "vectors": np.stack(vectors),
    }  # fmt: skip


def story_plan(shards: int) -> Plan:
    """The pictures of the text-to-picture chain."""
    return Plan("story", draw_story, shards=shards, samples=SHARD)
