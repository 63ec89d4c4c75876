"""What a picture shows, said in several ways: the sentences that models learn from and are measured by.

A caption never says more than the picture shows: trousers are not mentioned in a close-up.
"""

from __future__ import annotations

import numpy as np

from creative_lab.illustrator.figure import Person
from creative_lab.illustrator.identity import Identity
from creative_lab.illustrator.look import Look
from creative_lab.illustrator.pose import ACTIONS
from creative_lab.illustrator.scene import Scene

_FACE_ONLY = {"extreme close-up", "close-up"}
_UPPER_BODY = {"medium close-up", "medium shot"}
_EXPRESSION_WORDS = {"asleep": "sleeping", "neutral": "calm"}
_TIME_WORDS = {
    "dawn": "at dawn",
    "morning": "in the morning",
    "noon": "at noon",
    "evening": "in the evening",
    "night": "at night",
}
_WEATHER_WORDS = {"clear": "", "cloudy": "under clouds", "rain": "in the rain", "snow": "in the snow", "fog": "in fog"}


def article(phrase: str) -> str:
    """``phrase`` with "a" or "an" before it."""
    return ("an " if phrase[:1].lower() in "aeiou" else "a ") + phrase


def describe_identity(identity: Identity) -> str:
    """The features of a face that words can name."""
    hair = "bald" if identity.hair_style == "bald" else f"{identity.hair_colour} {identity.hair_style} hair"
    parts = [hair if identity.hair_style != "bald" else "a bald head"]
    if identity.beard != "none":
        parts.append({"full": "a full beard", "long": "a long beard"}.get(identity.beard, article(identity.beard)))
    if identity.glasses:
        parts.append("glasses")
    if identity.freckles:
        parts.append("freckles")
    return _listed(parts)


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def visible_garments(person: Person, shot: str) -> list[str]:
    """Phrases of the garments that a shot of this size shows, the outermost first."""
    layers = {"outer": 0, "dress": 1, "top": 1, "bottom": 2, "shoes": 3, "accessory": 4}
    if shot in _FACE_ONLY:
        return []
    allowed = {"outer", "dress", "top"} if shot in _UPPER_BODY else {"outer", "dress", "top", "bottom"}
    if shot in {"wide shot", "extreme wide shot"}:
        allowed = {"outer", "dress", "top", "bottom", "shoes"}
    shown = sorted((g for g in person.garments if g.layer in allowed), key=lambda garment: layers[garment.layer])
    hidden_top = any(g.category in {"coat", "trench coat"} for g in shown)
    return [g.phrase for g in shown if not (hidden_top and g.layer == "top")]


def _subject(person: Person, shot: str, *, name: str | None, identity: bool) -> str:
    expression = _EXPRESSION_WORDS.get(person.expression, person.expression)
    subject = name or article(f"{expression} person")
    details = []
    if identity and not name:
        details.append(describe_identity(person.identity))
    wearing = [
        article(phrase) if not phrase.endswith(("s", "jeans")) else phrase for phrase in visible_garments(person, shot)
    ]
    if person.hat != "none":
        wearing.append(article(f"{person.hat_colour} {person.hat}"))
    text = subject
    if name and expression != "calm":
        text += f", {expression},"
    if details:
        text += " with " + _listed(details)
    if wearing:
        text += " in " + _listed(wearing)
    return text


def captions(
    scene: Scene, *, seed: int = 0, count: int = 3, name: str | None = None, identity: bool = True
) -> list[str]:
    """``count`` differently worded captions; ``name`` (a trigger) replaces the first person's description."""
    rng = np.random.default_rng([9_001, scene.seed, seed])
    where = scene.surroundings
    place = (
        f"in the {where.setting}"
        if where.indoors or where.setting in {"mountains", "desert", "forest", "village", "park", "field", "market"}
        else f"on the {where.setting}"
    )
    when = _TIME_WORDS[where.time]
    weather = "" if where.indoors else _WEATHER_WORDS[where.weather]
    lead, *others = scene.people
    action = ACTIONS[lead.action].phrase
    subject = _subject(lead, scene.shot, name=name, identity=identity)
    company = ["another person" if not identity else _subject(p, scene.shot, name=None, identity=False) for p in others]
    things = [article(prop.phrase) if not prop.phrase.endswith("flowers") else prop.phrase for prop in scene.props]
    shows_action = scene.shot not in _FACE_ONLY
    result = []
    for _ in range(count):
        who = subject + (f" {action}" if shows_action else "")
        if company:
            who += " with " + _listed(company)
        if things:
            who += (" next to " if rng.random() < 0.5 else ", beside ") + _listed(things)
        setting = " ".join(part for part in (place, when, weather) if part)
        angle = "" if scene.angle == "eye level" else f", {scene.angle}"
        form = int(rng.integers(4))
        if form == 0:
            text = f"{scene.shot} of {who}, {setting}{angle}"
        elif form == 1:
            text = f"{who}, {setting}, {scene.shot}{angle}"
        elif form == 2:
            text = f"{setting}: {who}; {scene.shot}{angle}"
        else:
            text = f"{article(scene.shot)}{angle} showing {who} {setting}"
        result.append(text)
    return result


def look_caption(look: Look) -> str:
    """One sentence a model, from left to right, as the daily looks are written."""
    lines = []
    for place, person in zip(("left", "middle", "right"), look.models, strict=True):
        worn = [article(g.phrase) if not g.phrase.endswith("s") else g.phrase for g in person.garments]
        if person.hat != "none":
            worn.append(article(f"{person.hat_colour} {person.hat}"))
        lines.append(f"{place} model wears {_listed(worn)}")
    return "three models on a white seamless backdrop, full length, ultrawide: " + "; ".join(lines)
