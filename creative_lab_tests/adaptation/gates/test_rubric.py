"""The rubric, and the record of a judgement."""

from __future__ import annotations

import pytest

from creative_lab.adaptation import gates
from creative_lab.adaptation.schemas import EvaluationResult, Finding, Issue
from creative_lab_tests.adaptation.drafter import markets
from creative_lab_tests.adaptation.gates.scripts import draft_of


def _finding(severity: str, text: str = "x") -> Finding:
    return Finding(severity=severity, description=text, location="script_rows", suggestion="", check="shot_number")


def _model(passed: bool, *issues: Issue) -> EvaluationResult:
    return EvaluationResult(reasoning="Thought.", passed=passed, score=0.9, issues=list(issues), summary="Nice.")


@pytest.mark.parametrize(
    ("severities", "passes"),
    [
        ([], True),
        (["minor"] * 9, True),
        (["major"], True),
        (["major", "minor", "minor"], True),
        (["major", "major"], False),
        (["critical"], False),
        (["minor", "critical"], False),
    ],
)
def test_one_critical_or_two_majors_fail_and_minors_pass(severities: list[str], passes: bool) -> None:
    assert gates.verdict([_finding(severity) for severity in severities]) is passes


def _merge(findings: list[Finding], model: EvaluationResult | None, **more: object):
    return gates.merge(
        "brand_gate",
        findings,
        model,
        draft_number=2,
        content_hash="h",
        model_id="m",
        **more,  # type: ignore[arg-type]
    )


def test_a_model_that_says_passed_beside_a_critical_issue_is_overruled_and_both_are_kept() -> None:
    issue = Issue(
        severity="critical", description="The promise is gone.", location="row 3", suggestion="Bring it back."
    )
    record = _merge([], _model(True, issue), rows=8)
    assert (record.passed, record.model_passed, record.score) == (False, True, 0.9)
    assert [(item.source, item.row, item.check) for item in record.findings] == [("model", 2, "model_judgement")]


def test_a_model_that_says_failed_without_an_issue_fails_nothing() -> None:
    record = _merge([], _model(False))
    assert (record.passed, record.model_passed) == (True, False)


def test_majors_of_checks_and_of_the_model_count_together() -> None:
    issue = Issue(severity="major", description="Tone is off.", location="script_rows[1].audio_text", suggestion="")
    record = _merge([_finding("major")], _model(True, issue), rows=2)
    assert not record.passed
    assert record.findings[1].row == 1


def test_the_same_finding_from_both_sides_counts_once() -> None:
    issue = Issue(severity="major", description="X", location="everywhere", suggestion="")
    assert _merge([_finding("major", "x")], _model(True, issue)).passed


def test_a_judgement_that_can_not_be_read_never_passes() -> None:
    record = _merge([], None, error="the reply was cut off")
    assert (record.passed, record.model_passed) == (False, None)
    assert "cut off" in record.summary


def test_without_a_model_the_checks_decide_alone() -> None:
    assert _merge([_finding("major")], None).passed


def test_a_row_that_does_not_exist_is_kept_in_the_location_only() -> None:
    issue = Issue(severity="minor", description="?", location="row 40", suggestion="")
    finding = _merge([], _model(True, issue), rows=8).findings[0]
    assert (finding.row, finding.location) == (None, "row 40")


def test_an_unknown_gate_is_refused() -> None:
    context = markets.context("just-one", "GB")
    with pytest.raises(ValueError, match="unknown gate 'culture'"):
        gates.check("culture", draft_of(context), context, None, None)  # type: ignore[arg-type]
