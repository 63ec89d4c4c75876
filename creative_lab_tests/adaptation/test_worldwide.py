"""The sample spots in German, Japanese and Arabic: green with a model behind an address, honest without one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from creative_lab.adaptation import rows, work
from creative_lab.lake.events import flush_events
from creative_lab.lake.tables import TableStore
from creative_lab.reference.spots import import_spot
from creative_lab.settings import Settings, get_settings
from creative_lab.state.db import session_scope
from creative_lab.state.models import AdUnit, LLMModel, PipelineSettings
from creative_lab_tests.adaptation.loopback_llm import NODE_MODELS, TARGETS, TITLES, LoopbackLLM, serve

SPOTS = list(TITLES.values())
MARKETS = list(TARGETS.values())
NAMES = {"de-de": "German (de-DE)", "ja-jp": "Japanese (ja-JP)", "ar-ae": "Arabic (ar-AE)"}


def import_samples(settings: Settings) -> None:
    """The three sample spots."""
    with session_scope(settings) as session:
        for spot in SPOTS:
            import_spot(session, Path(settings.data_dir) / "spots" / f"{spot}.json")


def one_model_per_node(settings: Settings) -> None:
    """Every node but the writer gets a model of its own through the pipeline settings."""
    with session_scope(settings) as session:
        pipeline = PipelineSettings.get_instance(session)
        for node, model_id in NODE_MODELS.items():
            setattr(pipeline, f"{node}_default_model", LLMModel(model_id=model_id, name=model_id))


@pytest.fixture
def offline(reference_lab: Settings) -> Settings:
    import_samples(reference_lab)
    return reference_lab


@pytest.fixture
def hosted(reference_lab: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Settings, LoopbackLLM]]:
    import_samples(reference_lab)
    one_model_per_node(reference_lab)
    with serve() as server:
        monkeypatch.setenv("CREATIVE_LAB_PROFILE", "hosted")
        monkeypatch.setenv("CREATIVE_LAB_OFFLINE", "true")
        monkeypatch.setenv("CREATIVE_LAB_LLM_API_BASE", server.api_base)
        get_settings.cache_clear()
        yield get_settings(), server


def run(settings: Settings, spot: str, targets: list[str]) -> dict[tuple[str, str], work.Adaptation]:
    """One spot adapted to several targets."""
    origin = work.origin_rows(settings, spot)
    concept = work.concept_rows(settings, spot, origin, run_id="run")
    made = {}
    for target in targets:
        culture = work.culture_rows(settings, spot, target, origin, concept, run_id="run")
        made[spot, target] = work.adapt(settings, spot, target, origin, concept, culture, run_id="run")
    return made


@pytest.mark.slow
def test_all_nine_end_green_with_a_server_and_one_is_rewritten_for_its_culture(
    hosted: tuple[Settings, LoopbackLLM],
) -> None:
    settings, server = hosted
    made = {key: item for spot in SPOTS for key, item in run(settings, spot, MARKETS).items()}
    reasons = {key: item.result.error_message for key, item in made.items()}
    assert reasons == dict.fromkeys(made)
    for item in made.values():
        last = [evaluation for evaluation in item.result.evaluations if evaluation.draft_number == item.result.drafts]
        assert [evaluation.gate for evaluation in last if evaluation.passed] == list(item.result.revisions)
        assert {evaluation.model_passed for evaluation in last} == {True}
    rewritten = {key: dict(item.result.revisions) for key, item in made.items() if item.result.total_revisions}
    assert list(rewritten) == [("just-one", "ar-ae")]
    assert rewritten["just-one", "ar-ae"]["culture_gate"] == 1
    arabic = made["just-one", "ar-ae"].result
    assert arabic.draft is not None
    assert "القطة" in arabic.draft.script_rows[3].audio_text
    assert not arabic.evaluations[1].passed
    assert set(NODE_MODELS.values()) < set(server.models())
    flush_events(settings)
    events = TableStore(settings).scan("pipeline_events").collect()
    writers = events.filter(pl.col("stage") == "writer")
    assert writers.height == 10
    (failed,) = events.filter(pl.col("status") == "fail").iter_rows(named=True)
    assert (failed["stage"], failed["spot"], failed["target"]) == ("culture_gate", "just-one", "ar-ae")
    assert "dog" in failed["reason"]
    calls = TableStore(settings).scan("llm_calls").collect()
    assert calls.filter(pl.col("cached").not_()).height == len(server.requests)


@pytest.mark.slow
def test_without_a_model_all_nine_fail_with_the_reason_and_keep_a_draft(offline: Settings) -> None:
    for spot in SPOTS:
        for (_, target), made in run(offline, spot, MARKETS).items():
            assert made.result.status == "failed"
            assert made.result.error_message == (
                f"the offline drafter cannot translate from English (en-US) to {NAMES[target]}: "
                "choose a profile with a language model, or import a translation (XLIFF)"
            )
            assert made.result.needs_person
            assert made.result.drafts == 1
            assert made.result.evaluations[0].gate == "format_gate"
            assert not made.result.evaluations[0].passed
            script = rows.script_frame(made.context, made.result)
            assert script.height == len(made.context.origin.script_rows)
    with session_scope(offline) as session:
        units = session.query(AdUnit).filter(AdUnit.origin_or_adaptation == "ADAPTATION").all()
        assert {unit.status for unit in units} == {"failed"}
        assert len(units) == 9


@pytest.mark.slow
@pytest.mark.parametrize("spot", SPOTS)
def test_without_a_model_english_markets_end_green(offline: Settings, spot: str) -> None:
    for made in run(offline, spot, ["en-gb"]).values():
        assert (made.result.error_message, made.result.status) == (None, "completed")
