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


_FEASTS = {
    "new year": 1, "australia day": 1, "lunar new year": 2, "chinese new year": 2, "waitangi": 2, "holi": 3,
    "st patrick": 3, "mothering sunday": 3, "easter": 4, "anzac": 4, "freedom day": 4, "matariki": 6, "canada day": 7,
    "fourth of july": 7, "national day": 8, "independence day": 8, "heritage day": 9, "ganesh": 9, "dussehra": 10,
    "diwali": 10, "halloween": 10, "bonfire night": 11, "guy fawkes": 11, "remembrance": 11, "thanksgiving": 11,
    "christmas": 12, "boxing day": 12, "st stephen": 12, "hogmanay": 12,
}  # fmt: skip
"""Month of a feast; "New Year's Eve" counts to the turn of the year."""
_NORTH = (
    "winter",
    "winter",
    "spring",
    "spring",
    "spring",
    "summer",
    "summer",
    "summer",
    "autumn",
    "autumn",
    "autumn",
    "winter",
)


def season_of(feasts: list[str], target: MarketPack) -> str | None:
    """The season in which a feast of the target falls, where the market has seasons and the feast is known."""
    for feast in feasts:
        month = next((month for name, month in _FEASTS.items() if name in feast.lower()), None)
        if month is not None and target.hemisphere != "tropics":
            season = _NORTH[(month - 1 + (6 if target.hemisphere == "south" else 0)) % 12]
            return "fall" if season == "autumn" and target.country in ("US", "CA") else season
    return None


def timeless_finder(text: str) -> Iterator[Match]:
    """Seasons before a time of day in a scene heading, which a market without seasons does without."""
    for match in re.finditer(
        rf"\b(?:{'|'.join(_TURNED)})[ ](?=(?:night|evening|morning|afternoon|day)\b)", text, re.IGNORECASE
    ):
        yield Match(match.start(), match.end(), "", "season", "the market has no such season")


def season_finder(text: str, season: str) -> Iterator[Match]:
    """Names of other seasons before a time of day; ``season`` replaces them."""
    pattern = rf"\b(?:{'|'.join(_TURNED)})(?=[ ](?:night|evening|morning|afternoon|day|dusk|dawn|sun|air|sky)\b)"
    for match in re.finditer(pattern, text, re.IGNORECASE):
        if match.group(0).lower() != season:
            new = like_case(match.group(0), season)
            yield Match(match.start(), match.end(), new, "season", "the season of the market's holiday")


def wintry(text: str) -> list[str]:
    """Signs of cold or of autumn in a text, which tropical markets do not know."""
    return list(dict.fromkeys(match.group(0) for match in _SNOW.finditer(text)))
