"""The settings themselves: each function furnishes a stage."""

from __future__ import annotations

from collections.abc import Callable

import skia

from creative_lab.illustrator.painter import box, ellipse, joined, polygon, smooth
from creative_lab.illustrator.palette import WOOD
from creative_lab.illustrator.stage import HORIZON, Stage, sky


def _street(s: Stage) -> None:
    sky(s)
    x = -0.05
    while x < s.aspect:
        width = float(s.rng.uniform(0.16, 0.26))
        wall = [(206, 120, 96), (226, 196, 150), (150, 164, 176), (190, 158, 134), (168, 120, 120)][
            int(s.rng.integers(5))
        ]
        s.house(x, width, float(s.rng.uniform(0.28, 0.52)), wall, None)
        x += width + 0.012
    s.ground((128, 130, 138))
    s.painter.fill(box(-0.1, HORIZON, s.aspect + 0.1, HORIZON + 0.07), (188, 184, 176))
    for index in range(int(s.aspect / 0.22) + 1):
        s.painter.fill(box(index * 0.22, 0.84, index * 0.22 + 0.10, 0.855), (240, 236, 220))


def _village(s: Stage) -> None:
    sky(s)
    s.hills((132, 160, 112), 0.22)
    for index in range(3):
        s.house(
            s.aspect * (0.06 + index * 0.34),
            float(s.rng.uniform(0.16, 0.22)),
            float(s.rng.uniform(0.15, 0.2)),
            [(240, 226, 196), (226, 204, 170), (214, 186, 160)][index],
            [(178, 82, 62), (150, 92, 70), (120, 104, 98)][index],
        )
    s.ground((170, 156, 108))
    s.tree(s.aspect * 0.30, HORIZON + 0.05, 0.34)
    s.painter.fill(
        polygon(
            [(s.aspect * 0.42, HORIZON), (s.aspect * 0.5, HORIZON), (s.aspect * 0.72, 1.05), (s.aspect * 0.18, 1.05)]
        ),
        (206, 184, 142),
    )


def _park(s: Stage) -> None:
    sky(s)
    s.hills((118, 164, 108), 0.14)
    for index in range(4):
        s.tree(
            s.aspect * (0.08 + index * 0.28) + float(s.rng.uniform(-0.05, 0.05)),
            HORIZON + 0.03,
            float(s.rng.uniform(0.36, 0.52)),
        )
    s.ground((126, 172, 98))
    s.painter.fill(
        smooth(
            [
                (-0.1, 0.80),
                (s.aspect * 0.5, 0.72),
                (s.aspect + 0.1, 0.80),
                (s.aspect + 0.1, 0.92),
                (s.aspect * 0.5, 0.82),
                (-0.1, 0.94),
            ]
        ),
        (220, 204, 168),
    )


def _forest(s: Stage) -> None:
    sky(s)
    s.ground((88, 118, 74), horizon=HORIZON - 0.06)
    for row in range(3):
        for index in range(5):
            s.tree(
                s.aspect * (index + 0.3 * row) / 4.4 + float(s.rng.uniform(-0.04, 0.04)),
                HORIZON - 0.04 + row * 0.04,
                0.42 + row * 0.10,
                pine=(index + row) % 3 != 0,
            )
    s.ground((96, 128, 78), horizon=HORIZON + 0.05)


def _mountains(s: Stage) -> None:
    sky(s)
    for index in range(4):
        x, height = s.aspect * (index / 3.2 - 0.05), float(s.rng.uniform(0.28, 0.46))
        base = HORIZON + 0.02
        s.painter.fill(
            polygon([(x - 0.38, base), (x, base - height), (x + 0.38, base)]),
            (138, 150, 172),
            to=(98, 108, 136),
            axis=((x - 0.2, 0), (x + 0.3, 0)),
            outline=0.002,
        )
        s.painter.fill(
            polygon(
                [
                    (x - 0.105, base - height * 0.72),
                    (x, base - height),
                    (x + 0.105, base - height * 0.72),
                    (x + 0.04, base - height * 0.78),
                    (x, base - height * 0.68),
                    (x - 0.05, base - height * 0.77),
                ]
            ),
            (248, 250, 252),
        )
    s.ground((126, 150, 104))
    for index in range(3):
        s.tree(s.aspect * (0.1 + 0.4 * index), HORIZON + 0.05, 0.2, pine=True)


def _desert(s: Stage) -> None:
    sky(s)
    s.hills((226, 178, 116), 0.20, bumps=3)
    s.ground((236, 196, 134))
    s.painter.fill(
        smooth([(-0.1, 0.78), (s.aspect * 0.4, 0.70), (s.aspect + 0.1, 0.82), (s.aspect + 0.1, 1.1), (-0.1, 1.1)]),
        (244, 210, 152),
    )
    x = s.aspect * float(s.rng.uniform(0.1, 0.85))
    for part in (
        box(x - 0.02, HORIZON - 0.16, x + 0.02, HORIZON + 0.06, 0.02),
        box(x - 0.075, HORIZON - 0.09, x - 0.045, HORIZON - 0.02, 0.014),
        box(x - 0.07, HORIZON - 0.04, x, HORIZON - 0.015, 0.01),
    ):
        s.painter.fill(part, (98, 140, 92), outline=0.002)


def _beach(s: Stage) -> None:
    sky(s)
    s.painter.fill(
        box(-0.1, HORIZON - 0.14, s.aspect + 0.1, HORIZON + 0.08),
        (58, 138, 178),
        to=(116, 196, 206),
        axis=((0, HORIZON - 0.14), (0, HORIZON + 0.08)),
    )
    s.ground((240, 218, 168), horizon=HORIZON + 0.06)
    s.painter.fill(
        smooth(
            [
                (-0.1, HORIZON + 0.05),
                (s.aspect * 0.3, HORIZON + 0.075),
                (s.aspect * 0.6, HORIZON + 0.05),
                (s.aspect + 0.1, HORIZON + 0.08),
                (s.aspect + 0.1, HORIZON + 0.06),
                (-0.1, HORIZON + 0.035),
            ]
        ),
        (250, 252, 252),
    )
    x = s.aspect * 0.16
    s.painter.fill(box(x - 0.006, HORIZON - 0.02, x + 0.006, 0.80), WOOD)
    s.painter.fill(
        smooth([(x - 0.17, HORIZON + 0.02), (x, HORIZON - 0.11), (x + 0.17, HORIZON + 0.02), (x, HORIZON - 0.005)]),
        (224, 96, 84),
        outline=0.002,
    )


def _field(s: Stage) -> None:
    sky(s)
    s.hills((190, 176, 110), 0.10, bumps=3)
    s.ground((204, 186, 104))
    for _ in range(60):
        x, y = s.aspect * float(s.rng.random()), HORIZON + 0.02 + 0.38 * float(s.rng.random()) ** 1.4
        blade = skia.Path()
        blade.moveTo(x, y)
        blade.quadTo(x + 0.006, y - 0.03, x + 0.014, y - 0.045)
        s.painter.stroke(blade, (164, 150, 70), 0.004, alpha=0.8)


def _market(s: Stage) -> None:
    sky(s)
    s.hills((190, 160, 130), 0.30, bumps=5)
    s.ground((206, 182, 146))
    stripes = [(208, 78, 70), (70, 130, 150), (226, 172, 74), (96, 148, 100)]
    for index in range(3):
        x, width = s.aspect * (0.03 + index * 0.34), s.aspect * 0.27
        for post in (x, x + width):
            s.painter.fill(box(post - 0.008, HORIZON - 0.30, post + 0.008, HORIZON + 0.08), WOOD, outline=0.0015)
        for strip in range(6):
            left = x - 0.02 + (width + 0.04) * strip / 6
            s.painter.fill(
                box(left, HORIZON - 0.33, left + (width + 0.04) / 6, HORIZON - 0.24, 0.008),
                stripes[(index + 1) % 4] if strip % 2 else (246, 238, 222),
                outline=0.001,
            )
        s.table(x, HORIZON - 0.02, width, 0.10)
        for fruit in range(7):
            s.painter.fill(
                ellipse(x + 0.03 + fruit * (width - 0.06) / 6, HORIZON - 0.05, 0.022, 0.022),
                [(226, 96, 62), (238, 186, 66), (128, 168, 84), (188, 62, 70)][(fruit + index) % 4],
                outline=0.001,
            )


def _kitchen(s: Stage) -> None:
    s.room((236, 222, 196), (196, 170, 140))
    s.window(s.aspect * 0.40, 0.10, 0.26, 0.24)
    for x in (s.aspect * 0.03, s.aspect * 0.74):
        s.painter.fill(box(x, 0.08, x + s.aspect * 0.22, 0.27, 0.006), (112, 150, 146), outline=0.002)
        s.painter.fill(box(x + s.aspect * 0.11 - 0.002, 0.08, x + s.aspect * 0.11 + 0.002, 0.27), (80, 112, 110))
    s.painter.fill(box(-0.1, HORIZON - 0.18, s.aspect + 0.1, HORIZON + 0.06), (122, 160, 156), outline=0.002)
    s.painter.fill(box(-0.1, HORIZON - 0.21, s.aspect + 0.1, HORIZON - 0.17), (240, 234, 222), outline=0.002)
    for x in (0.2, 0.75):
        s.painter.fill(
            box(s.aspect * x, HORIZON - 0.26, s.aspect * x + 0.07, HORIZON - 0.205, 0.012), (190, 92, 76), outline=0.002
        )


def _living_room(s: Stage) -> None:
    s.room((202, 192, 176), (164, 122, 88))
    s.window(s.aspect * 0.08, 0.10, 0.24, 0.28)
    s.painter.fill(box(s.aspect * 0.64, 0.12, s.aspect * 0.64 + 0.2, 0.28, 0.004), (120, 80, 56), outline=0.002)
    s.painter.fill(
        box(s.aspect * 0.64 + 0.015, 0.135, s.aspect * 0.64 + 0.185, 0.265),
        (230, 180, 120),
        to=(90, 140, 160),
        axis=((0, 0.13), (0, 0.27)),
    )
    s.painter.fill(
        box(s.aspect * 0.50, HORIZON - 0.16, s.aspect * 0.96, HORIZON + 0.05, 0.04), (86, 118, 132), outline=0.003
    )
    s.painter.fill(
        box(s.aspect * 0.48, HORIZON - 0.06, s.aspect * 0.98, HORIZON + 0.07, 0.03), (98, 132, 146), outline=0.003
    )
    s.painter.fill(ellipse(s.aspect * 0.5, 0.86, s.aspect * 0.36, 0.09), (196, 92, 76), alpha=0.85)


def _office(s: Stage) -> None:
    s.room((214, 220, 226), (134, 138, 148))
    for index in range(3):
        s.window(s.aspect * (0.05 + index * 0.33), 0.08, s.aspect * 0.25, 0.28)
    s.table(s.aspect * 0.08, HORIZON - 0.02, s.aspect * 0.36, 0.14, (206, 196, 182))
    s.painter.fill(
        box(s.aspect * 0.18, HORIZON - 0.15, s.aspect * 0.18 + 0.17, HORIZON - 0.05, 0.006), (44, 48, 58), outline=0.002
    )
    s.painter.fill(box(s.aspect * 0.18 + 0.01, HORIZON - 0.14, s.aspect * 0.18 + 0.16, HORIZON - 0.06), (118, 176, 210))
    s.painter.fill(
        box(s.aspect * 0.86, HORIZON - 0.08, s.aspect * 0.93, HORIZON + 0.05, 0.01), (196, 120, 86), outline=0.002
    )
    s.tree(s.aspect * 0.895, HORIZON - 0.04, 0.22)


def _classroom(s: Stage) -> None:
    s.room((232, 216, 182), (176, 140, 104))
    s.painter.fill(box(s.aspect * 0.22, 0.09, s.aspect * 0.78, 0.40, 0.006), WOOD, outline=0.002)
    s.painter.fill(box(s.aspect * 0.22 + 0.016, 0.106, s.aspect * 0.78 - 0.016, 0.384), (52, 92, 78))
    for index in range(4):
        line = skia.Path()
        line.moveTo(s.aspect * 0.28, 0.16 + index * 0.05)
        line.lineTo(s.aspect * float(s.rng.uniform(0.45, 0.70)), 0.16 + index * 0.05)
        s.painter.stroke(line, (228, 236, 230), 0.005, alpha=0.8)
    for x in (0.02, 0.80):
        s.table(s.aspect * x, HORIZON + 0.03, s.aspect * 0.18, 0.12)


def _workshop(s: Stage) -> None:
    s.room((176, 148, 122), (120, 104, 92))
    s.window(s.aspect * 0.70, 0.12, 0.22, 0.22)
    for row in range(2):
        s.shelf(s.aspect * 0.06, 0.20 + row * 0.15, s.aspect * 0.45, books=False)
    s.table(s.aspect * 0.06, HORIZON - 0.04, s.aspect * 0.5, 0.16)
    for index in range(4):
        x = s.aspect * 0.12 + index * 0.1
        s.painter.fill(
            joined(
                box(x, HORIZON - 0.13, x + 0.012, HORIZON - 0.06),
                box(x - 0.018, HORIZON - 0.14, x + 0.03, HORIZON - 0.12),
            ),
            (108, 112, 120),
        )


def _library(s: Stage) -> None:
    s.room((146, 110, 84), (128, 88, 66))
    for row in range(4):
        s.shelf(s.aspect * 0.02, 0.14 + row * 0.125, s.aspect * 0.40, books=True)
        s.shelf(s.aspect * 0.58, 0.14 + row * 0.125, s.aspect * 0.40, books=True)
    s.window(s.aspect * 0.5 - 0.07, 0.08, 0.14, 0.30)


SETTINGS: dict[str, Callable[[Stage], None]] = {
    "city street": _street,
    "village": _village,
    "park": _park,
    "forest": _forest,
    "mountains": _mountains,
    "desert": _desert,
    "beach": _beach,
    "field": _field,
    "market": _market,
    "kitchen": _kitchen,
    "living room": _living_room,
    "office": _office,
    "classroom": _classroom,
    "workshop": _workshop,
    "library": _library,
}
"""15 settings by the name that captions use."""
