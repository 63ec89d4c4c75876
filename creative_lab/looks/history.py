"""What was dealt before: the hashes that may not come again, when an item was last used, and how often lately."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from creative_lab.lake.tables import TableStore

Item = tuple[str, str]
"""Kind (designer, colourway, garment, template) and key."""

ROTATION_DAYS = 120
"""Days back that are read at least; what was not used within them counts as never used."""

_COLUMNS = ["local_date", "look_id", "status", "designer", "colourway", "outfits", "outfit_hashes", "garment_ids"]


@dataclass(frozen=True)
class PastOutfit:
    """One outfit that was dealt, with everything that counts as used by it."""

    hash: str
    items: tuple[Item, ...]


class History:
    """The past as a deal on ``day`` sees it. Adding and asking take the same time however long the past is.

    Shares are measured over the newest ``share_window`` outfits. When an item was last used is known for the days
    *before* ``day`` only, so that the rotation stays the same all day.
    """

    def __init__(self, day: date, *, dedup_window: int, share_window: int) -> None:
        self.day = day
        self.recent: deque[str] = deque(maxlen=dedup_window)
        self.later: frozenset[str] = frozenset()
        """Hashes of the outfits right after ``day``, which a day filled in later must not repeat either."""
        self.last_used: dict[Item, date] = {}
        self.uses: Counter[Item] = Counter()
        self._times: Counter[str] = Counter()
        self._window: deque[tuple[Item, ...]] = deque()
        self._share_window = share_window

    @property
    def outfits(self) -> int:
        """Outfits in the window over which shares are measured."""
        return len(self._window)

    def knows(self, outfit_hash: str) -> bool:
        """Whether the outfit is among the last ones (or, filling in an earlier day, the next ones)."""
        return self._times[outfit_hash] > 0 or outfit_hash in self.later

    def realised(self, item: Item) -> float:
        """Share of the window's outfits that had the item, from 0 to 1."""
        return self.uses[item] / len(self._window) if self._window else 0.0

    def add(self, day: date, outfits: Iterable[PastOutfit]) -> None:
        """Count outfits of ``day``; days come in order."""
        for outfit in outfits:
            if len(self.recent) == self.recent.maxlen:
                oldest = self.recent[0]
                self._times[oldest] -= 1
                if not self._times[oldest]:
                    del self._times[oldest]
            self.recent.append(outfit.hash)
            self._times[outfit.hash] += 1
            self._window.append(outfit.items)
            self.uses.update(outfit.items)
            if len(self._window) > self._share_window:
                for item in self._window.popleft():
                    self.uses[item] -= 1
            if day < self.day:
                for item in outfit.items:
                    self.last_used[item] = day


def outfit_items(designer: str, colourway: str, template: str, garments: Sequence[str]) -> tuple[Item, ...]:
    """What an outfit uses."""
    return (
        ("designer", designer),
        ("colourway", colourway),
        ("template", template),
        *(("garment", key) for key in garments),
    )


def read_history(store: TableStore, day: date, *, dedup_window: int, share_window: int) -> History:
    """The history before the next deal of ``day``, from the manifests in the lake.

    Partitions are read from the newest day back, only as many as the windows and the rotation need.
    """
    from creative_lab.looks.tables import LookManifests

    days = sorted(date.fromisoformat(keys["day"]) for keys in store.partitions(LookManifests))
    earlier: list[pl.DataFrame] = []
    found, most = 0, max(dedup_window, share_window)
    for past in reversed([one for one in days if one <= day]):
        if found >= most and past < day - timedelta(days=ROTATION_DAYS):
            break
        frame = _dealt(store, past)
        found += 3 * frame.height
        earlier.append(frame)
    history = History(day, dedup_window=dedup_window, share_window=share_window)
    for frame in reversed(earlier):
        for row in frame.iter_rows(named=True):
            history.add(row["local_date"], past_outfits(row))
    later: list[str] = []
    for coming in (one for one in days if one > day):
        if len(later) >= dedup_window:
            break
        later += [value for hashes in _dealt(store, coming)["outfit_hashes"].to_list() for value in hashes]
    history.later = frozenset(later[:dedup_window])
    return history


def past_outfits(row: dict[str, Any]) -> list[PastOutfit]:
    """The outfits of one row of ``look_manifests``."""
    return [
        PastOutfit(
            outfit_hash,
            outfit_items(
                row["designer"],
                row["colourway"],
                outfit["template"],
                [piece["garment_id"] for piece in (outfit["hero"], *outfit["slots"])],
            ),
        )
        for outfit_hash, outfit in zip(row["outfit_hashes"], json.loads(row["outfits"]), strict=True)
    ]


def _dealt(store: TableStore, day: date) -> pl.DataFrame:
    import polars as pl

    from creative_lab.looks.tables import LookManifests

    rows = store.scan(LookManifests, [{"day": day.isoformat()}])
    return rows.select(_COLUMNS).filter(pl.col("status").cast(pl.String) == "dealt").sort("look_id").collect()
