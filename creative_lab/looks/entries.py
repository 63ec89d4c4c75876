"""The shape of an entry of each file in ``data/looks``: keys and words, never primary keys."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from creative_lab.state.models import SCENE_INVARIANTS, SLUG_PATTERN

Season = Literal["spring", "summer", "autumn", "winter"]


def _once(values: list[Any]) -> list[Any]:
    names = [str(value) for value in values]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"holds {', '.join(twice)} twice")
    return values


def _category(value: str) -> str:
    from creative_lab.illustrator.garments import CATEGORIES

    if value not in CATEGORIES:
        raise ValueError(f"is no garment category; there are {', '.join(CATEGORIES)}")
    return value


def _cloth(value: str) -> str:
    from creative_lab.illustrator.palette import CLOTH

    if value not in CLOTH:
        raise ValueError(f"is no cloth colour; there are {', '.join(CLOTH)}")
    return value


def _pattern(value: str) -> str:
    from creative_lab.illustrator.garments import PATTERNS

    if value not in PATTERNS:
        raise ValueError(f"is no pattern; there are {', '.join(PATTERNS)}")
    return value


def _text(longest: int) -> Any:
    return StringConstraints(min_length=1, max_length=longest, pattern=r"\S", strip_whitespace=False)


Slug = Annotated[str, StringConstraints(pattern=SLUG_PATTERN)]
Name = Annotated[str, _text(100)]
Prose = Annotated[str, _text(2000)]
Category = Annotated[str, AfterValidator(_category)]
Categories = Annotated[list[Category], Field(min_length=1), AfterValidator(_once)]
Cloth = Annotated[str, AfterValidator(_cloth)]
Seasons = Annotated[list[Season], Field(min_length=1), AfterValidator(_once)]
Words = Annotated[list[Name], Field(min_length=1), AfterValidator(_once)]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Entry(BaseModel):
    """Base of all entries: no unknown field, no silent conversion of types."""

    model_config = ConfigDict(extra="forbid", strict=True)


class DesignerEntry(Entry):
    """A designer; key ``key``."""

    key: Slug
    name: Name
    signature: Prose
    hero_categories: Categories
    target_pct: Percent | None = None
    dial_locked: bool = False
    is_active: bool = True

    @model_validator(mode="after")
    def _three_heroes(self) -> DesignerEntry:
        if len(self.hero_categories) < 3:
            raise ValueError("hero_categories needs three categories or more, one for each model")
        return self


class NamedColour(Entry):
    """One colour of a colourway."""

    name: Name
    cloth: Cloth


class ColourwayEntry(Entry):
    """A colourway; key ``key``."""

    key: Slug
    name: Name
    mood: str = ""
    colours: Annotated[list[NamedColour], Field(min_length=2)]
    seasons: Seasons
    target_pct: Percent | None = None
    dial_locked: bool = False
    is_active: bool = True

    @model_validator(mode="after")
    def _colours_differ(self) -> ColourwayEntry:
        _once([colour.name for colour in self.colours])
        _once([colour.cloth for colour in self.colours])
        return self


class GarmentEntry(Entry):
    """A garment; key ``key``. Category, cut, colours and pattern are ones that the illustrator draws."""

    key: Slug
    name: Name
    category: Category
    cut: str
    pattern: Annotated[str, AfterValidator(_pattern)] = "plain"
    silhouette_hint: Annotated[str, _text(400)]
    fabric: Words
    details: Words
    colours: Annotated[list[Cloth], Field(min_length=1), AfterValidator(_once)]
    seasons: Seasons
    target_pct: Percent | None = None
    dial_locked: bool = False
    is_active: bool = True

    @model_validator(mode="after")
    def _cut_of_category(self) -> GarmentEntry:
        from creative_lab.illustrator.garments import CATEGORIES

        cuts = CATEGORIES[self.category][1]
        if self.cut not in cuts:
            raise ValueError(f"cut {self.cut!r} is none of {self.category}: {', '.join(cuts)}")
        return self


class SlotEntry(Entry):
    """One slot of an outfit template."""

    slot: Slug
    categories: Categories
    chance: Share = 1.0


class TemplateEntry(Entry):
    """An outfit template; key ``key``."""

    key: Slug
    name: Name
    description: str = ""
    hero_categories: Categories
    slots: list[SlotEntry]
    is_active: bool = True

    @model_validator(mode="after")
    def _slots_make_sense(self) -> TemplateEntry:
        _once([slot.slot for slot in self.slots])
        for slot in self.slots:
            both = sorted(set(slot.categories) & set(self.hero_categories))
            if both:
                raise ValueError(f"slot {slot.slot} may hold {', '.join(both)}, which is the hero's")
        return self


class WordEntry(Entry):
    """A word that the brand does not use; key ``word``."""

    word: Annotated[str, _text(60)]
    substitute: Annotated[str, _text(100)] | None = None
    note: str = ""
    is_active: bool = True

    @model_validator(mode="after")
    def _substitute_is_clean(self) -> WordEntry:
        if self.word != self.word.lower():
            raise ValueError("word is written in lower case; it is found in any case")
        if self.substitute and re.search(rf"\b{re.escape(self.word)}\b", self.substitute, re.IGNORECASE):
            raise ValueError("substitute holds the word itself")
        return self


class SceneEntry(Entry):
    """The fixed words around the garment lines; key ``key``."""

    key: Slug
    opening: Prose
    closing: Prose
    invariants: dict[str, str]
    is_active: bool = True

    @model_validator(mode="after")
    def _invariants_are_said(self) -> SceneEntry:
        if set(self.invariants) != set(SCENE_INVARIANTS):
            raise ValueError(f"invariants must be exactly {', '.join(SCENE_INVARIANTS)}")
        self.invariants = {name: self.invariants[name] for name in SCENE_INVARIANTS}
        for name, phrase in self.invariants.items():
            if not phrase.strip() or phrase not in f"{self.opening}\n{self.closing}":
                raise ValueError(f"invariant {name} is not said in opening or closing: {phrase!r}")
        return self


class ControlEntry(Entry):
    """The Control settings; a file of one entry."""

    looks_per_day: Annotated[int, Field(ge=1, le=5000)]
    schedule_hour: Annotated[int, Field(ge=0, le=23)]
    hemisphere: Literal["north", "south"]
    image_model: Annotated[str, _text(200)] | None
    prompt_model: Annotated[str, _text(200)]
    dedup_window: Annotated[int, Field(ge=1, le=100_000)]
    deal_tries: Annotated[int, Field(ge=1, le=1000)]
    stale_front: Share
    share_window: Annotated[int, Field(ge=1, le=100_000)]
    innovation_rate: Share
    vocabulary_share: Share
    recompose_limit: Annotated[int, Field(ge=0, le=10)]
    words_least: Annotated[int, Field(ge=1)]
    words_most: Annotated[int, Field(ge=2)]
    negative_cap: Annotated[int, Field(ge=0, le=50)]
    negative_words: Annotated[int, Field(ge=1, le=10)]
    prompt_token_limit: Annotated[int, Field(ge=100, le=100_000)]
    render_tries: Annotated[int, Field(ge=1, le=10)]
    segment_tries: Annotated[int, Field(ge=1, le=20)]

    @model_validator(mode="after")
    def _words_ordered(self) -> ControlEntry:
        if self.words_least >= self.words_most:
            raise ValueError("words_least must be below words_most")
        return self
