"""The word rules: whole words, longest match, senses, case, spelling, protected names."""

from __future__ import annotations

import pytest

from creative_lab.adaptation.drafter.engine import Engine
from creative_lab.adaptation.drafter.lexicon import Swap, spelling_finder, swap_finder
from creative_lab.adaptation.drafter.matching import apply, inflections, like_case, plural
from creative_lab.adaptation.drafter.planning import plan
from creative_lab.adaptation.drafter.senses import meant
from creative_lab.adaptation.schemas import BrandFacts
from creative_lab_tests.adaptation.drafter.markets import context, script, spellings


def _adapt(said: str, country: str = "GB", *, brand: BrandFacts | None = None, visual: str = "A street.") -> str:
    spot = context(script((visual, f'VO: "{said}"')), country, brand_facts=brand)
    made = plan(spot)
    rows, _ = Engine(spot, (*made.swaps, *made.kept)).rows(spot.origin.script_rows)
    return rows[0].audio_text.removeprefix('VO: "').removesuffix('"')


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Fall leaves.", "Autumn leaves."),
        ("Next fall we drive.", "Next autumn we drive."),
        ("Watch prices fall in love.", "Watch prices fall in love."),
        ("Don't fall asleep.", "Don't fall asleep."),
        ("Gas is up.", "Petrol is up."),
        ("A gas stove and natural gas.", "A gas cooker and natural gas."),
        ("The gas station on the sidewalk side.", "The petrol station on the pavement side."),
        ("Load the trunk.", "Load the boot."),
        ("A tree trunk.", "A tree trunk."),
        ("Chocolate chip cookies.", "Chocolate chip cookies."),
        ("Cookies, Mom!", "Biscuits, Mum!"),
        ("MOM'S COOKIES", "MUM'S BISCUITS"),
        ("The color of the center.", "The colour of the centre."),
        ("Colorful neighborhoods, organized.", "Colourful neighbourhoods, organised."),
        ("A truck.", "A lorry."),
        ("An apartment.", "A flat."),
        ("An airplane.", "An aeroplane."),
        ("Check your balance.", "Check your balance."),
        ("She never tires of it.", "She never tires of it."),
        ("Four new tires.", "Four new tyres."),
        ("This Thanksgiving, come home.", "This Boxing Day, come home."),
        ("Momentum matters.", "Momentum matters."),
        ("Visit candy.com or #FallColor today.", "Visit candy.com or #FallColor today."),
    ],
)
def test_words_change_only_in_the_sense_that_is_meant(said: str, expected: str) -> None:
    assert _adapt(said) == expected


def test_a_protected_name_survives_every_rule_even_when_it_is_an_everyday_word() -> None:
    brand = BrandFacts(code="b", name="Color Truck", do_not_translate=["Color Truck", "Fall Cookie"])
    assert _adapt("Color Truck. The color truck of Fall Cookie fans.", brand=brand) == (
        "Color Truck. The color truck of Fall Cookie fans."
    )


def test_a_holiday_that_a_market_does_not_keep_loses_its_name_and_keeps_its_occasion() -> None:
    spot = context(script(("A table.", 'VO: "This Purim, come home for Purim dinner. On Purim."')), "GB")
    purim = {"concept": "purim", "kind": "holiday", "forms": {"US": ["Purim"]}, "note": ""}
    spot.equivalents.append(type(spot.equivalents[0]).model_validate(purim))
    rows, _ = Engine(spot, tuple(plan(spot).swaps)).rows(spot.origin.script_rows)
    assert rows[0].audio_text == 'VO: "This year, come home for family dinner. On the big day."'


def test_a_plan_holds_only_what_the_script_calls_for() -> None:
    spot = context(script(("A truck.", 'VO: "Prices fall."')), "GB")
    assert [(swap.original, swap.replacement) for swap in plan(spot).swaps] == [("truck", "lorry")]


def test_what_no_rule_can_settle_is_named_for_a_person() -> None:
    spot = context(
        script(("Snow. Touchdown!", 'VO: "Nine to 5 PM ET. Not in Alaska."'), ("A highway lane.", "SFX: x")), "SG"
    )
    flags = "\n".join(plan(spot).flags)
    for word in ("“Snow”", "“touchdown”", "“ET”", "“Alaska”", "right-hand-drive cars"):
        assert word in flags
    assert plan(context(script(("Football.", "SFX: cheers")), "GB")).flags == []


def test_forbidden_words_become_softer_or_are_flagged() -> None:
    brand = BrandFacts(code="b", name="B", category="car", banned_words=["cheap", "whoosh"])
    spot = context(script(("A car.", 'VO: "The fastest, cheap ride. Whoosh."')), "GB", brand_facts=brand)
    made = plan(spot)
    assert {(s.original, s.replacement) for s in made.swaps} == {("fastest", "smoothest"), ("cheap", "good-value")}
    assert any("whoosh" in flag for flag in made.flags)


def test_sides_of_the_road_are_mirrored_and_turns_are_not() -> None:
    spot = context(script(("The car stays in the right lane, then turns right. Left-hand drive.", "SFX: wind")), "GB")
    rows, _ = Engine(spot).rows(spot.origin.script_rows)
    assert rows[0].visual_text == "The car stays in the left lane, then turns right. Right-hand drive."


def test_months_move_with_the_season_and_days_of_an_offer_do_not() -> None:
    spot = context(script(("EARLY JULY. A beach in summer.", 'VO: "All through July. Ends 31 August."')), "AU")
    rows, _ = Engine(spot).rows(spot.origin.script_rows)
    assert rows[0].visual_text.startswith("EARLY JANUARY. A beach in summer.")
    assert rows[0].audio_text == 'VO: "All through January. Ends 31 August."'


def test_christmas_keeps_its_date_and_turns_its_season() -> None:
    spot = context(script(("Christmas. A winter evening.", "SFX: bells")), "AU")
    rows, _ = Engine(spot).rows(spot.origin.script_rows)
    assert rows[0].visual_text == "Christmas. A summer evening."


def test_the_longer_match_wins_and_nothing_is_replaced_twice() -> None:
    finder = swap_finder(
        [
            Swap("chips", "crisps", "food"),
            Swap("fries", "chips", "food"),
            Swap("fish and chips", "fish and chips", "kept"),
        ]
    )
    assert apply("Fries, chips, fish and chips.", [finder]).text == "Chips, crisps, fish and chips."


def test_case_articles_and_plurals_are_kept() -> None:
    assert like_case("MOM", "mum") == "MUM"
    assert like_case("Thanksgiving", "the big day", pattern="Thanksgiving") == "the big day"
    assert plural("lorry") == "lorries" and plural("box") == "boxes" and plural("trousers") == "trousers"
    assert inflections("truck", "lorry") == {"truck": "lorry", "trucks": "lorries"}
    assert apply(
        "a truck, an hour, a cookie", [swap_finder([Swap("cookie", "ice", ""), Swap("hour", "day", "")])]
    ).text == ("a truck, a day, an ice")


@pytest.mark.parametrize(
    ("word", "british"),
    [("traveling", "travelling"), ("Realized", "Realised"), ("centered", "centred"), ("grayer", "greyer"),
     ("favorites", "favourites"), ("jewelry", "jewellery"), ("DEFENSE", "DEFENCE")],
)  # fmt: skip
def test_spelling_keeps_case_and_endings(word: str, british: str) -> None:
    assert apply(word, [spelling_finder(spellings(), "american", "british")]).text == british
    assert apply(british, [spelling_finder(spellings(), "british", "american")]).text == word


def test_a_sense_can_be_asked_for() -> None:
    assert meant("fall", "this ", " in Vermont") is False
    assert meant("fall", "this ", ", we drive") is True
    assert meant("banana", "a ", " split") is True
