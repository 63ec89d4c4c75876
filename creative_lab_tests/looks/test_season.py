"""A simulated season: looks get better, stay varied, and the effect of vocabulary is estimated rightly."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from dagster import RunRequest, SkipReason

from creative_lab.looks.feedback.season import Season, SeasonPlan, run_season
from creative_lab.looks.feedback.season_report import estimate_vocabulary, season_numbers, write_season_report
from creative_lab.looks.importing import import_looks
from creative_lab.looks.schedules import due
from creative_lab.looks.wardrobe import Wardrobe, load_wardrobe
from creative_lab.settings import Settings
from creative_lab.state import db

SEEDS = (1, 2, 3, 4)


@pytest.fixture(scope="module")
def wardrobe(shared_lab: Settings) -> Wardrobe:
    with db.session_scope(shared_lab) as session:
        import_looks(session, shared_lab.data_dir / "looks")
        session.flush()
        found = load_wardrobe(session)
        session.rollback()
    return found


@pytest.fixture(scope="module")
def seasons(wardrobe: Wardrobe) -> dict[int, tuple[Season, Season]]:
    return {
        seed: (run_season(wardrobe, SeasonPlan(seed=seed)), run_season(wardrobe, SeasonPlan(seed=seed, learning=False)))
        for seed in SEEDS
    }


def test_the_mean_true_appeal_rises_and_more_than_without_learning(seasons: dict[int, tuple[Season, Season]]) -> None:
    for season, control in seasons.values():
        numbers = season_numbers(season, control, estimate_vocabulary(season))
        assert numbers["rise_with_learning"] > 0.1
        assert numbers["last_week_ahead"] > 0.3


def test_diversity_stays_above_its_floor(seasons: dict[int, tuple[Season, Season]], wardrobe: Wardrobe) -> None:
    colourways = sum("spring" in one.seasons for one in wardrobe.colourways)
    for season, control in seasons.values():
        looks = sum(day.looks for day in season.days)
        assert len(season.designers) == len(wardrobe.designers), "nobody vanishes"
        assert min(season.designers.values()) >= 0.25 * looks / len(wardrobe.designers)
        assert len(season.colourways) == colourways
        assert max(season.designers.values()) <= 0.5 * looks, "nobody takes over"
        for day, other in zip(season.days, control.days, strict=True):
            assert day.heroes >= 0.6 * other.heroes
            assert day.designers >= 2 and day.colourways >= 3
            assert day.distance is None or day.distance >= 0.15


def test_the_estimate_of_the_vocabulary_effect_covers_the_truth(seasons: dict[int, tuple[Season, Season]]) -> None:
    estimates = [estimate_vocabulary(season) for season, _ in seasons.values()]
    # 95 % intervals: of four seasons one may miss, and none may be far away.
    assert sum(one.covers for one in estimates) >= 3
    assert all(abs(one.effect - one.truth) < 2 * (one.high - one.low) for one in estimates)
    for _, control in seasons.values():
        nothing = estimate_vocabulary(control)
        assert nothing.truth == 0
        assert abs(nothing.effect) < 2 * (nothing.high - nothing.low)


def test_nothing_learned_on_a_day_changes_that_day(seasons: dict[int, tuple[Season, Season]]) -> None:
    for season, control in seasons.values():
        assert season.days[0] == control.days[0]
        assert season.days[5] != control.days[5]


def test_the_report_says_that_it_is_simulated_and_has_its_plots(wardrobe: Wardrobe, tmp_path: Path) -> None:
    made = write_season_report(Settings(home=tmp_path), SeasonPlan(days=14, looks_per_day=4), wardrobe)
    page = Path(made.page).read_text()
    assert "simulated" in page
    assert page.count("<figure>") == len(made.pictures) == 6
    assert all(Path(path).read_bytes().startswith(b"\x89PNG") for path in made.pictures)


@pytest.mark.parametrize(
    ("tick", "now", "expected"),
    [
        ("2026-03-02T04:00", "2026-03-02T04:00", None),  # five o'clock in Berlin
        ("2026-03-02T05:00", "2026-03-02T05:00", "2026-03-02"),
        ("2026-03-02T15:00", "2026-03-02T15:01", "2026-03-02"),  # the machine was off until then
        ("2026-03-02T05:00", "2026-03-03T09:00", None),  # that day is over
        ("2026-03-02T22:00", "2026-03-02T22:00", "2026-03-02"),  # 23:00 of the local day
        ("2026-03-02T23:00", "2026-03-02T23:00", None),  # already the next local day, before its hour
        ("2026-03-29T04:00", "2026-03-29T04:00", "2026-03-29"),  # summer time began in the night
    ],
)
def test_a_day_is_dealt_from_its_hour_on_and_never_after_it_is_over(tick: str, now: str, expected: str | None) -> None:
    moments = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (tick, now)]
    found = due(*moments, hour=6, time_zone="Europe/Berlin")
    if expected is None:
        assert isinstance(found, SkipReason)
    else:
        assert isinstance(found, RunRequest)
        assert (found.partition_key, found.run_key) == (expected, f"looks-{expected}")
