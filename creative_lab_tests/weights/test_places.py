"""Weights are found, named when they are missing, and trusted only when their bytes are those that are known."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from creative_lab.settings import Settings
from creative_lab.weights.entries import Licence
from creative_lab.weights.errors import ModelError, ModelNotHere, UnsafeModel
from creative_lab.weights.measuring import HostedVision, MeasuringPreset, fitting_roles
from creative_lab.weights.places import checked, located, place_of, state_of

OWN = Licence(name="Apache-2.0", commercial=True)


def preset(path: str, kind: str = "clip", **fields) -> MeasuringPreset:
    return MeasuringPreset(
        slug="some", label="Some", path=path, kind=kind, licence=OWN, vram_usage=1, unknown_because="a test", **fields
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "data" / "models" / "clip").mkdir(parents=True)
    return Settings(home=tmp_path / "home", data_dir=tmp_path / "data")


def ship(settings: Settings, files: dict[str, bytes]) -> None:
    root = settings.data_dir / "models"
    for name, data in files.items():
        (root / "clip" / name).write_bytes(data)
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    (root / "manifest.json").write_text(json.dumps({"clip": hashes}))


def test_places_follow_the_path_of_the_entry(settings: Settings) -> None:
    assert place_of(settings, preset("shipped:clip")) == settings.data_dir / "models" / "clip"
    assert place_of(settings, preset("owner/name")) == settings.models_root / "owner--name"


def test_what_is_missing_says_how_to_get_it(settings: Settings) -> None:
    with pytest.raises(ModelNotHere, match="miniatures train clip"):
        located(settings, preset("shipped:clip"))
    with pytest.raises(ModelNotHere, match="models pull some"):
        located(settings, preset("owner/name"))
    with pytest.raises(ModelNotHere, match="Unpack it"):
        located(settings, preset("owner/name", "face-pack", by_hand="Unpack it."))


def place_by_hand(settings: Settings, *names: str) -> Path:
    folder = settings.models_root / "owner--name"
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"weights")
    return folder


def name_parts(folder: Path, name: str, parts: int) -> None:
    stem = name.partition(".")[0]
    shards = {f"t{n}": f"{stem}-{n}.safetensors" for n in range(1, parts + 1)}
    (folder / name).write_text(json.dumps({"weight_map": shards}))


def test_a_folder_that_lacks_a_part_its_index_names_is_incomplete(settings: Settings) -> None:
    folder = place_by_hand(settings, "config.json", "model-1.safetensors")
    name_parts(folder, "model.safetensors.index.json", 2)
    assert state_of(settings, preset("owner/name")) == "incomplete"
    with pytest.raises(ModelNotHere, match=r"model-2\.safetensors is missing.*models pull some"):
        checked(settings, preset("owner/name"))
    place_by_hand(settings, "model-2.safetensors")
    assert state_of(settings, preset("owner/name")) == "here"


def test_one_precision_that_is_whole_is_enough(settings: Settings) -> None:
    folder = place_by_hand(settings, "config.json", "model.fp16.safetensors")
    name_parts(folder, "model.safetensors.index.json", 2)
    assert state_of(settings, preset("owner/name")) == "here"
    (folder / "model.fp16.safetensors").unlink()
    place_by_hand(settings, "half-1.safetensors", "half-2.safetensors")
    name_parts(folder, "half.safetensors.index.fp16.json", 2)
    assert state_of(settings, preset("owner/name")) == "here"


@pytest.mark.parametrize("index", ["{", "[]", '{"weight_map": []}'])
def test_an_index_that_cannot_be_read_makes_a_folder_incomplete_and_is_named(settings: Settings, index: str) -> None:
    folder = place_by_hand(settings, "config.json", "model-1.safetensors")
    (folder / "model.safetensors.index.json").write_text(index)
    with pytest.raises(ModelNotHere, match=r"model\.safetensors\.index\.json"):
        located(settings, preset("owner/name"))


def test_a_file_that_the_manifest_names_and_that_is_short_or_gone_makes_a_folder_incomplete(
    settings: Settings,
) -> None:
    folder = place_by_hand(settings, "config.json", "model.safetensors")
    files = [{"path": "config.json", "bytes": 7}, {"path": "model.safetensors", "bytes": 9}]
    (folder / "manifest.json").write_text(json.dumps({"files": files}))
    with pytest.raises(ModelNotHere, match=r"model\.safetensors has 7 bytes instead of 9.*Pull it again"):
        located(settings, preset("owner/name"))
    (folder / "config.json").unlink()
    with pytest.raises(ModelNotHere, match=r"config\.json is missing"):
        located(settings, preset("owner/name"))


def test_shipped_files_are_compared_with_their_hashes(settings: Settings) -> None:
    files = {"config.json": b"{}", "model.safetensors": b"weights"}
    ship(settings, files)
    first = checked(settings, preset("shipped:clip"))
    assert first.checked == 2 and first.unknown == 0
    (settings.data_dir / "models" / "clip" / "model.safetensors").write_bytes(b"others!")
    with pytest.raises(UnsafeModel, match=r"model\.safetensors: its SHA-256"):
        checked(settings, preset("shipped:clip"))
    ship(settings, files | {"model.safetensors": b"retrained"})
    assert checked(settings, preset("shipped:clip")).digest != first.digest


def test_shipped_files_without_hashes_or_beside_them_are_not_loaded(settings: Settings) -> None:
    folder = settings.data_dir / "models" / "clip"
    ship(settings, {"config.json": b"{}", "model.safetensors": b"weights"})
    (folder / "more.py").write_text("print()")
    with pytest.raises(UnsafeModel, match=r"more\.py"):
        checked(settings, preset("shipped:clip"))
    (folder / "more.py").unlink()
    (folder.parent / "manifest.json").write_text("{}")
    with pytest.raises(UnsafeModel, match="no hashes of clip"):
        checked(settings, preset("shipped:clip"))
    (folder.parent / "manifest.json").write_text("{")
    with pytest.raises(ModelError, match="not valid JSON"):
        checked(settings, preset("shipped:clip"))
    (folder.parent / "manifest.json").unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        checked(settings, preset("shipped:clip"))


def test_a_downloaded_face_pack_is_checked_by_the_hashes_of_the_catalogue(settings: Settings) -> None:
    folder = settings.models_root / "owner--name"
    folder.mkdir(parents=True)
    for name in ("det.onnx", "rec.onnx"):
        (folder / name).write_bytes(name.encode())
    known = {"path": "det.onnx", "bytes": 8, "sha256": hashlib.sha256(b"det.onnx").hexdigest()}
    assert checked(settings, preset("owner/name", "face-pack", files=(known,))).unknown == 1
    (folder / "det.onnx").write_bytes(b"det.ONNX")
    with pytest.raises(UnsafeModel, match="SHA-256"):
        checked(settings, preset("owner/name", "face-pack", files=(known,)))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "aesthetic-head"}, "names its encoder"),
        ({"encoder": "clip"}, "names its encoder"),
        ({"question": "What?"}, "no {text}"),
        ({"anchors": {"faces": {"low": 0, "high": 1, "source": "a source of it"}}}, "does not fill this role"),
        ({"anchors": {"clip": {"low": 0, "high": 1, "source": ""}}}, "source"),
    ],
)
def test_entries_that_cannot_be_right_are_refused(fields: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        preset("owner/name", **{"kind": "clip", **fields})


def test_a_role_is_filled_by_models_of_its_kind_and_captions_by_hosted_ones_too() -> None:
    hosted = HostedVision(slug="far", label="Far", model="openai/far", licence=OWN)
    fitting = fitting_roles((preset("owner/name"),), (hosted,))
    assert fitting["clip"] == {"some"} and fitting["faces"] == set() and fitting["caption"] == {"far"}
