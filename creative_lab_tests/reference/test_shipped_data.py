"""The shipped reference data obeys every rule and survives a round trip."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from creative_lab.reference import selectors
from creative_lab.reference.exporting import export_directory
from creative_lab.reference.importing import import_directory
from creative_lab.reference.insights import compose_insights_as_markdown, subject_of
from creative_lab.reference.spots import import_spot
from creative_lab.settings import Settings
from creative_lab.state import db
from creative_lab.state.models import Campaign, Target


def test_the_shipped_data_imports_twice_without_a_change_or_a_warning(reference_lab: Settings) -> None:
    with db.session_scope(reference_lab) as session:
        report = import_directory(session, reference_lab.data_dir / "reference")
    assert (report.created, report.updated, report.warnings) == (0, 0, [])
    assert report.unchanged > 100


def test_the_shipped_data_survives_export_and_import(
    reference_lab: Settings, postgres_url: str, tmp_path: Path
) -> None:
    with db.session_scope(reference_lab) as session:
        written = export_directory(session, tmp_path / "first")
    other = Settings(postgres_url=postgres_url, home=tmp_path)
    db.upgrade(other)
    with db.session_scope(other) as session:
        import_directory(session, tmp_path / "first")
        export_directory(session, tmp_path / "second")
    db.dispose(other)
    for path in written:
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes(), path.name


def test_no_region_offers_a_language_that_none_of_its_countries_speaks(reference_lab: Settings) -> None:
    with db.session_scope(reference_lab) as session:
        for region in selectors.regions(session):
            offered = {language.code for language in selectors.languages_of(session, region_code=region.code)}
            spoken = {
                language.code
                for country in selectors.countries_of(session, region.code)
                for language in selectors.languages_of(session, country.code)
            }
            assert offered == spoken
            if region.code == "DACH":
                assert offered and not any(code.startswith("ja") for code in offered)


def test_every_active_target_has_a_language_and_something_to_say(reference_lab: Settings) -> None:
    with db.session_scope(reference_lab) as session:
        targets = session.scalars(select(Target).where(Target.is_active)).all()
        assert len(targets) >= 4
        for target in targets:
            assert target.effective_language is not None, target.code
            text = compose_insights_as_markdown(subject_of(target))
            assert text.startswith("# Insights: ") and text.count("\n## ") >= 1, target.code


def test_the_sample_spots_import_with_their_brands(reference_lab: Settings) -> None:
    spots = sorted((reference_lab.data_dir / "spots").glob("*.json"))
    with db.session_scope(reference_lab) as session:
        for path in spots:
            report = import_spot(session, path)
            assert report.warnings == (), path.name
        campaigns = session.scalars(select(Campaign)).all()
        assert len(campaigns) == len(spots) >= 3
        assert all(campaign.brand is not None and campaign.origin is not None for campaign in campaigns)
