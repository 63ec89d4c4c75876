"""The culture gate: what is left of the origin, what the market forbids, seasons."""

from __future__ import annotations

import pytest

from creative_lab.adaptation.schemas import CulturalBrief
from creative_lab_tests.adaptation.drafter import markets
from creative_lab_tests.adaptation.gates.scripts import classes, draft_of, facts, judge, spot, substituting


def _judge(country: str, audio: str, visual: str = "A street.", origin: tuple[str, str] | None = None, **more: object):
    row = origin or (visual, audio)
    context = markets.context(spot(row), country, brand_facts=facts(**more.pop("brand", {})))  # type: ignore[arg-type]
    return judge("culture_gate", draft_of(context, (visual, audio)), context, None, more.get("culture"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("country", "words", "word", "right"),
    [
        ("GB", "Happy Thanksgiving.", "Thanksgiving", "Boxing Day"),
        ("GB", "We need gas.", "gas", "petrol"),
        ("GB", "Two new diapers.", "diapers", "nappies"),
        ("AU", "By the trunk.", "trunk", "boot"),
        ("GB", "See you next fall.", "next fall", "next autumn"),
    ],
)
def test_a_word_of_the_origin_s_market_is_found_with_the_market_s_own(
    country: str, words: str, word: str, right: str
) -> None:
    found = [item for item in _judge(country, f'VO: "{words}"') if item.check == "origin_residue"]
    assert [(item.severity, item.row) for item in found] == [("major", 0)]
    assert word in found[0].description
    assert right.lower() in found[0].suggestion.lower()


@pytest.mark.parametrize(
    "words",
    [
        "Prices fall. Don't fall behind.",
        "Cooking with natural gas.",
        "We tire of it. Check the story.",
        "Enthanksgivingly gaseous.",
    ],
)
def test_other_senses_and_parts_of_words_are_left_alone(words: str) -> None:
    assert _judge("GB", f'VO: "{words}"') == []


def test_chips_that_were_fries_are_chips_in_britain_and_chips_that_were_chips_are_not() -> None:
    fries = _judge("GB", 'VO: "We are getting chips."', origin=("A street.", 'VO: "We are getting fries."'))
    assert [item for item in fries if item.check == "origin_residue"] == []
    chips = _judge("GB", 'VO: "We love chips."', origin=("A street.", 'VO: "We love chips."'))
    assert [item.check for item in chips] == ["origin_residue"]


def test_a_name_that_is_also_a_word_counts_only_with_its_capital() -> None:
    def residue(words: str) -> list[str]:
        row = ("A street.", f'VO: "{words}"')
        context = markets.context(spot(row), "US", brand_facts=facts(), origin_country="GB")
        found = judge("culture_gate", draft_of(context, row), context)
        return [item.description for item in found if item.check == "origin_residue"]

    assert len(residue("His first day of Reception.")) == 1
    assert residue("Wait at the hotel reception.") == []


def test_a_holiday_that_a_writer_brings_in_is_found_although_the_origin_has_none() -> None:
    found = _judge("GB", 'VO: "Happy Thanksgiving."', origin=("A street.", 'VO: "Happy days."'))
    assert [item.check for item in found] == ["origin_residue"]


def test_a_word_in_a_picture_is_minor_and_a_name_too() -> None:
    found = _judge("GB", "SFX: Wind.", visual="A street. TYLER opens the trunk.")
    assert sorted((item.check, item.severity) for item in found) == [("origin_residue", "minor")] * 2


def test_a_planned_substitution_that_is_not_made_is_reported_once_and_as_such() -> None:
    found = _judge("GB", 'VO: "Happy Thanksgiving."', culture=substituting(Thanksgiving="Boxing Day"))
    assert [(item.check, item.severity, item.suggestion) for item in found] == [
        ("substitution_missing", "major", "Write 'Boxing Day'.")
    ]


def test_a_substitution_is_made_when_its_replacement_holds_the_old_word() -> None:
    found = _judge("GB", 'VO: "Watch the football match."', culture=substituting(football="football match"),
                   origin=("A street.", 'VO: "Watch the football."'))  # fmt: skip
    assert [item for item in found if item.check == "substitution_missing"] == []


@pytest.mark.parametrize(
    ("country", "words", "right"),
    [
        ("GB", "The colors of home.", "colours"),
        ("US", "The colours of home.", "colors"),
        ("AU", "We organized it.", "organised"),
    ],
)
def test_spelling_follows_the_market_in_every_inflection(country: str, words: str, right: str) -> None:
    found = _judge(country, "SFX: Wind.", visual=f'Sky.\nSUPER: "{words}"')
    assert [(item.check, item.severity, item.suggestion) for item in found] == [
        ("spelling_variant", "major", f"Write {right!r}.")
    ]
    spoken = _judge(country, f'VO: "{words}"')
    assert [(item.check, item.severity) for item in spoken] == [("spelling_variant", "minor")]


def test_taboos_and_forbidden_terms_are_critical_in_any_form() -> None:
    assert classes(_judge("GB", 'VO: "An Oriental evening."')) == [("taboo", "critical", 0)]
    pack = markets.packs()["GB"]
    rule = next(rule for rule in pack.regulations if rule.category == "car" and rule.forbidden_terms)
    words = f'VO: "So {rule.forbidden_terms[0]}."'
    found = [item for item in _judge("GB", words, brand={"category": "car"}) if item.check == "forbidden_term"]
    assert [item.severity for item in found] == ["critical"]
    assert rule.rule in found[0].description
    assert [item for item in _judge("GB", words, brand={"category": "toys"}) if item.check == "forbidden_term"] == []


def test_a_german_rule_holds_for_inflected_words() -> None:
    context = markets.context(spot(("A street.", 'VO: "Safe."')), "DE", brand_facts=facts(category="bank"))
    draft = draft_of(context, ("A street.", 'VO: "Eine risikolose Anlage." (Risk-free.)'))
    assert classes(judge("culture_gate", draft, context)) == [("forbidden_term", "critical", 0)]


def test_words_that_a_pitfall_quotes_are_avoided_and_others_are_not() -> None:
    brief = CulturalBrief(
        reasoning="", market_context="", substitutions=[], tone_adjustments="", opportunities=[],
        pitfalls=["Never call it “cheap”.", "“Cosy” works well here.", "No shouting."],
    )  # fmt: skip
    assert classes(_judge("GB", 'VO: "A cheap, cosy evening."', culture=brief)) == [("pitfall", "major", 0)]


@pytest.mark.parametrize(
    ("country", "visual", "wrong"),
    [
        ("AU", "Christmas morning. Snow on the roofs.", True),
        ("AU", "Christmas morning. A hot terrace.", False),
        ("AU", "A summer evening in July.", True),
        ("AU", "A winter evening in July.", False),
        ("GB", "A winter evening in July.", True),
        ("GB", "A summer evening in July.", False),
        ("GB", "Christmas morning. Snow on the roofs.", False),
        ("GB", "An autumn evening in early September.", False),
        ("SG", "Christmas morning. Snow on the roofs.", True),
        ("AU", "Snow on the roofs of Zurich.", False),
    ],
)
def test_a_season_fits_its_side_of_the_globe(country: str, visual: str, wrong: bool) -> None:
    found = [item.check for item in _judge(country, "SFX: Wind.", visual=visual)]
    assert ("season_mismatch" in found) is wrong
