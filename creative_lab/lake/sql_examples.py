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
    Example(
        "market_results",
        "Which spots are ready for which market, and how much work did each take?",
        """SELECT spot, target, status, drafts, findings_major + findings_critical AS heavy, findings_minor AS notes,
  round(seconds, 1) AS seconds, round(cost_usd, 4) AS usd, writer_model, backend
FROM adaptation_results
ORDER BY spot, status, target""",
    ),
    Example(
        "waiting",
        "What waits for a person, and why?",
        """SELECT spot, target, language, person_reason
FROM adaptation_results
WHERE needs_person
ORDER BY target, spot""",
    ),
    Example(
        "gate_verdicts",
        "How often does each gate pass a draft, and how often does the model disagree with the rubric?",
        """SELECT gate, backend, count(*) AS looks, round(100.0 * avg(CAST(passed AS INTEGER)), 1) AS passed_percent,
  count(*) FILTER (WHERE model_passed IS NOT NULL AND model_passed <> passed) AS disagreements,
  round(avg(score), 3) AS mean_score
FROM gate_evaluations
GROUP BY gate, backend
ORDER BY passed_percent""",
    ),
    Example(
        "faults",
        "Which faults do drafts have most, and in which markets?",
        """SELECT "check" AS fault, severity, count(*) AS times, count(DISTINCT target) AS targets,
  any_value(description) AS for_example
FROM gate_findings
GROUP BY fault, severity
ORDER BY times DESC
LIMIT 25""",
    ),
    Example(
        "rewrites",
        "Which gates send drafts back, and for which spots?",
        """SELECT spot, sum(revisions_format) AS format, sum(revisions_culture) AS culture,
  sum(revisions_concept) AS concept, sum(revisions_brand) AS brand, round(avg(drafts), 2) AS drafts_per_target
FROM adaptation_results
GROUP BY spot
ORDER BY drafts_per_target DESC""",
    ),
    Example(
        "changed_rows",
        "How much of each script changes from market to market?",
        """SELECT a.spot, a.target, count(*) AS script_rows,
  count(*) FILTER (WHERE a.audio_text <> o.audio_text) AS heard_otherwise,
  count(*) FILTER (WHERE a.visual_text <> o.visual_text) AS seen_otherwise
FROM adapted_scripts AS a JOIN origin_scripts AS o USING (spot, row)
GROUP BY a.spot, a.target
ORDER BY a.spot, heard_otherwise + seen_otherwise DESC""",
    ),
    Example(
        "substitutions",
        "What is replaced most often, by what, and in which markets?",
        """SELECT s.original, s.replacement, count(*) AS times, list(DISTINCT target ORDER BY target) AS targets
FROM (SELECT target, unnest(substitutions) AS s FROM cultural_brief)
GROUP BY s.original, s.replacement
ORDER BY times DESC
LIMIT 30""",
    ),
    Example(
        "cost_per_spot",
        "What does a spot cost in all its markets, with everything that was asked of models?",
        """SELECT spot, backend, count(*) AS calls, sum(CAST(cached AS INTEGER)) AS from_cache,
  sum(prompt_tokens) + sum(completion_tokens) AS tokens, round(sum(cost_usd), 4) AS usd,
  round(sum(duration_ms) / 1000, 1) AS seconds
FROM llm_calls
GROUP BY spot, backend
ORDER BY usd DESC NULLS LAST""",
    ),
    Example(
        "gate_quality",
        "How good are the gates: which classes of defect do they miss or invent?",
        """SELECT level, gate, defect, cases, round(recall, 3) AS recall, round(recall_low, 3) AS recall_low,
  round(precision, 3) AS precision, false_positives
FROM gate_quality
ORDER BY level, recall NULLS LAST, gate, defect""",
    ),
    Example(
        "audience",
        "Which insights does each persona bring into its adaptations?",
        """SELECT t.code AS target, t.persona, p.source, left(p.markdown, 120) AS begins
FROM targets AS t JOIN persona_insights AS p ON p.level = 'persona' AND p.name = t.persona
ORDER BY target""",
    ),
)


def example(name: str) -> Example:
    """The example called ``name``; KeyError lists the names there are."""
    for found in EXAMPLES:
        if found.name == name:
            return found
    raise KeyError(f"no example {name!r}; there are {', '.join(found.name for found in EXAMPLES)}")
