"""Assets that prove, or disprove, that a character stays the same: consistency, ablation, validity, the user study."""

from typing import Any

import dagster as dg
import polars as pl
from pydantic import Field

from creative_lab.partitions import storyboards
from creative_lab.settings import get_settings

_COMMON: dict[str, Any] = {
    "group_name": "metrics",
    "owners": ["team:quality"],
    "kinds": {"polars", "parquet"},
    "code_version": "1",
}


def _outs(tables: dict[str, str]) -> dict[str, dg.AssetOut]:
    """Tables that one computation makes, by name, each with its description."""
    return {name: dg.AssetOut(**_COMMON, metadata={"table": name}, description=words) for name, words in tables.items()}


_PROOF: dict[str, Any] = {**_COMMON, "partitions_def": storyboards}
_EVERY_CHARACTER = dg.AssetDep("training_set", partition_mapping=dg.AllPartitionMapping())


@dg.multi_asset(
    outs=_outs(
        {
            "face_consistency": (
                "The character's face in every frame against the first, its own pictures and everybody else."
            ),
            "storyboard_consistency": (
                "How much the same the character is over a storyboard, and how varied its frames are."
            ),
        }
    ),
    partitions_def=storyboards,
    deps=[_EVERY_CHARACTER],
    name="measure_consistency",
)
def measure_consistency(storyboard_frames: pl.DataFrame) -> Any:
    """Find and compare the faces of a storyboard."""
    from creative_lab.lake.schemas import table_frame
    from creative_lab.metrics import proof
    from creative_lab.vision.models import VisionModels

    settings = get_settings()
    with VisionModels(settings) as models:
        try:
            rows, summary = proof.consistency_rows(settings, models, storyboard_frames)
        except ValueError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
    shown = {name: value for name, value in summary.items() if isinstance(value, int | float)}
    yield dg.MaterializeResult(asset_key="face_consistency", value=table_frame("face_consistency", rows))
    yield dg.MaterializeResult(
        asset_key="storyboard_consistency", value=table_frame("storyboard_consistency", [summary]), metadata=shown
    )


@dg.asset(**_PROOF, metadata={"table": "clip_alignment"})
def clip_alignment(storyboard_frames: pl.DataFrame) -> dg.MaterializeResult[pl.DataFrame]:
    """How well each frame shows what its own scene says, against what the others say."""
    from creative_lab.lake.schemas import table_frame
    from creative_lab.metrics import proof
    from creative_lab.vision.models import VisionModels

    settings = get_settings()
    with VisionModels(settings) as models:
        try:
            rows = proof.alignment_rows(settings, models, storyboard_frames)
        except ValueError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
    frame = table_frame("clip_alignment", rows)
    first = frame.filter(pl.col("rank") == 1).height
    return dg.MaterializeResult(value=frame, metadata={"frames": frame.height, "own_scene_first": first})


@dg.asset(**_PROOF, metadata={"table": "frame_anomalies"})
def frame_anomalies(
    storyboard_frames: pl.DataFrame, quality_scores: pl.DataFrame
) -> dg.MaterializeResult[pl.DataFrame]:
    """What looks wrong about the chosen frames, and how often a scene was tried again."""
    from creative_lab.lake.schemas import table_frame
    from creative_lab.metrics import proof

    frame = table_frame("frame_anomalies", proof.anomaly_rows(storyboard_frames, quality_scores))
    wrong = frame.filter(pl.col("anomalies").list.len() > 0).height
    return dg.MaterializeResult(value=frame, metadata={"frames": frame.height, "with_anomalies": wrong})


class ValidityConfig(dg.Config):
    """How many pictures the metrics are tried on."""

    people: int = Field(default=40, ge=3, le=500, description="People that are told apart by their faces.")
    pictures: int = Field(default=120, ge=20, le=2000, description="Pictures per question about scores.")
    seed: int = Field(default=0, ge=0, description="The same seed draws the same pictures.")


@dg.asset(**_COMMON, metadata={"table": "metric_validity"})
def metric_validity(config: ValidityConfig) -> dg.MaterializeResult[pl.DataFrame]:
    """Whether each metric orders what is known about pictures of the drawn world: who is who, how good, how fitting."""
    from creative_lab.lake.schemas import table_frame
    from creative_lab.metrics import world_truth
    from creative_lab.vision.models import VisionModels

    with VisionModels(get_settings()) as models:
        rows = world_truth.face_rows(models, people=config.people, seed=config.seed)
        rows += world_truth.score_rows(models, pictures=config.pictures, seed=config.seed)
    values = {f"{row['metric']}: {row['question']}": row["value"] for row in rows if row["value"] is not None}
    return dg.MaterializeResult(value=table_frame("metric_validity", rows), metadata=values)


@dg.multi_asset(
    outs=_outs(
        {
            "ablation_report": "Every method's mean per metric over the same stories, characters and seeds.",
            "ablation_deltas": "What each method gains over a lesser one, pair by pair.",
        }
    ),
    deps=[
        dg.AssetDep(name, partition_mapping=dg.AllPartitionMapping())
        for name in ("storyboard_frames", "frame_candidates", "face_consistency", "storyboard_consistency")
    ]
    + ["metric_validity", "user_study"],
    name="compare_methods",
)
def compare_methods() -> Any:
    """The ablation over all stored storyboards, as tables, ``results.md`` and a page with the pictures."""
    from creative_lab.lake.schemas import table_frame
    from creative_lab.metrics import ablation_work

    try:
        report = ablation_work.build(get_settings())
    except ValueError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    yield dg.MaterializeResult(
        asset_key="ablation_report",
        value=table_frame("ablation_report", report.arms),
        metadata={
            "results": dg.MetadataValue.md(report.markdown),
            "page": dg.MetadataValue.path(str(report.page)),
            "storyboards": report.storyboards,
            "left_out": len(report.left_out),
        },
    )
    yield dg.MaterializeResult(asset_key="ablation_deltas", value=table_frame("ablation_deltas", report.deltas))


@dg.multi_asset(
    outs=_outs(
        {
            "user_study": "What people said about storyboards, with intervals and agreement.",
            "study_scores": "Whether the automatic scores agree with people.",
        }
    ),
    deps=[dg.AssetDep("storyboard_consistency", partition_mapping=dg.AllPartitionMapping())],
    name="summarise_study",
)
def summarise_study() -> Any:
    """Results of all studies from the answers that were imported; no answers give empty tables."""
    from creative_lab.lake.schemas import table_frame
    from creative_lab.metrics.study_work import study_tables
    from creative_lab.state.db import session_scope

    settings = get_settings()
    with session_scope(settings) as session:
        results, agreements = study_tables(settings, session)
    answers = sum(row["n"] for row in results if row["method"] == "all" and not row["synthetic"])
    yield dg.MaterializeResult(
        asset_key="user_study", value=table_frame("user_study", results), metadata={"answers_of_people": answers}
    )
    yield dg.MaterializeResult(asset_key="study_scores", value=table_frame("study_scores", agreements))
