"""Reading what a failed gate says, and applying what a rule can apply."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from creative_lab.adaptation.drafter import protection
from creative_lab.adaptation.drafter.claims import SOFTER
from creative_lab.adaptation.drafter.lexicon import Swap, swap_finder
from creative_lab.adaptation.drafter.matching import Change, apply
from creative_lab.adaptation.schemas import Finding, GateEvaluation, ScriptRow
from creative_lab.adaptation.script_elements import parse_audio, parse_visual, render

_QUOTED = re.compile(r"[“\"'‘«]([^“”\"‘’«»\n]{1,120})[”\"'’»](?!\w)")
_INSTEAD = re.compile(
    r"(?:write|use|say|show|replace (?:it )?with|change (?:it )?to|"
    r"put)\s+[“\"'‘«]([^”\"»\n]{1,200}?)[”\"'’»](?=[\s,.;:]|$)",
    re.IGNORECASE,
)


@dataclass
class Feedback:
    """Findings that the writer gets back: those it has applied and those it cannot."""

    findings: list[Finding] = field(default_factory=list)
    applied: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def read(value: Any) -> Feedback:
    """Feedback as the graph passes it: evaluations of gates, or the mapping that the prompt shows."""
    return Feedback(list(_findings(value)))


def _findings(value: Any) -> Iterator[Finding]:
    if isinstance(value, GateEvaluation):
        yield from value.findings
    elif isinstance(value, Mapping):
        for item in value.get("findings", []):
            if isinstance(item, Finding):
                yield item
            elif isinstance(item, Mapping):
                known = {key: item[key] for key in Finding.model_fields if key in item}
                yield Finding(
                    **{"severity": "major", "location": "", "suggestion": "", "check": "", "description": "", **known}
                )
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from _findings(item)


def apply_suggestions(
    rows: Sequence[ScriptRow], feedback: Feedback, protected: list[str]
) -> tuple[list[ScriptRow], list[Change]]:
    """Rows with every finding applied that quotes the words at fault and the words to write instead."""
    result = list(rows)
    changes: list[Change] = []
    for finding in feedback.findings:
        swap = _swap(finding)
        targets = range(len(result)) if finding.row is None else [finding.row]
        made: list[Change] = []
        if swap is not None:
            for index in targets:
                if 0 <= index < len(result):
                    result[index], done = _apply(result[index], swap, protected, index)
                    made += done
        label = f"{finding.check or 'finding'}: {finding.description}"
        (feedback.applied if made else feedback.refused).append(label)
        changes += made
    return result, changes


_PLAIN = re.compile(r"^(?:Write|Say|Use) (?!exactly|as |the |a |an |such|it |plain)([^“”\"',;]{1,40}?)\.?$")
_EXACTLY = re.compile(r"^(?:Write|Say|Show|Say or show) exactly: (?!SUPER)(.{2,200})$")
_WITHOUT = re.compile(r"^Say it without [“\"'](.+?)[”\"']\.?$")


def _swap(finding: Finding) -> Swap | None:
    """What a finding wants replaced by what, when it quotes both or names a word that has a softer one."""
    suggestion, why = finding.suggestion.strip(), f"feedback: {finding.description}"
    quoted = [text.strip() for text in _QUOTED.findall(finding.description)]
    without = _WITHOUT.match(suggestion)
    if without is not None:
        softer = SOFTER.get(without.group(1).lower())
        return Swap(without.group(1), softer, finding.check or "feedback", why) if softer else None
    new = _EXACTLY.match(suggestion) or _INSTEAD.search(suggestion) or _PLAIN.match(suggestion)
    if new is None or " or " in new.group(1):
        return None
    for old in quoted:
        if old and old != new.group(1).strip():
            return Swap(old, new.group(1).strip(), finding.check or "feedback", why)
    return None


def _apply(row: ScriptRow, swap: Swap, protected: list[str], index: int) -> tuple[ScriptRow, list[Change]]:
    finder = swap_finder([swap])
    changes: list[Change] = []
    texts: dict[str, str] = {}
    for name, elements in (("visual_text", parse_visual(row.visual_text)), ("audio_text", parse_audio(row.audio_text))):
        new = []
        for element in elements:
            outcome = apply(element.text, [finder], protection.spans(element.text, protected))
            changes += [Change(c.original, c.replacement, c.kind, swap.why, index, name) for c in outcome.changes]
            new.append(element.with_text(outcome.text))
        texts[name] = render(new)
    return row.model_copy(update=texts), changes
