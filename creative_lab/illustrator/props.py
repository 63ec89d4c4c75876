"""Things and animals beside the people: 22 props in the body's frame (ground at y = 0, a person is 1 tall).

Every prop knows its box, so that a detector can be measured against the truth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import skia

from creative_lab.illustrator.painter import Colour, Painter, Point, box, ellipse, joined, limb, polygon, shade, smooth
from creative_lab.illustrator.palette import CLOTH, LEATHER, WOOD

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Prop:
    """One thing in the scene; ``colour`` matters for things that come in colours."""

    name: str
    colour: str = "brown"

    def __post_init__(self) -> None:
        if self.name not in PROPS:
            raise ValueError(f"unknown prop {self.name!r}; known: {', '.join(PROPS)}")
        if self.colour not in CLOTH:
            raise ValueError(f"unknown colour {self.colour!r}; known: {', '.join(CLOTH)}")

    @property
    def phrase(self) -> str:
        """How a caption names it: animals without their colour, things with it."""
        return self.name if self.name in ANIMALS else f"{self.colour} {self.name}"

    @property
    def held(self) -> bool:
        """Whether it is drawn in the hands of the person beside it."""
        return self.name in HELD


def _animal(
    p: Painter,
    colour: Colour,
    *,
    length: float,
    height: float,
    body: float,
    neck: float,
    head: float,
    tail: float,
    ears: float,
    hump: float = 0.0,
    woolly: bool = False,
) -> None:
    dark = shade(colour, -0.28)
    top = -height
    for index, x in enumerate((-length * 0.34, -length * 0.24, length * 0.24, length * 0.34)):
        p.fill(
            limb([(x, top + body * 0.4), (x + (0.01 if index % 2 else -0.01), -0.012)], [body * 0.34, body * 0.20]),
            dark if index % 2 else colour,
            outline=0.002,
        )
    p.fill(
        smooth(
            [
                (-length * 0.5, top + body * 0.3),
                (-length * 0.5, top + 0.1 * body),
                (length * 0.36, top + 0.12 * body),
                (length * 0.38, top + body * 0.9),
                (-length * 0.42, top + body * 0.95),
            ],
            tension=0.5,
        ),
        shade(colour, 0.12),
        to=shade(colour, -0.15),
        axis=((0, top), (0, top + body)),
        outline=0.003,
    )
    if hump:
        p.fill(ellipse(-length * 0.02, top + body * 0.12, length * 0.17, hump), shade(colour, 0.05), outline=0.002)
    if woolly:
        p.fill(
            joined(
                *(
                    ellipse(length * (i / 9 - 0.42), top + body * (0.2 + 0.5 * (i % 2)), body * 0.34, body * 0.32)
                    for i in range(9)
                )
            ),
            shade(colour, 0.2),
            outline=0.003,
        )
    hx, hy = length * 0.36 + neck * 0.55, top - neck * 0.75
    p.fill(limb([(length * 0.32, top + body * 0.35), (hx, hy)], [body * 0.62, body * 0.40]), colour, outline=0.003)
    p.fill(
        limb([(hx - 0.01, hy), (hx + head, hy + head * 0.42)], [head * 0.62, head * 0.42]),
        shade(colour, 0.06),
        outline=0.003,
    )
    p.fill(
        polygon(
            [
                (hx - head * 0.25, hy - head * 0.1),
                (hx - head * 0.02, hy - head * 0.1 - ears),
                (hx + head * 0.1, hy - head * 0.2),
            ]
        ),
        dark,
        outline=0.002,
    )
    p.fill(ellipse(hx + head * 0.28, hy + head * 0.02, head * 0.07, head * 0.07), (26, 22, 26))
    p.fill(ellipse(hx + head * 1.1, hy + head * 0.42, head * 0.08, head * 0.08), (40, 30, 32))
    p.fill(
        limb(
            [(-length * 0.48, top + body * 0.2), (-length * 0.56, top + tail * 0.6), (-length * 0.58, top + tail)],
            [0.03, 0.024, 0.016],
        ),
        dark,
    )


def _horse(p: Painter, c: Colour) -> Box:
    _animal(p, c, length=0.95, height=0.72, body=0.30, neck=0.34, head=0.17, tail=0.5, ears=0.07)
    mane = smooth([(0.36, -0.76), (0.42, -0.98), (0.50, -1.02), (0.46, -0.86), (0.38, -0.68)])
    p.fill(mane, shade(c, -0.6))
    return (-0.57, -1.08, 0.76, 0.0)


def _dog(p: Painter, c: Colour) -> Box:
    _animal(p, c, length=0.36, height=0.25, body=0.12, neck=0.09, head=0.085, tail=-0.10, ears=0.045)
    return (-0.22, -0.40, 0.33, 0.0)


def _cat(p: Painter, c: Colour) -> Box:
    _animal(p, c, length=0.26, height=0.16, body=0.085, neck=0.06, head=0.05, tail=-0.15, ears=0.045)
    return (-0.16, -0.30, 0.22, 0.0)


def _sheep(p: Painter, _: Colour) -> Box:
    _animal(
        p, (238, 232, 218), length=0.44, height=0.34, body=0.20, neck=0.08, head=0.09, tail=0.1, ears=0.03, woolly=True
    )
    return (-0.27, -0.46, 0.38, 0.0)


def _camel(p: Painter, _: Colour) -> Box:
    _animal(
        p, (206, 164, 106), length=0.90, height=0.80, body=0.26, neck=0.36, head=0.15, tail=0.4, ears=0.05, hump=0.15
    )
    return (-0.54, -1.14, 0.74, 0.0)


def _bird(p: Painter, c: Colour) -> Box:
    p.fill(limb([(-0.01, -0.05), (-0.015, 0.0)], [0.008, 0.006]), (220, 150, 60))
    p.fill(limb([(0.02, -0.05), (0.018, 0.0)], [0.008, 0.006]), (220, 150, 60))
    p.fill(
        smooth([(-0.13, -0.10), (-0.04, -0.13), (0.05, -0.13), (0.06, -0.06), (-0.02, -0.035), (-0.07, -0.06)]),
        c,
        outline=0.002,
    )
    p.fill(ellipse(0.06, -0.145, 0.038, 0.036), shade(c, 0.1), outline=0.002)
    p.fill(polygon([(0.09, -0.152), (0.125, -0.138), (0.09, -0.13)]), (236, 164, 60))
    p.fill(ellipse(0.072, -0.152, 0.007, 0.007), (20, 20, 24))
    p.fill(smooth([(-0.07, -0.10), (0.02, -0.115), (0.0, -0.06), (-0.06, -0.065)]), shade(c, -0.3))
    return (-0.13, -0.185, 0.125, 0.0)


def _car(p: Painter, c: Colour) -> Box:
    p.fill(
        smooth(
            [
                (-0.80, -0.10),
                (-0.80, -0.30),
                (-0.50, -0.36),
                (-0.30, -0.56),
                (0.22, -0.56),
                (0.46, -0.36),
                (0.78, -0.30),
                (0.82, -0.10),
            ],
            tension=0.3,
        ),
        shade(c, 0.16),
        to=shade(c, -0.2),
        axis=((0, -0.56), (0, -0.1)),
        outline=0.005,
    )
    for pane in (
        [(-0.40, -0.36), (-0.25, -0.51), (-0.04, -0.51), (-0.04, -0.36)],
        [(0.0, -0.36), (0.0, -0.51), (0.19, -0.51), (0.36, -0.36)],
    ):
        p.fill(polygon(pane), (176, 212, 226), outline=0.003)
    for x in (-0.46, 0.48):
        p.fill(ellipse(x, -0.10, 0.13, 0.13), (44, 44, 52))
        p.fill(ellipse(x, -0.10, 0.062, 0.062), (196, 200, 206), outline=0.003)
    p.fill(ellipse(0.77, -0.25, 0.03, 0.035), (255, 236, 160), outline=0.002)
    return (-0.80, -0.56, 0.82, 0.03)


def _bicycle(p: Painter, c: Colour) -> Box:
    for x in (-0.27, 0.27):
        p.stroke(ellipse(x, -0.17, 0.165, 0.165), (44, 44, 52), 0.02)
        p.stroke(ellipse(x, -0.17, 0.03, 0.03), (120, 124, 130), 0.014)
    for line in (
        [(-0.27, -0.17), (-0.02, -0.17), (0.2, -0.42), (-0.12, -0.42), (-0.27, -0.17)],
        [(-0.02, -0.17), (-0.14, -0.48)],
        [(0.27, -0.17), (0.18, -0.52)],
    ):
        path = skia.Path()
        path.moveTo(*line[0])
        for point in line[1:]:
            path.lineTo(*point)
        p.stroke(path, c, 0.024)
    p.fill(box(-0.21, -0.51, -0.07, -0.475, 0.016), LEATHER)
    p.fill(box(0.10, -0.545, 0.26, -0.515, 0.014), (44, 44, 52))
    return (-0.44, -0.55, 0.44, 0.0)


def _table(p: Painter, c: Colour) -> Box:
    for x in (-0.26, 0.23):
        p.fill(box(x, -0.36, x + 0.03, 0.0), shade(c, -0.3), outline=0.002)
    p.fill(box(-0.30, -0.40, 0.30, -0.355, 0.01), shade(c, 0.1), outline=0.003)
    return (-0.30, -0.40, 0.30, 0.0)


def _chair(p: Painter, c: Colour) -> Box:
    for x in (-0.12, 0.09):
        p.fill(box(x, -0.24, x + 0.025, 0.0), shade(c, -0.3), outline=0.002)
    p.fill(box(-0.13, -0.52, -0.10, -0.22, 0.008), c, outline=0.002)
    p.fill(box(-0.13, -0.28, 0.13, -0.235, 0.012), shade(c, 0.1), outline=0.003)
    return (-0.13, -0.52, 0.13, 0.0)


def _lamp(p: Painter, c: Colour) -> Box:
    p.fill(box(-0.008, -0.66, 0.008, -0.02), (70, 66, 72))
    p.fill(ellipse(0, -0.015, 0.08, 0.02), (70, 66, 72))
    p.glow(0, -0.68, 0.30, (255, 232, 160), 0.55)
    p.fill(polygon([(-0.07, -0.80), (0.07, -0.80), (0.13, -0.62), (-0.13, -0.62)]), shade(c, 0.2), outline=0.003)
    return (-0.13, -0.80, 0.13, 0.0)


def _ball(p: Painter, c: Colour) -> Box:
    p.fill(
        ellipse(0, -0.10, 0.10, 0.10),
        shade(c, 0.2),
        to=shade(c, -0.25),
        axis=((-0.06, -0.18), (0.08, -0.02)),
        outline=0.003,
    )
    line = skia.Path()
    line.moveTo(-0.095, -0.08)
    line.quadTo(0, -0.16, 0.095, -0.08)
    p.stroke(line, (248, 246, 240), 0.014)
    return (-0.10, -0.20, 0.10, 0.0)


def _umbrella(p: Painter, c: Colour) -> Box:
    p.fill(box(-0.007, -0.52, 0.007, 0.04), (80, 66, 58))
    p.fill(
        smooth(
            [
                (-0.32, -0.42),
                (-0.22, -0.58),
                (0, -0.66),
                (0.22, -0.58),
                (0.32, -0.42),
                (0.16, -0.46),
                (0, -0.43),
                (-0.16, -0.46),
            ],
            tension=0.45,
        ),
        shade(c, 0.12),
        to=shade(c, -0.2),
        axis=((-0.3, -0.6), (0.3, -0.4)),
        outline=0.004,
    )
    return (-0.32, -0.66, 0.32, 0.04)


def _basket(p: Painter, c: Colour) -> Box:
    p.stroke(ellipse(0, -0.16, 0.10, 0.12), shade(WOOD, -0.2), 0.014)
    for index in range(5):
        p.fill(
            ellipse(-0.08 + index * 0.04, -0.165, 0.034, 0.034),
            [(222, 84, 66), (236, 180, 70), (134, 170, 88)][index % 3],
            outline=0.002,
        )
    p.fill(polygon([(-0.14, -0.16), (0.14, -0.16), (0.11, 0.0), (-0.11, 0.0)]), shade(c, 0.05), outline=0.003)
    return (-0.14, -0.28, 0.14, 0.0)


def _suitcase(p: Painter, c: Colour) -> Box:
    p.stroke(box(-0.05, -0.31, 0.05, -0.25, 0.01), (60, 50, 48), 0.014)
    p.fill(
        box(-0.17, -0.26, 0.17, 0.0, 0.024), shade(c, 0.1), to=shade(c, -0.2), axis=((0, -0.26), (0, 0)), outline=0.004
    )
    for x in (-0.10, 0.08):
        p.fill(box(x, -0.26, x + 0.022, 0.0), shade(c, -0.4))
    return (-0.17, -0.31, 0.17, 0.0)


def _guitar(p: Painter, c: Colour) -> Box:
    p.fill(box(-0.016, -0.62, 0.016, -0.25), (90, 60, 44), outline=0.002)
    p.fill(
        joined(ellipse(0, -0.11, 0.13, 0.115), ellipse(0, -0.25, 0.095, 0.09)),
        shade(c, 0.1),
        to=shade(c, -0.2),
        axis=((-0.1, -0.3), (0.1, 0)),
        outline=0.004,
    )
    p.fill(ellipse(0, -0.19, 0.036, 0.036), (44, 34, 34))
    p.fill(box(-0.026, -0.66, 0.026, -0.60, 0.008), (70, 48, 38))
    return (-0.13, -0.66, 0.13, 0.005)


def _kite(p: Painter, c: Colour) -> Box:
    string = skia.Path()
    string.moveTo(0.0, 0.0)
    string.quadTo(0.03, -0.35, 0.16, -0.60)
    p.stroke(string, (110, 110, 120), 0.006)
    p.fill(polygon([(0.16, -0.60), (0.06, -0.78), (0.20, -0.98), (0.30, -0.76)]), c, outline=0.004)
    p.fill(polygon([(0.06, -0.78), (0.20, -0.98), (0.19, -0.77)]), shade(c, 0.4))
    return (0.0, -0.98, 0.30, 0.0)


def _cake(p: Painter, c: Colour) -> Box:
    p.fill(box(-0.14, -0.02, 0.14, 0.0, 0.006), (228, 228, 232), outline=0.002)
    p.fill(box(-0.11, -0.13, 0.11, -0.02, 0.016), shade(c, 0.25), outline=0.003)
    p.fill(
        smooth(
            [
                (-0.11, -0.13),
                (0.11, -0.13),
                (0.11, -0.09),
                (0.05, -0.075),
                (0, -0.095),
                (-0.06, -0.075),
                (-0.11, -0.09),
            ],
            tension=0.4,
        ),
        (250, 244, 236),
    )
    for x in (-0.06, 0.0, 0.06):
        p.fill(box(x - 0.006, -0.19, x + 0.006, -0.13), (96, 152, 190))
        p.fill(ellipse(x, -0.205, 0.009, 0.016), (255, 190, 70))
    return (-0.14, -0.22, 0.14, 0.0)


def _flowers(p: Painter, c: Colour) -> Box:
    p.fill(polygon([(-0.05, -0.13), (0.05, -0.13), (0.035, 0.0), (-0.035, 0.0)]), (150, 180, 190), outline=0.002)
    spots: list[Point] = [(-0.07, -0.25), (0.0, -0.30), (0.07, -0.25), (-0.035, -0.21), (0.04, -0.20)]
    for x, y in spots:
        stem = skia.Path()
        stem.moveTo(0, -0.12)
        stem.lineTo(x, y)
        p.stroke(stem, (86, 140, 78), 0.009)
    for x, y in spots:
        p.fill(
            joined(
                *(
                    ellipse(x + dx, y + dy, 0.019, 0.019)
                    for dx, dy in ((0.018, 0), (-0.018, 0), (0, 0.018), (0, -0.018))
                )
            ),
            c,
            outline=0.0015,
        )
        p.fill(ellipse(x, y, 0.012, 0.012), (246, 206, 84))
    return (-0.107, -0.338, 0.107, 0.0)


def _book(p: Painter, c: Colour) -> Box:
    for sign in (-1, 1):
        p.fill(polygon([(0, -0.012), (sign * 0.10, -0.035), (sign * 0.10, -0.145), (0, -0.12)]), c, outline=0.003)
    return (-0.10, -0.145, 0.10, 0.0)


def _cup(p: Painter, c: Colour) -> Box:
    p.stroke(ellipse(0.045, -0.045, 0.022, 0.024), shade(c, -0.2), 0.012)
    p.fill(polygon([(-0.042, -0.09), (0.042, -0.09), (0.034, 0.0), (-0.034, 0.0)]), shade(c, 0.1), outline=0.003)
    return (-0.042, -0.09, 0.067, 0.0)


def _phone(p: Painter, c: Colour) -> Box:
    p.fill(box(-0.035, -0.125, 0.035, 0.0, 0.012), shade(c, -0.3), outline=0.003)
    p.fill(box(-0.028, -0.112, 0.028, -0.012, 0.004), (150, 206, 228))
    return (-0.035, -0.125, 0.035, 0.0)


PROPS: dict[str, Callable[[Painter, Colour], Box]] = {
    "horse": _horse, "dog": _dog, "cat": _cat, "sheep": _sheep, "camel": _camel, "bird": _bird, "car": _car,
    "bicycle": _bicycle, "table": _table, "chair": _chair, "lamp": _lamp, "ball": _ball, "umbrella": _umbrella,
    "basket": _basket, "suitcase": _suitcase, "guitar": _guitar, "kite": _kite, "cake": _cake, "flowers": _flowers,
    "book": _book, "cup": _cup, "phone": _phone,
}  # fmt: skip
ANIMALS = frozenset({"horse", "dog", "cat", "sheep", "camel", "bird"})
HELD = frozenset({"umbrella", "book", "cup", "phone", "kite", "flowers"})


def draw_prop(painter: Painter, prop: Prop) -> Box:
    """Draw ``prop`` in the current frame and return its box in pixels (left, top, right, bottom)."""
    colour = CLOTH[prop.colour]
    if prop.name not in HELD:
        left, right = _FOOTPRINT.get(prop.name, (-0.15, 0.15))
        painter.fill(
            ellipse((left + right) / 2, 0.008, (right - left) * 0.52, 0.02), (40, 40, 60), alpha=0.26, detail=True
        )
    extent = PROPS[prop.name](painter, colour)
    left, top, right, bottom = extent
    corners = [painter.point(x, y) for x, y in ((left, top), (right, top), (right, bottom), (left, bottom))]
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    return min(xs), min(ys), max(xs), max(ys)


_FOOTPRINT = {
    "horse": (-0.57, 0.60), "camel": (-0.54, 0.60), "car": (-0.8, 0.82), "bicycle": (-0.44, 0.44), "dog": (-0.22, 0.26),
    "sheep": (-0.27, 0.30), "table": (-0.3, 0.3), "cat": (-0.15, 0.18), "bird": (-0.08, 0.08), "ball": (-0.10, 0.10),
}  # fmt: skip
"""Left and right end of the shadow of larger and smaller props."""
