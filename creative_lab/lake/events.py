"""Recording what the stages of the pipelines did, one row per stage and attempt, in ``pipeline_events``."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pydantic import SecretStr

from creative_lab.lake.journal import append_log
from creative_lab.lake.logs import LlmCalls, PipelineEvents

if TYPE_CHECKING:
    from creative_lab.settings import Settings

Status = Literal["ok", "fail", "warn", "skipped"]
_LONGEST_REASON = 2000


@dataclass
class StageOutcome:
    """What a stage may say about itself before it ends."""

    status: Status = "ok"
    reason: str | None = None
    model: str | None = None
    cost_usd: float | None = None
    detail: dict[str, Any] = field(default_factory=dict)


def record_event(
    settings: Settings,
    *,
    stage: str,
    status: Status,
    run_id: str,
    reason: str | None = None,
    attempt: int = 1,
    duration_ms: float | None = None,
    model: str | None = None,
    cost_usd: float | None = None,
    detail: dict[str, Any] | None = None,
    event_id: str | None = None,
    **entities: str | None,
) -> str:
    """Add one event durably and return its id.

    ``entities`` are the ids concerned: spot, target, character, storyboard, scene, look_id, media. Secrets of the
    settings are blotted out of ``reason`` and ``detail``. A known ``event_id`` is stored once, however often it is
    given. Raises TableError for an unknown entity, or a failure without a reason.
    """
    row: dict[str, Any] = {
        "stage": stage,
        "status": status,
        "run_id": run_id,
        "reason": redact(settings, reason[:_LONGEST_REASON]) if reason else None,
        "attempt": attempt,
        "duration_ms": duration_ms,
        "model": model,
        "cost_usd": cost_usd,
        "detail": redact(settings, json.dumps(detail, ensure_ascii=False, default=str)) if detail else None,
        **entities,
    }
    if event_id is not None:
        row["event_id"] = event_id
    return append_log(settings, PipelineEvents).append(row)


@contextlib.contextmanager
def stage(
    settings: Settings, name: str, *, run_id: str, attempt: int = 1, **entities: str | None
) -> Iterator[StageOutcome]:
    """Record the block as one stage: ok, or fail with the error as its reason; the error goes on to the caller.

    The block may set status (warn, skipped), reason, model, cost and detail on the object that it receives.
    """
    outcome = StageOutcome()
    start = time.perf_counter()

    def record(status: Status, reason: str | None) -> None:
        record_event(
            settings,
            stage=name,
            status=status,
            reason=reason,
            run_id=run_id,
            attempt=attempt,
            duration_ms=(time.perf_counter() - start) * 1000,
            model=outcome.model,
            cost_usd=outcome.cost_usd,
            detail=outcome.detail,
            **entities,
        )

    try:
        yield outcome
    except BaseException as error:
        try:
            record("fail", f"{type(error).__name__}: {error}")
        except Exception as second:
            error.add_note(f"The failure of stage {name} could not be recorded: {second}")
        raise
    record(outcome.status, outcome.reason)


def record_llm_call(settings: Settings, **row: Any) -> str:
    """Add one row of ``llm_calls`` durably and return its id; see :class:`LlmCalls` for the columns."""
    if row.get("error"):
        row["error"] = redact(settings, str(row["error"])[:_LONGEST_REASON])
    return append_log(settings, LlmCalls).append(row)


def flush_events(settings: Settings) -> int:
    """Move recorded events and calls into their tables; returns how many rows were new. May be repeated."""
    from creative_lab.lake.journal import flush_all

    return flush_all(settings)


def redact(settings: Settings, text: str) -> str:
    """``text`` without the values of the settings' secrets."""
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr) and len(value.get_secret_value()) >= 4:
            text = text.replace(value.get_secret_value(), "***")
    return text
