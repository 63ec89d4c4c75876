"""What the writer makes of a failed gate's findings, worded as the gates word them."""

from __future__ import annotations

import pytest

from creative_lab.adaptation.drafter.feedback import apply_suggestions, read
from creative_lab.adaptation.schemas import Finding, GateEvaluation, ScriptRow


def _row(audio: str, visual: str = "A street.") -> ScriptRow:
    return ScriptRow(shot_number="01", timecode_start=None, duration_seconds=5, visual_text=visual, audio_text=audio)


def _finding(description: str, suggestion: str, row: int | None = 0) -> Finding:
    return Finding(severity="major", check="c", row=row, location="script_rows[0]", description=description,
                   suggestion=suggestion)  # fmt: skip


@pytest.mark.parametrize(
    ("audio", "description", "suggestion", "expected"),
    [
        ('VO: "The gas is on."', "“gas” is the origin's word (vocabulary).", "Write 'petrol'.",
        'VO: "The petrol is on."'),
        ('VO: "For $5."', "“$5” is not in GBP, the market's currency.", "Write £4.", 'VO: "For £4."'),
        ('VO: "Until July 4."', "“July 4” has day and month in the other order.", "Write 4 July.",
        'VO: "Until 4 July."'),
        ('VO: "The fastest car."', "“fastest” breaks a rule.", "Say it without 'fastest'.", 'VO: "The smoothest car."'),
        ('VO: "Terms may apply."', "The legal line is altered: “Terms may apply.”.", "Write exactly: Terms apply.",
         'VO: "Terms apply."'),
    ],
)  # fmt: skip
def test_a_finding_that_names_both_wordings_is_applied(
    audio: str, description: str, suggestion: str, expected: str
) -> None:
    feedback = read({"findings": [_finding(description, suggestion).model_dump()]})
    rows, changes = apply_suggestions([_row(audio)], feedback, [])
    assert rows[0].audio_text == expected
    assert len(changes) == len(feedback.applied) == 1 and feedback.refused == []


@pytest.mark.parametrize(
    ("description", "suggestion"),
    [
        ("“12 miles” is not in the market's units (metric).", "Write 19 km, or a round figure near it."),
        ("“Go.” is too long.", "Cut at least 5 syllables: 12 fit into 5.0 s."),
        ("“glorious” is a word that the brand never uses.", "Say it without 'glorious'."),
        ("The row has lost its speech.", "Bring back the words of “Go”."),
    ],
)
def test_a_finding_that_leaves_the_wording_open_is_refused_and_named(description: str, suggestion: str) -> None:
    feedback = read([_finding_evaluation(_finding(description, suggestion))])
    rows, changes = apply_suggestions([_row('VO: "Go. 12 miles, glorious."')], feedback, [])
    assert rows[0].audio_text == 'VO: "Go. 12 miles, glorious."' and changes == []
    assert feedback.refused == [f"c: {description}"]


def _finding_evaluation(finding: Finding) -> GateEvaluation:
    return GateEvaluation(gate="format_gate", draft_number=1, passed=False, model_passed=None, score=None,
                          findings=[finding], reasoning="", summary="", model_id="m", content_hash="h")  # fmt: skip


def test_a_protected_name_is_not_changed_even_when_a_finding_asks_for_it() -> None:
    feedback = read({"findings": [_finding("“Orrin” sounds foreign.", "Write “Oren”.", None).model_dump()]})
    rows, _ = apply_suggestions([_row('VO: "The Orrin."')], feedback, ["Orrin"])
    assert rows[0].audio_text == 'VO: "The Orrin."'


def test_no_feedback_is_no_finding() -> None:
    assert read(None).findings == [] and read([]).findings == [] and read({}).findings == []
