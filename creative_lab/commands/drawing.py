"""creative-lab draw: pictures from a prompt, with the profile's picture model, and what the scorers say about them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from creative_lab.commands.console import CommandError, say, table
from creative_lab.settings import Settings, get_settings

if TYPE_CHECKING:
    from creative_lab.imaging.catalogue import Catalogue
    from creative_lab.imaging.generation import Generation
    from creative_lab.imaging.parameters import PictureRequest
    from creative_lab.vision.models import VisionModels
    from creative_lab.vision.types import PictureScores

DRAWINGS = "drawings"
"""Folder of single pictures below the reports."""

_SIZE = re.compile(r"(\d{2,4})[x×](\d{2,4})")


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("draw")(draw)


def draw(
    prompt: Annotated[str, typer.Argument(help="What to draw.")],
    count: Annotated[int, typer.Option(min=1, max=16, help="Pictures.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first picture; the next ones count up.")] = 0,
    model: Annotated[str | None, typer.Option(help="Model of the catalogue; the profile's when absent.")] = None,
    negative: Annotated[str | None, typer.Option(help="What the pictures should not show.")] = None,
    size: Annotated[str | None, typer.Option(help="WIDTHxHEIGHT in pixels; the model's own when absent.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, max=200, help="Steps of the sampler.")] = None,
    guidance: Annotated[float | None, typer.Option(min=0, max=20, help="Guidance; 0 is a value.")] = None,
    enhance: Annotated[bool, typer.Option("--enhance", help="Make the prompt richer by rules first.")] = False,
    score: Annotated[
        bool, typer.Option("--score/--no-score", help="Score the pictures and show the best first.")
    ] = True,
    to: Annotated[Path | None, typer.Option(help="Folder to write to; HOME/reports/drawings when absent.")] = None,
) -> None:
    """Draw pictures from a prompt. Each file carries its recipe; see creative-lab recipe."""
    from creative_lab.imaging.catalogue import Catalogue
    from creative_lab.imaging.parameters import PictureRequest
    from creative_lab.imaging.presets import Overrides

    settings = get_settings()
    catalogue = Catalogue.load(settings)
    slug = model or catalogue.role("picture")
    if slug is None:
        raise CommandError(f"the profile {settings.profile} has no picture model: name one with --model")
    width, height = _size(size)
    text, negative = _enhanced(prompt, negative, seed) if enhance else (prompt, negative)
    request = PictureRequest(
        slug, text, negative, count=count, seed=seed,
        overrides=Overrides(width=width, height=height, steps=steps, guidance_scale=guidance),
    )  # fmt: skip
    made = drawn(settings, catalogue, request)
    names = keep(settings, made, request, to or settings.reports_dir / DRAWINGS)
    for note in made.notes:
        say(f"note: {note}")
    say(f"{made.model}: {len(names)} pictures in {made.wall_s:.1f} s")
    _show(settings, prompt, names, [picture.image for picture in made.pictures], score=score)


def _size(size: str | None) -> tuple[int | None, int | None]:
    if size is None:
        return None, None
    found = _SIZE.fullmatch(size)
    if found is None:
        raise CommandError(f"--size {size!r}: write it as 1024x1024", exit_code=2)
    return int(found[1]), int(found[2])


def _enhanced(prompt: str, negative: str | None, seed: int) -> tuple[str, str | None]:
    from creative_lab.imaging.enhancement import enhance_by_rules

    richer = enhance_by_rules(prompt, seed=seed)
    say(f"prompt: {richer.enhanced_prompt}")
    return richer.enhanced_prompt, negative if negative is not None else richer.negative_prompt


def drawn(settings: Settings, catalogue: Catalogue, request: PictureRequest) -> Generation:
    """The pictures of a request, from an API or from a local model that leaves the memory afterwards."""
    if catalogue.is_hosted(request.model):
        from creative_lab.imaging.hosted import HostedStudio

        return HostedStudio(catalogue).generate(request)
    from creative_lab.imaging.generation import PictureStudio

    studio = PictureStudio(settings, catalogue=catalogue)
    try:
        return studio.generate(request)
    finally:
        studio.evict()


def keep(settings: Settings, made: Generation, request: PictureRequest, folder: Path) -> list[Path]:
    """Write drawn pictures with their recipes into ``folder``; returns the files."""
    from creative_lab.imaging.recipe import finished_png, job_file_name
    from creative_lab.lake.fs import FileSystem

    files, paths = FileSystem(folder), []
    for number, picture in enumerate(made.pictures, start=1):
        name = job_file_name(request.prompt[:40], request.seed or 0, number).removesuffix(".jpg") + ".png"
        files.write_bytes(name, finished_png(picture.image, picture.recipe, settings))
        paths.append(files.path(name))
    return paths


def best_first(models: VisionModels, prompt: str, images: list[Any]) -> list[tuple[int, PictureScores]]:
    """Places of PIL pictures with their scores for a prompt, the best first."""
    import numpy as np

    from creative_lab.vision.scoring import WEIGHTS, score_pictures

    pixels = [np.ascontiguousarray(np.asarray(image.convert("RGB"))) for image in images]
    scores = score_pictures(models, pixels, prompt, roles=tuple(WEIGHTS))
    return sorted(enumerate(scores), key=lambda item: -(item[1].overall or 0.0))


def score_row(score: PictureScores) -> tuple[str, ...]:
    """The overall score and those of the four scorers, 0 to 100, as cells of a table."""
    from creative_lab.vision.scoring import WEIGHTS

    values = [score.overall, *(score.percent.get(name) for name in WEIGHTS)]
    return tuple("–" if value is None else f"{value:.0f}" for value in values)


def _show(settings: Settings, prompt: str, paths: list[Path], images: list[Any], *, score: bool) -> None:
    if not score:
        for path in paths:
            say(str(path))
        return
    from creative_lab.vision.models import VisionModels
    from creative_lab.vision.scoring import WEIGHTS

    with VisionModels(settings) as models:
        ranked = best_first(models, prompt, images)
    rows = [(paths[number], *score_row(score)) for number, score in ranked]
    table(None, ["picture", "overall", *WEIGHTS], rows, right=range(1, len(WEIGHTS) + 2))
    for name, reason in (ranked[0][1].missing if ranked else {}).items():
        say(f"{name} is missing: {reason}")
