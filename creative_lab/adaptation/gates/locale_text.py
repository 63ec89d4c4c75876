"""How a market writes numbers, money and dates, from CLDR through babel, tolerant of the spaces that people type."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.numbers import format_currency, format_decimal

MONTH_FIRST = frozenset({"US", "PH", "FM", "MH", "PW", "GU", "PR", "AS", "VI", "MP"})
"""Countries that write the month before the day."""
_ANY_ORDER = frozenset({"CA"})
_DECIMAL_BOTH = frozenset({"ZA", "CH", "MX"})
"""Countries where both the decimal comma and the decimal point are in daily use, whatever CLDR lists."""
_SPACES = re.compile("[\u00a0\u202f\u2009 ]")
_BIDI = re.compile("[\u200e\u200f\u061c]")


@dataclass(frozen=True)
class Market:
    """A language in a country."""

    language: str
    country: str | None

    @cached_property
    def locale(self) -> Locale:
        """CLDR locale; without data for the pair, the country's most spoken language or the language alone."""
        names = []
        if self.country:
            names.append(f"{self.language}_{self.country}")
            names += [f"{code}_{self.country}" for code in get_global("territory_languages").get(self.country, {})]
        for name in [*names, self.language, "en"]:
            try:
                return Locale.parse(name)
            except (UnknownLocaleError, ValueError):
                continue
        return Locale.parse("en")

    @cached_property
    def _symbols(self) -> tuple[str, str]:
        symbols = self.locale.number_symbols["latn"]
        return symbols["decimal"], _SPACES.sub(" ", symbols["group"])

    @cached_property
    def number_patterns(self) -> tuple[re.Pattern[str], ...]:
        """Every accepted spelling of a number with separators."""
        decimal, group = self._symbols
        pairs = {(decimal, group)}
        if self.country in _DECIMAL_BOTH:
            pairs |= {(",", " "), (".", " "), (".", ","), (".", "'"), (".", "’")}
        if group == " ":
            pairs.add((decimal, " "))
        patterns = []
        for point, separator in pairs:
            d, g = re.escape(point), re.escape(separator)
            thousands = rf"\d{{1,2}}(?:{g}\d{{2}})*{g}\d{{3}}|\d{{3}}" if self.indian else rf"\d{{1,3}}(?:{g}\d{{3}})+"
            patterns.append(re.compile(rf"(?:{thousands}|\d+)(?:{d}\d+)?"))
        return tuple(patterns)

    @property
    def indian(self) -> bool:
        """Whether digits group in lakh and crore."""
        return self.locale.decimal_formats[None].pattern.startswith("#,##,")

    def accepts(self, number: str) -> bool:
        """Whether a number is written as this market writes it."""
        plain = _SPACES.sub(" ", number)
        return any(pattern.fullmatch(plain) for pattern in self.number_patterns)

    def value(self, number: str) -> Decimal:
        """The value of a number written as this market writes it."""
        decimal, group = self._symbols
        plain = _SPACES.sub(" ", number)
        if self.country in _DECIMAL_BOTH or not self.accepts(number):
            return loose_value(number)
        return Decimal(plain.replace(group, "").replace(" ", "").replace(decimal, "."))

    def write(self, value: Decimal, decimals: int) -> str:
        """A number as this market writes it."""
        body = "#,##,##0" if self.indian else "#,##0"
        return format_decimal(value, format=body + ("." + "0" * decimals if decimals else ""), locale=self.locale)

    def money(self, value: Decimal, currency: str, decimals: int) -> str:
        """An amount as this market writes it, with as many decimals as asked for."""
        pattern = self.locale.currency_formats["standard"].pattern
        pattern = re.sub(r"0\.00", "0" + ("." + "0" * decimals if decimals else ""), pattern)
        text = format_currency(value, currency, format=pattern, locale=self.locale, currency_digits=False)
        return _BIDI.sub("", text)

    @property
    def symbol_first(self) -> bool:
        """Whether the currency sign stands before the amount."""
        return self.locale.currency_formats["standard"].pattern.lstrip("\u200e\u200f").startswith("¤")

    @property
    def date_orders(self) -> frozenset[str]:
        """Accepted orders of a numeric date: mdy, dmy, ymd (which everybody can read)."""
        if self.country in _ANY_ORDER:
            return frozenset({"mdy", "dmy", "ymd"})
        if self.country in MONTH_FIRST:
            return frozenset({"mdy", "ymd"})
        if self.language in ("ja", "zh", "ko", "hu", "lt"):
            return frozenset({"ymd"})
        return frozenset({"dmy", "ymd"})

    @property
    def month_names(self) -> frozenset[str]:
        """Accepted orders of an English date with the month's name: md, dm."""
        if self.country in _ANY_ORDER:
            return frozenset({"md", "dm"})
        return frozenset({"md"}) if self.country in MONTH_FIRST else frozenset({"dm"})

    def date_separator(self) -> str:
        """The sign between day, month and year, as CLDR's short date has it."""
        match = re.search(r"[./\-]", self.locale.date_formats["short"].pattern)
        return match.group(0) if match else "/"


@lru_cache(maxsize=256)
def market(language: str, country: str | None) -> Market:
    """The market of a language in a country (base language, ISO country)."""
    return Market(language, country)


def loose_value(number: str) -> Decimal:
    """The value of a number in any usual notation; three digits after one sign of separation mean thousands."""
    plain = re.sub(r"[\u00a0\u202f\u2009 '’]", "", number)
    signs = [char for char in plain if char in ".,"]
    if not signs:
        return Decimal(plain)
    last = max(plain.rfind("."), plain.rfind(","))
    tail = plain[last + 1 :]
    mixed = len(set(signs)) == 2
    if not mixed and (len(signs) > 1 or len(tail) == 3):
        return Decimal(re.sub(r"[.,]", "", plain))
    return Decimal(re.sub(r"[.,]", "", plain[:last]) + "." + (tail or "0"))


def decimals_of(number: str, value: Decimal) -> int:
    """How many decimals a number is written with."""
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) and re.search(r"[.,]\d+$", number) else 0
