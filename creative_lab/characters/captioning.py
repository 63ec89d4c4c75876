"""Captions of a character's pictures: ask what is not known yet, judge every reply by the rules, and report.

Replies are kept as they come, a file each, so that a run that was stopped goes on where it was and pays for nothing
twice. The rules are applied to the kept replies every time: a mended rule mends old captions too.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from creative_lab.characters.asking import PictureAsker
from creative_lab.characters.caption_rules import Judged, judge
from creative_lab.characters.errors import CaptionerMissing
from creative_lab.characters.record import Character, CharacterPicture
from creative_lab.lake.events import record_event
from creative_lab.lake.fs import FileSystem
from creative_lab.lake.pictures import PictureStore
from creative_lab.language.errors import CallError
from creative_lab.vision.pictures import open_picture

if TYPE_CHECKING:
    from creative_lab.settings import Settings
    from creative_lab.vision.models import VisionModels
    from creative_lab.vision.types import Captioner

PERSON = "a person"
"""Captioner of a caption that somebody wrote."""

PAUSE_S = 0.5
"""Rest between pictures that a server is asked about."""

PROMPT = (
    "This is a frame of an animated film for a children's course on drawing. Write one training caption of 40 to 100 "
    "characters for it. Begin with the word {trigger}, which stands for the main character. Say what {trigger} does, "
    "the pose, the facial expression, the place, the light, the kind of shot and the style. Never mention clothes, "
    "accessories, hair, beard, face, age or anything else about how {trigger} looks. Answer with the caption alone."
)
"""What a hosted model is asked; local models are asked what the catalogue says they understand."""


@dataclass(frozen=True)
class CaptionedPicture:
    """What became of one picture."""

    picture: CharacterPicture
    raw: str | None
    judged: Judged
    captioner: str
    attempts: int
    kept: bool
    cost_usd: float | None
    seconds: float


@dataclass
class CaptionSummary:
    """Counts over all pictures of a character."""

    total: int = 0
    processed: int = 0
    skipped: int = 0
    failed: int = 0
    cost_usd: float | None = 0.0
    errors: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Reply:
    text: str
    attempts: int
    cost_usd: float | None
    seconds: float


def caption_pictures(
    settings: Settings,
    character: Character,
    models: VisionModels,
    *,
    run_id: str,
    redo: bool = False,
    say: Callable[[str], None] = lambda _: None,
    sleep: Callable[[float], None] = time.sleep,
) -> list[CaptionedPicture]:
    """A caption, or the reason why there is none, for every picture of ``character``.

    What a person wrote is taken as it is, and judged by the same rules. ``redo`` asks again about the other pictures
    with a kept reply. Raises :class:`CaptionerMissing` when no model fills the role, before anything is asked.
    """
    order = {picture.name: number for number, picture in enumerate(character.pictures)}
    done = [_by_person(character, picture) for picture in character.pictures if picture.sha256 in character.captions]
    left = [picture for picture in character.pictures if picture.sha256 not in character.captions]
    if not left:
        return done
    captioner, ask = _asker(settings, character, models, run_id=run_id, sleep=sleep)
    notes = _Notes(settings, character, captioner)
    store = PictureStore(settings)
    known = {} if redo else {p.name: reply for p in left if (reply := notes.read(p)) is not None}
    wanted = [picture for picture in left if picture.name not in known]
    for picture, reply in ask([(p, store) for p in wanted]):
        if isinstance(reply, _Reply):
            notes.write(picture, reply)
            outcome = CaptionedPicture(
                picture, reply.text, judge(reply.text, character.trigger), captioner, reply.attempts, False,
                reply.cost_usd, reply.seconds,
            )  # fmt: skip
        else:
            failed = Judged(None, "failed", problems=[str(reply)])
            outcome = CaptionedPicture(picture, None, failed, captioner, 1, False, None, 0.0)
        _record(settings, character, outcome, run_id)
        say(f"{picture.name}: {outcome.judged.status}: {outcome.judged.caption or outcome.judged.problems[0]}")
        done.append(outcome)
    for picture in left:
        if picture.name in known:
            text = known[picture.name].text
            done.append(CaptionedPicture(picture, text, judge(text, character.trigger), captioner, 0, True, 0.0, 0.0))
    return sorted(done, key=lambda outcome: order[outcome.picture.name])


def _by_person(character: Character, picture: CharacterPicture) -> CaptionedPicture:
    text = character.captions[picture.sha256]
    return CaptionedPicture(picture, text, judge(text, character.trigger), PERSON, 0, True, 0.0, 0.0)


def plan_captions(settings: Settings, character: Character, models: VisionModels) -> tuple[str, int, int]:
    """Dry run: the captioner's name, how many pictures it would be asked about, and how many replies are kept."""
    captioner, _ = _asker(settings, character, models, run_id="dry-run", sleep=time.sleep)
    notes = _Notes(settings, character, captioner)
    kept = sum(p.sha256 in character.captions or notes.read(p) is not None for p in character.pictures)
    return captioner, len(character.pictures) - kept, kept


def summary(outcomes: Sequence[CaptionedPicture]) -> CaptionSummary:
    """Counts, cost and errors."""
    counted = CaptionSummary(total=len(outcomes))
    for outcome in outcomes:
        counted.skipped += outcome.kept
        usable = outcome.judged.usable
        counted.processed += usable and not outcome.kept
        if not usable:
            counted.failed += 1
            counted.errors.append(f"{outcome.picture.name}: {'; '.join(outcome.judged.problems)}")
        unknown = counted.cost_usd is None or outcome.cost_usd is None
        counted.cost_usd = None if unknown else counted.cost_usd + outcome.cost_usd  # type: ignore[operator]
    return counted


# --- who is asked


def _asker(
    settings: Settings, character: Character, models: VisionModels, *, run_id: str, sleep: Callable[[float], None]
) -> tuple[str, Callable[[list[tuple[CharacterPicture, PictureStore]]], Any]]:
    """The captioner's name and what asks it: the local model, else the hosted one or a server for all models."""
    from creative_lab.weights.measuring import HostedVision, MeasuringPreset

    entry = models.catalogue.role("caption", models.profile)
    hosted = entry.model if isinstance(entry, HostedVision) else None
    why = "" if hosted else models.missing("caption")
    if not hosted and why and settings.llm_api_base and models.profile != "miniature":
        hosted = settings.hosted_model
    prompt = PROMPT.format(trigger=character.trigger)
    if hosted:
        asker = PictureAsker(settings, hosted, run_id=run_id, sleep=sleep)
        try:
            asker.check()
        except CallError as error:
            raise CaptionerMissing(f"no captions for {character.key}: {error}") from None
        return hosted, lambda wanted: _ask_server(asker, prompt, character, wanted, sleep)
    if why:
        raise CaptionerMissing(f"no captions for {character.key}: {why}")
    captioner = models.captioner()
    assert captioner is not None
    # A miniature knows the few requests that it has learnt; the catalogue has one without clothes and looks.
    own = isinstance(entry, MeasuringPreset) and entry.miniature
    return captioner.slug, lambda wanted: _ask_local(captioner, wanted, None if own else prompt)


def _ask_server(
    asker: PictureAsker,
    prompt: str,
    character: Character,
    wanted: list[tuple[CharacterPicture, PictureStore]],
    sleep: Callable[[float], None],
) -> Any:
    for number, (picture, store) in enumerate(wanted):
        if number:
            sleep(PAUSE_S)
        started = time.monotonic()
        try:
            pixels = open_picture(store.read(picture.path), name=picture.name)
            said = asker.ask(prompt, pixels, again=lambda text: not judge(text, character.trigger).usable)
            yield picture, _Reply(said.text, said.attempts, said.cost_usd, time.monotonic() - started)
        except (CallError, OSError, ValueError) as error:
            if isinstance(error, CallError) and error.kind in {"configuration", "offline"}:
                raise
            yield picture, error


def _ask_local(
    captioner: Captioner, wanted: list[tuple[CharacterPicture, PictureStore]], prompt: str | None, batch: int = 8
) -> Any:
    for first in range(0, len(wanted), batch):
        started = time.monotonic()
        readable: list[tuple[CharacterPicture, np.ndarray]] = []
        for picture, store in wanted[first : first + batch]:
            try:
                readable.append((picture, open_picture(store.read(picture.path), name=picture.name)))
            except (OSError, ValueError) as error:
                yield picture, error
        texts = captioner.caption([pixels for _, pixels in readable], prompt=prompt) if readable else []
        seconds = (time.monotonic() - started) / max(1, len(readable))
        for (picture, _), text in zip(readable, texts, strict=True):
            yield picture, _Reply(text, 1, 0.0, seconds)


class _Notes:
    """Replies that were kept, by picture and captioner."""

    def __init__(self, settings: Settings, character: Character, captioner: str) -> None:
        self._trigger = character.trigger
        plain = "".join(letter if letter.isalnum() else "-" for letter in captioner)
        self._files = FileSystem(settings.home / "characters" / character.key / "replies" / plain)

    def read(self, picture: CharacterPicture) -> _Reply | None:
        try:
            told = json.loads(self._files.read_bytes(f"{picture.sha256}.json"))
            # A reply that was asked for with an earlier trigger says that one.
            asked_with = told.pop("trigger", self._trigger)
            reply = _Reply(**told)
            return replace(reply, text=reply.text.replace(asked_with, self._trigger))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, picture: CharacterPicture, reply: _Reply) -> None:
        told = {**vars(reply), "trigger": self._trigger}
        self._files.write_bytes(f"{picture.sha256}.json", json.dumps(told, ensure_ascii=False).encode())


def _record(settings: Settings, character: Character, outcome: CaptionedPicture, run_id: str) -> None:
    judged = outcome.judged
    status: Any = {"ready": "ok", "mended": "ok", "needs_person": "warn"}.get(judged.status, "fail")
    record_event(
        settings,
        stage="caption",
        status=status,
        run_id=run_id,
        reason="; ".join(judged.problems) or None,
        attempt=max(1, outcome.attempts),
        duration_ms=outcome.seconds * 1000,
        model=outcome.captioner,
        cost_usd=outcome.cost_usd,
        detail={"picture": outcome.picture.name, "mended": judged.mended},
        character=character.key,
    )
