"""The loop of writer and gates: drafts until every gate is green, or until a person has to look.

The writer drafts; the gates look in the order format, culture, concept, brand. The first gate that fails sends its
findings back to the writer, and the next draft meets all gates again from the format gate on. Every gate has a budget
of rewrites of its own. A budget that is used up ends the adaptation as ``failed`` with the last draft kept: one retry
usually mends a format, two a culture, and after three a person should look.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from creative_lab.adaptation.nodes import (
    Asker,
    Desk,
    Render,
    StructuredClient,
    Usage,
    feedback_of,
    judge,
    run_writer,
)
from creative_lab.adaptation.resolution import NodeModel
from creative_lab.adaptation.schemas import (
    GATES,
    AdaptationContext,
    AdaptationOutput,
    ConceptBrief,
    CulturalBrief,
    Gate,
    GateEvaluation,
    Node,
)
from creative_lab.language.errors import BudgetExceeded, ReplyError
from creative_lab.language.types import DRAFTER_MODEL
from creative_lab.state.models.spots import UnitStatus

Status = UnitStatus
Outcome = Literal["completed", "failed"]

GATE_STATUS: dict[Gate, Status] = {
    "format_gate": "format_evaluation",
    "culture_gate": "cultural_evaluation",
    "concept_gate": "concept_evaluation",
    "brand_gate": "brand_evaluation",
}
SWITCH_AFTER = 2
"""Sum of rewrites of all gates at which the writer moves to an alternative model."""

UNREADABLE = (ReplyError,)
"""Errors that mean a model answered, but not in the shape that was asked for."""


@dataclass(frozen=True)
class Transition:
    """A status and when it was entered."""

    status: Status
    at: datetime


@dataclass(frozen=True)
class Attempt:
    """One node's attempt, for the log of events."""

    node: Node
    draft_number: int
    attempt: int
    ok: bool
    reason: str | None
    model_id: str
    usage: Usage
    findings: int = 0


@dataclass(frozen=True)
class AdaptationResult:
    """What became of one spot for one target."""

    status: Outcome
    error_message: str | None
    draft: AdaptationOutput | None
    content_hash: str | None
    evaluations: tuple[GateEvaluation, ...]
    revisions: Mapping[Gate, int]
    drafts: int
    writer_model: NodeModel
    switched: bool
    transitions: tuple[Transition, ...]
    usage: Usage
    seconds: float
    needs_person: bool
    person_reason: str | None
    author: str = ""
    """Model that really wrote the last draft; a profile may let another one stand in for ``writer_model``."""

    @property
    def written_by(self) -> str:
        """The author, or the model that would have been asked when there is no draft."""
        return self.author or self.writer_model.model_id

    @property
    def total_revisions(self) -> int:
        """Rewrites that the gates asked for, together."""
        return sum(self.revisions.values())


@dataclass
class _State:
    """What changes while the graph runs."""

    writer: NodeModel
    draft: AdaptationOutput | None = None
    drafts: int = 0
    feedback: Mapping[str, object] | None = None
    revisions: dict[Gate, int] = field(default_factory=lambda: dict.fromkeys(GATES, 0))
    evaluations: list[GateEvaluation] = field(default_factory=list)
    transitions: list[Transition] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    switched: bool = False
    offline_writer: bool = False
    author: str = ""


def run_adaptation(
    context: AdaptationContext,
    *,
    concept: ConceptBrief,
    culture: CulturalBrief,
    models: Mapping[Node, NodeModel],
    client: StructuredClient,
    render: Render,
    max_retries: int = 3,
    alternatives: Sequence[NodeModel] = (),
    earlier: Sequence[Transition] = (),
    on_status: Callable[[Transition], None] | None = None,
    on_attempt: Callable[[Attempt], None] | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> AdaptationResult:
    """Write and judge drafts of ``context``'s spot for its target.

    ``max_retries`` is the number of rewrites that each gate may ask for; ``alternatives`` are the language's active
    alternative models, in order; ``earlier`` are statuses that the briefs already went through. Replies that cannot be
    read, and a budget that is used up, end in a result (``failed``, with the reason and the last draft); errors of the
    call itself pass through, so that the caller may try again.
    """
    loop = _Loop(
        context, concept, culture, Asker(client, render, models), max_retries, tuple(alternatives), on_attempt, now,
        on_status, _State(writer=models["writer"], transitions=list(earlier)),
    )  # fmt: skip
    return loop.run()


def judge_draft(
    context: AdaptationContext,
    draft: AdaptationOutput,
    *,
    author: str,
    concept: ConceptBrief,
    culture: CulturalBrief,
    models: Mapping[Node, NodeModel],
    client: StructuredClient,
    render: Render,
    earlier: Sequence[Transition] = (),
    on_status: Callable[[Transition], None] | None = None,
    on_attempt: Callable[[Attempt], None] | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> AdaptationResult:
    """Let all gates look at a draft that somebody else wrote, such as a translator; no rewrites are asked for.

    ``author`` stands in the result as the writer's model.
    """
    state = _State(writer=NodeModel(author), draft=draft, drafts=1, transitions=list(earlier), author=author)
    loop = _Loop(
        context, concept, culture, Asker(client, render, models), 0, (), on_attempt, now, on_status, state
    )  # fmt: skip
    return loop.run(write=False)


@dataclass
class _Loop:
    context: AdaptationContext
    concept: ConceptBrief
    culture: CulturalBrief
    asker: Asker
    max_retries: int
    alternatives: tuple[NodeModel, ...]
    on_attempt: Callable[[Attempt], None] | None
    now: Callable[[], datetime]
    on_status: Callable[[Transition], None] | None
    state: _State

    def run(self, *, write: bool = True) -> AdaptationResult:
        started = self.now()
        try:
            reason = self._drafts_until_green() if write else self._green()
        except BudgetExceeded as error:
            reason = str(error)
        self._enter("failed" if reason else "completed")
        state = self.state
        return AdaptationResult(
            status="failed" if reason else "completed",
            error_message=reason,
            draft=state.draft,
            content_hash=state.draft.content_hash() if state.draft else None,
            evaluations=tuple(state.evaluations),
            revisions=dict(state.revisions),
            drafts=state.drafts,
            writer_model=state.writer,
            switched=state.switched,
            transitions=tuple(state.transitions),
            usage=state.usage,
            seconds=(self.now() - started).total_seconds(),
            needs_person=reason is not None,
            person_reason=reason,
            author=state.author,
        )

    def _drafts_until_green(self) -> str | None:
        """None when a draft passed all gates, else why the adaptation failed."""
        while True:
            problem = self._write()
            if problem:
                return problem
            failed = self._judge()
            problem = self._hopeless()
            if problem or failed is None:
                return problem
            problem = self._exhausted(failed)
            if problem:
                return problem
            self._plan_rewrite(failed)

    def _green(self) -> str | None:
        """None when the draft at hand passes all gates, else why it does not."""
        failed = self._judge()
        return f"{failed.gate} failed: {reasons_of(failed)}" if failed else None

    def _write(self) -> str | None:
        """The next draft; a reason when the model's replies could not be read."""
        state = self.state
        number = state.drafts + 1
        self._enter("writing" if number == 1 else "revising")
        try:
            reply = run_writer(self._desk(draft_number=number), self.asker, state.writer)
        except UNREADABLE as error:
            # The client has already asked a second time, with the mistakes named.
            reason = f"the writer's draft {number} could not be read: {error}"
            self._report(Attempt("writer", number, number, False, reason, state.writer.model_id, Usage()))
            return reason
        state.draft, state.drafts, state.feedback = reply.value, number, None
        state.usage += reply.usage
        state.author = reply.model_id
        state.offline_writer = DRAFTER_MODEL in (reply.model_id, reply.provider, state.writer.model_id)
        self._report(Attempt("writer", number, number, True, None, reply.model_id, reply.usage))
        return None

    def _judge(self) -> GateEvaluation | None:
        """The evaluation of the first gate that fails the draft, or None when all pass."""
        state = self.state
        for gate in GATES:
            self._enter(GATE_STATUS[gate])
            evaluation, reply = judge(gate, self._desk(draft_number=state.drafts), self.asker, UNREADABLE)
            state.evaluations.append(evaluation)
            usage = reply.usage if reply else Usage()
            state.usage += usage
            self._report(
                Attempt(
                    gate,
                    state.drafts,
                    attempt=sum(item.gate == gate for item in state.evaluations),
                    ok=evaluation.passed,
                    reason=None if evaluation.passed else reasons_of(evaluation),
                    model_id=evaluation.model_id,
                    usage=usage,
                    findings=len(evaluation.findings),
                )
            )
            if not evaluation.passed:
                return evaluation
        return None

    def _hopeless(self) -> str | None:
        """Why another draft cannot be any better: the offline drafter keeps to the origin's language."""
        if self.state.offline_writer and not self.context.shares_language:
            return cannot_translate(self.context)
        return None

    def _exhausted(self, failed: GateEvaluation) -> str | None:
        if self.state.revisions[failed.gate] < self.max_retries:
            return None
        return (
            f"{failed.gate} still failed after {self.max_retries} rewrites (draft {self.state.drafts}): "
            f"{reasons_of(failed)}"
        )

    def _plan_rewrite(self, failed: GateEvaluation) -> None:
        state = self.state
        state.revisions[failed.gate] += 1
        state.feedback = feedback_of(failed)
        if not state.switched and sum(state.revisions.values()) >= SWITCH_AFTER:
            others = [model for model in self.alternatives if model.model_id != state.writer.model_id]
            if others:
                state.writer, state.switched = others[0], True

    def _desk(self, draft_number: int) -> Desk:
        """The writer sees its feedback; the gates see the draft without the writer's reasoning."""
        draft = self.state.draft
        shown = draft.model_copy(update={"reasoning": ""}) if draft else None
        return Desk(self.context, self.concept, self.culture, shown, self.state.feedback, draft_number)

    def _enter(self, status: Status) -> None:
        transition = Transition(status, self.now())
        self.state.transitions.append(transition)
        if self.on_status:
            self.on_status(transition)

    def _report(self, attempt: Attempt) -> None:
        if self.on_attempt:
            self.on_attempt(attempt)


def cannot_translate(context: AdaptationContext) -> str:
    """Why the offline drafter can do nothing for a target of another language."""
    import langcodes

    origin, target = (
        f"{langcodes.get(tag).language_name('en')} ({tag})"
        for tag in (context.origin.language, context.target_language)
    )
    return (
        f"the offline drafter cannot translate from {origin} to {target}: "
        "choose a profile with a language model, or import a translation (XLIFF)"
    )


def reasons_of(evaluation: GateEvaluation) -> str:
    """The findings that failed a gate, in one line."""
    parts = [
        f"{finding.severity} {finding.check} ({finding.location}): {finding.description}"
        for finding in evaluation.findings
        if finding.severity != "minor"
    ]
    if evaluation.error:
        parts.insert(0, f"the judgement could not be read: {evaluation.error}")
    return "; ".join(parts) or evaluation.summary
