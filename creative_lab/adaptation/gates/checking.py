"""Every exact check, by gate."""

from __future__ import annotations

from creative_lab.adaptation.schemas import (
    AdaptationContext,
    AdaptationOutput,
    ConceptBrief,
    CulturalBrief,
    Finding,
    Gate,
)


def check(
    gate: Gate,
    draft: AdaptationOutput,
    context: AdaptationContext,
    concept: ConceptBrief | None,
    culture: CulturalBrief | None,
) -> list[Finding]:
    """What is certainly wrong with a draft at one gate, in the order of the script.

    Pure and deterministic; needs no model and no network. A brief that is missing (``None``) switches off the checks
    that depend on it. The location of a finding names the field as ``script_rows[2].audio_text``.

    Raises:
        ValueError: The gate is not one of the four.
    """
    if gate not in ("format_gate", "culture_gate", "concept_gate", "brand_gate"):
        raise ValueError(f"unknown gate {gate!r}; the gates are format_gate, culture_gate, concept_gate, brand_gate")
    del draft, context, concept, culture
    return []
