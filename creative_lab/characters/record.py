"""Characters as people define them: a key, a name, a trigger and pictures that are kept in the lake."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy import select

from creative_lab.characters.errors import CharacterError
from creative_lab.characters.photographs import Photograph, read_photographs
from creative_lab.characters.samples import DESCRIPTION, draw, read_description
from creative_lab.definition_versions import version_of
from creative_lab.lake.pictures import PictureStore, StoredPicture
from creative_lab.lake.schemas import PARTITION_KEY
from creative_lab.state.models import DynamicDefinition

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from creative_lab.settings import Settings

KIND = "character"
_TRIGGER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{2,39}")
_FEWEST = 3


@dataclass(frozen=True)
class CharacterPicture(StoredPicture):
    """One picture of a character, as it is kept."""

    name: str
    source: str


class Character(BaseModel):
    """A character's definition."""

    model_config = ConfigDict(frozen=True)

    key: str
    name: str = Field(min_length=1, max_length=200)
    trigger: str
    pictures: tuple[CharacterPicture, ...]
    identity: dict[str, Any] | None = None
    """Features of the face where the character is invented and its pictures were drawn; None for photographs."""
    captions: dict[str, str] = Field(default_factory=dict)
    """What people wrote, by the SHA-256 of the picture: it goes before what a model writes."""

    def picture(self, name: str) -> CharacterPicture | None:
        """The picture of a name; else the one that came from the file of this name, with or without its ending."""
        by_name = {item.name: item for item in self.pictures}
        files = {word: item for item in self.pictures for word in (Path(item.source).stem, Path(item.source).name)}
        return by_name.get(name) or files.get(name)

    @field_validator("key")
    @classmethod
    def _is_key(cls, value: str) -> str:
        if not PARTITION_KEY.fullmatch(value):
            raise ValueError(f"{value!r} is no key: small letters, digits, - and _, beginning with a letter or digit")
        return value

    @field_validator("trigger")
    @classmethod
    def _is_trigger(cls, value: str) -> str:
        if not _TRIGGER.fullmatch(value):
            raise ValueError(f"{value!r} is no trigger: one word of 3 to 40 letters, digits, - and _")
        return value


@dataclass(frozen=True)
class Made:
    """What came of :func:`new_character`."""

    character: Character
    changed: bool
    """Whether an earlier definition with the same key was replaced."""


def new_character(
    settings: Settings, session: Session, key: str, *, folder: Path, trigger: str | None = None, name: str | None = None
) -> Made:
    """Define a character from a folder of pictures, or from the folder of an invented one.

    The pictures are copied into the lake. An existing character gets the new pictures. Raises
    :class:`CharacterError` with one line that says what is wrong; nothing is defined then.
    """
    if not folder.is_dir():
        raise CharacterError(f"{folder} is not a folder")
    identity = None
    if (folder / DESCRIPTION).is_file():
        sample = read_description(folder)
        trigger, name, identity = trigger or sample.trigger, name or sample.name, sample.identity
        _named(key, name, trigger)
        sample.person()
        photographs = draw(sample)
    else:
        if not trigger:
            raise CharacterError("give a trigger: a made-up word that calls the character, such as 'marlow_man'")
        name = name or key
        _named(key, name, trigger)
        photographs = read_photographs(folder)
    if len(photographs) < _FEWEST:
        raise CharacterError(
            f"{folder}: {len(photographs)} pictures, at least {_FEWEST} are needed (20 to 40 are good)"
        )
    taken = [other.key for other in characters(session) if other.trigger == trigger and other.key != key]
    if taken:
        raise CharacterError(f"the trigger {trigger!r} already calls {taken[0]}")
    assert trigger is not None and name is not None
    row = session.scalar(_query(key))
    pictures = tuple(_stored(settings, photographs))
    written = row.definition.get("captions", {}) if row is not None else {}
    captions = {item.sha256: written[item.sha256] for item in pictures if item.sha256 in written}
    character = _named(key, name, trigger, pictures=pictures, identity=identity, captions=captions)
    changed = row is not None
    definition = character.model_dump(mode="json", exclude={"key"})
    if row is None:
        session.add(DynamicDefinition(kind=KIND, key=key, definition=definition))
    else:
        row.definition, row.is_active = definition, True
    session.flush()
    return Made(character, changed)


def find_character(session: Session, key: str) -> Character:
    """The character ``key``. Raises :class:`CharacterError` that lists those there are."""
    row = session.scalar(_query(key))
    if row is None:
        known = ", ".join(other.key for other in characters(session)) or "none yet (creative-lab character new)"
        raise CharacterError(f"there is no character {key!r}; there are: {known}")
    return Character(key=row.key, **row.definition)


def characters(session: Session) -> list[Character]:
    """All active characters by key."""
    rows = session.scalars(
        select(DynamicDefinition)
        .where(DynamicDefinition.kind == KIND, DynamicDefinition.is_active)
        .order_by(DynamicDefinition.key)
    )
    return [Character(key=row.key, **row.definition) for row in rows]


def write_captions(session: Session, key: str, texts: Mapping[str, str]) -> Character:
    """Keep what a person wrote about pictures, by what they are called; an empty text leaves it to the model again.

    Raises :class:`CharacterError` that names the pictures that are not there; nothing is kept then.
    """
    character = find_character(session, key)
    captions, unknown = dict(character.captions), []
    for name, text in texts.items():
        picture = character.picture(name)
        if picture is None:
            unknown.append(name)
        elif plain := " ".join(text.split()):
            captions[picture.sha256] = plain
        else:
            captions.pop(picture.sha256, None)
    if unknown:
        known = ", ".join(item.name for item in character.pictures)
        raise CharacterError(f"{key} has no picture called {', '.join(map(repr, unknown))}; there are: {known}")
    row = session.scalar(_query(key))
    row.definition = {**row.definition, "captions": captions}
    session.flush()
    return find_character(session, key)


def definition_versions(session: Session) -> dict[str, str]:
    """A version of every active character's definition by key: name, trigger, pictures and drawn face."""
    return {item.key: version_of(item.model_dump(mode="json")) for item in characters(session)}


def _query(key: str) -> Any:
    return select(DynamicDefinition).where(DynamicDefinition.kind == KIND, DynamicDefinition.key == key)


def _named(key: str, name: str, trigger: str, **rest: Any) -> Character:
    from pydantic import ValidationError

    try:
        return Character(key=key, name=name, trigger=trigger, **{"pictures": ()} | rest)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise CharacterError(f"{first['loc'][0]}: {str(first['msg']).removeprefix('Value error, ')}") from None


def _stored(settings: Settings, photographs: Iterable[Photograph]) -> list[CharacterPicture]:
    store = PictureStore(settings)
    kept = []
    for photograph in photographs:
        stored = store.put(photograph.data)
        kept.append(CharacterPicture(name=photograph.name, source=photograph.source, **vars(stored)))
    return kept
