"""A story in scenes: the shape of the language model's reply and the rules that every reply is brought under.

The rules hold for replies of any model: at most as many scenes as asked for, at least six, a first frame that shows the
face from the front with the story's elements in it, one fixed descriptor per recurring element, a background in every
frame. What is mended is said; what only a person can mend is a warning.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from creative_lab.language.structured import read_reply
from creative_lab.storyboards import vocabulary as words
from creative_lab.storyboards.record import LEAST_SCENES, Presence

FRONTAL_CLAUSE = "seen from the front, face clearly visible"

_TURNED = re.compile(
    r"""\b(?:
        (?:seen\s+|shown\s+|shot\s+|viewed\s+)?
            from\s+(?:the\s+)?(?:back|behind|side|rear|afar|above|far\s+away|a\s+distance)
        | (?:back|rear|side|profile|aerial|distant|bird's-eye)\s+(?:view|shot|angle)
        | in\s+(?:full\s+)?profile
        | (?:with\s+)?(?:his|her|their|the)\s+back\s+(?:is\s+)?turned(?:\s+to\s+(?:us|the\s+(?:camera|viewer)))?
        | (?:with\s+)?(?:his|her|their|the)\s+back\s+to\s+(?:us|the\s+(?:camera|viewer))
        | (?:turned|facing|looking)\s+away(?:\s+from\s+(?:us|the\s+(?:camera|viewer)))?
        | (?:as\s+an?\s+|in\s+)?silhouettes?(?:d)?
        | (?:extreme\s+)?(?:wide|long)\s+shot(?:\s+of)?
        | in\s+the\s+(?:far\s+)?distance
        | (?:an?\s+)?(?:tiny|distant|small,?\s+distant)\s+figure
        | over[\s-]the[\s-]shoulder
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)
"""Words for somebody who is not seen from the front, in whole phrases: "background", "horseback" and "comes back" are
none of them."""
_FRONTAL = re.compile(
    r"""\b(?:
        fac(?:es|ing)\s+(?:straight\s+)?(?:the\s+)?(?:camera|viewer|us|front|forward|forwards)
        | (?:seen\s+)?from\s+(?:the\s+)?front | front\s+view | frontal(?:ly)? | front-facing | portrait
        | face\s+(?:is\s+)?(?:clearly\s+|fully\s+|properly\s+)?visible
        | (?:look|gaz|smil)(?:s|es|ing)\s+(?:straight\s+|directly\s+)?
            (?:at|into|to)\s+(?:the\s+)?(?:camera|viewer|lens|us)
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)


class BreakdownError(ValueError):
    """A reply that holds no scenes."""


class Markers(BaseModel):
    """What all frames share; ``subject_description`` is copied word for word into every scene with the subject."""

    model_config = ConfigDict(extra="ignore")

    style: str = ""
    color_palette: str = ""
    lighting: str = ""
    composition: str = ""
    mood: str = ""
    subject_description: str = ""


class SceneReply(BaseModel):
    """One scene as a model tells it; only the description is needed."""

    model_config = ConfigDict(extra="ignore")

    frame: int | None = None
    description: str = Field(min_length=1)
    background: str = ""
    elements: list[str] = Field(default_factory=list)
    subject_presence: Presence = "full"
    people_visible: int | None = Field(default=None, ge=0, le=20)
    dialogue: str | None = None
    continuity: str | None = None
    guidelines: str | None = None
    transition: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _tolerant(cls, data: Any) -> Any:
        if isinstance(data, str):
            return {"description": data}
        if isinstance(data, dict):
            data = dict(data)
            for other in ("detailed_prompt", "image_generation_prompt", "prompt", "text", "scene"):
                if not data.get("description") and isinstance(data.get(other), str):
                    data["description"] = data[other]
            data.setdefault("frame", data.get("scene_number"))
            presence = str(data.get("subject_presence", "full")).lower()
            data["subject_presence"] = next(
                (known for known in ("appears", "disappears", "partial", "none") if presence.startswith(known)), "full"
            )
        return data


class BreakdownReply(BaseModel):
    """A story in scenes. A list under another key, or a bare one, is taken for the scenes."""

    model_config = ConfigDict(extra="ignore")

    reasoning: str = ""
    num_scenes: int | None = None
    consistency_markers: Markers = Markers()
    scenes: list[SceneReply]

    @model_validator(mode="before")
    @classmethod
    def _tolerant(cls, data: Any) -> Any:
        if isinstance(data, list):
            return {"scenes": data}
        if isinstance(data, dict) and not isinstance(data.get("scenes"), list) and not _is_scene(data):
            lists = [value for value in data.values() if isinstance(value, list) and value]
            if len(lists) == 1:
                return {**data, "scenes": lists[0]}
        return data


def _is_scene(data: dict[str, Any]) -> bool:
    """Whether an object is one scene out of a list: taking it for the whole would lose the others."""
    return bool({"description", "detailed_prompt", "frame", "scene_number"} & set(data))


def read_breakdown(text: str) -> BreakdownReply:
    """A model's free answer as a breakdown: an object with the scenes, or a bare list of them.

    Raises ReplyError or :class:`BreakdownError` when there is neither.
    """
    start, end = text.find("["), text.rfind("]")
    first = text.find("{")
    if 0 <= start < end and (first < 0 or start < first):
        try:
            return BreakdownReply.model_validate(json.loads(text[start : end + 1]))
        except (ValueError, RecursionError) as error:
            raise BreakdownError(f"the list of scenes cannot be read: {str(error).splitlines()[0]}") from error
    return read_reply(text, BreakdownReply, "creative").value


class Mended(BaseModel):
    """A breakdown under the rules, what was changed per scene (by index) and what the check found per scene."""

    scenes: list[SceneReply]
    markers: Markers
    mended: list[list[str]]
    warnings: list[list[str]]


def sounds_turned(description: str) -> str | None:
    """The words that say somebody is seen from behind, from the side, as a silhouette or from far away."""
    found = _TURNED.search(description)
    return found.group() if found else None


def is_frontal(description: str) -> bool:
    """Whether a description says that the face is seen from the front."""
    return _FRONTAL.search(description) is not None


def mend_first(description: str) -> tuple[str, str | None]:
    """Frame 1 as an identity shot, and what was changed (None: nothing).

    Only words about a turned or distant view go; subject, elements, action and background stay.
    """
    turned = sounds_turned(description)
    text = description
    if turned:
        text = _TURNED.sub("", text)
        text = re.sub(r"\s+([,.;])", r"\1", re.sub(r"\s{2,}", " ", text))
        text = re.sub(r"(?:,\s*){2,}", ", ", text).strip(" ,;")
    if is_frontal(text) and not turned:
        return description, None
    if not is_frontal(text):
        text = f"{text.rstrip('. ')}, {FRONTAL_CLAUSE}"
    why = f"{turned!r} hides the face" if turned else "nothing said that the face is seen from the front"
    return text, f"frame 1 shows the face from the front now: {why}"


def bring_under_rules(reply: BreakdownReply, *, most: int, subject: str | Sequence[str] | None) -> Mended:
    """A model's breakdown with every rule applied. ``subject`` is what the main subject is called, by one word or more.

    Raises :class:`BreakdownError` when there is no scene in it.
    """
    called = (subject,) if isinstance(subject, str) else tuple(subject or ())
    scenes = [scene for scene in reply.scenes if scene.description.strip()]
    if not scenes:
        raise BreakdownError("the breakdown holds no scene")
    if all(scene.frame is not None for scene in scenes) and len({scene.frame for scene in scenes}) == len(scenes):
        scenes = sorted(scenes, key=lambda scene: scene.frame or 0)
    mended: list[list[str]] = [[] for _ in scenes]
    if len(scenes) > most:
        mended[most - 1].append(f"{len(scenes)} scenes were told; the last {len(scenes) - most} are left out")
        scenes, mended = scenes[:most], mended[:most]
    _fix_descriptors(scenes, mended)
    _fix_backgrounds(scenes, mended)
    first, why = mend_first(scenes[0].description)
    if why:
        mended[0].append(why)
    scenes[0] = scenes[0].model_copy(update={"description": first})
    told = len(scenes)
    while len(scenes) < LEAST_SCENES:
        scenes.append(_continuation(scenes[told - 1], len(scenes) - told))
        mended.append([f"only {told} scenes were told: this one continues the last of them"])
    warnings = [_scene_warnings(number, scene, called) for number, scene in enumerate(scenes)]
    scenes = [scene.model_copy(update={"frame": number}) for number, scene in enumerate(scenes, start=1)]
    return Mended(scenes=scenes, markers=reply.consistency_markers, mended=mended, warnings=warnings)


_CONTINUATIONS = (
    "a moment later, closer on the face",
    "the same place a little later, seen wider",
    "a quiet last look at the scene",
    "the story comes to rest",
    "everything is calm again",
)


def _continuation(last: SceneReply, number: int) -> SceneReply:
    text = f"{last.description.rstrip('. ')}, {_CONTINUATIONS[number % len(_CONTINUATIONS)]}"
    return last.model_copy(update={"description": text, "dialogue": None})


def _fix_descriptors(scenes: list[SceneReply], mended: list[list[str]]) -> None:
    """Give every recurring element the descriptor of its first mention, wherever it is mentioned with another."""
    fixed: dict[str, str] = {}
    for scene in scenes:
        for element in scene.elements:
            head = _head(element)
            if head and len(element.split()) > 1:
                fixed.setdefault(head, element.strip())
    for index, scene in enumerate(scenes):
        text, elements = scene.description, []
        for head, descriptor in fixed.items():
            mention = re.search(_mention(head), text, re.IGNORECASE)
            if mention is None:
                continue
            elements.append(descriptor)
            if descriptor.lower() in text.lower():
                continue
            text = text[: mention.start("noun")] + descriptor + text[mention.end() :]
            mended[index].append(f"{mention.group('noun')!r} is {descriptor!r} in every frame")
        # What is listed and not described stays listed: the consistency check names it.
        elements += [element for element in scene.elements if fixed.get(_head(element)) not in elements]
        scenes[index] = scene.model_copy(update={"description": text, "elements": list(dict.fromkeys(elements))})


def _mention(head: str) -> str:
    adjective = rf"(?:(?:{'|'.join((*words.COLOURS, *words.NEAR_COLOURS, *_SIZES))})\s+)"
    return rf"\b(?P<noun>{adjective}*{re.escape(head)})\b"


_SIZES = ("small", "little", "big", "large", "old", "young", "tall", "new", "tiny", "huge", "heavy", "wooden", "lost")


def _head(element: str) -> str:
    """The noun of a descriptor: its last word before "of", "with" or "in"."""
    front = re.split(r"\s+(?:of|with|in|on|at|from)\s+", element.strip().lower())[0]
    found = re.findall(r"[a-zà-ÿ-]+", front)
    return found[-1] if found else ""


def _fix_backgrounds(scenes: list[SceneReply], mended: list[list[str]]) -> None:
    """Name a background in every frame; a frame without one stays where the story was."""
    known = next((scene.background or _place(scene.description) for scene in scenes if _any_place(scene)), "")
    for index, scene in enumerate(scenes):
        place = _place(scene.description)
        background = scene.background or place or known
        text = scene.description
        if background and not place and background.lower() not in text.lower():
            text = f"{text.rstrip('. ')}, {background}"
            if not scene.background:
                mended[index].append(f"the background stays: {background}")
        scenes[index] = scene.model_copy(update={"background": background, "description": text})
        known = background


def _any_place(scene: SceneReply) -> bool:
    return bool(scene.background or _place(scene.description))


def _place(text: str) -> str:
    """The place that a text names, with the words from its preposition on; empty without one."""
    for found in words.places(text):
        before = re.search(
            r"\b(?:in|at|on|through|across|into|over|by|near|along)\s+(?:[\w'-]+\s+){0,3}$", text[: found.start], re.I
        )
        if before:
            return text[before.start() : found.start + len(found.word)].strip()
    found_any = words.places(text)
    return found_any[0].word if found_any else ""


def _scene_warnings(index: int, scene: SceneReply, called: Sequence[str]) -> list[str]:
    """What a person should look at: the consistency check of subject, elements and background."""
    found = []
    with_subject = scene.subject_presence in ("full", "partial")
    if called and with_subject and not any(_names(scene.description, word) for word in called):
        found.append(f"the description does not name {called[0]}")
    for element in scene.elements:
        if element.lower() not in scene.description.lower():
            found.append(f"{element!r} is listed but not described")
    if not scene.background:
        found.append("no background is named")
    if index == 0 and scene.subject_presence == "none":
        found.append("frame 1 should show the subject")
    if len(scene.description.split()) > 40:
        found.append(f"the description has {len(scene.description.split())} words; about 12 draw best")
    return found


def _names(description: str, subject: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(subject)}(?!\w)", description, re.IGNORECASE) is not None
