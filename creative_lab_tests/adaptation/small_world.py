"""A few rows of state to adapt with: one spot, two brands, some places, languages, models and targets."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy.orm import Session

from creative_lab.state.models import (
    AdUnit,
    AdUnitScriptRow,
    Brand,
    Campaign,
    Country,
    Equivalent,
    Language,
    LanguageAlternativeModel,
    LLMModel,
    MarketPack,
    Persona,
    PersonaSegment,
    Region,
    Segment,
    Spelling,
    Target,
)
from creative_lab_tests.adaptation.scripted import ROWS

SPOT = "one-small-decision"


def insights(text: str) -> list[dict[str, object]]:
    return [{"heading": "Know this", "points": [text]}]


def pack(country: str, locale: str, currency: str) -> MarketPack:
    body = {
        "country": country, "locale": locale, "currency": currency, "units_per_usd": 0.9, "rate_date": "2026-01-02",
        "measurement": "metric", "temperature": "celsius", "hemisphere": "north", "drives_on": "right",
    }  # fmt: skip
    return MarketPack(country_code=country, pack=body)


def build(session: Session) -> None:
    """Add everything; the caller's transaction commits it."""
    first, second, off = (
        LLMModel(model_id="org/first", name="First"),
        LLMModel(model_id="org/second", name="Second", load_in_4bit=True),
        LLMModel(model_id="org/off", name="Off", is_active=False),
    )
    english = Language(code="en-US", name="English (United States)", base_language="en", primary_model=first)
    british = Language(
        code="en-GB", name="English (UK)", base_language="en", primary_model=first, insights=insights("Dry.")
    )
    german = Language(code="de-DE", name="German", base_language="de", primary_model=second)
    austrian = Language(code="de-AT", name="German (Austria)", base_language="de", primary_model=second)
    british.alternative_links = [
        LanguageAlternativeModel(llm_model=off, order_index=0),
        LanguageAlternativeModel(llm_model=second, order_index=1),
    ]
    dach = Region(code="DACH", name="DACH", insights=insights("Sober."))
    germany = Country(code="DE", name="Germany", default_language=german, insights=insights("Trains."))
    austria = Country(code="AT", name="Austria", default_language=austrian)
    britain = Country(code="GB", name="United Kingdom", default_language=british)
    nowhere = Country(code="AQ", name="Antarctica")
    america = Country(code="US", name="United States", default_language=english)
    thrift = Segment(category="BEHAVIORAL", vector="shopping", value="bargain", insights=insights("Compares."))
    retired = Segment(category="DEMOGRAPHIC", vector="age", value="65+", is_active=False, insights=insights("Old."))
    lena = Persona(name="Lena", description="A nurse in Graz.", region=dach, country=austria, language=austrian)
    lena.segment_links = [PersonaSegment(segment=thrift), PersonaSegment(segment=retired)]
    harbour = Brand(
        code="harbour",
        name="Harbour",
        category="car",
        guidelines="Never shout.",
        insights=insights("Loved by sailors."),
        do_not_translate=["Harbour"],
        banned_words=["cheap"],
        required_words=[{"text": "Harbour", "language": "*"}, {"text": "Fahr froh.", "language": "de"}],
        legal_lines={"AT": "Symbolfoto."},
    )
    port = Brand(code="port", name="Port", guidelines="Trade name in Britain.")
    campaign = Campaign(
        job_id="HAR-1", spot_key=SPOT, script_title="One small decision", client_name="Harbour Motors", brand=harbour
    )
    origin = AdUnit(
        campaign=campaign,
        origin_or_adaptation="ORIGIN",
        code="ORIGIN",
        title="One small decision",
        language=english,
        duration=Decimal(20),
        script_rows=[AdUnitScriptRow(order_index=index, **row.model_dump()) for index, row in enumerate(ROWS)],
    )
    targets = [
        Target(code="lena", name="Lena", persona=lena),
        Target(code="lena-in-german", name="Lena in German", persona=lena, language=german, country=germany),
        Target(code="dach-de", name="Germany", region=dach, country=germany),
        Target(code="gb", name="Britain", country=britain),
        Target(code="de-at", name="Austrian German", language=austrian),
        Target(code="ice", name="Ice", country=nowhere),
        Target(code="off", name="Off", country=britain, is_active=False),
    ]
    forms = {"US": ["trunk"], "GB": ["boot"]}
    session.add_all([first, second, off, english, british, german, austrian, dach, germany, austria, britain, nowhere])
    session.add_all([america, thrift, retired, lena, harbour, port, campaign, origin, *targets])
    session.flush()
    session.add_all([pack("US", "en-US", "USD"), pack("DE", "de-DE", "EUR"), pack("AT", "de-AT", "EUR")])
    session.add(pack("GB", "en-GB", "GBP"))
    session.add(Equivalent(kind="vocabulary", concept="luggage space", forms=forms))
    session.add(Equivalent(kind="vocabulary", concept="elsewhere", forms={"AU": ["ute"], "NZ": ["ute"]}))
    session.add(Spelling(american="color", british="colour", canadian="colour"))
