"""The embedded server: shared by many processes, gone with the last of them, whatever kills whom."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from creative_lab.settings import REPOSITORY_ROOT, Settings
from creative_lab.state import postgres

CLIENT = """
import sys, psycopg2
from creative_lab.state.postgres import PostgresError, database_url
def query():
    connection = psycopg2.connect(database_url(sys.argv[1]).replace("+psycopg2", ""))
    with connection, connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(1)")
        cursor.execute("create table if not exists facts (fact text)")
        cursor.execute("insert into facts values ('kept')")
        cursor.execute("select count(*) from facts")
        return cursor.fetchone()[0]
try:
    print("rows", query(), flush=True)
except PostgresError as error:
    sys.exit(f"refused: {error}")
for line in sys.stdin:
    print("rows", query(), flush=True)
"""


class Client:
    """A process of its own that uses the server of ``home``; each :meth:`rows` adds a row and counts all."""

    def __init__(self, home: Path, code: str = CLIENT, prefix: tuple[str, ...] = (), **environment: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CREATIVE_LAB_")}
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-c", code, "facts"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY_ROOT,
            env=kept
            | {"CREATIVE_LAB_HOME": str(home), "CREATIVE_LAB_TEST_POSTGRES": "unsafe-fast"}
            | {"PYTHONPATH": str(REPOSITORY_ROOT)}
            | environment,
        )

    def first(self) -> int:
        return self._read()

    def rows(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self._read()

    def _read(self) -> int:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("rows "), (line, self.process.communicate()[1])
        return int(line.split()[1])

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(BrokenPipeError):
                if pipe is not None:
                    pipe.close()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "a home with spaces"
    yield home
    eventually_down(home, deadline_s=20)


@pytest.fixture
def client() -> Iterator[Callable[..., Client]]:
    made: list[Client] = []

    def make(home: Path, code: str = CLIENT, **environment: str) -> Client:
        made.append(Client(home, code, (), **environment))
        return made[-1]

    yield make
    for one in made:
        one.end()


def pids(home: Path) -> dict[str, int]:
    return json.loads((home / "postgres" / "keeper.json").read_text())


def keeper_and_server(home: Path) -> tuple[psutil.Process, psutil.Process]:
    record = pids(home)
    return psutil.Process(record["keeper"]), psutil.Process(record["server"])


def wait_for(condition: Callable[[], bool], what: str, deadline_s: float = 20) -> None:
    deadline = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {deadline_s} s: {what}"
        time.sleep(0.05)


def servers_of(home: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()).is_relative_to(home / "postgres"):
                found.append(process)
    return found


def eventually_down(home: Path, deadline_s: float) -> None:
    wait_for(lambda: not servers_of(home), f"no process of {home} is left", deadline_s)


def test_the_last_client_takes_the_server_with_it_and_nothing_stays_behind(
    home: Path, client: Callable[..., Client]
) -> None:
    one, two = client(home), client(home)
    one.first(), two.first()
    _, server = keeper_and_server(home)
    sockets = postgres.socket_dir(home / "postgres")
    one.process.kill()
    one.process.wait()
    assert two.rows() == 3, "the server must stay for the client that is left"
    assert server.is_running()
    two.process.kill()
    two.process.wait()
    # The promise is about five seconds on an idle machine: two of lingering, the rest is the shutdown itself.
    eventually_down(home, deadline_s=15)
    assert not sockets.exists()
    left = {path.name for path in (home / "postgres").iterdir()}
    assert left == {"data", "clients.lock", "keeper.lock", "start.lock", "keeper.log"}
    assert not (home / "postgres" / "data" / "postmaster.pid").exists()


def test_many_processes_at_once_share_one_server(home: Path, client: Callable[..., Client]) -> None:
    clients = [client(home) for _ in range(6)]
    for one in clients:
        one.first()
    assert clients[0].rows() == 7
    parents = set()
    for process in servers_of(home):
        with contextlib.suppress(psutil.Error):  # a backend may end while it is looked at
            if process.name() == "postgres" and "-D" in process.cmdline():
                parents.add(process.ppid())
    assert len(parents) == 1


def test_a_killed_keeper_takes_its_server_down_and_the_next_call_starts_a_new_one(
    home: Path, client: Callable[..., Client]
) -> None:
    one = client(home)
    assert one.first() == 1
    keeper, server = keeper_and_server(home)
    keeper.kill()
    wait_for(lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE, "the server is gone")
    assert one.rows() == 2, "what was committed is still there"
    assert keeper_and_server(home)[0].pid != keeper.pid


def test_a_killed_server_comes_back_with_everything_that_was_committed(
    home: Path, client: Callable[..., Client]
) -> None:
    one = client(home)
    one.first()
    for expected in (2, 3):
        keeper, server = keeper_and_server(home)
        server.kill()
        wait_for(
            lambda: pids(home)["server"] != server.pid,  # noqa: B023 - called at once
            "the keeper restarts the server",
        )
        assert one.rows() == expected
        assert keeper_and_server(home)[0].pid == keeper.pid


def test_a_forked_child_keeps_the_server_up_after_its_parent_died(home: Path, client: Callable[..., Client]) -> None:
    code = CLIENT.replace(
        "for line in sys.stdin:", "import os\nif os.fork():\n    os._exit(0)\nfor line in sys.stdin:", 1
    )
    one = client(home, code)
    one.first()
    one.process.wait()
    _, server = keeper_and_server(home)
    # Longer than the server lingers without a client; the child answers only if the lock outlived its parent.
    until = time.monotonic() + 4
    wait_for(lambda: time.monotonic() > until or not server.is_running(), "the linger time passes")
    assert server.is_running()
    assert one.rows() == 2
    assert one.process.stdin is not None
    one.process.stdin.close()


@pytest.mark.parametrize("kind", ["link", "file", "open to all", "somebody else's"])
def test_a_planted_socket_folder_is_refused_with_one_clear_error(home: Path, tmp_path: Path, kind: str) -> None:
    sockets = postgres.own_socket_dir(home / "postgres")
    if kind == "link":
        (tmp_path / "trap").mkdir()
        sockets.symlink_to(tmp_path / "trap")
    elif kind == "file":
        sockets.touch()
    elif kind == "open to all":
        sockets.mkdir()
        sockets.chmod(0o777)
    else:
        if os.geteuid() != 0:
            pytest.skip("only root can make a folder that belongs to somebody else")
        sockets.mkdir(mode=0o700)
        os.chown(sockets, 65534, 65534)
    try:
        with pytest.raises(postgres.PostgresError, match="remove it and try again") as caught:
            postgres.database_url("facts", Settings(home=home))
        assert str(sockets) in str(caught.value)
        assert not (home / "postgres" / "data").exists()
    finally:
        if sockets.is_dir() and not sockets.is_symlink():
            sockets.rmdir()
        else:
            sockets.unlink()


def test_a_lock_file_that_names_an_unrelated_process_does_not_keep_the_server_down(
    home: Path, client: Callable[..., Client]
) -> None:
    first = client(home)
    first.first()
    first.end()
    eventually_down(home, deadline_s=15)
    data = home / "postgres" / "data"
    (data / "postmaster.pid").write_text(f"{os.getpid()}\n{data}\n1700000000\n5432\n/tmp\n\n  1  1\nready\n")
    (home / "postgres" / "keeper.json").write_text("stale")
    (home / "postgres" / "socket_dir").write_text("/nonexistent/folder")
    assert client(home).first() == 2


def test_half_an_initialised_folder_is_not_mistaken_for_a_database(home: Path, client: Callable[..., Client]) -> None:
    fresh = home / "postgres" / "data.new"
    fresh.mkdir(parents=True)
    (fresh / "PG_VERSION").write_text("18\n")
    assert client(home).first() == 1


def test_a_database_folder_of_another_release_is_refused_in_words(home: Path, client: Callable[..., Client]) -> None:
    data = home / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("16\n")
    one = client(home)
    _, errors = one.process.communicate(timeout=60)
    assert "refused: " in errors
    assert "was made by Postgres 16" in errors


def test_clients_with_different_temporary_directories_find_the_same_server(
    home: Path, client: Callable[..., Client]
) -> None:
    with tempfile.TemporaryDirectory(prefix="other tmp") as other:
        one = client(home)
        one.first()
        assert client(home, TMPDIR=other).first() == 2


def test_a_home_that_is_closed_to_others_while_the_server_runs_does_no_harm(
    home: Path, client: Callable[..., Client]
) -> None:
    home.mkdir(mode=0o700)
    one = client(home)
    one.first()
    home.chmod(0o700)
    (home / "postgres").chmod(0o700)
    _, server = keeper_and_server(home)
    assert one.rows() == 2
    one.end()
    eventually_down(home, deadline_s=15)
    assert not server.is_running()
    assert "PANIC" not in (home / "postgres" / "keeper.log").read_text()
    assert client(home).first() == 3
    assert home.stat().st_mode & 0o077 == 0, "the permissions of the home are its owner's affair"


def test_secrets_of_the_client_do_not_reach_the_server(home: Path, client: Callable[..., Client]) -> None:
    one = client(home, CREATIVE_LAB_OPENAI_API_KEY="sk-canary")
    one.first()
    for process in keeper_and_server(home):
        assert "sk-canary" not in " ".join(process.environ().values())


def _as_nobody(account: pwd.struct_passwd) -> tuple[str, ...]:
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("needs setpriv of util-linux to become another user")
    identity = (setpriv, f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups")
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', ''], check=True)"
    reachable = subprocess.run([*identity, sys.executable, "-c", code], capture_output=True, check=False)
    if reachable.returncode == 0:
        return identity
    # The interpreter lies below a private folder: let the child read there, and still be an ordinary user.
    return (*identity, "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user; the other tests ran as one already")
def test_an_ordinary_user_gets_a_server_of_his_own(client: Callable[..., Client]) -> None:
    account = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory(prefix="home of nobody ") as folder:
        home = Path(folder)
        os.chown(home, account.pw_uid, account.pw_gid)
        one = Client(home, CLIENT, _as_nobody(account), HOME=folder)
        try:
            assert one.first() == 1
            keeper, server = keeper_and_server(home)
            assert {keeper.uids().effective, server.uids().effective} == {account.pw_uid}
            # What stands after a power cut: the number of the old server now belongs to another process of this user.
            server.send_signal(signal.SIGSTOP)
            keeper.kill()
            server.kill()
            wait_for(lambda: not servers_of(home), "keeper and server are gone")
            pid_file = home / "postgres" / "data" / "postmaster.pid"
            pid_file.write_text(pid_file.read_text().replace(str(server.pid), str(one.process.pid), 1))
            assert one.rows() == 2
        finally:
            one.end()
            eventually_down(home, deadline_s=15)
