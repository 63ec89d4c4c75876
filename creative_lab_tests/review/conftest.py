"""The worked lab for the tests of the review page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

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
