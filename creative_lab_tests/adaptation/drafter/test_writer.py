"""The writer by rule on the sample spots, on strangers' spots, and on anything at all."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from creative_lab.adaptation.drafter.culture import research
from creative_lab.adaptation.drafter.engine import Engine
from creative_lab.adaptation.drafter.planning import plan
from creative_lab.adaptation.drafter.writer import write
from creative_lab.adaptation.schemas import (
    AdaptationContext,
    AdaptationOutput,
    BrandFacts,
    OriginScript,
    PersonaFacts,
    ScriptRow,
)
from creative_lab.adaptation.script_elements import parse_audio, parse_visual
from creative_lab_tests.adaptation.drafter.markets import DATA, ENGLISH, SPOTS, brand, context, origin, script

GOLDEN = {
    ("the-long-way-home", "GB"): [
        (0, "SFX: Studded boots on tarmac. A lone whistle, far off."),
        (2, 'VO: "It\'s 12 miles home from the secondary school."'),
        (4, 'SUPER: "Filmed on a closed road with a professional driver."'),
        (5, 'DIALOGUE (Isla): "Dad? I\'m going for trials again next autumn."'),
        (6, 'DIALOGUE (Dad): "Then we\'re getting chips."'),
        (7, 'TITLE: "Veldane Orrin. Take the long way home."'),
        (7, 'SUPER: "From £20,900 OTR"'),
    ],
    ("the-long-way-home", "AU"): [
        (2, 'VO: "It\'s 20 kilometres home from the high school."'),
        (3, 'VO: "Dad knows a road that makes it 50 kilometres."'),
        (4, 'SUPER: "Filmed under controlled conditions. Always obey road rules."'),
        (7, 'SUPER: "From $42,400 drive away"'),
    ],
    ("the-long-way-home", "IN"): [(7, 'SUPER: "From ₹24,70,000 ex-showroom"')],
    ("just-one", "IE"): [
        (0, 'SUPER: "St Stephen\'s Day. Scores level."'),
        (0, 'DIALOGUE (TV commentator): "Last kick of the match!"'),
        (4, 'SUPER: "Enjoy as part of a balanced diet and active lifestyle."'),
        (4, 'VO: "Biddlebop hand-cooked crisps. You can\'t sneak just one. €3.49 at your supermarket."'),
    ],
    ("just-one", "CA"): [
        (0, 'SUPER: "Thanksgiving. Tie game."'),
        (4, 'VO: "Biddlebop kettle chips. You can\'t sneak just one. $5.49 at your grocery store."'),
    ],
    ("small-change", "ZA"): [
        (7, 'VO: "SaveAlong rounds up every purchase to the next ten rand, and saves the change."'),
        (0, 'DIALOGUE (Thabo): "Mom. It\'s varsity."'),
        (11, 'SUPER: "0800 000 000"'),
    ],
    ("small-change", "NZ"): [
        (2, 'SUPER: "Nappies. Change saved: $0.60"'),
        (5, 'VO: "Candyfloss on New Year\'s Eve."'),
        (6, 'VO: "And petrol, for every away game within 150 kilometres."'),
        (8, 'VO: "Open a Wrenmoor everyday account with just $40."'),
    ],
    ("small-change", "SG"): [
        (5, 'VO: "Candy floss on National Day."'),
        (8, 'SUPER: "Deposits insured up to S$100,000 by SDIC."'),
    ],
}


@pytest.mark.parametrize(("spot", "country"), GOLDEN)
def test_a_sample_spot_reads_as_written_in_the_market(spot: str, country: str) -> None:
    rows = write(context(spot, country), None).script_rows
    for index, line in GOLDEN[spot, country]:
        assert line in f"{rows[index].visual_text}\n{rows[index].audio_text}".split("\n")


@pytest.mark.parametrize("spot", SPOTS)
@pytest.mark.parametrize("country", ENGLISH)
def test_every_market_gets_its_legal_line_and_keeps_shape_and_names(spot: str, country: str) -> None:
    facts = context(spot, country)
    draft = write(facts, research(facts, None))
    assert facts.brand is not None
    assert draft.language == facts.target_language and draft.visual_style_prompt.strip()
    shown = [e.text for row in draft.script_rows for e in parse_visual(row.visual_text) if e.shown]
    assert facts.brand.legal_lines[country] in shown
    assert (
        facts.brand.legal_lines["US"] not in shown or facts.brand.legal_lines["US"] == facts.brand.legal_lines[country]
    )
    before, after = facts.origin.script_rows, draft.script_rows
    assert [_frame(row) for row in before] == [_frame(row) for row in after]
    for name in facts.brand.do_not_translate:
        said = [_unlegal(row, facts.brand) for row in (*before, *after)]
        assert [name in text for text in said[: len(before)]] == [name in text for text in said[len(before) :]]


def _unlegal(row: ScriptRow, facts: BrandFacts) -> str:
    text = _text(row)
    for line in facts.legal_lines.values():
        text = text.replace(line, "")
    return text


def _frame(row: ScriptRow) -> tuple[str, str | None, float | None]:
    return row.shot_number, row.timecode_start, row.duration_seconds


def _text(row: ScriptRow) -> str:
    return f"{row.visual_text}\n{row.audio_text}"


@pytest.mark.parametrize("spot", SPOTS)
def test_a_spot_for_its_own_market_is_not_changed(spot: str) -> None:
    facts = context(spot, "US")
    assert write(facts, research(facts, None)).script_rows == facts.origin.script_rows


@pytest.mark.parametrize("spot", SPOTS)
@pytest.mark.parametrize("country", ENGLISH)
def test_adapting_an_adapted_spot_for_its_market_changes_nothing_more(spot: str, country: str) -> None:
    facts = context(spot, country)
    draft = write(facts, None)
    assert write(_at_home(facts, draft), None).script_rows == draft.script_rows


def _at_home(facts: AdaptationContext, draft: AdaptationOutput) -> AdaptationContext:
    """The draft as a spot of its own market."""
    origin_script = facts.origin.model_copy(update={"script_rows": draft.script_rows, "language": draft.language})
    update = {"origin": origin_script, "origin_country": facts.country_code, "origin_pack": facts.target_pack}
    return facts.model_copy(update=update)


def test_a_rewrite_without_findings_gives_the_same_draft() -> None:
    facts = context("just-one", "GB")
    draft = write(facts, None)
    assert write(facts, None, draft, {"gate": "format_gate", "findings": []}).script_rows == draft.script_rows


def test_a_finding_that_says_what_to_write_is_applied_and_one_that_does_not_is_named() -> None:
    facts = context("just-one", "GB")
    draft = write(facts, None)
    feedback = {
        "gate": "culture_gate",
        "findings": [
            {"severity": "major", "check": "word", "row": 4, "location": "script_rows[4].audio_text",
             "description": "“supermarket” is too plain.", "suggestion": "Write “corner shop”."},
            {"severity": "major", "check": "humour", "row": 2, "location": "script_rows[2]",
             "description": "The joke falls flat.", "suggestion": "Find a better joke."},
        ],
    }  # fmt: skip
    rewritten = write(facts, None, draft, feedback)
    assert "at your corner shop." in rewritten.script_rows[4].audio_text
    assert rewritten.script_rows[2] == draft.script_rows[2]
    assert "Feedback applied: word" in rewritten.reasoning
    assert "Feedback that no rule can apply: humour" in rewritten.reasoning


def test_the_writer_follows_the_cultural_brief_and_not_its_own_plan() -> None:
    facts = context("just-one", "GB")
    brief = research(facts, None)
    brief.substitutions = [item for item in brief.substitutions if item.original != "Thanksgiving"]
    brief.substitutions.append(
        type(brief.substitutions[0])(original="Thanksgiving", replacement="Cup final day", rationale="x")
    )
    assert 'SUPER: "Cup final day. Scores level."' in write(facts, brief).script_rows[0].visual_text


def test_a_persona_changes_a_few_words_and_says_why() -> None:
    saver = PersonaFacts(name="Sceptical saver", segments=["Psychographic: attitude to brands → sceptical"])
    draft = write(context("small-change", "GB", persona=saver), None)
    assert 'VO: "Open a Wrenmoor current account with £20."' in draft.script_rows[8].audio_text
    assert "sober register" in draft.reasoning
    student = PersonaFacts(name="Student", segments=["Demographic: life stage → student"])
    assert (
        'VO: "Nobody saves for this all in one go."'
        in write(context("small-change", "GB", persona=student), None).script_rows[1].audio_text
    )


def test_a_persona_without_a_reason_to_change_the_copy_changes_nothing() -> None:
    plain = write(context("the-long-way-home", "GB"), None).script_rows
    curious = PersonaFacts(name="Left-handed stamp collector", description="Collects stamps.")
    assert write(context("the-long-way-home", "GB", persona=curious), None).script_rows == plain


def test_a_missing_legal_line_is_shown_on_a_row_that_stands_long_enough() -> None:
    facts = BrandFacts(code="b", name="B", legal_lines={"GB": "Terms apply to new customers."})
    spot = context(script(("A bank.", "SFX: rain"), ("A door.", 'VO: "Come in."')), "GB", brand_facts=facts)
    rows = write(spot, None).script_rows
    assert rows[1].visual_text == 'A door.\nSUPER: "Terms apply to new customers."'
    spot.origin.script_rows[1].duration_seconds = 1
    assert "Terms apply" in write(spot, None).script_rows[0].visual_text


def test_an_origins_legal_line_does_not_travel_to_a_market_that_has_none() -> None:
    facts = BrandFacts(code="b", name="B", legal_lines={"US": "Member FDIC."})
    spot = context(script(('A bank.\nSUPER: "Member FDIC."', 'VO: "Come in."')), "GB", brand_facts=facts)
    draft = write(spot, None)
    assert draft.script_rows[0].visual_text == "A bank."
    assert "No legal line is on file for the United Kingdom" in draft.reasoning


def test_speech_that_grows_too_long_is_tightened() -> None:
    words = (
        "It is really very good and we will absolutely drive sixty miles to the center of it, you are going to love it"
    )
    spot = context(script(("A road.", f'VO: "{words}"'), ("A door.", 'VO: "Go."')), "AU")
    said = parse_audio(write(spot, None).script_rows[0].audio_text)[0].text
    assert said.startswith("It's") and "absolutely" not in said and "you're" in said


def test_speech_that_no_rule_can_save_is_handed_to_a_person() -> None:
    spot = context(script(("A road.", f'VO: "{"unbelievable kilometre " * 12}"'), ("A door.", 'VO: "Go."')), "GB")
    assert "a person must cut" in write(spot, None).reasoning


def test_another_language_is_refused_honestly() -> None:
    facts = context("the-long-way-home", "DE")
    draft = write(facts, research(facts, None))
    assert draft.language == "en-US"
    assert "The offline drafter cannot translate from English (en-US) to German (de-DE)." in draft.reasoning
    before = [[e.text for e in parse_audio(r.audio_text) if e.spoken] for r in facts.origin.script_rows]
    assert [[e.text for e in parse_audio(r.audio_text) if e.spoken] for r in draft.script_rows] == before


@pytest.mark.parametrize("name", ["two-rows", "forty-rows"])
def test_a_strangers_spot_adapts_with_any_number_of_rows(name: str) -> None:
    entry = json.loads((DATA / f"spots/examples/{name}.json").read_text(encoding="utf-8"))
    rows = [
        ScriptRow(shot_number=row.get("shot_number") or f"{number:02d}", timecode_start=row.get("timecode_start"),
                  duration_seconds=row.get("duration_seconds"), visual_text=row["visual_text"],
                  audio_text=row["audio_text"])
        for number, row in enumerate(entry["script_rows"], 1)
    ]  # fmt: skip
    spot = OriginScript(
        client_name=entry["client_name"], brand_name=None, script_title=entry["script_title"], language="en-US",
        total_runtime_seconds=entry["total_runtime_seconds"], script_rows=rows,
    )  # fmt: skip
    draft = write(context(spot, "GB"), None)
    assert [_frame(row) for row in draft.script_rows] == [_frame(row) for row in rows]
    whole = "\n".join(_text(row) for row in draft.script_rows)
    assert not re.search(r"\b(?:sidewalk|cookies|takeout|trucks)\b", whole)
    assert ("pavement" in whole and "6:30 am" in whole) if name == "two-rows" else ("2,800 miles" in whole)


def test_a_british_spot_travels_to_america() -> None:
    spot = script(
        ("A lorry on the motorway, drivers on the right-hand side of the road.",
         'VO: "Colourful jumpers from £4.99 until 31/12/2026. Ring 0808 157 0123."'),
        language="en-GB",
    )  # fmt: skip
    rows = write(context(spot, "US", origin_country="GB"), None).script_rows
    assert rows[0].visual_text.startswith("A truck on the highway")
    assert rows[0].audio_text == 'VO: "Colorful sweaters from $6.49 until 12/31/2026. Ring 1-800-555-0199."'


_COPY = st.lists(
    st.sampled_from(
        ["Thanksgiving", "$19.99", "12 miles", "fall", "color", "Veldane", "Orrin", "truck", "mom", "July 4", "58°F",
        "it is",
         "\n", 'VO: "', 'SUPER: "', '"', "(note)", "1-800-555-0199", "a", "The", ".", "!", "cookies", "Madison",
         "SFX:", "/"]
    )
    | st.text(alphabet="abc .,!?\"'“”()\n:;/-é中$£%°0123456789", max_size=8),
    max_size=14,
).map(" ".join)  # fmt: skip


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(_COPY, _COPY), min_size=1, max_size=4), st.sampled_from(["GB", "AU", "IN", "SG"]))
def test_any_script_keeps_its_rows_timecodes_and_protected_names(rows: list[tuple[str, str]], country: str) -> None:
    facts = context(script(*rows), country, brand_facts=brand("veldane"))
    assert facts.brand is not None
    facts.brand.required_words.clear()
    draft = write(facts, None)
    assert [_frame(row) for row in draft.script_rows] == [_frame(row) for row in facts.origin.script_rows]
    for before, after in zip(facts.origin.script_rows, draft.script_rows, strict=True):
        for name in ("Veldane", "Orrin"):
            assert len(re.findall(name, _text(before))) == len(re.findall(name, _text(after)))
    assert AdaptationOutput.model_validate_json(draft.model_dump_json()) == draft


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(_COPY, _COPY), min_size=1, max_size=4), st.sampled_from(["GB", "AU", "ZA"]))
def test_any_adapted_script_is_settled_in_its_market(rows: list[tuple[str, str]], country: str) -> None:
    student = PersonaFacts(name="Student", segments=["Demographic: life stage → student"])
    facts = context(script(*rows), country, persona=student, brand_facts=brand("veldane"))
    draft = write(facts, None)
    assert write(_at_home(facts, draft), None).script_rows == draft.script_rows


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(_COPY, _COPY), min_size=1, max_size=4))
def test_any_script_is_left_as_it_is_by_the_rules_for_its_own_market(rows: list[tuple[str, str]]) -> None:
    facts = context(script(*rows), "US")
    made = plan(facts)
    adapted, changes = Engine(facts, tuple(made.swaps)).rows(facts.origin.script_rows)
    assert adapted == facts.origin.script_rows and changes == [] and made.swaps == []


def test_the_sample_spots_are_the_ones_that_ship() -> None:
    assert [origin(spot)[0].script_title for spot in SPOTS] == ["The Long Way Home", "Just One", "Small Change"]
