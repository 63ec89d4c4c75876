"""What a person may choose next."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from creative_lab.reference import selectors
from creative_lab.reference.importing import import_directory
from creative_lab.settings import Settings
from creative_lab.state import db
from creative_lab.state.models import Country, Persona, Segment
from creative_lab_tests.reference import sample


@pytest.fixture
def filled_lab(migrated_lab: Settings, tmp_path: Path) -> Settings:
    with db.session_scope(migrated_lab) as session:
        import_directory(session, sample.write(tmp_path / "data", sample.data()))
    return migrated_lab


def test_a_german_region_never_offers_a_japanese_language(filled_lab: Settings) -> None:
    with db.session_scope(filled_lab) as session:
        offered = [language.code for language in selectors.languages_of(session, region_code="DACH")]
        assert offered == ["de-AT", "de-DE"]
        for country in selectors.countries_of(session, "DACH"):
            for language in selectors.languages_of(session, country.code):
                assert language.base_language == "de"
        assert [language.code for language in selectors.languages_of(session, "JP", region_code="DACH")] == []


def test_a_region_filters_countries_and_a_country_filters_languages_primary_first(filled_lab: Settings) -> None:
    with db.session_scope(filled_lab) as session:
        assert [region.code for region in selectors.regions(session)] == ["APAC", "EU", "DACH"]
        assert [country.code for country in selectors.countries_of(session, "DACH")] == ["AT", "DE"]
        assert [country.code for country in selectors.countries_of(session)] == ["AT", "DE", "JP", "NZ"]
        assert [language.code for language in selectors.languages_of(session, "AT")] == ["de-AT", "de-DE"]
        assert len(selectors.languages_of(session)) == 4
        assert selectors.countries_of(session, "MARS") == []


def test_what_is_switched_off_is_not_offered(filled_lab: Settings) -> None:
    with db.session_scope(filled_lab) as session:
        session.scalars(select(Country).where(Country.code == "DE")).one().is_active = False
        session.flush()
        assert [country.code for country in selectors.countries_of(session, "DACH")] == ["AT"]
        assert [language.code for language in selectors.languages_of(session, region_code="EU")] == []
        assert selectors.values_of(session, "BEHAVIORAL", "shopping") == ["bargain"]


def test_a_category_gives_its_vectors_and_a_vector_its_values(filled_lab: Settings) -> None:
    with db.session_scope(filled_lab) as session:
        assert selectors.vectors_of(session, "BEHAVIORAL") == ["media", "shopping"]
        assert selectors.values_of(session, "DEMOGRAPHIC", "age") == ["30–44"]
        assert selectors.vectors_of(session, "PSYCHOGRAPHIC") == []


def test_a_segment_is_added_to_a_persona_once_and_taken_away(filled_lab: Settings) -> None:
    with db.session_scope(filled_lab) as session:
        persona = session.scalars(select(Persona).where(Persona.name == "Lena")).one()
        segment = session.scalars(select(Segment).where(Segment.value == "streaming")).one()
        assert [found.value for found in persona.segments] == ["bargain", "30–44"]
        assert selectors.add_segment(session, persona, segment) is True
        assert selectors.add_segment(session, persona, segment) is False
        assert [found.value for found in persona.segments] == ["streaming", "bargain", "30–44"]
        assert selectors.remove_segment(session, persona, segment) is True
        assert selectors.remove_segment(session, persona, segment) is False
    with db.session_scope(filled_lab) as session:
        persona = session.scalars(select(Persona).where(Persona.name == "Lena")).one()
        assert [found.value for found in persona.segments] == ["bargain", "30–44"]
