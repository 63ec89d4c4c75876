"""Rows, timecodes, languages, translations, voice and supers."""

from __future__ import annotations

import pytest

from creative_lab.adaptation.gates.format_fit import hold_seconds
from creative_lab.adaptation.gates.timing import frames_per_second, speech_windows
from creative_lab.adaptation.time_budget import time_budget
from creative_lab_tests.adaptation.drafter import markets
from creative_lab_tests.adaptation.gates.scripts import (
    classes,
    draft_of,
    facts,
    judge,
    row_of,
    say,
    spot,
    translated,
)

THREE = spot(("One.", 'VO: "First words."'), ("Two.", 'VO: "Second words."'), ("Three.", 'VO: "Third words."'))


def _retimed(row: int, **fields: object) -> list[tuple[str, str, int | None]]:
    context = markets.context(THREE, "GB", brand_facts=facts())
    draft = draft_of(context)
    draft.script_rows[row] = draft.script_rows[row].model_copy(update=fields)
    return classes(judge("format_gate", draft, context))


def test_a_missing_row_is_named() -> None:
    context = markets.context(THREE, "GB", brand_facts=facts())
    draft = draft_of(context)
    del draft.script_rows[1]
    found = judge("format_gate", draft, context)
    assert classes(found) == [("row_count", "critical", None)]
    assert "exactly 3 rows" in found[0].suggestion
    assert "Missing shots: 02" in found[0].suggestion


@pytest.mark.parametrize(
    ("row", "fields", "expected"),
    [
        (1, {"shot_number": "2A"}, ("shot_number", "major", 1)),
        (1, {"timecode_start": "0:05"}, ("timecode_syntax", "major", 1)),
        (1, {"timecode_start": None}, ("timecode_syntax", "major", 1)),
        (1, {"timecode_start": "00:00:61:00"}, ("timecode_syntax", "major", 1)),
        (1, {"timecode_start": "00:00:05:31"}, ("timecode_syntax", "major", 1)),
        (2, {"timecode_start": "00:00:05:00"}, ("timecode_order", "major", 2)),
        (0, {"duration_seconds": 7.0}, ("timecode_overlap", "major", 0)),
        (2, {"duration_seconds": 6.0}, ("timecode_runtime", "major", 2)),
        (2, {"timecode_start": "00:00:15:00"}, ("timecode_runtime", "major", 2)),
        (1, {"visual_text": "  "}, ("empty_text", "critical", 1)),
    ],
)
def test_a_fault_of_one_row_is_found_at_that_row(row: int, fields: dict, expected: tuple) -> None:
    assert expected in _retimed(row, **fields)


@pytest.mark.parametrize("timecode", ["00:00:05.000", "00:00:05:00", "00:00:05:12", "00:00:04.999"])
def test_timecodes_in_frames_and_in_milliseconds_are_read(timecode: str) -> None:
    assert not [
        item for item in _retimed(1, timecode_start=timecode) if item[0] in ("timecode_syntax", "timecode_order")
    ]


def test_the_frame_rate_is_the_one_at_which_rows_meet_their_durations() -> None:
    rows = [row_of("a", "b", timecode_start="00:00:03:00", duration_seconds=1.8)]
    european = [*rows, row_of("a", "b", timecode_start="00:00:04:20")]
    american = [*rows, row_of("a", "b", timecode_start="00:00:04:24")]
    assert frames_per_second(european, "US") == 25
    assert frames_per_second(american, "GB") == 30
    assert frames_per_second([row_of("a", "b", timecode_start="00:00:04:28")], "GB") == 30
    assert frames_per_second(rows, "US") == 30


def test_a_voice_may_run_on_over_silent_rows_but_not_over_another_voice() -> None:
    assert speech_windows([2.0, 3.0, 1.0, 4.0], [True, False, True, False]) == [5.0, 3.0, 5.0, 4.0]


def test_too_many_words_are_counted_in_syllables_and_told_how_many_to_cut() -> None:
    words = (
        "Every single morning the whole enormous family gathers around the kitchen table "
        "and argues about absolutely everything"
    )
    found = [item for item in say("GB", words) if item.check == "voice_over_fit"]
    assert [(item.severity, item.row, item.location) for item in found] == [("major", 0, "script_rows[0].audio_text")]
    assert "27 fit into 5.0 s" in found[0].suggestion


def test_twice_the_words_are_hopeless() -> None:
    words = " ".join(["Absolutely everybody understands the situation."] * 4)
    assert ("voice_over_fit", "critical", 0) in classes(say("GB", words))


def test_a_spot_spoken_to_its_last_beat_has_no_slack() -> None:
    count = "one two three four five six seven eight nine ten"
    rows = [("Row.", f'VO: "{count} {count} one two three four five."')]
    context = markets.context(spot(*rows), "GB", brand_facts=facts())
    assert ("voice_over_slack", "major", None) in classes(judge("format_gate", draft_of(context), context))


@pytest.mark.parametrize(("words", "seconds"), [(0, 0), (1, 2.2), (5, 3.0), (9, 3.8), (10, 5.0), (20, 7.0)])
def test_words_on_screen_stand_two_tenths_of_a_second_each_plus_two_or_three_seconds(
    words: int, seconds: float
) -> None:
    assert hold_seconds(words) == pytest.approx(seconds)


def _supers(visual: str, country: str = "GB", **brand: object) -> list[tuple[str, str, int | None]]:
    origin = spot((visual, "SFX: Wind."), ("A street.", "SFX: Wind."))
    context = markets.context(origin, country, brand_facts=facts(**brand))
    return [item for item in classes(judge("format_gate", draft_of(context), context)) if item[0].startswith("super")]


def test_all_words_on_screen_at_once_count_and_brand_names_do_not() -> None:
    assert _supers('Sky.\nSUPER: "One two three four five six seven eight nine ten"') == []
    eleven = 'Sky.\nSUPER: "One two three four five six seven"\nTITLE: "eight nine ten eleven"'
    assert _supers(eleven) == [("super_hold", "major", 0)]
    assert _supers(eleven.replace("eleven", "Kestavo")) == []
    assert _supers(eleven.replace("eleven", "Morrow"), do_not_translate=["Morrow"]) == []


def test_a_super_that_stays_over_the_cut_has_the_time_of_both_rows() -> None:
    long = 'SUPER: "One two three four five six seven eight nine ten eleven twelve"'
    context = markets.context(
        spot((f"Sky.\n{long}", "SFX: Wind."), (f"Sea.\n{long}", "SFX: Wind.")), "GB", brand_facts=facts()
    )
    assert judge("format_gate", draft_of(context), context) == []


def test_what_a_writer_is_told_beforehand_is_what_the_gate_holds_him_to() -> None:
    context = markets.context(spot(("Sky.", 'VO: "Hello."'), ("Sea.", "SFX: Wind.")), "GB", brand_facts=facts())
    first = time_budget(context)["rows"][0]
    assert (first["seconds"], first["most_syllables"], first["most_words_on_screen"]) == (5.0, 55, 10)
    fitting = " ".join(["la"] * 51)
    for words, finds in ((fitting, False), (f"{fitting} la la la la la", True)):
        draft = draft_of(
            context,
            (f'Sky.\nSUPER: "{" ".join(["o"] * (11 if finds else 10))}"', f'VO: "{words}"'),
            ("Sea.", "SFX: Wind."),
        )
        found = {item.check for item in judge("format_gate", draft, context)}
        assert ({"voice_over_fit", "super_hold"} <= found) is finds
        assert ({"voice_over_fit", "super_hold"} & found == set()) is not finds


def test_japanese_characters_are_read_two_for_a_word() -> None:
    context, draft = translated("just-one", "JP")
    row = draft.script_rows[0]
    draft.script_rows[0] = row.model_copy(
        update={"visual_text": 'Room.\nSUPER: "日曜日の午後、同点のままです。" (Sunday, tied.)'}
    )
    found = [item for item in judge("format_gate", draft, context) if item.check == "super_hold"]
    assert [item.row for item in found] == [0]
    assert "7 words" in found[0].description


def _german(visual: str, audio: str, **fields: object) -> list[tuple[str, str, int | None]]:
    context, draft = translated("just-one", "DE")
    draft.script_rows[1] = draft.script_rows[1].model_copy(update={"visual_text": visual, "audio_text": audio})
    return classes(judge("format_gate", draft.model_copy(update=fields), context))


SILENT = "INT. LIVING ROOM – DAY. Slow dolly along the faces."
STILL = 'DIALOGUE (Dad): "Keiner rührt sich." (Nobody moves.)'


@pytest.mark.parametrize(
    ("visual", "audio", "expected"),
    [
        (SILENT, 'DIALOGUE (Dad): "Nobody move."', ("language_spoken", "critical", 1)),
        (SILENT, 'DIALOGUE (Dad): "Now everybody please stop moving." (Stop.)', ("language_spoken", "critical", 1)),
        (
            "WOHNZIMMER – TAG. Die Kamera fährt langsam an den Gesichtern entlang.",
            STILL,
            ("language_description", "major", 1),
        ),
        (SILENT, 'DIALOGUE (Dad): "Keiner rührt sich."', ("translation_missing", "major", 1)),
        (SILENT, 'DIALOGUE (Dad): "Keiner rührt sich." (Keiner rührt sich.)', ("translation_missing", "major", 1)),
        (SILENT, 'DIALOGUE (Dad): "Keiner rührt sich." [Nobody moves.]', ("translation_style", "minor", 1)),
        (SILENT, 'DIALOGUE (Dad): "Keiner rührt sich (Nobody moves)."', ("translation_missing", "major", 1)),
    ],
)
def test_the_language_rule_has_its_three_severities(visual: str, audio: str, expected: tuple) -> None:
    assert expected in _german(visual, audio)


def test_a_german_style_prompt_is_critical_and_so_is_the_wrong_language_tag() -> None:
    style = "Warmes Abendlicht, ruhige Bilder und gedeckte Farben wie in einem alten Familienfilm."
    assert ("language_style_prompt", "critical", None) in _german(SILENT, STILL, visual_style_prompt=style)
    assert ("language_code", "critical", None) in _german(SILENT, STILL, language="fr-FR")
    assert ("language_code", "minor", None) in _german(SILENT, STILL, language="German")


def test_names_and_numbers_need_no_translation() -> None:
    assert _german(f'{SILENT}\nCARD: "Biddlebop"', 'DIALOGUE (Dad): "12"') == []


@pytest.mark.parametrize(
    ("words", "severity"),
    [
        ("Come **home** now.", "minor"),
        ("Come home now, {{name}}.", "major"),
        ("Come home now [INSERT PRICE].", "major"),
        ("Come home\u200b now.", "major"),
        ("Come home now.\\n", "major"),
        ("Come home &amp; rest.", "minor"),
        ("CafÃ© open.", "major"),
        ("TBD", "major"),
    ],
)
def test_what_is_no_copy_is_found(words: str, severity: str) -> None:
    assert ("content_markup", severity, 0) in classes(say("GB", words))


@pytest.mark.parametrize("words", ["Todo un mundo.", "Rock & roll, 5 * 3.", "It costs nothing (really).", "A #1 hit."])
def test_ordinary_signs_are_no_markup(words: str) -> None:
    assert "content_markup" not in [item.check for item in say("GB", words)]
