"""The embedded cinematographer: a scene in the words that the miniature picture model was trained on.

The wording follows ``illustrator.captions``; every word of the story that has no counterpart is named, so that nobody
takes the picture for more than it can be.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from creative_lab.storyboards import vocabulary as words
from creative_lab.storyboards.framing import cuts_off
from creative_lab.storyboards.scenes import Scene

_INDOORS = frozenset({"kitchen", "living room", "office", "classroom", "workshop", "library"})
_IN = frozenset({*_INDOORS, "mountains", "desert", "forest", "village", "park", "field", "market"})
_WHEN = {"dawn": "at dawn", "morning": "in the morning", "noon": "at noon", "evening": "in the evening",
         "night": "at night"}  # fmt: skip
_WEATHER = {"cloudy": "under clouds", "rain": "in the rain", "snow": "in the snow", "fog": "in fog"}
_PHRASES = {"carrying": "carrying something"}
_EXPRESSIONS = {"asleep": "sleeping"}
_ANGLES = {"low angle": "low angle", "high angle": "high angle", "dutch angle": "dutch angle",
           "top shot": "high angle", "bird's-eye": "high angle", "aerial": "high angle"}  # fmt: skip
_ANIMALS = frozenset({"horse", "dog", "cat", "sheep", "camel", "bird"})
_NATURAL = {"basket": "camel", "guitar": "rust", "cake": "cream", "flowers": "pink", "book": "navy", "cup": "white",
            "lamp": "mustard", "table": "brown", "chair": "brown", "car": "teal", "bicycle": "red", "ball": "orange",
            "umbrella": "red", "suitcase": "brown", "kite": "yellow", "phone": "black"}  # fmt: skip
"""Colour of a thing whose colour nobody told: always the same, so that it does not change between frames."""
MOST_THINGS = 2
"""Things beside the people that the world draws in one scene."""
_FACE_SHOTS = ("ECU", "CU")
_NEAR_SHOTS = ("extreme close-up", "close-up", "medium close-up", "medium shot")
_OUTFITS = ("shirt", "jumper", "jacket", "t-shirt")
_OUTFIT_COLOURS = ("red", "mustard", "teal", "blue", "lilac", "green", "orange", "navy")
"""Clothes of a subject of whom nobody told: always the same in a storyboard, so that it does not change its clothes."""
_COLOURS = (
    "red", "rust", "orange", "mustard", "yellow", "olive", "green", "mint", "teal", "turquoise", "sky", "blue", "navy",
    "lilac", "purple", "plum", "pink", "coral", "brown", "camel", "cream", "white", "grey", "black",
)  # fmt: skip
_GARMENTS = (
    *_OUTFITS, "blouse", "hoodie", "cardigan", "blazer", "trench coat", "coat", "dress", "robe", "jumpsuit",
)  # fmt: skip
_WORN = rf"({'|'.join(_COLOURS)}) ({'|'.join(sorted(_GARMENTS, key=len, reverse=True))})\b"
_CLOTHES, _OWN_CLOTHES = re.compile(rf"\b{_WORN}"), re.compile(rf"\b(?:her|his|their) {_WORN}")


@dataclass(frozen=True)
class Subject:
    """How the main subject is called in a prompt: by the trigger of its LoRA, or as a person in words."""

    trigger: str | None = None
    description: str = ""


@dataclass(frozen=True)
class WorldScene:
    """A scene in the world's words, with what was left out or only nearly fits."""

    shot: str
    expression: str
    action: str
    people: int
    with_subject: bool
    things: tuple[str, ...] = ()
    setting: str = "park"
    time: str = "noon"
    weather: str = "clear"
    angle: str = ""
    wears: str = ""
    """What the subject wears, such as ``teal shirt``; the same in every frame."""
    told: frozenset[str] = frozenset()
    """Which of expression, time and weather the story itself tells: these are said in every version of the prompt."""
    unmapped: tuple[str, ...] = field(default=())
    """Words without a counterpart, and those drawn by the nearest one as ``harbour → beach``."""

    def text(self, subject: Subject, *, detail: int = 2) -> str:
        """The prompt. ``detail`` 0 says what the story tells, 1 adds the time of day, 2 the look of the face."""
        outside = self.setting not in _INDOORS
        place = f"{'in' if self.setting in _IN else 'on'} the {self.setting}"
        where = [place]
        if detail >= 1 or "time" in self.told:
            where.append(_WHEN[self.time])
        if outside and self.weather in _WEATHER:
            where.append(_WEATHER[self.weather])
        angle = f", {self.angle}" if self.angle else ""
        who = self._who(subject, detail)
        return f"{self.shot} of {who}, {' '.join(where)}{angle}" if who else f"{self.shot}, {' '.join(where)}{angle}"

    def _who(self, subject: Subject, detail: int) -> str:
        things = [phrase if phrase.endswith("flowers") else _article(phrase) for phrase in self.things]
        if not self.people and not self.with_subject:
            return _listed(things)
        said = detail >= 2 or "expression" in self.told
        expression = _EXPRESSIONS.get(self.expression, self.expression) if said else ""
        if self.with_subject and subject.trigger:
            who = f"{subject.trigger}, {expression}," if expression and expression != "calm" else subject.trigger
        else:
            who = _article(f"{expression} person".strip())
            if self.with_subject and subject.description:
                who += f" with {subject.description}"
        near = self.shot in ("extreme close-up", "close-up")
        if self.with_subject and self.wears and not near:
            who += f" in {_article(self.wears)}"
        if not near:
            who += f" {_PHRASES.get(self.action, self.action)}"
        company = max(0, self.people - 1)
        if company:
            who += " with " + _listed(["another person"] * company)
        if things:
            who += " next to " + _listed(things)
        return who


def world_scene(scene: Scene, *, time: str | None = None, weather: str | None = None) -> WorldScene:
    """``scene`` in the world's words; ``time`` and ``weather`` hold where the scene's own text says nothing."""
    text = f"{scene.description}. {scene.background}"
    missing: list[str] = []
    setting = _setting(text, scene.background, missing)
    things = _things(scene, missing)
    action, face = _action(scene.description, missing), words.first_of(words.FACES, scene.description)
    faces = scene.expected_faces
    shot = words.SHOTS.get(scene.shot or "", "medium shot")
    if faces >= 2 and scene.shot in _FACE_SHOTS:
        shot = "medium close-up"  # a second face would be cut off by the picture's edge
    elif not faces and not scene.with_subject and shot in _NEAR_SHOTS:
        missing.append(f"{shot} → wide shot")  # what the model was trained on shows a face whenever it is near
        shot = "wide shot"
    angle = next((known for told, known in _ANGLES.items() if told in (scene.camera or "")), "")
    return WorldScene(
        shot=shot,
        expression=face or "calm",
        action=action,
        people=faces,
        with_subject=scene.with_subject,
        things=things,
        setting=setting,
        time=words.first_of(words.TIMES, text) or time or "noon",
        weather=words.first_of(words.WEATHERS, text) or weather or "clear",
        angle=angle,
        wears=_outfit(scene),
        told=frozenset(
            name
            for name, known in (
                ("expression", face),
                ("time", words.first_of(words.TIMES, text) or time not in (None, "noon")),
            )
            if known
        ),
        unmapped=tuple(dict.fromkeys(missing)),
    )


def _outfit(scene: Scene) -> str:
    """What the subject wears: as the story says, else chosen once for the storyboard's title.

    In a scene's own text only clothes that are hers, his or theirs count: others may wear some, too.
    """
    told = _CLOTHES.search(scene.subject_description.lower()) or _OWN_CLOTHES.search(scene.description.lower())
    if told:
        return " ".join(told.groups())
    number = int(hashlib.sha256(scene.title.encode()).hexdigest()[:8], 16)
    return f"{_OUTFIT_COLOURS[number % len(_OUTFIT_COLOURS)]} {_OUTFITS[number // 64 % len(_OUTFITS)]}"


def story_light(scenes: Sequence[Scene]) -> list[tuple[str, str]]:
    """Time of day and weather of every scene: they change only where the story says so."""
    lights: list[tuple[str, str]] = []
    whole = [f"{scene.description}. {scene.background}" for scene in scenes]
    time, weather = "noon", "clear"
    for number, text in enumerate(whole):
        time = words.first_of(words.TIMES, text) or time
        moved = number > 0 and scenes[number].background != scenes[number - 1].background
        weather = words.first_of(words.WEATHERS, text) or ("clear" if moved else weather)
        lights.append((time, weather))
    return lights


def negative_words(world: WorldScene) -> str:
    """What a picture of the scene should not show, in the world's words: nothing that the prompt asks for."""
    rules = [] if world.people or world.with_subject else ["person"]
    return ", ".join([*rules, "blurred", "smeared", "noise", "distorted face"])


def _setting(text: str, background: str, missing: list[str]) -> str:
    candidates = [*words.places(background), *words.places(text)]
    for found in candidates:
        if found.world is None:
            missing.append(found.word)
        elif found.near:
            missing.append(f"{found.word} → {found.world}")
    known = next((found.world for found in candidates if found.world), None)
    if known is None:
        missing.append("a place → park" if not candidates else f"{candidates[0].word} → park")
    return known or "park"


def _things(scene: Scene, missing: list[str]) -> tuple[str, ...]:
    told = " ".join([*scene.elements, scene.description])
    found = words.things(told)
    phrases: list[str] = []
    for thing in found:
        if thing.world is None:
            missing.append(thing.word)
            continue
        if thing.near:
            missing.append(f"{thing.word} → {thing.world}")
        if cuts_off(scene.shot or "", thing.world):
            missing.append(f"{thing.word} (outside a {words.SHOTS[scene.shot or '']})")
        if len(phrases) == MOST_THINGS:
            missing.append(f"{thing.word} (a picture holds {MOST_THINGS} things)")
            continue
        colour = words.colour_before(told, thing.start)
        phrases.append(thing.world if thing.world in _ANIMALS else f"{colour or _NATURAL[thing.world]} {thing.world}")
    return tuple(phrases)


def _action(text: str, missing: list[str]) -> str:
    for found in words.actions(text):
        if found.world is None:
            missing.append(found.word)
            continue
        if words.stem(found.word) in {"ride", "drive", "eat", "drink", "sleep", "doze", "write"}:
            missing.append(f"{found.word} → sitting")
        return found.world
    return "standing"


def _article(phrase: str) -> str:
    return ("an " if phrase[:1] in "aeiou" else "a ") + phrase


def _listed(parts: Sequence[str]) -> str:
    if not parts:
        return ""
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
