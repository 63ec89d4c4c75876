"""Routing by profile, fallbacks, cache, budget and the rows of ``llm_calls``."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr
from werkzeug import Request, Response

from creative_lab.language import remote
from creative_lab.language.budget import Budget
from creative_lab.language.client import PlainReply
from creative_lab.language.errors import BudgetExceeded, CallError, ReplyError
from creative_lab.language.routing import resolve
from creative_lab.language.types import DRAFTER_MODEL, LanguageRequest
from creative_lab.settings import Settings
from creative_lab_tests.language.conftest import Lab, MakeLab, Verdict, completion, good, question


def draft(request: LanguageRequest, schema: type[BaseModel]) -> BaseModel:
    if schema is PlainReply:
        return PlainReply(text=f"drafted {request.inputs['what']}")
    return schema(reasoning="by rule", passed=request.inputs["passed"])


SERVER = "http://127.0.0.1:9/v1"
KEYS = {name: SecretStr(f"{name}-0123456789") for name in ("openai_api_key", "anthropic_api_key", "gemini_api_key")}


@pytest.mark.parametrize(
    "profile, base, model_id, provider, model",
    [
        ("miniature", None, "Qwen/Qwen2.5-7B-Instruct", "embedded/drafter", DRAFTER_MODEL),
        ("miniature", SERVER, "openai/gpt-4o", "embedded/drafter", DRAFTER_MODEL),
        ("studio", None, "Qwen/Qwen2.5-7B-Instruct", "transformers", "Qwen/Qwen2.5-7B-Instruct"),
        ("studio", SERVER, "Qwen/Qwen2.5-7B-Instruct", "openai-compatible", "Qwen/Qwen2.5-7B-Instruct"),
        ("studio", None, "openai/gpt-oss-20b", "transformers", "openai/gpt-oss-20b"),
        ("studio", SERVER, DRAFTER_MODEL, "embedded/drafter", DRAFTER_MODEL),
        ("hosted", None, "anthropic/claude-sonnet-4-5", "anthropic", "anthropic/claude-sonnet-4-5"),
        ("hosted", SERVER, "gemini/gemini-2.5-flash", "gemini", "gemini/gemini-2.5-flash"),
        ("hosted", SERVER, "Qwen/Qwen2.5-7B-Instruct", "openai-compatible", "Qwen/Qwen2.5-7B-Instruct"),
        ("hosted", None, "Qwen/Qwen2.5-7B-Instruct", "openai", "openai/gpt-4o-mini"),
        ("hosted", None, DRAFTER_MODEL, "embedded/drafter", DRAFTER_MODEL),
    ],
)
def test_the_profile_decides_who_answers(
    profile: str, base: str | None, model_id: str, provider: str, model: str
) -> None:
    settings = Settings(profile=profile, llm_api_base=base, **KEYS)
    route = resolve(settings, model_id)
    assert (route.provider, route.model) == (provider, model)


def test_each_provider_gets_its_own_key_only(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, profile="hosted", llm_api_base=SERVER, llm_api_key=SecretStr("own"), **KEYS)
    keys = {
        name: resolve(settings, name).api_key.get_secret_value()
        for name in ("openai/a", "anthropic/b", "gemini/c", "d/e")
    }
    assert keys == {
        "openai/a": "openai_api_key-0123456789",
        "anthropic/b": "anthropic_api_key-0123456789",
        "gemini/c": "gemini_api_key-0123456789",
        "d/e": "own",
    }


def test_a_hosted_model_without_its_key_says_which_setting_is_missing(make_lab: MakeLab) -> None:
    lab = make_lab(profile="hosted", llm_api_base=None, offline=False)
    with pytest.raises(CallError, match="CREATIVE_LAB_ANTHROPIC_API_KEY") as caught:
        lab.client.complete(question(model_id="anthropic/claude-sonnet-4-5"))
    assert caught.value.kind == "configuration"


def test_the_miniature_profile_answers_from_inputs_and_logs_the_model_that_was_asked_for(make_lab: MakeLab) -> None:
    lab = make_lab(profile="miniature", drafters={"eval-format": draft}, cache=True)
    for passed in (False, True):
        reply = lab.client.structured(question(inputs={"passed": passed}), Verdict, "verdict")
        assert (reply.value.passed, reply.repaired, reply.reply.provider) == (passed, False, "embedded/drafter")
    assert lab.client.complete(question(inputs={"what": "a line"})).text == "drafted a line"
    assert {(row["requested_model"], row["model_id"], row["status"], row["cost_usd"]) for row in lab.rows} == {
        ("Qwen/Qwen2.5-7B-Instruct", DRAFTER_MODEL, "ok", 0.0)
    }


def test_a_slug_without_a_drafter_is_a_clear_error(make_lab: MakeLab) -> None:
    lab = make_lab(profile="miniature")
    with pytest.raises(CallError, match="'eval-format'"):
        lab.client.structured(question(), Verdict)
    assert [(row["status"], row["error_class"]) for row in lab.rows] == [("fail", "configuration")]


def test_a_fallback_answers_when_the_model_cannot_and_its_row_says_so(lab_client: Lab) -> None:
    def answer(request: Request, _: int) -> Response:
        return completion(good()) if request.get_json()["model"] == "small/model" else Response("down", 503)

    lab_client.answer_with(answer)
    reply = lab_client.client.structured(question(fallbacks=("small/model",)), Verdict)
    assert reply.reply.model_id == "small/model"
    assert [row["model_id"] for row in lab_client.rows] == ["Qwen/Qwen2.5-7B-Instruct"] * 3 + ["small/model"]
    assert {row["requested_model"] for row in lab_client.rows} == {"Qwen/Qwen2.5-7B-Instruct"}


def test_when_all_fallbacks_fail_the_error_is_about_the_model_that_was_asked_for(lab_client: Lab) -> None:
    lab_client.answer_with(
        lambda request, _: Response("no", 404 if request.get_json()["model"] == "small/model" else 401)
    )
    with pytest.raises(CallError) as caught:
        lab_client.client.complete(question(fallbacks=("small/model", "Qwen/Qwen2.5-7B-Instruct")))
    assert caught.value.status == 401
    assert len(lab_client.requests) == 2


def test_the_same_question_is_asked_once_and_later_rows_are_free(make_lab: MakeLab) -> None:
    lab = make_lab(cache=True)
    lab.answer_with(lambda *_: completion(good()))
    first = lab.client.structured(question(temperature=0.7), Verdict)
    again = lab.client.structured(question(temperature=0.7), Verdict)
    assert (first.value, first.reply.cached) == (again.value, False)
    assert (again.reply.cached, again.reply.cost_usd) == (True, 0.0)
    assert len(lab.requests) == 1
    assert [(row["status"], row["prompt_tokens"]) for row in lab.rows] == [("ok", 11), ("cached", 0)]
    lab.client.structured(question(temperature=0.7), Verdict, use_cache=False)
    lab.client.structured(question(temperature=0.7, seed=5), Verdict)
    lab.client.structured(question(temperature=0.7), Verdict, "verdict")
    assert len(lab.requests) == 4


def test_free_text_that_was_cut_off_is_not_kept(make_lab: MakeLab) -> None:
    lab = make_lab(cache=True)
    lab.answer_with(lambda *_: completion("once upon", "length"))
    for n in (1, 2):
        assert lab.client.complete(question()).finish_reason == "length"
        assert len(lab.requests) == n


def test_a_creative_reply_that_does_not_fit_is_corrected_once_and_only_the_good_one_is_kept(make_lab: MakeLab) -> None:
    lab = make_lab(cache=True)
    lab.answer_with(lambda _, n: completion('{"reasoning": "forgot the rest"}' if n == 1 else good()))
    assert lab.client.structured(question(), Verdict).value.passed
    told = lab.requests[1]["messages"]
    assert [message["role"] for message in told] == ["user", "assistant", "user"]
    assert "passed: Field required" in told[2]["content"]
    assert [(row["status"], row["error_class"]) for row in lab.rows] == [("fail", "reply_wrong_shape"), ("ok", None)]
    assert lab.client.structured(question(), Verdict).reply.cached
    assert len(lab.requests) == 2


def test_a_creative_reply_that_never_fits_costs_two_requests_and_is_not_cached(make_lab: MakeLab) -> None:
    lab = make_lab(cache=True)
    lab.answer_with(lambda *_: completion("I would rather write a poem."))
    for n in (2, 4):
        with pytest.raises(ReplyError):
            lab.client.structured(question(), Verdict)
        assert len(lab.requests) == n


def test_a_creative_reply_that_was_cut_off_is_asked_for_with_twice_the_tokens(lab_client: Lab) -> None:
    lab_client.answer_with(lambda _, n: completion(good()[:20], "length") if n == 1 else completion(good()))
    assert lab_client.client.structured(question(max_tokens=100), Verdict).value.passed
    assert [request["max_tokens"] for request in lab_client.requests] == [100, 200]
    assert len(lab_client.requests[1]["messages"]) == 1


@pytest.mark.parametrize(
    "text, finish, fault",
    [
        ('{"reasoning": "r"}', "stop", "wrong_shape"),
        (good(), "length", "truncated"),
        (good() + good(False), "stop", "several_objects"),
        (good()[:-1], "stop", "truncated"),
    ],
)
def test_a_verdict_is_neither_mended_nor_asked_for_again(lab_client: Lab, text: str, finish: str, fault: str) -> None:
    lab_client.answer_with(lambda *_: completion(text, finish))
    with pytest.raises(ReplyError) as caught:
        lab_client.client.structured(question(), Verdict, "verdict")
    assert caught.value.fault == fault
    assert len(lab_client.requests) == 1
    assert lab_client.rows[0]["error_class"] == f"reply_{fault}"
    assert lab_client.rows[0]["prompt_tokens"] == 11, "the call was made, so its tokens count"


def test_a_server_is_asked_for_the_schema_and_one_that_cannot_is_asked_plainly(lab_client: Lab) -> None:
    def answer(request: Request, _: int) -> Response:
        if "response_format" in request.get_json():
            return Response(
                '{"error": {"message": "response_format is unknown"}}', 400, content_type="application/json"
            )
        return completion(good())

    lab_client.answer_with(answer)
    assert lab_client.client.structured(question(), Verdict).value.passed
    asked = lab_client.requests[0]["response_format"]
    assert (asked["type"], asked["json_schema"]["name"]) == ("json_schema", "Verdict")
    assert list(asked["json_schema"]["schema"]["properties"]) == ["reasoning", "passed"]
    assert "response_format" not in lab_client.requests[1]


def test_text_that_no_encoding_can_hold_does_not_stop_a_call(make_lab: MakeLab) -> None:
    lab = make_lab(cache=True)
    lab.answer_with(
        lambda *_: Response(
            completion("x").get_data(as_text=True).replace('"x"', '"half \\ud83d emoji"'),
            content_type="application/json",
        )
    )
    assert lab.client.complete(question(prompt="a \ud800 b", system="be brief")).text == "half ? emoji"
    assert [m["content"] for m in lab.requests[0]["messages"]] == ["be brief", "a ? b"]


PRICED = "gpt-4o-mini"


def test_cost_comes_from_the_price_list_and_an_unknown_model_on_a_server_is_free_but_says_so(make_lab: MakeLab) -> None:
    lab = make_lab()
    lab.answer_with(lambda *_: completion("fine", tokens=(1000, 1000)))
    assert lab.client.complete(question(model_id=PRICED)).cost_usd == pytest.approx(0.00015 + 0.0006)
    assert lab.client.complete(question(model_id="our/own")).cost_usd == 0
    assert [row["cost_known"] for row in lab.rows] == [True, False]
    assert Budget(lab.settings, "run-1").account().spent_usd == pytest.approx(0.00075)


def test_fifty_parallel_calls_never_overspend_a_budget_for_ten(make_lab: MakeLab) -> None:
    """Each call costs 0.00075 USD; what a call can cost at most decides whether it may start."""
    most, known = remote.price(resolve(make_lab().settings, PRICED), 28, 1000)
    assert known
    cap = 10 * most
    lab = make_lab(budget=lambda settings: Budget(settings, "parallel", cap_usd=cap))
    lab.answer_with(lambda *_: completion("fine", tokens=(28, 1000)))

    def ask(n: int) -> bool:
        try:
            lab.client.complete(question(model_id=PRICED, prompt=f"Question {n:02}.", max_tokens=1000))
        except BudgetExceeded:
            return False
        return True

    with ThreadPoolExecutor(50) as pool:
        done = sum(pool.map(ask, range(50)))
    account = Budget(lab.settings, "parallel").account()
    assert done == len(lab.requests) == 10
    assert account.spent_usd <= cap + 1e-9
    assert account.held == {}
    assert sum(row["error_class"] == "budget" for row in lab.rows) == 40


def test_a_budget_that_is_used_up_is_told_before_anything_is_sent(make_lab: MakeLab) -> None:
    lab = make_lab(run_budget_usd=0.0)
    lab.answer_with(lambda *_: completion("fine"))
    with pytest.raises(BudgetExceeded, match="CREATIVE_LAB_RUN_BUDGET_USD"):
        lab.client.complete(question(model_id=PRICED))
    lab.client.complete(question(model_id="our/own"))
    assert len(lab.requests) == 1


def test_rows_can_be_written_as_json_and_carry_the_tags(make_lab: MakeLab) -> None:
    lab = make_lab()
    lab.answer_with(lambda *_: completion("fine"))
    lab.client.complete(question())
    row = lab.rows[0]
    assert json.loads(json.dumps(row, default=str))["run_id"] == "run-1"
    assert row["at"].tzinfo is not None
    assert row["finish_reason"] == "stop"
