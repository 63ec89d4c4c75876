"""Finds labels, quotes and brackets in a script row: the low half of ``script_elements``."""

from __future__ import annotations

import re
from typing import Literal

Field = Literal["audio", "visual"]

QUOTES = {'"': '"', "“": "”", "„": "“”", "«": "»", "‹": "›", "「": "」", "『": "』", "”": "”", "‘": "’", "'": "'"}
BRACKETS = {"(": ")", "[": "]", "{": "}", "（": "）"}
_CALLS = "|".join(
    (
        r"(?P<vo>(?:male |female |[mfa])?v[./]?\s?o\b\.?(?:\s?\d)?|voice[- ]?over|narrat(?:or|ion)|announcer|anncr?)",
        r"(?P<dialogue>dialog(?:ue)?)",
        r"(?P<card>(?:end |title |closing |logo )?card|end ?frame)",
        r"(?P<super>(?:legal )?supers?|legals?(?: line| text)?|disclaimer|captions?|chyron|lower third|subtitles?)",
        r"(?P<title>(?:main |end )?titles?|headline)",
        r"(?P<text>(?:on[- ]?screen )?text|ost|tagline|strapline)",
        r"(?P<quoted>graphics?|gfx|logo|pack ?shot|sign)",
        r"(?P<sfx>sfx|fx|sound effects?|sounds?|ambien(?:ce|t)|atmos|nat ?sound)",
        r"(?P<music>music|mx|score|song|soundtrack|jingle|sting)",
        r"(?P<description>visuals?|video|action|description)",
    )
)
LABEL = re.compile(
    rf"(?<![\w.'’])(?:{_CALLS})"
    r"(?:\s*\((?P<note>[^()\n]{0,60})\))?(?:\s*(?P<colon>[:：])|(?P<dash>\s+[-–—](?=\s))|(?P<bare>(?=\s*[\"“„«])))",
    re.IGNORECASE,
)
SPEAKER = re.compile(
    r"(?<![\w.'’#&])(?P<name>[A-Z][\w.'’#&]{0,30}(?:[ -][\w.'’#&]{1,30}){0,4})"
    r"(?:\s*\((?P<note>[^()\n]{0,60})\))?\s*[:：](?P<quote>\s*[\"“„«])?"
)
GAP = re.compile(r"(?:\s|[/;|,]|[-–—•*](?=\s))*")
HARD = set('.!?…"”»’)];/|,–—-•*')
SOUND = re.compile(
    r"(?:(?P<music>(?:upbeat|soft|gentle|dramatic)?\s*music\b)|sounds? of|the sound|we hear|silence|silent|ambient|"
    r"applause|laughter|engine|birdsong|traffic|no (?:audio|dialogue|sound|vo)|none\b|n/a|\.+$)",
    re.IGNORECASE,
)


KIND_GROUPS = ("vo", "dialogue", "card", "super", "title", "text", "quoted", "sfx", "music", "description")


def is_label(text: str, match: re.Match[str]) -> bool:
    """Whether a label-like word really is a label: capitals anywhere, other cases only where a piece can begin."""
    label = match.group(0).split("(")[0].strip(" :：-–—")
    capitals = label == label.upper()
    if match.group("colon"):
        before = text[: match.start()].rstrip(" \t")
        return capitals or not before or before[-1] == "\n" or before[-1] in HARD
    return capitals


def at_line_start(text: str, position: int) -> bool:
    """Whether only blanks and separators stand before ``position`` on its line."""
    return not text[text.rfind("\n", 0, position) + 1 : position].strip(" \t/;|,-–—•*")


def piece_limit(text: str, position: int, field: Field) -> int:
    """Where the piece that holds ``position`` must end: the next label or the end of the line."""
    line_end = text.find("\n", position)
    limit = len(text) if line_end < 0 else line_end
    for match in LABEL.finditer(text, position, limit):
        if match.start() > position and is_label(text, match):
            limit = match.start()
            break
    if field == "audio":
        for named in SPEAKER.finditer(text, position, limit):
            before = text[: named.start()].rstrip(" \t")
            if named.start() > position and named.group("quote") and before and before[-1] in HARD:
                return named.start()
    return limit


def open_quote(text: str, position: int) -> int | None:
    """Offset of the quote that opens the words at ``position``, over blanks and a direction in parentheses."""
    match = re.compile(r"[ \t]*(?:\([^()\n\"]*\)[ \t]*)?\n?[ \t]*").match(text, position)
    at = match.end() if match else position
    if at >= len(text) or text[at] not in QUOTES:
        return None
    if text[at] in "'‘" and not re.compile(r"['‘][^\n]*['’](?=\s*(?:$|[\n(\[/;|]))").match(text, at):
        return None
    return at


def close_quote(text: str, opened: int, limit: int) -> int | None:
    """Offset of the quote that closes the one at ``opened``, over nested quotes and inch marks."""
    closers = QUOTES[text[opened]]
    same = text[opened] in closers
    depth = 1
    for at in range(opened + 1, limit):
        char = text[at]
        if char in closers:
            before, after = text[at - 1], text[at + 1 : at + 3]
            if char == "'" and after[:1].isalnum():
                continue
            opens = same and at > opened + 1 and before in " \t(\n" and after[:1].strip() != "" and depth < 2
            inches = same and char == '"' and before.isdigit() and re.match(r"[ -]\w", after)
            if opens or (inches and text.count('"', at + 1, limit) % 2):
                depth += 1 if opens else 0
                continue
            depth -= 1
            if depth == 0:
                return at
        elif not same and char == text[opened]:
            depth += 1
    first = min((at for c in closers if (at := text.find(c, opened + 1, limit)) >= 0), default=-1)
    return first if first >= 0 else None


def quote_limit(text: str, opened: int) -> int:
    """Quoted words may run over lines, up to a blank line or a line that begins with a label."""
    position = opened
    while (line_end := text.find("\n", position)) >= 0:
        closed = close_quote(text, opened, line_end)
        label = LABEL.match(text, line_end + 1 + len(text[line_end + 1 :]) - len(text[line_end + 1 :].lstrip(" \t")))
        if closed is not None or (label and is_label(text, label)) or text[line_end + 1 : line_end + 2] in ("\n", ""):
            return line_end
        position = line_end + 1
    return len(text)


def close_bracket(text: str, opened: int) -> int | None:
    """Offset of the bracket that closes the one at ``opened``, on at most two lines."""
    opener, closer = text[opened], BRACKETS[text[opened]]
    depth = 0
    for at in range(opened, len(text)):
        if text[at] == opener:
            depth += 1
        elif text[at] == closer:
            depth -= 1
            if depth == 0:
                return at
        elif text.startswith("\n\n", at):
            return None
    return None
