"""How good the gates' exact checks are: known defects are planted in clean scripts, and what is found is counted.

Clean scripts are adaptations that should have no finding: English markets by the offline drafter, other languages from
translations made by hand. Each case plants one defect of one class, by a seed. It counts as found only when the right
class is reported at the right row; any other finding that the edit does not explain counts against precision.
Everything here is a pure function of its arguments.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import polars as pl

from creative_lab.adaptation import gates
from creative_lab.adaptation.schemas import GATES, AdaptationContext, AdaptationOutput, Finding
from creative_lab.metrics.content_defects import CONTENT_DEFECTS
from creative_lab.metrics.format_defects import FORMAT_DEFECTS
from creative_lab.metrics.planting import CleanScript, DefectClass, Planted

DEFECTS: tuple[DefectClass, ...] = (*FORMAT_DEFECTS, *CONTENT_DEFECTS)
"""Every class that is planted."""

CASES_SCHEMA: dict[str, Any] = {
    "case_id": pl.String, "spot": pl.String, "market": pl.String, "language": pl.String, "gate": pl.String,
    "defect": pl.String, "planted": pl.String, "planted_row": pl.Int64, "expected": pl.Boolean, "found": pl.Boolean,
    "findings": pl.List(pl.String), "false_positives": pl.List(pl.String), "seed": pl.Int64,
}  # fmt: skip
_Z = 1.959963984540054


def clean_script(context: AdaptationContext, translation: Mapping[str, Any] | None = None) -> CleanScript:
    """The clean script of a target.

    Args:
        translation: For a target in another language than the origin: ``language``, ``visual_style_prompt`` and
            ``script_rows`` with ``visual_text`` and ``audio_text`` for each of the origin's rows, as the files under
            ``data/validation/translations`` hold them. Timing and shot numbers are the origin's.

    Raises:
        ValueError: The target speaks another language and there is no translation, or its rows don't fit the origin's.
    """
    from creative_lab.adaptation.drafter import concept as concepts
    from creative_lab.adaptation.drafter import culture as cultures
    from creative_lab.adaptation.drafter import writer

    concept = concepts.extract(context)
    culture = cultures.research(context, concept)
    if context.shares_language:
        return CleanScript(context, concept, culture, writer.write(context, culture))
    if translation is None:
        raise ValueError(f"{context.spot}/{context.target}: no clean script in {context.target_language}")
    origin, texts = context.origin.script_rows, translation["script_rows"]
    if len(texts) != len(origin):
        raise ValueError(
            f"{context.spot}/{context.target}: {len(texts)} translated rows for {len(origin)} of the origin"
        )
    rows = [row.model_copy(update=dict(text)) for row, text in zip(origin, texts, strict=True)]
    draft = AdaptationOutput(
        reasoning="",
        code=context.target_code,
        name=context.target_name,
        language=str(translation["language"]),
        visual_style_prompt=str(translation["visual_style_prompt"]),
        script_rows=rows,
    )
    return CleanScript(context, concept, culture, draft)


@dataclass(frozen=True)
class _Judged:
    gate: str
    finding: Finding

    @property
    def label(self) -> str:
        """The finding in short: ``gate:check@row``."""
        row = "-" if self.finding.row is None else str(self.finding.row)
        return f"{self.gate}:{self.finding.check}@{row}"


def evaluate(scripts: Sequence[CleanScript], *, seed: int = 0, per_class: int = 10) -> pl.DataFrame:
    """Plant ``per_class`` defects of every class over the scripts, and put these and the clean ones to the gates.

    The scripts take turns, so that every spot and market is used before one is used again. Returns one row per case in
    the columns of ``GateQualityCases`` without those that the table store fills in.
    """
    before = [_judge(script) for script in scripts]
    rows = [_clean_row(script, judged, seed) for script, judged in zip(scripts, before, strict=True)]
    for defect in DEFECTS:
        rows += _cases(defect, scripts, before, seed, per_class)
    return pl.DataFrame(rows, schema=CASES_SCHEMA, orient="row")


def _cases(
    defect: DefectClass, scripts: Sequence[CleanScript], before: list[list[_Judged]], seed: int, per_class: int
) -> list[dict[str, Any]]:
    order = list(range(len(scripts)))
    Random(f"{seed}:{defect.check}").shuffle(order)
    rows: list[dict[str, Any]] = []
    for turn in range(3):
        for place in order:
            if len(rows) >= per_class:
                return rows
            script = scripts[place]
            number = seed * 1000 + turn
            random = Random(f"{number}:{defect.check}:{script.spot}:{script.market}")
            planter = defect.planters[(len(rows) + turn) % len(defect.planters)]
            planted = planter(script, random) or next(
                (other for other in (p(script, random) for p in defect.planters) if other is not None), None
            )
            if planted is not None and planted.script != script:
                rows.append(_planted_row(defect, planted, before[place], number, len(rows)))
    return rows


def _planted_row(defect: DefectClass, planted: Planted, clean: list[_Judged], seed: int, number: int) -> dict[str, Any]:
    judged = _judge(planted.script)
    before = {item.label for item in clean}
    found = [item for item in judged if _is_planted(item, defect, planted)]
    false = [
        item.label
        for item in judged
        if item not in found and item.label not in before and not _explained(item, defect, planted)
    ]
    return {
        **_base(planted.script, f"{defect.check}-{number}", seed),
        "gate": defect.gate,
        "defect": defect.check,
        "planted": planted.what,
        "planted_row": planted.row,
        "expected": True,
        "found": bool(found),
        "findings": [item.label for item in judged],
        "false_positives": false,
    }


def _clean_row(script: CleanScript, judged: list[_Judged], seed: int) -> dict[str, Any]:
    labels = [item.label for item in judged]
    return {
        **_base(script, "clean", seed),
        "gate": "all",
        "defect": "clean",
        "planted": "nothing",
        "planted_row": None,
        "expected": False,
        "found": False,
        "findings": labels,
        "false_positives": labels,
    }


def _base(script: CleanScript, name: str, seed: int) -> dict[str, Any]:
    return {
        "case_id": f"{script.spot}/{script.market.lower()}/{name}",
        "spot": script.spot,
        "market": script.market,
        "language": script.context.target_language,
        "seed": seed,
    }


def _judge(script: CleanScript) -> list[_Judged]:
    return [
        _Judged(gate, finding)
        for gate in GATES
        for finding in gates.check(gate, script.draft, script.context, script.concept, script.culture)
    ]


def _is_planted(item: _Judged, defect: DefectClass, planted: Planted) -> bool:
    right_row = planted.row is None or item.finding.row == planted.row
    return item.gate == defect.gate and item.finding.check == defect.check and right_row


def _explained(item: _Judged, defect: DefectClass, planted: Planted) -> bool:
    if item.finding.check in planted.also_anywhere:
        return True
    return item.finding.row in (planted.row, None) and item.finding.check in planted.also | {defect.check}


def summarise(cases: pl.DataFrame) -> pl.DataFrame:
    """Precision, recall and F1 with 95 % Wilson intervals, per class, per gate and for everything.

    Returns the columns of ``GateQuality`` without those that the table store fills in.
    """
    rows = [_summary("class", defect.gate, defect.check, cases, [defect.check]) for defect in DEFECTS]
    for gate in GATES:
        rows.append(_summary("gate", gate, "all", cases, [item.check for item in DEFECTS if item.gate == gate]))
    rows.append(_summary("all", "all", "all", cases, [item.check for item in DEFECTS]))
    return pl.DataFrame(rows, schema_overrides={"level": pl.Enum(["class", "gate", "all"])})


def _summary(level: str, gate: str, defect: str, cases: pl.DataFrame, classes: Iterable[str]) -> dict[str, Any]:
    names = list(classes)
    planted = cases.filter(pl.col("expected") & pl.col("defect").is_in(names))
    hits = int(planted["found"].sum())
    clean = cases.filter(~pl.col("expected"))

    def wanted(label: str) -> bool:
        if level == "class":
            return _class_of(label) in names
        return level == "all" or label.startswith(f"{gate}:")

    false = sum(1 for labels in cases["false_positives"].to_list() for label in labels if wanted(label))
    dirty = sum(1 for labels in clean["findings"].to_list() if any(wanted(label) for label in labels))
    precision = hits / (hits + false) if hits + false else None
    recall = hits / planted.height if planted.height else None
    low, high = wilson(hits, hits + false)
    recall_low, recall_high = wilson(hits, planted.height)
    return {
        "level": level,
        "gate": gate,
        "defect": defect,
        "cases": planted.height,
        "true_positives": hits,
        "false_negatives": planted.height - hits,
        "false_positives": false,
        "precision": precision,
        "precision_low": low,
        "precision_high": high,
        "recall": recall,
        "recall_low": recall_low,
        "recall_high": recall_high,
        "f1": 2 * precision * recall / (precision + recall) if precision and recall else None,
        "clean_scripts": clean.height,
        "clean_with_findings": dirty,
    }


def _class_of(label: str) -> str:
    return label.split(":", 1)[1].rsplit("@", 1)[0]


def wilson(successes: int, trials: int) -> tuple[float | None, float | None]:
    """95 % score interval of a share (E. B. Wilson, JASA 22, 1927); None without trials."""
    if trials == 0:
        return None, None
    share, z2 = successes / trials, _Z * _Z
    middle = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = _Z * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials * trials)) / (1 + z2 / trials)
    return max(0.0, middle - half), min(1.0, middle + half)


def render_markdown(summary: pl.DataFrame) -> str:
    """The summary as a Markdown table, with a sentence that says what was counted."""
    whole = summary.filter(pl.col("level") == "all").row(0, named=True)
    lines = [
        f"{whole['cases']} scripts with one planted defect each and {whole['clean_scripts']} clean scripts were put to "
        f"all four gates. A defect counts as found when its class is reported at its row. Clean scripts with a "
        f"finding: {whole['clean_with_findings']}. Intervals are 95 % Wilson intervals.",
        "",
        "| Gate | Defect | Cases | Found | False alarms | Precision | Recall | F1 |",
        "|---|---|---:|---:|---:|---|---|---:|",
    ]
    for row in summary.iter_rows(named=True):
        bold = "**" if row["level"] != "class" else ""
        precision = _interval(row["precision"], row["precision_low"], row["precision_high"])
        recall = _interval(row["recall"], row["recall_low"], row["recall_high"])
        f1 = "–" if row["f1"] is None else f"{row['f1']:.3f}"
        lines.append(
            f"| {row['gate'].removesuffix('_gate')} | {bold}{row['defect']}{bold} | {row['cases']} "
            f"| {row['true_positives']} | {row['false_positives']} | {precision} | {recall} | {f1} |"
        )
    return "\n".join(lines) + "\n"


def _interval(value: float | None, low: float | None, high: float | None) -> str:
    if value is None or low is None or high is None:
        return "–"
    return f"{value:.3f} ({low:.2f}–{high:.2f})"
