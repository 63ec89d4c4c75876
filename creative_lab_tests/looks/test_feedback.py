"""Grades of a day change the looks of the next one, and none of the day itself."""

from __future__ import annotations

from datetime import UTC, date, datetime

import dagster as dg
import polars as pl
import pytest

from creative_lab.lake.tables import TableStore
from creative_lab.looks.feedback.assets import learned_intel, look_grades, target_dials
from creative_lab.looks.grading import NewGrade, record
from creative_lab.looks.importing import import_looks
from creative_lab.looks.manifests import deal_day, learned_dials
from creative_lab.looks.prompts import write_day
from creative_lab.settings import Settings
from creative_lab.state import db
from creative_lab.state.models import LookControl

TODAY, TOMORROW = date(2026, 3, 2), date(2026, 3, 3)


@pytest.mark.slow
def test_grades_change_tomorrows_looks_and_not_todays(reference_lab: Settings) -> None:
    settings, store = reference_lab, TableStore(reference_lab)
    with db.session_scope(settings) as session:
        import_looks(session, settings.data_dir / "looks")
        LookControl.get_instance(session).looks_per_day = 12
    dealt = deal_day(settings, TODAY, run_id="batch").rows
    written = write_day(settings, TODAY, run_id="batch")
    assert written["intel_ids"].list.len().sum() == 0
    favourite = dealt["designer"].value_counts(sort=True)["designer"][0]
    with db.session_scope(settings) as session:
        record(
            settings,
            session,
            [
                NewGrade(
                    row["look_id"],
                    5 if row["designer"] == favourite else 2,
                    grader,
                    "evening",
                    datetime(2026, 3, 2, 19, tzinfo=UTC),
                    note=f"seen by {grader}: harsh shadows behind the coat",
                )
                for row in dealt.iter_rows(named=True)
                for grader in ("Ada", "Bo")
            ],
        )
    with dg.DagsterInstance.ephemeral() as instance:
        done = dg.materialize(
            [look_grades, learned_intel, target_dials], instance=instance, partition_key=TODAY.isoformat()
        )
    assert done.success
    assert store.read("look_grades")["score"].len() == 24
    intel = store.read("learned_intel")
    assert {"note", "kill_phrase"} <= set(intel["kind"].cast(pl.String))
    phrase = intel.filter(pl.col("text") == "harsh shadow").row(0, named=True)
    assert (phrase["status"], phrase["support"]) == ("proposed", sum(dealt["designer"] != favourite) * 2)
    dials = store.read("target_dials").filter(pl.col("item_key") == favourite).row(0, named=True)
    assert dials["target_pct"] > 100 / 7
    assert dials["reason"].startswith("up: ")

    # More looks of the same day know nothing of it.
    more = deal_day(settings, TODAY, run_id="second batch", extra=3).rows
    assert more["policy_version"].n_unique() == 1
    assert write_day(settings, TODAY, run_id="second batch")["intel_ids"].list.len().sum() == 0
    assert learned_dials(store, TODAY) == {}

    # The next day does.
    following = deal_day(settings, TOMORROW, run_id="next").rows
    assert set(following["policy_version"]).isdisjoint(more["policy_version"])
    prompts = write_day(settings, TOMORROW, run_id="next").join(following.select("look_id", "designer"), on="look_id")
    graded = prompts.filter(pl.col("designer").is_in(dealt["designer"].unique().to_list()))
    assert graded.height > 0
    assert graded["intel_ids"].list.len().min() > 0  # type: ignore[operator]
