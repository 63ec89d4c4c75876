"""What can go wrong between a question and its answer.

Every message is safe to show and to store: it holds no key, no prompt and no more than a short, scrubbed excerpt of
what a server said.
"""

from __future__ import annotations

from typing import Literal

CallFailure = Literal[
    "rate_limited",  # 429
    "server_error",  # 5xx
    "timeout",  # no whole answer within the limit
    "connection",  # refused, reset, cut off, unknown host
    "rejected",  # other 4xx: bad request, bad key, unknown model
    "bad_answer",  # 200 with something that is no chat completion
    "offline",  # the settings forbid the network
    "configuration",  # no key, no drafter, no such model on disk
    "model",  # a local model failed
]
"""Why a call got no answer."""

PASSING: frozenset[CallFailure] = frozenset({"rate_limited", "server_error", "timeout", "connection"})
"""Failures that may be gone a moment later; only these are tried again."""

ReplyFault = Literal[
    "too_large",
    "too_deep",
    "truncated",
    "empty",
    "no_object",
    "several_objects",
    "surrounding_text",
    "duplicate_key",
    "not_finite",
    "not_json",
    "wrong_shape",
]
"""Why a reply could not be read."""


class LanguageError(RuntimeError):
    """Base of everything the language room raises."""


class CallError(LanguageError):
    """No model gave an answer. ``kind`` says why, ``passing`` whether a later try may succeed."""

    def __init__(self, message: str, kind: CallFailure, *, status: int | None = None, retry_after: float | None = None):
        super().__init__(message)
        self.kind: CallFailure = kind
        self.status = status
        self.retry_after = retry_after

    @property
    def passing(self) -> bool:
        """Whether the failure may go away by itself."""
        return self.kind in PASSING


class BudgetExceeded(LanguageError):
    """The call could cost more than is left of the run's budget; nothing was sent."""


class ReplyError(LanguageError):
    """A reply that could not be read into its schema. ``fault`` says why."""

    def __init__(self, message: str, fault: ReplyFault):
        super().__init__(message)
        self.fault: ReplyFault = fault


class TemplateError(LanguageError):
    """A prompt template is unknown, wrong or too greedy. ``line`` is set for mistakes in its text."""

    def __init__(self, message: str, line: int | None = None):
        super().__init__(message)
        self.line = line


class SandboxError(LanguageError):
    """Work on untrusted text failed or was stopped at its limits. ``line`` is set for mistakes in a template."""

    def __init__(self, message: str, line: int | None = None):
        super().__init__(message)
        self.line = line
