"""Entry point of Alembic: migrates the connection it is given, or the database of the settings."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, create_engine, text

from creative_lab.state.models import SCHEMA, Base
from creative_lab.state.postgres import database_url


def _in_our_schema(name: str | None, kind: str, _parents: object) -> bool:
    return kind != "schema" or name == SCHEMA


def run(connection: Connection) -> None:
    """Migrate through ``connection``, in one transaction."""
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        version_table_schema=SCHEMA,
        include_schemas=True,
        include_name=_in_our_schema,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with create_engine(database_url()).begin() as opened:
        run(opened)
