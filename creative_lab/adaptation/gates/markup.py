"""Format gate: what does not belong into copy: markup, remains of JSON, placeholders, invisible characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from creative_lab.adaptation.gates.case import Case, Check, finding
from creative_lab.adaptation.schemas import Finding, Severity

_PATTERNS: tuple[tuple[re.Pattern[str], Severity, str, str], ...] = (
    (
        re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\$\{\w+\}|\{[A-Za-z_][\w .]*\}|%\(\w+\)s|(?-i:<[A-Z_ ]{3,}>)"
                   r"|(?-i:\b(?:TODO|TBD|TBC|FIXME)\b)|\[(?:INSERT|YOUR|BRAND|PRODUCT|PRICE|NAME|CITY|PHONE|DATE|LEGAL|PLACEHOLDER)\b[^\]]*\]"
                   r"|\blorem ipsum\b", re.IGNORECASE | re.DOTALL),
        "major", "a placeholder", "Write the words that belong there.",
    ),
    (
        re.compile(r"\"(?:visual_text|audio_text|shot_number|script_rows|reasoning)\"\s*:|\}\s*,\s*\{|^\s*[\[{]\s*\"|\\n|\\\""
                   r"|\\u[0-9a-fA-F]{4}"),
        "major", "remains of JSON", "Keep only the words of the script.",
    ),
    (
        re.compile(r"\*\*[^*\n]+\*\*|__[^_\n]+__|(?<!\w)\*[^*\s][^*\n]*\*(?!\w)|```|`[^`\n]+`|^\s{0,3}#{1,6}\s|\[[^\]\n]+\]\(https?://"
                   r"|^\s{0,3}>\s|^\s*[-*+]\s+\*\*", re.MULTILINE),
        "minor", "Markdown", "Write plain text.",
    ),
    (
        re.compile(r"&(?:amp|lt|gt|quot|nbsp|apos|#\d+|#x[0-9a-fA-F]+);"
                   r"|</?(?:b|i|em|strong|br|p|span|div)\b[^>]*>", re.IGNORECASE),
        "minor", "HTML", "Write the characters themselves.",
    ),
    (
        re.compile("\ufffd|Ã[\u0080-\u00bf]|â€[\u0080-\u00bf™œ“”˜¦]|Â[\u00a0-\u00bf]"),
        "major", "characters of a wrong encoding", "Write the characters again in UTF-8.",
    ),
)  # fmt: skip
_JOINING_SCRIPTS = ("ARABIC", "DEVANAGARI", "BENGALI", "TAMIL", "TELUGU", "SINHALA", "KHMER", "MALAYALAM", "GUJARATI")
_MARKS = {"\u200e", "\u200f", "\u061c"}
_JOINERS = {"\u200c", "\u200d"}
_KEPT = {"\n", "\r", "\t"}


def content_markup(case: Case) -> Iterator[Finding]:
    """No field of the script holds anything but copy."""
    fields: list[tuple[int | None, str, str]] = [
        (None, "visual_style_prompt", case.draft.visual_style_prompt),
        (None, "name", case.draft.name),
    ]
    for row in case.rows:
        fields.append((row.index, "visual_text", row.row.visual_text))
        fields.append((row.index, "audio_text", row.row.audio_text))
    for index, name, text in fields:
        location = name if index is None else f"script_rows[{index}].{name}"
        for pattern, severity, what, advice in _PATTERNS:
            if match := pattern.search(text):
                yield finding(
                    "content_markup", severity, f"The text holds {what}: {match.group(0)[:40]!r}.", advice, location
                ).model_copy(update={"row": index})
        if hidden := _invisible(text):
            names = ", ".join(sorted({f"U+{ord(char):04X}" for char in hidden}))
            yield finding(
                "content_markup",
                "major",
                f"The text holds {len(hidden)} invisible characters ({names}).",
                "Write the text again without them.",
                location,
            ).model_copy(update={"row": index})


def _invisible(text: str) -> list[str]:
    joined = right_to_left = None
    hidden = []
    for char in text:
        if char in _KEPT or unicodedata.category(char) not in ("Cc", "Cf", "Co", "Cs", "Cn"):
            continue
        if char in _JOINERS:
            if joined is None:
                joined = any(unicodedata.name(other, "").startswith(_JOINING_SCRIPTS) for other in text)
            if joined:
                continue
            if char == "\u200d" and any(unicodedata.category(other) == "So" for other in text):
                continue  # joins the parts of one emoji
        if char in _MARKS:
            if right_to_left is None:
                right_to_left = any(unicodedata.bidirectional(other) in ("R", "AL") for other in text)
            if right_to_left:
                continue
        hidden.append(char)
    return hidden


CHECKS: tuple[Check, ...] = (content_markup,)
