"""The rules of the data, held by the database itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from creative_lab.settings import Settings
from creative_lab.state import db
from creative_lab.state.chains import origins_of_adaptations
from creative_lab.state.models import (
    AdUnit,
    AdUnitScriptRow,
    Brand,
    Campaign,
    Country,
    CountryRegion,
    Language,
    LanguageAlternativeModel,
    LLMModel,
    Persona,
    PersonaSegment,
    PipelineSettings,
    PromptTemplate,
    Region,
    Segment,
    Target,
    WVSProfile,
)


@pytest.fixture
def session(shared_lab: Settings) -> Iterator[Session]:
    """A session over a small world, never committed."""
    with Session(db.engine(shared_lab)) as session:
        model = LLMModel(model_id="lab/one", name="One")
        german = Language(code="de-DE", name="German", base_language="de", primary_model=model)
        germany = Country(code="DE", name="Germany", default_language=german)
        europe = Region(code="EU", name="Europe")
        segment = Segment(category="BEHAVIORAL", vector="shopping", value="bargain")
        lena = Persona(name="Lena", region=europe, country=germany, language=german)
        brand = Brand(code="acme", name="Acme")
        campaign = Campaign(job_id="J1", spot_key="j1", script_title="T", client_name="C", brand=brand)
        origin = AdUnit(campaign=campaign, origin_or_adaptation="ORIGIN", code="ORIGIN", title="T", language=german)
        session.add_all([model, german, germany, europe, segment, lena, brand, campaign, origin])
        session.add_all([CountryRegion(country=germany, region=europe), PersonaSegment(persona=lena, segment=segment)])
        session.flush()
        yield session
        session.rollback()


def _refused(session: Session, reason: str, *rows: Any, statement: str = "") -> None:
    with pytest.raises(DBAPIError, match=reason), session.begin_nested():
        if statement:
            session.execute(text(statement))
        session.add_all(rows)
        session.flush()


def _template(**fields: Any) -> PromptTemplate:
    return PromptTemplate(**({"slug": "s", "name": "n", "category": "concept", "template": "t"} | fields))


@pytest.mark.parametrize(
    ("reason", "row"),
    [
        ("uq_regions_code", Region(code="EU", name="again")),
        ("too long", Region(code="X" * 21, name="long")),
        ("ck_regions_name_not_blank", Region(code="X", name="\t")),
        ("uq_countries_code", Country(code="DE", name="again")),
        ("ck_countries_code_pattern", Country(code="de", name="lower case")),
        ("null value", Language(code="fr-FR", name="no model", base_language="fr")),
        ("ck_languages_code_pattern", Language(code="FR_fr", name="x", base_language="fr", primary_model_id=1)),
        ("uq_segments_category_vector_value", Segment(category="BEHAVIORAL", vector="shopping", value="bargain")),
        ("ck_segments_category_known", Segment(category="LUNAR", vector="a", value="b")),
        ("uq_personas_name", Persona(name="Lena")),
        ("uq_brands_code", Brand(code="acme", name="again")),
        ("ck_brands_banned_words_is_array", Brand(code="b", name="b", banned_words={})),
        ("ck_prompt_templates_category_known", _template(category="poetry")),
        ("ck_prompt_templates_version_positive", _template(version=0)),
        ("ck_prompt_templates_slug_pattern", _template(slug="Not a slug")),
        ("ck_targets_aims_at_something", Target(code="nowhere", name="Nowhere")),
        ("ck_targets_code_pattern", Target(code="../x", name="Path", country_id=1)),
        ("ck_campaigns_spot_key_pattern", Campaign(job_id="x", spot_key="A B", script_title="T", client_name="C")),
        ("uq_campaigns_job_id", Campaign(job_id="J1", spot_key="j2", script_title="T", client_name="C")),
        ("ck_pipeline_settings_singleton", PipelineSettings(id=2)),
        ("ck_wvs_profiles_tolerance_range", WVSProfile(country_id=1, wave=7, tolerance=1.5)),
    ],
)  # fmt: skip
def test_a_row_that_breaks_a_rule_is_refused(session: Session, reason: str, row: Any) -> None:
    _refused(session, reason, row)


@pytest.mark.parametrize(
    ("table", "key", "reason"),
    [
        ("llm_models", "model_id = 'lab/one'", "fk_languages_primary_model_id"),
        ("languages", "code = 'de-DE'", "fk_(countries|personas|ad_units)"),
        ("countries", "code = 'DE'", "fk_personas_country_id"),
        ("regions", "code = 'EU'", "fk_personas_region_id"),
        ("brands", "code = 'acme'", "fk_campaigns_brand_id"),
        ("campaigns", "job_id = 'J1'", "fk_ad_units_campaign_id"),
    ],
)
def test_what_others_refer_to_cannot_be_deleted(session: Session, table: str, key: str, reason: str) -> None:
    _refused(session, reason, statement=f"DELETE FROM creative_lab.{table} WHERE {key}")


@pytest.mark.parametrize(
    "insights",
    ['{"heading": "h"}', '[{"points": []}]', '[{"heading": "h", "points": "p"}]', '[{"heading": 1, "points": []}]',
     '[{"heading": "h", "points": [1]}]', '["x"]', '[[{"heading": "h", "points": []}]]',
     '[{"heading": "h", "points": [["x"]]}]', '[{"heading": "h", "points": []}, {"heading": "h"}]', "3"],
)  # fmt: skip
def test_insights_of_another_shape_are_refused_by_the_database_and_by_the_model(
    session: Session, insights: str
) -> None:
    for table in ("regions", "countries", "languages", "segments", "brands"):
        _refused(
            session,
            f"ck_{table}_insights_shape",
            statement=f"UPDATE creative_lab.{table} SET insights = '{insights}'".replace(":", r"\:"),
        )


def test_the_model_names_the_place_in_insights_that_is_wrong() -> None:
    with pytest.raises(ValueError, match=r"insights\.1\.points\.0: Input should be a valid string"):
        Region(insights=[{"heading": "h", "points": []}, {"heading": "h", "points": [3]}])
    with pytest.raises(ValueError, match=r"insights\.0\.colour"):
        Brand(insights=[{"heading": "h", "points": [], "colour": "red"}])


def test_one_version_of_a_template_is_active(session: Session) -> None:
    session.add_all([_template(version=1, is_active=False), _template(version=2), _template(slug="other", version=1)])
    session.flush()
    _refused(session, "uq_prompt_templates_active_slug", _template(version=3))
    _refused(session, "uq_prompt_templates_slug_version", _template(version=2, is_active=False))


def test_the_pipeline_settings_are_one_row_however_often_they_are_asked_for(session: Session) -> None:
    first = PipelineSettings.get_instance(session)
    assert PipelineSettings.get_instance(session) is first
    first.culture_gate_default_model = session.query(LLMModel).one()
    session.flush()
    assert first.default_model("culture_gate") is not None
    assert first.default_model("writer") is None and first.default_model("concept") is None
    with pytest.raises(KeyError, match="unknown node"):
        first.default_model("format_eval")
    first.culture_gate_default_model = LLMModel(model_id="lab/two", name="Two")
    session.flush()
    delete = "DELETE FROM creative_lab.llm_models WHERE model_id = 'lab/two'"
    _refused(session, "fk_pipeline_settings_culture_gate", statement=delete)


def _unit(campaign: Campaign, **fields: Any) -> AdUnit:
    plain = {"campaign": campaign, "origin_or_adaptation": "ADAPTATION", "code": "DE", "title": "T"}
    return AdUnit(**(plain | fields))


def test_an_origin_is_completed_and_an_adaptation_pending_with_a_source(session: Session) -> None:
    campaign = session.query(Campaign).one()
    origin = campaign.ad_units[0]
    adaptation = _unit(campaign, source_ad_unit=origin)
    of_adaptation = _unit(campaign, source_ad_unit=adaptation)
    session.add_all([adaptation, of_adaptation])
    session.flush()
    assert (origin.status, adaptation.status) == ("completed", "pending")
    assert of_adaptation.origin is origin and origin.origin is origin and campaign.origin is origin
    with session.no_autoflush:
        _refused(session, "ck_ad_units_only_adaptations_have_a_source", statement=_insert("ADAPTATION", "NULL"))
        _refused(session, "ck_ad_units_only_adaptations_have_a_source", statement=_insert("ORIGIN", str(origin.id)))
        _refused(session, "uq_ad_units_one_origin", statement=_insert("ORIGIN", "NULL"))
        _refused(session, "ck_ad_units_status_known", statement="UPDATE creative_lab.ad_units SET status = 'done'")


def _insert(kind: str, source: str) -> str:
    return (
        "INSERT INTO creative_lab.ad_units (campaign_id, origin_or_adaptation, source_ad_unit_id, code, title, status) "
        f"SELECT id, '{kind}', {source}, 'X', 'X', 'pending' FROM creative_lab.campaigns"
    )


def test_one_query_finds_the_origin_of_every_adaptation_also_past_a_circle(session: Session) -> None:
    campaign = session.query(Campaign).one()
    origin = campaign.ad_units[0]
    first = _unit(campaign, source_ad_unit=origin)
    second = _unit(campaign, source_ad_unit=first)
    lost = _unit(campaign, source_ad_unit=origin)
    also_lost = _unit(campaign, source_ad_unit=lost)
    session.add_all([first, second, lost, also_lost])
    session.flush()
    lost.source_ad_unit = also_lost
    session.flush()
    assert origins_of_adaptations(session) == {first.id: origin.id, second.id: origin.id}
    assert origins_of_adaptations(session, campaign.id + 1) == {}
    with pytest.raises(ValueError, match="circle"):
        _ = lost.origin


def test_brand_and_model_of_a_unit_fall_back_and_may_be_overridden(session: Session) -> None:
    campaign = session.query(Campaign).one()
    origin = campaign.ad_units[0]
    assert origin.effective_brand is not None and origin.effective_brand.code == "acme"
    assert origin.effective_llm_model is not None and origin.effective_llm_model.model_id == "lab/one"
    origin.brand = Brand(code="acme-de", name="Akme")
    origin.llm_model = LLMModel(model_id="lab/two", name="Two")
    assert (origin.effective_brand.code, origin.effective_llm_model.model_id) == ("acme-de", "lab/two")


def test_choosing_a_persona_fills_what_is_open_and_a_target_follows_its_persona(session: Session) -> None:
    lena = session.query(Persona).one()
    austria = Country(code="AT", name="Austria")
    unit = AdUnit(country=austria)
    unit.fill_from_persona(lena)
    assert (unit.region, unit.country, unit.language) == (lena.region, austria, lena.language)
    target = Target(code="lena", name="Lena", persona=lena)
    assert (target.effective_region, target.effective_country) == (lena.region, lena.country)
    assert target.effective_language is lena.language
    assert Target(code="de", name="G", country=lena.country).effective_language is lena.language


def test_script_rows_are_in_order_once_each_and_go_with_their_unit(session: Session) -> None:
    unit = session.query(AdUnit).one()

    def row(index: int, **fields: Any) -> AdUnitScriptRow:
        plain = {"ad_unit_id": unit.id, "order_index": index, "shot_number": "01"}
        return AdUnitScriptRow(**(plain | {"visual_text": "v", "audio_text": "a"} | fields))

    session.add_all([row(1, timecode_start="00:00:05.500"), row(0, timecode_start="00:00:00:00")])
    session.flush()
    session.expire(unit)
    assert [item.order_index for item in unit.script_rows] == [0, 1]
    _refused(session, "uq_ad_unit_script_rows_ad_unit_id_order_index", row(0))
    _refused(session, "timecode_start_pattern", row(2, timecode_start="5 s"))
    _refused(session, "duration_not_negative", row(2, duration_seconds=-1.0))
    session.delete(unit)
    session.flush()
    assert session.query(AdUnitScriptRow).count() == 0


def test_models_of_a_language_are_the_primary_and_the_alternatives_in_order_each_once(session: Session) -> None:
    german = session.query(Language).one()
    two, three = (LLMModel(model_id=f"lab/{name}", name=name) for name in ("two", "three"))
    for index, model in enumerate((three, german.primary_model, two)):
        german.alternative_links.append(LanguageAlternativeModel(llm_model=model, order_index=index))
    session.flush()
    session.expire(german)
    assert [model.model_id for model in german.models] == ["lab/one", "lab/three", "lab/two"]


def test_nothing_is_null_by_accident_in_json_columns(session: Session) -> None:
    unit = session.query(AdUnit).one()
    assert (unit.concept_brief, unit.evaluation_history, unit.pipeline_model_config) == (None, [], {})
    found = session.execute(text("SELECT concept_brief IS NULL FROM creative_lab.ad_units")).scalar_one()
    assert found is True
