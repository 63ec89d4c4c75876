"""A lab in which one sample spot was adapted already: to en-gb, where all gates are green, and to de-de, which waits.

It is made once per session of tests through the command line, and copied (database and home folder) for each module
that asks for it, so that a module may change what it likes.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from creative_lab import cli
from creative_lab.lake.events import flush_events
from creative_lab.settings import Settings, get_settings
from creative_lab.state import db, postgres
from creative_lab_tests.conftest import _copy_template, _drop_database, _lab_on

SPOT, GREEN, WAITING = "small-change", "en-gb", "de-de"
_TEMPLATE = "template_worked"


@contextmanager
def worked_lab(postgres_root: Path, reference_template: str, home: Path) -> Iterator[Settings]:
    """The environment of this process and its children points to a copy of the worked lab while the block lasts."""
    server = Settings(home=postgres_root, postgres_url=None)
    original = postgres_root / "worked home"
    with (postgres_root / "worked.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (postgres_root / "worked.ready").exists():
            _make(server, reference_template, original)
            (postgres_root / "worked.ready").touch()
    shutil.copytree(original, home)
    name = _copy_template(server, _TEMPLATE)
    with pytest.MonkeyPatch.context() as patch:
        settings = _lab_on(postgres.database_url(name, server), home, patch)
        patch.setenv("DAGSTER_HOME", str(home / "dagster"))
        yield settings
    flush_events(settings)
    db.dispose(settings)
    get_settings.cache_clear()
    _drop_database(server, name)


def _make(server: Settings, reference_template: str, home: Path) -> None:
    made = _copy_template(server, reference_template)
    with pytest.MonkeyPatch.context() as patch:
        settings = _lab_on(postgres.database_url(made, server), home, patch)
        patch.setenv("DAGSTER_HOME", str(home / "dagster"))
        sample = str(settings.data_dir / "spots" / f"{SPOT}.json")
        assert cli.main(["spot", "import", sample]) == 0
        assert cli.main(["materialize", "group:reference"]) == 0
        partitions = [f"--partition={SPOT}|{target}" for target in (GREEN, WAITING)]
        # The German one fails its gates: offline nobody translates.
        assert cli.main(["materialize", "group:adaptation", *partitions]) == 1
    flush_events(settings)
    db.dispose(settings)
    get_settings.cache_clear()
    _rename_database(server, made, _TEMPLATE)


def _rename_database(server: Settings, old: str, new: str) -> None:
    connection = postgres._connect(server.postgres_dir)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (old,))
        cursor.execute(f'alter database "{old}" rename to "{new}"')
    connection.close()


def with_other_settings(patch: pytest.MonkeyPatch, **values: str) -> Settings:
    """The settings after ``CREATIVE_LAB_<NAME>`` was set for each value; the caller clears the cache afterwards."""
    for name, value in values.items():
        patch.setenv(f"CREATIVE_LAB_{name.upper()}", value)
    get_settings.cache_clear()
    return get_settings()
