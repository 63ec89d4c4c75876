"""What a study's answers say: means with intervals, agreement between raters, and each rater with themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from creative_lab.metrics.intervals import mean_interval
from creative_lab.metrics.study import Definition

ALL = "all"


@dataclass(frozen=True)
class Given:
    """One answer as it is stored."""

    form: str
    rater: str
    position: int
    item: str
    question: str
    answer: str
    synthetic: bool


def frame_of(definition: Definition, answers: Iterable[Given]) -> pl.DataFrame:
    """Answers with what they are about: method, storyboard, kind, whether the page was a repeat, whether right."""
    rows = []
    for given in sorted(answers, key=lambda one: (one.form, one.position)):
        item = definition.items[given.item]
        first = definition.forms[given.form].index(given.item)
        rows.append(
            {
                "form": given.form, "rater": given.rater, "position": given.position, "item": given.item,
                "question": given.question, "answer": given.answer, "synthetic": given.synthetic, "kind": item.kind,
                "method": item.method, "storyboard": item.storyboard, "repeat": given.position != first,
                "right": None if item.expected is None else given.answer == item.expected,
            }
        )  # fmt: skip
    schema = {
        "form": pl.String, "rater": pl.String, "position": pl.Int64, "item": pl.String, "question": pl.String,
        "answer": pl.String, "synthetic": pl.Boolean, "kind": pl.String, "method": pl.String, "storyboard": pl.String,
        "repeat": pl.Boolean, "right": pl.Boolean,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


def summarise(answers: pl.DataFrame, *, seed: int = 0) -> list[dict[str, Any]]:
    """One row per question and method (and one over all methods) from :func:`frame_of`'s rows.

    First answers only; people and programs are never mixed, so each has rows of its own (``synthetic``). ``mean`` is
    the mean rating, or the share of "yes" among all answers: "cannot tell" is not a yes. Its 95 % interval comes from
    resampling raters and storyboards. ``alpha`` is Krippendorff's (ordinal for ratings, nominal for yes and no), with
    its bootstrap interval; it is unknown where the answers leave nothing to agree about.
    """
    result: list[dict[str, Any]] = []
    counted = answers.filter(pl.col("kind") != "attention")
    for synthetic in sorted(set(counted["synthetic"])):
        side = counted.filter(pl.col("synthetic") == synthetic)
        reliability = _reliability(answers.filter(pl.col("synthetic") == synthetic))
        for question in sorted(set(side["question"])):
            asked = side.filter((pl.col("question") == question) & ~pl.col("repeat"))
            methods = sorted(set(asked["method"]))
            for method in [*methods, ALL]:
                chosen = asked if method == ALL else asked.filter(pl.col("method") == method)
                row = _row(question, chosen, seed)
                result.append({"question": question, "method": method, "synthetic": synthetic, **row, **reliability})
    return result


def _row(question: str, rows: pl.DataFrame, seed: int) -> dict[str, Any]:
    values = _values(question, rows)
    mean = mean_interval(values, rows["rater"].to_list(), rows["storyboard"].to_list(), seed=seed)
    alpha, low, high = _alpha(question, rows, seed)
    return {
        "n": len(values),
        "raters": rows["rater"].n_unique(),
        "storyboards": rows["storyboard"].n_unique(),
        "mean": mean.mean,
        "mean_low": mean.low,
        "mean_high": mean.high,
        "spread": float(np.std(values, ddof=1)) if len(values) > 1 else None,
        "cannot_tell": rows["answer"].to_list().count("cannot_tell") / len(values)
        if question == "same_person"
        else None,
        "alpha": alpha,
        "alpha_low": low,
        "alpha_high": high,
    }


def _values(question: str, rows: pl.DataFrame) -> list[float]:
    return [float(answer) if question == "rating" else float(answer == "yes") for answer in rows["answer"]]


def _alpha(question: str, rows: pl.DataFrame, seed: int) -> tuple[float | None, float | None, float | None]:
    import evalica
    import pandas as pd

    codes = {"yes": 1.0, "no": 0.0, "cannot_tell": np.nan}
    values = [float(a) if question == "rating" else codes[a] for a in rows["answer"]]
    table = pd.DataFrame({"rater": rows["rater"], "item": rows["item"], "value": values})
    wide = table.pivot_table(index="rater", columns="item", values="value", dropna=False).dropna(axis=1, thresh=2)
    known = wide.to_numpy()[~np.isnan(wide.to_numpy())]
    if wide.shape[0] < 2 or wide.shape[1] < 2 or len(set(known.tolist())) < 2:
        return None, None, None
    distance: Literal["ordinal", "nominal"] = "ordinal" if question == "rating" else "nominal"
    found = evalica.alpha_bootstrap(wide, distance=distance, n_resamples=1000, random_state=seed)
    return float(found.alpha), float(found.low), float(found.high)


def _reliability(rows: pl.DataFrame) -> dict[str, Any]:
    """How often raters said the same about a repeat (ratings within one), and passed the attention checks."""
    first: dict[tuple[str, str], str] = {}
    same: list[bool] = []
    for row in rows.filter(pl.col("kind") != "attention").iter_rows(named=True):
        key = (row["form"], row["item"])
        if not row["repeat"]:
            first[key] = row["answer"]
        elif key in first:
            before, now = first[key], row["answer"]
            same.append(abs(int(before) - int(now)) <= 1 if row["question"] == "rating" else before == now)
    checks = rows.filter(pl.col("kind") == "attention")["right"].to_list()
    return {
        "self_consistency": float(np.mean(same)) if same else None,
        "attention_passed": float(np.mean(checks)) if checks else None,
    }


def people_against_scores(
    answers: pl.DataFrame, scores: Mapping[str, Mapping[str, float | None]]
) -> list[dict[str, Any]]:
    """Spearman's correlation, over storyboards, of what people said with each automatic score.

    ``scores`` holds score name → storyboard → value. Returns question, score, ``spearman`` (null for fewer than three
    storyboards or no variation) and the number of storyboards.
    """
    from scipy.stats import spearmanr

    result: list[dict[str, Any]] = []
    counted = answers.filter((pl.col("kind") != "attention") & ~pl.col("repeat"))
    for synthetic in sorted(set(counted["synthetic"])):
        for question in ("rating", "same_person"):
            rows = counted.filter((pl.col("question") == question) & (pl.col("synthetic") == synthetic))
            said: dict[str, list[float]] = defaultdict(list)
            for storyboard, value in zip(rows["storyboard"], _values(question, rows), strict=True):
                said[storyboard].append(value)
            for name, values in sorted(scores.items()):
                pairs = [(float(np.mean(said[s])), v) for s, v in sorted(values.items()) if v is not None and s in said]
                mine, theirs = [p[0] for p in pairs], [p[1] for p in pairs]
                enough = len(pairs) >= 3 and len(set(mine)) > 1 and len(set(theirs)) > 1
                rho = float(spearmanr(mine, theirs).statistic) if enough else None
                result.append(
                    {"question": question, "score": name, "synthetic": synthetic, "spearman": rho,
                     "storyboards": len(pairs)}
                )  # fmt: skip
    return result
