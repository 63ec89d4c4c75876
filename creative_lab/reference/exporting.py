"""Export of the reference data: the files that an import reads, in a form that is the same every time."""

from __future__ import annotations

import json
from pathlib import Path

from sqlalchemy.orm import Session

from creative_lab.lake.fs import FileSystem
from creative_lab.reference.kinds import KINDS, Kind


def export_directory(session: Session, directory: Path) -> list[Path]:
    """Write every file of reference data to ``directory`` and return their paths.

    Entries are sorted by natural key and fields are in a fixed order, so importing the files into an empty database
    and exporting again gives the same bytes. Of prompt templates the active versions are written.
    """
    files = FileSystem(directory)
    # Held until the end: rows that refer to one another are then found in the session, not asked for one by one.
    rows = {kind.name: kind.rows(session) for kind in KINDS}
    written = []
    for kind in KINDS:
        entries = [_entry(kind, rows[kind.name][key]) for key in sorted(rows[kind.name])]
        written.append(Path(files.write_bytes(kind.file, _encode(entries)).path))
    return written


def _entry(kind: Kind, row: object) -> dict[str, object]:
    entry = kind.entry.model_validate_json(json.dumps(kind.to_entry(row)))
    plain: dict[str, object] = entry.model_dump(mode="json")
    # An optional reference that is not set is left out; a required one is written as null.
    required = {name for name, field in kind.entry.model_fields.items() if field.is_required()}
    return {name: value for name, value in plain.items() if value is not None or name in required}


def _encode(entries: list[dict[str, object]]) -> bytes:
    return (json.dumps(entries, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
