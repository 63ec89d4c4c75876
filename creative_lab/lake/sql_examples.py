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
    Example(
        "looks_accepted",
        "Which designers' looks are accepted (mean grade of 4 and more), of how many that were graded?",
        """WITH latest AS (
  SELECT look_id, score, backend, row_number() OVER (
    PARTITION BY grader, look_id ORDER BY graded_at DESC, grade_id DESC) AS place
  FROM look_grades WHERE item_kind = 'look'),
looks AS (SELECT look_id, avg(score) AS score FROM latest WHERE place = 1 GROUP BY look_id)
SELECT m.designer_name AS name, m.backend, count(*) AS dealt, count(score) AS graded,
  count(*) FILTER (WHERE score >= 4) AS accepted,
  round(100.0 * count(*) FILTER (WHERE score >= 4) / nullif(count(score), 0), 1) AS accepted_percent,
  round(avg(score), 2) AS mean_grade
FROM look_manifests AS m LEFT JOIN looks USING (look_id)
WHERE m.status = 'dealt'
GROUP BY m.designer_name, m.backend
ORDER BY accepted_percent DESC NULLS LAST, name""",
    ),
    Example(
        "guard_relaxations",
        "How often do the guards of the selection make it draw again, relax or give up, day by day?",
        """SELECT day, count(*) AS deals, round(avg(attempts), 2) AS draws_per_deal,
  count(*) FILTER (WHERE list_contains(relaxed, 'stale')) AS stale_relaxed,
  count(*) FILTER (WHERE list_contains(relaxed, 'gate')) AS gate_relaxed,
  count(*) FILTER (WHERE status = 'exhausted') AS exhausted
FROM look_manifests
GROUP BY day
ORDER BY day DESC""",
    ),
    Example(
        "prompt_faults",
        "How do lost scenes and forbidden words in the prompts of looks develop over time?",
        """SELECT day, backend, count(*) AS prompts, count(*) FILTER (WHERE status = 'rejected') AS rejected,
  count(*) FILTER (WHERE len(list_filter(reasons, lambda r: starts_with(r, 'scene_drift:'))) > 0) AS scene_drift,
  count(*) FILTER (WHERE len(list_filter(reasons, lambda r: starts_with(r, 'forbidden_vocab:'))) > 0) AS forbidden,
  count(*) FILTER (WHERE len(substitutions) > 0) AS words_substituted, round(avg(attempts), 2) AS tries
FROM look_prompts
GROUP BY day, backend
ORDER BY day DESC""",
    ),
    Example(
        "look_costs",
        "What does an accepted look (mean grade of 4 and more) cost, with all that was rejected on the way?",
        """WITH latest AS (
  SELECT look_id, score, row_number() OVER (
    PARTITION BY grader, look_id ORDER BY graded_at DESC, grade_id DESC) AS place
  FROM look_grades WHERE item_kind = 'look'),
looks AS (SELECT look_id, avg(score) AS score FROM latest WHERE place = 1 GROUP BY look_id),
spent AS (
  SELECT day, look_id, backend, cost_usd, seconds FROM look_prompts
  UNION ALL SELECT day, look_id, backend, cost_usd, duration_ms / 1000 FROM look_renders)
SELECT day, backend, round(sum(cost_usd), 4) AS usd, round(sum(seconds), 1) AS seconds,
  count(DISTINCT look_id) AS looks, count(DISTINCT look_id) FILTER (WHERE score >= 4) AS accepted,
  round(sum(cost_usd) / nullif(count(DISTINCT look_id) FILTER (WHERE score >= 4), 0), 4) AS usd_per_accepted,
  round(sum(seconds) / nullif(count(DISTINCT look_id) FILTER (WHERE score >= 4), 0), 1) AS seconds_per_accepted
FROM spent LEFT JOIN looks USING (look_id)
GROUP BY day, backend
ORDER BY day DESC""",
    ),
    Example(
        "mask_coverage",
        "Are all pictures of looks segmented, how many garments were found, and how old is the oldest without masks?",
        """WITH pictures AS (
  SELECT day, look_id, render_no, rendered_at FROM look_renders WHERE status = 'ok'),
masks AS (
  SELECT day, look_id, render_no, count(*) FILTER (WHERE kind = 'garment') AS garments,
    bool_or(doubtful) AS doubtful
  FROM garment_masks GROUP BY day, look_id, render_no)
SELECT day, count(*) AS pictures, count(garments) AS segmented,
  round(100.0 * count(garments) / count(*), 1) AS segmented_percent, round(avg(garments), 1) AS garments_per_picture,
  count(*) FILTER (WHERE garments = 0) AS without_garments, count(*) FILTER (WHERE doubtful) AS doubtful,
  round(date_diff('second', min(rendered_at) FILTER (WHERE garments IS NULL), now()) / 60.0, 1) AS oldest_missing_min
FROM pictures LEFT JOIN masks USING (day, look_id, render_no)
GROUP BY day
ORDER BY day DESC""",
    ),
    Example(
        "sweeps",
        "What did the ticks of the reconciliation find, and how old was the oldest picture without masks?",
        """SELECT "at", status, CAST(detail->>'found' AS INTEGER) AS missing,
  CAST(detail->>'requeued' AS INTEGER) AS requeued,
  CAST(detail->>'held' AS INTEGER) AS in_work, CAST(detail->>'waiting' AS INTEGER) AS waiting,
  CAST(detail->>'failed' AS INTEGER) AS failed, CAST(detail->>'orphans' AS INTEGER) AS orphans,
  round(CAST(detail->>'oldest_unsegmented_s' AS DOUBLE) / 60, 1) AS oldest_min,
  round(duration_ms, 1) AS sweep_ms, reason
FROM pipeline_events
WHERE stage = 'reconcile'
ORDER BY "at" DESC
LIMIT 100""",
    ),
    Example(
        "look_failures",
        "Which stages of the daily looks fail, and why?",
        """SELECT day, stage, split_part(reason, ':', 1) AS why, count(*) AS times, count(DISTINCT look_id) AS looks,
  any_value(reason) AS for_example
FROM pipeline_events
WHERE status = 'fail' AND look_id IS NOT NULL
GROUP BY day, stage, why
ORDER BY day DESC, times DESC""",
    ),
    Example(
        "vocabulary_effect",
        "Do proven fragments in the prompt raise the grades of looks, and how sure is that?",
        """WITH latest AS (
  SELECT look_id, score, row_number() OVER (
    PARTITION BY grader, look_id ORDER BY graded_at DESC, grade_id DESC) AS place
  FROM look_grades WHERE item_kind = 'look'),
looks AS (
  SELECT p.backend, p.day, p.vocabulary_arm AS arm, avg(l.score) AS score
  FROM look_prompts AS p JOIN latest AS l USING (look_id)
  WHERE p.status = 'ok' AND l.place = 1
  GROUP BY p.backend, p.day, p.vocabulary_arm, look_id),
days AS (  -- the arm is drawn by lot within a day, so each day compares like with like
  SELECT backend, day, count(*) FILTER (WHERE arm = 'with') AS n1, count(*) FILTER (WHERE arm = 'without') AS n0,
    avg(score) FILTER (WHERE arm = 'with') - avg(score) FILTER (WHERE arm = 'without') AS difference,
    coalesce(var_pop(score) FILTER (WHERE arm = 'with'), 0) * n1
      + coalesce(var_pop(score) FILTER (WHERE arm = 'without'), 0) * n0 AS squares
  FROM looks GROUP BY backend, day HAVING n1 > 0 AND n0 > 0),
pooled AS (
  SELECT backend, count(*) AS days, sum(n1) AS looks_with, sum(n0) AS looks_without,
    sum(difference * n1 * n0 / (n1 + n0)) / sum(n1 * n0 / (n1 + n0)) AS effect,
    sqrt(sum(squares) / nullif(sum(n1 + n0) - 2 * count(*), 0) / sum(n1 * n0 / (n1 + n0))) AS error
  FROM days GROUP BY backend)
SELECT backend, days, looks_with, looks_without, round(effect, 4) AS effect,
  round(effect - 1.96 * error, 4) AS low_95, round(effect + 1.96 * error, 4) AS high_95
FROM pooled ORDER BY backend""",
    ),
    Example(
        "frame_cost",
        "What does a storyboard frame take in time, tries and money, by method?",
        """SELECT backend, method, count(*) AS frames, round(median(seconds), 2) AS median_s,
  round(quantile_cont(seconds, 0.95), 2) AS p95_s, round(avg(attempts), 2) AS tries,
  round(sum(candidates) / count(*), 1) AS pictures, round(avg(cost_usd), 4) AS usd
FROM storyboard_frames
WHERE status IN ('chosen', 'fallback')
GROUP BY backend, method
ORDER BY backend, method""",
    ),
    Example(
        "frame_retries",
        "Why were storyboard scenes drawn again?",
        """SELECT q.backend, f.method, coalesce(list_aggregate(q.anomalies, 'string_agg', ', '), '') AS anomalies,
  regexp_replace(q.reason, '[0-9.]+', '…', 'g') AS why, count(*) AS pictures,
  count(DISTINCT (q.storyboard, q.scene)) AS scenes
FROM quality_scores AS q JOIN storyboard_frames AS f USING (storyboard, scene)
WHERE NOT q.accepted
GROUP BY ALL
ORDER BY pictures DESC""",
    ),
    Example(
        "frame_likeness",
        "How near are frames to frame 1, by method, and in how many is no face found?",
        """SELECT backend, method, count(*) AS frames, round(avg(clip_identity), 4) AS clip_identity,
  round(avg(face_similarity), 4) AS face_similarity, round(min(face_similarity), 4) AS least,
  count(*) FILTER (WHERE expected_faces > 0 AND faces_found = 0) AS without_a_face
FROM storyboard_frames
WHERE scene > 1 AND path IS NOT NULL
GROUP BY backend, method
ORDER BY backend, method""",
    ),
    Example(
        "character_consistency",
        "How much the same does the character stay, by method, and are frames copies of each other?",
        """SELECT backend, method, count(*) AS storyboards, sum(frames) AS frames, sum(missing) AS without_a_face,
  round(avg(face_consistency), 3) AS face_consistency, round(min(face_minimum), 3) AS least,
  round(avg(recognised), 3) AS recognised, round(avg(mean_difference), 3) AS variety, round(avg(copies), 3) AS copies
FROM storyboard_consistency
WHERE character IS NOT NULL
GROUP BY backend, method
ORDER BY backend, face_consistency""",
    ),
    Example(
        "scorer_agreement",
        "Do the four scorers agree with each other about the same scene's pictures?",
        """WITH ranked AS (  -- ranks within a scene: a correlation of ranks is Spearman's
  SELECT backend, storyboard, scene,
    percent_rank() OVER w_pick AS pick, percent_rank() OVER w_clip AS clip,
    percent_rank() OVER w_vqa AS vqa, percent_rank() OVER w_aesthetic AS aesthetic
  FROM quality_scores
  WHERE pickscore IS NOT NULL AND clipscore IS NOT NULL AND vqascore IS NOT NULL AND aesthetic IS NOT NULL
  WINDOW w_pick AS (PARTITION BY storyboard, scene ORDER BY pickscore),
    w_clip AS (PARTITION BY storyboard, scene ORDER BY clipscore),
    w_vqa AS (PARTITION BY storyboard, scene ORDER BY vqascore),
    w_aesthetic AS (PARTITION BY storyboard, scene ORDER BY aesthetic))
SELECT backend, count(*) AS pictures, round(corr(pick, clip), 2) AS pick_clip, round(corr(pick, vqa), 2) AS pick_vqa,
  round(corr(pick, aesthetic), 2) AS pick_aesthetic, round(corr(clip, vqa), 2) AS clip_vqa,
  round(corr(clip, aesthetic), 2) AS clip_aesthetic, round(corr(vqa, aesthetic), 2) AS vqa_aesthetic
FROM ranked GROUP BY backend ORDER BY backend""",
    ),
    Example(
        "training_outcome",
        "How near did each LoRA come to its character, at which step, and how long did that take?",
        """SELECT backend, character, base_model, rank, chosen_step, steps, round(identity_base, 3) AS before,
  round(identity, 3) AS after, round(seconds, 0) AS seconds, round(steps_per_second, 2) AS steps_per_s
FROM lora_weights
ORDER BY backend, character""",
    ),
)


def example(name: str) -> Example:
    """The example called ``name``; KeyError lists the names there are."""
    for found in EXAMPLES:
        if found.name == name:
            return found
    raise KeyError(f"no example {name!r}; there are {', '.join(found.name for found in EXAMPLES)}")
