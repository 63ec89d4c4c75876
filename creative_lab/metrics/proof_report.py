"""The report of the ablation for people: ``results.md``, and a page that shows the pictures beside the figures."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from creative_lab.metrics.ablation import METRICS
from creative_lab.metrics.intervals import Interval
from creative_lab.metrics.matching import ARMS, LeftOut

TEMPLATES = Path(__file__).parent / "templates"
ARM_NAMES = {"baseline": "Baseline", "simple": "Simple", "reference_guided": "Reference-guided"}
CLAIMS = (
    ("reference_guided", "simple", 0.30, "Reference guidance raises face consistency by 30 % over the simple method"),
    ("simple", "baseline", 0.40, "A LoRA raises face consistency by 40 % over the plain model"),
)
"""Claims that earlier systems made without figures: (method, against, relative gain, in words). Tested, not assumed."""
CONSISTENCY_AIM = 0.85


@dataclass(frozen=True)
class Strip:
    """The frames of one storyboard, as names of thumbnails below the lake; None where a scene has no picture."""

    title: str
    character: str
    method: str
    thumbnails: tuple[str | None, ...]


@dataclass(frozen=True)
class Verdict:
    """What the figures say about a claim."""

    claim: str
    verdict: str
    detail: str


def claims(deltas: Sequence[dict[str, Any]]) -> list[Verdict]:
    """Each claim against the measured difference: held, held in direction only, not shown, contradicted, unmeasured."""
    result = []
    for method, against, gain, words in CLAIMS:
        row = next(
            (r for r in deltas
             if (r["metric"], r["method"], r["against"]) == ("face_consistency", method, against)), None
        )  # fmt: skip
        if row is None or row["difference"] is None or row["relative"] is None:
            result.append(Verdict(words, "not measured", "no storyboards under both methods"))
            continue
        detail = f"{row['difference']:+.3f} ({row['relative']:+.0%}), 95 % interval {_interval(row)}"
        if row["low"] is None:
            verdict = "not shown: too few storyboards for an interval"
        elif row["high"] < 0:
            verdict = "contradicted"
        elif row["low"] <= 0:
            verdict = "not shown: the interval includes no gain"
        else:
            verdict = "holds" if row["relative"] >= gain else "holds in direction, not in size"
        result.append(Verdict(words, verdict, detail))
    return result


def _interval(row: dict[str, Any]) -> str:
    return "unknown" if row["low"] is None else f"{row['low']:+.3f} to {row['high']:+.3f}"


def _cell(row: dict[str, Any] | None) -> str:
    if row is None or row["mean"] is None:
        return "–"
    digits = 3 if abs(row["mean"]) < 10 else 1
    interval = "" if row["low"] is None else f" [{row['low']:.{digits}f}, {row['high']:.{digits}f}]"
    return f"{row['mean']:.{digits}f}{interval}"


def arms_grid(arms: Sequence[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    """One line per metric: its words and the cell of every arm."""
    found = {(row["metric"], row["method"]): row for row in arms}
    return [(metric.words, [_cell(found.get((metric.name, arm))) for arm in ARMS]) for metric in METRICS]


def ordered(arms: Sequence[dict[str, Any]]) -> str:
    """Whether face consistency rises from arm to arm, and whether the intervals keep apart, in one sentence."""
    found = {row["method"]: row for row in arms if row["metric"] == "face_consistency"}
    rows = [found.get(arm) for arm in ARMS]
    known = [row for row in rows if row is not None and row["mean"] is not None]
    if len(known) < len(ARMS):
        return "Face consistency was not measured under every method."
    rising = all(one["mean"] < other["mean"] for one, other in pairwise(known))
    top = known[-1]["mean"]
    aim = f"{'above' if top > CONSISTENCY_AIM else 'below'} the aim of {CONSISTENCY_AIM}"
    if not rising:
        return f"Face consistency does not rise from method to method; the last is {aim}."
    if any(row["low"] is None for row in known):
        return (
            f"Face consistency rises from method to method; storyboards are too few for intervals; the last is {aim}."
        )
    intervals = [Interval(row["mean"], row["low"], row["high"], row["n"]) for row in known]
    pairs = zip(pairwise(ARMS), pairwise(intervals), strict=True)
    met = [" and ".join(arms).replace("_", "-") for arms, (one, other) in pairs if one.overlaps(other)]
    if met:
        between = ", and those of ".join(met)
        return f"Face consistency rises from method to method; the intervals of {between} overlap; the last is {aim}."
    return f"Face consistency rises from method to method and the intervals keep apart; the last is {aim}."


def results_markdown(
    arms: Sequence[dict[str, Any]],
    deltas: Sequence[dict[str, Any]],
    validity: Sequence[dict[str, Any]],
    study: Sequence[dict[str, Any]],
    *,
    measured_on: str,
    storyboards: int,
    left_out: Sequence[LeftOut] = (),
) -> str:
    """``results.md``: the arms, what each gains, whether the metrics hold, what people said, and what is left out."""
    lines = ["# Does the character stay the same?", "", ordered(arms), ""]
    about = f"{storyboards} storyboards, drawn and measured with the {measured_on} models."
    lines += [f"{about} In brackets: 95 % intervals, from resampling storyboards.", ""]
    lines += ["| metric | " + " | ".join(ARM_NAMES[arm] for arm in ARMS) + " |", "|---|" + "---|" * len(ARMS)]
    lines += [f"| {words} | " + " | ".join(cells) + " |" for words, cells in arms_grid(arms)]
    lines += ["", "## Claims", "", "| claim | verdict | measured |", "|---|---|---|"]
    lines += [f"| {one.claim} | {one.verdict} | {one.detail} |" for one in claims(deltas)]
    lines += ["", "## Can the metrics be trusted?", ""]
    lines += ["| metric | orders | statistic | value | shuffled | bar | |", "|---|---|---|---|---|---|---|"]
    lines += [_validity_line(row) for row in validity] or ["| none measured yet | | | | | | |"]
    lines += ["", "## What people said", ""]
    people = [row for row in study if not row["synthetic"]]
    if people:
        lines += ["| question | method | n | mean | 95 % | alpha |", "|---|---|---|---|---|---|"]
        lines += [
            f"| {row['question']} | {row['method']} | {row['n']} | {row['mean']:.2f} | {_span(row)} | "
            f"{_two(row['alpha'])} |"
            for row in people
        ]
    else:
        lines += ["Nobody was asked yet: `creative-lab study export` writes the forms."]
    if left_out:
        lines += ["", "## Left out", "", "Drawn under one of these methods, and not compared.", ""]
        lines += ["| storyboard | method | why |", "|---|---|---|"]
        lines += [f"| {one.storyboard} | {ARM_NAMES[one.method]} | {one.reason} |" for one in left_out]
    return "\n".join(lines) + "\n"


def _validity_line(row: dict[str, Any]) -> str:
    if row["value"] is None:
        return f"| {row['metric']} | {row['question']} | {row['statistic']} | – | – | {row['bar']} | {row['note']} |"
    passed = "passed" if row["passed"] else "**not a metric here**"
    return (
        f"| {row['metric']} | {row['question']} | {row['statistic']} | {row['value']:.3f} | {_two(row['control'])} | "
        f"{row['bar']} | {passed} |"
    )


def _span(row: dict[str, Any]) -> str:
    return "unknown" if row["mean_low"] is None else f"{row['mean_low']:.2f}–{row['mean_high']:.2f}"


def _two(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def page(
    strips: Sequence[Strip],
    arms: Sequence[dict[str, Any]],
    deltas: Sequence[dict[str, Any]],
    validity: Sequence[dict[str, Any]],
    *,
    measured_on: str,
    read: Callable[[str], bytes],
    left_out: Sequence[LeftOut] = (),
) -> str:
    """A standalone HTML page with the same figures and the frames of every storyboard, method under method."""
    from jinja2 import Environment, FileSystemLoader

    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for strip in strips:
        pictures = [None if name is None else _embedded(read(name)) for name in strip.thumbnails]
        groups.setdefault((strip.title, strip.character), []).append(
            {"method": ARM_NAMES.get(strip.method, strip.method), "pictures": pictures}
        )
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    return environment.get_template("ablation.html.j2").render(
        summary=ordered(arms), arms=[ARM_NAMES[arm] for arm in ARMS], grid=arms_grid(arms), claims=claims(deltas),
        validity=validity, groups=groups, measured_on=measured_on,
        left_out=[(one.storyboard, ARM_NAMES[one.method], one.reason) for one in left_out],
    )  # fmt: skip


def _embedded(data: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(data).decode()
