"""The standing check of a day's masks: no picture is without them for long, and none is given up unseen."""

# No postponed annotations here: Dagster reads the types of parameters when a function is decorated.

import warnings

import dagster as dg

from creative_lab.partitions import days
from creative_lab.settings import get_settings

with warnings.catch_warnings():
    # Partitioned checks are marked as a preview in this release of Dagster; every load would repeat the note.
    warnings.simplefilter("ignore", dg.PreviewWarning)

    @dg.asset_check(asset="garment_masks", partitions_def=days)
    def no_picture_left_behind(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """Every picture of the day has masks or is young; what was given up is named."""
        from creative_lab.looks.reconcile import AGE_LIMIT_S, backlog_of_day

        backlog = backlog_of_day(get_settings(), context.partition_key)
        old = backlog.oldest_unsegmented_s > AGE_LIMIT_S
        said = [f"{len(backlog.missing)} of {backlog.rendered} pictures without masks"] if backlog.missing else []
        said += [f"{record.key.look_id} render {record.key.render_no}: {record.reason}" for record in backlog.failed]
        return dg.AssetCheckResult(
            passed=not old and not backlog.failed,
            severity=dg.AssetCheckSeverity.WARN,
            description="; ".join(said) or "all pictures are segmented",
            metadata={
                "rendered": backlog.rendered,
                "missing": len(backlog.missing),
                "failed": len(backlog.failed),
                "oldest_unsegmented_s": backlog.oldest_unsegmented_s,
            },
        )
