"""What a day's grades teach: notes for their own scope, fragments of prompts that work, phrases to keep out.

Everything is a function of grades up to the end of a day and of the looks that they are about; looks of the next day
read what comes out. The same grades in whatever order give the same rows.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import Any, Literal

Status = Literal["proposed", "active", "retired"]

SCOPE_TAG = "scope:"
"""A tag ``scope:designer`` or ``scope:colourway`` keeps a look's note to one of the two."""

_CLAUSE = re.compile(r"[.,;:()\n]|\b(?:with|in|over|under|and|that|which|wears|wearing|paired)\b", re.IGNORECASE)
_WORD = re.compile(r"[a-z][a-z'-]*")
_LITTLE = """
a an the this that these those it its is are was were be been being has have had do does did not no nor or but if
of to for from by on at as into onto off out up down so too very more most less least much many just only also
really quite rather there here again still all any some such i we you they he she my our your their his her me us
them can could should would will may might must make makes made look looks looked looking like feels feel felt kill
hate hates love loves please than then when while because keep lose drop avoid remove want wants need needs every
each both one two three where what who how
"""
_JOINING = "with in over under and against behind between around without near"
_SMALL_WORDS, _BOUNDARY = frozenset(_LITTLE.split()), frozenset(_JOINING.split())
_IRREGULAR = {"men": "man", "women": "woman", "feet": "foot", "dresses": "dress", "scarves": "scarf"}


@dataclass(frozen=True)
class LearningRules:
    """Numbers of the learning; scores are 1 to 5."""

    notes_per_scope: int = 3
    note_words: int = 40
    proven_looks: int = 4
    """Looks with grades that a fragment needs before it is offered."""
    promoted_looks: int = 2
    """The same for a fragment that an innovation brought in."""
    proven_mean: float = 0.25
    """How far its mean must be above the mean of all looks."""
    retired_mean: float = 0.05
    """It is retired when its mean falls below this."""
    prior_looks: float = 3.0
    """Looks of average grade that every fragment starts with: few grades prove little."""
    fragments_most: int = 24
    """Fragments that are active at a time, the best first."""
    common: float = 0.6
    """Share of prompts from which on a phrase is part of the scaffold and no fragment, unless it was offered."""
    low_score: int = 2
    """Grades up to here are searched for phrases to keep out."""
    kill_support: int = 2
    """Grades that must name a phrase before it is proposed."""
    phrase_words: int = 5


@dataclass(frozen=True)
class GradedLook:
    """A look, what it was made of, and the grades that count."""

    look_id: str
    day: str
    designer: str
    colourway: str
    garments: tuple[str, ...]
    fragments: tuple[str, ...] = ()
    """Phrases of its garment lines."""
    innovations: tuple[str, ...] = ()
    """Those of them that came in with an innovation slot."""
    grades: tuple[GradeGiven, ...] = ()

    @property
    def score(self) -> float | None:
        """Mean of the grades of the whole look; None without one."""
        scores = [grade.score for grade in self.grades if grade.garment is None]
        return fmean(scores) if scores else None


@dataclass(frozen=True)
class GradeGiven:
    """One grade that counts."""

    grade_id: str
    score: int
    day: str
    """Local day on which it was given."""
    note: str = ""
    tags: tuple[str, ...] = ()
    garment: str | None = None
    order: str = ""
    """Sorts grades by time."""


@dataclass(frozen=True)
class Intel:
    """One row of ``learned_intel``, without its day."""

    intel_id: str
    kind: Literal["note", "vocabulary", "kill_phrase"]
    scope_kind: str
    scope_key: str | None
    text: str
    status: Status
    support: int
    mean_score: float | None
    first_seen: str
    last_used: str | None
    reason: str


@dataclass(frozen=True)
class Decision:
    """What a person decided about a phrase, and on which local day."""

    status: Literal["active", "retired"]
    who: str
    day: str


@dataclass(frozen=True)
class Known:
    """What was known the day before, by id: when a thing was first seen, and its status."""

    first_seen: Mapping[str, str] = field(default_factory=dict)
    status: Mapping[str, str] = field(default_factory=dict)


def learn(
    day: str,
    looks: Sequence[GradedLook],
    *,
    decisions: Mapping[str, Decision] | None = None,
    nouns: Iterable[str] = (),
    known: Known | None = None,
    used: Mapping[str, str] | None = None,
    rules: LearningRules | None = None,
) -> list[Intel]:
    """All that is known at the end of ``day``. Looks, grades and decisions of later days are left out, whoever asks.

    ``decisions`` are those about kill phrases, ``nouns`` are words for concrete things (from the wardrobe), ``used``
    says on which day a prompt last used a fragment. Sorted by kind, scope and worth.
    """
    rules, known = rules or LearningRules(), known or Known()
    seen = [
        replace(
            look, grades=tuple(sorted((g for g in look.grades if g.day <= day), key=lambda g: (g.order, g.grade_id)))
        )
        for look in looks
        if look.day <= day
    ]
    return [
        *_notes(seen, rules, known),
        *_vocabulary(seen, rules, known, used or {}),
        *_kill_phrases(seen, rules, known, day, decisions or {}, nouns),
    ]


def intel_id(kind: str, text: str, scope: str = "") -> str:
    """An id that depends on nothing but what it names."""
    return f"{kind[0]}-{hashlib.sha256(f'{kind}|{scope}|{text}'.encode()).hexdigest()[:12]}"


# --- notes


def _notes(looks: Sequence[GradedLook], rules: LearningRules, known: Known) -> Iterator[Intel]:
    by_scope: dict[tuple[str, str], list[GradeGiven]] = defaultdict(list)
    for look in looks:
        for grade in look.grades:
            if grade.note.strip():
                for scope in _scopes(look, grade):
                    by_scope[scope].append(grade)
    for (kind, key), grades in sorted(by_scope.items()):
        newest = sorted(grades, key=lambda grade: (grade.day, grade.order, grade.grade_id), reverse=True)
        for grade in newest[: rules.notes_per_scope]:
            text = " ".join(grade.note.split()[: rules.note_words])
            name = intel_id("note", grade.grade_id, f"{kind}:{key}")
            yield Intel(
                name, "note", kind, key, text, "active", 1, float(grade.score), known.first_seen.get(name, grade.day),
                None, f"a grader's note with a {grade.score}",
            )  # fmt: skip


def _scopes(look: GradedLook, grade: GradeGiven) -> Iterator[tuple[str, str]]:
    if grade.garment is not None:
        yield ("garment", grade.garment)
        return
    wanted = {tag.removeprefix(SCOPE_TAG) for tag in grade.tags if tag.startswith(SCOPE_TAG)}
    for kind, key in (("designer", look.designer), ("colourway", look.colourway)):
        if not wanted or kind in wanted:
            yield (kind, key)


# --- vocabulary


def fragments(lines: str) -> tuple[str, ...]:
    """Phrases of garment lines that may be credited: two to five words between commas, joining words and stops."""
    found: dict[str, None] = {}
    for clause in _CLAUSE.split(lines.lower()):
        words = _WORD.findall(clause)
        while words and words[0] in _SMALL_WORDS:
            words = words[1:]
        if 2 <= len(words) <= 5:
            found[" ".join(words)] = None
    return tuple(found)


def _vocabulary(
    looks: Sequence[GradedLook], rules: LearningRules, known: Known, used: Mapping[str, str]
) -> list[Intel]:
    graded = [(look, score) for look in looks if (score := look.score) is not None]
    if not graded:
        return []
    mean = fmean(score for _, score in graded)
    credits: dict[str, list[float]] = defaultdict(list)
    first: dict[str, str] = {}
    promoted: Counter[str] = Counter()
    for look, score in sorted(graded, key=lambda pair: (pair[0].day, pair[0].look_id)):
        for text in look.fragments:
            credits[text].append(score)
            first.setdefault(text, look.day)
        promoted.update(set(look.innovations) & set(look.fragments))
    scaffold = {
        text for text, scores in credits.items() if len(graded) >= 10 and len(scores) > rules.common * len(graded)
    }
    rows = []
    for text, scores in credits.items():
        name = intel_id("vocabulary", text)
        before = known.status.get(name)
        needed = rules.promoted_looks if promoted[text] else rules.proven_looks
        if before is None and (text in scaffold or len(scores) < needed):
            continue
        gain = sum(_gains(text, graded, mean)) / (len(scores) + rules.prior_looks)
        status, reason = _worth(gain, before, len(scores), mean, bool(promoted[text]), rules)
        if status is None:
            continue
        rows.append(
            Intel(
                name, "vocabulary", "all", None, text, status, len(scores), round(fmean(scores), 4),
                known.first_seen.get(name, first[text]), used.get(name), reason,
            )
        )  # fmt: skip
    rows.sort(key=lambda row: (row.status != "active", -(row.mean_score or 0), -row.support, row.text))
    crowded = [row for row in rows if row.status == "active"][rules.fragments_most :]
    dropped = {row.intel_id for row in crowded}
    return [
        replace(row, status="proposed", reason=f"{row.reason}; {rules.fragments_most} better ones are offered")
        if row.intel_id in dropped
        else row
        for row in rows
    ]


def _gains(text: str, graded: Sequence[tuple[GradedLook, float]], mean: float) -> Iterator[float]:
    """What each look with the phrase scored above the looks of its day without it, or above all where there are none.

    Within a day, because days differ: grades rise as the lab learns, which says nothing about a phrase.
    """
    by_day: dict[str, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for look, score in graded:
        by_day[look.day][text in look.fragments].append(score)
    for without, having in by_day.values():
        base = fmean(without) if without else mean
        yield from (score - base for score in having)


def _worth(
    gain: float, before: str | None, looks: int, mean: float, innovation: bool, rules: LearningRules
) -> tuple[Status | None, str]:
    origin = " from an innovation" if innovation else ""
    text = f"{looks} graded looks{origin}, {gain:+.2f} against the others of their days (all: {mean:.2f}), shrunk"
    if gain >= rules.proven_mean:
        return "active", f"proven: {text}"
    if before in {"active", "retired"} and gain < rules.retired_mean:
        return "retired", f"its grades fell: {text}"
    if before == "active":
        return "active", f"still above the bar of retirement: {text}"
    return ("retired", f"stays retired: {text}") if before == "retired" else (None, "")


# --- kill phrases


def lemma(word: str) -> str:
    """The singular of an English noun by rule; good enough to count ``shadows`` and ``shadow`` as one."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def noun_phrases(note: str, nouns: Iterable[str], most: int = 5) -> set[str]:
    """Phrases of a note that end in a concrete noun, up to ``most`` words: ``harsh shadows`` → ``harsh shadow``."""
    known = {lemma(word.lower()) for word in nouns}
    found: set[str] = set()
    for clause in re.split(r"[.,;:!?()\n]", note.lower()):
        run: list[str] = []
        for word in [*_WORD.findall(clause), "the"]:
            if word not in _SMALL_WORDS and word not in _BOUNDARY:
                run.append(word)
                continue
            ends = [place for place, part in enumerate(run) if lemma(part) in known]
            if ends:
                phrase = run[max(0, ends[-1] + 1 - most) : ends[-1] + 1]
                found.add(" ".join([*phrase[:-1], lemma(phrase[-1])]))
            run = []
    return found


def _kill_phrases(
    looks: Sequence[GradedLook],
    rules: LearningRules,
    known: Known,
    day: str,
    decisions: Mapping[str, Decision],
    nouns: Iterable[str],
) -> list[Intel]:
    concrete = set(nouns)
    named: dict[str, list[GradeGiven]] = defaultdict(list)
    for look in looks:
        for grade in look.grades:
            if grade.score <= rules.low_score and grade.note:
                for phrase in noun_phrases(grade.note, concrete, rules.phrase_words):
                    named[phrase].append(grade)
    decided = {phrase: decision for phrase, decision in decisions.items() if decision.day <= day}
    rows = []
    for phrase in {phrase for phrase, grades in named.items() if len(grades) >= rules.kill_support} | set(decided):
        grades, decision = named.get(phrase, []), decided.get(phrase)
        name = intel_id("kill_phrase", phrase)
        days = [grade.day for grade in grades] or [decision.day if decision else day]
        rows.append(
            Intel(
                name, "kill_phrase", "all", None, phrase, decision.status if decision else "proposed", len(grades),
                round(fmean(grade.score for grade in grades), 4) if grades else None,
                known.first_seen.get(name, min(days)), None,
                f"{decision.status} by {decision.who} on {decision.day}" if decision else "waits for a person",
            )
        )  # fmt: skip
    return sorted(rows, key=lambda row: (-row.support, row.text))


def parsed_innovations(value: str) -> set[str]:
    """Garments of the innovation slots of a row of ``look_prompts``."""
    slots: list[dict[str, Any]] = json.loads(value or "[]")
    return {str(slot["garment_id"]) for slot in slots if slot.get("garment_id")}
