"""Named questions with their queries, for people who meet the warehouse for the first time.

``at`` is a word of SQL: as a column it is written ``"at"``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """One question and the query that answers it."""

    name: str
    question: str
    sql: str


EXAMPLES: tuple[Example, ...] = (
    Example(
        "tables",
        "Which tables are there, and what does a row of each mean?",
        'SELECT view_name AS "table", comment FROM duckdb_views() WHERE NOT internal ORDER BY view_name',
    ),
    Example(
        "columns",
        "Which columns do the tables have, and what do they mean?",
        """SELECT c.table_name AS "table", c.column_name AS "column", c.data_type AS type, c.comment
FROM duckdb_columns() AS c JOIN duckdb_views() AS v ON c.table_name = v.view_name
WHERE NOT v.internal
ORDER BY c.table_name, c.column_index""",
    ),
    Example(
        "failures",
        "What failed lately, and why?",
        """SELECT "at", stage, spot, target, attempt, reason
FROM pipeline_events
WHERE status = 'fail'
ORDER BY "at" DESC
LIMIT 50""",
    ),
    Example(
        "stages",
        "How often does each stage succeed, and how long does it take?",
        """SELECT stage, count(*) AS runs, round(100.0 * avg(CAST(status = 'ok' AS INTEGER)), 1) AS ok_percent,
  round(median(duration_ms)) AS median_ms, round(quantile_cont(duration_ms, 0.95)) AS p95_ms
FROM pipeline_events
GROUP BY stage
ORDER BY runs DESC""",
    ),
    Example(
        "retries",
        "Which stages needed more than one attempt, for which spot and target?",
        """SELECT stage, spot, target, max(attempt) AS attempts,
  arg_max(status, attempt) AS last_status
FROM pipeline_events
GROUP BY stage, spot, target
HAVING max(attempt) > 1
ORDER BY attempts DESC, stage""",
    ),
    Example(
        "model_costs",
        "What did each language model cost per day, and how much did the cache save?",
        """SELECT day, backend, model_id, count(*) AS calls, sum(CAST(cached AS INTEGER)) AS from_cache,
  sum(prompt_tokens) AS prompt_tokens, sum(completion_tokens) AS completion_tokens,
  round(sum(cost_usd), 4) AS usd
FROM llm_calls
GROUP BY day, backend, model_id
ORDER BY day DESC, usd DESC NULLS LAST""",
    ),
    Example(
        "slow_calls",
        "Which calls of language models were slowest?",
        """SELECT "at", slug, model_id, round(duration_ms) AS ms, prompt_tokens, completion_tokens, status, error
FROM llm_calls
WHERE NOT cached
ORDER BY duration_ms DESC NULLS LAST
LIMIT 20""",
    ),
)


def example(name: str) -> Example:
    """The example called ``name``; KeyError lists the names there are."""
    for found in EXAMPLES:
        if found.name == name:
            return found
    raise KeyError(f"no example {name!r}; there are {', '.join(found.name for found in EXAMPLES)}")
