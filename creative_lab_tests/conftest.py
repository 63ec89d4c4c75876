"""Fixtures shared by all tests: a lab of its own in a temporary folder, on a real Postgres server."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

os.environ.setdefault("CREATIVE_LAB_TEST_POSTGRES", "unsafe-fast")

from creative_lab.settings import Settings, get_settings
from creative_lab.state import postgres

# Wall-clock deadlines make property tests fail on a busy machine, not on a fault.
hypothesis_settings.register_profile("lab", deadline=None)
hypothesis_settings.load_profile("lab")


@pytest.fixture(scope="session")
def postgres_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of an embedded server that all test processes of this session share."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "test-postgres"


@pytest.fixture
def postgres_url(postgres_root: Path) -> Iterator[str]:
    """URL of a fresh, empty database on the shared server, dropped afterwards."""
    name = f"t{uuid.uuid4().hex[:16]}"
    settings = Settings(home=postgres_root)
    url = postgres.database_url(name, settings)
    yield url
    connection = postgres._connect(settings.postgres_dir)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f'drop database if exists "{name}" with (force)')
    connection.close()


@pytest.fixture
def lab(tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings of a lab in a temporary home with an empty database, for this process and its children."""
    for name in list(os.environ):
        if name.startswith("CREATIVE_LAB_") and name != "CREATIVE_LAB_TEST_POSTGRES":
            monkeypatch.delenv(name)
    monkeypatch.setenv("CREATIVE_LAB_HOME", str(tmp_path / "lab home"))
    monkeypatch.setenv("CREATIVE_LAB_POSTGRES_URL", postgres_url.replace("+psycopg2", ""))
    get_settings.cache_clear()
    yield get_settings()
    get_settings.cache_clear()
