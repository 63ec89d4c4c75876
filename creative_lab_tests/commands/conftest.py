"""The worked lab for the tests of commands, and a way to call the command line in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from creative_lab import cli
from creative_lab.commands import console
from creative_lab.settings import Settings
from creative_lab_tests.worked_lab import worked_lab


@pytest.fixture(scope="module")
def worked(
    postgres_root: Path, _migrated_template: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """A lab of its own for the module, with one spot adapted to en-gb (green) and de-de (waits for a translation)."""
    home = tmp_path_factory.mktemp("worked") / "lab home"
    with worked_lab(postgres_root, _migrated_template("reference"), home) as settings:
        yield settings


@dataclass(frozen=True)
class Said:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str


Call = Callable[..., Said]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Iterator[Call]:
    """``call("sql", "--examples")``: what the command line does in this process."""

    def run(*arguments: object) -> Said:
        capsys.readouterr()
        code = cli.main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return Said(code, printed.out, printed.err)

    yield run
    console.set_verbose(False)
