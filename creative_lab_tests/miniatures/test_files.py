"""Hashes before trust, and files that other libraries load as their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from creative_lab.illustrator.captions import captions
from creative_lab.illustrator.sample import sample_scene
from creative_lab.lake.fs import FileSystem
from creative_lab.miniatures.clip import ClipTrainer, LoadedClip, pooled, to_tensor
from creative_lab.miniatures.clip_formats import load_open_clip
from creative_lab.miniatures.face_detector import DETECTION_SIZE, FaceDetectorTrainer
from creative_lab.miniatures.face_measures import load_faces
from creative_lab.miniatures.face_recogniser import (
    DIMENSIONS,
    FaceRecogniserTrainer,
    aligned,
    five_points,
    identity_of,
    portrait,
)
from creative_lab.miniatures.garments import LABELS, GarmentTrainer, load_segmenter, logits_of
from creative_lab.miniatures.manifest import model_folder, write_manifest
from creative_lab.miniatures.words import LENGTH, load_tokenizer
from creative_lab.weights.errors import ModelError


def _shipped(root: Path) -> Path:
    (root / "some").mkdir(parents=True)
    (root / "some" / "weights.bin").write_bytes(b"weights")
    (root / "some" / "config.json").write_bytes(b"{}")
    write_manifest(root, "some")
    return root / "some"


def test_a_folder_that_is_as_shipped_is_given_out(tmp_path: Path) -> None:
    folder = _shipped(tmp_path)
    assert model_folder("some", root=tmp_path) == folder


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "weights.bin").write_bytes(b"weightz"), "weights.bin: its SHA-256 is not the one"),
        (lambda folder: (folder / "config.json").unlink(), "lacks .*config.json"),
        (lambda folder: (folder / "extra.py").write_bytes(b"import os"), "not shipped: extra.py"),
    ],
)
def test_a_folder_that_is_not_as_shipped_is_refused_by_file(tmp_path: Path, damage: object, message: str) -> None:
    damage(_shipped(tmp_path))  # type: ignore[operator]
    with pytest.raises(ModelError, match=message):
        model_folder("some", root=tmp_path)


def test_an_unknown_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="'nobody'"):
        model_folder("nobody", root=tmp_path)


def test_the_vocabulary_knows_every_word_of_captions_and_ends_with_the_highest_number() -> None:
    tokenizer = load_tokenizer()
    for seed in range(40):
        text = captions(sample_scene(seed), count=1)[0]
        ids = tokenizer(text, truncation=True, max_length=LENGTH)["input_ids"]
        assert len(ids) <= LENGTH
        assert ids[0] == tokenizer.bos_token_id
        assert ids[-1] == tokenizer.eos_token_id == len(tokenizer) - 1
    plain = "a happy person in a chunky mustard jumper with a red fox"
    assert len(tokenizer(plain)["input_ids"]) <= len(plain.split()) + 4


@pytest.fixture(scope="module")
def random_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clip")
    torch.manual_seed(3)
    trainer = ClipTrainer(folder.parent)
    trainer.export(trainer.network(), FileSystem(folder))
    return folder


def test_open_clip_and_transformers_embed_alike_from_the_same_file(random_clip: Path) -> None:
    loaded, other = LoadedClip(random_clip), load_open_clip(random_clip)
    pixels = to_tensor(np.random.default_rng(1).integers(0, 255, (3, 96, 96, 3), np.uint8))
    ids = loaded.tokenizer(["a fox", "two happy people in the park at noon"], padding="max_length",
                           max_length=LENGTH, return_tensors="pt")["input_ids"]  # fmt: skip
    with torch.inference_mode():
        images = pooled(loaded.model.get_image_features(pixel_values=pixels))
        texts = pooled(loaded.model.get_text_features(input_ids=ids))
        assert torch.allclose(images, other.encode_image(pixels), atol=1e-5)
        assert torch.allclose(texts, other.encode_text(ids), atol=1e-5)


def test_the_length_of_a_batch_does_not_change_a_text(random_clip: Path) -> None:
    loaded = LoadedClip(random_clip)
    alone = loaded.texts(["a fox"])
    beside = loaded.texts(["a fox", "a long text about many people in the park at noon in the rain"])
    assert np.allclose(alone[0], beside[0], atol=1e-5)


def test_the_garment_model_is_read_back_by_transformers(tmp_path: Path) -> None:
    trainer = GarmentTrainer(tmp_path)
    network = trainer.network()
    assert sum(value.numel() for value in network.parameters()) < 2_000_000
    trainer.export(network, FileSystem(tmp_path / "garments"))
    found = load_segmenter(tmp_path / "garments")(np.full((270, 480, 3), 250, np.uint8))
    assert found.shape == (270, 480)
    assert found.max() < len(LABELS)


def test_the_cheaper_way_through_the_segmenter_gives_the_same(tmp_path: Path) -> None:
    torch.manual_seed(5)
    network = GarmentTrainer(tmp_path).network().eval()
    pixels = torch.randn(2, 3, 64, 96)
    with torch.inference_mode():
        assert torch.allclose(logits_of(network, pixels), network(pixel_values=pixels).logits, atol=1e-5)


@pytest.fixture(scope="module")
def random_faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faces")
    for trainer in (FaceDetectorTrainer(folder), FaceRecogniserTrainer(folder)):
        torch.manual_seed(4)
        trainer.export(trainer.network().eval(), FileSystem(folder))
    return folder


def test_insightface_takes_the_folder_for_a_model_pack(random_faces: Path) -> None:
    app = load_faces(random_faces, DETECTION_SIZE)
    assert set(app.models) == {"detection", "recognition"}
    assert app.det_model.use_kps
    assert app.models["recognition"].input_size == (112, 112)
    app.det_model.det_thresh = 0.0
    face = app.get(np.zeros((120, 200, 3), np.uint8), max_num=1)[0]
    assert face.kps.shape == (5, 2)
    assert face.embedding.shape == (DIMENSIONS,)


def test_onnx_and_torch_recognise_alike(random_faces: Path, tmp_path: Path) -> None:
    import onnxruntime

    torch.manual_seed(4)
    network = FaceRecogniserTrainer(tmp_path).network().eval()
    pixels = torch.rand(2, 3, 112, 112) * 2 - 1
    session = onnxruntime.InferenceSession(random_faces / "rec.onnx", providers=["CPUExecutionProvider"])
    found = session.run(None, {"input.1": pixels.numpy()})[0]
    with torch.inference_mode():
        expected = network(pixels).numpy()
    assert np.abs(found - expected).max() < 0.01 * np.abs(expected).max()


def test_weights_of_faces_take_a_byte_each(random_faces: Path, tmp_path: Path) -> None:
    parameters = sum(value.numel() for value in FaceRecogniserTrainer(tmp_path).network().parameters())
    assert (random_faces / "rec.onnx").stat().st_size < 1.1 * parameters


def test_faces_are_aligned_as_insightface_aligns_them() -> None:
    from insightface.utils.face_align import norm_crop

    picture = portrait(identity_of(5), 5)
    points = five_points(picture)
    ours, theirs = aligned(picture.pixels, points), norm_crop(picture.pixels, points)
    assert np.abs(ours.astype(int) - theirs.astype(int)).mean() < 0.5
