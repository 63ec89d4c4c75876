"""The shipped wardrobe without a database, a very small one, and deals and briefs from them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any, TypeVar

from creative_lab.looks import wardrobe as plain
from creative_lab.looks.history import History, Item
from creative_lab.looks.manifests import manifest_row
from creative_lab.looks.prompt_ids import PromptId
from creative_lab.looks.selection import SelectionEngine
from creative_lab.settings import REPOSITORY_ROOT

T = TypeVar("T")
SHIPPED = REPOSITORY_ROOT / "data" / "looks"
SPRING = date(2026, 5, 4)


def _rows(name: str) -> list[dict[str, Any]]:
    return list(json.loads((SHIPPED / f"{name}.json").read_text()))


def _made(kind: type[T], row: Mapping[str, Any], **given: Any) -> T:
    values = {field.name: given.get(field.name, row[field.name]) for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


@cache
def shipped() -> plain.Wardrobe:
    """The wardrobe of ``data/looks``."""
    return plain.Wardrobe(
        designers=tuple(_made(plain.Designer, row) for row in _rows("designers")),
        colourways=tuple(
            _made(plain.Colourway, row, colours=tuple(plain.NamedColour(**one) for one in row["colours"]))
            for row in _rows("colourways")
        ),
        garments=tuple(_made(plain.Garment, row) for row in _rows("garments")),
        templates=tuple(
            _made(
                plain.Template,
                row,
                slots=tuple(plain.Slot(s["slot"], tuple(s["categories"]), s["chance"]) for s in row["slots"]),
            )
            for row in _rows("outfit_templates")
        ),
        banned_words=tuple(_made(plain.BannedWord, row) for row in _rows("vocabulary")),
        scene=_made(plain.Scene, _rows("scenes")[0]),
        control=plain.Control(**_rows("control")[0]),
    )


def changed(wardrobe: plain.Wardrobe, **control: Any) -> plain.Wardrobe:
    """``wardrobe`` with other Control settings."""
    return dataclasses.replace(wardrobe, control=dataclasses.replace(wardrobe.control, **control))


def tiny(*, hero_categories: tuple[str, ...] = ("coat", "dress", "blazer"), each: int = 1) -> plain.Wardrobe:
    """One designer, one colourway, ``each`` garments per category and one template per hero: few outfits exist."""
    seasons = ("spring", "summer", "autumn", "winter")
    cuts = {"coat": "straight", "dress": "shift", "blazer": "slim", "shoes": "flat"}

    def garment(category: str, number: int) -> plain.Garment:
        name = f"Number {number} {category}"
        return plain.Garment(
            f"{category}-{number}", name, category, cuts[category], "plain", f"a {category} of form {number}",
            ("wool",), ("a hem",), ("black", "white"), seasons,
        )  # fmt: skip

    return dataclasses.replace(
        shipped(),
        designers=(plain.Designer("anna", "Anna Anders", "Plain.", hero_categories),),
        colourways=(
            plain.Colourway(
                "two", "Two Tone", "", (plain.NamedColour("Coal", "black"), plain.NamedColour("Salt", "white")), seasons
            ),
        ),
        garments=tuple(garment(category, number) for category in (*hero_categories, "shoes") for number in range(each)),
        templates=tuple(
            plain.Template(f"t-{category}", category, "", (category,), (plain.Slot("shoes", ("shoes",)),))
            for category in hero_categories
        ),
    )


def engine(
    wardrobe: plain.Wardrobe | None = None, *, day: date = SPRING, dials: Mapping[Item, float] | None = None
) -> SelectionEngine:
    """An engine without a past."""
    wardrobe = wardrobe or shipped()
    control = wardrobe.control
    return SelectionEngine(
        wardrobe, History(day, dedup_window=control.dedup_window, share_window=control.share_window), dials
    )


def manifest(seed: int = 1, *, wardrobe: plain.Wardrobe | None = None, day: date = SPRING) -> dict[str, Any]:
    """A row of ``look_manifests`` as the asset stores it."""
    made = engine(wardrobe, day=day)
    return manifest_row(made.deal(seed), day, f"{day}-b01", 0, made.policy, PromptId(day, 1))
