"""What a market writes, measures, celebrates and regulates: the facts behind exact localisation checks.

A pack belongs to a country. Equivalents say how one concept (a holiday, a sport, a shop, a food, a given name) is
called in each market, so that a script can move from any market to any other that shares its language.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

SpellingVariant = Literal["american", "british", "canadian"]
EquivalentKind = Literal[
    "vocabulary", "holiday", "sport", "institution", "food", "given_name", "family_name", "place", "school", "season"
]


class Regulation(BaseModel):
    """One advertising rule of a market for a product category (``*`` for every category)."""

    model_config = ConfigDict(extra="forbid")

    category: str = Field(description="Product category such as car, snack, bank, or * for all.")
    rule: str = Field(description="The rule in one plain sentence.")
    source: str = Field(default="", description="Name of the code or authority, for a person to look up.")
    forbidden_terms: list[str] = Field(default_factory=list, description="Words that break the rule when spoken/shown.")


class MarketPack(BaseModel):
    """Formats and rules of one country."""

    model_config = ConfigDict(extra="forbid")

    country: str = Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2 code.")
    locale: str = Field(description="BCP-47 tag of the main advertising language, such as en-GB.")
    currency: str = Field(pattern=r"^[A-Z]{3}$", description="ISO 4217 code.")
    units_per_usd: float = Field(gt=0, description="Planning rate: units of the currency for one US dollar.")
    rate_date: date = Field(description="Day of the planning rate, shown wherever a price was converted.")
    measurement: Literal["metric", "us", "uk"] = Field(description="Unit system of distances, weights and volumes.")
    temperature: Literal["celsius", "fahrenheit"]
    hemisphere: Literal["north", "south", "tropics"]
    spelling: SpellingVariant | None = Field(default=None, description="Spelling of English in this market.")
    drives_on: Literal["left", "right"]
    phone_example: str = Field(default="", description="A number reserved for fiction, in national format.")
    regulations: list[Regulation] = Field(default_factory=list)
    taboos: list[str] = Field(default_factory=list, description="Words or images that a culture gate must stop.")


class Equivalent(BaseModel):
    """One concept and its names by market; the first name of a market is the one to write."""

    model_config = ConfigDict(extra="forbid")

    concept: str
    kind: EquivalentKind
    forms: dict[str, list[str]] = Field(description="Country code to names, in the market's English.")
    note: str = ""


class Spelling(BaseModel):
    """One English word in its spelling variants (lower case, base form)."""

    model_config = ConfigDict(extra="forbid")

    american: str
    british: str
    canadian: str
