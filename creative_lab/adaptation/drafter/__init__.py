"""The offline drafter: fills every node's schema by rule, with no model, no network and no key.

It adapts between markets that share the spot's language. It cannot translate and says so.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from creative_lab.language.types import Drafter, LanguageRequest


def drafters() -> dict[str, Drafter]:
    """The drafter's functions by slug of the prompt template that they answer."""
    return {
        "concept-extraction": _concept,
        "cultural-research": _culture,
        "adaptation": _writer,
        "eval-format": _judge("format_gate"),
        "eval-cultural": _judge("culture_gate"),
        "eval-concept": _judge("concept_gate"),
        "eval-brand": _judge("brand_gate"),
    }


def _context(request: LanguageRequest) -> Any:
    context = request.inputs.get("context")
    if context is None:
        raise ValueError(f"the offline drafter needs inputs['context'] to answer {request.slug!r}")
    return context


def _fill(schema: type[BaseModel], answer: BaseModel) -> BaseModel:
    """The answer in the schema that was asked for."""
    return answer if isinstance(answer, schema) else schema.model_validate(answer.model_dump())


def _concept(request: LanguageRequest, schema: type[BaseModel]) -> BaseModel:
    from creative_lab.adaptation.drafter import concept

    return _fill(schema, concept.extract(_context(request)))


def _culture(request: LanguageRequest, schema: type[BaseModel]) -> BaseModel:
    from creative_lab.adaptation.drafter import culture

    return _fill(schema, culture.research(_context(request), request.inputs.get("concept")))


def _writer(request: LanguageRequest, schema: type[BaseModel]) -> BaseModel:
    from creative_lab.adaptation.drafter import writer

    inputs = request.inputs
    draft = writer.write(
        _context(request),
        inputs.get("culture"),
        inputs.get("draft"),
        inputs.get("feedback"),
        concept=inputs.get("concept"),
    )
    return _fill(schema, draft)


def _judge(gate: str) -> Drafter:
    def judge(request: LanguageRequest, schema: type[BaseModel]) -> BaseModel:
        from creative_lab.adaptation.drafter import judges

        inputs = request.inputs
        draft = inputs.get("draft")
        if draft is None:
            raise ValueError(f"the offline drafter needs inputs['draft'] to answer {request.slug!r}")
        answer = judges.JUDGES[gate](draft, _context(request), inputs.get("concept"), inputs.get("culture"))
        return _fill(schema, answer)

    return judge
