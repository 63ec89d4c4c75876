"""Commands about image models and pictures: models list|pull|verify, recipe show|replay."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from creative_lab.commands.console import CommandError, say, table, write
from creative_lab.settings import get_settings

if TYPE_CHECKING:
    from creative_lab.imaging.catalogue import Catalogue

models_app = typer.Typer(help="Image models: what there is, under which licence, and what is on this machine.")
recipe_app = typer.Typer(help="The recipe that every picture carries.", no_args_is_help=True)
models_app.info.no_args_is_help = True


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(models_app, name="models")
    app.add_typer(recipe_app, name="recipe")


def _megabytes(size: int | None) -> str:
    return "?" if size is None else f"{size / 1e6:,.{0 if size >= 1e7 else 1}f}"


def _is_lora(catalogue: Catalogue, slug: str) -> bool:
    return any(lora.slug == slug for lora in catalogue.presets.loras)


@models_app.command("list")
def models_list(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list, sizes in bytes.")] = False,
) -> None:
    """List the catalogue with state, roles, licence, size and memory; nothing is asked over the network."""
    from creative_lab.imaging.catalogue import Catalogue

    listing = Catalogue.load(get_settings()).listing()
    if as_json:
        write(json.dumps([dataclasses.asdict(entry) for entry in listing], indent=1, ensure_ascii=False))
        return
    words = {True: "yes", False: "no", None: "?"}
    rows = [
        (
            entry.slug,
            entry.kind,
            entry.state,
            entry.licence,
            words[entry.commercial],
            "–" if entry.kind == "hosted" else _megabytes(entry.size_bytes),
            "–" if entry.vram_mb is None else f"{entry.vram_mb:,}",
            ", ".join(entry.roles),
        )
        for entry in listing
    ]
    table(None, ["model", "kind", "state", "licence", "commercial", "MB", "memory MB", "roles"], rows, right=[5, 6])


@models_app.command("pull")
def models_pull(
    model: Annotated[str, typer.Argument(help="Model, ControlNet, IP-Adapter or LoRA of the catalogue.")],
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="Accept a licence that is not free for commercial use.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show size, licence and free space.")] = False,
) -> None:
    """Fetch the weights of a model: size and licence first, resumed where it stopped, hashes checked."""
    from creative_lab.imaging import civitai, downloads
    from creative_lab.imaging.catalogue import Catalogue

    catalogue = Catalogue.load(get_settings())
    lora = _is_lora(catalogue, model)
    plan = civitai.plan_lora(catalogue, model) if lora else downloads.plan_pull(catalogue, model)
    say(f"{plan.label} from {plan.source} ({plan.revision[:12] or 'here'}): {len(plan.files)} files")
    say(f"Licence:  {plan.licence.name}. {plan.licence.note or ''}".rstrip())
    say(f"Download: {_megabytes(plan.download_bytes)} MB; free: {_megabytes(plan.free_bytes)} MB at {plan.target}")
    if not plan.fits:
        raise CommandError("twice the size of the download has to be free")
    if dry_run:
        return
    if lora:
        say(f"Done: {civitai.pull_lora(catalogue, plan, accept_licence=accept_licence)}")
        return
    seen: set[str] = set()

    def on_file(name: str, done: int, total: int | None) -> None:
        if name not in seen and (total is None or done >= total):
            seen.add(name)
            say(f"  {name}")

    say(f"Done: {downloads.pull(catalogue, plan, accept_licence=accept_licence, on_file=on_file)}")


@models_app.command("verify")
def models_verify(model: Annotated[str, typer.Argument(help="Model or LoRA of the catalogue.")]) -> None:
    """Hash the files of a model and compare them with what they should be."""
    from creative_lab.imaging.catalogue import Catalogue
    from creative_lab.imaging.civitai import verify_lora
    from creative_lab.imaging.downloads import verify_model

    catalogue = Catalogue.load(get_settings())
    report = (verify_lora if _is_lora(catalogue, model) else verify_model)(catalogue, model)
    say(f"{report.slug}: {report.checked} files are as recorded, {report.unknown} have no recorded hash")
    say(f"digest {report.digest}")


@recipe_app.command("show")
def recipe_show(file: Annotated[Path, typer.Argument(help="A picture.")]) -> None:
    """Print how a picture was made, who signed it, and whether it was changed since."""
    from creative_lab.imaging.recipe import show

    shown = show(file)
    say(shown.parameters or "")
    if shown.recipe is not None:
        say("")
        say(shown.recipe.model_dump_json(indent=2))
    if signed := _signature(file):
        say("")
        say(signed)


def _signature(file: Path) -> str:
    """What the Content Credentials of a PNG say, in one line; empty when it has none."""
    data = file.read_bytes()
    if not data.startswith(b"\x89PNG"):
        return ""
    from creative_lab.imaging.credentials import check

    found = check(data)
    if found is None:
        return ""
    state = "intact" if found.intact else f"NOT intact: {', '.join(found.problems)}"
    source = f", {found.source.rsplit('/', 1)[-1]}" if found.source else ""
    return f"Content Credentials: signed by {found.signer or 'nobody who can be read'}{source}, {state}"


@recipe_app.command("replay")
def recipe_replay(
    file: Annotated[Path, typer.Argument(help="A picture that was drawn here.")],
    to: Annotated[Path, typer.Option("--to", help="Where to write it again.")] = Path("replayed.png"),
    control: Annotated[Path | None, typer.Option(help="The control picture that it follows.")] = None,
    reference: Annotated[Path | None, typer.Option(help="The reference picture that it follows.")] = None,
    base: Annotated[Path | None, typer.Option(help="The picture of which it redraws a part.")] = None,
    lora: Annotated[
        list[str] | None, typer.Option(metavar="SLUG=FILE", help="File of a LoRA that is not in the catalogue.")
    ] = None,
) -> None:
    """Draw a picture again from its recipe and say whether it came out the same."""
    from creative_lab.imaging.generation import PictureStudio
    from creative_lab.imaging.recipe import replay
    from creative_lab.lake.fs import FileSystem

    followed = {"control_image": control, "reference_image": reference, "base_image": base}
    images = {name: _opened(path) for name, path in followed.items() if path is not None}
    again = replay(file, PictureStudio(get_settings()), lora_paths=_lora_paths(lora or []), **images)
    FileSystem(to.absolute().parent).write_bytes(to.name, again.data)
    for note in again.notes:
        say(f"note: {note}")
    say(f"{to}: {'the same pixels' if again.same_pixels else 'NOT the same pixels'}")


def _lora_paths(texts: list[str]) -> dict[str, Path]:
    """Files of LoRAs by slug. Raises :class:`CommandError` for anything else than SLUG=FILE and for missing files."""
    paths = {}
    for text in texts:
        slug, equals, path = text.partition("=")
        if not (slug and equals and path):
            raise CommandError(f"--lora {text!r}: write it as SLUG=FILE", 2)
        if not Path(path).is_file():
            raise CommandError(f"--lora {slug}: there is no file {path}", 2)
        paths[slug] = Path(path)
    return paths


def _opened(path: Path) -> Any:
    """A picture file as PIL. Raises :class:`CommandError` with the reason when it is none."""
    from PIL import Image

    from creative_lab.vision.pictures import PictureError, open_picture

    try:
        return Image.fromarray(open_picture(path))
    except PictureError as error:
        raise CommandError(str(error)) from error
