"""Work that breaks off, spots of any length, and two runs of one adaptation at once."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from sqlalchemy import func, select

from creative_lab.adaptation import stored, work
from creative_lab.adaptation.context import build_context
from creative_lab.lake.events import flush_events
from creative_lab.lake.tables import TableStore
from creative_lab.language.errors import CallError
from creative_lab.language.templates import TemplateStore
from creative_lab.reference.spots import import_spot
from creative_lab.settings import Settings, get_settings
from creative_lab.state.db import session_scope
from creative_lab.state.models import AdUnit
from creative_lab_tests.adaptation.small_world import SPOT, build


@pytest.fixture
def small_lab(migrated_lab: Settings) -> Settings:
    from creative_lab.adaptation.nodes import SLUGS

    with session_scope(migrated_lab) as session:
        build(session)
    templates = TemplateStore(migrated_lab)
    for slug in SLUGS.values():
        templates.save(slug, "{{ origin_json }}", name=slug, category="adaptation")
    return migrated_lab


def run(settings: Settings, spot: str, target: str) -> work.Adaptation:
    origin = work.origin_rows(settings, spot)
    concept = work.concept_rows(settings, spot, origin, run_id="run")
    culture = work.culture_rows(settings, spot, target, origin, concept, run_id="run")
    return work.adapt(settings, spot, target, origin, concept, culture, run_id="run")


def unit_of(settings: Settings, spot: str, target: str) -> AdUnit:
    with session_scope(settings) as session:
        unit = stored.find_unit(session, stored.find_spot(session, spot), stored.find_target(session, target))
        assert unit is not None
        return unit


@pytest.mark.slow
def test_a_call_that_fails_is_an_event_and_a_failed_unit_and_leaves_the_last_result(
    small_lab: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = run(small_lab, SPOT, "gb")
    assert good.result.status == "completed"
    origin = work.origin_rows(small_lab, SPOT)
    concept = work.concept_rows(small_lab, SPOT, origin, run_id="run-2")
    culture = work.culture_rows(small_lab, SPOT, "gb", origin, concept, run_id="run-2")
    monkeypatch.setenv("CREATIVE_LAB_PROFILE", "hosted")
    monkeypatch.setenv("CREATIVE_LAB_LLM_API_BASE", "http://models.example.com/v1")
    monkeypatch.setenv("CREATIVE_LAB_OFFLINE", "true")
    get_settings.cache_clear()
    with pytest.raises(CallError) as error:
        work.adapt(get_settings(), SPOT, "gb", origin, concept, culture, run_id="run-2")
    assert error.value.kind == "offline"
    unit = unit_of(small_lab, SPOT, "gb")
    assert (unit.status, unit.run_id) == ("failed", "run-2")
    assert "models.example.com is not this machine" in unit.error_message
    assert [item["type"] for item in unit.evaluation_history] == [item.gate for item in good.result.evaluations]
    flush_events(small_lab)
    events = TableStore(small_lab).scan("pipeline_events").collect().filter(run_id="run-2", status="fail")
    assert [(row["stage"], row["spot"], row["target"]) for row in events.iter_rows(named=True)] == [
        ("adaptation", SPOT, "gb")
    ]
    assert "models.example.com is not this machine" in events["reason"][0]


@pytest.mark.slow
@pytest.mark.parametrize("length", [2, 40])
def test_a_strangers_spot_of_any_length_is_adapted(reference_lab: Settings, tmp_path: Path, length: int) -> None:
    lines = ["The kettle is on.", "Nobody is in a hurry.", "Rain on the window.", "One more cup, then we go."]
    script = [
        {"visual_text": f"INT. KITCHEN – DAY. Shot {number + 1} of a quiet morning.", "audio_text": f'VO: "{line}"'}
        for number, line in enumerate(lines[index % 4] for index in range(length))
    ]
    spot = {
        "client_name": "A stranger",
        "script_title": f"Morning {length}",
        "total_runtime_seconds": 4 * length,
        "job_id": f"STR-{length}",
        "script_rows": script,
    }
    file = tmp_path / "spot.json"
    file.write_text(json.dumps(spot), encoding="utf-8")
    with session_scope(reference_lab) as session:
        key = import_spot(session, file).spot_key
    made = run(reference_lab, key, "en-gb")
    assert (made.result.error_message, made.result.status) == (None, "completed")
    assert made.result.draft is not None
    assert len(made.result.draft.script_rows) == length


def test_two_runs_of_one_adaptation_share_its_unit(small_lab: Settings) -> None:
    with session_scope(small_lab) as session:
        context = build_context(session, SPOT, "gb")
    ready, problems = threading.Barrier(4), list[Exception]()

    def open_it(number: int) -> None:
        try:
            with session_scope(small_lab) as session:
                ready.wait(timeout=30)
                stored.open_unit(session, context, run_id=f"run-{number}")
        except Exception as problem:  # shown below
            problems.append(problem)

    threads = [threading.Thread(target=open_it, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert problems == []
    with session_scope(small_lab) as session:
        adaptations = select(func.count()).select_from(AdUnit).where(AdUnit.origin_or_adaptation == "ADAPTATION")
        assert session.scalar(adaptations) == 1
