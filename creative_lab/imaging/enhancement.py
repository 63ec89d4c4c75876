"""Making short prompts richer: by rules, or by a language model that the caller passes in, falling back on rules."""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from creative_lab.imaging import style_words as words
from creative_lab.imaging.errors import ImagingError

Style = Literal["auto", "photography", "artistic", "realistic", "cinematic", "coloring-book"]
Method = Literal["none", "rule-based", "huggingface", "llm"]

Ask = Callable[[str, str, float], str]
"""(prompt, style, temperature) → the model's reply, which holds a JSON object with enhanced_prompt (and, if it likes,
negative_prompt). The caller renders its templates, chooses the model and limits the tokens."""

DEFAULT_CREATIVITY = 0.7


@dataclass(frozen=True)
class Enhanced:
    """A richer prompt; ``fallback_reason`` says why rules stand in for a model."""

    original: str
    enhanced_prompt: str
    negative_prompt: str
    detected_style: str
    method: Method
    creativity: float
    seed: int | None = None
    model: str | None = None
    fallback_reason: str | None = None


def detect_style(prompt: str) -> str:
    """The style that whole words of a prompt call for; realistic when none does ("party" is not "art")."""
    for style, hints in words.DETECTION:
        if any(has_word(prompt, hint) for hint in hints):
            return style
    return "realistic"


def detect_subjects(prompt: str) -> list[str]:
    """Which of people, landscape, animals and buildings a prompt names, in whole words."""
    return [subject for subject, (hints, _) in words.SUBJECTS.items() if any(has_word(prompt, hint) for hint in hints)]


def clamp_creativity(value: float | None) -> float:
    """Creativity within 0 to 1; None is the default, 0 stays 0."""
    if value is None:
        return DEFAULT_CREATIVITY
    if math.isnan(value):
        raise ImagingError("creativity is not a number")
    return min(1.0, max(0.0, value))


def enhance_by_rules(
    prompt: str,
    *,
    style: Style = "auto",
    creativity: float | None = None,
    triggers: Sequence[str] = (),
    seed: int = 0,
) -> Enhanced:
    """Add tags to a prompt; the same seed gives the same tags.

    Triggers come first, then quality tags, the prompt with what suits its subjects, style tags and technical tags; the
    more creativity c, the more of them: max(2, int(3c)) quality, max(2, int(4c)) style and technical tags. Colouring
    pages take max(3, int(5c)) line-art and max(2, int(3c)) quality tags of their own.
    """
    text = prompt.strip().strip(",").strip()
    if not text:
        raise ImagingError("the prompt is empty")
    if style not in get_args(Style):
        raise ImagingError(f"there is no style {style!r}: choose one of {', '.join(get_args(Style))}")
    c = clamp_creativity(creativity)
    chosen = detect_style(text) if style == "auto" else style
    dice = random.Random(f"{seed}:{chosen}:{text}")

    def pick(tags: Sequence[str], count: int) -> list[str]:
        return dice.sample(list(tags), min(count, len(tags)))

    subjects = detect_subjects(text)
    if chosen == "coloring-book":
        lines = pick(words.LINE_ART, max(3, int(5 * c)))
        quality = pick(words.LINE_QUALITY, max(2, int(3 * c)))
        fitting = [dice.choice(words.LINE_SUBJECTS[subject]) for subject in subjects]
        parts, negative = [*triggers, text, *fitting, *lines, *quality], words.LINE_NEGATIVE
    else:
        quality = pick(words.QUALITY, max(2, int(3 * c)))
        fitting = [dice.choice(words.SUBJECTS[subject][1]) for subject in subjects]
        tags = pick(words.STYLE[chosen], max(2, int(4 * c)))
        technical = pick(words.TECHNICAL[chosen], max(2, int(4 * c)))
        parts, negative = [*triggers, *quality, text, *fitting, *tags, *technical], words.NEGATIVE
    enhanced = ", ".join(part.strip() for part in parts if part.strip())
    return Enhanced(prompt, enhanced, negative, chosen, "rule-based", c, seed)


def enhance(
    prompt: str,
    *,
    method: Method = "rule-based",
    style: Style = "auto",
    creativity: float | None = None,
    triggers: Sequence[str] = (),
    seed: int = 0,
    ask: Ask | None = None,
    model: str | None = None,
) -> Enhanced:
    """Enhance by the wished method; whatever goes wrong with a model, rules stand in and the reason is kept.

    ``ask`` is needed for the methods huggingface (a local model) and llm (an API); temperature is the creativity.
    """
    if method == "none":
        style_found = detect_style(prompt) if style == "auto" else style
        return Enhanced(prompt, prompt, "", style_found, "none", clamp_creativity(creativity))
    ruled = enhance_by_rules(prompt, style=style, creativity=creativity, triggers=triggers, seed=seed)
    if method == "rule-based":
        return ruled
    try:
        if ask is None:
            raise ImagingError(f"no language model was given for the method {method}")
        positive, negative = read_reply(ask(prompt, ruled.detected_style, ruled.creativity))
    except Exception as error:
        reason = f"{method} failed: {type(error).__name__}: {str(error)[:300]}"
        return Enhanced(**{**ruled.__dict__, "model": model, "fallback_reason": reason})
    missing = [trigger for trigger in triggers if trigger.strip() and not has_word(positive, trigger.strip())]
    enhanced = ", ".join([*missing, positive])
    return Enhanced(
        prompt, enhanced, negative or ruled.negative_prompt, ruled.detected_style, method, ruled.creativity, seed, model
    )


def read_reply(reply: str) -> tuple[str, str | None]:
    """(enhanced prompt, negative prompt) from the first JSON object in a reply. Raises :class:`ImagingError`."""
    decoder = json.JSONDecoder()
    for start in (found.start() for found in re.finditer(r"\{", reply[:20_000])):
        try:
            answer, _ = decoder.raw_decode(reply, start)
        except (ValueError, RecursionError):
            continue
        positive = answer.get("enhanced_prompt")
        negative = answer.get("negative_prompt")
        if isinstance(positive, str) and positive.strip():
            return positive.strip(), negative.strip() if isinstance(negative, str) else None
    raise ImagingError("the reply holds no JSON object with a text enhanced_prompt")


def read_batch(text: str) -> list[str]:
    """Prompts of a file, one per line; empty lines and comments (#) are skipped."""
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def has_word(text: str, word: str) -> bool:
    """Whether a text holds a word or phrase, whole and in any case: "party" does not hold "art"."""
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE) is not None
