"""Reading script rows into elements and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creative_lab.adaptation.script_elements import Element, new_super, parse_audio, parse_visual, render, words_of

_PIECES = st.sampled_from(
    [
        'VO: "Go far."', "V.O.: Go far", "vo: go", 'DIALOGUE (Mum): "Hi!"', "SFX: rain", "MUSIC: piano", 'SUPER: "Now"',
        "TITLE:", '"', "“Curly”", "(a note)", "(", ")", "\n", "\n\n", " / ", "; ", "|", "Narrator: ", "MUM: ", "text: ",
        "Card “x” (y)", " ", "24/7", "A car drives on.", "„Hallo“ (hello)", "[x]", "'", "’", "–", "- ", "SUPER", "VO ",
    ]
)  # fmt: skip


@given(st.one_of(st.text(max_size=80), st.lists(_PIECES, max_size=12).map("".join)))
def test_elements_joined_again_are_the_text_byte_for_byte(text: str) -> None:
    for parse in (parse_audio, parse_visual):
        elements = parse(text)
        assert render(elements) == text
        assert [text[e.start : e.end] for e in elements] == [e.raw for e in elements]


def _brief(elements: list[Element]) -> list[tuple[str, str | None, str, str | None]]:
    return [(e.kind, e.speaker, e.text, e.translation) for e in elements]


def test_the_house_form_is_read() -> None:
    audio = 'SFX: Kettle whistles.\nVO: "Sixty miles."\nDIALOGUE (Mum, smiling): "Are we there yet?"\nMUSIC: Guitar.'
    assert _brief(parse_audio(audio)) == [
        ("sfx", None, "Kettle whistles.", None),
        ("vo", None, "Sixty miles.", None),
        ("dialogue", "Mum", "Are we there yet?", None),
        ("music", None, "Guitar.", None),
    ]
    visual = 'Wide on the car. Dawn.\nSUPER: "Go far."\nCARD: "Solara" \nTITLE: "One"\nTEXT: "Two"'
    assert [(e.kind, e.text) for e in parse_visual(visual)] == [
        ("description", "Wide on the car. Dawn."),
        ("super", "Go far."),
        ("card", "Solara"),
        ("title", "One"),
        ("text", "Two"),
    ]


def test_a_translation_in_brackets_belongs_to_the_words_before_it() -> None:
    elements = parse_audio('VO: "Los geht’s." (Off we go.)\nDIALOGUE (Oma): „Na endlich!“ [At last!]')
    assert _brief(elements) == [
        ("vo", None, "Los geht’s.", "Off we go."),
        ("dialogue", "Oma", "Na endlich!", "At last!"),
    ]
    assert [e.bracket for e in elements] == ["(", "["]
    assert _brief(parse_audio("VO: Los geht’s (Off we go)"))[0][2:] == ("Los geht’s", "Off we go")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('V.O.: "Go."', [("vo", "Go.")]),
        ("Voiceover: Go far.", [("vo", "Go far.")]),
        ("Voice-over (warm): “Go far.”", [("vo", "Go far.")]),
        ("Narrator: 'Go far.'", [("vo", "Go far.")]),
        ("ANNCR (VO): Go far.", [("vo", "Go far.")]),
        ('VO "Go far."', [("vo", "Go far.")]),
        ("VO – Go far.", [("vo", "Go far.")]),
        ("vo: go far / sfx: wind", [("vo", "go far"), ("sfx", "wind")]),
        ('VO: "Go far."; SFX: wind | MUSIC: swells', [("vo", "Go far."), ("sfx", "wind"), ("music", "swells")]),
        ('MUM: "Hi." DAD: "Hello."', [("dialogue", "Hi."), ("dialogue", "Hello.")]),
        ("MUM: Dinner is ready!", [("dialogue", "Dinner is ready!")]),
        ('Sam (V.O.): "I was nine."', [("vo", "I was nine.")]),
        ("Open 24/7, day and/or night.", [("vo", "Open 24/7, day and/or night.")]),
        ("VO: Remember: every mile counts.", [("vo", "Remember: every mile counts.")]),
        ('"Go far."', [("vo", "Go far.")]),
        ("Music swells.", [("music", "Music swells.")]),
        ("(silence)", [("description", "(silence)")]),
        ('VO: "She said "go" and left."', [("vo", 'She said "go" and left.')]),
        ('VO: "A 55" screen for all."', [("vo", 'A 55" screen for all.')]),
        ('VO: "One." "Two."', [("vo", "One."), ("vo", "Two.")]),
        ('VO: "One\ntwo."\nSFX: wind', [("vo", "One\ntwo."), ("sfx", "wind")]),
        ('VO: "Never closed', [("vo", "Never closed")]),
        ("VO: \"It's 5 o'clock.\"", [("vo", "It's 5 o'clock.")]),
        ("VO：「遠くへ。」(Far.)", [("vo", "遠くへ。")]),
    ],
)
def test_audio_in_a_strangers_habit_is_read(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(e.kind, e.text) for e in parse_audio(text)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('Wide shot. SUPER: "Go far."', [("description", "Wide shot."), ("super", "Go far.")]),
        ("Wide shot / Super: Go far", [("description", "Wide shot"), ("super", "Go far")]),
        ('End card: "Solara" Legal: "T&Cs apply."', [("card", "Solara"), ("super", "T&Cs apply.")]),
        ("ON-SCREEN TEXT: Go far", [("text", "Go far")]),
        ("LOGO: the sun rises", [("description", "the sun rises")]),
        ("CUT TO: a sign", [("description", "CUT TO: a sign")]),
        ("She reads a text: nothing new", [("description", "She reads a text: nothing new")]),
        ("", []),
    ],
)
def test_visuals_in_a_strangers_habit_are_read(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(e.kind, e.text) for e in parse_visual(text)] == expected


def test_words_and_translations_can_be_replaced_in_place() -> None:
    first, second = parse_audio('VO: "Hello." /\nDIALOGUE (Sam): "Bye." (Tschüss.)')
    assert render([first.with_text("Hallo."), second]) == 'VO: "Hallo." /\nDIALOGUE (Sam): "Bye." (Tschüss.)'
    assert first.with_translation("Hello.").raw == 'VO: "Hello." (Hello.)'
    assert second.with_translation("See you.").raw.endswith('DIALOGUE (Sam): "Bye." (See you.)')
    assert new_super("T&Cs apply.").raw == '\nSUPER: "T&Cs apply."'
    assert list(words_of([first, second, new_super("x")], shown=False)) == ["Hello.", "Bye."]


def test_a_label_that_says_legal_marks_the_legal_line() -> None:
    assert [e.legal for e in parse_visual('SUPER: "Go."\nLEGAL SUPER: "T&Cs apply."')] == [False, True]
