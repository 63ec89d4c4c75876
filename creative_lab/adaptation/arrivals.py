"""What came in since the last look: spots and targets to register, approvals to act on."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from creative_lab.adaptation.stored import APPROVAL_KIND, decision_on
from creative_lab.adaptation.tables import AdaptationResults
from creative_lab.lake.schemas import PARTITION_KEY
from creative_lab.lake.tables import TableStore
from creative_lab.settings import Settings
from creative_lab.state.models import Approval, Campaign, Target


@dataclass(frozen=True)
class PartitionKeys:
    """Keys that have to be partitions, in order."""

    spots: list[str]
    targets: list[str]


@dataclass(frozen=True)
class ApprovedScript:
    """An approval that still holds: nobody decided otherwise since, and the draft is the one that was approved."""

    number: int
    spot: str
    target: str
    content_hash: str


def partition_keys(session: Session) -> PartitionKeys:
    """Imported spots and active targets."""
    return PartitionKeys(
        spots=list(session.scalars(select(Campaign.spot_key).order_by(Campaign.spot_key))),
        targets=list(session.scalars(select(Target.code).where(Target.is_active).order_by(Target.code))),
    )


def approved_since(settings: Settings, session: Session, number: int) -> tuple[list[ApprovedScript], int]:
    """Approvals with a higher number that still hold, and the number of the newest decision that was looked at."""
    query = (
        select(Approval)
        .where(Approval.subject_kind == APPROVAL_KIND, Approval.number > number)
        .order_by(Approval.number)
    )
    store, newest = TableStore(settings), number
    # By subject: one content that was approved twice is one thing to do.
    found: dict[str, ApprovedScript] = {}
    for entry in session.scalars(query):
        newest = entry.number
        spot, _, target = entry.partition_key.partition("|")
        keys = {"spot": spot, "target": target}
        if entry.decision != "approved" or not all(map(PARTITION_KEY.fullmatch, keys.values())):
            continue
        if not store.exists(AdaptationResults, keys):
            continue
        content = store.read(AdaptationResults, [keys])["content_hash"].item()
        if content == entry.content_hash and decision_on(session, spot, target, content) == "approved":
            found[entry.partition_key] = ApprovedScript(entry.number, spot, target, content)
    return list(found.values()), newest
