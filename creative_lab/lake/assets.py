"""Assets of operations: the logs that runs write, and the warehouse that analysts read."""

from typing import Any

import dagster as dg

from creative_lab.settings import get_settings

_COMMON: dict[str, Any] = {"group_name": "operations", "owners": ["team:platform"]}

pipeline_events = dg.AssetSpec(
    "pipeline_events",
    description="One row per stage and attempt of every piece of work, written by the runs themselves as they go.",
    kinds={"parquet", "table"},
    metadata={"table": "pipeline_events"},
    **_COMMON,
)
llm_calls = dg.AssetSpec(
    "llm_calls",
    description="One row per call of a language model: tokens, cost, time, outcome. Written by the client.",
    kinds={"parquet", "table"},
    metadata={"table": "llm_calls"},
    **_COMMON,
)


@dg.asset(
    **_COMMON,
    kinds={"duckdb", "view"},
    deps=[pipeline_events, llm_calls],
    # Not on_cron: that waits for upstream materializations, and the logs are written without any.
    automation_condition=dg.AutomationCondition.cron_tick_passed("*/15 * * * *")
    & ~dg.AutomationCondition.in_progress(),
    code_version="1",
)
def warehouse(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """``warehouse.duckdb``: a view over every table, with comments, built beside the old file and renamed over it."""
    from creative_lab.lake.warehouse import build_warehouse

    settings = get_settings()
    report = build_warehouse(settings)
    for table, problem in report.problems.items():
        context.log.warning("table %s could not be read: %s", table, problem)
    return dg.MaterializeResult(
        metadata={
            "path": dg.MetadataValue.path(str(settings.warehouse_path)),
            "query": dg.MetadataValue.md("`creative-lab sql --examples` lists named questions to begin with."),
            "tables": len(report.tables),
            "tables_unreadable": len(report.problems),
            "megabytes": round(settings.warehouse_path.stat().st_size / 1e6, 3),
        }
    )
