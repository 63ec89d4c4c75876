"""The writer by rule: an adapted script for markets that share the spot's language, and an honest no for the others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from creative_lab.adaptation.drafter import feedback as reading
from creative_lab.adaptation.drafter import fit, legal, planning, protection, seasons, staging, tone
from creative_lab.adaptation.drafter.engine import Engine
from creative_lab.adaptation.drafter.lexicon import Swap, swap_finder
from creative_lab.adaptation.drafter.matching import Change, Finder, apply
from creative_lab.adaptation.gates.format_fit import hold_seconds
from creative_lab.adaptation.gates.words import count_words
from creative_lab.adaptation.schemas import AdaptationContext, AdaptationOutput, ConceptBrief, CulturalBrief, ScriptRow
from creative_lab.adaptation.script_elements import new_super, parse_audio, parse_visual, render

_SMALL_PRICE_USD = 100.0
"""Up to this price "just" is a fair word."""


def write(
    context: AdaptationContext,
    culture: CulturalBrief | None,
    draft: AdaptationOutput | None = None,
    feedback: Any = None,
    *,
    concept: ConceptBrief | None = None,
) -> AdaptationOutput:
    """A draft for ``context``'s target: the cultural brief's substitutions, plus formats, spelling, tone and fit.

    ``feedback`` of a failed gate is applied to ``draft`` (or to a fresh one) where a rule can.
    """
    plan = planning.plan(context)
    swaps = _swaps_of(culture, plan) if culture is not None else tuple(plan.swaps)
    engine = Engine(context, (*swaps, *plan.kept))
    told = reading.read(feedback or [])
    rows, changes = engine.rows(context.origin.script_rows)
    notes: list[str] = []
    if told.findings and draft is not None and len(draft.script_rows) == len(rows):
        rows, changes = list(draft.script_rows), []
    rows, made = reading.apply_suggestions(rows, told, engine.protected)
    changes += made
    if context.shares_language:
        rows, made = _speak(rows, context, engine, _kept(concept))
        changes += made
        rows, made, missing = _complete(rows, context, engine)
        changes += made
        notes += missing
        rows, made, overruns = fit.tighten(rows, context, engine.protected)
        changes += made
        notes += [
            f"Row {over.row + 1} needs {over.needed:.0f} {over.what} where {over.room:.0f} fit; a person must cut."
            for over in overruns
        ]
        notes += plan.flags
    else:
        notes.append(
            f"{cannot_translate(context)} Spoken and shown words stand in the origin's language; "
            "only descriptions are prepared for the market."
        )
    return AdaptationOutput(
        reasoning=_reasoning(context, changes, notes, told),
        code=context.target_code,
        name=context.target_name,
        language=context.target_language if context.shares_language else context.origin.language,
        visual_style_prompt=style_prompt(context, plan),
        script_rows=rows,
    )


def cannot_translate(context: AdaptationContext) -> str:
    """The reason why a target in another language needs a model or a person."""
    origin, target = context.origin.language, context.target_language
    return (
        f"The offline drafter cannot translate from {_language(origin)} ({origin}) to {_language(target)} ({target})."
    )


def _language(tag: str) -> str:
    import langcodes

    return str(langcodes.get(tag).language_name("en"))


def _swaps_of(culture: CulturalBrief, plan: planning.Plan) -> tuple[Swap, ...]:
    """The brief's substitutions, with the kind of rule where the plan knows it."""
    kinds = {(swap.original, swap.replacement): swap.kind for swap in plan.swaps}
    return tuple(
        Swap(
            item.original,
            item.replacement,
            kinds.get((item.original, item.replacement), "substitution"),
            item.rationale,
        )
        for item in culture.substitutions
        if item.original.strip()
    )


def _kept(concept: ConceptBrief | None) -> list[str]:
    items = concept.must_preserve if concept else []
    return [text for item in items for text in re.findall(r"[“\"]([^”\"]+)[”\"]", item)]


def _speak(
    rows: Sequence[ScriptRow], context: AdaptationContext, engine: Engine, kept: list[str]
) -> tuple[list[ScriptRow], list[Change]]:
    """The persona's register, in words that are spoken or shown; ``kept`` are lines to leave to the letter."""
    register = tone.register_of(context.persona)
    if register is None:
        return list(rows), []
    words = swap_finder(tone.swaps(context.persona, context.country_code))
    small = _SMALL_PRICE_USD * (context.target_pack.units_per_usd if context.target_pack else 1.0)
    changes: list[Change] = []
    result = []
    for index, row in enumerate(rows):
        texts = {}
        for name, elements in (
            ("visual_text", parse_visual(row.visual_text)),
            ("audio_text", parse_audio(row.audio_text)),
        ):
            new = []
            for element in elements:
                if not (element.spoken or element.shown) or engine.legal.is_legal(element):
                    new.append(element)
                    continue
                voice = element.kind != "dialogue"
                finders: list[Finder] = [words, partial(tone.finder, register=register, voice=voice, small=small)]
                outcome = apply(element.text, finders, protection.spans(element.text, [*engine.protected, *kept]))
                changes += [
                    replace(c, row=index, place=name, why=f"{register.name} register for {context.target_name}")
                    for c in outcome.changes
                ]
                new.append(element.with_text(outcome.text))
            texts[name] = render(new)
        result.append(row.model_copy(update=texts))
    return result, changes


def _complete(
    rows: Sequence[ScriptRow], context: AdaptationContext, engine: Engine
) -> tuple[list[ScriptRow], list[Change], list[str]]:
    """The market's legal line and the brand's required words, added where they are missing."""
    result, changes, notes = list(rows), list[Change](), list[str]()
    wanted = [(engine.legal.target, "legal_line")] if engine.legal.target else []
    if context.brand:
        wanted += [
            (line, "required_words") for line in protection.required_lines(context.brand, context.target_language)
        ]
    for line, kind in wanted:
        if any(_holds(row, line, kind) for row in result):
            continue
        lengths = fit.row_lengths(result, context)
        shown = [sum(count_words(e.text) for e in parse_visual(row.visual_text) if e.shown) for row in result]
        alone = kind == "legal_line"
        taken = [0.0 if not words else 1e9 if alone else hold_seconds(words) for words in shown]
        index = legal.row_for(lengths, hold_seconds(count_words(line)), taken)
        if index is None and alone:
            index = legal.row_for(lengths, hold_seconds(count_words(line)), [hold_seconds(w) for w in shown])
        if index is None:
            index = len(result) - 1
            notes.append(f"No row stands long enough for “{line}”; it stands on the last row and must be re-timed.")
        added = new_super(line).raw
        row = result[index]
        result[index] = row.model_copy(update={"visual_text": row.visual_text.rstrip("\n") + added})
        changes.append(Change("", line, kind, "required in this market", index, "visual"))
    return result, changes, notes


def _holds(row: ScriptRow, line: str, kind: str) -> bool:
    elements = (*parse_visual(row.visual_text), *parse_audio(row.audio_text))
    said = [e for e in elements if e.spoken or e.shown]
    if kind == "legal_line":
        return any(line in e.text for e in said if e.shown) or any(line in e.text for e in said)
    return any(protection.spans(e.text, [line]) for e in said)


def style_prompt(context: AdaptationContext, plan: planning.Plan) -> str:
    """How the film looks in this market, in English, from the script's own scenes."""
    origin, target = context.origin, context.target_pack
    scenes = [
        element.text
        for row in origin.script_rows
        for element in parse_visual(row.visual_text)
        if element.kind == "description" and element.text
    ]
    engine = Engine(context, (*plan.swaps, *plan.kept))
    first = engine.text(scenes[0], described=True).text.rstrip(".") if scenes else "a simple studio setting"
    last = engine.text(scenes[-1], described=True).text.rstrip(".") if len(scenes) > 1 else ""
    product = context.brand.category if context.brand and context.brand.category else "brand"
    parts = [
        f"Live-action {product} commercial of {origin.total_runtime_seconds} seconds in "
        f"{len(origin.script_rows)} shots, "
        f"{_place(context)}",
        f"opens on: {first}",
        f"ends on: {last}" if last else "",
    ]
    if target is not None and context.origin_pack is not None and target.country != context.origin_pack.country:
        if target.drives_on != context.origin_pack.drives_on and any(staging.shows_driving(scene) for scene in scenes):
            parts.append(staging.note(target))
        if target.hemisphere == "tropics" and any(seasons.wintry(scene) for scene in scenes):
            parts.append("tropical light and planting instead of the origin's season")
    if register := tone.register_of(context.persona):
        parts.append(register.camera)
    return "; ".join(part for part in parts if part) + "."


def _place(context: AdaptationContext) -> str:
    if not context.country_code:
        return f"for {context.target_name}"
    return f"set in {planning.country_name(context.country_code)}, with local streets, signs, homes and people"


def _reasoning(
    context: AdaptationContext, changes: Sequence[Change], notes: Sequence[str], told: reading.Feedback
) -> str:
    """What was done and why, a line per change, so that a person can check every one."""
    lines = [f"Adapted by rule from {context.origin.language} for {context.target_name} ({context.target_language})."]
    if not changes:
        lines.append("No rule found anything to change.")
    for change in changes:
        where = f"Row {change.row + 1}" if change.row is not None else "Script"
        what = f"“{change.original}” → “{change.replacement}”" if change.original else f"added “{change.replacement}”"
        lines.append(f"{where}, {change.kind.replace('_', ' ')}: {what} ({change.why}).")
    lines += [f"Feedback applied: {item}" for item in told.applied]
    lines += [f"Feedback that no rule can apply: {item}" for item in told.refused]
    lines += [f"For a person: {note}" for note in notes]
    return "\n".join(lines)
