"""The drawn world: deterministic, true to its description, and drawn at any size."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creative_lab.illustrator.backdrop import INDOORS, SETTINGS, Surroundings
from creative_lab.illustrator.captions import captions, look_caption, visible_garments
from creative_lab.illustrator.expression import EXPRESSIONS
from creative_lab.illustrator.figure import Person
from creative_lab.illustrator.garments import CATEGORIES, LAYERS, PATTERNS, Garment
from creative_lab.illustrator.identity import Identity
from creative_lab.illustrator.look import draw_look
from creative_lab.illustrator.palette import CLOTH
from creative_lab.illustrator.pose import ACTIONS, JOINTS
from creative_lab.illustrator.props import PROPS, Prop
from creative_lab.illustrator.sample import sample_look, sample_scene
from creative_lab.illustrator.scene import SHOTS, Scene, as_shown, draw_scene

ANNA = Identity.from_seed(11)
PLAIN = (Garment("jumper", "fitted", "red"), Garment("jeans", "straight", "blue"), Garment("shoes", "flat", "black"))


def _portrait(identity: Identity, **changes: object) -> np.ndarray:
    person = Person(identity, PLAIN, **changes)  # type: ignore[arg-type]
    return draw_scene(Scene((person,), Surroundings("park"), shot="close-up", seed=3), 96, 96).pixels


def test_the_world_is_as_rich_as_it_promises() -> None:
    assert len(EXPRESSIONS) >= 8
    assert len(ACTIONS) >= 10
    assert len(SETTINGS) >= 14
    assert len(PROPS) >= 20
    assert len(CATEGORIES) >= 16
    assert len(CLOTH) == 24
    assert len(PATTERNS) == 6
    assert len(SHOTS) == 7


@settings(max_examples=25)
@given(
    st.integers(0, 100_000),
    st.sampled_from([(64, 64), (113, 64), (64, 113), (160, 90)]),
    st.sampled_from(["colour", "line art"]),
)
def test_the_same_description_gives_the_same_bytes_at_any_size(seed: int, size: tuple[int, int], style: str) -> None:
    scene = sample_scene(seed)
    first, second = (draw_scene(scene, *size, style=style).pixels for _ in range(2))
    assert first.shape == (size[1], size[0], 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, second)


def test_drawing_one_picture_never_changes_the_next() -> None:
    alone = draw_scene(sample_scene(5), 96, 64).pixels
    for seed in range(20):
        draw_scene(sample_scene(seed), 48, 48)
    assert np.array_equal(draw_scene(sample_scene(5), 96, 64).pixels, alone)


def test_a_large_frame_is_drawn_as_well_as_a_small_one() -> None:
    picture = draw_scene(sample_scene(2, shot="wide shot"), 1280, 720)
    assert picture.pixels.shape == (720, 1280, 3)
    assert len(np.unique(picture.pixels.reshape(-1, 3), axis=0)) > 5_000


def test_line_art_is_black_on_white() -> None:
    pixels = draw_scene(sample_scene(4), 320, 180, style="line art").pixels.astype(int)
    assert (pixels.max(axis=2) - pixels.min(axis=2)).max() <= 12
    assert (pixels.mean(axis=2) > 230).mean() > 0.6
    assert (pixels.mean(axis=2) < 60).mean() > 0.005


def test_faces_alone_tell_thousands_of_people_apart() -> None:
    people = [Identity.from_seed(seed) for seed in range(3_000)]
    assert len({person.identity_id for person in people}) == 3_000
    vectors = np.stack([person.vector() for person in people])
    assert np.isfinite(vectors).all()
    assert vectors.min() >= 0.0
    assert vectors.max() <= 1.0
    sample = vectors[:300]
    distances = np.linalg.norm(sample[:, None] - sample[None], axis=2) + np.eye(300) * 9
    assert distances.min() > 0.3


def test_the_same_person_stays_more_alike_than_two_people_across_expressions() -> None:
    faces = {
        seed: [
            _portrait(Identity.from_seed(seed), expression=name).astype(float) for name in ("neutral", "happy", "sad")
        ]
        for seed in (11, 12, 13)
    }
    same = [np.abs(a - b).mean() for looks in faces.values() for a in looks for b in looks if a is not b]
    other = [np.abs(faces[x][0] - faces[y][0]).mean() for x in faces for y in faces if x != y]
    assert max(same) < min(other)


@pytest.mark.parametrize("expression", sorted(set(EXPRESSIONS) - {"neutral"}))
def test_every_expression_changes_the_face(expression: str) -> None:
    assert np.abs(_portrait(ANNA, expression=expression).astype(int) - _portrait(ANNA).astype(int)).max() > 40


@pytest.mark.parametrize("colour", ["red", "blue", "mustard", "white", "black"])
def test_a_garment_has_the_colour_that_its_description_names(colour: str) -> None:
    person = Person(ANNA, (Garment("robe", "straight", colour),))
    look = draw_look(type(sample_look(0))((person, person, person), seed=1), 640, 360)
    robe = look.garments[1]
    mean = look.pixels[robe.mask].mean(axis=0)
    nearest = min(CLOTH, key=lambda name: float(np.linalg.norm(mean - np.array(CLOTH[name]))))
    assert nearest == colour


def test_shot_sizes_order_the_size_of_the_face() -> None:
    heights = []
    for shot in SHOTS:
        scene = Scene((Person(ANNA, PLAIN),), Surroundings("office"), shot=shot)
        _, top, _, bottom = draw_scene(scene, 320, 180).truth.people[0].landmarks.box
        heights.append(bottom - top)
    assert heights == sorted(heights, reverse=True)


@settings(max_examples=40)
@given(st.integers(0, 100_000))
def test_landmarks_lie_in_their_face_box_and_in_their_order(seed: int) -> None:
    for person in draw_scene(sample_scene(seed), 128, 128).truth.people:
        marks = person.landmarks
        left, top, right, bottom = marks.box
        slack = 0.2 * (right - left)
        for x, y in (marks.left_eye, marks.right_eye, marks.nose, marks.mouth_left, marks.mouth_right):
            assert left - slack <= x <= right + slack
            assert top <= y <= bottom
        assert marks.left_eye[0] <= marks.right_eye[0]
        assert marks.mouth_left[0] <= marks.mouth_right[0]
        assert len(person.pose) == len(JOINTS) == 18


@pytest.mark.slow
@settings(max_examples=25)
@given(st.integers(0, 100_000))
def test_garment_masks_are_disjoint_inside_the_people_and_cover_what_is_worn(seed: int) -> None:
    picture = draw_look(sample_look(seed), 480, 270)
    stacked = np.stack([truth.mask for truth in picture.garments])
    assert stacked.sum(axis=0).max() <= 1
    outside = stacked.any(axis=0) & ~picture.people_mask
    assert outside.sum() <= 0.02 * stacked.sum()
    assert 0.05 < picture.people_mask.mean() < 0.5
    for truth in picture.garments:
        assert (truth.box is None) == (truth.area == 0)


def test_what_a_coat_covers_is_not_in_the_mask_below_it() -> None:
    shirt, coat = Garment("shirt", "slim", "white"), Garment("coat", "straight", "navy")
    bare = Person(ANNA, (shirt,))
    covered = Person(ANNA, (shirt, coat))
    areas = []
    for person in (bare, covered):
        picture = draw_look(type(sample_look(0))((person, person, person), seed=1), 640, 360)
        areas.append(next(truth.area for truth in picture.garments if truth.garment is shirt))
    assert areas[1] < 0.35 * areas[0]


@settings(max_examples=60)
@given(st.integers(0, 100_000))
def test_captions_say_what_is_shown_and_nothing_hidden(seed: int) -> None:
    scene = sample_scene(seed)
    lines = captions(scene, count=4)
    assert len(lines) == 4
    for line in lines:
        assert scene.shot in line
        assert scene.surroundings.setting in line
        for prop in scene.props:
            assert prop.phrase in line
        shown = visible_garments(scene.people[0], scene.shot)
        assert all(phrase in line for phrase in shown)
        if scene.shot in {"close-up", "extreme close-up"}:
            assert not any(g.phrase in line for g in scene.people[0].garments)
        if scene.surroundings.setting in INDOORS:
            assert "in the rain" not in line


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 100_000))
def test_what_the_edge_cuts_off_is_not_in_the_scene_as_shown(seed: int) -> None:
    picture = draw_scene(sample_scene(seed), 160, 90)
    shown = as_shown(picture)
    assert replace(shown, props=()) == replace(picture.truth.scene, props=())
    for prop, truth in zip(picture.truth.scene.props, picture.truth.props, strict=True):
        left, top, right, bottom = truth.box
        if right - left < 1 or bottom - top < 1:
            assert prop not in shown.props
        if right - left > 8 and bottom - top > 8:
            assert prop in shown.props


def test_a_mirrored_person_who_faces_the_viewer_has_the_right_shoulder_at_the_left() -> None:
    right, left = JOINTS.index("right_shoulder"), JOINTS.index("left_shoulder")
    for mirrored in (False, True):
        person = Person(Identity.from_seed(3), action="waving", mirrored=mirrored)
        scene = Scene(people=(person,), surroundings=Surroundings("park"), shot="wide shot")
        pose = draw_scene(scene, 256, 256).truth.people[0].pose
        assert pose[right][0] < pose[left][0]
        raised = [pose[JOINTS.index(f"{side}_wrist")][1] < pose[right][1] for side in ("right", "left")]
        assert sum(raised) == 1
        assert raised[int(not mirrored)], "the waving hand is the other one when the body is mirrored"


def test_captions_are_worded_differently() -> None:
    lines = Counter(line for seed in range(4) for line in captions(sample_scene(7), seed=seed, count=4))
    assert len(lines) >= 4


def test_a_trigger_stands_for_the_person_and_hides_the_looks() -> None:
    line = captions(Scene((Person(ANNA, PLAIN),), Surroundings("park"), shot="medium shot"), name="zorin person")[0]
    assert "zorin person" in line
    assert "hair" not in line


def test_a_look_caption_has_one_line_a_model() -> None:
    look = sample_look(9)
    text = look_caption(look)
    for place in ("left model wears", "middle model wears", "right model wears"):
        assert text.count(place) == 1
    for person in look.models:
        assert all(garment.phrase in text for garment in person.garments)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Garment("toga", "wide", "red"), "unknown garment category 'toga'"),
        (lambda: Garment("coat", "skinny", "red"), "coat has no cut 'skinny'"),
        (lambda: Garment("coat", "straight", "beige"), "unknown colour 'beige'"),
        (lambda: Prop("dragon"), "unknown prop 'dragon'"),
        (lambda: Surroundings("moon"), "unknown setting 'moon'"),
        (lambda: Scene((), Surroundings("park")), "one to three people"),
        (lambda: Scene((Person(ANNA),), Surroundings("park"), shot="selfie"), "unknown shot 'selfie'"),
    ],
)
def test_what_the_world_does_not_know_is_named_in_the_error(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]


def test_every_garment_can_be_drawn_in_every_cut() -> None:
    for category, (layer, cuts) in CATEGORIES.items():
        assert layer in LAYERS
        for cut in cuts:
            person = Person(ANNA, (Garment(category, cut, "red"),))
            picture = draw_look(type(sample_look(0))((person, person, person), seed=1), 320, 180)
            assert all(truth.area > 8 for truth in picture.garments), (category, cut)
