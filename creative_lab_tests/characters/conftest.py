"""A tiny SDXL with random weights and a training set of a few drawn pictures, made once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from creative_lab_tests.characters import small


@pytest.fixture(scope="session")
def tiny_place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the tiny pipeline."""
    from creative_lab_tests.imaging import tiny

    place = tmp_path_factory.mktemp("tiny-xl") / "sdxl"
    tiny.sdxl(place)
    return place


@pytest.fixture(scope="session")
def new_pipeline(tiny_place: Path) -> Callable[[], Any]:
    """Gives fresh copies of the tiny pipeline (copying is much faster than loading)."""
    loaded = small.load(tiny_place)
    return lambda: small.copy_of(loaded)


@pytest.fixture(scope="session")
def tiny_data(new_pipeline: Callable[[], Any]) -> Any:
    """Training data of six drawn pictures in two buckets."""
    return small.training_data(new_pipeline())
