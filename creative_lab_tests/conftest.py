"""Fixtures shared by all tests: a lab of its own in a temporary folder, on a real Postgres server."""

from __future__ import annotations

import fcntl
import os
import signal
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings
from pydantic import SecretStr

os.environ.setdefault("CREATIVE_LAB_TEST_POSTGRES", "unsafe-fast")

from creative_lab.settings import Settings, get_settings
from creative_lab.state import db, postgres

# A suite that a shell started in the background inherits SIGINT as ignored, and so would every process it tests.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)

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
    settings = Settings(home=postgres_root, postgres_url=None)
    url = postgres.database_url(name, settings)
    yield url
    _drop_database(settings, name)


@pytest.fixture(scope="session")
def _migrated_template(postgres_root: Path) -> Callable[[str], str]:
    """Makes the database that copies are taken from, once for all test processes of the session."""

    def template(data: str) -> str:
        name = f"template_{data}"
        settings = Settings(home=postgres_root, postgres_url=None)
        postgres.database_url("postgres", settings)
        ready = postgres_root / f"{name}.ready"
        with (postgres_root / "templates.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not ready.exists():
                _drop_database(settings, name)
                target = Settings(home=postgres_root, postgres_url=SecretStr(postgres.database_url(name, settings)))
                db.upgrade(target)
                if data == "reference":
                    from creative_lab.reference.importing import import_directory

                    with db.session_scope(target) as session:
                        import_directory(session, settings.data_dir / "reference")
                db.dispose(target)
                ready.touch()
        return name

    return template


def _drop_database(settings: Settings, name: str) -> None:
    connection = postgres._connect(settings.postgres_dir)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f'drop database if exists "{name}" with (force)')
    connection.close()


def _copy_template(settings: Settings, template: str) -> str:
    """Name of a fresh database that is a copy of ``template``."""
    name = f"t{uuid.uuid4().hex[:16]}"
    connection = postgres._connect(settings.postgres_dir)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f'create database "{name}" template "{template}"')
    connection.close()
    return name


def _lab_on(url: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in list(os.environ):
        if name.startswith("CREATIVE_LAB_") and name != "CREATIVE_LAB_TEST_POSTGRES":
            monkeypatch.delenv(name)
    monkeypatch.setenv("CREATIVE_LAB_HOME", str(home))
    monkeypatch.setenv("CREATIVE_LAB_POSTGRES_URL", url.replace("+psycopg2", ""))
    get_settings.cache_clear()
    return get_settings()


@pytest.fixture
def lab(tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings of a lab in a temporary home with an empty database, for this process and its children."""
    yield _lab_on(postgres_url, tmp_path / "lab home", monkeypatch)
    get_settings.cache_clear()


def _lab_from_template(
    template: str, postgres_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    server = Settings(home=postgres_root, postgres_url=None)
    name = _copy_template(server, template)
    settings = _lab_on(postgres.database_url(name, server), tmp_path / "lab home", monkeypatch)
    yield settings
    db.dispose(settings)
    get_settings.cache_clear()
    _drop_database(server, name)


@pytest.fixture
def migrated_lab(
    postgres_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _migrated_template: Callable[[str], str]
) -> Iterator[Settings]:
    """Like ``lab``, with the newest schema and no rows (a copy of a database migrated once per session)."""
    yield from _lab_from_template(_migrated_template("migrated"), postgres_root, tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def shared_lab(postgres_root: Path, _migrated_template: Callable[[str], str]) -> Iterator[Settings]:
    """Settings with a migrated, empty database for all tests of a module, which must leave no row behind."""
    server = Settings(home=postgres_root, postgres_url=None)
    name = _copy_template(server, _migrated_template("migrated"))
    settings = Settings(home=postgres_root, postgres_url=SecretStr(postgres.database_url(name, server)))
    yield settings
    db.dispose(settings)
    _drop_database(server, name)


@pytest.fixture
def reference_lab(
    postgres_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _migrated_template: Callable[[str], str]
) -> Iterator[Settings]:
    """Like ``migrated_lab``, with the shipped reference data imported."""
    yield from _lab_from_template(_migrated_template("reference"), postgres_root, tmp_path, monkeypatch)
