"""Dealing a day: from the wardrobe and the past to rows of ``look_manifests`` and an event per deal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from creative_lab.lake.events import record_event
from creative_lab.lake.tables import TableStore
from creative_lab.looks import days
from creative_lab.looks.history import Item, read_history
from creative_lab.looks.prompt_ids import PromptId, allocate
from creative_lab.looks.selection import Deal, SelectionEngine
from creative_lab.looks.tables import LookManifests, TargetDials
from creative_lab.looks.wardrobe import load_wardrobe

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from creative_lab.settings import Settings


@dataclass(frozen=True)
class DealtDay:
    """The day after dealing: all its rows, and which batch was new (None when nothing was missing)."""

    rows: pl.DataFrame
    batch_id: str | None
    new_look_ids: tuple[str, ...]


def deal_seed(day: date, batch: int, position: int) -> int:
    """Seed of one deal: the same place in the same batch of the same day always has the same one."""
    text = f"look|{day.isoformat()}|{batch}|{position}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def learned_dials(store: TableStore, day: date) -> dict[Item, float]:
    """Dials (per cent of outfits) as they stood at the end of the newest day before ``day``."""
    rows = newest_before(store, TargetDials, day)
    return {(row["item_kind"], row["item_key"]): row["target_pct"] for row in rows.iter_rows(named=True)}


def newest_before(store: TableStore, table: Any, day: date) -> pl.DataFrame:
    """Rows of the newest partition of an earlier day: what was learned on ``day`` itself must not act on it."""
    known = [keys for keys in store.partitions(table) if keys["day"] < day.isoformat()]
    return store.read(table, [max(known, key=lambda keys: keys["day"])] if known else [])


def deal_day(settings: Settings, day: date, *, run_id: str, extra: int = 0) -> DealtDay:
    """Deal what the day still lacks of its looks (Control setting ``looks_per_day``), or ``extra`` more looks.

    Dealing again adds nothing to a complete day, and the same run never deals its batch twice. Batches wait for each
    other, because each must know what the others dealt. Numbers and rows belong together: they are taken and written
    under one lock, and a crash in between leaves either none of them or rows whose numbers the next batch respects.
    """
    from creative_lab.state.db import session_scope

    store = TableStore(settings)
    with session_scope(settings) as session:
        days.lock(session, "deal")
        wardrobe = load_wardrobe(session)
        there = days.read_day(store, LookManifests, day)
        wanted = extra or wardrobe.control.looks_per_day - there.height
        dealt_by_run = extra and _batch_of_run(session, day, run_id)
        batch_id, rows = None, there
        new: list[str] = []
        if wanted > 0 and not dealt_by_run:
            control = wardrobe.control
            past = read_history(store, day, dedup_window=control.dedup_window, share_window=control.share_window)
            engine = SelectionEngine(wardrobe, past, learned_dials(store, day))
            number = _next_batch(session, day, there)
            batch_id = f"{day.isoformat()}-b{number:02d}"
            deals = [engine.deal(deal_seed(day, number, position)) for position in range(wanted)]
            _open_batch(session, batch_id, day, number, deals, run_id=run_id, policy=engine.policy)
            ids = iter(allocate(session, day, sum(not one.exhausted for one in deals), batch_id, floor=_highest(there)))
            fresh = [
                manifest_row(deal, day, batch_id, position, engine.policy, None if deal.exhausted else next(ids))
                for position, deal in enumerate(deals)
            ]
            new = [row["look_id"] for row in fresh]
            rows = days.replace_rows(
                store, LookManifests, day, pl.DataFrame(fresh, infer_schema_length=None),
                settings=settings, run_id=run_id, keys=["look_id"],
            )  # fmt: skip
        elif there.is_empty():
            rows = days.replace_rows(
                store, LookManifests, day, there, settings=settings, run_id=run_id, keys=["look_id"]
            )
    record_deals(settings, rows)
    return DealtDay(rows, batch_id, tuple(new))


def manifest_row(
    deal: Deal, day: date, batch_id: str, position: int, policy: str, prompt_id: PromptId | None
) -> dict[str, Any]:
    """A deal as a row of ``look_manifests``."""
    log = json.dumps(list(deal.guard_log), ensure_ascii=False)
    row: dict[str, Any] = {
        "day": day.isoformat(),
        "look_id": prompt_id.look_id if prompt_id else f"{batch_id}-x{position:04d}",
        "prompt_id": str(prompt_id) if prompt_id else None,
        "local_date": day,
        "batch_id": batch_id,
        "position": position,
        "seed": deal.seed,
        "status": "exhausted" if deal.exhausted else "dealt",
        "designer": None,
        "designer_name": None,
        "colourway": None,
        "colourway_name": None,
        "colours": "[]",
        "outfits": "[]",
        "outfit_hashes": [],
        "look_hash": None,
        "garment_ids": [],
        "hero_categories": [],
        "guard_log": log,
        "relaxed": list(deal.relaxed),
        "attempts": deal.attempts,
        "policy_version": policy,
        "picks": json.dumps([asdict(pick) for pick in deal.picks]),
    }
    if deal.designer is None or deal.colourway is None:
        return row
    heroes = [outfit.hero.garment.key for outfit in deal.outfits]
    others = [key for outfit in deal.outfits for key in outfit.garments[1:]]
    return row | {
        "designer": deal.designer.key,
        "designer_name": deal.designer.name,
        "colourway": deal.colourway.key,
        "colourway_name": deal.colourway.name,
        "colours": json.dumps([asdict(colour) for colour in deal.colourway.colours], ensure_ascii=False),
        "outfits": json.dumps(
            [
                {
                    "model_index": index,
                    "template": outfit.template.key,
                    "hero": outfit.hero.as_json(),
                    "slots": [piece.as_json() for piece in outfit.pieces[1:]],
                }
                for index, outfit in enumerate(deal.outfits)
            ],
            ensure_ascii=False,
        ),
        "outfit_hashes": [outfit.hash for outfit in deal.outfits],
        "look_hash": deal.look_hash,
        "garment_ids": list(dict.fromkeys([*heroes, *others])),
        "hero_categories": [outfit.hero.garment.category for outfit in deal.outfits],
    }


def record_deals(settings: Settings, rows: pl.DataFrame) -> None:
    """One event of stage ``select`` per row, however often this is called: ok, warn (relaxed) or fail (exhausted)."""
    for row in rows.iter_rows(named=True):
        log: list[Mapping[str, Any]] = json.loads(row["guard_log"])
        status, reason = "ok", None
        if row["status"] == "exhausted":
            last = log[-1] if log else {"guard": "dedup", "detail": ""}
            status = "fail"
            reason = f"dedup_exhausted: nothing permitted in {row['attempts']} draws; last: {last['detail']}"
        elif row["relaxed"]:
            status, reason = "warn", f"relaxed: {', '.join(row['relaxed'])}"
        record_event(
            settings,
            stage="select",
            status=status,  # type: ignore[arg-type]
            reason=reason,
            run_id=row["run_id"],
            event_id=f"select-{row['look_id']}",
            look_id=row["look_id"],
            detail={"prompt_id": row["prompt_id"], "batch_id": row["batch_id"], "attempts": row["attempts"],
                    "policy": row["policy_version"]},
        )  # fmt: skip


def _next_batch(session: Session, day: date, there: pl.DataFrame) -> int:
    from sqlalchemy import func, select

    from creative_lab.state.models import LookBatch

    known = session.scalar(select(func.max(LookBatch.number)).where(LookBatch.local_date == day)) or 0
    written = [int(batch.rpartition("-b")[2]) for batch in there["batch_id"].unique()]
    return int(max([known, *written])) + 1


def _batch_of_run(session: Session, day: date, run_id: str) -> str | None:
    from sqlalchemy import select

    from creative_lab.state.models import LookBatch

    return session.scalar(
        select(LookBatch.batch_id).where(LookBatch.local_date == day, LookBatch.run_id == run_id).limit(1)
    )


def _open_batch(
    session: Session, batch_id: str, day: date, number: int, deals: list[Deal], *, run_id: str, policy: str
) -> None:
    from creative_lab.state.models import LookBatch

    exhausted = sum(deal.exhausted for deal in deals)
    session.add(
        LookBatch(
            batch_id=batch_id,
            local_date=day,
            number=number,
            run_id=run_id,
            dealt=len(deals) - exhausted,
            exhausted=exhausted,
            policy_version=policy,
        )
    )
    session.flush()


def _highest(there: pl.DataFrame) -> int:
    """Highest number among rows of the day, which may know more than the database after a crash."""
    return max((PromptId.parse(text).number for text in there["prompt_id"].drop_nulls()), default=0)
