"""Clothes: what there is, and how each piece lies over a skeleton.

A garment is drawn into the body's frame (see ``pose``) with its own part number, so that the picture's index gives an
exact mask of what is visible of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import skia

from creative_lab.illustrator.painter import Colour, Painter, Point, box, ellipse, joined, limb, polygon, shade, smooth
from creative_lab.illustrator.palette import CLOTH
from creative_lab.illustrator.pose import Skeleton

PATTERNS = ("plain", "stripes", "checks", "dots", "floral", "herringbone")

CATEGORIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "t-shirt": ("top", ("fitted", "boxy", "cropped")),
    "shirt": ("top", ("slim", "relaxed", "oversized")),
    "blouse": ("top", ("soft", "puff-sleeved", "wrap")),
    "jumper": ("top", ("fitted", "chunky", "cropped")),
    "hoodie": ("top", ("regular", "oversized", "cropped")),
    "cardigan": ("outer", ("short", "long", "oversized")),
    "jacket": ("outer", ("cropped", "regular", "boxy")),
    "blazer": ("outer", ("slim", "relaxed", "double-breasted")),
    "coat": ("outer", ("straight", "A-line", "oversized")),
    "trench coat": ("outer", ("belted", "long", "short")),
    "dress": ("dress", ("shift", "A-line", "maxi")),
    "robe": ("dress", ("straight", "wide", "long")),
    "jumpsuit": ("dress", ("slim", "wide-leg", "cropped")),
    "skirt": ("bottom", ("pencil", "A-line", "maxi")),
    "trousers": ("bottom", ("slim", "straight", "wide-leg")),
    "jeans": ("bottom", ("skinny", "straight", "flared")),
    "shorts": ("bottom", ("short", "tailored", "long")),
    "boots": ("shoes", ("ankle", "knee-high", "chunky")),
    "trainers": ("shoes", ("low", "high-top", "chunky")),
    "shoes": ("shoes", ("flat", "heeled", "loafer")),
    "scarf": ("accessory", ("short", "long", "wide")),
    "bag": ("accessory", ("tote", "crossbody", "clutch")),
    "belt": ("accessory", ("thin", "wide", "buckled")),
}
"""Category → (layer, cuts). 23 categories; hats belong to the head."""

LAYERS = ("shoes", "bottom", "dress", "top", "outer", "accessory")


@dataclass(frozen=True)
class Garment:
    """One piece of clothing."""

    category: str
    cut: str
    colour: str
    pattern: str = "plain"

    def __post_init__(self) -> None:
        if self.category not in CATEGORIES:
            raise ValueError(f"unknown garment category {self.category!r}; known: {', '.join(CATEGORIES)}")
        if self.cut not in CATEGORIES[self.category][1]:
            raise ValueError(
                f"{self.category} has no cut {self.cut!r}; known: {', '.join(CATEGORIES[self.category][1])}"
            )
        if self.colour not in CLOTH:
            raise ValueError(f"unknown colour {self.colour!r}; known: {', '.join(CLOTH)}")
        if self.pattern not in PATTERNS:
            raise ValueError(f"unknown pattern {self.pattern!r}; known: {', '.join(PATTERNS)}")

    @property
    def layer(self) -> str:
        """Where it is worn: bottom, shoes, dress, top, outer or accessory."""
        return CATEGORIES[self.category][0]

    @property
    def phrase(self) -> str:
        """How a caption names it, such as "chunky mustard striped jumper"."""
        pattern = {"plain": "", "stripes": "striped ", "checks": "checked ", "dots": "dotted "}.get(
            self.pattern, f"{self.pattern} "
        )
        return f"{self.cut} {self.colour} {pattern}{self.category}"


def _towards(start: Point, end: Point, share: float) -> Point:
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def torso(
    bones: Skeleton, build: float, *, ease: float, hem: float, flare: float = 0.0, waist: float = 0.9
) -> skia.Path:
    """The shape of a garment on the trunk; ``hem`` is how far below the hips it ends, in body heights."""
    right, left = bones["right_shoulder"], bones["left_shoulder"]
    hip_right, hip_left = bones["right_hip"], bones["left_hip"]
    neck = bones["neck"]
    middle = _towards(right, hip_right, 0.62), _towards(left, hip_left, 0.62)
    wide = 0.030 * build + ease
    y = hip_right[1] + hem
    drop = max(0.0, hem) * flare
    return smooth(
        [
            (neck[0] - 0.032, neck[1] - 0.012), (right[0] - wide * 0.75, right[1] - 0.004),
            (right[0] - wide * 0.9, right[1] + 0.035), (middle[0][0] - wide * waist, middle[0][1]),
            (hip_right[0] - wide * 1.1, hip_right[1]), (hip_right[0] - wide * 1.12 - drop, y),
            (hip_left[0] + wide * 1.12 + drop, y), (hip_left[0] + wide * 1.1, hip_left[1]),
            (middle[1][0] + wide * waist, middle[1][1]), (left[0] + wide * 0.9, left[1] + 0.035),
            (left[0] + wide * 0.75, left[1] - 0.004), (neck[0] + 0.032, neck[1] - 0.012), (neck[0], neck[1] + 0.012),
        ],
        tension=0.28,
    )  # fmt: skip


def sleeve(bones: Skeleton, side: str, build: float, *, width: float, length: float, puff: float = 0.0) -> skia.Path:
    """A sleeve down to ``length`` of the arm (1 = wrist, 0.5 = elbow)."""
    shoulder, elbow, wrist = (bones[f"{side}_{joint}"] for joint in ("shoulder", "elbow", "wrist"))
    top = 0.050 * build + width + puff
    if length <= 0.5:
        return limb([shoulder, _towards(shoulder, elbow, length * 2)], [top, top * 0.94])
    end = _towards(elbow, wrist, (length - 0.5) * 2)
    return limb([shoulder, elbow, end], [top, (0.042 * build + width), 0.036 * build + width * 0.9])


def leg(bones: Skeleton, side: str, build: float, *, widths: tuple[float, float, float], length: float) -> skia.Path:
    """A trouser leg down to ``length`` of the leg (1 = ankle, 0.5 = knee)."""
    hip, knee, ankle = (bones[f"{side}_{joint}"] for joint in ("hip", "knee", "ankle"))
    if length <= 0.5:
        end = _towards(hip, knee, length * 2)
        return limb([hip, end], [widths[0] * build, widths[1] * build])
    return limb([hip, knee, _towards(knee, ankle, (length - 0.5) * 2)], [value * build for value in widths])


def _skirt(bones: Skeleton, build: float, *, length: float, spread: float, from_waist: float = 0.05) -> skia.Path:
    right, left = bones["right_hip"], bones["left_hip"]
    ease = 0.032 * build
    knees = bones["right_knee"], bones["left_knee"]
    end_right = (min(right[0] - ease - spread, knees[0][0] - ease), right[1] + length)
    end_left = (max(left[0] + ease + spread, knees[1][0] + ease), left[1] + length)
    return smooth(
        [(right[0] - ease * 0.8, right[1] - from_waist), (left[0] + ease * 0.8, left[1] - from_waist),
         (left[0] + ease * 1.2, left[1] + 0.03), end_left, ((end_left[0] + end_right[0]) / 2, end_left[1] + 0.014),
         end_right, (right[0] - ease * 1.2, right[1] + 0.03)], tension=0.25,
    )  # fmt: skip


def _foot(bones: Skeleton, side: str, *, height: float, length: float) -> skia.Path:
    x, y = bones[f"{side}_ankle"]
    knee = bones[f"{side}_knee"]
    lying = abs(y - knee[1]) < 0.12
    if lying:  # kneeling: the foot lies behind
        return ellipse(x, y, 0.03, 0.018)
    out = (1 if side == "left" else -1) if abs(bones.yaw) < 0.2 else (1 if bones.yaw > 0 else -1)
    top = _towards((x, y), knee, height / 0.225)
    sole = smooth(
        [
            (x - out * 0.024, y - 0.012),
            (x + out * 0.020, y - 0.014),
            (x + out * length, y + 0.012),
            (x + out * length, y + 0.030),
            (x - out * 0.026, y + 0.030),
        ],
        tension=0.3,
    )
    return joined(limb([(x, y), top], [0.048, 0.054]), sole)


def garment_shapes(garment: Garment, bones: Skeleton, build: float) -> list[skia.Path]:
    """The pieces of ``garment`` on the skeleton in the body's frame, in the order in which they cover each other."""
    cut, category = garment.cut, garment.category
    sides = ("right", "left")
    if category in {"trousers", "jeans"}:
        widths = {
            "slim": (0.092, 0.062, 0.046), "skinny": (0.086, 0.054, 0.040), "straight": (0.096, 0.076, 0.068),
            "wide-leg": (0.102, 0.106, 0.122), "flared": (0.090, 0.066, 0.104),
        }[cut]  # fmt: skip
        seat = box(
            bones["right_hip"][0] - 0.042 * build,
            bones["right_hip"][1] - 0.055,
            bones["left_hip"][0] + 0.042 * build,
            bones["left_hip"][1] + 0.03,
            0.02,
        )
        return [joined(seat, *(leg(bones, side, build, widths=widths, length=0.97) for side in sides))]
    if category == "shorts":
        length = {"short": 0.20, "tailored": 0.34, "long": 0.46}[cut]
        seat = box(
            bones["right_hip"][0] - 0.042 * build,
            bones["right_hip"][1] - 0.055,
            bones["left_hip"][0] + 0.042 * build,
            bones["left_hip"][1] + 0.03,
            0.02,
        )
        return [joined(seat, *(leg(bones, side, build, widths=(0.098, 0.102, 0.1), length=length) for side in sides))]
    if category == "skirt":
        length, spread = {"pencil": (0.25, 0.0), "A-line": (0.22, 0.055), "maxi": (0.40, 0.05)}[cut]
        return [_skirt(bones, build, length=length, spread=spread)]
    if category in {"dress", "robe"}:
        length, spread, arm = {
            ("dress", "shift"): (0.17, 0.012, 0.26), ("dress", "A-line"): (0.24, 0.075, 0.24),
            ("dress", "maxi"): (0.41, 0.07, 0.5), ("robe", "straight"): (0.34, 0.03, 0.92),
            ("robe", "wide"): (0.38, 0.085, 0.9), ("robe", "long"): (0.43, 0.05, 0.95),
        }[(category, cut)]  # fmt: skip
        ease = 0.014 if category == "robe" else 0.004
        arms = [sleeve(bones, side, build, width=ease * 1.6, length=arm) for side in sides]
        body = joined(
            torso(bones, build, ease=ease, hem=0.02, waist=0.78), _skirt(bones, build, length=length, spread=spread)
        )
        return [body, *arms]
    if category == "jumpsuit":
        widths, length = {
            "slim": ((0.09, 0.064, 0.05), 0.97),
            "wide-leg": ((0.1, 0.1, 0.116), 0.97),
            "cropped": ((0.094, 0.08, 0.08), 0.82),
        }[cut]
        arms = [sleeve(bones, side, build, width=0.004, length=0.28) for side in sides]
        legs = [leg(bones, side, build, widths=widths, length=length) for side in sides]
        return [joined(torso(bones, build, ease=0.004, hem=0.04, waist=0.75), *legs), *arms]
    if category in {"boots", "trainers", "shoes"}:
        height = {"knee-high": 0.19, "ankle": 0.06, "high-top": 0.05}.get(cut, 0.075 if category == "boots" else 0.012)
        length = 0.082 if cut == "chunky" else 0.068
        return [_foot(bones, side, height=height, length=length) for side in sides]
    if category == "scarf":
        neck = bones["neck"]
        drop = {"short": 0.10, "long": 0.24, "wide": 0.15}[cut]
        width = 0.05 if cut == "wide" else 0.034
        tail = polygon(
            [
                (neck[0] + 0.006, neck[1]),
                (neck[0] + 0.006 + width, neck[1]),
                (neck[0] + 0.018 + width, neck[1] + drop),
                (neck[0] + 0.012, neck[1] + drop),
            ]
        )
        return [tail, ellipse(neck[0], neck[1] - 0.012, 0.062 * build, 0.034)]
    if category == "bag":
        wrist = bones["left_wrist"]
        if cut == "clutch":
            return [box(wrist[0] - 0.05, wrist[1] - 0.005, wrist[0] + 0.05, wrist[1] + 0.05, 0.008)]
        if cut == "tote":
            return [box(wrist[0] - 0.055, wrist[1] + 0.045, wrist[0] + 0.065, wrist[1] + 0.18, 0.012)]
        hip = bones["left_hip"]
        return [box(hip[0] - 0.005, hip[1] - 0.02, hip[0] + 0.10, hip[1] + 0.07, 0.02)]
    if category == "belt":
        right, left = bones["right_hip"], bones["left_hip"]
        half = {"thin": 0.008, "wide": 0.019, "buckled": 0.013}[cut]
        return [
            box(
                right[0] - 0.040 * build,
                right[1] - 0.052 - half,
                left[0] + 0.040 * build,
                left[1] - 0.052 + half,
                0.004,
            )
        ]
    return _upper_shapes(category, cut, bones, build)


def _upper_shapes(category: str, cut: str, bones: Skeleton, build: float) -> list[skia.Path]:
    ease, hem, flare, arm, width, puff = {
        "t-shirt": (0.004, 0.01, 0.0, 0.24, 0.006, 0.0), "shirt": (0.006, 0.03, 0.0, 0.94, 0.004, 0.0),
        "blouse": (0.006, 0.0, 0.0, 0.8, 0.006, 0.0), "jumper": (0.009, 0.01, 0.0, 0.96, 0.010, 0.0),
        "hoodie": (0.012, 0.02, 0.0, 0.96, 0.014, 0.0), "cardigan": (0.011, 0.05, 0.05, 0.94, 0.012, 0.0),
        "jacket": (0.013, 0.0, 0.0, 0.95, 0.014, 0.0), "blazer": (0.013, 0.06, 0.1, 0.94, 0.012, 0.0),
        "coat": (0.018, 0.24, 0.08, 0.95, 0.018, 0.0), "trench coat": (0.016, 0.22, 0.16, 0.94, 0.016, 0.0),
    }[category]  # fmt: skip
    changes: dict[str, tuple[float, float, float, float]] = {  # ease, hem, flare, puff
        "boxy": (0.010, -0.02, 0.0, 0.0), "cropped": (0.0, -0.07, 0.0, 0.0), "oversized": (0.018, 0.05, 0.0, 0.0),
        "relaxed": (0.010, 0.02, 0.0, 0.0), "chunky": (0.014, 0.01, 0.0, 0.0), "puff-sleeved": (0.0, 0.0, 0.0, 0.040),
        "long": (0.0, 0.14, 0.05, 0.0), "A-line": (0.0, 0.02, 0.22, 0.0), "double-breasted": (0.006, 0.02, 0.0, 0.0),
        "short": (0.0, -0.05, 0.0, 0.0),
    }  # fmt: skip
    extra = changes.get(cut, (0.0, 0.0, 0.0, 0.0))
    body = torso(
        bones,
        build,
        ease=ease + extra[0],
        hem=hem + extra[1],
        flare=flare + extra[2],
        waist=0.72 if cut in {"fitted", "slim", "belted", "wrap"} else 0.9,
    )
    arms = [
        sleeve(bones, side, build, width=width + extra[0], length=arm, puff=extra[3] or puff)
        for side in ("right", "left")
    ]
    return [body, *arms]


def draw_garment(painter: Painter, garment: Garment, bones: Skeleton, build: float, *, part: int = 0) -> None:
    """Draw one garment with its pattern, its light and its details."""
    shapes = garment_shapes(garment, bones, build)
    colour = CLOTH[garment.colour]
    whole = joined(*shapes)
    bounds = whole.computeTightBounds()
    axis = ((bounds.left(), bounds.top()), (bounds.right(), bounds.bottom()))
    for number, shape in enumerate(shapes):
        # Sleeves a little darker than the body they lie on, so that an arm reads before its own jumper.
        base = shade(colour, -0.05) if number else colour
        painter.fill(shape, shade(base, 0.10), to=shade(base, -0.16), axis=axis, part=part, outline=0.0024)
        if garment.pattern != "plain" and not painter.line_art:
            with painter.clipped(shape):
                _pattern(painter, garment.pattern, colour, shape.computeTightBounds())
        if number == 0:
            _details(painter, garment, bones, build, colour, bounds)


def _contrast(colour: Colour) -> Colour:
    return shade(colour, -0.45) if sum(colour) > 420 else shade(colour, 0.55)


def _pattern(painter: Painter, pattern: str, colour: Colour, bounds: skia.Rect) -> None:
    ink = _contrast(colour)
    left, top, right, bottom = bounds.left(), bounds.top(), bounds.right(), bounds.bottom()
    if pattern in {"stripes", "checks"}:
        y = top
        while y < bottom:
            painter.fill(box(left, y, right, y + 0.011), ink, alpha=0.75 if pattern == "stripes" else 0.45, detail=True)
            y += 0.028
        if pattern == "checks":
            x = left
            while x < right:
                painter.fill(box(x, top, x + 0.011, bottom), ink, alpha=0.45, detail=True)
                x += 0.028
    elif pattern in {"dots", "floral"}:
        row, y = 0, top + 0.012
        while y < bottom:
            x = left + (0.016 if row % 2 else 0.0)
            while x < right:
                if pattern == "dots":
                    painter.fill(ellipse(x, y, 0.0075, 0.0075), ink, detail=True)
                else:
                    for dx, dy in ((0.006, 0), (-0.006, 0), (0, 0.006), (0, -0.006)):
                        painter.fill(ellipse(x + dx, y + dy, 0.005, 0.005), (240, 214, 224), detail=True)
                    painter.fill(ellipse(x, y, 0.004, 0.004), (232, 168, 60), detail=True)
                x += 0.034
            y += 0.028
            row += 1
    elif pattern == "herringbone":
        y, row = top, 0
        while y < bottom:
            x = left
            while x < right:
                line = skia.Path()
                slant = 0.010 if row % 2 else -0.010
                line.moveTo(x, y)
                line.lineTo(x + slant, y + 0.014)
                painter.stroke(line, ink, 0.0028, alpha=0.6)
                x += 0.011
            y += 0.014
            row += 1


def _details(
    painter: Painter, garment: Garment, bones: Skeleton, build: float, colour: Colour, bounds: skia.Rect
) -> None:
    dark = shade(colour, -0.42)
    neck = bones["neck"]
    hips = _towards(bones["right_hip"], bones["left_hip"], 0.5)
    line = skia.Path()
    if garment.layer == "outer" or garment.category in {"shirt", "robe"}:
        line.moveTo(neck[0], neck[1] + 0.02)
        end = bounds.bottom() - 0.012 if garment.layer == "outer" else hips[1]
        line.lineTo(hips[0], hips[1])
        if end > hips[1]:
            line.lineTo(hips[0], end)
        painter.stroke(line, dark, 0.0045)
    if garment.category in {"shirt", "blazer", "coat", "trench coat", "cardigan"}:
        columns = (-0.02, 0.02) if garment.cut == "double-breasted" or garment.category == "trench coat" else (0.0,)
        for step in range(4):
            y = neck[1] + 0.09 + step * 0.055
            for dx in columns:
                painter.fill(
                    ellipse(neck[0] + (hips[0] - neck[0]) * 0.4 + dx, y, 0.0048, 0.0048),
                    shade(colour, 0.6),
                    detail=True,
                )
    if garment.category in {"shirt", "blazer", "coat", "trench coat", "jacket", "blouse"}:
        for sign in (-1, 1):
            lapel = 0.085 if garment.layer == "outer" else 0.03
            painter.fill(
                polygon(
                    [
                        (neck[0] + sign * 0.034, neck[1] - 0.018),
                        (neck[0] + sign * 0.052, neck[1] + 0.02),
                        (neck[0] + sign * 0.006, neck[1] + lapel),
                        (neck[0] + sign * 0.004, neck[1] + 0.02),
                    ]
                ),
                shade(colour, -0.12),
                outline=0.003,
                detail=True,
            )
    if garment.category == "trench coat" or garment.cut == "belted":
        painter.fill(
            box(
                bones["right_hip"][0] - 0.05 * build,
                hips[1] - 0.075,
                bones["left_hip"][0] + 0.05 * build,
                hips[1] - 0.048,
                0.004,
            ),
            dark,
            detail=True,
        )
    if garment.category == "hoodie":
        painter.fill(
            smooth(
                [
                    (neck[0] - 0.07, neck[1] - 0.012),
                    (neck[0], neck[1] + 0.045),
                    (neck[0] + 0.07, neck[1] - 0.012),
                    (neck[0], neck[1] - 0.035),
                ]
            ),
            shade(colour, -0.2),
            detail=True,
        )
    if garment.category == "jumper":
        collar = skia.Path()
        collar.moveTo(neck[0] - 0.036, neck[1] - 0.006)
        collar.quadTo(neck[0], neck[1] + 0.03, neck[0] + 0.036, neck[1] - 0.006)
        painter.stroke(collar, dark, 0.009)
    if garment.category in {"trousers", "jeans", "jumpsuit"}:
        crease = skia.Path()
        crease.moveTo(hips[0], hips[1] + 0.02)
        crease.lineTo(hips[0], hips[1] + 0.075)
        painter.stroke(crease, dark, 0.004)
        if garment.category == "jeans":
            for sign in (-1, 1):
                pocket = skia.Path()
                pocket.moveTo(hips[0] + sign * 0.075, hips[1] - 0.03)
                pocket.quadTo(hips[0] + sign * 0.055, hips[1] + 0.005, hips[0] + sign * 0.09, hips[1] + 0.012)
                painter.stroke(pocket, (222, 178, 110), 0.003)
    if garment.category == "bag" and garment.cut != "clutch":
        strap = skia.Path()
        strap.moveTo(bounds.left() + 0.02, bounds.top())
        anchor = bones["left_wrist"] if garment.cut == "tote" else bones["right_shoulder"]
        strap.quadTo(anchor[0], anchor[1] - 0.02, bounds.right() - 0.02, bounds.top())
        painter.stroke(strap, dark, 0.007)
    if garment.category == "belt":
        painter.fill(
            box(hips[0] - 0.014, hips[1] - 0.066, hips[0] + 0.014, hips[1] - 0.038, 0.003), (226, 190, 96), detail=True
        )
    if garment.category in {"trainers"} or garment.cut == "chunky":
        for side in ("right", "left"):
            x, y = bones[f"{side}_ankle"]
            painter.fill(box(x - 0.03, y + 0.018, x + 0.03, y + 0.03, 0.004), (244, 242, 236), detail=True)
