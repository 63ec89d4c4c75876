"""Reads a script row's text into elements (voice-over, dialogue, supers, effects …) and writes it back.

The house form is one element per line, ``VO: "…"``, ``DIALOGUE (Mum): "…"``, ``SFX: …``, ``SUPER: "…" (translation)``.
Scripts of strangers come in other habits (``V.O.``, ``Narrator:``, missing quotes, several elements per line), so the
parser accepts what can be read with confidence. It never fails and never loses a character: the elements of a text
joined again are that text, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from creative_lab.adaptation import script_scan as scan
from creative_lab.adaptation.script_scan import Field

Kind = Literal["vo", "dialogue", "super", "title", "card", "text", "sfx", "music", "description"]

SPOKEN_KINDS: frozenset[str] = frozenset({"vo", "dialogue"})
SHOWN_KINDS: frozenset[str] = frozenset({"super", "title", "card", "text"})


@dataclass(frozen=True)
class Element:
    """One piece of a row. ``lead + text + join + translation + tail`` is the piece as it stands in the row.

    ``text`` holds the words without quotes; ``translation`` what follows in brackets after spoken or shown words.
    ``start`` and ``end`` are character offsets of the piece in the row's text (of the text it was parsed from).
    """

    kind: Kind
    text: str
    lead: str = ""
    join: str = ""
    translation: str | None = None
    tail: str = ""
    label: str = ""
    speaker: str | None = None
    start: int = 0
    end: int = 0

    @property
    def raw(self) -> str:
        """The piece as written, with its label, quotes and separators."""
        return f"{self.lead}{self.text}{self.join}{self.translation or ''}{self.tail}"

    @property
    def spoken(self) -> bool:
        """Whether a voice says these words."""
        return self.kind in SPOKEN_KINDS

    @property
    def shown(self) -> bool:
        """Whether the words appear on screen."""
        return self.kind in SHOWN_KINDS

    @property
    def legal(self) -> bool:
        """Whether the label says that these words are a legal line."""
        return bool(re.search(r"legal|disclaimer", self.label, re.IGNORECASE))

    @property
    def bracket(self) -> str | None:
        """Opening bracket around the translation; the house form is ``(``."""
        if self.translation is None:
            return None
        return next((c for c in reversed(self.join) if c in scan.BRACKETS), None)

    def with_text(self, text: str) -> Element:
        """The same piece with other words."""
        return self if text == self.text else replace(self, text=text)

    def with_translation(self, translation: str) -> Element:
        """The same piece with this translation in parentheses behind the words."""
        if self.translation is not None:
            return replace(self, translation=translation)
        close = re.match(r"[\"”“»›」』’']*", self.tail)
        cut = close.end() if close else 0
        return replace(self, join=self.tail[:cut] + " (", translation=translation, tail=")" + self.tail[cut:])


def parse_audio(text: str) -> list[Element]:
    """Elements of a row's ``audio_text``; words without a label or a sound cue count as voice-over."""
    return _parse(text, "audio")


def parse_visual(text: str) -> list[Element]:
    """Elements of a row's ``visual_text``; everything without a label is description."""
    return _parse(text, "visual")


def render(elements: Iterable[Element]) -> str:
    """The row's text again."""
    return "".join(element.raw for element in elements)


def words_of(elements: Iterable[Element], *, spoken: bool = True, shown: bool = True) -> Iterator[str]:
    """The spoken and/or shown words, piece by piece, without labels, quotes and translations."""
    for element in elements:
        if (spoken and element.spoken) or (shown and element.shown):
            yield element.text


def new_super(text: str, *, first: bool = False) -> Element:
    """A super to append to a row's visual elements (``first``: the row's text was empty)."""
    return Element(kind="super", text=text, lead=('SUPER: "' if first else '\nSUPER: "'), tail='"', label="SUPER")


def _parse(text: str, field: Field) -> list[Element]:
    found: list[Element] = []
    position = 0
    while position < len(text):
        gap = scan.GAP.match(text, position)
        body = gap.end() if gap else position
        if body >= len(text):
            break
        element = _labelled(text, position, body, field) or _unlabelled(text, position, body, field, found)
        found.append(element)
        position = element.end
    if position < len(text):
        rest = text[position:]
        if not found:
            return [Element(kind="description", text="", lead=rest, end=len(text))]
        found[-1] = replace(found[-1], tail=found[-1].tail + rest, end=len(text))
    return found


def _labelled(text: str, start: int, body: int, field: Field) -> Element | None:
    match = scan.LABEL.match(text, body)
    if match and scan.is_label(text, match):
        group = next(name for name in scan.KIND_GROUPS if match.group(name))
        label = match.group(group)
        after = match.end()
        if group == "quoted":
            group = "text" if scan.open_quote(text, after) is not None else "description"
        kind: Kind = group  # type: ignore[assignment]
        speaker = _speaker(match.group("note")) if kind == "dialogue" else None
        return _words(text, _Head(start, after, kind, label, speaker), field)
    named = scan.SPEAKER.match(text, body) if field == "audio" else None
    if named and (named.group("quote") or (named.group("name").isupper() and scan.at_line_start(text, body))):
        after = named.start("quote") if named.group("quote") else named.end()
        voice = re.search(r"\bv[./]?\s?o\b|voice", named.group("note") or "", re.IGNORECASE)
        name = named.group("name").strip()
        return _words(text, _Head(start, after, "vo" if voice else "dialogue", name, name), field)
    return None


def _speaker(note: str | None) -> str | None:
    return note.split(",")[0].strip() or None if note else None


class _Head(NamedTuple):
    """What is known of a piece before its words are read."""

    start: int
    after: int
    kind: Kind
    label: str = ""
    speaker: str | None = None


def _words(text: str, head: _Head, field: Field) -> Element:
    """The piece that begins with ``head``."""
    worded = head.kind in SPOKEN_KINDS or head.kind in SHOWN_KINDS
    opened = scan.open_quote(text, head.after) if worded else None
    if opened is not None:
        closed = scan.close_quote(text, opened, scan.quote_limit(text, opened))
        if closed is not None:
            return _quoted(text, head, opened, closed)
    limit = scan.piece_limit(text, head.after, field)
    words_at = head.after + len(text[head.after : limit]) - len(text[head.after : limit].lstrip())
    if opened is not None:
        words_at = opened + 1  # an opening quote that nothing closes
    words_end = max(words_at, words_at + len(text[words_at:limit].rstrip(" \t\r/;|,")))
    if text[words_end:limit].startswith(","):
        words_end += 1
    piece = Element(
        kind=head.kind,
        text=text[words_at:words_end],
        lead=text[head.start : words_at],
        label=head.label,
        speaker=head.speaker,
        start=head.start,
        end=words_end,
    )
    return _split_translation(piece) if worded else piece


def _quoted(text: str, head: _Head, opened: int, closed: int) -> Element:
    piece = Element(
        kind=head.kind,
        text=text[opened + 1 : closed],
        lead=text[head.start : opened + 1],
        tail=text[closed : closed + 1],
        label=head.label,
        speaker=head.speaker,
        start=head.start,
        end=closed + 1,
    )
    match = re.compile(r"\s?[ \t]*([(\[{（])").match(text, closed + 1)
    if not match:
        return piece
    end = scan.close_bracket(text, match.start(1))
    if end is None:
        return piece
    return replace(
        piece, join=text[closed : match.end()], translation=text[match.end() : end], tail=text[end], end=end + 1
    )


def _split_translation(piece: Element) -> Element:
    """Take a bracket at the end of unquoted words as their translation."""
    if not piece.text or piece.text[-1] not in scan.BRACKETS.values():
        return piece
    for at in range(len(piece.text) - 1, 0, -1):
        if piece.text[at] in scan.BRACKETS and scan.close_bracket(piece.text, at) == len(piece.text) - 1:
            words = piece.text[:at].rstrip()
            if not words:
                return piece
            return replace(
                piece,
                text=words,
                join=piece.text[len(words) : at + 1],
                translation=piece.text[at + 1 : -1],
                tail=piece.text[-1],
            )
    return piece


def _unlabelled(text: str, start: int, body: int, field: Field, before: list[Element]) -> Element:
    if field == "audio":
        opened = body if text[body] in scan.QUOTES and scan.open_quote(text, body) == body else None
        closed = scan.close_quote(text, opened, scan.quote_limit(text, opened)) if opened is not None else None
        if opened is not None and closed is not None:
            last = before[-1] if before and before[-1].spoken and not scan.at_line_start(text, body) else None
            head = _Head(start, body, last.kind if last else "vo", "", last.speaker if last else None)
            return _quoted(text, head, opened, closed)
    limit = scan.piece_limit(text, body, field)
    words_end = body + max(1, len(text[body:limit].rstrip(" \t\r/;|")))
    words = text[body:words_end]
    kind: Kind = "description"
    if field == "audio":
        sound = scan.SOUND.match(words)
        after_quote = bool(before) and before[-1].spoken and not scan.at_line_start(text, body)
        if sound:
            kind = "music" if sound.group("music") else "sfx"
        elif not (words[0] in scan.BRACKETS and words[-1] in scan.BRACKETS.values()) and not after_quote:
            kind = "vo" if any(c.isalpha() for c in words) else "description"
    return Element(kind=kind, text=words, lead=text[start:body], start=start, end=words_end)
