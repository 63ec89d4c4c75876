"""Results become rows of the room's tables and come back unchanged."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creative_lab.adaptation import rows as to_rows
from creative_lab.adaptation.graph import AdaptationResult, run_adaptation
from creative_lab.adaptation.nodes import NodeReply, Usage
from creative_lab.adaptation.schemas import OriginScript, ScriptRow, Substitution
from creative_lab.adaptation.tables import (
    AdaptationResults,
    AdaptedScripts,
    ConceptBriefs,
    CulturalBriefs,
    GateEvaluations,
    GateFindings,
    OriginScripts,
)
from creative_lab.lake.checking import check
from creative_lab.lake.schemas import TableSchema, table_info
from creative_lab.language.errors import ReplyError
from creative_lab_tests.adaptation.scripted import (
    CONCEPT,
    CULTURE,
    ScriptedClient,
    fails,
    make_context,
    models,
    render,
)

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def stamped(schema: type[TableSchema], frame: pl.DataFrame) -> pl.DataFrame:
    """The frame as the table store writes it, checked against its schema."""
    return check(
        table_info(schema),
        frame.with_columns(
            run_id=pl.lit("run"), written_at=pl.lit(START).cast(pl.Datetime("us", "UTC")), backend=pl.lit("hosted")
        ),
    )


def run(**replies: list[Any]) -> AdaptationResult:
    return run_adaptation(
        make_context(),
        concept=CONCEPT,
        culture=CULTURE,
        models=models(),
        client=ScriptedClient(**replies),
        render=render,
    )


texts = st.text(max_size=30)
script_rows = st.builds(
    ScriptRow,
    shot_number=texts,
    timecode_start=st.none() | st.just("00:00:01:00"),
    duration_seconds=st.none() | st.floats(0, 1e6),
    visual_text=texts,
    audio_text=texts,
)


@given(
    st.builds(
        OriginScript,
        client_name=texts,
        brand_name=st.none() | texts,
        script_title=texts,
        language=st.just("en-US"),
        total_runtime_seconds=st.integers(1, 10_000),
        script_rows=st.lists(script_rows, min_size=1, max_size=5),
    )
)
def test_any_origin_script_survives_its_table(origin: OriginScript) -> None:
    frame = stamped(OriginScripts, to_rows.origin_frame("spot", origin))
    assert to_rows.origin_of(frame.sample(fraction=1.0, shuffle=True, seed=1)) == origin


def test_briefs_survive_their_tables_with_what_they_cost() -> None:
    culture = CULTURE.model_copy(
        update={"substitutions": [Substitution(original="fall", replacement="autumn", rationale="usage")]}
    )
    later = START + timedelta(seconds=4)
    reply = NodeReply(CONCEPT, "org/model", "openai-compatible", Usage(1, 10, 20, 0.5, 4000))
    concept_rows = stamped(ConceptBriefs, to_rows.concept_frame("spot", reply, started_at=START, finished_at=later))
    assert to_rows.concept_of(concept_rows) == CONCEPT
    assert concept_rows.select("cost_usd", "completion_tokens", "seconds").row(0) == (0.5, 20, 4.0)
    brief = NodeReply(culture, "org/model", "openai-compatible", Usage())
    frame = to_rows.culture_frame("spot", "en-gb", brief, started_at=START, finished_at=later)
    assert to_rows.culture_of(stamped(CulturalBriefs, frame)) == culture


def test_a_result_survives_its_tables_with_its_whole_history() -> None:
    context = make_context()
    result = run(eval_cultural=[fails()], eval_brand=[ReplyError("cut off", "truncated")])
    assert result.draft is not None
    script = stamped(AdaptedScripts, to_rows.script_frame(context, result))
    read = to_rows.output_of(script)
    assert read is not None
    assert read.content_hash() == result.content_hash == script["content_hash"].unique().item()
    assert read == result.draft.model_copy(update={"reasoning": ""})
    evaluations = stamped(GateEvaluations, to_rows.evaluation_frame(context, result))
    findings = stamped(GateFindings, to_rows.finding_frame(context, result))
    assert to_rows.evaluations_of(evaluations, findings) == list(result.evaluations)
    row = stamped(AdaptationResults, to_rows.result_frame(context, result, models())).row(0, named=True)
    assert (row["status"], row["drafts"], row["revisions_culture"], row["revisions_brand"]) == ("completed", 3, 1, 1)
    assert [item["status"] for item in json.loads(row["transitions"])] == [item.status for item in result.transitions]
    assert json.loads(row["models"])["writer"] == "org/model"


def test_a_failure_keeps_its_last_draft_and_says_why_in_the_tables() -> None:
    context = make_context()
    result = run(eval_concept=[fails()] * 9)
    script = stamped(AdaptedScripts, to_rows.script_frame(context, result))
    assert script["status"].unique().to_list() == ["failed"]
    row = stamped(AdaptationResults, to_rows.result_frame(context, result, models())).row(0, named=True)
    assert (row["status"], row["needs_person"], row["drafts"]) == ("failed", True, 4)
    assert "concept_gate" in row["error_message"]
    assert row["findings_critical"] == 1


@pytest.mark.parametrize("frame", ["script_frame", "evaluation_frame", "finding_frame"])
def test_a_result_without_a_draft_makes_tables_without_rows(frame: str) -> None:
    result = run(adaptation=[ReplyError("no object", "no_object")])
    schema = {"script_frame": AdaptedScripts, "evaluation_frame": GateEvaluations, "finding_frame": GateFindings}[frame]
    made = stamped(schema, getattr(to_rows, frame)(make_context(), result))
    assert made.is_empty()
    assert to_rows.output_of(stamped(AdaptedScripts, to_rows.script_frame(make_context(), result))) is None
