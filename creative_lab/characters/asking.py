"""Asking a hosted vision language model about a picture: one call, its cost, and when to try again."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from creative_lab.lake.events import record_llm_call
from creative_lab.language import remote
from creative_lab.language.budget import Budget
from creative_lab.language.errors import CallError
from creative_lab.language.routing import check_reachable, resolve

if TYPE_CHECKING:
    from creative_lab.settings import Settings

MOST_TOKENS = 150
TEMPERATURE = 0.7
ATTEMPTS = 3
_WAIT_S = 2.0
_PICTURE_TOKENS = 1_500
"""What a picture counts for at most, for the reservation before a call."""

_HIGHEST_WAIT_S = 60.0


@dataclass(frozen=True)
class Said:
    """A reply, and what it took."""

    text: str
    attempts: int
    cost_usd: float | None


class PictureAsker:
    """Asks one model on behalf of one run; the run's budget holds, and every call is a row of ``llm_calls``."""

    def __init__(
        self, settings: Settings, model: str, *, run_id: str, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._settings, self.model, self._run_id, self._sleep = settings, model, run_id, sleep
        self._route = resolve(settings, model)
        self._budget = Budget(settings, run_id)

    def check(self) -> None:
        """Raise :class:`CallError` when the settings forbid the call or lack a key."""
        if not self._route.remote:
            raise CallError(
                f"the profile {self._settings.profile} asks no server about pictures; choose studio or hosted",
                "configuration",
            )
        check_reachable(self._settings, self._route)

    def ask(self, prompt: str, picture: np.ndarray, *, again: Callable[[str], bool] = lambda _: False) -> Said:
        """The model's reply about ``picture`` (uint8 RGB). At most three calls: after a passing failure, 2 s times the
        number of the attempt when the server asks for patience, else 2 s; and while ``again`` says so of the reply.

        Raises :class:`CallError` when no call got through, ``BudgetExceeded`` before overspending.
        """
        self.check()
        cost: float | None = 0.0
        for attempt in range(1, ATTEMPTS + 1):
            try:
                text, paid = self._once(prompt, picture, attempt)
            except CallError as error:
                if not error.passing or attempt == ATTEMPTS:
                    raise
                patience = _WAIT_S * attempt if error.kind == "rate_limited" else _WAIT_S
                self._sleep(min(max(patience, error.retry_after or 0.0), _HIGHEST_WAIT_S))
                continue
            cost = None if paid is None or cost is None else cost + paid
            if attempt == ATTEMPTS or not again(text):
                return Said(text, attempt, cost)
        raise AssertionError("the last attempt returns or raises")

    def _once(self, prompt: str, picture: np.ndarray, attempt: int) -> tuple[str, float | None]:
        most, _ = remote.price(self._route, len(prompt) + _PICTURE_TOKENS, MOST_TOKENS)
        started = time.monotonic()
        row: dict[str, Any] = {
            "slug": "caption", "model_id": self._route.model, "requested_model": self.model,
            "provider": self._route.provider, "cached": False, "attempt": attempt, "run_id": self._run_id,
        }  # fmt: skip
        try:
            with self._budget.reserve(most) as reservation:
                answer = remote.ask(
                    self._route,
                    # A picture is a list of parts where a text is a string.
                    cast(Any, [{"role": "user", "content": _parts(prompt, picture)}]),
                    temperature=TEMPERATURE,
                    max_tokens=MOST_TOKENS,
                    seed=None,
                    schema=None,
                    timeout_s=self._settings.llm_timeout_s,
                    offline=self._settings.offline,
                )
                cost, known = remote.price(self._route, answer.prompt_tokens, answer.completion_tokens)
                reservation.settle(cost if answer.prompt_tokens else most)
        except CallError as error:
            milliseconds = (time.monotonic() - started) * 1000
            record_llm_call(
                self._settings, **row, status="fail", error_class=error.kind, error=str(error), duration_ms=milliseconds
            )
            raise
        paid = cost if known else None
        record_llm_call(
            self._settings, **row, status="ok", prompt_tokens=answer.prompt_tokens, cost_usd=paid,
            completion_tokens=answer.completion_tokens, finish_reason=answer.finish_reason,
            duration_ms=(time.monotonic() - started) * 1000,
        )  # fmt: skip
        return answer.text, paid


def _parts(prompt: str, picture: np.ndarray) -> list[dict[str, Any]]:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=85)
    encoded = base64.b64encode(buffer.getvalue()).decode()
    return [
        {"type": "text", "text": prompt},
        {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{encoded}"}},
    ]
