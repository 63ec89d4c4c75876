"""Replies as models really write them: what can be read is read, the rest is refused with its reason."""

from __future__ import annotations

import json
from typing import Any

import pytest

from creative_lab.language.errors import ReplyError
from creative_lab.language.structured import read_reply
from creative_lab.looks.composing import LookReply

GOOD: dict[str, Any] = {
    "models": [
        {"index": 1, "garment_line": "the Quay trench {belted}", "garments": ["Quay trench"]},
        {"index": 2, "garment_line": 'the "Proof tee"', "garments": ["Proof tee"]},
        {"index": 3, "garment_line": "the Pier trousers", "garments": ["Pier trousers"]},
    ],
    "exclusions": ["hats"],
    "innovation_notes": "none } here {",
}
TEXT = json.dumps(GOOD)
LINE = GOOD["models"][0]["garment_line"]

READABLE = {
    "as asked": TEXT,
    "trailing prose": TEXT + "\n\nI hope this helps! {smile}",
    "leading prose": "Certainly, here is the JSON you asked for:\n" + TEXT,
    "code fence": f"```json\n{TEXT}\n```",
    "fence without a language": f"```\n{TEXT}\n```\nDone.",
    "prose on both sides": f"Sure.\n{TEXT}\nLet me know.",
    "thinking block with a draft": '<think>{"models": []} no, better:</think>' + TEXT,
    "byte order mark": "\ufeff" + TEXT,
    "pretty printed": json.dumps(GOOD, indent=4),
    "unknown field": json.dumps(GOOD | {"confidence": 0.9}),
    "models out of order": json.dumps(GOOD | {"models": list(reversed(GOOD["models"]))}),
    "no optional fields": json.dumps({"models": GOOD["models"]}),
    "escaped quotes and newlines": TEXT.replace("none }", 'none \\n\\u00e9 \\" }'),
    "a lone brace before it": "Use {this one: " + TEXT,
    "windows line ends": json.dumps(GOOD, indent=1).replace("\n", "\r\n"),
}
UNREADABLE = {
    "empty": "",
    "refusal": "I can't help with that.",
    "two models only": json.dumps(GOOD | {"models": GOOD["models"][:2]}),
    "the same model twice": json.dumps(GOOD | {"models": [GOOD["models"][0]] * 3}),
    "an empty line": json.dumps(GOOD | {"models": [{**line, "garment_line": ""} for line in GOOD["models"]]}),
    "a list": json.dumps(["the Quay trench"]),
    "nested beyond reason": '{"models": ' + "[" * 80 + "]" * 80 + "}",
}


def test_the_corpus_has_at_least_twenty_replies() -> None:
    assert len(READABLE) + len(UNREADABLE) >= 20


@pytest.mark.parametrize("name", READABLE)
def test_a_reply_is_read_whatever_stands_around_the_object(name: str) -> None:
    value = read_reply(READABLE[name], LookReply, "creative").value
    assert [line.index for line in value.models] == [1, 2, 3]
    assert value.models[0].garment_line == LINE


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_reply_without_three_models_is_refused(name: str) -> None:
    with pytest.raises(ReplyError):
        read_reply(UNREADABLE[name], LookReply, "creative")


def test_a_reply_that_was_cut_off_in_the_middle_never_becomes_a_look_of_three_models() -> None:
    with pytest.raises(ReplyError):
        read_reply(TEXT[: TEXT.index('"index": 3')], LookReply, "creative", finish_reason="length")
