"""Connections, sessions and migrations of the state database."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.orm import Session

from creative_lab.settings import Settings, get_settings
from creative_lab.state.models.base import SCHEMA
from creative_lab.state.postgres import database_url

DATABASE = "creative_lab"
MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 0x6C61_6264_6200
_engines: dict[tuple[int, str], Engine] = {}
_engines_lock = threading.Lock()


def engine(settings: Settings | None = None) -> Engine:
    """The pooled engine of the state database, one per process and database (a fork gets its own).

    When the embedded server has ended meanwhile, the next connection starts it again.
    """
    settings = settings or get_settings()
    given = settings.postgres_url
    key = (os.getpid(), given.get_secret_value() if given is not None else str(settings.postgres_dir.resolve()))
    with _engines_lock:
        if key not in _engines:
            made = create_engine(
                database_url(DATABASE, settings),
                pool_size=5,
                max_overflow=15,
                pool_pre_ping=True,
                pool_recycle=1800,
                connect_args={"connect_timeout": 10, "application_name": "creative-lab"},
            )
            if given is None:
                _revive_server_on_connect(made, settings)
            _engines[key] = made
        return _engines[key]


def _revive_server_on_connect(made: Engine, settings: Settings) -> None:
    import psycopg2

    @event.listens_for(made, "do_connect")
    def connect(dialect: Any, _record: Any, arguments: list[Any], options: dict[str, Any]) -> Any:
        try:
            return dialect.connect(*arguments, **options)
        except psycopg2.OperationalError:
            database_url(DATABASE, settings)
            return dialect.connect(*arguments, **options)


def dispose(settings: Settings | None = None) -> None:
    """Close the pooled connections of one database, or of all that this process has opened."""
    with _engines_lock:
        chosen = list(_engines)
        if settings is not None:
            given = settings.postgres_url
            address = given.get_secret_value() if given is not None else str(settings.postgres_dir.resolve())
            chosen = [key for key in chosen if key == (os.getpid(), address)]
        for key in chosen:
            # Connections of a parent process stay open: closing them here would end them there.
            _engines.pop(key).dispose(close=key[0] == os.getpid())


@contextlib.contextmanager
def session_scope(settings: Settings | None = None) -> Iterator[Session]:
    """A session whose work is committed when the block ends, and undone when it raises."""
    with Session(engine(settings), expire_on_commit=False) as session, session.begin():
        yield session


def _config(connection: Connection) -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.attributes["connection"] = connection
    return config


def current_revision(connection: Connection) -> str | None:
    """Revision of the database, None when it has none."""
    from alembic.migration import MigrationContext

    context = MigrationContext.configure(connection, opts={"version_table_schema": SCHEMA})
    return context.get_current_revision()


def head_revision() -> str:
    """The newest revision that this code knows."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    head = ScriptDirectory.from_config(config).get_current_head()
    assert head is not None
    return head


def upgrade(settings: Settings | None = None) -> None:
    """Bring the database to the newest revision. Does nothing when it is there; waits for another process."""
    migrate(engine(settings), "head")


def migrate(target: Engine, revision: str) -> None:
    """Move the database of ``target`` to ``revision`` (``head``, ``base`` or an identifier), one process at a time."""
    from alembic import command

    head = head_revision()
    wanted = {"head": head, "base": None}.get(revision, revision)
    with target.connect() as connection:
        if current_revision(connection) == wanted:
            return
        connection.rollback()
        # Transaction-level: the lock goes with the transaction, whatever way this process ends.
        with connection.begin():
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            now = current_revision(connection)
            if now == wanted:
                return
            move = command.downgrade if revision == "base" else command.upgrade
            move(_config(connection), revision)
