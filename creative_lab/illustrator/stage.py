"""What settings are built from: sky, ground, trees, houses, windows and furniture on a stage of ``aspect`` × 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import skia

from creative_lab.illustrator.painter import Colour, Painter, box, ellipse, joined, mix, polygon, shade, smooth
from creative_lab.illustrator.palette import LEAF, WOOD

if TYPE_CHECKING:
    from creative_lab.illustrator.backdrop import Surroundings

HORIZON = 0.60

_SKIES: dict[str, tuple[Colour, Colour]] = {
    "dawn": ((246, 190, 170), (255, 232, 200)),
    "morning": ((150, 200, 236), (232, 243, 246)),
    "noon": ((96, 172, 232), (206, 232, 246)),
    "evening": ((118, 92, 148), (250, 168, 108)),
    "night": ((22, 28, 62), (62, 70, 118)),
}


@dataclass
class Stage:
    """The frame that a setting is drawn into, with its generator for the small accidents of a place."""

    painter: Painter
    aspect: float
    rng: np.random.Generator
    where: Surroundings

    def ground(self, colour: Colour, *, horizon: float = HORIZON) -> None:
        if self.where.weather == "snow":
            colour = mix(colour, (246, 248, 252), 0.82)
        self.painter.fill(box(-0.1, horizon, self.aspect + 0.1, 1.1), shade(colour, 0.08), to=shade(colour, -0.18),
                          axis=((0, horizon), (0, 1)))  # fmt: skip

    def tree(self, x: float, y: float, size: float, *, pine: bool = False) -> None:
        p, leaf = self.painter, LEAF if self.where.weather != "snow" else mix(LEAF, (248, 250, 252), 0.6)
        p.fill(box(x - size * 0.05, y - size * 0.4, x + size * 0.05, y, size * 0.02), WOOD, outline=0.002)
        if pine:
            for step in range(3):
                top, width = y - size * (1.0 - step * 0.24), size * (0.16 + step * 0.09)
                p.fill(
                    polygon([(x, top), (x + width, top + size * 0.36), (x - width, top + size * 0.36)]),
                    shade(mix(leaf, (36, 92, 84), 0.45), 0.06 * (2 - step)),
                    outline=0.002,
                )
        else:
            crown = joined(
                *(
                    ellipse(x + dx * size, y - size * dy, size * r, size * r)
                    for dx, dy, r in ((-0.19, 0.55, 0.20), (0.19, 0.55, 0.20), (0, 0.74, 0.25), (0, 0.5, 0.2))
                )
            )
            p.fill(
                crown,
                shade(leaf, 0.12),
                to=shade(leaf, -0.2),
                axis=((x - size * 0.3, y - size), (x + size * 0.3, y - size * 0.3)),
                outline=0.002,
            )

    def hills(self, colour: Colour, height: float, *, bumps: int = 4, base: float = HORIZON) -> None:
        points = [(-0.2, base + 0.05)]
        for index in range(bumps + 1):
            x = self.aspect * index / bumps
            points.append(
                (x + float(self.rng.uniform(-0.05, 0.05)), base - height * float(self.rng.uniform(0.35, 1.0)))
            )
        points.append((self.aspect + 0.2, base + 0.05))
        self.painter.fill(
            smooth(points, tension=0.5),
            shade(colour, 0.15),
            to=colour,
            axis=((0, base - height), (0, base)),
            outline=0.002,
        )

    def house(self, x: float, width: float, height: float, wall: Colour, roof: Colour | None) -> None:
        p, base = self.painter, HORIZON + 0.02
        p.fill(
            box(x, base - height, x + width, base),
            shade(wall, 0.06),
            to=shade(wall, -0.14),
            axis=((x, 0), (x + width, 0)),
            outline=0.002,
        )
        if roof is not None:
            p.fill(
                polygon(
                    [
                        (x - 0.02, base - height),
                        (x + width / 2, base - height - width * 0.45),
                        (x + width + 0.02, base - height),
                    ]
                ),
                roof,
                outline=0.002,
            )
        lit = (255, 222, 130) if self.where.time in {"night", "evening"} else (96, 128, 150)
        rows, columns = max(1, int(height / 0.10)), max(1, int(width / 0.075))
        for row in range(rows):
            for column in range(columns):
                wx = x + width * (column + 0.5) / columns
                wy = base - height + 0.045 + row * (height - 0.05) / rows
                p.fill(
                    box(wx - 0.016, wy - 0.02, wx + 0.016, wy + 0.022, 0.003),
                    lit if self.rng.random() < 0.8 else shade(lit, -0.4),
                )

    def window(self, x: float, y: float, width: float, height: float) -> None:
        p = self.painter
        p.fill(box(x - 0.015, y - 0.015, x + width + 0.015, y + height + 0.015, 0.006), (246, 240, 228), outline=0.002)
        top, bottom = _SKIES[self.where.time]
        if self.where.weather != "clear":
            top, bottom = mix(top, (150, 156, 168), 0.5), mix(bottom, (190, 194, 202), 0.5)
        p.fill(box(x, y, x + width, y + height), top, to=bottom, axis=((0, y), (0, y + height)))
        with p.clipped(box(x, y, x + width, y + height)):
            p.fill(ellipse(x + width * 0.3, y + height * 1.05, width * 0.5, height * 0.3), LEAF)
            weather(p, self.where, x, y, x + width, y + height, self.rng)
        for bar in (
            box(x + width / 2 - 0.004, y, x + width / 2 + 0.004, y + height),
            box(x, y + height / 2 - 0.004, x + width, y + height / 2 + 0.004),
        ):
            p.fill(bar, (246, 240, 228))

    def room(self, wall: Colour, floor: Colour) -> None:
        p = self.painter
        p.fill(
            box(-0.1, -0.1, self.aspect + 0.1, HORIZON + 0.02),
            shade(wall, 0.05),
            to=shade(wall, -0.12),
            axis=((0, 0), (self.aspect, HORIZON)),
        )
        p.fill(
            box(-0.1, HORIZON, self.aspect + 0.1, 1.1),
            shade(floor, 0.08),
            to=shade(floor, -0.2),
            axis=((0, HORIZON), (0, 1)),
        )
        p.fill(box(-0.1, HORIZON - 0.012, self.aspect + 0.1, HORIZON + 0.006), shade(wall, 0.5))

    def shelf(self, x: float, y: float, width: float, *, books: bool) -> None:
        p = self.painter
        p.fill(box(x, y, x + width, y + 0.014), WOOD, outline=0.002)
        at = x + 0.012
        while at < x + width - 0.03:
            size = float(self.rng.uniform(0.012, 0.024))
            tall = float(self.rng.uniform(0.05, 0.085))
            colour = [(196, 88, 74), (66, 116, 140), (214, 172, 84), (110, 140, 96), (150, 110, 150)][
                int(self.rng.integers(5))
            ]
            if books:
                p.fill(box(at, y - tall, at + size, y), colour, outline=0.001)
            else:
                p.fill(box(at, y - tall * 0.7, at + size * 1.4, y, 0.006), colour, outline=0.001)
                at += size
            at += size + 0.003

    def table(self, x: float, y: float, width: float, height: float, colour: Colour = WOOD) -> None:
        p = self.painter
        for leg in (x + 0.02, x + width - 0.035):
            p.fill(box(leg, y, leg + 0.018, y + height), shade(colour, -0.25), outline=0.0015)
        p.fill(box(x, y - 0.02, x + width, y + 0.006, 0.004), shade(colour, 0.12), outline=0.002)


def sky(stage: Stage) -> None:
    """Sky, sun or moon, stars and clouds of the stage's time and weather."""
    p, where = stage.painter, stage.where
    top, bottom = _SKIES[where.time]
    if where.weather != "clear":
        grey = (118, 124, 140) if where.time != "night" else (36, 40, 62)
        top, bottom = (
            mix(top, grey, 0.55),
            mix(bottom, (206, 208, 212) if where.time != "night" else (70, 76, 100), 0.55),
        )
    p.fill(box(-0.1, -0.1, stage.aspect + 0.1, 1.1), top, to=bottom, axis=((0, 0), (0, HORIZON)))
    x = stage.aspect * float(stage.rng.uniform(0.15, 0.85))
    if where.weather == "clear":
        if where.time == "night":
            for _ in range(26):
                p.fill(
                    ellipse(
                        float(stage.rng.uniform(0, stage.aspect)),
                        float(stage.rng.uniform(0, HORIZON * 0.8)),
                        0.003,
                        0.003,
                    ),
                    (255, 250, 220),
                    detail=True,
                )
            p.fill(ellipse(x, 0.14, 0.052, 0.052), (250, 244, 214))
        else:
            height = {"dawn": HORIZON - 0.06, "evening": HORIZON - 0.08, "morning": 0.20, "noon": 0.10}[where.time]
            p.glow(x, height, 0.30, (255, 240, 190), 0.75)
            p.fill(ellipse(x, height, 0.055, 0.055), (255, 246, 206))
    for _ in range({"clear": 2, "cloudy": 6, "rain": 7, "snow": 5, "fog": 3}[where.weather]):
        cx, cy = float(stage.rng.uniform(0, stage.aspect)), float(stage.rng.uniform(0.06, 0.3))
        size = float(stage.rng.uniform(0.05, 0.10))
        colour = (
            mix((252, 252, 252), top, 0.25)
            if where.weather in {"clear", "snow", "fog"}
            else mix((150, 154, 164), top, 0.3)
        )
        cloud = joined(
            *(
                ellipse(cx + dx * size, cy + dy * size, size * r, size * r * 0.8)
                for dx, dy, r in ((-0.9, 0.1, 0.6), (0, -0.15, 0.85), (0.9, 0.1, 0.6), (0.3, 0.2, 0.7))
            )
        )
        p.fill(cloud, colour, alpha=0.9)


def weather(
    p: Painter, where: Surroundings, left: float, top: float, right: float, bottom: float, rng: np.random.Generator
) -> None:
    """Rain, snow or fog inside a rectangle of the current frame."""
    width, height = right - left, bottom - top
    if where.weather == "rain":
        for _ in range(int(70 * width * height) + 6):
            x, y = left + width * float(rng.random()), top + height * float(rng.random())
            drop = skia.Path()
            drop.moveTo(x, y)
            drop.lineTo(x - 0.012, y + 0.05)
            p.stroke(drop, (206, 220, 236), 0.003, alpha=0.7)
    elif where.weather == "snow":
        for _ in range(int(80 * width * height) + 6):
            radius = float(rng.uniform(0.003, 0.008))
            p.fill(
                ellipse(left + width * float(rng.random()), top + height * float(rng.random()), radius, radius),
                (255, 255, 255),
                alpha=0.9,
            )
    elif where.weather == "fog" and not p.line_art:
        p.fill(
            box(left, top, right, bottom),
            (226, 230, 234),
            alpha=0.16,
            to=(236, 238, 240),
            axis=((0, top), (0, bottom)),
            detail=True,
        )
