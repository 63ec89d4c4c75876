"""The adapted script as a document for people: a two-column script with every change against the origin marked.

Standalone HTML: no script, no outside resource, everything escaped, so it can be mailed, printed or opened offline.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from babel import Locale, UnknownLocaleError
from markupsafe import Markup, escape

from creative_lab.adaptation.schemas import (
    GATES,
    AdaptationOutput,
    ConceptBrief,
    CulturalBrief,
    GateEvaluation,
    OriginScript,
    ScriptRow,
)

if TYPE_CHECKING:
    from jinja2 import Template

GATE_TITLES = {
    "format_gate": "Format",
    "culture_gate": "Culture",
    "concept_gate": "Concept",
    "brand_gate": "Brand",
}
_TOKEN = re.compile(r"\s+|\w+(?:['’.,:]\w+)*|[^\w\s]", re.UNICODE)
_LABEL = re.compile(r"^(\s*)([A-Z][A-Z.]*(?: ?\([^()\n]{1,60}\))?):", re.MULTILINE)


@dataclass(frozen=True)
class Document:
    """What the page shows about one adapted script."""

    spot: str
    target: str
    target_name: str
    origin: OriginScript
    draft: AdaptationOutput
    status: str
    error_message: str | None
    content_hash: str
    writer_model: str
    backend: str
    evaluations: list[GateEvaluation]
    concept: ConceptBrief | None = None
    culture: CulturalBrief | None = None


def marked_changes(before: str, after: str) -> Markup:
    """``after`` as HTML with the words that are not in ``before`` at that place wrapped in ``<ins>``.

    Words are compared, not letters, so that a changed word reads as one change.
    """
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    blocks = difflib.SequenceMatcher(None, old, new, False).get_opcodes()
    parts: list[Markup] = []
    was, now = "", ""
    for number, (tag, old_start, old_end, new_start, new_end) in enumerate(blocks):
        text, original = "".join(new[new_start:new_end]), "".join(old[old_start:old_end])
        between = tag == "equal" and not text.strip() and "\n" not in text and 0 < number < len(blocks) - 1
        if tag != "equal" or (between and now):
            was, now = was + original, now + text
            continue
        parts += _mark(was, now)
        was, now = "", ""
        parts.append(escape(text))
    parts += _mark(was, now)
    return Markup("").join(parts)


def _mark(was: str, now: str) -> list[Markup]:
    """A stretch of changed words; neighbouring changes read as one. A mere deletion leaves nothing to mark."""
    if not now.strip():
        return [escape(now)]
    inside = now.strip()
    before, _, after = now.partition(inside)
    title = f"was: {was.strip()}" if was.strip() else "added"
    return [escape(before), Markup('<ins title="{}">{}</ins>').format(title, inside), escape(after)]


def _typeset(text: Markup) -> Markup:
    """Element labels (``VO:``, ``SUPER:``) as small capitals, one element a line."""
    labelled = _LABEL.sub(r'\1<b class="label">\2</b>', str(text))
    return Markup(labelled).replace("\n", Markup("<br>"))  # noqa: S704 - the text was escaped before it came here


@dataclass(frozen=True)
class _Line:
    row: ScriptRow
    origin: ScriptRow | None
    visual: Markup
    audio: Markup
    changed: bool


def _lines(origin: OriginScript, draft: AdaptationOutput) -> list[_Line]:
    lines = []
    for index, row in enumerate(draft.script_rows):
        source = origin.script_rows[index] if index < len(origin.script_rows) else None
        visual = marked_changes(source.visual_text if source else "", row.visual_text)
        audio = marked_changes(source.audio_text if source else "", row.audio_text)
        lines.append(
            _Line(row, source, _typeset(visual), _typeset(audio), "<ins" in str(visual) or "<ins" in str(audio))
        )
    return lines


@lru_cache(maxsize=1)
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = Path(__file__).parent / "templates"
    environment = Environment(loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined)
    environment.trim_blocks = environment.lstrip_blocks = True
    return environment.get_template("script.html.j2")


def _language_label(tag: str) -> str:
    try:
        return f"{Locale.parse(tag, sep='-').get_display_name('en')} ({tag})"
    except (ValueError, UnknownLocaleError):
        return tag


def _direction(tag: str) -> str:
    try:
        return "rtl" if Locale.parse(tag, sep="-").character_order == "right-to-left" else "ltr"
    except (ValueError, UnknownLocaleError):
        return "auto"


def render_html(document: Document) -> str:
    """The document as one HTML page. Text of scripts and models is escaped; the page runs no script."""
    last: dict[str, GateEvaluation] = {evaluation.gate: evaluation for evaluation in document.evaluations}
    lines = _lines(document.origin, document.draft)
    return _template().render(
        document=document,
        lines=lines,
        changed_rows=sum(line.changed for line in lines),
        gates=[(GATE_TITLES[gate], last.get(gate)) for gate in GATES],
        drafts=max((evaluation.draft_number for evaluation in document.evaluations), default=1),
        language=_language_label(document.draft.language),
        origin_language=_language_label(document.origin.language),
        direction=_direction(document.draft.language),
    )
