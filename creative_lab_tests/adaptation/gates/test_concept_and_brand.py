"""What must survive, and what the brand asks for."""

from __future__ import annotations

import pytest

from creative_lab.adaptation.schemas import RequiredWord
from creative_lab_tests.adaptation.drafter import markets
from creative_lab_tests.adaptation.gates.scripts import (
    classes,
    draft_of,
    facts,
    judge,
    keeping,
    spot,
    substituting,
    translated,
)

ROWS = (
    (
        'A street.\nSUPER: "Made slowly."',
        'DIALOGUE (Mia): "Is that the Kestavo Orbit?"\nDIALOGUE (Tom): "Yes."\nSFX: Wind.',
    ),
    ('A shelf.\nTITLE: "Kestavo. Take your time."', 'VO: "Kestavo Orbit. 12 flavours. Take your time."'),
    ('A pack.\nSUPER: "Eat in moderation."', "MUSIC: A last note."),
)
BRAND = {
    "do_not_translate": ["Orbit"],
    "banned_words": ["cheap", "rush"],
    "legal_lines": {
        "US": "Eat in moderation.",
        "GB": "Enjoy in moderation, as part of a balanced diet.",
        "DE": "Mit Genuss und Maß.",
    },
    "required_words": [RequiredWord(text="Take your time.", language="en-GB"), RequiredWord(text="Orbit")],
    "guidelines": "Never claim a benefit: no 'guilt-free' or 'good for you'.\nNo exclamation marks.\n"
    "No sentence of voice-over is longer than six words.\nEnd on 'Take your time.'",
}
LEGAL = 'A pack.\nSUPER: "Enjoy in moderation, as part of a balanced diet."'


def _context(country: str = "GB", **brand: object):
    return markets.context(spot(*ROWS, brand="Kestavo"), country, brand_facts=facts(**{**BRAND, **brand}))


def _brand(row: int, visual: str | None = None, audio: str | None = None) -> list[tuple[str, str, int | None]]:
    context = _context()
    texts = [ROWS[0], ROWS[1], (LEGAL, ROWS[2][1])]
    texts[row] = (visual or texts[row][0], audio or texts[row][1])
    return classes(judge("brand_gate", draft_of(context, *texts), context))


def test_a_draft_that_keeps_to_the_brand_has_no_finding() -> None:
    assert _brand(0) == []


@pytest.mark.parametrize(
    ("row", "visual", "audio", "expected"),
    [
        (1, None, 'VO: "Kestava Orbit. 12 flavours. Take your time."', ("brand_name", "critical", 1)),
        (1, None, 'VO: "Ketsavo Orbit. 12 flavours. Take your time."', ("brand_name", "critical", 1)),
        (1, None, 'VO: "Kesta-Vo Orbit. 12 flavours. Take your time."', ("brand_name", "critical", 1)),
        (1, None, 'VO: "The new Orbit. 12 flavours. Take your time."', ("brand_name", "critical", 1)),
        (1, None, 'VO: "Kestavo Orbits. 12 flavours. Take your time."', ("do_not_translate", "critical", 1)),
        (1, None, 'VO: "Kestavo Circle. 12 flavours. Take your time."', ("do_not_translate", "critical", 1)),
        (1, None, 'VO: "Kestavo Orbit. Cheaper, too."', ("banned_word", "critical", 1)),
        (1, None, 'VO: "Kestavo Orbit. No rushing."', ("banned_word", "critical", 1)),
        (1, None, 'VO: "Kestavo Orbit. Guilt-free."', ("brand_guideline", "major", 1)),
        (1, None, 'VO: "Kestavo Orbit. Take your time!"', ("brand_guideline", "minor", 1)),
        (1, None, 'VO: "Kestavo Orbit has twelve flavours for you."', ("brand_guideline", "minor", 1)),
        (2, "A pack.", None, ("legal_line", "critical", 2)),
        (2, 'A pack.\nSUPER: "Eat in moderation."', None, ("legal_line", "critical", 2)),
        (2, 'A pack.\nSUPER: "Enjoy in moderation, as part of a diet."', None, ("legal_line", "critical", 2)),
        (2, 'A pack.\nSUPER: "Mit Genuss und Maß."', None, ("legal_line", "critical", 2)),
    ],
)
def test_a_fault_against_the_brand_is_found_at_its_row(row: int, visual: str, audio: str, expected: tuple) -> None:
    assert _brand(row, visual, audio) == [expected]


@pytest.mark.parametrize(
    "audio", ['VO: "KESTAVO ORBIT. Take your time."', 'VO: "Kestavo\'s Orbit. The cheapskate rushlight."']
)
def test_capitals_possessives_and_other_words_are_no_faults(audio: str) -> None:
    assert _brand(1, None, audio) == []


def test_the_wrong_market_s_legal_line_is_named_and_the_right_one_given() -> None:
    context = _context()
    found = judge("brand_gate", draft_of(context), context)
    assert "legal line of US" in found[0].description
    assert found[0].suggestion.endswith("Enjoy in moderation, as part of a balanced diet.")


def test_a_required_line_is_asked_for_in_its_own_variety_of_english_only() -> None:
    texts = (ROWS[0], ('A shelf.\nTITLE: "Kestavo. No hurry."', 'VO: "Kestavo Orbit. No hurry."'), (LEGAL, ROWS[2][1]))
    context = _context()
    assert classes(judge("brand_gate", draft_of(context, *texts), context)) == [("required_word", "major", 1)]
    other = _context(country="IE", legal_lines={})
    assert judge("brand_gate", draft_of(other, *texts), other) == []


def test_a_name_stands_beside_japanese_letters() -> None:
    context, draft = translated("small-change", "JP")
    row = draft.script_rows[11]
    draft.script_rows[11] = row.model_copy(update={"audio_text": row.audio_text.replace("Wrenmoorの", "Wrenmorの")})
    assert classes(judge("brand_gate", draft, context)) == [("brand_name", "critical", 11)]


def _concept(keep: tuple[str, ...], *texts: tuple[str, str], culture=None, country: str = "GB"):
    context = _context(country)
    return classes(judge("concept_gate", draft_of(context, *texts), context, keeping(*keep), culture))


def test_a_tagline_a_name_and_a_number_must_stay_word_for_word() -> None:
    changed = (
        ROWS[0],
        ('A shelf.\nTITLE: "Kestavo. No hurry."', 'VO: "Kestavo Orbit. 10 flavours. No hurry."'),
        ROWS[2],
    )
    keep = ("Tagline “Take your time.”", "The name 'Orbit'", "12 flavours", "The warmth between the two")
    assert _concept(keep, *changed) == [("must_preserve", "critical", 1), ("must_preserve", "critical", 1)]
    assert _concept(keep) == []


def test_a_planned_substitution_inside_a_kept_line_counts_as_kept() -> None:
    changed = (
        ROWS[0],
        ('A shelf.\nTITLE: "Kestavo. Take your leisure."', 'VO: "Kestavo Orbit. Take your leisure."'),
        ROWS[2],
    )
    assert _concept(("“Take your time.”",), *changed, culture=substituting(time="leisure")) == []


def test_in_another_language_only_names_are_held_to_their_letters() -> None:
    german = (
        (
            'A street.\nSUPER: "Langsam." (Slowly.)',
            'DIALOGUE (Mia): "Der Kestavo Orbit?" (It?)\nDIALOGUE (Tom): "Ja." (Yes.)\nSFX: Wind.',
        ),
        ('A shelf.\nTITLE: "Kestavo. In Ruhe." (Calm.)', 'VO: "Kestavo Kreis. In Ruhe." (Kestavo circle.)'),
        ROWS[2],
    )
    assert _concept(("“Take your time.”", "“Orbit”"), *german, country="DE") == [("row_function", "major", 1)]


@pytest.mark.parametrize(
    ("row", "visual", "audio", "expected"),
    [
        (0, None, "SFX: Wind.", [("row_function", "major", 0), ("row_function", "major", 0)]),
        (0, "A street.", None, [("row_function", "major", 0)]),
        (0, None, 'DIALOGUE (Mia): "Is that the Kestavo Orbit?"\nSFX: Wind.', [("element_missing", "major", 0)]),
        (
            0,
            None,
            'DIALOGUE (Mia): "Is that the Kestavo Orbit?"\nDIALOGUE (Tom): "Yes."',
            [("element_missing", "minor", 0)],
        ),
        (2, "A pack.", None, []),
    ],
)
def test_a_row_keeps_its_voice_its_super_its_product_and_its_sounds(
    row: int, visual: str, audio: str, expected: list
) -> None:
    texts = list(ROWS)
    texts[row] = (visual or texts[row][0], audio or texts[row][1])
    assert _concept((), *texts) == expected
