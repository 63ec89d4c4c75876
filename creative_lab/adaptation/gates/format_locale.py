"""Format gate: numbers, money, units, dates and telephone numbers as the market writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import phonenumbers

from creative_lab.adaptation.gates.case import Case, Check, Piece, finding
from creative_lab.adaptation.gates.locale_text import Market, decimals_of, loose_value, market
from creative_lab.adaptation.gates.money import MAX_DIGITS, NUMBER, amounts, currency_format
from creative_lab.adaptation.gates.units import unit_system
from creative_lab.adaptation.gates.words import WORD_END, WORD_START
from creative_lab.adaptation.schemas import Finding

_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December|"
    r"Jan\.?|Feb\.?|Mar\.?|Apr\.?|Jun\.?|Jul\.?|Aug\.?|Sept?\.?|Oct\.?|Nov\.?|Dec\.?)"
)
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_MONTH_DAY = re.compile(rf"(?<!\w)(?P<month>{_MONTH}) (?:the )?(?P<day>{_DAY})(?![\w:%])(?!,?\d)")
_DAY_MONTH = re.compile(rf"(?<![\w.,$£€])(?:the )?(?P<day>{_DAY}) (?:of )?(?P<month>{_MONTH})(?!\w)")
_NUMERIC = re.compile(
    r"(?<![./\-])" + WORD_START + r"(?P<a>\d{1,2})(?P<sep>[./\-])(?P<b>\d{1,2})(?P=sep)(?P<y>\d{4}|\d{2})"
    r"(?![./\-]\d)" + WORD_END
)
_YEAR_FIRST = re.compile(r"(?<![./\-])" + WORD_START + r"\d{4}[./\-]\d{1,2}[./\-]\d{1,2}" + WORD_END)
_TIME = re.compile(
    r"(?<![\w.,])\d{1,2}[:.]\d{2}(?::\d{2})?(?=\s?(?:[ap]\.?m\b|Uhr|h\b|o'clock))|(?<!\d)\d{1,2}:\d{2}(?!\d)", re.I
)
_PHONE = re.compile(
    r"(?<![.,$£€¥₹/])" + WORD_START + r"(?:\+\s?|00 ?)?\(?\d(?:[\d \u00a0().\-/]*\d)(?![%€£]|[.,]\d)" + WORD_END
)
_VANITY = re.compile(r"(?<!\w)1?-?8\d\d-[A-Z0-9]*[A-Z][A-Z0-9\-]{3,10}(?!\w)")
_NUMBER = re.compile(r"(?<![.,])" + WORD_START + NUMBER + r"(?![.,:/]\d)" + WORD_END)
_INDEPENDENCE = re.compile(r"4th of July", re.IGNORECASE)


def locale_formats(case: Case) -> Iterator[Finding]:
    """All locale formats, element by element; descriptions are checked for money and units that the picture shows."""
    pack = case.context.target_pack
    here = market(case.language, pack.country if pack else case.context.country_code)
    for row in case.rows:
        for piece in row.pieces:
            if piece.said and case.is_legal(piece):
                continue  # verbatim, whatever its notation
            text = case.masked(piece.text)
            if not any(char.isdigit() for char in text) and piece.element.kind in ("sfx", "music"):
                continue
            spans: list[tuple[int, int]] = []
            if piece.said:
                yield from _dates(case, piece, text, here, spans)
                yield from _phones(case, piece, text, spans)
            blanked = _blank(text, spans)
            yield from currency_format(case, piece, blanked)
            yield from unit_system(case, piece, blanked)
            if piece.said:
                money = [(amount.start, amount.end) for amount in amounts(blanked) if amount.number]
                yield from _numbers(case, piece, _blank(blanked, money), here)


def _blank(text: str, spans: list[tuple[int, int]]) -> str:
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def _numbers(case: Case, piece: Piece, text: str, here: Market) -> Iterator[Finding]:
    origin_row = case.origin_of(piece.row)
    original = "\n".join(other.text for other in origin_row.said) if origin_row else ""
    origin = market(case.context.origin.language.split("-")[0].lower(), case.context.origin_country)
    text = _blank(text, [match.span() for match in _TIME.finditer(text)])
    for match in _NUMBER.finditer(text):
        number = match.group(0)
        if sum(char.isdigit() for char in number) > MAX_DIGITS:
            continue
        if number.isdigit():
            continue
        kept = number in original and origin.accepts(number)
        changed = kept and here.accepts(number) and origin.value(number) != here.value(number)
        if here.accepts(number) and not changed:
            continue
        value = origin.value(number) if kept else loose_value(number)
        yield finding(
            "number_format",
            "major" if changed else "minor",
            f"“{number}” "
            + (f"means {here.write(here.value(number), 0)} here." if changed else "is not how the market writes it."),
            f"Write {here.write(value, decimals_of(number, value))}.",
            piece,
        )


def _dates(case: Case, piece: Piece, text: str, here: Market, spans: list[tuple[int, int]]) -> Iterator[Finding]:
    spans += [match.span() for match in _YEAR_FIRST.finditer(text)]
    origin_row = case.origin_of(piece.row)
    original = "\n".join(other.text for other in origin_row.said) if origin_row else ""
    origin = market(case.context.origin.language.split("-")[0].lower(), case.context.origin_country)
    for match in _NUMERIC.finditer(text):
        spans.append(match.span())
        first, second, year, separator = int(match["a"]), int(match["b"]), match["y"], match["sep"]
        if not (1 <= first <= 31 and 1 <= second <= 31 and (first <= 12 or second <= 12)):
            continue
        readable = {"mdy"} if second > 12 else {"dmy"} if first > 12 else {"mdy", "dmy"}
        usual = here.date_orders & readable
        residue = (
            match.group(0) in original and first != second and not (origin.date_orders & here.date_orders & readable)
        )
        bad_separator = not case.english and separator != here.date_separator()
        if usual and not residue and not bad_separator:
            continue
        month_first = "mdy" in (
            readable if len(readable) == 1 else (origin.date_orders if residue else here.date_orders)
        )
        month, day = (first, second) if month_first else (second, first)
        yield finding(
            "date_format",
            "major" if not usual or residue else "minor",
            f"“{match.group(0)}” is not how the market writes a date.",
            f"Write {_written(day, month, year, here)}.",
            piece,
        )
    for pattern, order in ((_MONTH_DAY, "md"), (_DAY_MONTH, "dm")):
        for match in pattern.finditer(text):
            spans.append(match.span())
            if not case.english or order in here.month_names or _INDEPENDENCE.search(match.group(0)):
                continue
            number = re.sub(r"\D", "", match["day"])
            expected = f"{number} {match['month']}" if order == "md" else f"{match['month']} {number}"
            yield finding(
                "date_format",
                "minor",
                f"“{match.group(0)}” has day and month in the other order than the market.",
                f"Write {expected}.",
                piece,
            )


def _written(day: int, month: int, year: str, here: Market) -> str:
    orders, separator = here.date_orders, here.date_separator()
    if orders == {"ymd"}:
        return f"{year}{separator}{month}{separator}{day}"
    if "dmy" in orders:
        return f"{day:02}{separator}{month:02}{separator}{year}"
    return f"{month}{separator}{day}{separator}{year}"


def _phones(case: Case, piece: Piece, text: str, spans: list[tuple[int, int]]) -> Iterator[Finding]:
    pack, origin_pack = case.context.target_pack, case.context.origin_pack
    if pack is None:
        return
    example = (
        f"Write a number of the market, such as {pack.phone_example}."
        if pack.phone_example
        else ("Write a number of the market in its national format.")
    )
    for match in _VANITY.finditer(text):
        spans.append(match.span())
        if phonenumbers.country_code_for_region(pack.country) != 1:
            yield finding("phone_format", "major", f"“{match.group(0)}” can't be dialled here.", example, piece)
    for match in _PHONE.finditer(text):
        number = match.group(0)
        if any(start < match.end() and match.start() < end for start, end in spans) or not _looks_like_phone(number):
            continue
        spans.append(match.span())
        digits = re.sub(r"\D", "", number)
        if digits == re.sub(r"\D", "", pack.phone_example) and digits:
            if number.strip() != pack.phone_example and _groups(number) != _groups(pack.phone_example):
                yield finding("phone_format", "minor", f"“{number}” is grouped unusually.", example, piece)
            continue
        home = phonenumbers.country_code_for_region(pack.country)
        try:
            parsed = phonenumbers.parse(number, pack.country)
        except phonenumbers.NumberParseException:
            yield finding("phone_format", "major", f"“{number}” is no telephone number here.", example, piece)
            continue
        foreign = (
            origin_pack is not None
            and origin_pack.country != pack.country
            and phonenumbers.country_code_for_region(origin_pack.country) != home
            and _in_origin(case, digits)
        )
        if parsed.country_code != home or foreign or not phonenumbers.is_possible_number(parsed):
            yield finding("phone_format", "major", f"“{number}” is not a number of the market.", example, piece)
            continue
        if not phonenumbers.is_valid_number(parsed) and not (home == 1 and "55501" in digits):
            yield finding("phone_format", "minor", f"“{number}” is not in the market's numbering plan.", example, piece)
            continue
        formats = phonenumbers.PhoneNumberFormat
        usual = [
            phonenumbers.format_number(parsed, style)
            for style in (formats.NATIONAL, formats.INTERNATIONAL, formats.RFC3966)
        ]
        if _groups(number) not in [_groups(form) for form in usual]:
            yield finding("phone_format", "minor", f"“{number}” is grouped unusually.", f"Write {usual[0]}.", piece)


def _looks_like_phone(number: str) -> bool:
    digits = re.sub(r"\D", "", number)
    if not 7 <= len(digits) <= 15:
        return False
    if re.fullmatch(r"\d{1,3}(?:[ \u00a0.]\d{3})+", number) and not number.startswith("0"):
        return False  # a grouped number
    separated = bool(re.search(r"[ \u00a0().\-/]", number))
    return (separated or number[0] in "+0") and not re.fullmatch(r"(?:19|20)\d\d\s?[-/]\s?(?:19|20)\d\d", number)


def _groups(number: str) -> list[str]:
    groups = re.findall(r"\d+", number)
    return groups[1:] if groups and groups[0] == "1" and len(groups) > 1 else groups


def _in_origin(case: Case, digits: str) -> bool:
    return any(
        digits in re.sub(r"[^\d\n]", "", row.row.visual_text + "\n" + row.row.audio_text) for row in case.origin_rows
    )


CHECKS: tuple[Check, ...] = (locale_formats,)
