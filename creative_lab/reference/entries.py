"""The shape of an entry of each reference file: names and codes, never primary keys."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from creative_lab.reference.country_codes import is_country
from creative_lab.reference.market_packs import Equivalent, MarketPack, Spelling
from creative_lab.state.models import SLUG_PATTERN, InsightBlock


def _text(longest: int) -> Any:
    return StringConstraints(min_length=1, max_length=longest, pattern=r"\S")


def _country(code: str) -> str:
    if not is_country(code):
        raise ValueError("is no ISO 3166-1 alpha-2 country code")
    return code


def _language(tag: str) -> str:
    import langcodes

    if not langcodes.tag_is_valid(tag):
        raise ValueError("is no valid BCP-47 language tag")
    if langcodes.standardize_tag(tag) != tag:
        raise ValueError(f"is written {langcodes.standardize_tag(tag)} in BCP-47")
    return tag


ModelId = Annotated[str, _text(200)]
RegionCode = Annotated[str, _text(20)]
CountryCode = Annotated[str, AfterValidator(_country)]
LanguageCode = Annotated[str, _text(10), AfterValidator(_language)]
Name100 = Annotated[str, _text(100)]
Name200 = Annotated[str, _text(200)]
Insights = list[InsightBlock]


class Entry(BaseModel):
    """Base of all entries: no unknown field, no silent conversion of types."""

    model_config = ConfigDict(extra="forbid", strict=True)


class LLMModelEntry(Entry):
    """A language model; key ``model_id``."""

    model_id: ModelId
    name: Name200
    notes: str = ""
    is_active: bool
    load_in_4bit: bool


class RegionEntry(Entry):
    """A region; key ``code``."""

    code: RegionCode
    name: Name100
    description: str = ""
    insights: Insights
    is_active: bool


class CountryEntry(Entry):
    """A country; key ``code``. ``default_language`` may name a language of a file that is read later."""

    code: CountryCode
    name: Name100
    default_language: LanguageCode | None
    insights: Insights
    notes: str = ""
    is_active: bool


class LanguageEntry(Entry):
    """A language; key ``code``. The alternatives are tried in the order of the list."""

    code: LanguageCode
    name: Name100
    base_language: Annotated[str, _text(10)]
    primary_model: ModelId
    alternative_models: list[ModelId]
    insights: Insights
    notes: str = ""
    is_active: bool

    @field_validator("alternative_models")
    @classmethod
    def _each_once(cls, value: list[str]) -> list[str]:
        if len(set(value)) < len(value):
            raise ValueError("names a model twice")
        return value


class CountryRegionEntry(Entry):
    """A country in a region; the pair is the key."""

    country_code: CountryCode
    region_code: RegionCode


class CountryLanguageEntry(Entry):
    """A language of a country; the pair is the key."""

    country_code: CountryCode
    language_code: LanguageCode
    is_primary: bool


class SegmentEntry(Entry):
    """A segment; category, vector and value are the key."""

    category: Literal["DEMOGRAPHIC", "BEHAVIORAL", "PSYCHOGRAPHIC"]
    vector: Name100
    value: Name100
    description: str = ""
    insights: Insights = []
    is_active: bool


class PersonaEntry(Entry):
    """A persona; key ``name``."""

    name: Name200
    description: str = ""
    region_code: RegionCode | None = None
    country_code: CountryCode | None = None
    language_code: LanguageCode | None = None
    is_active: bool


class PersonaSegmentEntry(Entry):
    """A segment of a persona; the four names are the key."""

    persona_name: Name200
    segment_category: Literal["DEMOGRAPHIC", "BEHAVIORAL", "PSYCHOGRAPHIC"]
    segment_vector: Name100
    segment_value: Name100
    order_index: int = Field(default=0, ge=0, le=10_000)


class RequiredWordEntry(Entry):
    """Words that a script must contain, in every language (``*``) or one."""

    text: Annotated[str, _text(200)]
    language: str = "*"

    @field_validator("language")
    @classmethod
    def _known(cls, value: str) -> str:
        return value if value == "*" else _language(value)


class BrandEntry(Entry):
    """A brand; key ``code``."""

    code: Annotated[str, _text(50)]
    name: Name200
    category: Annotated[str, StringConstraints(max_length=50)] = ""
    description: str = ""
    guidelines: str = ""
    insights: Insights = []
    do_not_translate: list[Annotated[str, _text(200)]] = []
    banned_words: list[Annotated[str, _text(200)]] = []
    required_words: list[RequiredWordEntry] = []
    legal_lines: dict[CountryCode, Annotated[str, _text(2000)]] = {}
    is_active: bool


class PromptTemplateEntry(Entry):
    """The active version of a prompt template; key ``slug``."""

    slug: Annotated[str, StringConstraints(max_length=100, pattern=r"^[a-z0-9][a-z0-9-]*$")]
    name: Name200
    category: Literal["adaptation", "enhancement", "concept", "evaluation", "looks", "storyboards"]
    description: str
    template: str
    expected_variables: dict[str, Any]
    version: int = Field(ge=1, le=1_000_000)

    @field_validator("template")
    @classmethod
    def _parses(cls, value: str) -> str:
        from jinja2 import TemplateSyntaxError
        from jinja2.sandbox import SandboxedEnvironment

        try:
            SandboxedEnvironment(trim_blocks=True, lstrip_blocks=True).parse(value)
        except TemplateSyntaxError as error:
            raise ValueError(f"line {error.lineno} of the template: {error.message}") from error
        return value


class MarketPackEntry(MarketPack):
    """A market pack; key ``country``."""

    model_config = ConfigDict(extra="forbid", strict=True)

    country: CountryCode

    @field_validator("locale")
    @classmethod
    def _known_locale(cls, value: str) -> str:
        from babel import Locale, UnknownLocaleError

        try:
            Locale.parse(value, sep="-")
        except (UnknownLocaleError, ValueError) as error:
            raise ValueError("is no locale that CLDR knows") from error
        return value

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, value: str) -> str:
        from babel.numbers import is_currency

        if not is_currency(value):
            raise ValueError("is no ISO 4217 currency code")
        return value


class EquivalentEntry(Equivalent):
    """A concept and its names by country; kind and concept are the key."""

    model_config = ConfigDict(extra="forbid", strict=True)

    concept: Name100
    forms: dict[CountryCode, Annotated[list[Name200], Field(min_length=1)]]


class SpellingEntry(Spelling):
    """A word in its spellings; key ``american``."""

    model_config = ConfigDict(extra="forbid", strict=True)

    american: Name100
    british: Name100
    canadian: Name100


class TargetEntry(Entry):
    """A target; key ``code``, which is its partition."""

    code: Annotated[str, StringConstraints(pattern=SLUG_PATTERN)]
    name: Name200
    persona: Name200 | None = None
    region_code: RegionCode | None = None
    country_code: CountryCode | None = None
    language_code: LanguageCode | None = None
    is_active: bool

    @model_validator(mode="after")
    def _aims_at_something(self) -> TargetEntry:
        if self.persona is None and self.country_code is None and self.language_code is None:
            raise ValueError("needs at least one of persona, country_code and language_code")
        return self
