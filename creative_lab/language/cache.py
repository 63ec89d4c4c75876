"""Replies kept on disk, so that asking the same question again costs nothing.

The key is a hash over the whole question: every field of the request, the messages, the schema, the kind of reply,
the model that answers and the route to it. Replies drawn at a temperature above 0 without a seed are cached too:
running a node again must not spend money, and a rewrite after feedback is a different prompt anyway. Who wants a
fresh draw asks with ``use_cache=False`` or gives another seed.

Only replies that could be read are stored. An entry that is damaged in any way counts as absent.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import to_jsonable_python

from creative_lab.lake.fs import FileSystem
from creative_lab.language.types import LanguageReply, LanguageRequest, ReplyKind
from creative_lab.settings import Settings

CACHE_VERSION = 1
"""Part of every key: raised when the meaning of an entry changes."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    key: str
    digest: str
    text: str
    model_id: str
    provider: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float
    duration_ms: int
    finish_reason: str


def request_key(
    request: LanguageRequest,
    *,
    provider: str,
    model: str,
    address: str = "",
    messages: Sequence[Mapping[str, str]] = (),
    schema: type[BaseModel] | None = None,
    kind: ReplyKind | None = None,
) -> str:
    """SHA-256 of everything that can change the answer. ``request.inputs`` must hold data that JSON can show."""
    fields = {
        field.name: getattr(request, field.name) for field in dataclasses.fields(request) if field.name != "fallbacks"
    }
    body = {
        "version": CACHE_VERSION,
        "request": to_jsonable_python(fields),
        "provider": provider,
        "model": model,
        "address": address,
        "messages": list(messages),
        "schema": schema.model_json_schema() if schema else None,
        "kind": kind,
    }
    return hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=False).encode("utf-8", "replace")).hexdigest()


class ReplyCache:
    """Replies by key below ``HOME/cache/language``, one file each."""

    def __init__(self, settings: Settings) -> None:
        self._files = FileSystem(settings.home / "cache" / "language")

    def get(self, key: str) -> LanguageReply | None:
        """The reply of ``key`` with ``cached=True``, or None when there is none that can be trusted."""
        try:
            entry = _Entry.model_validate_json(self._files.path(_name(key)).read_bytes())
        except (OSError, ValidationError):
            return None
        if entry.key != key or entry.digest != _digest(entry.text):
            return None
        return LanguageReply(**entry.model_dump(exclude={"key", "digest"}), cached=True)

    def put(self, key: str, reply: LanguageReply) -> None:
        """Store ``reply``; of two writers the later one wins, and readers see one or the other."""
        fields = {
            field.name: getattr(reply, field.name) for field in dataclasses.fields(reply) if field.name != "cached"
        }
        entry = _Entry(key=key, digest=_digest(reply.text), **fields)
        self._files.write_bytes(_name(key), entry.model_dump_json().encode())


def _name(key: str) -> str:
    return f"{key[:2]}/{key}.json"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
