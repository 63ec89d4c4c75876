"""``python -m creative_lab.miniatures train|validate|list|report|sheets``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from creative_lab.miniatures.manifest import model_folder, models_root
from creative_lab.miniatures.registry import ALONE, NAMES, trainer
from creative_lab.miniatures.report import write_report, write_sheets
from creative_lab.miniatures.work import peek, read_card, train, validate
from creative_lab.settings import REPOSITORY_ROOT, get_settings
from creative_lab.weights.errors import ModelError


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m creative_lab.miniatures", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train", help="train a miniature, or continue an interrupted run")
    training.add_argument("name", choices=[*NAMES, "all"])
    training.add_argument("--device", default="cpu", help="cpu or cuda")
    training.add_argument(
        "--budget", type=float, metavar="MINUTES", help="time for each model (default: its full recipe)"
    )
    training.add_argument("--steps", type=int, help="instead of the recipe's number")
    training.add_argument("--seed", type=int, default=0)
    training.add_argument("--workers", type=int, default=1, help="processes that draw pictures")
    training.add_argument("--threads", type=int, default=1, help="threads that multiply")
    training.add_argument("--fresh", action="store_true", help="forget an interrupted run")
    training.add_argument("--samples", type=int, default=150, help="held-out samples to measure on")
    validating = commands.add_parser("validate", help="measure shipped miniatures on held-out samples")
    validating.add_argument("name", choices=[*NAMES, "all"], nargs="?", default="all")
    validating.add_argument("--samples", type=int, default=150)
    validating.add_argument(
        "--checkpoint", type=Path, metavar="FOLDER", help="write the run's checkpoint there instead"
    )
    commands.add_parser("list", help="what is shipped, and how good it is")
    commands.add_parser("report", help="write the table of bars into docs/miniatures.md")
    sheets = commands.add_parser("sheets", help="draw the contact sheets of docs/pictures")
    sheets.add_argument("names", nargs="*", help="some of them (default: all)")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status (1 when a bar is missed or a file is damaged)."""
    options = _parser().parse_args(arguments)
    settings = get_settings()
    root = models_root(settings)
    if options.command == "list":
        for name in NAMES:
            maker = trainer(name, root)
            entry = read_card(root / maker.folder).get(name)
            bars = entry["bars"] if entry else {}
            shown = ", ".join(f"{k} {v['measured']:.3f} (bar {v['bar']})" for k, v in bars.items())
            _say(f"{name:16} {shown or 'not trained yet'}")
        return 0
    if options.command == "report":
        write_report(root, REPOSITORY_ROOT / "docs")
        return 0
    if options.command == "sheets":
        _say("\n".join(write_sheets(root, REPOSITORY_ROOT / "docs", options.names)))
        return 0
    missed = False
    every = [name for name in NAMES if options.command != "train" or name not in ALONE]
    for name in every if options.name == "all" else (options.name,):
        maker = trainer(name, root)
        try:
            if options.command == "train":
                figures = train(
                    name, settings, device=options.device, budget_minutes=options.budget, steps=options.steps,
                    seed=options.seed, workers=options.workers, threads=options.threads, fresh=options.fresh,
                    samples=options.samples, say=_say,
                )  # fmt: skip
            elif options.checkpoint:
                figures = peek(name, settings, options.checkpoint, samples=options.samples)
                _say("  ".join(f"{k} {v:.3f}" for k, v in figures.items()))
            else:
                model_folder(maker.folder, root=root)
                figures = validate(maker, samples=options.samples, say=_say)
        except (ModelError, FileNotFoundError) as error:
            _say(f"{name}: {error}")
            missed = True
            continue
        # A figure that is not a number is above no bar.
        missed = missed or any(not figures[key] >= bar for key, bar in maker.bars.items())
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
