"""From findings to a verdict, and from a verdict to the record of one gate looking at one draft."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from creative_lab.adaptation.schemas import EvaluationResult, Finding, Gate, GateEvaluation, Issue, Severity

MODEL_CHECK = "model_judgement"
"""Value of ``Finding.check`` for an issue that a model reported."""

_ROW_INDEX = re.compile(r"script_rows\[(\d+)\]")
_ROW_NUMBER = re.compile(r"\brow\s*#?\s*(\d+)\b", re.IGNORECASE)
_ORDER: dict[Severity, int] = {"critical": 0, "major": 1, "minor": 2}


def verdict(findings: Iterable[Finding]) -> bool:
    """Whether a draft passes: one critical finding fails, more than one major fails, minors pass with notes."""
    severities = [finding.severity for finding in findings]
    return "critical" not in severities and severities.count("major") <= 1


def merge(
    gate: Gate,
    findings: Sequence[Finding],
    model: EvaluationResult | None,
    *,
    draft_number: int,
    content_hash: str,
    model_id: str,
    rows: int | None = None,
    error: str | None = None,
) -> GateEvaluation:
    """Join the exact findings with a model's judgement into the record of this gate.

    The verdict follows from all findings by the rubric; the model's own ``passed`` is stored beside it and decides
    nothing. A judgement that was asked for and could not be used (``error``) never passes. ``model=None`` without an
    error means that no model was asked, and the exact findings decide alone.

    Args:
        rows: Number of rows of the draft; a row that a model names beyond it is kept in the location only.
        error: Why the model's judgement could not be used.
    """
    merged = list(findings)
    seen = {(item.severity, item.row, item.description.strip().lower()) for item in merged}
    for issue in model.issues if model is not None else ():
        finding = _from_issue(issue, rows)
        key = (finding.severity, finding.row, finding.description.strip().lower())
        if key not in seen:
            seen.add(key)
            merged.append(finding)
    merged.sort(key=lambda item: _ORDER[item.severity])
    passed = verdict(merged) and error is None
    return GateEvaluation(
        gate=gate,
        draft_number=draft_number,
        passed=passed,
        model_passed=None if model is None else model.passed,
        score=None if model is None else model.score,
        findings=merged,
        reasoning="" if model is None else model.reasoning,
        summary=_summary(merged, model, passed, error),
        model_id=model_id,
        content_hash=content_hash,
        error=error,
    )


def _from_issue(issue: Issue, rows: int | None) -> Finding:
    """An issue of a model as a finding; its row is read from the location where that names one."""
    row: int | None = None
    if match := _ROW_INDEX.search(issue.location):
        row = int(match.group(1))
    elif match := _ROW_NUMBER.search(issue.location):
        row = int(match.group(1)) - 1
    if row is not None and (row < 0 or (rows is not None and row >= rows)):
        row = None
    return Finding(**issue.model_dump(), check=MODEL_CHECK, row=row, source="model")


def _summary(findings: Sequence[Finding], model: EvaluationResult | None, passed: bool, error: str | None) -> str:
    counts = [
        f"{number} {severity}"
        for severity in _ORDER
        if (number := sum(finding.severity == severity for finding in findings))
    ]
    exact = f"{'Passed' if passed else 'Failed'}: {', '.join(counts) if counts else 'no findings'}."
    parts = [exact]
    if model is not None and model.summary.strip():
        parts.append(model.summary.strip())
    if error is not None:
        parts.append(f"The model's judgement could not be used: {error}")
    return " ".join(parts)
