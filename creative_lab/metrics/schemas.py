"""Tables of the metrics room."""

from __future__ import annotations

import dataframely as dy

from creative_lab.lake.schemas import TableSchema, table


def _about(comment: str) -> dict[str, str]:
    return {"comment": comment}


@table("gate_quality_cases", comment="Scripts with one planted defect, or none, and what the gates found in them")
class GateQualityCases(TableSchema):
    """One row per script that was put before the gates."""

    case_id = dy.String(primary_key=True, metadata=_about("Spot, market, defect and number of the case"))
    spot = dy.String(nullable=False, metadata=_about("Slug of the spot"))
    market = dy.String(nullable=False, metadata=_about("Country of the target"))
    language = dy.String(nullable=False, metadata=_about("BCP-47 tag of the target's language"))
    gate = dy.String(nullable=False, metadata=_about("Gate that must find the defect; 'all' for a clean script"))
    defect = dy.String(nullable=False, metadata=_about("Class of the planted defect; 'clean' for none"))
    planted = dy.String(nullable=False, metadata=_about("What was changed, in words"))
    planted_row = dy.Int64(nullable=True, metadata=_about("0-based row of the defect; null where it has no row"))
    expected = dy.Bool(nullable=False, metadata=_about("Whether a defect was planted"))
    found = dy.Bool(nullable=False, metadata=_about("Whether the right class was reported at the right row"))
    findings = dy.List(dy.String(), nullable=False, metadata=_about("All findings as gate:check@row"))
    false_positives = dy.List(
        dy.String(), nullable=False, metadata=_about("Findings that the planted defect does not explain")
    )
    seed = dy.Int64(nullable=False, metadata=_about("Seed that plants the same defect again"))


@table("gate_quality", comment="Precision and recall of the gates' exact checks on planted defects")
class GateQuality(TableSchema):
    """One row per class, per gate and for everything."""

    level = dy.Enum(["class", "gate", "all"], nullable=False, metadata=_about("What the row sums up"))
    gate = dy.String(primary_key=True, metadata=_about("Gate, or 'all'"))
    defect = dy.String(primary_key=True, metadata=_about("Class of defect, or 'all'"))
    cases = dy.Int64(nullable=False, metadata=_about("Scripts with a planted defect of this class"))
    true_positives = dy.Int64(nullable=False, metadata=_about("Planted defects found: right class, right row"))
    false_negatives = dy.Int64(nullable=False, metadata=_about("Planted defects not found"))
    false_positives = dy.Int64(
        nullable=False, metadata=_about("Findings of this class that no planted defect explains")
    )
    precision = dy.Float64(nullable=True, metadata=_about("Share of findings that are right"))
    precision_low = dy.Float64(nullable=True, metadata=_about("Lower end of the 95 % Wilson interval of precision"))
    precision_high = dy.Float64(nullable=True, metadata=_about("Upper end of the 95 % Wilson interval of precision"))
    recall = dy.Float64(nullable=True, metadata=_about("Share of planted defects found"))
    recall_low = dy.Float64(nullable=True, metadata=_about("Lower end of the 95 % Wilson interval of recall"))
    recall_high = dy.Float64(nullable=True, metadata=_about("Upper end of the 95 % Wilson interval of recall"))
    f1 = dy.Float64(nullable=True, metadata=_about("Harmonic mean of precision and recall"))
    clean_scripts = dy.Int64(nullable=False, metadata=_about("Scripts without a defect that were checked too"))
    clean_with_findings = dy.Int64(nullable=False, metadata=_about("Of those, scripts with a finding of this class"))
