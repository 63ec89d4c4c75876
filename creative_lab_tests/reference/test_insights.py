"""Composition of insights: exact texts."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from creative_lab.reference.importing import import_directory
from creative_lab.reference.insights import (
    Place,
    Subject,
    Trait,
    compose_insights,
    compose_insights_as_markdown,
    market_insight_rows,
    persona_insight_rows,
    render_insights,
    subject_of,
    target_title,
)
from creative_lab.settings import Settings
from creative_lab.state import db
from creative_lab.state.models import AdUnit, Campaign, Persona, Target
from creative_lab_tests.reference import sample


def _block(heading: str, *points: str) -> dict[str, object]:
    return {"heading": heading, "points": list(points)}


FULL = Subject(
    persona="Lena",
    region=Place("DACH", [_block("Media", "TV still leads", "Streaming grows")]),
    country=Place("Austria", [_block("Tone", "Polite, dry"), _block("Law", "No comparative claims")]),
    language=Place("Austrian German", [_block("Words", "Sackerl, not Tüte")]),
    traits=[
        Trait("PSYCHOGRAPHIC", "values", "thrift", [_block("Proof", "Show the price")]),
        Trait("BEHAVIORAL", "shopping", "bargain", [_block("Habits", "Reads leaflets")]),
        Trait("BEHAVIORAL", "media", "radio", [_block("Radio", "Mornings")]),
        Trait("BEHAVIORAL", "media", "cinema", [_block("Never seen", "x")], is_active=False),
        Trait("DEMOGRAPHIC", "age", "30–44", []),
    ],
)

FULL_MARKDOWN = """\
# Insights: Lena – DACH / Austria (Austrian German)

## Region: DACH

### Media
- TV still leads
- Streaming grows

## Country: Austria

### Tone
- Polite, dry

### Law
- No comparative claims

## Language: Austrian German

### Words
- Sackerl, not Tüte

## Behavioral: media → radio

### Radio
- Mornings

## Behavioral: shopping → bargain

### Habits
- Reads leaflets

## Psychographic: values → thrift

### Proof
- Show the price
"""


def test_a_document_with_all_levels_reads_from_the_widest_to_the_narrowest() -> None:
    assert compose_insights_as_markdown(FULL) == FULL_MARKDOWN


def test_the_list_names_each_source_and_leaves_out_empty_levels_and_inactive_segments() -> None:
    assert compose_insights(FULL) == [
        {"source": "Region: DACH", "markdown": "### Media\n- TV still leads\n- Streaming grows"},
        {"source": "Country: Austria", "markdown": "### Tone\n- Polite, dry\n\n### Law\n- No comparative claims"},
        {"source": "Language: Austrian German", "markdown": "### Words\n- Sackerl, not Tüte"},
        {"source": "Behavioral: media → radio", "markdown": "### Radio\n- Mornings"},
        {"source": "Behavioral: shopping → bargain", "markdown": "### Habits\n- Reads leaflets"},
        {"source": "Psychographic: values → thrift", "markdown": "### Proof\n- Show the price"},
    ]
    sparse = Subject(region=Place("DACH"), country=Place("Austria", [_block("Tone", "Dry")]))
    assert [level["source"] for level in compose_insights(sparse)] == ["Country: Austria"]


def test_nothing_known_gives_an_empty_document() -> None:
    assert compose_insights_as_markdown(Subject()) == ""
    assert compose_insights_as_markdown(Subject(persona="Lena", region=Place("DACH"))) == ""
    assert compose_insights_as_markdown(Subject(country=Place("Austria", [{"points": ["no heading"]}]))) == ""


def test_a_block_without_a_heading_is_skipped_and_line_breaks_stay_inside_their_point() -> None:
    blocks = [{"points": ["lost"]}, _block("", "lost"), _block("Kept\n## not a section", "one\ntwo"), _block("Bare")]
    assert render_insights(blocks) == "### Kept ## not a section\n- one two\n\n### Bare"


@pytest.mark.parametrize(
    ("subject", "title"),
    [
        (Subject(persona="Lena"), "Lena"),
        (Subject(persona="Lena", country=Place("Austria")), "Lena – Austria"),
        (Subject(persona="Lena", language=Place("German")), "Lena – German"),
        (Subject(region=Place("DACH"), country=Place("Austria")), "DACH / Austria"),
        (Subject(country=Place("Austria"), language=Place("German")), "Austria (German)"),
        (Subject(language=Place("German")), "German"),
        (Subject(), "General audience"),
    ],
)
def test_the_title_names_what_is_known_of_the_target(subject: Subject, title: str) -> None:
    assert target_title(subject) == title


def test_targets_personas_and_ad_units_of_the_database_compose_alike(migrated_lab: Settings, tmp_path: Path) -> None:
    content = sample.data()
    content["countries"][1]["insights"] = [_block("Tone", "Dry")]
    with db.session_scope(migrated_lab) as session:
        import_directory(session, sample.write(tmp_path / "data", content))
        persona = session.scalars(select(Persona).where(Persona.name == "Lena")).one()
        target = session.scalars(select(Target).where(Target.code == "lena")).one()
        unit = AdUnit(campaign=Campaign(job_id="j"), origin_or_adaptation="ORIGIN", code="ORIGIN", title="t")
        assert compose_insights_as_markdown(subject_of(unit)) == ""
        unit.fill_from_persona(persona)
        expected = (
            "# Insights: Lena – German-speaking Europe / Austria (Austrian German)\n\n"
            "## Region: German-speaking Europe\n\n### Tone\n- Plain words\n- No superlatives\n\n"
            "## Country: Austria\n\n### Tone\n- Dry\n\n"
            "## Demographic: age → 30–44\n\n### Tone\n- Plain words\n- No superlatives\n"
        )
        assert compose_insights_as_markdown(subject_of(target)) == expected
        assert compose_insights_as_markdown(subject_of(persona)) == expected
        assert compose_insights_as_markdown(subject_of(unit)) == expected
        markets = [(row.level, row.code) for row in market_insight_rows(session)]
        assert markets == [("region", "DACH"), ("country", "AT"), ("country", "DE")]
        audiences = {(row.level, row.code): row.markdown for row in persona_insight_rows(session)}
        assert audiences == {
            ("segment", "DEMOGRAPHIC/age/30–44"): "### Tone\n- Plain words\n- No superlatives",
            ("persona", "Lena"): expected,
        }
