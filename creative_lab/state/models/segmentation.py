"""Claims of renders that are being segmented, or that failed to be."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from creative_lab.state.models.base import Base, Timestamped, not_blank, one_of

SEGMENTATION_STATES = ("waiting", "claimed", "done", "failed")


class SegmentationClaim(Timestamped, Base):
    """Where the segmentation of one render of a look stands; the rules are in ``creative_lab.looks.claims``."""

    __tablename__ = "segmentation_claims"
    __table_args__ = (
        one_of("state", SEGMENTATION_STATES),
        not_blank("look_id"),
        CheckConstraint("attempts >= 0 AND outages >= 0 AND token >= 0", name="counts_not_negative"),
        CheckConstraint("state <> 'failed' OR reason <> ''", name="failures_have_a_reason"),
        CheckConstraint("(state = 'claimed') = (lease_until IS NOT NULL)", name="a_claim_has_a_lease"),
        Index(None, "state", "day"),
    )

    look_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    render_no: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    day: Mapped[str] = mapped_column(String(10), comment="Day of the look, YYYY-MM-DD")
    rendered_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(10))
    attempts: Mapped[int] = mapped_column(Integer, comment="Attempts that failed")
    outages: Mapped[int] = mapped_column(Integer, comment="Times in a row that work could not begin")
    token: Mapped[int] = mapped_column(BigInteger, comment="Grows with every claim, so that a late holder is noticed")
    owner: Mapped[str] = mapped_column(String(200), default="", server_default="")
    lease_until: Mapped[datetime | None]
    retry_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(Text, default="", server_default="")
    released_by: Mapped[str] = mapped_column(String(200), default="", server_default="")
