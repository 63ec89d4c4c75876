"""The append-only tables that every room writes: what happened, and which language-model calls were made."""

from __future__ import annotations

import dataframely as dy

from creative_lab.lake.schemas import TableSchema, table


def _text(comment: str, *, nullable: bool = True) -> dy.String:
    return dy.String(nullable=nullable, metadata={"comment": comment})


class _LogSchema(TableSchema):
    at = dy.Datetime(nullable=False, time_zone="UTC", time_unit="us", metadata={"comment": "When it ended (UTC)"})
    day = _text("Day of at (UTC), YYYY-MM-DD", nullable=False)
    machine = _text("Machine that wrote the row", nullable=False)


@table(
    "pipeline_events",
    partition_by=("day", "machine"),
    group="operations",
    comment="One row per stage and attempt of the pipelines, failures with their reason",
)
class PipelineEvents(_LogSchema):
    """What the stages of the pipelines did."""

    event_id = dy.String(primary_key=True, metadata={"comment": "Unique id of the event"})
    stage = _text("Stage, such as writer, format_gate, render", nullable=False)
    status = dy.Enum(
        ["ok", "fail", "warn", "skipped"], nullable=False, metadata={"comment": "Outcome: ok, fail, warn or skipped"}
    )
    reason = _text("Why it failed, warned or was skipped")
    spot = _text("Spot concerned")
    target = _text("Target market concerned")
    character = _text("Character concerned")
    storyboard = _text("Storyboard concerned")
    scene = _text("Scene or frame concerned")
    look_id = _text("Look concerned")
    media = _text("Uploaded film concerned")
    attempt = dy.Int32(nullable=False, min=1, metadata={"comment": "Number of the attempt, from 1"})
    duration_ms = dy.Float64(nullable=True, min=0.0, metadata={"comment": "Wall time in milliseconds"})
    model = _text("Model that did the work")
    cost_usd = dy.Float64(nullable=True, min=0.0, metadata={"comment": "Cost in US dollars"})
    detail = _text("More about it, as JSON")

    @dy.rule()
    def failures_have_a_reason(cls):
        return (cls.status.col != "fail") | (cls.reason.col.fill_null("").str.len_chars() > 0)


@table(
    "llm_calls",
    partition_by=("day", "machine"),
    group="operations",
    comment="One row per call of a language model, cached and failed ones too",
)
class LlmCalls(_LogSchema):
    """What was asked of language models, and what it cost."""

    call_id = dy.String(primary_key=True, metadata={"comment": "Unique id of the call"})
    slug = _text("Prompt template or purpose")
    model_id = _text("Model that answered", nullable=False)
    requested_model = _text("Model that the node's settings name; another one may stand in by profile")
    provider = _text("Who ran the model")
    prompt_tokens = dy.Int64(nullable=True, min=0, metadata={"comment": "Tokens of the request"})
    completion_tokens = dy.Int64(nullable=True, min=0, metadata={"comment": "Tokens of the reply"})
    cost_usd = dy.Float64(nullable=True, min=0.0, metadata={"comment": "Cost in US dollars; null when unknown"})
    duration_ms = dy.Float64(nullable=True, min=0.0, metadata={"comment": "Wall time in milliseconds"})
    cached = dy.Bool(nullable=False, metadata={"comment": "Whether the reply came from the cache"})
    status = _text("Outcome: ok, fail or cached", nullable=False)
    error_class = _text("Kind of failure, such as timeout, rate_limit or bad_answer")
    error = _text("What went wrong")
    finish_reason = _text("Why the reply ended, such as stop or length")
    attempt = dy.Int32(nullable=False, min=1, metadata={"comment": "Number of the attempt, from 1"})
    spot = _text("Spot the call was made for")
    target = _text("Target the call was made for")
