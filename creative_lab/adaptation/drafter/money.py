"""Prices: converted at the planning rate, rounded to a price that a shop would ask, written as the market writes it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from babel.numbers import format_currency, get_currency_symbol

from creative_lab.adaptation.drafter import numbers
from creative_lab.adaptation.drafter.matching import Match
from creative_lab.reference.market_packs import MarketPack

_SYMBOLS = {
    "USD": r"(?:US)?\$", "CAD": r"(?:CA|C|CDN)?\$", "AUD": r"(?:AU|A)?\$", "NZD": r"(?:NZ)?\$", "SGD": r"(?:SG|S)?\$",
    "GBP": "£", "EUR": "€", "INR": r"₹|Rs\.?", "ZAR": r"R", "JPY": "¥|￥", "PHP": "₱", "NGN": "₦", "KES": r"KSh\.?",
}  # fmt: skip
_NAMES = {
    "USD": ("dollar", "dollars", "cent", "cents", "bucks"), "CAD": ("dollar", "dollars", "cent", "cents", "bucks"),
    "AUD": ("dollar", "dollars", "cent", "cents", "bucks"), "NZD": ("dollar", "dollars", "cent", "cents", "bucks"),
    "SGD": ("dollar", "dollars", "cent", "cents", "bucks"), "GBP": ("pound", "pounds", "penny", "pence", "quid"),
    "EUR": ("euro", "euro", "cent", "cent", "euro"), "INR": ("rupee", "rupees", "paisa", "paise", "rupees"),
    "ZAR": ("rand", "rand", "cent", "cents", "bucks"), "JPY": ("yen", "yen", "yen", "yen", "yen"),
    "PHP": ("peso", "pesos", "centavo", "centavos", "pesos"), "NGN": ("naira", "naira", "kobo", "kobo", "naira"),
    "KES": ("shilling", "shillings", "cent", "cents", "bob"), "CHF": ("franc", "francs", "rappen", "rappen", "francs"),
}  # fmt: skip
"""Spoken names in English: one and many of the unit, one and many of the hundredth, the colloquial word."""

_WHOLE_UNITS_FROM = 40.0
"""From so many units per US dollar on, prices are asked without hundredths."""
_TOLERANCE = 0.07


def convert(value: float, origin: MarketPack, target: MarketPack) -> float:
    """A price at the planning rates, not rounded."""
    return value * target.units_per_usd / origin.units_per_usd


def price_point(value: float, origin: MarketPack, target: MarketPack) -> float:
    """The price that a shop of the target market would ask for what costs ``value`` in the origin market.

    A charm price stays one (3.99 or 299 keep their nines), a round price stays round; hundredths go where the market
    has no use for them.
    """
    exact = convert(value, origin, target)
    whole = _whole(target)
    if origin.currency == target.currency or value == 0:
        return value
    cents = round(value * 100) % 100
    if cents in (99, 95, 98, 97):
        if whole:
            return _ending(exact, 1)
        ends = (0.29, 0.49, 0.79, 0.99) if exact < 2 else (0.49, 0.99)
        near = [base + end for base in (int(exact) - 1, int(exact), int(exact) + 1) for end in ends]
        allowed = [price for price in near if price > 0 and (exact < 10 or price % 1 > 0.9)]
        nearest: float = min(allowed, key=lambda price: abs(price - exact))
        return round(nearest, 2)
    digits = str(int(value))
    nines = len(digits) - len(digits.rstrip("9"))
    if not cents and nines and value > 9:
        return _ending(exact, nines)
    rounded = numbers.natural(exact, value, _TOLERANCE if exact < 1000 else _TOLERANCE / 2)
    return float(round(rounded)) if whole or (not cents and exact >= 2) else round(round(rounded * 20) / 20, 2)


def _ending(exact: float, nines: int) -> float:
    for count in range(nines, 0, -1):
        step = 10**count
        price = round((exact + 1) / step) * step - 1
        if price > 0 and abs(price - exact) <= _TOLERANCE * exact:
            return float(price)
    return float(max(1, round(exact)))


def _whole(pack: MarketPack) -> bool:
    return pack.units_per_usd >= _WHOLE_UNITS_FROM


@lru_cache(maxsize=256)
def _symbol(currency: str) -> str:
    return _SYMBOLS.get(currency) or re.escape(str(get_currency_symbol(currency, locale="en")))


def formatted(value: float, pack: MarketPack, *, decimals: bool) -> str:
    """A price as the market's locale writes it; without hundredths when ``decimals`` is false and none are needed."""
    locale = pack.locale.replace("-", "_")
    text = str(format_currency(value, pack.currency, locale=locale))
    if not decimals and float(value).is_integer():
        text = str(
            format_currency(value, pack.currency, locale=locale, currency_digits=False, format=_no_cents(locale))
        )
    return text


def _up_to_hundredths(value: float, pack: MarketPack) -> str:
    locale = pack.locale.replace("-", "_")
    pattern = re.sub(r"0(?!.*0)", "0.##", _no_cents(locale))
    return str(format_currency(value, pack.currency, locale=locale, currency_digits=False, format=pattern))


@lru_cache(maxsize=64)
def _no_cents(locale: str) -> str:
    from babel import Locale

    pattern: str = Locale.parse(locale).currency_formats["standard"].pattern
    return re.sub(r"(?<=0)\.0+", "", pattern)


def names(currency: str) -> tuple[str, str, str, str, str]:
    """Spoken English names of a currency: unit, units, hundredth, hundredths, colloquial."""
    code = currency.lower()
    return _NAMES.get(currency, (code, code, "cent", "cents", code))


def round_up_step(script: str, origin: MarketPack, target: MarketPack) -> int:
    """To how many units of the target's currency a script's "rounds up to the next dollar" goes; 0 without such words.

    The change of a round-up is less than what it is rounded up to. So where a unit buys little, the round-up goes to
    ten or a hundred of them, and the change shown is converted by that step and not by the rate.
    """
    if not re.search(rf"\b(?:next|nearest|whole)[ ]{names(origin.currency)[0]}\b", script, re.IGNORECASE):
        return 0
    ratio = target.units_per_usd / origin.units_per_usd
    return 1 if ratio < 5 else 10 if ratio < 50 else 100


def finder(text: str, origin: MarketPack, target: MarketPack, *, step: int = 0) -> Iterator[Match]:
    """Prices of the origin market in ``text`` and how the target market puts them; ``step`` as ``round_up_step``."""
    if origin.currency == target.currency:
        return
    if step:
        yield from _round_ups(text, origin, target, step)
    why = f"{origin.currency} to {target.currency} at the planning rate of {target.rate_date.isoformat()}"
    yield from _symbols(text, origin, target, why)
    yield from _spoken(text, origin, target, why)


def _round_ups(text: str, origin: MarketPack, target: MarketPack, step: int) -> Iterator[Match]:
    one, *_ = names(origin.currency)
    to_one, to_many, *_ = names(target.currency)
    goal = to_one if step == 1 else f"{numbers.in_words(step).removeprefix('a ')} {to_many}"
    why = f"a round-up to the next {goal}, of which the change shown is a part"
    for match in re.compile(rf"\b(?P<before>(?:next|nearest|whole)[ ]){one}\b", re.IGNORECASE).finditer(text):
        yield Match(match.start(), match.end(), match.group("before") + goal, "currency", why)
    for match in re.compile(rf"(?<![\w$£€])(?:{_symbol(origin.currency)})[ ]?(?P<cents>0\.\d\d)(?!\d)").finditer(text):
        part = float(match.group("cents")) * step
        written = formatted(round(part, 2), target, decimals=not _whole(target))
        yield Match(match.start(), match.end(), written, "currency", why)


def _symbols(text: str, origin: MarketPack, target: MarketPack, why: str) -> Iterator[Match]:
    scale = r"(?P<scale>[kKmM](?!\w)|bn\b|[  ](?:thousand|million|billion)\b)?"
    number = rf"(?P<number>{numbers.DIGITS})"
    code = origin.currency
    pattern = re.compile(
        rf"(?<![\w$£€])(?:(?:{_symbol(code)})[  ]?|{code}[  ]?){number}{scale}(?![\d%])"
        rf"|(?<![\w.,]){number.replace('number', 'behind')}[  ]?(?:{code}\b|¢)"
    )
    for match in pattern.finditer(text):
        if match.group("behind"):
            cents = match.group(0).endswith("¢")
            value = numbers.read(match.group("behind")) / (100 if cents else 1)
            price = price_point(value, origin, target)
            written = formatted(price, target, decimals=cents and not _whole(target))
            if cents and target.currency == "GBP" and price < 1:
                written = f"{round(price * 100)}p"
            yield Match(match.start(), match.end(), written, "currency", why)
            continue
        raw = match.group("number")
        value, scaled = numbers.read(raw), (match.group("scale") or "")
        price = price_point(value, origin, target)
        short = formatted(price, target, decimals="." in raw and not _whole(target))
        if scaled:
            short = _up_to_hundredths(numbers.natural(convert(value, origin, target), value, _TOLERANCE / 2), target)
        yield Match(match.start(), match.end(), short + scaled, "currency", why)


def _spoken(text: str, origin: MarketPack, target: MarketPack, why: str) -> Iterator[Match]:
    one, many, cent, cents, slang = names(origin.currency)
    to_one, to_many, _, to_cents, to_slang = names(target.currency)
    unit = "|".join(dict.fromkeys((many, one, slang, slang.removesuffix("s"), cents, cent)))
    counted = re.compile(rf"(?P<number>{numbers.NUMBER})(?P<gap>[ -])(?P<unit>{unit})\b", re.IGNORECASE)
    for match in counted.finditer(text):
        raw, word = match.group("number"), match.group("unit").lower()
        hundredths = word in (cent, cents) and word not in (one, many)
        value = numbers.read(raw) / (100 if hundredths else 1)
        price = float(round(price_point(value, origin, target)))
        if hundredths:
            exact = convert(value, origin, target)
            if exact < 1:
                count = float(max(5, round(exact * 20) * 5))
                yield Match(match.start(), match.end(), _say(count, raw, target) + match.group("gap") + to_cents,
                            "currency", why)  # fmt: skip
                continue
            price = float(round(exact))
        name = to_slang if word in (slang, slang.removesuffix("s")) else to_many
        if price == 1 or (match.group("gap") == "-" and name == to_many):
            name = to_one
        said = _say(max(1.0, price), raw, target)
        if not raw[:1].isdigit() and len(said.split()) > 2:  # a mouthful: figures are read aloud just the same
            yield Match(match.start(), match.end(), formatted(price, target, decimals=False), "currency", why)
            continue
        yield Match(match.start(), match.end(), said + match.group("gap") + name, "currency", why)
    for match in re.compile(rf"\b(?P<unit>{one}|{many})\b", re.IGNORECASE).finditer(text):
        if origin.currency == "GBP" and not re.search(
            r"\b(?:every|each|next|per|a|the|your)[ ]$", text[: match.start()]
        ):
            continue  # "pounds" may be a weight, "pound" a verb
        new = to_one if match.group(0).lower() == one else to_many
        case = match.group(0)
        new = new.upper() if case.isupper() else new.capitalize() if case[0].isupper() else new
        yield Match(match.start(), match.end(), new, "currency", f"{origin.currency} to {target.currency}")


def _say(value: float, like: str, target: MarketPack) -> str:
    if like[:1].isdigit():
        return numbers.in_digits(value, target.locale)
    return numbers.in_words(value, like=like, american=target.spelling == "american")
