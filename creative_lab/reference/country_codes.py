"""ISO 3166-1 country codes, as CLDR knows them."""

from __future__ import annotations

_NO_COUNTRY = {"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"}
"""Two-letter codes of CLDR for groups of countries, tests and the unknown."""


def is_country(code: str) -> bool:
    """Whether ``code`` is an alpha-2 country code in capitals."""
    from babel import Locale

    return len(code) == 2 and code.isalpha() and code in Locale("en").territories and code not in _NO_COUNTRY


def alpha2(code: str) -> str | None:
    """The alpha-2 code of an alpha-2, alpha-3 or numeric country code; None for anything else."""
    from babel.core import get_global

    code = code.upper()
    if is_country(code):
        return code
    if len(code) == 3:
        # CLDR keeps the alpha-3 and numeric codes as aliases.
        aliases = get_global("territory_aliases").get(code, [])
        if len(aliases) == 1:
            return str(aliases[0])
    return None
