"""The one door to language models: routing, budget, retries, fallbacks, cache and the log of every attempt.

Public: :class:`LanguageClient` with :meth:`~LanguageClient.complete` for free text and
:meth:`~LanguageClient.structured` for replies in a schema.
"""

from __future__ import annotations

import dataclasses
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import BaseModel
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt
from tenacity.wait import wait_random_exponential

from creative_lab.language import remote
from creative_lab.language.budget import Budget
from creative_lab.language.cache import ReplyCache, request_key
from creative_lab.language.errors import BudgetExceeded, CallError, LanguageError, ReplyError
from creative_lab.language.local_models import LocalModels, shared_local_models
from creative_lab.language.routing import Route, check_reachable, resolve
from creative_lab.language.structured import CUT_OFF, Reading, correction, read_reply
from creative_lab.language.types import Drafter, LanguageReply, LanguageRequest, ReplyKind, StructuredReply
from creative_lab.settings import Settings

T = TypeVar("T", bound=BaseModel)
V = TypeVar("V")

MAX_TOKENS_CEILING = 16_384
"""A creative reply that was cut off is asked for once more with twice the tokens, up to this many."""
RETRY_AFTER_CAP_S = 60.0
"""Longest wait a server can ask for; beyond it the call counts as failed and the fallback's turn comes."""
_BACKOFF_S = 1.0
_BACKOFF_CAP_S = 30.0

LogSink = Callable[[dict[str, Any]], None]


class PlainReply(BaseModel):
    """What the drafter fills when free text is asked for."""

    text: str


@dataclasses.dataclass
class _Question:
    """One logical call on its way through attempts."""

    request: LanguageRequest
    schema: type[BaseModel] | None
    kind: ReplyKind | None
    messages: list[dict[str, str]]
    max_tokens: int
    ask_schema: bool = True
    attempts: int = 0
    last_text: str = ""


class LanguageClient:
    """Asks language models on behalf of one run.

    ``drafters`` are the offline rules by template slug; ``log`` receives one row (a dict) per attempt; ``cache`` None
    means that nothing is kept; ``budget`` None means the run's own budget from the settings. ``tags`` (such as spot
    and target) are added to every row. The client may be shared by threads.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        run_id: str,
        budget: Budget | None = None,
        drafters: Mapping[str, Drafter] | None = None,
        log: LogSink | None = None,
        cache: ReplyCache | None = None,
        local: LocalModels | None = None,
        tags: Mapping[str, str] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._run_id = run_id
        self._budget = budget or Budget(settings, run_id)
        self._drafters = dict(drafters or {})
        self._log = log
        self._cache = cache
        self._local = local
        self._tags = dict(tags or {})
        self._sleep = sleep

    def complete(self, request: LanguageRequest, *, use_cache: bool = True) -> LanguageReply:
        """Free text. Raises :class:`CallError` when no model answers, :class:`BudgetExceeded` before overspending."""
        return self._over_routes(request, None, None, use_cache=use_cache, read=lambda reply: reply)[1]

    def structured(
        self, request: LanguageRequest, schema: type[T], kind: ReplyKind = "creative", *, use_cache: bool = True
    ) -> StructuredReply[T]:
        """A reply read into ``schema``.

        A creative reply may be repaired (``repaired`` says so), and one that does not fit is asked for once more: with
        the mistakes named, or with twice the tokens when it was cut off. A verdict gets neither: it is readable as it
        stands or raises :class:`ReplyError`. Raises :class:`CallError` and :class:`BudgetExceeded` like ``complete``.
        """

        def read(reply: LanguageReply) -> Reading[T]:
            return read_reply(reply.text, schema, kind, finish_reason=reply.finish_reason)

        reading, reply = self._over_routes(request, schema, kind, use_cache=use_cache, read=read)
        return StructuredReply(value=reading.value, reply=reply, repaired=reading.repaired)

    def _over_routes(
        self,
        request: LanguageRequest,
        schema: type[BaseModel] | None,
        kind: ReplyKind | None,
        *,
        use_cache: bool,
        read: Callable[[LanguageReply], V],
    ) -> tuple[V, LanguageReply]:
        """The first answer along the model and its fallbacks."""
        routes: list[Route] = []
        first: CallError | None = None
        for model_id in (request.model_id, *request.fallbacks):
            try:
                route = resolve(self._settings, model_id)
                if route in routes:
                    continue
                routes.append(route)
                return self._over_attempts(route, request, schema, kind, use_cache=use_cache, read=read)
            except CallError as error:
                # The model that was asked for matters more to a reader than what became of its stand-ins.
                first = first or error
        assert first is not None
        raise first

    def _over_attempts(
        self,
        route: Route,
        request: LanguageRequest,
        schema: type[BaseModel] | None,
        kind: ReplyKind | None,
        *,
        use_cache: bool,
        read: Callable[[LanguageReply], V],
    ) -> tuple[V, LanguageReply]:
        """The answer of one route: from the cache, or from the model after at most one correction."""
        question = _Question(request, schema, kind, _messages(request), request.max_tokens)
        key = ""
        # The drafter's rules change with the code and cost nothing, so its answers are always made afresh.
        if self._cache is not None and use_cache and route.provider != "embedded/drafter":
            key = request_key(
                request,
                provider=route.provider,
                model=route.model,
                address=route.api_base,
                messages=question.messages,
                schema=schema,
                kind=kind,
            )
            known = self._cache.get(key)
            if known is not None:
                try:
                    value = read(known)
                except ReplyError:
                    pass
                else:
                    known = dataclasses.replace(known, cost_usd=0.0, duration_ms=0)
                    self._record(route, question, "cached", reply=known)
                    return value, known
        try:
            check_reachable(self._settings, route)
        except CallError as error:
            question.attempts += 1
            self._record(route, question, "fail", error=error)
            raise
        try:
            value, reply = self._retrying(route, question, read)
        except ReplyError as error:
            if kind != "creative" or schema is None or route.provider == "embedded/drafter":
                raise
            if error.fault == "truncated":
                question.max_tokens = max(question.max_tokens, min(2 * question.max_tokens, MAX_TOKENS_CEILING))
            else:
                question.messages = [*question.messages, *correction(error, question.last_text)]
            value, reply = self._retrying(route, question, read)
        if key and self._cache is not None and reply.finish_reason not in CUT_OFF:
            self._cache.put(key, reply)
        return value, reply

    def _retrying(
        self, route: Route, question: _Question, read: Callable[[LanguageReply], V]
    ) -> tuple[V, LanguageReply]:
        """The only loop that tries again: passing failures of the network, with back-off and jitter."""

        def wait(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = error.retry_after if isinstance(error, CallError) else None
            return max(asked or 0.0, wait_random_exponential(multiplier=_BACKOFF_S, max=_BACKOFF_CAP_S)(state))

        def again(error: BaseException) -> bool:
            return isinstance(error, CallError) and error.passing and (error.retry_after or 0.0) <= RETRY_AFTER_CAP_S

        def attempt() -> tuple[V, LanguageReply]:
            try:
                return self._attempt(route, question, read)
            except CallError as error:
                # Some servers do not know json_schema. Nothing has failed by chance: ask plainly, once.
                if not (question.ask_schema and error.status in {400, 422} and "response_format" in str(error)):
                    raise
            question.ask_schema = False
            return self._attempt(route, question, read)

        return Retrying(
            stop=stop_after_attempt(self._settings.llm_max_retries + 1),
            wait=wait,
            retry=retry_if_exception(again),
            sleep=self._sleep,
            reraise=True,
        )(attempt)

    def _attempt(
        self, route: Route, question: _Question, read: Callable[[LanguageReply], V]
    ) -> tuple[V, LanguageReply]:
        """One call, one reservation, one row."""
        question.attempts += 1
        started = time.monotonic()
        reply: LanguageReply | None = None
        known = True
        try:
            most_usd, _ = remote.price(route, _most_prompt_tokens(question), question.max_tokens)
            with self._budget.reserve(most_usd, self._most_tokens(route, question)) as reservation:
                answer = self._answer(route, question)
                question.last_text = answer.text
                cost, known = remote.price(route, answer.prompt_tokens, answer.completion_tokens)
                if not answer.prompt_tokens and most_usd:
                    # A hosted model that reports no usage is charged what it could have cost at most.
                    cost = most_usd
                reservation.settle(cost, answer.prompt_tokens + answer.completion_tokens)
            reply = LanguageReply(
                text=answer.text,
                model_id=route.model,
                provider=route.provider,
                prompt_tokens=answer.prompt_tokens,
                completion_tokens=answer.completion_tokens,
                cost_usd=cost,
                duration_ms=_since(started),
                finish_reason=answer.finish_reason,
            )
            value = read(reply)
        except BaseException as error:
            self._record(
                route, question, "fail", reply=reply, error=error, duration_ms=_since(started), cost_known=known
            )
            raise
        self._record(route, question, "ok", reply=reply, cost_known=known)
        return value, reply

    def _answer(self, route: Route, question: _Question) -> remote.Answer:
        request = question.request
        if route.provider == "embedded/drafter":
            return self._draft(question)
        if route.provider == "transformers":
            local = self._local or shared_local_models(self._settings)
            return local.generate(
                route.model,
                question.messages,
                schema=question.schema,
                max_tokens=question.max_tokens,
                temperature=request.temperature,
                seed=request.seed,
                load_in_4bit=request.load_in_4bit,
                timeout_s=self._settings.llm_timeout_s,
            )
        return remote.ask(
            route,
            question.messages,
            temperature=request.temperature,
            max_tokens=question.max_tokens,
            seed=request.seed,
            schema=question.schema if question.ask_schema and remote.takes_schema(route) else None,
            timeout_s=self._settings.llm_timeout_s,
            offline=self._settings.offline,
        )

    def _draft(self, question: _Question) -> remote.Answer:
        drafter = self._drafters.get(question.request.slug)
        if drafter is None:
            raise CallError(
                f"the offline drafter has no rule for {question.request.slug!r}: choose the profile studio or hosted",
                "configuration",
            )
        schema = question.schema or PlainReply
        filled = drafter(question.request, schema)
        if question.schema is None:
            return remote.Answer(PlainReply.model_validate(filled.model_dump()).text, 0, 0, "stop")
        return remote.Answer(filled.model_dump_json(), 0, 0, "stop")

    def _most_tokens(self, route: Route, question: _Question) -> int:
        if route.provider == "embedded/drafter":
            return 0
        return _most_prompt_tokens(question) + question.max_tokens

    def _record(
        self,
        route: Route,
        question: _Question,
        status: str,
        *,
        reply: LanguageReply | None = None,
        error: BaseException | None = None,
        duration_ms: int | None = None,
        cost_known: bool = True,
    ) -> None:
        """Append one row of ``llm_calls``. Tokens and cost of a cached reply are 0: nothing was used."""
        if self._log is None:
            return
        request = question.request
        counted = reply if reply is not None and status != "cached" else None
        self._log(
            {
                "call_id": uuid.uuid4().hex,
                "at": datetime.now(UTC),
                "run_id": self._run_id,
                "backend": self._settings.profile,
                "slug": request.slug,
                "requested_model": request.model_id,
                "model_id": route.model,
                "provider": route.provider,
                "attempt": max(question.attempts, 1),
                "status": status,
                "error_class": _error_class(error),
                "reason": remote.scrub(str(error), [route.api_key]) if error is not None else None,
                "prompt_tokens": counted.prompt_tokens if counted else 0,
                "completion_tokens": counted.completion_tokens if counted else 0,
                "cost_usd": counted.cost_usd if counted else 0.0,
                "cost_known": cost_known,
                "duration_ms": duration_ms if duration_ms is not None else (reply.duration_ms if reply else 0),
                "finish_reason": reply.finish_reason if reply else None,
                "temperature": request.temperature,
                "max_tokens": question.max_tokens,
                "seed": request.seed,
                **self._tags,
            }
        )


def _messages(request: LanguageRequest) -> list[dict[str, str]]:
    parts = [("system", request.system), ("user", request.prompt)]
    return [{"role": role, "content": text.encode("utf-8", "replace").decode()} for role, text in parts if text]


def _most_prompt_tokens(question: _Question) -> int:
    """An upper bound: no tokeniser in use makes more tokens than bytes, apart from a few marks per message."""
    size = sum(len(message["content"].encode()) + 16 for message in question.messages)
    if question.schema is not None:
        size += 2 * len(str(question.schema.model_json_schema()))
    return size


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


def _error_class(error: BaseException | None) -> str | None:
    if error is None:
        return None
    if isinstance(error, CallError):
        return error.kind
    if isinstance(error, ReplyError):
        return f"reply_{error.fault}"
    if isinstance(error, BudgetExceeded):
        return "budget"
    return "language" if isinstance(error, LanguageError) else type(error).__name__
