"""The side of the road and of the wheel in descriptions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from creative_lab.adaptation.drafter.matching import Match, like_case
from creative_lab.reference.market_packs import MarketPack

_SIDES = re.compile(
    r"\b(?P<side>left|right)(?P<rest>-hand(?:[- ]drive|[ ](?:lane|side of the (?:road|street|highway|motorway)|seat))|"
    r"[ ](?:lane|side of the (?:road|street|highway|motorway)|front seat))\b",
    re.IGNORECASE,
)
_WHEEL = re.compile(r"\b(?P<before>(?:steering )?wheel (?:is )?on the )(?P<side>left|right)\b", re.IGNORECASE)
_DRIVING = re.compile(
    r"\b(?:driv(?:es?|ing|er(?:['’]s)?)|steering wheel|at the wheel|windshield|windscreen|dashboard|the dash|"
    r"highway|motorway|"
    r"turn signal|indicator|lane|overtak\w+|behind the wheel|passenger seat)\b",
    re.IGNORECASE,
)


def finder(text: str, origin: MarketPack, target: MarketPack) -> Iterator[Match]:
    """Sides of the road or the car to mirror."""
    if origin.drives_on == target.drives_on:
        return
    why = f"traffic keeps {target.drives_on} in {target.country}"
    for match in _SIDES.finditer(text):
        other = "right" if match.group("side").lower() == "left" else "left"
        new = like_case(match.group("side"), other) + match.group("rest")
        yield Match(match.start(), match.end(), new, "driving_side", why)
    for match in _WHEEL.finditer(text):
        other = "right" if match.group("side").lower() == "left" else "left"
        yield Match(match.start(), match.end(), match.group("before") + other, "driving_side", why)


def shows_driving(text: str) -> bool:
    """Whether a description shows a road or a cockpit, where the side is seen."""
    return bool(_DRIVING.search(text))


def note(target: MarketPack) -> str:
    """What the crew must know, in one line."""
    wheel = "right" if target.drives_on == "left" else "left"
    return f"{wheel}-hand-drive cars, traffic keeps {target.drives_on}"
