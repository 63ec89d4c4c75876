"""What grades teach, and when it may act: properties of learning and of the strategist."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creative_lab.looks.learning import (
    Decision,
    GradedLook,
    GradeGiven,
    Intel,
    Known,
    fragments,
    intel_id,
    learn,
    noun_phrases,
)
from creative_lab.looks.strategist import DialRules, Lever, move_dials

DAY = "2026-03-10"
LATER = st.sampled_from(["2026-03-11", "2026-03-12", "2026-04-01"])
EARLIER = st.sampled_from(["2026-03-08", "2026-03-09", DAY])


def look(number: int, *scores: int, day: str = DAY, texts: tuple[str, ...] = (), **values: object) -> GradedLook:
    grades = tuple(
        GradeGiven(f"{day}-{number}-{place}", score, day, order=f"{place}") for place, score in enumerate(scores)
    )
    made = GradedLook(
        f"{day}-{number:04d}", day, f"designer-{number % 2}", f"colourway-{number % 3}", ("coat", f"shoe-{number % 4}"),
        texts, grades=grades,
    )  # fmt: skip
    return replace(made, **values)  # type: ignore[arg-type]


def of_kind(rows: list[Intel], kind: str) -> list[Intel]:
    return [row for row in rows if row.kind == kind]


GRADES = st.lists(
    st.tuples(
        st.integers(1, 5),
        EARLIER | LATER,
        st.sampled_from(["", "harsh shadows", "no belts please, harsh shadows behind", "lovely drape"]),
        st.sampled_from([None, "coat"]),
    ),
    max_size=4,
)


@st.composite
def histories(draw: st.DrawFn) -> list[GradedLook]:
    looks = []
    for number, (day, given_grades) in enumerate(draw(st.lists(st.tuples(EARLIER | LATER, GRADES), max_size=14))):
        words = draw(st.lists(st.sampled_from(["fluid drape", "raw hem", "crisp line"]), max_size=2, unique=True))
        grades = tuple(
            GradeGiven(f"{number}-{place}", score, max(on, day), note, garment=garment, order=f"{number}{place}")
            for place, (score, on, note, garment) in enumerate(given_grades)
        )
        looks.append(replace(look(number, day=day), fragments=tuple(words), grades=grades))
    return looks


@given(histories())
@settings(max_examples=150)
def test_grades_of_later_days_never_act_earlier(looks: list[GradedLook]) -> None:
    past = [
        replace(one, grades=tuple(grade for grade in one.grades if grade.day <= DAY)) for one in looks if one.day <= DAY
    ]
    decisions = {"harsh shadow": Decision("active", "Ada", "2026-03-11")}
    levers = [Lever("designer", "designer-0", 50.0), Lever("garment", "coat", 20.0, 10.0)]
    assert learn(DAY, looks, nouns=["shadow"], decisions=decisions) == learn(DAY, past, nouns=["shadow"])
    assert move_dials(levers, looks, day=DAY) == move_dials(levers, past, day=DAY)


@given(histories(), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_the_order_in_which_grades_and_looks_arrive_makes_no_difference(looks: list[GradedLook], mixed: object) -> None:
    shuffled = [replace(one, grades=tuple(reversed(one.grades))) for one in looks]
    mixed.shuffle(shuffled)  # type: ignore[attr-defined]
    assert learn(DAY, looks, nouns=["shadow"]) == learn(DAY, shuffled, nouns=["shadow"])


@given(
    histories(),
    st.floats(0.5, 60) | st.none(),
    st.floats(1, 50),
    st.booleans(),
)
@settings(max_examples=150)
def test_a_dial_moves_a_bounded_step_between_floor_and_ceiling_with_a_reason(
    looks: list[GradedLook], current: float | None, fair: float, locked: bool
) -> None:
    rules = DialRules()
    for kind, key in (("designer", "designer-0"), ("garment", "coat")):
        for dial in move_dials([Lever(kind, key, fair, current, locked)], looks, day=DAY, rules=rules):
            assert dial.reason
            base = fair if current is None else current
            if locked:
                assert dial.target_pct == pytest.approx(base, abs=1e-3)
                continue
            assert abs(dial.target_pct - base) <= rules.step * base + 1e-3
            if rules.floor * fair <= base <= rules.ceiling * fair:
                assert rules.floor * fair - 1e-3 <= dial.target_pct <= rules.ceiling * fair + 1e-3


def test_what_is_graded_above_the_rest_comes_more_often_and_what_is_below_less() -> None:
    looks = [look(number, *([5, 5] if number % 2 else [1, 2])) for number in range(8)]
    levers = [Lever("designer", f"designer-{number}", 50.0, 50.0) for number in range(2)]
    worse, better = move_dials(levers, looks, day=DAY)
    assert worse.target_pct < 50 < better.target_pct
    assert better.reason.startswith("up: 4 graded looks, +0.88 against all looks (3.25)")


def test_a_locked_dial_stays_and_few_grades_move_nothing() -> None:
    looks = [look(number, 5) for number in range(2)]
    locked, few = move_dials(
        [Lever("designer", "designer-0", 50, 33, locked=True), Lever("designer", "designer-1", 50, 40)], looks, day=DAY
    )
    assert (locked.target_pct, locked.reason) == (33, "locked by a person")
    assert (few.target_pct, few.reason) == (40, "left: 1 graded looks are too few")
    assert move_dials([Lever("garment", "unseen", 5.0)], looks, day=DAY) == []


def test_a_garments_own_grades_count_more_than_those_of_its_look() -> None:
    bad_shoes = GradeGiven("shoe", 1, DAY, garment="shoe-0")
    looks = [look(number, 5) for number in range(8)]
    looks = [replace(one, grades=(*one.grades, replace(bad_shoes, grade_id=one.look_id))) for one in looks[::4]] + looks
    looks = list({one.look_id: one for one in reversed(looks)}.values())
    rules = DialRules(least_looks=2)
    [dial] = move_dials([Lever("garment", "shoe-0", 10, 10)], looks, day=DAY, rules=rules)
    assert dial.target_pct < 10


def test_notes_belong_to_their_own_scope_newest_first_and_capped() -> None:
    notes = tuple(
        GradeGiven(f"g{place}", 4, f"2026-03-{place:02d}", f"note {place}", order=str(place)) for place in range(1, 7)
    )
    garment = GradeGiven("own", 2, DAY, "too long", garment="coat")
    scoped = GradeGiven("scoped", 3, DAY, "more yarn", tags=("scope:designer",), order="z")
    one = look(1, day="2026-03-01", grades=(*notes, garment, scoped))
    rows = of_kind(learn(DAY, [one]), "note")
    by_scope = {(row.scope_kind, row.scope_key): [] for row in rows}
    for row in rows:
        by_scope[row.scope_kind, row.scope_key].append(row.text)
    assert by_scope == {
        ("designer", "designer-1"): ["more yarn", "note 6", "note 5"],
        ("colourway", "colourway-1"): ["note 6", "note 5", "note 4"],
        ("garment", "coat"): ["too long"],
    }


def test_a_fragment_is_proven_by_enough_good_looks_and_retired_when_its_grades_fall() -> None:
    good = [look(number, 5, texts=("fluid drape",)) for number in range(5)]
    plain = [look(number, 3) for number in range(10, 16)]
    [row] = of_kind(learn(DAY, good + plain), "vocabulary")
    assert (row.status, row.support, row.mean_score) == ("active", 5, 5.0)
    assert row.reason.startswith("proven: 5 graded looks")
    bad = [look(number, 1, day="2026-03-11", texts=("fluid drape",)) for number in range(20, 30)]
    known = Known({row.intel_id: row.first_seen}, {row.intel_id: "active"})
    [fallen] = of_kind(learn("2026-03-11", [*good, *plain, *bad], known=known), "vocabulary")
    assert (fallen.status, fallen.first_seen) == ("retired", DAY)
    assert fallen.reason.startswith("its grades fell")
    assert fallen.intel_id == row.intel_id == intel_id("vocabulary", "fluid drape")


def test_too_few_looks_prove_nothing_unless_an_innovation_brought_the_words() -> None:
    plain = [look(number, 3) for number in range(10, 20)]
    good = [look(number, 5, texts=("woven mesh yoke",)) for number in range(3)]
    assert of_kind(learn(DAY, good + plain), "vocabulary") == []
    brought = [replace(one, innovations=("woven mesh yoke",)) for one in good]
    [row] = of_kind(learn(DAY, brought + plain), "vocabulary")
    assert row.status == "active"
    assert "from an innovation" in row.reason


def test_words_of_the_scaffold_are_no_vocabulary() -> None:
    looks = [look(number, 5 if number < 6 else 3, texts=("white seamless",)) for number in range(12)]
    assert of_kind(learn(DAY, looks), "vocabulary") == []


def test_phrases_of_low_grades_wait_for_a_person_and_act_from_the_day_after_the_decision() -> None:
    notes = ["Harsh shadows behind her, and no belts please", "the harsh shadow again", "I love the harsh shadows"]
    scores = [1, 2, 5]
    looks = [
        look(number, grades=(GradeGiven(f"g{number}", score, DAY, note),))
        for number, (score, note) in enumerate(zip(scores, notes, strict=True))
    ]
    nouns = ["shadow", "belt"]
    [row] = of_kind(learn(DAY, looks, nouns=nouns), "kill_phrase")
    assert (row.text, row.status, row.support, row.reason) == ("harsh shadow", "proposed", 2, "waits for a person")
    decided = {"harsh shadow": Decision("active", "Ada", DAY), "neon trim": Decision("active", "Bo", "2026-03-11")}
    [row] = of_kind(learn(DAY, looks, nouns=nouns, decisions=decided), "kill_phrase")
    assert (row.status, row.reason) == ("active", f"active by Ada on {DAY}")
    both = of_kind(learn("2026-03-11", looks, nouns=nouns, decisions=decided), "kill_phrase")
    assert [row.text for row in both] == ["harsh shadow", "neon trim"]


@given(st.text(max_size=200))
def test_a_phrase_from_any_note_has_one_to_five_words_and_ends_in_a_thing(note: str) -> None:
    for phrase in noun_phrases(note, ["shadow", "belt", "dress"]):
        assert 1 <= len(phrase.split()) <= 5
        assert phrase.split()[-1] in {"shadow", "belt", "dress"}


def test_fragments_are_phrases_between_stops_and_joining_words() -> None:
    text = "A long camel coat with soft rolled lapels, worn open; the hem is raw and weightless."
    assert fragments(text) == ("long camel coat", "soft rolled lapels", "worn open", "hem is raw")
