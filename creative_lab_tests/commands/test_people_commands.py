"""Decisions, prompt templates and translations through the command line."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from sqlalchemy import text

from creative_lab.adaptation.script_elements import Element, parse_audio, parse_visual
from creative_lab.lake.tables import TableStore
from creative_lab.settings import Settings
from creative_lab.state import db
from creative_lab_tests.commands.conftest import Call
from creative_lab_tests.worked_lab import GREEN, SPOT, WAITING

pytestmark = pytest.mark.slow

SLUG = "adaptation"
SPACE = {"x": "urn:oasis:names:tc:xliff:document:2.0"}


def content(settings: Settings, target: str = GREEN) -> str:
    row = TableStore(settings).read("adaptation_results", [{"spot": SPOT, "target": target}])
    return str(row["content_hash"].item())


def listed(call: Call, *options: str) -> dict[str, str]:
    said = call("review", "list", *options)
    assert said.code == 0, said.err
    return {line.split()[1]: line for line in said.out.splitlines()[1:]}


# --- review


def test_the_list_shows_the_worst_first_with_the_content_that_a_decision_is_about(worked: Settings, call: Call) -> None:
    lines = listed(call)
    assert list(lines) == [WAITING, GREEN]
    assert "failed" in lines[WAITING]
    assert "critical" in lines[WAITING]
    assert lines[GREEN].endswith(content(worked)[:12])
    assert "pending" in lines[GREEN]


def test_an_approval_names_its_person_and_its_content_and_leaves_the_list(worked: Settings, call: Call) -> None:
    said = call("review", "approve", SPOT, GREEN, "--who", "Ada", "--content", content(worked)[:12])
    assert said.code == 0, said.err
    assert said.out == f"{SPOT} → {GREEN}: approved by Ada, for content {content(worked)[:12]}\n"
    assert GREEN not in listed(call)
    assert "approved" in listed(call, "--all")[GREEN]
    assert call("review", "verify").out.startswith("1 decisions, none altered; newest ")


def test_changes_and_rejections_need_a_note_and_the_login_name_stands_in_for_a_person(
    worked: Settings, call: Call
) -> None:
    assert call("review", "request-changes", SPOT, GREEN).code == 2
    blank = call("review", "request-changes", SPOT, GREEN, "--note", " ")
    assert blank.code == 1
    assert "needs a note" in blank.err
    said = call("review", "request-changes", SPOT, GREEN, "--note", "Warmer, please.")
    assert f"changes requested by {getpass.getuser()}" in said.out
    assert "changes_requested" in listed(call)[GREEN]
    assert call("review", "reject", SPOT, GREEN, "--note", "Not this one.").code == 0
    assert GREEN not in listed(call)


def test_a_script_whose_gates_failed_cannot_be_approved(worked: Settings, call: Call) -> None:
    said = call("review", "approve", SPOT, WAITING)
    assert said.code == 1
    assert "cannot be approved" in said.err
    assert "cannot translate" in said.err
    assert "pending" in listed(call)[WAITING]


@pytest.mark.parametrize("given", ["0" * 12, "0" * 64, "short"])
def test_a_decision_about_content_that_has_changed_since_is_refused(worked: Settings, call: Call, given: str) -> None:
    before = call("review", "verify").out
    said = call("review", "approve", SPOT, GREEN, "--content", given)
    assert said.code == 1
    assert f"is content {content(worked)[:12]} now" in said.err
    assert call("review", "verify").out == before


@pytest.mark.parametrize(("spot", "target"), [("nowhere", GREEN), (SPOT, "fr-fr"), ("../..", GREEN), ("a b", "c")])
def test_a_decision_about_a_script_that_is_not_there_is_one_line(
    worked: Settings, call: Call, spot: str, target: str
) -> None:
    said = call("review", "approve", spot, target)
    assert said.code == 1
    assert said.err.startswith("Error: ")
    assert len(said.err.splitlines()) == 1


def test_a_decision_that_was_altered_behind_the_databases_back_is_found(worked: Settings, call: Call) -> None:
    with db.session_scope(worked) as session:
        session.execute(text("set local session_replication_role = replica"))
        changed = session.execute(text("update creative_lab.approvals set who = 'Eve' where number = 1 returning who"))
        assert changed.scalar_one() == "Eve"
    said = call("review", "verify")
    assert said.code == 1
    assert "entry 1 is not as it was written" in said.err


# --- templates


def test_a_template_that_is_shown_edited_saved_and_rolled_back_keeps_every_letter(
    worked: Settings, call: Call, tmp_path: Path
) -> None:
    assert SLUG in call("template", "list").out
    original = call("template", "show", SLUG).out
    file = tmp_path / "template.txt"
    file.write_text(original, encoding="utf-8")
    assert call("template", "save", SLUG, file).code == 0
    assert call("template", "show", SLUG).out == original
    edited = original + "\n[bold]Keep :smile: and " + "a long line " * 30 + "[/bold]\n"
    file.write_text(edited, encoding="utf-8")
    said = call("template", "save", SLUG, file)
    assert said.code == 0, said.err
    assert call("template", "show", SLUG).out == edited
    assert call("template", "show", SLUG, "--version", 1).out == original
    history = call("template", "history", SLUG).out
    assert "active" in history
    assert call("template", "rollback", SLUG, 1).out == f"{SLUG} is now version 1\n"
    assert call("template", "show", SLUG).out == original


def test_a_template_with_a_mistake_is_refused_with_its_line_and_the_old_one_stays(
    worked: Settings, call: Call, tmp_path: Path
) -> None:
    before = call("template", "show", SLUG).out
    file = tmp_path / "bad.txt"
    file.write_text("fine\n{% if x %}\nnever ended\n")
    said = call("template", "save", SLUG, file)
    assert said.code == 1
    assert "line" in said.err
    file.write_bytes(b"\xff\xfe not text")
    unreadable = call("template", "save", SLUG, file)
    assert unreadable.code == 1
    assert "bad.txt is not UTF-8" in unreadable.err
    assert call("template", "show", SLUG).out == before


def test_a_template_or_version_that_is_not_there_is_said(worked: Settings, call: Call) -> None:
    assert call("template", "show", "no_such").code == 2
    assert call("template", "show", SLUG, "--version", 999).code == 2
    assert call("template", "rollback", SLUG, 999).code == 1
    assert call("template", "history", "no_such").code == 2


# --- translations


def words(parse: Callable[[str], list[Element]], line: str) -> list[Element]:
    return [element for element in parse(line) if element.spoken or element.shown]


def translate(document: Path, settings: Settings) -> None:
    """What a translator does: the German words of the sample translation into the targets of the document."""
    german = json.loads((settings.data_dir / "validation" / "translations" / f"{SPOT}.de.json").read_text("utf-8"))
    tree = ElementTree.parse(document)
    for unit in tree.iterfind(".//x:unit", SPACE):
        row, _, place = unit.attrib["id"].removeprefix("r").partition("-")
        name, parse = ("visual_text", parse_visual) if place[0] == "v" else ("audio_text", parse_audio)
        siblings = [other.attrib["id"] for other in tree.iterfind(".//x:unit", SPACE)]
        same = [key for key in siblings if key.startswith(f"r{row}-{place[0]}")]
        element = words(parse, german["script_rows"][int(row)][name])[same.index(unit.attrib["id"])]
        target = unit.find(".//x:target", SPACE)
        assert target is not None
        target.clear()
        target.text = element.text
        for note in unit.iterfind(".//x:note[@category='english']", SPACE):
            note.text = element.translation or element.text
    tree.write(document, encoding="utf-8", xml_declaration=True)


def test_a_translators_file_turns_a_waiting_script_green_and_cannot_be_used_twice(
    worked: Settings, call: Call, tmp_path: Path
) -> None:
    file = tmp_path / "to translate.xlf"
    out = call("xliff", "export", SPOT, WAITING, file)
    assert out.code == 0, out.err
    assert f"creative-lab xliff import {SPOT} {WAITING}" in out.out
    unfinished = call("xliff", "import", SPOT, WAITING, file)
    assert unfinished.code == 1, "English words are no German script"
    assert "Error: " in unfinished.err
    call("xliff", "export", SPOT, WAITING, file)
    translate(file, worked)
    said = call("xliff", "import", SPOT, WAITING, file)
    assert said.code == 0, said.err
    assert "all gates green" in said.out
    store = TableStore(worked)
    script = store.read("adapted_scripts", [{"spot": SPOT, "target": WAITING}])
    assert script["status"].unique().to_list() == ["completed"]
    assert "Niemand spart das auf einmal." in " ".join(script["audio_text"])
    assert (worked.reports_dir / "scripts" / SPOT / f"{WAITING}.html").is_file()
    again = call("xliff", "import", SPOT, WAITING, file)
    assert again.code == 1
    assert "another draft" in again.err
    assert store.read("adapted_scripts", [{"spot": SPOT, "target": WAITING}]).equals(script)


def test_a_file_that_is_no_translation_is_refused_and_a_missing_one_is_wrong_use(
    worked: Settings, call: Call, tmp_path: Path
) -> None:
    file = tmp_path / "no.xlf"
    assert call("xliff", "import", SPOT, GREEN, file).code == 2
    file.write_text("<not-xliff/>")
    said = call("xliff", "import", SPOT, GREEN, file)
    assert said.code == 1
    assert "no.xlf" in said.err
    assert "not XLIFF 2" in said.err
    nobody = call("xliff", "import", SPOT, "fr-fr", file)
    assert nobody.code == 1
    assert "has not been adapted to fr-fr yet" in nobody.err
    assert call("xliff", "export", SPOT, "fr-fr", tmp_path / "out.xlf").code == 1
    assert not (tmp_path / "out.xlf").exists()
