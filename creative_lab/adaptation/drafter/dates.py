"""Dates, times and phone numbers as the target's locale writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import lru_cache

from babel import Locale
from babel.dates import format_date, format_skeleton, get_period_names

from creative_lab.adaptation.drafter.matching import Match
from creative_lab.reference.market_packs import MarketPack

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_MONTH = (
    rf"(?P<month>{'|'.join(_MONTHS)}|{'|'.join(name[:3] for name in _MONTHS if name != 'May')}|Sept)(?:\.(?=[ ]?\d))?"
)
_ORDINALS = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
    "twenty-first",
    "twenty-second",
    "twenty-third",
    "twenty-fourth",
    "twenty-fifth",
    "twenty-sixth",
    "twenty-seventh",
    "twenty-eighth",
    "twenty-ninth",
    "thirtieth",
    "thirty-first",
]
_ORDINAL = "|".join(sorted(_ORDINALS, key=len, reverse=True))
_MONTH_DAY = re.compile(
    rf"\b{_MONTH}[ ](?P<day>\d{{1,2}})(?P<suffix>st|nd|rd|th)?\b(?!:\d)(?:,?[ ](?P<year>(?:19|20)\d\d)\b)?",
    re.IGNORECASE,
)
_DAY_MONTH = re.compile(
    rf"\b(?:the[ ])?(?P<day>\d{{1,2}})(?P<suffix>st|nd|rd|th)?[ ](?:of[ ])?{_MONTH}\b(?:,?[ ](?P<year>(?:19|"
    rf"20)\d\d)\b)?",
    re.IGNORECASE,
)
_MONTH_SPOKEN = re.compile(rf"\b{_MONTH}[ ](?P<day>{_ORDINAL})\b", re.IGNORECASE)
_SPOKEN_MONTH = re.compile(rf"\bthe[ ](?P<day>{_ORDINAL})[ ]of[ ]{_MONTH}\b", re.IGNORECASE)
_NUMERIC = re.compile(r"(?<![\w/.-])(?P<a>\d{1,4})(?P<sep>[/.-])(?P<b>\d{1,2})(?P=sep)(?P<c>\d{2,4})(?![\w/-])")
_SHORT_NUMERIC = re.compile(
    r"(?P<before>\b(?:on|until|till|by|ends?|from|starts?|starting|through|thru|"
    r"before)[ ])(?P<a>\d{1,2})/(?P<b>\d{1,2})(?![\w/])",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"(?<![\w:.])(?P<hour>1[0-2]|0?[1-9])(?:(?P<sep>[:.])(?P<minute>[0-5]\d))?[ \u202f]?(?P<half>[ap])\.?m(?:\.|"
    r"\b)(?P<dot>(?=\s+[A-Z]|\s*$))?",
    re.IGNORECASE,
)


_DAY_NAME = r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_THROUGH = re.compile(rf"(?<={'day'} )(?:through|thru)(?= {_DAY_NAME}s?\b)", re.IGNORECASE)


def _locale(pack: MarketPack) -> str:
    return pack.locale.replace("-", "_")


@lru_cache(maxsize=64)
def order(locale: str) -> str:
    """Order of day and month where the month is written out: ``md`` (July 4) or ``dm`` (4 July)."""
    return "md" if str(format_skeleton("MMMMd", date(2026, 7, 4), locale=locale)).startswith("J") else "dm"


@lru_cache(maxsize=64)
def numeric_order(locale: str) -> str:
    """Order of the parts of a date in digits: ``mdy``, ``dmy`` or ``ymd``."""
    pattern = Locale.parse(locale).date_formats["short"].pattern
    return "".join(dict.fromkeys(c for c in pattern.lower() if c in "dmy"))


def finder(text: str, origin: MarketPack, target: MarketPack) -> Iterator[Match]:
    """Dates and times in the origin's form and how the target's locale writes them."""
    yield from _worded(text, _locale(origin), _locale(target))
    yield from _digits(text, _locale(origin), _locale(target))
    yield from _times(text, _locale(origin), _locale(target))
    if origin.spelling == "american" and target.spelling in ("british", "canadian"):
        for match in _THROUGH.finditer(text):
            yield Match(match.start(), match.end(), "to", "date", "a span of days runs from one day to another here")


def _worded(text: str, origin: str, target: str) -> Iterator[Match]:
    if order(origin) == order(target):
        return
    why = f"date order of {target.replace('_', '-')}"
    to_day_first = order(target) == "dm"
    for match in (_MONTH_DAY if to_day_first else _DAY_MONTH).finditer(text):
        day, month, year = int(match.group("day")), match.group("month"), match.group("year")
        if not 1 <= day <= 31:
            continue
        if to_day_first:
            new = f"{day} {month}" + (f" {year}" if year else "")
        else:
            new = f"{month} {day}" + (f", {year}" if year else "")
        yield Match(match.start(), match.end(), new, "date", why)
    for match in (_MONTH_SPOKEN if to_day_first else _SPOKEN_MONTH).finditer(text):
        day_word, month = match.group("day"), match.group("month")
        if to_day_first:
            the = "The" if not text[: match.start()].strip() or text[: match.start()].rstrip()[-1:] in ".!?" else "the"
            new = f"{the} {day_word.lower()} of {month}"
        else:
            new = f"{month} {day_word}"
        yield Match(match.start(), match.end(), new, "date", why)


def _digits(text: str, origin: str, target: str) -> Iterator[Match]:
    source, goal = numeric_order(origin), numeric_order(target)
    why = f"date format of {target.replace('_', '-')}"
    for match in _NUMERIC.finditer(text):
        named = dict(zip(source, (match.group("a"), match.group("b"), match.group("c")), strict=False))
        year = int(named.get("y", "0"))
        try:
            when = date(year if year > 99 else 2000 + year, int(named.get("m", "0")), int(named.get("d", "0")))
        except ValueError:
            continue
        new = str(format_date(when, "short", locale=target))
        if len(named["y"]) == 4 and str(when.year) not in new:
            new = re.sub(rf"(?<!\d){when.year % 100:02d}$", str(when.year), new)
        elif len(named["y"]) == 2:
            new = re.sub(rf"{when.year}$", f"{when.year % 100:02d}", new)
        if source != goal or new != match.group(0):
            same_shape = source == goal and match.group("sep") in new
            if not same_shape:
                yield Match(match.start(), match.end(), new, "date", why)
    if (source[0], goal[0]) in (("m", "d"), ("d", "m")):
        for match in _SHORT_NUMERIC.finditer(text):
            month, day = (int(match.group("a")), int(match.group("b")))
            if source[0] == "d":
                month, day = day, month
            if 1 <= month <= 12 and 1 <= day <= 31:
                new = (
                    f"{match.group('before')}{day}/{month}"
                    if goal[0] == "d"
                    else f"{match.group('before')}{month}/{day}"
                )
                yield Match(match.start(), match.end(), new, "date", why)


def _times(text: str, origin: str, target: str) -> Iterator[Match]:
    """Times of day stay on the twelve-hour clock, as copy says them; am and pm as the locale writes them."""
    if get_period_names(locale=origin)["pm"] == get_period_names(locale=target)["pm"] or not target.startswith("en"):
        return
    names = get_period_names(locale=target)
    for match in _TIME.finditer(text):
        period = names["am" if match.group("half").lower() == "a" else "pm"]
        clock = match.group("hour") + (f":{match.group('minute')}" if match.group("minute") else "")
        stop = (
            "." if match.group(0).endswith(".") and not period.endswith(".") and match.group("dot") is not None else ""
        )
        if match.group(0) != f"{clock} {period}{stop}":
            yield Match(
                match.start(),
                match.end(),
                f"{clock} {period}{stop}",
                "time",
                f"time format of {target.replace('_', '-')}",
            )


_VANITY = re.compile(
    r"(?<![\w$£€-])1?[-. ]?(?:800|888|877|866|855|844|"
    r"833)[-. ](?=[\w-]*[A-Z])[A-Z0-9]{2,7}(?:-[A-Z0-9]{2,7}){0,2}(?!\w)"
)
_FICTION = re.compile(r"(?<![\w$£€.-])(?:\+?1[-. ])?(?:\(\d{3}\)[ ]?|\d{3}[-. ])?555[-. ]\d{4}(?!\w)")
_BARE = re.compile(r"(?<![\w$£€.,-])(?:0800|1800|1300)[ ]\d{3}[ ]\d{3,4}(?!\w)")


def phone_finder(text: str, origin: MarketPack, target: MarketPack) -> Iterator[Match]:
    """Phone numbers of the origin market; each becomes the target's number for fiction, until the client gives one."""
    if origin.country == target.country or not target.phone_example:
        return
    why = f"number reserved for fiction in {target.country}; the client supplies the real one"
    for start, end in phone_spans(text, origin.country):
        if text[start:end] != target.phone_example:
            yield Match(start, end, target.phone_example, "phone", why)


def phone_spans(text: str, country: str) -> list[tuple[int, int]]:
    """Where phone numbers of a country stand in a text."""
    import phonenumbers

    spans = [match.span() for pattern in (_VANITY, _FICTION, _BARE) for match in pattern.finditer(text)]
    if len(re.findall(r"\d", text)) >= 7:
        found = phonenumbers.PhoneNumberMatcher(text, country, leniency=phonenumbers.Leniency.POSSIBLE)
        for match in found:
            digits = re.sub(r"\D", "", match.raw_string)
            money = re.search(r"[$£€₹]\s?$", text[: match.start])
            if len(digits) >= 8 and not money and not _NUMERIC.search(match.raw_string) and "," not in match.raw_string:
                spans.append((match.start, match.end))
    return spans
