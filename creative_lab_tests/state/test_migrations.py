"""The migrated schema is the models' schema, and moving between revisions is safe."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, text

from creative_lab.settings import Settings
from creative_lab.state import db
from creative_lab.state.models import SCHEMA, Base

_CATALOGUE = {
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'creative_lab'::regnamespace AND conname NOT LIKE '%alembic%' ORDER BY 1, 2""",
    "indexes": """
        SELECT indexname, indexdef FROM pg_indexes
        WHERE schemaname = 'creative_lab' AND tablename NOT LIKE 'alembic%' ORDER BY 1""",
    "columns": """
        SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default
        FROM information_schema.columns
        WHERE table_schema = 'creative_lab' AND table_name NOT LIKE 'alembic%' ORDER BY 1, 2""",
}


def _catalogue(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    with engine.connect() as connection:
        return {part: [tuple(row) for row in connection.execute(text(sql))] for part, sql in _CATALOGUE.items()}


def test_autogenerate_finds_no_difference_between_models_and_migrated_schema(migrated_lab: Settings) -> None:
    with db.engine(migrated_lab).connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "include_name": lambda name, kind, _: kind != "schema" or name == SCHEMA,
                "version_table_schema": SCHEMA,
                "compare_server_default": True,
            },
        )
        assert compare_metadata(context, Base.metadata) == []


def test_every_check_key_and_default_of_the_models_is_in_the_migrations(
    migrated_lab: Settings, postgres_url: str
) -> None:
    made = create_engine(postgres_url)
    with made.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))
        Base.metadata.create_all(connection)
    from_models, from_migrations = _catalogue(made), _catalogue(db.engine(migrated_lab))
    made.dispose()
    assert len(from_models["constraints"]) > 100
    assert from_models == from_migrations


def test_downgrade_to_base_leaves_nothing_and_upgrading_again_gives_the_same_schema(migrated_lab: Settings) -> None:
    engine = db.engine(migrated_lab)
    before = _catalogue(engine)
    db.migrate(engine, "base")
    assert _catalogue(engine) == {"constraints": [], "indexes": [], "columns": []}
    with engine.connect() as connection:
        functions = connection.execute(
            text("SELECT count(*) FROM pg_proc WHERE pronamespace = 'creative_lab'::regnamespace")
        )
        assert functions.scalar_one() == 0
        assert db.current_revision(connection) is None
    db.upgrade(migrated_lab)
    assert _catalogue(engine) == before


def test_processes_that_upgrade_at_once_wait_for_each_other(lab: Settings) -> None:
    engines = [create_engine(db.engine(lab).url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda engine: db.migrate(engine, "head"), engines))
    for engine in engines:
        engine.dispose()
    db.upgrade(lab)
    with db.engine(lab).connect() as connection:
        assert db.current_revision(connection) == db.head_revision()
    db.dispose(lab)


def test_an_alembic_table_of_dagster_in_the_same_database_is_left_alone(lab: Settings) -> None:
    engine = db.engine(lab)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('of-dagster')"))
    db.upgrade(lab)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM public.alembic_version")).scalars().all() == [
            "of-dagster"
        ]
        assert db.current_revision(connection) == db.head_revision()
    db.dispose(lab)
