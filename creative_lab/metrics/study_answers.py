"""Answers of a study: reading the files that forms give, and keeping each answer once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from creative_lab.metrics.study import Definition
from creative_lab.state.models import Study, StudyAnswer


class StudyError(ValueError):
    """A study or a file of answers that cannot be used; the message names file, answer and field."""


class Answer(BaseModel):
    """One answer in a file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    position: int = Field(ge=0)
    item: str
    question: str
    answer: str
    note: str = Field(default="", max_length=2000)
    seconds: float = Field(ge=0, le=86_400)


class AnswerFile(BaseModel):
    """What a form saves."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    study: str
    form: str
    rater: str = Field(min_length=1, max_length=100, pattern=r"\S")
    synthetic: bool = False
    finished_at: AwareDatetime
    answers: list[Answer] = Field(min_length=1)


@dataclass(frozen=True)
class Imported:
    """What an import did."""

    study: str
    form: str
    rater: str
    added: int
    known: int


def store_study(session: Session, key: str, seed: int, definition: Definition) -> Study:
    """Keep a new study. Raises :class:`StudyError` when the key is taken by another one."""
    found = session.scalar(select(Study).where(Study.key == key))
    document = definition.model_dump(mode="json")
    if found is not None:
        if found.definition != document:
            raise StudyError(f"there is a study {key} with other pictures; give the new one another key")
        return found
    study = Study(key=key, seed=seed, definition=document)
    session.add(study)
    session.flush()
    return study


def load_study(session: Session, key: str) -> tuple[Study, Definition]:
    """A study by its key. Raises :class:`StudyError` when there is none."""
    study = session.scalar(select(Study).where(Study.key == key))
    if study is None:
        known = ", ".join(session.scalars(select(Study.key).order_by(Study.key))) or "none"
        raise StudyError(f"there is no study {key!r} (known: {known})")
    return study, Definition.model_validate(study.definition)


def import_answers(session: Session, path: Path) -> Imported:
    """Add the answers of one file; those that are there already are left alone.

    Raises :class:`StudyError` naming file, answer and field for anything that does not belong to the study's form, or
    contradicts what the same form said before; nothing is added then.
    """
    file = _read(path)
    study, definition = load_study(session, file.study)
    order = definition.forms.get(file.form)
    if order is None:
        raise StudyError(f"{path}: form: study {file.study} has no form {file.form!r}")
    rows = select(StudyAnswer).where(StudyAnswer.study_id == study.id, StudyAnswer.form == file.form)
    known = {(row.position, row.question): row for row in session.scalars(rows)}
    others = {row.rater for row in known.values()} - {file.rater}
    if others:
        raise StudyError(f"{path}: rater: {file.form} was filled in by {', '.join(sorted(others))} already")
    added, seen = [], set()
    for number, answer in enumerate(file.answers):
        place = f"{path}: answers[{number}]"
        if answer.position >= len(order) or order[answer.position] != answer.item:
            raise StudyError(f"{place}.item: {file.form} does not show {answer.item!r} at {answer.position}")
        item = definition.items[answer.item]
        if answer.question != item.question:
            raise StudyError(f"{place}.question: {answer.question!r} is not asked there, {item.question} is")
        if answer.answer not in item.answers:
            raise StudyError(f"{place}.answer: {answer.answer!r} is none of {', '.join(item.answers)}")
        if answer.position in seen:
            raise StudyError(f"{place}.position: {answer.position} is answered twice")
        seen.add(answer.position)
        before = known.get((answer.position, answer.question))
        if before is not None and before.answer != answer.answer:
            raise StudyError(f"{place}.answer: {answer.answer!r}, but {before.answer!r} was imported before")
        if before is None:
            added.append(_row(study, file, answer))
    session.add_all(added)
    session.flush()
    return Imported(file.study, file.form, file.rater, len(added), len(file.answers) - len(added))


def _row(study: Study, file: AnswerFile, answer: Answer) -> StudyAnswer:
    return StudyAnswer(
        study_id=study.id,
        form=file.form,
        rater=file.rater.strip(),
        position=answer.position,
        item=answer.item,
        question=answer.question,
        answer=answer.answer,
        note=answer.note,
        seconds=answer.seconds,
        synthetic=file.synthetic,
        answered_at=file.finished_at.astimezone(UTC),
    )


def _read(path: Path) -> AnswerFile:
    try:
        return AnswerFile.model_validate(json.loads(path.read_bytes()))
    except OSError as error:
        raise StudyError(f"{path}: {error.strerror or error}") from error
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StudyError(f"{path}: no JSON: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
        raise StudyError(f"{path}: {place or 'file'}: {first['msg']}") from error
