"""creative-lab draw: pictures from a prompt or a file of them, and what the scorers say about each picture."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from creative_lab.commands.console import CommandError, say, table
from creative_lab.settings import Settings, get_settings

if TYPE_CHECKING:
    from creative_lab.imaging.catalogue import Catalogue
    from creative_lab.imaging.generation import Generation, Picture
    from creative_lab.imaging.parameters import PictureRequest
    from creative_lab.imaging.presets import Overrides
    from creative_lab.vision.models import VisionModels
    from creative_lab.vision.types import PictureScores

DRAWINGS = "drawings"
"""Folder of single pictures below the reports."""

_SIZE = re.compile(r"(\d{2,4})[x×](\d{2,4})")


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("draw")(draw)


def draw(
    prompt: Annotated[str | None, typer.Argument(help="What to draw.")] = None,
    file: Annotated[Path | None, typer.Option(help="Text file with a prompt per line; # starts a comment.")] = None,
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
    """Draw pictures from a prompt, or from each prompt of a file with one loaded model.

    Each picture carries its recipe; see creative-lab recipe. Earlier pictures are never overwritten.
    """
    from creative_lab.imaging.catalogue import Catalogue
    from creative_lab.imaging.parameters import PictureRequest

    prompts = _prompts(prompt, file)
    overrides = _overrides(size, steps, guidance)
    settings = get_settings()
    catalogue = Catalogue.load(settings)
    slug = model or catalogue.role("picture")
    if slug is None:
        raise CommandError(f"the profile {settings.profile} has no picture model: name one with --model")
    folder = to or settings.reports_dir / DRAWINGS
    made: list[tuple[str, list[Path]]] = []
    with studio_for(settings, catalogue, slug) as generate:
        for one in prompts:
            text, avoid = _enhanced(one, negative, seed) if enhance else (one, negative)
            request = PictureRequest(slug, text, avoid, count=count, seed=seed, overrides=overrides)
            found = generate(request)
            names = keep(settings, found, request, folder)
            made.append((one, names))
            for note in found.notes:
                say(f"note: {note}")
            about = f" of {one}" if len(prompts) > 1 else ""
            say(f"{found.model}: {len(names)} pictures{about} in {found.wall_s:.1f} s")
    _show(settings, made, score=score)


def _prompts(prompt: str | None, file: Path | None) -> list[str]:
    """The prompts to draw. Raises :class:`CommandError` unless there is either a prompt or a file with some."""
    from creative_lab.imaging.enhancement import read_batch

    if (prompt is None) == (file is None):
        raise CommandError("say what to draw: either a prompt or --file with one per line", exit_code=2)
    if file is None:
        assert prompt is not None
        return [prompt]
    try:
        prompts = read_batch(file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise CommandError(f"{file}: is not text in UTF-8", exit_code=2) from error
    except OSError as error:
        raise CommandError(f"{file}: cannot be read ({error.strerror})", exit_code=2) from error
    if not prompts:
        raise CommandError(f"{file}: holds no prompt", exit_code=2)
    return prompts


def _overrides(size: str | None, steps: int | None, guidance: float | None) -> Overrides:
    """What was asked for otherwise than the model's own. Raises :class:`CommandError` for sizes out of range."""
    from pydantic import ValidationError

    from creative_lab.imaging.presets import Overrides

    width, height = _size(size)
    try:
        return Overrides(width=width, height=height, steps=steps, guidance_scale=guidance)
    except ValidationError as error:
        first = error.errors()[0]
        side, reason = ".".join(map(str, first["loc"])), str(first["msg"]).removeprefix("Input ")
        raise CommandError(f"--size {size}: the {side} {reason}", exit_code=2) from error


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


@contextmanager
def studio_for(settings: Settings, catalogue: Catalogue, slug: str) -> Iterator[Callable[[PictureRequest], Generation]]:
    """What draws requests for the model ``slug``; a local model stays loaded inside the block and leaves after it."""
    if catalogue.is_hosted(slug):
        from creative_lab.imaging.hosted import HostedStudio

        yield HostedStudio(catalogue).generate
        return
    from creative_lab.imaging.generation import PictureStudio

    studio = PictureStudio(settings, catalogue=catalogue)
    try:
        yield studio.generate
    finally:
        studio.evict()


def drawn(settings: Settings, catalogue: Catalogue, request: PictureRequest) -> Generation:
    """The pictures of a request, from an API or from a local model that leaves the memory afterwards."""
    with studio_for(settings, catalogue, request.model) as generate:
        return generate(request)


def keep(settings: Settings, made: Generation, request: PictureRequest, folder: Path) -> list[Path]:
    """Write drawn pictures with their recipes into ``folder``; returns the files.

    A name that another picture has is left to it, and the next free number taken; the very same picture stays as it is.
    """
    from creative_lab.imaging.recipe import finished_png, job_file_name
    from creative_lab.lake.fs import FileSystem

    files, paths = FileSystem(folder), []
    for place, picture in enumerate(made.pictures, start=1):
        for number in itertools.count(place):
            name = job_file_name(request.prompt[:40], request.seed or 0, number).removesuffix(".jpg") + ".png"
            if not files.exists(name):
                files.write_bytes(name, finished_png(picture.image, picture.recipe, settings))
                break
            if _is_in(files.path(name), picture):
                break
        paths.append(files.path(name))
    return paths


def _is_in(file: Path, picture: Picture) -> bool:
    """Whether a file holds this very picture, drawn by the same recipe at whatever time."""
    from PIL import Image

    from creative_lab.imaging.errors import ImagingError
    from creative_lab.imaging.recipe import show

    try:
        recipe = show(file).recipe
        if recipe is None or recipe.model_copy(update={"drawn_at": picture.recipe.drawn_at}) != picture.recipe:
            return False
        with Image.open(file) as there:
            same: bool = there.convert("RGB").tobytes() == picture.image.convert("RGB").tobytes()
            return same
    except (ImagingError, OSError):
        return False


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


def _show(settings: Settings, made: list[tuple[str, list[Path]]], *, score: bool) -> None:
    if not score:
        for _, paths in made:
            for path in paths:
                say(str(path))
        return
    from PIL import Image

    from creative_lab.vision.models import VisionModels
    from creative_lab.vision.scoring import WEIGHTS

    rows: list[tuple[Any, ...]] = []
    missing: dict[str, str] = {}
    with VisionModels(settings) as models:
        for prompt, paths in made:
            # Read back rather than kept: a long file of prompts gives more pictures than memory holds.
            ranked = best_first(models, prompt, [Image.open(path) for path in paths])
            rows += [(paths[number], *score_row(one)) for number, one in ranked]
            for _, one in ranked:
                missing = one.missing | missing
    table(None, ["picture", "overall", *WEIGHTS], rows, right=range(1, len(WEIGHTS) + 2))
    for name, reason in missing.items():
        say(f"{name} is missing: {reason}")
