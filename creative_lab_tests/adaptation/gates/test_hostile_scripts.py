"""Whatever a writer sends, a gate answers, and soon."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creative_lab.adaptation.schemas import GATES, Finding
from creative_lab_tests.adaptation.drafter import markets
from creative_lab_tests.adaptation.gates.scripts import draft_of, facts, judge, spot

BRAND = {"do_not_translate": ["Orbit"], "banned_words": ["cheap"], "guidelines": "Never 'good for you'."}
FORMATS = [
    "$4.99",
    "€5",
    "12 km",
    "1,250.5",
    "12/25/2026",
    "(212) 555-0147",
    "December 25",
    "１２",
    "9" * 40,
    "one two",
]
SIGNS = ["VO:", 'SUPER: "', '"', "(", ")", "\n", "Kestavo", "fall", "漢字", "مرحبا", "{x}", "**", "\u200b", "%", "'"]
PIECES = st.sampled_from([*FORMATS, *SIGNS])
TEXT = st.lists(st.one_of(PIECES, st.text(max_size=12)), max_size=12).map(" ".join)


@settings(max_examples=60)
@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=3), TEXT, st.sampled_from(["GB", "DE", "JP", "IN", "AE"]))
def test_any_text_gets_findings_and_no_error(rows: list[tuple[str, str]], style: str, country: str) -> None:
    context = markets.context(spot(*rows), country, brand_facts=facts(**BRAND))
    draft = draft_of(context, visual_style_prompt=style)
    for gate in GATES:
        found = judge(gate, draft, context)
        assert all(isinstance(item, Finding) and item.location for item in found)
        assert all(item.row is None or 0 <= item.row < len(rows) for item in found)


@pytest.mark.parametrize("count", [2, 40])
def test_a_script_of_few_or_many_rows_without_any_timing_is_checked(count: int) -> None:
    rows = [("A street.", 'VO: "Hello out there."')] * count
    origin = spot(*rows)
    bare = [row.model_copy(update={"timecode_start": None, "duration_seconds": None}) for row in origin.script_rows]
    context = markets.context(origin.model_copy(update={"script_rows": bare}), "GB", brand_facts=facts())
    assert [item for gate in GATES for item in judge(gate, draft_of(context), context)] == []


@pytest.mark.parametrize("words", ["1 " * 2000, "1,1" * 1500, "one two " * 1000, "a" * 8000, "$1" * 1500, "'a " * 1500])
def test_long_runs_of_one_thing_do_not_stall_a_gate(words: str) -> None:
    """A pattern that backtracks without bounds would run into the suite's time limit here."""
    context = markets.context(spot((f'Sky.\nSUPER: "{words}"', f'VO: "{words}"')), "GB", brand_facts=facts(**BRAND))
    assert [judge(gate, draft_of(context), context) for gate in GATES]
