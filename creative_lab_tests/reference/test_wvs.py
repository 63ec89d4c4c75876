"""World Values Survey: figures of the tests are invented."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from creative_lab.reference.importing import import_directory
from creative_lab.reference.problems import ImportFailed
from creative_lab.reference.wvs import PREFIX, import_wvs, read_wvs
from creative_lab.settings import Settings
from creative_lab.state import db
from creative_lab.state.models import Country, WVSProfile
from creative_lab_tests.reference import sample

HEADER = (
    "country,wave,traditional_secular,survival_self_expression,interpersonal_trust,tolerance,gender_equality,"
    "civic_participation"
)
ROWS = ["DEU,6,0.9,0.7,0.4,0.8,0.7,0.5", "DE,7,1.13,0.52,0.416,0.83,,0.61", "392,7,1.9,-0.1,0.34,0.5,0.4,0.2"]


def _csv(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "wvs.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def filled_lab(migrated_lab: Settings, tmp_path: Path) -> Settings:
    with db.session_scope(migrated_lab) as session:
        import_directory(session, sample.write(tmp_path / "data", sample.data()))
    return migrated_lab


def _insights(settings: Settings, code: str) -> list[dict[str, object]]:
    with db.session_scope(settings) as session:
        return session.scalars(select(Country).where(Country.code == code)).one().insights


def test_the_newest_wave_becomes_a_profile_and_insights_after_the_hand_written_ones(
    filled_lab: Settings, tmp_path: Path
) -> None:
    written = sample.DATA["countries"][0]["insights"]
    with db.session_scope(filled_lab) as session:
        report = import_wvs(session, _csv(tmp_path, *ROWS, "FRA,7,0.5,1.1,0.2,0.7,0.8,0.6"))
    assert (report.updated, report.unchanged, report.skipped) == (("DE", "JP"), (), ("FR",))
    assert _insights(filled_lab, "DE") == [
        *written,
        {
            "heading": "World Values Survey: place on the cultural map",
            "points": [
                "Traditional to secular-rational: +1.13, leaning secular-rational",
                "Survival to self-expression: +0.52, leaning self-expression",
                "Averages of wave 7: they describe a country, never a person",
            ],
        },
        {
            "heading": "World Values Survey: trust, tolerance and taking part",
            "points": [
                "42 % say that most people can be trusted",
                "83 % would accept all the groups asked about as neighbours",
                "61 % have signed a petition, boycotted or demonstrated",
                "Averages of wave 7: they describe a country, never a person",
            ],
        },
    ]
    with db.session_scope(filled_lab) as session:
        profile = session.scalars(select(WVSProfile).join(Country).where(Country.code == "DE")).one()
        assert (profile.wave, profile.interpersonal_trust, profile.gender_equality) == (7, 0.416, None)


def test_a_second_import_changes_nothing_and_a_new_file_replaces_only_its_own_blocks(
    filled_lab: Settings, tmp_path: Path
) -> None:
    with db.session_scope(filled_lab) as session:
        import_wvs(session, _csv(tmp_path, *ROWS))
        assert import_wvs(session, _csv(tmp_path, *ROWS)).updated == ()
    with db.session_scope(filled_lab) as session:
        german = session.scalars(select(Country).where(Country.code == "DE")).one()
        mine = {"heading": "Added later by hand", "points": ["x"]}
        german.insights = [*german.insights, mine]
    new = _csv(tmp_path, "DE,8,-1,0,0.1,0.2,0.3,0.4")
    with db.session_scope(filled_lab) as session:
        assert import_wvs(session, new, dry_run=True).updated == ("DE",)
    assert "wave 7" in str(_insights(filled_lab, "DE"))
    with db.session_scope(filled_lab) as session:
        import_wvs(session, new)
    insights = _insights(filled_lab, "DE")
    headings = [str(block["heading"]) for block in insights]
    assert headings[:2] == ["Tone", "Added later by hand"]
    assert len(headings) == 4 and len(set(headings)) == 4
    assert "wave 7" not in str(insights) and "leaning traditional" in str(insights)


def test_importing_the_countries_again_keeps_the_survey(filled_lab: Settings, tmp_path: Path) -> None:
    with db.session_scope(filled_lab) as session:
        import_wvs(session, _csv(tmp_path, *ROWS))
    with db.session_scope(filled_lab) as session:
        assert import_directory(session, tmp_path / "data").updated == 0
    assert sum(str(block["heading"]).startswith(PREFIX) for block in _insights(filled_lab, "DE")) == 2


def test_missing_columns_are_named(tmp_path: Path) -> None:
    path = _csv(tmp_path, "DE,7,1", header="country,wave,traditional_secular")
    with pytest.raises(ImportFailed) as caught:
        read_wvs(path)
    assert str(caught.value).startswith(
        "wvs.csv: missing columns: survival_self_expression, interpersonal_trust, tolerance, gender_equality, "
        "civic_participation (needed: country, wave,"
    )


def test_every_wrong_cell_is_named_by_line_and_column_and_nothing_is_written(
    filled_lab: Settings, tmp_path: Path
) -> None:
    path = _csv(tmp_path, "Germany,7,0,0,0,0,0,0", "DE,x,0,0,0,0,0,0", "DE,7,9,0,42 %,0,0,nan", ROWS[1], ROWS[1])
    before = _insights(filled_lab, "DE")
    with db.session_scope(filled_lab) as session, pytest.raises(ImportFailed) as caught:
        import_wvs(session, path)
    assert str(caught.value).splitlines() == [
        "wvs.csv: line 2, field country: is no ISO 3166-1 country code (got 'Germany')",
        "wvs.csv: line 3, field wave: must be a whole number from 1 to 20 (got 'x')",
        "wvs.csv: line 4, field traditional_secular: must be between -5 and 5 (got '9')",
        "wvs.csv: line 4, field interpersonal_trust: must be a number (got '42 %')",
        "wvs.csv: line 4, field civic_participation: must be between 0 and 1 (got 'nan')",
        "wvs.csv: line 6: DE has wave 7 in line 5 already",
    ]
    assert _insights(filled_lab, "DE") == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEADER.encode(), "holds no line of data"),
        (b"\xff\xfe", "the file is not UTF-8"),
        (b"x" * 5_000_001, "must hold one line per country"),
        (HEADER.encode() + b'\nDE,7,"1,0,0,0,0,0\n', "malformed CSV"),
        (b"", "missing columns"),
        (HEADER.encode() + b"\nDE,7,1\n", ""),
    ],
)
def test_odd_files_are_refused_or_read(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "wvs.csv"
    path.write_bytes(content)
    if message:
        with pytest.raises(ImportFailed, match=message):
            read_wvs(path)
    else:
        assert [value for value in read_wvs(path)[0].values.values() if value is not None] == [1.0]
    with pytest.raises(ImportFailed, match="file not found"):
        read_wvs(tmp_path / "missing.csv")


def test_semicolons_and_a_byte_order_mark_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "wvs.csv"
    path.write_text("\ufeff" + "\n".join([HEADER, ROWS[0]]).replace(",", ";"), encoding="utf-8")
    assert [(line.country, line.wave) for line in read_wvs(path)] == [("DE", 6)]
