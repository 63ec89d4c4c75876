"""The ``creative-lab`` command: ``creative-lab --help`` lists what it does."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from creative_lab.commands import (
    characters,
    console,
    data,
    drawing,
    grading,
    lab,
    looks,
    people,
    pictures,
    storyboards,
    study,
    vision,
    work,
)

app = typer.Typer(
    name="creative-lab",
    help="AI advertising production: adapt spots to markets, review them, and ask the warehouse about them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="rich",
)
lab.register(app)
data.register(app)
work.register(app)
people.register(app)
characters.register(app)
storyboards.register(app)
study.register(app)
pictures.register(app)
drawing.register(app)
vision.register(app)
looks.register(app)
grading.register(app)


@app.callback()
def options(verbose: Annotated[bool, typer.Option("--verbose", help="Show the trace of an error.")] = False) -> None:
    """Options of every command."""
    console.set_verbose(verbose)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 done, 1 failed, 2 wrong use."""
    command = typer.main.get_command(app)
    return console.run_guarded(lambda: command.main(args=arguments, prog_name="creative-lab", standalone_mode=False))


if __name__ == "__main__":
    sys.exit(main())
