"""The wardrobe and the rules as plain values, so that dealing and composing need no database."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

T = TypeVar("T")


class WardrobeError(ValueError):
    """The wardrobe lacks something without which no look can be made; the message says what to do."""


@dataclass(frozen=True)
class NamedColour:
    """One colour of a colourway and the cloth colour that comes nearest to it."""

    name: str
    cloth: str


@dataclass(frozen=True)
class Designer:
    """A designer; see ``state.models.looks`` for the meaning of the fields."""

    key: str
    name: str
    signature: str
    hero_categories: tuple[str, ...]
    target_pct: float | None = None
    dial_locked: bool = False


@dataclass(frozen=True)
class Colourway:
    """A colourway."""

    key: str
    name: str
    mood: str
    colours: tuple[NamedColour, ...]
    seasons: tuple[str, ...]
    target_pct: float | None = None
    dial_locked: bool = False


@dataclass(frozen=True)
class Garment:
    """A garment of the wardrobe."""

    key: str
    name: str
    category: str
    cut: str
    pattern: str
    silhouette_hint: str
    fabric: tuple[str, ...]
    details: tuple[str, ...]
    colours: tuple[str, ...]
    seasons: tuple[str, ...]
    target_pct: float | None = None
    dial_locked: bool = False


@dataclass(frozen=True)
class Slot:
    """A slot that a template fills around its hero, with the chance that it is filled at all."""

    slot: str
    categories: tuple[str, ...]
    chance: float = 1.0


@dataclass(frozen=True)
class Template:
    """How an outfit is built."""

    key: str
    name: str
    description: str
    hero_categories: tuple[str, ...]
    slots: tuple[Slot, ...]


@dataclass(frozen=True)
class BannedWord:
    """A word that the brand does not use; ``substitute`` is None where only a new text helps."""

    word: str
    substitute: str | None
    note: str = ""


@dataclass(frozen=True)
class Scene:
    """The fixed words around the garment lines, and the phrase of each invariant."""

    key: str
    opening: str
    closing: str
    invariants: dict[str, str]


@dataclass(frozen=True)
class Control:
    """The Control settings; see ``state.models.looks.LookControl``."""

    looks_per_day: int = 6
    schedule_hour: int = 6
    hemisphere: str = "north"
    image_model: str | None = None
    prompt_model: str = "gemini/gemini-2.5-flash"
    dedup_window: int = 200
    deal_tries: int = 40
    stale_front: float = 0.5
    share_window: int = 900
    innovation_rate: float = 0.15
    vocabulary_share: float = 0.5
    recompose_limit: int = 2
    words_least: int = 150
    words_most: int = 250
    negative_cap: int = 12
    negative_words: int = 5
    prompt_token_limit: int = 480
    render_tries: int = 3
    segment_tries: int = 5


@dataclass(frozen=True)
class Wardrobe:
    """Everything active that looks are dealt from and written with, sorted by key."""

    designers: tuple[Designer, ...]
    colourways: tuple[Colourway, ...]
    garments: tuple[Garment, ...]
    templates: tuple[Template, ...]
    banned_words: tuple[BannedWord, ...]
    scene: Scene
    control: Control


def load_control(session: Session) -> Control:
    """The Control settings as they stand."""
    from creative_lab.state.models import LookControl

    return _plain(Control, LookControl.get_instance(session))


def load_wardrobe(session: Session) -> Wardrobe:
    """The active wardrobe; raises :class:`WardrobeError` when it is empty or no scene is active."""
    from sqlalchemy import select

    from creative_lab.state import models

    def active(model: Any, key: str = "key") -> list[Any]:
        return list(session.scalars(select(model).where(model.is_active).order_by(getattr(model, key))))

    scenes = active(models.LookScene)
    wardrobe = {
        "designers": [_plain(Designer, row) for row in active(models.Designer)],
        "colourways": [
            _plain(Colourway, row, colours=tuple(NamedColour(one["name"], one["cloth"]) for one in row.colours))
            for row in active(models.Colourway)
        ],
        "garments": [_plain(Garment, row) for row in active(models.WardrobeGarment)],
        "templates": [
            _plain(
                Template,
                row,
                slots=tuple(Slot(one["slot"], tuple(one["categories"]), float(one["chance"])) for one in row.slots),
            )
            for row in active(models.OutfitTemplate)
        ],
    }
    empty = [name for name, rows in wardrobe.items() if not rows] + ([] if scenes else ["scene"])
    if empty:
        raise WardrobeError(f"the wardrobe has no active {', '.join(empty)}: run creative-lab looks import")
    return Wardrobe(
        **{name: tuple(rows) for name, rows in wardrobe.items()},  # type: ignore[arg-type]
        banned_words=tuple(_plain(BannedWord, row) for row in active(models.BannedWord, "word")),
        scene=_plain(Scene, scenes[0]),
        control=load_control(session),
    )


def _plain(kind: type[T], row: object, **given: Any) -> T:
    values = {field.name: given.get(field.name, getattr(row, field.name)) for field in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})
