"""The prompts of a storyboard: every scene through the two-agent loop, before any picture is drawn."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from creative_lab.lake.schemas import table_frame
from creative_lab.language.errors import LanguageError
from creative_lab.storyboards import composing
from creative_lab.storyboards.asking import Asker, SceneAgents
from creative_lab.storyboards.cinematographer import Subject, story_light, world_scene
from creative_lab.storyboards.composing import Advice
from creative_lab.storyboards.enhancement import Enhancement, enhance, without_contradictions
from creative_lab.storyboards.prompt_scores import PromptScores, quick_score
from creative_lab.storyboards.record import StoryboardRecord
from creative_lab.storyboards.scenes import Scene
from creative_lab.storyboards.tables import PromptRounds, ScenePrompts
from creative_lab.storyboards.traces import Traces

if TYPE_CHECKING:
    import polars as pl


class DrawnPrompt(BaseModel):
    """What drawing needs of a scene's prompt; the fields are columns of ``scene_prompts``."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    scene: int
    enhanced_prompt: str
    prompt: str
    negative_prompt: str
    picture_model: str
    action: str | None = None
    unmapped: list[str] = []


@dataclass(frozen=True)
class MadePrompt:
    """One scene's prompt and everything about how it came about."""

    scene: Scene
    base: str
    made: Enhancement
    prompt: str
    negative: str
    action: str | None
    unmapped: tuple[str, ...]
    advice: Advice
    seconds: float


@dataclass(frozen=True)
class Cast:
    """Who plays in a storyboard: what the picture model calls the subject."""

    trigger: str | None = None
    description: str = ""


def write_prompts(
    record: StoryboardRecord,
    scenes: Sequence[Scene],
    *,
    asker: Asker,
    advice: Advice,
    cast: Cast,
    traces: Traces,
    cancelled: Callable[[], bool] = lambda: False,
    on_scene: Callable[[MadePrompt], None] = lambda _: None,
) -> list[MadePrompt]:
    """The prompt of every scene, in order. A failed enhancement leaves the scene its base prompt and says so.

    Stops between scenes when ``cancelled`` and returns what was written.
    """
    lights = story_light(scenes)
    written = []
    for scene, (daytime, weather) in zip(scenes, lights, strict=True):
        if cancelled():
            break
        agents = SceneAgents(asker, scene, record, advice, cast.trigger, cast.description, daytime, weather)
        made = _write(record, scene, agents, advice, cast, traces)
        on_scene(made)
        written.append(made)
    return written


def _write(
    record: StoryboardRecord, scene: Scene, agents: SceneAgents, advice: Advice, cast: Cast, traces: Traces
) -> MadePrompt:
    began = time.perf_counter()
    unmapped: tuple[str, ...] = ()
    world = world_scene(scene, time=agents.time, weather=agents.weather) if advice.world else None
    if world is not None:
        base = scene.given_prompt or world.text(Subject(cast.trigger, cast.description), detail=0)
        unmapped = world.unmapped
    else:
        base = composing.base_prompt(scene, method=record.method, trigger=cast.trigger)
    action = _pose_action(scene)
    quick = partial(
        quick_score, subject=cast.trigger, brand=record.settings.brand_name, style=record.settings.style or scene.style
    )
    traces.write(scene.scene, "00_original_prompt.txt", base)
    made = _enhanced(record, scene, base, agents, quick, traces)
    negative, negative_from, extra = _negative(record, scene, made, agents, advice)
    made.negative, made.negative_from = negative, negative_from
    made.cost_usd += extra
    prompt = composing.compose(made.text, scene, advice)
    seconds = time.perf_counter() - began
    traces.prompt(scene.scene, made, final=prompt, negative=negative, model=made.model_id or "none")
    return MadePrompt(scene, base, made, prompt, negative, action, tuple(unmapped), advice, seconds)


def _enhanced(
    record: StoryboardRecord,
    scene: Scene,
    base: str,
    agents: SceneAgents,
    quick: Callable[[str], PromptScores],
    traces: Traces,
) -> Enhancement:
    initial = quick(base)
    if scene.given_prompt is not None:
        return Enhancement(base, base, initial, initial, "given", "the source brought its own prompt")
    if not record.settings.enhancement:
        return Enhancement(base, base, initial, initial, "off", "enhancement is switched off")
    return enhance(
        base,
        agents,
        most_rounds=record.settings.max_enhancement_iterations,
        target=record.settings.enhancement_target,
        quick=quick,
        on_round=lambda done: traces.round(scene.scene, done),
        catch=(LanguageError, ValueError),
    )


def _negative(
    record: StoryboardRecord, scene: Scene, made: Enhancement, agents: SceneAgents, advice: Advice
) -> tuple[str, Any, float]:
    """The negative prompt, who wrote it, and its cost."""
    default = composing.default_negative(scene, record.method, advice)
    if record.method == "wireframe" or not record.settings.enhancement:
        return without_contradictions(default, made.text), "default", 0.0
    try:
        told = agents.negative(made.text)
    except (LanguageError, ValueError) as error:
        made.reason += f"; negative prompt by default: {error}"
        return without_contradictions(default, made.text), "default", 0.0
    text = without_contradictions(told.text, made.text)
    if not text:
        return without_contradictions(default, made.text), "default", told.cost_usd
    return text, "rules" if told.model_id.startswith("embedded/") else "model", told.cost_usd


def _pose_action(scene: Scene) -> str | None:
    """The action whose pose guides the drawing; None where no body is to be seen."""
    if not scene.with_subject or scene.shot == "ECU":
        return None
    return world_scene(scene).action


def prompt_frame(key: str, made: Sequence[MadePrompt], picture_model: str) -> pl.DataFrame:
    """Rows of ``scene_prompts``."""
    return table_frame(
        ScenePrompts,
        [
            {
                "storyboard": key,
                "scene": item.scene.scene,
                "base_prompt": item.base,
                "enhanced_prompt": item.made.text,
                "prompt": item.prompt,
                "negative_prompt": item.negative,
                "negative_from": item.made.negative_from,
                "enhanced": item.made.enhanced,
                "stopped": item.made.stopped,
                "reason": item.made.reason,
                "initial_overall": item.made.initial.overall,
                **item.made.scores.columns(),
                "rounds": len(item.made.rounds),
                "picture_model": picture_model,
                "advice": item.advice.text,
                "action": item.action,
                "unmapped": list(item.unmapped),
                "model_id": item.made.model_id or "none asked",
                "cost_usd": item.made.cost_usd,
                "seconds": item.seconds,
            }
            for item in made
        ],
    )


def round_frame(key: str, made: Sequence[MadePrompt]) -> pl.DataFrame:
    """Rows of ``prompt_rounds``; none when no scene was enhanced."""
    return table_frame(
        PromptRounds,
        [
            {
                "storyboard": key,
                "scene": item.scene.scene,
                "round": done.number,
                "prompt": done.prompt,
                **done.scores.columns(),
                "model_overall": done.judgement.overall,
                "critique": done.judgement.critique,
                "improvements": done.judgement.improvements,
                "kept": done.number == item.made.kept_round,
                "model_id": done.model_id,
                "seconds": done.seconds,
            }
            for item in made
            for done in item.made.rounds
        ],
    )


def prompts_of(frame: pl.DataFrame) -> dict[int, DrawnPrompt]:
    """Prompts from their rows, by scene."""
    return {row["scene"]: DrawnPrompt.model_validate(row) for row in frame.iter_rows(named=True)}
