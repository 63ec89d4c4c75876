"""The embedded voices: they answer the room's questions by rule, without a model, a key or a network.

They are what the miniature profile uses. Their model ids begin with ``embedded/``, and rows carry them.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

from creative_lab.language.types import Drafter, LanguageRequest
from creative_lab.storyboards.cinematographer import Subject, WorldScene, negative_words, world_scene
from creative_lab.storyboards.prompt_scores import Judgement, missing_parts, quick_score
from creative_lab.storyboards.scenes import Scene
from creative_lab.storyboards.teller import tell

BREAKDOWN, WRITER, ENGINEER, NEGATIVE = (
    "storyboard-breakdown",
    "storyboard-cinematographer",
    "storyboard-prompt-engineer",
    "storyboard-negative",
)
"""Slugs of the prompt templates, and of the rules that answer instead."""

VOICES = {
    BREAKDOWN: "embedded/breakdown",
    WRITER: "embedded/cinematographer",
    ENGINEER: "embedded/prompt-engineer",
    NEGATIVE: "embedded/negative",
}
"""What rows call the rule that answered."""


def drafters() -> dict[str, Drafter]:
    """The rules by slug."""
    return {BREAKDOWN: _breakdown, WRITER: _writer, ENGINEER: _engineer, NEGATIVE: _negative}


def world_of(inputs: Any) -> WorldScene:
    """The scene of a question in the drawn world's words."""
    scene = Scene.model_validate(inputs["scene"])
    return world_scene(scene, time=inputs.get("time"), weather=inputs.get("weather"))


def _breakdown(request: LanguageRequest, schema: type[BaseModel]) -> BaseModel:
    inputs = request.inputs
    return _fill(schema, tell(inputs["story"], most=inputs["num_scenes"], hero_name=inputs.get("subject") or None))


def _writer(request: LanguageRequest, schema: type[BaseModel]) -> BaseModel:
    """Say more in every round: the time of day first, then the look of the face."""
    inputs = request.inputs
    subject = Subject(inputs.get("trigger"), inputs.get("subject") or "")
    return schema.model_validate({"text": world_of(inputs).text(subject, detail=int(inputs["round"]))})


def _engineer(request: LanguageRequest, schema: type[BaseModel]) -> BaseModel:
    inputs = request.inputs
    text = inputs["prompt"]
    scores = quick_score(text, subject=inputs.get("trigger"), brand=inputs["brand"], style=inputs["style"])
    wishes = missing_parts(text)
    critique = f"missing: {'; '.join(wishes)}" if wishes else "everything that the rules ask for is there"
    return _fill(schema, Judgement(critique=critique, scores=scores, overall=scores.overall, improvements=wishes))


def _negative(request: LanguageRequest, schema: type[BaseModel]) -> BaseModel:
    return schema.model_validate({"text": negative_words(world_of(request.inputs))})


def _fill(schema: type[BaseModel], answer: BaseModel) -> BaseModel:
    return answer if isinstance(answer, schema) else schema.model_validate(json.loads(answer.model_dump_json()))
