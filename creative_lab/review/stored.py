"""The document of an adapted script, put together from what the lake holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from creative_lab.adaptation.document import Document, render_html
from creative_lab.adaptation.rows import concept_of, culture_of, evaluations_of, origin_of, output_of
from creative_lab.adaptation.tables import (
    AdaptationResults,
    AdaptedScripts,
    ConceptBriefs,
    CulturalBriefs,
    GateEvaluations,
    GateFindings,
    OriginScripts,
)
from creative_lab.lake.tables import TableStore

if TYPE_CHECKING:
    from creative_lab.settings import Settings


def stored_document(settings: Settings, spot: str, target: str) -> Document:
    """Origin, draft, briefs and evaluations of one adaptation as they were stored.

    Raises :class:`~creative_lab.lake.tables.MissingPartition` when the spot was not adapted to the target.
    """
    store = TableStore(settings)
    keys, spot_keys = {"spot": spot, "target": target}, {"spot": spot}
    result = store.read(AdaptationResults, [keys]).row(0, named=True)
    draft = output_of(store.read(AdaptedScripts, [keys]))
    if draft is None:
        raise ValueError(f"the adaptation of {spot} to {target} ended without a draft: {result['error_message']}")
    return Document(
        spot=spot,
        target=target,
        target_name=result["target_name"],
        origin=origin_of(store.read(OriginScripts, [spot_keys])),
        draft=draft,
        status=result["status"],
        error_message=result["error_message"],
        content_hash=result["content_hash"],
        writer_model=result["writer_model"],
        backend=result["backend"],
        evaluations=evaluations_of(store.read(GateEvaluations, [keys]), store.read(GateFindings, [keys])),
        concept=concept_of(store.read(ConceptBriefs, [spot_keys])) if store.exists(ConceptBriefs, spot_keys) else None,
        culture=culture_of(store.read(CulturalBriefs, [keys])) if store.exists(CulturalBriefs, keys) else None,
    )


def stored_page(settings: Settings, spot: str, target: str) -> str:
    """The stored document as HTML."""
    return render_html(stored_document(settings, spot, target))
