"""Making a study from stored storyboards, and its results from stored answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from sqlalchemy import select

from creative_lab.lake.fs import FileSystem
from creative_lab.lake.tables import TableStore
from creative_lab.metrics.proof_tables import StoryboardConsistency
from creative_lab.metrics.study import Definition, Shown, design
from creative_lab.metrics.study_answers import StudyError, load_study, store_study
from creative_lab.metrics.study_form import form_page
from creative_lab.metrics.study_results import Given, frame_of, people_against_scores, summarise
from creative_lab.state.models import Study, StudyAnswer

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from creative_lab.settings import Settings

AUTOMATIC = ("face_consistency", "reference_similarity", "recognised", "clip_identity", "mean_difference")
"""Automatic scores of a storyboard that people's answers are compared with."""


def shown_storyboards(settings: Settings, keys: Sequence[str]) -> list[Shown]:
    """What a study would show of the storyboards ``keys``; all with a character when there are no keys.

    Raises :class:`StudyError` for a storyboard that was not drawn, or whose character has no picture of its own.
    """
    from creative_lab.characters.tables import TrainingSet
    from creative_lab.storyboards.tables import StoryboardFrames

    store = TableStore(settings)
    known = {partition["storyboard"] for partition in store.partitions(StoryboardFrames)}
    unknown = [key for key in keys if key not in known]
    if unknown:
        raise StudyError(f"not drawn yet: {', '.join(unknown)} (drawn: {', '.join(sorted(known)) or 'none'})")
    references: dict[str, str] = {}
    shown = []
    for key in keys or sorted(known):
        rows = store.read(StoryboardFrames, [{"storyboard": key}]).sort("scene")
        character = rows["character"][0] if rows.height else None
        frames = tuple(rows.drop_nulls("path")["path"])
        if not keys and (character is None or not frames):
            continue
        if character is None:
            raise StudyError(f"{key}: has no character whose likeness people could judge")
        if character not in references:
            if not store.exists(TrainingSet, {"character": character}):
                raise StudyError(f"{key}: the character {character} has no training set to show a picture from")
            own = store.read(TrainingSet, [{"character": character}]).filter("used").sort("picture")
            if not own.height:
                raise StudyError(f"{key}: no picture of the character {character} is trained on, so none can be shown")
            references[character] = own["path"][0]
        first = rows.row(0, named=True)
        shown.append(Shown(key, first["source_key"], first["method"], character, references[character], frames))
    return shown


def export_study(
    settings: Settings,
    session: Session,
    key: str,
    folder: Path,
    *,
    storyboards: Sequence[str] = (),
    raters: int = 5,
    seed: int = 0,
) -> list[Path]:
    """Make a study and write one form per rater into ``folder``; the same call again writes the same forms.

    Raises :class:`StudyError` when there is nothing to show or the key belongs to another study.
    """
    try:
        definition = design(shown_storyboards(settings, storyboards), key=key, raters=raters, seed=seed)
    except ValueError as error:
        raise StudyError(str(error)) from error
    store_study(session, key, seed, definition)
    lake, files = FileSystem.of_lake(settings), FileSystem(folder)
    names = []
    for form in definition.forms:
        name = f"{key}-{form}.html"
        files.write_bytes(name, form_page(key, form, definition, lake.read_bytes).encode())
        names.append(folder / name)
    return names


def stored_answers(session: Session, key: str) -> tuple[Definition, pl.DataFrame]:
    """A study and all its answers as rows."""
    study, definition = load_study(session, key)
    rows = session.scalars(select(StudyAnswer).where(StudyAnswer.study_id == study.id))
    given = [Given(r.form, r.rater, r.position, r.item, r.question, r.answer, r.synthetic) for r in rows]
    return definition, frame_of(definition, given)


def study_tables(settings: Settings, session: Session) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of ``user_study`` and ``study_scores`` for every study that has answers."""
    store = TableStore(settings)
    consistency = store.read(StoryboardConsistency)
    scores = {
        name: dict(zip(consistency["storyboard"].to_list(), consistency[name].to_list(), strict=True))
        for name in AUTOMATIC
    }
    results, agreements = [], []
    for key in session.scalars(select(Study.key).order_by(Study.key)):
        _, answers = stored_answers(session, key)
        if answers.height:
            results += [{"study": key, **row} for row in summarise(answers)]
            agreements += [{"study": key, **row} for row in people_against_scores(answers, scores)]
    return results, agreements
