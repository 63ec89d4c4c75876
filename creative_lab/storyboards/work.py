"""The room's work on one storyboard, from the state database and the lake's frames to new frames.

Each function is what one asset does. All prompts are written before any picture is drawn, and a language model leaves
the memory before a picture model is loaded. Nothing here knows of Dagster.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from creative_lab.lake.events import record_event, stage
from creative_lab.language.errors import LanguageError
from creative_lab.language.types import LanguageReply
from creative_lab.storyboards import breakdown, prompts, scenes, stored, teller
from creative_lab.storyboards.asking import Asker, make_asker
from creative_lab.storyboards.composing import advice_for
from creative_lab.storyboards.embedded import BREAKDOWN
from creative_lab.storyboards.ledger import Ledger
from creative_lab.storyboards.record import ScriptSource, StoryboardRecord, StorySource
from creative_lab.storyboards.traces import Traces

if TYPE_CHECKING:
    from creative_lab.settings import Settings
    from creative_lab.storyboards.drawing import CharacterLora

PLAN_TRIES = 3
"""Times that a story breakdown is asked for before it counts as failed."""


class StoryboardError(ValueError):
    """A storyboard that cannot be worked on; the message says what to do."""


@dataclass(frozen=True)
class Lead:
    """What is known of a storyboard's character: its name, its trigger, and the features of an invented face."""

    key: str
    name: str
    trigger: str | None = None
    identity: dict[str, Any] | None = None


def record_of(settings: Settings, key: str) -> StoryboardRecord:
    """The record of a storyboard. Raises :class:`RecordError` when there is none."""
    from creative_lab.state.db import session_scope

    with session_scope(settings) as session:
        return stored.find_record(session, key)


def lead_of(settings: Settings, character: str | None) -> Lead | None:
    """The character's definition, as the characters' room stored it; only its key when there is none yet."""
    if character is None:
        return None
    told = _definition(settings, character)
    name = str(told.get("name") or character)
    return Lead(character, name, told.get("trigger"), told.get("identity"))


def _definition(settings: Settings, character: str) -> dict[str, Any]:
    """What is stored of a character; empty when it is not defined."""
    from sqlalchemy import select

    from creative_lab.state.db import session_scope
    from creative_lab.state.models import DynamicDefinition

    with session_scope(settings) as session:
        row = session.scalar(
            select(DynamicDefinition).where(DynamicDefinition.kind == "character", DynamicDefinition.key == character)
        )
        return dict(row.definition) if row is not None else {}


def lora_of(settings: Settings, character: str | None) -> CharacterLora | None:
    """The character's LoRA from the table ``lora_weights``. Raises :class:`StoryboardError` when it is not trained."""
    if character is None:
        return None
    from creative_lab.lake.fs import FileSystem
    from creative_lab.storyboards.drawing import CharacterLora

    row = _lora_row(settings, character)
    if row is None:
        first = "" if _definition(settings, character) else f"creative-lab character new {character}, then "
        raise StoryboardError(
            f"the character {character!r} has no LoRA yet: {first}"
            f"creative-lab materialize group:characters --partition {character}"
        )
    path = FileSystem.of_lake(settings).path(row["path"])
    return CharacterLora(character, path, row["sha256"], row["trigger"], row["base_model"], row["chosen_step"])


def _lora_row(settings: Settings, character: str) -> dict[str, Any] | None:
    from creative_lab.lake.tables import TableStore

    store, partition = TableStore(settings), {"character": character}
    return (
        store.read("lora_weights", [partition]).row(0, named=True) if store.exists("lora_weights", partition) else None
    )


# --- scenes


def scene_rows(settings: Settings, key: str, *, run_id: str) -> pl.DataFrame:
    """Rows of ``storyboard_scenes``."""
    record = record_of(settings, key)
    Ledger(settings, key).start(run_id)
    with stage(settings, "storyboard_scenes", run_id=run_id, storyboard=key, character=record.source.character) as out:
        source = record.source
        if isinstance(source, StorySource):
            made = _told(settings, record, source, run_id=run_id)
        elif isinstance(source, ScriptSource):
            made = _from_script(settings, record, source)
        else:
            made = scenes.given_scenes(record, source)
        out.model, out.cost_usd = made[0].model_id, made[0].cost_usd
        out.detail = {"scenes": len(made), "mended": sum(bool(item.mended) for item in made)}
        if any(item.warnings for item in made):
            out.status, out.reason = "warn", "; ".join(f"scene {s.scene}: {w}" for s in made for w in s.warnings)
    return scenes.scene_frame(key, made)


def _told(settings: Settings, record: StoryboardRecord, source: StorySource, *, run_id: str) -> list[scenes.Scene]:
    lead = lead_of(settings, source.character)
    name = lead.name if lead is not None else None
    story = teller.recast(source.story, name)
    hero = teller.find_hero(story, name)
    asker = make_asker(settings, record, run_id=run_id)
    began = time.perf_counter()
    told, model, cost = _breakdown(asker, record, story, hero.name if lead else "")
    mended = breakdown.bring_under_rules(told, most=record.settings.num_scenes, subject=hero.words)
    if model == teller.MODEL:
        mended.warnings[0] += teller.unread(story)
    if record.settings.style:
        mended.markers.style = record.settings.style
    return scenes.story_scenes(
        record, mended, reasoning=told.reasoning, model_id=model, cost_usd=cost, seconds=time.perf_counter() - began
    )


def _breakdown(
    asker: Asker, record: StoryboardRecord, story: str, subject: str
) -> tuple[breakdown.BreakdownReply, str, float]:
    """The language role's breakdown, its model and cost; asked for up to three times, each time afresh."""
    values = {
        "story": story,
        "num_scenes": record.settings.num_scenes,
        "subject": subject,
        "style": record.settings.style,
        "target_duration": record.settings.target_duration or 0,
    }
    problem: Exception | None = None
    for attempt in range(PLAN_TRIES):
        try:
            told, reply = _asked(asker, values, free=attempt > 0)
        except (LanguageError, breakdown.BreakdownError) as error:
            problem = error
            if isinstance(error, LanguageError) and getattr(error, "fault", None) is None:
                raise  # nobody answered: asking again is the client's business
            continue
        if any(scene.description.strip() for scene in told.scenes):
            return told, asker.voice(BREAKDOWN, reply), reply.cost_usd
        problem = breakdown.BreakdownError("the breakdown holds no scene")
    raise StoryboardError(f"{record.key}: no usable breakdown in {PLAN_TRIES} tries: {problem}") from problem


def _asked(asker: Asker, values: dict[str, Any], *, free: bool) -> tuple[breakdown.BreakdownReply, LanguageReply]:
    """One breakdown: in the schema first; ``free`` takes any text and reads scenes out of it."""
    if free:
        reply = asker.text(BREAKDOWN, values, temperature=0.7, max_tokens=2000, fresh=True)
        return breakdown.read_breakdown(reply.text), reply
    told = asker.structured(
        BREAKDOWN, values, breakdown.BreakdownReply, kind="creative", temperature=0.7, max_tokens=2000
    )
    return told.value, told.reply


def _from_script(settings: Settings, record: StoryboardRecord, source: ScriptSource) -> list[scenes.Scene]:
    from sqlalchemy import select

    from creative_lab.lake.tables import TableStore
    from creative_lab.state.db import session_scope
    from creative_lab.state.models import Campaign

    store, partition = TableStore(settings), {"spot": source.spot, "target": source.target}
    if not store.exists("adapted_scripts", partition):
        raise StoryboardError(
            f"{source.spot} is not adapted to {source.target} yet: "
            f"creative-lab materialize group:adaptation --partition '{source.spot}|{source.target}'"
        )
    frame = store.read("adapted_scripts", [partition]).sort("row")
    if frame.is_empty():
        raise StoryboardError(f"{source.spot} has no draft for {source.target}")
    first = frame.row(0, named=True)
    if first["status"] != "completed":
        raise StoryboardError(f"the adaptation of {source.spot} for {source.target} failed its gates")
    with session_scope(settings) as session:
        job_id = session.scalar(select(Campaign.job_id).where(Campaign.spot_key == source.spot)) or source.spot
    made = scenes.script_scenes(
        record,
        list(frame.iter_rows(named=True)),
        job_id=job_id,
        code=first["code"],
        visual_style=record.settings.style or first["visual_style_prompt"],
    )
    if not made:
        raise StoryboardError(f"the script of {source.spot} for {source.target} has no rows")
    return made


# --- prompts


@dataclass(frozen=True)
class WrittenPrompts:
    """Rows of the two tables about prompts."""

    scene_prompts: pl.DataFrame
    prompt_rounds: pl.DataFrame
    notes: list[str]


def prompt_rows(
    settings: Settings, key: str, frame: pl.DataFrame, *, run_id: str, say: Callable[[str], None] = lambda _: None
) -> WrittenPrompts:
    """Every scene's prompt through the two-agent loop. Raises :class:`StoryboardError` when a person stops it."""
    from creative_lab.imaging.catalogue import Catalogue
    from creative_lab.storyboards.drawing import roles_of

    record = record_of(settings, key)
    ledger = Ledger(settings, key)
    ledger.start(run_id)
    catalogue = Catalogue.load(settings)
    roles = roles_of(catalogue, record)
    told = scenes.scenes_of(frame)
    notes: list[str] = []

    def on_scene(made: prompts.MadePrompt) -> None:
        line = f"scene {made.scene.scene}: {made.made.stopped}, {made.made.scores.overall:.0f} points"
        say(line + (f"; not in the model's words: {', '.join(made.unmapped)}" if made.unmapped else ""))
        notes.extend(f"scene {made.scene.scene}: {word}" for word in made.unmapped)
        record_event(
            settings, stage="scene_prompts", run_id=run_id, storyboard=key, scene=str(made.scene.scene),
            status="warn" if made.made.stopped == "failed" else "ok", reason=made.made.reason or None,
            duration_ms=made.seconds * 1000, model=made.made.model_id or None, cost_usd=made.made.cost_usd,
            detail={"rounds": len(made.made.rounds), "overall": made.made.scores.overall},
        )  # fmt: skip

    with Traces(settings, key, run_id, keep=record.settings.keep_traces) as traces:
        made = prompts.write_prompts(
            record,
            told,
            asker=make_asker(settings, record, run_id=run_id),
            advice=advice_for(catalogue, roles.picture),
            cast=cast_of(settings, record),
            traces=traces,
            cancelled=lambda: ledger.stop_asked,
            on_scene=on_scene,
        )
    if len(made) < len(told):
        raise StoryboardError(
            f"{key} was stopped after the prompts of {len(made)} of {len(told)} scenes; "
            f"go on with: creative-lab materialize group:storyboards --partition {key}"
        )
    return WrittenPrompts(
        prompts.prompt_frame(key, made, roles.picture), prompts.round_frame(key, made), list(dict.fromkeys(notes))
    )


def cast_of(settings: Settings, record: StoryboardRecord) -> prompts.Cast:
    """What the picture model calls the subject: the trigger where a LoRA knows it, else the face in words."""
    lead = lead_of(settings, record.source.character)
    if lead is None:
        return prompts.Cast()
    description = ""
    if lead.identity:
        from creative_lab.illustrator.captions import describe_identity
        from creative_lab.illustrator.identity import Identity

        with contextlib.suppress(TypeError, ValueError):
            description = describe_identity(Identity(**lead.identity))
    if record.method in ("simple", "reference_guided"):
        # A definition that was changed since says another word than the one that the LoRA answers to.
        worn = _lora_row(settings, lead.key)
        if trigger := worn["trigger"] if worn else lead.trigger:
            return prompts.Cast(trigger, description)
    return prompts.Cast(None, description)


def ask_to_stop(settings: Settings, key: str) -> None:
    """Ask the run that draws a storyboard to stop; finished scenes are kept."""
    record_of(settings, key)
    Ledger(settings, key).ask_to_stop()


def describe(record: StoryboardRecord) -> str:
    """One line about a record, for lists."""
    source = record.source
    if isinstance(source, ScriptSource):
        told = f"{source.spot}|{source.target}"
    elif isinstance(source, StorySource):
        told = source.story if len(source.story) <= 60 else f"{source.story[:59]}…"
    else:
        told = f"{len(source.scenes)} given scenes"
    return told
