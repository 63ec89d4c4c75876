"""Culture gate: seasons that contradict the month or the holiday on the target's side of the globe."""

from __future__ import annotations

import re
from collections.abc import Iterator

from creative_lab.adaptation.drafter.senses import meant
from creative_lab.adaptation.gates.case import Case, finding
from creative_lab.adaptation.schemas import Finding

_SEASONS = {"winter": 0, "spring": 1, "summer": 2, "fall": 3, "autumn": 3}
_NORTH_MONTHS = {
    "december": 0, "january": 0, "february": 0, "march": 1, "april": 1, "may": 1, "june": 2, "july": 2, "august": 2,
    "september": 3, "october": 3, "november": 3,
}  # fmt: skip
_HOLIDAYS = {
    "christmas": 0, "christmas eve": 0, "boxing day": 0, "new year's eve": 0, "new year's day": 0, "hogmanay": 0,
    "valentine's day": 0, "halloween": 3, "easter": 1, "australia day": 0, "waitangi day": 0, "anzac day": 1,
    "bonfire night": 3, "thanksgiving": 3,
}  # fmt: skip
"""Season in the north of a month or a holiday; the south has the opposite one."""
_NAMES = ("winter", "spring", "summer", "autumn")
_SEASON = re.compile(r"(?<![\w\-])(winter|spring|summer|autumn|fall)(?:'s|time|y)?(?!\w)", re.IGNORECASE)
_WHEN = re.compile(
    r"(?<!\w)(?:" + "|".join(sorted((re.escape(name) for name in _HOLIDAYS), key=len, reverse=True)) + r")(?!\w)",
    re.IGNORECASE,
)
_MONTH = re.compile(
    r"(?<!\w)(?:January|February|March|April|May|June|July|August|September|October|November|December)(?!\w)"
)
_COLD = re.compile(
    r"(?<!\w)(?:snow\w*|blizzards?|sleigh\w*|sledg\w+|sledding|frost\w*|icicles?|mittens|woolly hats?)(?!\w)", re.I
)
_HEAT = re.compile(r"(?<!\w)(?:heatwaves?|heat wave|sunburn\w*|beach barbecue|sweltering)(?!\w)", re.IGNORECASE)


def season_mismatch(case: Case) -> Iterator[Finding]:
    """A month or holiday stands beside the wrong season of the market's hemisphere, or beside its weather.

    Decided row by row, and only where a row names both; in the tropics only snow and frost at a named time are wrong.
    """
    pack = case.context.target_pack
    if pack is None:
        return
    shift = 2 if pack.hemisphere == "south" else 0
    for row in case.rows:
        texts = [case.masked(piece.text if case.english or not piece.said else piece.element.translation or "")
                 for piece in row.pieces]  # fmt: skip
        text = "\n".join(texts)
        times = _times(text)
        if not times:
            continue
        expected = {(season + shift) % 4 for _, season in times}
        named = times[0][0]
        where = next(
            (
                part
                for part, words in zip(row.pieces, texts, strict=True)
                if _SEASON.search(words) or _COLD.search(words)
            ),
            row.pieces[0],
        )
        for sentence in re.split(r"(?<=[.!?])\s+|\n", text) if pack.hemisphere != "tropics" else ():
            nearest = _times(sentence) or times
            here = {(season + shift) % 4 for _, season in nearest}
            for match in _SEASON.finditer(sentence):
                season = _SEASONS[match.group(1).lower()]
                if not meant(match.group(1), sentence[: match.start()], sentence[match.end() :]):
                    continue
                # Seasons pass into each other within their first and last month: only the opposite one is wrong.
                if all((season - other) % 4 == 2 for other in here):
                    right = _NAMES[min(here)]
                    yield finding(
                        "season_mismatch",
                        "major",
                        f"“{match.group(0)}” beside {nearest[0][0]}: in this market it is {right}.",
                        f"Write {right!r}, or move the scene to another time of the year.",
                        where,
                    )
        for sentence in re.split(r"(?<=[.!?])\s+|\n", text):
            here = {(season + shift) % 4 for _, season in _times(sentence)} or expected
            cold, hot = _COLD.search(sentence), _HEAT.search(sentence)
            if cold and (pack.hemisphere == "tropics" or here == {2}):
                yield finding(
                    "season_mismatch",
                    "major",
                    f"“{cold.group(0)}” beside {named}: it is warm then in this market.",
                    "Show the weather that the market has then.",
                    where,
                )
            elif hot and here == {0} and pack.hemisphere != "tropics":
                yield finding(
                    "season_mismatch",
                    "major",
                    f"“{hot.group(0)}” beside {named}: it is cold then in this market.",
                    "Show the weather that the market has then.",
                    where,
                )


def _times(text: str) -> list[tuple[str, int]]:
    """Holidays and months that a text names, with their season in the north."""
    found = [(match.group(0), _HOLIDAYS[match.group(0).lower()]) for match in _WHEN.finditer(text)]
    return found + [(match.group(0), _NORTH_MONTHS[match.group(0).lower()]) for match in _MONTH.finditer(text)]
