"""The gates are measured on planted defects, and reach what is asked of exact checks."""

from __future__ import annotations

import json
from collections import Counter
from functools import lru_cache
from pathlib import Path

import polars as pl
import pytest

from creative_lab.metrics.gate_quality import (
    CASES_SCHEMA,
    DEFECTS,
    CleanScript,
    clean_script,
    evaluate,
    render_markdown,
    summarise,
    wilson,
)
from creative_lab.metrics.schemas import GateQuality, GateQualityCases
from creative_lab_tests.adaptation.drafter import markets

TRANSLATIONS = Path(__file__).parents[2] / "data" / "validation" / "translations"
MARKETS = (*markets.ENGLISH, "DE", "JP")
STORED_BY_THE_LAKE = {"run_id", "written_at", "backend"}


@lru_cache(maxsize=1)
def _scripts() -> tuple[CleanScript, ...]:
    scripts = []
    for name in markets.SPOTS:
        for country in MARKETS:
            path = TRANSLATIONS / f"{name}.{country.lower()}.json"
            translation = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
            scripts.append(clean_script(markets.context(name, country), translation))
    return tuple(scripts)


@lru_cache(maxsize=1)
def _cases() -> pl.DataFrame:
    return evaluate(_scripts(), seed=0, per_class=6)


@pytest.mark.slow
def test_the_set_is_three_spots_by_ten_markets_with_at_least_two_hundred_defects_of_every_class() -> None:
    cases = _cases()
    planted = cases.filter("expected")
    assert cases.filter(~pl.col("expected")).height == 30
    assert planted.height >= 200
    assert set(planted["defect"]) == {item.check for item in DEFECTS}
    assert planted["spot"].n_unique() == 3
    assert planted["market"].n_unique() == 10
    assert min(Counter(planted["defect"]).values()) >= 4
    assert cases["case_id"].is_unique().all()


@pytest.mark.slow
def test_exact_checks_find_ninety_eight_of_a_hundred_defects_with_two_false_alarms_at_most() -> None:
    cases = _cases()
    missed = cases.filter(pl.col("expected") & ~pl.col("found"))
    whole = summarise(cases).filter(pl.col("level") == "all").row(0, named=True)
    assert whole["recall"] >= 0.98, missed.select("case_id", "planted", "findings").to_dicts()
    alarms = cases.filter(pl.col("false_positives").list.len() > 0)
    assert whole["precision"] >= 0.98, alarms.select("case_id", "planted", "false_positives").to_dicts()


@pytest.mark.slow
def test_clean_scripts_get_no_finding() -> None:
    clean = _cases().filter(~pl.col("expected"))
    assert clean.filter(pl.col("findings").list.len() > 0).select("case_id", "findings").to_dicts() == []


@pytest.mark.slow
def test_the_frames_fit_their_tables() -> None:
    cases = _cases()
    summary = summarise(cases)
    assert set(cases.columns) | STORED_BY_THE_LAKE == set(GateQualityCases.column_names())
    assert set(summary.columns) | STORED_BY_THE_LAKE == set(GateQuality.column_names())
    stored = {
        "run_id": pl.lit("r"),
        "written_at": pl.lit(0).cast(pl.Datetime("us", "UTC")),
        "backend": pl.lit("miniature").cast(pl.Enum(["miniature", "studio", "hosted"])),
    }
    GateQualityCases.validate(cases.with_columns(**stored))
    GateQuality.validate(summary.with_columns(**stored))


def test_the_same_seed_plants_the_same_defects_and_another_seed_others() -> None:
    scripts = [clean_script(markets.context("just-one", country)) for country in ("GB", "AU")]
    first, again, other = (evaluate(scripts, seed=seed, per_class=1) for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first["planted"].equals(other["planted"])


def test_a_market_of_another_language_needs_a_translation_of_the_right_length() -> None:
    context = markets.context("just-one", "DE")
    with pytest.raises(ValueError, match="just-one/de: no clean script in de-DE"):
        clean_script(context)
    short = {"language": "de-DE", "visual_style_prompt": "x", "script_rows": []}
    with pytest.raises(ValueError, match="0 translated rows for 5"):
        clean_script(context, short)


def _frame(*rows: tuple[str, str, bool, bool, list[str]]) -> pl.DataFrame:
    """Cases by hand: gate, defect, expected, found, false positives."""
    records = [
        {
            "case_id": f"c{number}", "spot": "s", "market": "GB", "language": "en-GB", "gate": gate, "defect": defect,
            "planted": "x", "planted_row": 0, "expected": expected, "found": found, "findings": false,
            "false_positives": false, "seed": 0,
        }
        for number, (gate, defect, expected, found, false) in enumerate(rows)
    ]  # fmt: skip
    return pl.DataFrame(records, schema=CASES_SCHEMA)


def test_misses_lower_recall_and_alarms_lower_the_precision_of_their_own_class() -> None:
    frame = _frame(
        ("brand_gate", "banned_word", True, True, []),
        ("brand_gate", "banned_word", True, True, ["brand_gate:legal_line@2"]),
        ("brand_gate", "banned_word", True, False, []),
        ("brand_gate", "legal_line", True, True, []),
        ("all", "clean", False, False, ["culture_gate:taboo@1"]),
    )
    summary = {(row["gate"], row["defect"]): row for row in summarise(frame).iter_rows(named=True)}
    banned = summary["brand_gate", "banned_word"]
    assert (banned["recall"], banned["precision"], banned["f1"]) == (pytest.approx(2 / 3), 1.0, pytest.approx(0.8))
    legal = summary["brand_gate", "legal_line"]
    assert (legal["recall"], legal["precision"], legal["false_positives"]) == (1.0, 0.5, 1)
    assert summary["brand_gate", "all"]["precision"] == pytest.approx(3 / 4)
    taboo = summary["culture_gate", "taboo"]
    assert (taboo["cases"], taboo["recall"], taboo["precision"], taboo["clean_with_findings"]) == (0, None, 0.0, 1)
    whole = summary["all", "all"]
    assert (whole["true_positives"], whole["false_negatives"], whole["false_positives"]) == (3, 1, 2)


def test_wilson_s_interval_is_the_published_one() -> None:
    assert wilson(81, 263) == (pytest.approx(0.2553, abs=1e-4), pytest.approx(0.3662, abs=1e-4))
    assert wilson(10, 10)[0] == pytest.approx(0.7225, abs=1e-4)
    assert wilson(0, 0) == (None, None)


def test_the_report_names_every_class_and_the_number_of_cases() -> None:
    frame = _frame(("brand_gate", "banned_word", True, True, []), ("all", "clean", False, False, []))
    text = render_markdown(summarise(frame))
    assert "1 scripts with one planted defect each and 1 clean scripts" in text
    assert "| brand | banned_word | 1 | 1 | 0 | 1.000 (0.21–1.00) | 1.000 (0.21–1.00) | 1.000 |" in text
    assert all(item.check in text for item in DEFECTS)
