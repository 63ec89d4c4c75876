"""Claims on the real database and on the simulation's book, which must follow the same rules."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from creative_lab.looks.claim_book import PostgresBook
from creative_lab.looks.claims import Book, ClaimPolicy, ClaimRecord, Claims, MemoryBook, RenderKey, Wanted
from creative_lab.settings import Settings
from creative_lab.state import db

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
POLICY = ClaimPolicy(lease_s=600, most_attempts=3, back_off_s=60, longest_back_off_s=90)


class Clock:
    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        return self.time


class Bench:
    """A book of either kind with a clock that a test moves."""

    def __init__(self, book: Book, clock: Clock) -> None:
        self.book = book
        self.clock = clock

    def pass_seconds(self, seconds: float) -> None:
        self.clock.time += timedelta(seconds=seconds)
        if isinstance(self.book, MemoryBook):
            self.book.clock = self.clock.time

    def worker(self, name: str, *looks: str) -> Claims:
        claims = Claims(self.book, name, POLICY)
        claims.expect(wanted(look) for look in looks)
        return claims

    def record(self, look: str, render_no: int = 1) -> ClaimRecord:
        return self.book.records([RenderKey(look, render_no)])[0]


def wanted(look: str, render_no: int = 1) -> Wanted:
    return Wanted(RenderKey(look, render_no), "2026-03-01", START)


@pytest.fixture(params=["memory", "postgres"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    clock = Clock()
    if request.param == "memory":
        yield Bench(MemoryBook(START), clock)
        return
    settings: Settings = request.getfixturevalue("shared_lab")
    yield Bench(PostgresBook(settings, clock), clock)
    with db.session_scope(settings) as session:
        session.execute(text("DELETE FROM creative_lab.segmentation_claims"))


def test_a_picture_is_given_to_one_worker_and_to_nobody_else_while_the_lease_lasts(bench: Bench) -> None:
    first, second = bench.worker("sweep", "a"), bench.worker("follow-up", "a")
    assert first.claim("a", 1)
    assert not second.claim("a", 1)
    assert not first.claim("a", 1)
    bench.pass_seconds(599)
    assert not second.claim("a", 1)


def test_a_picture_whose_worker_died_goes_to_another_after_the_lease_and_waits_when_a_second_one_dies(
    bench: Bench,
) -> None:
    dead, other = bench.worker("dead", "a"), bench.worker("other", "a")
    assert dead.claim("a", 1)
    bench.pass_seconds(600)
    assert other.claim("a", 1), "a worker may die of anything: the first time the picture need not wait"
    assert (bench.record("a").attempts, bench.record("a").reason) == (1, "lease_expired: dead did not come back")
    bench.pass_seconds(600)
    third = bench.worker("third", "a")
    assert not third.claim("a", 1)
    bench.pass_seconds(60)
    assert third.claim("a", 1)
    assert bench.record("a").attempts == 2


def test_claims_of_an_owner_that_is_known_to_be_gone_end_at_once(bench: Bench) -> None:
    dead, alive = bench.worker("dead", "a", "b"), bench.worker("alive", "c")
    assert dead.claim("a", 1) and dead.claim("b", 1) and alive.claim("c", 1)
    dead.release("b", 1)
    [taken] = alive.abandon(lambda owner: owner == "dead")
    assert (taken.key.look_id, taken.state, taken.attempts) == ("a", "waiting", 1)
    assert not dead.holds("a", 1)
    assert alive.holds("c", 1)
    assert [item.key.look_id for item in alive.standing([wanted("a"), wanted("c")]).due] == ["a"]


def test_a_worker_that_comes_back_late_may_neither_store_nor_close_the_picture_of_another(bench: Bench) -> None:
    slow, quick = bench.worker("slow", "a"), bench.worker("quick", "a")
    assert slow.claim("a", 1)
    bench.pass_seconds(600)
    assert quick.claim("a", 1)
    assert not slow.holds("a", 1)
    assert slow.release("a", 1) is None
    assert slow.release("a", 1, error="broken") is None
    assert bench.record("a").state == "claimed"
    assert quick.holds("a", 1)
    finished = quick.release("a", 1)
    assert finished is not None
    assert finished.state == "done"


def test_asking_whether_a_picture_is_held_extends_its_lease(bench: Bench) -> None:
    worker, other = bench.worker("worker", "a"), bench.worker("other", "a")
    assert worker.claim("a", 1)
    for _ in range(4):
        bench.pass_seconds(500)
        assert worker.holds("a", 1)
    assert not other.claim("a", 1)
    bench.pass_seconds(601)
    assert other.claim("a", 1)
    assert not worker.holds("a", 1)


def test_failed_attempts_wait_twice_as_long_each_time_up_to_a_limit_and_then_fail_with_their_last_reason(
    bench: Bench,
) -> None:
    worker = bench.worker("worker", "a")
    for wait in (60, 90):
        assert worker.claim("a", 1)
        worker.release("a", 1, error="no people found")
        bench.pass_seconds(wait - 1)
        assert not worker.claim("a", 1)
        bench.pass_seconds(1)
    assert worker.claim("a", 1)
    record = worker.release("a", 1, error="still none")
    assert record is not None
    assert (record.state, record.attempts, record.reason) == ("failed", 3, "still none")
    bench.pass_seconds(100_000)
    assert not worker.claim("a", 1)
    assert [found.key.look_id for found in bench.book.records(states=["failed"])] == ["a"]


def test_a_failed_picture_is_tried_again_when_a_person_says_so_and_counts_from_nothing(bench: Bench) -> None:
    worker = bench.worker("worker", "a")
    worker.claim("a", 1)
    worker.release("a", 1, error="not a picture", kind="permanent")
    assert bench.record("a").state == "failed"
    assert worker.retry("b", who="Ada") == []
    [again] = worker.retry("a", who="Ada")
    assert (again.state, again.attempts, again.released_by, again.reason) == ("waiting", 0, "Ada", "not a picture")
    assert worker.retry("a", who="Ada") == [], "it is not failed any more"
    assert worker.claim("a", 1)


def test_an_outage_keeps_the_picture_waiting_without_counting_an_attempt_however_long_it_lasts(bench: Bench) -> None:
    worker = bench.worker("worker", "a")
    for _ in range(12):
        assert worker.claim("a", 1)
        worker.release("a", 1, error="store_unreachable: no route to host", kind="outage")
        assert not worker.claim("a", 1)
        bench.pass_seconds(90)
    record = bench.record("a")
    assert (record.state, record.attempts, record.outages) == ("waiting", 0, 12)
    assert worker.claim("a", 1)
    worker.release("a", 1)
    assert bench.record("a").reason == ""


def test_a_new_render_of_a_look_is_a_picture_of_its_own(bench: Bench) -> None:
    worker = bench.worker("worker", "a")
    worker.claim("a", 1)
    worker.release("a", 1)
    worker.expect([wanted("a", 2)])
    assert not worker.claim("a", 1), "it is segmented"
    assert worker.claim("a", 2)


def test_pictures_handed_back_in_order_are_free_at_once_and_uncounted(bench: Bench) -> None:
    worker, other = bench.worker("worker", "a", "b"), bench.worker("other", "a", "b")
    assert worker.take([wanted("a"), wanted("b")], limit=1) == [RenderKey("a", 1)]
    worker.give_back()
    assert other.take([wanted("a"), wanted("b")]) == [RenderKey("a", 1), RenderKey("b", 1)]
    assert bench.record("a").attempts == 0


def test_the_standing_of_missing_pictures_tells_due_from_waiting_held_and_failed(bench: Bench) -> None:
    worker = bench.worker("worker", "held", "later", "failed", "dead")
    for look in ("later", "failed", "dead"):
        worker.claim(look, 1)
    worker.release("failed", 1, error="no picture", kind="permanent")
    bench.pass_seconds(599)
    worker.release("later", 1, error="once")
    worker.claim("held", 1)
    bench.pass_seconds(1)
    standing = worker.standing([wanted(look) for look in ("new", "held", "later", "failed", "dead")])
    assert [item.key.look_id for item in standing.due] == ["new", "dead"]
    assert [item.key.look_id for item in standing.held] == ["held"]
    assert [item.key.look_id for item in standing.later] == ["later"]
    assert [record.key.look_id for record in standing.failed] == ["failed"]
    assert (standing.expired, standing.newly_failed) == (1, [])


def test_a_worker_that_dies_every_time_on_one_picture_leaves_it_failed_with_a_reason(bench: Bench) -> None:
    claims = bench.worker("sweep", "poison")
    seen = []
    for number in range(3):
        assert bench.worker(f"worker {number}", "poison").claim("poison", 1)
        bench.pass_seconds(600)
        standing = claims.standing([wanted("poison")])
        seen += [record.reason for record in standing.newly_failed]
        bench.pass_seconds(90)
    assert seen == ["lease_expired: worker 2 did not come back"]
    assert claims.standing([wanted("poison")]).newly_failed == [], "it is reported once"


def test_masks_that_are_in_the_lake_close_the_claim_whoever_stored_them(bench: Bench) -> None:
    worker = bench.worker("worker", "a", "b")
    worker.claim("a", 1)
    worker.claim("b", 1)
    worker.release("b", 1, error="broken", kind="permanent")
    assert worker.settle([RenderKey("a", 1), RenderKey("b", 1), RenderKey("unknown", 1)]) == 2
    assert {record.state for record in bench.book.records()} == {"done"}


def test_masks_that_were_made_and_vanished_are_made_again(bench: Bench) -> None:
    worker = bench.worker("worker", "a")
    worker.claim("a", 1)
    worker.release("a", 1)
    assert [item.key.look_id for item in worker.standing([wanted("a")]).due] == ["a"]
    assert worker.claim("a", 1)


def test_sixteen_workers_that_want_the_same_pictures_at_once_share_them_without_overlap(
    migrated_lab: Settings,
) -> None:
    looks = [wanted(f"look-{number:03d}") for number in range(40)]

    def work(number: int) -> list[RenderKey]:
        claims = Claims(PostgresBook(migrated_lab), f"worker {number}")
        order = looks if number % 2 else looks[::-1]
        return [key for start in range(0, 40, 5) for key in claims.take(order[start : start + 5], limit=2)]

    with ThreadPoolExecutor(16) as pool:
        taken = [key for keys in pool.map(work, range(16)) for key in keys]
    assert len(taken) == len(set(taken)) == 40
