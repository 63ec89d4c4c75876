"""Measures: miles and kilometres, pounds and kilograms, ounces, gallons, feet, degrees – rounded as people say them.

Factors are the international definitions (NIST Special Publication 811, appendix B).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from creative_lab.adaptation.drafter import numbers
from creative_lab.adaptation.drafter.matching import Match
from creative_lab.reference.market_packs import MarketPack


@dataclass(frozen=True)
class _Unit:
    """A unit: how it is written in full (one, many) and short, and its factor to the base unit of its measure."""

    one: str
    many: str
    short: str
    factor: float
    pattern: str


_MILE = _Unit("mile", "miles", "mi", 1609.344, r"miles?|mi")
_KM = _Unit("kilometre", "kilometres", "km", 1000.0, r"kilomet(?:re|er)s?|kms?")
_MPH = _Unit("mile per hour", "miles per hour", "mph", 0.44704, r"miles per hour|miles an hour|mph|m\.p\.h\.")
_KMH = _Unit(
    "kilometre per hour", "kilometres per hour", "km/h", 1 / 3.6, r"kilomet(?:re|er)s (?:per|an) hour|km/h|kph|kmh"
)
_LB = _Unit("pound", "pounds", "lb", 0.45359237, r"pounds?|lbs?\.?")
_KG = _Unit("kilo", "kilos", "kg", 1.0, r"kilos?|kilograms?|kilogrammes?|kgs?")
_OZ = _Unit("ounce", "ounces", "oz", 28.349523125, r"ounces?|oz\.?")
_GRAM = _Unit("gram", "grams", "g", 1.0, r"grams?|grammes?|g")
_FLOZ = _Unit("fluid ounce", "fluid ounces", "fl oz", 29.5735295625, r"fluid ounces?|fl\.? ?oz\.?")
_ML = _Unit("millilitre", "millilitres", "ml", 1.0, r"millilit(?:re|er)s?|mls?")
_GALLON = _Unit("gallon", "gallons", "gal", 3.785411784, r"gallons?|gal\.?")
_LITRE = _Unit("litre", "litres", "l", 1.0, r"lit(?:re|er)s?|l|L")
_FOOT = _Unit("foot", "feet", "ft", 0.3048, r"feet|foot|ft\.?")
_YARD = _Unit("yard", "yards", "yd", 0.9144, r"yards?|yds?")
_METRE = _Unit("metre", "metres", "m", 1.0, r"met(?:re|er)s?|m")
_INCH = _Unit("inch", "inches", "in", 2.54, r"inch(?:es)?")
_CM = _Unit("centimetre", "centimetres", "cm", 1.0, r"centimet(?:re|er)s?|cms?")
_SQFT = _Unit("square foot", "square feet", "sq ft", 0.09290304, r"square (?:feet|foot)|sq\.? ?ft\.?")
_SQM = _Unit("square metre", "square metres", "m²", 1.0, r"square met(?:re|er)s?|m²|sqm")

_TO_METRIC = [
    (_MPH, _KMH), (_MILE, _KM), (_LB, _KG), (_FLOZ, _ML), (_OZ, _GRAM), (_GALLON, _LITRE), (_SQFT, _SQM), (_FOOT,
    _METRE),
    (_YARD, _METRE), (_INCH, _CM),
]  # fmt: skip
_TO_UK = [(_LB, _KG), (_FLOZ, _ML), (_OZ, _GRAM), (_GALLON, _LITRE)]
_ROUTES: dict[tuple[str, str], list[tuple[_Unit, _Unit]]] = {
    ("us", "metric"): _TO_METRIC,
    ("us", "uk"): _TO_UK,
    ("uk", "metric"): [pair for pair in _TO_METRIC if pair[0] in (_MPH, _MILE, _FOOT, _YARD, _INCH)],
    ("uk", "us"): [(b, a) for a, b in _TO_UK],
    ("metric", "us"): [(b, a) for a, b in _TO_METRIC if a not in (_YARD, _FLOZ)],
    ("metric", "uk"): [(_KMH, _MPH), (_KM, _MILE)],
}
_SKIP_AFTER = {
    "inch": r"[ -](?:\w+[ -])?(?:screens?|tvs?|televisions?|displays?|wheels?|alloys?|rims?|tyres?|tires?|"
    r"laptops?|tablets?|phones?)\b",
    "foot": r"[ ](?:up|first|forward|down|on the)\b",
}
_SKIP_BEFORE = {"foot": r"\b(?:your|my|his|her|our|their|own|the|both|on|with|these|those|bare|cold)[ ]$"}
_DRINK = re.compile(
    r"[ -](?:\w+[ -]){0,2}(?:drinks?|sodas?|pop|beers?|water|coffees?|lattes?|juices?|milk|teas?|colas?|shakes?|"
    r"smoothies?|cans?|bottles?)\b",
    re.IGNORECASE,
)
_MPG = re.compile(
    rf"(?P<number>{numbers.NUMBER})[ ]?(?P<unit>mpg\b|miles per gallon|miles to the gallon)", re.IGNORECASE
)
_ZERO_TO_SIXTY = re.compile(
    r"\b(?P<zero>0|zero)(?P<join>[ ]?[-–][ ]?|[ ]to[ ])(?P<sixty>60|sixty)(?P<unit>[ ]?mph)?\b", re.IGNORECASE
)
_DEGREES = re.compile(
    rf"(?P<sign>[-−–])?(?P<number>{numbers.NUMBER})(?P<gap>[ -]?)(?P<unit>°[ ]?[FC]?\b|°|"
    rf"degrees?(?:[ ](?P<name>Fahrenheit|Celsius|F|C))?\b)",
    re.IGNORECASE,
)
_TURN = re.compile(r"[ -](?:turn|spin|view|angle|camera|rotation|flip|arc|of (?:separation|freedom))", re.IGNORECASE)


def finder(text: str, origin: MarketPack, target: MarketPack) -> Iterator[Match]:
    """Measures of the origin's system in ``text`` and how the target market gives them."""
    yield from _consumption(text, origin, target)
    yield from _temperatures(text, origin, target)
    for unit, other in _ROUTES.get((origin.measurement, target.measurement), []):
        yield from _measures(text, unit, other, target)


def _measures(text: str, unit: _Unit, other: _Unit, target: MarketPack) -> Iterator[Match]:
    american = target.spelling == "american"
    pattern = re.compile(
        rf"(?P<number>{numbers.NUMBER})(?P<gap>[ -]?)(?P<unit>{unit.pattern})(?!\w|/|['’])", re.IGNORECASE
    )
    for match in pattern.finditer(text):
        raw, gap, written = match.group("number"), match.group("gap"), match.group("unit")
        worded = not raw[:1].isdigit()
        if worded and not gap:
            continue
        before, after = text[: match.start()], text[match.end() :]
        if (skip := _SKIP_AFTER.get(unit.one)) and re.match(skip, after, re.IGNORECASE):
            continue
        if (skip := _SKIP_BEFORE.get(unit.one)) and re.search(skip, before, re.IGNORECASE):
            continue
        if re.match(r" per gallon| to the gallon", after, re.IGNORECASE) or (
            worded and written.lower() in ("l", "m", "g")
        ):
            continue
        value = numbers.read(raw)
        factor, into = unit.factor / other.factor, other
        if unit is _OZ and other is _GRAM and _DRINK.match(after):
            factor, into = _FLOZ.factor, _ML
        new, final = _best(value * factor, value, into)
        number = numbers.in_words(new, like=raw, american=american) if worded else numbers.in_digits(new, target.locale)
        full = len(written.rstrip(".")) > 3 and written.lower() not in ("km/h",)
        if full:
            name = final.one if gap == "-" or new == 1 else final.many
            name = name.replace("metre", "meter").replace("litre", "liter") if american else name
            glue = gap
        else:
            name, glue = final.short, " "
        why = f"{unit.many} to {final.many} ({round(value * factor * into.factor / final.factor, 2):g} exactly)"
        yield Match(match.start(), match.end(), f"{number}{glue}{name}", "unit", why)


def _best(exact: float, like: float, unit: _Unit) -> tuple[float, _Unit]:
    """The rounded value, in a smaller or larger unit of the same measure where that reads better."""
    if unit is _GRAM and exact >= 1000:
        return numbers.natural(exact / 1000, like), _KG
    if unit is _KG and exact < 1:
        return numbers.natural(exact * 1000, like), _GRAM
    if unit is _METRE and exact < 1:
        return numbers.natural(exact * 100, like), _CM
    if unit is _ML and exact >= 1000:
        return numbers.natural(exact / 1000, like), _LITRE
    rounded = numbers.natural(exact, like)
    return (float(round(rounded)) if rounded >= 10 else round(rounded, 1)), unit


def _consumption(text: str, origin: MarketPack, target: MarketPack) -> Iterator[Match]:
    """Miles per gallon: to litres per 100 km, or between the US and the imperial gallon (factor 1.20095)."""
    for match in _MPG.finditer(text):
        value = numbers.read(match.group("number"))
        worded = not match.group("number")[:1].isdigit()
        if (origin.measurement, target.measurement) in (("us", "uk"), ("uk", "us")):
            new = round(value * (1.20095 if target.measurement == "uk" else 1 / 1.20095))
            said = numbers.in_words(new) if worded else str(new)
            text_new = match.group(0).replace(match.group("number"), said, 1)
            yield Match(match.start(), match.end(), text_new, "unit", "the gallon of the market")
        elif target.measurement == "metric" and value:
            litres = (235.214583 if origin.measurement == "us" else 282.480936) / value
            amount = numbers.in_digits(round(litres, 1), target.locale)
            yield Match(
                match.start(), match.end(), f"{amount} l/100 km", "unit", "miles per gallon to litres per 100 km"
            )
    if target.measurement == "metric" and origin.measurement in ("us", "uk"):
        for match in _ZERO_TO_SIXTY.finditer(text):
            worded = not match.group("sixty").isdigit()
            unit = " km/h" if match.group("unit") else ""
            sprint = match.group("zero") + match.group("join") + ("a hundred" if worded else "100") + unit
            yield Match(match.start(), match.end(), sprint, "unit", "the market's sprint figure, 0–100 km/h")


def _temperatures(text: str, origin: MarketPack, target: MarketPack) -> Iterator[Match]:
    if origin.temperature == target.temperature:
        return
    to_celsius = target.temperature == "celsius"
    for match in _DEGREES.finditer(text):
        raw, unit = match.group("number"), match.group("unit")
        scale = (
            (match.group("name") or unit[-1]).upper()[:1] if unit[-1:].upper() in "FC" or match.group("name") else ""
        )
        if scale == ("C" if to_celsius else "F"):
            continue
        value = numbers.read(raw) * (-1 if match.group("sign") else 1)
        if not scale and (_TURN.match(text, match.end()) or value in (90, 180, 360)):
            continue
        exact = (value - 32) * 5 / 9 if to_celsius else value * 9 / 5 + 32
        new = round(exact / 5) * 5 if value % 10 == 0 and abs(round(exact / 5) * 5 - exact) < 1.2 else round(exact)
        words = not raw[:1].isdigit()
        said = ("minus " if new < 0 else "") + numbers.in_words(abs(new), like=raw) if words else str(new)
        name = unit
        if scale:
            letter = "C" if to_celsius else "F"
            long = {"C": "Celsius", "F": "Fahrenheit"}[letter]
            name = (
                re.sub(r"(?i)fahrenheit|celsius", long, unit)
                if len(match.group("name") or "") > 1
                else unit[:-1] + letter
            )
        yield Match(
            match.start(), match.end(), f"{said}{match.group('gap')}{name}", "temperature", f"{exact:.1f} exactly"
        )


def has_measures(text: str, pack: MarketPack) -> bool:
    """Whether a text gives measures in the market's own system that other systems write otherwise."""
    own = {
        "us": (_MILE, _MPH, _LB, _OZ, _GALLON, _FOOT),
        "uk": (_MILE, _MPH),
        "metric": (_KM, _KMH, _KG, _LITRE, _GRAM),
    }
    found = any(
        re.search(rf"{numbers.NUMBER}[ -]?(?:{unit.pattern})(?!\w)", text, re.IGNORECASE)
        for unit in own[pack.measurement]
    )
    return found or bool(re.search(r"\d[ ]?°[ ]?[FC]\b", text))
