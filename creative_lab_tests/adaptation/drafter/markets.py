"""Contexts for the drafter's tests, made from the reference data and the sample spots that the platform ships."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from creative_lab.adaptation.schemas import AdaptationContext, BrandFacts, OriginScript, PersonaFacts, ScriptRow
from creative_lab.reference.market_packs import Equivalent, MarketPack, Spelling

DATA = Path(__file__).parents[3] / "data"
ENGLISH = ("GB", "IE", "AU", "NZ", "CA", "ZA", "IN", "SG")
SPOTS = ("the-long-way-home", "just-one", "small-change")


@lru_cache(maxsize=16)
def load(name: str) -> Any:
    """A JSON file under ``data/``."""
    return json.loads((DATA / name).read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def packs() -> dict[str, MarketPack]:
    """Market packs by country."""
    return {entry["country"]: MarketPack(**entry) for entry in load("reference/market_packs.json")}


@lru_cache(maxsize=1)
def equivalents() -> list[Equivalent]:
    """Equivalents of all kinds."""
    return [Equivalent(**entry) for entry in load("reference/equivalents.json")]


@lru_cache(maxsize=1)
def spellings() -> list[Spelling]:
    """Spelling variants."""
    return [Spelling(**entry) for entry in load("reference/spellings.json")]


def brand(code: str) -> BrandFacts | None:
    """A brand of the reference data."""
    for entry in load("reference/brands.json"):
        if entry["code"] == code:
            return BrandFacts(**{key: entry[key] for key in BrandFacts.model_fields if key in entry})
    return None


def origin(spot: str) -> tuple[OriginScript, str]:
    """A sample spot and its brand's code."""
    entry = load(f"spots/{spot}.json")
    script = OriginScript(**{key: entry[key] for key in OriginScript.model_fields if key in entry})
    return script, entry.get("brand_code", "")


def context(
    spot: str | OriginScript = "the-long-way-home",
    country: str = "GB",
    *,
    persona: PersonaFacts | None = None,
    brand_facts: BrandFacts | None = None,
    language: str | None = None,
    origin_country: str = "US",
) -> AdaptationContext:
    """Everything known about one spot and one country."""
    script, code = origin(spot) if isinstance(spot, str) else (spot, "")
    pack = packs()[country]
    tag = language or pack.locale
    return AdaptationContext(
        spot=spot if isinstance(spot, str) else "a-spot",
        target=country.lower(),
        origin=script,
        origin_country=origin_country,
        target_name=persona.name if persona else country,
        target_code=country,
        target_language=tag,
        target_language_name=tag,
        country_code=country,
        persona=persona,
        market_rules="",
        brand=brand_facts or brand(code),
        origin_pack=packs()[origin_country],
        target_pack=pack,
        equivalents=equivalents(),
        spellings=spellings(),
    )


def script(*rows: tuple[str, str], language: str = "en-US", runtime: int = 0) -> OriginScript:
    """A small spot of (visual, audio) rows, five seconds each."""
    return OriginScript(
        client_name="Client",
        brand_name=None,
        script_title="Title",
        language=language,
        total_runtime_seconds=runtime or 5 * len(rows),
        script_rows=[
            ScriptRow(
                shot_number=f"{number:02d}",
                timecode_start=f"00:00:{5 * (number - 1):02d}:00" if number <= 12 else None,
                duration_seconds=5,
                visual_text=visual,
                audio_text=audio,
            )
            for number, (visual, audio) in enumerate(rows, 1)
        ],
    )
