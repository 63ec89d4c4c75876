"""The lab as a service on this machine: code server, daemon and webserver, started together and ended together.

One standing code server loads the definitions once; the daemon and the webserver ask it over a unix socket. (Given a
module instead, the daemon would load the definitions anew every minute.) Everything listens on this machine only.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from creative_lab.launch.instance import dagster_home, environment, lab_instance
from creative_lab.settings import REPOSITORY_ROOT, Settings, get_settings
from creative_lab.state.postgres import check_socket_dir

if TYPE_CHECKING:
    from dagster import DagsterInstance

HOST = "127.0.0.1"
START_TIMEOUT_S = 180.0
STOP_TIMEOUT_S = 20.0
DEFINITIONS = ("-m", "creative_lab.definitions")
_CODE_SERVER_OPTIONS = (
    "--use-python-environment-entry-point",
    "--location-name",
    "creative_lab",
    "--heartbeat-ttl",
    "20",
)
_PR_SET_PDEATHSIG = 1


class ServeError(RuntimeError):
    """The lab could not be started, or a part of it ended; the message is one sentence for the person at the shell."""


@dataclass
class Part:
    """One server process, leader of its own process group, printing to ``log``."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def why_dead(self) -> str | None:
        """None while it runs, else a sentence with its exit code and log."""
        code = self.process.poll()
        if code is None:
            return None
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        return f"the {self.name} {how}; see {self.log}"

    def signal(self, number: signal.Signals) -> None:
        """Signal the whole group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


@dataclass
class Lab:
    """The servers of a lab. ``target`` is what the code server loads, as the arguments Dagster takes.

    The review page is served when it has a port.
    """

    settings: Settings
    port: int = 3000
    target: Sequence[str] = DEFINITIONS
    review_port: int | None = None
    parts: list[Part] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Address of the Dagster UI."""
        return f"http://{HOST}:{self.port}"

    @property
    def review_url(self) -> str:
        """Address of the review page."""
        return f"http://{HOST}:{self.review_port}"

    @property
    def workspace(self) -> Path:
        """The workspace file that daemon and webserver read."""
        return dagster_home(self.settings) / "workspace.yaml"

    @property
    def code_socket(self) -> Path:
        """Unix socket of the code server, in a folder that only this user may enter."""
        digest = hashlib.sha256(str(self.settings.home.resolve()).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"creative-lab-code-{os.geteuid()}-{digest}" / "server.sock"

    def start(self) -> DagsterInstance:
        """Start all parts and return when they answer. Raises :class:`ServeError`, with nothing left running."""
        check_port(self.port)
        if self.review_port is not None:
            check_port(self.review_port)
        began = time.time()
        # Opened here first: the server is up and its tables are made before three processes ask for them at once.
        instance = lab_instance(self.settings)
        prepare(instance)
        try:
            self._start_code_server()
            self._start_part("daemon", ["-m", "creative_lab.launch.daemon", "run", "-w", str(self.workspace)])
            self._start_part(
                "webserver",
                ["-m", "dagster_webserver", "-w", str(self.workspace), "-h", HOST, "-p", str(self.port)],
            )
            if self.review_port is not None:
                self._start_part("review page", ["-m", "creative_lab.review.app", str(self.review_port)])
                self.wait_for(lambda: _answers(f"{self.review_url}/health"), "the review page answers")
            self.wait_for(lambda: _answers(f"{self.url}/server_info"), "the webserver answers")
            self.wait_for(lambda: _daemon_beats(instance, began), "the daemon works")
        except BaseException:
            self.stop()
            raise
        return instance

    def _start_code_server(self) -> None:
        folder = self.code_socket.parent
        check_socket_dir(folder)
        folder.mkdir(mode=0o700, exist_ok=True)
        self.code_socket.unlink(missing_ok=True)
        server = {"socket": str(self.code_socket), "host": "localhost", "location_name": "creative_lab"}
        self.workspace.write_text(json.dumps({"load_from": [{"grpc_server": server}]}, indent=2))
        self._start_part(
            "code server",
            ["-m", "dagster", "code-server", "start", "-s", str(self.code_socket), *self.target, *_CODE_SERVER_OPTIONS],
        )
        self.wait_for(self._code_server_answers, "the code server answers")

    def _start_part(self, name: str, arguments: Sequence[str]) -> None:
        log = dagster_home(self.settings) / "logs" / f"{name.replace(' ', '_')}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists():
            log.replace(log.with_suffix(".previous.log"))
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=REPOSITORY_ROOT,
                env=environment(self.settings),
                preexec_fn=_end_with_parent,  # noqa: PLW1509 - this process has a single thread
            )
        self.parts.append(Part(name, process, log))

    def wait_for(self, condition: Callable[[], bool], what: str, timeout_s: float = START_TIMEOUT_S) -> None:
        """Return when ``condition`` holds; raises ServeError when a part ends meanwhile or the time is over."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            self.check()
            if time.monotonic() > deadline:
                raise ServeError(f"not within {timeout_s:.0f} s: {what}; see {dagster_home(self.settings) / 'logs'}")
            time.sleep(0.1)

    def check(self) -> None:
        """Raise ServeError when a part has ended."""
        for part in self.parts:
            if (reason := part.why_dead()) is not None:
                raise ServeError(reason)

    def _code_server_answers(self) -> bool:
        if not self.code_socket.exists():
            return False
        from dagster._grpc.client import DagsterGrpcClient
        from dagster._serdes import deserialize_value
        from dagster._utils.error import SerializableErrorInfo

        try:
            answer = deserialize_value(
                DagsterGrpcClient(socket=str(self.code_socket), host="localhost").list_repositories()
            )
        except Exception:
            return False  # Whatever gRPC raises: it does not answer yet.
        if isinstance(answer, SerializableErrorInfo):
            innermost = answer
            while innermost.cause is not None:
                innermost = innermost.cause
            raise ServeError(f"the definitions do not load: {innermost.message.strip()} (see {self.parts[0].log})")
        return True

    def stop(self) -> None:
        """End all parts: politely, then by force. What runs work on is not touched here."""
        for part in reversed(self.parts):
            part.signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for part in self.parts:
            with contextlib.suppress(subprocess.TimeoutExpired):
                part.process.wait(timeout=max(0.0, deadline - time.monotonic()))
        self.kill()
        shutil.rmtree(self.code_socket.parent, ignore_errors=True)

    def kill(self) -> None:
        """SIGKILL every part with its children."""
        for part in self.parts:
            part.signal(signal.SIGKILL)
            part.process.wait()
        self.parts.clear()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - loopback
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _end_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def check_port(port: int) -> None:
    """Raise ServeError when something listens on ``port`` of this machine already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise ServeError(f"port {port} cannot be used ({error.strerror}); give another one with --port") from None


def prepare(instance: DagsterInstance) -> None:
    """Before anything starts: settle what a crash left, and set the limit of the card pool to the number of cards."""
    from creative_lab.launch.reaper import reap
    from creative_lab.launch.run_launcher import POOL, GpuRunLauncher

    launcher = instance.run_launcher
    if isinstance(launcher, GpuRunLauncher):
        reap(instance)
        instance.event_log_storage.set_concurrency_slots(POOL, max(1, len(launcher.devices)))


def _daemon_beats(instance: DagsterInstance, since: float) -> bool:
    beats = instance.get_daemon_heartbeats()
    required = instance.get_required_daemon_types()
    return all(kind in beats and beats[kind].timestamp >= since for kind in required)


def _cancel_runs(instance: DagsterInstance, say: Callable[[str], None]) -> None:
    from dagster import DagsterRunStatus, RunsFilter

    from creative_lab.launch.processes import members, worker_of
    from creative_lab.launch.run_launcher import RUN_VARIABLE

    active = RunsFilter(statuses=[DagsterRunStatus.STARTING, DagsterRunStatus.STARTED])
    # Only workers of the launcher: a command in another shell that executes a run itself is not part of this lab.
    runs = [
        run
        for run in instance.get_runs(filters=active)
        if (known := worker_of(run)) is not None and members(known, (RUN_VARIABLE, run.run_id))
    ]
    if runs:
        say(f"Cancelling {len(runs)} runs that are at work; queued ones stay in the queue.")
    for run in runs:
        instance.run_launcher.terminate(run.run_id)


def serve(
    port: int = 3000,
    settings: Settings | None = None,
    *,
    review_port: int | None = None,
    say: Callable[[str], None] = print,
) -> int:
    """Run the lab until Ctrl-C or SIGTERM; returns the exit code for the shell.

    0 when a person ended it, 1 when it could not start or a part of it ended by itself. ``say`` prints to the person.
    """
    lab = Lab(settings or get_settings(), port, review_port=review_port)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    # Both explicitly: started in the background by a shell, this process inherits SIGINT as ignored.
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)
    say("Starting the lab …")
    try:
        instance = lab.start()
    except ServeError as error:
        say(f"The lab did not start: {error}")
        return 1
    except KeyboardInterrupt:
        return 0
    say(f"Dagster UI:  {lab.url}")
    if review_port is not None:
        say(f"Review page: {lab.review_url}")
    say("Ctrl-C ends everything.")
    code = 0
    try:
        while True:
            lab.check()
            time.sleep(0.2)
    except KeyboardInterrupt:
        say("Ending the lab …")
    except ServeError as error:
        say(f"The lab ends: {error}")
        code = 1
    finally:
        # A second Ctrl-C must not leave half of it running.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _cancel_runs(instance, say)
        lab.stop()
    return code
