"""The analysts' questions about looks, asked of a warehouse of real tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import creative_lab.catalogue  # noqa: F401 - makes all tables known
from creative_lab.lake.events import record_event
from creative_lab.lake.sql import run_query
from creative_lab.lake.sql_examples import example
from creative_lab.lake.tables import TableStore
from creative_lab.looks.tables import GarmentMasks, LookGrades, LookManifests, LookPrompts, LookRenders
from creative_lab.settings import Settings
from creative_lab_tests.looks.rows import filled, mask, render, write

DAYS = ("2026-03-02", "2026-03-03")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    made = Settings(home=Path(tmp_path_factory.mktemp("queries")), lake_url=None)
    store = TableStore(made)
    for place, day in enumerate(DAYS):
        looks = [f"{day}-{number:04d}" for number in range(1, 9)]
        write(
            store,
            LookManifests,
            day,
            [
                filled(
                    LookManifests, day=day, look_id=look, designer_name="Ada" if number % 2 else "Bo",
                    attempts=number + 1, relaxed=["stale"] if number == 3 else [],
                    status="exhausted" if number == 7 else "dealt",
                )
                for number, look in enumerate(looks)
            ],
        )  # fmt: skip
        write(
            store,
            LookPrompts,
            day,
            [
                filled(
                    LookPrompts, day=day, look_id=look, status="rejected" if number == 6 else "ok", cost_usd=0.01,
                    reasons=["scene_drift:backdrop", "forbidden_vocab:cheap"] if number == 6 else [],
                    vocabulary_arm="with" if number % 2 else "without", vocabulary_propensity=0.5, vocabulary_used=[],
                )
                for number, look in enumerate(looks[:7])
            ],
        )  # fmt: skip
        at = datetime.now(UTC) - timedelta(hours=2)
        write(store, LookRenders, day, [render(day, look, at=at) | {"cost_usd": 0.04} for look in looks[:6]])
        write(store, GarmentMasks, day, [mask(day, look, kind="garment") for look in looks[: 6 - place]])
        write(
            store,
            LookGrades,
            day,
            [
                filled(
                    LookGrades, day=day, grade_id=f"{look}-{grader}-{sitting}", look_id=look, item_kind="look",
                    score=score, grader=grader, sitting=sitting, graded_at=at + timedelta(minutes=sitting == "two"),
                    tags=[],
                )
                for number, look in enumerate(looks[:6])
                for grader in ("Cy", "Di")
                # The second sitting counts: those with vocabulary have 4 and 5, the others 2 and 3.
                for sitting, score in (("one", 1), ("two", (4 if number % 2 else 2) + (grader == "Di")))
            ],
        )  # fmt: skip
    record_event(
        made, stage="reconcile", status="ok", run_id="tick", duration_ms=12.5,
        detail={"found": 1, "requeued": 1, "held": 0, "waiting": 0, "failed": 0, "orphans": 0,
                "oldest_unsegmented_s": 90},
    )  # fmt: skip
    record_event(
        made,
        stage="segment",
        status="fail",
        reason="segment_failed: not a picture",
        run_id="r",
        look_id=f"{DAYS[0]}-0001",
    )
    return made


def ask(settings: Settings, name: str) -> list[dict[str, Any]]:
    result = run_query(settings, example(name).sql)
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


def test_every_question_about_looks_is_answered_rightly(settings: Settings) -> None:
    accepted = {row["name"]: row for row in ask(settings, "looks_accepted")}
    assert (accepted["Ada"]["graded"], accepted["Ada"]["accepted"], accepted["Bo"]["accepted"]) == (6, 6, 0)
    relaxed = ask(settings, "guard_relaxations")[0]
    assert (relaxed["deals"], relaxed["stale_relaxed"], relaxed["exhausted"]) == (8, 1, 1)
    faults = ask(settings, "prompt_faults")[0]
    assert (faults["rejected"], faults["scene_drift"], faults["forbidden"]) == (1, 1, 1)
    costs = ask(settings, "look_costs")[0]
    assert (costs["usd"], costs["accepted"], costs["usd_per_accepted"]) == (0.31, 3, 0.1033)
    masks = ask(settings, "mask_coverage")
    assert [(row["segmented"], row["segmented_percent"]) for row in masks] == [(5, 83.3), (6, 100.0)]
    assert 119 < masks[0]["oldest_missing_min"] < 140
    assert masks[1]["oldest_missing_min"] is None
    assert ask(settings, "sweeps")[0]["oldest_min"] == 1.5
    assert ask(settings, "look_failures")[0]["why"] == "segment_failed"


def test_the_effect_of_vocabulary_is_the_difference_of_the_latest_grades_within_days(settings: Settings) -> None:
    [row] = ask(settings, "vocabulary_effect")
    assert (row["days"], row["looks_with"], row["looks_without"], row["effect"]) == (2, 6, 6, 2.0)
    assert row["low_95"] <= 2.0 <= row["high_95"]
