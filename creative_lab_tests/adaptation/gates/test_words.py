"""Counting and comparing words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creative_lab.adaptation.gates.locale_text import loose_value, market
from creative_lab.adaptation.gates.syllables import ceiling, spoken
from creative_lab.adaptation.gates.words import count_words, edit_distance, find_term, inflections, says

WORDS = st.text("abcdeé", max_size=7)


@given(WORDS, WORDS)
def test_edit_distance_is_symmetric_and_zero_only_for_equals(left: str, right: str) -> None:
    assert edit_distance(left, right) == edit_distance(right, left)
    assert (edit_distance(left, right) == 0) == (left == right)


@given(WORDS.filter(bool), st.data())
def test_one_slip_of_the_pen_is_at_distance_one(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(word) - 1))
    assert edit_distance(word, word[:at] + word[at + 1 :]) == 1
    assert edit_distance(word, word[:at] + "z" + word[at:]) == 1
    swapped = word[:at] + word[at : at + 2][::-1] + word[at + 2 :]
    assert edit_distance(word, swapped) <= 1


@pytest.mark.parametrize(
    ("word", "form"),
    [
        ("cheap", "cheapest"),
        ("race", "racing"),
        ("worry", "worries"),
        ("stop", "stopped"),
        ("rush", "rushes"),
        ("boot", "boots"),
    ],
)
def test_regular_english_endings_are_known(word: str, form: str) -> None:
    assert form in inflections(word)


def test_a_term_is_found_as_a_whole_word_only() -> None:
    assert find_term("light snack", "A Light-Snack for all") == "Light-Snack"
    assert find_term("race", "embrace grace") is None
    assert find_term("絶対", "これは絶対です") == "絶対"
    assert find_term("خمر", "لا للخمر", "ar") == "للخمر"
    assert find_term("risikolos", "eine risikolose Anlage", "de") == "risikolose"
    assert find_term("قمار", "كل القمار هنا", "ar") == "القمار"


def test_words_are_compared_without_punctuation() -> None:
    assert says("Big day: small change, big day!", "Small change. Big day.")
    assert not says("Smaller changes. Big day.", "Small change. Big day.")
    assert says("これはVeldane Orrin。", "Veldane Orrin")


@pytest.mark.parametrize(
    ("text", "words"),
    [("From $27,900 on", 3), ("Don't stop, e-bike", 3), ("日曜日。同点。", 2.5), ("", 0), ("Veldane の車", 2)],
)
def test_words_on_screen_are_counted_as_read(text: str, words: float) -> None:
    assert count_words(text) == words


@pytest.mark.parametrize(
    ("text", "language", "syllables"),
    [
        ("Nobody saves for this all at once.", "en", 9),
        ("The little table moved.", "en", 6),
        ("Nehmen Sie den langen Weg nach Hause.", "de", 10),
        ("La ciudad está aquí.", "es", 8),
        ("ひとつだけは、むり。", "ja", 8),
        ("チョコレート", "ja", 5),
        ("慢慢来", "zh", 3),
        ("천천히", "ko", 3),
        ("Молоко и хлеб", "ru", 5),
        ("12 miles", "en", 3),
        ("in 1984", "en", 6),
    ],
)
def test_syllables_are_counted_as_spoken(text: str, language: str, syllables: float) -> None:
    assert spoken(text, language).syllables == pytest.approx(syllables, abs=1)


def test_what_can_not_be_counted_exactly_says_so() -> None:
    assert spoken("مرحبا", "ar").estimated
    assert spoken("漢字", "ja").estimated
    assert not spoken("かな", "ja").estimated
    assert ceiling("ja") == (6.97, False)
    assert ceiling("nl")[1]


@given(st.decimals(min_value=0, max_value=10**7, places=2))
@pytest.mark.parametrize("place", [("en", "GB"), ("de", "DE"), ("en", "IN"), ("fr", "FR"), ("en", "ZA"), ("ja", "JP")])
def test_a_number_that_a_market_writes_is_accepted_and_read_back(place: tuple[str, str], value) -> None:
    here = market(*place)
    written = here.write(value, 2)
    assert here.accepts(written)
    assert here.value(written) == value
    assert loose_value(written) == value
