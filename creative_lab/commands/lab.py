"""Commands about the lab as a whole: demo, up, doctor, docs."""

from __future__ import annotations

from typing import Annotated

import typer

from creative_lab.commands.console import CommandError, say, table
from creative_lab.commands.data import ready
from creative_lab.settings import get_settings


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("demo")(demo)
    app.command("up")(up)
    app.command("doctor")(doctor)
    app.command("docs", hidden=True)(docs)


def demo(
    fresh: Annotated[bool, typer.Option("--fresh", help="Redo finished work too.")] = False,
    every_target: Annotated[bool, typer.Option("--all", help="Adapt to all targets, not only the demo's.")] = False,
    chapter: Annotated[
        list[str] | None, typer.Option(help="Only this chapter: adaptation, looks or storyboards. May be repeated.")
    ] = None,
) -> int:
    """Run the main job on the sample data, and end with what to look at."""
    from creative_lab.commands.demo import CHAPTERS, run_demo

    unknown = [name for name in chapter or [] if name not in CHAPTERS]
    if unknown:
        raise CommandError(f"there is no chapter {unknown[0]!r}; there are {', '.join(CHAPTERS)}", exit_code=2)
    return run_demo(get_settings(), fresh=fresh, every_target=every_target, chapters=chapter or CHAPTERS)


def up(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the Dagster UI.")] = 3000,
    review_port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port of the review page; the next one when absent.")
    ] = None,
) -> int:
    """Start the Dagster UI, the daemon (schedules and sensors on) and the review page; Ctrl-C ends all of it."""
    from creative_lab.launch.serve import serve

    settings = ready()
    return serve(port, settings, review_port=review_port or port + 1, say=say)


def doctor() -> None:
    """Check this machine and say what would serve each role, and why."""
    from creative_lab.commands.health import examine

    findings = examine(get_settings())
    table(None, ["", "what", "found"], [(finding.mark, finding.what, finding.found) for finding in findings])
    bad = [finding for finding in findings if finding.level == "bad"]
    if bad:
        raise CommandError(f"{len(bad)} of {len(findings)} checks failed")


def docs(context: typer.Context) -> None:
    """Rewrite the generated pages of docs/ from the code and the lab's data."""
    from creative_lab.commands.pages import write_pages

    for path in write_pages(ready(), context.find_root().command):
        say(str(path))
