"""The nodes of the adaptation graph: what each one asks of a language model, and what it makes of the answer.

A node renders its prompt template, sends the prompt together with the same facts as objects (the offline drafter reads
those), and reads the reply into its schema. A gate adds the exact checks to the model's judgement; the verdict is
computed from the findings by the rubric, and the model's own verdict is only kept beside it.

Texts of people and files (scripts, insights, personas) are data: they reach a prompt without invisible characters, and
no word in them can change an exact check.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel

from creative_lab.adaptation import gates
from creative_lab.adaptation.resolution import NodeModel
from creative_lab.adaptation.schemas import (
    AdaptationContext,
    AdaptationOutput,
    ConceptBrief,
    CulturalBrief,
    EvaluationResult,
    Gate,
    GateEvaluation,
    Node,
)
from creative_lab.adaptation.text import visible
from creative_lab.adaptation.time_budget import time_budget
from creative_lab.language.types import LanguageReply, LanguageRequest, ReplyKind, StructuredReply

T = TypeVar("T", bound=BaseModel)

SLUGS: dict[Node, str] = {
    "concept": "concept-extraction",
    "culture": "cultural-research",
    "writer": "adaptation",
    "format_gate": "eval-format",
    "culture_gate": "eval-cultural",
    "concept_gate": "eval-concept",
    "brand_gate": "eval-brand",
}
"""Prompt template of each node."""

TOKENS_OF_BRIEFS = 4096
TOKENS_OF_GATES = 2048
TOKENS_PER_ROW = 200
"""Room for one row in the writer's reply: two texts, their translations and the JSON around them, in any script."""

CREATIVITY = 0.7
"""Temperature of the writer; every other node runs at 0."""


class StructuredClient(Protocol):
    """What the nodes need of a language client."""

    def structured(self, request: LanguageRequest, schema: type[T], *, kind: ReplyKind = ...) -> StructuredReply[T]:
        """Ask, and read the reply into ``schema``."""
        ...


Render = Callable[[str, Mapping[str, Any]], str]
"""Renders the active prompt template of a slug with the given variables."""


@dataclass(frozen=True)
class Usage:
    """What calls to language models took."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0
    duration_ms: int = 0

    @classmethod
    def of(cls, reply: LanguageReply) -> Usage:
        """The usage of one reply."""
        return cls(1, reply.prompt_tokens, reply.completion_tokens, reply.cost_usd, reply.duration_ms)

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cost_usd + other.cost_usd,
            self.duration_ms + other.duration_ms,
        )


@dataclass(frozen=True)
class NodeReply(Generic[T]):
    """A node's result, the model that gave it and what it took."""

    value: T
    model_id: str
    provider: str
    usage: Usage


@dataclass(frozen=True)
class Desk:
    """What lies before a node: the facts and everything that earlier nodes made of them."""

    context: AdaptationContext
    concept: ConceptBrief | None = None
    culture: CulturalBrief | None = None
    draft: AdaptationOutput | None = None
    feedback: Mapping[str, Any] | None = None
    draft_number: int = 0

    def inputs(self) -> dict[str, Any]:
        """The facts as objects, for models that answer by rule."""
        return {
            "context": self.context,
            "concept": self.concept,
            "culture": self.culture,
            "draft": self.draft,
            "feedback": self.feedback,
            "draft_number": self.draft_number,
        }

    def variables(self) -> dict[str, Any]:
        """The variables of the prompt templates, the same for every node; what does not exist yet is empty."""
        context, brand = self.context, self.context.brand
        guidelines = [brand.guidelines, brand.insights_markdown] if brand else []
        texts = {
            "target_name": context.target_name,
            "target_language": context.target_language,
            "target_language_name": context.target_language_name,
            "target_code": context.target_code,
            "market_rules": context.market_rules,
            "origin_json": _json(context.origin.model_dump(mode="json", exclude={"total_runtime_seconds"})),
            "concept_brief_json": _brief(self.concept),
            "cultural_brief_json": _brief(self.culture),
            "feedback_json": _json(self.feedback) if self.feedback else "",
            "brand_guidelines": "\n\n".join(text for text in guidelines if text),
            "brand_rules_json": _json(brand_rules(context)) if brand else "",
            "draft_json": _json(self.draft.model_dump(mode="json", exclude={"reasoning"})) if self.draft else "",
            "time_budget_json": _json(time_budget(context)),
        }
        variables: dict[str, Any] = {name: visible(text) for name, text in texts.items()}
        return variables | {"row_count": len(context.origin.script_rows), "creativity": CREATIVITY}


@dataclass(frozen=True)
class Asker:
    """Asks language models on behalf of the nodes."""

    client: StructuredClient
    render: Render
    models: Mapping[Node, NodeModel] = field(default_factory=dict)

    def ask(
        self, node: Node, desk: Desk, schema: type[T], *, kind: ReplyKind = "creative", model: NodeModel | None = None
    ) -> NodeReply[T]:
        """The reply of ``node``'s model (or of ``model``) in ``schema``; the client's errors pass through."""
        chosen = model or self.models[node]
        request = LanguageRequest(
            slug=SLUGS[node],
            model_id=chosen.model_id,
            prompt=self.render(SLUGS[node], desk.variables()),
            inputs=desk.inputs(),
            temperature=CREATIVITY if node == "writer" else 0.0,
            max_tokens=max_tokens(node, len(desk.context.origin.script_rows)),
            seed=seed_of(desk.context, node, desk.draft_number),
            load_in_4bit=chosen.load_in_4bit,
        )
        reply = self.client.structured(request, schema, kind=kind)
        return NodeReply(reply.value, reply.reply.model_id, reply.reply.provider, Usage.of(reply.reply))


def run_concept(context: AdaptationContext, asker: Asker) -> NodeReply[ConceptBrief]:
    """What the spot says and must keep saying."""
    return asker.ask("concept", Desk(context), ConceptBrief)


def run_culture(context: AdaptationContext, asker: Asker, concept: ConceptBrief) -> NodeReply[CulturalBrief]:
    """What the target's market asks for."""
    return asker.ask("culture", Desk(context, concept), CulturalBrief)


def run_writer(desk: Desk, asker: Asker, model: NodeModel) -> NodeReply[AdaptationOutput]:
    """A draft, written by ``model`` from the briefs and, after a failed gate, its feedback."""
    return asker.ask("writer", desk, AdaptationOutput, model=model)


def max_tokens(node: Node, rows: int) -> int:
    """The token cap of a node's reply; the writer's grows with the script so that a long spot is not cut off."""
    if node == "writer":
        return max(TOKENS_OF_BRIEFS, 1024 + TOKENS_PER_ROW * rows)
    return TOKENS_OF_GATES if node.endswith("_gate") else TOKENS_OF_BRIEFS


def seed_of(context: AdaptationContext, node: Node, draft_number: int) -> int:
    """Seed of a call, derived from what it is for: the same work asks with the same seed, a rewrite with another."""
    text = f"{context.spot}|{context.target}|{node}|{draft_number}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def brand_rules(context: AdaptationContext) -> dict[str, Any]:
    """The brand's exact rules as they apply to the target's language and country."""
    brand = context.brand
    if brand is None:
        return {}
    language = context.target_language.lower()
    spoken = ("*", language, language.split("-", maxsplit=1)[0])
    return {
        "do_not_translate": brand.do_not_translate,
        "banned_words": brand.banned_words,
        "required_words": [word.text for word in brand.required_words if word.language.lower() in spoken],
        "legal_line": brand.legal_lines.get(context.country_code or "", ""),
    }


def judge(
    gate: Gate, desk: Desk, asker: Asker, unreadable: tuple[type[Exception], ...]
) -> tuple[GateEvaluation, NodeReply[EvaluationResult] | None]:
    """One gate looking at the draft on the desk.

    The exact checks come first and stand whatever the model says. A judgement that raises one of ``unreadable`` is
    recorded as the evaluation's error and fails the gate; other errors pass through.
    """
    draft, concept, culture = desk.draft, desk.concept, desk.culture
    if draft is None or concept is None or culture is None:
        raise ValueError(f"{gate} needs a draft and both briefs")
    exact = gates.check(gate, draft, desk.context, concept, culture)
    reply: NodeReply[EvaluationResult] | None = None
    error: str | None = None
    try:
        reply = asker.ask(gate, desk, EvaluationResult, kind="verdict")
    except unreadable as problem:
        error = str(problem)
    evaluation = gates.merge(
        gate,
        exact,
        reply.value if reply else None,
        draft_number=desk.draft_number,
        content_hash=draft.content_hash(),
        model_id=reply.model_id if reply else asker.models[gate].model_id,
        rows=len(draft.script_rows),
        error=error,
    )
    return evaluation, reply


def feedback_of(evaluation: GateEvaluation) -> dict[str, Any]:
    """What the writer is told about a failed gate."""
    return {
        "gate": evaluation.gate,
        "draft_number": evaluation.draft_number,
        "summary": evaluation.summary,
        "findings": [
            finding.model_dump(
                mode="json", include={"severity", "check", "row", "location", "description", "suggestion"}
            )
            for finding in evaluation.findings
        ],
    }


def _brief(brief: BaseModel | None) -> str:
    return _json(brief.model_dump(mode="json", exclude={"reasoning"})) if brief else ""


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
