"""Storyboard records: what they accept, and what they say when they don't."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from creative_lab.settings import REPOSITORY_ROOT, Settings
from creative_lab.state import db
from creative_lab.storyboards.record import PRESETS, RecordError, StoryboardRecord, StoryboardSettings, read_record
from creative_lab.storyboards.stored import find_record, read_files, record_keys, reference_of, save_record

STORY = {"kind": "story", "story": "Mara finds a kite in the park.", "character": "mara"}


def test_zero_is_a_value_and_not_the_default() -> None:
    settings = StoryboardSettings(quality_threshold=0, base_seed=0, ip_adapter_scale=0, controlnet_scale=0)
    assert (settings.quality_threshold, settings.base_seed) == (0, 0)
    assert (settings.ip_adapter_scale, settings.controlnet_scale) == (0, 0)
    assert StoryboardSettings().quality_threshold == 30 and StoryboardSettings().ip_adapter_scale is None


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("num_scenes", 5, 11), ("num_variations", 1, 9), ("max_enhancement_iterations", 0, 7),
     ("quality_threshold", -1, 101), ("attempts", 0, 7), ("temperature", -0.1, 1.1), ("target_duration", 8, 61)],
)  # fmt: skip
def test_settings_outside_their_ranges_are_refused_with_the_fields_name(name: str, low: float, high: float) -> None:
    for value in (low, high):
        with pytest.raises(RecordError, match=rf"board: settings\.{name}: "):
            read_record({"key": "a", "title": "A", "source": STORY, "settings": {name: value}}, where="board")


def test_every_wrong_field_is_named_at_once() -> None:
    bad = {"key": "No Slug", "title": "", "source": {"kind": "story", "story": "short"}, "method": "magic", "extra": 1}
    with pytest.raises(RecordError) as caught:
        read_record(bad, where="file.json")
    text = str(caught.value)
    assert text.startswith("file.json: ")
    assert all(field in text for field in ("key: ", "title: ", "source.story: ", "method: ", "extra: "))


def test_a_lora_method_needs_a_character_or_a_reference_picture() -> None:
    source = {"kind": "story", "story": "Somebody finds a kite in the park."}
    with pytest.raises(RecordError, match=r"simple needs source\.character"):
        read_record({"key": "a", "title": "A", "source": source, "method": "simple"}, where="x")
    assert read_record({"key": "a", "title": "A", "source": source, "method": "wireframe"}, where="x").key == "a"


def test_records_of_one_source_share_a_key_of_the_source_whatever_their_method() -> None:
    one, two = (
        StoryboardRecord.model_validate({"key": m[:4], "title": "A", "source": STORY, "method": m})
        for m in ("baseline", "simple")
    )
    other = one.model_copy(update={"source": one.source.model_copy(update={"character": "tom"})})
    assert one.source_key == two.source_key != other.source_key


def test_the_presets_are_valid_settings() -> None:
    for values in PRESETS.values():
        StoryboardSettings.model_validate(values)


def test_files_are_read_whole_or_not_at_all_and_name_their_mistakes(tmp_path: Path) -> None:
    good = tmp_path / "kite.json"
    good.write_text(json.dumps({"title": "Kite", "source": STORY}))
    assert read_files([good])[0].key == "kite"
    bad, broken = tmp_path / "bad.json", tmp_path / "broken.json"
    bad.write_text(json.dumps([{"key": "kite", "title": "Kite", "source": STORY}, {"key": "b"}]))
    broken.write_text("{")
    with pytest.raises(RecordError) as caught:
        read_files([good, bad, broken, tmp_path / "none.json"])
    text = str(caught.value)
    assert "bad.json[1]: " in text and "broken.json: not valid JSON" in text and "none.json: cannot be read" in text
    with pytest.raises(RecordError, match="the key 'kite' is used twice"):
        read_files([good, good])


def test_the_shipped_samples_are_three_stories_that_the_world_can_draw() -> None:
    records = read_files(sorted((REPOSITORY_ROOT / "data" / "storyboards").glob("*.json")))
    assert len(records) == 3
    assert all(record.source.kind == "story" for record in records)


def test_a_stored_record_comes_back_as_it_was_and_a_taken_key_is_refused(migrated_lab: Settings) -> None:
    record = StoryboardRecord.model_validate({"key": "kite", "title": "Kite", "source": STORY})
    other = record.model_copy(update={"title": "Another"})
    with db.session_scope(migrated_lab) as session:
        assert save_record(session, record) is True
        assert save_record(session, record) is False
        with pytest.raises(RecordError, match="there is another storyboard 'kite' already"):
            save_record(session, other)
        save_record(session, other, replace=True)
        assert find_record(session, "kite") == other
        assert record_keys(session) == ["kite"]
        with pytest.raises(RecordError, match="there is no storyboard 'x'; there are kite"):
            find_record(session, "x")


def test_a_reference_picture_is_kept_byte_for_byte_and_anything_else_is_refused(tmp_path: Path) -> None:
    from PIL import Image

    from creative_lab.lake.pictures import PictureStore

    settings = Settings(home=tmp_path / "home")
    file, text, gif = tmp_path / "a.jpg", tmp_path / "b.png", tmp_path / "c.png"
    Image.new("RGB", (40, 30), "teal").save(file, quality=90)
    text.write_text("not a picture")
    Image.new("RGB", (40, 30)).save(gif, format="GIF")
    kept = reference_of(settings, file)
    assert PictureStore(settings).read(kept.path) == file.read_bytes()
    for wrong in (text, gif, tmp_path / "none.png"):
        with pytest.raises(RecordError, match=wrong.name):
            reference_of(settings, wrong)
