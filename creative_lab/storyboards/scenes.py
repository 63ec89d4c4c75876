"""Scenes: what every frame of a storyboard shows, whichever source they come from, and the way to rows and back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict, Field

from creative_lab.lake.schemas import table_frame
from creative_lab.storyboards import script_rows
from creative_lab.storyboards import vocabulary as words
from creative_lab.storyboards.breakdown import Markers, Mended
from creative_lab.storyboards.framing import room_for
from creative_lab.storyboards.record import Presence, ScenesSource, StoryboardRecord
from creative_lab.storyboards.tables import StoryboardScenes
from creative_lab.storyboards.teller import place_phrase, proper_names

if TYPE_CHECKING:
    import polars as pl

SCENE_SECONDS = 3.0
"""Length of a scene whose source says nothing about it."""
COHERENT = "consistent with the other frames of the story"


class Scene(Markers):
    """One frame to draw, with what all frames share. The fields are the columns of ``storyboard_scenes``."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    scene: int = Field(ge=1)
    title: str
    source: str
    source_key: str
    character: str | None = None
    description: str
    action: str = ""
    background: str = ""
    elements: list[str] = Field(default_factory=list)
    shot: str | None = None
    camera: str | None = None
    subject_presence: Presence = "full"
    expected_faces: int = 1
    dialogue: str | None = None
    shown_text: str | None = None
    start_seconds: float = 0.0
    duration_seconds: float = SCENE_SECONDS
    script_row: int | None = None
    given_prompt: str | None = None
    identifier: str = ""
    continuity: str | None = None
    guidelines: str | None = None
    transition: str | None = None
    mended: list[str] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)
    reasoning: str = ""
    model_id: str = ""
    cost_usd: float = 0.0
    seconds: float = 0.0

    @property
    def with_subject(self) -> bool:
        """Whether the main subject is to be seen."""
        return self.subject_presence != "none"

    @property
    def markers(self) -> Markers:
        """What all frames share."""
        return Markers.model_validate(self.model_dump())


def story_scenes(record: StoryboardRecord, told: Mended, **made: Any) -> list[Scene]:
    """Scenes of a story from its breakdown; ``made`` says who made it (reasoning, model_id, cost_usd, seconds)."""
    count = len(told.scenes)
    target = record.settings.target_duration
    lengths = _lengths(target if target is not None else SCENE_SECONDS * count, count)
    scenes = []
    for index, item in enumerate(told.scenes):
        subject = item.subject_presence != "none"
        faces = item.people_visible
        if faces is None:
            faces = count_faces(item.description, subject=subject)
        scenes.append(
            Scene(
                **_common(record, index),
                description=item.description,
                action=_action(item.description),
                background=item.background,
                elements=item.elements,
                shot=choose_shot(item.description, index, subject=subject, faces=faces, face_kept=_face_kept(record)),
                subject_presence=item.subject_presence,
                expected_faces=min(3, max(faces, 1 if subject else 0)),
                dialogue=item.dialogue,
                start_seconds=round(sum(lengths[:index]), 3),
                duration_seconds=lengths[index],
                continuity=item.continuity or (_continuity(told, index) if index else None),
                guidelines=item.guidelines or COHERENT,
                transition=item.transition or (_transition(told, index) if index else None),
                mended=told.mended[index],
                warnings=told.warnings[index],
                **told.markers.model_dump(),
                **(made if index == 0 else made | {"cost_usd": 0.0, "seconds": 0.0}),
            )
        )
    return scenes


def script_scenes(
    record: StoryboardRecord, rows: Sequence[Mapping[str, Any]], *, job_id: str, code: str, visual_style: str
) -> list[Scene]:
    """One scene per row of an adapted script, in order."""
    cast = script_rows.cast_of([row["visual_text"] for row in rows])
    scenes: list[Scene] = []
    start = 0.0
    for index, row in enumerate(rows):
        told = script_rows.read_row(row["visual_text"], row["audio_text"], cast=cast)
        seconds = row.get("duration_seconds")
        seconds = SCENE_SECONDS if seconds is None or seconds <= 0 else float(seconds)
        before = scenes[-1] if scenes else None
        scenes.append(
            Scene(
                **_common(record, index),
                description=told.description,
                action=told.action,
                background=told.background or (before.background if before else ""),
                elements=told.elements,
                shot=told.shot
                or choose_shot(
                    told.description,
                    index + 1,
                    subject=told.people > 0,
                    faces=told.people,
                    face_kept=_face_kept(record),
                ),
                camera=told.camera,
                subject_presence=told.presence,
                expected_faces=told.people,
                dialogue=told.dialogue,
                shown_text=told.shown_text,
                start_seconds=round(start, 3),
                duration_seconds=seconds,
                script_row=int(row.get("row", index)),
                style=visual_style or record.settings.style,
                subject_description=f"{record.source.character}, the lead" if record.source.character else "",
                continuity=_same_place(before, told.background),
                guidelines=COHERENT,
                mended=[] if told.shot else ["the row names no shot size: one was chosen"],
                model_id="script rows, read by rule",
            ).model_copy(update={"identifier": f"{job_id}_{code}_row-{index + 1:02d}"})
        )
        start += seconds
    return scenes


def given_scenes(record: StoryboardRecord, source: ScenesSource) -> list[Scene]:
    """Scenes as a person wrote them."""
    scenes, start = [], 0.0
    for index, item in enumerate(source.scenes):
        subject = item.subject_presence != "none"
        faces = count_faces(item.description, subject=subject, character=source.character)
        found = words.places(item.description)
        scenes.append(
            Scene(
                **_common(record, index),
                description=item.description,
                action=_action(item.description),
                background=place_phrase(found[0].word) if found else "",
                elements=[thing.word for thing in words.things(item.description)],
                shot=shot_mark(item.shot)
                or choose_shot(item.description, index, subject=subject, faces=faces, face_kept=_face_kept(record)),
                subject_presence=item.subject_presence,
                expected_faces=faces,
                dialogue=item.dialogue,
                start_seconds=round(start, 3),
                duration_seconds=item.duration_seconds,
                given_prompt=item.prompt,
                subject_description=f"{source.character}, the same in every frame" if source.character else "",
                guidelines=COHERENT,
                model_id="given",
            )
        )
        start += item.duration_seconds
    return scenes


def count_faces(description: str, *, subject: bool, character: str | None = None) -> int:
    """Faces that a description asks for, at most three.

    The subject is one of the people whom it calls by a role, unless it calls the subject by name beside them: by a
    proper name or a word of ``character``'s key.
    """
    others = max(len(words.people(description)), words.group_size(description))
    named = len(_names(description, character))
    return min(3, max(1, others + named) if subject else others + named)


def _names(description: str, character: str | None) -> set[str]:
    """The proper names of people in a description; a place after a preposition and an ordinary first word are none."""
    found = set()
    key = (character or "").lower().split("-")
    for name in proper_names(description):
        start = description.index(name)
        ordinary = words.people(name) or words.things(name) or words.places(name) or words.group_size(name)
        placed = re.search(
            r"\b(?:in|at|from|near|to|through|over|into|across|of)\s+(?:the\s+)?$", description[:start], re.I
        )
        after = description[start + len(name) :]
        acts = re.match(r"\s*(?:$|,|'s\b|’s\b|and\b|with\b|is\b|in\b|on\b|at\b|by\b)", after) or words.actions(
            after.split(maxsplit=1)[0] if after.split() else ""
        )
        if name.lower() in key or (not ordinary and not placed and (start > 0 or acts)):
            found.add(name)
    return found


def shot_mark(text: str | None) -> str | None:
    """A shot size as its abbreviation, from the abbreviation or the words; None for anything else."""
    if not text:
        return None
    mark = script_rows.clean_visual(f"{text}: x").partition(":")[0]
    return mark if mark in words.SHOTS else None


def choose_shot(description: str, index: int, *, subject: bool, faces: int, face_kept: bool = False) -> str:
    """A shot size for a scene that names none; ``face_kept`` says that a character's face is to be known again.

    A landscape is wide; frame 1 shows the face; feelings are close; movement and company need room, and so do things
    that stand on the ground.
    """
    named = next((mark for mark in script_rows.MARKS if f"{mark}: " in script_rows.clean_visual(description)), None)
    if named in words.SHOTS:
        return named
    if not subject:
        return "WS"
    if "closer look at the face" in description:
        return "CU"
    if "wider view" in description:
        return "WS"
    wanted = _wanted_shot(description, index, faces=faces)
    return room_for(description, wanted, first=index == 0, face_kept=face_kept)


def _face_kept(record: StoryboardRecord) -> bool:
    """Whether frames are compared by a character's face; line art shows faces at any size."""
    return bool(record.source.character) and record.method != "wireframe"


def _wanted_shot(description: str, index: int, *, faces: int) -> str:
    """The shot size that people and what they do and feel ask for, whatever is beside them."""
    if index == 0:
        return "MCU" if faces <= 1 else "MS"
    acted = next((found.world for found in words.actions(description) if found.world), None)
    if faces >= 2:
        return "MS" if acted in (None, "standing", "sitting", "reading") else "MWS"
    if acted in {"running", "jumping", "dancing", "walking", "kneeling", "cheering"}:
        return "MWS"
    return "MCU" if words.first_of(words.FACES, description) else "MS"


def _common(record: StoryboardRecord, index: int) -> dict[str, Any]:
    return {
        "scene": index + 1,
        "title": record.title,
        "source": record.source.kind,
        "source_key": record.source_key,
        "character": record.source.character,
        "identifier": f"{record.key}_scene-{index + 1:02d}",
    }


def _action(description: str) -> str:
    found = words.actions(description)
    return found[0].word if found else ""


def _lengths(total: float, count: int) -> list[float]:
    """Equal lengths in whole frames of 1/25 s; the last scene takes what is left, so that the sum is ``total``."""
    each = round(total / count * 25) / 25
    return [each] * (count - 1) + [round(total - each * (count - 1), 3)]


def _continuity(told: Mended, index: int) -> str:
    before, now = told.scenes[index - 1], told.scenes[index]
    shared = [element for element in now.elements if element in before.elements]
    same = "the place stays the same" if before.background == now.background else f"the place is new: {now.background}"
    return f"{same}; {', '.join(shared)} as before" if shared else same


def _transition(told: Mended, index: int) -> str:
    same = told.scenes[index - 1].background == told.scenes[index].background
    return "direct cut within the place" if same else "cut to another place"


def _same_place(before: Scene | None, background: str) -> str | None:
    if before is None:
        return None
    return "the place stays the same" if not background or background == before.background else None


def scene_frame(key: str, scenes: Sequence[Scene]) -> pl.DataFrame:
    """Rows of ``storyboard_scenes``."""
    return table_frame(StoryboardScenes, [{"storyboard": key, **scene.model_dump()} for scene in scenes])


def scenes_of(frame: pl.DataFrame) -> list[Scene]:
    """Scenes from their rows, in order."""
    return [Scene.model_validate(row) for row in frame.sort("scene").iter_rows(named=True)]
