"""Asking the language role: one client for a storyboard's run, logged and cached, with the embedded voices."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from creative_lab.language.routing import resolve
from creative_lab.language.types import DRAFTER_MODEL, LanguageReply, LanguageRequest, ReplyKind, StructuredReply
from creative_lab.storyboards.composing import Advice, as_row
from creative_lab.storyboards.embedded import ENGINEER, NEGATIVE, VOICES, WRITER, drafters
from creative_lab.storyboards.enhancement import Judged, Written
from creative_lab.storyboards.prompt_scores import Judgement
from creative_lab.storyboards.record import StoryboardRecord
from creative_lab.storyboards.scenes import Scene

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from creative_lab.language.client import LanguageClient
    from creative_lab.settings import Settings

T = TypeVar("T", bound=BaseModel)

LAST_RESORT = "Qwen/Qwen2.5-7B-Instruct"
"""Language model where neither the record nor the lab names one."""


@dataclass(frozen=True)
class Asker:
    """One storyboard's way to the language role."""

    client: LanguageClient
    render: Callable[[str, Mapping[str, Any]], str]
    model_id: str
    embedded: bool

    def text(
        self, slug: str, values: Mapping[str, Any], *, temperature: float, max_tokens: int, fresh: bool = False
    ) -> LanguageReply:
        """Free text; ``fresh`` does not take it from the cache. Raises LanguageError."""
        return self.client.complete(self._request(slug, values, temperature, max_tokens), use_cache=not fresh)

    def structured(
        self,
        slug: str,
        values: Mapping[str, Any],
        schema: type[T],
        *,
        kind: ReplyKind,
        temperature: float,
        max_tokens: int,
    ) -> StructuredReply[T]:
        """A reply in a schema. Raises LanguageError."""
        return self.client.structured(self._request(slug, values, temperature, max_tokens), schema, kind)

    def voice(self, slug: str, reply: LanguageReply) -> str:
        """What a row calls the model that answered: the embedded rule by its own name."""
        return VOICES[slug] if reply.provider == DRAFTER_MODEL else reply.model_id

    def _request(self, slug: str, values: Mapping[str, Any], temperature: float, max_tokens: int) -> LanguageRequest:
        # The embedded voices read the facts; a template need not be in the database for them.
        prompt = "" if self.embedded else self.render(slug, {**values, "scene": json.dumps(values.get("scene", {}))})
        return LanguageRequest(
            slug=slug,
            model_id=self.model_id,
            prompt=prompt,
            inputs=values,
            temperature=temperature,
            max_tokens=max_tokens,
        )


def make_asker(settings: Settings, record: StoryboardRecord, *, run_id: str) -> Asker:
    """The asker of one storyboard's run; the model is the record's, else the lab's."""
    from creative_lab.lake.events import record_llm_call
    from creative_lab.lake.logs import LlmCalls
    from creative_lab.language.cache import ReplyCache
    from creative_lab.language.client import LanguageClient
    from creative_lab.language.templates import TemplateStore

    known = set(LlmCalls.columns())

    def log(row: dict[str, Any]) -> None:
        kept = {name: value for name, value in row.items() if name in known}
        kept |= {"cached": row.get("status") == "cached", "error": row.get("reason")}
        kept["attempt"] = max(1, row.get("attempt", 1))
        if not row.get("cost_known", True):
            kept["cost_usd"] = None
        record_llm_call(settings, **kept)

    model_id = record.settings.language_model or _lab_model(settings)
    client = LanguageClient(settings, run_id=run_id, drafters=drafters(), log=log, cache=ReplyCache(settings))
    embedded = resolve(settings, model_id).provider == DRAFTER_MODEL
    return Asker(client, TemplateStore(settings).render, model_id, embedded)


def _lab_model(settings: Settings) -> str:
    if settings.profile == "miniature":
        return DRAFTER_MODEL
    from creative_lab.state.db import session_scope
    from creative_lab.state.models import PipelineSettings

    with session_scope(settings) as session:
        chosen = PipelineSettings.get_instance(session).global_default_model
        return chosen.model_id if chosen is not None and chosen.is_active else LAST_RESORT


@dataclass
class SceneAgents:
    """The cinematographer and the prompt engineer for one scene."""

    asker: Asker
    scene: Scene
    record: StoryboardRecord
    advice: Advice
    trigger: str | None
    subject: str
    time: str
    weather: str

    def write(self, text: str, wishes: tuple[str, ...], critique: str, round_number: int) -> Written:
        """One flowing sentence, two at most (temperature 0.7, 2000 tokens)."""
        values = self._values(text) | {"critique": critique, "improvements": list(wishes), "round": round_number}
        reply = self.asker.text(WRITER, values, temperature=0.7, max_tokens=2000)
        return Written(_plain(reply.text, text), self.asker.voice(WRITER, reply), reply.cost_usd)

    def judge(self, text: str) -> Judged:
        """Scores, critique and wishes (temperature 0.3, 1000 tokens); a malformed answer is an error."""
        reply = self.asker.structured(
            ENGINEER, self._values(text), Judgement, kind="verdict", temperature=0.3, max_tokens=1000
        )
        return Judged(reply.value, self.asker.voice(ENGINEER, reply.reply), reply.reply.cost_usd)

    def negative(self, text: str) -> Written:
        """What not to show (temperature 0.5, 200 tokens)."""
        reply = self.asker.text(NEGATIVE, self._values(text), temperature=0.5, max_tokens=200)
        return Written(_plain(reply.text, ""), self.asker.voice(NEGATIVE, reply), reply.cost_usd)

    def _values(self, text: str) -> dict[str, Any]:
        return {
            "scene": as_row(self.scene),
            "prompt": text,
            "advice": self.advice.text,
            "max_words": self.advice.most_words,
            "trigger": self.trigger,
            "subject": self.subject,
            "brand": self.record.settings.brand_name,
            "style": self.record.settings.style,
            "time": self.time,
            "weather": self.weather,
        }


def _plain(text: str, otherwise: str) -> str:
    """A reply as one line without fences, labels or quotes around it; ``otherwise`` when nothing is left."""
    text = text.strip().strip("`").strip()
    for label in ("prompt:", "enhanced prompt:", "negative prompt:", "negative:"):
        if text.lower().startswith(label):
            text = text[len(label) :].strip()
    text = " ".join(text.split())
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].strip()
    return text or otherwise
