"""Every exact check, by gate."""

from __future__ import annotations

from creative_lab.adaptation.gates import (
    brand,
    concept,
    culture,
    format_fit,
    format_language,
    format_locale,
    format_structure,
    markup,
)
from creative_lab.adaptation.gates.case import Case, Check
from creative_lab.adaptation.schemas import (
    AdaptationContext,
    AdaptationOutput,
    ConceptBrief,
    CulturalBrief,
    Finding,
    Gate,
)

CHECKS: dict[Gate, tuple[Check, ...]] = {
    "format_gate": (
        *format_structure.CHECKS,
        *format_language.CHECKS,
        *format_fit.CHECKS,
        *format_locale.CHECKS,
        *markup.CHECKS,
    ),
    "culture_gate": culture.CHECKS,
    "concept_gate": concept.CHECKS,
    "brand_gate": brand.CHECKS,
}
"""The functions that look at a draft, by gate; each may report findings of several classes."""


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
    if gate not in CHECKS:
        raise ValueError(f"unknown gate {gate!r}; the gates are {', '.join(CHECKS)}")
    case = Case(draft, context, concept, culture)
    findings = [finding for looks in CHECKS[gate] for finding in looks(case)]
    findings.sort(key=lambda finding: -1 if finding.row is None else finding.row)
    return findings
