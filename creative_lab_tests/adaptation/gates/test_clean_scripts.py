"""Scripts without a fault get no finding: an alarm that cries wolf is soon switched off."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from creative_lab.adaptation.drafter import concept, culture, writer
from creative_lab.adaptation.schemas import GATES, AdaptationOutput, ConceptBrief, CulturalBrief
from creative_lab_tests.adaptation.drafter import markets
from creative_lab_tests.adaptation.gates.scripts import draft_of, judge, translated

DRAFTS = Path(__file__).parents[1] / "drafts"


@pytest.mark.parametrize("name", markets.SPOTS)
def test_a_sample_spot_has_no_finding_in_its_own_market(name: str) -> None:
    context = markets.context(name, "US")
    brief = concept.extract(context)
    plan = culture.research(context, brief)
    draft = draft_of(context)
    assert [item for gate in GATES for item in judge(gate, draft, context, brief, plan)] == []


@pytest.mark.parametrize("country", markets.ENGLISH)
@pytest.mark.parametrize("name", markets.SPOTS)
def test_an_english_adaptation_by_rule_has_no_finding(name: str, country: str) -> None:
    context = markets.context(name, country)
    brief = concept.extract(context)
    plan = culture.research(context, brief)
    draft = writer.write(context, plan)
    assert [item for gate in GATES for item in judge(gate, draft, context, brief, plan)] == []


@pytest.mark.parametrize("country", ["DE", "JP"])
@pytest.mark.parametrize("name", markets.SPOTS)
def test_a_translation_made_by_hand_has_no_finding(name: str, country: str) -> None:
    context, draft = translated(name, country)
    brief = concept.extract(context)
    plan = culture.research(context, brief)
    assert [item for gate in GATES for item in judge(gate, draft, context, brief, plan)] == []


@pytest.mark.parametrize("tag", ["de-DE", "ja-JP", "ar-AE"])
@pytest.mark.parametrize("name", markets.SPOTS)
def test_a_prepared_draft_of_another_hand_has_no_finding(name: str, tag: str) -> None:
    brief = ConceptBrief(**json.loads((DRAFTS / name / "concept.json").read_text(encoding="utf-8")))
    prepared = json.loads((DRAFTS / name / f"{tag.lower()}.json").read_text(encoding="utf-8"))
    context = markets.context(name, tag[-2:], language=tag)
    draft, plan = AdaptationOutput(**prepared["drafts"][-1]), CulturalBrief(**prepared["culture"])
    assert [item for gate in GATES for item in judge(gate, draft, context, brief, plan)] == []


def test_an_origin_left_as_it_is_fails_in_another_language_for_exactly_that_reason() -> None:
    context = markets.context("the-long-way-home", "DE")
    findings = judge("format_gate", draft_of(context), context)
    language = [item for item in findings if item.check == "language_spoken"]
    assert [(item.severity, item.row) for item in language] == [("critical", None)]
    assert "are in English, not in de-DE" in language[0].description


def test_the_same_draft_always_gets_the_same_findings() -> None:
    context = markets.context("small-change", "GB")
    draft = draft_of(context)
    for gate in GATES:
        assert judge(gate, draft, context) == judge(gate, draft, context)
