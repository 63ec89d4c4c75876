"""A loopback chat server whose every answer the test decides, and a client that talks to it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from creative_lab.language.cache import ReplyCache
from creative_lab.language.client import LanguageClient
from creative_lab.language.types import LanguageRequest
from creative_lab.settings import Settings

CANARY = "sk-canary-7f3e9ab1c24d5566"


class Verdict(BaseModel):
    """A small schema like those of the gates."""

    reasoning: str
    passed: bool


def good(passed: bool = True) -> str:
    return json.dumps({"reasoning": "because", "passed": passed})


def completion(text: str, finish_reason: str = "stop", tokens: tuple[int, int] = (11, 7)) -> Response:
    body = {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "served",
        "choices": [{"index": 0, "finish_reason": finish_reason, "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)},
    }
    return Response(json.dumps(body), content_type="application/json")


Answer = Callable[[Request, int], Response]


@dataclass
class Lab:
    """One client, the rows it logged, the pauses it made and the requests that reached the server."""

    settings: Settings
    client: LanguageClient
    server: HTTPServer
    rows: list[dict[str, Any]] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def answer_with(self, answer: Answer) -> None:
        """``answer(request, n)`` replies to the n-th request, counted from 1."""

        def handle(request: Request) -> Response:
            self.requests.append(request.get_json())
            self.headers.append(dict(request.headers))
            return answer(request, len(self.requests))

        self.server.clear()
        self.server.expect_request("/v1/chat/completions").respond_with_handler(handle)


MakeLab = Callable[..., Lab]


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> None:
    """One call, so that imports do not eat the short time limits of the tests."""
    with HTTPServer() as server:
        server.expect_request("/v1/chat/completions").respond_with_handler(lambda _: completion("warm"))
        home = tmp_path_factory.mktemp("warm")
        settings = Settings(home=home, profile="studio", llm_api_base=server.url_for("/v1"), offline=True)
        LanguageClient(settings, run_id="warm").complete(question())


@pytest.fixture
def make_lab(tmp_path: Path, httpserver: HTTPServer, warm: None) -> MakeLab:
    def make(*, cache: bool = False, budget: Any = None, drafters: Any = None, **changes: Any) -> Lab:
        options: dict[str, Any] = {
            "home": tmp_path / "home",
            "profile": "studio",
            "llm_api_base": httpserver.url_for("/v1"),
            "llm_api_key": SecretStr(CANARY),
            "llm_timeout_s": 20.0,
            "offline": True,
        }
        settings = Settings(**(options | changes))
        rows: list[dict[str, Any]] = []
        pauses: list[float] = []
        client = LanguageClient(
            settings,
            run_id="run-1",
            budget=budget(settings) if budget else None,
            drafters=drafters,
            log=rows.append,
            cache=ReplyCache(settings) if cache else None,
            sleep=pauses.append,
        )
        return Lab(settings, client, httpserver, rows, pauses)

    return make


@pytest.fixture
def lab_client(make_lab: MakeLab) -> Lab:
    return make_lab()


def question(**changes: Any) -> LanguageRequest:
    options: dict[str, Any] = {"slug": "eval-format", "model_id": "Qwen/Qwen2.5-7B-Instruct", "prompt": "Judge this."}
    return LanguageRequest(**(options | changes))


class RawServer:
    """A loopback server below HTTP: hands each connection, after its request was read, to ``talk``."""

    def __init__(self, talk: Callable[[socket.socket], None]) -> None:
        self._talk = talk
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.connections = 0
        self.closed = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(30)
            try:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += connection.recv(65536)
                self._talk(connection)
            except OSError:
                pass
            finally:
                self.closed.set()

    def stop(self) -> None:
        self._listener.close()


@pytest.fixture
def raw_server() -> Iterator[Callable[[Callable[[socket.socket], None]], RawServer]]:
    started: list[RawServer] = []

    def start(talk: Callable[[socket.socket], None]) -> RawServer:
        started.append(RawServer(talk))
        return started[-1]

    yield start
    for server in started:
        server.stop()
