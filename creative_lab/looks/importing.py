"""Import and export of the wardrobe and the rules of the looks: by natural key, all or nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from creative_lab.lake.fs import FileSystem
from creative_lab.looks import entries as shapes
from creative_lab.reference.problems import ImportFailed, Problem, read_json, unstorable, validation_problems
from creative_lab.reference.report import FileReport, ImportReport
from creative_lab.state import models

if TYPE_CHECKING:
    from creative_lab.settings import Settings

_IMPORT_LOCK = 0x6C61_6264_6202


@dataclass(frozen=True)
class Kind:
    """One file and its table."""

    file: str
    model: Any
    entry: type[BaseModel]
    key: str | None
    """Field of the natural key; None for the one row of the Control settings."""


KINDS = (
    Kind("designers.json", models.Designer, shapes.DesignerEntry, "key"),
    Kind("colourways.json", models.Colourway, shapes.ColourwayEntry, "key"),
    Kind("garments.json", models.WardrobeGarment, shapes.GarmentEntry, "key"),
    Kind("outfit_templates.json", models.OutfitTemplate, shapes.TemplateEntry, "key"),
    Kind("vocabulary.json", models.BannedWord, shapes.WordEntry, "word"),
    Kind("scenes.json", models.LookScene, shapes.SceneEntry, "key"),
    Kind("control.json", models.LookControl, shapes.ControlEntry, None),
)


def import_looks(session: Session, directory: Path, *, dry_run: bool = False) -> ImportReport:
    """Bring the wardrobe up to the files of ``directory``, inside the caller's transaction.

    Entries are matched by natural key: new ones are created, changed ones updated, nothing is deleted, and a second
    import changes no row. A folder may hold any of the files. Raises :class:`ImportFailed` with every problem found
    (file, entry, field); the database then stays as it was. With ``dry_run`` the report says what would change.
    """
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _IMPORT_LOCK})
    session.flush()
    point = session.begin_nested()
    try:
        report = _apply(session, directory, dry_run)
    except BaseException:
        point.rollback()
        raise
    if dry_run:
        point.rollback()
    else:
        point.commit()
    return report


def bootstrap_looks(session: Session, settings: Settings) -> ImportReport | None:
    """Import the shipped wardrobe into a database that has none; None where people have one already."""
    if session.scalar(select(models.Designer.id).limit(1)) is not None:
        return None
    return import_looks(session, settings.data_dir / "looks")


def export_looks(session: Session, directory: Path) -> list[Path]:
    """Write every file of the wardrobe to ``directory``, in the shape that an import reads; returns the paths.

    Entries are sorted by natural key and fields stand in a fixed order: import and export again give the same bytes.
    """
    files = FileSystem(directory)
    models.LookControl.get_instance(session)
    written = []
    for kind in KINDS:
        rows = _rows(session, kind)
        entries = [_entry(kind, rows[key]) for key in sorted(rows)]
        data = (json.dumps(entries, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
        written.append(Path(files.write_bytes(kind.file, data).path))
    return written


def _apply(session: Session, directory: Path, dry_run: bool) -> ImportReport:
    if not directory.is_dir():
        raise ImportFailed([Problem(str(directory), "is no folder")])
    known = {kind.file for kind in KINDS}
    found = {path.name for path in directory.glob("*.json")}
    if not found & known:
        raise ImportFailed([Problem(str(directory), "holds no file of the looks, such as garments.json")])
    problems: list[Problem] = []
    read = {kind.file: _read(kind, directory, problems) for kind in KINDS}
    _one_active_scene(session, read["scenes.json"], problems)
    if problems:
        raise ImportFailed(problems)
    reports = [_upsert(session, kind, read[kind.file]) for kind in KINDS if (directory / kind.file).exists()]
    ignored = [f"{name}: ignored, no file of the looks has this name" for name in sorted(found - known)]
    return ImportReport(dry_run, reports, ignored)


def _read(kind: Kind, directory: Path, problems: list[Problem]) -> list[Any]:
    """The valid entries of one file; problems are collected."""
    path = directory / kind.file
    if not path.exists():
        return []
    try:
        raw = read_json(path)
    except ImportFailed as error:
        problems += error.problems
        return []
    if not isinstance(raw, list) or (kind.key is None and len(raw) != 1):
        problems.append(Problem(kind.file, f"must hold a list of {'exactly one entry' if not kind.key else 'entries'}"))
        return []
    result, seen = [], dict[str, dict[str, int]]()
    for index, item in enumerate(raw):
        key = item.get(kind.key) if isinstance(item, dict) and kind.key else None
        place = f"entry {index} ({key})" if isinstance(key, str) else f"entry {index}"
        faults = [Problem(kind.file, message, place, field) for field, message in unstorable(item)]
        if not faults:
            try:
                result.append(kind.entry.model_validate_json(json.dumps(item)))
            except ValidationError as error:
                faults = validation_problems(error, kind.file, place)
        for field in {kind.key, "name"} - {None}:
            value = item.get(field) if isinstance(item, dict) else None
            if not isinstance(value, str):
                continue
            first = seen.setdefault(str(field), {}).setdefault(value.casefold(), index)
            if first != index:
                faults.append(Problem(kind.file, f"is the same as in entry {first}", place, str(field)))
        problems += faults
    return result


def _one_active_scene(session: Session, entries: list[Any], problems: list[Problem]) -> None:
    active = [entry.key for entry in entries if entry.is_active]
    given = {entry.key for entry in entries}
    active += [
        row.key
        for row in session.scalars(select(models.LookScene).where(models.LookScene.is_active))
        if row.key not in given
    ]
    if entries and len(active) != 1:
        problems.append(
            Problem(
                "scenes.json", f"exactly one scene is active, not {len(active)} ({', '.join(active)})", "", "is_active"
            )
        )


def _rows(session: Session, kind: Kind) -> dict[str, Any]:
    return {str(getattr(row, kind.key)) if kind.key else "": row for row in session.scalars(select(kind.model))}


def _upsert(session: Session, kind: Kind, entries: list[Any]) -> FileReport:
    report = FileReport(kind.file)
    if kind.key is None:
        models.LookControl.get_instance(session)
    rows = _rows(session, kind)
    # A scene that is switched off makes room for the one that is switched on.
    for entry in sorted(entries, key=lambda entry: getattr(entry, "is_active", True)):
        values = entry.model_dump(mode="json")
        key = str(values[kind.key]) if kind.key else ""
        row = rows.get(key)
        if row is None:
            session.add(kind.model(**values))
            report.created.append(key)
        else:
            changed = [name for name, value in values.items() if getattr(row, name) != value]
            for name in changed:
                setattr(row, name, values[name])
            if changed:
                report.updated[key or "control"] = changed
            else:
                report.unchanged += 1
        try:
            session.flush()
        except DBAPIError as error:
            reason = str(error.orig).strip().splitlines()[0]
            problem = Problem(kind.file, f"the database refuses the entry: {reason}", key)
            raise ImportFailed([problem]) from error
    return report


def _entry(kind: Kind, row: object) -> dict[str, object]:
    values = {name: getattr(row, name) for name in kind.entry.model_fields}
    plain: dict[str, object] = kind.entry.model_validate_json(json.dumps(values)).model_dump(mode="json")
    return plain
