"""An adapted script as XLIFF 2.1, so that translators work in their own tools, and back again.

One unit stands for one spoken or shown element: its source is the origin's words, its target the adapted ones. Groups
are rows; notes carry kind, speaker, shot, timing and the time budget. Names to keep are marked ``translate="no"``. The
English translation that a script in another language carries in parentheses is the unit's note of category ``english``,
which a translator may edit; a translation that was not edited although the words were is kept and reported as stale.

The ``original`` attribute of the file holds the hash of the exported draft; a file made from another draft is refused.
Only words change on import: rows, timing, descriptions, labels and effects stay the draft's.
Format: XLIFF Version 2.1, OASIS Standard, 13 February 2018, core module.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from xml.etree import ElementTree

from creative_lab.adaptation.gates.case import RowView, view
from creative_lab.adaptation.gates.words import WORD_END, WORD_START
from creative_lab.adaptation.schemas import AdaptationContext, AdaptationOutput
from creative_lab.adaptation.script_elements import Element, parse_audio, parse_visual, render
from creative_lab.adaptation.time_budget import time_budget

NAMESPACE = "urn:oasis:names:tc:xliff:document:2.0"
MAX_BYTES = 20 * 1024 * 1024
_XML = "http://www.w3.org/XML/1998/namespace"
_NOT_XML = re.compile("[^\t\n\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ENGLISH = "english"
_ORIGINAL = re.compile(r".*#sha256:(?P<hash>[0-9a-f]{64})")
_FIELDS: tuple[tuple[Literal["visual_text", "audio_text"], str], ...] = (("visual_text", "v"), ("audio_text", "a"))


class XliffError(ValueError):
    """A file that can't be imported; the message names the unit and the line."""


@dataclass(frozen=True)
class Imported:
    """A draft with a translator's words."""

    draft: AdaptationOutput
    changed_units: tuple[str, ...]
    stale_translations: tuple[str, ...]
    """Units whose words changed while their English translation did not."""


def unit_id(row: int, field: str, position: int) -> str:
    """Id of the unit of an element: row and place among the elements of the field, both from 0."""
    return f"r{row}-{'v' if field == 'visual_text' else 'a'}{position}"


def export_xliff(draft: AdaptationOutput, context: AdaptationContext) -> bytes:
    """The draft as an XLIFF 2.1 document in UTF-8."""
    ElementTree.register_namespace("", NAMESPACE)
    root = ElementTree.Element(
        _tag("xliff"), {"version": "2.1", "srcLang": context.origin.language, "trgLang": context.target_language}
    )
    file = ElementTree.SubElement(
        root,
        _tag("file"),
        {
            "id": "script",
            "original": f"{context.spot}/{context.target}#sha256:{draft.content_hash()}",
            "canResegment": "no",
            f"{{{_XML}}}space": "preserve",
        },
    )
    _notes(file, [("title", context.origin.script_title), ("target", context.target_name)])
    rows, origin_rows = view(draft.script_rows), view(context.origin.script_rows)
    budgets = _budgets(draft, context)
    names = _names(context)
    for index, row in enumerate(draft.script_rows):
        origin = origin_rows[index] if index < len(origin_rows) else None
        units = list(_units(index, rows[index], origin))
        if not units:
            continue
        group = ElementTree.SubElement(file, _tag("group"), {"id": f"row-{index}", "name": f"Shot {row.shot_number}"})
        _notes(
            group,
            [
                ("row", str(index + 1)),
                ("timecode", row.timecode_start or ""),
                ("duration", f"{row.duration_seconds:g} s" if row.duration_seconds else ""),
                ("picture", "\n".join(p.text for p in rows[index].described if p.field == "visual_text")),
            ],
        )
        for unit in units:
            _write_unit(group, unit, budgets[index], names)
    _indent(root)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="utf-8") + b"\n"


def import_xliff(document: bytes, draft: AdaptationOutput) -> Imported:
    """Put a translator's words into the draft that the document was exported from.

    Raises:
        XliffError: The document is too large, no safe XML, no XLIFF 2, was made from another draft, or holds a unit
            that can't be read; nothing is changed then.
    """
    root, lines = _parse(document)
    if root.tag != _tag("xliff") or not str(root.get("version", "")).startswith("2."):
        raise XliffError("line 1: the document is not XLIFF 2")
    files = root.findall(_tag("file"))
    if len(files) != 1:
        raise XliffError(f"line 1: the document holds {len(files)} files instead of one")
    match = _ORIGINAL.fullmatch(files[0].get("original", ""))
    if match is None:
        raise XliffError(f"line {lines[id(files[0])]}: attribute original of <file> has no content hash")
    if match.group("hash") != draft.content_hash():
        raise XliffError(
            f"line {lines[id(files[0])]}: the file was exported from another draft of this script; export it again"
        )
    found: dict[str, tuple[str, str | None, int]] = {}
    for unit in files[0].iter(_tag("unit")):
        key, line = unit.get("id", ""), lines[id(unit)]
        if key in found:
            raise XliffError(f"unit {key!r}, line {line}: the id is used twice")
        found[key] = (_target_text(unit, key, lines), _note(unit, _ENGLISH), line)
    return _apply(draft, found)


def _apply(draft: AdaptationOutput, found: dict[str, tuple[str, str | None, int]]) -> Imported:
    changed: list[str] = []
    stale: list[str] = []
    known: set[str] = set()
    rows = []
    for index, row in enumerate(draft.script_rows):
        update: dict[str, str] = {}
        for field, _ in _FIELDS:
            elements = parse_visual(row.visual_text) if field == "visual_text" else parse_audio(row.audio_text)
            for position, element in enumerate(elements):
                key = unit_id(index, field, position)
                if not _translatable(element):
                    continue
                known.add(key)
                if key not in found:
                    raise XliffError(f"unit {key!r}: missing from the document (row {index + 1}, {field})")
                text, english, line = found[key]
                if not text.strip():
                    raise XliffError(f"unit {key!r}, line {line}: the target is empty")
                edited = element.with_text(text)
                if english is not None and english.strip() and english != element.translation:
                    edited = edited.with_translation(english)
                elif edited.text != element.text and element.translation is not None:
                    stale.append(key)
                if edited is not element:
                    changed.append(key)
                    elements = _placed(elements, position, edited, field, f"unit {key!r}, line {line}")
            update[field] = render(elements)
        rows.append(row.model_copy(update=update))
    if unknown := sorted(set(found) - known):
        key = unknown[0]
        raise XliffError(f"unit {key!r}, line {found[key][2]}: the draft has no such element")
    return Imported(draft.model_copy(update={"script_rows": rows}), tuple(changed), tuple(stale))


def _placed(elements: Sequence[Element], position: int, edited: Element, field: str, where: str) -> list[Element]:
    """The row's elements with the edited one, which must read back as it was written.

    Straight quotation marks would end the words early, so they become typographic ones where that helps.
    """
    parse = parse_visual if field == "visual_text" else parse_audio
    curly = re.sub(r'"([^"]*)"', r"“\1”", edited.text)
    for candidate in (edited, edited.with_text(curly)):
        changed = [*elements[:position], candidate, *elements[position + 1 :]]
        again = parse(render(changed))
        wanted = [(item.kind, item.text, item.translation) for item in changed]
        if [(item.kind, item.text, item.translation) for item in again] == wanted:
            return changed
    raise XliffError(f"{where}: the words {edited.text[:60]!r} would break the row apart (quotes, labels or line ends)")


@dataclass(frozen=True)
class _Unit:
    key: str
    element: Element
    source: str
    has_origin: bool


def _translatable(element: Element) -> bool:
    return (element.spoken or element.shown) and bool(element.text.strip())


def _units(index: int, row: RowView, origin: RowView | None) -> Iterator[_Unit]:
    """A row's elements, each with the origin's words of the same place among those spoken or shown."""
    for field, _ in _FIELDS:
        raw = row.row.visual_text if field == "visual_text" else row.row.audio_text
        elements = parse_visual(raw) if field == "visual_text" else parse_audio(raw)
        sources = {
            spoken: [piece.text for piece in origin.said if piece.field == field and piece.element.spoken is spoken]
            for spoken in (True, False)
        } if origin else {True: [], False: []}  # fmt: skip
        for position, element in enumerate(elements):
            if not _translatable(element):
                continue
            waiting = sources[element.spoken]
            source = waiting.pop(0) if waiting else None
            yield _Unit(
                unit_id(index, field, position),
                element,
                source if source is not None else (element.translation or element.text),
                source is not None,
            )


def _write_unit(group: ElementTree.Element, unit: _Unit, budget: dict[str, str], names: list[str]) -> None:
    element = unit.element
    node = ElementTree.SubElement(group, _tag("unit"), {"id": unit.key, "name": element.label or element.kind.upper()})
    _notes(
        node,
        [
            ("kind", element.kind),
            ("speaker", element.speaker or ""),
            ("time", budget["spoken" if element.spoken else "shown"]),
            (
                "origin",
                "" if unit.has_origin else "Not in the origin; the source is this draft's meaning.",
            ),
            (_ENGLISH, element.translation or ""),
        ],
        target=frozenset({_ENGLISH}),
    )
    segment = ElementTree.SubElement(node, _tag("segment"), {"id": "s1", "state": "translated"})
    for name, text in (("source", unit.source), ("target", element.text)):
        _write_text(ElementTree.SubElement(segment, _tag(name)), text, names)


def _write_text(node: ElementTree.Element, text: str, names: list[str]) -> None:
    """Text with names to keep as ``<mrk>`` and characters that XML can't hold as ``<cp>``."""
    pattern = re.compile("|".join([f"{WORD_START}{re.escape(name)}{WORD_END}" for name in names]) or r"(?!)")
    last: ElementTree.Element | None = None

    def add(piece: str) -> None:
        nonlocal last
        position = 0
        for match in _NOT_XML.finditer(piece):
            put(piece[position : match.start()])
            last = ElementTree.SubElement(node, _tag("cp"), {"hex": f"{ord(match.group(0)):04X}"})
            position = match.end()
        put(piece[position:])

    def put(piece: str) -> None:
        if not piece:
            return
        if last is None:
            node.text = (node.text or "") + piece
        else:
            last.tail = (last.tail or "") + piece

    position = 0
    for number, match in enumerate(pattern.finditer(text), 1):
        add(text[position : match.start()])
        last = ElementTree.SubElement(node, _tag("mrk"), {"id": f"m{number}", "translate": "no"})
        last.text = match.group(0)
        position = match.end()
    add(text[position:])


def _notes(parent: ElementTree.Element, notes: list[tuple[str, str]], target: frozenset[str] = frozenset()) -> None:
    kept = [(category, _NOT_XML.sub("\ufffd", text)) for category, text in notes if text]
    if not kept:
        return
    box = ElementTree.SubElement(parent, _tag("notes"))
    for number, (category, text) in enumerate(kept, 1):
        attributes = {"id": f"n{number}", "category": category}
        if category in target:
            attributes["appliesTo"] = "target"
        ElementTree.SubElement(box, _tag("note"), attributes).text = text


def _indent(node: ElementTree.Element, level: int = 0) -> None:
    """Line breaks between structural elements; never inside words, where white space counts."""
    children = list(node)
    if not children or node.tag in (_tag("source"), _tag("target"), _tag("note")):
        return
    node.text = "\n" + " " * (level + 1)
    for child in children:
        _indent(child, level + 1)
        child.tail = "\n" + " " * (level + 1)
    children[-1].tail = "\n" + " " * level


def _budgets(draft: AdaptationOutput, context: AdaptationContext) -> list[dict[str, str]]:
    """What a translator has for each row, in words: syllables for the voice, words for the eye."""
    unit = "morae" if context.target_language.lower().startswith("ja") else "syllables"
    result = []
    for row in time_budget(context)["rows"]:
        voice, words = row[f"most_{unit}"], row["most_words_on_screen"]
        result.append(
            {
                "spoken": f"at most {voice} {unit} in this row" if voice else "",
                "shown": f"at most {words} words on screen at once in this row" if words else "",
            }
        )
    missing = len(draft.script_rows) - len(result)
    return result + [{"spoken": "", "shown": ""}] * missing


def _names(context: AdaptationContext) -> list[str]:
    brand = context.brand
    names = [context.origin.brand_name or "", *([brand.name, *brand.do_not_translate] if brand else [])]
    return sorted({name.strip() for name in names if name.strip()}, key=len, reverse=True)


def _parse(document: bytes) -> tuple[ElementTree.Element, dict[int, int]]:
    """Read XML without DTD, entities and network; with the line of every element."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import DefusedXMLParser

    if len(document) > MAX_BYTES:
        raise XliffError(f"the document has {len(document)} bytes; at most {MAX_BYTES} are read")
    lines: dict[int, int] = {}
    kept: list[Any] = []

    class Parser(DefusedXMLParser):
        def _start(self, *args: Any) -> Any:
            element = super()._start(*args)
            lines[id(element)] = self.parser.CurrentLineNumber
            kept.append(element)
            return element

    parser = Parser(forbid_dtd=True, forbid_entities=True, forbid_external=True)
    try:
        parser.feed(document)
        return parser.close(), lines
    except DefusedXmlException as error:
        raise XliffError(f"the document holds a DTD or entities, which are not read ({type(error).__name__})") from None
    except (SyntaxError, ValueError, LookupError) as error:
        raise XliffError(f"the document is not well-formed XML: {error}") from None


def _target_text(unit: ElementTree.Element, key: str, lines: dict[int, int]) -> str:
    """The target's words over all segments of a unit, inline annotations dissolved."""
    parts: list[str] = []
    segments = [child for child in unit if child.tag in (_tag("segment"), _tag("ignorable"))]
    if not segments:
        raise XliffError(f"unit {key!r}, line {lines[id(unit)]}: no segment")
    for segment in segments:
        target = segment.find(_tag("target"))
        if target is None:
            if segment.tag == _tag("ignorable"):
                target = segment.find(_tag("source"))
            if target is None:
                raise XliffError(f"unit {key!r}, line {lines[id(segment)]}: the segment has no target")
        parts.append(_flat(target, key, lines))
    return "".join(parts)


def _flat(node: ElementTree.Element, key: str, lines: dict[int, int]) -> str:
    text = node.text or ""
    for child in node:
        if child.tag == _tag("cp"):
            try:
                text += chr(int(child.get("hex", ""), 16))
            except (ValueError, OverflowError):
                raise XliffError(f"unit {key!r}, line {lines[id(child)]}: <cp> has no valid hex") from None
        elif child.tag in (_tag("mrk"), _tag("pc")):
            text += _flat(child, key, lines)
        elif child.tag not in (_tag("sm"), _tag("em"), _tag("sc"), _tag("ec"), _tag("ph")):
            name = str(child.tag).rsplit("}", 1)[-1]
            raise XliffError(f"unit {key!r}, line {lines[id(child)]}: <{name}> is not allowed in a target")
        text += child.tail or ""
    return text


def _note(unit: ElementTree.Element, category: str) -> str | None:
    for note in unit.iterfind(f"{_tag('notes')}/{_tag('note')}"):
        if note.get("category") == category:
            return note.text
    return None


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"
