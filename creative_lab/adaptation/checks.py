"""Blocking checks of an adapted script: one per gate, and a person's approval of exactly this content."""

# No postponed annotations here: Dagster reads the types of parameters when a function is decorated.

import warnings
from collections.abc import Iterator

import dagster as dg

from creative_lab.adaptation.assets import partition_of
from creative_lab.adaptation.schemas import GATES
from creative_lab.partitions import spot_targets
from creative_lab.settings import get_settings

SCRIPT = dg.AssetKey("adapted_scripts")
APPROVED = "approved"

_TITLES = {
    "format_gate": "Rows, timecodes, languages, time, formats: the last draft passed the format gate.",
    "culture_gate": "Substitutions, tone, pitfalls, regulation: the last draft passed the culture gate.",
    "concept_gate": "Message, emotional order, what must stay: the last draft passed the concept gate.",
    "brand_gate": "Voice, names, words, legal line: the last draft passed the brand gate.",
    APPROVED: "A person approved exactly this content (only asked for when CREATIVE_LAB_REVIEW is on).",
}


def _spec(name: str) -> dg.AssetCheckSpec:
    # Partitioned checks are marked as a preview in this release of Dagster; every load would repeat the note.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return dg.AssetCheckSpec(
            name, asset=SCRIPT, description=_TITLES[name], blocking=True, partitions_def=spot_targets
        )


@dg.multi_asset_check(name="adapted_script_checks", specs=[_spec(name) for name in _TITLES], can_subset=True)
def adapted_script_checks(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
    """The verdicts that were stored with the draft, and the state of its approval."""
    from creative_lab.lake.tables import TableStore

    spot, target = partition_of(context)
    settings = get_settings()
    store, partition = TableStore(settings), [{"spot": spot, "target": target}]
    wanted = {key.name for key in context.selected_asset_check_keys}
    result = store.read("adaptation_results", partition).row(0, named=True)
    evaluations = store.read("gate_evaluations", partition)
    last = {row["gate"]: row for row in evaluations.sort("evaluation").iter_rows(named=True)
            if row["draft_number"] == result["drafts"]}  # fmt: skip
    for gate in GATES:
        if gate not in wanted:
            continue
        seen = last.get(gate)
        if seen is None:
            # The gate that stopped the draft is red and blocks; this one has nothing to say about it.
            yield _result(gate, False, f"not reached: {result['error_message']}", severity=dg.AssetCheckSeverity.WARN)
            continue
        numbers = {
            name: seen[name] for name in ("draft_number", "findings_critical", "findings_major", "findings_minor")
        }
        yield _result(gate, seen["passed"], seen["summary"], metadata=numbers | {"model": seen["model_id"]})
    if APPROVED in wanted:
        yield _approval(spot, target, result["content_hash"])


def _approval(spot: str, target: str, content_hash: str | None) -> dg.AssetCheckResult:
    from creative_lab.adaptation.stored import decision_on
    from creative_lab.state.db import session_scope

    settings = get_settings()
    if not settings.review:
        return _result(APPROVED, True, "approval is not asked for (CREATIVE_LAB_REVIEW is off)")
    if content_hash is None:
        return _result(APPROVED, False, "there is no draft to approve")
    with session_scope(settings) as session:
        decision = decision_on(session, spot, target, content_hash)
    return _result(APPROVED, decision == "approved", f"{decision}: content {content_hash}")


def _result(
    name: str,
    passed: bool,
    description: str,
    *,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
    metadata: dict[str, str | int] | None = None,
) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=SCRIPT,
        check_name=name,
        passed=bool(passed),
        severity=severity,
        description=description,
        metadata=metadata or {},
    )


adaptation_checks = [adapted_script_checks]
