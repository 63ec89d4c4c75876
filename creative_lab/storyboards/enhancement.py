"""The two-agent loop over a prompt: a cinematographer writes, a prompt engineer judges, the best text is kept.

Agents are passed in, so that language models and the embedded rules go the same way. The loop never fails a scene: what
goes wrong is said, and the text that there was is kept.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from creative_lab.storyboards.prompt_scores import Judgement, PromptScores, quick_score

CONVERGED = 2.0
"""A round that gains less than this many points over the one before is the last."""
MAX_NEGATIVE_WORDS = 100

Stopped = Literal["off", "given", "good enough", "reached", "converged", "most rounds", "failed"]


@dataclass(frozen=True)
class Written:
    """A text of an agent, who wrote it and what it cost."""

    text: str
    model_id: str
    cost_usd: float = 0.0


@dataclass(frozen=True)
class Judged:
    """A judgement, who gave it and what it cost."""

    judgement: Judgement
    model_id: str
    cost_usd: float = 0.0


class Agents(Protocol):
    """The three voices of the loop; each may raise, which ends it."""

    def write(self, text: str, wishes: tuple[str, ...], critique: str, round_number: int) -> Written:
        """The cinematographer's version of ``text``."""
        ...

    def judge(self, text: str) -> Judged:
        """The prompt engineer's scores, critique and wishes."""
        ...

    def negative(self, text: str) -> Written:
        """What the picture should not show."""
        ...


@dataclass(frozen=True)
class Round:
    """One round of the two agents."""

    number: int
    prompt: str
    judgement: Judgement
    model_id: str
    seconds: float

    @property
    def scores(self) -> PromptScores:
        """The five scores."""
        return self.judgement.scores


@dataclass
class Enhancement:
    """What became of one prompt."""

    original: str
    text: str
    initial: PromptScores
    scores: PromptScores
    stopped: Stopped
    reason: str
    rounds: list[Round] = field(default_factory=list)
    kept_round: int | None = None
    negative: str = ""
    negative_from: Literal["model", "rules", "default"] = "default"
    model_id: str = ""
    cost_usd: float = 0.0
    seconds: float = 0.0

    @property
    def enhanced(self) -> bool:
        """Whether another text than the original was kept."""
        return self.kept_round is not None


def enhance(
    text: str,
    agents: Agents,
    *,
    most_rounds: int,
    target: float,
    quick: Callable[[str], PromptScores] = quick_score,
    on_round: Callable[[Round], None] = lambda _: None,
    catch: tuple[type[Exception], ...] = (Exception,),
) -> Enhancement:
    """Improve ``text`` in at most ``most_rounds`` rounds and keep the best-scoring one.

    A text that the rule-based judge finds good enough is not touched. The loop ends at ``target``, when a round gains
    less than two points over the one before, after ``most_rounds``, or at an error of ``catch`` with what there is.
    """
    began = time.perf_counter()
    initial = quick(text)
    result = Enhancement(text, text, initial, initial, "good enough", "")
    if initial.good_enough:
        result.reason = f"{initial.overall:.0f} points by rule, every dimension at least 70: left as it is"
        return result
    before: float | None = None
    current, critique = text, ""
    wishes: tuple[str, ...] = ()
    result.stopped, result.reason = "most rounds", f"{most_rounds} rounds"
    for number in range(1, most_rounds + 1):
        started = time.perf_counter()
        try:
            written = agents.write(current, wishes, critique, number)
            judged = agents.judge(written.text)
        except catch as error:
            result.stopped, result.reason = "failed", f"round {number}: {type(error).__name__}: {error}"
            break
        done = Round(number, written.text, judged.judgement, written.model_id, time.perf_counter() - started)
        result.rounds.append(done)
        result.cost_usd += written.cost_usd + judged.cost_usd
        result.model_id = written.model_id
        on_round(done)
        overall = done.scores.overall
        if overall >= target:
            result.stopped, result.reason = "reached", f"{overall:.1f} points in round {number}"
            break
        if before is not None and overall - before < CONVERGED:
            gain = overall - before
            result.stopped, result.reason = "converged", f"round {number} gained {gain:.1f} points over the one before"
            break
        before, current = overall, written.text
        wishes, critique = tuple(done.judgement.improvements), done.judgement.critique
    if result.rounds:
        best = max(result.rounds, key=lambda item: (item.scores.overall, -item.number))
        result.text, result.scores, result.kept_round = best.prompt, best.scores, best.number
    result.seconds = time.perf_counter() - began
    return result


def without_contradictions(negative: str, positive: str, *, most_words: int = MAX_NEGATIVE_WORDS) -> str:
    """A negative prompt without phrases that the positive one asks for, each phrase once, at most ``most_words`` words.

    A phrase contradicts when it stands in the positive text, or when all its words do and none of them names a defect
    ("low quality" beside "high quality" stays).
    """
    kept: list[str] = []
    count = 0
    present = set(re.findall(r"[a-z0-9]+", positive.lower()))
    for phrase in re.split(r"[,;\n]+", negative):
        text = " ".join(phrase.split()).strip(" .-–—\"'")
        text = re.sub(r"^(?:no|without|avoid)\s+", "", text, flags=re.IGNORECASE)
        wanted = re.findall(r"[a-z0-9]+", text.lower())
        if not wanted or text.lower() in (known.lower() for known in kept):
            continue
        whole = re.search(rf"(?<![\w-]){re.escape(text.lower())}(?![\w-])", positive.lower())
        if whole or (set(wanted) <= present and not set(wanted) & _DEFECTS):
            continue
        if count + len(wanted) > most_words:
            break
        kept.append(text)
        count += len(wanted)
    return ", ".join(kept)


_DEFECTS = frozenset(
    {"bad", "low", "poor", "wrong", "extra", "missing", "deformed", "distorted", "blurry", "blurred", "ugly", "broken",
     "mutated", "disfigured", "cropped", "duplicate", "noisy", "grainy", "pixelated", "overexposed", "underexposed"}
)  # fmt: skip
