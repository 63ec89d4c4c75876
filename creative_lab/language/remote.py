"""One question to one server, through litellm: a hard limit on wall time, no retries, no secrets in what it raises.

litellm would retry, follow redirects and read keys from the environment by itself. All of that is switched off: the
client's loop is the only one that tries again, and a key goes only to the provider it is for.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import contextvars
import email.utils
import os
import re
import threading
import time
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, SecretStr

from creative_lab.language.errors import CallError, CallFailure
from creative_lab.language.routing import Route, is_loopback

R = TypeVar("R")

MAX_BODY_BYTES = 8 * 1024 * 1024
"""No chat completion is larger; a server that sends more is cut off."""
_REASON_CHARS = 300
_UNREADABLE = re.compile(
    r"Empty or invalid response|Unable to get json response|converting to valid response|Expecting value|Invalid JSON"
)


@dataclass(frozen=True)
class Answer:
    """What a model said and how much of it was counted."""

    text: str
    prompt_tokens: int
    completion_tokens: int
    finish_reason: str


@dataclass
class _Exchange:
    """What the HTTP layer saw of the current call, in the server's own words."""

    status: int | None = None
    retry_after: str | None = None
    refusal: CallError | None = None


_exchange: contextvars.ContextVar[_Exchange | None] = contextvars.ContextVar("exchange", default=None)


class _Loop:
    """An event loop in a thread of its own; cancelling a call there really closes its connection."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = 0

    def run(self, work: Coroutine[Any, Any, R], timeout_s: float) -> R:
        with self._lock:
            # A forked child inherits the object but not the thread.
            if self._loop is None or self._pid != os.getpid():
                self._loop, self._pid = asyncio.new_event_loop(), os.getpid()
                threading.Thread(target=self._loop.run_forever, name="language-calls", daemon=True).start()
            loop = self._loop
        future = asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, timeout_s), loop)
        try:
            # The margin is for a loop that is too busy to notice its own deadline.
            return future.result(timeout_s + 5.0)
        except BaseException:
            future.cancel()
            raise


_loop = _Loop()


def _litellm() -> Any:
    # Without these, importing litellm asks the network for its price list, and the first call to Anthropic for a list
    # of headers.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault("LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS", "True")
    import litellm
    import litellm.llms.openai.openai
    import openai.resources.chat.completions  # noqa: F401 - seconds that must not count as part of the first call

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.num_retries = None
    return litellm


def ask(
    route: Route,
    messages: Sequence[Mapping[str, str]],
    *,
    temperature: float,
    max_tokens: int,
    seed: int | None,
    schema: type[BaseModel] | None,
    timeout_s: float,
    offline: bool,
) -> Answer:
    """Put ``messages`` to the server of ``route`` once. Raises :class:`CallError`, whose text holds no key.

    ``schema`` is passed on as ``response_format`` (JSON schema); None leaves it out.
    """
    litellm = _litellm()
    key = route.api_key.get_secret_value() if route.api_key else ""
    options: dict[str, Any] = {
        "model": f"openai/{route.model}" if route.provider == "openai-compatible" else route.model,
        "messages": [dict(message) for message in messages],
        "temperature": temperature,
        "max_tokens": max_tokens,
        "timeout": timeout_s,
        "num_retries": 0,
        "max_retries": 0,
        # An empty key would send litellm to OPENAI_API_KEY, and that key to whatever server this is.
        "api_key": key or "none",
        # Anthropic knows no seed. For the OpenAI protocol this would be a hidden second request after a 422.
        "drop_params": route.provider in {"anthropic", "gemini"},
    }
    if seed is not None:
        options["seed"] = seed
    if schema is not None:
        options["response_format"] = schema

    seen = _Exchange()

    async def call() -> Any:
        _exchange.set(seen)
        if route.provider != "openai-compatible":
            return await litellm.acompletion(**options)
        import openai

        async with _http(timeout_s, offline, route) as http:
            client = openai.AsyncOpenAI(
                api_key=options["api_key"], base_url=route.api_base, http_client=http, max_retries=0
            )
            return await litellm.acompletion(**options, api_base=route.api_base, client=client)

    failure: CallError
    try:
        return _read(_loop.run(call(), timeout_s))
    except CallError as error:
        failure = error
    except (TimeoutError, concurrent.futures.TimeoutError):
        failure = CallError(f"{route.model} gave no whole answer within {timeout_s:g} s", "timeout")
    except Exception as error:
        failure = seen.refusal or _failure(error, seen, route)
    # Raised outside the handler: the original's context can hold the request, and the request holds the key.
    raise failure


def _http(timeout_s: float, offline: bool, route: Route) -> httpx.AsyncClient:
    async def before(request: httpx.Request) -> None:
        exchange = _exchange.get()
        if offline and not is_loopback(request.url.host):
            refusal = CallError(f"CREATIVE_LAB_OFFLINE is set and {request.url.host} is not this machine", "offline")
            if exchange is not None:
                exchange.refusal = refusal
            raise refusal

    async def after(response: httpx.Response) -> None:
        exchange = _exchange.get()
        if exchange is not None:
            exchange.status = response.status_code
            exchange.retry_after = response.headers.get("retry-after")
        response.stream = _Capped(response.stream, exchange)  # type: ignore[arg-type]

    return httpx.AsyncClient(
        timeout=timeout_s,
        follow_redirects=False,
        trust_env=not (offline or is_loopback(httpx.URL(route.api_base).host)),
        headers={"Accept-Encoding": "identity"},
        event_hooks={"request": [before], "response": [after]},
        verify=route.api_base.startswith("https://"),
    )


class _Capped(httpx.AsyncByteStream):
    """A response body that ends in an error when it grows beyond the cap."""

    def __init__(self, stream: httpx.AsyncByteStream, exchange: _Exchange | None) -> None:
        self._stream, self._exchange = stream, exchange

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for part in self._stream:
            size += len(part)
            if size > MAX_BODY_BYTES:
                refusal = CallError(f"the server sent more than {MAX_BODY_BYTES} bytes", "bad_answer")
                if self._exchange is not None:
                    self._exchange.refusal = refusal
                raise refusal
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


def _read(response: Any) -> Answer:
    choices = getattr(response, "choices", None)
    if not choices:
        raise CallError("the server's answer has no choices", "bad_answer")
    message = choices[0].message
    text = message.content if isinstance(message.content, str) else ""
    usage = getattr(response, "usage", None)
    return Answer(
        # A lone surrogate cannot be written to any file or table.
        text=text.encode("utf-8", "replace").decode(),
        prompt_tokens=_count(getattr(usage, "prompt_tokens", 0)),
        completion_tokens=_count(getattr(usage, "completion_tokens", 0)),
        finish_reason=str(choices[0].finish_reason or "unknown"),
    )


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _failure(error: Exception, seen: _Exchange, route: Route) -> CallError:
    """Turn whatever litellm raised into our own error."""
    status = seen.status or getattr(error, "status_code", None)
    name = type(error).__name__
    retry_after = _seconds(seen.retry_after or _header(error, "retry-after"))
    kind: CallFailure
    if seen.status is not None and seen.status < 300:
        # litellm calls this a server error 500; it is a page of something else, and asking again will not help.
        kind, status = ("connection", None) if _cut_off(error) else ("bad_answer", seen.status)
    elif seen.status is None and _UNREADABLE.search(str(error)):
        # For hosted providers litellm invents a status for a good answer that it cannot read.
        kind, status = "bad_answer", None
    elif name == "Timeout" or status == 408:
        kind = "timeout"
    elif status == 429:
        kind = "rate_limited"
    elif seen.status is None and (name == "APIConnectionError" or "onnection error" in str(error)):
        kind = "connection"
    elif isinstance(status, int) and status >= 500:
        kind = "server_error"
    elif isinstance(status, int):
        kind = "rejected"
    else:
        kind = "bad_answer"
    words = {"bad_answer": "answered with something that is no chat completion", "connection": "could not be reached"}
    told = f"{route.model} {words.get(kind, f'answered {status}')}: {_strip(str(error))}"
    return CallError(scrub(told, [route.api_key]), kind, status=status, retry_after=retry_after)


def _cut_off(error: BaseException) -> bool:
    """Whether the connection broke in the middle of a good answer."""
    chain: BaseException | None = error
    while chain is not None:
        if isinstance(chain, httpx.TransportError):
            return True
        chain = chain.__cause__ or chain.__context__
    return "peer closed connection" in str(error) or "onnection error" in str(error)


def _strip(text: str) -> str:
    return re.sub(r"^(litellm\.)?(\w+: )+(\w+Exception - )?", "", text)


def _header(error: Exception, name: str) -> str | None:
    for source in (getattr(error, "litellm_response_headers", None), getattr(error, "response", None)):
        headers = getattr(source, "headers", source)
        with contextlib.suppress(AttributeError, TypeError):
            value = headers.get(name)  # type: ignore[union-attr]
            if value:
                return str(value)
    return None


def _seconds(value: str | None) -> float | None:
    """Seconds of a Retry-After header: a number or an HTTP date."""
    if not value:
        return None
    with contextlib.suppress(ValueError):
        seconds = float(value)
        return max(0.0, seconds) if seconds == seconds else None  # noqa: PLR0124 - not a number is not itself
    with contextlib.suppress(ValueError, TypeError):
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    return None


def scrub(text: str, secrets: Sequence[SecretStr | None]) -> str:
    """``text`` on one line, short, without the given secrets and without anything that looks like a key."""
    for secret in secrets:
        value = secret.get_secret_value() if secret else ""
        # Servers like to show the beginning of a key, or all but its middle.
        if len(value) >= 8:
            text = text.replace(value, "***")
            text = re.sub(rf"{re.escape(value[:6])}\S*", "***", text)
            text = re.sub(rf"\S*{re.escape(value[-6:])}", "***", text)
        elif value:
            text = text.replace(value, "***")
    text = re.sub(r"(?i)\b(bearer\s+|api[-_ ]?key['\":= ]+|sk-|key-|AIza)[\w\-.*]{4,}", r"***", text)
    text = re.sub(r"(?<=://)[^/\s@]+@", "***@", text)
    text = re.sub(r"\s+", " ", text).strip()
    return text if len(text) <= _REASON_CHARS else text[: _REASON_CHARS - 1] + "…"


def price(route: Route, prompt_tokens: int, completion_tokens: int) -> tuple[float, bool]:
    """Cost in US dollars from litellm's price list, and whether the list knows the model (else 0)."""
    if not route.remote:
        return 0.0, True
    litellm = _litellm()
    try:
        prompt, completion = litellm.cost_per_token(
            model=route.model, prompt_tokens=prompt_tokens, completion_tokens=completion_tokens
        )
    except Exception:
        # The list raises its own kinds for an unknown model; none of them may stop a call that costs nothing.
        return 0.0, False
    return float(prompt + completion), True


def takes_schema(route: Route) -> bool:
    """Whether to ask for a JSON schema: any server by URL (it says when it cannot), and hosted models that can."""
    if route.provider == "openai-compatible":
        return True
    try:
        return bool(_litellm().supports_response_schema(model=route.model))
    except Exception:
        return False
