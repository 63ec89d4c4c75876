"""Tables of the characters room: captions, the training set, how training went, and the weights that came of it."""

from __future__ import annotations

import dataframely as dy

from creative_lab.lake import columns
from creative_lab.lake.pictures import PictureRow
from creative_lab.lake.schemas import TableSchema, table

CAPTION_STATUSES = ["ready", "mended", "needs_person", "refused", "failed"]


def _number(comment: str, *, nullable: bool = True) -> dy.Float64:
    return dy.Float64(nullable=nullable, metadata={"comment": comment})


def _step(comment: str) -> dy.Int64:
    return dy.Int64(nullable=False, primary_key=True, min=0, metadata={"comment": comment})


@table("captions", partition_by=("character",))
class Captions(PictureRow):
    """What the pictures of a character show besides the character, one row per picture."""

    character = columns.key("Key of the character")
    picture = columns.key("Name of the picture, unique within the character")
    caption = columns.text("Caption for training, with the trigger; null when there is none to use", nullable=True)
    raw_caption = columns.text("What the captioner said, to the letter", nullable=True)
    status = dy.Enum(
        CAPTION_STATUSES,
        nullable=False,
        metadata={"comment": "ready and mended are used for training; the others are listed in the caption report"},
    )
    mended = columns.texts("What was put right, such as trigger added")
    problems = columns.texts("What a person has to look at, or why there is no caption")
    captioner = columns.text("Model that wrote the caption")
    attempts = columns.count("Calls that were made for this picture; 0 when an existing caption was kept")
    kept = columns.flag("Whether an existing caption was kept instead of asking again")
    cost_usd = columns.measure("Cost in US dollars; null when unknown", nullable=True)
    seconds = columns.measure("Time for this picture")


@table("training_set", partition_by=("character",))
class TrainingSet(TableSchema):
    """Pairs of picture and caption that a LoRA learns from, one row per picture, those left out with the reason."""

    character = columns.key("Key of the character")
    picture = columns.key("Name of the picture")
    path = columns.text("Name of the picture's file below the lake")
    sha256 = columns.text("SHA-256 of the picture's file")
    mode = columns.text("Pixel format of the file, such as RGB")
    width = dy.Int64(nullable=False, min=0, metadata={"comment": "Width in pixels; 0 for a file that cannot be read"})
    height = dy.Int64(nullable=False, min=0, metadata={"comment": "Height in pixels; 0 for an unreadable file"})
    caption = columns.text("The caption", nullable=True)
    used = columns.flag("Whether the pair is trained on")
    left_out = columns.text("Why the pair is not used", nullable=True)
    warnings = columns.texts("What is doubtful about a pair that is used, such as a caption without the trigger")
    duplicate_of = columns.text("Picture that this one repeats", nullable=True)
    perceptual_hash = columns.text("64-bit perceptual hash in hex; near pictures differ in few bits", nullable=True)
    bucket_width = dy.Int64(nullable=True, min=8, metadata={"comment": "Width in pixels that is trained at"})
    bucket_height = dy.Int64(nullable=True, min=8, metadata={"comment": "Height in pixels that is trained at"})
    crop_left = dy.Int64(nullable=True, min=0, metadata={"comment": "Pixels cut off at the left after resizing"})
    crop_top = dy.Int64(nullable=True, min=0, metadata={"comment": "Pixels cut off at the top after resizing"})
    base_model = columns.text("Slug of the model that latents and text states were made with")
    base_model_sha256 = columns.text("SHA-256 over the files of that model", nullable=True)
    cache_path = columns.text("Name of the file of latents and text states below the lake", nullable=True)
    cache_sha256 = columns.text("SHA-256 of that file", nullable=True)


@table("training_metrics", partition_by=("character",))
class TrainingMetrics(TableSchema):
    """How training went, a row per logged step."""

    character = columns.key("Key of the character")
    step = _step("Number of the step, from 1")
    loss = _number("Weighted loss of the step; null for a skipped one")
    learning_rate = _number("Learning rate of the UNet's adapters", nullable=False)
    text_encoder_learning_rate = _number("Learning rate of the text encoders' adapters; null when they are frozen")
    epoch = _number("Passes over the training set so far", nullable=False)
    grad_norm = _number("Norm of the gradient before clipping; null for a skipped step")
    skipped = columns.text("Why the step changed nothing, such as loss is not finite", nullable=True)


@table("lora_validation", partition_by=("character",))
class LoraValidation(PictureRow):
    """Pictures drawn at checkpoints from fixed prompts and seeds; step 0 is the base model without the LoRA."""

    character = columns.key("Key of the character")
    step = _step("Step of the checkpoint; 0 without the LoRA")
    number = columns.position("0-based number of the prompt")
    prompt = columns.text("What was drawn")
    seed = dy.Int64(nullable=False, min=0, metadata={"comment": "Seed of the noise"})
    identity = _number("Cosine of the main face with the character's mean face, -1 to 1; null without a face or judge")
    face_found = dy.Bool(nullable=True, metadata={"comment": "Whether a face was found; null when nobody looked"})


@table("lora_checkpoints", partition_by=("character",))
class LoraCheckpoints(TableSchema):
    """Checkpoints of a training and how near each is to the character; step 0 is the base model without the LoRA."""

    character = columns.key("Key of the character")
    step = _step("Step of the checkpoint; 0 without the LoRA")
    path = columns.text("Name of the LoRA's file below the lake; null when it was not kept", nullable=True)
    sha256 = columns.text("SHA-256 of the file", nullable=True)
    loss = _number("Mean loss of the steps since the checkpoint before")
    identity = _number("Mean cosine over the fixed prompts, a picture without a face counting as 0; null unmeasured")
    identity_min = _number("Least cosine over the fixed prompts, a picture without a face counting as 0")
    faces_found = dy.Int64(nullable=True, min=0, metadata={"comment": "Pictures in which a face was found"})
    pictures = columns.count("Pictures that were drawn")
    chosen = columns.flag("Whether this checkpoint became the LoRA")


@table("lora_weights", partition_by=("character",))
class LoraWeights(TableSchema):
    """The LoRA of a character, one row."""

    character = columns.key("Key of the character")
    path = columns.text("Name below the lake of the file in the format of diffusers")
    sha256 = columns.text("SHA-256 of that file")
    bytes = columns.count("Size of that file")
    kohya_path = columns.text("Name below the lake of the same weights in kohya's format, for other programs")
    kohya_sha256 = columns.text("SHA-256 of the file in kohya's format")
    trigger = columns.text("Word that calls the character")
    base_model = columns.text("Slug of the model that it was trained on")
    base_model_sha256 = columns.text("SHA-256 over the files of that model", nullable=True)
    architecture = columns.text("Architecture of the model, such as sdxl")
    rank = columns.count("Rank of the LoRA")
    alpha = columns.measure("Alpha of the LoRA")
    pictures = columns.count("Pictures that were trained on")
    steps = columns.count("Steps that were trained")
    chosen_step = columns.count("Step of the checkpoint that was chosen")
    chosen_because = columns.text("How the checkpoint was chosen")
    identity = _number("Mean cosine of the chosen checkpoint over the fixed prompts; null when no face model is here")
    identity_base = _number("The same without the LoRA, for comparison")
    skipped_steps = columns.count("Steps that changed nothing because a number was not finite")
    prediction_type = columns.text("What the model predicts: epsilon or v_prediction")
    recipe = columns.text("JSON of all training settings")
    seconds = columns.measure("Time of the steps, without validation pictures")
    steps_per_second = columns.measure("Steps per second, without validation pictures", nullable=True)
