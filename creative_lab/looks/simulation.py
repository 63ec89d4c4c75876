"""A line of renders, segmenters and sweeps under faults, on a fake clock: is ever a picture left behind, or done twice?

The rules of claims (:mod:`creative_lab.looks.claims`) and of the ticks (:func:`creative_lab.looks.reconcile.requests`)
are the real ones; the lake is a dictionary, and runs are generators that a clock wakes. One seed is one world, with
batches, re-renders, follow-ups that are lost, late or doubled, workers that are killed or come back after their lease,
pictures that kill every worker, a store and a segmenter that are away for hours, and hours without any tick.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from creative_lab.looks.claims import Book, ClaimPolicy, Claims, MemoryBook, RenderKey, Wanted
from creative_lab.looks.reconcile import requests

START = datetime(2026, 3, 1, 6, tzinfo=UTC)
TICK_S = 600.0
_LONGEST_TICK_S = TICK_S + 60.0
"""A tick comes a little late, and its runs start a little later."""
BUSY_S = 5 * 3600.0
"""Time in which faults happen; afterwards only pictures that kill every worker are left."""
END_S = 48 * 3600.0
Step = Iterator[float]
"""A process: it yields the seconds that it sleeps."""


@dataclass
class Outcome:
    """What became of one world."""

    seed: int
    pictures: int = 0
    segmented: int = 0
    failed: int = 0
    crashes: int = 0
    late: int = 0
    """Results that were dropped because their claim was lost."""
    outages: int = 0
    ticks: int = 0
    requeued: int = 0
    oldest_s: float = 0.0
    """Longest that a picture waited since it was rendered, or retried by a person, less outages of store and model."""
    problems: list[str] = field(default_factory=list)
    """What must never happen; empty when all is well."""


class World:
    """One seeded world; :meth:`run` plays it to its end. ``book`` keeps the claims and must follow :attr:`now`."""

    def __init__(self, seed: int, book: Callable[[World], Book] | None = None, size: int = 12) -> None:
        self.random = random.Random(seed)
        self.now = START
        self.outcome = Outcome(seed)
        draw = self.random.uniform
        self.policy = ClaimPolicy(
            lease_s=draw(120, 900), most_attempts=self.random.randint(3, 6), back_off_s=60, longest_back_off_s=900
        )
        self.book = book(self) if book else MemoryBook(START)
        self.renders: dict[RenderKey, Wanted] = {}
        self.masks: dict[RenderKey, list[str]] = {}
        self.poison: set[RenderKey] = set()
        self.away = sorted((draw(0, BUSY_S), draw(300, 5400)) for _ in range(self.random.randint(0, 2)))
        self.silent = (draw(0, BUSY_S), draw(0, 3600)) if self.random.random() < 0.3 else (0.0, 0.0)
        self.crash_rate = self.random.choice((0.0, 0.05, 0.2, 0.5))
        self.error_rate = self.random.choice((0.0, 0.05, 0.2))
        self.stopped_s = 0.0
        self.retried: dict[RenderKey, datetime] = {}
        self.running: dict[str, int] = {}
        self.sequence: dict[str, int] = {}
        self.names = count(1)
        self._queue: list[tuple[float, int, Step]] = []
        self._order = count()
        self._start(self._batches(size))
        self._start(self._ticks())
        self._start(self._person())
        self._start(self._by_hand())

    # --- the clock

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return (self.now - START).total_seconds()

    def _start(self, process: Step, delay: float = 0.0) -> None:
        heapq.heappush(self._queue, (self.elapsed + delay, next(self._order), process))

    def run(self) -> Outcome:
        """Play until everything is settled, or until the time in which it must be has passed."""
        while self._queue:
            at, _, process = heapq.heappop(self._queue)
            if at > END_S or (at > BUSY_S and self._at_rest()):
                break
            self.now = START + timedelta(seconds=at)
            if isinstance(self.book, MemoryBook):
                self.book.clock = self.now
            pause = next(process, None)
            if pause is not None:
                self._start(process, pause)
        return self._judged()

    # --- what must hold

    @property
    def limit_s(self) -> float:
        """Longest that a picture may be without masks, or without being listed as failed, apart from outages.

        Every attempt of its own costs at most a lease, a back-off and the tick that finds it; then come the wait after
        the last outage, one tick for every killed run that it stood behind, and the time that a run was stopped for.
        """
        attempt = self.policy.lease_s + self.policy.longest_back_off_s + _LONGEST_TICK_S
        others = self.outcome.crashes * _LONGEST_TICK_S + self.stopped_s + self.silent[1]
        return self.policy.most_attempts * attempt + self.policy.longest_back_off_s + others + 2 * _LONGEST_TICK_S

    def _at_rest(self) -> bool:
        given_up = {record.key for record in self.book.records(states=["failed"])}
        return all(key in self.masks or key in given_up for key in self.renders)

    def _judged(self) -> Outcome:
        found, records = self.outcome, {record.key: record for record in self.book.records()}
        for key in self.renders:
            record = records.get(key)
            times = len(self.masks.get(key, []))
            if times > 1:
                found.problems.append(f"{key} was segmented {times} times: {self.masks[key]}")
            if times == 0 and (record is None or record.state != "failed"):
                found.problems.append(f"{key} was left behind: {record}")
        for key in self.masks:
            if key not in self.renders:
                found.problems.append(f"{key} has masks and no render")
        for record in records.values():
            if record.state == "failed" and not record.reason:
                found.problems.append(f"{record.key} failed without a reason")
            if record.state == "failed" and record.key in self.masks:
                found.problems.append(f"{record.key} is listed as failed although it is segmented")
        if found.oldest_s > self.limit_s:
            found.problems.append(f"a picture waited {found.oldest_s:.0f} s, more than {self.limit_s:.0f}")
        found.pictures, found.segmented = len(self.renders), len(self.masks)
        found.failed = sum(record.state == "failed" for record in records.values())
        return found

    def _is_away(self) -> bool:
        return any(start <= self.elapsed < start + length for start, length in self.away)

    def _away_since(self, moment: datetime) -> float:
        begin = (moment - START).total_seconds()
        return sum(max(min(start + length, self.elapsed) - max(start, begin), 0.0) for start, length in self.away)

    # --- the processes

    def _batches(self, size: int) -> Step:
        number = 0
        for _ in range(self.random.randint(1, 3)):
            yield self.random.uniform(0, BUSY_S / 3)
            day = f"2026-03-{self.random.randint(1, 3):02d}"
            for _ in range(self.random.randint(1, size)):
                yield self.random.uniform(0, 40)
                number += 1
                self._render(RenderKey(f"{day}-{number:04d}", 1), day)
                if self.random.random() < 0.1:
                    self._start(self._render_again(RenderKey(f"{day}-{number:04d}", 2), day))
            # The work that follows a batch at once is done, lost, late or done twice.
            for _ in range(self.random.choice((0, 1, 1, 2))):
                self._start(self._segment(day), self.random.choice((0.0, 1.0, 300.0)))

    def _render(self, key: RenderKey, day: str) -> None:
        self.renders[key] = Wanted(key, day, self.now)
        if self.random.random() < 0.04:
            self.poison.add(key)

    def _render_again(self, key: RenderKey, day: str) -> Step:
        yield self.random.uniform(1, 7200)
        self._render(key, day)

    def _missing(self, day: str | None = None) -> list[Wanted]:
        found = [item for key, item in self.renders.items() if key not in self.masks and day in (None, item.day)]
        return sorted(found, key=lambda item: (item.rendered_at, item.key))

    def _ticks(self) -> Step:
        while True:
            yield TICK_S + self.random.uniform(0, 30)
            if self.silent[0] <= self.elapsed < sum(self.silent):
                continue
            self.outcome.ticks += 1
            claims = Claims(self.book, "sweep", self.policy)
            missing = self._missing()
            unfinished = [record.key for record in self.book.records() if record.state != "done"]
            claims.settle(key for key in unfinished if key in self.masks)
            standing = claims.standing(missing)
            given_up = {record.key for record in standing.failed}
            for item in missing:
                if item.key not in given_up:
                    since = max(item.rendered_at, self.retried.get(item.key, START))
                    age = (self.now - since).total_seconds() - self._away_since(since)
                    self.outcome.oldest_s = max(self.outcome.oldest_s, age)
            due: dict[str, list[Wanted]] = {}
            for item in standing.due:
                due.setdefault(item.day, []).append(item)
            busy = {day for day, runs in self.running.items() if runs}
            asked, self.sequence = requests(due, {item.day: "v" for item in missing}, self.sequence, busy_days=busy)
            for request in asked:
                self.outcome.requeued += len(request.pictures)
                self._start(self._segment(request.day), self.random.uniform(0, 20))

    def _segment(self, day: str) -> Step:
        """A run that segments what is missing of a day, as the asset does."""
        self.running[day] = self.running.get(day, 0) + 1
        try:
            yield from self._work(day)
        finally:
            self.running[day] -= 1

    def _work(self, day: str) -> Step:
        claims = Claims(self.book, f"run {next(self.names)}", self.policy)
        missing = self._missing(day)
        claims.expect(missing)
        for item in missing:
            key = item.key
            if key in self.masks or not claims.claim(*key):
                continue
            if self._is_away():
                self.outcome.outages += 1
                claims.release(*key, error="store_unreachable: connection refused", kind="outage")
                continue
            yield self.random.uniform(0.2, 5)
            if key in self.poison or self._strikes(self.crash_rate * 0.2):
                self.outcome.crashes += 1
                return  # killed: nothing is released, and nobody is told
            if self._strikes(0.02):  # stopped for a while, then it goes on
                pause = self.policy.lease_s * self.random.uniform(0.5, 3)
                self.stopped_s += pause
                yield pause
            if self._strikes(self.error_rate):
                claims.release(*key, error="no people were found")
                continue
            if not self._may_store(claims, key):
                self.outcome.late += 1
                continue
            self.masks.setdefault(key, []).append(claims.owner)
            if self._strikes(self.crash_rate * 0.1):
                self.outcome.crashes += 1
                return  # killed between storing and closing the claim
            claims.release(*key)

    def _strikes(self, rate: float) -> bool:
        return self.random.random() < rate and self.elapsed < BUSY_S

    def _may_store(self, claims: Claims, key: RenderKey) -> bool:
        """The claim is looked at and the masks are merged into the day's table, where masks that are there stay."""
        return claims.holds(*key) and key not in self.masks

    def _by_hand(self) -> Step:
        """Somebody who materializes days whenever they like, whatever else is running."""
        for _ in range(self.random.choice((0, 2, 6))):
            yield self.random.uniform(60, BUSY_S / 4)
            for day in sorted({item.day for item in self._missing()}):
                self._start(self._segment(day))

    def _person(self) -> Step:
        while True:
            yield self.random.uniform(1800, 7200)
            if self.elapsed > BUSY_S:
                return
            claims = Claims(self.book, "Ada", self.policy)
            for record in self.book.records(states=["failed"]):
                claims.retry(record.key.look_id, "Ada", record.key.render_no)
                self.retried[record.key] = self.now


def simulate(seed: int, book: Callable[[World], Book] | None = None, size: int = 12) -> Outcome:
    """Play the world of a seed to its end."""
    return World(seed, book, size).run()
