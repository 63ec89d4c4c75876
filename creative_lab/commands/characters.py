"""Commands for characters: define one, list them, see what captions would cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from creative_lab.commands.console import say, table
from creative_lab.commands.data import ready, register_partitions

if TYPE_CHECKING:
    from creative_lab.settings import Settings

character_app = typer.Typer(help="Characters: define one from pictures, list them.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(character_app, name="character")


@character_app.command("new")
def character_new(
    key: Annotated[str, typer.Argument(help="Key: small letters, digits, - and _; it becomes the partition.")],
    pictures: Annotated[Path, typer.Option(help="Folder of pictures, or of a sample such as data/characters/orla.")],
    trigger: Annotated[
        str | None, typer.Option(help="Made-up word that calls the character, such as marlow_man; samples have one.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name for people; the key when absent.")] = None,
) -> None:
    """Define a character from a folder of pictures; a known key gets the new pictures."""
    from creative_lab.characters.record import new_character
    from creative_lab.state import db

    settings = ready()
    with db.session_scope(settings) as session:
        made = new_character(settings, session, key, folder=pictures, trigger=trigger, name=name)
    register_characters(settings)
    character = made.character
    say(
        f"{character.name} ({key}) {'has new pictures' if made.changed else 'is defined'}: {len(character.pictures)} "
        f"pictures, trigger {character.trigger}"
    )
    say(f"Next:  creative-lab materialize group:characters --partition {key}")


@character_app.command("list")
def character_list() -> None:
    """List characters, and how near their LoRAs are to them."""
    from creative_lab.characters.record import characters
    from creative_lab.characters.tables import LoraWeights
    from creative_lab.lake.tables import TableStore
    from creative_lab.state import db

    settings = ready()
    store = TableStore(settings)
    rows = []
    with db.session_scope(settings) as session:
        for character in characters(session):
            keys = {"character": character.key}
            lora, identity = "–", ""
            if store.exists(LoraWeights, keys):
                row = store.read(LoraWeights, [keys]).row(0, named=True)
                lora = f"step {row['chosen_step']} on {row['base_model']}"
                identity = "" if row["identity"] is None else f"{row['identity']:.3f}"
            rows.append((character.key, character.name, character.trigger, len(character.pictures), lora, identity))
    table(None, ["key", "name", "trigger", "pictures", "LoRA", "identity"], rows, right=[3, 5])
    if not rows:
        say("No character yet:  creative-lab character new KEY --trigger WORD --pictures FOLDER")


@character_app.command("captions")
def character_captions(key: Annotated[str, typer.Argument(help="Key of the character.")]) -> None:
    """Dry run of captions: who would be asked, and about how many pictures. Nothing is asked."""
    from creative_lab.characters.captioning import plan_captions
    from creative_lab.characters.record import find_character
    from creative_lab.state import db
    from creative_lab.vision.models import VisionModels

    settings = ready()
    with db.session_scope(settings) as session:
        character = find_character(session, key)
    with VisionModels(settings) as models:
        captioner, asked, kept = plan_captions(settings, character, models)
    say(f"{key}: {captioner} would be asked about {asked} pictures; {kept} replies are kept")


def register_characters(settings: Settings) -> list[str]:
    """Register all characters as partitions at once; returns the keys that were new."""
    from creative_lab.characters.arrivals import partition_keys
    from creative_lab.state import db

    with db.session_scope(settings) as session:
        keys = partition_keys(session)
    return register_partitions(settings, "character", keys)
