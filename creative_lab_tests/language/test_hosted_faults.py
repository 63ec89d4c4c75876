"""The same faults behind the protocols of the hosted providers, which litellm speaks with code of its own."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from creative_lab.language.budget import Budget
from creative_lab.language.client import LanguageClient
from creative_lab.language.errors import CallError, ReplyError
from creative_lab.settings import Settings
from creative_lab_tests.language.conftest import CANARY, Verdict, completion, good, question

MODELS = ["openai/gpt-4o-mini", "anthropic/claude-sonnet-4-5", "gemini/gemini-2.5-flash"]
KEYS = {name: SecretStr(CANARY) for name in ("openai_api_key", "anthropic_api_key", "gemini_api_key")}


@pytest.fixture
def hosted(warm: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[HTTPServer]:
    """A loopback server in the place of all three providers; no other name can be looked up."""
    with HTTPServer(threaded=True) as server:
        for name in ("ANTHROPIC_API_BASE", "GEMINI_API_BASE"):
            monkeypatch.setenv(name, server.url_for(""))
        for name in ("OPENAI_API_BASE", "OPENAI_BASE_URL"):
            monkeypatch.setenv(name, server.url_for("/v1"))
        strangers: list[str] = []
        real: Callable[..., Any] = socket.getaddrinfo

        def look_up(host: Any, *rest: Any, **options: Any) -> Any:
            name = host.decode() if isinstance(host, bytes) else host
            if name not in {"localhost", "127.0.0.1", "::1"}:
                strangers.append(name)
                raise OSError(f"{name} must not be asked for")
            return real(host, *rest, **options)

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        yield server
        assert strangers == []


def fail_with(server: HTTPServer, answer: Callable[[Request], Response]) -> list[str]:
    seen: list[str] = []

    def handle(request: Request) -> Response:
        seen.append(request.path)
        return answer(request)

    server.expect_request(re.compile(".*")).respond_with_handler(handle)
    return seen


def shown_key(request: Request) -> str:
    return str(request.headers.get("x-api-key") or request.headers.get("Authorization") or request.url)


FAULTS: dict[str, tuple[Callable[[Request], Response], str, int]] = {
    "busy": (
        lambda r: Response(f'{{"error": {{"message": "{shown_key(r)}"}}}}', 429, headers={"Retry-After": "9"}),
        "rate_limited",
        2,
    ),
    "storm": (lambda _: Response('{"error": {"message": "boom"}}', 500), "server_error", 2),
    "bad key": (lambda r: Response(f'{{"error": {{"message": "{shown_key(r)}"}}}}', 401), "rejected", 1),
    "bad request": (lambda _: Response('{"error": {"message": "no"}}', 400), "rejected", 1),
    "unprocessable": (lambda _: Response('{"error": {"message": "no"}}', 422), "rejected", 1),
    "page": (lambda _: Response("<html>hello</html>", 200, content_type="text/html"), "bad_answer", 1),
    "garbage": (lambda _: Response('{"a":', 200, content_type="application/json"), "bad_answer", 1),
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_a_hosted_provider_is_counted_and_classed_like_any_other(
    hosted: HTTPServer, tmp_path: Path, model: str, fault: str
) -> None:
    answer, kind, requests = FAULTS[fault]
    seen = fail_with(hosted, answer)
    rows: list[dict[str, Any]] = []
    pauses: list[float] = []
    settings = Settings(home=tmp_path, profile="hosted", llm_timeout_s=30, llm_max_retries=1, **KEYS)
    client = LanguageClient(settings, run_id="r", log=rows.append, sleep=pauses.append)
    with pytest.raises(CallError) as caught:
        client.structured(question(model_id=model), Verdict)
    assert (caught.value.kind, len(seen), len(rows)) == (kind, requests, requests)
    assert all(pause >= 9 for pause in pauses) or fault != "busy"
    assert CANARY not in str(caught.value) + repr(rows)


@pytest.mark.parametrize("model", MODELS)
def test_a_hosted_provider_that_stalls_ends_in_a_timeout(hosted: HTTPServer, tmp_path: Path, model: str) -> None:
    def stall(_: Request) -> Response:
        time.sleep(2)
        return Response("late")

    seen = fail_with(hosted, stall)
    settings = Settings(home=tmp_path, profile="hosted", llm_timeout_s=1, llm_max_retries=0, **KEYS)
    with pytest.raises(CallError) as caught:
        LanguageClient(settings, run_id="r").complete(question(model_id=model))
    assert caught.value.kind == "timeout"
    assert len(seen) <= 1


def spoken(path: str, text: str, *, cut: bool) -> dict[str, Any]:
    """A good answer in the words of the provider whose path was asked for."""
    if "messages" in path:
        return {
            "id": "m1",
            "type": "message",
            "role": "assistant",
            "model": "claude",
            "content": [{"type": "text", "text": text}],
            "stop_reason": "max_tokens" if cut else "end_turn",
            "usage": {"input_tokens": 1000, "output_tokens": 100},
        }
    if "generateContent" in path:
        return {
            "candidates": [
                {
                    "content": {"role": "model", "parts": [{"text": text}]},
                    "finishReason": "MAX_TOKENS" if cut else "STOP",
                }
            ],
            "usageMetadata": {"promptTokenCount": 1000, "candidatesTokenCount": 100, "totalTokenCount": 1100},
        }
    return completion(text, "length" if cut else "stop", (1000, 100)).get_json()


@pytest.mark.parametrize("model", MODELS)
def test_a_verdict_of_a_hosted_provider_is_read_priced_and_refused_when_cut_off(
    hosted: HTTPServer, tmp_path: Path, model: str
) -> None:
    cut = False
    fail_with(hosted, lambda r: Response(json.dumps(spoken(r.path, good(), cut=cut)), content_type="application/json"))
    rows: list[dict[str, Any]] = []
    settings = Settings(home=tmp_path, profile="hosted", llm_timeout_s=30, **KEYS)
    client = LanguageClient(settings, run_id="r", log=rows.append)
    reply = client.structured(question(model_id=model, seed=4), Verdict, "verdict")
    assert (reply.value.passed, reply.reply.prompt_tokens, reply.reply.completion_tokens) == (True, 1000, 100)
    assert reply.reply.cost_usd > 0
    assert rows[0]["cost_known"]
    assert Budget(settings, "r").account().spent_usd == pytest.approx(reply.reply.cost_usd)
    cut = True
    with pytest.raises(ReplyError) as caught:
        client.structured(question(model_id=model), Verdict, "verdict")
    assert caught.value.fault == "truncated"
