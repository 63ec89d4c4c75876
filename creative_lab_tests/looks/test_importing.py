"""The wardrobe comes in from files and goes out to them, all or nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from creative_lab.illustrator.garments import Garment
from creative_lab.looks.importing import KINDS, bootstrap_looks, export_looks, import_looks
from creative_lab.reference.problems import ImportFailed
from creative_lab.settings import REPOSITORY_ROOT, Settings
from creative_lab.state import db, models

SHIPPED = REPOSITORY_ROOT / "data" / "looks"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "looks"))


@pytest.fixture
def session(shared_lab: Settings) -> Iterator[Session]:
    """A session whose rows are gone after the test."""
    with Session(db.engine(shared_lab)) as session:
        yield session
        session.rollback()


def change(folder: Path, file: str, edit: Callable[[Any], None]) -> None:
    path = folder / file
    rows = json.loads(path.read_text())
    edit(rows)
    path.write_text(json.dumps(rows))


def garments_of(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(models.WardrobeGarment)) or 0


def test_the_shipped_wardrobe_is_as_large_as_promised_and_the_illustrator_can_draw_all_of_it() -> None:
    rows = {kind.file: json.loads((SHIPPED / kind.file).read_text()) for kind in KINDS}
    assert len(rows["designers.json"]) >= 5
    assert len(rows["colourways.json"]) >= 12
    assert len(rows["garments.json"]) >= 80
    assert len(rows["outfit_templates.json"]) >= 10
    for row in rows["garments.json"]:
        for colour in row["colours"]:
            Garment(row["category"], row["cut"], colour, row["pattern"])
    hints = [row["silhouette_hint"] for row in rows["garments.json"]]
    assert len(set(hints)) == len(hints)


def test_no_banned_word_stands_in_the_wardrobe_itself() -> None:
    import re

    rows = json.loads((SHIPPED / "vocabulary.json").read_text())
    prose = "\n".join(
        (SHIPPED / name).read_text() for name in ("garments.json", "colourways.json", "designers.json", "scenes.json")
    )
    found = [row["word"] for row in rows if re.search(rf"\b{re.escape(row['word'])}\b", prose, re.IGNORECASE)]
    assert found == []
    substitutes = "\n".join(row["substitute"] or "" for row in rows)
    assert [row["word"] for row in rows if re.search(rf"\b{re.escape(row['word'])}\b", substitutes)] == []


def test_import_and_export_give_the_same_bytes_and_a_second_import_changes_nothing(
    session: Session, shared_lab: Settings, tmp_path: Path
) -> None:
    assert bootstrap_looks(session, shared_lab) is not None
    assert bootstrap_looks(session, shared_lab) is None
    again = import_looks(session, SHIPPED)
    assert (again.created, again.updated) == (0, 0)
    export_looks(session, tmp_path / "out")
    for kind in KINDS:
        assert (tmp_path / "out" / kind.file).read_bytes() == (SHIPPED / kind.file).read_bytes()


WRONG: list[tuple[str, Callable[[Any], None], str]] = [
    ("garments", lambda r: r[3].update(cut="boxy-ish"), "garments.json: entry 3 (ballast-bag): cut 'boxy-ish'"),
    ("garments", lambda r: r[0].update(colours=["beige"]), "field colours.0: is no cloth colour"),
    ("garments", lambda r: r[0].update(category="poncho"), "field category: is no garment category"),
    ("garments", lambda r: r[0].update(target_pct=101), "field target_pct: input should be less than"),
    ("garments", lambda r: r[1].update(name=r[0]["name"].upper()), "field name: is the same as in entry 0"),
    ("garments", lambda r: r[0].update(size="M"), "field size: unknown field"),
    ("designers", lambda r: r[0].update(hero_categories=["coat"]), "three categories or more"),
    (
        "outfit_templates",
        lambda r: r[0]["slots"][0].update(categories=r[0]["hero_categories"]),
        "which is the hero's",
    ),
    ("vocabulary", lambda r: r[0].update(substitute=f"so {r[0]['word']}"), "substitute holds the word itself"),
    ("scenes", lambda r: r[0]["invariants"].update(length="top to toe"), "invariant length is not said"),
    ("scenes", lambda r: r[0].update(is_active=False), "scenes.json: field is_active: exactly one scene is active"),
    ("control", lambda r: r.append(r[0]), "control.json: must hold a list of exactly one entry"),
    ("control", lambda r: r[0].update(innovation_rate=1.5), "field innovation_rate"),
]


@pytest.mark.parametrize(("file", "edit", "message"), WRONG, ids=[case[2] for case in WRONG])
def test_a_wrong_entry_is_refused_with_its_file_place_and_field_and_nothing_is_written(
    session: Session, folder: Path, file: str, edit: Callable[[Any], None], message: str
) -> None:
    change(folder, f"{file}.json", edit)
    with pytest.raises(ImportFailed) as refusal:
        import_looks(session, folder)
    assert message in str(refusal.value)
    assert garments_of(session) == 0


def test_a_dry_run_says_what_would_change_and_changes_nothing(session: Session, folder: Path) -> None:
    import_looks(session, folder)
    change(folder, "garments.json", lambda rows: rows[0].update(target_pct=12.5))
    report = import_looks(session, folder, dry_run=True)
    assert "would change: target_pct" in str(report)
    session.expire_all()
    stored = session.scalars(select(models.WardrobeGarment).order_by(models.WardrobeGarment.key)).first()
    assert stored is not None
    assert stored.target_pct != 12.5


def test_another_scene_takes_over_in_one_import(session: Session, folder: Path) -> None:
    import_looks(session, folder)

    def swap(rows: list[dict[str, Any]]) -> None:
        rows.insert(0, rows[0] | {"key": "second-seamless"})
        rows[1] = rows[1] | {"is_active": False}

    change(folder, "scenes.json", swap)
    import_looks(session, folder)
    active = session.scalars(select(models.LookScene.key).where(models.LookScene.is_active)).all()
    assert active == ["second-seamless"]
