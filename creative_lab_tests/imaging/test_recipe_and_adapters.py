"""ControlNet and IP-Adapter, the recipe in every file, drawing again from it, and Content Credentials."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from creative_lab import cli
from creative_lab.imaging import credentials, recipe
from creative_lab.imaging.downloads import verify_model
from creative_lab.imaging.errors import ImagingError, UnsafeModel
from creative_lab.imaging.generation import PictureStudio
from creative_lab.imaging.parameters import Control, LoraUse, PictureRequest, Reference
from creative_lab.imaging.presets import Overrides
from creative_lab.imaging.recipe import Recipe
from creative_lab.lake.pictures import PictureStore
from creative_lab.settings import Settings, get_settings
from creative_lab_tests.imaging import tiny
from creative_lab_tests.imaging.conftest import ship_adapters

MODEL = "miniature-xl"


def picture(seed: int) -> Any:
    import numpy as np
    from PIL import Image

    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (48, 48, 3), dtype=np.uint8))


def difference(one: Any, two: Any) -> int:
    import numpy as np

    a, b = (np.asarray(generation.pictures[0].image, dtype=int) for generation in (one, two))
    return int(np.abs(a - b).max())


@pytest.fixture
def lab(imaging_settings: Settings) -> PictureStudio:
    """A studio with adapters and a LoRA."""
    ship_adapters(imaging_settings)
    tiny.lora(imaging_settings.home / "own.safetensors")
    return PictureStudio(imaging_settings)


def test_control_and_reference_pictures_steer_the_picture_and_zero_switches_them_off(lab: PictureStudio) -> None:
    def draw(**more: Any) -> Any:
        return lab.generate(PictureRequest(MODEL, "a hat", seed=1, **more))

    plain = draw()
    for make, slug in ((Control, "miniature-pose"), (Reference, "miniature-reference")):
        name = make.__name__.lower()
        first = draw(**{name: make(slug, picture(1))})
        second = draw(**{name: make(slug, picture(2))})
        off = draw(**{name: make(slug, picture(1), 0.0)})
        assert difference(plain, first) > 1 and difference(first, second) > 1, slug
        assert difference(plain, off) <= 1, slug
        assert getattr(first.pictures[0].recipe, name).image_sha256 == recipe.picture_sha256(picture(1))
        assert getattr(off.pictures[0].recipe, name).scale == 0.0
        assert len(getattr(off.pictures[0].recipe, name).sha256) == 64, "the adapter's weights are named too"
    off = draw(control=Control("miniature-pose", picture(1), guidance_end=0.0))
    assert difference(plain, off) <= 1

    both = draw(control=Control("miniature-pose", picture(1)), reference=Reference("miniature-reference", picture(2)))
    control = draw(control=Control("miniature-pose", picture(1)))
    assert difference(both, control) > 1


@pytest.mark.parametrize("name", ["miniature-xl", "miniature-pose", "miniature-reference"])
def test_a_shipped_model_or_adapter_with_a_changed_byte_does_not_draw(
    lab: PictureStudio, tmp_path: Path, name: str
) -> None:
    import shutil

    place = lab.settings.data_dir / "models" / name
    own = tmp_path / "own"
    shutil.copytree(place, own)
    place.unlink() if place.is_symlink() else shutil.rmtree(place)
    own.rename(place)
    weights = next(place.rglob("*.safetensors"))
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(bytes(data))
    with pytest.raises(UnsafeModel, match=f"{weights.name}: its SHA-256"):
        lab.generate(
            PictureRequest(
                MODEL,
                "a hat",
                control=Control("miniature-pose", picture(1)),
                reference=Reference("miniature-reference", picture(2)),
            )
        )
    with pytest.raises(UnsafeModel, match="SHA-256"):
        verify_model(lab.catalogue, name)


def test_a_batch_follows_the_same_pictures_with_its_own_seeds(lab: PictureStudio) -> None:
    request = PictureRequest(
        MODEL,
        "a hat",
        count=3,
        seed=4,
        control=Control("miniature-pose", picture(1)),
        reference=Reference("miniature-reference", picture(2)),
    )
    generation = lab.generate(request)
    assert len({drawn.image.tobytes() for drawn in generation.pictures}) == 3
    assert generation.batches == [3]


def test_adapters_of_another_architecture_are_refused(lab: PictureStudio) -> None:
    with pytest.raises(ImagingError):
        lab.generate(PictureRequest("flux1_dev", "a", control=Control("miniature-pose", picture(1))))
    with pytest.raises(ImagingError, match="made for sdxl"):
        lab.generate(PictureRequest("realistic_vision", "a", reference=Reference("miniature-reference", picture(1))))


def test_a_file_tells_how_it_was_drawn_and_is_drawn_again_byte_for_byte(lab: PictureStudio) -> None:
    own = lab.settings.home / "own.safetensors"
    request = PictureRequest(
        MODEL,
        "a (red:1.2) hat — été",
        "blue",
        count=3,
        seed=0,
        overrides=Overrides(guidance_scale=0.0, scheduler="EulerAncestralDiscrete", steps=3),
        loras=(LoraUse("own", 0.0, path=str(own), triggers="zoe"),),
        control=Control("miniature-pose", picture(1), 0.4),
        reference=Reference("miniature-reference", picture(2)),
    )
    generation = lab.generate(request)
    store = PictureStore(lab.settings)
    stored = [store.put(recipe.finished_png(drawn.image, drawn.recipe, lab.settings)) for drawn in generation.pictures]
    file = store.files.path(stored[1].path)
    shown = recipe.show(file)
    assert shown.recipe == generation.pictures[1].recipe
    assert shown.recipe.seed == 1 and shown.recipe.guidance_scale == 0.0 and shown.recipe.loras[0].strength == 0.0
    assert shown.parameters and shown.parameters.startswith(
        "a (red:1.2) hat — été, zoe\nNegative prompt: blue\nSteps: 3,"
    )
    assert "Seed: 1" in shown.parameters and "Size: 64x64" in shown.parameters

    again = recipe.replay(file, lab, control_image=picture(1), reference_image=picture(2), lora_paths={"own": own})
    assert again.same_pixels and again.notes == ()
    assert again.data == file.read_bytes()
    with pytest.raises(ImagingError, match="give it too"):
        recipe.replay(file, lab, reference_image=picture(2), lora_paths={"own": own})
    with pytest.raises(ImagingError, match="not the control picture"):
        recipe.replay(file, lab, control_image=picture(3), reference_image=picture(2), lora_paths={"own": own})

    plain = lab.generate(PictureRequest(MODEL, "a (red:1.2) hat", count=3, seed=0, overrides=Overrides(steps=3)))
    for drawn in plain.pictures:
        stored_one = store.put(recipe.finished_png(drawn.image, drawn.recipe, lab.settings))
        replayed = recipe.replay(store.files.path(stored_one.path), lab)
        assert replayed.same_pixels and replayed.notes == ()
        assert replayed.data == store.read(stored_one.path)


def test_the_same_recipe_on_changed_weights_says_what_differs(lab: PictureStudio, tmp_path: Path) -> None:
    drawn = lab.generate(PictureRequest(MODEL, "a hat", seed=1)).pictures[0]
    other = drawn.recipe.model_copy(update={"model_sha256": "0" * 64, "device": "cuda"})
    (tmp_path / "x.png").write_bytes(recipe.png_bytes(drawn.image, other))
    notes = recipe.replay(tmp_path / "x.png", lab).notes
    assert any("model_sha256 differs" in note for note in notes) and any("device differs" in note for note in notes)


def test_a_recipe_from_before_the_hash_of_adapters_is_replayed_without_complaint(
    lab: PictureStudio, tmp_path: Path
) -> None:
    request = PictureRequest(MODEL, "a hat", seed=1, control=Control("miniature-pose", picture(1)))
    drawn = lab.generate(request).pictures[0]
    assert drawn.recipe.control
    older = drawn.recipe.model_copy(update={"control": drawn.recipe.control.model_copy(update={"sha256": None})})
    (tmp_path / "x.png").write_bytes(recipe.png_bytes(drawn.image, older))
    again = recipe.replay(tmp_path / "x.png", lab, control_image=picture(1))
    assert again.same_pixels and again.notes == ()


def test_a_lora_that_the_picture_did_not_wear_is_refused(lab: PictureStudio, tmp_path: Path) -> None:
    drawn = lab.generate(PictureRequest(MODEL, "a hat", seed=1)).pictures[0]
    (tmp_path / "x.png").write_bytes(recipe.png_bytes(drawn.image, drawn.recipe))
    with pytest.raises(ImagingError, match="was not drawn with the LoRA own, but with none"):
        recipe.replay(tmp_path / "x.png", lab, lora_paths={"own": lab.settings.home / "own.safetensors"})


def test_the_command_replays_a_picture_with_a_lora_of_our_own(
    lab: PictureStudio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = lab.settings.home / "own.safetensors"
    request = PictureRequest(MODEL, "a hat", seed=1, loras=(LoraUse("own", 0.9, path=str(own)),))
    drawn = lab.generate(request).pictures[0]
    file, to = tmp_path / "x.png", tmp_path / "again.png"
    file.write_bytes(recipe.png_bytes(drawn.image, drawn.recipe))
    for name in ("home", "data_dir", "device", "offline"):
        monkeypatch.setenv(f"CREATIVE_LAB_{name.upper()}", str(getattr(lab.settings, name)))
    get_settings.cache_clear()
    assert cli.main(["recipe", "replay", str(file), "--to", str(to), "--lora", f"own={own}"]) == 0
    assert "again.png: the same pixels" in capsys.readouterr().out
    assert to.read_bytes() == file.read_bytes()
    assert cli.main(["recipe", "replay", str(file), "--to", str(to), "--lora", "own"]) == 2
    assert "write it as SLUG=FILE" in capsys.readouterr().err
    assert cli.main(["recipe", "replay", str(file), "--to", str(to), "--lora", "own=nowhere"]) == 2
    assert "there is no file nowhere" in capsys.readouterr().err
    get_settings.cache_clear()


def made(**changes: Any) -> Recipe:
    fields = {"prompt": "a", "drawn_prompt": "a", "model": "m", "width": 8, "height": 8, "backend": "miniature"}
    return Recipe.model_validate({**fields, "drawn_at": "2026-01-01T00:00:00Z", **changes})


def test_no_secret_of_the_settings_reaches_a_file(lab: PictureStudio, monkeypatch: pytest.MonkeyPatch) -> None:
    canary = 'canary-9f8e"7\\d'
    monkeypatch.setenv("CREATIVE_LAB_OPENAI_API_KEY", canary)
    names = [name for name in Settings.model_fields if name.endswith(("key", "token"))]
    assert {"hf_token", "civitai_api_key", "replicate_api_token", "openai_api_key"} <= set(names)
    secret = lab.settings.model_copy(update={name: SecretStr(canary) for name in names})
    drawn = PictureStudio(secret).generate(PictureRequest(MODEL, f"a hat {canary}", "blue", seed=1)).pictures[0]
    store = PictureStore(secret)
    store.put(recipe.finished_png(drawn.image, drawn.recipe, secret))
    written = b"".join(path.read_bytes() for path in Path(store.files.root).rglob("*") if path.is_file())
    kept = recipe.recipe_json(drawn.recipe, secrets=recipe.secrets_of(secret))
    for form in (canary, json.dumps(canary)[1:-1]):
        assert form.encode() not in written and form not in kept
    assert b"[secret]" in written
    with pytest.raises(ValidationError):
        Recipe.model_validate({**drawn.recipe.model_dump(), "api_key": "x"})


@given(st.text(max_size=300), st.one_of(st.none(), st.text(max_size=50)), st.integers(0, 2**63 - 1))
def test_every_recipe_survives_the_file(tmp_path_factory: Any, prompt: str, negative: str | None, seed: int) -> None:
    prompt = prompt.encode("utf-8", "ignore").decode().replace("\0", "")
    negative = negative and negative.encode("utf-8", "ignore").decode().replace("\0", "")
    entry = made(prompt=prompt, drawn_prompt=prompt, negative_prompt=negative, seed=seed, batch_seeds=(seed,))
    file = tmp_path_factory.getbasetemp() / "recipe.png"
    file.write_bytes(recipe.png_bytes(picture(1), entry))
    assert recipe.show(file).recipe == entry


@pytest.mark.parametrize("data", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 30])
def test_a_file_that_is_no_picture_or_has_no_recipe_gives_one_clear_error(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.png").write_bytes(data)
    with pytest.raises(ImagingError, match="cannot be read as a picture"):
        recipe.show(tmp_path / "x.png")
    picture(1).save(tmp_path / "plain.png")
    with pytest.raises(ImagingError, match="no recipe"):
        recipe.show(tmp_path / "plain.png")


def test_pictures_of_other_tools_show_their_parameters(tmp_path: Path) -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("parameters", "a hat\nSteps: 20")
    picture(1).save(tmp_path / "x.png", pnginfo=info)
    assert recipe.show(tmp_path / "x.png") == recipe.Shown(None, "a hat\nSteps: 20")
    info.add_text(recipe.KEY, '{"version": 9}')
    picture(1).save(tmp_path / "x.png", pnginfo=info)
    with pytest.raises(ImagingError, match="recipe cannot be read"):
        recipe.show(tmp_path / "x.png")


def test_file_names_of_jobs_follow_the_pattern() -> None:
    assert recipe.job_file_name("Spring / 24: é", 7) == "Spring-24-é-00007.00.jpg"
    assert recipe.job_file_name("一只猫坐在桥上", 7) == "一只猫坐在桥上-00007.00.jpg"
    assert recipe.job_file_name("../.. : ?", 7) == "picture-00007.00.jpg"
    assert len(recipe.job_file_name("猫" * 300, 7).encode()) < 200
    assert recipe.job_file_name("x", 12, 3) == "x-00012.03.jpg"
    assert recipe.job_file_name("x", 12, 3, combination=(1, 2, 3)) == "00012.03-p001-m002-l003.jpg"


def test_content_credentials_are_signed_checked_and_notice_any_change(tmp_path: Path) -> None:
    keys = credentials.make_local_key(tmp_path / "keys")
    assert (keys / "key.pem").stat().st_mode & 0o077 == 0
    before = (keys / "key.pem").read_bytes()
    assert credentials.make_local_key(keys) == keys and (keys / "key.pem").read_bytes() == before

    plain = recipe.png_bytes(picture(1), made())
    assert credentials.check(plain) is None
    signed = credentials.sign(plain, keys)
    (tmp_path / "signed.png").write_bytes(signed)
    assert recipe.show(tmp_path / "signed.png").recipe == made()
    kept = recipe.finished_png(picture(1), made(), Settings(home=tmp_path, content_credentials=True))
    stored = credentials.check(kept)
    assert stored and stored.intact
    assert credentials.check(recipe.finished_png(picture(1), made(), Settings(home=tmp_path))) is None
    good = credentials.check(signed)
    assert good and good.intact and good.source and good.source.endswith("/trainedAlgorithmicMedia")
    assert len(signed) - len(plain) < 20_000
    for place in (signed.index(b"IDAT") + 40, signed.index(b"parameters") + 20, len(signed) - 20):
        changed = bytearray(signed)
        changed[place] ^= 1
        seen = credentials.check(bytes(changed))
        assert seen is None or not seen.intact, place
    with pytest.raises(ImagingError, match="no signing key"):
        credentials.sign(plain, tmp_path)


def test_content_credentials_say_whether_a_model_rules_or_both_made_the_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part = {"image_sha256": "0" * 64, "left": 0, "top": 0, "side": 8, "strength": 0.5}
    settings = Settings(home=tmp_path, content_credentials=True)
    for entry, source in (
        (made(), "trainedAlgorithmicMedia"),
        (made(model="embedded/illustrator"), "algorithmicMedia"),
        (made(redraw=part), "compositeWithTrainedAlgorithmicMedia"),
    ):
        file = tmp_path / "x.png"
        file.write_bytes(recipe.finished_png(picture(1), entry, settings))
        assert cli.main(["recipe", "show", str(file)]) == 0
        said = f"Content Credentials: signed by local signer, {source}, intact"
        assert said in capsys.readouterr().out.splitlines()
    data, chunk = file.read_bytes(), b"tEXtComment\0mine"
    added = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    file.write_bytes(data[:-12] + added + data[-12:])
    assert cli.main(["recipe", "show", str(file)]) == 0
    assert "NOT intact" in capsys.readouterr().out
