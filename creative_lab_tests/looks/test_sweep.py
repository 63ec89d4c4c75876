"""The sweep over real files of the lake, and the tick that acts on what it finds."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from creative_lab.lake.events import flush_events
from creative_lab.lake.fs import FileSystem
from creative_lab.lake.tables import TableStore
from creative_lab.looks.claim_book import PostgresBook
from creative_lab.looks.claims import ClaimPolicy, Claims, RenderKey
from creative_lab.looks.reconcile import claims_of, look_around, note_tick
from creative_lab.looks.sweep import sweep
from creative_lab.looks.tables import GarmentMasks, LookRenders
from creative_lab.settings import Settings
from creative_lab.state import db
from creative_lab.state.models import LookControl
from creative_lab_tests.looks.rows import AT, filled, frame, mask, render, write

MONDAY, TUESDAY = "2026-03-02", "2026-03-03"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def look(day: str, number: int) -> str:
    return f"{day}-{number:04d}"


def test_a_lake_without_looks_misses_nothing(settings: Settings) -> None:
    report = sweep(settings)
    assert (report.days, report.rendered, report.missing, report.orphans) == (0, 0, [], [])


def test_missing_orphans_and_duplicates_are_found_exactly(settings: Settings) -> None:
    store = TableStore(settings)
    write(
        store,
        LookRenders,
        MONDAY,
        [
            render(MONDAY, look(MONDAY, 1)),
            render(MONDAY, look(MONDAY, 2)),
            render(MONDAY, look(MONDAY, 2), 2, at=AT + timedelta(hours=1)),
            render(MONDAY, look(MONDAY, 3), status="failed"),
            render(MONDAY, look(MONDAY, 12345), at=AT - timedelta(hours=1)),
        ],
    )
    write(store, LookRenders, TUESDAY, [render(TUESDAY, look(TUESDAY, 1))])
    write(
        store,
        GarmentMasks,
        MONDAY,
        [
            mask(MONDAY, look(MONDAY, 1), kind="garment"),
            mask(MONDAY, look(MONDAY, 1), instance=1, kind="garment"),
            mask(MONDAY, look(MONDAY, 2)),
            mask(MONDAY, look(MONDAY, 9)),
        ],
    )
    report = sweep(settings)
    assert [item.key for item in report.missing] == [
        (look(MONDAY, 12345), 1),
        (look(TUESDAY, 1), 1),
        (look(MONDAY, 2), 2),
    ]
    assert report.orphans == [RenderKey(look(MONDAY, 9), 1)]
    assert report.duplicates == []
    assert (report.rendered, report.segmented) == (5, 3)
    assert report.oldest_age_s(AT) == 3600
    assert set(report.versions) == {MONDAY, TUESDAY}


def test_a_picture_segmented_twice_is_reported_although_the_table_store_would_refuse_it(settings: Settings) -> None:
    store = TableStore(settings)
    write(store, LookRenders, MONDAY, [render(MONDAY, look(MONDAY, 1))])
    write(store, GarmentMasks, MONDAY, [mask(MONDAY, look(MONDAY, 1))])
    path = store.files.path(f"tables/garment_masks/day={MONDAY}/data.parquet")
    rows = pl.read_parquet(path)
    pl.concat([rows, rows]).write_parquet(path)
    assert sweep(settings).duplicates == [RenderKey(look(MONDAY, 1), 1)]


def test_only_days_whose_files_changed_are_read_again_and_the_rest_is_remembered(settings: Settings) -> None:
    store = TableStore(settings)
    days = [f"2026-03-{day:02d}" for day in range(1, 9)]
    for day in days:
        write(store, LookRenders, day, [render(day, look(day, number)) for number in (1, 2)])
        write(store, GarmentMasks, day, [mask(day, look(day, 1))])
    first, second = sweep(settings), sweep(settings)
    assert (first.days_read, second.days_read) == (8, 0)
    assert first.missing == second.missing
    assert len(second.missing) == 8
    write(store, GarmentMasks, days[0], [mask(days[0], look(days[0], number)) for number in (1, 2)])
    store.delete(LookRenders, {"day": days[1]})
    store.delete(GarmentMasks, {"day": days[1]})
    third = sweep(settings)
    assert (third.days, third.days_read, len(third.missing)) == (7, 1, 6)
    assert sweep(settings, afresh=True).missing == third.missing


@pytest.mark.parametrize("damage", [b"", b"{", b'{"shape": 0}', json.dumps({"shape": 1, "days": {"x": {}}}).encode()])
def test_what_is_remembered_may_be_damaged_or_deleted_at_any_time(settings: Settings, damage: bytes) -> None:
    write(TableStore(settings), LookRenders, MONDAY, [render(MONDAY, look(MONDAY, 1))])
    expected = sweep(settings).missing
    FileSystem(settings.home / "looks").write_bytes("sweep.json", damage)
    assert sweep(settings).missing == expected


def test_ids_of_another_form_are_compared_as_they_are_and_never_taken_for_a_number(settings: Settings) -> None:
    store = TableStore(settings)
    ids = [look(MONDAY, 1), "one", f"{MONDAY}-+001", f"{MONDAY}-00001", look(TUESDAY, 1)]
    write(store, LookRenders, MONDAY, [render(MONDAY, name) for name in ids])
    write(store, GarmentMasks, MONDAY, [mask(MONDAY, name) for name in ids[::2]])
    report = sweep(settings)
    assert {item.key.look_id for item in report.missing} == {"one", f"{MONDAY}-00001"}
    assert report.orphans == []


def test_a_tick_closes_what_is_done_sorts_what_is_missing_and_notes_it(migrated_lab: Settings) -> None:
    store = TableStore(migrated_lab)
    names = [look(MONDAY, number) for number in range(1, 5)]
    write(store, LookRenders, MONDAY, [render(MONDAY, name) for name in names])
    claims = claims_of(migrated_lab, "worker")
    tick = look_around(migrated_lab, claims)
    assert [item.key.look_id for item in tick.due_by_day[MONDAY]] == names
    claims.expect(tick.standing.due)
    assert all(claims.claim(name, 1) for name in names[:3])
    claims.release(names[1], 1, error="not a picture", kind="permanent")
    # The worker stored the masks of the first and died before it closed the claim.
    write(store, GarmentMasks, MONDAY, [mask(MONDAY, names[0])])
    tick = look_around(migrated_lab)
    assert (tick.settled, len(tick.standing.held), len(tick.standing.failed)) == (1, 1, 1)
    assert [item.key.look_id for item in tick.standing.due] == [names[3]]
    note_tick(migrated_lab, tick, run_id="tick", requeued={MONDAY: 1})
    note_tick(migrated_lab, look_around(migrated_lab), run_id="tick", requeued={})
    flush_events(migrated_lab)
    events = store.read("pipeline_events").filter(pl.col("stage") == "reconcile").sort("at")
    details = [json.loads(text) for text in events["detail"]]
    assert [(detail["found"], detail["requeued"]) for detail in details] == [(3, 1), (3, 0)]
    assert details[0]["failed"] == 1


def test_orphans_make_the_tick_warn_with_their_names_and_failures_are_noted_once(migrated_lab: Settings) -> None:
    store = TableStore(migrated_lab)
    write(store, LookRenders, MONDAY, [render(MONDAY, look(MONDAY, 1))])
    write(store, GarmentMasks, MONDAY, [mask(MONDAY, look(MONDAY, 7))])
    with db.session_scope(migrated_lab) as session:
        LookControl.get_instance(session).segment_tries = 1
    assert claims_of(migrated_lab, "x").policy.most_attempts == 1
    gone = Claims(PostgresBook(migrated_lab), "gone", ClaimPolicy(lease_s=0, most_attempts=1))
    gone.expect(look_around(migrated_lab).standing.due)
    assert gone.claim(look(MONDAY, 1), 1)
    tick = look_around(migrated_lab)
    assert [record.key.look_id for record in tick.standing.newly_failed] == [look(MONDAY, 1)]
    for _ in range(2):
        note_tick(migrated_lab, tick, run_id="tick", requeued={})
    flush_events(migrated_lab)
    events = store.read("pipeline_events")
    assert set(events.filter(pl.col("status") == "warn")["reason"]) == {
        f"1 masks without a render ({look(MONDAY, 7)} render 1)"
    }
    failed = events.filter(pl.col("status") == "fail")
    assert failed["reason"].to_list() == ["segment_failed: lease_expired: gone did not come back"]


def test_the_rows_of_these_tests_fit_the_schemas() -> None:
    assert frame(GarmentMasks, [filled(GarmentMasks)]).height == 1
