"""Invented characters: a description from which the illustrator draws pictures, the same bytes every time.

A folder with a ``character.json`` in place of pictures is such a character. Its pictures are known to the last detail,
so a test can ask of every model what it made of them.
"""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from creative_lab.characters.errors import CharacterError
from creative_lab.characters.photographs import Photograph, as_jpeg
from creative_lab.illustrator.identity import Identity

DESCRIPTION = "character.json"

_SHOTS = ("close-up", "close-up", "medium close-up", "medium close-up", "medium shot", "medium wide shot")
"""Shot sizes in turn: two thirds show the face from nearby."""


class SampleCharacter(BaseModel):
    """What ``character.json`` says. ``identity`` names every feature of the face (see ``illustrator.identity``)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    trigger: str
    about: str = ""
    first_seed: int = Field(ge=0, description="Seed of the first picture; the others follow.")
    pictures: int = Field(ge=1, le=200)
    side: int = Field(default=128, ge=64, le=1024, description="Width and height of the pictures.")
    identity: dict[str, Any]

    def person(self) -> Identity:
        """The face. Raises :class:`CharacterError` naming features that are missing or unknown."""
        known = {field.name for field in fields(Identity)}
        wrong = sorted(known ^ set(self.identity))
        if wrong:
            raise CharacterError(f"{self.name}: identity: missing or unknown features: {', '.join(wrong)}")
        return Identity(**self.identity)


def read_description(folder: Path) -> SampleCharacter:
    """The description in ``folder``. Raises :class:`CharacterError` naming file and field."""
    path = folder / DESCRIPTION
    try:
        return SampleCharacter.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise CharacterError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except (OSError, ValueError) as error:
        raise CharacterError(f"{path}: {error}") from None


def scenes(sample: SampleCharacter) -> list[Any]:
    """The scenes of the character's pictures: alone, in ever other clothes, places, moods and shot sizes."""
    from dataclasses import replace

    from creative_lab.illustrator.sample import sample_scene

    person = sample.person()
    made = []
    for number in range(sample.pictures):
        scene = sample_scene(sample.first_seed + number, identity=person, people=1, shot=_SHOTS[number % len(_SHOTS)])
        # A hat hides what the trigger has to learn: hair. And a face asleep or turned far away teaches little.
        lead = replace(scene.people[0], hat="none")
        made.append(replace(scene, people=(lead,), props=scene.props[:1]))
    return made


def draw(sample: SampleCharacter) -> list[Photograph]:
    """The character's pictures."""
    from creative_lab.illustrator.scene import draw_scene

    drawn = []
    for number, scene in enumerate(scenes(sample)):
        data, width, height = as_jpeg(draw_scene(scene, sample.side, sample.side).pixels)
        drawn.append(Photograph(f"{number:03d}", f"{number:03d}.jpg", data, width, height))
    return drawn


def invented(seed: int, **features: Any) -> dict[str, Any]:
    """Features of person ``seed`` with some changed, for writing a new description."""
    values = asdict(Identity.from_seed(seed).variant(**features))
    return {
        name: round(value, 3) if isinstance(value, float | np.floating) else value for name, value in values.items()
    }
