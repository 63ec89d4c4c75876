"""How good a face model is: average precision over scenes, verification over people, always through InsightFace."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from creative_lab.illustrator.sample import sample_scene
from creative_lab.illustrator.scene import draw_scene


def load_faces(folder: Path, size: tuple[int, int], *, modules: list[str] | None = None) -> Any:
    """InsightFace's ``FaceAnalysis`` over a local model pack, on the CPU."""
    from insightface.app import FaceAnalysis

    app = FaceAnalysis(name=str(folder), allowed_modules=modules, providers=["CPUExecutionProvider"])
    app.prepare(ctx_id=-1, det_size=size, det_thresh=0.02 if modules == ["detection"] else 0.5)
    return app


def load_detector(folder: Path, size: tuple[int, int]) -> Any:
    """The pack's detector alone, with a threshold so low that a whole precision–recall curve can be drawn."""
    return load_faces(folder, size, modules=["detection"])


def overlap(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Intersection over union of one box with several."""
    left, top = np.maximum(box[:2], boxes[:, :2]).T
    right, bottom = np.minimum(box[2:4], boxes[:, 2:4]).T
    both = np.maximum(0, right - left) * np.maximum(0, bottom - top)
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return both / ((box[2] - box[0]) * (box[3] - box[1]) + area - both)


def average_precision(app: Any, seeds: Iterable[int]) -> dict[str, float]:
    """AP at IoU 0.5 (all points, as in VOC 2010), recall and false finds at 0.5, and the points' mean error.

    Faces that can hardly be seen (see ``face_detector.SEEN``) are neither missed nor wrongly found.
    """
    from creative_lab.miniatures.face_detector import SEEN, face_rows, picture_size

    found: list[tuple[float, bool]] = []
    errors: list[float] = []
    total, pictures = 0, 0
    for seed in seeds:
        width, height = picture_size(np.random.default_rng([37, seed]), 320)
        picture = draw_scene(sample_scene(seed), width, height, visibility=True)
        rows = face_rows(picture.truth.people)
        rows = rows[rows[:, 14] >= 0]
        wanted = rows[:, 14] >= SEEN
        total += int(wanted.sum())
        pictures += 1
        boxes, points = app.det_model.detect(np.ascontiguousarray(picture.pixels[..., ::-1]))
        taken = np.zeros(len(rows), bool)
        for number in np.argsort(-boxes[:, 4]):
            shares = overlap(boxes[number], rows)
            best = int(np.argmax(np.where(wanted & ~taken, shares, -1)))
            if wanted[best] and not taken[best] and shares[best] >= 0.5:
                taken[best] = True
                found.append((float(boxes[number, 4]), True))
                if boxes[number, 4] >= 0.5:
                    distance = np.linalg.norm(points[number] - rows[best, 4:14].reshape(5, 2), axis=1)
                    errors.append(float(distance.mean() / (rows[best, 3] - rows[best, 1])))
            elif not (shares[~wanted] >= 0.3).any():
                found.append((float(boxes[number, 4]), False))
    found.sort(reverse=True)
    right = np.cumsum([hit for _, hit in found])
    precision = right / np.arange(1, len(found) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    recall = right / max(1, total)
    ap = float(np.sum(np.diff(recall, prepend=0.0) * envelope))
    sure = [hit for score, hit in found if score >= 0.5]
    return {
        "AP50": ap,
        "recall at 0.5": sum(sure) / max(1, total),
        "false finds per picture": (len(sure) - sum(sure)) / pictures,
        "point error / face height": float(np.mean(errors)) if errors else float("nan"),
        "faces": float(total),
    }
