"""Numbers in copy: reading digits and words, rounding to what a person would say, and writing them again."""

from __future__ import annotations

import math
import re
from functools import lru_cache

from babel.numbers import format_decimal
from num2words import num2words

_ONES = {num2words(n): n for n in range(1, 20)} | {"zero": 0}
_TENS = {num2words(n): n for n in range(20, 100, 10)}
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_WORD = "|".join(sorted([*_ONES, *_TENS, *_SCALES], key=len, reverse=True))
WORDS = rf"(?:an?[ ](?=(?:hundred|thousand|million)\b))?(?:{_WORD})(?:(?:[ -]|[ ]and[ ])(?:{_WORD})\b){{0,9}}"
DIGITS = r"(?:\d{1,3}(?:,\d{2,3}){1,5}(?:\.\d{1,6})?(?!\d)|\d{1,15}(?:\.\d{1,6})?)"
NUMBER = rf"(?:(?<![\w.,$£€₹]){DIGITS}|\b(?:{WORDS})\b)"
"""Pattern of a number in digits or English words."""


def read(text: str) -> float:
    """The value of a number matched by ``NUMBER``.

    Raises:
        ValueError: It is no number.
    """
    text = text.strip().lower()
    if text[:1].isdigit():
        return float(text.replace(",", ""))
    total, current = 0, 0
    for word in re.split(r"[ -]+", text):
        if word in ("and", ""):
            continue
        if word in ("a", "an"):
            current = 1
        elif word in _ONES:
            current += _ONES[word]
        elif word in _TENS:
            current += _TENS[word]
        elif word == "hundred":
            current = max(current, 1) * 100
        elif word in _SCALES:
            total += max(current, 1) * _SCALES[word]
            current = 0
        else:
            raise ValueError(f"{text!r} is no number")
    return float(total + current)


def in_words(value: float, *, like: str = "", american: bool = False) -> str:
    """A number in English words; "a hundred" rather than "one hundred", as people speak."""
    words = str(num2words(int(value) if float(value).is_integer() else round(value, 1))).replace(",", "")
    if american:
        words = words.replace(" and ", " ")
    if words in ("one hundred", "one thousand", "one million") and not like.lower().startswith("one "):
        words = "a" + words[3:]
    return words[:1].upper() + words[1:] if like[:1].isupper() else words


def in_digits(value: float, locale: str) -> str:
    """A number in digits as the locale writes it, with at most one decimal."""
    rounded = round(value, 1)
    return str(
        format_decimal(int(rounded) if float(rounded).is_integer() else rounded, locale=locale.replace("-", "_"))
    )


@lru_cache(maxsize=4096)
def granularity(value: float) -> float:
    """The largest round step that ``value`` is a multiple of: 250 for 1,750, 10 for 30, 1 for 47, 0.05 for 3.45."""
    if value <= 0:
        return 1.0
    cents = round(value * 100)
    best = 0.01
    for power in range(0, 12):
        for head in (1, 5):
            step = head * 10**power
            if step <= cents and cents % step == 0:
                best = step / 100
    return best


def natural(value: float, like: float, tolerance: float = 0.04) -> float:
    """``value`` rounded about as coarsely as the number ``like`` that it replaces, within ``tolerance``.

    30 miles are 48.28 km and become 50; 12 miles become 19; 9 oz become 250 g.
    """
    if value == 0 or like == 0:
        return 0.0
    coarsest = granularity(like) * (value / like) * 3.2
    for power in range(math.floor(math.log10(coarsest)) + 1, -3, -1):
        for head in (5, 1):
            step = head * 10.0**power
            if step <= coarsest:
                rounded = round(value / step) * step
                if rounded and abs(rounded - value) <= tolerance * value:
                    return round(rounded, 2)
    return round(value, 2)
