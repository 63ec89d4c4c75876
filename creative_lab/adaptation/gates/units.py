"""Format gate: distances, weights, volumes and temperatures in the units of the market."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from creative_lab.adaptation.gates.case import Case, Piece, finding
from creative_lab.adaptation.gates.locale_text import loose_value
from creative_lab.adaptation.gates.money import NUMBER, NUMBER_WORDS
from creative_lab.adaptation.gates.words import WORD_END, WORD_START
from creative_lab.adaptation.schemas import Finding


@dataclass(frozen=True)
class _Unit:
    """A unit, the systems that it is foreign to, and what it is in the unit used there."""

    words: str
    foreign_to: frozenset[str]
    to: Callable[[float], str]


def _scaled(factor: float, unit: str) -> Callable[[float], str]:
    return lambda value: f"{_neat(value * factor)} {unit}"


def _neat(value: float) -> str:
    return f"{value:.0f}" if value >= 10 or abs(value - round(value)) < 0.05 else f"{value:.1f}"


_METRIC, _US, _UK = frozenset({"metric"}), frozenset({"us"}), frozenset({"uk"})
_UNITS: tuple[_Unit, ...] = (
    _Unit(r"miles? (?:an|per) hour|mph", _METRIC, _scaled(1.609344, "km/h")),
    _Unit(r"miles? (?:per|to the) gallon|mpg", _METRIC, lambda value: f"{_neat(235.215 / value)} l/100 km"),
    _Unit(r"miles?|mi|Meilen?|マイル|أميال|ميل", _METRIC, _scaled(1.609344, "km")),
    _Unit(r"fl\.? ?oz\.?|fluid ounces?", _METRIC | _UK, _scaled(29.5735, "ml")),
    _Unit(r"oz\.?|ounces?|Unzen?|オンス", _METRIC | _UK, _scaled(28.3495, "g")),
    _Unit(r"lbs?\.?|pounds?", _METRIC, _scaled(0.45359237, "kg")),
    _Unit(r"gallons?|gal\.?|Gallonen?|ガロン", _METRIC, _scaled(3.785411784, "l")),
    _Unit(r"quarts?|qt\.?", _METRIC | _UK, _scaled(0.946352946, "l")),
    _Unit(r"feet|foot|ft\.?|フィート", _METRIC, _scaled(0.3048, "m")),
    _Unit(r"square feet|sq\.? ?ft\.?", _METRIC, _scaled(0.09290304, "m²")),
    _Unit(r"km/h|kmh|kph|kilomet(?:er|re)s? (?:an|per) hour", _US | _UK, _scaled(0.621371, "mph")),
    _Unit(r"l/100 ?km|lit(?:er|re)s? per 100 ?(?:km|kilomet(?:er|re)s)", _US | _UK,
          lambda value: f"{_neat(235.215 / value)} mpg (US gallons)"),
    _Unit(r"kms?|kilomet(?:er|re)s?|Kilometern?|キロメートル|キロ", _US | _UK, _scaled(0.621371, "miles")),
    _Unit(r"kg|kilos?|kilograms?", _US, _scaled(2.20462, "lb")),
    _Unit(r"grams?|g", _US, _scaled(1 / 28.3495, "oz")),
    _Unit(r"met(?:er|re)s?", _US, _scaled(3.28084, "feet")),
    _Unit(r"cm|centimet(?:er|re)s?", _US, _scaled(1 / 2.54, "inches")),
    _Unit(r"ml|millilit(?:er|re)s?", _US, _scaled(1 / 29.5735, "fl oz")),
)  # fmt: skip
_QUANTITY = rf"(?<![.,$£€¥₹]){WORD_START}(?P<number>{NUMBER}|(?:{NUMBER_WORDS})(?:[ -](?:{NUMBER_WORDS})){{0,4}})"
_PATTERNS = [(re.compile(rf"{_QUANTITY}[ -]?(?:{unit.words}){WORD_END}(?!/)", re.IGNORECASE), unit) for unit in _UNITS]
_TEMPERATURE = re.compile(
    r"(?<![.,])" + WORD_START + r"(?P<number>[-−]?\d+(?:[.,]\d+)?)\s?"
    r"(?:(?P<f>°\s?F(?![A-Za-z])|℉|degrees Fahrenheit|Grad Fahrenheit|(?<=\d)F(?![A-Za-z]))|"
    r"(?P<c>°\s?C(?![A-Za-z])|℃|degrees (?:Celsius|centigrade)|Grad Celsius|(?<=\d)C(?![A-Za-z])))"
)
_IDIOMS = re.compile(
    r"go(?:es|ing)? the extra mile|a mile a minute|(?:one|a|an|the|few) (?:foot|feet)|"
    r"(?:a|an|one) (?:ounce|pound) of|a million miles|"
    r"feet (?:up|first|apart)|(?:two|both|four|six) feet (?:on|in|under)|a mile away|a few feet",
    re.IGNORECASE,
)


def unit_system(case: Case, piece: Piece, text: str) -> Iterator[Finding]:
    """Findings on the quantities of one element; ``text`` is the element with names and legal lines masked."""
    pack = case.context.target_pack
    if pack is None:
        return
    severity = "major" if piece.said else "minor"
    taken: list[tuple[int, int]] = [match.span() for match in _IDIOMS.finditer(text)]
    for pattern, unit in _PATTERNS:
        for match in pattern.finditer(text):
            if any(match.start() < end and start < match.end() for start, end in taken):
                continue
            taken.append(match.span())
            if pack.measurement in unit.foreign_to:
                yield finding(
                    "unit_system",
                    severity,  # type: ignore[arg-type]
                    f"“{match.group(0)}” is not in the market's units ({pack.measurement}).",
                    _advice(match.group("number"), unit.to),
                    piece,
                )
    for match in _TEMPERATURE.finditer(text):
        fahrenheit = match.group("f") is not None
        if fahrenheit == (pack.temperature == "fahrenheit"):
            continue
        value = float(match.group("number").replace("−", "-").replace(",", "."))
        other = f"{(value - 32) / 1.8:.0f} °C" if fahrenheit else f"{value * 1.8 + 32:.0f}°F"
        yield finding(
            "unit_system",
            severity,  # type: ignore[arg-type]
            f"“{match.group(0)}” is not in {pack.temperature}.",
            f"Write {other}.",
            piece,
        )


def _advice(number: str, convert: Callable[[float], str]) -> str:
    if not number[0].isdigit():
        return "Convert the quantity to the market's units."
    return f"Write {convert(float(loose_value(number)))}, or a round figure near it."
