"""Which swaps a target needs, found in the script itself: nothing is planned that would not be applied."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from creative_lab.adaptation.drafter import claims, places, seasons, senses, staging
from creative_lab.adaptation.drafter.beats import ASSUMPTIONS
from creative_lab.adaptation.drafter.engine import Engine
from creative_lab.adaptation.drafter.lexicon import Swap, occurs
from creative_lab.adaptation.drafter.matching import Change, word_pattern
from creative_lab.adaptation.schemas import AdaptationContext
from creative_lab.adaptation.script_elements import parse_audio, parse_visual
from creative_lab.reference.market_packs import Equivalent, MarketPack

_NEIGHBOURS = {"american": ("US", "CA"), "canadian": ("CA", "US"), "british": ("GB", "AU", "IE", "NZ")}
"""Markets whose word for a thing serves where a market has none of its own on file, by its spelling."""
_SHARED_KINDS = {"vocabulary", "school", "season", "food"}
_HOUSE_NOUNS = ("dinner", "lunch", "table", "feast", "meal", "gathering", "reunion", "visit", "tradition")


@dataclass
class Plan:
    """The swaps a script calls for, the other changes they come with, what no rule could settle, names to keep."""

    swaps: list[Swap] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    kept: list[Swap] = field(default_factory=list)


def plan(context: AdaptationContext) -> Plan:
    """Everything that the rules will do to the origin for this target."""
    result = Plan()
    candidates = list(_candidates(context, result.flags))
    engine = Engine(context, tuple(candidates))
    adapted, result.changes = engine.rows(context.origin.script_rows)
    used = {id(swap) for change in result.changes for swap in _sources(change, candidates)}
    result.swaps = [swap for swap in candidates if id(swap) in used]
    result.kept = [swap for swap in candidates if swap.kind == "kept"]
    texts = [f"{row.visual_text}\n{row.audio_text}" for row in adapted]
    result.flags += [*_flags(context, engine, texts), *_residue(context, texts)]
    result.flags = list(dict.fromkeys(result.flags))
    return result


def script_texts(context: AdaptationContext) -> list[tuple[int, str, bool]]:
    """Every element of the origin: row, words, and whether they are spoken or shown."""
    return [
        (index, element.text, element.spoken or element.shown)
        for index, row in enumerate(context.origin.script_rows)
        for element in (*parse_visual(row.visual_text), *parse_audio(row.audio_text))
    ]


def names_of(equivalent: Equivalent, pack: MarketPack | None, country: str | None) -> list[str]:
    """What a market calls a concept; a market without a word of its own borrows from its neighbours in spelling."""
    own = equivalent.forms.get(country or "", [])
    if own or equivalent.kind not in _SHARED_KINDS or pack is None or pack.spelling is None:
        return own
    return next((equivalent.forms[near] for near in _NEIGHBOURS[pack.spelling] if equivalent.forms.get(near)), [])


def _candidates(context: AdaptationContext, flags: list[str]) -> Iterator[Swap]:
    seen: set[str] = set()
    for swap in _equivalents(context, flags):
        if swap.original.lower() not in seen:
            seen.add(swap.original.lower())
            yield swap
    for swap in claims.swaps(context, flags):
        if swap.original.lower() not in seen:
            yield swap


def _equivalents(context: AdaptationContext, flags: list[str]) -> Iterator[Swap]:
    """Swaps to the target's names, then names that are right as they stand and keep shorter rules off."""
    country = context.country_code
    if context.origin_country == country or country is None:
        return
    whole = "\n".join(f"{row.visual_text}\n{row.audio_text}" for row in context.origin.script_rows).replace("’", "'")
    keep: list[Swap] = []
    open_names: list[tuple[str, str]] = []
    for equivalent in context.equivalents:
        ours = names_of(equivalent, context.origin_pack, context.origin_country)
        theirs = names_of(equivalent, context.target_pack, country)
        kept = {name.lower() for name in theirs}
        for name in ours:
            if name.lower().replace("’", "'") not in whole.lower():
                continue
            if name.lower() in kept:
                keep.append(Swap(name, name, "kept"))
            elif theirs and _ambiguous(equivalent, context.origin_country, name):
                if occurs(name, whole):
                    flags.append(
                        f"“{name}” has more than one sense and was left; “{theirs[0]}” if {equivalent.concept} "
                        f"is meant."
                    )
            elif theirs:
                yield Swap(name, theirs[0], equivalent.kind, _why(equivalent, context))
            elif equivalent.kind == "holiday":
                yield from _neutral(name, context)
            elif equivalent.kind in ("sport", "institution", "food", "place", "school") and not _fine(equivalent):
                open_names.append((name, equivalent.kind))
    yield from keep
    covered = [swap.original for swap in keep]
    for name, kind in open_names:
        rest = whole
        for longer in (*covered, *_longer(context, name)):
            if name.lower() in longer.lower():
                rest = word_pattern(longer).sub(" ", rest)
        if occurs(name, rest):
            flags.append(
                f"“{name}” ({kind.replace('_', ' ')}) has no counterpart on file for {country_name(country)}: "
                "a local planner should choose one, or keep it."
            )


def _longer(context: AdaptationContext, name: str) -> Iterator[str]:
    """Longer names of the origin that hold ``name`` and that the target calls something."""
    for equivalent in context.equivalents:
        if names_of(equivalent, context.target_pack, context.country_code):
            for other in names_of(equivalent, context.origin_pack, context.origin_country):
                if len(other) > len(name) and word_pattern(name).search(other):
                    yield other


def _fine(equivalent: Equivalent) -> bool:
    """Whether a market without a name of its own on file uses the origin's word."""
    return "as it stands" in equivalent.note


def _ambiguous(equivalent: Equivalent, country: str | None, name: str) -> bool:
    """Whether a single word has several senses in the origin's English and no guard tells them apart."""
    marked = re.match(r"Ambiguous when read in ([A-Z ]+):", equivalent.note)
    return bool(marked and (country or "") in marked.group(1).split() and " " not in name) and not senses.guarded(name)


def two_faced(context: AdaptationContext) -> list[str]:
    """Words of the origin that the target writes otherwise in one of their senses only."""
    if context.origin_country == context.country_code or context.target_pack is None or context.origin_pack is None:
        return []
    found = []
    for equivalent in context.equivalents:
        theirs = names_of(equivalent, context.target_pack, context.country_code)
        for name in names_of(equivalent, context.origin_pack, context.origin_country):
            if " " not in name and senses.guarded(name) and theirs and name not in theirs:
                found.append(name)
    before, after = context.origin_pack.spelling, context.target_pack.spelling
    for entry in context.spellings:
        if (
            before
            and after
            and getattr(entry, before) != getattr(entry, after)
            and senses.guarded(getattr(entry, before))
        ):
            found.append(getattr(entry, before))
    return list(dict.fromkeys(found))


_WHY = {
    "vocabulary": "the everyday word in {}", "holiday": "the occasion that plays this role in {}",
    "sport": "the sporting life of {}", "institution": "the institution with this role in {}",
    "food": "what people in {} eat and call it", "given_name": "a given name of the same generation in {}",
    "family_name": "a family name of {}", "place": "a place of the same kind in {}", "school": "the school term of {}",
    "season": "the season as {} has it",
}  # fmt: skip


def country_name(code: str | None) -> str:
    """A country's English name; its code where CLDR has none."""
    from babel import Locale

    name = str(Locale("en").territories.get(code or "", code or "the market"))
    return f"the {name}" if name.startswith("United") or name in ("Netherlands", "Philippines") else name


def _why(equivalent: Equivalent, context: AdaptationContext) -> str:
    asks = [
        sentence.rstrip(".")
        for sentence in re.split(r"(?<=\.)\s+", equivalent.note)
        if re.search(r"\b(?:confirm|rights|ask|check|registered|trade mark)\b", sentence)
    ]
    reason = _WHY[equivalent.kind].format(country_name(context.country_code))
    return "; ".join([reason, *(f"{ask[0].lower()}{ask[1:]}" for ask in asks)])


def _neutral(name: str, context: AdaptationContext) -> Iterator[Swap]:
    """Wording for a holiday that the target does not keep: the occasion stays, its name goes."""
    why = f"{name} is not kept in {country_name(context.country_code)}; the occasion stays without its name"
    for word in ("this", "next", "last", "every"):
        yield Swap(f"{word} {name}", f"{word} year", "holiday", why)
    yield Swap(f"on {name}", "on the big day", "holiday", why)
    yield Swap(f"Happy {name}", "Here's to the big day", "holiday", why)
    for noun in _HOUSE_NOUNS:
        yield Swap(f"{name} {noun}", f"family {noun}", "holiday", why)
    yield Swap(f"{name} weekend", "long weekend", "holiday", why)
    yield Swap(name, "the big day", "holiday", why)


def _sources(change: Change, candidates: list[Swap]) -> Iterator[Swap]:
    for swap in candidates:
        if swap.kind == change.kind and (swap.why == change.why) and _same_stem(swap.original, change.original):
            yield swap


def _same_stem(base: str, found: str) -> bool:
    base, found = base.lower().replace("’", "'"), found.lower().replace("’", "'")
    return re.sub(r"[\s\u00a0]+", " ", found) == base or (
        found.startswith(base[:-1]) and len(found) - len(base) in (1, 2)
    )


def _residue(context: AdaptationContext, adapted: list[str]) -> Iterator[str]:
    """What the adapted script still takes for granted about the origin's country."""
    country = context.country_code
    if context.origin_pack is None or country is None or context.origin_country == country:
        return
    whole = "\n".join(adapted)
    own = " | ".join(name for e in context.equivalents for name in e.forms.get(country, [])).lower()
    for kind, pattern in ASSUMPTIONS:
        if kind not in ("Sport", "Institution", "School term"):
            continue
        found = [match.group(0).lower() for match in re.finditer(rf"(?<!\w)(?:{pattern})(?!\w)", whole)]
        for term in dict.fromkeys(term for term in found if term not in own):
            yield f"“{term}” ({kind.lower()}) is the origin's: check that {country_name(country)} knows it."
    for place in places.foreign(whole, context.origin_country, country):
        yield f"“{place}” belongs to {country_name(context.origin_country)}: change it or leave the sentence out."


def _flags(context: AdaptationContext, engine: Engine, adapted: list[str]) -> Iterator[str]:
    origin, target = context.origin_pack, context.target_pack
    if origin is None or target is None or origin.country == target.country:
        return
    texts, name = script_texts(context), country_name(target.country)
    if target.hemisphere == "tropics" and origin.hemisphere != "tropics":
        for index, whole in enumerate(adapted):
            for sign in seasons.wintry(whole):
                yield f"Row {index + 1}: “{sign}” belongs to a climate that {name} does not have; restage it."
    if seasons.opposed(origin, target) and re.search(
        r"\b(?:summer|winter|spring|autumn|fall)\b", "\n".join(text for _, text, _ in texts), re.IGNORECASE
    ):
        yield f"The film's season comes half a year later in {name}: book the air dates accordingly."
    if origin.drives_on != target.drives_on:
        rows = [str(index + 1) for index, text, said in texts if not said and staging.shows_driving(text)]
        if rows:
            listed = list(dict.fromkeys(rows))
            shown = f"Row {listed[0]} shows" if len(listed) == 1 else f"Rows {', '.join(listed)} show"
            yield f"{shown} driving: shoot with {staging.note(target)}."
    if engine.legal.missing:
        yield (
            f"No legal line is on file for {name}; the origin's is left out. If the market needs one, "
            "the client's counsel supplies it."
        )
