"""The tables of the storyboards room."""

from __future__ import annotations

from typing import Literal

import dataframely as dy

from creative_lab.lake import columns
from creative_lab.lake.pictures import PictureRow
from creative_lab.lake.schemas import TableSchema, table

METHODS = ["baseline", "simple", "reference_guided", "wireframe"]
PRESENCE = ["full", "partial", "none", "appears", "disappears"]
STATUSES = ["chosen", "given", "fallback", "failed", "cancelled"]
SCORERS: tuple[Literal["pickscore", "clipscore", "vqascore", "aesthetic"], ...] = (
    "pickscore",
    "clipscore",
    "vqascore",
    "aesthetic",
)


def _number(comment: str, *, key: bool = False) -> dy.Int64:
    """A number that counts from 1."""
    return dy.Int64(nullable=False, primary_key=key, min=1, metadata={"comment": comment})


def _share(comment: str) -> dy.Float64:
    """A value from 0 to 1, null where nothing could measure it."""
    return dy.Float64(nullable=True, min=0, max=1, metadata={"comment": comment})


def _score(comment: str) -> dy.Float64:
    """A value from 0 to 100, null where nothing could measure it."""
    return dy.Float64(nullable=True, min=0, max=100, metadata={"comment": comment})


def _cosine(comment: str) -> dy.Float64:
    """A cosine, null where nothing could measure it."""
    return dy.Float64(nullable=True, min=-1.001, max=1.001, metadata={"comment": comment})


def _raw(comment: str) -> dy.Float64:
    """A raw figure of a model, null where the model is missing."""
    return dy.Float64(nullable=True, metadata={"comment": comment})


def _seed(comment: str) -> dy.Int64:
    """A seed; 0 is one, null means that the model takes none."""
    return dy.Int64(nullable=True, min=0, metadata={"comment": comment})


def _count(comment: str) -> dy.Int64:
    """A number of things, null where nothing could count them."""
    return dy.Int64(nullable=True, min=0, metadata={"comment": comment})


class _Scene(TableSchema):
    """Key of a row about one scene of a storyboard."""

    storyboard = columns.key("Key of the storyboard")
    scene = _number("Number of the scene, from 1", key=True)


class _Candidate(_Scene):
    """Key of a row about one drawn picture."""

    attempt = columns.position("Try at the scene, from 0")
    candidate = columns.position("Variation within the try, from 0")


@table("storyboard_scenes", partition_by=("storyboard",))
class StoryboardScenes(_Scene):
    """The scenes that a story, a script or a list of scenes falls into, one row per frame to draw."""

    title = columns.text("Title of the storyboard")
    source = dy.Enum(["story", "script", "scenes"], nullable=False, metadata={"comment": "What the scenes come from"})
    source_key = columns.text("The same for all storyboards of one source, whatever their method")
    character = columns.text("Key of the character, null without one", nullable=True)
    description = columns.text("What the frame shows: action, elements and background")
    action = columns.text("What the subject does")
    background = columns.text("Where it happens")
    elements = columns.texts("Recurring elements in the frame, each by its fixed descriptor")
    shot = columns.text("Shot size as its abbreviation, such as CU or MS", nullable=True)
    camera = columns.text("Angle and movement of the camera", nullable=True)
    subject_presence = dy.Enum(
        PRESENCE, nullable=False, metadata={"comment": "Whether the main subject is in the scene, and how"}
    )
    expected_faces = columns.count("Faces that the scene should show")
    dialogue = columns.text("What is heard", nullable=True)
    shown_text = columns.text("Words on screen", nullable=True)
    start_seconds = columns.measure("When the scene begins in the film")
    duration_seconds = columns.measure("Length of the scene")
    script_row = dy.Int64(nullable=True, min=0, metadata={"comment": "0-based row of the script it comes from"})
    given_prompt = columns.text("Prompt that the source brought along, used as it is", nullable=True)
    identifier = columns.text("Start of the names of its pictures")
    style = columns.text("Consistency marker: style")
    color_palette = columns.text("Consistency marker: palette")
    lighting = columns.text("Consistency marker: light")
    composition = columns.text("Consistency marker: composition")
    mood = columns.text("Consistency marker: mood")
    subject_description = columns.text("Who the subject is, word for word the same in every scene with it")
    continuity = columns.text("What the scene takes over from the one before", nullable=True)
    guidelines = columns.text("What keeps the scene alike to the others", nullable=True)
    transition = columns.text("How the scene follows the one before", nullable=True)
    mended = columns.texts("What was changed about the breakdown, and why")
    warnings = columns.texts("What the consistency check found")
    reasoning = columns.text("What the model thought first")
    model_id = columns.text("Model that made the breakdown, or embedded/breakdown, or the source itself")
    cost_usd = columns.measure("Cost of the breakdown, on its first row; 0 on the others")
    seconds = columns.measure("Time of the breakdown, on its first row; 0 on the others")


class _PromptScores(_Scene):
    """The five scores of a prompt and their weighted sum, which is always computed here."""

    completeness = _score("Subject, action, place and style are all there (weight 25 %)")
    specificity = _score("Concrete rather than vague (weight 25 %)")
    professionalism = _score("In the terms of the trade (weight 20 %)")
    cinematography = _score("Shot, lens, light, composition (weight 15 %)")
    brand_alignment = _score("In line with brand and style (weight 15 %)")
    overall = _score("Weighted sum of the five, computed from them")


@table("scene_prompts", partition_by=("storyboard",))
class ScenePrompts(_PromptScores):
    """The prompt of each scene as it is drawn, with the scores of its text and how it came about."""

    base_prompt = columns.text("Prompt before any enhancement")
    enhanced_prompt = columns.text("Best text of the two-agent loop, or the base prompt")
    prompt = columns.text("What is drawn: the text with style and consistency instructions")
    negative_prompt = columns.text("What the picture should not show")
    negative_from = dy.Enum(
        ["model", "rules", "default"], nullable=False, metadata={"comment": "Who wrote the negative prompt"}
    )
    enhanced = columns.flag("Whether the text was enhanced")
    stopped = dy.Enum(
        ["off", "given", "good enough", "reached", "converged", "most rounds", "failed"],
        nullable=False,
        metadata={"comment": "Why the loop ended or never began"},
    )
    reason = columns.text("The same in a sentence, with the error of a failed enhancement")
    initial_overall = _score("Overall score of the base prompt by the rule-based judge")
    rounds = columns.count("Rounds of the two agents")
    picture_model = columns.text("Slug of the picture model that the text is written for")
    advice = columns.text("Advice for that model that the cinematographer was given")
    action = columns.text("Action whose pose guides the drawing, null where the scene shows no body", nullable=True)
    unmapped = columns.texts("Words of the scene that the picture model's vocabulary lacks")
    model_id = columns.text("Language model of the cinematographer")
    cost_usd = columns.measure("Cost of the scene's prompt in US dollars")
    seconds = columns.measure("Time of the scene's prompt")


@table("prompt_rounds", partition_by=("storyboard",))
class PromptRounds(_PromptScores):
    """Every round of the two agents over every prompt: the text, its scores, the critique."""

    round = _number("Round, from 1", key=True)
    prompt = columns.text("Text of the cinematographer")
    model_overall = _raw("Overall that the judging model claimed; kept beside ours and not used")
    critique = columns.text("What the prompt engineer found")
    improvements = columns.texts("What the prompt engineer asked for")
    kept = columns.flag("Whether this round's text is the one that was kept")
    model_id = columns.text("Language model that wrote")
    seconds = columns.measure("Time of the round")


class _Conditioning(_Scene):
    """What a drawing was really guided by; null is: not active."""

    lora = columns.text("LoRA that was worn: the character's key", nullable=True)
    lora_sha256 = columns.text("SHA-256 of the LoRA's file", nullable=True)
    lora_step = dy.Int64(nullable=True, min=0, metadata={"comment": "Training step of the LoRA's checkpoint"})
    lora_strength = columns.measure("Strength of the LoRA", nullable=True)
    ip_adapter = columns.text("IP-Adapter that was active", nullable=True)
    ip_adapter_scale = columns.measure("Its scale", nullable=True)
    reference_scene = dy.Int64(
        nullable=True,
        min=1,
        metadata={"comment": "Scene whose frame was the reference; null: no frame"},
    )
    reference_sha256 = columns.text("SHA-256 of the reference's pixels as given to the model", nullable=True)
    reference_path = columns.text("Name of the reference below the lake, as given to the model", nullable=True)
    reference_crop = columns.text("What part of the reference was used, and how it was found", nullable=True)
    controlnet = columns.text("ControlNet that was active", nullable=True)
    controlnet_scale = columns.measure("Its scale", nullable=True)
    control_path = columns.text("Name of the control picture below the lake", nullable=True)
    redrawn_from = columns.text("SHA-256 of the picture's file whose small face was drawn anew", nullable=True)
    redraw_prompt = columns.text("Prompt of the part around the face", nullable=True)
    redraw_strength = columns.measure("Share of the steps that were drawn over it", nullable=True)


@table("frame_candidates", partition_by=("storyboard",))
class FrameCandidates(_Candidate, _Conditioning, PictureRow):
    """Every picture that was drawn for a scene, with its own seed and everything that decided it."""

    identifier = columns.text("Name of the picture: campaign, unit, row and number for scripts, else key and numbers")
    method = dy.Enum(METHODS, nullable=False, metadata={"comment": "How the storyboard is drawn"})
    seed = _seed("Seed of exactly this picture; null where the model takes none")
    seed_rule = columns.text("How the seed came about")
    prompt = columns.text("Prompt of the picture")
    negative_prompt = columns.text("Negative prompt of the picture")
    model = columns.text("Slug of the picture model")
    model_sha256 = columns.text("SHA-256 of its files", nullable=True)
    steps = dy.Int64(nullable=True, min=1, metadata={"comment": "Steps of the sampler"})
    guidance_scale = columns.measure("Guidance", nullable=True)
    batch = _number("Pictures in the same forward pass")
    recipe = columns.text("The picture's recipe as JSON")
    notes = columns.texts("What was decided otherwise than asked")
    fingerprint = columns.text("Hash of everything the scene was drawn from; equal means nothing to redo")
    seconds = columns.measure("Time of the picture: its share of the batch")
    cost_usd = columns.measure("Cost in US dollars", nullable=True)
    peak_memory_bytes = _count("Peak memory of the batch")


@table("quality_scores", partition_by=("storyboard",))
class QualityScores(_Candidate):
    """What every drawn picture is worth, by four scorers and by the checks of identity and anatomy."""

    pickscore_raw = _raw("Preference score as the model gives it")
    pickscore = _score("Preference score from 0 to 100 (weight 50 %)")
    clipscore_raw = _raw("Cosine of picture and prompt as the scorer gives it")
    clipscore = _score("The same from 0 to 100 (weight 25 %)")
    vqascore_raw = _raw("Probability of yes to: does this picture show the prompt?")
    vqascore = _score("The same from 0 to 100 (weight 15 %)")
    aesthetic_raw = _raw("Aesthetic score as the model gives it, 1 to 10")
    aesthetic = _score("The same from 0 to 100 (weight 10 %)")
    overall = _score("Weighted sum over the scorers that answered; null when none did")
    weights = columns.text("JSON: scorer to the weight that was used")
    missing = columns.texts("Scorers without an answer, each with the reason")
    rank = dy.Int64(nullable=True, min=1, metadata={"comment": "Place among the scene's pictures; null when unranked"})
    clip_text = _cosine("Cosine of picture and scene's text, raw")
    clip_text_calibrated = _share("The same from 0 (a text of another scene) to 1 (the picture's own text)")
    clip_identity = _cosine("Cosine of the picture with frame 1; null in frame 1")
    face_similarity = _cosine("Cosine of the main face with frame 1's; null where one of them has no face")
    own_similarity = _cosine("Cosine of the main face with the mean of the character's own pictures; null without any")
    faces_found = _count("Faces in the picture; null without a face detector")
    faces_expected = columns.count("Faces that the scene should show")
    anomalies = columns.texts("What looks wrong")
    confidence = _share("How sure the check is that nothing is wrong")
    accepted = columns.flag("Whether the picture passed the gate")
    reason = columns.text("Why it did or did not")


@table("storyboard_frames", partition_by=("storyboard",))
class StoryboardFrames(_Conditioning):
    """The frame of every scene: which picture was chosen and why, or why there is none."""

    title = columns.text("Title of the storyboard")
    source_key = columns.text("The same for all storyboards of one source, whatever their method")
    method = dy.Enum(METHODS, nullable=False, metadata={"comment": "How the storyboard is drawn"})
    character = columns.text("Key of the character, null without one", nullable=True)
    status = dy.Enum(STATUSES, nullable=False, metadata={"comment": "How the frame came about"})
    reason = columns.text("Why this picture, or why none")
    fallback = columns.text("What was done instead of what was asked", nullable=True)
    notes = columns.texts(
        "What was decided on the way as it should be, such as nudges between tries; null in rows of before",
        nullable=True,
    )
    path = columns.text("Name of the picture below the lake; null without a frame", nullable=True)
    thumbnail_path = columns.text("Name of the thumbnail below the lake", nullable=True)
    sha256 = columns.text("SHA-256 of the picture's file", nullable=True)
    width = dy.Int64(nullable=True, min=1, metadata={"comment": "Width in pixels"})
    height = dy.Int64(nullable=True, min=1, metadata={"comment": "Height in pixels"})
    description = columns.text("What the frame shows")
    prompt = columns.text("Prompt of the chosen picture", nullable=True)
    negative_prompt = columns.text("Negative prompt of the chosen picture", nullable=True)
    model = columns.text("Slug of the picture model", nullable=True)
    model_sha256 = columns.text("SHA-256 of its files", nullable=True)
    attempt = _count("Try that the picture comes from")
    candidate = _count("Variation that the picture is")
    seed = _seed("Seed of the picture")
    steps = dy.Int64(nullable=True, min=1, metadata={"comment": "Steps of the sampler"})
    guidance_scale = columns.measure("Guidance", nullable=True)
    attempts = columns.count("Tries at the scene")
    candidates = columns.count("Pictures drawn for the scene")
    overall = _score("Overall score of the picture")
    below_threshold = columns.flag("Whether the overall score is below the storyboard's threshold")
    clip_text = _cosine("Cosine of picture and scene's text, raw")
    clip_text_calibrated = _share("The same calibrated")
    clip_identity = _cosine("Cosine of the picture with frame 1; null in frame 1")
    face_similarity = _cosine("Cosine of the main face with frame 1's")
    faces_found = _count("Faces in the picture")
    expected_faces = columns.count("Faces that the scene should show")
    is_reference = columns.flag("Whether later frames were drawn after this one")
    subject_presence = dy.Enum(PRESENCE, nullable=False, metadata={"comment": "Whether the main subject is shown"})
    start_seconds = columns.measure("When the frame begins in the film")
    duration_seconds = columns.measure("How long it stands")
    seconds = columns.measure("Time of drawing and scoring the scene")
    cost_usd = columns.measure("Cost of the scene's pictures in US dollars")


@table("storyboard_sheet", partition_by=("storyboard",))
class StoryboardSheet(TableSchema):
    """The files that people get of a storyboard, one row each."""

    storyboard = columns.key("Key of the storyboard")
    document = columns.key("Which file: contact sheet, page, PDF, animatic, subtitles, timeline, or one of the JSONs")
    path = columns.text("Name of the file below the reports folder")
    sha256 = columns.text("SHA-256 of the file")
    bytes = columns.count("Size of the file")
    frames = columns.count("Frames in it")
    note = columns.text("What a reader should know about it", nullable=True)
