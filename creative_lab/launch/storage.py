"""Dagster's storage on the platform's Postgres server, named in ``dagster.yaml``.

The classes are dagster-postgres' own; what is added, and why it stays safe:

- **Where.** On the embedded server Dagster has a database of its own. On a server given by
  ``CREATIVE_LAB_POSTGRES_URL`` it has the schema ``dagster`` of that database, because its Alembic version table has
  the same name as the platform's.
- **One pool of connections per process** in place of a new connection for every statement. A pooled connection that
  lay idle is tried before use, and a server that went down is started again.
- **One transaction per event.** The event, its tags and the asset's row are committed together: one flush to disk in
  place of four, and no event without its asset row. The ``NOTIFY`` that only very old webservers listen to is left out.
- **Progress does not wait for the disk.** Events that only tell how far a step has got (:data:`PROGRESS`) and log
  lines are committed without waiting for the flush. The write-ahead log is sequential, so the next event that does
  wait (a materialization, a check, a failure, any change of a run's status) makes everything before it durable. No
  event is lost when a run worker is killed; a power cut can lose only progress after the last durable event.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from dagster import DagsterEvent, DagsterEventType
from dagster._config.config_schema import UserConfigSchema
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log import SqlEventLogStorageTable
from dagster._serdes import ConfigurableClassData
from dagster_postgres import (
    DagsterPostgresStorage,
    PostgresEventLogStorage,
    PostgresRunStorage,
    PostgresScheduleStorage,
)
from dagster_postgres.utils import create_pg_connection, set_pg_statement_timeout
from sqlalchemy.engine import URL, Connection, Engine, make_url

from creative_lab.launch.processes import record, worker_of, worker_tag
from creative_lab.settings import Settings, get_settings
from creative_lab.state.postgres import PostgresError, database_url, ensure_running, socket_dir

SCHEMA = "dagster"
"""Schema of Dagster's tables on a given server; database of that name on the embedded one."""

PROGRESS = frozenset(
    {
        DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
        DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED,
        DagsterEventType.ENGINE_EVENT,
        DagsterEventType.HANDLED_OUTPUT,
        DagsterEventType.LOADED_INPUT,
        DagsterEventType.LOGS_CAPTURED,
        DagsterEventType.RESOURCE_INIT_STARTED,
        DagsterEventType.RESOURCE_INIT_SUCCESS,
        DagsterEventType.STEP_INPUT,
        DagsterEventType.STEP_OUTPUT,
        DagsterEventType.STEP_START,
        DagsterEventType.STEP_SUCCESS,
        DagsterEventType.STEP_WORKER_STARTED,
        DagsterEventType.STEP_WORKER_STARTING,
    }
)
_IDLE_S = 1.0
_POOL_SIZE, _MAX_OVERFLOW = 3, 20

_engines: dict[tuple[str, str], Engine] = {}
_engines_lock = threading.Lock()


def storage_url(settings: Settings | None = None) -> str:
    """URL of Dagster's tables, on a server that is up; makes the schema on a given server when it is missing."""
    settings = settings or get_settings()
    if settings.postgres_url is None:
        return database_url(SCHEMA, settings)
    url = make_url(database_url(settings=settings))
    _make_schema(url)
    return _with_options(url, f"-csearch_path={SCHEMA}").render_as_string(hide_password=False)


def _with_options(url: URL, options: str) -> URL:
    present = url.query.get("options", "")
    present = present if isinstance(present, str) else " ".join(present)
    return url.update_query_dict({"options": f"{present} {options}".strip()})


def _make_schema(url: URL) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    try:
        with engine.begin() as connection:
            # The question first: an account without the right to create may use a schema that was made for it.
            found = sa.text("select to_regnamespace(:name) is not null")
            if not connection.execute(found, {"name": SCHEMA}).scalar():
                # Two processes may get here together; the lock makes the second one find it made.
                connection.execute(sa.text("select pg_advisory_xact_lock(7165318)"))
                connection.execute(sa.text(f'create schema if not exists "{SCHEMA}"'))
    except sa.exc.OperationalError as error:
        raise PostgresError(f"the server of CREATIVE_LAB_POSTGRES_URL cannot be reached: {error.orig}") from None
    except sa.exc.ProgrammingError as error:
        raise PostgresError(
            f"CREATIVE_LAB_POSTGRES_URL: the account may not create the schema '{SCHEMA}': {error.orig}"
        ) from None
    finally:
        engine.dispose()


def _engine(url: str, options: str = "") -> Engine:
    """The pool of this process for ``url``, shared by all of Dagster's storages."""
    with _engines_lock:
        if (url, options) not in _engines:
            parsed = _with_options(make_url(url), options) if options else make_url(url)
            _engines[url, options] = _new_engine(parsed)
        return _engines[url, options]


def _new_engine(url: URL) -> Engine:
    engine = sa.create_engine(
        url, isolation_level="AUTOCOMMIT", pool_size=_POOL_SIZE, max_overflow=_MAX_OVERFLOW, pool_timeout=60
    )

    @sa.event.listens_for(engine, "checkin")
    def note_time(_connection: Any, record: Any) -> None:
        record.info["idle_since"] = time.monotonic()

    @sa.event.listens_for(engine, "checkout")
    def try_first(connection: Any, record: Any, _proxy: Any) -> None:
        if time.monotonic() - record.info.get("idle_since", float("inf")) > _IDLE_S:
            try:
                engine.dialect.do_ping(connection)
            except engine.dialect.loaded_dbapi.Error:
                # Makes the pool throw this connection away and hand out a fresh one.
                raise sa.exc.DisconnectionError from None

    @sa.event.listens_for(engine, "do_connect")
    def start_server_again(_dialect: Any, _record: Any, arguments: Any, keywords: Any) -> Any:
        try:
            return engine.dialect.connect(*arguments, **keywords)
        except engine.dialect.loaded_dbapi.OperationalError:
            if url.query.get("host") != str(socket_dir(get_settings().postgres_dir)):
                raise
            ensure_running()
            return engine.dialect.connect(*arguments, **keywords)

    return engine


def _drop_pools_after_fork() -> None:
    # A socket shared by two processes would mix up their answers; the child opens its own.
    global _engines_lock
    _engines_lock = threading.Lock()
    for engine in _engines.values():
        engine.dispose(close=False)


os.register_at_fork(after_in_child=_drop_pools_after_fork)


class _Pooled:
    """What the three storages share: the pool in place of an engine that connects anew for every statement."""

    postgres_url: str
    _engine: Engine

    def _use_pool(self) -> None:
        self._engine.dispose()
        self._engine = _engine(self.postgres_url)

    def optimize_for_webserver(
        self,
        statement_timeout: int,
        pool_recycle: int,  # noqa: ARG002
        max_overflow: int,  # noqa: ARG002
    ) -> None:
        """Give the webserver's queries a time limit; the pool is there already."""
        engine = self._engine

        @sa.event.listens_for(engine, "connect")
        def limit_time(connection: Any, _record: Any) -> None:
            set_pg_statement_timeout(connection, statement_timeout)

        engine.dispose()


class LabRunStorage(_Pooled, PostgresRunStorage):
    """Runs, tags, snapshots and daemon heartbeats."""

    def __init__(self, postgres_url: str, should_autocreate_tables: bool = True) -> None:
        super().__init__(postgres_url, should_autocreate_tables)
        self._use_pool()

    def handle_run_event(self, run_id: str, event: DagsterEvent, update_timestamp: datetime | None = None) -> None:
        """Store the run's new status; at its start also the process that executes it, which is this one.

        The launcher records its workers itself. This covers runs that a command, a notebook or a test executes in its
        own process: run monitoring can then tell that they live, and settle them when that process was killed.
        """
        super().handle_run_event(run_id, event, update_timestamp)
        if event.event_type is DagsterEventType.RUN_START:
            run, own = self._get_run_by_id(run_id), record(os.getpid())
            if run is not None and own is not None and worker_of(run) != own:
                self.add_run_tags(run_id, worker_tag(run_id, own))


class LabScheduleStorage(_Pooled, PostgresScheduleStorage):
    """Schedules, sensors and their ticks."""

    def __init__(self, postgres_url: str, should_autocreate_tables: bool = True) -> None:
        super().__init__(postgres_url, should_autocreate_tables)
        self._use_pool()


class LabEventLogStorage(_Pooled, PostgresEventLogStorage):
    """The event log; see the module's text for what is committed together and what waits for the disk."""

    def __init__(self, postgres_url: str, should_autocreate_tables: bool = True) -> None:
        self._open = threading.local()
        self._has_tables: set[str] = set()
        self._has_columns: set[str] = set()
        super().__init__(postgres_url, should_autocreate_tables)
        self._use_pool()
        self._progress_engine = _engine(self.postgres_url, "-csynchronous_commit=off")

    def _connect(self) -> AbstractContextManager[Connection]:
        # The base class opens a connection in each of its helpers; inside store_event they all join its transaction.
        current = getattr(self._open, "connection", None)
        return _borrowed(current) if current is not None else create_pg_connection(self._engine)

    def has_table(self, table_name: str) -> bool:
        """Whether the table exists; asked once, since tables are never dropped while the platform runs."""
        if table_name not in self._has_tables:
            if not super().has_table(table_name):
                return False
            self._has_tables.add(table_name)
        return True

    def _has_asset_key_col_on_connection(self, conn: Connection, column_name: str) -> bool:
        # The base class reflects the whole table for each asset that it is asked about.
        if column_name not in self._has_columns:
            if not super()._has_asset_key_col_on_connection(conn, column_name):
                return False
            self._has_columns.add(column_name)
        return True

    def store_event(self, event: EventLogEntry) -> None:
        """Store an event and what follows from it for its asset, in one transaction."""
        kind = event.dagster_event_type
        if kind not in ASSET_EVENTS and kind not in ASSET_CHECK_EVENTS:
            engine = self._progress_engine if kind is None or kind in PROGRESS else self._engine
            with create_pg_connection(engine) as connection:
                connection.execute(self.prepare_insert_event(event))
            return
        with self._transaction(durable=kind not in PROGRESS) as connection:
            self._store_in(connection, event)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store the events of a batch in one transaction."""
        kinds = {event.dagster_event_type for event in events}
        with self._transaction(durable=not kinds <= PROGRESS):
            super().store_event_batch(events)

    def _store_in(self, connection: Connection, event: EventLogEntry) -> None:
        inserted = connection.execute(self.prepare_insert_event(event).returning(SqlEventLogStorageTable.c.id))
        event_id = int(inserted.scalar_one())
        if event.dagster_event_type in ASSET_EVENTS and event.get_dagster_event().asset_key:
            self._store_asset_event_tags(connection, [event], [event_id])
            self._store_asset_event(connection, event, event_id)
        if event.dagster_event_type in ASSET_CHECK_EVENTS:
            self.store_asset_check_event(event, event_id)

    @contextmanager
    def _transaction(self, *, durable: bool) -> Iterator[Connection]:
        current = getattr(self._open, "connection", None)
        if current is not None:
            yield current
            return
        engine = self._engine if durable else self._progress_engine
        with create_pg_connection(engine) as plain:
            connection = plain.execution_options(isolation_level="READ COMMITTED")
            with connection.begin():
                self._open.connection = connection
                try:
                    yield connection
                finally:
                    self._open.connection = None


@contextmanager
def _borrowed(connection: Connection) -> Iterator[Connection]:
    yield connection


class LabStorage(DagsterPostgresStorage):
    """All of Dagster's storage; ``storage: custom:`` in ``dagster.yaml`` names this class, without any setting."""

    def __init__(self, postgres_url: str, inst_data: ConfigurableClassData | None = None) -> None:
        # Not the parent's constructor, which would build its own three storages.
        self.postgres_url = postgres_url
        self.should_autocreate_tables = True
        self._inst_data = inst_data
        self._run_storage = LabRunStorage(postgres_url)
        self._event_log_storage = LabEventLogStorage(postgres_url)
        self._schedule_storage = LabScheduleStorage(postgres_url)

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """No setting: where the server is comes from the platform's settings."""
        return {}

    @classmethod
    def from_config_value(
        cls,
        inst_data: ConfigurableClassData | None,
        config_value: Mapping[str, Any],  # noqa: ARG003
    ) -> LabStorage:
        """Called by Dagster in every process that opens the instance."""
        return cls(storage_url(), inst_data)

    @property
    def event_storage_data(self) -> None:
        """Dagster asks for the parts only to read configurations of old releases."""

    @property
    def run_storage_data(self) -> None:
        """See :attr:`event_storage_data`."""

    @property
    def schedule_storage_data(self) -> None:
        """See :attr:`event_storage_data`."""
