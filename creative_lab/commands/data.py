"""Commands that bring reference data and spots in and out: import, export, spot, target, insights, cldr, wvs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from creative_lab.commands.console import CommandError, say, table, write
from creative_lab.settings import Settings, get_settings

STALE_PARTS_S = 86_400.0
"""Age from which an unfinished file belongs to nobody."""

DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything and write nothing.")]

spot_app = typer.Typer(help="TV spots.", no_args_is_help=True)
target_app = typer.Typer(help="Whom spots are adapted to.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("import")(import_data)
    app.command("export")(export_data)
    app.command("insights")(insights)
    app.command("cldr")(cldr)
    app.command("wvs")(wvs)
    app.add_typer(spot_app, name="spot")
    app.add_typer(target_app, name="target")


def ready(settings: Settings | None = None) -> Settings:
    """The settings, with a database that has all its tables (made on first use) and a lake without leftovers.

    Unfinished files of killed writers are removed, and what an object store could not take is handed over again.
    """
    from creative_lab.lake.fs import FileSystem
    from creative_lab.state import db

    settings = settings or get_settings()
    db.upgrade(settings)
    lake = FileSystem.of_lake(settings)
    lake.sweep(STALE_PARTS_S)
    lake.drain()
    return settings


def _existing_folder(folder: Path) -> Path:
    if not folder.is_dir():
        raise CommandError(f"{folder} is not a folder", exit_code=2)
    return folder


def import_data(
    folder: Annotated[Path, typer.Argument(help="Folder of JSON files, such as data/reference.")],
    dry_run: DryRun = False,
) -> None:
    """Import reference data: regions, countries, languages, segments, personas, brands, models, prompts, targets."""
    from creative_lab.reference.importing import import_directory
    from creative_lab.state import db

    settings = ready()
    with db.session_scope(settings) as session:
        report = import_directory(session, _existing_folder(folder), dry_run=dry_run)
    say(str(report))
    if not dry_run:
        sync_partitions(settings)


def export_data(folder: Annotated[Path, typer.Argument(help="Folder to write the JSON files to.")]) -> None:
    """Write all reference data as JSON, in the shape that import reads."""
    from creative_lab.reference.exporting import export_directory
    from creative_lab.state import db

    with db.session_scope(ready()) as session:
        files = export_directory(session, folder)
    say(f"{len(files)} files in {folder}")


@spot_app.command("import")
def spot_import(
    files: Annotated[list[Path], typer.Argument(help="Spots as JSON files.")],
    dry_run: DryRun = False,
) -> None:
    """Import TV spots; a file that breaks a rule is refused with every violation at once."""
    from creative_lab.reference.spots import import_spot
    from creative_lab.state import db

    settings = ready()
    problems = []
    for file in files:
        try:
            with db.session_scope(settings) as session:
                report = import_spot(session, file, dry_run=dry_run)
        except (ValueError, OSError) as problem:
            problems.append(str(problem))
            continue
        say(str(report))
    if not dry_run:
        sync_partitions(settings)
    if problems:
        raise CommandError("\n".join(problems))


@spot_app.command("list")
def spot_list() -> None:
    """List the spots that were imported."""
    from sqlalchemy import select

    from creative_lab.state import db
    from creative_lab.state.models import Campaign

    with db.session_scope(ready()) as session:
        rows = [
            (c.spot_key, c.client_name, c.script_title, len(c.origin.script_rows) if c.origin else 0, c.job_id)
            for c in session.scalars(select(Campaign).order_by(Campaign.spot_key))
        ]
    table(None, ["spot", "client", "title", "rows", "job"], rows, right=[3])


@target_app.command("list")
def target_list() -> None:
    """List the targets that spots can be adapted to."""
    from sqlalchemy import select

    from creative_lab.state import db
    from creative_lab.state.models import Target

    with db.session_scope(ready()) as session:
        rows = [
            (
                t.code,
                t.name,
                t.persona.name if t.persona else "–",
                t.effective_country.code if t.effective_country else "–",
                t.effective_language.code if t.effective_language else "–",
                "" if t.is_active else "off",
            )
            for t in session.scalars(select(Target).order_by(Target.code))
        ]
    table(None, ["target", "name", "persona", "country", "language", ""], rows)


@target_app.command("new")
def target_new(
    code: Annotated[str, typer.Argument(help="Slug: lower-case letters, digits, - and _ (it becomes a folder).")],
    name: Annotated[str, typer.Option(help="What people call it.")],
    persona: Annotated[str | None, typer.Option(help="Name of a persona.")] = None,
    region: Annotated[str | None, typer.Option(help="Code of a region.")] = None,
    country: Annotated[str | None, typer.Option(help="Code of a country.")] = None,
    language: Annotated[str | None, typer.Option(help="Code of a language, such as en-GB.")] = None,
) -> None:
    """Make a target from a persona, a country or a language; a persona brings its region, country and language."""
    from sqlalchemy import select

    from creative_lab.lake.schemas import PARTITION_KEY
    from creative_lab.state import db
    from creative_lab.state.models import Country, Language, Persona, Region, Target

    if not PARTITION_KEY.fullmatch(code):
        raise CommandError(f"{code!r} is no slug: use up to 64 lower-case letters, digits, - and _", exit_code=2)
    settings = ready()
    with db.session_scope(settings) as session:
        if session.scalar(select(Target).where(Target.code == code)) is not None:
            raise CommandError(f"there is a target {code!r} already")

        def find(model: type, column: object, value: str | None, kind: str) -> object:
            if value is None:
                return None
            found = session.scalar(select(model).where(column == value))  # type: ignore[arg-type]
            if found is None:
                raise CommandError(f"unknown {kind} {value!r}", exit_code=2)
            return found

        target = Target(
            code=code,
            name=name,
            persona=find(Persona, Persona.name, persona, "persona"),
            region=find(Region, Region.code, region, "region"),
            country=find(Country, Country.code, country, "country"),
            language=find(Language, Language.code, language, "language"),
        )
        if not (target.persona or target.country or target.language):
            raise CommandError("a target needs a persona, a country or a language", exit_code=2)
        session.add(target)
    sync_partitions(settings)
    say(f"Target {code} is there. Adapt a spot to it:")
    say(f"  creative-lab materialize group:adaptation --partition SPOT|{code}")


def insights(target: Annotated[str, typer.Argument(help="Code of a target.")]) -> None:
    """Print the insights composed for a target, as the models read them."""
    from creative_lab.adaptation.stored import find_target
    from creative_lab.reference.insights import compose_insights_as_markdown, subject_of
    from creative_lab.state import db

    with db.session_scope(ready()) as session:
        text = compose_insights_as_markdown(subject_of(find_target(session, target)))
    write(text or "There are no insights for this target.")


def cldr(
    folder: Annotated[Path, typer.Argument(help="Folder whose countries.json and languages.json are completed.")],
    country: Annotated[
        list[str] | None, typer.Option(help="Only these countries (ISO codes); all when absent.")
    ] = None,
    threshold: Annotated[
        float, typer.Option(help="Least share of a country's people, in per cent, that speaks a language.")
    ] = 20.0,
    model: Annotated[str, typer.Option(help="Primary model of new languages.")] = "Qwen/Qwen2.5-7B-Instruct",
) -> None:
    """Generate countries and languages from CLDR; what is there already is kept as it is."""
    from creative_lab.reference.cldr import complete_directory

    report = complete_directory(folder, countries=country, threshold=threshold, primary_model=model)
    say(str(report))


def wvs(
    file: Annotated[Path, typer.Argument(help="Country-level World Values Survey data as CSV.")],
    dry_run: DryRun = False,
) -> None:
    """Import World Values Survey figures as country insights; a second import replaces only its own blocks."""
    from creative_lab.reference.wvs import import_wvs
    from creative_lab.state import db

    with db.session_scope(ready()) as session:
        report = import_wvs(session, file, dry_run=dry_run)
    say(str(report))


def sync_partitions(settings: Settings) -> tuple[list[str], list[str]]:
    """Register imported spots and active targets as partitions; returns the keys that were new."""
    from creative_lab.adaptation.arrivals import partition_keys
    from creative_lab.state import db

    with db.session_scope(settings) as session:
        wanted = partition_keys(session)
    return register_partitions(settings, "spot", wanted.spots), register_partitions(settings, "target", wanted.targets)


def register_partitions(settings: Settings, name: str, keys: Iterable[str]) -> list[str]:
    """Add ``keys`` to the dynamic partitions called ``name``; returns those that were new."""
    from creative_lab.launch.instance import lab_instance

    with lab_instance(settings) as instance:
        known = set(instance.get_dynamic_partitions(name))
        fresh = [key for key in keys if key not in known]
        if fresh:
            instance.add_dynamic_partitions(name, fresh)
    return fresh
