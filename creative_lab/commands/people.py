"""Commands for people's decisions and texts: review, prompt templates, translations."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer

from creative_lab.commands.console import CommandError, say, table, write
from creative_lab.commands.data import ready

review_app = typer.Typer(help="Approve adapted scripts, or send them back.", no_args_is_help=True)
template_app = typer.Typer(help="Prompt templates: show, edit, roll back.", no_args_is_help=True)
xliff_app = typer.Typer(help="Adapted scripts for translators' tools.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(review_app, name="review")
    app.add_typer(template_app, name="template")
    app.add_typer(xliff_app, name="xliff")


Spot = Annotated[str, typer.Argument(help="Key of the spot.")]
Target = Annotated[str, typer.Argument(help="Code of the target.")]
Who = Annotated[str, typer.Option("--who", help="Who decides; your login name when absent.")]


@review_app.command("list")
def review_list(
    everything: Annotated[bool, typer.Option("--all", help="Also what was decided already.")] = False,
) -> None:
    """List adapted scripts and where their approval stands, the worst first."""
    from creative_lab.review.queue import review_queue
    from creative_lab.state import db

    settings = ready()
    with db.session_scope(settings) as session:
        items = review_queue(settings, session)
    shown = [item for item in items if everything or item.state in {"pending", "changes_requested"}]
    table(
        None,
        ["spot", "target", "gates", "findings", "approval", "content"],
        [(i.spot, i.target, i.gates, i.findings, i.state, i.content_hash[:12]) for i in shown],
    )
    if not shown:
        say("Nothing waits for a decision.")


def _decide(spot: str, target: str, decision: str, who: str, note: str, content: str | None) -> None:
    from creative_lab.review.queue import decide
    from creative_lab.state import db

    settings = ready()
    with db.session_scope(settings) as session:
        entry = decide(
            settings, session, spot, target, decision, who=who or getpass.getuser(), note=note, content=content
        )
        line = f"{spot} → {target}: {decision.replace('_', ' ')} by {entry.who}, for content {entry.content_hash[:12]}"
    say(line)


Content = Annotated[
    str | None,
    typer.Option("--content", help="First characters of the content you looked at; refused if it has changed since."),
]


@review_app.command("approve")
def review_approve(spot: Spot, target: Target, who: Who = "", note: str = "", content: Content = None) -> None:
    """Approve the adapted script as it is now; a new draft has to be approved again."""
    _decide(spot, target, "approved", who, note, content)


@review_app.command("reject")
def review_reject(
    spot: Spot, target: Target, note: Annotated[str, typer.Option(help="Why.")], who: Who = "", content: Content = None
) -> None:
    """Reject the adapted script as it is now."""
    _decide(spot, target, "rejected", who, note, content)


@review_app.command("request-changes")
def review_request_changes(
    spot: Spot,
    target: Target,
    note: Annotated[str, typer.Option(help="What to change.")],
    who: Who = "",
    content: Content = None,
) -> None:
    """Ask for changes to the adapted script as it is now."""
    _decide(spot, target, "changes_requested", who, note, content)


@review_app.command("verify")
def review_verify() -> None:
    """Check that no recorded decision was altered since it was made."""
    from creative_lab.review.approvals import verify_chain
    from creative_lab.state import db

    with db.session_scope(ready()) as session:
        report = verify_chain(session)
    if not report.ok:
        raise CommandError(f"entry {report.broken_at} is not as it was written: {report.problem}")
    say(f"{report.entries} decisions, none altered; newest {report.head[:12]}")


@template_app.command("list")
def template_list() -> None:
    """List the active prompt templates."""
    from sqlalchemy import select

    from creative_lab.state import db
    from creative_lab.state.models import PromptTemplate

    with db.session_scope(ready()) as session:
        rows = [
            (t.slug, t.version, t.category, t.usage_count, t.name)
            for t in session.scalars(
                select(PromptTemplate).where(PromptTemplate.is_active).order_by(PromptTemplate.slug)
            )
        ]
    table(None, ["slug", "version", "category", "used", "name"], rows, right=[1, 3])


@template_app.command("show")
def template_show(
    slug: str, version: Annotated[int | None, typer.Option(help="Active one when absent.")] = None
) -> None:
    """Print a prompt template."""
    from creative_lab.language.templates import TemplateStore

    versions = TemplateStore(ready()).history(slug)
    found = [v for v in versions if (v.version == version if version else v.is_active)]
    if not found:
        raise CommandError(
            f"there is no template {slug!r}" + (f" in version {version}" if version else ""), exit_code=2
        )
    write(found[0].template)


@template_app.command("save")
def template_save(slug: str, file: Annotated[Path, typer.Argument(help="The new text.")]) -> None:
    """Save a new version of a prompt template and make it the active one; a mistake in it is refused with its line."""
    from creative_lab.language.templates import TemplateStore

    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CommandError(f"{file} is not UTF-8 text: {error.reason} at byte {error.start}") from None
    saved = TemplateStore(ready()).save(slug, text)
    say(f"{slug} is now version {saved.version}")


@template_app.command("rollback")
def template_rollback(slug: str, version: int) -> None:
    """Make an earlier version of a prompt template the active one again."""
    from creative_lab.language.templates import TemplateStore

    active = TemplateStore(ready()).activate(slug, version)
    say(f"{slug} is now version {active.version}")


@template_app.command("history")
def template_history(slug: str) -> None:
    """List the versions of a prompt template."""
    from creative_lab.language.templates import TemplateStore

    versions = TemplateStore(ready()).history(slug)
    if not versions:
        raise CommandError(f"there is no template {slug!r}", exit_code=2)
    rows = [(v.version, "active" if v.is_active else "", v.usage_count, v.last_used_at or "–") for v in versions]
    table(slug, ["version", "", "used", "last used"], rows, right=[0, 2])


@xliff_app.command("export")
def xliff_export(spot: Spot, target: Target, file: Annotated[Path, typer.Argument(help="File to write.")]) -> None:
    """Write an adapted script as XLIFF 2, with the origin as source and the draft as target."""
    from creative_lab.adaptation.exchange import export_adaptation
    from creative_lab.lake.fs import FileSystem
    from creative_lab.state import db

    settings = ready()
    with db.session_scope(settings) as session:
        document = export_adaptation(settings, session, spot, target)
    FileSystem(file.absolute().parent).write_bytes(file.name, document)
    say(f"{file}: open it in any translation tool, then: creative-lab xliff import {spot} {target} {file}")


@xliff_app.command("import")
def xliff_import(
    spot: Spot, target: Target, file: Annotated[Path, typer.Argument(help="The translated file.")]
) -> None:
    """Take a translator's file as the new draft and put it before the four gates."""
    from creative_lab.adaptation.tables import AdaptationResults
    from creative_lab.commands.runs import SEPARATOR, Job, Lab
    from creative_lab.lake.tables import TableStore
    from creative_lab.review.queue import find_item
    from creative_lab.state import db

    if not file.is_file():
        raise CommandError(f"{file} is not a file", exit_code=2)
    settings = ready()
    with db.session_scope(settings) as session:
        find_item(settings, session, spot, target)  # raises an error that says so when there is no draft to translate
    tables = ("adapted_scripts", "gate_evaluations", "gate_findings", "adaptation_results", "script_deliverables")
    with Lab(settings) as lab:
        job = Job(tables, f"{spot}{SEPARATOR}{target}")
        outcome = lab.run(job, {"adaptation": {"translation": str(file.absolute())}})
    if outcome.success:
        say(f"{spot} → {target}: all gates green with the translation of {file.name}")
        return
    store, keys = TableStore(settings), {"spot": spot, "target": target}
    written = store.exists(AdaptationResults, keys)
    row = store.read(AdaptationResults, [keys]).row(0, named=True) if written else {"run_id": None}
    raise CommandError(str(row["error_message"] if row["run_id"] == outcome.run_id else outcome.reason))
