"""The Postgres server behind the platform: a given one, or an embedded one started on demand.

The embedded server must be shared by the webserver, the daemon, run workers and the command line, end when the last
of them ends, and never be left behind, also when any of them is killed. Kernel file locks carry all of that, because
the kernel drops them whatever way a process ends:

- every client holds a shared lock on ``clients.lock`` for as long as it (or a child it forked) lives;
- a *keeper* process (:mod:`creative_lab.state.postgres_keeper`) owns the server as its child and holds
  ``keeper.lock``. When it can take ``clients.lock`` exclusively, nobody is left: it stops the server and ends;
- if the keeper is killed, the kernel sends the server SIGINT (``PR_SET_PDEATHSIG``), which is Postgres' fast shutdown.

The server listens on a unix socket only, in a folder of the temporary directory that only its own user may enter.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from creative_lab.settings import REPOSITORY_ROOT, Settings, get_settings

START_TIMEOUT_S = 60.0
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_RECORD = "socket_dir"
SYSTEM_USER = "pgserver"
"""Account that the server runs under when the platform runs as root, since Postgres refuses to run as root."""

_client_locks: dict[Path, int] = {}
_joining = threading.RLock()
_schemes = {"postgresql", "postgres", "postgresql+psycopg2"}


class PostgresError(RuntimeError):
    """The embedded server could not be started or reached; the message says why or names its log file."""


def _renew_lock_after_fork() -> None:
    global _joining
    _joining = threading.RLock()


# A thread of the parent may hold the lock at the moment of the fork; the child would wait for it for ever.
os.register_at_fork(after_in_child=_renew_lock_after_fork)


def database_url(database: str = "creative_lab", settings: Settings | None = None) -> str:
    """URL of ``database`` for SQLAlchemy (``postgresql+psycopg2://…``), on a server that is up when this returns.

    With ``postgres_url`` set, that server and *its* database are used and ``database`` is ignored. Otherwise the
    embedded server is started if need be, kept alive until this process ends, and the database created when missing.
    Raises :class:`PostgresError`.
    """
    settings = settings or get_settings()
    if settings.postgres_url is not None:
        url = settings.postgres_url.get_secret_value()
        scheme, _, rest = url.partition("://")
        if scheme not in _schemes:
            raise PostgresError(f"CREATIVE_LAB_POSTGRES_URL must start with postgresql://, not {scheme}://")
        return f"postgresql+psycopg2://{rest}"
    ensure_running(settings)
    root = settings.postgres_dir
    _create_database(root, database)
    return f"postgresql+psycopg2://postgres@/{database}?host={quote(str(socket_dir(root)))}"


def ensure_running(settings: Settings | None = None) -> None:
    """Bring the embedded server up if it is down (a client whose connection broke calls this before it reconnects).

    Does nothing when ``postgres_url`` names a server. Raises :class:`PostgresError`.
    """
    settings = settings or get_settings()
    if settings.postgres_url is None:
        with _joining:
            _join(settings.postgres_dir)


def socket_dir(root: Path) -> Path:
    """Folder of the unix socket of the server whose files are in ``root``: the recorded one while a server runs."""
    # Processes may see different temporary directories (TMPDIR); the one of the keeper counts.
    with contextlib.suppress(FileNotFoundError):
        return Path((root / SOCKET_RECORD).read_text())
    return own_socket_dir(root)


def own_socket_dir(root: Path) -> Path:
    """Folder of the unix socket for a server that this process starts, in its temporary directory."""
    # A unix socket path may have at most 107 bytes, so it cannot live under an arbitrarily deep home folder.
    digest = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"creative-lab-{os.geteuid()}-{digest}"


def check_socket_dir(path: Path) -> None:
    """Refuse a socket folder that somebody else could have planted: a link, not a folder, or another owner's."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    owners = {os.geteuid()}
    if os.geteuid() == 0:
        import pwd

        with contextlib.suppress(KeyError):
            owners.add(pwd.getpwnam(SYSTEM_USER).pw_uid)
    if stat.S_ISLNK(status.st_mode):
        fault = "is a symbolic link"
    elif not stat.S_ISDIR(status.st_mode):
        fault = "is not a folder"
    elif status.st_uid not in owners:
        fault = f"belongs to user {status.st_uid}"
    elif status.st_mode & 0o077:
        fault = f"is open to other users (mode {stat.S_IMODE(status.st_mode):o})"
    else:
        return
    raise PostgresError(f"the folder for the Postgres socket, {path}, {fault}; remove it and try again")


@contextlib.contextmanager
def locked(path: Path, *, blocking: bool = True) -> Iterator[bool]:
    """Hold an exclusive lock on ``path``; yields False when it is taken and ``blocking`` is off."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if blocking else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(descriptor)


def _hold_client_lock(root: Path) -> None:
    path = root / "clients.lock"
    held = _client_locks.get(root)
    if held is not None:
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(held), path.stat()):
                return
        # The home was deleted and made anew: the old lock guards nothing.
        os.close(_client_locks.pop(root))
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    _client_locks[root] = descriptor


def _join(root: Path) -> None:
    """Become a client of the server in ``root``, starting it when it is down."""
    root = root.resolve()
    check_socket_dir(socket_dir(root))
    root.mkdir(parents=True, exist_ok=True)
    _hold_client_lock(root)
    if _is_up(root):
        return
    with locked(root / "start.lock"):
        deadline = time.monotonic() + START_TIMEOUT_S
        keeper: subprocess.Popen[bytes] | None = None
        while not _is_up(root):
            check_socket_dir(socket_dir(root))
            with locked(root / "keeper.lock", blocking=False) as free:
                keeper_is_gone = free
            if keeper_is_gone and (keeper is None or keeper.poll() is not None):
                if keeper is not None and keeper.returncode:
                    raise PostgresError(f"the embedded Postgres server did not start: {_last_words(root)}")
                keeper = _start_keeper(root)
            if time.monotonic() > deadline:
                raise PostgresError(
                    f"the embedded Postgres server was not up after {START_TIMEOUT_S:.0f} s: {_last_words(root)}"
                )
            time.sleep(0.05)


def _start_keeper(root: Path) -> subprocess.Popen[bytes]:
    log_path = root / "keeper.log"
    if log_path.exists() and log_path.stat().st_size > 10 * 2**20:
        log_path.replace(root / "keeper.log.1")
    # The server needs no secret: only what a process needs to run is handed on.
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "CREATIVE_LAB_TEST_POSTGRES")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    with log_path.open("ab") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "creative_lab.state.postgres_keeper", str(root)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=root,
            env=environment | {"PYTHONPATH": _python_path()},
        )
    # Reaps the keeper when it ends before this process does, so that no zombie stays in a long-lived client.
    threading.Thread(target=keeper.wait, name="postgres-keeper-reaper", daemon=True).start()
    return keeper


def _last_words(root: Path) -> str:
    """Where the log is, and its last line, so that a common cause (disk full) can be read at once."""
    path = root / "keeper.log"
    lines = path.read_text(errors="replace").strip().splitlines() if path.exists() else []
    return f"{lines[-1].strip()} (log: {path})" if lines else f"see {path}"


def _python_path() -> str:
    return os.pathsep.join(part for part in (str(REPOSITORY_ROOT), os.environ.get("PYTHONPATH", "")) if part)


def _connect(root: Path, database: str = "postgres") -> Any:
    import psycopg2

    return psycopg2.connect(host=str(socket_dir(root)), user="postgres", dbname=database, connect_timeout=5)


def _is_up(root: Path) -> bool:
    import psycopg2

    if not (socket_dir(root) / SOCKET_NAME).exists():
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
