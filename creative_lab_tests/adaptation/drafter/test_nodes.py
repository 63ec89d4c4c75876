"""The drafter as the graph asks it: by slug, from objects, into schemas."""

from __future__ import annotations

from typing import Any, TypeVar

import pytest
from pydantic import BaseModel

from creative_lab.adaptation import gates
from creative_lab.adaptation.drafter import drafters
from creative_lab.adaptation.schemas import (
    GATES,
    AdaptationContext,
    AdaptationOutput,
    ConceptBrief,
    CulturalBrief,
    EvaluationResult,
    PersonaFacts,
    ScriptRow,
)
from creative_lab.language.types import DRAFTER_MODEL, LanguageRequest
from creative_lab_tests.adaptation.drafter.markets import ENGLISH, SPOTS, context, script

T = TypeVar("T", bound=BaseModel)
JUDGES = dict(zip(GATES, ("eval-format", "eval-cultural", "eval-concept", "eval-brand"), strict=True))


def ask(slug: str, schema: type[T], **inputs: Any) -> T:
    request = LanguageRequest(slug=slug, model_id=DRAFTER_MODEL, prompt="", inputs=inputs)
    answer = drafters()[slug](request, schema)
    assert isinstance(answer, schema)
    return answer


def chain(facts: AdaptationContext) -> tuple[ConceptBrief, CulturalBrief, AdaptationOutput]:
    concept = ask("concept-extraction", ConceptBrief, context=facts, concept=None, culture=None, draft=None)
    culture = ask("cultural-research", CulturalBrief, context=facts, concept=concept, culture=None, draft=None)
    draft = ask("adaptation", AdaptationOutput, context=facts, concept=concept, culture=culture, draft=None,
                feedback=None, draft_number=1)  # fmt: skip
    return concept, culture, draft


def judged(
    facts: AdaptationContext, draft: AdaptationOutput, concept: ConceptBrief, culture: CulturalBrief
) -> dict[str, EvaluationResult]:
    return {
        gate: ask(slug, EvaluationResult, context=facts, concept=concept, culture=culture, draft=draft)
        for gate, slug in JUDGES.items()
    }


def test_every_template_of_the_graph_has_a_drafter() -> None:
    assert set(drafters()) == {"concept-extraction", "cultural-research", "adaptation", *JUDGES.values()}


@pytest.mark.parametrize("spot", SPOTS)
@pytest.mark.parametrize("country", ENGLISH)
def test_every_sample_spot_passes_all_gates_in_every_english_market(spot: str, country: str) -> None:
    facts = context(spot, country)
    concept, culture, draft = chain(facts)
    for gate, judgement in judged(facts, draft, concept, culture).items():
        evaluation = gates.merge(
            gate, gates.check(gate, draft, facts, concept, culture), judgement, draft_number=1,
            content_hash=draft.content_hash(), model_id=DRAFTER_MODEL, rows=len(draft.script_rows),
        )  # fmt: skip
        assert evaluation.passed, [finding.description for finding in evaluation.findings]
        assert judgement.passed and judgement.score > 0.85
        assert "by rule" in judgement.reasoning


@pytest.mark.parametrize("country", ["DE", "JP", "AE"])
def test_another_language_fails_the_format_gate_with_exactly_that_reason(country: str) -> None:
    facts = context("just-one", country)
    concept, culture, draft = chain(facts)
    judgement = judged(facts, draft, concept, culture)["format_gate"]
    assert not judgement.passed and judgement.score == 0.0
    assert [issue.severity for issue in judgement.issues] == ["critical"]
    assert judgement.issues[0].description.startswith("the offline drafter cannot translate from English (en-US) to ")
    assert facts.target_language in judgement.issues[0].description


def test_the_concept_brief_traces_what_it_says_to_rows() -> None:
    brief = ask("concept-extraction", ConceptBrief, context=context("small-change", "US"))
    assert "“Small change. Big day.”" in brief.core_message and "rounds up every purchase" in brief.core_message
    assert len(brief.emotional_beats) == 12 and brief.emotional_beats[1] == "Row 2: longing"
    assert "Row 2: longing (from “faded”" in brief.reasoning
    assert brief.narrative_structure.startswith("vignettes")
    assert {"Name “Wrenmoor”", "Name “SaveAlong”", "Tagline “Small change. Big day.”"} <= set(brief.must_preserve)
    assert any("Fourth of July" in item and "row 6" in item for item in brief.cultural_assumptions)
    assert any(item.startswith("Prices and amounts in rows 3, 4") for item in brief.can_adapt)
    assert brief.brand_voice == "Plain, grown-up, quietly funny."


def test_the_concept_node_works_without_equivalents_and_without_a_brand() -> None:
    facts = context(script(("A kitchen on Thanksgiving.", 'VO: "We never stop. Acme. Made for mornings."')), "US")
    facts.equivalents.clear()
    brief = ask("concept-extraction", ConceptBrief, context=facts)
    assert brief.core_message.startswith("Client: “Made for mornings.”")
    assert "Holiday: “Thanksgiving” (row 1)" in brief.cultural_assumptions


def test_different_stories_have_different_structures() -> None:
    structures = {
        spot: ask("concept-extraction", ConceptBrief, context=context(spot, "US")).narrative_structure for spot in SPOTS
    }
    assert len(set(structures.values())) == 3


def test_the_cultural_brief_plans_exactly_what_the_writer_does() -> None:
    facts = context("just-one", "GB")
    concept, culture, draft = chain(facts)
    text = "\n".join(f"{row.visual_text}\n{row.audio_text}" for row in draft.script_rows).lower()
    assert culture.substitutions
    for item in culture.substitutions:
        assert item.replacement.lower() in text
    assert "Enjoy as part of a balanced diet and active lifestyle." in culture.regulatory_notes
    assert any("fanny pack" in item for item in culture.pitfalls)
    assert "GBP" in culture.market_context and "2026" in culture.market_context
    del concept


def test_the_cultural_brief_takes_up_the_insights_and_the_persona() -> None:
    facts = context("just-one", "GB", persona=PersonaFacts(name="Sceptic", description="Reads the small print."))
    facts.market_rules = "# GB\n\n### How humour works\n\n- Understatement wins\n\n### Avoid\n\n- Hard sell\n"
    culture = ask("cultural-research", CulturalBrief, context=facts, concept=None)
    assert "Understatement wins" in culture.opportunities and "Hard sell" in culture.pitfalls
    assert culture.tone_adjustments.startswith("Sceptic: sober.")


def _changed(draft: AdaptationOutput, row: int, **texts: str) -> AdaptationOutput:
    rows = list(draft.script_rows)
    rows[row] = rows[row].model_copy(update=texts)
    return draft.model_copy(update={"script_rows": rows})


def test_the_culture_judge_sees_forbidden_words_and_mixed_names() -> None:
    facts = context("the-long-way-home", "GB")
    concept, culture, draft = chain(facts)
    clean = judged(facts, draft, concept, culture)["culture_gate"]
    bad = _changed(draft, 4, audio_text='VO: "The fastest car. Speed thrills."')
    judgement = judged(facts, bad, concept, culture)["culture_gate"]
    assert not judgement.passed and judgement.score < clean.score
    mixed = _changed(draft, 5, audio_text='DIALOGUE (Madison): "Dad?"')
    issues = judged(facts, mixed, concept, culture)["culture_gate"].issues
    assert any(issue.severity == "major" and "Madison" in issue.description for issue in issues)


def test_the_concept_judge_sees_rows_that_lost_their_story() -> None:
    facts = context("the-long-way-home", "GB")
    concept, culture, draft = chain(facts)
    gutted = draft.model_copy(
        update={"script_rows": [ScriptRow(**{**row.model_dump(), "visual_text": "Product.", "audio_text": 'VO: "Buy."'})
                                for row in draft.script_rows]}
    )  # fmt: skip
    judgement = judged(facts, gutted, concept, culture)["concept_gate"]
    assert not judgement.passed and judgement.score < 0.3


def test_the_brand_judge_sees_a_name_that_went_missing_and_sentences_that_grew() -> None:
    facts = context("small-change", "GB")
    concept, culture, draft = chain(facts)
    long = "and so it goes on and on and on without ever stopping for breath because nobody cut it down at all"
    bad = _changed(
        _changed(draft, 11, audio_text=f'VO: "Well {long} {long}."'), 7, audio_text=f'VO: "It {long} {long}."'
    )
    judgement = judged(facts, bad, concept, culture)["brand_gate"]
    assert judgement.score < judged(facts, draft, concept, culture)["brand_gate"].score
    assert any("words, at home" in issue.description for issue in judgement.issues)


def test_scores_differ_with_what_is_judged() -> None:
    scores = set()
    for country in ("GB", "AU", "IN"):
        facts = context("small-change", country)
        concept, culture, draft = chain(facts)
        scores |= {judgement.score for judgement in judged(facts, draft, concept, culture).values()}
    assert len(scores) > 3


def test_a_request_without_its_inputs_is_a_clear_error() -> None:
    with pytest.raises(ValueError, match="inputs\\['context'\\]"):
        ask("adaptation", AdaptationOutput)
    with pytest.raises(ValueError, match="inputs\\['draft'\\]"):
        ask("eval-format", EvaluationResult, context=context("just-one", "GB"))
