"""Blind studies: design, form, answers and what they say."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sqlalchemy import func, select

from creative_lab.metrics.intervals import Interval, difference_interval, mean_interval
from creative_lab.metrics.study import Definition, Shown, design
from creative_lab.metrics.study_answers import StudyError, import_answers, store_study
from creative_lab.metrics.study_form import form_page
from creative_lab.metrics.study_results import Given, frame_of, people_against_scores, summarise
from creative_lab.settings import Settings
from creative_lab.state import db
from creative_lab.state.models import StudyAnswer

METHODS = ("baseline", "simple", "reference_guided")


def _shown(stories: int = 3) -> list[Shown]:
    return [
        Shown(
            storyboard=f"s{story}-{method}", story=f"s{story}", method=method, character=f"person-{story % 2}",
            reference=f"objects/ref-{story % 2}.png",
            frames=tuple(f"objects/s{story}-{method}-{n}.png" for n in range(6)),
        )
        for story in range(stories)
        for method in METHODS
    ]  # fmt: skip


def _answers(definition: Definition, *, rating: dict[str, float], yes: dict[str, float], seed: int = 0) -> list[Given]:
    """A program's answers: methods have a mean rating and a share of yes; repeats are answered alike."""
    rng, given = np.random.default_rng(seed), []
    for form, order in definition.forms.items():
        mine: dict[str, str] = {}
        for position, name in enumerate(order):
            item = definition.items[name]
            if item.kind == "attention":
                answer = item.expected or ""
            elif item.kind == "storyboard":
                answer = str(int(np.clip(round(rng.normal(rating[item.method], 0.5)), 1, 5)))
            else:
                answer = "yes" if rng.random() < yes[item.method] else "no"
            answer = mine.setdefault(name, answer)
            given.append(Given(form, f"rater of {form}", position, name, item.question, answer, synthetic=True))
    return given


def _file(folder: Path, definition: Definition, form: str = "form-01", **changes: object) -> Path:
    answers = [
        {"position": position, "item": name, "question": definition.items[name].question,
         "answer": definition.items[name].answers[0], "note": "", "seconds": 3.5}
        for position, name in enumerate(definition.forms[form])
    ]  # fmt: skip
    document = {"study": "faces", "form": form, "rater": "Ada", "synthetic": True,
                "finished_at": datetime(2026, 3, 1, 12, tzinfo=UTC).isoformat(), "answers": answers,
                **changes}  # fmt: skip
    path = folder / f"{form}.json"
    path.write_text(json.dumps(document))
    return path


def test_every_form_shows_everything_once_with_repeats_and_attention_checks_in_an_order_of_its_own() -> None:
    definition = design(_shown(), key="faces", raters=6)
    assert len(definition.forms) == 6
    kinds = Counter(item.kind for item in definition.items.values())
    assert kinds == {"storyboard": 9, "identity": 27, "attention": 2}
    for order in definition.forms.values():
        assert set(order) == set(definition.items)
        twice = [name for name, times in Counter(order).items() if times == 2]
        assert len(twice) == round(0.1 * 36)
        for name in twice:
            first, again = (place for place, other in enumerate(order) if other == name)
            assert again - first >= 5 or again == len(order) - 1
    assert len({tuple(order) for order in definition.forms.values()}) == 6


def test_a_form_tells_nothing_about_methods_stories_or_files(tmp_path: Path) -> None:
    definition = design(_shown(), key="faces")
    buffer = io.BytesIO()
    info_picture = Image.new("RGB", (900, 500), "teal")
    info_picture.info["parameters"] = "secret prompt"
    info_picture.save(buffer, "PNG")
    page = form_page("faces", "form-01", definition, lambda _name: buffer.getvalue())
    words = re.sub(r"data:image/jpeg;base64,[A-Za-z0-9+/=]+", "", page)
    for telling in [*METHODS, "s0-", "objects/", "person-0", "expected", "attention", "parameters"]:
        assert telling not in words
    assert page.count("data:image/jpeg") == 2 + sum(
        item.kind == "identity" for item in definition.items.values()
    ) + sum(len(s.frames) for s in _shown()) - len(
        {p for i in definition.items.values() if i.kind == "identity" for p in i.pictures[1:]}
    )


def test_a_study_with_fewer_than_five_raters_is_refused() -> None:
    with pytest.raises(ValueError, match="at least five raters"):
        design(_shown(), key="faces", raters=4)


def test_answers_are_added_once_however_often_their_file_is_imported(migrated_lab: Settings, tmp_path: Path) -> None:
    definition = design(_shown(), key="faces")
    path = _file(tmp_path, definition)
    with db.session_scope(migrated_lab) as session:
        store_study(session, "faces", 0, definition)
        first = import_answers(session, path)
        again = import_answers(session, path)
        stored = session.scalar(select(func.count()).select_from(StudyAnswer))
    total = len(definition.forms["form-01"])
    assert (first.added, first.known) == (total, 0)
    assert (again.added, again.known) == (0, total)
    assert stored == total


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"study": "other"}, "there is no study 'other'"),
        ({"form": "form-99"}, "has no form 'form-99'"),
        ({"rater": " "}, "rater"),
        ({"answers": []}, "answers"),
        ({"more": 1}, "more"),
        ({"finished_at": "2026-03-01T12:00:00"}, "finished_at"),
    ],
)
def test_a_file_that_does_not_belong_to_the_study_is_refused_by_name_and_adds_nothing(
    migrated_lab: Settings, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    definition = design(_shown(1), key="faces")
    with db.session_scope(migrated_lab) as session:
        store_study(session, "faces", 0, definition)
        path = _file(tmp_path, definition)
        document = json.loads(path.read_text()) | change
        path.write_text(json.dumps(document))
        with pytest.raises(StudyError, match=message) as refused:
            import_answers(session, path)
        assert session.scalar(select(func.count()).select_from(StudyAnswer)) == 0
    assert str(path) in str(refused.value) or "no study" in str(refused.value)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("answer", "6", r"answers\[2\]\.answer"),
        ("item", "item-000000000000", r"answers\[2\]\.item"),
        ("position", 1, r"answers\[2\]\.(item|position)"),
        ("question", "taste", r"answers\[2\]\.question"),
        ("seconds", -1, r"answers\[2\]\.seconds"),
    ],
)
def test_a_wrong_answer_is_named_by_file_number_and_field(
    migrated_lab: Settings, tmp_path: Path, field: str, value: object, message: str
) -> None:
    definition = design(_shown(1), key="faces")
    with db.session_scope(migrated_lab) as session:
        store_study(session, "faces", 0, definition)
        path = _file(tmp_path, definition)
        document = json.loads(path.read_text())
        document["answers"][2][field] = value
        path.write_text(json.dumps(document))
        with pytest.raises(StudyError, match=message):
            import_answers(session, path)
        assert session.scalar(select(func.count()).select_from(StudyAnswer)) == 0


def test_a_form_cannot_be_filled_in_by_two_people_or_twice_in_different_ways(
    migrated_lab: Settings, tmp_path: Path
) -> None:
    definition = design(_shown(1), key="faces")
    with db.session_scope(migrated_lab) as session:
        store_study(session, "faces", 0, definition)
        import_answers(session, _file(tmp_path, definition))
        with pytest.raises(StudyError, match="filled in by Ada already"):
            import_answers(session, _file(tmp_path, definition, rater="Grace"))
        path = _file(tmp_path, definition)
        document = json.loads(path.read_text())
        document["answers"][0]["answer"] = definition.items[document["answers"][0]["item"]].answers[1]
        path.write_text(json.dumps(document))
        with pytest.raises(StudyError, match="was imported before"):
            import_answers(session, path)


def test_results_tell_methods_apart_and_say_how_far_raters_agree() -> None:
    definition = design(_shown(), key="faces", raters=8)
    rating = {"baseline": 2.0, "simple": 3.2, "reference_guided": 4.4}
    yes = {"baseline": 0.05, "simple": 0.6, "reference_guided": 0.95}
    answers = frame_of(definition, _answers(definition, rating=rating, yes=yes))
    rows = {(row["question"], row["method"]): row for row in summarise(answers)}
    for method, mean in rating.items():
        row = rows["rating", method]
        assert row["n"] == 3 * 8 and row["raters"] == 8
        assert abs(row["mean"] - mean) < 0.4 and row["mean_low"] <= row["mean"] <= row["mean_high"]
    assert rows["rating", "baseline"]["mean_high"] < rows["rating", "reference_guided"]["mean_low"]
    assert rows["same_person", "simple"]["cannot_tell"] == 0.0
    everything = rows["rating", "all"]
    assert 0.6 < everything["alpha_low"] <= everything["alpha"] <= everything["alpha_high"] <= 1
    assert everything["self_consistency"] == 1.0 and everything["attention_passed"] == 1.0
    assert everything["synthetic"] is True


def test_raters_who_answer_at_random_agree_no_better_than_chance() -> None:
    definition = design(_shown(), key="faces", raters=8)
    flat = dict.fromkeys(METHODS, 0.5)
    answers = frame_of(definition, _answers(definition, rating=dict.fromkeys(METHODS, 3.0), yes=flat))
    rows = {(row["question"], row["method"]): row for row in summarise(answers)}
    row = rows["same_person", "all"]
    assert abs(row["alpha"]) < 0.15 and row["alpha_low"] < 0 < row["alpha_high"]


def test_cannot_tell_is_no_yes_and_people_and_programs_are_never_mixed() -> None:
    definition = design(_shown(1), key="faces")
    answers = frame_of(
        definition, _answers(definition, rating=dict.fromkeys(METHODS, 3.0), yes=dict.fromkeys(METHODS, 1.0))
    )
    unsure = answers.with_columns(
        pl.when(pl.col("kind") == "identity").then(pl.lit("cannot_tell")).otherwise(pl.col("answer")).alias("answer"),
        pl.lit(False).alias("synthetic"),
    )
    rows = summarise(pl.concat([answers, unsure]))
    by_side = {row["synthetic"]: row for row in rows if row["question"] == "same_person" and row["method"] == "all"}
    assert by_side[True]["mean"] == 1.0
    assert by_side[False]["mean"] == 0.0 and by_side[False]["cannot_tell"] == 1.0 and by_side[False]["alpha"] is None


def test_people_are_compared_with_each_automatic_score_by_storyboard() -> None:
    definition = design(_shown(), key="faces", raters=6)
    rating = {"baseline": 1.5, "simple": 3.0, "reference_guided": 4.5}
    answers = frame_of(definition, _answers(definition, rating=rating, yes=dict.fromkeys(METHODS, 0.5)))
    order = {one.storyboard: rating[one.method] for one in _shown()}
    scores = {
        "like people": order,
        "against people": {k: -v for k, v in order.items()},
        "constant": dict.fromkeys(order, 1.0),
    }
    found = {
        row["score"]: row["spearman"] for row in people_against_scores(answers, scores) if row["question"] == "rating"
    }
    assert found["like people"] > 0.85 and found["against people"] < -0.85 and found["constant"] is None


def test_the_interval_of_clustered_answers_is_wider_than_that_of_independent_ones() -> None:
    rng = np.random.default_rng(5)
    raters = np.repeat(np.arange(8), 30)
    values = rng.normal(3, 0.2, 240) + np.repeat(rng.normal(0, 1, 8), 30)
    alone = mean_interval(values.tolist())
    clustered = mean_interval(values.tolist(), raters.tolist())
    assert alone.mean == clustered.mean
    assert (clustered.high - clustered.low) > 3 * (alone.high - alone.low)  # type: ignore[operator]


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    covered = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        groups = np.repeat(np.arange(20), 5)
        values = 1.0 + np.repeat(rng.normal(0, 1, 20), 5) + rng.normal(0, 1, 100)
        found = mean_interval(values.tolist(), groups.tolist(), seed=seed, resamples=400)
        covered += found.low <= 1.0 <= found.high  # type: ignore[operator]
    assert 0.87 <= covered / 200 <= 0.99


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=2, max_size=40), st.integers(0, 1000))
def test_an_interval_holds_its_mean_and_is_the_same_for_the_same_seed(values: list[float], seed: int) -> None:
    found = mean_interval(values, seed=seed, resamples=200)
    assert found == mean_interval(values, seed=seed, resamples=200)
    assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9  # type: ignore[operator]


def test_one_group_alone_gives_no_interval_and_unknown_intervals_overlap_everything() -> None:
    alone = mean_interval([1.0, 2.0], ["same", "same"])
    assert (alone.low, alone.high) == (None, None)
    assert alone.overlaps(Interval(9.0, 8.9, 9.1, 3))
    better = difference_interval([0.9] * 12, [0.5] * 12, list(range(12)))
    assert better.low == pytest.approx(0.4) and not better.overlaps(Interval(0.0, -0.1, 0.1, 5))
