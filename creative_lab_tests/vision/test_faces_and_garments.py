"""Faces are found where they are drawn, the main one is chosen, a guess is called one; masks become garments."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creative_lab.illustrator.sample import sample_scene
from creative_lab.illustrator.scene import draw_scene
from creative_lab.vision.faces import main_face, main_faces
from creative_lab.vision.garments import crop, divide, from_run_lengths, garment_masks, run_lengths
from creative_lab.vision.language import HostedCaptioner
from creative_lab.vision.models import VisionModels
from creative_lab.vision.types import Face
from creative_lab.weights.libraries import device_named


def face(left: float, top: float, size: float) -> Face:
    box = np.array([left, top, left + size, top + size], np.float32)
    return Face(box, np.zeros((5, 2), np.float32), 0.9, np.zeros(512, np.float32))


def test_faces_lie_where_the_world_drew_them(models: VisionModels) -> None:
    found, drawn = 0, 0
    for seed in range(70_000_200, 70_000_212):
        scene = draw_scene(sample_scene(seed), 320, 240, visibility=True)
        boxes = [one.box for one in models.faces().find([scene.pixels])[0]]
        for person in scene.truth.people:
            left, top, right, bottom = person.landmarks.box
            if (person.face_visible or 0) < 0.8:
                continue
            if right - left < 16:
                continue
            drawn += 1
            centre = ((left + right) / 2, (top + bottom) / 2)
            found += any(box[0] < centre[0] < box[2] and box[1] < centre[1] < box[3] for box in boxes)
    assert drawn >= 8 and found >= 0.8 * drawn


def test_the_main_face_is_large_and_near_the_centre() -> None:
    picture = np.zeros((100, 200, 3), np.uint8)
    small, large, corner = face(95, 40, 12), face(80, 30, 40), face(0, 0, 42)
    assert main_face([small, large, corner], picture) is large
    assert main_face([], picture) is None


def test_a_picture_without_a_face_is_compared_by_a_crop_that_is_called_one(models: VisionModels, pictures) -> None:
    blank = np.full((120, 160, 3), 230, np.uint8)
    result = main_faces(models.faces(), [blank])[0]
    assert result.source == "upper centre crop" and result.faces == 0
    assert result.box.tolist() == [40, 0, 120, 60]
    assert np.linalg.norm(result.embedding) == pytest.approx(1, abs=1e-4)
    none = main_faces(models.faces(), [blank], fallback=False)[0]
    assert none.source == "none" and none.embedding is None


def test_one_person_is_more_alike_than_two(models: VisionModels) -> None:
    from creative_lab.miniatures.face_recogniser import identity_of, portrait

    def vector(person: int, view: int) -> np.ndarray:
        picture = portrait(identity_of(70_000_000 + person), view).pixels
        return main_faces(models.faces(), [picture])[0].embedding

    same = [float(vector(person, 1) @ vector(person, 2)) for person in range(6)]
    other = [float(vector(person, 1) @ vector(person + 1, 2)) for person in range(6)]
    assert np.mean(same) > np.mean(other) + 0.2


def looks(people: int = 3) -> np.ndarray:
    """Labels of models side by side: coat (2) above boots (3), which are two pieces each."""
    labels = np.zeros((60, 40 * people), np.uint8)
    for index in range(people):
        left = 40 * index + 8
        labels[4:10, left + 6 : left + 14] = 1
        labels[10:36, left : left + 20] = 2
        labels[50:58, left : left + 8] = 3
        labels[50:58, left + 12 : left + 20] = 3
    return labels


CLASSES = ("background", "person", "coat", "boots")


def test_each_garment_of_each_model_has_a_mask_a_box_and_an_area() -> None:
    found, columns = garment_masks(looks(), CLASSES, people=3)
    assert columns.how == "gaps"
    assert [(garment.category, garment.model_index) for garment in found] == [
        ("coat", 0), ("boots", 0), ("coat", 1), ("boots", 1), ("coat", 2), ("boots", 2),
    ]  # fmt: skip
    assert found[2].box == (48, 10, 68, 36) and found[2].area == 26 * 20 == int(found[2].mask.sum())
    assert found[1].area == 2 * 8 * 8, "a pair of boots is one garment"
    union = np.sum([garment.mask for garment in found], axis=0)
    assert union.max() == 1 and union.sum() == np.isin(looks(), (2, 3)).sum()


def test_models_that_touch_are_divided_equally_and_it_is_said() -> None:
    labels = np.zeros((40, 90), np.uint8)
    labels[5:35, 0:90] = 2
    found, columns = garment_masks(labels, CLASSES, people=3)
    assert columns.how == "equal parts" and columns.edges == (0, 30, 60, 90)
    assert [garment.area for garment in found] == [900, 900, 900]
    assert divide(np.zeros((10, 9), bool), 3).edges == (0, 3, 6, 9)


def test_a_picture_without_garments_is_a_result_and_specks_are_none() -> None:
    labels = np.zeros((100, 100), np.uint8)
    labels[40:60, 40:60] = 1
    labels[3, 3] = 2
    assert garment_masks(labels, CLASSES)[0] == []


def test_a_cut_out_is_transparent_outside_its_mask() -> None:
    found, _ = garment_masks(looks(), CLASSES, people=3)
    picture = np.random.default_rng(0).integers(0, 255, (60, 120, 3), np.uint8)
    cut = crop(picture, found[1])
    assert cut.shape == (8, 20, 4)
    assert cut[0, 10, 3] == 0 and cut[0, 0, 3] == 255
    np.testing.assert_array_equal(cut[..., :3], picture[50:58, 8:28])


@given(st.integers(1, 9), st.integers(1, 9), st.data())
def test_run_lengths_give_the_mask_back(height: int, width: int, data) -> None:
    bits = data.draw(st.lists(st.booleans(), min_size=height * width, max_size=height * width))
    mask = np.array(bits).reshape(height, width)
    counts = run_lengths(mask)
    np.testing.assert_array_equal(from_run_lengths(counts, height, width), mask)
    assert sum(counts) == mask.size and all(count > 0 for count in counts[1:])


def test_run_lengths_are_coco_s_and_wrong_ones_are_refused() -> None:
    mask = np.array([[0, 1, 1], [0, 1, 0]], bool)  # columns: 0 0 | 1 1 | 1 0
    assert run_lengths(mask) == [2, 3, 1]
    assert run_lengths(np.array([[1]], bool)) == [0, 1]
    with pytest.raises(ValueError, match="add up to 5"):
        from_run_lengths([2, 3], 2, 3)


def test_a_hosted_captioner_needs_somebody_to_ask(models: VisionModels, pictures) -> None:
    hosted = VisionModels(models.settings, "hosted")
    assert hosted.captioner() is None and "hosted model" in hosted.missing("caption")
    asked = []

    def ask(prompt: str, picture: np.ndarray) -> str:
        asked.append((prompt, picture.shape))
        return "  a person \n"

    captioner = VisionModels(models.settings, "hosted", ask=ask).captioner()
    assert isinstance(captioner, HostedCaptioner) and captioner.slug == "gpt-4o-vision"
    assert captioner.caption(pictures[:2], prompt="What is it?") == ["a person", "a person"]
    assert asked == [("What is it?", pictures[0].shape), ("What is it?", pictures[1].shape)]


def test_a_device_that_is_not_here_is_a_clear_error() -> None:
    import torch

    from creative_lab.weights.errors import ModelError

    if not torch.cuda.is_available():
        with pytest.raises(ModelError, match="is cuda"):
            device_named("cuda")
    assert device_named("cpu") == "cpu"


def test_models_are_loaded_once_and_forgotten_when_closed(models: VisionModels) -> None:
    mine = VisionModels(models.settings)
    first = mine.clip()
    assert first is mine.clip() is mine.clip_identity() is mine.model("clipscore")
    mine.close()
    assert mine.clip() is not first
