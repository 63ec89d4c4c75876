"""Commands for studies with people: forms out, answers in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from creative_lab.commands.console import say, table
from creative_lab.commands.data import ready

study_app = typer.Typer(help="Ask people whether the character stays the same.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(study_app, name="study")


@study_app.command("export")
def study_export(
    key: Annotated[str, typer.Argument(help="Key of the study, such as faces-2026-03.")],
    folder: Annotated[Path, typer.Argument(help="Folder to write the forms to.")],
    storyboard: Annotated[
        list[str] | None, typer.Option(help="Storyboard to show; all with a character if absent.")
    ] = None,
    raters: Annotated[int, typer.Option(min=5, max=100, help="Forms to write, one per person.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same forms.")] = 0,
) -> None:
    """Write one blind form per rater: a standalone page that saves its answers as a file."""
    from creative_lab.metrics.study_work import export_study
    from creative_lab.state import db

    settings = ready()
    with db.session_scope(settings) as session:
        paths = export_study(settings, session, key, folder, storyboards=storyboard or (), raters=raters, seed=seed)
    for path in paths:
        say(str(path))
    say("Send one to each rater, and import the files that they send back: creative-lab study import FILE…")


@study_app.command("import")
def study_import(
    files: Annotated[list[Path], typer.Argument(help="Files of answers that the forms saved.")],
) -> None:
    """Add answers; all files are read before anything is kept, and answers that are there already are left alone."""
    from creative_lab.metrics.study_answers import import_answers
    from creative_lab.state import db

    settings = ready()
    with db.session_scope(settings) as session:
        done = [import_answers(session, file) for file in files]
    table(
        None,
        ["study", "form", "rater", "added", "already there"],
        [(one.study, one.form, one.rater, one.added, one.known) for one in done],
    )
    say("Results: creative-lab materialize user_study")


@study_app.command("list")
def study_list() -> None:
    """List studies and how many answers each has."""
    from sqlalchemy import func, select

    from creative_lab.state import db
    from creative_lab.state.models import Study, StudyAnswer

    settings = ready()
    with db.session_scope(settings) as session:
        counted = (
            select(Study.key, func.count(StudyAnswer.id), func.count(StudyAnswer.rater.distinct()))
            .outerjoin(StudyAnswer, StudyAnswer.study_id == Study.id)
            .group_by(Study.key)
            .order_by(Study.key)
        )
        rows = [(key, answers, raters) for key, answers, raters in session.execute(counted)]
    table(None, ["study", "answers", "raters"], rows)
    if not rows:
        say("No study yet: creative-lab study export KEY FOLDER")
