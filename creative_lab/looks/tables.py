"""Tables of the daily looks. All are partitioned by the lab's local day; JSON columns say so in their comment.

``look_manifests`` → ``look_prompts`` → ``look_renders`` → ``garment_masks`` → ``segmentation_quality`` follow one look;
``look_grades``, ``learned_intel`` and ``target_dials`` close the circle. A partition of ``learned_intel`` or
``target_dials`` is the whole state as it stood at the end of its day: looks of a day read the newest partition of an
*earlier* day, and nothing newer.
"""

from __future__ import annotations

import dataframely as dy

from creative_lab.lake import columns
from creative_lab.lake.pictures import PictureRow
from creative_lab.lake.schemas import TableSchema, table

PROMPT_STATUSES = ("ok", "rejected")
RENDER_STATUSES = ("ok", "failed")
MASK_METHODS = ("classical", "segformer", "repaired", "truth")
INTEL_KINDS = ("note", "vocabulary", "kill_phrase")
ITEM_KINDS = ("designer", "colourway", "garment", "template")
DAY = "Local day of the look, YYYY-MM-DD"


def _share(comment: str, *, nullable: bool = False) -> dy.Float64:
    return dy.Float64(nullable=nullable, min=0, max=1, metadata={"comment": comment})


def _number(comment: str, *, least: int, nullable: bool = False) -> dy.Int64:
    return dy.Int64(nullable=nullable, min=least, metadata={"comment": comment})


def _choice(values: tuple[str, ...], comment: str, *, nullable: bool = False) -> dy.Enum:
    return dy.Enum(list(values), nullable=nullable, metadata={"comment": comment})


@table("look_manifests", partition_by=("day",))
class LookManifests(TableSchema):
    """What was dealt: one designer, one colourway and three outfits per look, with how the guards came to it.

    A deal that found nothing within its tries has a row too, with status ``exhausted`` and no outfits.
    """

    day = columns.text(DAY)
    look_id = columns.key("Id of the look: its day and number, such as 2026-05-04-0001")
    prompt_id = columns.text(
        "Number of the prompt over the local day, P-NNNN-YYYYMMDD; null when exhausted", nullable=True
    )
    local_date = dy.Date(nullable=False, metadata={"comment": "The local day as a date"})
    batch_id = columns.text("Batch that the look was dealt in")
    position = _number("0-based place in the batch", least=0)
    seed = _number("Seed of the deal", least=0)
    status = _choice(("dealt", "exhausted"), "dealt, or exhausted when no permitted deal was found")
    designer = columns.text("Key of the designer", nullable=True)
    designer_name = columns.text("Name of the designer", nullable=True)
    colourway = columns.text("Key of the colourway", nullable=True)
    colourway_name = columns.text("Name of the colourway", nullable=True)
    colours = columns.text("JSON: the colourway's colours, list of {name, cloth}")
    outfits = columns.text(
        "JSON: three of {model_index, template, hero {garment_id, name, category, cut, colour, colour_name, pattern, "
        "silhouette_hint, fabric, details}, slots [{slot, is_innovation, … as hero}]}"
    )
    outfit_hashes = columns.texts("SHA-256 per outfit over its garments (sorted), template and colourway")
    look_hash = columns.text("SHA-256 over designer, colourway and the outfits' hashes (sorted)", nullable=True)
    garment_ids = columns.texts("Keys of all garments of the look, heroes first, each once")
    hero_categories = columns.texts("Category of each hero, in the order of the models")
    guard_log = columns.text("JSON: list of {guard, action, attempt, detail}: redraws and relaxations, in order")
    relaxed = columns.texts("Guards that were relaxed for this deal, in order: stale, gate")
    attempts = _number("Draws that were needed", least=1)
    policy_version = columns.text("What drew: rules, Control settings and dials, as a short hash")
    picks = columns.text("JSON: list of {kind, key, outfit, slot, propensity}: the chance of each draw")


@table("look_prompts", partition_by=("day",))
class LookPrompts(TableSchema):
    """The prompt of each dealt look; only those with status ok are rendered, rejected ones keep every reason."""

    day = columns.text(DAY)
    look_id = columns.key("Id of the look")
    prompt_id = columns.text("Number of the prompt, P-NNNN-YYYYMMDD")
    status = _choice(PROMPT_STATUSES, "ok, or rejected: never rendered")
    reasons = columns.texts("Why it was rejected, such as scene_drift:backdrop; or empty")
    prompt = columns.text(
        "Scene, three garment lines and closing; the last try when rejected; null without one", nullable=True
    )
    avoid_suffix = columns.text("What to leave out, one suffix that begins with Avoid:; empty for none")
    negative_phrases = columns.texts("The phrases of the suffix, in order")
    negative_sources = columns.text("JSON: source (manifest, kill_phrase) to {offered, kept, dropped reasons}")
    scene_hash = columns.text("SHA-256 of the scene text (opening and closing)")
    system_prompt_hash = columns.text("SHA-256 of the system prompt that the model was given")
    vocabulary_arm = _choice(("with", "without"), "Whether proven fragments were offered, drawn by seed")
    vocabulary_propensity = _share("Chance of the arm that was drawn")
    vocabulary_ids = columns.texts("Ids of the fragments that were offered")
    vocabulary_used = columns.texts("Ids of the offered fragments that stand in the prompt")
    innovation_slots = columns.text("JSON: list of {model_index, slot, garment_id}")
    innovation_notes = columns.text("What the writer says about the innovation slots")
    intel_ids = columns.texts("Ids of the learned notes that were given")
    substitutions = columns.texts("Banned words that were replaced, as word>substitute")
    words = columns.count("Words of the prompt")
    template_version = _number("Version of the base rules in prompt_templates", least=1)
    model = columns.text("Who wrote it; embedded/stylist works by rule")
    provider = columns.text("Who ran the model")
    attempts = _number("Times that the writer was asked", least=1)
    cost_usd = columns.measure("Cost in US dollars")
    seconds = columns.measure("Time from the first question to the end")


@table("look_renders", partition_by=("day",))
class LookRenders(PictureRow):
    """Every rendering of a look: its picture, or why there is none. A new rendering has the next render_no."""

    day = columns.text(DAY)
    look_id = columns.key("Id of the look")
    render_no = dy.Int64(
        nullable=False, primary_key=True, min=1, metadata={"comment": "1 for the first rendering of the look, then 2 …"}
    )
    prompt_id = columns.text("Number of the prompt, the same for all renderings")
    status = _choice(RENDER_STATUSES, "ok, or failed")
    reason = columns.text("Why it failed", nullable=True)
    address = columns.text("Address of the picture with its version stamp, ?v=…", nullable=True)
    location = _choice(("store", "local"), "store, or local disk until the store takes it", nullable=True)
    model = columns.text("Slug or id of the model that drew")
    renderer = columns.text("How it was drawn, such as diffusers, illustrator or replicate")
    seed = _number("Seed of the picture", least=0, nullable=True)
    recipe = columns.text("JSON: what makes the same picture again", nullable=True)
    cost_usd = columns.measure("Cost in US dollars", nullable=True)
    duration_ms = columns.measure("Wall time in milliseconds")
    truth_path = columns.text("File of the drawn world's own masks below the lake, where it drew", nullable=True)
    rendered_at = columns.moment("When it was rendered (UTC)")
    # A failed rendering has no picture.
    path = columns.text("Name of the picture's file below the lake", nullable=True)
    thumbnail_path = columns.text("Name of the thumbnail's file below the lake (JPEG)", nullable=True)
    sha256 = columns.text("SHA-256 of the picture's file", nullable=True)
    bytes = _number("Size of the picture's file", least=0, nullable=True)
    width = _number("Width in pixels", least=1, nullable=True)
    height = _number("Height in pixels", least=1, nullable=True)

    @dy.rule()
    def an_ok_rendering_has_a_picture(cls):
        return (cls.status.col != "ok") | cls.path.col.is_not_null()

    @dy.rule()
    def a_failure_has_a_reason(cls):
        return (cls.status.col != "failed") | (cls.reason.col.fill_null("").str.len_chars() > 0)


@table("garment_masks", partition_by=("day",))
class GarmentMasks(TableSchema):
    """Every garment found in a rendering, with its mask; a picture without garments has one row of kind none."""

    day = columns.text(DAY)
    look_id = columns.key("Id of the look")
    render_no = dy.Int64(nullable=False, primary_key=True, min=1, metadata={"comment": "Number of the rendering"})
    instance = columns.position("0-based number of the garment in its picture, left to right, top to bottom")
    kind = _choice(("garment", "none"), "garment; none records that no garment was found in the picture")
    sha256 = columns.text("SHA-256 of the picture that was cut up")
    model_index = _number("0-based model from left to right", least=0, nullable=True)
    garment_class = columns.text("Class of the garment", nullable=True)
    garment_id = columns.text("Garment of the manifest that it most likely is", nullable=True)
    left = _number("Left edge of the box in pixels", least=0, nullable=True)
    top = _number("Top edge of the box in pixels", least=0, nullable=True)
    right = _number("Right edge of the box in pixels, exclusive", least=0, nullable=True)
    bottom = _number("Bottom edge of the box in pixels, exclusive", least=0, nullable=True)
    area = columns.count("Pixels of the mask")
    rle = columns.text(
        "Mask as JSON {size: [height, width], counts}: COCO run lengths, column by column", nullable=True
    )
    mask_path = columns.text("File of the mask below the lake (PNG)", nullable=True)
    crop_path = columns.text("File of the cut-out garment below the lake (PNG)", nullable=True)
    method = _choice(MASK_METHODS, "What made the mask")
    model = columns.text("Model that named the garments", nullable=True)
    confidence = _share("Mean probability of the class over the mask", nullable=True)
    checks = columns.text("JSON: the self-checks of the picture and what they measured")
    doubtful = columns.flag("Whether a self-check failed and a person should look")
    duration_ms = columns.measure("Wall time of the whole picture in milliseconds")

    @dy.rule()
    def a_garment_has_class_box_and_mask(cls):
        return (cls.kind.col == "none") | (cls.garment_class.col.is_not_null() & cls.rle.col.is_not_null())


@table("segmentation_quality", partition_by=("day",))
class SegmentationQuality(TableSchema):
    """How good the masks are, per rendering and class: against the drawn world's truth, or against themselves."""

    day = columns.text(DAY)
    look_id = columns.key("Id of the look")
    render_no = dy.Int64(nullable=False, primary_key=True, min=1, metadata={"comment": "Number of the rendering"})
    garment_class = columns.key("Class of the garment, people for all people, all for the mean")
    kind = dy.Enum(
        ["truth", "self_consistency"],
        nullable=False,
        primary_key=True,
        metadata={"comment": "Against known truth, or against the picture mirrored and rescaled"},
    )
    iou = _share("Intersection over union; null where the class is in neither", nullable=True)
    boundary_f = _share("F1 of the boundary within the tolerance; null where the class is in neither", nullable=True)
    tolerance_px = columns.measure("Distance in pixels that still counts as the same boundary")
    pixels = columns.count("Pixels of the class in the reference")


@table("look_grades", partition_by=("day",))
class LookGrades(TableSchema):
    """Grades by people, only ever added; the latest of a grader about an item counts."""

    day = columns.text("Local day of the grade, YYYY-MM-DD")
    grade_id = columns.key("Id of the grade")
    look_id = columns.text("Look that was graded")
    render_no = _number("Rendering that was seen", least=1, nullable=True)
    item_kind = _choice(("look", "garment"), "What was graded")
    garment_id = columns.text("Garment of the wardrobe, for a garment's grade", nullable=True)
    instance = _number("Mask that was graded, for a garment's grade", least=0, nullable=True)
    score = dy.Int64(nullable=False, min=1, max=5, metadata={"comment": "1 (kill) to 5 (run it)"})
    note = columns.text("What the grader says")
    tags = columns.texts("Tags that the grader gave")
    grader = columns.text("Who graded")
    sitting = columns.text("Sitting in which it was given; a second one counts as a new opinion")
    graded_at = columns.moment("When it was given (UTC)")


@table("learned_intel", partition_by=("day",))
class LearnedIntel(TableSchema):
    """What was learned up to the end of a day: notes, vocabulary and kill phrases, with their support."""

    day = columns.key("Local day at whose end this was known; it acts from the next day on")
    intel_id = columns.key("Id that stays the same from day to day")
    kind = _choice(INTEL_KINDS, "note, vocabulary fragment, or kill phrase")
    scope_kind = _choice((*ITEM_KINDS, "all"), "What it belongs to")
    scope_key = columns.text("Key of that designer, colourway or garment; null for all", nullable=True)
    text = columns.text("The note, fragment or phrase")
    status = _choice(("proposed", "active", "retired"), "Only active ones are used")
    support = columns.count("Grades that it rests on")
    mean_score = dy.Float64(nullable=True, min=1, max=5, metadata={"comment": "Mean of those grades"})
    first_seen = columns.text("Local day on which it was first learned")
    last_used = columns.text("Local day on which a prompt last used it", nullable=True)
    reason = columns.text("Why it has this status")


@table("target_dials", partition_by=("day",))
class TargetDials(TableSchema):
    """How often each item should appear, as the strategist set it at the end of a day; it acts from the next day on."""

    day = columns.key("Local day at whose end this was decided")
    item_kind = dy.Enum(
        list(ITEM_KINDS), nullable=False, primary_key=True, metadata={"comment": "What kind of item the dial is for"}
    )
    item_key = columns.key("Key of the item")
    target_pct = dy.Float64(
        nullable=False, min=0, max=100, metadata={"comment": "Per cent of outfits that should have it: 5 is 1 in 20"}
    )
    previous_pct = dy.Float64(nullable=True, min=0, max=100, metadata={"comment": "The dial before"})
    locked = columns.flag("Whether a person locked it")
    realised_pct = dy.Float64(nullable=True, min=0, max=100, metadata={"comment": "Per cent that really had it"})
    reason = columns.text("Why it was changed or left")
