"""The adaptation graph: its order, its budgets, its feedback, its verdicts and the ways in which it ends."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creative_lab.adaptation.graph import AdaptationResult, Attempt, Transition, judge_draft, run_adaptation
from creative_lab.adaptation.nodes import Asker, run_concept, run_culture
from creative_lab.adaptation.resolution import NodeModel
from creative_lab.adaptation.schemas import GATES, Gate
from creative_lab.language.errors import BudgetExceeded, CallError, ReplyError
from creative_lab.language.types import DRAFTER_MODEL
from creative_lab_tests.adaptation.scripted import (
    CONCEPT,
    CULTURE,
    ROWS,
    ScriptedClient,
    fails,
    make_context,
    make_draft,
    models,
    passes,
    render,
)

GATE_SLUGS = ["eval-format", "eval-cultural", "eval-concept", "eval-brand"]
SLUG: dict[Gate, str] = dict(zip(GATES, GATE_SLUGS, strict=True))
UNREADABLE = ReplyError("the reply ends in the middle of an object", "truncated")


def adapt(client: Any, context: Any = None, **options: Any) -> AdaptationResult:
    return run_adaptation(
        context or make_context(),
        concept=CONCEPT,
        culture=CULTURE,
        client=client,
        render=render,
        **{"models": models(), **options},
    )


def replies(slug: str, entries: list[Any]) -> dict[str, list[Any]]:
    return {slug.replace("-", "_"): entries}


def test_the_nodes_are_asked_in_the_order_of_the_graph() -> None:
    client = ScriptedClient()
    asker = Asker(client, render, models())
    concept = run_concept(make_context(), asker)
    culture = run_culture(make_context(), asker, concept.value)
    result = run_adaptation(
        make_context(), concept=concept.value, culture=culture.value, models=models(), client=client, render=render
    )
    assert client.order == ["concept-extraction", "cultural-research", "adaptation", *GATE_SLUGS]
    assert result.status == "completed"
    assert (result.drafts, result.total_revisions, result.needs_person) == (1, 0, False)
    kinds = dict.fromkeys(GATE_SLUGS, "verdict")
    assert all(kind == kinds.get(request.slug, "creative") for request, kind in client.calls)


@pytest.mark.parametrize("gate", GATES)
def test_after_a_rewrite_all_gates_run_again_from_the_format_gate(gate: Gate) -> None:
    client = ScriptedClient(**replies(SLUG[gate], [fails()]))
    result = adapt(client)
    until = GATE_SLUGS[: GATES.index(gate) + 1]
    assert client.order == ["adaptation", *until, "adaptation", *GATE_SLUGS]
    assert result.status == "completed"
    assert result.revisions == {name: int(name == gate) for name in GATES}


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize(("max_retries", "drafts"), [(3, 4), (1, 2), (0, 1)])
def test_a_gate_that_always_fails_ends_as_failed_after_exactly_its_rewrites(
    gate: Gate, max_retries: int, drafts: int
) -> None:
    client = ScriptedClient(**replies(SLUG[gate], [fails(description="The joke offends.")] * 20))
    result = adapt(client, max_retries=max_retries)
    assert result.status == "failed"
    assert result.drafts == client.order.count("adaptation") == drafts
    assert result.revisions[gate] == max_retries
    assert result.draft == make_draft(drafts)
    assert result.content_hash == make_draft(drafts).content_hash()
    assert result.error_message is not None
    assert gate in result.error_message
    assert "The joke offends." in result.error_message
    assert result.needs_person
    assert result.person_reason == result.error_message


def test_each_gate_has_a_budget_of_its_own() -> None:
    client = ScriptedClient(**{slug.replace("-", "_"): [fails()] * 3 for slug in GATE_SLUGS})
    result = adapt(client)
    assert result.status == "completed"
    assert result.revisions == dict.fromkeys(GATES, 3)
    assert result.drafts == 13


def test_a_fourth_failure_of_one_gate_ends_it_although_the_others_have_budget_left() -> None:
    client = ScriptedClient(eval_cultural=[fails()] * 2, eval_brand=[fails()] * 4)
    result = adapt(client)
    assert result.status == "failed"
    assert result.revisions == {"format_gate": 0, "culture_gate": 2, "concept_gate": 0, "brand_gate": 3}
    assert result.drafts == 6


def test_feedback_reaches_the_writer_as_json_and_is_cleared_by_the_next_draft() -> None:
    client = ScriptedClient(eval_format=[fails(description="A")], eval_cultural=[fails(description="B")])
    adapt(client)
    first, second, third = client.requests("adaptation")
    assert first.inputs["feedback"] is None
    assert "feedback_json=\n" in first.prompt
    assert second.inputs["feedback"]["gate"] == "format_gate"
    assert [finding["description"] for finding in second.inputs["feedback"]["findings"]] == ["A"]
    assert third.inputs["feedback"]["gate"] == "culture_gate"
    assert [finding["description"] for finding in third.inputs["feedback"]["findings"]] == ["B"]
    shown = second.prompt.split("feedback_json=")[1].split("\nbrand_guidelines=")[0]
    assert json.loads(shown) == second.inputs["feedback"]
    gates = [request for slug in GATE_SLUGS for request in client.requests(slug)]
    assert gates
    assert all(request.inputs["feedback"] is None for request in gates)
    assert [request.inputs["draft_number"] for request in (first, second, third)] == [1, 2, 3]


def test_the_writer_sees_the_draft_that_failed() -> None:
    client = ScriptedClient(eval_brand=[fails()])
    adapt(client)
    first, second = client.requests("adaptation")
    assert first.inputs["draft"] is None
    assert second.inputs["draft"].name == make_draft(1).name


def test_every_evaluation_is_kept_in_order_with_its_gate_and_draft() -> None:
    client = ScriptedClient(eval_cultural=[fails()], eval_concept=[fails()])
    result = adapt(client)
    order = [(1, *GATES[:2]), (2, *GATES[:3]), (3, *GATES)]
    assert [(item.draft_number, item.gate) for item in result.evaluations] == [
        (number, gate) for number, *gates in order for gate in gates
    ]
    assert [item.passed for item in result.evaluations].count(False) == 2
    assert len(result.evaluations) == sum(client.order.count(slug) for slug in GATE_SLUGS)
    assert {item.content_hash for item in result.evaluations if item.draft_number == 3} == {result.content_hash}


def test_the_third_draft_comes_from_the_first_alternative_model() -> None:
    client = ScriptedClient(eval_format=[fails()], eval_brand=[fails()])
    result = adapt(client, alternatives=[NodeModel("org/other", load_in_4bit=True), NodeModel("org/third")])
    writers = client.requests("adaptation")
    assert [request.model_id for request in writers] == ["org/model", "org/model", "org/other"]
    assert writers[2].load_in_4bit
    assert result.switched
    assert result.writer_model == NodeModel("org/other", load_in_4bit=True)
    assert {request.model_id for slug in GATE_SLUGS for request in client.requests(slug)} == {"org/model"}


def test_the_writer_stays_when_the_language_has_no_other_model() -> None:
    for alternatives in ([], [NodeModel("org/model")]):
        client = ScriptedClient(eval_format=[fails()] * 3)
        result = adapt(client, alternatives=alternatives)
        assert {request.model_id for request in client.requests("adaptation")} == {"org/model"}
        assert not result.switched


def test_the_rubric_decides_and_the_models_own_verdict_is_kept_beside_it() -> None:
    client = ScriptedClient(eval_brand=[fails("critical", passed=True), fails("minor", passed=False)])
    result = adapt(client)
    first, second = [item for item in result.evaluations if item.gate == "brand_gate"]
    assert (first.passed, first.model_passed) == (False, True)
    assert (second.passed, second.model_passed) == (True, False)
    assert result.status == "completed"
    assert result.revisions["brand_gate"] == 1


@pytest.mark.parametrize("gate", GATES)
def test_a_judgement_that_cannot_be_read_is_an_error_and_never_a_pass(gate: Gate) -> None:
    client = ScriptedClient(**replies(SLUG[gate], [UNREADABLE]))
    result = adapt(client)
    failed = [item for item in result.evaluations if item.error]
    assert [(item.gate, item.passed, item.model_passed, item.score) for item in failed] == [(gate, False, None, None)]
    assert "middle of an object" in str(failed[0].error)
    assert result.revisions[gate] == 1
    assert result.status == "completed"
    always = adapt(ScriptedClient(**replies(SLUG[gate], [UNREADABLE] * 9)))
    assert (always.status, always.drafts) == ("failed", 4)
    assert "could not be read" in str(always.error_message)


def test_a_first_draft_that_cannot_be_read_fails_with_the_reason() -> None:
    attempts: list[Attempt] = []
    client = ScriptedClient(adaptation=[UNREADABLE])
    result = adapt(client, on_attempt=attempts.append)
    assert client.order == ["adaptation"]
    assert (result.status, result.draft, result.drafts, result.content_hash) == ("failed", None, 0, None)
    assert result.error_message == f"the writer's draft 1 could not be read: {UNREADABLE}"
    assert [(item.node, item.ok, item.reason) for item in attempts] == [("writer", False, result.error_message)]


def test_the_last_good_draft_is_kept_when_a_rewrite_cannot_be_read() -> None:
    client = ScriptedClient(adaptation=[make_draft(1), UNREADABLE], eval_concept=[fails()])
    result = adapt(client)
    assert (result.status, result.draft, result.drafts) == ("failed", make_draft(1), 1)


def test_a_used_up_budget_fails_with_the_draft_kept_and_a_failed_call_is_for_the_caller() -> None:
    result = adapt(ScriptedClient(eval_concept=[BudgetExceeded("the run may cost 5 USD")]))
    assert (result.status, result.draft) == ("failed", make_draft(1))
    assert result.error_message == "the run may cost 5 USD"
    with pytest.raises(CallError):
        adapt(ScriptedClient(eval_concept=[CallError("no answer", "timeout")]))


def test_the_statuses_follow_the_life_of_an_adaptation() -> None:
    ticks = count()
    start = datetime(2026, 1, 5, tzinfo=UTC)
    seen: list[Transition] = []
    before = ("pending", "processing", "concept_analysis", "cultural_analysis")
    result = adapt(
        ScriptedClient(eval_concept=[fails()]),
        earlier=[Transition(status, start - timedelta(hours=1)) for status in before],  # type: ignore[arg-type]
        on_status=seen.append,
        now=lambda: start + timedelta(seconds=next(ticks)),
    )
    evaluations = ["format_evaluation", "cultural_evaluation", "concept_evaluation", "brand_evaluation"]
    assert [item.status for item in result.transitions] == [
        *before, "writing", *evaluations[:3], "revising", *evaluations, "completed",
    ]  # fmt: skip
    assert list(result.transitions[4:]) == seen
    times = [item.at for item in result.transitions]
    assert times == sorted(times)
    failed = adapt(ScriptedClient(eval_format=[fails()] * 9), max_retries=0)
    assert [item.status for item in failed.transitions] == ["writing", "format_evaluation", "failed"]


def test_the_gates_never_see_what_the_writer_thought() -> None:
    client = ScriptedClient()
    adapt(client)
    for slug in GATE_SLUGS:
        (request,) = client.requests(slug)
        assert "SECRET THOUGHT" not in request.prompt
        assert "SECRET THOUGHT" not in repr(request.inputs)
        assert request.inputs["draft"].content_hash() == make_draft(1).content_hash()


def test_costs_tokens_and_every_attempt_are_counted() -> None:
    attempts: list[Attempt] = []
    result = adapt(ScriptedClient(eval_cultural=[fails()]), on_attempt=attempts.append)
    assert result.usage.calls == len(attempts) == 8
    assert result.usage.prompt_tokens == 800
    assert result.usage.cost_usd == pytest.approx(0.008)
    assert [(item.node, item.attempt) for item in attempts if item.node == "culture_gate"] == [
        ("culture_gate", 1),
        ("culture_gate", 2),
    ]
    failed = next(item for item in attempts if not item.ok)
    assert "It misses the point." in str(failed.reason)


def test_the_offline_writer_ends_after_one_draft_for_a_target_of_another_language() -> None:
    context = make_context(target_language="de-DE", target_language_name="German (Germany)")
    client = ScriptedClient(adaptation=[make_draft(language="de-DE")])
    result = adapt(client, context, models=models(DRAFTER_MODEL))
    assert result.status == "failed"
    assert result.error_message == (
        "the offline drafter cannot translate from English (en-US) to German (de-DE): "
        "choose a profile with a language model, or import a translation (XLIFF)"
    )
    assert (result.drafts, result.needs_person, result.person_reason) == (1, True, result.error_message)
    assert result.draft is not None


def test_a_draft_with_a_row_missing_is_sent_back_by_the_format_gate() -> None:
    short = make_draft(1, rows=ROWS[:2])
    client = ScriptedClient(adaptation=[short, make_draft(2)])
    result = adapt(client)
    assert result.status == "completed"
    assert result.revisions["format_gate"] == 1
    first = result.evaluations[0]
    assert (first.gate, first.passed, first.model_passed) == ("format_gate", False, True)


def test_a_draft_that_says_it_is_in_another_language_is_sent_back_by_the_format_gate() -> None:
    client = ScriptedClient(adaptation=[make_draft(1, language="fr-FR"), make_draft(2)])
    result = adapt(client)
    assert result.revisions["format_gate"] == 1


def test_the_writers_token_cap_grows_with_the_script() -> None:
    client = ScriptedClient()
    adapt(client)
    assert [request.max_tokens for request, _ in client.calls] == [4096, 2048, 2048, 2048, 2048]
    long = make_context(rows=[ROWS[0].model_copy(update={"timecode_start": None})] * 40)
    client = ScriptedClient(adaptation=[make_draft(rows=long.origin.script_rows)])
    adapt(client, long, max_retries=0)
    assert client.requests("adaptation")[0].max_tokens == 1024 + 200 * 40


@pytest.mark.parametrize(("replies_", "status", "gates"), [([], "completed", 4), ([fails()], "failed", 2)])
def test_a_translators_draft_meets_all_gates_and_no_writer(replies_: list[Any], status: str, gates: int) -> None:
    client = ScriptedClient(eval_cultural=replies_)
    result = judge_draft(
        make_context(),
        make_draft(7),
        author="translation (XLIFF)",
        concept=CONCEPT,
        culture=CULTURE,
        models=models(),
        client=client,
        render=render,
    )
    assert (result.status, result.drafts, result.total_revisions) == (status, 1, 0)
    assert client.order == GATE_SLUGS[:gates]
    assert result.writer_model.model_id == "translation (XLIFF)"
    assert result.content_hash == make_draft(7).content_hash()
    assert (result.error_message is None) == (status == "completed")


@given(st.dictionaries(st.sampled_from(GATE_SLUGS), st.lists(st.sampled_from("pfu"), max_size=12)), st.integers(0, 4))
def test_whatever_the_gates_say_the_books_balance(verdicts: dict[str, list[str]], max_retries: int) -> None:
    said = {"p": None, "f": fails(), "u": UNREADABLE}
    script = {
        slug.replace("-", "_"): [said[letter] or passes() for letter in letters] for slug, letters in verdicts.items()
    }
    client = ScriptedClient(**script)
    result = adapt(client, max_retries=max_retries)
    assert result.drafts == 1 + result.total_revisions == client.order.count("adaptation")
    assert all(0 <= number <= max_retries for number in result.revisions.values())
    assert len(result.evaluations) == sum(client.order.count(slug) for slug in GATE_SLUGS)
    for number in range(1, result.drafts + 1):
        seen = [item for item in result.evaluations if item.draft_number == number]
        assert [item.gate for item in seen] == list(GATES[: len(seen)])
        assert [item.passed for item in seen[:-1]] == [True] * (len(seen) - 1)
        assert seen[-1].passed == (number == result.drafts and result.status == "completed")
    stopped_by = result.evaluations[-1].gate
    assert result.status == "completed" or result.revisions[stopped_by] == max_retries
    assert result.needs_person == (result.status == "failed") == bool(result.error_message)
