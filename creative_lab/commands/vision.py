"""Commands that measure pictures: score."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from creative_lab.commands.console import CommandError, say, table, write
from creative_lab.settings import get_settings

if TYPE_CHECKING:
    from creative_lab.vision.types import PictureScores

_NAMES = {
    "pickscore": "PickScore",
    "clipscore": "CLIPScore",
    "vqascore": "VQAScore",
    "aesthetic": "aesthetic",
    "hps": "HPSv3",
}


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(score)


def score(
    pictures: Annotated[list[Path], typer.Argument(help="Picture files.")],
    text: Annotated[str, typer.Option("--text", help="What the pictures should show.")],
    profile: Annotated[str | None, typer.Option("--profile", help="miniature, studio or hosted.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print raw values, weights and reasons as JSON.")] = False,
) -> None:
    """Score pictures against a text: 0–100 per scorer, best first. A missing scorer stays empty and is explained."""
    from creative_lab.vision.models import VisionModels
    from creative_lab.vision.pictures import PictureError, open_picture
    from creative_lab.vision.scoring import score_pictures

    if not text.strip():
        raise CommandError("--text is empty: say what the pictures should show", 2)
    opened, problems = [], []
    for path in pictures:
        try:
            opened.append((path, open_picture(path)))
        except PictureError as error:
            problems.append(str(error))
    if problems:
        raise CommandError("; ".join(problems))
    with VisionModels(get_settings(), profile) as models:
        scores = score_pictures(models, [picture for _, picture in opened], text)
    ranked = sorted(
        zip((path for path, _ in opened), scores, strict=True),
        key=lambda pair: (-(pair[1].overall if pair[1].overall is not None else -1.0), str(pair[0])),
    )
    if as_json:
        write(json.dumps([_as_row(path, row) for path, row in ranked], indent=1, ensure_ascii=False))
        return
    columns = ["picture", "overall", *_NAMES.values()]
    rows = [(path, _number(row.overall), *(_number(row.percent[role]) for role in _NAMES)) for path, row in ranked]
    table(None, columns, rows, right=range(1, len(columns)))
    first = ranked[0][1]
    shares = ", ".join(f"{_NAMES[role]} {weight:.3g}" for role, weight in first.weights.items())
    say(f"Weights: {shares or 'none, because no scorer could score'}")
    for role, reason in first.missing.items():
        say(f"No {_NAMES[role]}: {reason}")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _as_row(path: Path, row: PictureScores) -> dict[str, object]:
    return {"picture": str(path), **asdict(row)}
