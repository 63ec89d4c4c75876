"""Commands about image models and pictures: models list|pull|verify, recipe show|replay."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from creative_lab.commands.console import CommandError, say, table
from creative_lab.settings import get_settings

models_app = typer.Typer(help="Image models: what there is, under which licence, and what is on this machine.")
recipe_app = typer.Typer(help="The recipe that every picture carries.", no_args_is_help=True)
models_app.info.no_args_is_help = True


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(models_app, name="models")
    app.add_typer(recipe_app, name="recipe")


def _megabytes(size: int | None) -> str:
    return "?" if size is None else f"{size / 1e6:,.0f}"


@models_app.command("list")
def models_list() -> None:
    """List the catalogue with state, licence and size; nothing is asked over the network."""
    from creative_lab.imaging.catalogue import Catalogue

    words = {True: "yes", False: "no", None: "?"}
    rows = [
        (entry.slug, entry.kind, entry.state, entry.licence, words[entry.commercial], _megabytes(entry.size_bytes))
        for entry in Catalogue.load(get_settings()).listing()
    ]
    table(None, ["model", "kind", "state", "licence", "commercial", "MB"], rows, right=[5])


@models_app.command("pull")
def models_pull(
    model: Annotated[str, typer.Argument(help="Model, ControlNet, IP-Adapter or LoRA of the catalogue.")],
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="Accept a licence that is not free for commercial use.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show size, licence and free space.")] = False,
) -> None:
    """Fetch the weights of a model: size and licence first, resumed where it stopped, hashes checked."""
    from creative_lab.imaging import downloads
    from creative_lab.imaging.catalogue import Catalogue

    catalogue = Catalogue.load(get_settings())
    if any(lora.slug == model for lora in catalogue.presets.loras):
        say(str(downloads.pull_lora(catalogue, model)))
        return
    plan = downloads.plan_pull(catalogue, model)
    say(f"{plan.label} from {plan.source} ({plan.revision[:12]}): {len(plan.files)} files")
    say(f"Licence:  {plan.licence.name}. {plan.licence.note or ''}".rstrip())
    say(f"Download: {_megabytes(plan.download_bytes)} MB; free: {_megabytes(plan.free_bytes)} MB at {plan.target}")
    if not plan.fits:
        raise CommandError("twice the size of the download has to be free")
    if dry_run:
        return
    seen: set[str] = set()

    def on_file(name: str, done: int, total: int | None) -> None:
        if name not in seen and (total is None or done >= total):
            seen.add(name)
            say(f"  {name}")

    say(f"Done: {downloads.pull(catalogue, plan, accept_licence=accept_licence, on_file=on_file)}")


@models_app.command("verify")
def models_verify(model: Annotated[str, typer.Argument(help="Model of the catalogue.")]) -> None:
    """Hash the files of a model and compare them with what they should be."""
    from creative_lab.imaging.catalogue import Catalogue
    from creative_lab.imaging.downloads import verify_model

    report = verify_model(Catalogue.load(get_settings()), model)
    say(f"{report.slug}: {report.checked} files are as recorded, {report.unknown} have no recorded hash")
    say(f"digest {report.digest}")


@recipe_app.command("show")
def recipe_show(file: Annotated[Path, typer.Argument(help="A picture.")]) -> None:
    """Print how a picture was made."""
    from creative_lab.imaging.recipe import show

    shown = show(file)
    say(shown.parameters or "")
    if shown.recipe is not None:
        say("")
        say(shown.recipe.model_dump_json(indent=2))


@recipe_app.command("replay")
def recipe_replay(
    file: Annotated[Path, typer.Argument(help="A picture that was drawn here.")],
    to: Annotated[Path, typer.Option("--to", help="Where to write it again.")] = Path("replayed.png"),
    control: Annotated[Path | None, typer.Option(help="The control picture that it follows.")] = None,
    reference: Annotated[Path | None, typer.Option(help="The reference picture that it follows.")] = None,
    base: Annotated[Path | None, typer.Option(help="The picture of which it redraws a part.")] = None,
) -> None:
    """Draw a picture again from its recipe and say whether it came out the same."""
    from creative_lab.imaging.generation import PictureStudio
    from creative_lab.imaging.recipe import replay
    from creative_lab.lake.fs import FileSystem

    followed = {"control_image": control, "reference_image": reference, "base_image": base}
    images = {name: _opened(path) for name, path in followed.items() if path is not None}
    again = replay(file, PictureStudio(get_settings()), **images)
    FileSystem(to.absolute().parent).write_bytes(to.name, again.data)
    for note in again.notes:
        say(f"note: {note}")
    say(f"{to}: {'the same pixels' if again.same_pixels else 'NOT the same pixels'}")


def _opened(path: Path) -> Any:
    """A picture file as PIL. Raises :class:`CommandError` with the reason when it is none."""
    from PIL import Image

    from creative_lab.vision.pictures import PictureError, open_picture

    try:
        return Image.fromarray(open_picture(path))
    except PictureError as error:
        raise CommandError(str(error)) from error
