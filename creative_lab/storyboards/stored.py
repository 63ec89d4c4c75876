"""Storyboard records in the state database, and files of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from creative_lab.definition_versions import version_of
from creative_lab.state.models import DynamicDefinition
from creative_lab.storyboards.record import RecordError, ReferencePicture, StoryboardRecord, read_record

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from creative_lab.settings import Settings

KIND = "storyboard"
MAX_FILE_BYTES = 1_000_000
MAX_REFERENCE_BYTES = 10_000_000


def save_record(session: Session, record: StoryboardRecord, *, replace: bool = False) -> bool:
    """Store a record; True when its key was new. Raises :class:`RecordError` for a taken key unless ``replace``."""
    definition = record.model_dump(mode="json", exclude={"key"})
    row = _row(session, record.key)
    if row is None:
        session.add(DynamicDefinition(kind=KIND, key=record.key, definition=definition))
        session.flush()
        return True
    if row.definition != definition and not replace:
        raise RecordError(f"there is another storyboard {record.key!r} already: choose another key, or replace it")
    row.definition = definition
    session.flush()
    return False


def find_record(session: Session, key: str) -> StoryboardRecord:
    """The record ``key``. Raises :class:`RecordError` saying which there are."""
    row = _row(session, key)
    if row is None:
        known = ", ".join(record_keys(session)[:12]) or "none"
        raise RecordError(f"there is no storyboard {key!r}; there are {known}")
    return read_record({**row.definition, "key": key}, where=f"storyboard {key}")


def all_records(session: Session) -> list[StoryboardRecord]:
    """All active records, by key."""
    return [find_record(session, key) for key in record_keys(session)]


def record_keys(session: Session) -> list[str]:
    """Keys of the active records: these are the partitions."""
    query = select(DynamicDefinition.key).where(DynamicDefinition.kind == KIND, DynamicDefinition.is_active)
    return list(session.scalars(query.order_by(DynamicDefinition.key)))


def definition_versions(session: Session) -> dict[str, str]:
    """A version of every active record by key: it changes with the record, its character's name and its drawn face."""
    rows = session.scalars(select(DynamicDefinition).where(DynamicDefinition.kind.in_((KIND, "character"))))
    by_kind: dict[str, dict[str, Any]] = {KIND: {}, "character": {}}
    for row in rows:
        if row.is_active:
            by_kind[row.kind][row.key] = row.definition
    versions = {}
    for key, definition in by_kind[KIND].items():
        lead = by_kind["character"].get(definition["source"].get("character") or "", {})
        versions[key] = version_of(definition, lead.get("name"), lead.get("identity"))
    return versions


def read_files(paths: Iterable[Path]) -> list[StoryboardRecord]:
    """Records from JSON files, each an object or a list of objects.

    A record without a ``key`` takes the file's name. Raises :class:`RecordError` with all problems of all files.
    """
    records: list[StoryboardRecord] = []
    problems: list[str] = []
    for path in paths:
        try:
            for number, data in enumerate(_objects(path)):
                named = {"key": path.stem, **data} if isinstance(data, dict) else data
                records.append(read_record(named, where=f"{path.name}[{number}]"))
        except RecordError as error:
            problems.append(str(error))
    keys = [record.key for record in records]
    problems += [f"the key {key!r} is used twice" for key in sorted({key for key in keys if keys.count(key) > 1})]
    if problems:
        raise RecordError("\n".join(problems))
    return records


def reference_of(settings: Settings, file: Path) -> ReferencePicture:
    """A user's JPEG or PNG of at most 10 MB, stored unchanged. Raises :class:`RecordError` for anything else."""
    from creative_lab.lake.pictures import PictureStore

    try:
        size = file.stat().st_size
        if size > MAX_REFERENCE_BYTES:
            raise RecordError(f"{file}: {size} bytes; a reference picture has at most {MAX_REFERENCE_BYTES}")
        data = file.read_bytes()
    except OSError as error:
        raise RecordError(f"{file}: cannot be read ({error.strerror})") from error
    if not data.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")):
        raise RecordError(f"{file}: a reference picture is a JPEG or PNG file")
    try:
        stored = PictureStore(settings).put(data)
    except ValueError as error:
        raise RecordError(f"{file}: {error}") from error
    return ReferencePicture(path=stored.path, sha256=stored.sha256)


def _row(session: Session, key: str) -> DynamicDefinition | None:
    return session.scalar(select(DynamicDefinition).where(DynamicDefinition.kind == KIND, DynamicDefinition.key == key))


def _objects(path: Path) -> list[Any]:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise RecordError(f"{path.name}: larger than {MAX_FILE_BYTES} bytes")
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({error.strerror})") from error
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RecordError(f"{path.name}: not valid JSON: {error}") from error
    return data if isinstance(data, list) else [data]
