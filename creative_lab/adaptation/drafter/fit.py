"""Tightens speech and supers that no longer fit their time, by rules an editor would use first."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from creative_lab.adaptation.drafter import protection
from creative_lab.adaptation.drafter.matching import Change
from creative_lab.adaptation.gates.format_fit import hold_seconds
from creative_lab.adaptation.gates.syllables import ceiling, spoken
from creative_lab.adaptation.gates.timing import durations, frames_per_second, speech_windows
from creative_lab.adaptation.gates.words import count_words
from creative_lab.adaptation.schemas import AdaptationContext, ScriptRow
from creative_lab.adaptation.script_elements import Element, parse_audio, parse_visual, render

_CONTRACTIONS = [
    (r"\b(it|that|there|he|she|what|who|where|here) is\b(?! (?:not|[.!?]))(?=\s+\w)", r"\1's"),
    (r"\b(you|we|they) are\b(?=\s+\w)", r"\1're"), (r"\b(I) am\b(?=\s+\w)", r"\1'm"),
    (r"\b(I|you|we|they|he|she|it) will\b(?=\s+\w)", r"\1'll"),
    (r"\b(do|does|did|is|are|was|were|have|has|would|could|should) not\b", r"\1n't"),
    (r"\bcannot\b", "can't"), (r"\bwill not\b", "won't"), (r"\blet us\b", "let's"),
]  # fmt: skip
_SHORTER = [
    (r"\bin order to\b", "to"), (r"\beach and every\b", "every"), (r"\bas well as\b", "and"), (r"\bright now\b", "now"),
    (r"\bat this moment\b", "now"), (r"\ba wide range of\b", "many"), (r"\ba large number of\b", "many"),
    (r"\bapproximately\b", "about"), (r"\badditional\b", "more"), (r"\bimmediately\b", "now"),
    (r"\butili[sz]e\b", "use"), (r"\bassistance\b", "help"),
    (r"\bautomobile\b", "car"), (r"\btelephone\b", "phone"), (r"\bbegin\b", "start"), (r"\breceive\b", "get"),
    (r"\bdiscover\b", "find"), (r"\bis able to\b", "can"), (r"\bare able to\b", "can"),
    (r"\ball across\b", "across"), (r"\bso that\b", "so"),
    (r"\bkilometres per hour\b", "kilometres an hour"), (r"\bsupermarket\b", "shop"),
]  # fmt: skip
_FILLERS = re.compile(
    r"(?<=\w)[,]? (?:really|very|actually|simply|absolutely|truly|literally|quite|basically|totally|certainly|"
    r"completely"
    r"|of course|as always|once again)\b(?=[\s,.!?])",
    re.IGNORECASE,
)
_STEPS: list[tuple[str, Callable[[str], str]]] = [
    ("contracted", lambda text: _all(text, _CONTRACTIONS)),
    ("shorter words", lambda text: _all(text, _SHORTER)),
    ("filler dropped", lambda text: _FILLERS.sub("", text)),
]


@dataclass(frozen=True)
class Overrun:
    """A row whose words still do not fit: syllables or words over what its time holds."""

    row: int
    what: str
    needed: float
    room: float


def tighten(
    rows: Sequence[ScriptRow], context: AdaptationContext, protected: Sequence[str]
) -> tuple[list[ScriptRow], list[Change], list[Overrun]]:
    """Rows whose speech and supers fit, the changes this took, and what still does not fit."""
    lengths = _lengths(rows, context)
    result, changes, overruns = list(rows), list[Change](), list[Overrun]()
    limit, _ = ceiling(context.origin.language)
    voices = [[e for e in parse_audio(row.audio_text) if e.spoken] for row in rows]
    windows = speech_windows(lengths, [bool(voice) for voice in voices])
    for index, row in enumerate(rows):
        if windows[index] and voices[index]:
            room = limit * float(windows[index] or 0) + 0.5
            audio, made, over = _shorten(parse_audio(row.audio_text), room, _syllables(context), protected, spoken=True)
            changes += [replace(change, row=index, place="audio") for change in made]
            result[index] = result[index].model_copy(update={"audio_text": render(audio)})
            if over > room:
                overruns.append(Overrun(index, "syllables", over, room))
        held = lengths[index]
        visual = parse_visual(row.visual_text)
        if held and any(element.shown for element in visual):
            words = _fitting_words(held)
            visual, made, over = _shorten(visual, words, _reading(protected), protected, spoken=False)
            changes += [replace(change, row=index, place="visual") for change in made]
            result[index] = result[index].model_copy(update={"visual_text": render(visual)})
            if over > words:
                overruns.append(Overrun(index, "words on screen", over, words))
    return result, changes, overruns


def _lengths(rows: Sequence[ScriptRow], context: AdaptationContext) -> list[float | None]:
    fps = frames_per_second(context.origin.script_rows, context.origin_country)
    return durations(rows, context.origin.total_runtime_seconds, fps)


row_lengths = _lengths
"""Seconds that each row stands, by its duration or its timecodes."""


def _fitting_words(held: float) -> float:
    return float(max((words for words in range(0, 200) if hold_seconds(words) <= held + 0.05), default=0))


def _syllables(context: AdaptationContext) -> Callable[[str], float]:
    return lambda text: spoken(text, context.origin.language).syllables


def _reading(names: Sequence[str]) -> Callable[[str], float]:
    short = [name for name in names if len(name.split()) <= 3]

    def count(text: str) -> float:
        for name in short:
            text = text.replace(name, " ")
        return float(count_words(text))

    return count


def _shorten(
    elements: list[Element], room: float, measure: Callable[[str], float], protected: Sequence[str], *, spoken: bool
) -> tuple[list[Element], list[Change], float]:
    """Apply the steps one after the other until the measured words fit into ``room``."""

    def total() -> float:
        return sum(measure(e.text) for e in elements if (e.spoken if spoken else e.shown))

    changes: list[Change] = []
    for what, step in _STEPS:
        if total() <= room:
            break
        for index, element in enumerate(elements):
            chosen = element.spoken if spoken else element.shown and not element.legal
            if not chosen or total() <= room or protection.spans(element.text, [t for t in protected if " " in t]):
                continue
            shorter = step(element.text)
            if shorter != element.text:
                changes.append(Change(element.text, shorter, "fit", f"{what} so that the words fit their time"))
                elements[index] = element.with_text(shorter)
    return elements, changes, total()


def _all(text: str, rules: Sequence[tuple[str, str]]) -> str:
    for pattern, new in rules:
        text = re.sub(pattern, lambda m, new=new: _cased(m, new), text, flags=re.IGNORECASE)  # type: ignore[misc]
    return text


def _cased(match: re.Match[str], new: str) -> str:
    text = match.expand(new)
    return text[:1].upper() + text[1:] if match.group(0)[:1].isupper() else text
