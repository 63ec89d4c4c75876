"""The clean scripts that defects are planted in: the sample spots in eight English-speaking markets and two others."""

from __future__ import annotations

import json
from pathlib import Path

from sqlalchemy.orm import Session

from creative_lab.adaptation.context import build_context
from creative_lab.metrics.gate_quality import clean_script
from creative_lab.metrics.planting import CleanScript

SPOTS = ("just-one", "small-change", "the-long-way-home")
TARGETS = ("en-us", "en-gb", "en-ie", "en-ca", "en-au", "en-nz", "en-za", "en-in", "de-de", "ja-jp")


def clean_scripts(session: Session, data_dir: Path) -> list[CleanScript]:
    """One clean script per sample spot and market.

    English ones are the offline drafter's adaptations, the others come from ``validation/translations`` below
    ``data_dir``. Raises :class:`~creative_lab.adaptation.stored.ContextError` when a sample spot or target was not
    imported, and ValueError naming a translation that is missing.
    """
    scripts = []
    for spot in SPOTS:
        for target in TARGETS:
            context = build_context(session, spot, target)
            translation = None
            if not context.shares_language:
                country = (context.country_code or "").lower()
                file = data_dir / "validation" / "translations" / f"{spot}.{country}.json"
                if not file.exists():
                    raise ValueError(f"{file} is missing: {target} needs a translation of {spot} made by hand")
                translation = json.loads(file.read_text(encoding="utf-8"))
            scripts.append(clean_script(context, translation))
    return scripts
