"""Consistency, ablation and validity over storyboards whose truth is known."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from creative_lab.characters.tables import TrainingSet
from creative_lab.illustrator.identity import Identity
from creative_lab.illustrator.sample import sample_scene
from creative_lab.illustrator.scene import draw_scene
from creative_lab.lake.pictures import PictureStore
from creative_lab.lake.schemas import table_frame
from creative_lab.lake.tables import TableStore
from creative_lab.metrics import ablation_work, proof, proof_report
from creative_lab.metrics.ablation import frame_values
from creative_lab.metrics.consistency import FrameFace, anchor_scene, measure, variety
from creative_lab.metrics.matching import ARMS, compared
from creative_lab.metrics.proof import Frame, character_faces
from creative_lab.metrics.proof_report import claims
from creative_lab.metrics.proof_tables import FaceConsistency, StoryboardConsistency
from creative_lab.metrics.study_answers import StudyError
from creative_lab.metrics.study_work import shown_storyboards
from creative_lab.metrics.validity import order, separation
from creative_lab.metrics.world_truth import face_rows
from creative_lab.settings import Settings
from creative_lab.storyboards.tables import FrameCandidates, StoryboardFrames
from creative_lab.vision.faces import main_faces, mean_face
from creative_lab.vision.models import VisionModels

HEROES = {"ada": 900_001, "bo": 900_002, "cy": 900_003}
FRAMES = 4


def _unit(*numbers: float) -> np.ndarray:
    vector = np.zeros(512, np.float32)
    vector[: len(numbers)] = numbers
    unit: np.ndarray = vector / np.linalg.norm(vector)
    return unit


def _face(scene: int, vector: np.ndarray | None, *, expected: bool = True, faces: int = 1) -> FrameFace:
    return FrameFace(
        scene, expected, "none" if vector is None else "detector", vector, faces if vector is not None else 0
    )


def test_the_same_face_in_every_frame_is_fully_consistent_and_another_face_is_not() -> None:
    same, _ = _unit(1, 0), _unit(0, 1)
    _, whole = measure([_face(n, same) for n in range(1, 6)], {}, None)
    assert whole.mean == pytest.approx(1) and whole.minimum == pytest.approx(1) and whole.missing == 0
    rows, other = measure([_face(1, same), _face(2, _unit(0, 1)), _face(3, same)], {}, None)
    assert (
        other.mean == pytest.approx(0.5)
        and other.minimum == pytest.approx(0)
        and other.pairwise_minimum == pytest.approx(0)
    )
    assert rows[0].to_first is None


def test_a_frame_without_a_face_counts_as_a_failure_and_a_guessed_crop_is_no_face() -> None:
    same = _unit(1, 0)
    guess = FrameFace(3, True, "upper centre crop", same, 0)
    rows, whole = measure([_face(1, same), _face(2, same), guess, _face(4, None)], {}, None)
    assert whole.missing == 2 and whole.frames == 4
    assert whole.mean == pytest.approx(1 / 3) and whole.mean_found == pytest.approx(1) and whole.minimum == 0
    assert [row.found for row in rows] == [True, True, False, False]


def test_frames_that_should_not_show_the_character_take_no_part() -> None:
    same = _unit(1, 0)
    _, whole = measure([_face(1, same), _face(2, None, expected=False), _face(3, same)], {}, None)
    assert (whole.frames, whole.missing, whole.mean) == (2, 0, pytest.approx(1))


def test_without_a_face_in_frame_one_nothing_can_be_like_it() -> None:
    _, whole = measure([_face(1, None), _face(2, _unit(1)), _face(3, _unit(1))], {}, None)
    assert whole.mean == 0 and whole.minimum == 0 and whole.missing == 1


def test_a_face_that_is_nearer_to_somebody_else_has_a_negative_margin() -> None:
    known = {"ada": _unit(1, 0), "bo": _unit(0, 1)}
    rows, whole = measure([_face(1, _unit(1, 0.1)), _face(2, _unit(0.1, 1))], known, "ada")
    assert rows[0].margin is not None and rows[0].margin > 0.8 and rows[0].nearest_other == "bo"
    assert rows[1].margin is not None and rows[1].margin < -0.8
    assert whole.recognised == 0.5


def test_pasting_one_picture_into_every_frame_is_caught() -> None:
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 255, (64, 64, 3), np.uint8) for _ in range(4)]
    frozen = variety([pictures[0]] * 4)
    lively = variety(pictures)
    assert frozen.copies == 1 and frozen.mean_difference == 0
    assert lively.copies == 0 and lively.mean_difference is not None and lively.mean_difference > 0.03
    assert variety(pictures[:1]).copies is None


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _drawn(identity: Identity, seed: int) -> np.ndarray:
    scene = sample_scene(seed, identity=identity, people=1, shot="medium close-up")
    scene = replace(scene, angle="eye level", people=(replace(scene.people[0], hat="none"),))
    pixels: np.ndarray = draw_scene(scene, 192, 192).pixels
    return pixels


def _identity(method: str, hero: str, frame: int, story: int) -> Identity:
    """Reference-guided keeps the hero; simple loses them in every other frame; baseline draws anybody."""
    mine = Identity.from_seed(HEROES[hero])
    keeps = {"reference_guided": True, "simple": frame % 2 == 0, "baseline": False}[method]
    return mine if keeps else Identity.from_seed(800_000 + story * 1000 + frame * 10 + list(HEROES).index(hero))


def _store_storyboard(
    settings: Settings, key: str, story: int, method: str, hero: str, *, steps: int = 8, base: int = 42, lora: str = "a"
) -> None:
    pictures = PictureStore(settings)
    worn = {"lora": hero, "lora_sha256": lora * 64, "lora_strength": 0.8} if method != "baseline" else {}
    rows, candidates = [], []
    filler = {n: _any_value(c.dtype) for n, c in FrameCandidates.columns().items() if not c.nullable}
    for frame in range(FRAMES):
        stored = pictures.put(_png(_drawn(_identity(method, hero, frame, story), 5_000 + story * 50 + frame)))
        rows.append(
            {
                "storyboard": key, "scene": frame + 1, "title": f"Story {story}", "source_key": f"story-{story}",
                "method": method, "character": hero, "status": "chosen", "reason": "best of four",
                "path": stored.path, "thumbnail_path": stored.thumbnail_path, "sha256": stored.sha256,
                "width": stored.width, "height": stored.height, "description": "somebody in a place",
                "attempts": 1, "candidates": 4, "overall": 60.0, "below_threshold": False, "clip_text": 0.3,
                "clip_identity": 0.8 if frame else None, "expected_faces": 1, "is_reference": frame == 0,
                "subject_presence": "full", "start_seconds": 3.0 * frame, "duration_seconds": 3.0, "seconds": 1.0,
                "cost_usd": 0.0, "notes": [], **worn,
            }
        )  # fmt: skip
        for attempt, guidance in ((0, 3.0), (1, 4.5)):  # a retry nudges guidance and is no other setting
            candidates.append(
                {**filler, "storyboard": key, "scene": frame + 1, "attempt": attempt, "candidate": 0, "method": method,
                 "seed": base + 1000 * frame + 10 * attempt, "model": "miniature-xl", "steps": steps,
                 "guidance_scale": guidance, "width": 192, "height": 192, "path": stored.path, **worn}
            )  # fmt: skip
    store = TableStore(settings)
    store.write(FrameCandidates, table_frame(FrameCandidates, candidates), partition={"storyboard": key}, run_id="r",
                backend="miniature")  # fmt: skip
    store.write(StoryboardFrames, table_frame(StoryboardFrames, rows), partition={"storyboard": key}, run_id="r",
                backend="miniature")  # fmt: skip


def _store_training_set(settings: Settings, hero: str) -> None:
    pictures, rows = PictureStore(settings), []
    columns = {name: column.dtype for name, column in TrainingSet.columns().items()}
    for number in range(6):
        stored = pictures.put(_png(_drawn(Identity.from_seed(HEROES[hero]), 7_000 + number)))
        row = {name: _any_value(dtype) for name, dtype in columns.items() if not TrainingSet.columns()[name].nullable}
        row |= {"character": hero, "picture": f"{number:02d}.png", "path": stored.path, "sha256": stored.sha256,
                "width": stored.width, "height": stored.height}  # fmt: skip
        rows.append(row)
    TableStore(settings).write(
        TrainingSet, table_frame(TrainingSet, rows), partition={"character": hero}, run_id="r", backend="miniature"
    )


def _any_value(dtype: pl.DataType) -> object:
    if isinstance(dtype, pl.Enum):
        return dtype.categories[0]
    if dtype == pl.Boolean:
        return True
    if isinstance(dtype, pl.List):
        return []
    return "x" if dtype == pl.String else 1


def _measure(settings: Settings, models: VisionModels, key: str) -> None:
    store = TableStore(settings)
    rows, summary = proof.consistency_rows(settings, models, store.read(StoryboardFrames, [{"storyboard": key}]))
    for schema, content in ((FaceConsistency, rows), (StoryboardConsistency, [summary])):
        store.write(schema, table_frame(schema, content), partition={"storyboard": key}, run_id="r",
                    backend="miniature")  # fmt: skip


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VisionModels]:
    with VisionModels(Settings(home=tmp_path_factory.mktemp("models"))) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, models: VisionModels) -> Settings:
    """Two stories with two characters under three methods, measured."""
    settings = Settings(home=tmp_path_factory.mktemp("proof"))
    for hero in HEROES:
        _store_training_set(settings, hero)
    for story in range(2):
        for hero in ("ada", "bo"):
            for method in ARMS:
                key = f"s{story}-{hero}-{method.replace('_', '-')}"
                _store_storyboard(settings, key, story, method, hero)
                _measure(settings, models, key)
    return settings


@pytest.mark.slow
def test_stored_storyboards_are_ordered_by_how_well_they_keep_the_character(measured: Settings) -> None:
    rows = TableStore(measured).read(StoryboardConsistency)
    by_method = dict(rows.group_by("method").agg(pl.col("face_consistency").mean()).iter_rows())
    assert by_method["baseline"] < by_method["simple"] < by_method["reference_guided"]
    kept = rows.filter(pl.col("method") == "reference_guided")
    assert kept["recognised"].min() == 1.0 and kept["margin"].min() > 0.1  # type: ignore[operator]
    assert rows.filter(pl.col("method") == "baseline")["margin"].max() < 0.1  # type: ignore[operator]
    assert rows["copies"].max() == 0


@pytest.mark.slow
def test_the_report_holds_every_arm_with_intervals_and_judges_the_claims(measured: Settings) -> None:
    report = ablation_work.build(measured)
    assert report.storyboards == 12
    text = (measured.reports_dir / "ablation" / "results.md").read_text()
    assert "rises from method to method and the intervals keep apart" in text
    assert text.count("| holds |") == 2
    arms = {(row["metric"], row["method"]): row for row in report.arms}
    assert arms["face_consistency", "simple"]["n"] == 4 * (FRAMES - 1)
    assert arms["reference_similarity", "simple"]["n"] == 4 * FRAMES
    assert arms["copies", "baseline"]["n"] == 4
    frames = TableStore(measured).read(FaceConsistency).filter((pl.col("method") == "simple") & (pl.col("scene") > 1))
    again = frames["to_first"].fill_null(0).mean()
    assert arms["face_consistency", "simple"]["mean"] == pytest.approx(again)
    page = report.page.read_text()
    assert page.count("data:image/jpeg") == 12 * FRAMES and "Reference-guided" in page


@pytest.fixture(scope="module")
def drawn_alike(tmp_path_factory: pytest.TempPathFactory, models: VisionModels) -> Path:
    """Home of a lab with one story and character under all methods, drawn alike and measured."""
    settings = Settings(home=tmp_path_factory.mktemp("alike"))
    for method in ARMS:
        _store_storyboard(settings, f"kite-{method.replace('_', '-')}", 0, method, "ada")
        _measure(settings, models, f"kite-{method.replace('_', '-')}")
    return settings.home


@pytest.fixture
def compared_lab(drawn_alike: Path, tmp_path: Path) -> Settings:
    """A copy of that lab which a test may change."""
    shutil.copytree(drawn_alike, tmp_path / "home")
    return Settings(home=tmp_path / "home")


def test_of_several_faces_the_characters_counts_and_among_strangers_the_main_one(models: VisionModels) -> None:
    hero, stranger, nobody = (Identity.from_seed(seed) for seed in (900_001, 900_002, 900_003))
    small = np.asarray(Image.fromarray(_drawn(hero, 1)).resize((128, 128)))
    picture = np.concatenate([_drawn(stranger, 2), np.pad(small, ((32, 32), (0, 0), (0, 0)), "edge")], axis=1)
    frame = Frame(1, "two people", True, picture)

    def vector(identity: Identity) -> np.ndarray:
        found = mean_face(
            main_faces(models.faces(), [_drawn(identity, seed) for seed in range(20, 24)], fallback=False)
        )
        assert found is not None
        return found

    known = {name: vector(one) for name, one in (("hero", hero), ("stranger", stranger), ("nobody", nobody))}

    def shown(reference: str) -> str:
        face = character_faces(models, [frame], known[reference])[0]
        assert face.faces == 2
        return max(known, key=lambda name: float(face.embedding @ known[name]))

    assert shown("hero") == "hero"
    assert shown("nobody") == "stranger", "nobody's face is there: the picture is about the larger one"


def test_a_story_that_opens_on_a_landscape_is_compared_with_the_first_frame_that_shows_the_character(
    tmp_path: Path, models: VisionModels
) -> None:
    settings, store = Settings(home=tmp_path), TableStore(Settings(home=tmp_path))
    _store_storyboard(settings, "opening", 0, "reference_guided", "ada")
    empty = PictureStore(settings).put(_png(np.full((192, 192, 3), (120, 160, 200), np.uint8)))
    first = pl.col("scene") == 1
    frames = store.read(StoryboardFrames).with_columns(
        subject_presence=pl.when(first).then(pl.lit("none")).otherwise("subject_presence").cast(pl.String),
        expected_faces=pl.when(first).then(0).otherwise("expected_faces"),
        path=pl.when(first).then(pl.lit(empty.path)).otherwise("path"),
        sha256=pl.when(first).then(pl.lit(empty.sha256)).otherwise("sha256"),
        is_reference=pl.col("scene") == 2,
    )
    frames = frames.with_columns(pl.col("subject_presence").cast(StoryboardFrames.columns()["subject_presence"].dtype))
    rows, summary = proof.consistency_rows(settings, models, frames)
    assert summary["anchor_scene"] == 2 and {row["anchor_scene"] for row in rows} == {2}
    assert summary["frames"] == FRAMES - 1 and summary["missing"] == 0
    assert summary["face_consistency"] > 0.5 and summary["face_minimum"] > 0.3
    assert [row["to_first"] is None for row in rows] == [True, True, False, False]
    assert [row["clip_identity"] is None for row in rows] == [False, True, False, False]
    values = frame_values(frames.with_columns(series=pl.lit("s")), table_frame(FaceConsistency, rows))
    assert values["face_consistency"].is_null().to_list() == [True, True, False, False]
    assert values["face_consistency"].mean() == pytest.approx(summary["face_consistency"])


@pytest.mark.parametrize(
    ("changes", "anchor"),
    [
        ({}, 1),
        ({1: {"is_reference": False}}, 1),
        ({1: {"subject_presence": "none"}, 2: {"is_reference": True}}, 2),
        ({1: {"is_reference": False, "path": None}, 2: {"is_reference": True}}, 2),
        ({1: {"expected_faces": 0}}, 2),  # a reference seen from behind has no face
        ({1: {"is_reference": False, "path": None}}, 2),
        ({n: {"subject_presence": "none"} for n in (1, 2, 3)}, None),
    ],
)
def test_the_anchor_is_the_first_reference_that_should_show_the_face(
    changes: dict[int, dict[str, object]], anchor: int | None
) -> None:
    usual = {"subject_presence": "full", "expected_faces": 1, "path": "a.png"}
    rows = [{"scene": n, **usual, "is_reference": n == 1, **changes.get(n, {})} for n in (3, 2, 1)]
    assert anchor_scene(rows) == anchor


def test_only_storyboards_of_one_setting_seed_and_lora_are_compared_and_the_others_are_named(
    compared_lab: Settings,
) -> None:
    _store_storyboard(compared_lab, "a-test-2-steps", 0, "simple", "ada", steps=2)
    _store_storyboard(compared_lab, "a-test-seed", 0, "simple", "ada", base=7)
    _store_storyboard(compared_lab, "a-test-lora", 0, "simple", "ada", lora="b")
    _store_storyboard(compared_lab, "z-again", 0, "simple", "ada")
    report = ablation_work.build(compared_lab)
    assert report.storyboards == 3
    why = {one.storyboard: one.reason for one in report.left_out}
    assert set(why) == {"a-test-2-steps", "a-test-seed", "a-test-lora", "z-again"}
    assert "2 steps" in why["a-test-2-steps"] and "seed 7" in why["a-test-seed"]
    assert "LoRA" in why["a-test-lora"] and why["z-again"] == "kite-simple counts, drawn alike"
    for told in (report.markdown, report.page.read_text()):
        assert all(key in told and reason in told for key, reason in why.items())


def test_an_ablation_refuses_methods_that_were_drawn_with_different_seeds(compared_lab: Settings) -> None:
    _store_storyboard(compared_lab, "kite-baseline", 0, "baseline", "ada", base=7)
    with pytest.raises(ValueError, match=r"no story was drawn under all of .*kite-baseline: .*seed 7"):
        ablation_work.build(compared_lab)


def test_a_further_seed_is_compared_with_its_own_kind_and_settings_are_never_mixed(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    for method in ARMS:
        for key, how in (("a", {"steps": 2}), ("b", {}), ("c", {"base": 7})):
            _store_storyboard(settings, f"{key}-{method.replace('_', '-')}", 0, method, "ada", **how)  # type: ignore[arg-type]
    store = TableStore(settings)
    found = compared(store.read(StoryboardFrames), store.read(FrameCandidates))
    assert {key[0] for key in found.frames["storyboard"]} == {"b", "c"}
    assert found.frames.group_by("series").agg(pl.col("storyboard").n_unique())["storyboard"].to_list() == [3, 3]
    assert {one.storyboard[0] for one in found.left_out} == {"a"}


def test_an_ablation_refuses_faces_that_were_measured_on_other_pictures(
    compared_lab: Settings, models: VisionModels
) -> None:
    _store_storyboard(compared_lab, "kite-simple", 1, "simple", "ada")  # drawn again, not measured again
    store = TableStore(compared_lab)
    rows = store.read(StoryboardFrames, [{"storyboard": "kite-simple"}]).with_columns(source_key=pl.lit("story-0"))
    store.write(StoryboardFrames, rows, partition={"storyboard": "kite-simple"}, run_id="r", backend="miniature")
    with pytest.raises(ValueError, match="face_consistency of kite-simple was measured on other pictures"):
        ablation_work.build(compared_lab)
    _measure(compared_lab, models, "kite-simple")
    assert ablation_work.build(compared_lab).storyboards == 3


def test_a_study_shows_a_picture_that_the_character_was_trained_on(compared_lab: Settings) -> None:
    _store_training_set(compared_lab, "ada")
    store = TableStore(compared_lab)
    rows = store.read(TrainingSet).with_columns(used=pl.col("picture") > "01.png").sort("picture")
    store.write(TrainingSet, rows, partition={"character": "ada"}, run_id="r", backend="miniature")
    assert {one.reference for one in shown_storyboards(compared_lab, [])} == {rows["path"][2]}
    store.write(TrainingSet, rows.with_columns(used=pl.lit(False)), partition={"character": "ada"}, run_id="r",
                backend="miniature")  # fmt: skip
    with pytest.raises(StudyError, match="no picture of the character ada is trained on"):
        shown_storyboards(compared_lab, [])


def test_an_ablation_without_all_arms_says_so(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    _store_storyboard(settings, "only", 0, "simple", "ada")
    with pytest.raises(ValueError, match="no story was drawn under all of baseline, simple, reference_guided"):
        ablation_work.build(settings)


@pytest.mark.parametrize(
    ("relative", "low", "high", "verdict"),
    [
        (0.5, 0.1, 0.3, "holds"),
        (0.1, 0.02, 0.1, "holds in direction, not in size"),
        (0.1, -0.02, 0.1, "not shown: the interval includes no gain"),
        (-0.2, -0.3, -0.1, "contradicted"),
        (0.5, None, None, "not shown: too few storyboards for an interval"),
    ],
)
def test_a_claim_holds_only_when_the_interval_and_the_size_say_so(
    relative: float, low: float | None, high: float | None, verdict: str
) -> None:
    row = {"metric": "face_consistency", "method": "reference_guided", "against": "simple", "difference": 0.2,
           "low": low, "high": high, "relative": relative}  # fmt: skip
    assert claims([row])[0].verdict == verdict
    assert claims([])[0].verdict == "not measured"


@pytest.mark.slow
def test_faces_of_one_person_are_told_from_those_of_two_and_shuffled_names_are_not(models: VisionModels) -> None:
    row = face_rows(models, people=12, views=3, seed=7)[0]
    assert row["value"] > 0.97 and row["low"] <= row["value"] <= row["high"]
    assert abs(row["control"] - 0.5) < 0.2


def test_a_score_that_orders_nothing_has_no_correlation_and_one_that_is_constant_has_none() -> None:
    truth = [n / 50 for n in range(50)]
    rng = np.random.default_rng(3)
    assert order(truth, [t + rng.normal(0, 0.1) for t in truth]).spearman > 0.8  # type: ignore[operator]
    assert abs(order(truth, rng.normal(size=50).tolist()).spearman) < 0.3  # type: ignore[arg-type]
    assert order(truth, [1.0] * 50).spearman is None
    assert order(truth, [None] * 50).n == 0


def test_separation_of_perfect_clusters_is_one_and_of_noise_a_half() -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(20, 512))
    names = np.repeat(np.arange(20), 5)
    clustered = centres[names] + rng.normal(size=(100, 512)) * 0.1
    noise = rng.normal(size=(100, 512))
    scale = lambda v: v / np.linalg.norm(v, axis=1, keepdims=True)  # noqa: E731
    assert separation(scale(clustered), names.tolist()).auc == 1.0
    assert abs(separation(scale(noise), names.tolist()).auc - 0.5) < 0.05
    assert abs(separation(scale(clustered), names.tolist()).auc_shuffled - 0.5) < 0.1


@pytest.mark.parametrize(
    ("means", "width", "said"),
    [
        ((0.2, 0.5, 0.9), 0.05, "rises from method to method and the intervals keep apart; the last is above"),
        ((0.2, 0.22, 0.5), 0.05, "the intervals of baseline and simple overlap; the last is below"),
        ((0.2, 0.22, 0.24), 0.05, "of baseline and simple, and those of simple and reference-guided overlap"),
        ((0.2, 0.5, 0.8), None, "storyboards are too few for intervals; the last is below"),
        ((0.5, 0.2, 0.8), 0.05, "does not rise"),
        ((0.5, None, 0.8), 0.05, "was not measured under every method"),
    ],
)
def test_the_results_say_in_one_sentence_what_keeps_apart(
    means: tuple[float | None, ...], width: float | None, said: str
) -> None:
    rows = [
        {"method": arm, "metric": "face_consistency", "mean": mean, "n": 9,
         "low": None if width is None or mean is None else mean - width,
         "high": None if width is None or mean is None else mean + width}
        for arm, mean in zip(("baseline", "simple", "reference_guided"), means, strict=True)
    ]  # fmt: skip
    assert said in proof_report.ordered(rows)
