"""What passes, what is nudged, which picture is taken: plain rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creative_lab.storyboards import choosing
from creative_lab.storyboards.choosing import (
    MINIATURE_FACE_THRESHOLD,
    Check,
    FaceTruth,
    candidate_seed,
    check_faces,
    face_threshold,
    nudged,
    rank,
    verdict,
)


@dataclass
class Scored:
    attempt: int
    candidate: int
    overall: float | None
    accepted: bool = True
    clip_identity: float | None = None
    face_similarity: float | None = None
    own_similarity: float | None = None


def test_a_merchant_beside_the_hero_is_no_anomaly_where_the_scene_has_two_people() -> None:
    two = FaceTruth(2, area=0.1)
    assert check_faces(two, expected=2, shot="MS").anomalies == []
    assert check_faces(two, expected=1, shot="MS").anomalies == [choosing.SEVERAL]
    assert check_faces(FaceTruth(0), expected=0, shot="WS") == Check([], 1.0)
    assert check_faces(FaceTruth(1, area=0.1), expected=2, shot="MS").anomalies == [choosing.FEWER]


@pytest.mark.parametrize(
    ("truth", "shot", "anomaly"),
    [(FaceTruth(0), "MS", choosing.NONE), (FaceTruth(1, area=0.01), "MS", choosing.SMALL),
     (FaceTruth(1, area=0.7), "MS", choosing.LARGE), (FaceTruth(1, area=0.1, cut_off=True), "MS", choosing.CUT),
     (FaceTruth(1, area=0.1, deformed=True), "MS", choosing.DEFORMED)],
)  # fmt: skip
def test_every_anomaly_is_found_and_lowers_the_confidence(truth: FaceTruth, shot: str, anomaly: str) -> None:
    check = check_faces(truth, expected=1, shot=shot)
    assert check.anomalies == [anomaly] and check.confidence < 1.0


def test_the_size_of_a_face_is_judged_by_the_shot() -> None:
    small = FaceTruth(1, area=0.002)
    assert check_faces(small, expected=1, shot="WS").anomalies == []
    assert check_faces(small, expected=1, shot="CU").anomalies == [choosing.SMALL]


@pytest.mark.parametrize(
    ("anomaly", "guidance", "after"),
    [(choosing.SEVERAL, 7.0, 8.5), (choosing.SEVERAL, 11.5, 12.0), (choosing.NONE, 7.0, 8.0),
     (choosing.NONE, 10.0, 10.0),
     (choosing.DEFORMED, 7.0, 6.0), (choosing.DEFORMED, 5.5, 5.0), (choosing.DEFORMED, 4.0, 4.0),
     (choosing.SMALL, 7.0, 7.5), (choosing.LARGE, 7.0, 6.5), (choosing.LARGE, 4.0, 4.0), (choosing.CUT, 7.5, 7.0),
     (choosing.SEVERAL, 13.0, 13.0)],
)  # fmt: skip
def test_guidance_is_nudged_by_the_anomaly_within_its_bounds_and_never_backwards(
    anomaly: str, guidance: float, after: float
) -> None:
    value, why = nudged(guidance, [anomaly])
    assert value == pytest.approx(after)
    assert (why is None) == (value == guidance)


def test_nothing_is_nudged_without_an_anomaly() -> None:
    assert nudged(7.0, []) == (7.0, None)


def test_the_gate_compares_with_frame_1_and_not_in_frame_1_or_without_the_subject() -> None:
    options: Any = {"threshold": 0.7, "shot": "MS"}
    good = Check([], 1.0)
    assert verdict(good, None, first=True, with_subject=True, **options)[0]
    assert verdict(good, 0.71, first=False, with_subject=True, **options)[0]
    passed, reason = verdict(good, 0.69, first=False, with_subject=True, **options)
    assert not passed and "0.690 is below 0.7" in reason
    assert verdict(good, 0.1, first=False, with_subject=False, **options)[0]
    assert verdict(None, None, first=False, with_subject=True, **options)[1] == "identity could not be measured"


def test_a_face_that_guides_must_be_found_again_where_the_shot_is_near_enough() -> None:
    def told(similarity: float | None, shot: str, limit: float | None = 0.7) -> tuple[bool, str]:
        return verdict(
            Check(), 0.9, first=False, with_subject=True, threshold=0.1, shot=shot, face_similarity=similarity,
            face_threshold=limit,
        )  # fmt: skip

    assert told(0.69, "MS") == (False, "face_similarity 0.690 is below 0.7")
    assert told(0.71, "MS")[0] and told(0.2, "WS")[0] and told(None, "MS")[0] and told(0.2, "CU", None)[0]
    assert face_threshold("simple", 0.9, "miniature") is None
    assert face_threshold("reference_guided", None, "miniature") == MINIATURE_FACE_THRESHOLD
    assert face_threshold("reference_guided", 0.3, "studio") == 0.3


def test_where_a_face_guides_the_most_alike_is_kept_when_none_passes() -> None:
    pictures = [
        Scored(0, 0, 80.0, accepted=False, face_similarity=0.2),
        Scored(0, 1, 40.0, accepted=False, face_similarity=0.6),
        Scored(1, 0, 30.0, accepted=True, face_similarity=0.7),
    ]
    assert rank(pictures) == [2, 0, 1]
    assert rank(pictures, by_face=True) == [2, 1, 0]


def test_frame_1_must_be_without_fault_and_a_face_may_only_be_missing_where_it_is_too_small_to_see() -> None:
    none = Check([choosing.NONE], 0.7)
    large = Check([choosing.LARGE], 0.85)
    assert not verdict(large, None, first=True, with_subject=True, threshold=0.7, shot="MS")[0]
    assert verdict(large, 0.9, first=False, with_subject=True, threshold=0.7, shot="MS")[0]
    assert not verdict(none, 0.9, first=False, with_subject=True, threshold=0.7, shot="MS")[0]
    assert verdict(none, 0.9, first=False, with_subject=True, threshold=0.7, shot="WS")[0]


def test_ties_keep_the_order_in_which_pictures_were_drawn() -> None:
    pictures = [Scored(0, number, 50.0) for number in range(4)]
    assert rank(pictures) == [0, 1, 2, 3]
    assert rank([Scored(1, 0, 50.0), Scored(0, 0, 50.0)]) == [1, 0]


def test_what_passed_comes_before_what_scores_higher_and_the_best_try_is_kept_when_none_passes() -> None:
    assert rank([Scored(0, 0, 90.0, accepted=False), Scored(0, 1, 40.0)]) == [1, 0]
    failed = [
        Scored(0, 0, 30.0, accepted=False),
        Scored(1, 0, 60.0, accepted=False),
        Scored(2, 0, 50.0, accepted=False),
    ]
    assert rank(failed)[0] == 1


def test_without_scores_the_nearer_to_frame_1_is_taken() -> None:
    assert rank([Scored(0, 0, None, clip_identity=0.8), Scored(0, 1, None, clip_identity=0.9)])[0] == 1


@given(st.lists(st.tuples(st.one_of(st.none(), st.floats(0, 100)), st.booleans()), min_size=1, max_size=8))
def test_ranking_is_a_permutation_and_the_same_every_time(values: list[tuple[float | None, bool]]) -> None:
    pictures = [Scored(0, number, overall, accepted) for number, (overall, accepted) in enumerate(values)]
    order = rank(pictures)
    assert sorted(order) == list(range(len(pictures))) and rank(pictures) == order


@given(st.integers(0, 2**40), st.integers(1, 10), st.integers(0, 5), st.integers(0, 7))
def test_a_seed_follows_from_its_four_numbers(base: int, scene: int, attempt: int, candidate: int) -> None:
    assert candidate_seed(base, scene, attempt, candidate) == base + 1000 * (scene - 1) + 10 * attempt + candidate


def test_the_threshold_of_identity_is_the_profiles_unless_one_is_asked_for_and_0_counts() -> None:
    assert choosing.identity_threshold(None, "studio") == choosing.identity_threshold(None, "hosted") == 0.70
    assert choosing.identity_threshold(None, "miniature") == 0.10
    assert choosing.identity_threshold(0.0, "studio") == 0.0


def test_frame_1_must_be_like_the_characters_own_pictures_where_faces_guide() -> None:
    def gate(own: float | None, threshold: float | None) -> tuple[bool, str]:
        return verdict(
            Check(), None, first=True, with_subject=True, threshold=0.1, own_similarity=own, face_threshold=threshold
        )

    assert gate(0.75, 0.7)[0] and gate(None, 0.7)[0] and gate(0.1, None)[0]
    assert gate(0.65, 0.7) == (False, "own_similarity 0.650 is below 0.7")
    tried = [
        Scored(0, 0, 90.0, accepted=False, own_similarity=0.3),
        Scored(0, 1, 40.0, accepted=False, own_similarity=0.6),
    ]
    assert rank(tried, by_face=True) == [1, 0] and rank(tried) == [0, 1]
