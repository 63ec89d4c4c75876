"""Commands that do work and ask about it: materialize, plan, sql."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from creative_lab.commands.console import CommandError, say, table, write
from creative_lab.commands.data import ready

Selection = Annotated[str, typer.Argument(help="Assets in Dagster's selection language, such as group:adaptation.")]
Partition = Annotated[
    list[str] | None,
    typer.Option("--partition", help="Partition key; spot|target for adaptations. * stands for all. May be repeated."),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("materialize")(materialize)
    app.command("plan")(plan)
    app.command("sql")(sql)


def materialize(
    selection: Selection,
    partition: Partition = None,
    force: Annotated[bool, typer.Option("--force", help="Also what is up to date already.")] = False,
) -> None:
    """Materialize assets here and now, one partition after the other; runs show up in the Dagster UI."""
    from creative_lab.commands.runs import Lab

    settings = ready()
    with Lab(settings) as lab:
        jobs = lab.jobs(selection, partition or [])
        failed = 0
        for number, job in enumerate(jobs, start=1):
            if not force and lab.is_fresh(job):
                say(f"[{number}/{len(jobs)}] {job.label}: up to date (--force redoes it)")
                continue
            outcome = lab.run(job)
            failed += not outcome.success
            line = "done" if outcome.success else f"failed: {outcome.reason}"
            say(f"[{number}/{len(jobs)}] {job.label}: {line} in {outcome.seconds:.1f} s")
    if failed:
        raise CommandError(f"{failed} of {len(jobs)} runs failed; the Dagster UI (creative-lab up) has their logs")


def plan(selection: Selection, partition: Partition = None) -> None:
    """Show what materialize would run: how often, on which model, how long, at what cost, with how much disk."""
    from creative_lab.commands.planning import make_plan

    made = make_plan(ready(), selection, partition or [])
    table(
        None,
        ["asset", "runs", "up to date", "model", "seconds each", "USD each", "kB each"],
        [
            (
                line.asset,
                line.runs,
                line.up_to_date,
                line.model,
                line.show(line.seconds, 2),
                line.show(line.cost_usd, 4),
                line.show(line.kilobytes, 1),
            )
            for line in made.lines
        ],
        right=[1, 2, 4, 5, 6],
    )
    say(made.summary)


def sql(
    query: Annotated[str | None, typer.Argument(help="One SELECT; - reads it from standard input.")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    examples: Annotated[bool, typer.Option("--examples", help="List the named questions.")] = False,
    example: Annotated[str | None, typer.Option("--example", help="Ask a named question.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Print the query of --example instead of asking it.")] = False,
    max_rows: Annotated[int, typer.Option(min=1, max=1_000_000, help="Most rows to print.")] = 10_000,
) -> None:
    """Ask the warehouse: read-only, bounded in time and memory, nothing but the lake's tables within reach."""
    import creative_lab.catalogue  # noqa: F401 - makes all tables known
    from creative_lab.lake import sql_examples
    from creative_lab.lake.sql import run_query, to_csv, to_json, to_table

    if examples:
        table(None, ["name", "question"], [(item.name, item.question) for item in sql_examples.EXAMPLES])
        say("\nAsk one:  creative-lab sql --example NAME")
        return
    if csv and json:
        raise CommandError("choose one of --csv and --json", exit_code=2)
    if example:
        try:
            query = sql_examples.example(example).sql
        except KeyError as error:
            raise CommandError(str(error.args[0]), exit_code=2) from None
        if show:
            write(query)
            return
    if query == "-":
        query = sys.stdin.read()
    if not query:
        raise CommandError("give a query, --example NAME or --examples", exit_code=2)
    result = run_query(ready(), query, max_rows=max_rows)
    text = to_csv(result) if csv else to_json(result) if json else to_table(result)
    write(text)
