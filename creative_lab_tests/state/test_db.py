"""Engines and sessions."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psutil
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from creative_lab.settings import Settings
from creative_lab.state import db
from creative_lab.state.models import Region


def _count(settings: Settings) -> int:
    with db.session_scope(settings) as session:
        return session.scalar(select(func.count()).select_from(Region)) or 0


def test_a_session_commits_when_its_block_ends_and_undoes_everything_when_it_raises(migrated_lab: Settings) -> None:
    with db.session_scope(migrated_lab) as session:
        region = Region(code="EU", name="Europe")
        session.add(region)
    assert region.name == "Europe"
    with pytest.raises(RuntimeError), db.session_scope(migrated_lab) as session:
        session.add(Region(code="NA", name="North America"))
        session.flush()
        raise RuntimeError
    assert _count(migrated_lab) == 1


def test_an_engine_is_made_once_per_database_and_survives_the_loss_of_its_connections(migrated_lab: Settings) -> None:
    engine = db.engine(migrated_lab)
    assert db.engine(migrated_lab) is engine
    assert _count(migrated_lab) == 0
    with engine.connect() as killer:
        killer.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    assert _count(migrated_lab) == 0
    db.dispose(migrated_lab)
    assert db.engine(migrated_lab) is not engine


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_uses_connections_of_its_own(migrated_lab: Settings) -> None:
    with Session(db.engine(migrated_lab)) as session:
        mine = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                with db.session_scope(migrated_lab) as other:
                    os.write(writer, str(other.execute(text("SELECT pg_backend_pid()")).scalar_one()).encode())
            finally:
                os._exit(0)
        os.close(writer)
        theirs = os.read(reader, 100)
        os.waitpid(child, 0)
        assert theirs and int(theirs) != mine
        assert session.execute(text("SELECT pg_backend_pid()")).scalar_one() == mine


def test_the_password_of_a_database_is_in_no_message(tmp_path: Path) -> None:
    secret = "hunter2-canary"
    url = f"postgresql://someone:{secret}@127.0.0.1:1/nothing"
    settings = Settings(home=tmp_path, postgres_url=url)
    with pytest.raises(Exception) as caught, db.session_scope(settings) as session:
        session.execute(text("SELECT 1"))
    db.dispose(settings)
    assert secret not in str(caught.value) + repr(db.engine(settings))
    db.dispose(settings)


def test_a_session_waits_for_the_embedded_server_that_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREATIVE_LAB_POSTGRES_URL", raising=False)
    settings = Settings(home=tmp_path / "home", postgres_url=None)
    db.upgrade(settings)
    with db.session_scope(settings) as session:
        session.add(Region(code="EU", name="Europe"))
    server = int((settings.postgres_dir / "data" / "postmaster.pid").read_text().splitlines()[0])
    os.kill(server, signal.SIGKILL)
    # A connection that is tested and then killed is another matter; this one is about a server that is gone.
    deadline = time.monotonic() + 30
    while psutil.pid_exists(server) and psutil.Process(server).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert _count(settings) == 1
    db.dispose(settings)
