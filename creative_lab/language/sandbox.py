"""Work on text that may be hostile, in a warm process that can be stopped: rendering templates, mending JSON.

A process per render would cost a tenth of a second each; one worker that stays costs about half a millisecond. It runs
under the kernel's limits (see ``sandbox_worker``); a worker that does not answer in time is killed and the next request
starts a fresh one. Values cross as JSON, so a template never holds an object of the platform.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import re
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic_core import PydanticSerializationError, to_jsonable_python

from creative_lab.language.errors import SandboxError, TemplateError

MAX_TEMPLATE_BYTES = 64 * 1024
"""Largest template that is saved or rendered."""
MAX_VALUES_BYTES = 4 * 1024 * 1024
"""Largest values of one render, as JSON."""
WALL_SECONDS = 6.0
"""Longest wait for one answer; processor time ends a busy template earlier."""
_START_SECONDS = 60.0
_WORKER = Path(__file__).with_name("sandbox_worker.py")

_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
# The joiner and non-joiner belong to the spelling of Persian, Urdu, Hindi, Sinhala and others, and only there.
_JOINERS = re.compile("(?<![\u0600-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u17ff])[\u200c\u200d]+")


def visible(text: str) -> str:
    """``text`` without characters that a person cannot see but a model reads (tags, bidi controls, zero widths)."""
    return _JOINERS.sub("", _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))


def clean_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """``values`` as plain data whose every string is visible; raises :class:`TemplateError` naming the variable."""
    cleaned: dict[str, Any] = {}
    for name, value in values.items():
        try:
            cleaned[name] = _clean(to_jsonable_python(value))
        except (PydanticSerializationError, ValueError) as error:
            raise TemplateError(f"the value of {name} is not data: {error}") from None
    return cleaned


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {visible(str(key)): _clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return value


class Sandbox:
    """One worker process and the door to it; safe to share between threads, renewed after a fork."""

    def __init__(self, *, wall_seconds: float = WALL_SECONDS) -> None:
        self._wall_seconds = wall_seconds
        self._lock = threading.Lock()
        self._worker: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self.starts = 0
        """How many workers have been started."""

    def check(self, template: str) -> list[str]:
        """Names of the variables that ``template`` needs. Raises :class:`TemplateError` with the line of a mistake."""
        return list(self._ask_for_template({"op": "check", "template": _sized(template)})["variables"])

    def render(self, template: str, values: Mapping[str, Any]) -> str:
        """The text of ``template`` with ``values``; a missing value or a limit reached is a :class:`TemplateError`."""
        request = {"op": "render", "template": _sized(template), "values": clean_values(values)}
        return str(self._ask_for_template(request)["text"])

    def repair(self, text: str) -> Any:
        """What json-repair makes of ``text``. Raises :class:`SandboxError` when it fails or takes too much."""
        return self._ask({"op": "repair", "text": text})["value"]

    def close(self) -> None:
        """End the worker."""
        with self._lock:
            self._stop()

    def _ask_for_template(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._ask(request)
        except SandboxError as error:
            where = f"line {error.line}: " if error.line else ""
            raise TemplateError(f"{where}{error}", error.line) from None

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        line = json.dumps(request).encode() + b"\n"
        if len(line) > MAX_VALUES_BYTES + MAX_TEMPLATE_BYTES:
            raise SandboxError(f"the values are larger than {MAX_VALUES_BYTES} bytes")
        with self._lock:
            worker = self._running()
            try:
                answer = self._exchange(worker, line, self._wall_seconds)
            except (TimeoutError, EOFError, OSError):
                self._stop()
                raise SandboxError("it ran into its limits of time or memory and was stopped") from None
            except BaseException:
                # An interrupt leaves half an answer in the pipe, which must not become the next one.
                self._stop()
                raise
            if answer.get("greedy"):
                self._stop()
        if "error" in answer:
            raise SandboxError(answer["error"], answer.get("line"))
        return answer

    def _running(self) -> subprocess.Popen[bytes]:
        if self._worker is not None and self._owner == os.getpid() and self._worker.poll() is None:
            return self._worker
        if self._owner == os.getpid():
            self._stop()
        self._worker = subprocess.Popen(
            [sys.executable, "-I", str(_WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,
            # Nothing of the platform's environment, which may hold keys.
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"},
        )
        self._owner = os.getpid()
        self.starts += 1
        try:
            self._exchange(self._worker, b"", _START_SECONDS)
        except (TimeoutError, EOFError, OSError):
            self._stop()
            raise SandboxError("the process for untrusted text could not be started") from None
        return self._worker

    @staticmethod
    def _exchange(worker: subprocess.Popen[bytes], line: bytes, seconds: float) -> dict[str, Any]:
        assert worker.stdin is not None
        assert worker.stdout is not None
        deadline = time.monotonic() + seconds
        send, receive = worker.stdin.fileno(), worker.stdout.fileno()
        os.set_blocking(send, False)
        os.set_blocking(receive, False)
        rest, parts = memoryview(line), bytearray()
        with selectors.DefaultSelector() as waiting:
            waiting.register(receive, selectors.EVENT_READ)
            if rest:
                waiting.register(send, selectors.EVENT_WRITE)
            while True:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError
                for key, _ in waiting.select(left):
                    if key.fd == send:
                        rest = rest[os.write(send, rest[:65536]) :]
                        if not rest:
                            waiting.unregister(send)
                        continue
                    part = os.read(receive, 1 << 18)
                    if not part:
                        raise EOFError
                    parts += part
                    if part.endswith(b"\n"):
                        return dict(json.loads(parts))

    def _stop(self) -> None:
        worker, self._worker = self._worker, None
        if worker is None or self._owner != os.getpid():
            return
        worker.kill()
        for pipe in (worker.stdin, worker.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        worker.wait()


def _sized(template: str) -> str:
    if len(template.encode("utf-8", "replace")) > MAX_TEMPLATE_BYTES:
        raise TemplateError(f"the template is larger than {MAX_TEMPLATE_BYTES} bytes")
    return template


_shared = Sandbox()
atexit.register(_shared.close)


def shared_sandbox() -> Sandbox:
    """The sandbox of this process."""
    return _shared
