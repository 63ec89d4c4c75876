"""What the client does when a server is busy, broken, slow or hostile, counted in requests that reached it."""

from __future__ import annotations

import json
import logging
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from pydantic import SecretStr
from werkzeug import Request, Response

from creative_lab.language.budget import Budget
from creative_lab.language.errors import CallError
from creative_lab_tests.language.conftest import CANARY, Lab, MakeLab, RawServer, Verdict, completion, good, question

StartRaw = Callable[[Callable[[socket.socket], None]], RawServer]


def test_a_busy_server_is_asked_again_after_the_pause_it_names(lab_client: Lab) -> None:
    lab_client.answer_with(
        lambda _, n: Response("busy", 429, headers={"Retry-After": "7"}) if n == 1 else completion(good())
    )
    assert lab_client.client.structured(question(), Verdict).value.passed
    assert len(lab_client.requests) == 2
    assert len(lab_client.pauses) == 1
    assert lab_client.pauses[0] >= 7
    assert [(row["attempt"], row["status"], row["error_class"]) for row in lab_client.rows] == [
        (1, "fail", "rate_limited"),
        (2, "ok", None),
    ]


def test_a_retry_after_date_is_understood(lab_client: Lab) -> None:
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    lab_client.answer_with(
        lambda _, n: Response("busy", 503, headers={"Retry-After": then}) if n == 1 else completion(good())
    )
    lab_client.client.complete(question())
    assert 20 < lab_client.pauses[0] < 31


def test_a_server_that_asks_for_an_hour_is_left_at_once(lab_client: Lab) -> None:
    lab_client.answer_with(lambda *_: Response("busy", 429, headers={"Retry-After": "3600"}))
    with pytest.raises(CallError) as caught:
        lab_client.client.complete(question())
    assert caught.value.kind == "rate_limited"
    assert (len(lab_client.requests), lab_client.pauses) == (1, [])


def test_a_storm_of_500s_costs_exactly_the_configured_requests(make_lab: MakeLab) -> None:
    lab = make_lab(llm_max_retries=3)
    lab.answer_with(lambda *_: Response('{"error": {"message": "boom"}}', 500, content_type="application/json"))
    with pytest.raises(CallError) as caught:
        lab.client.structured(question(), Verdict)
    assert caught.value.kind == "server_error"
    assert len(lab.requests) == 4 == len(lab.rows)
    assert len(lab.pauses) == 3
    assert all(0 <= pause <= 2**n for n, pause in enumerate(lab.pauses, 1))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_a_refusal_is_not_asked_again(lab_client: Lab, status: int) -> None:
    lab_client.answer_with(lambda *_: Response('{"error": {"message": "no"}}', status, content_type="application/json"))
    with pytest.raises(CallError) as caught:
        lab_client.client.structured(question(), Verdict)
    assert (caught.value.kind, caught.value.status) == ("rejected", status)
    assert len(lab_client.requests) == 1


@pytest.mark.parametrize(
    "body, content_type",
    [
        ("<html>Welcome to the hotel network</html>", "text/html"),
        ("<<<garbage>>>", "application/json"),
        ("null", "application/json"),
        ("[]", "application/json"),
        ("{}", "application/json"),
        ('{"choices": []}', "application/json"),
        ('{"choices": "many"}', "application/json"),
        ("", "application/json"),
    ],
)
def test_a_page_that_is_no_answer_is_named_as_such_and_not_asked_again(
    lab_client: Lab, body: str, content_type: str
) -> None:
    lab_client.answer_with(lambda *_: Response(body, 200, content_type=content_type))
    with pytest.raises(CallError) as caught:
        lab_client.client.structured(question(), Verdict, "verdict")
    assert caught.value.kind == "bad_answer"
    assert len(lab_client.requests) == 1


def test_an_endless_body_is_cut_off(lab_client: Lab) -> None:
    lab_client.answer_with(lambda *_: Response(b" " * 9_000_000, 200, content_type="application/json"))
    with pytest.raises(CallError, match="more than 8388608 bytes"):
        lab_client.client.complete(question())
    assert len(lab_client.requests) == 1


def test_a_redirect_is_not_followed(lab_client: Lab) -> None:
    def answer(request: Request, n: int) -> Response:
        return Response("", 307, headers={"Location": lab_client.server.url_for("/v1/chat/completions")})

    lab_client.answer_with(answer)
    with pytest.raises(CallError):
        lab_client.client.complete(question())
    assert len(lab_client.requests) == 1


def test_a_stalled_server_ends_in_a_timeout_and_frees_the_budget(make_lab: MakeLab, raw_server: StartRaw) -> None:
    release = threading.Event()
    server = raw_server(lambda _: release.wait(30) and None)
    lab = make_lab(
        llm_api_base=server.url, llm_timeout_s=0.5, llm_max_retries=1, budget=lambda s: Budget(s, "r", cap_tokens=9999)
    )
    with pytest.raises(CallError) as caught:
        lab.client.complete(question())
    release.set()
    assert caught.value.kind == "timeout"
    assert server.connections == 2
    account = Budget(lab.settings, "r").account()
    assert (account.held_tokens, account.spent_tokens) == (0, 0)


def test_a_slow_drip_cannot_stretch_the_time_limit(make_lab: MakeLab, raw_server: StartRaw) -> None:
    """Each byte resets a read timeout; the limit is on the whole call, and cancelling closes the connection."""

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
        while True:
            connection.sendall(b" ")
            time.sleep(0.05)

    server = raw_server(drip)
    lab = make_lab(llm_api_base=server.url, llm_timeout_s=0.6, llm_max_retries=0)
    with pytest.raises(CallError) as caught:
        lab.client.complete(question())
    assert caught.value.kind == "timeout"
    assert server.closed.wait(20), "the connection must not be left open"


def test_a_connection_that_breaks_in_the_answer_is_tried_again(make_lab: MakeLab, raw_server: StartRaw) -> None:
    def half(connection: socket.socket) -> None:
        connection.sendall(
            b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"choices": ['
        )

    server = raw_server(half)
    lab = make_lab(llm_api_base=server.url, llm_max_retries=2)
    with pytest.raises(CallError) as caught:
        lab.client.complete(question())
    assert caught.value.kind == "connection"
    assert server.connections == 3


def test_a_server_that_is_down_is_a_connection_failure(make_lab: MakeLab) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    lab = make_lab(llm_api_base=f"http://127.0.0.1:{port}/v1", llm_max_retries=1)
    with pytest.raises(CallError) as caught:
        lab.client.complete(question())
    assert caught.value.kind == "connection"
    assert len(lab.rows) == 2


def test_a_key_never_reaches_a_log_a_row_or_a_traceback(
    make_lab: MakeLab, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """The server throws the key back in its error text, whole and in parts, as some real ones do."""
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []
    for status in (400, 401, 429, 500):
        lab = make_lab(llm_max_retries=1)

        def answer(request: Request, _: int, status: int = status) -> Response:
            key = request.headers["Authorization"]
            text = f"Incorrect API key: {key} ({key[7:22]}...{key[-6:]}) at https://user:{CANARY}@example.org"
            return Response(json.dumps({"error": {"message": text}}), status, content_type="application/json")

        lab.answer_with(answer)
        try:
            lab.client.structured(question(), Verdict)
        except CallError as error:
            assert error.__context__ is None
            shown += [str(error), repr(error), "".join(traceback.format_exception(error))]
        assert lab.headers[0]["Authorization"] == f"Bearer {CANARY}"
        shown += [repr(lab.rows), repr(lab.settings)]
    everything = "\n".join([*shown, caplog.text, *capfd.readouterr()])
    assert "answered 401" in everything
    for part in (CANARY, CANARY[:15], CANARY[3:], CANARY[-6:]):
        assert part not in everything


def test_a_key_of_the_environment_is_not_sent_to_a_server_without_a_key(
    make_lab: MakeLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    lab = make_lab(llm_api_key=None)
    lab.answer_with(lambda *_: completion("fine"))
    lab.client.complete(question())
    assert CANARY not in json.dumps(lab.headers)


@pytest.mark.parametrize(
    "changes",
    [
        {"llm_api_base": "http://203.0.113.9/v1"},
        {"llm_api_base": "https://llm.example.org/v1"},
        {"llm_api_base": None, "profile": "hosted", "openai_api_key": SecretStr(CANARY)},
    ],
)
def test_offline_refuses_other_machines_before_connecting(
    make_lab: MakeLab, monkeypatch: pytest.MonkeyPatch, changes: dict[str, object]
) -> None:
    reached: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: reached.append(address))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *address, **_: reached.append(address))
    lab = make_lab(**changes)
    with pytest.raises(CallError) as caught:
        lab.client.complete(question())
    assert caught.value.kind == "offline"
    assert reached == []
    assert [row["error_class"] for row in lab.rows] == ["offline"]


def test_importing_the_room_loads_no_heavy_library_and_opens_no_socket() -> None:
    import subprocess

    code = (
        "import socket, sys\n"
        "def refuse(*_): raise SystemExit('a socket was opened')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "import creative_lab.language.client, creative_lab.language.templates\n"
        "heavy = {'litellm', 'torch', 'transformers', 'outlines', 'openai', 'json_repair'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
