"""Writing a day's prompts: a question per dealt look, checks, corrections, and a row whatever came of it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

import polars as pl

from creative_lab.lake.events import record_event, record_llm_call
from creative_lab.lake.logs import LlmCalls
from creative_lab.lake.tables import TableStore
from creative_lab.language.cache import ReplyCache
from creative_lab.language.client import LanguageClient
from creative_lab.language.errors import LanguageError, ReplyError
from creative_lab.language.templates import RenderedPrompt, TemplateStore
from creative_lab.language.types import DRAFTER_MODEL, LanguageRequest, StructuredReply
from creative_lab.looks import composing, days
from creative_lab.looks.composing import Brief, Composed, Intel, LookReply
from creative_lab.looks.manifests import newest_before
from creative_lab.looks.negatives import Candidate, Negatives, choose
from creative_lab.looks.stylist import STYLIST_MODEL, stylists
from creative_lab.looks.tables import LearnedIntel, LookManifests, LookPrompts
from creative_lab.looks.validating import Own, Validator, loud
from creative_lab.looks.wardrobe import Wardrobe, load_wardrobe
from creative_lab.looks.words import as_pattern, count_words

if TYPE_CHECKING:
    from creative_lab.settings import Settings

_TEMPERATURE = 0.7
_MOST_TOKENS = 2048


class Writer(Protocol):
    """What this module needs of a language client."""

    def structured(self, request: LanguageRequest, schema: type[LookReply]) -> StructuredReply[LookReply]:
        """A reply read into ``schema``."""
        ...


Report = Callable[..., None]
"""Takes what ``record_event`` takes: stage, status, reason, attempt, …"""


@dataclass
class Written:
    """What became of one look's prompt."""

    brief: Brief
    composed: Composed | None = None
    reasons: list[str] = field(default_factory=list)
    substitutions: list[str] = field(default_factory=list)
    negatives: Negatives = field(default_factory=Negatives)
    system: str = ""
    template_version: int = 1
    model: str = ""
    provider: str = ""
    attempts: int = 0
    cost_usd: float = 0.0
    seconds: float = 0.0


class PromptWriter:
    """Writes prompts with one wardrobe, what was learned, a writer and the base rules."""

    def __init__(
        self,
        wardrobe: Wardrobe,
        intel: Sequence[Intel],
        writer: Writer,
        base_rules: Callable[[Mapping[str, Any]], RenderedPrompt],
        report: Report = lambda **_: None,
    ) -> None:
        self.wardrobe, self.control = wardrobe, wardrobe.control
        self.intel = list(intel)
        self.validator = Validator(wardrobe)
        self._writer, self._base_rules, self._report = writer, base_rules, report

    def write(self, manifest: Mapping[str, Any]) -> Written:
        """The prompt of one dealt look; rejected with every reason when no try passed.

        A reply that cannot be read has been asked for twice and counts as a rejection; an error of the call itself
        (no network, no budget) passes through.
        """
        started = time.monotonic()
        made = Written(composing.brief_of(manifest, self.intel, self.control.vocabulary_share))
        rules = self._base_rules(composing.base_values(made.brief, self.wardrobe))
        made.template_version = rules.version
        made.system = composing.system_prompt(rules.text, made.brief, self.wardrobe)
        own = Own.of(manifest, made.brief.outfits)
        faults: list[str] = []
        every: list[str] = []
        for attempt in range(1, self.control.recompose_limit + 2):
            faults = self._try(made, own, attempt, faults)
            every += [fault for fault in faults if fault not in every]
            if not faults:
                break
        made.reasons = every if faults else []
        if made.composed is not None and not faults:
            made.negatives = self._negatives(made, manifest)
        made.seconds = time.monotonic() - started
        return made

    def _try(self, made: Written, own: Own, attempt: int, faults: Sequence[str]) -> list[str]:
        """One reply and what is wrong with it."""
        made.attempts = attempt
        manifest = made.brief.manifest
        request = LanguageRequest(
            slug=composing.SLUG,
            model_id=self.control.prompt_model,
            system=made.system,
            prompt=composing.user_prompt(made.brief, faults),
            inputs={"brief": made.brief, "scene": self.wardrobe.scene, "control": self.control},
            temperature=_TEMPERATURE,
            max_tokens=_MOST_TOKENS,
            seed=_call_seed(int(manifest["seed"]), attempt),
        )
        ids = {"look_id": manifest["look_id"], "attempt": attempt}
        try:
            answer = self._writer.structured(request, LookReply)
        except ReplyError as error:
            reason = f"parse_error:{error.fault}"
            made.model = made.model or self.control.prompt_model
            self._report(stage="compose", status="fail", reason=f"{reason}: {error}", model=made.model, **ids)
            return [reason]
        reply = answer.reply
        made.model = STYLIST_MODEL if reply.provider == DRAFTER_MODEL else reply.model_id
        made.provider, made.cost_usd = reply.provider, made.cost_usd + reply.cost_usd
        self._report(
            stage="compose", status="ok", model=made.model, cost_usd=reply.cost_usd,
            duration_ms=float(reply.duration_ms),
            detail={"arm": made.brief.arm, "fragments": [one.intel_id for one in made.brief.fragments]}, **ids,
        )  # fmt: skip
        value = self._substituted(made, answer.value, ids)
        made.composed = composing.compose(self.wardrobe.scene, manifest, value)
        found = self.validator.reasons(made.composed.prompt, made.composed.lines, own)
        self._report(
            stage="validate",
            status="fail" if found else "ok",
            reason=loud(found) or None,
            model=made.model,
            detail={"reasons": found, "words": count_words(made.composed.prompt)},
            **ids,
        )
        return found

    def _substituted(self, made: Written, reply: LookReply, ids: Mapping[str, Any]) -> LookReply:
        """The reply with banned words replaced in its lines, an event for each."""
        lines = []
        made.substitutions = []
        for line in reply.models:
            text, found = self.validator.substituted(line.garment_line)
            lines.append(line.model_copy(update={"garment_line": text}))
            for word in found:
                made.substitutions += [f"{word.word}>{word.substitute}"] if word.substitute else []
                self._report(
                    stage="validate", status="warn", reason=f"forbidden_vocab:{word.word}",
                    detail={"substitute": word.substitute, "model_index": line.index - 1}, **ids,
                )  # fmt: skip
        return reply.model_copy(update={"models": lines})

    def _negatives(self, made: Written, manifest: Mapping[str, Any]) -> Negatives:
        assert made.composed is not None
        scopes = composing.scopes_of(manifest)
        learned = sorted(
            (one for one in self.intel if one.kind == "kill_phrase" and (one.scope_kind, one.scope_key) in scopes),
            key=lambda one: (-one.support, one.intel_id),
        )
        candidates = [Candidate(one.text, "kill_phrase") for one in learned]
        candidates += [Candidate(text, "manifest") for text in made.composed.reply.exclusions]
        pieces = [piece for outfit in made.brief.outfits for piece in (outfit["hero"], *outfit["slots"])]
        own = [manifest["designer_name"], manifest["colourway_name"]]
        own += [
            text
            for piece in pieces
            for text in (piece["name"], piece["category"], piece["colour"], piece["colour_name"])
        ]
        found = choose(
            candidates,
            own=own,
            cap=self.control.negative_cap,
            most_words=self.control.negative_words,
            prompt=made.composed.prompt,
            token_limit=self.control.prompt_token_limit,
        )
        self._report(
            stage="negative", status="ok", attempt=1, look_id=manifest["look_id"],
            detail={"sources": found.sources, "phrases": found.phrases},
        )  # fmt: skip
        return found


def prompt_row(made: Written, scene_hash: str) -> dict[str, Any]:
    """A row of ``look_prompts``."""
    manifest, brief, composed = made.brief.manifest, made.brief, made.composed
    prompt = composed.prompt if composed else None
    lines = "\n".join(composed.lines) if composed else ""
    return {
        "day": manifest["day"],
        "look_id": manifest["look_id"],
        "prompt_id": manifest["prompt_id"],
        "status": "rejected" if made.reasons else "ok",
        "reasons": made.reasons,
        "prompt": prompt,
        "avoid_suffix": made.negatives.suffix,
        "negative_phrases": made.negatives.phrases,
        "negative_sources": json.dumps(made.negatives.sources),
        "scene_hash": scene_hash,
        "system_prompt_hash": hashlib.sha256(made.system.encode()).hexdigest(),
        "vocabulary_arm": brief.arm,
        "vocabulary_propensity": brief.propensity,
        "vocabulary_ids": [one.intel_id for one in brief.fragments],
        "vocabulary_used": [one.intel_id for one in brief.fragments if as_pattern(one.text).search(lines)],
        "innovation_slots": json.dumps(brief.innovation_slots),
        "innovation_notes": composed.reply.innovation_notes if composed else "",
        "intel_ids": [one.intel_id for one in brief.notes],
        "substitutions": made.substitutions,
        "words": count_words(prompt or ""),
        "template_version": made.template_version,
        "model": made.model,
        "provider": made.provider,
        "attempts": made.attempts,
        "cost_usd": made.cost_usd,
        "seconds": made.seconds,
    }


def write_day(
    settings: Settings, day: date, *, run_id: str, again: bool = False, say: Callable[[str], None] = lambda _: None
) -> pl.DataFrame:
    """Write the prompts that the day's dealt looks still lack (``again``: also the rejected ones); all rows of the day.

    Looks whose call failed get no row, so that the next run asks again; when all others are stored, the first of
    these errors is raised.
    """
    from creative_lab.state.db import session_scope

    store = TableStore(settings)
    manifests = days.read_day(store, LookManifests, day).filter(pl.col("status").cast(pl.String) == "dealt")
    there = days.read_day(store, LookPrompts, day)
    if again:
        there = there.filter(pl.col("status").cast(pl.String) == "ok")
    missing = manifests.join(there, on="look_id", how="anti").sort("look_id")
    with session_scope(settings) as session:
        wardrobe = load_wardrobe(session)

    def report(**event: Any) -> None:
        record_event(settings, run_id=run_id, **event)

    templates = TemplateStore(settings)
    writer = PromptWriter(
        wardrobe,
        learned_before(store, day),
        language_client(settings, run_id),
        lambda values: templates.render_version(composing.TEMPLATE, values),
        report,
    )
    fixed = composing.scene_hash(wardrobe.scene)
    rows: list[dict[str, Any]] = []
    first: LanguageError | None = None
    for manifest in missing.iter_rows(named=True):
        try:
            made = writer.write(manifest)
        except LanguageError as error:
            report(stage="compose", status="fail", reason=str(error), look_id=manifest["look_id"])
            say(f"{manifest['prompt_id']}: {error}")
            first = first or error
            continue
        rows.append(prompt_row(made, fixed))
        said = loud(made.reasons) or f"{rows[-1]['words']} words by {made.model}"
        say(f"{manifest['prompt_id']}: {said}")
    frame = pl.DataFrame(rows, infer_schema_length=None) if rows else pl.DataFrame()
    whole = days.merge_day(settings, LookPrompts, day, frame, run_id=run_id, keys=["look_id"])
    if first is not None:
        raise first
    return whole


def learned_before(store: TableStore, day: date) -> list[Intel]:
    """The active notes, fragments and kill phrases as they stood at the end of the newest day before ``day``."""
    rows = newest_before(store, LearnedIntel, day)
    names = ("intel_id", "kind", "scope_kind", "scope_key", "text", "support", "mean_score", "first_seen")
    return [
        Intel(**{name: row[name] for name in names}) for row in rows.iter_rows(named=True) if row["status"] == "active"
    ]


def language_client(settings: Settings, run_id: str) -> LanguageClient:
    """The lab's client for the looks: cached, logged to ``llm_calls``, with the stylist as its offline rule."""
    columns = set(LlmCalls.columns())

    def log(row: dict[str, Any]) -> None:
        kept = {name: value for name, value in row.items() if name in columns}
        kept |= {"cached": row.get("status") == "cached", "error": row.get("reason")}
        kept["attempt"] = max(1, row.get("attempt", 1))
        if not row.get("cost_known", True):
            kept["cost_usd"] = None
        record_llm_call(settings, **kept)

    return LanguageClient(settings, run_id=run_id, drafters=stylists(), log=log, cache=ReplyCache(settings))


def _call_seed(seed: int, attempt: int) -> int:
    """Seed of one question: another one for each try, within what hosted models take (31 bits)."""
    return int.from_bytes(hashlib.sha256(f"compose|{seed}|{attempt}".encode()).digest()[:4], "big") >> 1
