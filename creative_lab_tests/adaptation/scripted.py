"""A language client that answers from a script and remembers everything it was asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from creative_lab.adaptation.resolution import NODES, NodeModel
from creative_lab.adaptation.schemas import (
    AdaptationContext,
    AdaptationOutput,
    ConceptBrief,
    CulturalBrief,
    EvaluationResult,
    Issue,
    Node,
    OriginScript,
    ScriptRow,
    Severity,
)
from creative_lab.language.types import LanguageReply, LanguageRequest, ReplyKind, StructuredReply

T = TypeVar("T", bound=BaseModel)

ROWS = [
    ScriptRow(
        shot_number="01",
        timecode_start="00:00:00:00",
        duration_seconds=6.0,
        visual_text="A grey morning. A small car waits in a driveway.",
        audio_text='VO: "Every morning begins with one small decision."',
    ),
    ScriptRow(
        shot_number="02",
        timecode_start="00:00:06:00",
        duration_seconds=6.0,
        visual_text="The driver turns the key and smiles.",
        audio_text='VO: "Take the road that makes you smile today."\nSFX: Engine starts.',
    ),
    ScriptRow(
        shot_number="03",
        timecode_start="00:00:12:00",
        duration_seconds=8.0,
        visual_text='The car on an open road.\nSUPER: "Drive happy."',
        audio_text="MUSIC: Warm guitar.",
    ),
]

CONCEPT = ConceptBrief(
    reasoning="The script moves from a dull start to joy.",
    core_message="A small choice makes the day better.",
    emotional_beats=["dull", "curious", "glad"],
    narrative_structure="problem, turn, release",
    themes=["everyday joy"],
    cultural_assumptions=["People drive to work."],
    must_preserve=[],
    can_adapt=["place names"],
    brand_voice="warm and plain",
)
CULTURE = CulturalBrief(
    reasoning="The two markets are close.",
    market_context="Commuting by car is common.",
    substitutions=[],
    tone_adjustments="A little drier.",
    pitfalls=[],
    opportunities=[],
)


def make_context(*, target_language: str = "en-GB", rows: list[ScriptRow] | None = None, **fields: Any) -> Any:
    """A small spot for a target that shares its language, unless told otherwise."""
    origin = OriginScript(
        client_name="Harbour Motors",
        brand_name="Harbour",
        script_title="One small decision",
        language="en-US",
        total_runtime_seconds=20,
        script_rows=rows or ROWS,
    )
    return AdaptationContext(
        **{
            "spot": "one-small-decision",
            "target": "en-gb",
            "origin": origin,
            "origin_country": "US",
            "target_name": "English (United Kingdom)",
            "target_code": target_language.upper(),
            "target_language": target_language,
            "target_language_name": "English",
            "market_rules": "",
        }
        | fields
    )


def make_draft(number: int = 1, *, language: str = "en-GB", rows: list[ScriptRow] | None = None) -> AdaptationOutput:
    """A clean draft; the number makes each one different."""
    return AdaptationOutput(
        reasoning=f"SECRET THOUGHT {number}",
        code=language.upper(),
        name=f"One small decision, draft {number}",
        language=language,
        visual_style_prompt="Soft morning light, natural colours, calm camera.",
        script_rows=rows or ROWS,
    )


def passes() -> EvaluationResult:
    """A judgement without a fault."""
    return EvaluationResult(reasoning="Read it twice.", passed=True, score=0.95, issues=[], summary="Good.")


def fails(severity: Severity = "critical", *, description: str = "It misses the point.", passed: bool = False) -> Any:
    """A judgement with one fault; ``passed=True`` makes the model contradict itself."""
    issue = Issue(severity=severity, description=description, location="script_rows[1].audio_text", suggestion="Mend.")
    return EvaluationResult(reasoning="Hm.", passed=passed, score=0.2, issues=[issue], summary="Not good.")


class ScriptedClient:
    """Answers each template slug from its own list; when a list is used up, gates pass and the writer writes on.

    An entry that is an exception is raised instead. ``calls`` holds every request with its kind, in order.
    """

    def __init__(self, **replies: list[Any]) -> None:
        self.replies = {slug.replace("_", "-"): list(entries) for slug, entries in replies.items()}
        self.calls: list[tuple[LanguageRequest, ReplyKind]] = []
        self._answered: dict[str, int] = defaultdict(int)

    def structured(
        self, request: LanguageRequest, schema: type[T], *, kind: ReplyKind = "creative"
    ) -> StructuredReply[T]:
        """The next reply of the request's slug."""
        self.calls.append((request, kind))
        waiting = self.replies.get(request.slug, [])
        self._answered[request.slug] += 1
        value = waiting.pop(0) if waiting else self._default(request.slug)
        if isinstance(value, Exception):
            raise value
        assert isinstance(value, schema)
        return StructuredReply(value, LanguageReply("", request.model_id, "scripted", 100, 50, 0.001, 5, "stop"))

    def _default(self, slug: str) -> BaseModel:
        defaults: dict[str, BaseModel] = {
            "concept-extraction": CONCEPT,
            "cultural-research": CULTURE,
            "adaptation": make_draft(self._answered[slug]),
        }
        return defaults.get(slug) or passes()

    @property
    def order(self) -> list[str]:
        """The slugs in the order in which they were asked."""
        return [request.slug for request, _ in self.calls]

    def requests(self, slug: str) -> list[LanguageRequest]:
        """Every request of one slug."""
        return [request for request, _ in self.calls if request.slug == slug]


def render(slug: str, variables: Mapping[str, Any]) -> str:
    """A plain prompt that shows every variable."""
    return "\n".join([slug, *(f"{name}={value}" for name, value in variables.items())])


def models(model_id: str = "org/model") -> dict[Node, NodeModel]:
    """One model for every node."""
    return dict.fromkeys(NODES, NodeModel(model_id))
