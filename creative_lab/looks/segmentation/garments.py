"""Garments of people whose outfits are known: regions between edges, named by colour, height and neighbourhood.

A look's manifest says which garments each model wears and in which colours. Inside a person's mask, edges part the
picture into regions of one colour. Each region goes to the garment whose colour and place on the body fit it best, or
to skin and hair, whose colours are taken from the person's own head. What fits nothing (the motifs of a pattern, lines,
highlights) goes to what lies next to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from creative_lab.illustrator.garments import CATEGORIES
from creative_lab.illustrator.palette import CLOTH
from creative_lab.looks.segmentation.people import People
from creative_lab.looks.segmentation.raster import above

BODY = "person"
"""Name of skin and hair among the labels, as the garment models call it."""

_ZONES: dict[str, tuple[float, float]] = {
    "top": (0.20, 0.63),
    "outer": (0.20, 0.86),
    "dress": (0.20, 0.97),
    "bottom": (0.47, 0.98),
    "shoes": (0.86, 1.0),
}
_OWN_ZONES: dict[str, tuple[float, float]] = {
    "scarf": (0.17, 0.48),
    "belt": (0.44, 0.58),
    "bag": (0.36, 0.82),
    "boots": (0.72, 1.0),
    "shorts": (0.47, 0.80),
    "skirt": (0.47, 0.95),
    "jacket": (0.20, 0.62),
    "blazer": (0.20, 0.68),
}
"""Where a garment can be, as shares of the person's height from the top; categories that differ from their layer."""

_SPREAD_L, _SPREAD_AB = 11.0, 6.0
"""Spread of a garment's own colour in CIELAB: light and shade move lightness more than hue."""
_EDGE = 11
"""Spread within 3 × 3 pixels, on a logarithmic scale of 0–255, from which two colours are parted."""
_MOST: dict[str, float] = {"bag": 0.10, "belt": 0.05, "scarf": 0.13, "shoes": 0.06, "trainers": 0.06, "boots": 0.10}
"""Largest share of a person's pixels that one region of a small garment has."""
_FIT = 9.0
"""Cost up to which a region fits a garment without asking its neighbours: three standard deviations."""
_MOTIF, _MOTIF_FIT = 0.0012, 0.5
"""Share of a person's pixels below which a region may be a motif, and the cost up to which it still fits by itself."""
_HEAD = 0.185
"""Share of a person's height that is head."""
_FADE = 0.03
_SMALLEST = 0.0006
"""Share of a person's pixels below which a garment does not count as found."""


@dataclass(frozen=True)
class Expected:
    """A garment that a model should wear."""

    model_index: int
    garment_class: str
    garment_id: str | None
    colour: tuple[int, int, int]
    """RGB of the cloth."""

    @property
    def zone(self) -> tuple[float, float]:
        """Top and bottom of where it can be, as shares of the person's height."""
        layer = CATEGORIES[self.garment_class][0] if self.garment_class in CATEGORIES else "dress"
        return _OWN_ZONES.get(self.garment_class) or _ZONES.get(layer, (0.0, 1.0))


@dataclass(frozen=True)
class FoundGarment:
    """A garment in a picture; ``mask`` is bool (height, width)."""

    model_index: int
    garment_class: str
    garment_id: str | None
    mask: np.ndarray
    confidence: float | None
    """Mean probability of the label over the mask; None where the model tells labels only."""


def expected_of(outfits: Sequence[Mapping[str, Any]]) -> list[Expected]:
    """What the outfits of a manifest promise; garments whose cloth has no known colour raise KeyError."""
    found = []
    for outfit in outfits:
        for piece in [outfit["hero"], *outfit["slots"]]:
            colour = CLOTH[piece["colour"]]
            found.append(Expected(int(outfit["model_index"]), piece["category"], piece["garment_id"], colour))
    return found


def parse_garments(pixels: np.ndarray, people: People, expected: Sequence[Expected]) -> list[FoundGarment]:
    """The expected garments that can be seen in a picture, uint8 RGB (height, width, 3)."""
    import cv2

    if not people.people:
        return []
    left = min(person.box[0] for person in people.people)
    top = min(person.box[1] for person in people.people)
    right = max(person.box[2] for person in people.people)
    bottom = max(person.box[3] for person in people.people)
    window = np.s_[top:bottom, left:right]
    crop, owner = pixels[window], people.labels[window]
    calm = cv2.medianBlur(crop, 3) if people.backdrop.grain > 1 else crop
    edges = _edges(calm, people.backdrop.grain)
    inner = np.where((owner > 0) & ~edges, np.uint8(1), np.uint8(0))
    count, regions = cv2.connectedComponents(inner, connectivity=4, ltype=cv2.CV_32S)
    table = _measure(calm, owner, regions, count)
    names, region_label, sure = _name_regions(table, people, expected)

    seeds = np.where(sure[regions], region_label[regions], 0)
    labels = _spread(seeds, owner, region_label[regions], names)
    found = []
    for number, item in enumerate(names, start=1):
        if not isinstance(item, Expected):
            continue
        own = labels == number
        area = int(own.sum())
        if area < max(12, _SMALLEST * people.people[item.model_index].area):
            continue
        mask = np.zeros(people.labels.shape, bool)
        mask[window] = own
        chosen = region_label == number
        weight = table.area * chosen
        confidence = float((table.confidence * weight).sum() / max(1.0, weight.sum()))
        found.append(FoundGarment(item.model_index, item.garment_class, item.garment_id, mask, min(1.0, confidence)))
    return found


@dataclass
class _Regions:
    """Measures of all regions; entry 0 stands for edges and backdrop."""

    area: np.ndarray
    person: np.ndarray
    lab: np.ndarray
    y: np.ndarray
    spread_y: np.ndarray
    x: np.ndarray
    confidence: np.ndarray


def _edges(crop: np.ndarray, grain: float) -> np.ndarray:
    """Where two colours meet, bool (height, width); dark tones count as much as light ones."""
    import cv2

    curve = (255 * np.log1p(np.arange(256) / 14) / np.log1p(255 / 14)).astype(np.uint8)
    square = np.ones((3, 3), np.uint8)
    strongest = np.zeros(crop.shape[:2], np.uint8)
    for channel in cv2.split(cv2.LUT(crop, curve)):
        # The spread within 3 × 3 pixels, unlike a slope, is also large on the ridge of a thin line.
        spread = cv2.morphologyEx(channel, cv2.MORPH_GRADIENT, square)
        strongest = np.asarray(cv2.max(strongest, spread))
    return above(strongest, _EDGE + round(4 * grain)) > 0


def _measure(crop: np.ndarray, owner: np.ndarray, regions: np.ndarray, count: int) -> _Regions:
    import cv2

    inside = regions > 0
    index = regions[inside]
    lab = cv2.cvtColor(crop, cv2.COLOR_RGB2LAB)[inside].astype(np.float32)
    rows, columns = np.nonzero(inside)
    area = np.maximum(1, np.bincount(index, minlength=count)).astype(np.float64)
    means = np.stack([np.bincount(index, lab[:, k], minlength=count) / area for k in range(3)], 1)
    means[:, 0] *= 100 / 255
    means[:, 1:] -= 128
    y = np.bincount(index, rows, minlength=count) / area
    y2 = np.bincount(index, rows.astype(np.float64) ** 2, minlength=count) / area
    x = np.bincount(index, columns, minlength=count) / area
    person = np.rint(np.bincount(index, owner[inside], minlength=count) / area).astype(int)
    area[0] = 0
    return _Regions(area, person, means, y, np.sqrt(np.maximum(0, y2 - y * y)), x, np.zeros(count))


def _name_regions(
    table: _Regions, people: People, expected: Sequence[Expected]
) -> tuple[list[Expected | int], np.ndarray, np.ndarray]:
    """Labels (garments; a person's number for skin and hair), each region's label from 1, and whether it fits."""
    left, top = (min(person.box[side] for person in people.people) for side in (0, 1))
    names: list[Expected | int] = []
    label = np.zeros(len(table.area), np.int32)
    sure = np.zeros(len(table.area), bool)
    for person in people.people:
        own = np.flatnonzero((table.person == person.index + 1) & (table.area > 0))
        garments = [item for item in expected if item.model_index == person.index]
        first = len(names) + 1
        names += [person.index, *garments]
        if not len(own):
            continue
        tall = max(1, person.box[3] - person.box[1])
        centre = (table.y[own] + top - person.box[1]) / tall
        # Half of what lies in a region is within 0.7 standard deviations of its middle, most of it within 1.6.
        ends = np.stack([centre - 1.5 * table.spread_y[own] / tall, centre, centre + 1.5 * table.spread_y[own] / tall])
        aside = np.abs(table.x[own] + left - (person.box[0] + person.box[2]) / 2) / tall
        costs = np.empty((len(garments) + 1, len(own)))
        body = _body_colours(table, own, centre)
        costs[0] = _colour_cost(table.lab[own], body) + 1.0
        for number, item in enumerate(garments, start=1):
            low, high = item.zone
            outside = np.maximum(0, np.maximum(low - ends, ends - high)) / _FADE
            place = np.square(np.minimum(outside, 4)).sum(0) / 2
            large = table.area[own] > _MOST.get(item.garment_class, 1.0) * person.area
            costs[number] = _colour_cost(table.lab[own], _cloth(item.colour)) + place + 16 * large
            costs[number] -= _likely(item, aside, table.spread_y[own] / tall, place < 0.5) * ~large
        costs[0, centre < _HEAD] -= 6
        # Skin shows at the neck, on arms and on legs, not over the whole trunk of somebody who is dressed.
        trunk = (centre > 0.26) & (centre < 0.50) & (table.area[own] > 0.08 * person.area)
        costs[0, trunk] += 12
        best = costs.argmin(0)
        label[own] = first + best
        least = costs[best, np.arange(len(own))]
        # A motif of a pattern may have another garment's colour by chance: only larger pieces speak for themselves.
        sure[own] = least < np.where(table.area[own] < _MOTIF * person.area, _MOTIF_FIT, _FIT)
        shares = np.exp(-0.5 * (costs - least))
        table.confidence[own] = np.where(sure[own], 1.0, 0.5) / shares.sum(0)
        if not sure[own].any():
            sure[own] = True
    return names, label, sure


def _likely(item: Expected, aside: np.ndarray, spread_y: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """How much likelier than others a garment is where several of one colour could be, by region.

    What is worn over something else covers it; a bag hangs aside, and a belt is a narrow band.
    """
    if item.garment_class == "belt":
        return 4.0 * ((spread_y < 0.012) & (aside < 0.10))
    if item.garment_class == "bag":
        return 3.0 * ((aside > 0.09) & inside)
    layer = CATEGORIES[item.garment_class][0] if item.garment_class in CATEGORIES else ""
    return {"outer": 2.0, "top": 1.0, "accessory": 1.0}.get(layer, 0.0) * inside


def _body_colours(table: _Regions, own: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """CIELAB colours of skin and hair: those of the largest regions of the head, (n, 3)."""
    head = own[centre < _HEAD]
    if not len(head):
        return np.array([[65.0, 14.0, 18.0]])
    largest = head[np.argsort(-table.area[head])][:6]
    return table.lab[largest[table.area[largest] >= 0.04 * table.area[largest[0]]]]


def _cloth(colour: tuple[int, int, int]) -> np.ndarray:
    """CIELAB colours of a cloth in light, as it is and in shade, (3, 3)."""
    from creative_lab.illustrator.painter import shade

    return np.array([_lab(shade(colour, amount)) for amount in (0.08, 0.0, -0.14)])


def _lab(colour: tuple[int, int, int]) -> np.ndarray:
    import cv2

    value = cv2.cvtColor(np.array([[colour]], np.uint8), cv2.COLOR_RGB2LAB)[0, 0].astype(float)
    return np.array([value[0] * 100 / 255, value[1] - 128, value[2] - 128])


def _colour_cost(lab: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Squared distance in standard deviations from the nearest of ``colours``, for each row of ``lab``."""
    off = lab[:, None, :] - colours[None]
    off[..., 0] /= _SPREAD_L
    off[..., 1:] /= _SPREAD_AB
    return np.square(off).sum(-1).min(1)


def _spread(seeds: np.ndarray, owner: np.ndarray, second: np.ndarray, names: list[Expected | int]) -> np.ndarray:
    """Every pixel of a person takes the label of the nearest seed of the same person; int32 (height, width)."""
    import cv2

    labels = np.zeros(seeds.shape, np.int32)
    person_of = np.zeros(len(names) + 1, np.uint8)
    for number, item in enumerate(names, start=1):
        person_of[number] = (item.model_index if isinstance(item, Expected) else item) + 1
    free = np.where(seeds > 0, np.uint8(0), np.uint8(1))
    if not (free == 0).any():
        return labels
    _, nearest = cv2.distanceTransformWithLabels(free, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL)
    of_seed = np.zeros(int(nearest.max()) + 1, np.int32)
    of_seed[nearest[free == 0]] = seeds[free == 0]
    taken = of_seed[nearest]
    same = person_of[taken] == owner
    labels = np.where(same, taken, np.where(person_of[second] == owner, second, 0)).astype(np.int32)
    labels[owner == 0] = 0
    return labels
