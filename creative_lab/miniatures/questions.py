"""What a viewer can say about a picture: captions for two prompts, and questions whose answer is known.

Everything is put into words from the numbers of ``captioned.attribute_numbers``, and only what a picture of this shot
size shows: nobody can see an expression in an extreme wide shot.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from creative_lab.illustrator.backdrop import INDOORS
from creative_lab.illustrator.captions import article
from creative_lab.illustrator.pose import ACTIONS
from creative_lab.miniatures.captioned import ATTRIBUTES, PROP_NAMES
from creative_lab.miniatures.reworded import WORDS, reworded

Truth = dict[str, str]

FULL_PROMPTS = (
    "Describe this picture.", "Describe the picture in one sentence.", "What does this picture show?",
    "Write a caption for this picture.", "Caption this picture with everything it shows, clothes and looks too.",
)  # fmt: skip
SCENE_PROMPTS = (
    "Describe the action, expression, setting, light and shot. Do not mention clothing or looks.",
    "Caption this picture: action, pose, expression, setting, light, shot. Never clothing or appearance.",
    "Describe only what happens, where, when and how it is framed, without clothes, hair or face.",
    "Write a caption without clothing or looks.",
)
QUESTION = 'Does this figure show "{}"? Please answer yes or no.'
"""The question of VQAScore (Lin et al. 2024)."""

_FACE_SHOTS = ("extreme close-up", "close-up", "medium close-up", "medium shot", "medium wide shot")
_ACTION_SHOTS = ("medium shot", "medium wide shot", "wide shot", "extreme wide shot")
_TIMES = dict(zip(ATTRIBUTES["time"], WORDS["time"], strict=True))
_WEATHERS = dict(zip(ATTRIBUTES["weather"][1:], WORDS["weather"], strict=True))
_MOODS = dict(zip(ATTRIBUTES["expression"], WORDS["expression"], strict=True))
_PATTERNS = {"stripes": "striped", "checks": "checked", "dots": "dotted"}
_BEARDS = {"stubble": "stubble", "full": "a full beard", "long": "a long beard"}
_INTO = {"mountains", "desert", "forest", "village", "park", "field", "market", *INDOORS}
_COUNTS = {"1": "one person", "2": "two people", "3": "three people"}
_FACE = ("expression", "hair", "hair colour", "beard")


def truth(numbers: np.ndarray, props: np.ndarray) -> tuple[Truth, tuple[str, ...]]:
    """What the picture shows as words: attributes by name, those that can't be seen left out, and the things."""
    found = {name: options[int(n)] for (name, options), n in zip(ATTRIBUTES.items(), numbers, strict=True) if n >= 0}
    if found["shot"] not in _FACE_SHOTS:
        found = {name: value for name, value in found.items() if name not in _FACE}
    if found["shot"] not in _ACTION_SHOTS:
        found.pop("action", None)
    if found["shot"] == "extreme wide shot":
        found.pop("pattern", None)
    return found, tuple(PROP_NAMES[int(index)] for index in np.flatnonzero(props))


def _garment(seen: Truth) -> str:
    pattern = seen.get("pattern", "plain")
    words = [seen["garment colour"], "" if pattern == "plain" else _PATTERNS.get(pattern, pattern), seen["garment"]]
    phrase = " ".join(word for word in words if word)
    return phrase if phrase.endswith(("s", "jeans")) else article(phrase)


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def caption(seen: Truth, things: tuple[str, ...], *, looks: bool) -> str:
    """One sentence about the picture; without ``looks`` it says nothing of clothes, hair or face."""
    angle = "" if seen["angle"] == "eye level" else f", {seen['angle']},"
    mood = _MOODS.get(seen.get("expression", ""), "")
    who = article(f"{mood} person".strip())
    if looks:
        features = []
        if "hair" in seen:
            style = seen["hair"]
            features.append("a bald head" if style == "bald" else f"{seen['hair colour']} {style} hair")
        if seen.get("beard", "none") != "none":
            features.append(_BEARDS.get(seen["beard"]) or article(seen["beard"]))
        worn = [_garment(seen)] if "garment" in seen else []
        if seen["hat"] != "none":
            worn.append(article(f"{seen['hat colour']} {seen['hat']}"))
        who += f" with {_listed(features)}" if features else ""
        who += f" in {_listed(worn)}" if worn else ""
    if "action" in seen:
        who += f" {ACTIONS[seen['action']].phrase}"
    if seen["people"] != "1":
        who += " with another person" if seen["people"] == "2" else " with two other people"
    if things:
        who += " next to " + _listed([thing if thing == "flowers" else article(thing) for thing in things])
    place = ("in the " if seen["setting"] in _INTO else "on the ") + seen["setting"]
    parts = (place, _TIMES[seen["time"]], _WEATHERS.get(seen.get("weather", ""), ""))
    return f"{seen['shot']}{angle} of {who}, " + " ".join(part for part in parts if part)


def _other(options: tuple[str, ...], value: str, rng: np.random.Generator) -> str:
    return str(rng.choice([option for option in options if option != value]))


def _one_of(rng: np.random.Generator, *forms: str) -> str:
    return forms[int(rng.integers(len(forms)))]


Asker = Callable[[Truth, tuple[str, ...], bool, np.random.Generator], "str | None"]


def _asks(name: str, *forms: str, say: dict[str, str] | None = None, alone: bool = False) -> Asker:
    """A question about one attribute; ``alone``: only of somebody alone, so that "the person" is clear."""

    def ask(seen: Truth, _: tuple[str, ...], yes: bool, rng: np.random.Generator) -> str | None:
        if name not in seen or (alone and seen["people"] != "1"):
            return None
        value = seen[name] if yes else _other(ATTRIBUTES[name], seen[name], rng)
        return _one_of(rng, *forms).format((say or {}).get(value, value))

    return ask


def _ask_hat(seen: Truth, _: tuple[str, ...], yes: bool, rng: np.random.Generator) -> str | None:
    if seen["people"] != "1" or (yes and seen["hat"] == "none"):
        return None
    hats, colours = ATTRIBUTES["hat"][1:], ATTRIBUTES["hat colour"]
    hat, colour = seen["hat"], seen.get("hat colour", "")
    if yes:
        named = _one_of(rng, f"{colour} {hat}", f"{colour} hat", hat)
    elif hat == "none" or rng.random() < 0.5:
        named = f"{rng.choice(colours)} {_other(hats, hat, rng)}"
    else:
        named = f"{_other(colours, colour, rng)} {_one_of(rng, hat, 'hat')}"
    return _one_of(rng, "Is there a person in {}?", "Is the person wearing {}?", "Does the picture show {}?").format(
        article(named)
    )


def _ask_garment(seen: Truth, _: tuple[str, ...], yes: bool, rng: np.random.Generator) -> str | None:
    if seen["people"] != "1" or "garment" not in seen:
        return None
    colour, garment = seen["garment colour"], seen["garment"]
    if not yes:
        if rng.random() < 0.5:
            colour = _other(ATTRIBUTES["garment colour"], colour, rng)
        else:
            garment = _other(ATTRIBUTES["garment"][:13], garment, rng)
    named = f"{colour} {garment}"
    return _one_of(
        rng, "Is the person wearing {}?", "Is there a person in {}?", "Who wears {}, is it this person?"
    ).format(named if named.endswith("s") else article(named))


def _ask_thing(_: Truth, things: tuple[str, ...], yes: bool, rng: np.random.Generator) -> str | None:
    if yes and not things:
        return None
    thing = str(rng.choice(things if yes else [name for name in PROP_NAMES if name not in things]))
    return _one_of(rng, "Is there {}?", "Does the picture show {}?", "Can you see {}?").format(
        thing if thing == "flowers" else article(thing)
    )


def _ask_beard(seen: Truth, _: tuple[str, ...], yes: bool, rng: np.random.Generator) -> str | None:
    if "beard" not in seen or seen["people"] != "1" or (seen["beard"] != "none") != yes:
        return None
    return _one_of(rng, "Does the person have a beard or moustache?", "Is there a bearded person?")


_HAIRS = {value: f"{value} hair" for value in ATTRIBUTES["hair colour"]}

ASKERS: dict[str, Asker] = {
    "setting": _asks("setting", "Is this in the {}?", "Is the setting a {}?", "Does the picture show a {}?"),
    "time": _asks("time", "Is it {}?", "Was this picture made {}?", say=_TIMES),
    "weather": _asks("weather", "Is the weather {}?", "Is this {} weather?"),
    "shot": _asks("shot", "Is this a {}?", "Is the picture framed as a {}?"),
    "angle": _asks("angle", "Is it seen from {}?", "Is the camera at {}?"),
    "people": _asks("people", "Are there {}?", "Does the picture show {}?", say=_COUNTS),
    "action": _asks("action", "Is the person {}?", "Is there somebody {}?", alone=True,
                    say={name: action.phrase for name, action in ACTIONS.items()}),
    "expression": _asks("expression", "Is the person {}?", "Does the person look {}?", say=_MOODS, alone=True),
    "pattern": _asks("pattern", "Are the clothes {}?", say={**_PATTERNS}, alone=True),
    "hair": _asks("hair", "Does the person have {} hair?", alone=True),
    "hair colour": _asks("hair colour", "Does the person have {}?", say=_HAIRS, alone=True),
    "beard": _ask_beard, "hat": _ask_hat, "garment": _ask_garment, "thing": _ask_thing,
}  # fmt: skip
"""Questions by what they ask for; an asker gives ``None`` when the picture has no such question."""


def question(
    seen: Truth, things: tuple[str, ...], rng: np.random.Generator, *, kind: str | None = None
) -> tuple[str, str, str]:
    """A question, its answer ("yes" or "no", equally often) and what it asks for."""
    yes = bool(rng.random() < 0.5)
    for _ in range(50):
        yes = bool(rng.random() < 0.5) if kind else yes
        name = kind or str(rng.choice(tuple(ASKERS)))
        text = ASKERS[name](seen, things, yes, rng)
        if text:
            return text, "yes" if yes else "no", name
    raise ValueError(f"this picture has no question about {kind}")


def figure_question(seen: Truth, things: tuple[str, ...], rng: np.random.Generator) -> tuple[str, str, str]:
    """VQAScore's question about a true caption, or about the same with one thing changed."""
    text = caption(seen, things, looks=bool(rng.random() < 0.5))
    if rng.random() < 0.5:
        return QUESTION.format(text), "yes", "figure"
    changed = reworded(text, rng)
    if changed is None:
        raise ValueError(f"nothing in {text!r} can be changed")
    return QUESTION.format(changed[0]), "no", "figure"


def seen_numbers(numbers: np.ndarray) -> np.ndarray:
    """Rows of attribute numbers with -100 for what a picture of that shot size doesn't show."""
    names, shots = list(ATTRIBUTES), ATTRIBUTES["shot"]
    shot = numbers[:, names.index("shot")]
    result = numbers.copy()
    for hidden, shown in ((_FACE, _FACE_SHOTS), (("action",), _ACTION_SHOTS), (("pattern",), shots[:-1])):
        away = ~np.isin(shot, [shots.index(name) for name in shown])
        for name in hidden:
            result[away, names.index(name)] = -100
    return result
