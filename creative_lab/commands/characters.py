"""Commands for characters: define one, list them, see what captions would cost, write captions yourself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from creative_lab.commands.console import CommandError, say, table
from creative_lab.commands.data import ready, register_partitions
from creative_lab.commands.runs import report_definitions

if TYPE_CHECKING:
    from creative_lab.characters.record import Character
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


@character_app.command("caption")
def character_caption(
    key: Annotated[str, typer.Argument(help="Key of the character.")],
    picture: Annotated[str, typer.Argument(help="Name of the picture, with or without its ending.")],
    text: Annotated[str, typer.Argument(help="The caption; an empty one leaves the picture to the model again.")],
) -> None:
    """Write the caption of a picture yourself: it stays when captions are made again."""
    _keep_captions(key, {picture: text})


@character_app.command("export-captions")
def character_export_captions(
    key: Annotated[str, typer.Argument(help="Key of the character.")],
    folder: Annotated[Path, typer.Argument(help="Folder to write a text file per picture to.")],
) -> None:
    """Write the captions of a character as text files with the names of its pictures."""
    from creative_lab.characters.record import find_character
    from creative_lab.lake.fs import FileSystem
    from creative_lab.state import db

    settings = ready()
    with db.session_scope(settings) as session:
        character = find_character(session, key)
    captions = _captions(settings, character)
    if not captions:
        raise CommandError(f"{key} has no captions yet: creative-lab materialize captions --partition {key}")
    files = FileSystem(folder)
    for picture in character.pictures:
        if picture.sha256 in captions:
            files.write_bytes(f"{picture.name}.txt", f"{captions[picture.sha256]}\n".encode())
    say(f"{len(captions)} captions in {folder}; change them and bring them back:")
    say(f"  creative-lab character import-captions {key} {folder}")


@character_app.command("import-captions")
def character_import_captions(
    key: Annotated[str, typer.Argument(help="Key of the character.")],
    folder: Annotated[Path, typer.Argument(help="Folder of text files with the names of the pictures.")],
) -> None:
    """Take captions from text files; those that are not as they were count as written by a person."""
    files = sorted(folder.glob("*.txt"))
    if not files:
        raise CommandError(f"there is no text file in {folder}", exit_code=2)
    texts = {}
    for file in files:
        try:
            texts[file.stem] = file.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise CommandError(f"{file} is not UTF-8 text: {error.reason} at byte {error.start}") from None
    _keep_captions(key, texts, changed_only=True)


def _keep_captions(key: str, texts: dict[str, str], *, changed_only: bool = False) -> None:
    """Keep what a person wrote and say what the caption rules make of it."""
    from creative_lab.characters.caption_rules import judge
    from creative_lab.characters.record import find_character, write_captions
    from creative_lab.state import db

    settings = ready()
    with db.session_scope(settings) as session:
        character = find_character(session, key)
        if changed_only:
            known = _captions(settings, character)
            texts = {
                name: text
                for name, text in texts.items()
                if (picture := character.picture(name)) is None or known.get(picture.sha256) != " ".join(text.split())
            }
        write_captions(session, key, texts)
    register_characters(settings)
    for name, text in texts.items():
        judged = judge(text, character.trigger) if text.strip() else None
        told = "; ".join([*judged.mended, *judged.problems]) if judged else ""
        said = f"{judged.status}: {judged.caption}" if judged else "left to the model"
        say(f"{name}: {said}{f' ({told})' if told else ''}")
    say(f"{len(texts)} captions are kept. Next:  creative-lab materialize group:characters --partition {key}")


def _captions(settings: Settings, character: Character) -> dict[str, str]:
    """The captions that there are, by the SHA-256 of the picture: what a person wrote before what a model did."""
    from creative_lab.characters.tables import Captions
    from creative_lab.lake.tables import TableStore

    store, keys = TableStore(settings), {"character": character.key}
    rows = store.read(Captions, [keys]).to_dicts() if store.exists(Captions, keys) else []
    made = {row["sha256"]: row["caption"] for row in rows if row["caption"]}
    return {item.sha256: text for item in character.pictures if (text := (made | character.captions).get(item.sha256))}


def register_characters(settings: Settings) -> list[str]:
    """Register all characters as partitions and record their definitions at once; returns the keys that were new."""
    from creative_lab.characters.arrivals import partition_keys
    from creative_lab.launch.instance import lab_instance
    from creative_lab.state import db

    with db.session_scope(settings) as session:
        keys = partition_keys(session)
    new = register_partitions(settings, "character", keys)
    with lab_instance(settings) as instance:
        report_definitions(settings, instance)
    return new
