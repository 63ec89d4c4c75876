"""A day of looks in the lake with manifests and prompts, as the stages before rendering leave them."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import polars as pl

from creative_lab.lake.checking import schema_types
from creative_lab.lake.schemas import table_info
from creative_lab.lake.tables import TableStore
from creative_lab.settings import Settings

DAY = "2026-05-04"


def garment(garment_id: str, category: str, cut: str, colour: str, pattern: str = "plain") -> dict[str, Any]:
    """A garment as manifests describe it."""
    return {
        "garment_id": garment_id, "name": f"{colour} {category}", "category": category, "cut": cut, "colour": colour,
        "colour_name": colour, "pattern": pattern, "silhouette_hint": "", "fabric": "", "details": [],
    }  # fmt: skip


def outfits() -> list[dict[str, Any]]:
    """Three outfits whose garments differ in colour."""
    worn = (
        (garment("g-coat", "coat", "straight", "red"), [garment("g-trousers", "trousers", "straight", "navy")]),
        (garment("g-dress", "dress", "A-line", "teal"), [garment("g-belt", "belt", "wide", "mustard")]),
        (garment("g-jumper", "jumper", "chunky", "purple"), [garment("g-skirt", "skirt", "pencil", "mint")]),
    )
    return [
        {
            "model_index": number,
            "template": "t",
            "hero": hero,
            "slots": [
                {"slot": "fill", "is_innovation": False, **piece}
                for piece in [*rest, garment(f"g-shoes-{number}", "shoes", "flat", "black")]
            ],
        }
        for number, (hero, rest) in enumerate(worn)
    ]


def write_day(settings: Settings, looks: int = 2, *, day: str = DAY, broken: tuple[int, ...] = ()) -> list[str]:
    """Write manifests and prompts of ``looks`` looks; those numbered in ``broken`` wear what nobody can draw."""
    store = TableStore(settings)
    ids = [f"{day}-{number:04d}" for number in range(1, looks + 1)]
    manifests, prompts = [], []
    for number, look_id in enumerate(ids, start=1):
        worn = outfits()
        if number in broken:
            worn[0]["hero"]["category"] = "hovercraft"
        manifests.append(
            {
                "look_id": look_id, "prompt_id": f"P-{number:04d}-{day.replace('-', '')}",
                "local_date": date.fromisoformat(day), "batch_id": f"{day}-b01", "position": number - 1, "seed": number,
                "status": "dealt", "designer": "d", "designer_name": "Designer D", "colourway": "c",
                "colourway_name": "Colourway C", "colours": "[]", "outfits": json.dumps(worn), "outfit_hashes": [],
                "garment_ids": [], "hero_categories": [], "guard_log": "[]", "relaxed": [], "attempts": 1,
                "policy_version": "p", "picks": "[]",
            }
        )  # fmt: skip
        prompts.append(
            {
                "look_id": look_id, "prompt_id": manifests[-1]["prompt_id"], "status": "ok", "reasons": [],
                "prompt": "three models on a white seamless backdrop", "avoid_suffix": "Avoid: hats, logos",
                "negative_phrases": ["hats", "logos"], "negative_sources": "{}", "scene_hash": "s",
                "system_prompt_hash": "s", "vocabulary_arm": "without", "vocabulary_propensity": 0.5,
                "vocabulary_ids": [], "vocabulary_used": [], "innovation_slots": "[]", "innovation_notes": "",
                "intel_ids": [], "substitutions": [], "words": 7, "template_version": 1, "model": "embedded/stylist",
                "provider": "embedded", "attempts": 1, "cost_usd": 0.0, "seconds": 0.0,
            }
        )  # fmt: skip
    for table, rows in (("look_manifests", manifests), ("look_prompts", prompts)):
        types = schema_types(table_info(table))
        full = [dict.fromkeys(name for name in types if name not in {"run_id", "written_at", "backend", "day"}) | row
                for row in rows]  # fmt: skip
        frame = pl.DataFrame(full, schema={name: types[name] for name in full[0]})
        store.write(table, frame, partition={"day": day}, run_id="r", backend="miniature")
    return ids
