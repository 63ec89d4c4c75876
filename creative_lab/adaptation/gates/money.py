"""Format gate: amounts of money in the market's currency, written as the market writes it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from creative_lab.adaptation.gates.case import Case, Piece, finding
from creative_lab.adaptation.gates.locale_text import decimals_of, loose_value, market
from creative_lab.adaptation.gates.words import WORD_END, WORD_START
from creative_lab.adaptation.schemas import Finding

NUMBER = r"\d{1,15}(?:[.,'’\u00a0\u202f]\d{1,9}){0,5}(?:(?<=\d) \d{3}(?!\d)){0,5}"
MAX_DIGITS = 15
"""Longer rows of digits are no quantities."""
_DOLLARS = frozenset(["USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD", "MXN", "BRL", "ARS", "CLP", "COP", "JMD"])
_SIGNS: dict[str, frozenset[str]] = {
    "US$": frozenset({"USD"}), "CA$": frozenset({"CAD"}), "C$": frozenset({"CAD"}), "A$": frozenset({"AUD"}),
    "AU$": frozenset({"AUD"}), "NZ$": frozenset({"NZD"}), "S$": frozenset({"SGD"}), "HK$": frozenset({"HKD"}),
    "NT$": frozenset({"TWD"}), "MX$": frozenset({"MXN"}), "R$": frozenset({"BRL"}), "$": _DOLLARS,
    "£": frozenset({"GBP"}), "€": frozenset({"EUR"}), "¥": frozenset({"JPY", "CNY"}), "￥": frozenset({"JPY", "CNY"}),
    "円": frozenset({"JPY"}), "元": frozenset({"CNY"}), "₹": frozenset({"INR"}), "₩": frozenset({"KRW"}),
    "₽": frozenset({"RUB"}), "₺": frozenset({"TRY"}), "₫": frozenset({"VND"}), "฿": frozenset({"THB"}),
    "₪": frozenset({"ILS"}), "₱": frozenset({"PHP"}), "₦": frozenset({"NGN"}), "zł": frozenset({"PLN"}),
    "Kč": frozenset({"CZK"}), "د.إ": frozenset({"AED"}), "درهم": frozenset({"AED", "MAD"}), "ر.س": frozenset({"SAR"}),
    "ريال": frozenset({"SAR", "QAR", "OMR"}),
}  # fmt: skip
_LETTER_SIGNS: dict[str, frozenset[str]] = {
    "R": frozenset({"ZAR"}), "Rs": frozenset({"INR", "PKR", "LKR"}), "Rs.": frozenset({"INR", "PKR", "LKR"}),
    "kr": frozenset({"SEK", "NOK", "DKK", "ISK"}), "kr.": frozenset({"DKK"}), "Ft": frozenset({"HUF"}),
    "CHF": frozenset({"CHF"}), "Fr.": frozenset({"CHF"}), "p": frozenset({"GBP"}), "c": _DOLLARS | {"EUR", "ZAR"},
}  # fmt: skip
_ISO = frozenset(
    {"USD", "CAD", "AUD", "NZD", "SGD", "HKD", "GBP", "EUR", "JPY", "CNY", "INR", "KRW", "RUB", "TRY", "VND", "THB"}
    | {"ILS", "PHP", "NGN", "PLN", "CZK", "AED", "SAR", "ZAR", "SEK", "NOK", "DKK", "CHF", "MXN", "BRL", "ARS", "CLP"}
    | {"COP", "HUF"}
)
_WORDS: tuple[tuple[str, frozenset[str]], ...] = (
    (r"dollars?|Dollars?|dólares?", _DOLLARS),
    (r"bucks?", _DOLLARS | {"ZAR"}),
    (r"euros?", frozenset({"EUR"})),
    (r"quid|pence|pounds sterling|Pfund Sterling|livres sterling", frozenset({"GBP"})),
    (r"cents?|Cents?", _DOLLARS | {"EUR", "ZAR"}),
    (r"rands?", frozenset({"ZAR"})),
    (r"rupees?", frozenset({"INR", "PKR", "LKR"})),
    (r"yen", frozenset({"JPY"})),
    (r"dirhams?", frozenset({"AED", "MAD"})),
    (r"riyals?", frozenset({"SAR", "QAR"})),
    (r"pesos?", frozenset({"MXN", "ARS", "CLP", "COP", "PHP"})),
    (r"ドル", _DOLLARS), (r"ユーロ", frozenset({"EUR"})), (r"ポンド", frozenset({"GBP"})),
)  # fmt: skip
NUMBER_WORDS = (
    "a|an|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|"
    "eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|couple of|few"
)
_SIGN = "|".join(re.escape(sign) for sign in sorted(_SIGNS, key=len, reverse=True))
_LETTER = r"Rs\.?|R|CHF|Fr\.|kr\.?"
_CODE = "|".join(sorted(_ISO))
_BEFORE = re.compile(rf"(?P<sign>{_SIGN}|(?<!\$){WORD_START}(?:{_LETTER}|{_CODE}))\s?(?P<number>{NUMBER})(?![\d])")
_AFTER = re.compile(
    rf"(?<![.,]){WORD_START}(?P<number>{NUMBER})(?:,[-–—])?\s?(?P<sign>{_SIGN}|(?:{_CODE}|kr\.?|Ft|CHF|p|c){WORD_END})"
)
_QUANTITY = rf"{NUMBER}|(?:{NUMBER_WORDS})(?:[ -](?:{NUMBER_WORDS})){{0,4}}"
_WORDED = [
    (re.compile(rf"{WORD_START}(?P<number>{_QUANTITY})[ -]?(?P<word>{word}){WORD_END}", re.IGNORECASE), currencies)
    for word, currencies in _WORDS
]  # fmt: skip
_POUNDS = re.compile(rf"(?<!\w)(?P<number>{_QUANTITY}) (?P<word>pounds?)(?!\w)", re.IGNORECASE)
_NEXT_COIN = re.compile(
    r"\b(?:the|a|one|every|each|last|nearest|next)\s(?:\w+\s)?(?P<word>dollar|euro|rupee|rand|quid)\b", re.I
)


@dataclass(frozen=True)
class Amount:
    """An amount of money in a text."""

    start: int
    end: int
    text: str
    number: str | None
    currencies: frozenset[str]
    sign_first: bool | None
    """None when the currency is a word."""


def amounts(text: str, pounds_are_money: bool = False) -> list[Amount]:
    """Every amount of money in a text, left to right, not overlapping."""
    found = []
    for match in _BEFORE.finditer(text):
        found.append(_amount(match, _currencies(match.group("sign")), True))
    for match in _AFTER.finditer(text):
        found.append(_amount(match, _currencies(match.group("sign")), False))
    worded = [*_WORDED, *([(_POUNDS, frozenset({"GBP"}))] if pounds_are_money else [])]
    for pattern, currencies in worded:
        for match in pattern.finditer(text):
            if re.fullmatch(r"a million (?:dollars|bucks)", match.group(0), re.IGNORECASE):
                continue  # to look like a million dollars is no price
            found.append(_amount(match, currencies, None))
    for match in _NEXT_COIN.finditer(text):
        currencies = next(value for pattern, value in _WORDS if re.fullmatch(pattern, match.group("word"), re.I))
        found.append(Amount(match.start(), match.end(), match.group(0), None, currencies, None))
    found.sort(key=lambda amount: (amount.start, amount.start - amount.end))
    kept: list[Amount] = []
    for amount in found:
        if sum(char.isdigit() for char in amount.number or "") > MAX_DIGITS:
            continue
        if not kept or amount.start >= kept[-1].end:
            kept.append(amount)
    return kept


def _amount(match: re.Match[str], currencies: frozenset[str], sign_first: bool | None) -> Amount:
    number = match.group("number")
    return Amount(
        match.start(),
        match.end(),
        match.group(0),
        number if number[0].isdigit() else None,
        currencies,
        sign_first,
    )


def _currencies(sign: str) -> frozenset[str]:
    return _SIGNS.get(sign) or _LETTER_SIGNS.get(sign) or frozenset({sign.upper()})


def currency_format(case: Case, piece: Piece, text: str) -> Iterator[Finding]:
    """Findings on the amounts of one element; ``text`` is the element with names and legal lines masked."""
    pack, origin_pack = case.context.target_pack, case.context.origin_pack
    if pack is None:
        return
    here = market(case.language, pack.country)
    for amount in amounts(text, bool(origin_pack and origin_pack.currency == "GBP" and pack.currency != "GBP")):
        if pack.currency not in amount.currencies:
            yield finding(
                "currency_format",
                "major" if piece.said else "minor",
                f"“{amount.text}” is not in {pack.currency}, the market's currency.",
                _converted(case, amount),
                piece,
            )
            continue
        if _unconverted(case, piece, amount):
            yield finding(
                "currency_format",
                "major",
                f"“{amount.text}” is the origin's figure: the sign is the same, the currency is not.",
                _converted(case, amount),
                piece,
            )
            continue
        if amount.number is None or amount.sign_first is None or not piece.said:
            continue
        value = loose_value(amount.number)
        if not here.accepts(amount.number):
            value = market(case.context.origin.language.split("-")[0], case.context.origin_country).value(amount.number)
        elif amount.sign_first == here.symbol_first or amount.text.endswith(("円", "p", "c")):
            continue
        expected = here.money(value, pack.currency, decimals_of(amount.number, value))
        yield finding(
            "currency_format",
            "minor",
            f"“{amount.text}” is not written as {here.locale.get_display_name('en')} writes it.",
            f"Write {expected}.",
            piece,
        )


def _unconverted(case: Case, piece: Piece, amount: Amount) -> bool:
    """Whether an amount is the origin's figure under a sign that both currencies share, such as the dollar's.

    Amounts below one unit are small change, which every market has, and no prices.
    """
    pack, origin_pack, origin = case.context.target_pack, case.context.origin_pack, case.origin_of(piece.row)
    if pack is None or origin_pack is None or origin is None or amount.number is None or not piece.said:
        return False
    if origin_pack.currency == pack.currency or origin_pack.currency not in amount.currencies:
        return False
    rate = pack.units_per_usd / origin_pack.units_per_usd
    if abs(rate - 1) < 0.05 or loose_value(amount.number) < 1:
        return False
    source = {item.number for other in origin.said for item in amounts(case.masked(other.text))}
    return amount.number in source


def _converted(case: Case, amount: Amount) -> str:
    """What to write instead, at the planning rates of both markets where the amount's currency is the origin's."""
    pack, origin = case.context.target_pack, case.context.origin_pack
    assert pack is not None
    if origin is None or origin.currency not in amount.currencies or amount.number is None:
        return f"Give the market's own price in {pack.currency}."
    source = market(case.context.origin.language.split("-")[0], case.context.origin_country)
    value = source.value(amount.number)
    local = value * Decimal(str(pack.units_per_usd)) / Decimal(str(origin.units_per_usd))
    decimals = 0 if local >= 1000 or pack.currency in ("JPY", "KRW", "VND", "HUF", "CLP") else 2
    written = market(case.language, pack.country).money(round(local, decimals), pack.currency, decimals)
    return (
        f"Give the market's own price; at the planning rate of {pack.rate_date.isoformat()} "
        f"{amount.text.strip()} are {written}."
    )
