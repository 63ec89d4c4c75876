"""People on a white seamless backdrop, without a model: backdrop, shadows and pockets told from clothes.

A pixel is bare backdrop when it agrees with the fitted surface. A shadow darkens the backdrop without colouring it, and
softly. What is joined to the border through such pixels is background; so are pockets of bare backdrop between arms and
bodies. Everything else is people, whatever its colour: white clothes stay because an edge parts them from the paper.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from creative_lab.looks.segmentation.backdrop import Backdrop, fit_backdrop
from creative_lab.looks.segmentation.raster import at_most, equal

_DEEPEST = 105
"""Levels by which a soft shadow may darken the backdrop."""
_COLOURED = 7
"""Levels between the channels of a darkening from which it is a colour and no shadow."""
_SOFT, SOFT_BELOW = 14, 40
"""Change over two pixels (x and y summed, in levels) up to which a darkening is soft; right at the feet, where shadows
have their sharpest edges, the second holds."""
_LINE, _LINE_DARK = 5, 16
"""Width in pixels up to which something dark is a line, and levels from which it is dark."""
FEET = 0.85
"""Share of the picture's height below which feet touch the floor."""
_POCKET_OFF = 2.2
"""Levels by which a pocket of bare backdrop may differ from the surface on average."""
_SPECK = 0.0002
"""Share of the picture below which a piece of foreground is a speck."""
_GRAINY = 1.5
"""Standard deviation of the backdrop's grain from which a picture is smoothed along its edges before it is cut up."""
FLOOR = 0.72
"""Share of the picture's height below which shadows with hard edges can lie."""


@dataclass(frozen=True)
class Person:
    """One person of a picture."""

    index: int
    """0-based, from left to right."""
    box: tuple[int, int, int, int]
    """Left, top, right, bottom."""
    area: int
    pieces: int
    """Separate pieces that were put together."""


@dataclass(frozen=True)
class People:
    """Who is where in a picture."""

    labels: np.ndarray
    """uint8 (height, width): 0 is background, k is person k - 1."""
    people: tuple[Person, ...]
    backdrop: Backdrop
    split: int = 0
    """Cuts that were needed to part people who touch."""
    pockets: tuple[tuple[int, int], ...] = field(default=())
    """Enclosed pieces that were taken for backdrop: (person, pixels)."""

    @property
    def mask(self) -> np.ndarray:
        """Where anybody is, as bool (height, width)."""
        return self.labels > 0


def find_people(pixels: np.ndarray, *, expected: int = 3) -> People:
    """The people of a picture, uint8 RGB (height, width, 3); who touch are parted if ``expected`` asks for it."""
    backdrop = fit_backdrop(pixels)
    if backdrop.grain > _GRAINY:
        smooth = _without_grain(pixels, backdrop.grain)
        background, pockets = _background(smooth, fit_backdrop(smooth))
    else:
        background, pockets = _background(pixels, backdrop)
    # What the checks ask is whether the mask fits the picture as it came, so they get its own backdrop.
    return people_of_mask(~background, backdrop, expected=expected, pockets=pockets)


def _without_grain(pixels: np.ndarray, grain: float) -> np.ndarray:
    """A bilateral filter (Tomasi and Manduchi 1998) of five pixels: grain goes, thin lines of white clothes stay."""
    import cv2

    smooth: np.ndarray = cv2.bilateralFilter(pixels, 5, 10 * grain, 2)
    return smooth


def _background(pixels: np.ndarray, backdrop: Backdrop) -> tuple[np.ndarray, list[tuple[int, int, int]]]:
    """Where the backdrop is seen, bool (height, width), and its enclosed pockets as (x, y, pixels)."""
    import cv2

    height, width = pixels.shape[:2]
    tolerance = backdrop.tolerance
    darker = cv2.split(cv2.subtract(backdrop.colour, pixels))
    lighter = cv2.split(cv2.subtract(pixels, backdrop.colour))
    most = cv2.max(cv2.max(darker[0], darker[1]), darker[2])
    least = cv2.min(cv2.min(darker[0], darker[1]), darker[2])
    above = cv2.max(cv2.max(lighter[0], lighter[1]), lighter[2])
    bare = at_most(cv2.max(most, above), tolerance)
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    if backdrop.grain > 1:
        grey = cv2.GaussianBlur(grey, (3, 3), 0)
    slope = cv2.add(
        cv2.convertScaleAbs(cv2.Sobel(grey, cv2.CV_16S, 1, 0), alpha=0.25),
        cv2.convertScaleAbs(cv2.Sobel(grey, cv2.CV_16S, 0, 1), alpha=0.25),
    )
    neutral = at_most(cv2.subtract(most, least), _COLOURED + round(2 * backdrop.grain))
    neutral &= at_most(most, _DEEPEST) & at_most(above, tolerance)
    soft = at_most(slope, _SOFT + round(2 * backdrop.grain))
    feet = round(FEET * height)
    soft[feet:] = at_most(slope[feet:], SOFT_BELOW)
    # A thin dark line between two light sides is the edge of something white; no slope shows on its ridge.
    thin = np.ones((_LINE, _LINE), np.uint8)
    soft &= at_most(cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, thin), _LINE_DARK + round(2 * backdrop.grain))
    # Shadows lie on the floor; higher up, what is darker than the sweep is somebody's hair or shirt.
    floor = round(FLOOR * height)
    paper = bare.copy()
    paper[floor:] |= neutral[floor:] & soft[floor:]
    # Grain breaks thin lines here and there: nothing flows through a gap that a 3 × 3 square does not pass.
    square = np.ones((3, 3), np.uint8)
    passable = paper.copy()
    passable[floor:] = cv2.erode(paper[floor:], square)
    framed = cv2.copyMakeBorder(passable, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=255)
    cv2.floodFill(framed, None, (0, 0), 1)
    reached = framed[1:-1, 1:-1]
    flooded = equal(reached, 1)
    flooded[floor:] = cv2.dilate(flooded[floor:], square) & paper[floor:]
    background = flooded > 0
    enclosed = equal(reached, 255)
    pockets = []
    smallest = max(12, height * width * 1e-5)
    for contour in cv2.findContours(enclosed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0]:
        x, y, w, h = cv2.boundingRect(contour)
        if w * h < smallest:
            continue
        part = np.s_[y : y + h, x : x + w]
        # The contour's box may hold others too; its own piece is the one that its first point lies in.
        pieces = cv2.connectedComponents(enclosed[part], connectivity=8, ltype=cv2.CV_16U)[1]
        inside = pieces == pieces[contour[0, 0, 1] - y, contour[0, 0, 0] - x]
        area = int(inside.sum())
        if area < smallest:
            continue
        off = pixels[part][inside].astype(np.float32).mean(0) - backdrop.colour[part][inside].astype(np.float32).mean(0)
        if np.abs(off).max() <= _POCKET_OFF:
            background[part] |= inside
            pockets.append((x + w // 2, y + h // 2, area))
        elif y + h / 2 > FLOOR * height and w > 2.5 * h and _is_hard_shadow(off, most, inside, (x, y, w, h)):
            background[part] |= inside
    # The rim of a shadow with a hard edge is too steep to be soft; it lies within two pixels of backdrop on both sides.
    grown = cv2.morphologyEx(background[floor:].astype(np.uint8), cv2.MORPH_CLOSE, square)
    background[floor:] |= (grown > 0) & (neutral[floor:] > 0)
    return background, pockets


def _is_hard_shadow(off: np.ndarray, most: np.ndarray, inside: np.ndarray, box: tuple[int, int, int, int]) -> bool:
    """Whether an enclosed neutral region is a flat shadow: its rim goes straight from its own level to the paper's.

    Clothes and shoes have a line or a turning edge around them that is darker than they are themselves.
    """
    import cv2

    darkening = -off
    if darkening.min() < 0 or darkening.max() - darkening.min() > _COLOURED / 2:
        return False
    x, y, w, h = box
    left, top = max(0, x - 3), max(0, y - 3)
    window = np.s_[top : y + h + 3, left : x + w + 3]
    shape = np.zeros(most[window].shape, np.uint8)
    shape[y - top : y - top + h, x - left : x - left + w] = inside
    rim = (cv2.dilate(shape, np.ones((5, 5), np.uint8)) > 0) & (shape == 0)
    level = float(darkening.mean())
    return bool((most[window][rim] <= level + 10).mean() > 0.75)


def people_of_mask(
    mask: np.ndarray,
    backdrop: Backdrop,
    *,
    expected: int = 3,
    pockets: list[tuple[int, int, int]] | None = None,
) -> People:
    """Part a mask of all people (bool, height × width) into persons from left to right; specks are dropped."""
    import cv2

    height, width = mask.shape
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8, ltype=cv2.CV_16U)
    boxes: dict[int, tuple[int, int, int, int]] = {}
    for contour in cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0]:
        if cv2.contourArea(contour) >= max(4.0, _SPECK * height * width):
            x, y, w, h = cv2.boundingRect(contour)
            boxes[int(labels[contour[0, 0, 1], contour[0, 0, 0]])] = (x, y, w, h)
    if not boxes:
        return People(np.zeros((height, width), np.uint8), (), backdrop)
    tallest = max(box[3] for box in boxes.values())
    bodies = sorted((k for k in boxes if boxes[k][3] >= 0.35 * tallest), key=lambda k: boxes[k][0] + boxes[k][2] / 2)
    owner = np.zeros(count, np.uint8)
    for number, k in enumerate(bodies):
        owner[k] = number + 1
    for k in boxes:
        if owner[k] == 0:
            owner[k] = owner[min(bodies, key=lambda body: _gap(boxes[k], boxes[body]))]
    people = owner[labels]
    split = 0
    while len(bodies) + split < expected and split < expected:
        cut = _cut(people, len(bodies) + split)
        if cut is None:
            break
        people, split = cut, split + 1
    found = []
    for index in range(len(bodies) + split):
        own = equal(people, index + 1)
        x, y, w, h = cv2.boundingRect(own)
        pieces = 1 if split else int((owner == index + 1).sum())
        found.append(Person(index, (x, y, x + w, y + h), cv2.countNonZero(own), pieces))
    return People(people, tuple(found), backdrop, split, tuple(_owned(pockets or [], found)))


def _gap(piece: tuple[int, int, int, int], body: tuple[int, int, int, int]) -> float:
    """Distance between two boxes (left, top, width, height), for loose pieces: a bag on its strap, a waving hand."""
    ax, ay, aw, ah = piece
    bx, by, bw, bh = body
    return max(bx - (ax + aw), ax - (bx + bw), 0) + max(by - (ay + ah), ay - (by + bh), 0)


def _cut(people: np.ndarray, count: int) -> np.ndarray | None:
    """Part the widest person in two at the column where fewest of its pixels are, near its middle third.

    Only a bridge is cut, such as touching hands; None when the narrowest column holds a tenth of the person's height.
    """
    widest, extent = 0, (0, 0, 0)
    for label in range(1, count + 1):
        own = people == label
        columns, rows = np.flatnonzero(own.any(0)), np.flatnonzero(own.any(1))
        if len(columns) and columns[-1] - columns[0] > extent[1] - extent[0]:
            widest, extent = label, (int(columns[0]), int(columns[-1]), int(rows[-1] - rows[0] + 1))
    if not widest:
        return None
    left, right, tall = extent
    profile = (people[:, left : right + 1] == widest).sum(0)
    span = len(profile)
    middle = profile[span // 5 : span - span // 5]
    if not len(middle):
        return None
    at = int(middle.argmin())
    if middle[at] > 0.10 * tall or span < 0.5 * tall:
        return None
    line = left + span // 5 + at
    parted = people.copy()
    parted[people > widest] += 1
    beyond = people == widest
    beyond[:, :line] = False
    parted[beyond] = widest + 1
    return parted


def _owned(pockets: list[tuple[int, int, int]], people: list[Person]) -> list[tuple[int, int]]:
    owned = []
    for x, y, area in pockets:
        for person in people:
            left, top, right, bottom = person.box
            if left <= x < right and top <= y < bottom:
                owned.append((person.index, area))
                break
    return owned
