"""What waits for a person: adapted scripts with the state of their approval, the worst first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from creative_lab.adaptation.stored import APPROVAL_KIND, approval_key
from creative_lab.review import approvals

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from creative_lab.settings import Settings
    from creative_lab.state.models import Approval


class ReviewError(ValueError):
    """A decision can't be recorded; the message says why."""


@dataclass(frozen=True)
class ReviewItem:
    """One adapted script and where its approval stands."""

    spot: str
    target: str
    target_name: str
    language: str
    status: str
    reason: str | None
    content_hash: str
    critical: int
    major: int
    minor: int
    drafts: int
    backend: str
    state: str
    who: str | None
    note: str

    @property
    def gates(self) -> str:
        """Whether all gates passed."""
        return "passed" if self.status == "completed" else "failed"

    @property
    def findings(self) -> str:
        """Findings of the last draft in short."""
        parts = [(self.critical, "critical"), (self.major, "major"), (self.minor, "minor")]
        return ", ".join(f"{count} {name}" for count, name in parts if count) or "none"


def review_queue(settings: Settings, session: Session) -> list[ReviewItem]:
    """All adapted scripts that have a draft: undecided ones first, and among them the worst gates first."""
    from creative_lab.adaptation.tables import AdaptationResults
    from creative_lab.lake.tables import TableStore

    rows = TableStore(settings).scan(AdaptationResults).collect().iter_rows(named=True)
    items = [_item(session, row) for row in rows if row["content_hash"]]
    undecided = {"pending": 0, "changes_requested": 1}
    return sorted(
        items,
        key=lambda item: (
            undecided.get(item.state, 2), item.status == "completed", -item.critical, -item.major, -item.minor,
            item.spot, item.target,
        ),
    )  # fmt: skip


def find_item(settings: Settings, session: Session, spot: str, target: str) -> ReviewItem:
    """One adapted script; raises :class:`ReviewError` when there is no draft of it."""
    from creative_lab.adaptation.tables import AdaptationResults
    from creative_lab.lake.tables import TableStore

    store, keys = TableStore(settings), {"spot": spot, "target": target}
    try:
        known = store.exists(AdaptationResults, keys)
    except ValueError as error:
        raise ReviewError(str(error)) from error
    if not known:
        raise ReviewError(f"{spot} has not been adapted to {target} yet")
    row = store.read(AdaptationResults, [keys]).row(0, named=True)
    if not row["content_hash"]:
        raise ReviewError(f"the adaptation of {spot} to {target} ended without a draft: {row['error_message']}")
    return _item(session, row)


def _item(session: Session, row: dict[str, Any]) -> ReviewItem:
    status = approvals.status(session, APPROVAL_KIND, approval_key(row["spot"], row["target"]), row["content_hash"])
    return ReviewItem(
        spot=row["spot"],
        target=row["target"],
        target_name=row["target_name"],
        language=row["language"],
        status=row["status"],
        reason=row["error_message"],
        content_hash=row["content_hash"],
        critical=row["findings_critical"],
        major=row["findings_major"],
        minor=row["findings_minor"],
        drafts=row["drafts"],
        backend=row["backend"],
        state=status.state,
        who=status.who,
        note=status.note or "; ".join(status.earlier_notes),
    )


def decide(
    settings: Settings,
    session: Session,
    spot: str,
    target: str,
    decision: str,
    *,
    who: str,
    note: str = "",
    content: str | None = None,
) -> Approval:
    """Record a decision about the draft as it is now.

    ``content`` is (the beginning of) the content hash that the person looked at: when the draft has changed since,
    the decision is refused with :class:`ReviewError`, because nobody has seen what it would allow. A script whose
    gates failed can't be approved: it has to pass first.
    """
    item = find_item(settings, session, spot, target)
    if content is not None and (len(content) < 8 or not item.content_hash.startswith(content)):
        raise ReviewError(
            f"{spot} → {target} is content {item.content_hash[:12]} now, not {content[:12]}: look at it again"
        )
    if decision == "approved" and item.status != "completed":
        raise ReviewError(f"{spot} → {target} cannot be approved: {item.reason or 'a gate failed'}")
    return approvals.record(
        session,
        APPROVAL_KIND,
        approval_key(spot, target),
        item.content_hash,
        decision,  # type: ignore[arg-type]  # checked by record
        who=who,
        note=note,
    )
