"""Hair in front of the face, and hats, in the frame of the head (see ``face``)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import skia

from creative_lab.illustrator.painter import Painter, ellipse, shade, smooth

if TYPE_CHECKING:
    from creative_lab.illustrator.face import Head


def draw_hair(painter: Painter, head: Head) -> None:
    """Hair on top of the head and over the forehead."""
    me, width = head.identity, head.identity.head_width
    colour, lean = head.hair, math.sin(head._turn) * 0.16
    light = shade(colour, 0.16 if sum(colour) > 260 else 0.07)
    style = "covered" if head.hat in {"headscarf", "beanie", "fur hat"} else me.hair_style
    top = -me.forehead - 0.06
    if style in {"bald", "covered"}:
        if style == "bald":
            painter.glow(-0.3, top + 0.3, 0.4, shade(head.skin, 0.6), 0.55)
        return
    side_low = {
        "cropped": -0.20,
        "short": -0.05,
        "side parting": 0.02,
        "curly": 0.18,
        "bob": 0.6,
        "long": 0.7,
        "bun": -0.12,
        "ponytail": -0.12,
        "afro": 0.10,
    }[style]
    rise = {
        "cropped": 0.05,
        "short": 0.16,
        "side parting": 0.20,
        "curly": 0.22,
        "bob": 0.17,
        "long": 0.15,
        "bun": 0.12,
        "ponytail": 0.12,
        "afro": 0.36,
    }[style]
    line = {
        "cropped": -0.66,
        "short": -0.56,
        "side parting": -0.52,
        "curly": -0.50,
        "bob": -0.34,
        "long": -0.58,
        "bun": -0.64,
        "ponytail": -0.62,
        "afro": -0.56,
    }[style]
    outer = width * (1.05 if style == "cropped" else 1.10)
    inner = width * 0.90
    parting = -0.42 if style in {"side parting", "long"} else 0.0
    points = [
        (-outer, side_low),
        (-outer * 1.02, -0.42),
        (-width * 0.66, top + 0.16 - rise),
        (0.0, top - rise),
        (width * 0.66, top + 0.16 - rise),
        (outer * 1.02, -0.42),
        (outer, side_low),
        (inner, side_low + 0.02),
        (inner * 0.98 + lean * 0.4, -0.36),
        (width * 0.5 + lean, line + (0.10 if parting else 0.0)),
        (parting + lean, line - (0.16 if parting else 0.0)),
        (-width * 0.56 + lean, line + (0.16 if parting else 0.0)),
        (-inner * 0.98 + lean * 0.4, -0.36),
        (-inner, side_low + 0.02),
    ]
    painter.fill(
        smooth(points, tension=0.42), light, to=shade(colour, -0.18), axis=((-0.5, -1.2), (0.6, 0.2)), outline=0.022
    )
    if style in {"curly", "afro"}:
        count = 11 if style == "curly" else 15
        for index in range(count):
            angle = (
                math.pi * (1.02 + 0.96 * index / (count - 1))
                if style == "curly"
                else math.pi * (0.92 + 1.16 * index / (count - 1))
            )
            radius = 1.06 if style == "curly" else 1.34
            x, y = math.cos(angle) * width * radius, -0.22 + math.sin(angle) * (0.98 if style == "curly" else 1.04)
            painter.fill(ellipse(x, y, 0.24, 0.22), light if index % 2 else colour, outline=0.016)
    elif style != "cropped":
        for offset in (-0.34, 0.06, 0.42):
            strand = skia.Path()
            strand.moveTo(parting + lean + offset * 0.3, top - rise * 0.5)
            strand.quadTo(offset + lean, top + 0.06, offset * 1.5 + lean, line - 0.02)
            painter.stroke(strand, shade(colour, 0.34), 0.024, alpha=0.6)


def draw_hat(painter: Painter, head: Head) -> None:
    """The hat of the head, if it wears one."""
    colour, width, top = head.hat_colour, head.identity.head_width, -head.identity.forehead
    lean = math.sin(head._turn) * 0.3
    dark = shade(colour, -0.30)
    axis = ((-0.7, top - 0.7), (0.9, -0.2))
    if head.hat == "cap":
        side = 1 if head.yaw >= 0 else -1
        painter.fill(
            smooth(
                [
                    (-width * 1.08, -0.44),
                    (-width * 0.86, top - 0.28),
                    (0, top - 0.44),
                    (width * 0.86, top - 0.28),
                    (width * 1.08, -0.44),
                    (0, -0.60),
                ]
            ),
            shade(colour, 0.08),
            to=dark,
            axis=axis,
            outline=0.026,
        )
        painter.fill(
            smooth(
                [
                    (-width * 0.80 + lean, -0.56),
                    (side * 0.3 + lean, -0.68),
                    (width * 0.80 + lean, -0.56),
                    (width * 0.72 + lean * 2.2, -0.34),
                    (lean * 2.6, -0.28),
                    (-width * 0.72 + lean * 2.2, -0.34),
                ]
            ),
            dark,
            outline=0.026,
        )
    elif head.hat == "beanie":
        painter.fill(
            smooth(
                [
                    (-width * 1.10, -0.30),
                    (-width * 0.95, top - 0.22),
                    (0, top - 0.48),
                    (width * 0.95, top - 0.22),
                    (width * 1.10, -0.30),
                    (0, -0.40),
                ]
            ),
            shade(colour, 0.08),
            to=dark,
            axis=axis,
            outline=0.026,
        )
        painter.fill(
            smooth(
                [
                    (-width * 1.14, -0.52),
                    (0, -0.66),
                    (width * 1.14, -0.52),
                    (width * 1.13, -0.24),
                    (0, -0.36),
                    (-width * 1.13, -0.24),
                ],
                tension=0.4,
            ),
            shade(colour, -0.14),
            outline=0.022,
        )
        painter.fill(ellipse(0, top - 0.50, 0.22, 0.20), shade(colour, 0.30), outline=0.02)
    elif head.hat in {"felt hat", "straw hat"}:
        brim = 1.62 if head.hat == "straw hat" else 1.42
        painter.fill(ellipse(lean * 0.5, -0.56, width * brim, 0.24), dark, outline=0.026)
        crown = [
            (-width * 0.86, -0.60),
            (-width * 0.76, top - 0.40),
            (-width * 0.3, top - 0.56),
            (0, top - 0.46),
            (width * 0.3, top - 0.56),
            (width * 0.76, top - 0.40),
            (width * 0.86, -0.60),
            (0, -0.50),
        ]
        painter.fill(smooth(crown, tension=0.36), shade(colour, 0.08), to=dark, axis=axis, outline=0.026)
        band = shade(colour, -0.5) if head.hat == "felt hat" else (176, 70, 60)
        painter.fill(
            smooth(
                [
                    (-width * 0.87, -0.76),
                    (0, -0.68),
                    (width * 0.87, -0.76),
                    (width * 0.87, -0.60),
                    (0, -0.50),
                    (-width * 0.87, -0.60),
                ],
                tension=0.36,
            ),
            band,
        )
    elif head.hat == "headscarf":
        outer = smooth(
            [
                (0, top - 0.24),
                (width * 0.98, top + 0.12),
                (width * 1.24, 0.1),
                (width * 1.02, 0.95),
                (0, 1.36),
                (-width * 1.02, 0.95),
                (-width * 1.24, 0.1),
                (-width * 0.98, top + 0.12),
            ]
        )
        hole = smooth(
            [
                (lean * 0.4, -0.72),
                (width * 0.74 + lean * 0.4, -0.4),
                (width * 0.84 + lean * 0.3, 0.2),
                (width * 0.6 + lean * 0.3, 0.72),
                (lean * 0.4, head.identity.chin_length * 0.98),
                (-width * 0.6 + lean * 0.3, 0.72),
                (-width * 0.84 + lean * 0.3, 0.2),
                (-width * 0.74 + lean * 0.4, -0.4),
            ]
        )
        ring = skia.Op(outer, hole, skia.PathOp.kDifference_PathOp)
        painter.fill(ring, shade(colour, 0.08), to=dark, axis=axis, outline=0.026)
    elif head.hat == "fur hat":
        painter.fill(
            smooth(
                [
                    (-width * 1.02, -0.5),
                    (-width * 0.82, top - 0.42),
                    (0, top - 0.60),
                    (width * 0.82, top - 0.42),
                    (width * 1.02, -0.5),
                    (0, -0.56),
                ]
            ),
            shade(colour, 0.06),
            to=dark,
            axis=axis,
            outline=0.026,
        )
        for index in range(9):
            x = (index - 4) / 4 * width * 1.12
            painter.fill(
                ellipse(x, -0.50 - 0.10 * math.cos((index - 4) / 4 * 1.4), 0.24, 0.20),
                shade(colour, 0.42 if index % 2 else 0.30),
                outline=0.014,
            )
