"""Hostile replies, each read as creative work and as a verdict, and properties that hold for any text."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from creative_lab.language.errors import ReplyError
from creative_lab.language.structured import MAX_REPLY_BYTES, Reading, read_reply
from creative_lab.language.types import ReplyKind


class Issue(BaseModel):
    model_config = ConfigDict(extra="forbid")

    severity: str
    description: str


class Verdict(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reasoning: str
    passed: bool
    score: float
    issues: list[Issue] = []


PASS = '{"reasoning": "fine", "passed": true, "score": 0.9, "issues": []}'
FAIL = '{"reasoning": "poor", "passed": false, "score": 0.1, "issues": []}'
BRACES = '{"reasoning": "a \\"}{\\" b \\\\", "passed": true, "score": 1, "issues": []}'


def outcome(text: str, kind: ReplyKind, finish_reason: str = "stop") -> str:
    """``value``, ``repaired`` or the fault; a passing value of a verdict is ``pass``."""
    try:
        reading: Reading[Verdict] = read_reply(text, Verdict, kind, finish_reason=finish_reason)
    except ReplyError as error:
        return error.fault
    return "repaired" if reading.repaired else ("pass" if reading.value.passed else "fail")


# reply, as creative work, as a verdict
HOSTILE = {
    "plain": (PASS, "pass", "pass"),
    "white space": (f"\n\t {FAIL} \r\n", "fail", "fail"),
    "byte order mark": ("\ufeff" + PASS, "pass", "pass"),
    "fence": (f"```json\n{PASS}\n```", "pass", "pass"),
    "fence without an end": (f"```json\n{PASS}", "pass", "pass"),
    "prose around": (f"Here is my judgement:\n{FAIL}\nLet me know!", "fail", "fail"),
    "a quote in the prose": (f'The so-called "spot: {FAIL}', "fail", "fail"),
    "thinking aloud": (f"<think>maybe {PASS}? No.</think>{FAIL}", "fail", "fail"),
    "thinking without an end": (f"<think>maybe {PASS}? No. {FAIL}", "repaired", "several_objects"),
    "braces in strings": (BRACES, "pass", "pass"),
    "two objects": (FAIL + PASS, "repaired", "several_objects"),
    "two objects in prose": (f"First {FAIL}, on reflection {PASS}", "repaired", "several_objects"),
    "the same object twice": (PASS + PASS, "repaired", "several_objects"),
    "a list around it": (f"[{PASS}]", "repaired", "surrounding_text"),
    "a lone brace in the prose": (f"I use {{ like this. {PASS}", "repaired", "truncated"),
    "a set in the prose": (f"Of {{a, b}} I choose {PASS}", "repaired", "several_objects"),
    "a brace too many": (PASS + "}", "repaired", "surrounding_text"),
    "cut in a string": (PASS[:20], "wrong_shape", "truncated"),
    "cut before the end": (PASS[:-1], "repaired", "truncated"),
    "cut after the score": (PASS[: PASS.index(', "issues')], "repaired", "truncated"),
    "a key twice": (
        PASS.replace('"passed": true', '"passed": false, "passed": true'),
        "duplicate_key",
        "duplicate_key",
    ),
    "a key twice inside": (
        FAIL.replace("[]", '[{"severity": "critical", "severity": "minor", "description": "d"}]'),
        "duplicate_key",
        "duplicate_key",
    ),
    "a key twice by escape": (
        PASS.replace('"passed": true', '"passed": false, "p\\u0061ssed": true'),
        "duplicate_key",
        "duplicate_key",
    ),
    "NaN": (PASS.replace("0.9", "NaN"), "not_finite", "not_finite"),
    "Infinity": (PASS.replace("0.9", "-Infinity"), "not_finite", "not_finite"),
    "a number beyond all": (PASS.replace("0.9", "1e999"), "not_finite", "not_finite"),
    "a number of 5,000 digits": (PASS.replace("0.9", "9" * 5000), "not_finite", "not_json"),
    "NaN as text": (PASS.replace("0.9", '"NaN"'), "not_finite", "wrong_shape"),
    "nested 5,000 deep": ('{"a":' * 5000 + "1" + "}" * 5000, "too_deep", "too_deep"),
    "lists 5,000 deep": ('{"reasoning":' + "[" * 5000, "too_deep", "too_deep"),
    "lists 5,000 deep before": ("[" * 5000 + PASS, "repaired", "surrounding_text"),
    "a trailing comma": (PASS.replace("[]}", "[],}"), "repaired", "not_json"),
    "single quotes": (PASS.replace('"', "'"), "repaired", "not_json"),
    "smart quotes": (PASS.replace('"', "“"), "repaired", "not_json"),
    "bare keys": ('{reasoning: "r", passed: true, score: 1}', "repaired", "not_json"),
    "a number as key": ('{"reasoning": "r", "passed": true, "score": 1, 1: 2}', "wrong_shape", "not_json"),
    "Python's words": (PASS.replace("true", "True"), "repaired", "not_json"),
    "a comment": (PASS.replace('"score"', '/* sure */ "score"'), "repaired", "not_json"),
    "a control character": (PASS.replace("fine", "fi\x01ne"), "repaired", "not_json"),
    "a newline in a string": (PASS.replace("fine", "fi\nne"), "repaired", "not_json"),
    "NUL by escape": (PASS.replace("fine", "fi\\u0000ne"), "repaired", "not_json"),
    "half a surrogate pair": (PASS.replace("fine", "fi\\ud83dne"), "repaired", "not_json"),
    "a boolean as text": (PASS.replace("true", '"true"'), "pass", "wrong_shape"),
    "a boolean as number": (PASS.replace("true", "1"), "pass", "wrong_shape"),
    "a score as text": (PASS.replace("0.9", '"0.9"'), "pass", "wrong_shape"),
    "a field too many": (PASS.replace("{", '{"override": true, ', 1), "wrong_shape", "wrong_shape"),
    "a field missing": ('{"reasoning": "r", "score": 1}', "wrong_shape", "wrong_shape"),
    "null": ("null", "no_object", "no_object"),
    "only a boolean": ("true", "no_object", "no_object"),
    "a refusal": ("I can't help with that.", "no_object", "no_object"),
    "nothing": ("  \n", "empty", "empty"),
    "an empty object": ("{}", "wrong_shape", "wrong_shape"),
    "an empty fence": ("```json\n```", "no_object", "no_object"),
    "a page of the web": ("<html><style>p {color: red}</style></html>", "wrong_shape", "not_json"),
    "hundreds of objects": ("{} " * 500, "several_objects", "several_objects"),
    "too large": (PASS.replace("fine", "x" * MAX_REPLY_BYTES), "too_large", "too_large"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_reply_is_read_as_the_table_says(name: str) -> None:
    text, creative, verdict = HOSTILE[name]
    started = time.process_time()
    assert (outcome(text, "creative"), outcome(text, "verdict")) == (creative, verdict)
    # No bound on speed, but none of them may hang the reader.
    assert time.process_time() - started < 20


@pytest.mark.parametrize("reason", ["length", "max_tokens", "content_filter"])
def test_a_reply_that_was_cut_off_is_no_verdict_even_when_it_parses(reason: str) -> None:
    assert outcome(PASS, "verdict", reason) == "truncated"
    assert outcome(PASS, "creative", reason) == "pass"
    assert outcome(PASS[:20], "creative", reason) == "truncated"


def test_an_error_names_the_place_and_shows_no_content() -> None:
    secret = "the client's secret plan"
    with pytest.raises(ReplyError) as caught:
        read_reply(json.dumps({"reasoning": 3, "passed": secret, "score": 1}), Verdict, "creative")
    assert "passed: Input should be a valid boolean" in str(caught.value)
    assert secret not in str(caught.value)


def test_no_beginning_of_a_passing_verdict_passes() -> None:
    text = json.dumps(
        {
            "reasoning": 'It says "{}" and [ ] \\ and so on',
            "passed": True,
            "score": 0.75,
            "issues": [{"severity": "minor", "description": "}"}],
        }
    )
    for end in range(len(text)):
        assert outcome(text[:end], "verdict") not in {"pass", "fail", "repaired"}


ISSUES = st.lists(
    st.fixed_dictionaries({"severity": st.sampled_from(["critical", "major", "minor"]), "description": st.text()}),
    max_size=3,
)
VERDICTS = st.fixed_dictionaries(
    {"reasoning": st.text(), "passed": st.booleans(), "score": st.floats(0, 1), "issues": ISSUES}
).filter(lambda value: "\x00" not in json.dumps(value) and "\\u0000" not in json.dumps(value))


@given(VERDICTS, st.data())
def test_damage_of_one_character_never_turns_a_failing_verdict_into_a_passing_one(
    value: dict[str, object], data: st.DataObject
) -> None:
    text = json.dumps(value | {"passed": False}, ensure_ascii=data.draw(st.booleans()))
    at = data.draw(st.integers(0, len(text) - 1))
    cut = data.draw(st.integers(0, 3))
    put = data.draw(st.text('{}[]",:\\ tfa1', max_size=2))
    assert outcome(text[:at] + put + text[at + cut :], "verdict") not in {"pass", "repaired"}


@given(VERDICTS, VERDICTS, st.text(alphabet=" \n,;x`", max_size=5))
def test_two_verdicts_are_never_one(first: dict[str, object], second: dict[str, object], between: str) -> None:
    assert outcome(json.dumps(first) + between + json.dumps(second), "verdict") == "several_objects"


@given(
    st.one_of(st.text(), st.text("{}[]\",:\\ tfarulse0.1eE-+\n`“”'", max_size=300)),
    st.sampled_from(["creative", "verdict"]),
)
def test_any_text_gives_a_value_or_a_reply_error(text: str, kind: ReplyKind) -> None:
    outcome(text, kind)


@given(st.text('{"[]}:,\\ a1', max_size=400), st.sampled_from(["creative", "verdict"]))
@hypothesis_settings(max_examples=300)
def test_any_text_after_a_good_beginning_gives_a_value_or_a_reply_error(tail: str, kind: ReplyKind) -> None:
    outcome('{"reasoning": "r", "passed": true, "score": 1' + tail, kind)


PROSE = st.text(st.characters(exclude_characters="{}[]<", exclude_categories=["Cs"]), max_size=60)


@given(
    VERDICTS,
    st.tuples(PROSE, PROSE),
    st.sampled_from(["creative", "verdict"]),
    st.booleans(),
    st.sampled_from([None, 2]),
)
def test_valid_json_in_any_prose_is_read_exactly(
    value: dict[str, object], around: tuple[str, str], kind: ReplyKind, ascii_only: bool, indent: int | None
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assume(all(not 0xD800 <= ord(character) <= 0xDFFF for character in text))
    reading = read_reply(text.join(around), Verdict, kind)
    assert reading.value == Verdict.model_validate(value)
    assert not reading.repaired
