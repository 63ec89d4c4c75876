"""Grades on the real database, by hand and from files, and the commands around them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from creative_lab import cli
from creative_lab.lake.tables import TableStore
from creative_lab.looks.feedback.stored import decide, decisions
from creative_lab.looks.feedback.work import snapshot_grades
from creative_lab.looks.grading import GradeError, NewGrade, counting, grades_of, read_csv, record
from creative_lab.looks.reconcile import claims_of, look_around
from creative_lab.looks.tables import LookManifests, LookRenders
from creative_lab.settings import Settings
from creative_lab.state import db
from creative_lab_tests.looks.rows import filled, render, write

DAY, LOOK = "2026-03-02", "2026-03-02-0001"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def settings(migrated_lab: Settings) -> Settings:
    rows = [
        filled(LookManifests, day=DAY, look_id=f"{DAY}-{number:04d}", status="dealt", garment_ids=["coat", "shoes"])
        for number in (1, 2)
    ]
    write(TableStore(migrated_lab), LookManifests, DAY, rows)
    return migrated_lab


def grade(score: int = 4, sitting: str = "one", **values: object) -> NewGrade:
    return NewGrade(
        **{"look_id": LOOK, "score": score, "grader": "Ada", "sitting": sitting, "graded_at": NOON} | values
    )  # type: ignore[arg-type]


def stored(settings: Settings, *grades: NewGrade) -> tuple[int, int]:
    with db.session_scope(settings) as session:
        done = record(settings, session, grades)
    return done.added, done.known


def test_the_same_grade_given_again_changes_nothing_and_another_one_in_the_same_sitting_is_refused(
    settings: Settings,
) -> None:
    assert stored(settings, grade(), grade(garment_id="coat")) == (2, 0)
    assert stored(settings, grade(), grade(sitting="two")) == (1, 1)
    with pytest.raises(GradeError, match="another grade in sitting 'one'"):
        stored(settings, grade(sitting="three"), grade(5))
    with db.session_scope(settings) as session:
        assert grades_of(session, date(2026, 3, 2)).height == 3, "all or none"


def test_of_one_grader_and_item_the_latest_counts(settings: Settings) -> None:
    later = NOON + timedelta(minutes=5)
    stored(settings, grade(1), grade(5, "two", graded_at=later), grade(2, grader="Bo"), grade(3, garment_id="coat"))
    with db.session_scope(settings) as session:
        rows = counting(grades_of(session, date(2026, 3, 2)))
    assert {(row["grader"], row["garment_id"]): row["score"] for row in rows.iter_rows(named=True)} == {
        ("Ada", None): 5,
        ("Bo", None): 2,
        ("Ada", "coat"): 3,
    }


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"score": 6}, "score 6 is not 1 to 5"),
        ({"look_id": "2026-03-02-0009"}, "no look '2026-03-02-0009'"),
        ({"garment_id": "hat"}, "has no garment 'hat'; it has coat, shoes"),
        ({"grader": " "}, "grader must be a text"),
    ],
)
def test_a_grade_of_nothing_or_nobody_is_refused(settings: Settings, wrong: dict[str, object], message: str) -> None:
    with pytest.raises(GradeError, match=message):
        stored(settings, grade(**wrong))  # type: ignore[arg-type]


def test_the_database_itself_refuses_to_change_or_remove_a_grade(settings: Settings) -> None:
    stored(settings, grade())
    for statement in ("UPDATE creative_lab.grades SET score = 5", "DELETE FROM creative_lab.grades"):
        with pytest.raises(DBAPIError, match="only ever added"), db.session_scope(settings) as session:
            session.execute(text(statement))


def test_a_grade_given_after_local_midnight_belongs_to_the_local_day(settings: Settings) -> None:
    stored(settings, grade(graded_at=datetime(2026, 3, 2, 23, 30, tzinfo=UTC)))
    with db.session_scope(settings) as session:
        assert grades_of(session, date(2026, 3, 3)).height == 1


CSV = 'look_id,garment_id,score,note,tags,grader\n{0},,5,"fine, very",hero;warm,Bo\n{0},coat,2,harsh shadows,,\n'


def test_a_file_of_grades_is_a_sitting_that_can_be_imported_twice(settings: Settings, tmp_path: Path) -> None:
    data = CSV.format(LOOK).encode()
    grades = read_csv(b"\xef\xbb\xbf" + data, grader="Ada", now=NOON)
    assert [(one.grader, one.score, one.tags, one.garment_id) for one in grades] == [
        ("Bo", 5, ("hero", "warm"), None),
        ("Ada", 2, (), "coat"),
    ]
    path = tmp_path / "grades.csv"
    path.write_bytes(data)
    assert cli.main(["grade", "--file", str(path), "--grader", "Ada"]) == 0
    assert cli.main(["grade", "--file", str(path), "--grader", "Ada"]) == 0
    with db.session_scope(settings) as session:
        assert session.execute(text("SELECT count(*) FROM creative_lab.grades")).scalar_one() == 2


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"look_id,points\n", "missing column score"),
        (b"look_id,score,mood\n", "unknown column mood"),
        (b"look_id,score\nx,five\n", "row 2: invalid literal"),
        (b"look_id,score\nx,9\n", "row 2: score 9"),
        (b"look_id,score\nx\n", "row 2: it has not as many fields"),
        (b"look_id,score,graded_at\nx,3,2026-03-02T10:00\n", "row 2: graded_at .* no time zone"),
        (b"look_id,score\n\xff,3\n", "not UTF-8"),
    ],
)
def test_a_wrong_file_is_refused_with_row_and_field(data: bytes, message: str) -> None:
    with pytest.raises(GradeError, match=message):
        read_csv(data, grader="Ada")


def test_grades_that_come_in_late_are_taken_into_the_lake_with_the_next_day(settings: Settings) -> None:
    stored(settings, grade())
    rows, late = snapshot_grades(settings, date(2026, 3, 2), run_id="run")
    assert (rows.height, late) == (1, [])
    stored(settings, grade(2, grader="Bo"))
    _, late = snapshot_grades(settings, date(2026, 3, 3), run_id="run")
    assert late == ["2026-03-02"]
    assert TableStore(settings).read("look_grades", [{"day": DAY}]).height == 2


def test_people_decide_about_phrases_of_at_most_five_words(settings: Settings) -> None:
    assert cli.main(["looks", "phrases", "activate", "Harsh  Shadows", "--who", "Ada"]) == 0
    assert cli.main(["looks", "phrases", "list"]) == 0
    with db.session_scope(settings) as session:
        assert decisions(session)["harsh shadows"].status == "active"
        decide(session, "harsh shadows", "retired", who="Bo", day=date(2026, 3, 3))
        found = decisions(session)["harsh shadows"]
    assert (found.status, found.who, found.day) == ("retired", "Bo", "2026-03-03")
    assert cli.main(["looks", "phrases", "activate", "one two three four five six"]) == 1


def test_a_failed_picture_is_listed_with_its_reason_and_retried_by_command(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    write(TableStore(settings), LookRenders, DAY, [render(DAY, LOOK)])
    assert cli.main(["looks", "failed"]) == 0
    assert "No picture is left" in capsys.readouterr().out
    claims = claims_of(settings, "worker")
    claims.expect(look_around(settings).standing.due)
    assert claims.claim(LOOK, 1)
    claims.release(LOOK, 1, error="not a picture", kind="permanent")
    assert cli.main(["looks", "failed"]) == 0
    assert "not a picture" in capsys.readouterr().out
    assert cli.main(["looks", "retry", LOOK]) == 0
    assert cli.main(["looks", "retry", LOOK]) == 1
    assert [item.key.look_id for item in look_around(settings).standing.due] == [LOOK]
