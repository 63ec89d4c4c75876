"""The demo's first pictures: single prompts, drawn in several variations, with what every scorer says of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from creative_lab.commands import drawing
from creative_lab.commands.console import out, table

if TYPE_CHECKING:
    from pathlib import Path

    from creative_lab.settings import Settings

PROMPTS = (
    "close-up of a happy woman with red hair, in the park at noon",
    "medium shot of a man in a yellow shirt, in the kitchen in the morning",
    "wide shot of a woman in a blue dress walking, on the beach in the evening",
)
VARIATIONS = 3
SEED = 7


def show(settings: Settings) -> None:
    """Draw and score; the best variation of each prompt comes first."""
    from creative_lab.imaging.catalogue import Catalogue
    from creative_lab.imaging.parameters import PictureRequest
    from creative_lab.vision.models import VisionModels
    from creative_lab.vision.scoring import WEIGHTS

    catalogue = Catalogue.load(settings)
    slug = catalogue.role("picture")
    if slug is None:
        return
    made = []
    for prompt in PROMPTS:
        request = PictureRequest(slug, prompt, count=VARIATIONS, seed=SEED)
        found = drawing.drawn(settings, catalogue, request)
        drawing.keep(settings, found, request, folder(settings))
        made.append((prompt, found))
    rows = []
    with VisionModels(settings) as models:
        for prompt, found in made:
            ranked = drawing.best_first(models, prompt, [picture.image for picture in found.pictures])
            rows += [
                (prompt if place == 0 else "", found.pictures[number].seed, *drawing.score_row(score))
                for place, (number, score) in enumerate(ranked)
            ]
    seconds = sum(found.wall_s for _, found in made)
    table(
        f"{len(rows)} pictures by {slug} in {seconds:.1f} s, scored 0 to 100",
        ["prompt", "seed", "overall", *WEIGHTS],
        rows,
        right=range(1, len(WEIGHTS) + 3),
    )
    out.print("")


def folder(settings: Settings) -> Path:
    """Where the pictures are."""
    return settings.reports_dir / drawing.DRAWINGS / "demo"


def places(settings: Settings) -> list[tuple[Path, str]]:
    """What to look at: the folder of pictures, each with its recipe inside."""
    return [(folder(settings), "single pictures, each with its recipe inside")] if folder(settings).is_dir() else []
