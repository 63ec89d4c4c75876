"""Looking at stored prompts once more before anything is rendered from them."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from creative_lab.lake.tables import TableStore
from creative_lab.looks import days
from creative_lab.looks.composing import LABELS
from creative_lab.looks.tables import LookManifests, LookPrompts
from creative_lab.looks.validating import Own, Validator
from creative_lab.looks.wardrobe import Scene, load_wardrobe

if TYPE_CHECKING:
    from creative_lab.settings import Settings


def faults_of_day(settings: Settings, day: date) -> pl.DataFrame:
    """Faults (look_id, reason) of the prompts of ``day`` that have status ok, by the wardrobe as it stands."""
    from creative_lab.state.db import session_scope

    store = TableStore(settings)
    with session_scope(settings) as session:
        validator = Validator(load_wardrobe(session))
    manifests = {row["look_id"]: row for row in days.read_day(store, LookManifests, day).iter_rows(named=True)}
    prompts = days.read_day(store, LookPrompts, day).filter(pl.col("status").cast(pl.String) == "ok")
    found: list[dict[str, Any]] = []
    for row in prompts.iter_rows(named=True):
        manifest = manifests.get(row["look_id"])
        if manifest is None:
            found.append({"look_id": row["look_id"], "reason": "no_manifest"})
            continue
        prompt = row["prompt"] or ""
        own = Own.of(manifest, json.loads(manifest["outfits"]))
        lines = garment_lines(prompt, validator.scene)
        found += [{"look_id": row["look_id"], "reason": one} for one in validator.reasons(prompt, lines, own)]
    return pl.DataFrame(found, schema={"look_id": pl.String, "reason": pl.String})


def garment_lines(prompt: str, scene: Scene) -> list[str]:
    """The garment lines of a composed prompt, found by their fixed labels; fewer when the scaffold was broken."""
    body = prompt.removesuffix(scene.closing.strip())
    places = [body.find(label) for label in LABELS]
    if -1 in places or places != sorted(places):
        return []
    ends = [*places[1:], len(body)]
    return [body[start + len(label) : end].strip() for start, label, end in zip(places, LABELS, ends, strict=True)]
