"""Scores keep raw values, calibrated values and gaps apart, and share their work."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from creative_lab.settings import Settings
from creative_lab.vision.alignment import clip_identity, clip_text
from creative_lab.vision.anchors import FILE, read_measured
from creative_lab.vision.clip import Clip
from creative_lab.vision.models import VisionModels
from creative_lab.vision.scoring import overall, score_pictures, shared_weights
from creative_lab.weights.errors import ModelError, UnsafeModel
from creative_lab.weights.measuring import Anchors
from creative_lab_tests.vision import tiny
from creative_lab_tests.vision.conftest import change_catalogue

ALL = ("pickscore", "clipscore", "vqascore", "aesthetic")


def test_four_scores_give_the_specified_overall() -> None:
    percent = {"pickscore": 78.2, "clipscore": 82.5, "vqascore": 71.3, "aesthetic": 75.8}
    assert overall(percent, shared_weights(ALL)) == pytest.approx(78.0, abs=0.05)


def test_without_vqascore_the_others_take_its_weight_as_specified() -> None:
    weights = shared_weights(["pickscore", "clipscore", "aesthetic"])
    assert weights == pytest.approx({"pickscore": 0.575, "clipscore": 0.295, "aesthetic": 0.13})


@pytest.mark.parametrize("number", range(1, 16))
def test_the_weights_of_any_scorers_add_up_to_one_and_none_loses(number: int) -> None:
    present = [role for bit, role in enumerate(ALL) if number >> bit & 1]
    weights = shared_weights(present)
    assert set(weights) == set(present) and sum(weights.values()) == pytest.approx(1)
    assert all(weights[role] >= shared_weights(ALL)[role] - 1e-12 for role in present)


def test_without_any_scorer_there_is_no_overall() -> None:
    assert shared_weights([]) == {} and overall({}, {}) is None


def test_a_gap_with_a_weight_is_refused_and_never_counted_as_zero() -> None:
    with pytest.raises(ValueError, match="clipscore has a weight but no value"):
        overall({"pickscore": 80.0, "clipscore": None}, {"pickscore": 0.5, "clipscore": 0.5})
    assert shared_weights(["hps"]) == {}, "HPSv3 is reported and has no weight of its own"
    assert shared_weights(["hps"], {"hps": 1.0, "pickscore": 1.0}) == {"hps": 1.0}


def test_anchors_clamp_and_refuse_to_be_upside_down() -> None:
    anchors = Anchors(low=18, high=24, source="a test's choice")
    assert [anchors.percent(value) for value in (17, 18, 21, 24, 30)] == [0, 0, 50, 100, 100]
    with pytest.raises(ValueError, match="low has to be below high"):
        Anchors(low=2, high=2, source="a test's choice")


def write_anchors(settings: Settings) -> None:
    """Anchors for the random miniatures as they are, from -1 to 1 in cosine."""
    with VisionModels(settings) as models:
        wide = {"clip": (-1, 1), "clipscore": (-1, 2.5), "pickscore": (-100, 100)}
        anchors = {
            role: {"low": low, "high": high, "source": "a test's own choice"} for role, (low, high) in wide.items()
        }
        written = {
            "made": "by a test",
            "weights": {slug: models.digest(slug) for slug in ("miniature-clip", "miniature-preference")},
            "anchors": {
                "miniature-clip": {role: anchors[role] for role in ("clip", "clipscore")},
                "miniature-preference": {"pickscore": anchors["pickscore"]},
            },
        }
    (settings.data_dir / FILE).write_text(json.dumps(written))


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory, random_models) -> Settings:
    """A lab whose random miniatures have anchors of their own."""
    from creative_lab_tests.vision.conftest import vision_lab

    settings = vision_lab(tmp_path_factory.mktemp("calibrated"), random_models)
    write_anchors(settings)
    return settings


def test_a_present_scorer_has_a_raw_value_a_percent_and_a_weight(calibrated, pictures, texts) -> None:
    with VisionModels(calibrated) as models:
        for row in score_pictures(models, pictures, texts):
            assert set(row.weights) == set(ALL) and sum(row.weights.values()) == pytest.approx(1)
            assert row.overall is not None and 0 <= row.overall <= 100
            assert row.overall == pytest.approx(sum(row.weights[role] * row.percent[role] for role in ALL))
            assert row.raw["hps"] is None and "names no model" in row.missing["hps"]


def test_a_missing_scorer_is_null_with_a_reason_and_never_a_constant(own_lab, pictures) -> None:
    write_anchors(own_lab)
    shutil.rmtree(own_lab.data_dir / "models" / "vision-language")
    with VisionModels(own_lab) as models:
        assert models.captioner() is None and models.vision_language() is None
        assert "train vision-language" in models.missing("caption")
        row = score_pictures(models, pictures[:1], "a hat")[0]
        assert row.raw["vqascore"] is None and row.percent["vqascore"] is None
        assert "train vision-language" in row.missing["vqascore"]
        assert row.weights == pytest.approx({"pickscore": 0.575, "clipscore": 0.295, "aesthetic": 0.13})
    for name in ("clip", "preference"):
        shutil.rmtree(own_lab.data_dir / "models" / name)
    with VisionModels(own_lab) as models:
        row = score_pictures(models, pictures[:1], "a hat")[0]
        assert row.overall is None and row.weights == {} and set(row.raw.values()) == {None}
        assert "Miniature preference" in row.missing["aesthetic"], "a head without its encoder rates nothing"
        assert clip_text(models, pictures[:1], "a hat").missing


def test_anchors_of_other_weights_are_not_used(own_lab, pictures) -> None:
    write_anchors(own_lab)
    tiny.clip(own_lab.data_dir / "models" / "preference", seed=99)
    tiny.write_manifest(own_lab.data_dir / "models")
    with VisionModels(own_lab) as models:
        row = score_pictures(models, pictures[:1], "a hat")[0]
    assert row.raw["pickscore"] is not None and row.percent["pickscore"] is None
    assert "measured on other weights" in row.missing["pickscore"]
    assert "pickscore" not in row.weights and row.overall is not None


def test_changed_weights_are_refused(own_lab, pictures) -> None:
    path = own_lab.data_dir / "models" / "clip" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\1")
    with VisionModels(own_lab) as models, pytest.raises(UnsafeModel, match="SHA-256"):
        models.clip()


def test_files_that_were_not_shipped_are_refused(own_lab) -> None:
    (own_lab.data_dir / "models" / "faces" / "extra.onnx").write_bytes(b"x")
    with VisionModels(own_lab) as models, pytest.raises(UnsafeModel, match=r"extra\.onnx"):
        models.faces()


def test_pictures_are_prepared_and_encoded_once_per_encoder_and_texts_once(
    models, pictures, texts, monkeypatch
) -> None:
    prepared, encoded, read = [], [], []
    clip = models.clip()
    preference = models.model("pickscore")

    def counted(store, inner):
        def call(*positional, **named):
            store.append(1)
            return inner(*positional, **named)

        return call

    for model in (clip, preference):
        model._texts.clear()
        monkeypatch.setattr(model.model, "get_image_features", counted(encoded, model.model.get_image_features))
        monkeypatch.setattr(model.model, "get_text_features", counted(read, model.model.get_text_features))
    kind = type(clip.processor)
    monkeypatch.setattr(kind, "__call__", counted(prepared, kind.__call__))
    roles = ("pickscore", "clipscore", "aesthetic")
    score_pictures(models, pictures, texts, roles=roles)
    assert len(prepared) == 1, "both encoders prepare pictures in the same way"
    assert len(encoded) == 2, "CLIPScore and the aesthetic head share one pass"
    assert len(read) == 2
    score_pictures(models, pictures, texts, roles=roles)
    assert len(encoded) == 4 and len(read) == 2, "texts are remembered"


def test_a_scorer_that_fails_is_null_with_its_reason_and_takes_nothing_from_the_others(
    models, pictures, texts, monkeypatch
) -> None:
    whole = score_pictures(models, pictures, texts, roles=ALL)

    def broken(*_arguments, **_named):
        raise KeyError("a tensor")

    monkeypatch.setattr(models.vision_language(), "yes_probabilities", broken)
    for before, row in zip(whole, score_pictures(models, pictures, texts, roles=ALL), strict=True):
        assert row.raw["vqascore"] is None and "vqascore" not in row.weights
        assert row.missing["vqascore"] == "miniature-vision-language failed: KeyError: 'a tensor'"
        for role in ("pickscore", "clipscore", "aesthetic"):
            assert row.raw[role] == pytest.approx(before.raw[role])


def test_a_text_that_is_no_text_still_lets_the_aesthetic_head_rate(models, pictures) -> None:
    row = score_pictures(models, pictures[:1], "a \ud800 hat", roles=ALL)[0]
    assert row.raw["aesthetic"] is not None
    assert row.raw["pickscore"] is None and "miniature-preference failed" in row.missing["pickscore"]


def test_unsafe_weights_and_whoever_stops_the_scoring_are_not_taken_for_a_failed_scorer(own_lab, pictures) -> None:
    def stop(_role: str) -> None:
        raise KeyboardInterrupt

    with VisionModels(own_lab) as models, pytest.raises(KeyboardInterrupt):
        score_pictures(models, pictures[:1], "a hat", progress=stop)
    path = own_lab.data_dir / "models" / "clip" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\1")
    with VisionModels(own_lab) as models, pytest.raises(UnsafeModel, match="SHA-256"):
        score_pictures(models, pictures[:1], "a hat")


def test_tokens_that_stand_for_pictures_are_left_out_of_a_text_before_the_model_reads_it(models, pictures) -> None:
    model = models.vision_language()
    clean = model.yes_probabilities(pictures[:2], ["a red hat", "a red hat"])
    odd = ["a <|image_pad|> red<|image_pad|>hat", "a red hat <|im_end|><|vision_start|>"]
    np.testing.assert_allclose(model.yes_probabilities(pictures[:2], odd), clean, atol=1e-6)
    assert model.caption(pictures[:1], prompt="Look: <|image_pad|>") == model.caption(pictures[:1], prompt="Look:")
    assert model.yes_probabilities(pictures[:1], ["5 < 6, [sic] <b>"])[0] > 0


def test_one_text_serves_all_pictures_and_wrong_numbers_are_refused(models, pictures) -> None:
    both = score_pictures(models, pictures[:2], "a hat", roles=("clipscore",))
    each = score_pictures(models, pictures[:2], ["a hat", "a hat"], roles=("clipscore",))
    assert [row.raw for row in both] == [row.raw for row in each]
    assert score_pictures(models, [], []) == []
    with pytest.raises(ValueError, match="2 pictures, but 1 texts"):
        score_pictures(models, pictures[:2], ["a hat"])


def test_a_batch_that_does_not_fit_is_halved(models, pictures, monkeypatch) -> None:
    clip: Clip = models.clip()
    expected, sizes, inner = clip.images(pictures), [], clip.model.get_image_features

    def small_memory(pixel_values, **named):
        sizes.append(len(pixel_values))
        if len(pixel_values) > 2:
            raise RuntimeError("CUDA error: out of memory")
        return inner(pixel_values=pixel_values, **named)

    monkeypatch.setattr(clip.model, "get_image_features", small_memory)
    np.testing.assert_allclose(clip.images(pictures), expected, atol=1e-6)
    assert sizes == [5, 2, 2, 1]

    def no_memory(**named):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(clip.model, "get_image_features", no_memory)
    with pytest.raises(ModelError, match="even one picture"):
        clip.images(pictures)


@pytest.mark.gpu
def test_a_gpu_gives_what_the_processor_gives(models, pictures, texts) -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")
    with VisionModels(models.settings, device="cuda") as on_gpu:
        for one, other in zip(
            score_pictures(on_gpu, pictures, texts), score_pictures(models, pictures, texts), strict=True
        ):
            for role in ALL:
                assert one.raw[role] == pytest.approx(other.raw[role], abs=0.05 if role == "pickscore" else 1e-3)


def test_clip_text_and_clip_identity_are_two_measures(calibrated, pictures) -> None:
    with VisionModels(calibrated) as models:
        text = clip_text(models, pictures, "a hat")
        assert all(-1 <= value <= 1 for value in text.raw) and all(0 <= value <= 1 for value in text.calibrated)
        identity = clip_identity(models, pictures, pictures[0])
        assert identity.raw[0] == pytest.approx(1, abs=1e-5) and max(identity.raw[1:]) < 1
        assert set(identity.calibrated) == {None}


def test_wrong_anchors_are_refused_with_file_and_field(tmp_path) -> None:
    path = tmp_path / FILE
    assert read_measured(path) is None
    wrong = {"low": 2, "high": 1, "source": "upside down"}
    path.write_text(json.dumps({"made": "x", "weights": {}, "anchors": {"a": {"clip": wrong}}}))
    with pytest.raises(ModelError, match=r"score_anchors\.json: anchors\.a\.clip"):
        read_measured(path)


def test_the_catalogue_refuses_what_cannot_measure(own_lab) -> None:
    change_catalogue(own_lab, lambda p: p["roles"]["miniature"].update(faces="miniature-clip"))
    with pytest.raises(ModelError, match=r"roles\.miniature\.faces"):
        VisionModels(own_lab)
    change_catalogue(own_lab, lambda p: p["roles"]["miniature"].update(faces=None))
    assert VisionModels(own_lab).faces() is None
    change_catalogue(own_lab, lambda p: p["measuring"][2].update(encoder="nobody"))
    with pytest.raises(ModelError, match="nobody"):
        VisionModels(own_lab)


def test_every_real_model_has_anchors_with_a_source_and_a_licence() -> None:
    from creative_lab.imaging.catalogue import Catalogue

    catalogue = Catalogue.load(Settings())
    entries = {entry.slug: entry for entry in catalogue.presets.measuring}
    for profile in ("studio", "hosted"):
        for role in ("clip", "pickscore", "clipscore", "vqascore", "aesthetic", "hps"):
            entry = entries[catalogue.role(role, profile)]
            assert len(entry.anchors[role].source) > 20 and entry.licence.name
    assert entries["buffalo-l"].licence.commercial is False
    listed = {line.slug: line for line in catalogue.listing()}
    assert listed["pickscore-v1"].kind == "measuring" and listed["buffalo-l"].commercial is False
