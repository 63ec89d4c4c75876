"""Defining a character: pictures of every kind, one clear error for what is wrong, and its partition."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pytest
from PIL import Image

from creative_lab.characters.errors import CharacterError
from creative_lab.characters.photographs import read_photographs
from creative_lab.characters.record import Made, characters, find_character, new_character
from creative_lab.characters.samples import draw, read_description
from creative_lab.illustrator.identity import BEARDS, Identity
from creative_lab.lake.pictures import PictureStore
from creative_lab.settings import REPOSITORY_ROOT, Settings
from creative_lab.state import db

SAMPLES = REPOSITORY_ROOT / "data" / "characters"


def save(folder: Path, name: str, image: Image.Image | None = None, **options: Any) -> Path:
    folder.mkdir(exist_ok=True, parents=True)
    seed = sum(name.encode())
    made = image or Image.fromarray(np.random.default_rng(seed).integers(0, 255, (48, 64, 3), dtype=np.uint8))
    path = folder / name
    made.save(path, **options)
    return path


def define(settings: Settings, key: str, folder: Path, **options: Any) -> Made:
    with db.session_scope(settings) as session:
        return new_character(settings, session, key, folder=folder, **options)


def test_pictures_of_every_format_are_read_whatever_the_case_of_their_names(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.JPEG", "c.png", "d.WebP", "e.bmp", "f.gif", "g.tiff", "h.TIF"):
        kind = {"jpg": "JPEG", "jpeg": "JPEG", "tif": "TIFF", "tiff": "TIFF"}.get(name[2:].lower(), name[2:].upper())
        save(tmp_path, name, format=kind)
    (tmp_path / "notes.txt").write_text("not a picture")
    save(tmp_path, ".hidden.png")
    found = read_photographs(tmp_path)
    assert [photograph.name for photograph in found] == list("abcdefgh")
    assert all(photograph.data.startswith(b"\xff\xd8") for photograph in found)


def test_one_name_in_two_formats_is_two_pictures_and_the_same_bytes_are_one(tmp_path: Path) -> None:
    save(tmp_path, "face.png")
    save(tmp_path, "face.jpg", Image.new("RGB", (40, 40), "red"))
    (tmp_path / "copy.png").write_bytes((tmp_path / "face.png").read_bytes())
    assert [photograph.name for photograph in read_photographs(tmp_path)] == ["copy", "face"]
    save(tmp_path, "FACE.bmp", Image.new("RGB", (40, 40), "blue"))
    assert [photograph.name for photograph in read_photographs(tmp_path)] == ["FACE", "copy", "face-2"]


def test_pictures_come_upright_over_white_and_no_longer_than_2048(tmp_path: Path) -> None:
    turned = Image.new("RGB", (60, 40), "red")
    exif = turned.getexif()
    exif[0x0112] = 6
    save(tmp_path, "a.jpg", turned, exif=exif)
    save(tmp_path, "b.png", Image.new("RGBA", (40, 40), (0, 0, 0, 0)))
    save(tmp_path, "c.png", Image.new("RGB", (4096, 1024), "green"))
    sizes, images = {}, {}
    for photograph in read_photographs(tmp_path):
        images[photograph.name] = np.asarray(Image.open(io.BytesIO(photograph.data)))
        sizes[photograph.name] = (photograph.width, photograph.height)
    assert sizes == {"a": (40, 60), "b": (40, 40), "c": (2048, 512)}
    assert images["b"].min() > 250


def test_pictures_that_cannot_be_used_are_named_together_and_nothing_is_defined(
    migrated_lab: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    save(folder, "good.png")
    (folder / "broken.png").write_bytes((folder / "good.png").read_bytes()[:60])
    (folder / "fake.jpg").write_text("<html>")
    save(folder, "tiny.png", Image.new("RGB", (8, 8)))
    with pytest.raises(CharacterError) as caught:
        define(migrated_lab, "someone", folder, trigger="some_one")
    message = str(caught.value)
    assert "3 of the pictures cannot be used" in message
    assert all(name in message for name in ("broken.png", "fake.jpg", "tiny.png: 8 × 8 pixels"))
    with db.session_scope(migrated_lab) as session:
        assert characters(session) == []


@pytest.mark.parametrize(
    ("key", "options", "message"),
    [
        ("Some One", {"trigger": "some_one"}, "key: 'Some One' is no key"),
        ("someone", {"trigger": "two words"}, "trigger: 'two words' is no trigger"),
        ("someone", {"trigger": "ab"}, "trigger: 'ab' is no trigger"),
        ("someone", {}, "give a trigger"),
    ],
)
def test_a_bad_key_or_trigger_gives_one_clear_error(
    migrated_lab: Settings, tmp_path: Path, key: str, options: dict[str, Any], message: str
) -> None:
    for number in range(3):
        save(tmp_path / "p", f"{number}.png")
    with pytest.raises(CharacterError, match=message):
        define(migrated_lab, key, tmp_path / "p", **options)


def test_an_empty_folder_or_none_at_all_or_too_few_pictures_are_refused(migrated_lab: Settings, tmp_path: Path) -> None:
    with pytest.raises(CharacterError, match="is not a folder"):
        define(migrated_lab, "someone", tmp_path / "gone", trigger="some_one")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CharacterError, match="there is no picture"):
        define(migrated_lab, "someone", tmp_path / "empty", trigger="some_one")
    save(tmp_path / "few", "1.png")
    with pytest.raises(CharacterError, match="1 pictures, at least 3 are needed"):
        define(migrated_lab, "someone", tmp_path / "few", trigger="some_one")


def test_a_character_keeps_its_pictures_and_gets_new_ones(migrated_lab: Settings, tmp_path: Path) -> None:
    for number in range(3):
        save(tmp_path / "p", f"{number}.png")
    made = define(migrated_lab, "someone", tmp_path / "p", trigger="some_one", name="Some One")
    assert not made.changed
    store = PictureStore(migrated_lab)
    for picture in made.character.pictures:
        assert len(store.read(picture.path)) == picture.bytes
    save(tmp_path / "p", "4.png")
    assert define(migrated_lab, "someone", tmp_path / "p", trigger="some_one").changed
    with db.session_scope(migrated_lab) as session:
        assert len(find_character(session, "someone").pictures) == 4
        with pytest.raises(CharacterError, match="there is no character 'nobody'; there are: someone"):
            find_character(session, "nobody")
    with pytest.raises(CharacterError, match="the trigger 'some_one' already calls someone"):
        define(migrated_lab, "other", tmp_path / "p", trigger="some_one")


def test_the_sample_characters_are_drawn_the_same_every_time_and_unlike_anybody_of_the_world() -> None:
    def marks(person: Identity) -> tuple[bool, ...]:
        bearded = person.beard != "none"
        return (
            person.hair_style == "ponytail" and person.hair_colour == "white" and person.age < 0.3,
            bearded and person.hair_style == "bun",
            bearded and person.hair_style == "afro",
        )

    samples = [read_description(folder) for folder in sorted(SAMPLES.iterdir())]
    assert [sample.name for sample in samples] == ["Bram", "Orla", "Sanni"]
    assert len({sample.trigger for sample in samples}) == 3
    own = [marks(sample.person()) for sample in samples]
    assert all(sum(found) == 1 for found in own)
    world = [marks(Identity.from_seed(seed)) for seed in range(3000)]
    assert not any(any(found) for found in world)
    assert set(BEARDS) >= {sample.person().beard for sample in samples}
    first, second = draw(samples[0]), draw(samples[0])
    assert len(first) == 30
    assert [p.data for p in first] == [p.data for p in second]
    assert len({p.data for p in first}) == 30


def test_a_description_that_breaks_a_rule_names_file_and_field(tmp_path: Path) -> None:
    good = (SAMPLES / "orla" / "character.json").read_text()
    for broken, message in (
        (good.replace('"pictures": 30', '"pictures": 0'), "pictures: .*greater than or equal to 1"),
        (good.replace('"first_seed"', '"frist_seed"'), "first_seed|frist_seed"),
        (good[:-20], "character.json"),
    ):
        (tmp_path / "character.json").write_text(broken)
        with pytest.raises(CharacterError, match=message):
            read_description(tmp_path)
    (tmp_path / "character.json").write_text(good.replace('"freckles"', '"frekles"'))
    with pytest.raises(CharacterError, match="missing or unknown features: freckles, frekles"):
        read_description(tmp_path).person()


def test_a_new_character_becomes_a_partition_once(migrated_lab: Settings) -> None:
    from creative_lab.characters.sensors import character_arrivals

    with dg.instance_for_test() as instance:
        context = dg.build_sensor_context(instance=instance)
        quiet = character_arrivals(context)
        assert isinstance(quiet, dg.SkipReason)
        made = define(migrated_lab, "orla", SAMPLES / "orla")
        assert made.character.trigger == "orla_kez"
        assert len(made.character.pictures) == 30
        asked = character_arrivals(context)
        assert isinstance(asked, dg.SensorResult)
        assert asked.dynamic_partitions_requests is not None
        (request,) = asked.dynamic_partitions_requests
        assert request.partition_keys == ["orla"]
        instance.add_dynamic_partitions("character", ["orla"])
        assert character_arrivals(context).skip_message == "all 1 characters are registered"
