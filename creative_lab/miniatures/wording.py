"""Captions as people write prompts: the world's full captions, and shorter, freer ones that say only some of it."""

from __future__ import annotations

import numpy as np

from creative_lab.illustrator.captions import article, captions, describe_identity, visible_garments
from creative_lab.illustrator.figure import Person
from creative_lab.illustrator.pose import ACTIONS
from creative_lab.illustrator.scene import Scene

_OUTDOORS_IN = {"mountains", "desert", "forest", "village", "park", "field", "market"}
_TIMES = {
    "dawn": ("at dawn", "at sunrise", "early in the morning"),
    "morning": ("in the morning", "on a morning"),
    "noon": ("at noon", "at midday", "by day"),
    "evening": ("in the evening", "at dusk", "at sunset"),
    "night": ("at night", "by night", "in the dark"),
}
_WEATHERS = {
    "clear": ("", "", "under a clear sky"),
    "cloudy": ("under clouds", "under a cloudy sky"),
    "rain": ("in the rain", "while it rains"),
    "snow": ("in the snow", "while it snows"),
    "fog": ("in fog", "in the mist"),
}
_MOODS = {
    "neutral": ("calm", ""),
    "happy": ("happy", "smiling", "cheerful"),
    "laughing": ("laughing",),
    "sad": ("sad", "unhappy"),
    "angry": ("angry", "furious"),
    "surprised": ("surprised", "astonished"),
    "afraid": ("afraid", "frightened", "scared"),
    "thoughtful": ("thoughtful", "pensive"),
    "disgusted": ("disgusted",),
    "asleep": ("sleeping", "sleepy"),
}
_SHOTS = {
    "extreme close-up": ("extreme close-up",),
    "close-up": ("close-up", "close-up portrait", "portrait"),
    "medium close-up": ("medium close-up", "head and shoulders"),
    "medium shot": ("medium shot", "half-length picture"),
    "medium wide shot": ("medium wide shot",),
    "wide shot": ("wide shot", "full-length picture"),
    "extreme wide shot": ("extreme wide shot", "distant view"),
}
_LONG_HAIR = {"bob", "long", "bun", "ponytail"}


def _any(rng: np.random.Generator, options: tuple[str, ...] | list[str]) -> str:
    return options[int(rng.integers(len(options)))]


def _noun(person: Person, rng: np.random.Generator) -> str:
    """A word for somebody; nothing in the picture depends on it but beards and hair."""
    if rng.random() < 0.5:
        return _any(rng, ("person", "person", "character", "figure"))
    if person.identity.beard != "none":
        return "man"
    return "woman" if person.identity.hair_style in _LONG_HAIR else _any(rng, ("man", "woman"))


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def short_caption(scene: Scene, rng: np.random.Generator) -> str:
    """One free sentence that leaves out each thing by chance."""
    lead, where = scene.people[0], scene.surroundings
    near = scene.shot in {"close-up", "extreme close-up"}
    mood = _any(rng, _MOODS[lead.expression]) if rng.random() < 0.7 else ""
    subject = article(f"{mood} {_noun(lead, rng)}".strip())
    if rng.random() < 0.35:
        subject += " with " + describe_identity(lead.identity)
    worn = visible_garments(lead, scene.shot)
    worn = worn[: 1 + int(rng.integers(len(worn)))] if worn and rng.random() < 0.75 else []
    worn = [phrase if phrase.endswith(("s", "jeans")) else article(phrase) for phrase in worn]
    if lead.hat != "none" and rng.random() < 0.85:
        worn.append(article(f"{lead.hat_colour} {lead.hat}"))
    if worn:
        subject += _any(rng, (" in ", " wearing ", " in ")) + _listed(worn)
    if not near and rng.random() < 0.7:
        subject += _any(rng, (" ", " who is ", " is ")) + ACTIONS[lead.action].phrase
    others = len(scene.people) - 1
    if others and rng.random() < 0.9:
        subject += " with " + ("another person" if others == 1 else "two other people")
    things = [prop.phrase if prop.phrase.endswith("flowers") else article(prop.phrase) for prop in scene.props]
    if things and rng.random() < 0.9:
        subject += _any(rng, (" next to ", " beside ", ", with ", " and ")) + _listed(things)
    place = []
    if rng.random() < 0.8:
        inside = where.indoors or where.setting in _OUTDOORS_IN
        place.append(f"{'in' if inside else _any(rng, ('on', 'at'))} {_any(rng, ('the', 'the', 'a'))} {where.setting}")
    if rng.random() < 0.65:
        place.append(_any(rng, _TIMES[where.time]))
    if not where.indoors and rng.random() < 0.8:
        place.append(_any(rng, _WEATHERS[where.weather]))
    setting = " ".join(part for part in place if part)
    shot = _any(rng, _SHOTS[scene.shot]) if rng.random() < 0.65 else ""
    if shot and scene.angle != "eye level" and rng.random() < 0.8:
        shot += f", {scene.angle}"
    form = int(rng.integers(3))
    if form == 0:
        text = f"{shot} of {subject} {setting}" if shot else f"{subject} {setting}"
    elif form == 1:
        text = ", ".join(part for part in (subject, setting, shot) if part)
    else:
        text = ", ".join(part for part in (f"{setting} {subject}" if setting else subject, shot) if part)
    text = text.strip()
    return text + "." if rng.random() < 0.2 else text


def wordings(scene: Scene, *, seed: int, count: int) -> list[str]:
    """``count`` captions: every other one is full (half of these without the face's features), the others are short."""
    rng = np.random.default_rng([67, seed])
    texts = []
    for number in range(count):
        if number % 2:
            texts.append(short_caption(scene, rng))
        else:
            texts += captions(scene, seed=seed + number, count=1, identity=number % 4 == 0)
    return texts
