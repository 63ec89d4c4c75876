"""Seasons and months across the equator.

A film's picture of a season is kept, and a bare month moves by half a year with it: a summer story of July becomes one
of January. Where a row hangs on a holiday of a fixed date that stays (Christmas), the date is kept and the season
turns. Days of the calendar ("31 August") are offers and never move.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from creative_lab.adaptation.drafter import senses
from creative_lab.adaptation.drafter.matching import Match, like_case, word_pattern
from creative_lab.reference.market_packs import MarketPack

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_TURNED = {"summer": "winter", "winter": "summer", "spring": "autumn", "autumn": "spring", "fall": "spring"}
_MONTH = re.compile(
    rf"\b(?P<lead>(?:early|late|mid|this|last|next|every|in|by|since|until)[ -])?(?P<month>{'|'.join(_MONTHS)}|"
    rf"{'|'.join(name.upper() for name in _MONTHS)})\b(?![ ]\d|[ ]the\b)"
)
_FIXED = re.compile(
    r"\b(?:Christmas|Xmas|New Year(?:['’]s)?(?: Eve| Day)?|Boxing Day|Halloween|Valentine['’]s)\b", re.IGNORECASE
)
_SNOW = re.compile(
    r"\b(?:snow\w*|sleds?|sledding|ic(?:y|icles?)|frost\w*|blizzards?|(?:autumn|fall) (?:leaves|colou?rs?))\b",
    re.IGNORECASE,
)


def opposed(origin: MarketPack, target: MarketPack) -> bool:
    """Whether the markets lie on different sides of the equator."""
    return {origin.hemisphere, target.hemisphere} == {"north", "south"}


def holds_fixed_day(row_text: str) -> bool:
    """Whether a row hangs on a holiday whose date is the same everywhere."""
    return bool(_FIXED.search(row_text))


def finder(text: str, origin: MarketPack, target: MarketPack, *, fixed_day: bool) -> Iterator[Match]:
    """Months (or, around a fixed holiday, seasons) to turn in ``text``."""
    if not opposed(origin, target):
        return
    if fixed_day:
        for season, other in _TURNED.items():
            for match in word_pattern(season).finditer(text):
                if senses.meant(season, text[: match.start()], text[match.end() :]) and not re.match(
                    r"[ -](?:tyres?|tires?|sale)", text[match.end() :]
                ):
                    new = like_case(match.group(0), other)
                    yield Match(match.start(), match.end(), new, "season", "the holiday falls in the other season")
        return
    for match in _MONTH.finditer(text):
        name = match.group("month")
        if re.search(r"\d(?:st|nd|rd|th)?[ ](?:of[ ])?$", text[: match.start("month")]):
            continue
        if name in ("May", "March", "MAY", "MARCH") and not match.group("lead"):
            continue  # a verb as often as a month
        index = next(i for i, month in enumerate(_MONTHS) if month.lower() == name.lower())
        new = like_case(name, _MONTHS[(index + 6) % 12], pattern="January")
        yield Match(
            match.start("month"), match.end("month"), new, "season", "the same season on this side of the equator"
        )


def wintry(text: str) -> list[str]:
    """Signs of cold or of autumn in a text, which tropical markets do not know."""
    return list(dict.fromkeys(match.group(0) for match in _SNOW.finditer(text)))
