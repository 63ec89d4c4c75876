"""Import of TV spots: every rule, its message, and what is written."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from creative_lab.reference.hidden_text import strip_hidden
from creative_lab.reference.importing import import_directory
from creative_lab.reference.problems import ImportFailed
from creative_lab.reference.spot_rules import Known, check_spot, slug_of
from creative_lab.reference.spots import import_spot, origin_script
from creative_lab.settings import REPOSITORY_ROOT, Settings
from creative_lab.state import db
from creative_lab.state.models import AdUnit, AdUnitScriptRow, Campaign
from creative_lab_tests.reference import sample

SPOT: dict[str, Any] = {
    "client_name": "Acme Snacks",
    "script_title": "Crunch",
    "total_runtime_seconds": 15,
    "job_id": "ACM-26/001",
    "script_rows": [
        {"visual_text": 'A kitchen.\nSUPER: "New"', "audio_text": "SFX: Crunch.", "duration_seconds": 5},
        {"visual_text": "A face.", "audio_text": 'VO: "Oh."', "timecode_start": "00:00:05:00", "shot_number": "2A"},
        {"visual_text": "The bag.", "audio_text": "MUSIC: out.", "timecode_start": "00:00:10.000", "shot_number": 3},
    ],
}
KNOWN = Known(frozenset({"en-US", "de-DE"}), {"acme": "Acme", "acme-two": "ACME Two"}, frozenset({"OLD"}), frozenset())


def spot(**changes: Any) -> dict[str, Any]:
    return deepcopy(SPOT) | changes


def rows(**changes: Any) -> dict[str, Any]:
    """The sample spot with row 2 changed."""
    changed = deepcopy(SPOT)
    changed["script_rows"][2] |= changes
    return changed


def without(field: str, row: int | None = None) -> dict[str, Any]:
    changed = deepcopy(SPOT)
    del (changed if row is None else changed["script_rows"][row])[field]
    return changed


def problems(raw: Any) -> list[str]:
    verdict = check_spot(raw, "s.json", KNOWN)
    assert (verdict.spot is None) == bool(verdict.problems)
    return [str(problem) for problem in verdict.problems]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        *((without(name), f"field {name}: is missing") for name in SPOT),
        (spot(client_name=None), "field client_name: is missing"),
        (spot(client_name=" \n "), "field client_name: is empty"),
        (spot(client_name=3), "field client_name: must be a text, not a number"),
        (spot(client_name="x" * 201), "field client_name: is longer than 200 characters"),
        (spot(total_runtime_seconds=True), "field total_runtime_seconds: must be a whole number of seconds, not a "
         "truth value (True)"),
        (spot(total_runtime_seconds=15.5), "field total_runtime_seconds: must be a whole number of seconds, not a "
         "number (15.5)"),
        (spot(total_runtime_seconds="15"), "field total_runtime_seconds: must be a whole number of seconds, not a "
         "text ('15')"),
        (spot(total_runtime_seconds=0), "field total_runtime_seconds: must be greater than 0"),
        (spot(total_runtime_seconds=-5), "field total_runtime_seconds: must be greater than 0"),
        (spot(total_runtime_seconds=10**30), "field total_runtime_seconds: must be at most 3600"),
        (spot(script_rows={}), "field script_rows: must be a list of rows, not an object"),
        (spot(script_rows=[]), "field script_rows: must have at least one row"),
        (spot(script_rows=[{}] * 501), "field script_rows: has 501 rows; at most 500 are allowed"),
        (spot(script_rows=["x"]), "row 0: must be an object, not a text"),
        (without("visual_text", 2), "row 2, field visual_text: is missing"),
        (without("audio_text", 0), "row 0, field audio_text: is missing"),
        (rows(visual_text="  \n\t "), "row 2, field visual_text: is empty"),
        (rows(audio_text=""), "row 2, field audio_text: is empty"),
        (rows(audio_text="\u200b\u2060\U000e0041"), "row 2, field audio_text: is empty"),
        (rows(audio_text=["x"]), "row 2, field audio_text: must be a text, not a list"),
        (rows(timecode_start="00:00:10"), "row 2, field timecode_start: must be HH:MM:SS:FF or HH:MM:SS.mmm (got "
         "'00:00:10')"),
        (rows(timecode_start="00:61:10:00"), "row 2, field timecode_start: must be HH:MM:SS:FF or HH:MM:SS.mmm (got "
         "'00:61:10:00')"),
        (rows(timecode_start="00:00:04:24"), "row 2, field timecode_start: 00:00:04:24 is before the timecode of an "
         "earlier row"),
        (rows(timecode_start=10), "row 2, field timecode_start: must be a text, not a number"),
        (rows(duration_seconds="5"), "row 2, field duration_seconds: must be a number of seconds, not a text"),
        (rows(duration_seconds=True), "row 2, field duration_seconds: must be a number of seconds, not a truth value"),
        (rows(duration_seconds=-1), "row 2, field duration_seconds: must be between 0 and 3600"),
        (rows(duration_seconds=float("inf")), "row 2, field duration_seconds: must be between 0 and 3600"),
        (rows(shot_number=True), "row 2, field shot_number: must be a text, not a truth value"),
        (rows(visual_text="bell \x07"), "row 2, field visual_text: contains control characters (U+0007)"),
        (spot(script_title="two\nlines"), "field script_title: contains control characters (U+000A)"),
        (spot(job_id="OLD"), "field job_id: the job 'OLD' has been imported already"),
        (spot(language="xx-XX"), "field language: unknown language 'xx-XX'; import the reference data first "
         "(creative-lab import data/reference)"),
        (spot(language=""), "field language: is empty"),
        (spot(language=7), "field language: must be a text, not a number"),
        (spot(brand_code="nope"), "field brand_code: unknown brand 'nope'; import the reference data first "
         "(creative-lab import data/reference)"),
        (spot(spot_key="Not A Slug"), "field spot_key: must match ^[a-z0-9][a-z0-9_-]{0,63}$ (got 'Not A Slug')"),
    ],
)  # fmt: skip
def test_a_violated_rule_is_named_by_file_row_and_field(raw: dict[str, Any], message: str) -> None:
    assert f"s.json: {message}" in problems(raw)


@pytest.mark.parametrize("raw", [None, [], "x", 3, True])
def test_anything_but_an_object_is_refused(raw: Any) -> None:
    assert problems(raw) == ["s.json: must hold one object with the fields of a spot"]


def test_all_violations_are_reported_together() -> None:
    raw = {
        "client_name": "",
        "script_title": 1,
        "total_runtime_seconds": True,
        "job_id": "OLD",
        "language": "tlh",
        "brand_code": "nope",
        "script_rows": [{"visual_text": " ", "audio_text": None}, 3, {"visual_text": "v", "audio_text": "a\x00"}],
    }
    places = [message.split(": ")[1] for message in problems(raw)]
    assert places == [
        "field client_name",
        "field script_title",
        "field total_runtime_seconds",
        "field job_id",
        "field language",
        "field brand_code",
        "row 0, field visual_text",
        "row 0, field audio_text",
        "row 1",
        "row 2, field audio_text",
    ]


def test_optional_fields_may_be_absent_or_null_and_shots_are_then_numbered_from_the_index() -> None:
    raw = spot(brand_name=None, language=None, notes=None, spot_key=None)
    raw["script_rows"] = [{"visual_text": f"v{index}", "audio_text": "a"} for index in range(12)]
    verdict = check_spot(raw, "s.json", KNOWN)
    assert verdict.spot is not None and verdict.warnings == []
    assert (verdict.spot.language, verdict.spot.brand_code, verdict.spot.spot_key) == ("en-US", None, "acm-26-001")
    assert [row.shot_number for row in verdict.spot.rows] == [f"{number:02d}" for number in range(1, 13)]


@pytest.mark.parametrize(
    ("fields", "code", "warning"),
    [
        ({"brand_name": "acme"}, "acme", None),
        ({"brand_name": "ACME TWO"}, "acme-two", None),
        ({"brand_code": "acme"}, "acme", None),
        ({"brand_code": "acme", "brand_name": "Acme"}, "acme", None),
        ({"brand_code": "acme", "brand_name": "Akme"}, "acme", "field brand_name: the brand 'acme' is called 'Acme'"),
        (
            {"brand_name": "Nobody"},
            None,
            "field brand_name: no brand is called 'Nobody': kept as a plain name, without guidelines",
        ),
    ],
)
def test_a_brand_is_found_by_code_or_name_and_an_unknown_name_is_kept_with_a_warning(
    fields: dict[str, str], code: str | None, warning: str | None
) -> None:
    verdict = check_spot(spot(**fields), "s.json", KNOWN)
    assert verdict.spot is not None and verdict.spot.brand_code == code
    assert verdict.warnings == ([f"s.json: {warning}"] if warning else [])


@pytest.mark.parametrize(
    ("raw", "warning"),
    [
        (rows(duration_seconds=11), "field script_rows: the durations of the rows add up to 16 s, the spot has 15 s"),
        (
            rows(timecode_start="00:00:20:00"),
            "row 2, field timecode_start: 00:00:20:00 is after the end of the spot (15 s)",
        ),
        (spot(langauge="de-DE"), "unknown field 'langauge' is ignored"),
        (rows(sound="x"), "row 2: unknown field 'sound' is ignored"),
        (
            rows(audio_text='VO\U000e0049\u200b: "Oh."\ufe0f'),
            "row 2, field audio_text: invisible characters were removed (U+E0049, U+200B, U+FE0F)",
        ),
    ],
)
def test_what_is_odd_but_usable_is_a_warning(raw: dict[str, Any], warning: str) -> None:
    verdict = check_spot(raw, "s.json", KNOWN)
    assert verdict.spot is not None
    assert f"s.json: {warning}" in verdict.warnings
    assert "\u200b" not in verdict.spot.rows[2].audio_text


def test_timecodes_may_start_at_the_programme_hour_and_joiners_of_persian_words_stay() -> None:
    raw = spot()
    for index, row in enumerate(raw["script_rows"]):
        row["timecode_start"] = f"10:00:{index * 5:02d}:00"
    raw["script_rows"][0]["audio_text"] = 'VO: "می\u200cخواهم\u200c"'
    verdict = check_spot(raw, "s.json", KNOWN)
    assert verdict.spot is not None
    assert verdict.spot.rows[0].audio_text == 'VO: "می\u200cخواهم"'
    assert [text for text in verdict.warnings if "timecode" in text] == []


def test_keys_of_jobs_without_latin_letters_are_still_slugs_and_differ() -> None:
    keys = [slug_of(text) for text in ("東京-一", "東京-二", "Ça va? N° 7", "x" * 100, "--")]
    assert keys[2:4] == ["ca-va-n-7", "x" * 64]
    assert len(set(keys)) == 5 and all(key[0].isalnum() and len(key) <= 64 for key in keys)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)
_FIELDS = [*SPOT, "brand_name", "brand_code", "language", "notes", "spot_key", "visual_style_prompt"]
_ROW_FIELDS = ["visual_text", "audio_text", "shot_number", "timecode_start", "duration_seconds"]


@given(
    st.dictionaries(st.sampled_from(_FIELDS), _JSON, max_size=4), st.dictionaries(st.sampled_from(_ROW_FIELDS), _JSON)
)
def test_random_damage_is_either_usable_or_explained(fields: dict[str, Any], row: dict[str, Any]) -> None:
    raw = spot()
    raw["script_rows"][1] |= row
    raw |= fields
    verdict = check_spot(raw, "s.json", KNOWN)
    if verdict.spot is None:
        assert verdict.problems
        assert all(str(problem).startswith("s.json: ") and problem.message for problem in verdict.problems)
        return
    assert verdict.problems == []
    checked = verdict.spot
    assert checked.client_name.strip() and 0 < checked.total_runtime_seconds <= 3600
    assert not isinstance(checked.total_runtime_seconds, bool)
    assert all(item.visual_text.strip() and item.audio_text.strip() and item.shot_number for item in checked.rows)
    assert checked.language in KNOWN.languages
    json.dumps(vars(checked), default=vars, allow_nan=False).encode()
    assert "\x00" not in repr(checked) and "\\x00" not in repr(checked)


def _write(folder: Path, raw: Any) -> Path:
    path = folder / "spot.json"
    path.write_text(raw if isinstance(raw, str) else json.dumps(raw), encoding="utf-8")
    return path


@pytest.fixture
def filled_lab(migrated_lab: Settings, tmp_path: Path) -> Settings:
    with db.session_scope(migrated_lab) as session:
        import_directory(session, sample.write(tmp_path / "data", sample.data()))
    return migrated_lab


def _counts(settings: Settings) -> tuple[int, ...]:
    with db.session_scope(settings) as session:
        return tuple(
            session.scalar(select(func.count()).select_from(model)) or 0
            for model in (Campaign, AdUnit, AdUnitScriptRow)
        )


def test_an_import_makes_one_campaign_one_completed_origin_and_a_row_per_entry(
    filled_lab: Settings, tmp_path: Path
) -> None:
    path = _write(tmp_path, spot(brand_name="acme", visual_style_prompt="Grain.", notes="25 fps"))
    with db.session_scope(filled_lab) as session:
        report = import_spot(session, path, dry_run=True)
    assert _counts(filled_lab) == (0, 0, 0)
    for part in ("Acme Snacks", "Crunch", "15 s", "ACM-26/001", "Rows:     3", "Nothing was written"):
        assert part in str(report)
    with db.session_scope(filled_lab) as session:
        import_spot(session, path)
    assert _counts(filled_lab) == (1, 1, 3)
    with db.session_scope(filled_lab) as session:
        campaign = session.scalars(select(Campaign)).one()
        unit = campaign.origin
        assert unit is not None
        assert (unit.code, unit.status, unit.ad_unit_type, unit.origin_or_adaptation) == (
            "ORIGIN",
            "completed",
            "VIDEO",
            "ORIGIN",
        )
        assert (unit.visual_style_prompt, float(unit.duration or 0)) == ("Grain.", 15.0)
        assert unit.effective_brand is not None and unit.effective_brand.code == "acme"
        assert campaign.original_script_data["notes"] == "25 fps"
        assert origin_script(campaign) == {
            "client_name": "Acme Snacks",
            "brand_name": "Acme",
            "script_title": "Crunch",
            "language": "en-US",
            "total_runtime_seconds": 15,
            "script_rows": [
                {
                    "shot_number": shot,
                    "timecode_start": timecode,
                    "duration_seconds": duration,
                    "visual_text": row["visual_text"],
                    "audio_text": row["audio_text"],
                }
                for row, shot, timecode, duration in zip(
                    SPOT["script_rows"],
                    ("01", "2A", "03"),
                    (None, "00:00:05:00", "00:00:10.000"),
                    (5.0, None, None),
                    strict=True,
                )
            ],
        }
    with db.session_scope(filled_lab) as session, pytest.raises(ImportFailed) as caught:
        import_spot(session, path)
    assert str(caught.value) == "spot.json: field job_id: the job 'ACM-26/001' has been imported already"
    assert _counts(filled_lab) == (1, 1, 3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"client_name": "A"', "spot.json: line 1, column 20: malformed JSON: Expecting ',' delimiter"),
        ('{"job_id": "A", "job_id": "B"}', "spot.json: the key 'job_id' appears twice in one object"),
        (" " * 1_000_001, "spot.json: the file is larger than 1,000,000 bytes"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_before_anything_else(
    filled_lab: Settings, tmp_path: Path, content: str, message: str
) -> None:
    path = _write(tmp_path, content)
    with db.session_scope(filled_lab) as session:
        with pytest.raises(ImportFailed, match="file not found"):
            import_spot(session, tmp_path / "missing.json")
        with pytest.raises(ImportFailed) as caught:
            import_spot(session, path)
    assert str(caught.value) == message
    assert _counts(filled_lab) == (0, 0, 0)


def test_without_reference_data_the_language_is_unknown_and_the_message_says_what_to_do(
    migrated_lab: Settings, tmp_path: Path
) -> None:
    with db.session_scope(migrated_lab) as session, pytest.raises(ImportFailed) as caught:
        import_spot(session, _write(tmp_path, SPOT))
    assert "import the reference data first (creative-lab import data/reference)" in str(caught.value)


def test_of_two_imports_of_one_job_at_once_one_wins_and_the_other_is_told(filled_lab: Settings, tmp_path: Path) -> None:
    path = _write(tmp_path, SPOT)

    def run(_: int) -> str:
        try:
            with db.session_scope(filled_lab) as session:
                return str(import_spot(session, path))
        except ImportFailed as error:
            return str(error)

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(run, range(4)))
    assert sum("Imported." in text for text in outcomes) == 1
    assert sum("has been imported already" in text for text in outcomes) == 3
    assert _counts(filled_lab) == (1, 1, 3)


def test_the_example_of_the_guide_keeps_the_rules() -> None:
    guide = (REPOSITORY_ROOT / "docs" / "guides" / "importing-spots.md").read_text(encoding="utf-8")
    example = guide.partition("```json\n")[2].partition("```")[0]
    verdict = check_spot(json.loads(example), "guide", KNOWN)
    assert (verdict.problems, verdict.warnings) == ([], [])


@given(st.text())
def test_hidden_characters_are_removed_once_and_for_all_and_nothing_else_is(text: str) -> None:
    once, removed = strip_hidden(text)
    assert [character for character in text if f"U+{ord(character):04X}" not in removed] == [
        character for character in once if f"U+{ord(character):04X}" not in removed
    ]
    for character in ("\u200b", "\u2060", "\ufe0f", "\U000e0041", "\u202e", "\ufeff"):
        assert strip_hidden(once + character + "x")[0] == once + "x"


def _sample_spots() -> list[Path]:
    return sorted((REPOSITORY_ROOT / "data" / "spots").rglob("*.json"))


def test_every_shipped_spot_keeps_the_rules_without_a_warning() -> None:
    brands = json.loads((REPOSITORY_ROOT / "data" / "reference" / "brands.json").read_text(encoding="utf-8"))
    known = Known(frozenset({"en-US"}), {brand["code"]: brand["name"] for brand in brands})
    assert len(_sample_spots()) >= 3
    for path in _sample_spots():
        verdict = check_spot(json.loads(path.read_text(encoding="utf-8")), path.name, known)
        assert (verdict.problems, verdict.warnings) == ([], []), path.name
