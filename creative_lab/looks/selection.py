"""Dealing looks: one designer, one colourway and three outfits, under four guards.

- *dedup*: no outfit is among the last ones dealt. Never relaxed.
- *gate*: the three heroes have different categories, each one allowed for the designer.
- *stale*: undialled items are drawn from the front of a rotation, longest unused first, that changes once a day.
- *target*: an item with a dial (per cent of outfits) is drawn by how far it is behind it: an item that is owed comes
  forward whatever the rotation says, one that is ahead hardly comes at all, a dial of 0 keeps an item out.

A deal that finds nothing is tried again; after ``deal_tries`` draws the stale guard is relaxed, after as many more the
gate, and then the deal is given up as exhausted. The cost of a deal does not depend on the length of the history.
"""

from __future__ import annotations

import hashlib
import json
import random
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from itertools import accumulate
from math import ceil
from typing import Any, Literal

from creative_lab.looks.history import History, Item, PastOutfit, outfit_items
from creative_lab.looks.wardrobe import Colourway, Control, Designer, Garment, Template, Wardrobe

MODELS = 3
POLICY = "deal-1"
"""Name of these rules; change it with them, because effects are estimated within one policy."""

_PULL = 4.0
"""Weight of an item that is one outfit behind its dial, against all undialled candidates together."""
_STRONGEST_PULL = 8.0
_AHEAD = 0.02
"""Weight of an item that is ahead of its dial, against one undialled candidate."""

Relaxed = tuple[Literal["stale", "gate"], ...]
_LEVELS: tuple[Relaxed, ...] = ((), ("stale",), ("stale", "gate"))


class _NothingFits(Exception):
    """This draw came to a dead end; ``guard`` says at which guard."""

    def __init__(self, guard: str, detail: str) -> None:
        super().__init__(detail)
        self.guard, self.detail = guard, detail


@dataclass(frozen=True)
class Pick:
    """One draw and its chance, given everything drawn before it."""

    kind: str
    key: str
    propensity: float
    outfit: int | None = None
    slot: str | None = None


@dataclass(frozen=True)
class Piece:
    """A garment as an outfit wears it."""

    garment: Garment
    cloth: str
    colour_name: str
    slot: str = "hero"
    is_innovation: bool = False

    def as_json(self) -> dict[str, Any]:
        """The piece as manifests store it; the illustrator's fields are category, cut, colour and pattern."""
        garment = self.garment
        value: dict[str, Any] = {
            "garment_id": garment.key,
            "name": garment.name,
            "category": garment.category,
            "cut": garment.cut,
            "colour": self.cloth,
            "colour_name": self.colour_name,
            "pattern": garment.pattern,
            "silhouette_hint": garment.silhouette_hint,
            "fabric": list(garment.fabric),
            "details": list(garment.details),
        }
        return value if self.slot == "hero" else {"slot": self.slot, "is_innovation": self.is_innovation, **value}


@dataclass(frozen=True)
class Outfit:
    """What one model wears, the hero first."""

    template: Template
    pieces: tuple[Piece, ...]
    hash: str

    @property
    def hero(self) -> Piece:
        """The piece that the outfit is about."""
        return self.pieces[0]

    @property
    def garments(self) -> tuple[str, ...]:
        """Keys of the garments."""
        return tuple(piece.garment.key for piece in self.pieces)


@dataclass(frozen=True)
class Deal:
    """One look as it was dealt, or an exhausted deal without outfits."""

    seed: int
    designer: Designer | None
    colourway: Colourway | None
    outfits: tuple[Outfit, ...]
    relaxed: Relaxed
    attempts: int
    guard_log: tuple[dict[str, Any], ...] = ()
    picks: tuple[Pick, ...] = ()

    @property
    def exhausted(self) -> bool:
        """Whether nothing was found that the guards permit."""
        return not self.outfits

    @property
    def look_hash(self) -> str:
        """SHA-256 over designer, colourway and the outfits, whatever their order."""
        assert self.designer is not None
        assert self.colourway is not None
        parts = [self.designer.key, self.colourway.key, *sorted(outfit.hash for outfit in self.outfits)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def outfit_hash(garments: Sequence[str], template: str, colourway: str) -> str:
    """SHA-256 over the garments in whatever order, the template and the colourway."""
    return hashlib.sha256("\n".join([*sorted(garments), template, colourway]).encode()).hexdigest()


def season_of(day: date, hemisphere: str) -> str:
    """Meteorological season of ``day``: spring is March to May in the north, September to November in the south."""
    quarter = (day.month % 12) // 3
    names = ("winter", "spring", "summer", "autumn")
    return names[(quarter + 2) % 4 if hemisphere == "south" else quarter]


def policy_version(control: Control, dials: Mapping[Item, float]) -> str:
    """What draws: the rules, the settings that they read, and the dials."""
    read = {name: value for name, value in asdict(control).items() if name in _POLICY_SETTINGS}
    text = json.dumps([POLICY, read, sorted((*item, value) for item, value in dials.items())], sort_keys=True)
    return f"{POLICY}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


_POLICY_SETTINGS = {"hemisphere", "dedup_window", "deal_tries", "stale_front", "share_window", "innovation_rate"}


@dataclass
class _Pool:
    """Candidates of one choice. Undialled ones in the order of the rotation, of which ``front`` come first."""

    front: list[int]
    rest: list[int]
    dialled: list[int]


@dataclass
class _Draw:
    """A deal in the making."""

    rng: random.Random
    relaxed: Relaxed
    used: set[int] = field(default_factory=set)
    picks: list[Pick] = field(default_factory=list)


class SelectionEngine:
    """Deals looks for one local day from a wardrobe, a history that it adds to, and dials in per cent of outfits."""

    def __init__(self, wardrobe: Wardrobe, history: History, dials: Mapping[Item, float] | None = None) -> None:
        self.control = wardrobe.control
        self.history = history
        self.season = season_of(history.day, self.control.hemisphere)
        self.dials = effective_dials(wardrobe, dials or {})
        self.policy = policy_version(self.control, self.dials)
        self._designers = list(wardrobe.designers)
        self._colourways = [one for one in wardrobe.colourways if self.season in one.seasons]
        self._garments = [one for one in wardrobe.garments if self.season in one.seasons]
        self._templates = list(wardrobe.templates)
        self._items: dict[str, list[Item]] = {
            "designer": [("designer", one.key) for one in self._designers],
            "colourway": [("colourway", one.key) for one in self._colourways],
            "garment": [("garment", one.key) for one in self._garments],
        }
        self._targets = {
            kind: [self.dials.get(item) for item in items] for kind, items in self._items.items()
        }  # share of outfits, or None
        self._rank = {kind: self._ranks(items) for kind, items in self._items.items()}
        self._category: dict[str, list[int]] = {}
        for index, garment in enumerate(self._garments):
            self._category.setdefault(garment.category, []).append(index)
        self._pools: dict[tuple[int, tuple[str, ...]], _Pool] = {}
        self._whole = {kind: self._pool(kind, [list(range(len(items)))]) for kind, items in self._items.items()}
        self._shades = [
            [
                [(colour.cloth, colour.name) for colour in colourway.colours if colour.cloth in garment.colours]
                for garment in self._garments
            ]
            for colourway in self._colourways
        ]

    def rotation(self, kind: str) -> list[str]:
        """Keys of a kind's items that are in season, longest unused first; the same all day."""
        order = sorted(range(len(self._items[kind])), key=self._rank[kind].__getitem__)
        return [self._items[kind][index][1] for index in order]

    def deal(self, seed: int) -> Deal:
        """Deal one look and add it to the history; the same seed and history give the same look."""
        rng = random.Random(seed)
        log: list[dict[str, Any]] = []
        attempt = 0
        for relaxed in _LEVELS:
            if relaxed:
                log.append({"guard": relaxed[-1], "action": "relaxed", "attempt": attempt, "detail": ""})
            for _ in range(self.control.deal_tries):
                attempt += 1
                draw = _Draw(rng, relaxed)
                try:
                    designer, colourway, outfits = self._try(draw)
                except _NothingFits as end:
                    log.append({"guard": end.guard, "action": "redrawn", "attempt": attempt, "detail": end.detail})
                    continue
                self.history.add(
                    self.history.day,
                    [
                        PastOutfit(one.hash, outfit_items(designer.key, colourway.key, one.template.key, one.garments))
                        for one in outfits
                    ],
                )
                return Deal(
                    seed, designer, colourway, outfits, relaxed, attempt, tuple(log), tuple(draw.picks)
                )  # fmt: skip
        log.append({"guard": "dedup", "action": "exhausted", "attempt": attempt, "detail": log[-1]["detail"]})
        return Deal(seed, None, None, (), _LEVELS[-1], attempt, tuple(log))

    def _try(self, draw: _Draw) -> tuple[Designer, Colourway, tuple[Outfit, ...]]:
        designer = self._designers[self._choose(draw, "designer", self._whole["designer"], None, None)]
        number = self._choose(draw, "colourway", self._whole["colourway"], None, None)
        heroes: set[str] = set()
        outfits: list[Outfit] = []
        for model in range(MODELS):
            outfit = self._outfit(draw, designer, number, model, heroes)
            heroes.add(outfit.hero.garment.category)
            if self.history.knows(outfit.hash) or any(outfit.hash == other.hash for other in outfits):
                raise _NothingFits("dedup", f"model {model + 1}: outfit {outfit.hash[:12]} was dealt lately")
            outfits.append(outfit)
        return designer, self._colourways[number], tuple(outfits)

    def _outfit(self, draw: _Draw, designer: Designer, colourway: int, model: int, heroes: set[str]) -> Outfit:
        rng = draw.rng
        gated = "gate" not in draw.relaxed
        options: list[tuple[Template, tuple[str, ...]]] = []
        for template in self._templates:
            categories = tuple(
                category
                for category in template.hero_categories
                if category in self._category
                and not (gated and (category in heroes or category not in designer.hero_categories))
            )
            if categories:
                options.append((template, categories))
        if not options:
            raise _NothingFits("gate", f"model {model + 1}: no hero category is left for {designer.key}")
        template, categories = options[int(rng.random() * len(options))]
        draw.picks.append(Pick("template", template.key, 1 / len(options), model))
        worn: dict[str, int] = {}
        pieces = [self._piece(draw, colourway, categories, model, "hero", worn, None)]
        pattern = pieces[0].garment.pattern
        for slot in template.slots:
            if rng.random() >= slot.chance:
                continue
            piece = self._piece(draw, colourway, slot.categories, model, slot.slot, worn, pattern)
            pieces.append(piece)
            if pattern == "plain":
                pattern = piece.garment.pattern
        keys = [piece.garment.key for piece in pieces]
        return Outfit(template, tuple(pieces), outfit_hash(keys, template.key, self._colourways[colourway].key))

    def _piece(
        self,
        draw: _Draw,
        colourway: int,
        categories: tuple[str, ...],
        model: int,
        slot: str,
        worn: dict[str, int],
        pattern: str | None,
    ) -> Piece:
        pool = self._pools.get((colourway, categories))
        if pool is None:
            shades = self._shades[colourway]
            members = [[one for one in self._category.get(name, ()) if shades[one]] for name in categories]
            pool = self._pools[colourway, categories] = self._pool("garment", members)
        index = self._choose(draw, "garment", pool, model, slot, pattern)
        draw.used.add(index)
        # The least used colour of the outfit: neighbours stay apart, for the eye and for segmentation.
        shades_here = self._shades[colourway][index]
        least = min(worn.get(cloth, 0) for cloth, _ in shades_here)
        free = [shade for shade in shades_here if worn.get(shade[0], 0) == least]
        cloth, name = free[int(draw.rng.random() * len(free))]
        worn[cloth] = worn.get(cloth, 0) + 1
        innovation = slot != "hero" and draw.rng.random() < self.control.innovation_rate
        return Piece(self._garments[index], cloth, name, slot, innovation)

    def _choose(
        self, draw: _Draw, kind: str, pool: _Pool, model: int | None, slot: str | None, pattern: str | None = None
    ) -> int:
        """One weighted draw from ``pool``; records its propensity."""
        used = draw.used if kind == "garment" else ()
        plain = [one for one in pool.front if one not in used]
        if "stale" in draw.relaxed:
            plain += [one for one in pool.rest if one not in used]
        owing: list[int] = [one for one in pool.dialled if one not in used]
        if pattern is not None and pattern != "plain":
            # One pattern speaks per outfit; a second one may only repeat it.
            quiet = ("plain", pattern)
            plain = [one for one in plain if self._garments[one].pattern in quiet] or plain
            owing = [one for one in owing if self._garments[one].pattern in quiet]
        weights = [1.0] * len(plain)
        if owing:
            targets, items, uses = self._targets[kind], self._items[kind], self.history.uses
            coming, whole = self.history.outfits + 1, max(1.0, float(len(plain)))
            for one in owing:
                target = targets[one] or 0.0
                behind = target * coming - uses[items[one]]
                pull = min(_PULL * behind, _STRONGEST_PULL) * whole if behind > 0 else _AHEAD
                weights.append(pull if target > 0 else 0.0)
        candidates = plain + owing
        bounds = list(accumulate(weights))
        if not bounds or bounds[-1] <= 0:
            raise _NothingFits("stale", f"nothing is left for {slot or kind}")
        position = bisect_right(bounds, draw.rng.random() * bounds[-1])
        if position == len(bounds):  # a product may round up to the whole sum
            position = bisect_left(bounds, bounds[-1])
        draw.picks.append(
            Pick(kind, self._items[kind][candidates[position]][1], weights[position] / bounds[-1], model, slot)
        )
        return candidates[position]

    def _pool(self, kind: str, groups: list[list[int]]) -> _Pool:
        """Candidates from groups (categories), of each of which the longest unused share is the front."""
        front: list[int] = []
        rest: list[int] = []
        dialled: list[int] = []
        for members in groups:
            targets = self._targets[kind]
            dialled += [one for one in members if targets[one] is not None]
            free = sorted((one for one in members if targets[one] is None), key=self._rank[kind].__getitem__)
            cut = max(2, ceil(len(free) * self.control.stale_front))
            front += free[:cut]
            rest += free[cut:]
        return _Pool(front, rest, dialled)

    def _ranks(self, items: list[Item]) -> list[tuple[int, str]]:
        """Sort keys of the rotation: day of last use, then a shuffle that is another one every day."""
        day = self.history.day.isoformat()
        used = self.history.last_used
        return [
            (
                used[item].toordinal() if item in used else 0,
                hashlib.sha256(f"{day}|{item[0]}|{item[1]}".encode()).hexdigest(),
            )
            for item in items
        ]


def effective_dials(wardrobe: Wardrobe, learned: Mapping[Item, float]) -> dict[Item, float]:
    """Target shares (0–1) by item: the learned dial where there is one, else the wardrobe's; a locked dial stays."""
    found: dict[Item, float] = {}
    for kind, rows in (
        ("designer", wardrobe.designers),
        ("colourway", wardrobe.colourways),
        ("garment", wardrobe.garments),
    ):
        for row in rows:
            given = learned.get((kind, row.key))
            per_cent = row.target_pct if row.dial_locked or given is None else given
            if per_cent is not None:
                found[kind, row.key] = per_cent / 100
    return found
