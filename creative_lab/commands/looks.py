"""Commands of the daily looks: the wardrobe in and out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from creative_lab.commands.console import CommandError, say
from creative_lab.commands.data import DryRun, ready

looks_app = typer.Typer(help="Daily looks: wardrobe, vocabulary and Control settings.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(looks_app, name="looks")


@looks_app.command("import")
def looks_import(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of JSON files; the shipped wardrobe when absent.")
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Import designers, colourways, garments, outfit templates, vocabulary, scene and Control settings."""
    from creative_lab.looks.importing import import_looks
    from creative_lab.state import db

    settings = ready()
    folder = folder or settings.data_dir / "looks"
    if not folder.is_dir():
        raise CommandError(f"{folder} is not a folder", exit_code=2)
    with db.session_scope(settings) as session:
        report = import_looks(session, folder, dry_run=dry_run)
    say(str(report))


@looks_app.command("export")
def looks_export(folder: Annotated[Path, typer.Argument(help="Folder to write the JSON files to.")]) -> None:
    """Write the wardrobe and its rules as JSON, in the shape that import reads."""
    from creative_lab.looks.importing import export_looks
    from creative_lab.state import db

    with db.session_scope(ready()) as session:
        files = export_looks(session, folder)
    say(f"{len(files)} files in {folder}")
