"""What guides the drawing in each method, with a tiny SDXL of random weights and its real adapters."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from creative_lab.imaging.catalogue import Catalogue
from creative_lab.imaging.errors import ImagingError, ModelNotHere, OutOfMemory
from creative_lab.imaging.generation import PictureStudio
from creative_lab.imaging.parameters import PictureRequest
from creative_lab.imaging.recipe import picture_sha256
from creative_lab.lake.pictures import PictureStore
from creative_lab.settings import Settings
from creative_lab.storyboards.poses import pose_picture
from creative_lab.storyboards.scenes import Scene
from creative_lab.vision.pictures import open_picture
from creative_lab_tests.storyboards.conftest import go, keep

SCENES: dict[str, Any] = {
    "kind": "scenes",
    "character": "mara",
    "scenes": [
        {"description": "Mara stands in the park", "shot": "MCU"},
        {"description": "Mara runs through the field", "shot": "MWS"},
        {"description": "Snow falls over the village", "subject_presence": "none"},
    ],
}
FEW: dict[str, Any] = {"num_variations": 2, "attempts": 1, "enhancement": False}


def pixels(settings: Settings, path: str) -> np.ndarray:
    return open_picture(PictureStore(settings).read(path)).astype(int)


def frames_by_method(settings: Settings, method: str, **changes: Any) -> list[dict[str, Any]]:
    keep(settings, key=method.replace("_", "-"), source=SCENES, method=method, settings=FEW | changes)
    return go(settings, method.replace("_", "-")).frames()


def test_each_method_is_guided_by_what_its_rows_say_and_by_nothing_else(drawing_lab: Settings) -> None:
    base = frames_by_method(drawing_lab, "baseline")
    simple = frames_by_method(drawing_lab, "simple")
    guided = frames_by_method(drawing_lab, "reference_guided")
    for row in base:
        assert row["lora"] is None and row["ip_adapter"] is None and row["controlnet"] is None
    assert [row["lora"] for row in simple] == ["mara", "mara", None]
    assert simple[2]["fallback"] is None
    assert "no LoRA: the subject is not in this scene" in simple[2]["notes"]
    first, second, empty = guided
    assert first["ip_adapter"] is None and first["controlnet"] is None, "there is no frame before frame 1"
    catalogue = Catalogue.load(drawing_lab)
    face, pose = catalogue.ip_adapter("miniature-reference"), catalogue.controlnet("miniature-pose")
    assert (second["ip_adapter"], second["ip_adapter_scale"]) == (face.slug, face.default_scale)
    assert (second["controlnet"], second["controlnet_scale"]) == (pose.slug, pose.default_conditioning_scale)
    assert second["reference_scene"] == 1 and second["reference_crop"] and second["control_path"]
    given = Image.open(BytesIO(PictureStore(drawing_lab).read(second["reference_path"])))
    assert picture_sha256(given) == second["reference_sha256"], "the very picture, to draw the frame again"
    assert second["lora_step"] == 10
    assert empty["ip_adapter"] is None and empty["controlnet"] is None, "nothing of the subject guides this scene"
    # The LoRA, the face and the pose really change the pictures; frame 1 is the simple one.
    sizes = [pixels(drawing_lab, row["path"]).shape for row in (base[1], simple[1], second)]
    assert sizes == [(64, 64, 3)] * 3
    assert np.abs(pixels(drawing_lab, base[1]["path"]) - pixels(drawing_lab, simple[1]["path"])).max() > 8
    assert np.abs(pixels(drawing_lab, simple[1]["path"]) - pixels(drawing_lab, second["path"])).max() > 8
    assert np.array_equal(pixels(drawing_lab, simple[0]["path"]), pixels(drawing_lab, first["path"]))


@pytest.mark.parametrize(("face", "pose"), [(0.0, None), (None, 0.0), (0.0, 0.0)])
def test_the_scales_are_settings_and_0_really_switches_a_guide_off(
    drawing_lab: Settings, face: float | None, pose: float | None
) -> None:
    row = frames_by_method(drawing_lab, "reference_guided", ip_adapter_scale=face, controlnet_scale=pose)[1]
    assert (row["ip_adapter"] is None) == (face == 0.0)
    assert (row["controlnet"] is None) == (pose == 0.0)


def test_frames_follow_the_best_picture_of_the_scene_before_where_asked(drawing_lab: Settings) -> None:
    scenes = [{"description": text} for text in ("Mara stands in the park", "Snow falls", "Mara runs", "Mara waves")]
    scenes[1]["subject_presence"] = "none"
    source = {**SCENES, "scenes": scenes}
    keep(drawing_lab, source=source, method="reference_guided", settings=FEW | {"reference_from": "previous"})
    rows = go(drawing_lab).frames()
    assert [row["reference_scene"] for row in rows] == [None, None, 1, 3]
    assert [row["is_reference"] for row in rows] == [True, False, True, True]
    assert rows[2]["reference_sha256"] != rows[3]["reference_sha256"]


def test_language_models_leave_before_the_picture_model_comes_and_one_is_resident_at_a_time(
    drawing_lab: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from creative_lab.language.local_models import shared_local_models
    from creative_lab.storyboards import picturing

    resident: list[tuple[str | None, ...]] = []
    local = shared_local_models(drawing_lab)
    monkeypatch.setattr(local, "_loaded", ("some/language-model", False))
    generate = PictureStudio.generate

    def watched(self: PictureStudio, request: PictureRequest, **options: Any) -> Any:
        made = generate(self, request, **options)
        resident.append((local.resident, self.warm_model))
        return made

    monkeypatch.setattr(PictureStudio, "generate", watched)
    keep(drawing_lab, source=SCENES, method="reference_guided", settings=FEW)
    loads = picturing.LoadLog()
    go(drawing_lab, loads=loads)
    assert loads.lines == [
        "language model left: some/language-model",
        "picture model is loaded",  # frame 1, without adapters
        "picture model is loaded",  # all others, with them
        "picture model left",
    ]
    assert set(resident) == {(None, "miniature-xl")}


def test_out_of_memory_with_adapters_falls_back_to_the_simple_way_and_says_so(
    drawing_lab: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate = PictureStudio.generate

    def scarce(self: PictureStudio, request: PictureRequest, **options: Any) -> Any:
        if request.control is not None:
            raise OutOfMemory("not even one picture fits")
        return generate(self, request, **options)

    monkeypatch.setattr(PictureStudio, "generate", scarce)
    rows = frames_by_method(drawing_lab, "reference_guided")
    assert all(row["path"] for row in rows)
    assert rows[1]["ip_adapter"] is None and rows[1]["lora"] == "mara"
    assert "out of memory: drawn in the simple way" in rows[1]["fallback"]


def test_when_frame_1_fails_the_next_frame_with_the_subject_takes_its_place_and_the_rows_say_so(
    drawing_lab: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate = PictureStudio.generate

    def broken(self: PictureStudio, request: PictureRequest, **options: Any) -> Any:
        if request.seeds and request.seeds[0] < 1000:
            raise ImagingError("the brush is broken")
        return generate(self, request, **options)

    monkeypatch.setattr(PictureStudio, "generate", broken)
    source = {**SCENES, "scenes": [*SCENES["scenes"][:2], {"description": "Mara waves in the park"}]}
    keep(drawing_lab, source=source, method="reference_guided", settings=FEW)
    first, second, third = go(drawing_lab).frames()
    assert first["status"] == "failed" and not first["is_reference"]
    assert second["ip_adapter"] is None and "no earlier frame shows the subject" in second["fallback"]
    assert second["is_reference"] and third["reference_scene"] == 2


def test_without_its_adapters_a_reference_guided_storyboard_is_refused_and_not_called_so(
    drawing_lab: Settings,
) -> None:
    (drawing_lab.data_dir / "models" / "miniature-pose").unlink()
    keep(drawing_lab, source=SCENES, method="reference_guided", settings=FEW)
    with pytest.raises(ModelNotHere, match="Miniature pose control is not trained yet"):
        go(drawing_lab)


def test_a_pose_is_drawn_for_the_scenes_action_and_changes_with_it() -> None:
    scene = Scene(scene=2, title="A", source="story", source_key="x", description="", shot="MWS", expected_faces=1)
    standing, again, running = (
        np.asarray(pose_picture(scene, action, 96, 64, seed=5)) for action in ("standing", "standing", "running")
    )
    assert standing.shape == (64, 96, 3) and np.array_equal(standing, again)
    assert not np.array_equal(standing, running)
    assert standing.max() > 200 and np.median(standing) == 0, "bright limbs on black"
    two = np.asarray(pose_picture(scene.model_copy(update={"expected_faces": 2}), "standing", 96, 64, seed=5))
    assert (two.max(axis=2) > 0).sum() > (standing.max(axis=2) > 0).sum()


def test_with_the_measuring_models_scores_are_real_and_clip_identity_and_text_are_two_things(
    drawing_lab: Settings,
) -> None:
    from creative_lab.settings import REPOSITORY_ROOT

    shipped = [REPOSITORY_ROOT / "data" / "models" / name for name in ("faces", "clip", "aesthetic")]
    if not all(folder.exists() for folder in shipped):
        pytest.skip("the measuring miniatures are not trained yet")
    for folder in shipped:
        (drawing_lab.data_dir / "models" / folder.name).symlink_to(folder)
    keep(drawing_lab, source=SCENES, method="simple", settings=FEW | {"quality_threshold": 100})
    made = go(drawing_lab)
    scores = made.tables["quality_scores"]
    assert scores["clip_text"].null_count() == 0 and scores["clip_text"].n_unique() > 1
    identity = {row["scene"]: row["clip_identity"] for row in made.frames()}
    assert identity[1] is None and identity[3] is None and identity[2] is not None
    assert not np.allclose(scores["clip_text"][2:4].to_numpy(), scores["clip_identity"][2:4].to_numpy())
    scored = [row for row in made.frames() if row["overall"] is not None]
    assert scored and all(row["below_threshold"] and row["status"] == "chosen" for row in scored), "it only warns"
    assert all(row["faces_found"] is not None for row in made.frames())
