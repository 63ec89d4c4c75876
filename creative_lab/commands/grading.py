"""Commands for people who look at looks: grades, kill phrases, and pictures that could not be segmented."""

from __future__ import annotations

import getpass
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from creative_lab.commands.console import CommandError, say, table
from creative_lab.commands.data import ready
from creative_lab.commands.looks import looks_app

phrases_app = typer.Typer(help="Phrases that prompts should exclude.", no_args_is_help=True)

Who = Annotated[str, typer.Option("--who", help="Who decides; your login name when absent.")]
Phrase = Annotated[str, typer.Argument(help="The phrase, one to five words.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("grade")(grade)
    looks_app.add_typer(phrases_app, name="phrases")


def grade(
    item: Annotated[
        str | None, typer.Argument(help="LOOK_ID, or LOOK_ID/GARMENT for a garment of it.", show_default=False)
    ] = None,
    score: Annotated[int | None, typer.Argument(help="1 (kill) to 5 (run it).", show_default=False)] = None,
    note: Annotated[str, typer.Option("--note", help="What to say about it.")] = "",
    tag: Annotated[list[str] | None, typer.Option("--tag", help="A tag; may be repeated.")] = None,
    grader: Annotated[str, typer.Option("--grader", help="Who grades; your login name when absent.")] = "",
    sitting: Annotated[str, typer.Option("--sitting", help="Name of the sitting; a new one when absent.")] = "",
    file: Annotated[Path | None, typer.Option("--file", help="Import grades from a CSV file instead.")] = None,
) -> None:
    """Grade a look or a garment of it, or import grades from a CSV file.

    A grade is never changed: a second opinion is a new sitting, and the latest counts. Grades act from tomorrow on.
    """
    from creative_lab.looks.grading import NewGrade, read_csv, record
    from creative_lab.state import db

    who = grader or getpass.getuser()
    if file is not None:
        if item is not None or score is not None:
            raise CommandError("give either a look and a score, or --file", exit_code=2)
        if not file.is_file():
            raise CommandError(f"{file} is not a file", exit_code=2)
        grades = read_csv(file.read_bytes(), grader=who)
    elif item is None or score is None:
        raise CommandError("give a look and a score from 1 to 5, or --file", exit_code=2)
    else:
        look, _, garment = item.partition("/")
        now = datetime.now(UTC)
        name = sitting or f"{now:%Y-%m-%dT%H:%M}-{uuid.uuid4().hex[:6]}"
        grades = [NewGrade(look, score, who, name, now, garment_id=garment or None, note=note, tags=tuple(tag or ()))]
    settings = ready()
    with db.session_scope(settings) as session:
        done = record(settings, session, grades)
    known = f", {done.known} were known already" if done.known else ""
    say(f"{done.added} grade{'' if done.added == 1 else 's'} recorded{known}")


@looks_app.command("failed")
def looks_failed(
    everything: Annotated[bool, typer.Option("--all", help="Also pictures that wait or are being worked on.")] = False,
) -> None:
    """List pictures that could not be segmented and are left to a person, with the reason of the last attempt."""
    from creative_lab.looks.claim_book import PostgresBook

    book = PostgresBook(ready())
    records = book.records(states=["failed", "waiting", "claimed"] if everything else ["failed"])
    table(
        None,
        ["look", "render", "day", "state", "attempts", "next try", "reason"],
        [
            (*record.key, record.day, record.state, record.attempts, _moment(record.retry_at), record.reason)
            for record in records
        ],
        right=(1, 4),
    )
    if not records:
        say("No picture is left to a person.")


@looks_app.command("retry")
def looks_retry(
    look_id: Annotated[str, typer.Argument(help="Id of the look.")],
    render: Annotated[int | None, typer.Option("--render", help="Only this rendering.")] = None,
    who: Who = "",
) -> None:
    """Let a look that could not be segmented be tried again; the next tick takes it up."""
    from creative_lab.looks.reconcile import claims_of

    again = claims_of(ready(), "retry").retry(look_id, who or getpass.getuser(), render)
    if not again:
        raise CommandError(f"no rendering of {look_id} is listed as failed; see creative-lab looks failed")
    for record in again:
        say(f"{record.key.look_id} render {record.key.render_no} is tried again")


@phrases_app.command("list")
def phrases_list() -> None:
    """List phrases that graders name in low grades, and what people decided about them."""
    from creative_lab.lake.tables import TableStore
    from creative_lab.looks.feedback.stored import decisions
    from creative_lab.looks.tables import LearnedIntel
    from creative_lab.state import db

    settings = ready()
    store = TableStore(settings)
    newest = max(store.partitions(LearnedIntel), key=lambda keys: keys["day"], default=None)
    rows = store.read(LearnedIntel, [newest]).to_dicts() if newest else []
    found = {row["text"]: (row["support"], row["mean_score"], row["first_seen"]) for row in rows
             if row["kind"] == "kill_phrase"}  # fmt: skip
    with db.session_scope(settings) as session:
        decided = decisions(session)
    names = sorted(set(found) | set(decided), key=lambda name: (-found.get(name, (0, 0, ""))[0], name))
    shown = []
    for name in names:
        support, mean, since = found.get(name, (0, None, ""))
        decision = decided.get(name)
        state = f"{decision.status} by {decision.who} on {decision.day}" if decision else "waits for a person"
        shown.append((name, support, "" if mean is None else f"{mean:.1f}", since, state))
    table(None, ["phrase", "grades", "mean", "since", "state"], shown, right=(1, 2))
    if not shown:
        say("No phrase is known; low grades with notes bring them.")


@phrases_app.command("activate")
def phrases_activate(phrase: Phrase, who: Who = "") -> None:
    """Exclude a phrase from prompts, from tomorrow on."""
    _decide(phrase, "active", who)


@phrases_app.command("retire")
def phrases_retire(phrase: Phrase, who: Who = "") -> None:
    """Let a phrase be, from tomorrow on."""
    _decide(phrase, "retired", who)


def _decide(phrase: str, status: str, who: str) -> None:
    from creative_lab.looks.feedback.stored import decide
    from creative_lab.looks.grading import local_day
    from creative_lab.state import db

    settings = ready()
    with db.session_scope(settings) as session:
        day = local_day(settings, datetime.now(UTC))
        decide(session, phrase, status, who=who or getpass.getuser(), day=day)
    say(f"{phrase.lower()!r} is {status} from the day after {day} on")


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
