"""What is left out of a picture, and never what belongs to it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creative_lab.looks.negatives import PREFIX, Candidate, choose, merged, noun_phrase, tokens
from creative_lab.looks.words import count_words, lemma, lemmas

OWN = ["Ilse Varga", "Plaster and Ink", "Ink black", "Harbour coat", "coat", "Proof tee", "t-shirt", "trainers"]


def kept(*phrases: str, cap: int = 12, limit: int = 480, prompt: str = "a look") -> list[str]:
    found = choose(
        [Candidate(text, "manifest") for text in phrases],
        own=OWN, cap=cap, most_words=5, prompt=prompt, token_limit=limit,
    )  # fmt: skip
    return found.phrases


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("No sunglasses.", "sunglasses"),
        ("do not show any umbrellas", "umbrellas"),
        ("the oversized paper fans", "oversized paper fans"),
        ("a hat with a very wide brim", None),
        ("models should not smile", None),
        ("hats; gloves", None),
        ("", None),
        ("of the", None),
        ("without", None),
    ],
)
def test_only_short_concrete_noun_phrases_are_taken(text: str, phrase: str | None) -> None:
    assert noun_phrase(text, most_words=5) == phrase


@pytest.mark.parametrize(
    "phrase",
    ["black coats", "long coats", "Coat", "harbours", "T-shirts", "tees", "sneakers", "ink stains", "overcoats"],
)
def test_nothing_is_excluded_that_shares_a_base_form_with_the_look_s_own_entities(phrase: str) -> None:
    assert kept(phrase) == []


def test_phrases_that_say_the_same_stand_once_and_the_list_is_capped() -> None:
    assert kept("hats", "a hat", "no Hats", "wide hats") == ["hats", "wide hats"]
    assert len(kept(*(f"odd thing{letter}" for letter in "bcdfghjklmnpqrtvwxz"))) == 12
    assert kept("hats", "gloves", cap=0) == []


def test_the_suffix_is_one_sentence_cut_between_phrases_within_the_budget() -> None:
    candidates = [Candidate(f"strange thing{letter}", "kill_phrase") for letter in "bcdfghjk"]
    found = choose(candidates, own=[], cap=12, most_words=5, prompt="word " * 10, token_limit=30)
    assert 0 < len(found.phrases) < 8
    assert tokens("word " * 10) + tokens(found.suffix) <= 30
    assert found.suffix.startswith(f"{PREFIX} strange thing")
    assert found.suffix.count(PREFIX) == 1
    assert found.suffix == f"{PREFIX} {', '.join(found.phrases)}."
    assert found.sources["kill_phrase"]["budget"] == 8 - len(found.phrases)
    assert merged("A look.", "") == "A look."
    assert merged("A look.", found.suffix).endswith(found.suffix)


def test_the_tally_says_what_became_of_every_phrase() -> None:
    found = choose(
        [Candidate("hats", "kill_phrase"), Candidate("hat", "manifest"), Candidate("coats", "manifest"),
         Candidate("they should stand", "manifest")],
        own=OWN, cap=12, most_words=5, prompt="", token_limit=480,
    )  # fmt: skip
    assert found.sources == {
        "kill_phrase": {"offered": 1, "kept": 1},
        "manifest": {"offered": 3, "kept": 0, "twice": 1, "own_entity": 1, "no_phrase": 1},
    }


@given(st.lists(st.text(max_size=40), max_size=20))
def test_no_phrase_of_any_origin_breaks_the_rules(texts: list[str]) -> None:
    for phrase in kept(*texts):
        assert 1 <= count_words(phrase) <= 5
        assert not set(lemmas(phrase)) & {base for text in OWN for base in lemmas(text)}
        assert "," not in phrase


def test_base_forms_of_the_words_of_fashion() -> None:
    assert [lemma(word) for word in ("Coats", "dresses", "scarves", "bodies", "jeans", "trousers", "dress", "bus")] == [
        "coat", "dress", "scarf", "body", "jeans", "trousers", "dress", "bus",
    ]  # fmt: skip
