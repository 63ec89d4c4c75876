"""What models are told and how they are measured."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creative_lab.illustrator.look import draw_look
from creative_lab.illustrator.quality import FAULTS, Fault, sample_faults, spoil
from creative_lab.illustrator.sample import sample_look, sample_scene
from creative_lab.illustrator.scene import draw_scene
from creative_lab.miniatures.captioned import ATTRIBUTES, attribute_numbers, draw_captioned, unpacked
from creative_lab.miniatures.face_detector import SEEN, SIZE, SIZES, STRIDES, assign, cell_centres, moved_faces
from creative_lab.miniatures.face_verification import area_under_curve, pair_similarities
from creative_lab.miniatures.garments import LABELS, label_map
from creative_lab.miniatures.preference import changed


def _face(left: float, top: float, width: float, visible: float = 1.0) -> np.ndarray:
    height = width * 1.2
    points = [0.3, 0.4, 0.7, 0.4, 0.5, 0.6, 0.35, 0.8, 0.65, 0.8]
    xy = [left + p * width if i % 2 == 0 else top + p * height for i, p in enumerate(points)]
    return np.array([left, top, left + width, top + height, *xy, visible], np.float32)


@settings(max_examples=60)
@given(st.floats(9, 150), st.floats(0, 1), st.floats(0, 1))
def test_every_visible_face_is_some_cells_task(width: float, x: float, y: float) -> None:
    face = _face(x * (SIZE - width), y * max(0.0, SIZE - width * 1.2), width)[None]
    told = [assign(face, stride, *size)[0] for stride, size in zip(STRIDES, SIZES, strict=True)]
    assert any((target == 1).any() for target in told)
    for target, stride in zip(told, STRIDES, strict=True):
        centres = cell_centres(stride)[target == 1]
        if len(centres):
            assert np.abs(centres - face[0, [0, 1]] - [width / 2, width * 0.6]).max() <= max(1.5 * stride, 0.3 * 180)


def test_a_hidden_face_is_neither_task_nor_mistake() -> None:
    target, _ = assign(_face(60, 60, 50, SEEN - 0.1)[None], 16, *SIZES[1])
    assert not (target == 1).any()
    assert (target == -1).any()
    assert (target == 0).any()


def test_mirroring_swaps_left_and_right_points() -> None:
    face = _face(20, 30, 40)[None]
    mirrored = moved_faces(face, np.array([[-1.0, 0, SIZE], [0, 1.0, 0]]), True)[0]
    assert mirrored[0] < mirrored[2]
    assert mirrored[4] < mirrored[6]
    assert mirrored[4] == pytest.approx(SIZE - face[0, 6])
    assert mirrored[14] == pytest.approx(1.0)


def test_a_face_pushed_out_of_the_picture_is_less_visible() -> None:
    moved = moved_faces(_face(20, 30, 40)[None], np.array([[1.0, 0, -40], [0, 1.0, 0]]), False)[0]
    assert moved[14] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("seed", range(4))
def test_every_pixel_of_a_look_has_one_class_and_people_are_not_background(seed: int) -> None:
    picture = draw_look(sample_look(seed), 320, 180)
    labels = label_map(picture)
    assert ((labels > 0) == (picture.people_mask | (labels > 0))).all()
    assert (labels[picture.people_mask] > 0).all()
    for truth in picture.garments:
        assert (labels[truth.mask] == LABELS.index(truth.garment.category)).all()


def test_the_visible_share_of_a_face_falls_when_somebody_stands_before_it() -> None:
    shares = [
        person.face_visible
        for seed in range(60)
        for person in draw_scene(sample_scene(seed, people=3, shot="medium shot"), 96, 96, visibility=True).truth.people
    ]
    assert all(share is not None and 0 <= share <= 1.001 for share in shares)
    assert any(share is not None and share > 0.95 for share in shares)
    assert any(share is not None and share < 0.7 for share in shares)


@pytest.mark.parametrize("name", FAULTS)
def test_a_stronger_fault_moves_a_picture_further_from_what_it_was(name: str) -> None:
    pixels = draw_scene(sample_scene(3, shot="medium shot"), 96, 96).pixels
    spoilt = [spoil(pixels, (Fault(name, strength),), np.random.default_rng(0)) for strength in (0.1, 0.5, 1.0)]
    if name == "cut off":  # what is lost is grey; what is left moves by chance
        distances = [float((picture == 128).all(axis=2).mean()) for picture in spoilt]
    else:
        distances = [float(np.abs(picture.astype(int) - pixels).mean()) for picture in spoilt]
    assert 0 < distances[0] < distances[1] < distances[2]


@given(st.floats(0, 0.99), st.integers(0, 10_000))
def test_the_faults_of_a_level_add_up_to_it(level: float, seed: int) -> None:
    faults = sample_faults(level, np.random.default_rng(seed))
    assert sum(fault.strength for fault in faults) == pytest.approx(1 - level)
    assert len({fault.name for fault in faults}) == len(faults)


def test_captions_travel_with_their_pictures() -> None:
    drawn = draw_captioned(40, 3)
    for row, seed in enumerate(range(40, 43)):
        scene = sample_scene(seed)
        assert all(scene.surroundings.setting in text for text in unpacked(drawn["captions"][row]))
        numbers = dict(zip(ATTRIBUTES, attribute_numbers(scene), strict=True))
        assert ATTRIBUTES["shot"][numbers["shot"]] == scene.shot
    assert drawn["pixels"].dtype == np.uint8


def test_a_changed_scene_differs_in_what_the_change_names() -> None:
    rng = np.random.default_rng(1)
    seen = set()
    for seed in range(60):
        scene = sample_scene(seed)
        other, change = changed(scene, rng)
        seen.add(change)
        assert other != scene
        if change == "hat":
            assert other.people[0].hat != scene.people[0].hat
        if change == "shot":
            assert other.shot != scene.shot
    assert len(seen) >= 5


def test_the_area_under_the_curve_is_the_chance_of_the_right_order() -> None:
    assert area_under_curve(np.array([0.9, 0.8]), np.array([0.1, 0.2])) == 1.0
    assert area_under_curve(np.array([0.1]), np.array([0.9])) == 0.0
    assert area_under_curve(np.array([0.5, 0.5]), np.array([0.5])) == 0.5
    same, different = pair_similarities(np.eye(4)[[0, 0, 1, 1]], np.array([7, 7, 8, 8]))
    assert same.tolist() == [1, 1]
    assert different.tolist() == [0, 0, 0, 0]
