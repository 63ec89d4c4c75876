"""Prices, measures, dates, times and telephone numbers as each market writes them."""

from __future__ import annotations

import pytest

from creative_lab.adaptation.drafter import dates, money, numbers, units
from creative_lab.adaptation.drafter.matching import apply
from creative_lab_tests.adaptation.drafter.markets import packs


def _money(text: str, target: str, origin: str = "US", step: int = 0) -> str:
    return apply(text, [lambda t: money.finder(t, packs()[origin], packs()[target], step=step)]).text


def _units(text: str, target: str, origin: str = "US") -> str:
    return apply(text, [lambda t: units.finder(t, packs()[origin], packs()[target])]).text


def _dates(text: str, target: str, origin: str = "US") -> str:
    return apply(text, [lambda t: dates.finder(t, packs()[origin], packs()[target])]).text


def _phones(text: str, target: str, origin: str = "US") -> str:
    return apply(text, [lambda t: dates.phone_finder(t, packs()[origin], packs()[target])]).text


@pytest.mark.parametrize(
    ("text", "target", "expected"),
    [
        ("Only $19.99 today.", "GB", "Only £14.99 today."),
        ("Only $19.99 today.", "IN", "Only ₹1,769 today."),
        ("From $299 a month", "GB", "From £229 a month"),
        ("$0 down", "GB", "£0 down"),
        ("$27,900", "AU", "$42,400"),
        ("a $25,000 prize", "IE", "a €22,000 prize"),
        ("$1.5 million in prizes", "GB", "£1.1 million in prizes"),
        ("five dollars", "GB", "four pounds"),
        ("twenty bucks", "GB", "fifteen quid"),
        ("every dollar counts", "GB", "every pound counts"),
        ("Dollars and sense", "IE", "Euro and sense"),
        ("99 cents", "GB", "75 pence"),
        ("US$25", "CA", "$35"),
        ("99¢ each", "GB", "79p each"),
        ("a forty-nine-dollar ticket", "IN", "a ₹4,339 ticket"),
        ("from $199 to $399", "GB", "from £149 to £299"),
    ],
)
def test_a_price_becomes_one_that_a_shop_of_the_market_would_ask(text: str, target: str, expected: str) -> None:
    assert _money(text, target) == expected


def test_hundredths_stay_where_the_origin_writes_them_and_the_market_uses_them() -> None:
    assert _money("Change: $0.60", "ZA").startswith("Change: R1")
    assert "," in _money("$19.99", "ZA")
    assert _money("$9,412.60", "IN").startswith("₹8,3") and "." not in _money("$9,412.60", "IN")


def test_the_change_of_a_round_up_stays_below_what_it_is_rounded_to() -> None:
    script = "rounds up to the next dollar"
    steps = {code: money.round_up_step(script, packs()["US"], packs()[code]) for code in ("GB", "ZA", "IN")}
    assert steps == {"GB": 1, "ZA": 10, "IN": 100}
    assert _money("to the next dollar: $0.60", "IN", step=100) == "to the next hundred rupees: ₹60"
    assert _money("to the next dollar: $0.60", "GB", step=1) == "to the next pound: £0.60"
    assert money.round_up_step("a dollar a day", packs()["US"], packs()["IN"]) == 0


def test_prices_travel_both_ways() -> None:
    assert _money("£4.99", "US", "GB") == "$6.49"
    assert _money("R199", "GB", "ZA") == "£9"
    assert _money("a pound of apples", "US", "IE") == "a pound of apples"


def test_prices_between_markets_of_one_currency_are_left_alone() -> None:
    assert _money("€19.99", "DE", "IE") == "€19.99"


@pytest.mark.parametrize(
    ("text", "target", "expected"),
    [
        ("12 miles home", "AU", "20 kilometres home"),
        ("30 miles", "GB", "30 miles"),
        ("sixty miles", "AU", "a hundred kilometres"),
        ("a 60-mile drive", "CA", "a 100-kilometre drive"),
        ("65 mph", "AU", "105 km/h"),
        ("a 9 oz bag", "GB", "a 250 g bag"),
        ("20 pounds lighter", "AU", "9 kilos lighter"),
        ("a 2-gallon jug", "GB", "a 7.5-litre jug"),
        ("32 mpg", "AU", "7.4 l/100 km"),
        ("a 12-ounce soda", "AU", "a 350-millilitre soda"),
        ("a 12 oz steak", "AU", "a 350 g steak"),
        ("32 mpg", "GB", "38 mpg"),
        ("0-60 mph", "AU", "0-100 km/h"),
        ("58°F", "GB", "14°C"),
        ("a 90-degree turn", "GB", "a 90-degree turn"),
        ("seventy-two degrees outside", "GB", "twenty-two degrees outside"),
        ("on your own two feet", "AU", "on your own two feet"),
        ("a 55-inch screen", "AU", "a 55-inch screen"),
        ("go the extra mile", "AU", "go the extra mile"),
        ("24/7", "AU", "24/7"),
    ],
)
def test_measures_are_rounded_as_people_say_them(text: str, target: str, expected: str) -> None:
    assert _units(text, target) == expected


def test_measures_travel_to_america_too() -> None:
    assert _units("100 kilometres", "US", "AU") == "60 miles"
    assert _units("22°C", "US", "GB") == "72°F"


@pytest.mark.parametrize(
    ("text", "target", "expected"),
    [
        ("July 4, 2026", "GB", "4 July 2026"),
        ("Ends March 31", "AU", "Ends 31 March"),
        ("Sunday, May 3rd", "GB", "Sunday, 3 May"),
        ("by August thirty-first", "GB", "by the thirty-first of August"),
        ("09/04/2008", "GB", "04/09/2008"),
        ("09/04/2008", "CA", "2008-09-04"),
        ("until 7/4", "GB", "until 4/7"),
        ("10/31/26", "GB", "31/10/26"),
        ("Monday through Friday", "GB", "Monday to Friday"),
        ("Walk through Friday crowds", "GB", "Walk through Friday crowds"),
        ("open 24/7", "GB", "open 24/7"),
        ("May I help you?", "GB", "May I help you?"),
        ("From 6:30 AM.", "GB", "From 6:30 am."),
        ("at 8 p.m. Doors open", "AU", "at 8 pm. Doors open"),
    ],
)
def test_dates_and_times_follow_the_locale(text: str, target: str, expected: str) -> None:
    assert _dates(text, target) == expected


@pytest.mark.parametrize("number", ["1-800-555-0199", "(212) 555-0147", "1-800-GO-ORRIN", "555-0123"])
def test_a_telephone_number_becomes_the_fictional_one_of_the_market(number: str) -> None:
    assert _phones(f"Call {number} now", "GB") == "Call 0808 157 0123 now"


def test_prices_and_dates_are_no_telephone_numbers() -> None:
    assert _phones("From $27,900 since 09/04/2008, 9,412.60", "GB") == "From $27,900 since 09/04/2008, 9,412.60"


@pytest.mark.parametrize(
    ("words", "value"), [("a hundred", 100), ("twenty-five", 25), ("two thousand and six", 2006), ("1,250.5", 1250.5)]
)
def test_numbers_are_read_in_digits_and_words(words: str, value: float) -> None:
    assert numbers.read(words) == value
