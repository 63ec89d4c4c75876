"""Whether two pictures show the same person: how well similarities tell, over people never trained on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np


def area_under_curve(same: np.ndarray, different: np.ndarray) -> float:
    """Probability that a pair of one person is more alike than a pair of two (Mann–Whitney U over all pairs)."""
    from scipy.stats import rankdata

    ranks = rankdata(np.concatenate([same, different]))
    wins = ranks[: len(same)].sum() - len(same) * (len(same) + 1) / 2
    return float(wins / (len(same) * len(different)))


def pair_similarities(vectors: np.ndarray, people: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cosines of all pairs of one person, and of all pairs of two."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = unit @ unit.T
    upper = np.triu(np.ones(cosines.shape, bool), 1)
    alike = people[:, None] == people[None]
    return cosines[upper & alike], cosines[upper & ~alike]


def verification(folder: Path, numbers: Sequence[int], *, views: int = 4) -> dict[str, float]:
    """Area under the ROC curve with true points ("AUC") and with the pack's own detector ("AUC of the pack").

    Each person is drawn ``views`` times with other clothes, hat, expression, turn, light and size.
    """
    from insightface.model_zoo import get_model

    from creative_lab.miniatures.face_detector import DETECTION_SIZE
    from creative_lab.miniatures.face_measures import load_faces
    from creative_lab.miniatures.face_recogniser import aligned, five_points, identity_of, portrait

    recogniser = get_model(str(folder / "rec.onnx"), providers=["CPUExecutionProvider"])
    pack = load_faces(folder, DETECTION_SIZE) if (folder / "det.onnx").exists() else None
    vectors, people, found, finders = [], [], [], []
    for number in numbers:
        identity = identity_of(number)
        for view in range(views):
            picture = portrait(identity, number * views + view)
            crop = aligned(picture.pixels, five_points(picture))
            vectors.append(recogniser.get_feat(np.ascontiguousarray(crop[..., ::-1]))[0])
            people.append(number)
            faces = pack.get(np.ascontiguousarray(picture.pixels[..., ::-1]), max_num=1) if pack else []
            if faces:
                found.append(faces[0].embedding)
                finders.append(number)
    same, different = pair_similarities(np.stack(vectors), np.array(people))
    limit = float(np.quantile(different, 0.999))
    result = {
        "AUC": area_under_curve(same, different),
        "accepted at 0.1 % false": float((same > limit).mean()),
        "threshold at 0.1 % false": limit,
        "mean cosine, same": float(same.mean()),
        "mean cosine, different": float(different.mean()),
    }
    # Without a detector there is no such figure; it is not a number then, and meets no bar.
    result |= {"AUC of the pack": float("nan"), "found by the pack": len(found) / len(vectors)}
    if len(set(finders)) > 1:
        pairs = pair_similarities(np.stack(found), np.array(finders))
        result["AUC of the pack"] = area_under_curve(*pairs)
    return result
