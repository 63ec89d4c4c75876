"""Pictures of the drawn world whose truth is known, and how well each metric orders them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from creative_lab.metrics.validity import order, separation

if TYPE_CHECKING:
    from creative_lab.vision.models import VisionModels

FIRST_SEED = 1_000_000_000
"""Pictures from here on were never trained on."""
AUC_BAR = 0.99
ORDER_BAR = 0.5
"""Least Spearman correlation with the truth of a score that is shipped as a metric."""

QUALITY_SCORES = ("aesthetic", "pickscore", "hps")
"""Scores that should order pictures by how spoilt they are."""
MATCH_SCORES = ("clipscore", "pickscore", "vqascore", "hps")
"""Scores that should order texts by how much of them is in the picture."""


def face_rows(models: VisionModels, *, people: int = 40, views: int = 4, seed: int = 0) -> list[dict[str, Any]]:
    """Whether the cosine of two faces tells one person from two, for people who were never trained on.

    Each is drawn ``views`` times with other clothes, expression, turn, light and size.
    """
    from creative_lab.illustrator.identity import Identity
    from creative_lab.vision.faces import main_faces

    finder = models.faces()
    base = {"metric": "face_consistency", "question": "same person", "statistic": "AUC", "bar": AUC_BAR}
    if finder is None:
        return [_missing(base, models.missing("faces"))]
    names, pictures = [], []
    for person in range(people):
        identity = Identity.from_seed(FIRST_SEED + seed * 1000 + person)
        for view in range(views):
            names.append(person)
            pictures.append(_portrait(identity, FIRST_SEED + (seed * people + person) * views + view))
    faces = main_faces(finder, pictures, fallback=False)
    found = [(name, face.embedding) for name, face in zip(names, faces, strict=True) if face.embedding is not None]
    vectors = np.stack([vector for _, vector in found])
    told = separation(vectors, [name for name, _ in found], seed=seed)
    low, high = _person_interval(vectors, np.array([name for name, _ in found]), seed)
    note = f"faces found in {len(found)} of {len(pictures)} pictures" if len(found) < len(pictures) else None
    return [
        {**base, "value": told.auc, "low": low, "high": high, "control": told.auc_shuffled, "n": len(found),
         "passed": told.auc >= AUC_BAR, "note": note}
    ]  # fmt: skip


def _person_interval(vectors: np.ndarray, names: np.ndarray, seed: int) -> tuple[float, float]:
    """Interval of the AUC from resampling people: two pairs of one person are not independent."""
    rng = np.random.default_rng(seed)
    people = np.unique(names)
    values = []
    for _ in range(200):
        drawn = rng.choice(people, size=len(people))
        rows = np.concatenate([np.flatnonzero(names == person) for person in drawn])
        copies = np.concatenate([np.full((names == person).sum(), number) for number, person in enumerate(drawn)])
        # A person who is drawn twice would be compared with themselves as with somebody else.
        keep = np.unique(drawn, return_index=True)[1]
        chosen = np.isin(copies, keep)
        if len(keep) > 1:
            values.append(separation(vectors[rows[chosen]], copies[chosen].tolist()).auc)
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def _portrait(identity: Any, seed: int) -> np.ndarray:
    from dataclasses import replace

    from creative_lab.illustrator.sample import sample_scene
    from creative_lab.illustrator.scene import draw_scene

    rng = np.random.default_rng([seed, 3])
    shot = str(rng.choice(["close-up", "medium close-up", "medium shot"]))
    scene = sample_scene(seed, identity=identity, people=1, shot=shot)
    # Hair and glasses are the identity's; a hat would hide part of it.
    scene = replace(scene, people=(replace(scene.people[0], hat="none"),), angle="eye level")
    pixels: np.ndarray = draw_scene(scene, 256, 256).pixels
    return pixels


def score_rows(models: VisionModels, *, pictures: int = 120, seed: int = 0) -> list[dict[str, Any]]:
    """Whether each scorer orders pictures by their known quality, and texts by how well they match."""
    from creative_lab.vision.scoring import score_pictures

    spoilt, levels, texts = _spoilt(pictures, seed)
    scores = score_pictures(models, spoilt, texts)
    rows = [
        _order_row(name, "quality level", levels, [score.raw.get(name) for score in scores],
                   scores[0].missing.get(name), seed)
        for name in QUALITY_SCORES
    ]  # fmt: skip
    clean, wordings, shares = _matching(pictures, seed)
    matched = score_pictures(models, clean, wordings)
    rows += [
        _order_row(name, "matching text", shares, [score.raw.get(name) for score in matched],
                   matched[0].missing.get(name), seed)
        for name in MATCH_SCORES
    ]  # fmt: skip
    return rows


def _order_row(
    metric: str, question: str, truth: Sequence[float], scores: Sequence[float | None], reason: str | None, seed: int
) -> dict[str, Any]:
    base = {"metric": metric, "question": question, "statistic": "Spearman", "bar": ORDER_BAR}
    if all(score is None for score in scores):
        return _missing(base, reason or "no score")
    found = order(truth, scores, seed=seed)
    shuffled = np.random.default_rng(seed).permutation(np.asarray(truth, float)).tolist()
    control = order(shuffled, scores, seed=seed, resamples=1).spearman
    passed = found.spearman is not None and found.spearman >= ORDER_BAR
    return {**base, "value": found.spearman, "low": found.low, "high": found.high, "control": control, "n": found.n,
            "passed": passed, "note": None}  # fmt: skip


def _missing(base: dict[str, Any], reason: str) -> dict[str, Any]:
    return {**base, "value": None, "low": None, "high": None, "control": None, "n": 0, "passed": None, "note": reason}


def _spoilt(count: int, seed: int) -> tuple[list[np.ndarray], list[float], list[str]]:
    """Pictures spoilt by a known amount, their levels, and the text of each."""
    from creative_lab.illustrator.captions import captions
    from creative_lab.illustrator.quality import sample_faults, spoil
    from creative_lab.illustrator.sample import sample_scene
    from creative_lab.illustrator.scene import as_shown, draw_scene

    pictures, levels, texts = [], [], []
    for number in range(count):
        rng = np.random.default_rng([seed, number, 11])
        scene = sample_scene(FIRST_SEED + 50_000 + seed * count + number)
        level = (number + 0.5) / count
        drawn = draw_scene(scene, 192, 192)
        pictures.append(spoil(drawn.pixels, sample_faults(level, rng), rng))
        levels.append(level)
        texts.append(captions(as_shown(drawn), count=1, seed=number)[0])
    return pictures, levels, texts


def _matching(count: int, seed: int) -> tuple[list[np.ndarray], list[str], list[float]]:
    """Pictures with texts of which a known share is true: of looks, doing, place and things some are changed.

    Only a change that the text tells counts: a close-up's text speaks neither of clothes nor of what somebody does.
    """
    from dataclasses import replace

    from creative_lab.illustrator.captions import captions
    from creative_lab.illustrator.sample import sample_scene
    from creative_lab.illustrator.scene import Scene, as_shown, draw_scene

    def said(scene: Scene) -> str:
        return captions(scene, count=1, seed=number)[0]

    pictures, texts, shares = [], [], []
    for number in range(count):
        rng = np.random.default_rng([seed, number, 13])
        drawn = draw_scene(sample_scene(FIRST_SEED + 80_000 + seed * count + number, people=1), 192, 192)
        scene, other = as_shown(drawn), sample_scene(FIRST_SEED + 90_000 + seed * count + number, people=1)
        told, wrong = scene, 0
        for part in rng.permutation(4)[: number % 5]:
            person, stranger = told.people[0], other.people[0]
            changed = (
                replace(told, people=(replace(person, garments=stranger.garments, hat=stranger.hat),)),
                replace(told, people=(replace(person, action=stranger.action, expression=stranger.expression),)),
                replace(told, surroundings=other.surroundings),
                replace(told, props=other.props),
            )[part]
            wrong += said(changed) != said(told)
            told = changed
        pictures.append(drawn.pixels)
        texts.append(said(told))
        shares.append(1 - wrong / 4)
    return pictures, texts, shares
