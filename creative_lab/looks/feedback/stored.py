"""Learning from what is stored: looks and grades up to a day go in, rows of ``learned_intel`` and dials come out."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import polars as pl
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from creative_lab.lake.schemas import TableSchema, table_frame
from creative_lab.lake.tables import TableStore
from creative_lab.looks.composing import LABELS
from creative_lab.looks.grading import counting
from creative_lab.looks.history import Item, read_history
from creative_lab.looks.learning import (
    Decision,
    GradedLook,
    GradeGiven,
    Known,
    fragments,
    learn,
    lemma,
    parsed_innovations,
)
from creative_lab.looks.manifests import learned_dials, newest_before
from creative_lab.looks.strategist import Dial, Lever, move_dials
from creative_lab.looks.tables import LearnedIntel, LookGrades, LookManifests, LookPrompts, TargetDials
from creative_lab.looks.wardrobe import Wardrobe
from creative_lab.state.models import KillPhrase

WINDOW_DAYS = 90
"""Days back whose looks are learned from: taste changes, and the cost of a day stays the same for ever."""
_LABEL = re.compile("|".join(map(re.escape, LABELS)))
FAULT_WORDS = (
    "shadow", "hand", "finger", "face", "wrinkle", "crease", "logo", "text", "letter", "watermark", "prop", "chair",
    "floor", "background", "blur", "glare", "reflection", "crop", "leg", "foot", "arm", "hair", "smile", "pose", "bag",
    "hat", "belt", "collar", "sleeve", "hem", "pocket", "button", "zip", "lace", "sequin", "ruffle", "fringe", "print",
)  # fmt: skip
"""Things that graders point at, beside the words of the wardrobe."""


def graded_looks(store: TableStore, day: date, wardrobe: Wardrobe) -> list[GradedLook]:
    """Looks of the last days up to ``day`` with the grades that they had by its end."""
    first, last = (day - timedelta(days=WINDOW_DAYS)).isoformat(), day.isoformat()
    manifests = _window(store, LookManifests, first, last).filter(pl.col("status").cast(pl.String) == "dealt")
    prompts = {row["look_id"]: row for row in _window(store, LookPrompts, first, last).iter_rows(named=True)}
    grades = counting(_window(store, LookGrades, first, last))
    own: dict[str, list[GradeGiven]] = {}
    for row in grades.iter_rows(named=True):
        own.setdefault(row["look_id"], []).append(
            GradeGiven(
                grade_id=row["grade_id"],
                score=row["score"],
                day=row["day"],
                note=row["note"],
                tags=tuple(row["tags"]),
                garment=row["garment_id"],
                order=row["graded_at"].isoformat(),
            )
        )
    texts = _wardrobe_text(wardrobe)
    return [
        _graded_look(row, prompts.get(row["look_id"]), own.get(row["look_id"], []), texts, wardrobe)
        for row in manifests.sort("look_id").iter_rows(named=True)
    ]


def _graded_look(
    row: dict[str, Any], prompt: dict[str, Any] | None, grades: list[GradeGiven], texts: str, wardrobe: Wardrobe
) -> GradedLook:
    found: tuple[str, ...] = ()
    brought: tuple[str, ...] = ()
    if prompt is not None and prompt["status"] == "ok" and prompt["prompt"]:
        # A garment's own words come with the garment, whoever writes: only what the writer added is credited.
        lines = " . ".join(_LABEL.split(prompt["prompt"])[1:])
        found = tuple(text for text in fragments(lines) if text not in texts)
        new = parsed_innovations(prompt["innovation_slots"])
        names = [garment.name.lower() for garment in wardrobe.garments if garment.key in new]
        clauses = [line for line in re.split(r"[.;]", lines.lower()) if any(name in line for name in names)]
        brought = tuple(text for text in fragments(" . ".join(clauses)) if text in found)
    return GradedLook(
        look_id=row["look_id"],
        day=row["day"],
        designer=row["designer"],
        colourway=row["colourway"],
        garments=tuple(row["garment_ids"]),
        fragments=found,
        innovations=brought,
        grades=tuple(grades),
    )


def learned_rows(
    store: TableStore, session: Session, day: date, wardrobe: Wardrobe, looks: list[GradedLook] | None = None
) -> pl.DataFrame:
    """The partition ``day`` of ``learned_intel``."""
    looks = graded_looks(store, day, wardrobe) if looks is None else looks
    before = newest_before(store, LearnedIntel, day)
    known = Known(
        first_seen=dict(before.select("intel_id", "first_seen").iter_rows()),
        status=dict(before.select("intel_id", pl.col("status").cast(pl.String)).iter_rows()),
    )
    rows = learn(
        day.isoformat(),
        looks,
        decisions=decisions(session),
        nouns=concrete_nouns(wardrobe),
        known=known,
        used=_last_used(store, day),
    )
    return table_frame(LearnedIntel, [{"day": day.isoformat(), **asdict(row)} for row in rows])


def dial_rows(store: TableStore, day: date, wardrobe: Wardrobe, looks: list[GradedLook] | None = None) -> pl.DataFrame:
    """The partition ``day`` of ``target_dials``."""
    looks = graded_looks(store, day, wardrobe) if looks is None else looks
    control = wardrobe.control
    past = read_history(store, day, dedup_window=control.dedup_window, share_window=control.share_window)
    shelf = levers(wardrobe, learned_dials(store, day))
    realised = {(lever.kind, lever.key): past.realised((lever.kind, lever.key)) for lever in shelf}
    dials = move_dials(shelf, looks, day=day.isoformat(), realised=realised)
    return table_frame(TargetDials, [_dial_row(day, dial) for dial in dials])


def levers(wardrobe: Wardrobe, learned: dict[Item, float]) -> list[Lever]:
    """Every active item with its fair share and its dial: a locked or unlearned one is the wardrobe's own.

    A garment's fair share is what it has when the outfits' slots are shared equally among the garments that fit them.
    """
    found = []
    kinds: tuple[tuple[str, Any, dict[str, float]], ...] = (
        ("designer", wardrobe.designers, {}),
        ("colourway", wardrobe.colourways, {}),
        ("garment", wardrobe.garments, fair_garment_shares(wardrobe)),
    )
    for kind, rows, shares in kinds:
        for row in rows:
            fair = shares.get(row.key, 0.0) if kind == "garment" else 100.0 / len(rows)
            current = row.target_pct if row.dial_locked else learned.get((kind, row.key), row.target_pct)
            if fair > 0:
                found.append(Lever(kind, row.key, fair, current, row.dial_locked))
    return found


def fair_garment_shares(wardrobe: Wardrobe) -> dict[str, float]:
    """Per cent of outfits that each garment is in when templates and the garments of a slot are drawn evenly."""
    sizes: dict[str, int] = {}
    for garment in wardrobe.garments:
        sizes[garment.category] = sizes.get(garment.category, 0) + 1
    per_category: dict[str, float] = {}
    for template in wardrobe.templates:
        slots = [(template.hero_categories, 1.0), *((slot.categories, slot.chance) for slot in template.slots)]
        for categories, chance in slots:
            there = sum(sizes.get(category, 0) for category in categories)
            for category in categories:
                if there:
                    share = chance * sizes.get(category, 0) / there / len(wardrobe.templates)
                    per_category[category] = per_category.get(category, 0.0) + share
    return {
        garment.key: min(100 * per_category.get(garment.category, 0.0) / sizes[garment.category], 100.0)
        for garment in wardrobe.garments
    }


# --- kill phrases: people decide


def decisions(session: Session) -> dict[str, Decision]:
    """What people decided about phrases."""
    return {
        row.phrase: Decision(row.status, row.decided_by, row.decided_on.isoformat())  # type: ignore[arg-type]
        for row in session.scalars(select(KillPhrase))
    }


def decide(session: Session, phrase: str, status: str, *, who: str, day: date) -> None:
    """Activate or retire a phrase from the day after ``day`` on. ValueError for more than five words, or none."""
    words = phrase.lower().split()
    if not 1 <= len(words) <= 5 or len(" ".join(words)) > 100 or "\x00" in phrase:
        raise ValueError(f"a phrase to keep out has one to five words, not {phrase!r}")
    values = {"status": status, "decided_by": who, "decided_on": day}
    statement = insert(KillPhrase).values(phrase=" ".join(words), **values)
    session.execute(
        statement.on_conflict_do_update(index_elements=["phrase"], set_={**values, "updated_at": func.now()})
    )


def concrete_nouns(wardrobe: Wardrobe) -> set[str]:
    """Words for things that can be seen: those that end the names, cloths and details of the wardrobe, and faults."""
    texts = [text for garment in wardrobe.garments for text in (garment.name, *garment.fabric, *garment.details)]
    last = {lemma(words[-1]) for text in texts if (words := re.findall(r"[a-z]+", text.lower()))}
    return last | set(FAULT_WORDS) | {garment.category.lower() for garment in wardrobe.garments}


# --- frames


def _window(store: TableStore, table: type[TableSchema], first: str, last: str) -> pl.DataFrame:
    days = [keys for keys in store.partitions(table) if first <= keys["day"] <= last]
    return store.scan(table, days).collect()


def _last_used(store: TableStore, day: date) -> dict[str, str]:
    used: dict[str, str] = {}
    prompts = _window(store, LookPrompts, (day - timedelta(days=WINDOW_DAYS)).isoformat(), day.isoformat())
    for row in prompts.sort("day").select("day", "vocabulary_used").iter_rows():
        used.update(dict.fromkeys(row[1], row[0]))
    return used


def _wardrobe_text(wardrobe: Wardrobe) -> str:
    parts: list[str] = []
    for garment in wardrobe.garments:
        parts += [garment.name, garment.silhouette_hint, *garment.fabric, *garment.details, *garment.colours]
    for colourway in wardrobe.colourways:
        parts += [colourway.name, *(colour.name for colour in colourway.colours)]
    parts += [designer.name for designer in wardrobe.designers]
    return "\n".join(parts).lower()


def _dial_row(day: date, dial: Dial) -> dict[str, Any]:
    values = asdict(dial)
    return {"day": day.isoformat(), "item_kind": values.pop("kind"), "item_key": values.pop("key"), **values}
