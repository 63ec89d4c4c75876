"""What a spot says, read from the script by rule: every item of the brief can be traced to a row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from creative_lab.adaptation.drafter import dates, legal, money, planning, protection, units
from creative_lab.adaptation.drafter.beats import ASSUMPTIONS, BEATS, THEMES
from creative_lab.adaptation.drafter.lexicon import occurs
from creative_lab.adaptation.schemas import AdaptationContext, ConceptBrief, ScriptRow
from creative_lab.adaptation.script_elements import Element, parse_audio, parse_visual

_JUMP = re.compile(
    r"\b(?:years? (?:ago|later|earlier)|flash ?back|match cut|montage|meanwhile|months? later|today\b.*\byesterday)",
    re.IGNORECASE,
)
_PROMISE = re.compile(
    r"\b\w+est\b|\b(?:never|always|every|no|zero|without|up to|first|only|most|more|less|best|better)\b", re.IGNORECASE
)
_OURS = re.compile(r"\b(?:we|our|we['’]ve|we['’]re|us)\b", re.IGNORECASE)
_VOICE_STOP = re.compile(r"^(?:voice|tone|personality)\s*[:–-]\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Reading:
    """A row read into elements."""

    index: int
    row: ScriptRow
    elements: tuple[Element, ...]

    @property
    def said(self) -> list[Element]:
        """Spoken and shown elements."""
        return [element for element in self.elements if element.spoken or element.shown]

    @property
    def text(self) -> str:
        """Everything in the row as one text."""
        return f"{self.row.visual_text}\n{self.row.audio_text}"


def readings(rows: list[ScriptRow]) -> list[Reading]:
    """All rows read into elements."""
    return [
        Reading(index, row, (*parse_visual(row.visual_text), *parse_audio(row.audio_text)))
        for index, row in enumerate(rows)
    ]


def extract(context: AdaptationContext) -> ConceptBrief:
    """The concept brief of a spot."""
    rows = readings(context.origin.script_rows)
    legal_lines = legal.lines_of(context)
    tagline = tagline_of(context, rows, legal_lines)
    beats = [beat(reading, len(rows)) for reading in rows]
    structure, why = _structure(rows, context)
    keep, kept_because = _must_preserve(context, rows, tagline, legal_lines)
    change = list(dict.fromkeys(_can_adapt(context, rows)))
    assumptions = list(dict.fromkeys(_assumptions(context, rows)))
    whole = "\n".join(reading.text for reading in rows)
    themes = sorted(((len(re.findall(pattern, whole, re.IGNORECASE)), name) for name, pattern in THEMES), reverse=True)
    message = _message(context, rows, tagline, legal_lines)
    return ConceptBrief(
        reasoning="\n".join(
            [
                "Read from the script by rule.",
                f"Core message: the tagline and the last voice-over (row {_last_voice(rows) + 1}).",
                *(f"Beat, {text} (from {source})." for text, source in beats),
                f"Structure: {why}.",
                *kept_because,
            ]
        ),
        core_message=message,
        emotional_beats=[text for text, _ in beats],
        narrative_structure=structure,
        themes=[name for count, name in themes[:4] if count >= 2]
        or [name for count, name in themes[:1] if count]
        or ["the product"],
        cultural_assumptions=assumptions,
        must_preserve=keep,
        can_adapt=change,
        brand_voice=_voice(context, rows),
    )


def beat(reading: Reading, count: int) -> tuple[str, str]:
    """The emotion of a row with the words that carry it; without such words, its place in the story."""
    found = [(len(list(re.finditer(rf"\b(?:{pattern})", reading.text, re.IGNORECASE))), -order, name, pattern)
             for order, (name, pattern) in enumerate(BEATS)]  # fmt: skip
    best = max(found)
    number = reading.index + 1
    if best[0]:
        words = [match.group(0) for match in re.finditer(rf"\b(?:{best[3]})", reading.text, re.IGNORECASE)]
        quoted = ", ".join(f"“{word}”" for word in dict.fromkeys(words[:3]))
        return f"Row {number}: {best[2]}", quoted
    place = "opening" if reading.index == 0 else "close" if reading.index == count - 1 else "development"
    return f"Row {number}: {place}", "its place in the story"


def beat_name(text: str) -> str:
    """The emotion in a beat's line."""
    return text.split(": ", 1)[-1]


def tagline_of(context: AdaptationContext, rows: list[Reading], legal_lines: legal.LegalLines) -> str:
    """The line that the spot ends on: one that the brand requires, else the last short sentence shown or said."""
    brand = context.brand
    said = "\n".join(element.text for reading in rows for element in reading.said)
    if brand:
        for line in protection.required_lines(brand, context.origin.language):
            if len(line.split()) > 1 and line[-1:] in ".!?" and line.lower() in said.lower():
                return line
    for reading in reversed(rows[-2:]):
        shown = [e for e in reading.elements if e.shown and not legal_lines.is_legal(e)]
        spoken = [e for e in reading.elements if e.kind == "vo"]
        for element in (*reversed(spoken), *shown):
            for sentence in reversed(re.split(r"(?<=[.!?])\s+", element.text.strip())):
                if 2 <= len(sentence.split()) <= 7 and not re.search(r"[\d$£€₹]", sentence):
                    return sentence
    return ""


def _last_voice(rows: list[Reading]) -> int:
    return next((reading.index for reading in reversed(rows) if any(e.spoken for e in reading.elements)), len(rows) - 1)


def _message(context: AdaptationContext, rows: list[Reading], tagline: str, legal_lines: legal.LegalLines) -> str:
    brand = context.origin.brand_name or context.origin.client_name
    claims = _claims(context, rows, legal_lines)
    proof = f" The proof: {claims[0][1].rstrip('.')}." if claims else ""
    if tagline:
        return f"{brand}: “{tagline}”{proof}"
    last = rows[_last_voice(rows)]
    words = next((e.text for e in reversed(last.elements) if e.spoken), "")
    return f"{brand}: {words or context.origin.script_title}{proof}"


def _claims(context: AdaptationContext, rows: list[Reading], legal_lines: legal.LegalLines) -> list[tuple[int, str]]:
    """Sentences of the voice-over that promise something of the product, with their rows; prices are left out.

    A claim names the brand or a product and goes on to say what it does, or promises in the brand's own "we".
    """
    brand = context.brand
    names = [context.origin.brand_name or "", *(brand.do_not_translate if brand else [])]
    found = []
    for reading in rows:
        for element in reading.said:
            if legal_lines.is_legal(element) or element.kind != "vo":
                continue
            for sentence in re.split(r"(?<=[.!?])\s+", element.text.strip()):
                named = any(name and name.lower() in sentence.lower() for name in names) and len(sentence.split()) > 5
                ours = bool(_OURS.search(sentence) and _PROMISE.search(sentence))
                if (named or ours) and not re.search(r"[$£€₹]\s?\d", sentence):
                    found.append((reading.index, sentence))
    return found


def _structure(rows: list[Reading], context: AdaptationContext) -> tuple[str, str]:
    whole = "\n".join(reading.text for reading in rows)
    half = "\n".join(reading.text for reading in rows[: max(1, len(rows) // 2)])
    brand = context.origin.brand_name or context.origin.client_name
    jumps = len(_JUMP.findall(whole))
    places = {match.group(0) for match in re.finditer(r"\b(?:INT|EXT)\. [A-Z' -]+", whole)}
    dialogue = sum(e.kind == "dialogue" for reading in rows for e in reading.elements)
    if jumps or (len(places) >= 6 and len(places) > 0.6 * len(rows)):
        return (
            "vignettes across time and places, tied together by the voice-over",
            f"{jumps} jumps in time and {len(places)} places",
        )
    humour = len(re.findall(dict(BEATS)["humour"], whole, re.IGNORECASE))
    if dialogue and humour >= 2 and re.search(r"silen|freez|nobody move|whip pan|reveal", whole, re.IGNORECASE):
        return "comic set-up and reveal, product as the pay-off", f"{humour} comic signs, a held moment and a reveal"
    tension = len(re.findall(dict(BEATS)["tension"], half, re.IGNORECASE))
    if tension >= 2 and brand and not re.search(re.escape(brand), half, re.IGNORECASE):
        return "problem and solution", f"{tension} signs of tension before the brand appears"
    if dialogue:
        return (
            "slice of life: people first, the product in their story",
            f"{dialogue} lines of dialogue in a continuous scene",
        )
    return "product demonstration with voice-over", "no dialogue; the voice-over explains what is seen"


def _must_preserve(
    context: AdaptationContext, rows: list[Reading], tagline: str, legal_lines: legal.LegalLines
) -> tuple[list[str], list[str]]:
    said = "\n".join(reading.text for reading in rows)
    items: list[tuple[str, str]] = []
    names = [context.origin.brand_name or "", *(context.brand.do_not_translate if context.brand else [])]
    for name in dict.fromkeys(name for name in names if name):
        row = next((r.index + 1 for r in rows if name.lower() in r.text.lower()), None)
        if row is not None and re.search(re.escape(name), said, re.IGNORECASE):
            items.append((f"Name “{name}”", f"Name {name}: first in row {row}."))
    if tagline:
        row = next((r.index + 1 for r in rows if tagline.lower() in r.text.lower()), len(rows))
        items.append((f"Tagline “{tagline}”", f"Tagline: row {row}."))
    for element in rows[-1].elements if rows else ():
        fixed = element.shown and not legal_lines.is_legal(element) and not re.search(r"\d", element.text)
        if fixed and element.text.strip() and element.text.strip() != tagline:
            items.append(
                (f"Closing {element.kind} “{element.text.strip()}”", f"Closing {element.kind}: row {len(rows)}.")
            )
    for row_index, sentence in _claims(context, rows, legal_lines)[:3]:
        if sentence != tagline and not re.search(r"\d", sentence) and not _moves(context, sentence):
            items.append((f"Claim “{sentence}”", f"Claim: row {row_index + 1}."))
    if legal_lines.origin:
        row = next((r.index + 1 for r in rows if any(legal_lines.is_legal(e) for e in r.said)), None)
        if row is not None:
            items.append(("The legal line, in each market's own wording", f"Legal line: row {row}."))
    return [item for item, _ in items], [why for _, why in items]


def _moves(context: AdaptationContext, sentence: str) -> bool:
    """Whether a sentence holds words that change from market to market, so that it can't be held to its letters."""
    country = context.origin_country or ""
    names = (name for equivalent in context.equivalents for name in equivalent.forms.get(country, []))
    if any(name.lower() in sentence.lower() and occurs(name, sentence) for name in names):
        return True
    currency = context.origin_pack.currency if context.origin_pack else "USD"
    one, many, *_ = money.names(currency)
    return bool(re.search(rf"\b(?:{one}|{many}|miles?|kilomet\w+)\b", sentence, re.IGNORECASE))


def _assumptions(context: AdaptationContext, rows: list[Reading]) -> Iterator[str]:
    """Holidays, sports, school terms, foods, institutions, measures and numbers that belong to the origin's country."""
    pack, country = context.origin_pack, context.origin_country or ""
    found: dict[tuple[str, str], list[int]] = {}
    for reading in rows:
        for kind, pattern in ASSUMPTIONS:
            for match in re.finditer(rf"(?<!\w)(?:{pattern})(?!\w)", reading.text):
                found.setdefault((kind, _once(match.group(0), found)), []).append(reading.index + 1)
        for equivalent in context.equivalents:
            if equivalent.kind not in ("vocabulary", "given_name", "family_name"):
                for name in planning.names_of(equivalent, pack, country):
                    if name.lower() in reading.text.lower() and occurs(name, reading.text):
                        kind = _KINDS.get(equivalent.kind, equivalent.kind.capitalize())
                        found.setdefault((kind, _once(name, found)), []).append(reading.index + 1)
    longest = {name for _, name in found}
    for (kind, name), numbers in found.items():
        if not any(name != other and name.lower() in other.lower() for other in longest):
            yield f"{kind}: “{name}” ({_rows(numbers)})"
    if pack is not None:
        measures = [reading.index + 1 for reading in rows if units.has_measures(reading.text, pack)]
        phones = [reading.index + 1 for reading in rows if dates.phone_spans(reading.text, pack.country)]
        if measures:
            yield f"{_SYSTEMS[pack.measurement]} measures ({_rows(measures)})"
        if phones:
            yield f"Telephone number of {pack.country} ({_rows(phones)})"


def _once(name: str, found: dict[tuple[str, str], list[int]]) -> str:
    """The spelling in which a name was found first."""
    return next((other for _, other in found if other.lower() == name.lower()), name)


_SYSTEMS = {"us": "US customary", "uk": "British", "metric": "Metric"}
_KINDS = {"school": "School term", "place": "Place", "season": "Climate"}


def _rows(numbers: list[int]) -> str:
    listed = [str(number) for number in dict.fromkeys(numbers)]
    return f"row {listed[0]}" if len(listed) == 1 else f"rows {', '.join(listed)}"


def _can_adapt(context: AdaptationContext, rows: list[Reading]) -> Iterator[str]:
    pack = context.origin_pack
    prices = [r.index + 1 for r in rows if re.search(r"[$£€₹]\s?\d", r.text)]
    measures = [r.index + 1 for r in rows if pack and units.has_measures(r.text, pack)]
    talk = [r.index + 1 for r in rows if any(e.kind == "dialogue" for e in r.elements)]
    if prices:
        yield f"Prices and amounts in {_rows(prices)}"
    if measures:
        yield f"Measures in {_rows(measures)}"
    if talk:
        yield f"Names and turns of phrase in the dialogue of {_rows(talk)}"
    yield "Settings, props and streets, as long as each row keeps its work in the story"
    yield "Holidays, sports, food and school terms, by their role"


def _voice(context: AdaptationContext, rows: list[Reading]) -> str:
    guidelines = context.brand.guidelines if context.brand else ""
    for sentence in re.split(r"(?<=[.!?])\s+|\n", guidelines):
        if re.search(r"\b(?:voice|tone|personality)\b", sentence, re.IGNORECASE):
            return _VOICE_STOP.sub("", sentence.strip()).capitalize()
    lines = [e.text for reading in rows for e in reading.elements if e.spoken]
    words = [len(line.split()) for line in lines]
    average = sum(words) / len(words) if words else 0
    energy = "energetic" if any("!" in line for line in lines) else "calm"
    length = "short" if average < 9 else "full"
    return (
        f"{energy.capitalize()}, in {length} sentences ({average:.0f} words on average)."
        if lines
        else "Told in pictures, without words."
    )
