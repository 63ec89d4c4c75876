"""The cache of replies: what its key covers, and what damage does to it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import BaseModel

from creative_lab.language.cache import ReplyCache, request_key
from creative_lab.language.types import LanguageReply
from creative_lab.settings import Settings
from creative_lab_tests.language.conftest import Verdict, question

REPLY = LanguageReply("ja — ✓", "m", "openai-compatible", 3, 4, 0.01, 12, "stop")


class Other(BaseModel):
    reasoning: str


@pytest.fixture
def cache(tmp_path: Path) -> ReplyCache:
    return ReplyCache(Settings(home=tmp_path))


def test_a_reply_comes_back_as_it_was_and_says_that_it_is_cached(cache: ReplyCache) -> None:
    cache.put("ab" * 32, REPLY)
    assert cache.get("ab" * 32) == dataclasses.replace(REPLY, cached=True)
    assert cache.get("cd" * 32) is None


def test_every_part_of_the_question_changes_the_key() -> None:
    base = {"provider": "p", "model": "m", "address": "u", "messages": [{"role": "user", "content": "x"}]}
    keys = [
        request_key(question(), schema=Verdict, kind="creative", **base),
        request_key(question(), schema=Other, kind="creative", **base),
        request_key(question(), schema=Verdict, kind="verdict", **base),
        request_key(question(), schema=None, kind=None, **base),
        *(
            request_key(question(**{name: value}), schema=Verdict, kind="creative", **base)
            for name, value in {
                "slug": "s",
                "model_id": "n",
                "prompt": "q",
                "system": "t",
                "inputs": {"a": 1},
                "temperature": 0.5,
                "max_tokens": 7,
                "seed": 0,
                "load_in_4bit": True,
            }.items()
        ),
        *(
            request_key(question(), schema=Verdict, kind="creative", **(base | {name: "other"}))
            for name in ("provider", "model", "address")
        ),
        request_key(question(), schema=Verdict, kind="creative", **(base | {"messages": []})),
    ]
    assert len(set(keys)) == len(keys)


def test_the_order_of_inputs_does_not_change_the_key_and_models_count_as_their_data() -> None:
    def key(inputs: dict[str, object]) -> str:
        return request_key(question(inputs=inputs), provider="p", model="m")

    assert key({"a": 1, "b": Verdict(reasoning="r", passed=True)}) == key(
        {"b": {"passed": True, "reasoning": "r"}, "a": 1}
    )


@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_entry_is_a_miss_or_the_same_text(tmp_path: Path, data: st.DataObject) -> None:
    cache = ReplyCache(Settings(home=tmp_path))
    key = "ef" * 32
    cache.put(key, REPLY)
    (path,) = (tmp_path / "cache" / "language").rglob("*.json")
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    how = data.draw(st.sampled_from(["cut", "flip", "swap"]))
    damaged = {
        "cut": whole[:at],
        "flip": whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :],
        "swap": data.draw(st.binary(max_size=40)),
    }[how]
    path.write_bytes(damaged)
    reply = cache.get(key)
    assert reply is None or reply.text == REPLY.text
    cache.put(key, REPLY)
    assert cache.get(key) is not None


def test_an_entry_that_was_moved_to_another_key_is_a_miss(cache: ReplyCache, tmp_path: Path) -> None:
    cache.put("ab" * 32, REPLY)
    (path,) = (tmp_path / "cache" / "language").rglob("*.json")
    path.rename(path.with_name(f"{'ab' * 31}ac.json"))
    assert cache.get("ab" * 31 + "ac") is None
