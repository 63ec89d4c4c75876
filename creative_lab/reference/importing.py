"""Import of a folder of reference data: by natural key, in the order of dependency, all or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from creative_lab.reference.consistency import warnings_of
from creative_lab.reference.kinds import KINDS, Key, Kind
from creative_lab.reference.problems import (
    ImportFailed,
    Problem,
    read_json,
    unstorable,
    validation_problems,
)
from creative_lab.reference.report import FileReport, ImportReport
from creative_lab.reference.wvs import is_own_block, replace_blocks
from creative_lab.state import models

_IMPORT_LOCK = 0x6C61_6264_6201
_LATER = {"presets.json", "controlnet_models.json"}
"""Files of a reference folder that other rooms read."""


def import_directory(
    session: Session,
    directory: Path,
    dry_run: bool = False,
    *,
    check_template: Callable[[str], object] | None = None,
) -> ImportReport:
    """Bring the database up to the files of ``directory``, inside the caller's transaction.

    Entries are matched by natural key: new ones are created, changed ones updated, nothing is deleted, and a second
    import changes no row. A folder may hold any of the files. All files are checked before anything is kept; any
    problem raises :class:`ImportFailed` with every problem found, and the database stays as it was. With ``dry_run``
    the report says exactly what would change, and nothing does.

    The syntax of prompt templates is always checked; ``check_template`` may check more (which filters exist, which
    limits hold) and raises for a template that may not be stored.
    """
    run = _Import(session, Path(directory), check_template)
    # Two imports at once would both miss the other's rows: they take turns.
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _IMPORT_LOCK})
    session.flush()
    point = session.begin_nested()
    try:
        report = run.apply(dry_run)
    except BaseException:
        point.rollback()
        raise
    if dry_run:
        point.rollback()
    else:
        point.commit()
    return report


class _Import:
    """The state of one import."""

    def __init__(
        self, session: Session, directory: Path, check_template: Callable[[str], object] | None = None
    ) -> None:
        self.session = session
        self.directory = directory
        self.check_template = check_template
        self.problems: list[Problem] = []
        self.rows: dict[str, dict[Key, Any]] = {}
        self.bad_keys: dict[str, set[Key]] = {kind.name: set() for kind in KINDS}
        self.reports: dict[str, FileReport] = {}
        self._file = ""
        self._place = ""
        self._missing = False

    def apply(self, dry_run: bool) -> ImportReport:
        """Read, check and write everything; raises ImportFailed when anything is wrong."""
        warnings = self._unknown_files()
        entries = {kind.name: self._read(kind) for kind in KINDS}
        with self.session.no_autoflush:
            for kind in KINDS:
                if (self.directory / kind.file).exists():
                    self._upsert(kind, entries[kind.name])
            for kind in KINDS:
                if kind.late_values and (self.directory / kind.file).exists():
                    self._set_late_values(kind, entries[kind.name])
        if self.problems:
            order = [kind.file for kind in KINDS]
            raise ImportFailed(sorted(self.problems, key=lambda problem: order.index(problem.file)))
        warnings += warnings_of(self.session)
        return ImportReport(dry_run, list(self.reports.values()), warnings)

    def _unknown_files(self) -> list[str]:
        if not self.directory.is_dir():
            raise ImportFailed([Problem(str(self.directory), "is no folder")])
        known = {kind.file for kind in KINDS}
        found = {path.name for path in self.directory.glob("*.json")}
        if not found & known:
            raise ImportFailed([Problem(str(self.directory), "holds no file of reference data, such as regions.json")])
        return [f"{name}: ignored, no file of reference data has this name" for name in sorted(found - known - _LATER)]

    def _read(self, kind: Kind) -> list[tuple[str, BaseModel]]:
        """The valid entries of one file, each with its place; problems are collected."""
        path = self.directory / kind.file
        if not path.exists():
            return []
        try:
            raw = read_json(path)
        except ImportFailed as error:
            self.problems += error.problems
            return []
        if not isinstance(raw, list):
            self.problems.append(Problem(kind.file, "must hold a list of entries"))
            return []
        result: list[tuple[str, BaseModel]] = []
        seen: dict[Key, int] = {}
        for index, item in enumerate(raw):
            key = _raw_key(item, kind)
            place = f"entry {index} ({' / '.join(key)})" if key else f"entry {index}"
            problems = [Problem(kind.file, message, place, field) for field, message in unstorable(item)]
            entry = None
            if not problems:
                try:
                    # JSON mode: strict types, but dates are texts.
                    entry = kind.entry.model_validate_json(json.dumps(item))
                except ValidationError as error:
                    problems = validation_problems(error, kind.file, place)
            if key in seen:
                problems.append(Problem(kind.file, f"has the same key as entry {seen[key]}", place, kind.key_fields[0]))
            if key:
                seen.setdefault(key, index)
            if problems:
                self.problems += problems
                if key:
                    self.bad_keys[kind.name].add(key)
            elif entry is not None:
                result.append((place, entry))
        return result

    def _index(self, name: str) -> dict[Key, Any]:
        if name not in self.rows:
            self.rows[name] = next(kind for kind in KINDS if kind.name == name).rows(self.session)
        return self.rows[name]

    def _resolve(self, name: str, key: str | Key | None, field: str) -> int | None:
        if key is None:
            return None
        wanted = (key,) if isinstance(key, str) else key
        row = self._index(name).get(wanted)
        if row is None:
            self._missing = True
            # An entry that is itself wrong has been reported; its absence is no second fault.
            if wanted not in self.bad_keys[name]:
                noun = next(kind.noun for kind in KINDS if kind.name == name)
                self.problems.append(Problem(self._file, f"unknown {noun} {' / '.join(wanted)!r}", self._place, field))
            return None
        row_id: int = row.id
        return row_id

    def _upsert(self, kind: Kind, entries: list[tuple[str, BaseModel]]) -> None:
        report = self.reports[kind.name] = FileReport(kind.file)
        index = self._index(kind.name)
        self._file = kind.file
        for place, entry in entries:
            self._place = place
            self._missing = False
            key: Key = tuple(str(getattr(entry, name)) for name in kind.key_fields)
            values = kind.values(entry, self._resolve)
            alternatives = self._alternatives(entry) if kind.name == "languages" else None
            if self._missing:
                self.bad_keys[kind.name].add(key)
                continue
            if kind.name == "prompt_templates":
                self._add_template(index, key, values, report)
                continue
            row = index.get(key)
            if row is None:
                row = index[key] = kind.model(**values)
                self.session.add(row)
                report.created.append(" / ".join(key))
                if alternatives is not None:
                    _set_alternatives(row, alternatives)
                continue
            if kind.name == "countries":
                values["insights"] = _with_survey(row.insights, values["insights"])
            changed = [name for name, value in values.items() if getattr(row, name) != value]
            for name in changed:
                setattr(row, name, values[name])
            if alternatives is not None and [link.llm_model_id for link in row.alternative_links] != alternatives:
                row.alternative_links.clear()
                self._flush(kind)
                _set_alternatives(row, alternatives)
                changed.append("alternative_models")
            if changed:
                report.updated[" / ".join(key)] = [_public(name) for name in changed]
            else:
                report.unchanged += 1
        self._flush(kind)

    def _alternatives(self, entry: Any) -> list[int]:
        found = [
            self._resolve("llm_models", model_id, f"alternative_models.{position}")
            for position, model_id in enumerate(entry.alternative_models)
        ]
        return [row_id for row_id in found if row_id is not None]

    def _set_late_values(self, kind: Kind, entries: list[tuple[str, BaseModel]]) -> None:
        report = self.reports[kind.name]
        self._file = kind.file
        assert kind.late_values is not None
        for place, entry in entries:
            self._place = place
            key: Key = tuple(str(getattr(entry, name)) for name in kind.key_fields)
            values = kind.late_values(entry, self._resolve)
            row = self._index(kind.name).get(key)
            if row is None:
                continue
            changed = [name for name, value in values.items() if getattr(row, name) != value]
            for name in changed:
                setattr(row, name, values[name])
            label = " / ".join(key)
            if changed and label not in report.created:
                if label not in report.updated:
                    report.unchanged -= 1
                report.updated.setdefault(label, []).extend(_public(name) for name in changed)
        self._flush(kind)

    def _add_template(self, index: dict[Key, Any], key: Key, values: dict[str, Any], report: FileReport) -> None:
        """Add a version when the slug has none with this content.

        A version that exists is never touched and never made active again: a person may have edited the template
        or gone back to another version since, and only a file with *new* content says more than that.
        """
        Template = models.PromptTemplate
        content = {name: value for name, value in values.items() if name not in {"slug", "version"}}
        slug = values["slug"]
        versions = self.session.scalars(select(Template).where(Template.slug == slug)).all()
        if any(all(getattr(row, name) == value for name, value in content.items()) for row in versions):
            report.unchanged += 1
            return
        if self.check_template is not None:
            try:
                self.check_template(values["template"])
            except Exception as error:
                self.problems.append(Problem(self._file, str(error), self._place, "template"))
                return
        newest = self.session.scalar(select(func.max(Template.version)).where(Template.slug == slug)) or 0
        for row in versions:
            row.is_active = False
        self.session.flush()
        version = values["version"] if values["version"] > newest else newest + 1
        index[key] = Template(slug=slug, version=version, **content)
        self.session.add(index[key])
        if versions:
            report.updated[slug] = [f"version {version}"]
        else:
            report.created.append(slug)

    def _flush(self, kind: Kind) -> None:
        try:
            self.session.flush()
        except DBAPIError as error:
            # What the shapes let through and the database refuses; the transaction cannot go on.
            reason = str(error.orig).strip().splitlines()[0]
            self.problems.append(Problem(kind.file, f"the database refuses the file: {reason}"))
            raise ImportFailed(self.problems) from error


def _raw_key(item: Any, kind: Kind) -> Key | None:
    if not isinstance(item, dict):
        return None
    parts = [item.get(name) for name in kind.key_fields]
    texts = [part for part in parts if isinstance(part, str)]
    return tuple(texts) if len(texts) == len(parts) else None


def _public(name: str) -> str:
    return name.removesuffix("_id")


def _with_survey(stored: list[dict[str, Any]], given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A file of countries without survey blocks says nothing about them: those of the database stay."""
    if any(is_own_block(block) for block in given):
        return given
    return replace_blocks(given, [block for block in stored if is_own_block(block)])


def _set_alternatives(row: models.Language, model_ids: list[int]) -> None:
    row.alternative_links.extend(
        models.LanguageAlternativeModel(llm_model_id=model_id, order_index=index)
        for index, model_id in enumerate(model_ids)
    )
