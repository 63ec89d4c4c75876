"""Script rows as scenes: what is seen without timecodes, shots as abbreviations, camera, words heard and shown."""

from __future__ import annotations

import re
from dataclasses import dataclass

from creative_lab.storyboards import vocabulary as words
from creative_lab.storyboards.record import Presence

MARKS = ("ECU", "EWS", "MCU", "MWS", "POV", "OTS", "CU", "MS", "WS")
"""Abbreviations of shots, longer ones before those that they contain."""

SHOT_WORDS: tuple[tuple[str, str], ...] = (
    (r"extreme\s+close[\s-]?ups?|big\s+close[\s-]?ups?|macro(?:\s+shot)?", "ECU"),
    (r"medium\s+close[\s-]?ups?", "MCU"),
    (r"close[\s-]?ups?|close\s+shot|tight\s+(?:shot|on)", "CU"),
    (r"extreme\s+(?:wide|long)(?:\s+(?:shot|angle))?|establishing\s+shot", "EWS"),
    (r"medium\s+(?:wide|long)(?:\s+shot)?|cowboy\s+shot|knee\s+shot", "MWS"),
    (r"medium\s+shot|mid[\s-]?shot|waist\s+shot", "MS"),
    (r"wide\s+(?:shot|angle)|long\s+shot|full\s+shot|(?:(?<=[.!?]\s)|(?<=^))wide(?=\s*[,.:;])", "WS"),
    (r"point[\s-]of[\s-]view(?:\s+shot)?|subjective\s+shot", "POV"),
    (r"over[\s-]the[\s-]shoulder(?:\s+shot)?", "OTS"),
)
"""Words for shots, the longer before the shorter, and their abbreviations (Katz, Film Directing Shot by Shot)."""

QUALITY = ("cinematic composition", "motivated lighting", "rich tonal range", "production-grade detail")
"""The four phrases that end every script prompt."""
NEGATIVE = "blurry, low quality, distorted, watermark, text"
WIREFRAME_STYLE = "clean black-and-white storyboard line drawing, clear outlines, white paper, no shading"
WIREFRAME_NEGATIVE = "photograph, 3D render, colour, grey shading, texture, blurry, watermark, text"

_TIMECODE = re.compile(r"\b\d{1,2}:\d{2}:\d{2}(?:[:;.,]\d{1,3})?\b(?:\s*[-–—]\s*(?=\d{1,2}:\d{2}:\d{2}))?")
_DURATION = re.compile(
    r"\(\s*\d+(?:[.,]\d+)?\s*(?:s|sec|secs|seconds?|f|frames?)\.?\s*\)|\[\s*\d+(?:[.,]\d+)?\s*s\s*\]", re.I
)
_MARK = re.compile(rf"(?<![\w-])({'|'.join(MARKS)})(?![\w-])\s*[:.,–—-]?\s*")
_LABEL = re.compile(
    r"^\s*(?P<label>SUPER|TITLE|CARD|TEXT|LEGAL|VO|V\.O\.|VOICE-?OVER|DIALOGUE|SFX|MUSIC|MVO|FVO)"
    r"\s*(?:\((?P<note>[^)]*)\))?\s*:\s*(?P<words>.*)$",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"“„«]([^\"”“»]+)[\"”»]")
_HEADING = re.compile(
    r"\b(?P<inside>INT|EXT)\.?(?:/(?:INT|EXT)\.?)?\s+"
    r"(?P<place>[^.\n–—]+?)(?:\s*[–—]\s*|\s+-\s+)(?P<time>[A-Z][A-Z0-9 ,\'-]+)\."
)
_CAMERA = re.compile(
    r"\b(?:(?:slow|fast|quick|gentle)\s+)?(?:push[\s-]in|pull[\s-](?:out|back)|dolly(?:\s+(?:in|out|along))?|tracking|"
    r"whip\s+pan|pan(?:s|ning)?(?:\s+(?:left|right))?|tilt(?:s)?(?:\s+(?:up|down))?|crane(?:\s+(?:up|down))?|zoom\s+(?:in|out)|"
    r"hand[\s-]?held|steadicam|locked[\s-]off|low\s+angle|high\s+angle|bird's[\s-]eye|top\s+shot|dutch\s+angle|"
    r"eye\s+level|aerial|drone)\b",
    re.IGNORECASE,
)
_NO_NAMES = "INT EXT DAY NIGHT SUPER CARD POV OTS ECU MCU EWS MWS TV MATCH CUT THE AND TODAY MORNING AFTERNOON EVENING"
_NAME_IN_CAPS = re.compile(rf"\b(?!(?:{'|'.join(_NO_NAMES.split())})\b)[A-Z][A-Z'-]{{2,}}\b")

_PACK_SHOT = re.compile(r"\b(?:pack|product)[\s-]?shot\b", re.IGNORECASE)
_SOMEBODY = re.compile(r"\b(?:he|she|him|her|his|hers|(?<!clock )(?<!watch )face)\b", re.IGNORECASE)
_SEVERAL = re.compile(
    r"\b(?:they|(?:their|the|happy|smiling)\s+faces|their\s+(?:hands|eyes|heads|knees))\b", re.IGNORECASE
)


@dataclass(frozen=True)
class RowScene:
    """What a row tells about its frame."""

    description: str
    shot: str | None
    camera: str | None
    background: str
    action: str
    elements: list[str]
    people: int
    presence: Presence
    dialogue: str | None
    shown_text: str | None


def clean_visual(text: str) -> str:
    """The seen text of a row on one line: no timecodes, no durations, shots as ``XX:``, single spaces."""
    text = _DURATION.sub(" ", _TIMECODE.sub(" ", text))
    for pattern, mark in SHOT_WORDS:
        text = re.sub(
            rf"(?<![\w-])(?:{pattern})(?![\w-])\s*(?:of\b|on\b)?\s*[:.,–—-]?\s*", f"{mark}: ", text, flags=re.I
        )
    text = _MARK.sub(lambda match: f"{match.group(1)}: ", text)
    text = re.sub(r"(?:\b(ECU|EWS|MCU|MWS|CU|MS|WS): )(?:\1: )+", r"\1: ", text)
    return " ".join(text.split()).strip(" ,;–—-")


def cast_of(visuals: list[str]) -> frozenset[str]:
    """Names that a script sets in capitals anywhere: its characters."""
    seen = (_HEADING.sub(" ", clean_visual(_seen(visual)[0])) for visual in visuals)
    return frozenset(name.title() for text in seen for name in _NAME_IN_CAPS.findall(text) if _is_person(name))


def read_row(visual: str, audio: str, *, cast: frozenset[str] = frozenset()) -> RowScene:
    """A script row's two texts as a scene; ``cast`` are names that mean people although nothing else says so."""
    seen, shown = _seen(visual)
    cleaned = clean_visual(seen)
    marks = _MARK.findall(cleaned)
    camera = list(dict.fromkeys(found.lower() for found in _CAMERA.findall(cleaned)))
    camera += [mark for mark in marks if mark in ("POV", "OTS")]
    sizes = [mark for mark in marks if mark not in ("POV", "OTS")]
    told = " ".join(_MARK.sub(" ", cleaned).split())
    heading = _HEADING.search(told)
    background = ""
    if heading:
        place, time = heading.group("place").strip().lower(), heading.group("time").strip().lower()
        background = f"{'inside, ' if heading.group('inside') == 'INT' else 'outside, '}{place}, {time}"
        told = " ".join((told[: heading.start()] + told[heading.end() :]).split())
    known = {name.lower() for name in cast if re.search(rf"\b{re.escape(name)}\b", told, re.IGNORECASE)}
    named = known | {name.lower() for name in _NAME_IN_CAPS.findall(told) if _is_person(name)}
    others = {name for name in words.people(told) if name not in named}
    people = min(3, max(len(named | others), words.group_size(told)))
    presence: Presence = "full" if people else "none"
    if not people and not _PACK_SHOT.search(told):
        people = _unnamed(told)
        presence = "partial" if people else "none"
    acted = words.actions(told)
    return RowScene(
        description=_described(told, background),
        shot=sizes[0] if sizes else None,
        camera=", ".join(camera) or None,
        background=background or (words.places(told)[0].word if words.places(told) else ""),
        action=acted[0].word if acted else "",
        elements=[thing.word for thing in words.things(told)],
        people=people,
        presence=presence,
        dialogue=_heard(audio),
        shown_text=shown,
    )


def _unnamed(told: str) -> int:
    """How many people a row shows whom it calls by no name or role.

    A pronoun means somebody, and so does a face. Hands and eyes alone are an insert: the thing is shown, and no figure.
    """
    if _SEVERAL.search(told):
        return 2
    return 1 if _SOMEBODY.search(told) else 0


def _is_person(name: str) -> bool:
    """Whether a word in capitals is a character: scripts set animals in capitals too."""
    return not words.things(name) and not words.places(name)


def _seen(visual: str) -> tuple[str, str | None]:
    lines, shown = [], []
    for line in visual.splitlines():
        label = _LABEL.match(line)
        if label is None:
            lines.append(line)
            continue
        shown.append(" ".join(_QUOTED.findall(label.group("words"))) or label.group("words").strip())
    return " ".join(lines), " / ".join(shown) or None


def _heard(audio: str) -> str | None:
    """What voices say, without labels, effects and music."""
    said = []
    for line in audio.splitlines():
        label = _LABEL.match(line)
        kind = label.group("label").upper() if label else ""
        if kind in {"SFX", "MUSIC"}:
            continue
        text = label.group("words") if label else line
        said.append(" ".join(_QUOTED.findall(text)) or (text.strip() if label else ""))
    return " ".join(part for part in said if part) or None


def _described(told: str, background: str) -> str:
    text = told.strip(" ,;:") or "an empty frame"
    text = text[:1].upper() + text[1:]
    return f"{text.rstrip('. ')}; {background}" if background else text
