"""What is asked of a language model and what comes back, whoever answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel

T = TypeVar("T", bound=BaseModel)

DRAFTER_MODEL = "embedded/drafter"
"""Model id of the offline drafter, which answers by rule from ``LanguageRequest.inputs``."""

ReplyKind = Literal["creative", "verdict"]
"""Creative replies may be repaired; a verdict that can't be read is an error, never a pass."""


@dataclass(frozen=True)
class LanguageRequest:
    """One question to a language model.

    ``prompt`` is the rendered template; ``inputs`` holds the same facts as data, which the offline drafter reads
    instead. Both are part of the cache key.
    """

    slug: str
    model_id: str
    prompt: str
    system: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    temperature: float = 0.0
    max_tokens: int = 2048
    seed: int | None = None
    load_in_4bit: bool = False
    fallbacks: tuple[str, ...] = ()


@dataclass(frozen=True)
class LanguageReply:
    """The answer as text, with what it cost and who gave it."""

    text: str
    model_id: str
    provider: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float
    duration_ms: int
    finish_reason: str
    cached: bool = False


@dataclass(frozen=True)
class StructuredReply(Generic[T]):
    """A reply read into a schema."""

    value: T
    reply: LanguageReply
    repaired: bool = False


Drafter = Callable[[LanguageRequest, type[BaseModel]], BaseModel]
"""Fills a schema by rule from ``request.inputs``; registered by template slug."""
