"""Adapted scripts go to translators and come back with their words, and with nothing else changed."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creative_lab.adaptation.schemas import AdaptationContext, AdaptationOutput
from creative_lab.adaptation.script_elements import parse_audio, parse_visual
from creative_lab.adaptation.xliff import NAMESPACE, XliffError, export_xliff, import_xliff
from creative_lab_tests.adaptation.drafter import markets
from creative_lab_tests.adaptation.gates.scripts import draft_of, facts, spot, translated

NS = {"x": NAMESPACE}
NMTOKEN = re.compile(r"[\w.\-:]+")


def _tag(node: ElementTree.Element) -> str:
    assert node.tag.startswith(f"{{{NAMESPACE}}}"), node.tag
    return node.tag.rsplit("}", 1)[1]


def _german() -> tuple[AdaptationContext, AdaptationOutput]:
    return translated("the-long-way-home", "DE")


def _check_core(document: bytes) -> None:
    """The constraints of the XLIFF 2 core module that concern the elements used here."""
    root = ElementTree.fromstring(document)
    assert _tag(root) == "xliff"
    assert set(root.attrib) == {"version", "srcLang", "trgLang"}
    files = list(root)
    assert [_tag(file) for file in files] == ["file"]
    assert files[0].get("id")
    children = {
        "file": ["notes", "group", "unit"],
        "group": ["notes", "group", "unit"],
        "unit": ["notes", "segment"],
        "segment": ["source", "target"],
        "notes": ["note"],
    }
    unit_ids = [unit.get("id") for unit in root.iter(f"{{{NAMESPACE}}}unit")]
    group_ids = [group.get("id") for group in root.iter(f"{{{NAMESPACE}}}group")]
    assert len(set(unit_ids)) == len(unit_ids) > 0
    assert len(set(group_ids)) == len(group_ids)
    for node in root.iter():
        name = _tag(node)
        if node.get("id"):
            assert NMTOKEN.fullmatch(node.get("id", ""))
        if name in children:
            order = [children[name].index(_tag(child)) for child in node]
            assert order == sorted(order)
            assert not (node.text or "").strip()
            assert not any((child.tail or "").strip() for child in node)
        if name == "unit":
            assert sum(_tag(child) == "segment" for child in node) >= 1
        if name == "segment":
            assert [_tag(child) for child in node] == ["source", "target"]
            assert node.get("state") in {"initial", "translated", "reviewed", "final"}
            for part in node:
                marks = [mark.get("id") for mark in part.iter(f"{{{NAMESPACE}}}mrk")]
                assert len(set(marks)) == len(marks)
        if name == "notes":
            ids = [note.get("id") for note in node]
            assert len(set(ids)) == len(ids)
        if name == "note":
            assert set(node.attrib) <= {"id", "category", "appliesTo", "priority", "ref"}


@pytest.mark.parametrize(("name", "country"), [("the-long-way-home", "DE"), ("small-change", "JP"), ("just-one", "GB")])
def test_an_export_keeps_to_the_core_of_xliff_2_and_comes_back_unchanged(name: str, country: str) -> None:
    if country == "GB":
        context = markets.context(name, country)
        draft = draft_of(context)
    else:
        context, draft = translated(name, country)
    document = export_xliff(draft, context)
    _check_core(document)
    back = import_xliff(document, draft)
    assert (back.draft, back.changed_units, back.stale_translations) == (draft, (), ())


def test_a_unit_holds_the_origin_s_words_the_draft_s_words_and_what_a_translator_must_know() -> None:
    context, draft = _german()
    root = ElementTree.fromstring(export_xliff(draft, context))
    unit = root.find(".//x:unit[@id='r7-v1']", NS)
    assert unit is not None
    source, target = unit.find(".//x:source", NS), unit.find(".//x:target", NS)
    assert source is not None
    assert target is not None
    assert "".join(source.itertext()) == "Veldane Orrin. Take the long way home."
    assert "".join(target.itertext()) == "Veldane Orrin. Nimm den langen Weg nach Hause."
    kept = target.findall("x:mrk", NS)
    assert [(mark.text, mark.get("translate")) for mark in kept] == [("Veldane", "no"), ("Orrin", "no")]
    notes = {note.get("category"): note.text or "" for note in unit.iterfind("x:notes/x:note", NS)}
    assert notes["kind"] == "title"
    assert notes["english"] == "Veldane Orrin. Take the long way home."
    assert "words on screen" in notes["time"]
    spoken = root.find(".//x:unit[@id='r1-a0']", NS)
    assert spoken is not None
    notes = {note.get("category"): note.text or "" for note in spoken.iterfind("x:notes/x:note", NS)}
    assert notes["speaker"] == "Dad"
    assert "syllables" in notes["time"]


def test_a_translator_s_words_and_translation_come_back_and_the_rest_stays() -> None:
    context, draft = _german()
    text = export_xliff(draft, context).decode()
    text = text.replace("Schweres Spiel, Kleine.</target>", "Knappes Spiel, Große.</target>")
    text = text.replace("Hard game, little one.</note>", "Close game, big one.</note>")
    back = import_xliff(text.encode(), draft)
    assert back.changed_units == ("r1-a0",)
    assert back.stale_translations == ()
    assert back.draft.script_rows[1].audio_text == draft.script_rows[1].audio_text.replace(
        '"Schweres Spiel, Kleine." (Hard game, little one.)', '"Knappes Spiel, Große." (Close game, big one.)'
    )
    assert [row for index, row in enumerate(back.draft.script_rows) if index != 1] == [
        row for index, row in enumerate(draft.script_rows) if index != 1
    ]


def test_a_translation_that_was_not_edited_with_its_words_is_reported_as_stale() -> None:
    context, draft = _german()
    text = export_xliff(draft, context).decode().replace("Schweres Spiel, Kleine.</target>", "Gutes Spiel.</target>")
    assert import_xliff(text.encode(), draft).stale_translations == ("r1-a0",)


def test_a_missing_translation_can_be_added_as_a_note() -> None:
    context, draft = _german()
    row = draft.script_rows[1]
    draft.script_rows[1] = row.model_copy(
        update={"audio_text": row.audio_text.replace(" (Hard game, little one.)", "")}
    )
    text = export_xliff(draft, context).decode()
    at = text.index('<unit id="r1-a0"')
    close = text.index("</notes>", at)
    text = text[:close] + '<note id="n9" category="english">Hard game.</note>' + text[close:]
    assert "(Hard game.)" in import_xliff(text.encode(), draft).draft.script_rows[1].audio_text


def test_an_inline_tag_of_a_tool_dissolves_and_several_segments_join() -> None:
    context, draft = _german()
    text = (
        export_xliff(draft, context)
        .decode()
        .replace(
            "<target>Schweres Spiel, Kleine.</target>",
            '<target>Schweres <mrk id="z" type="comment">Spiel</mrk>, </target>',
        )
    )
    at = text.index("</segment>", text.index('<unit id="r1-a0"'))
    text = text[: at + 10] + "<segment><source>x</source><target>Große.</target></segment>" + text[at + 10 :]
    assert '"Schweres Spiel, Große."' in import_xliff(text.encode(), draft).draft.script_rows[1].audio_text


def test_quotation_marks_inside_the_words_do_not_break_the_row() -> None:
    context, draft = _german()
    text = export_xliff(draft, context).decode()
    text = text.replace("Schweres Spiel, Kleine.</target>", 'Sag doch "ja" dazu.</target>')
    row = import_xliff(text.encode(), draft).draft.script_rows[1]
    words = [element.text for element in parse_audio(row.audio_text) if element.spoken]
    assert [word.replace("“", '"').replace("”", '"') for word in words] == ['Sag doch "ja" dazu.']


def test_a_file_made_from_another_draft_is_refused() -> None:
    context, draft = _german()
    document = export_xliff(draft, context)
    other = draft.model_copy(update={"name": "Another"})
    with pytest.raises(XliffError, match=r"line 3: the file was exported from another draft"):
        import_xliff(document, other)


BOMB = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><xliff>&b;</xliff>'
OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE x SYSTEM "file:///etc/passwd"><xliff/>'


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: BOMB.decode(), r"DTD or entities"),
        (lambda text: OUTSIDE.decode(), r"DTD or entities"),
        (lambda text: text[:700], r"not well-formed XML"),
        (lambda text: text.replace('version="2.1"', 'version="1.2"'), r"not XLIFF 2"),
        (lambda text: re.sub(r'original="[^"]*"', 'original="script"', text), r"no content hash"),
        (
            lambda text: text.replace("Schweres Spiel, Kleine.</target>", "</target>"),
            r"unit 'r1-a0', line \d+: the target is empty",
        ),
        (
            lambda text: text.replace("<target>Schweres Spiel, Kleine.</target>", ""),
            r"unit 'r1-a0', line \d+: .* no target",
        ),
        (
            lambda text: text.replace('unit id="r1-a0"', 'unit id="r2-a0"', 1),
            r"unit 'r2-a0', line \d+: the id is used twice",
        ),
        (lambda text: text.replace('unit id="r1-a0"', 'unit id="r99-a0"', 1), r"unit 'r1-a0': missing"),
        (
            lambda text: text.replace("Kleine.</target>", "<b>Kleine.</b></target>"),
            r"unit 'r1-a0', line \d+: <b> is not allowed",
        ),
        (
            lambda text: text.replace("Kleine.</target>", '<cp hex="no"/></target>'),
            r"unit 'r1-a0', line \d+: <cp> has no valid hex",
        ),
        (
            lambda text: text.replace("Kleine.</target>", 'ja"\nSFX: Bang.</target>'),
            r"unit 'r1-a0', line \d+: .* break the row apart",
        ),
    ],
)
def test_a_file_that_can_not_be_read_is_refused_with_its_unit_and_line(change, message: str) -> None:
    context, draft = _german()
    with pytest.raises(XliffError, match=message):
        import_xliff(change(export_xliff(draft, context).decode()).encode(), draft)


def test_a_unit_that_the_draft_does_not_have_is_refused() -> None:
    context, draft = _german()
    text = export_xliff(draft, context).decode()
    extra = '<unit id="r7-v9"><segment><source>a</source><target>b</target></segment></unit></group>'
    at = text.rindex("</group>")
    with pytest.raises(XliffError, match=r"unit 'r7-v9', line \d+: the draft has no such element"):
        import_xliff((text[:at] + extra + text[at + 8 :]).encode(), draft)


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
WORDS = st.lists(st.text("abcdefghäöüßéあい漢", min_size=1, max_size=8), min_size=1, max_size=6).map(" ".join)


@given(st.lists(st.tuples(ANY_TEXT, ANY_TEXT), min_size=1, max_size=4), WORDS)
def test_any_script_survives_the_round_trip_to_the_byte(texts: list[tuple[str, str]], spoken: str) -> None:
    rows = [*texts, ("A street.", f'VO: "{spoken}"')]
    context = markets.context(spot(*rows), "DE", brand_facts=facts(do_not_translate=["ab"]))
    draft = draft_of(context)
    document = export_xliff(draft, context)
    _check_core(document)
    assert import_xliff(document, draft).draft == draft


@given(WORDS, WORDS, WORDS)
def test_new_words_arrive_and_nothing_else_moves(spoken: str, shown: str, new: str) -> None:
    rows = [(f'A street.\nSUPER: "{shown}"', f'VO: "{spoken}"\nSFX: Wind.'), ("Sky.", "MUSIC: Soft.")]
    context = markets.context(spot(*rows), "DE", brand_facts=facts())
    draft = draft_of(context)
    tree = ElementTree.fromstring(export_xliff(draft, context))
    target = tree.find(".//x:unit[@id='r0-a0']//x:target", NS)
    assert target is not None
    target.text = new
    back = import_xliff(ElementTree.tostring(tree, encoding="utf-8"), draft).draft
    heard = [(element.kind, element.text) for element in parse_audio(back.script_rows[0].audio_text)]
    assert heard == [("vo", new), ("sfx", "Wind.")]
    assert parse_visual(back.script_rows[0].visual_text) == parse_visual(draft.script_rows[0].visual_text)
    assert back.script_rows[1] == draft.script_rows[1]
