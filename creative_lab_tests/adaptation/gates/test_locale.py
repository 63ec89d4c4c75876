"""Numbers, money, units, dates and telephone numbers, with the exact value to write instead."""

from __future__ import annotations

import pytest

from creative_lab_tests.adaptation.drafter import markets
from creative_lab_tests.adaptation.gates.scripts import draft_of, facts, judge, say, spot

FORMATS = {"number_format", "currency_format", "unit_system", "date_format", "phone_format"}


def _formats(country: str, words: str, origin: str = "Hello out there.") -> list[tuple[str, str, str]]:
    return [
        (item.check, item.severity, item.suggestion) for item in say(country, words, origin) if item.check in FORMATS
    ]


@pytest.mark.parametrize(
    ("country", "words", "check", "severity", "value"),
    [
        ("GB", "Over 1.250,5 times.", "number_format", "minor", "1,250.5"),
        ("DE", "Mehr als 1,250.5 Mal.", "number_format", "minor", "1.250,5"),
        ("IN", "Over 1,250,000 homes.", "number_format", "minor", "12,50,000"),
        ("GB", "Only $25 today.", "currency_format", "major", "£18.75"),
        ("JP", "今日だけ$25。", "currency_format", "major", "￥3,"),
        ("DE", "Nur €4.99 heute.", "currency_format", "minor", "4,99 €"),
        ("GB", "Just twenty dollars.", "currency_format", "major", "GBP"),
        ("AU", "Only 12 miles away.", "unit_system", "major", "19 km"),
        ("GB", "Only 12 km away.", "unit_system", "major", "7.5 miles"),
        ("DE", "Nur 70 °F heute.", "unit_system", "major", "21 °C"),
        ("US", "At 20 °C all day.", "unit_system", "major", "68°F"),
        ("US", "Every 100 km or so.", "unit_system", "major", "62 miles"),
        ("GB", "From 12/25/2026 on.", "date_format", "major", "25/12/2026"),
        ("DE", "Ab 12/25/2026 bei uns.", "date_format", "major", "25.12.2026"),
        ("JP", "25/12/2026から。", "date_format", "major", "2026/12/25"),
        ("US", "From 25/12/2026 on.", "date_format", "major", "12/25/2026"),
        ("GB", "From December 25 on.", "date_format", "minor", "25 December"),
        ("GB", "Call (212) 555-0147.", "phone_format", "minor", "0808 157 0123"),
        ("DE", "Ruf an: +1 212 555 0147.", "phone_format", "major", "030 23125 123"),
        ("GB", "Call 1-800-CRUNCHY now.", "phone_format", "major", "0808 157 0123"),
    ],
)
def test_a_foreign_format_is_found_with_what_to_write(
    country: str, words: str, check: str, severity: str, value: str
) -> None:
    found = _formats(country, words)
    assert [item[:2] for item in found] == [(check, severity)]
    assert value in found[0][2].replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("country", "words"),
    [
        ("US", "Only $4.99 until 12/25/2026, 12 miles off, at 70°F. Call 1-800-555-0199."),
        ("GB", "Only £4.99 or 50p until 25/12/2026, 12 miles off. Call 0808 157 0123."),
        ("DE", "Nur 4,99 € bis 25.12.2026, 12 Kilometer weit, 1.250 Mal."),
        ("DE", "Nur 49,– € oder 5 Euro."),
        ("JP", "498円、12キロ、2026/12/25まで。1,250回。"),
        ("IN", "Only ₹499 till 25/12/2026 for 12,50,000 homes."),
        ("ZA", "Only R49,99 or R1 250 till 2026/12/25, or R49.99."),
        ("CA", "Only $4.99 until December 25 or 25 December."),
        ("GB", "You look like a million dollars. Go the extra mile. It's miles away, a mile a minute."),
        ("US", "Happy 4th of July, 24/7, since 1984, 50/50, at 10:30, 100% sure."),
        ("IE", "Only €4.99, 3 for 2, 2026."),
    ],
)
def test_the_market_s_own_formats_are_left_alone(country: str, words: str) -> None:
    assert _formats(country, words) == []


def test_a_numeric_date_that_reads_otherwise_is_found_by_the_origin_s_row() -> None:
    found = _formats("GB", "Since 09/04/2008.", origin="Since 09/04/2008.")
    assert [(item[0], item[2]) for item in found] == [("date_format", "Write 04/09/2008.")]
    assert _formats("GB", "Since 04/09/2008.", origin="Since 09/04/2008.") == []


def test_a_number_that_changes_its_value_across_the_border_is_major() -> None:
    found = _formats("DE", "Mehr als 4,500 Mal.", origin="More than 4,500 times.")
    assert found == [("number_format", "major", "Write 4.500.")]


def test_a_price_with_the_same_sign_but_another_currency_must_be_converted() -> None:
    found = _formats("AU", "Now $3.99 at stores.", origin="Now $3.99 at stores.")
    assert [item[:2] for item in found] == [("currency_format", "major")]
    assert "$6.06" in found[0][2]
    assert _formats("AU", "Now $5.99 at stores.", origin="Now $3.99 at stores.") == []


def test_pictures_are_checked_for_units_and_money_but_only_noted() -> None:
    context = markets.context(spot(("A sign: 60 mph, $5 a piece.", "SFX: Wind.")), "AU", brand_facts=facts())
    found = judge("format_gate", draft_of(context), context)
    assert [(item.check, item.severity) for item in found] == [("unit_system", "minor")]
    context = markets.context(spot(("A sign: 60 mph, $5 a piece.", "SFX: Wind.")), "IE", brand_facts=facts())
    found = judge("format_gate", draft_of(context), context)
    assert sorted(item.check for item in found) == ["currency_format", "unit_system"]


def test_a_legal_line_keeps_its_own_notation() -> None:
    brand = facts(legal_lines={"GB": "Deposits to $1.000,00 on 12/25/2026."})
    visual = 'A bank.\nSUPER: "Deposits to $1.000,00 on 12/25/2026."'
    context = markets.context(spot((visual, "SFX: Wind.")), "GB", brand_facts=brand)
    assert judge("format_gate", draft_of(context), context) == []
