"""What a mask says about itself: checks that send a doubtful picture to a model, or to a person.

None of them needs the truth. A right mask leaves nothing with edges outside, has an outline that the picture shows too,
holds as many whole people as the look has models, and is filled by garments and skin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from creative_lab.looks.segmentation.backdrop import Backdrop
from creative_lab.looks.segmentation.garments import Expected, FoundGarment
from creative_lab.looks.segmentation.people import FEET, FLOOR, SOFT_BELOW, People
from creative_lab.looks.segmentation.raster import above, at_most, equal

_CONTRAST = 14
_DETAIL = 26
_TINTED, _BARE, _SHADOW = 2.2, 4.0, 60.0
"""Levels by which a hole may on average be coloured, and differ from the backdrop without and with shadows."""
_REASONS = {
    "empty": "nobody was found",
    "people_count": "not as many people as the look has models",
    "people_touch": "people touch and were parted by a cut",
    "cut_off": "somebody reaches the picture's border",
    "uneven_heights": "somebody is far shorter than the others, or fills too little of the frame",
    "area_share": "somebody covers too little or too much of their own box",
    "backdrop": "the border is no white seamless backdrop",
    "edges_outside": "the picture has edges where nobody should be",
    "weak_outline": "part of the outline is not to be seen in the picture, as where a shadow was taken for clothes",
    "holes": "a hole is no backdrop",
    "garments_missing": "garments of the manifest were not found",
    "garment_cover": "garments cover too little or too much of somebody",
    "disagreement": "two methods disagree about where people are",
}
"""Name of each check and what it means when it fails."""

BORDER_MARGIN = 2
"""Pixels from the border within which somebody counts as cut off."""


@dataclass(frozen=True)
class Limits:
    """Where checks begin to doubt; shares are 0–1."""

    agreement: float = 0.85
    brightness: float = 215.0
    tint: float = 14.0
    grain: float = 4.5
    least_height: float = 0.55
    height_ratio: float = 0.80
    least_cover: float = 0.16
    most_cover: float = 0.80
    edges_outside: float = 8e-5
    weak_outline: float = 0.045
    hole: float = 0.0008
    least_garments: float = 0.30
    most_garments: float = 0.97
    missing: float = 0.34
    disagreement: float = 0.96


@dataclass(frozen=True)
class Checked:
    """The checks' outcome: every measure by name, and the names of checks that failed."""

    measures: dict[str, float]
    failed: tuple[str, ...]

    @property
    def doubtful(self) -> bool:
        """Whether any check failed."""
        return bool(self.failed)

    def described(self) -> dict[str, object]:
        """For a row's JSON: measures rounded, and failed checks with their meaning."""
        return {
            "measures": {name: round(value, 5) for name, value in self.measures.items()},
            "failed": {name: _REASONS[name] for name in self.failed},
        }

    def joined(self, other: Checked) -> Checked:
        """Both together."""
        return Checked(self.measures | other.measures, tuple(dict.fromkeys((*self.failed, *other.failed))))


def check_people(pixels: np.ndarray, people: People, *, expected: int = 3, limits: Limits | None = None) -> Checked:
    """Check the people of a picture, uint8 RGB (height, width, 3)."""
    import cv2

    limits = limits or Limits()
    height, width = people.labels.shape
    backdrop = people.backdrop
    failed = []
    measures = {
        "people": float(len(people.people)),
        "agreement": backdrop.agreement,
        "brightness": backdrop.brightness,
        "tint": backdrop.tint,
        "grain": backdrop.grain,
    }
    if (
        backdrop.agreement < limits.agreement
        or backdrop.brightness < limits.brightness
        or backdrop.tint > limits.tint
        or backdrop.grain > limits.grain
    ):
        failed.append("backdrop")
    if not people.people:
        return Checked(measures, (*failed, "empty"))
    if len(people.people) != expected:
        failed.append("people_count")
    if people.split:
        failed.append("people_touch")
    margin = BORDER_MARGIN
    if any(
        left < margin or top < margin or right > width - margin or bottom > height - margin
        for left, top, right, bottom in (person.box for person in people.people)
    ):
        failed.append("cut_off")
    heights = [person.box[3] - person.box[1] for person in people.people]
    measures["least_height"] = min(heights) / height
    measures["height_ratio"] = min(heights) / max(heights)
    if measures["least_height"] < limits.least_height or measures["height_ratio"] < limits.height_ratio:
        failed.append("uneven_heights")
    covers = [
        person.area / max(1, (person.box[2] - person.box[0]) * (person.box[3] - person.box[1]))
        for person in people.people
    ]
    measures["least_cover"], measures["most_cover"] = min(covers), max(covers)
    if measures["least_cover"] < limits.least_cover or measures["most_cover"] > limits.most_cover:
        failed.append("area_share")

    mask = above(people.labels, 0)
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    if backdrop.grain > 1:
        grey = cv2.GaussianBlur(grey, (3, 3), 0)
    square = np.ones((3, 3), np.uint8)
    spread = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, square)
    noise = 3 * backdrop.grain
    around = cv2.dilate(mask, np.ones((9, 9), np.uint8))
    detail = above(spread, min(255.0, _DETAIL + noise))
    feet = round(FEET * height)
    detail[feet:] = above(spread[feet:], min(255.0, SOFT_BELOW + noise))
    measures["edges_outside"] = cv2.countNonZero(cv2.bitwise_and(detail, cv2.bitwise_not(around))) / (height * width)
    if measures["edges_outside"] > limits.edges_outside:
        failed.append("edges_outside")
    outline = cv2.subtract(mask, cv2.erode(mask, square))
    near = cv2.dilate(spread, square)
    weak = cv2.bitwise_and(outline, at_most(near, _CONTRAST + noise))
    worst = 0.0
    for person in people.people:
        left, top, right, bottom = person.box
        own = equal(people.labels[top:bottom, left:right], person.index + 1)
        line = cv2.countNonZero(cv2.bitwise_and(outline[top:bottom, left:right], own))
        faint = cv2.countNonZero(cv2.bitwise_and(weak[top:bottom, left:right], own))
        worst = max(worst, faint / max(1, line))
    measures["weak_outline"] = worst
    if worst > limits.weak_outline:
        failed.append("weak_outline")
    measures["hole"] = _worst_hole(pixels, mask, backdrop) / max(person.area for person in people.people)
    if measures["hole"] > limits.hole:
        failed.append("holes")
    return Checked(measures, tuple(failed))


def _worst_hole(pixels: np.ndarray, mask: np.ndarray, backdrop: Backdrop) -> int:
    """Pixels of the largest hole in a person that does not look like the backdrop; 0 when there is none."""
    import cv2

    worst = 0
    contours, hierarchy = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    for contour, (_, _, _, parent) in zip(contours, hierarchy[0] if hierarchy is not None else [], strict=True):
        if parent < 0:
            continue
        x, y, w, h = cv2.boundingRect(contour)
        if w * h <= max(40, worst):
            continue
        part = np.s_[y : y + h, x : x + w]
        filled = np.zeros((h, w), np.uint8)
        cv2.drawContours(filled, [contour - (x, y)], -1, 1, cv2.FILLED)
        inside = (filled > 0) & (mask[part] == 0)
        area = int(inside.sum())
        if area <= worst:
            continue
        off = pixels[part][inside].astype(np.float32) - backdrop.colour[part][inside]
        tint = np.abs(off.mean(0) - off.mean()).max()
        # On the floor a hole may be darkened by shadows; higher up it is bare backdrop or somebody's white shirt.
        darkest = _SHADOW if y + h / 2 > FLOOR * mask.shape[0] else _BARE
        if tint > _TINTED or np.abs(off.mean(0)).max() > darkest:
            worst = area
    return worst


def check_garments(
    people: People, found: Sequence[FoundGarment], expected: Sequence[Expected], *, limits: Limits | None = None
) -> Checked:
    """Check garments against the people who wear them and against the manifest (empty when there is none)."""
    limits = limits or Limits()
    measures: dict[str, float] = {"garments": float(len(found))}
    failed = []
    if found and people.people:
        shares = [
            sum(int(item.mask.sum()) for item in found if item.model_index == person.index) / max(1, person.area)
            for person in people.people
        ]
        measures["least_garments"], measures["most_garments"] = min(shares), max(shares)
        if min(shares) < limits.least_garments or max(shares) > limits.most_garments:
            failed.append("garment_cover")
    if expected:
        seen = {(item.model_index, item.garment_id) for item in found}
        missing = [item for item in expected if (item.model_index, item.garment_id) not in seen]
        measures["missing"] = len(missing) / len(expected)
        known = [item.confidence for item in found if item.confidence is not None]
        if known:
            measures["confidence"] = float(np.mean(known))
        if measures["missing"] > limits.missing:
            failed.append("garments_missing")
    return Checked(measures, tuple(failed))


def check_agreement(first: np.ndarray, second: np.ndarray, *, limits: Limits | None = None) -> Checked:
    """Compare two masks of all people (bool, height × width), such as the classical one and a model's."""
    limits = limits or Limits()
    union = int((first | second).sum())
    value = float((first & second).sum() / union) if union else 1.0
    return Checked({"agreement_of_methods": value}, ("disagreement",) if value < limits.disagreement else ())
