"""How good the text of a prompt is: five dimensions from 0 to 100, and one sum that is always computed here.

The rule-based judge looks at what the text names. It costs nothing, decides whether enhancement is worth its price, and
stands in for the prompt engineer where there is no language model.
"""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from creative_lab.storyboards import vocabulary as words

WEIGHTS: dict[str, float] = {
    "completeness": 0.25,
    "specificity": 0.25,
    "professionalism": 0.20,
    "cinematography": 0.15,
    "brand_alignment": 0.15,
}
GOOD_OVERALL, GOOD_EACH = 80.0, 70.0
"""Enhancement is skipped at this overall score with every dimension at least the second."""


class PromptScores(BaseModel):
    """Scores of one text. A claimed ``overall`` is not accepted: it follows from the five."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    completeness: float = Field(ge=0, le=100)
    specificity: float = Field(ge=0, le=100)
    professionalism: float = Field(ge=0, le=100)
    cinematography: float = Field(ge=0, le=100)
    brand_alignment: float = Field(ge=0, le=100)

    @property
    def overall(self) -> float:
        """Weighted sum: 25, 25, 20, 15 and 15 per cent."""
        return round(sum(weight * getattr(self, name) for name, weight in WEIGHTS.items()), 4)

    @property
    def good_enough(self) -> bool:
        """Whether enhancing the text is not worth it: at least 80 overall and no dimension below 70."""
        return self.overall >= GOOD_OVERALL and all(getattr(self, name) >= GOOD_EACH for name in WEIGHTS)

    def columns(self) -> dict[str, float]:
        """The five scores and the overall one, as columns."""
        return {**self.model_dump(), "overall": self.overall}


class Judgement(BaseModel):
    """What the prompt engineer says about a text; malformed scores are an error."""

    model_config = ConfigDict(extra="ignore")

    critique: str
    scores: PromptScores
    overall: float | None = Field(default=None, description="What the model claims; kept, never used")
    improvements: list[str] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _claimed(cls, data: Any) -> Any:
        # Models put their overall score beside the others.
        if isinstance(data, dict) and data.get("overall") is None and isinstance(data.get("scores"), dict):
            return {**data, "overall": data["scores"].get("overall")}
        return data


_SHOT = re.compile(
    r"\b(?:extreme\s+)?(?:close[\s-]?up|wide\s+shot|long\s+shot|medium\s+(?:wide\s+|long\s+)?(?:shot|close[\s-]?up)|"
    r"ECU|EWS|MCU|MWS|CU|MS|WS|POV|OTS|two-shot|portrait|low\s+angle|high\s+angle|eye\s+level|dutch\s+angle|"
    r"establishing\s+shot|over[\s-]the[\s-]shoulder)\b",
    re.IGNORECASE,
)
_LENS = re.compile(r"\b\d{2,3}\s?mm\b|\bf/\d|\blens\b|\bdepth\s+of\s+field\b|\bfocus\b|\bbokeh\b|\banamorphic\b", re.I)
_LIGHT = re.compile(
    r"\b(?:light|lighting|lit|sun|sunlight|moonlight|backlit|golden\s+hour|shadow|shadows|glow|kelvin|\d{4}\s?k|dawn|"
    r"noon|dusk|night|morning|evening|daylight|tungsten|neon)\b",
    re.IGNORECASE,
)
_COMPOSITION = re.compile(
    r"\b(?:foreground|background|framed|framing|composition|centred|centered|symmetrical|rule\s+of\s+thirds|leading\s+"
    r"lines|negative\s+space|next\s+to|beside|in\s+front\s+of|behind|aspect|16:9)\b",
    re.IGNORECASE,
)
_GRADE = re.compile(
    r"\b(?:grade|grading|palette|colou?rs?|tones?|contrast|film\s+grain|saturated|muted|mood|atmosphere|style|calm|"
    r"happy|sad|angry|surprised|afraid|thoughtful|laughing|wistful|tense|cheerful)\b",
    re.IGNORECASE,
)
_VAGUE = re.compile(
    r"\b(?:nice|good|beautiful|great|cool|amazing|something|things?|stuff|very|really|some|various|awesome)\b", re.I
)
_LABELS = re.compile(r"^\s*(?:[-*•]|\d+[.)]|\w+\s*:)\s", re.MULTILINE)


def quick_score(text: str, *, subject: str | None = None, brand: str = "", style: str = "") -> PromptScores:
    """Score a text by what it names; free and always the same for the same text.

    ``subject`` counts as a subject besides people and animals; ``brand`` and ``style`` are what it should agree with.
    """
    length = len(text.split())
    has_subject = bool(words.people(text) or words.group_size(text) or re.search(r"\bperson\b", text, re.I))
    has_subject = has_subject or bool(subject and subject.lower() in text.lower()) or bool(words.things(text))
    acts = bool(words.actions(text)) or bool(re.search(r"\b\w{3,}ing\b", text))
    place = bool(words.places(text)) or bool(re.search(r"\b(?:inside|outside|interior|exterior)\b", text, re.I))
    look = bool(_GRADE.search(text)) or bool(style and _shares(text, style))
    completeness = 10 + 25 * has_subject + 25 * acts + 25 * place + 15 * look
    details = len(words.things(text)) + sum(word.lower() in words.COLOURS for word in re.findall(r"[A-Za-z]+", text))
    details += len(re.findall(r"\d+", text)) + bool(words.first_of(words.TIMES, text))
    details += bool(words.first_of(words.FACES, text)) + len(words.places(text)[:1])
    specificity = 30 + min(length, 14) * 2 + min(details, 5) * 9 - 12 * len(_VAGUE.findall(text))
    craft = sum(bool(pattern.search(text)) for pattern in (_SHOT, _LENS, _LIGHT, _COMPOSITION, _GRADE))
    professionalism = 35 + 15 * craft - 20 * bool(_LABELS.search(text)) - 15 * (length < 6) - 10 * (length > 220)
    cinematography = 15 + 35 * bool(_SHOT.search(text)) + 15 * bool(_LENS.search(text)) + 25 * bool(_LIGHT.search(text))
    cinematography += 15 * bool(_COMPOSITION.search(text)) + 10 * bool(_GRADE.search(text))
    brand_alignment = 75.0
    if brand or style:
        brand_alignment = 45 + 25 * bool(brand and brand.lower() in text.lower()) + 40 * bool(_shares(text, style))
    scores = (completeness, specificity, professionalism, cinematography, brand_alignment)
    return PromptScores(**{name: float(min(100, max(0, value))) for name, value in zip(WEIGHTS, scores, strict=True)})


def missing_parts(text: str) -> list[str]:
    """What a text does not say yet, in the order in which it matters; the rule-based prompt engineer's wishes."""
    wishes = [
        ("name the size of the shot", _SHOT),
        ("say where the light comes from or what time it is", _LIGHT),
        ("give the mood or the expression", _GRADE),
        ("say what stands where", _COMPOSITION),
    ]
    found = [wish for wish, pattern in wishes if not pattern.search(text)]
    if not words.places(text):
        found.append("name the place")
    if not words.actions(text):
        found.append("say what the subject does")
    if _VAGUE.search(text):
        found.append("replace vague words by concrete ones")
    return found


def _shares(text: str, style: str) -> bool:
    """Whether a text takes up a third of a style's longer words."""
    wanted = {word.lower() for word in re.findall(r"[A-Za-z]{4,}", style)}
    present = {word.lower() for word in re.findall(r"[A-Za-z]{4,}", text)}
    return bool(wanted) and len(wanted & present) * 3 >= len(wanted)
