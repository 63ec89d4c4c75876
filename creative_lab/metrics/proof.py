"""Measuring stored storyboards: the frames of the lake, their faces and embeddings, as rows of the proof's tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from creative_lab.lake.fs import FileSystem
from creative_lab.lake.tables import TableStore
from creative_lab.metrics.consistency import FrameFace, anchor_scene, face_expected, measure, variety

if TYPE_CHECKING:
    from creative_lab.settings import Settings
    from creative_lab.vision.models import VisionModels
    from creative_lab.vision.types import Face

REFERENCES = 12
"""Most of a character's own pictures that its reference embedding is the mean of."""
ASSIGNED = 0.5
"""Least cosine with the character's own pictures at which one of several faces is taken for the character's: half of
the way to being the same, where strangers lie at 0."""


@dataclass(frozen=True)
class Frame:
    """One frame as it is stored; ``picture`` is RGB uint8, None where the scene has no picture."""

    scene: int
    description: str
    expected: bool
    picture: np.ndarray | None


def read_frames(settings: Settings, rows: pl.DataFrame) -> list[Frame]:
    """The frames of one storyboard's ``storyboard_frames`` rows, in order, decoded.

    The character is expected where the scene shows the subject and a face can be seen in it.
    """
    from creative_lab.vision.pictures import open_picture

    files = FileSystem.of_lake(settings)
    frames = []
    for row in rows.sort("scene").iter_rows(named=True):
        picture = open_picture(files.read_bytes(row["path"]), name=row["path"]) if row["path"] else None
        frames.append(Frame(row["scene"], row["description"], face_expected(row), picture))
    return frames


def character_references(settings: Settings, models: VisionModels) -> dict[str, np.ndarray]:
    """One embedding per character that has pictures in the lake: the mean over its own pictures' main faces."""
    from creative_lab.characters.tables import TrainingSet
    from creative_lab.vision.faces import main_faces, mean_face
    from creative_lab.vision.pictures import open_picture

    finder = models.faces()
    store = TableStore(settings)
    if finder is None:
        return {}
    known: dict[str, np.ndarray] = {}
    for partition in store.partitions(TrainingSet):
        rows = store.read(TrainingSet, [partition]).filter(pl.col("used")).sort("picture")
        # Every second one: storyboards choose their frames by the others.
        paths = rows["path"].to_list()[::2][:REFERENCES]
        pictures = [open_picture(store.files.read_bytes(path), name=path) for path in paths]
        mean = mean_face(main_faces(finder, pictures, fallback=False))
        if mean is not None:
            known[partition["character"]] = mean
    return known


def character_faces(models: VisionModels, frames: Sequence[Frame], reference: np.ndarray | None) -> list[FrameFace]:
    """The character's face in each frame.

    Of several faces it is the one that is most like the character's own pictures, as an assignment of faces to
    characters would choose; without such pictures, or where no face comes near them, the main face. A frame without a
    picture has no face.
    """
    from creative_lab.vision.faces import main_face, main_faces

    finder = models.faces()
    if finder is None:
        raise ValueError(models.missing("faces"))
    drawn = [frame for frame in frames if frame.picture is not None]
    pictures = [frame.picture for frame in drawn if frame.picture is not None]
    found = dict(zip([frame.scene for frame in drawn], finder.find(pictures), strict=True))
    guesses = {frame.scene: frame for frame in drawn if not found[frame.scene]}
    fallback = main_faces(finder, [p for f in guesses.values() if (p := f.picture) is not None]) if guesses else []
    guessed = dict(zip(guesses, fallback, strict=True))
    result = []
    for frame in frames:
        faces = found.get(frame.scene, [])
        if faces and frame.picture is not None:
            chosen = _assigned(faces, reference) or main_face(faces, frame.picture) or faces[0]
            result.append(FrameFace(frame.scene, frame.expected, "detector", chosen.embedding, len(faces)))
        elif frame.scene in guessed:
            guess = guessed[frame.scene]
            result.append(FrameFace(frame.scene, frame.expected, guess.source, guess.embedding, 0))
        else:
            result.append(FrameFace(frame.scene, frame.expected, "none", None, 0))
    return result


def _assigned(faces: Sequence[Face], reference: np.ndarray | None) -> Face | None:
    """The face that is most like the character's pictures, if it is like them: of strangers none is more the character
    than another.
    """
    if reference is None:
        return None
    nearest = max(faces, key=lambda face: float(face.embedding @ reference))
    return nearest if float(nearest.embedding @ reference) >= ASSIGNED else None


def consistency_rows(
    settings: Settings, models: VisionModels, rows: pl.DataFrame
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Rows of ``face_consistency`` and the row of ``storyboard_consistency`` for one storyboard's frames.

    Raises ValueError for no rows, or when no face model is installed: there is no other way to measure a face.
    """
    if not rows.height:
        raise ValueError("the storyboard has no frames")
    about = rows.sort("scene").select("storyboard", "source_key", "method", "character").row(0, named=True)
    frames = read_frames(settings, rows)
    references = character_references(settings, models)
    own = references.get(about["character"]) if about["character"] else None
    faces = character_faces(models, frames, own)
    anchor = anchor_scene(rows.to_dicts())
    per_frame, whole = measure(faces, references, about["character"], anchor=anchor)
    embeddings = _embeddings(models, frames)
    drawn = [frame for frame in frames if frame.picture is not None]
    varied = variety(
        [frame.picture for frame in drawn if frame.picture is not None],
        None if embeddings is None else np.stack([embeddings[frame.scene] for frame in drawn]) if drawn else None,
    )
    alike = _to_anchor(embeddings, frames, anchor)
    pictures = dict(zip(rows["scene"].to_list(), rows["sha256"].to_list(), strict=True))
    frame_rows = [
        {
            **about, "scene": row.scene, "expected": row.expected, "found": row.found, "crop": row.source,
            "faces": row.faces, "to_first": row.to_first, "to_reference": row.to_reference,
            "nearest_other": row.nearest_other, "to_nearest_other": row.to_nearest_other, "margin": row.margin,
            "clip_identity": alike.get(row.scene), "anchor_scene": anchor, "picture_sha256": pictures[row.scene],
        }
        for row in per_frame
    ]  # fmt: skip
    known = list(alike.values())
    summary = {
        **about, "frames": whole.frames, "missing": whole.missing, "face_consistency": whole.mean,
        "face_consistency_found": whole.mean_found, "face_minimum": whole.minimum,
        "pairwise_minimum": whole.pairwise_minimum, "reference_similarity": whole.reference_mean,
        "margin": whole.margin_mean, "recognised": whole.recognised,
        "clip_identity": float(np.mean(known)) if known else None, "mean_difference": varied.mean_difference,
        "copies": varied.copies, "scene_difference": varied.scene_difference, "faces_model": models.slug("faces"),
        "anchor_scene": anchor,
        "note": _note(models, about["character"], own),
    }  # fmt: skip
    return frame_rows, summary


def _note(models: VisionModels, character: str | None, own: np.ndarray | None) -> str | None:
    gaps = []
    if character and own is None:
        gaps.append(f"{character} has no training pictures with a face, so nothing was compared with them")
    if reason := models.missing("clip_identity"):
        gaps.append(reason)
    return "; ".join(gaps) or None


def _embeddings(models: VisionModels, frames: Sequence[Frame]) -> dict[int, np.ndarray] | None:
    clip = models.clip_identity()
    if clip is None:
        return None
    drawn = [(frame.scene, frame.picture) for frame in frames if frame.picture is not None]
    vectors = clip.images([picture for _, picture in drawn]) if drawn else np.empty((0, 0), np.float32)
    return {scene: vector for (scene, _), vector in zip(drawn, vectors, strict=True)}


def _to_anchor(
    embeddings: dict[int, np.ndarray] | None, frames: Sequence[Frame], anchor: int | None
) -> dict[int, float]:
    """Likeness of whole pictures; without a frame that should show the character, to the first frame."""
    if embeddings is None or not frames:
        return {}
    to = frames[0].scene if anchor is None else anchor
    first = embeddings.get(to)
    if first is None:
        return {}
    return {scene: float(np.clip(vector @ first, -1, 1)) for scene, vector in embeddings.items() if scene != to}


def alignment_rows(settings: Settings, models: VisionModels, rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows of ``clip_alignment``: each frame's picture against every scene's description.

    Raises ValueError when no CLIP is installed.
    """
    clip = models.clip()
    if clip is None:
        raise ValueError(models.missing("clip"))
    about = rows.sort("scene").select("storyboard", "source_key", "method", "character").row(0, named=True)
    frames = read_frames(settings, rows)
    texts = clip.texts([frame.description for frame in frames])
    drawn = [(number, frame.picture) for number, frame in enumerate(frames) if frame.picture is not None]
    vectors = clip.images([picture for _, picture in drawn]) if drawn else np.empty((0, texts.shape[1]))
    cosines = {number: vector @ texts.T for (number, _), vector in zip(drawn, vectors, strict=True)}
    result = []
    for number, frame in enumerate(frames):
        own = cosines.get(number)
        others = None if own is None else np.delete(own, number)
        result.append(
            {
                **about, "scene": frame.scene, "scenes": len(frames), "model": clip.slug,
                "clip_text": None if own is None else float(np.clip(own[number], -1, 1)),
                "clip_other": None if others is None or not len(others) else float(others.mean()),
                "rank": None if own is None else 1 + int((own > own[number]).sum()),
            }
        )  # fmt: skip
    return result


def anomaly_rows(frames: pl.DataFrame, scores: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows of ``frame_anomalies``: what the checks found in the chosen pictures."""
    keys = ["scene", "attempt", "candidate"]
    about = ["storyboard", "source_key", "method", "character"]
    checked = scores.select(*keys, "anomalies", "confidence")
    joined = frames.join(checked, on=keys, how="left").sort("scene")
    return joined.select(
        *about,
        "scene",
        pl.col("expected_faces").alias("faces_expected"),
        "faces_found",
        pl.col("anomalies").fill_null([]),
        "confidence",
        (pl.col("attempts") - 1).clip(lower_bound=0).alias("retries"),
        "fallback",
    ).to_dicts()
