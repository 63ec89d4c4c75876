"""The strategist: moves the target shares of designers, colourways and garments a bounded step a day, and says why.

An item's evidence is the mean grade of the looks that had it, drawn towards the mean of all looks by a few imaginary
average ones (the posterior mean of a normal model with known variances; Gelman et al., Bayesian Data Analysis, 3rd
edition, section 2.5). What is better than the rest comes more often, what is worse less often, nothing leaves: a floor
keeps everything in sight, a ceiling keeps anything from taking over, and a locked dial is a person's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from creative_lab.looks.history import Item
from creative_lab.looks.learning import GradedLook

KINDS = ("designer", "colourway", "garment")


@dataclass(frozen=True)
class DialRules:
    """Numbers of the strategist. Shares are per cent of outfits, scores 1 to 5."""

    prior_looks: float = 4.0
    """Looks of average grade that every item starts with."""
    least_looks: int = 3
    """Graded looks below which a dial stays where it is."""
    dead_band: float = 0.1
    """Difference from the mean that is too small to act on."""
    gain: float = 0.35
    """Relative change per point of difference."""
    step: float = 0.25
    """Greatest relative change a day."""
    floor: float = 0.4
    """Least share, of a fair share."""
    ceiling: float = 2.5
    """Greatest share, of a fair share."""


@dataclass(frozen=True)
class Lever:
    """An item that may have a dial."""

    kind: str
    key: str
    fair_pct: float
    """Share that it would have if all of its kind were equal."""
    current_pct: float | None = None
    """Its dial; None where none was set."""
    locked: bool = False


@dataclass(frozen=True)
class Dial:
    """Where a dial stands at the end of a day; one row of ``target_dials``."""

    kind: str
    key: str
    target_pct: float
    previous_pct: float | None
    locked: bool
    realised_pct: float | None
    reason: str


def move_dials(
    levers: Sequence[Lever],
    looks: Iterable[GradedLook],
    *,
    day: str,
    realised: Mapping[Item, float] | None = None,
    rules: DialRules | None = None,
) -> list[Dial]:
    """Dials at the end of ``day``, in the order of ``levers``. Looks and grades of later days are left out.

    ``realised`` are the shares (0–1) that items really had. Items without a dial get one with their first evidence.
    """
    rules, realised = rules or DialRules(), realised or {}
    overall, evidence = _evidence(looks, day)
    dials = []
    for lever in levers:
        scores = evidence.get((lever.kind, lever.key), [])
        share = realised.get((lever.kind, lever.key))
        target, reason = _moved(lever, scores, overall, rules)
        if target is None:
            continue
        dials.append(
            Dial(
                lever.kind, lever.key, round(target, 4), lever.current_pct, lever.locked,
                None if share is None else round(100 * share, 4), reason,
            )
        )  # fmt: skip
    return dials


def _evidence(looks: Iterable[GradedLook], day: str) -> tuple[float | None, dict[Item, list[float]]]:
    """Mean of all graded looks, and for each item the scores of the looks that had it."""
    scores: list[float] = []
    found: dict[Item, list[float]] = defaultdict(list)
    for look in sorted(looks, key=lambda one: one.look_id):
        if look.day > day:
            continue
        grades = [grade for grade in look.grades if grade.day <= day]
        whole = [float(grade.score) for grade in grades if grade.garment is None]
        if whole:
            score = sum(whole) / len(whole)
            scores.append(score)
            found["designer", look.designer].append(score)
            found["colourway", look.colourway].append(score)
        own: dict[str, list[float]] = defaultdict(list)
        for grade in grades:
            if grade.garment is not None:
                own[grade.garment].append(float(grade.score))
        for garment in look.garments:
            # A garment's own grades say more about it than the look's.
            marks = own.get(garment) or whole
            if marks:
                found["garment", garment].append(sum(marks) / len(marks))
    return (sum(scores) / len(scores) if scores else None), found


def _moved(lever: Lever, scores: Sequence[float], overall: float | None, rules: DialRules) -> tuple[float | None, str]:
    """The new share, and why; None for an item that has and needs no dial."""
    current = lever.current_pct
    if lever.locked:
        return (current, "locked by a person") if current is not None else (None, "")
    if overall is None or len(scores) < rules.least_looks:
        return (current, f"left: {len(scores)} graded looks are too few") if current is not None else (None, "")
    mean = (sum(scores) + rules.prior_looks * overall) / (len(scores) + rules.prior_looks)
    better = mean - overall
    seen = f"{len(scores)} graded looks, {better:+.2f} against all looks ({overall:.2f})"
    base = lever.fair_pct if current is None else current
    low, high = rules.floor * lever.fair_pct, min(rules.ceiling * lever.fair_pct, 100.0)
    change = 0.0 if abs(better) < rules.dead_band else max(-rules.step, min(rules.step, rules.gain * better))
    # The share that grades call for drifts back where they stop calling: towards fair, half a step at most.
    if change == 0.0:
        if current is None:
            return None, ""
        drift = max(-rules.step / 2, min(rules.step / 2, lever.fair_pct / base - 1)) if base else rules.step / 2
        target = base * (1 + drift) if base else 0.0
        reason = f"towards a fair share: {seen}"
    else:
        target = base * (1 + change)
        reason = f"{'up' if change > 0 else 'down'}: {seen}"
    held = min(max(target, low), high)
    # A dial outside its bounds, as a person may have set it, comes back a step at a time.
    held = min(max(held, base * (1 - rules.step)), max(base * (1 + rules.step), low if base == 0 else 0.0))
    if held != target:
        reason += " (at the floor)" if held > target else " (at the ceiling)"
    return held, reason
