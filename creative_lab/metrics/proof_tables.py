"""Tables that prove, or disprove, that a character stays the same: consistency, ablation, validity, the user study."""

from __future__ import annotations

import dataframely as dy

from creative_lab.lake import columns
from creative_lab.lake.schemas import TableSchema, table


def _value(comment: str) -> dy.Float64:
    """A figure of any sign; null where nothing could measure it."""
    return dy.Float64(nullable=True, metadata={"comment": comment})


def _cosine(comment: str) -> dy.Float64:
    return dy.Float64(nullable=True, min=-1.001, max=1.001, metadata={"comment": comment})


def _share(comment: str) -> dy.Float64:
    return dy.Float64(nullable=True, min=0, max=1, metadata={"comment": comment})


def _anchor() -> dy.Int64:
    comment = "Frame that the others are compared with: the first that shows the character; null where none should"
    return dy.Int64(nullable=True, min=1, metadata={"comment": comment})


class _OfStoryboard(TableSchema):
    storyboard = columns.key("Key of the storyboard")
    source_key = columns.text("The same for all storyboards of one source, whatever their method")
    method = columns.text("How the storyboard was drawn")
    character = columns.text("Key of the character, null without one", nullable=True)


@table("face_consistency", partition_by=("storyboard",))
class FaceConsistency(_OfStoryboard):
    """The character's face in every frame, compared with the anchor, its reference pictures and everybody else."""

    scene = dy.Int64(nullable=False, primary_key=True, min=1, metadata={"comment": "Number of the scene, from 1"})
    expected = columns.flag("Whether the character should be seen; other frames take no part in any mean")
    found = columns.flag("Whether the detector found a face; a frame without one is a failure and is not dropped")
    crop = columns.text("What was compared: detector, upper centre crop (a guess), none")
    faces = columns.count("Faces that the detector found")
    anchor_scene = _anchor()
    to_first = _cosine("Cosine with the face of the anchor; null in the anchor and without a found face")
    to_reference = _cosine("Cosine with the mean of the character's own pictures")
    nearest_other = columns.text("Which other character the face is most like", nullable=True)
    to_nearest_other = _cosine("Cosine with that one")
    margin = _value("to_reference less to_nearest_other; above 0 the face is nearest to its own character")
    clip_identity = _cosine("Cosine of the whole picture with the anchor's")
    picture_sha256 = columns.text("SHA-256 of the picture that was measured; null without a picture", nullable=True)


@table("storyboard_consistency", partition_by=("storyboard",))
class StoryboardConsistency(_OfStoryboard):
    """One storyboard as a whole: how much the same the character is, and how varied the frames are."""

    frames = columns.count("Frames in which the character is expected")
    missing = columns.count("Of those, frames without a found face or without a picture")
    anchor_scene = _anchor()
    face_consistency = _cosine("Mean cosine with the anchor; a frame without a face counts as 0 (aim: above 0.85)")
    face_consistency_found = _cosine("The same over frames with a face only")
    face_minimum = _cosine("Lowest cosine with the anchor; 0 where a face is missing")
    pairwise_minimum = _cosine("Lowest cosine of any two found faces")
    reference_similarity = _cosine("Mean cosine with the character's own pictures; a missing face counts as 0")
    margin = _value("Mean identity margin")
    recognised = _share("Share of frames whose face is nearer to the character than to anybody else")
    clip_identity = _cosine("Mean cosine of whole pictures with the anchor's")
    mean_difference = _share("Mean difference of two frames' thumbnails: how varied the storyboard is")
    copies = _share("Copy-paste score: share of pairs of frames that are copies of each other")
    scene_difference = _value("1 less the mean cosine of two frames' picture embeddings")
    faces_model = columns.text("Model that found and embedded the faces")
    note = columns.text("What could not be measured, and why", nullable=True)


@table("clip_alignment", partition_by=("storyboard",))
class ClipAlignment(_OfStoryboard):
    """How well each frame shows what its scene says, against what the other scenes say."""

    scene = dy.Int64(nullable=False, primary_key=True, min=1, metadata={"comment": "Number of the scene, from 1"})
    clip_text = _cosine("Cosine of the frame with its own scene's description")
    clip_other = _cosine("Mean cosine of the frame with the other scenes' descriptions")
    rank = dy.Int64(
        nullable=True, min=1, metadata={"comment": "Place of the frame's own scene among all scenes' descriptions"}
    )
    scenes = columns.count("Scenes of the storyboard")
    model = columns.text("Model that embedded picture and text")


@table("frame_anomalies", partition_by=("storyboard",))
class FrameAnomalies(_OfStoryboard):
    """What looks wrong about the chosen frames, one row per frame, also for frames with nothing wrong."""

    scene = dy.Int64(nullable=False, primary_key=True, min=1, metadata={"comment": "Number of the scene, from 1"})
    faces_expected = columns.count("Faces that the scene should show")
    faces_found = dy.Int64(nullable=True, min=0, metadata={"comment": "Faces found; null without a detector"})
    anomalies = columns.texts("What looks wrong")
    confidence = _share("How sure the check is that nothing is wrong")
    retries = columns.count("Further tries that the scene took")
    fallback = columns.text("What was done instead of what was asked", nullable=True)


class _Measured(TableSchema):
    metric = columns.key("Metric")


@table("ablation_report", comment="Every method's mean per metric over the same stories, characters and seeds")
class AblationReport(_Measured):
    """One row per metric and method."""

    method = columns.key("Method")
    mean = _value("Mean over frames, or over storyboards for metrics of whole storyboards")
    low = _value("Lower end of the 95 % interval, from resampling storyboards")
    high = _value("Upper end of the interval")
    n = columns.count("Values")
    storyboards = columns.count("Storyboards")
    missing = columns.count("Values that could not be measured")
    measured_on = columns.text("Profile that drew the pictures; profiles are never averaged together")


@table("ablation_deltas", comment="What one method gains over another, on the same story, character and scene")
class AblationDeltas(_Measured):
    """One row per metric and pair of methods."""

    method = columns.key("Method")
    against = columns.key("Method that it is compared with")
    difference = _value("Mean difference over pairs")
    low = _value("Lower end of the 95 % interval, from resampling storyboards")
    high = _value("Upper end of the interval")
    relative = _value("Difference as a share of the other method's mean")
    pairs = columns.count("Pairs")
    better = dy.Bool(nullable=True, metadata={"comment": "Whether the whole interval is on the better side of 0"})
    measured_on = columns.text("Profile that drew the pictures")


@table("metric_validity", comment="Whether each metric orders what is known about pictures of the drawn world")
class MetricValidity(_Measured):
    """One row per metric and question."""

    question = columns.key("What is known: same person, quality level, matching text")
    statistic = columns.text("AUC or Spearman")
    value = _value("The statistic; null for a metric whose model is not installed")
    low = _value("Lower end of its 95 % interval")
    high = _value("Upper end")
    control = _value("The same with the truth shuffled: near 0.5 (AUC) or 0 (Spearman), or the measure leaks")
    n = columns.count("Pictures")
    bar = _value("What it must reach to count as a metric")
    passed = dy.Bool(nullable=True, metadata={"comment": "Whether it does"})
    note = columns.text("Why there is no value", nullable=True)


@table("user_study", comment="What people said, with intervals and agreement")
class UserStudy(TableSchema):
    """One row per study, question, method and kind of rater."""

    study = columns.key("Key of the study")
    question = columns.key("rating (1 to 5) or same_person (share of yes)")
    method = columns.key("Method, or all")
    synthetic = dy.Bool(nullable=False, primary_key=True, metadata={"comment": "Whether a program answered"})
    n = columns.count("Answers, repeats not counted")
    raters = columns.count("Raters")
    storyboards = columns.count("Storyboards")
    mean = _value("Mean rating, or share of yes")
    mean_low = _value("Lower end of the 95 % interval, from resampling raters and storyboards")
    mean_high = _value("Upper end")
    spread = _value("Standard deviation of the answers")
    cannot_tell = _share("Share of cannot tell, of same_person")
    alpha = _value("Krippendorff's alpha; 0.80 is reliable, 0.667 tentative, null when nothing can be agreed about")
    alpha_low = _value("Lower end of its 95 % interval")
    alpha_high = _value("Upper end")
    self_consistency = _share("Share of repeated pages answered alike (ratings within one)")
    attention_passed = _share("Share of attention checks answered right")


@table("study_scores", comment="Whether the automatic scores agree with people")
class StudyScores(TableSchema):
    """One row per study, question and automatic score."""

    study = columns.key("Key of the study")
    question = columns.key("rating or same_person")
    score = columns.key("Automatic score")
    synthetic = dy.Bool(nullable=False, primary_key=True, metadata={"comment": "Whether a program answered"})
    spearman = _value("Correlation over storyboards; null for fewer than three")
    storyboards = columns.count("Storyboards")
