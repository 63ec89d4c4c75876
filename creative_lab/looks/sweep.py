"""Finding renders without masks in the lake, masks without renders, and masks that were made twice.

A sweep lists the day files of ``look_renders`` and ``garment_masks`` and reads only the days whose files changed since
the sweep before; of the others it remembers what was missing, in a small JSON file that may be deleted
at any time. The first sweep reads everything.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from creative_lab.lake.fs import FileSystem
from creative_lab.lake.schemas import table_info
from creative_lab.lake.tables import DATA_FILE, MissingPartition, TableStore, partition_of
from creative_lab.looks.claims import RenderKey, Wanted
from creative_lab.looks.keys import Keys, compare
from creative_lab.looks.tables import GarmentMasks, LookRenders
from creative_lab.settings import Settings

_INDEX = "sweep.json"
_SHAPE = 1
"""Changes when the index does, which makes old ones be read anew."""
_DAYS_AT_ONCE = 64
_OWN_ID = r"^\d{4}-\d{2}-\d{2}-\d{4,7}$"
_FOREIGN = 1 << 24
"""Numbers from here on stand for ids that are not of our own form."""
_TRIES = 3


@dataclass(frozen=True)
class DayState:
    """What a sweep found out about one day."""

    renders: str | None
    """Version of the day's file of renders, None where there is none."""
    masks: str | None
    rendered: int
    segmented: int
    missing: list[tuple[str, int, str]]
    """(look_id, render_no, rendered_at in ISO 8601)."""
    duplicates: list[tuple[str, int]]
    orphans: list[tuple[str, int]]


@dataclass(frozen=True)
class SweepReport:
    """What does not fit, exactly, over all days."""

    days: int
    days_read: int
    rendered: int
    """Renders that have a picture."""
    segmented: int
    """Pictures with masks, or with the record that there is no garment."""
    missing: list[Wanted]
    """Oldest first."""
    duplicates: list[RenderKey]
    orphans: list[RenderKey]
    versions: dict[str, str]
    """Version of the renders of each day that misses something."""
    rendered_by_day: dict[str, int]
    seconds: float

    def oldest_age_s(self, now: datetime) -> float:
        """Age of the oldest picture without masks; 0 when there is none."""
        return max((now - self.missing[0].rendered_at).total_seconds(), 0.0) if self.missing else 0.0


def sweep(settings: Settings, *, afresh: bool = False) -> SweepReport:
    """Compare all renders with all masks; ``afresh`` reads every day whatever is remembered. Safe beside writers."""
    begun = time.perf_counter()
    store, notes = TableStore(settings), FileSystem(settings.home / "looks")
    with notes.lock("sweep"):
        for attempt in range(_TRIES):
            known = {} if afresh else _remembered(notes)
            renders, masks = _versions(store, LookRenders), _versions(store, GarmentMasks)
            days = sorted(set(renders) | set(masks))
            changed = [
                day
                for day in days
                if day not in known or (known[day].renders, known[day].masks) != (renders.get(day), masks.get(day))
            ]
            try:
                fresh = _read(store, changed, renders, masks)
                break
            except MissingPartition:  # a day's file was removed since it was listed
                if attempt == _TRIES - 1:
                    raise
        states = {day: fresh[day] if day in fresh else known[day] for day in days}
        if changed or set(known) - set(days):
            _remember(notes, states)
    wanted = [
        Wanted(RenderKey(look_id, render_no), day, datetime.fromisoformat(at))
        for day, state in states.items()
        for look_id, render_no, at in state.missing
    ]
    return SweepReport(
        days=len(days),
        days_read=len(changed),
        rendered=sum(state.rendered for state in states.values()),
        segmented=sum(state.segmented for state in states.values()),
        missing=sorted(wanted, key=lambda item: (item.rendered_at, item.key)),
        duplicates=[RenderKey(*key) for state in states.values() for key in state.duplicates],
        orphans=[RenderKey(*key) for state in states.values() for key in state.orphans],
        versions={day: state.renders for day, state in states.items() if state.missing and state.renders},
        rendered_by_day={day: state.rendered for day, state in states.items()},
        seconds=time.perf_counter() - begun,
    )


def segmented_among(settings: Settings, wanted: Iterable[tuple[str, RenderKey]]) -> list[RenderKey]:
    """Those of the (day, key) pairs whose masks are in the lake now."""
    by_day: dict[str, set[RenderKey]] = {}
    for day, key in wanted:
        by_day.setdefault(day, set()).add(key)
    store = TableStore(settings)
    found: list[RenderKey] = []
    for day, keys in by_day.items():
        if not store.exists(GarmentMasks, {"day": day}):
            continue
        rows = store.scan(GarmentMasks, [{"day": day}]).select("look_id", "render_no").unique().collect()
        found += sorted(keys & {RenderKey(*row) for row in rows.iter_rows()})
    return found


# --- reading days


def _versions(store: TableStore, table: Any) -> dict[str, str]:
    info = table_info(table)
    files = store.files.list(f"tables/{info.name}", suffix=f"/{DATA_FILE}")
    return {keys["day"]: file.version for file in files if (keys := partition_of(info, file.name)) is not None}


def _read(
    store: TableStore, changed: Sequence[str], renders: dict[str, str], masks: dict[str, str]
) -> dict[str, DayState]:
    found: dict[str, DayState] = {}
    for start in range(0, len(changed), _DAYS_AT_ONCE):
        days = list(changed[start : start + _DAYS_AT_ONCE])
        rendered = (
            store.scan(LookRenders, [{"day": day} for day in days if day in renders])
            .filter(pl.col("status") == "ok")
            .select("day", "look_id", "render_no", "rendered_at")
            .collect()
        )
        # The first garment of a picture, or its record of none, stands for the picture.
        segmented = (
            store.scan(GarmentMasks, [{"day": day} for day in days if day in masks])
            .filter(pl.col("instance") == 0)
            .select("day", "look_id", "render_no")
            .collect()
        )
        found |= _compare_days(days, rendered, segmented, renders, masks)
    return found


def _compare_days(
    days: list[str], rendered: pl.DataFrame, segmented: pl.DataFrame, renders: dict[str, str], masks: dict[str, str]
) -> dict[str, DayState]:
    foreign = _foreign_ids(rendered, segmented)
    difference = compare(_keys(rendered, days, foreign), _keys(segmented, days, foreign))
    names = {number: look_id for look_id, number in foreign.items()}

    def by_day(keys: Keys) -> dict[int, list[tuple[str, int]]]:
        sorted_out: dict[int, list[tuple[str, int]]] = {}
        for day, number, render_no in keys.tuples():
            look_id = names.get(number) or f"{days[day]}-{number:04d}"
            sorted_out.setdefault(day, []).append((look_id, render_no))
        return sorted_out

    missing, duplicates, orphans = (
        by_day(keys) for keys in (difference.missing, difference.duplicates, difference.orphans)
    )
    rows = dict(rendered.group_by("day").len().iter_rows())
    made = dict(segmented.unique(["day", "look_id", "render_no"]).group_by("day").len().iter_rows())
    absent = [(days[place], *key) for place, keys in missing.items() for key in keys]
    columns = ["day", "look_id", "render_no"]
    wanted = pl.DataFrame(absent, schema=rendered.select(columns).schema, orient="row")
    moments = {row[:3]: row[3].isoformat() for row in rendered.join(wanted, on=columns, how="semi").iter_rows()}
    states = {}
    for place, day in enumerate(days):
        states[day] = DayState(
            renders=renders.get(day),
            masks=masks.get(day),
            rendered=rows.get(day, 0),
            segmented=made.get(day, 0),
            missing=[(*key, moments[day, *key]) for key in missing.get(place, [])],
            duplicates=duplicates.get(place, []),
            orphans=orphans.get(place, []),
        )
    return states


def _own() -> pl.Expr:
    """Ids that a day and a number make up, and nothing else."""
    number = pl.col("look_id").str.slice(11)
    padded = (number.str.len_bytes() == 4) | ~number.str.starts_with("0")
    return pl.col("look_id").str.contains(_OWN_ID) & pl.col("look_id").str.starts_with(pl.col("day")) & padded


def _foreign_ids(*frames: pl.DataFrame) -> dict[str, int]:
    ids: set[str] = set()
    for frame in frames:
        ids.update(frame.filter(~_own())["look_id"])
    return {look_id: _FOREIGN + place for place, look_id in enumerate(sorted(ids))}


def _keys(frame: pl.DataFrame, days: list[str], foreign: dict[str, int]) -> Keys:
    places = pl.DataFrame({"day": days, "place": np.arange(len(days), dtype=np.int32)})
    number = pl.col("look_id").str.slice(11).cast(pl.Int32, strict=False)
    if foreign:
        number = pl.when(_own()).then(number).otherwise(
            pl.col("look_id").replace_strict(foreign, default=None, return_dtype=pl.Int32)
        )  # fmt: skip
    columns = frame.join(places, on="day", how="left", maintain_order="left").select(
        "place", "render_no", number=number
    )
    return Keys(columns["place"].to_numpy(), columns["number"].to_numpy(), columns["render_no"].to_numpy())


# --- what is remembered


def _remembered(notes: FileSystem) -> dict[str, DayState]:
    try:
        value = json.loads(notes.read_bytes(_INDEX))
        if value["shape"] != _SHAPE:
            return {}
        return {
            day: DayState(
                **state | {name: [tuple(item) for item in state[name]] for name in ("missing", "duplicates", "orphans")}
            )
            for day, state in value["days"].items()
        }
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return {}


def _remember(files: FileSystem, states: dict[str, DayState]) -> None:
    value = {"shape": _SHAPE, "days": {day: asdict(state) for day, state in states.items()}}
    files.write_bytes(_INDEX, json.dumps(value, separators=(",", ":")).encode())
