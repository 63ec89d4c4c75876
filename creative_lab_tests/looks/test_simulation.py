"""Two hundred worlds of faults on every run of the tests, some on the real database, and worlds without the rules."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text

from creative_lab.looks.claim_book import PostgresBook
from creative_lab.looks.claims import Claims, RenderKey
from creative_lab.looks.simulation import Step, World, simulate
from creative_lab.settings import Settings
from creative_lab.state import db


def test_no_picture_is_left_behind_or_segmented_twice_and_every_failure_has_a_reason() -> None:
    outcomes = [simulate(seed) for seed in range(200)]
    assert {outcome.seed: outcome.problems for outcome in outcomes if outcome.problems} == {}
    assert all(outcome.segmented + outcome.failed == outcome.pictures for outcome in outcomes)
    # The faults really happen.
    for fault in ("failed", "crashes", "late", "outages", "requeued"):
        assert sum(getattr(outcome, fault) for outcome in outcomes) > 5, fault


def test_a_seed_plays_the_same_way_every_time() -> None:
    assert simulate(7) == simulate(7)


@pytest.mark.parametrize("seed", [3, 11, 25, 31])
def test_the_rules_hold_on_the_real_database_and_come_to_the_same_end(shared_lab: Settings, seed: int) -> None:
    def book(world: World) -> PostgresBook:
        return PostgresBook(shared_lab, lambda: world.now)

    try:
        assert simulate(seed, book, size=5) == simulate(seed, size=5)
    finally:
        with db.session_scope(shared_lab) as session:
            session.execute(text("DELETE FROM creative_lab.segmentation_claims"))


class NobodySweeps(World):
    def _ticks(self) -> Step:
        yield 1.0


class LateResultsAreKept(World):
    def _may_store(self, claims: Claims, key: RenderKey) -> bool:
        return True


class EverybodyMayHaveIt(World):
    """As if there were no claims: two runs of a day do the same pictures."""

    def _may_store(self, claims: Claims, key: RenderKey) -> bool:
        return True

    def _work(self, day: str) -> Step:
        for item in self._missing(day):
            yield 3.0
            self.masks.setdefault(item.key, []).append("somebody")


@pytest.mark.parametrize(
    ("kind", "word"),
    [(NobodySweeps, "left behind"), (LateResultsAreKept, "times"), (EverybodyMayHaveIt, "times")],
)
def test_worlds_without_a_sweep_a_fence_or_claims_are_found_out(kind: Callable[[int], World], word: str) -> None:
    problems = [problem for seed in range(400) for problem in kind(seed).run().problems]
    assert any(word in problem for problem in problems)
