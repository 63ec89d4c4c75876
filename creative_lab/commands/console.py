"""How the command line speaks: one clear line for an error, tables for results, exit codes that scripts can trust."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

out = Console(highlight=False, emoji=False)
err = Console(stderr=True, highlight=False, emoji=False)

FAILED, WRONG_USE = 1, 2
_UNBOUNDED = 10_000
"""Width of a table that nobody reads in a terminal: one row stays one line, for grep and scripts."""
_verbose = False


class CommandError(Exception):
    """A command can't do what was asked; the message is the one line that the user sees."""

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def set_verbose(verbose: bool) -> None:
    """Whether errors come with their trace."""
    global _verbose
    _verbose = verbose


def say(line: str) -> None:
    """Print a line for people as it is: no markup, no line breaks put in, so that paths and commands can be copied."""
    out.print(line, markup=False, soft_wrap=True)


def write(text: str) -> None:
    """Print a text to the letter, such as a template that is edited and saved again."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def table(
    title: str | None, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, right: Iterable[int] = ()
) -> None:
    """Print ``rows`` under ``columns``; columns listed in ``right`` hold numbers."""
    sheet = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    right = set(right)
    for index, column in enumerate(columns):
        sheet.add_column(column, justify="right" if index in right else "left", overflow="fold", no_wrap=index == 0)
    for row in rows:
        sheet.add_row(*(cell if hasattr(cell, "__rich_console__") else escape(str(cell)) for cell in row))
    (out if out.is_terminal else Console(highlight=False, emoji=False, width=_UNBOUNDED)).print(sheet)


def run_guarded(command: Callable[[], Any]) -> int:
    """Run a command and turn whatever happens into an exit code: 0 done, 1 failed, 2 wrong use, 130 interrupted."""
    import typer

    try:
        result = command()
    except KeyboardInterrupt:
        err.print("Interrupted.")
        return 130
    except typer.Exit as stop:
        return int(stop.exit_code or 0)
    except BrokenPipeError:
        # The reader of our output (head, less) has left: not an error of ours.
        sys.stderr.close()
        return 0
    except Exception as problem:
        show = getattr(problem, "show", None)
        if callable(show):  # a usage error of the command-line library
            show()
            return int(getattr(problem, "exit_code", WRONG_USE))
        if _verbose:
            traceback.print_exc()
        known = isinstance(problem, CommandError | OSError | ValueError) or type(problem).__module__.startswith(
            "creative_lab"
        )
        lines = _lines_of(problem, known)
        prefix = "Error" if known else f"Unexpected {type(problem).__name__}"
        hint = "" if known or _verbose else " (run again with --verbose for the trace)"
        err.print(f"[bold red]{prefix}:[/] {escape(lines)}{hint}", soft_wrap=True)
        return int(getattr(problem, "exit_code", FAILED))
    return int(result) if isinstance(result, int) and not isinstance(result, bool) else 0


def _lines_of(problem: Exception, known: bool) -> str:
    """What to say about an error: all of a message of ours, the first line of anybody else's."""
    from pydantic import ValidationError

    if isinstance(problem, ValidationError) and problem.title == "Settings":
        # Without the values: a key that was put into the wrong variable must not be printed.
        return "\n".join(
            f"CREATIVE_LAB_{'.'.join(map(str, item['loc'])).upper()}: {item['msg']}"
            for item in problem.errors(include_input=False, include_url=False, include_context=False)
        )
    text = str(problem).strip() or type(problem).__name__
    return text if known else text.splitlines()[0]
