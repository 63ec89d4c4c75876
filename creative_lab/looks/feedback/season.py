"""A simulated season: does the loop of dealing, writing, grading and learning make looks better without narrowing them?

Dealing, the draw of the vocabulary arm, learning and the strategist are the real ones. Simulated are the graders, whose
taste is hidden from everything else, and the writer, who uses phrases of a pool and the fragments that are offered. No
picture is drawn: what is tested is the learning. Everything follows from the seed, and all of it says ``simulated``.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from statistics import fmean

import polars as pl

from creative_lab.looks.composing import Intel as GivenIntel
from creative_lab.looks.composing import best_fragments, brief_of
from creative_lab.looks.feedback.stored import levers
from creative_lab.looks.history import History, Item, PastOutfit, outfit_items
from creative_lab.looks.learning import GradedLook, GradeGiven, Known, learn
from creative_lab.looks.manifests import manifest_row
from creative_lab.looks.prompt_ids import PromptId
from creative_lab.looks.selection import Deal, SelectionEngine
from creative_lab.looks.strategist import move_dials
from creative_lab.looks.wardrobe import Wardrobe

_WORDS_A = ("fluid", "crisp", "quiet", "razor", "soft", "raw", "weightless", "sculpted", "washed", "dense")
_WORDS_B = ("drape", "line", "edge", "volume", "shoulder", "fold", "surface", "movement", "finish", "contrast")
_OWN_PHRASES = 6


@dataclass(frozen=True)
class SeasonPlan:
    """What is simulated. Effects are standard deviations in points of the scale from 1 to 5."""

    seed: int = 1
    first_day: date = date(2026, 3, 2)
    days: int = 30
    looks_per_day: int = 12
    graders: int = 3
    item_effect: float = 0.45
    garment_effect: float = 0.9
    phrase_effect: float = 0.15
    grader_bias: float = 0.25
    grader_noise: float = 0.6
    learning: bool = True
    """False deals and writes without anything learned: the season to compare with."""


@dataclass
class SeasonDay:
    """What one day came to."""

    day: str
    appeal: float
    """Mean true appeal of its looks, which no grader and no rule sees."""
    score: float
    looks: int
    heroes: int
    """Distinct hero garments."""
    designers: int
    colourways: int
    distance: float | None
    """1 − overlap (Jaccard) of the day's garments with those of the day before."""
    active_fragments: int


@dataclass
class Season:
    """A whole season."""

    plan: SeasonPlan
    days: list[SeasonDay] = field(default_factory=list)
    vocabulary_truth: float = 0.0
    """True mean effect of the vocabulary arm on a grade, over all looks, whichever arm they had."""
    prompts: pl.DataFrame = field(default_factory=pl.DataFrame)
    grades: pl.DataFrame = field(default_factory=pl.DataFrame)
    designers: dict[str, int] = field(default_factory=dict)
    colourways: dict[str, int] = field(default_factory=dict)

    def rise(self, span: int = 7) -> float:
        """Mean true appeal of the last days less that of the first ones."""
        return fmean(day.appeal for day in self.days[-span:]) - fmean(day.appeal for day in self.days[:span])


class Taste:
    """What graders like, unknown to everybody else."""

    def __init__(self, plan: SeasonPlan, wardrobe: Wardrobe) -> None:
        self.plan = plan
        rng = random.Random(f"taste|{plan.seed}")
        self.items: dict[Item, float] = {}
        for kind, rows, spread in (
            ("designer", wardrobe.designers, plan.item_effect),
            ("colourway", wardrobe.colourways, plan.item_effect),
            ("garment", wardrobe.garments, plan.garment_effect),
        ):
            for row in rows:
                self.items[kind, row.key] = rng.gauss(0, spread)
        self.phrases = {f"{a} {b}": rng.gauss(0, plan.phrase_effect) for a in _WORDS_A for b in _WORDS_B}
        self.bias = {f"grader-{number}": rng.gauss(0, plan.grader_bias) for number in range(1, plan.graders + 1)}

    def appeal(self, look: GradedLook) -> float:
        """True appeal: designer, colourway, the mean of the garments, and the phrases of the prompt."""
        garments = fmean(self.items["garment", key] for key in look.garments)
        words = sum(self.phrases[text] for text in look.fragments)
        return 3.0 + self.items["designer", look.designer] + self.items["colourway", look.colourway] + garments + words

    def expected_grade(self, appeal: float) -> float:
        """Mean grade over graders and noise: each rounds what they feel to 1 to 5."""
        return fmean(_expected(appeal + bias, self.plan.grader_noise) for bias in self.bias.values())


def run_season(wardrobe: Wardrobe, plan: SeasonPlan | None = None) -> Season:
    """Play a season day by day: what was learned by the evening of a day is used from the next morning on."""
    plan = plan or SeasonPlan()
    season, taste = Season(plan), Taste(plan, wardrobe)
    known, dials, intel = Known(), dict[Item, float](), list[GivenIntel]()
    looks: list[GradedLook] = []
    past: list[tuple[date, list[PastOutfit]]] = []
    effects: list[float] = []
    arms: list[dict[str, object]] = []
    before: set[str] = set()
    for number in range(plan.days):
        day = plan.first_day + timedelta(days=number)
        engine = _engine(wardrobe, day, past, dials)
        todays = []
        for position in range(plan.looks_per_day):
            deal = engine.deal(random.Random(f"deal|{plan.seed}|{day}|{position}").getrandbits(48))
            if deal.exhausted:
                continue
            look, other, arm = _write(deal, day, position, engine.policy, intel, wardrobe, taste, plan)
            past.append((day, _past(deal)))
            with_words, without = (look, other) if arm["vocabulary_arm"] == "with" else (other, look)
            effects.append(taste.expected_grade(taste.appeal(with_words)) - taste.expected_grade(taste.appeal(without)))
            arms.append(arm)
            todays.append(_graded(look, day, taste, plan))
        looks += todays
        garments = {key for look in todays for key in look.garments}
        season.days.append(_summary(day, todays, taste, before if number else None, garments, intel))
        before = garments
        if plan.learning:
            rows = learn(day.isoformat(), looks, known=known)
            known = Known({row.intel_id: row.first_seen for row in rows}, {row.intel_id: row.status for row in rows})
            intel = [_given(row) for row in rows if row.status == "active"]
            moved = move_dials(levers(wardrobe, dials), looks, day=day.isoformat())
            dials = {(dial.kind, dial.key): dial.target_pct for dial in moved}
    season.vocabulary_truth = fmean(effects)
    season.prompts, season.grades = pl.DataFrame(arms), _grade_rows(looks)
    for look in looks:
        season.designers[look.designer] = season.designers.get(look.designer, 0) + 1
        season.colourways[look.colourway] = season.colourways.get(look.colourway, 0) + 1
    return season


def _engine(
    wardrobe: Wardrobe, day: date, past: Sequence[tuple[date, list[PastOutfit]]], dials: Mapping[Item, float]
) -> SelectionEngine:
    history = History(day, dedup_window=wardrobe.control.dedup_window, share_window=wardrobe.control.share_window)
    for dealt_on, outfits in past:
        history.add(dealt_on, outfits)
    return SelectionEngine(wardrobe, history, dials)


def _past(deal: Deal) -> list[PastOutfit]:
    assert deal.designer is not None
    assert deal.colourway is not None
    return [
        PastOutfit(one.hash, outfit_items(deal.designer.key, deal.colourway.key, one.template.key, one.garments))
        for one in deal.outfits
    ]


def _write(
    deal: Deal,
    day: date,
    position: int,
    policy: str,
    intel: Sequence[GivenIntel],
    wardrobe: Wardrobe,
    taste: Taste,
    plan: SeasonPlan,
) -> tuple[GradedLook, GradedLook, dict[str, object]]:
    """The look as it was written, as the other arm would have been, and what is recorded about the arm."""
    prompt_id = PromptId(day, position + 1)
    row = manifest_row(deal, day, f"{day.isoformat()}-b01", position, policy, prompt_id)
    brief = brief_of(row, intel, wardrobe.control.vocabulary_share)
    rng = random.Random(f"words|{plan.seed}|{day}|{position}")
    own = tuple(rng.sample(sorted(taste.phrases), _OWN_PHRASES))
    # The writer has room for so many phrases: what is offered takes the place of their own.
    offered = [one.text for one in best_fragments(intel)]
    helped = tuple(dict.fromkeys([*offered, *own]))[:_OWN_PHRASES]
    look = GradedLook(
        look_id=row["look_id"],
        day=day.isoformat(),
        designer=row["designer"],
        colourway=row["colourway"],
        garments=tuple(row["garment_ids"]),
        fragments=helped if brief.arm == "with" else own,
    )
    other = replace(look, fragments=own if brief.arm == "with" else helped)
    arm: dict[str, object] = {
        "day": look.day,
        "look_id": look.look_id,
        "status": "ok",
        "vocabulary_arm": brief.arm,
        "vocabulary_propensity": brief.propensity,
        "backend": "miniature",
    }
    return look, other, arm


def _given(row: object) -> GivenIntel:
    values = asdict(row)  # type: ignore[call-overload]
    return GivenIntel(**{name: values[name] for name in GivenIntel.__dataclass_fields__})


def _graded(look: GradedLook, day: date, taste: Taste, plan: SeasonPlan) -> GradedLook:
    rng = random.Random(f"grades|{plan.seed}|{look.look_id}")
    appeal = taste.appeal(look)
    grades = []
    for grader, bias in taste.bias.items():
        felt = rng.gauss(appeal + bias, plan.grader_noise)
        grades.append(
            GradeGiven(f"{look.look_id}|{grader}", min(5, max(1, round(felt))), day.isoformat(), order=grader)
        )
    return replace(look, grades=tuple(grades))


def _summary(
    day: date,
    looks: Sequence[GradedLook],
    taste: Taste,
    before: set[str] | None,
    garments: set[str],
    intel: Sequence[GivenIntel],
) -> SeasonDay:
    return SeasonDay(
        day=day.isoformat(),
        appeal=fmean(taste.appeal(look) for look in looks),
        score=fmean(look.score or 0.0 for look in looks),
        looks=len(looks),
        heroes=len({key for look in looks for key in look.garments[:3]}),
        designers=len({look.designer for look in looks}),
        colourways=len({look.colourway for look in looks}),
        distance=None if before is None else 1 - len(garments & before) / len(garments | before),
        active_fragments=sum(one.kind == "vocabulary" for one in intel),
    )


def _grade_rows(looks: Sequence[GradedLook]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "grade_id": grade.grade_id,
                "day": grade.day,
                "look_id": look.look_id,
                "item_kind": "look",
                "garment_id": None,
                "grader": grade.order,
                "score": grade.score,
                "graded_at": datetime.combine(date.fromisoformat(grade.day), datetime.min.time(), UTC),
            }
            for look in looks
            for grade in look.grades
        ],
        schema_overrides={"garment_id": pl.String},
    )


def _expected(mean: float, spread: float) -> float:
    """Mean of a normal value that is rounded to whole numbers and cut to 1 to 5."""
    return 1 + sum(0.5 * math.erfc((border - mean) / (spread * math.sqrt(2))) for border in (1.5, 2.5, 3.5, 4.5))
