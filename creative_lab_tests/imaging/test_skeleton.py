"""Control pictures of poses are OpenPose's: its limbs, its colours, nothing where nothing is known."""

from __future__ import annotations

import numpy as np
import pytest

from creative_lab.illustrator.pose import JOINTS as WORLD_JOINTS
from creative_lab.imaging.skeleton import COLOURS, JOINTS, LIMBS, draw_skeleton


def _standing() -> np.ndarray:
    rng = np.random.default_rng(3)
    return rng.uniform(20, 100, (JOINTS, 2))


def test_every_joint_has_its_colour_where_it_lies() -> None:
    joints = np.array([[14.0 + 20 * (n % 6), 20.0 + 40 * (n // 6)] for n in range(JOINTS)])
    drawn = draw_skeleton([joints], 128, 128)
    for number, (x, y) in enumerate(joints.astype(int)):
        assert np.abs(drawn[y, x].astype(int) - COLOURS[number]).max() < 30, number


def test_an_unknown_joint_takes_its_limbs_away_with_it() -> None:
    joints = np.full((JOINTS, 2), np.nan)
    joints[2], joints[3] = (20, 20), (90, 20)  # right shoulder and elbow
    with_limb = draw_skeleton([joints], 128, 64)
    assert with_limb[20, 55].any()
    joints[3] = np.nan
    without = draw_skeleton([joints], 128, 64)
    assert not without[20, 55].any() and without[20, 20].any()


def test_nobody_is_a_black_picture_and_two_people_are_both_there() -> None:
    assert not draw_skeleton([], 40, 30).any()
    left, right = _standing() * 0.4, _standing() * 0.4 + (70, 0)
    both = draw_skeleton([left, right], 128, 64)
    assert both[:, :64].any() and both[:, 70:].any()


def test_joints_far_outside_the_picture_neither_fail_nor_show() -> None:
    assert not draw_skeleton([np.full((JOINTS, 2), 1e9)], 64, 64).any()


def test_a_pose_with_another_number_of_points_is_refused() -> None:
    with pytest.raises(ValueError, match="18 points"):
        draw_skeleton([np.zeros((17, 2))], 64, 64)


def test_the_worlds_joints_come_in_the_order_that_the_limbs_expect() -> None:
    names = [(WORLD_JOINTS[a], WORLD_JOINTS[b]) for a, b in LIMBS]
    assert ("right_shoulder", "right_elbow") in names and ("left_knee", "left_ankle") in names
    assert ("neck", "nose") in names and ("left_eye", "left_ear") in names
