"""Budgets under threads, processes, kills and damage."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from creative_lab.language.budget import Budget
from creative_lab.language.errors import BudgetExceeded, LanguageError
from creative_lab.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home with space")


def spend(budget: Budget, usd: float) -> bool:
    try:
        with budget.reserve(usd) as reservation:
            reservation.settle(usd)
    except BudgetExceeded:
        return False
    return True


def test_fifty_threads_with_a_budget_for_ten_spend_exactly_ten(settings: Settings) -> None:
    budget = Budget(settings, "threads", cap_usd=1.0)
    ready = threading.Barrier(50)

    def one(_: int) -> bool:
        ready.wait(30)
        return spend(budget, 0.1)

    with ThreadPoolExecutor(50) as pool:
        assert sum(pool.map(one, range(50))) == 10
    assert budget.account().spent_usd == pytest.approx(1.0)


_CHILD = """
import sys
from creative_lab.language.budget import Budget
from creative_lab.language.errors import BudgetExceeded
from creative_lab.settings import Settings
budget = Budget(Settings(home=sys.argv[1]), "processes", cap_usd=1.0)
sys.stdin.readline()
done = 0
for _ in range(10):
    try:
        with budget.reserve(0.1) as reservation:
            reservation.settle(0.1)
            done += 1
    except BudgetExceeded:
        pass
print(done)
"""


def _child(code: str, home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_fifty_calls_from_five_processes_spend_exactly_ten(settings: Settings) -> None:
    children = [_child(_CHILD, settings.home) for _ in range(5)]
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    done = [int(child.communicate(timeout=60)[0]) for child in children]
    assert sum(done) == 10
    account = Budget(settings, "processes").account()
    assert account.spent_usd == pytest.approx(1.0)
    assert account.held == {}


_KILLED = """
import sys
from creative_lab.language.budget import Budget
from creative_lab.settings import Settings
reservation = Budget(Settings(home=sys.argv[1]), "killed", cap_usd=1.0).reserve(0.6)
print("reserved", flush=True)
sys.stdin.readline()
"""


def test_the_reservation_of_a_killed_process_stays_because_its_call_may_have_been_billed(settings: Settings) -> None:
    child = _child(_KILLED, settings.home)
    assert child.stdout is not None
    assert child.stdout.readline() == "reserved\n"
    os.kill(child.pid, signal.SIGKILL)
    child.wait(30)
    budget = Budget(settings, "killed", cap_usd=1.0)
    assert budget.account().held_usd == 0.6
    assert not spend(budget, 0.5)
    assert spend(budget, 0.4)


def test_a_failed_call_gives_its_reservation_back(settings: Settings) -> None:
    budget = Budget(settings, "failing", cap_usd=1.0)
    with pytest.raises(ZeroDivisionError), budget.reserve(1.0):
        raise ZeroDivisionError
    assert spend(budget, 1.0)


def test_a_reservation_is_settled_once(settings: Settings) -> None:
    reservation = Budget(settings, "once").reserve(0.1)
    reservation.settle(0.1)
    with pytest.raises(LanguageError):
        reservation.settle(0.1)
    reservation.release()
    assert Budget(settings, "once").account().spent_usd == pytest.approx(0.1)


def test_free_calls_pass_an_empty_budget_and_tokens_have_their_own_cap(settings: Settings) -> None:
    budget = Budget(settings, "free", cap_usd=0.0, cap_tokens=100)
    budget.reserve(0.0, tokens=60).settle(0.0, tokens=50)
    with pytest.raises(BudgetExceeded, match="100 tokens"):
        budget.reserve(0.0, tokens=51)
    with pytest.raises(BudgetExceeded, match="USD"):
        budget.reserve(0.000001)


def test_a_call_that_can_cost_nothing_writes_nothing_unless_it_cost_something_after_all(settings: Settings) -> None:
    budget = Budget(settings, "nothing")
    with budget.reserve(0.0) as reservation:
        reservation.settle(0.0)
    assert not (settings.home / "budgets").exists()
    budget.reserve(0.0).settle(0.25, tokens=3)
    assert (budget.account().spent_usd, budget.account().spent_tokens) == (0.25, 3)


def test_runs_do_not_share_a_budget_even_with_names_that_look_alike(settings: Settings) -> None:
    for run_id in ("a/b", "a-b", "../a-b", "A-B"):
        assert spend(Budget(settings, run_id, cap_usd=1.0), 1.0)
    assert {path.parent for path in (settings.home / "budgets").iterdir()} == {settings.home / "budgets"}


def test_a_damaged_account_is_an_error_and_not_a_fresh_budget(settings: Settings) -> None:
    budget = Budget(settings, "damaged", cap_usd=1.0)
    spend(budget, 0.5)
    (path,) = (settings.home / "budgets").glob("*.json")
    path.write_text(path.read_text()[:-5])
    with pytest.raises(LanguageError, match="damaged"):
        budget.reserve(0.1)


@hypothesis_settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.booleans()), max_size=12))
def test_spent_and_reserved_never_pass_the_cap_when_costs_stay_within_their_reservations(
    tmp_path: Path, calls: list[tuple[float, float, bool]]
) -> None:
    settings = Settings(home=tmp_path)
    budget = Budget(settings, os.urandom(8).hex(), cap_usd=2.0)
    open_ones = []
    for most, share, close in calls:
        try:
            open_ones.append((budget.reserve(most), most * share))
        except BudgetExceeded:
            continue
        if close:
            reservation, cost = open_ones.pop(0)
            reservation.settle(cost)
        account = budget.account()
        assert account.spent_usd + account.held_usd <= 2.0 + 1e-6
