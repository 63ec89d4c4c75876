"""Which language a text is in: by its script where that decides, else by lingua's identifier.

Two or three words identify nothing, so the caller asks for a whole script first and for a row only when its words are
many or clear.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from creative_lab.adaptation.gates.words import tokens

_SCRIPTS: dict[str, str] = {
    "ja": "\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff々ー",
    "zh": "\u3400-\u9fff\uf900-\ufaff",
    "yue": "\u3400-\u9fff\uf900-\ufaff",
    "ko": "\uac00-\ud7a3\u1100-\u11ff\u3130-\u318f",
    "ar": "\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff",
    "fa": "\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff",
    "ur": "\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff",
    "he": "\u0590-\u05ff",
    "hi": "\u0900-\u097f",
    "mr": "\u0900-\u097f",
    "bn": "\u0980-\u09ff",
    "ta": "\u0b80-\u0bff",
    "te": "\u0c00-\u0c7f",
    "gu": "\u0a80-\u0aff",
    "pa": "\u0a00-\u0a7f",
    "th": "\u0e00-\u0e7f",
    "el": "\u0370-\u03ff\u1f00-\u1fff",
    "ru": "\u0400-\u04ff",
    "uk": "\u0400-\u04ff",
    "bg": "\u0400-\u04ff",
    "sr": "\u0400-\u04ffa-zA-ZčćđšžČĆĐŠŽ",
}
_KANA = re.compile("[\u3040-\u30ff]")
_COMMON = ("en", "de", "fr", "es", "it", "pt")
"""Languages that a Latin text is weighed against, besides the target's and the origin's own."""


@dataclass(frozen=True)
class Guess:
    """How likely a text is in the expected language, and the likeliest other one."""

    expected: float
    other: str
    other_confidence: float
    decided_by_script: bool = False

    def contradicts(self, confidence: float = 0.9) -> bool:
        """Whether the text is, with this confidence, not in the expected language.

        The likeliest other language need only lead: neighbours such as Spanish and Portuguese share their weight.
        """
        return self.expected <= 1 - confidence and self.other_confidence >= 0.5


def own_script(language: str) -> bool:
    """Whether a language is written in a script other than Latin, so that the script alone decides."""
    return language in _SCRIPTS


def guess(text: str, expected: str, *others: str) -> Guess | None:
    """Weigh a text against its expected language; None when it holds no words."""
    letters = [char for char in text if char.isalpha()]
    if not letters:
        return None
    if expected in _SCRIPTS:
        own = re.compile(f"[{_SCRIPTS[expected]}]")
        share = sum(bool(own.match(char)) for char in letters) / len(letters)
        # A text in full-size Japanese has kana; Chinese has none.
        japanese = sum(bool(_KANA.match(char)) for char in letters)
        if expected == "ja" and not japanese and len(letters) > 12:
            return Guess(0.0, "zh", 1.0, True)
        if expected in ("zh", "yue") and japanese / len(letters) > 0.1:
            return Guess(0.0, "ja", 1.0, True)
        return Guess(share, others[0] if others else "en", 1 - share, True)
    foreign = sum(ord(char) > 0x24F and not 0x1E00 <= ord(char) <= 0x1EFF for char in letters)
    if foreign / len(letters) > 0.5:
        return Guess(0.0, _by_script(text), 1.0, True)
    confidences = _confidences(text, tuple(sorted({*_COMMON, expected, *(o for o in others if o not in _SCRIPTS)})))
    if expected not in confidences:
        return None
    other = max((code for code in confidences if code != expected), key=lambda code: confidences[code])
    return Guess(confidences[expected], other, confidences[other])


def enough(text: str) -> bool:
    """Whether a text has enough words for a statistical answer (four words and twenty letters)."""
    return len(tokens(text)) >= 4 and sum(char.isalpha() for char in text) >= 20


def _by_script(text: str) -> str:
    if _KANA.search(text):
        return "ja"
    counts = {code: len(re.findall(f"[{chars}]", text)) for code, chars in _SCRIPTS.items() if code != "sr"}
    return max(counts, key=lambda code: counts[code])


@lru_cache(maxsize=4096)
def _confidences(text: str, languages: tuple[str, ...]) -> dict[str, float]:
    detector, known = _detector(languages)
    values = detector.compute_language_confidence_values(text)
    return {known[value.language]: value.value for value in values if value.language in known}


@lru_cache(maxsize=32)
def _detector(languages: tuple[str, ...]) -> tuple[Any, dict[Any, str]]:
    from lingua import Language, LanguageDetectorBuilder

    by_code = {language.iso_code_639_1.name.lower(): language for language in Language.all()}
    by_code["no"] = by_code["nb"]
    chosen = {by_code[code]: code for code in languages if code in by_code}
    return LanguageDetectorBuilder.from_languages(*chosen).build(), chosen
