"""Judgements by rule, one for each gate. They look at what the exact checks do not, and say that a rule is judging.

Every score is computed: the share of what was looked at that is right, less a penalty for each issue.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from creative_lab.adaptation.drafter import claims, concept, lexicon, protection, tone
from creative_lab.adaptation.drafter.matching import word_pattern
from creative_lab.adaptation.drafter.writer import cannot_translate
from creative_lab.adaptation.schemas import (
    AdaptationContext,
    AdaptationOutput,
    ConceptBrief,
    CulturalBrief,
    EvaluationResult,
    Issue,
    ScriptRow,
    Severity,
)
from creative_lab.adaptation.script_elements import parse_audio, parse_visual

_PENALTY: dict[Severity, float] = {"critical": 0.5, "major": 0.2, "minor": 0.05}
_QUOTED = re.compile(r"[“\"]([^”\"]+)[”\"]")
_WORD = re.compile(r"[a-z']{3,}")


def _result(issues: list[Issue], measured: Sequence[tuple[str, float]], note: str = "") -> EvaluationResult:
    """The judgement: its score is the mean of the measures less the issues' penalties, its verdict the rubric's."""
    share = sum(value for _, value in measured) / len(measured) if measured else 1.0
    score = max(0.0, min(1.0, share - sum(_PENALTY[issue.severity] for issue in issues)))
    counts = {severity: sum(issue.severity == severity for issue in issues) for severity in _PENALTY}
    passed = counts["critical"] == 0 and counts["major"] <= 1
    looked = "; ".join(f"{name} {value:.0%}" for name, value in measured)
    found = ", ".join(f"{count} {severity}" for severity, count in counts.items() if count) or "no issue"
    return EvaluationResult(
        reasoning=f"This judgement is by rule, not by a reader. Measured: {looked or 'nothing to measure'}."
        + (f" {note}" if note else ""),
        passed=passed,
        score=round(score, 3),
        issues=issues,
        summary=f"By rule: {found}; {looked}." if looked else f"By rule: {found}.",
    )


def _issue(severity: Severity, row: int | None, field: str, description: str, suggestion: str) -> Issue:
    place = "script_rows" if row is None else f"script_rows[{row}].{field}" if field else f"script_rows[{row}]"
    return Issue(severity=severity, description=description, location=place, suggestion=suggestion)


def _untranslated(draft: AdaptationOutput, context: AdaptationContext) -> bool:
    base = draft.language.split("-")[0].lower()
    return not context.shares_language and base == context.origin.language.split("-")[0].lower()


def _english(row: ScriptRow) -> str:
    """What an English reader understands of a row: descriptions, speakers, and words or their translations."""
    elements = (*parse_visual(row.visual_text), *parse_audio(row.audio_text))
    return "\n".join(f"{element.speaker or ''} {element.translation or element.text}".strip() for element in elements)


def _pairs(draft: AdaptationOutput, context: AdaptationContext) -> list[tuple[int, ScriptRow, ScriptRow]]:
    return [
        (index, before, after)
        for index, (before, after) in enumerate(zip(context.origin.script_rows, draft.script_rows, strict=False))
    ]


def format_judge(
    draft: AdaptationOutput, context: AdaptationContext, brief: ConceptBrief | None, culture: CulturalBrief | None
) -> EvaluationResult:
    """Whether the draft is in the target's language at all, and whether each row keeps the form of its origin."""
    del brief, culture
    if _untranslated(draft, context):
        reason = cannot_translate(context)
        issue = Issue(
            severity="critical", description=reason[0].lower() + reason[1:], location="language",
            suggestion="Choose a profile with a language model, or import a translation (XLIFF).",
        )  # fmt: skip
        return _result([issue], [("rows in the target's language", 0.0)])
    issues: list[Issue] = []
    pairs = _pairs(draft, context)
    same = 0
    for index, before, after in pairs:
        kinds = [_kinds(before), _kinds(after)]
        order = [kind for kind in kinds[1] if kind in kinds[0]]
        expected = [kind for kind in kinds[0] if kind in kinds[1]]
        if order == expected:
            same += 1
        else:
            issues.append(_issue("minor", index, "", "The elements of the row stand in another order than in "
                                                     "the origin.",
                                 "Keep the order: what is seen, then what is heard."))  # fmt: skip
    return _result(issues, [("rows in the form of their origin", same / len(pairs) if pairs else 0.0)])


def _kinds(row: ScriptRow) -> list[str]:
    return list(dict.fromkeys(e.kind for e in (*parse_visual(row.visual_text), *parse_audio(row.audio_text))))


def culture_judge(
    draft: AdaptationOutput, context: AdaptationContext, brief: ConceptBrief | None, culture: CulturalBrief | None
) -> EvaluationResult:
    """Whether the planned substitutions arrived, names are consistent, and nothing forbidden is said."""
    del brief
    issues: list[Issue] = []
    texts = [_english(row) for row in draft.script_rows]
    whole = "\n".join(texts)
    plan = culture.substitutions if culture else []
    arrived = [item for item in plan if lexicon.forms_in(item.replacement, whole)]
    for item in plan:
        if item not in arrived and not word_pattern(item.original).search(whole):
            issues.append(_issue("minor", None, "", f"“{item.original}” went without its replacement "
                                                    f"“{item.replacement}”.",
                                 f"Bring in “{item.replacement}” where “{item.original}” stood."))  # fmt: skip
    names = [item for item in plan if item.original[:1].isupper() and item.replacement[:1].isupper()]
    for item in names:
        mixed = [
            i for i, text in enumerate(texts) if re.search(rf"\b{re.escape(item.original)}\b", text, re.IGNORECASE)
        ]
        if mixed and lexicon.forms_in(item.replacement, whole):
            issues.append(_issue("major", mixed[0], "", f"“{item.original}” and “{item.replacement}” name the "
                                                        f"same thing.",
                                 f"Write “{item.replacement}” throughout."))  # fmt: skip
    clean = 0
    rules = list(claims.forbidden(context))
    for term, kind, rule in rules:
        rows = [index for index, row in enumerate(draft.script_rows) if lexicon.occurs(term, _said(row))]
        if not rows or kind == "brand_word":
            clean += 1
            continue
        issues.append(
            _issue("major", rows[0], "", f"“{term}” is not allowed here: {rule}", f"Say it without “{term}”.")
        )
    register = tone.register_of(context.persona)
    if register is not None and register.calm and "!" in "".join(_said(row) for row in draft.script_rows):
        issues.append(_issue("minor", None, "", f"An exclamation mark does not suit a {register.name} register.",
                             "End with a full stop."))  # fmt: skip
    measured = [("planned substitutions made", len(arrived) / len(plan))] if plan else []
    if rules:
        measured.append(("forbidden words avoided", clean / len(rules)))
    return _result(issues, measured, f"{len(plan)} substitutions and {len(rules)} forbidden words were looked for.")


def _said(row: ScriptRow) -> str:
    elements = (*parse_visual(row.visual_text), *parse_audio(row.audio_text))
    return "\n".join(e.text for e in elements if e.spoken or e.shown)


def concept_judge(
    draft: AdaptationOutput, context: AdaptationContext, brief: ConceptBrief | None, culture: CulturalBrief | None
) -> EvaluationResult:
    """Whether the emotions come in the origin's order and each row still shows its part of the story."""
    del culture
    issues: list[Issue] = []
    before = concept.readings(context.origin.script_rows)
    english = [row.model_copy(update={"visual_text": _english(row), "audio_text": ""}) for row in draft.script_rows]
    after = concept.readings(english)
    theirs = [concept.beat_name(concept.beat(reading, len(after))[0]) for reading in after]
    ours = [concept.beat_name(concept.beat(reading, len(before))[0]) for reading in before]
    order = _common(ours, theirs) / max(1, len(ours))
    if order < 0.5:
        issues.append(_issue("major", None, "", f"The emotions come in another order: {', '.join(theirs)}.",
                             f"Lead the viewer through: {', '.join(ours)}."))  # fmt: skip
    elif order < 0.75:
        issues.append(_issue("minor", None, "", f"{len(ours) - _common(ours, theirs)} rows change their emotion.",
                             f"The origin goes: {', '.join(ours)}."))  # fmt: skip
    kept = []
    for index, source, target in _pairs(draft, context):
        overlap = _overlap(_english(source), _english(target))
        kept.append(overlap)
        if overlap < 0.15:
            issues.append(_issue("major", index, "", f"The row shares {overlap:.0%} of its words with its "
                                                     f"origin: its work "
                                 "in the story may be lost.",
                                 "Keep what the row does, and change only where it plays."))  # fmt: skip
    literals = [text for item in (brief.must_preserve if brief else []) for text in _QUOTED.findall(item)]
    whole = "\n".join(_english(row) for row in draft.script_rows).lower()
    present = [text for text in literals if text.lower() in whole]
    measured = [
        ("emotions in order", order),
        ("words kept per row", min(1.0, 1.6 * sum(kept) / len(kept)) if kept else 0.0),
    ]
    if literals and context.shares_language:
        measured.append(("items to preserve present", len(present) / len(literals)))
    return _result(issues, measured)


def _common(left: Sequence[str], right: Sequence[str]) -> int:
    """Length of the longest common subsequence."""
    table = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            table[i + 1][j + 1] = table[i][j] + 1 if a == b else max(table[i][j + 1], table[i + 1][j])
    return table[-1][-1]


def _overlap(left: str, right: str) -> float:
    a, b = set(_WORD.findall(left.lower())), set(_WORD.findall(right.lower()))
    return len(a & b) / len(a) if a else 1.0


def brand_judge(
    draft: AdaptationOutput, context: AdaptationContext, brief: ConceptBrief | None, culture: CulturalBrief | None
) -> EvaluationResult:
    """Whether the brand speaks as at home: its names as often and as early, sentences as long, nothing banned."""
    del brief, culture
    issues: list[Issue] = []
    brand = context.brand
    names = [context.origin.brand_name or "", *(brand.do_not_translate if brand else [])]
    ours = ["\n".join((row.visual_text, row.audio_text)) for row in context.origin.script_rows]
    theirs = ["\n".join((row.visual_text, row.audio_text)) for row in draft.script_rows]
    shares: list[float] = []
    for name in dict.fromkeys(name for name in names if name):
        before, after = _rows_with(name, ours), _rows_with(name, theirs)
        if not before:
            continue
        shares.append(min(1.0, len(after) / len(before)))
        if after and after[0] > before[0] + 1:
            issues.append(_issue("minor", after[0], "", f"{name} appears first in row {after[0] + 1}, at home in row "
                                 f"{before[0] + 1}.", f"Name {name} as early as at home."))  # fmt: skip
        elif len(after) * 2 < len(before):
            issues.append(_issue("minor", None, "", f"{name} is in {len(after)} rows, at home in {len(before)}.",
                                 f"Bring {name} back where the origin has it."))  # fmt: skip
    measured = [("brand names kept", sum(shares) / len(shares))] if shares else []
    if context.shares_language:
        home, here = _sentence(context.origin.script_rows), _sentence(draft.script_rows)
        if home and here:
            measured.append(("sentence length as at home", min(home, here) / max(home, here)))
            if here > 1.5 * home:
                issues.append(_issue("minor", None, "", f"Sentences have {here:.1f} words, at home {home:.1f}.",
                                     "Say it as briefly as the brand does."))  # fmt: skip
    if brand is not None:
        said = "\n".join(_said(row) for row in draft.script_rows)
        banned = [word for word in brand.banned_words if lexicon.occurs(word, said)]
        wanted = protection.required_lines(brand, context.target_language)
        held = [line for line in wanted if line.lower() in said.lower()]
        if brand.banned_words:
            measured.append(("banned words avoided", 1 - len(banned) / len(brand.banned_words)))
        if wanted:
            measured.append(("required words present", len(held) / len(wanted)))
    return _result(issues, measured, "Voice is judged by names, sentence length and words only.")


def _rows_with(name: str, texts: Sequence[str]) -> list[int]:
    return [index for index, text in enumerate(texts) if word_pattern(name, hyphens=True).search(text)]


def _sentence(rows: Sequence[ScriptRow]) -> float:
    lines = [e.text for row in rows for e in parse_audio(row.audio_text) if e.spoken]
    sentences = [s for line in lines for s in re.split(r"(?<=[.!?])\s+", line) if s.strip()]
    return sum(len(s.split()) for s in sentences) / len(sentences) if sentences else 0.0


Judge = Callable[[AdaptationOutput, AdaptationContext, ConceptBrief | None, CulturalBrief | None], EvaluationResult]

JUDGES: dict[str, Judge] = {
    "format_gate": format_judge,
    "culture_gate": culture_judge,
    "concept_gate": concept_judge,
    "brand_gate": brand_judge,
}
"""The judge of each gate."""
