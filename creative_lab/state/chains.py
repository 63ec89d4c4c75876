"""Where adaptations come from: the origin at the start of each chain of sources."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from creative_lab.state.models import AdUnit


def origins_of_adaptations(session: Session, campaign_id: int | None = None) -> dict[int, int]:
    """Id of each adaptation (of one campaign, or all) and id of the origin that it goes back to, in one query.

    An adaptation whose chain never reaches an origin is left out.
    """
    start = select(AdUnit.id.label("unit_id"), AdUnit.source_ad_unit_id.label("ancestor_id")).where(
        AdUnit.origin_or_adaptation == "ADAPTATION"
    )
    if campaign_id is not None:
        start = start.where(AdUnit.campaign_id == campaign_id)
    chain = start.cte("chain", recursive=True)
    ancestor = aliased(AdUnit)
    # UNION drops repeated rows, so that a circle of sources ends the recursion.
    chain = chain.union(
        select(chain.c.unit_id, ancestor.source_ad_unit_id).join(ancestor, ancestor.id == chain.c.ancestor_id)
    )
    query = (
        select(chain.c.unit_id, AdUnit.id)
        .join(AdUnit, AdUnit.id == chain.c.ancestor_id)
        .where(AdUnit.origin_or_adaptation == "ORIGIN")
        .order_by(chain.c.unit_id)
    )
    return dict(session.execute(query).tuples().all())
