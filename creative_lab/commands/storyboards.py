"""Commands for storyboards: make one from a story or a script, import samples, list, stop, show what was made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from creative_lab.commands.console import CommandError, say, table
from creative_lab.commands.data import ready, register_partitions
from creative_lab.commands.runs import report_definitions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from creative_lab.settings import Settings
    from creative_lab.storyboards.record import StoryboardRecord

storyboard_app = typer.Typer(help="Storyboards: from a story or an adapted script.", no_args_is_help=True)

_MAKING = {
    "character": "creative-lab character new",
    "spot": "creative-lab spot import",
    "target": "creative-lab target new",
}
"""Command that makes what a storyboard can name."""

Key = Annotated[str, typer.Argument(help="Key of the storyboard; it becomes the partition and a folder.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(storyboard_app, name="storyboard")


@storyboard_app.command("new")
def storyboard_new(
    key: Key,
    story: Annotated[
        str | None, typer.Option(help="The story in a few sentences; asked for when no source is given.")
    ] = None,
    story_file: Annotated[Path | None, typer.Option(help="A text file with the story.")] = None,
    spot: Annotated[str | None, typer.Option(help="Spot of an adapted script; needs --target.")] = None,
    target: Annotated[str | None, typer.Option(help="Target of the adapted script.")] = None,
    character: Annotated[str | None, typer.Option(help="Key of the character.")] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(help="baseline, simple, reference_guided or wireframe; several make one storyboard each."),
    ] = None,
    title: Annotated[str | None, typer.Option(help="Title; the key when absent.")] = None,
    reference: Annotated[Path | None, typer.Option(help="JPEG or PNG that is frame 1, unchanged.")] = None,
    preset: Annotated[str | None, typer.Option(help="max, balanced or fast.")] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE of a setting, such as num_scenes=6. May be repeated.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Change a storyboard of this key.")] = False,
) -> None:
    """Make a storyboard from a story of your own, or from an adapted script."""
    from creative_lab.storyboards.record import PRESETS, read_record
    from creative_lab.storyboards.stored import reference_of

    settings = ready()
    source = _source(story, story_file, spot, target, character)
    if preset is not None and preset not in PRESETS:
        raise CommandError(f"there is no preset {preset!r}; there are {', '.join(PRESETS)}", exit_code=2)
    chosen = {**PRESETS.get(preset or "", {}), **_settings(setting or [])}
    methods = method or ["simple" if character else "wireframe"]
    picture = reference_of(settings, reference).model_dump() if reference else None
    records = []
    for one in methods:
        own = key if len(methods) == 1 else f"{key}-{one.replace('_', '-')}"
        data = {"key": own, "title": title or key, "source": source, "method": one, "settings": chosen,
                "reference": picture}  # fmt: skip
        records.append(read_record(data, where=f"storyboard {own}"))
    _check_sources(settings, records)
    save(settings, records, replace=replace)
    for record in records:
        say(f"{record.key}: {record.method}, {record.source.kind}")
    patterns = " ".join(f"--partition {record.key}" for record in records)
    say(f"Next:  creative-lab materialize group:storyboards {patterns}")


@storyboard_app.command("import")
def storyboard_import(
    files: Annotated[list[Path] | None, typer.Argument(help="JSON files; the samples when absent.")] = None,
    character: Annotated[str | None, typer.Option(help="Character that takes the lead in all of them.")] = None,
    method: Annotated[
        list[str] | None, typer.Option(help="Method instead of the file's; several make one storyboard each.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Change storyboards that are there already.")] = False,
) -> None:
    """Import storyboards from files; a mistake in any of them is named, and nothing is written then."""
    from creative_lab.storyboards.stored import read_files

    settings = ready()
    found = files or sorted((settings.data_dir / "storyboards").glob("*.json"))
    if not found:
        raise CommandError(f"there are no samples in {settings.data_dir / 'storyboards'}")
    records = read_files(found)
    records = [other for record in records for other in _variants(record, character, method or [])]
    _check_sources(settings, records)
    new = save(settings, records, replace=replace)
    say(f"{len(records)} storyboards, {len(new)} of them new: {', '.join(record.key for record in records)}")


@storyboard_app.command("list")
def storyboard_list() -> None:
    """List storyboards and how far they are."""
    from creative_lab.lake.tables import TableStore
    from creative_lab.state import db
    from creative_lab.storyboards.stored import all_records
    from creative_lab.storyboards.tables import StoryboardFrames
    from creative_lab.storyboards.work import describe

    settings = ready()
    store = TableStore(settings)
    with db.session_scope(settings) as session:
        records = all_records(session)
    rows = []
    for record in records:
        partition, done, score = {"storyboard": record.key}, "–", ""
        if store.exists(StoryboardFrames, partition):
            frames = store.read(StoryboardFrames, [partition])
            done = f"{frames['path'].is_not_null().sum()} of {frames.height}"
            mean: Any = frames["overall"].mean()
            score = "" if mean is None else f"{mean:.1f}"
        rows.append((record.key, record.method, record.source.character or "–", done, score, describe(record)))
    table(None, ["key", "method", "character", "frames", "overall", "source"], rows, right=[4])
    if not rows:
        say('No storyboard yet:  creative-lab storyboard new KEY --story "…", or: creative-lab storyboard import')


@storyboard_app.command("stop")
def storyboard_stop(key: Key) -> None:
    """Ask the run that draws a storyboard to stop; finished scenes are kept, and the next run goes on after them."""
    from creative_lab.storyboards.work import ask_to_stop

    ask_to_stop(ready(), key)
    say(f"{key} stops after the step that it is at")


@storyboard_app.command("show")
def storyboard_show(key: Key) -> None:
    """List the files that were made of a storyboard."""
    from creative_lab.lake.tables import TableStore
    from creative_lab.storyboards.tables import StoryboardSheet

    settings = ready()
    store, partition = TableStore(settings), {"storyboard": key}
    if not store.exists(StoryboardSheet, partition):
        raise CommandError(f"{key} has no documents yet: creative-lab materialize group:storyboards --partition {key}")
    for row in store.read(StoryboardSheet, [partition]).iter_rows(named=True):
        say(f"{row['document']:<16} {settings.reports_dir / row['path']}")


def save(settings: Settings, records: Iterable[StoryboardRecord], *, replace: bool = False) -> list[str]:
    """Store records in one step and register them as partitions; returns the keys that were new."""
    from creative_lab.state import db
    from creative_lab.storyboards.stored import save_record

    with db.session_scope(settings) as session:
        new = [record.key for record in records if save_record(session, record, replace=replace)]
    register_storyboards(settings)
    return new


def register_storyboards(settings: Settings) -> list[str]:
    """Register all storyboards as partitions and record their definitions at once; returns the keys that were new."""
    from creative_lab.launch.instance import lab_instance
    from creative_lab.state import db
    from creative_lab.storyboards.stored import record_keys

    with db.session_scope(settings) as session:
        keys = record_keys(session)
    new = register_partitions(settings, "storyboard", keys)
    with lab_instance(settings) as instance:
        report_definitions(settings, instance)
    return new


def _check_sources(settings: Settings, records: Iterable[StoryboardRecord]) -> None:
    """Refuse records whose character, spot or target is not there, listing those that are."""
    from sqlalchemy import select

    from creative_lab.characters.record import characters
    from creative_lab.state import db
    from creative_lab.state.models import Campaign, Target
    from creative_lab.storyboards.record import ScriptSource

    with db.session_scope(settings) as session:
        known = {
            "character": [item.key for item in characters(session)],
            "spot": list(session.scalars(select(Campaign.spot_key).order_by(Campaign.spot_key))),
            "target": list(session.scalars(select(Target.code).where(Target.is_active).order_by(Target.code))),
        }
    problems = []
    for record in records:
        source = record.source
        asked: dict[str, str | None] = {"character": source.character}
        if isinstance(source, ScriptSource):
            asked |= {"spot": source.spot, "target": source.target}
        for kind, key in asked.items():
            if key is not None and key not in known[kind]:
                there = ", ".join(known[kind]) or f"none yet ({_MAKING[kind]})"
                problems.append(f"storyboard {record.key}: there is no {kind} {key!r}; there are: {there}")
    if problems:
        raise CommandError("\n".join(problems), exit_code=2)


def _variants(record: StoryboardRecord, character: str | None, methods: list[str]) -> list[StoryboardRecord]:
    """The record with another lead, once for each method.

    A key names the lead that is not the record's own, and the method where there are several.
    """
    from creative_lab.storyboards.record import read_record

    data, name = record.model_dump(mode="json"), record.key
    if character and character != data["source"].get("character"):
        name = f"{name}-{character}"
        data["source"]["character"] = character
    made = []
    for one in methods or [record.method]:
        key = name if len(methods) < 2 else f"{name}-{one.replace('_', '-')}"
        made.append(read_record({**data, "key": key, "method": one}, where=f"storyboard {key}"))
    return made


def _source(
    story: str | None, story_file: Path | None, spot: str | None, target: str | None, character: str | None
) -> dict[str, Any]:
    given = [name for name, value in (("--story", story), ("--story-file", story_file), ("--spot", spot)) if value]
    if len(given) > 1:
        raise CommandError(f"choose one of {' and '.join(given)}", exit_code=2)
    if spot:
        if not target:
            raise CommandError("--spot needs --target", exit_code=2)
        return {"kind": "script", "spot": spot, "target": target, "character": character}
    if target:
        raise CommandError("--target needs --spot: it names an adaptation of a spot", exit_code=2)
    if story_file:
        try:
            story = story_file.read_text(encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{story_file}: cannot be read ({error.strerror})", exit_code=2) from None
        except UnicodeDecodeError as error:
            raise CommandError(f"{story_file} is not UTF-8 text: {error.reason} at byte {error.start}") from None
    return {"kind": "story", "story": story or typer.prompt("The story"), "character": character}


def _settings(pairs: list[str]) -> dict[str, str]:
    chosen: dict[str, str] = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or not name:
            raise CommandError(f"--set takes NAME=VALUE, not {pair!r}", exit_code=2)
        chosen[name.strip()] = value.strip()
    return chosen
