"""Import of TV spots: a campaign, its origin ad unit and its script rows, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from creative_lab.reference.problems import ImportFailed, read_json
from creative_lab.reference.spot_rules import Known, Spot, check_spot
from creative_lab.state.models import AdUnit, AdUnitScriptRow, Brand, Campaign, Language

MAX_SPOT_BYTES = 1_000_000
ORIGIN_CODE = "ORIGIN"
_SPOT_LOCK = 0x6C61_6264_6202


@dataclass(frozen=True)
class SpotReport:
    """What was imported, or would be."""

    file: str
    client_name: str
    script_title: str
    total_runtime_seconds: int
    job_id: str
    spot_key: str
    language: str
    brand: str
    rows: int
    warnings: tuple[str, ...]
    dry_run: bool

    def __str__(self) -> str:
        lines = [
            f"Client:   {self.client_name}",
            f"Title:    {self.script_title}",
            f"Runtime:  {self.total_runtime_seconds} s",
            f"Job:      {self.job_id}",
            f"Rows:     {self.rows}",
            f"Spot:     {self.spot_key}",
            f"Language: {self.language}",
            f"Brand:    {self.brand or '–'}",
            *(f"warning: {warning}" for warning in self.warnings),
            "Nothing was written (dry run)." if self.dry_run else "Imported.",
        ]
        return "\n".join(lines)


def import_spot(session: Session, file: Path, dry_run: bool = False) -> SpotReport:
    """Import the spot of ``file`` inside the caller's transaction; it needs the languages of the reference data.

    Every violation of the format is found and reported together as :class:`ImportFailed`; then nothing is written.
    With ``dry_run`` the file is checked in full and nothing is written either.
    """
    path = Path(file)
    raw = read_json(path, max_bytes=MAX_SPOT_BYTES)
    # Two imports of one job would both find its number unused: they take turns.
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _SPOT_LOCK})
    verdict = check_spot(raw, path.name, known_in(session))
    if verdict.spot is None:
        raise ImportFailed(verdict.problems)
    spot = verdict.spot
    if not dry_run:
        _write(session, spot)
    return SpotReport(
        file=path.name,
        client_name=spot.client_name,
        script_title=spot.script_title,
        total_runtime_seconds=spot.total_runtime_seconds,
        job_id=spot.job_id,
        spot_key=spot.spot_key,
        language=spot.language,
        brand=spot.brand_name,
        rows=len(spot.rows),
        warnings=tuple(verdict.warnings),
        dry_run=dry_run,
    )


def known_in(session: Session) -> Known:
    """What spot files are checked against."""
    return Known(
        languages=frozenset(session.scalars(select(Language.code))),
        brands={brand.code: brand.name for brand in session.scalars(select(Brand).order_by(Brand.code))},
        job_ids=frozenset(session.scalars(select(Campaign.job_id))),
        spot_keys=frozenset(session.scalars(select(Campaign.spot_key))),
    )


def _write(session: Session, spot: Spot) -> Campaign:
    brand = session.scalars(select(Brand).where(Brand.code == spot.brand_code)).one() if spot.brand_code else None
    language = session.scalars(select(Language).where(Language.code == spot.language)).one()
    campaign = Campaign(
        job_id=spot.job_id,
        spot_key=spot.spot_key,
        script_title=spot.script_title,
        client_name=spot.client_name,
        product_name=spot.product_name,
        brand_name=spot.brand_name,
        brand=brand,
        original_script_data=_as_json(spot),
    )
    unit = AdUnit(
        campaign=campaign,
        ad_unit_type="VIDEO",
        origin_or_adaptation="ORIGIN",
        code=ORIGIN_CODE,
        title=spot.script_title,
        language=language,
        duration=Decimal(spot.total_runtime_seconds),
        visual_style_prompt=spot.visual_style_prompt,
        script_rows=[
            AdUnitScriptRow(
                order_index=index,
                shot_number=row.shot_number,
                timecode_start=row.timecode_start,
                duration_seconds=row.duration_seconds,
                visual_text=row.visual_text,
                audio_text=row.audio_text,
            )
            for index, row in enumerate(spot.rows)
        ],
    )
    session.add_all([campaign, unit])
    session.flush()
    return campaign


def _as_json(spot: Spot) -> dict[str, Any]:
    return {
        "client_name": spot.client_name,
        "brand_name": spot.brand_name or None,
        "brand_code": spot.brand_code,
        "product_name": spot.product_name,
        "script_title": spot.script_title,
        "job_id": spot.job_id,
        "spot_key": spot.spot_key,
        "language": spot.language,
        "total_runtime_seconds": spot.total_runtime_seconds,
        "notes": spot.notes,
        "visual_style_prompt": spot.visual_style_prompt,
        "script_rows": [vars(row) for row in spot.rows],
    }


def origin_script(campaign: Campaign) -> dict[str, Any]:
    """The origin as the adaptation reads it (the shape of ``OriginScript``), from the rows of its ad unit."""
    unit = campaign.origin
    if unit is None or unit.language is None or unit.duration is None:
        raise ValueError(f"the campaign {campaign.job_id} has no complete origin")
    brand = unit.effective_brand
    return {
        "client_name": campaign.client_name,
        "brand_name": brand.name if brand else campaign.brand_name or None,
        "script_title": campaign.script_title,
        "language": unit.language.code,
        "total_runtime_seconds": int(unit.duration),
        "script_rows": [
            {
                "shot_number": row.shot_number,
                "timecode_start": row.timecode_start,
                "duration_seconds": row.duration_seconds,
                "visual_text": row.visual_text,
                "audio_text": row.audio_text,
            }
            for row in unit.script_rows
        ],
    }
