"""Drawing a head: one identity, one expression, turned by yaw, with or without a hat.

The frame has its origin in the middle of the head, y pointing down, and half the head's height as its unit. Features
sit on a rounded front: a point at (x, y) moves sideways with the yaw by the depth of the head there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import skia

from creative_lab.illustrator.expression import EXPRESSIONS
from creative_lab.illustrator.identity import Identity
from creative_lab.illustrator.painter import Painter, Point, ellipse, mix, shade, smooth
from creative_lab.illustrator.palette import CLOTH, HAIR, SKIN

HATS = ("none", "cap", "beanie", "felt hat", "straw hat", "headscarf", "fur hat")


@dataclass(frozen=True)
class Landmarks:
    """Pixel positions of the five points that face recognisers align by, and the face's box from hairline to chin.

    The box is tight around the skin of the face, turned and tilted as it is, without ears, hair and hat.
    """

    left_eye: Point
    right_eye: Point
    nose: Point
    mouth_left: Point
    mouth_right: Point
    box: tuple[float, float, float, float]


class Head:
    """One head ready to be drawn in the painter's current frame."""

    def __init__(
        self,
        identity: Identity,
        expression: str = "neutral",
        *,
        yaw: float = 0.0,
        hat: str = "none",
        hat_colour: str = "red",
    ) -> None:
        self.identity, self.face = identity, EXPRESSIONS[expression]
        self.yaw = max(-0.9, min(0.9, yaw))
        self.hat, self.hat_colour = hat, CLOTH[hat_colour]
        self.skin = SKIN[identity.skin]
        self.hair = HAIR[identity.hair_colour]
        self.ink = shade(self.skin, -0.72)
        self._turn = self.yaw * math.radians(48)

    def place(self, x: float, y: float) -> Point:
        """Where a point of the face lies when the head is turned."""
        width = self.identity.head_width
        depth = math.sqrt(max(0.0, width**2 - min(abs(x), width) ** 2)) * 0.80
        return x * math.cos(self._turn) + depth * math.sin(self._turn), y

    def outline(self, grow: float = 0.0) -> skia.Path:
        """The shape of the face from hairline to chin."""
        me = self.identity
        width, jaw, chin = me.head_width + grow, me.jaw_width + grow, me.chin_length + grow
        lean = math.sin(self._turn) * 0.13
        points: list[Point] = []
        right: list[Point] = [
            (width * 0.58, -me.forehead * 0.82 - grow),
            (width * 0.94, -0.38),
            (width * (0.97 + 0.03 * me.cheek), 0.02),
            (width * (0.86 + 0.08 * me.cheek), 0.34),
            (jaw * 0.94, 0.66),
            (jaw * 0.50, chin * 0.95),
        ]
        points.append((lean * 0.2, -me.forehead - grow))
        points += [(x + lean * max(0.0, y + 0.3), y) for x, y in right]
        points.append((lean * 1.3, chin))
        points += [(-x + lean * max(0.0, y + 0.3), y) for x, y in reversed(right)]
        return smooth(points)

    def draw_behind(self, painter: Painter) -> None:
        """Hair that falls behind neck and shoulders."""
        me, width = self.identity, self.identity.head_width
        dark = shade(self.hair, -0.22)
        if self.hat == "headscarf":
            return
        if me.hair_style == "long":
            painter.fill(
                smooth(
                    [
                        (-width * 1.12, -0.5),
                        (0, -1.18),
                        (width * 1.12, -0.5),
                        (width * 1.22, 0.7),
                        (width * 0.98, 1.62),
                        (0, 1.4),
                        (-width * 0.98, 1.62),
                        (-width * 1.22, 0.7),
                    ]
                ),
                dark,
                outline=0.02,
            )
        elif me.hair_style == "bob":
            painter.fill(
                smooth(
                    [
                        (-width * 1.14, -0.5),
                        (0, -1.2),
                        (width * 1.14, -0.5),
                        (width * 1.24, 0.5),
                        (width * 0.9, 0.92),
                        (-width * 0.9, 0.92),
                        (-width * 1.24, 0.5),
                    ]
                ),
                dark,
                outline=0.02,
            )
        elif me.hair_style == "afro":
            painter.fill(ellipse(0, -0.38, width * 1.46, 1.18), dark, outline=0.02)
        elif me.hair_style == "ponytail":
            side = -1 if self.yaw > 0 else 1
            painter.fill(
                smooth(
                    [
                        (side * width * 0.5, -0.9),
                        (side * width * 1.5, -0.6),
                        (side * width * 1.66, 0.5),
                        (side * width * 1.3, 1.2),
                        (side * width * 1.16, 0.2),
                    ]
                ),
                dark,
                outline=0.02,
            )
        elif me.hair_style == "bun" and self.hat == "none":
            painter.fill(ellipse(-self.yaw * 0.5, -1.22, 0.42, 0.36), dark, outline=0.02)

    def draw(self, painter: Painter, *, part: int = 0, hat_part: int = 0) -> Landmarks:
        """Draw the head and return its landmarks in pixels; ``part`` and ``hat_part`` are its numbers in the index."""
        with painter.as_part(part):
            self._draw_face(painter)
            with painter.as_part(hat_part):
                self._hat(painter)
            if self.identity.glasses:
                self._glasses(painter)
        return self._landmarks(painter)

    def _draw_face(self, painter: Painter) -> None:
        me = self.identity
        turn = math.sin(self._turn)
        for side in (-1, 1):
            if side * turn > 0.55:  # the ear on the far side is hidden
                continue
            x = side * me.head_width * (1.0 if side * turn <= 0 else 1 - 0.25 * turn * side) - turn * 0.12
            painter.fill(ellipse(x, 0.10, me.ear_size * 0.62, me.ear_size), shade(self.skin, -0.08), outline=0.022)
            painter.fill(ellipse(x, 0.11, me.ear_size * 0.3, me.ear_size * 0.6), shade(self.skin, -0.25), detail=True)
        outline = self.outline()
        painter.fill(
            outline,
            shade(self.skin, 0.10),
            to=shade(self.skin, -0.16),
            axis=((-0.7, -0.8), (0.8, 1.0)),
            outline=0.026,
        )
        with painter.clipped(outline):
            self._modelling(painter)
            self._beard(painter)
        self._features(painter)
        self._hair(painter)

    def _modelling(self, painter: Painter) -> None:
        me, turn = self.identity, math.sin(self._turn)
        cheeks = mix(self.skin, (214, 84, 84), 0.30)
        for side in (-1, 1):
            x, y = self.place(side * me.eye_spacing * 1.35, me.mouth_height * 0.56)
            painter.glow(x, y, 0.34, cheeks, 0.40 + self.face.blush * 0.6)
        painter.glow(-0.75 * (1 if turn <= 0 else -1), 0.95, 0.85, shade(self.skin, -0.45), 0.35)
        if me.freckles:
            for index in range(14):
                fx = (index % 7 - 3) * 0.13 + (0.05 if index > 6 else 0)
                x, y = self.place(fx, 0.27 + (index // 7) * 0.08 + 0.02 * math.sin(index * 2.1))
                painter.fill(ellipse(x, y, 0.018, 0.018), shade(self.skin, -0.38), detail=True)
        if me.age > 0.55:
            strength = (me.age - 0.55) / 0.45
            line = shade(self.skin, -0.42)
            for side in (-1, 1):
                fold = skia.Path()
                fold.moveTo(*self.place(side * me.nose_width * 0.95, me.nose_length * 0.92))
                fold.quadTo(
                    *self.place(side * me.mouth_width * 0.92, me.mouth_height * 0.86),
                    *self.place(side * me.mouth_width * 0.84, me.mouth_height * 1.16),
                )
                painter.stroke(fold, line, 0.022, alpha=0.35 + 0.45 * strength)
                for step in range(2):
                    crow = skia.Path()
                    crow.moveTo(*self.place(side * me.eye_spacing * 1.72, 0.02 + step * 0.08))
                    crow.lineTo(*self.place(side * me.eye_spacing * 2.0, -0.02 + step * 0.12))
                    painter.stroke(crow, line, 0.016, alpha=0.5 * strength)
            for row in range(2):
                brow = skia.Path()
                y = -0.56 - 0.12 * row
                brow.moveTo(*self.place(-0.36, y))
                brow.quadTo(*self.place(0, y - 0.04), *self.place(0.36, y))
                painter.stroke(brow, line, 0.018, alpha=0.5 * strength)

    def _features(self, painter: Painter) -> None:
        me = self.identity
        for side in (-1, 1):
            x, y = self.place(side * me.eye_spacing, me.eye_height)
            squeeze = math.cos(self._turn) ** 0.5 if side * math.sin(self._turn) > 0 else 1.0
            self._eye(painter, x, y, side, squeeze)
            self._brow(painter, side, squeeze)
        self._nose(painter)
        self._mouth(painter)

    def _eye(self, painter: Painter, x: float, y: float, side: int, squeeze: float) -> None:
        me, face = self.identity, self.face
        width = me.eye_size * squeeze
        height = me.eye_size * me.eye_shape * face.open_eyes
        with painter.moved(x=x, y=y, turn=math.degrees(me.eye_tilt) * side * -1):
            if height < 0.045:
                lid = skia.Path()
                lid.moveTo(-width, 0)
                lid.quadTo(0, 0.07 if face.open_eyes <= 0 else -0.09, width, 0)
                painter.stroke(lid, self.ink, 0.036)
                return
            white = smooth(
                [
                    (-width, 0),
                    (-width * 0.45, -height * 0.86),
                    (width * 0.45, -height * 0.86),
                    (width, 0),
                    (width * 0.45, height * 0.74),
                    (-width * 0.45, height * 0.74),
                ]
            )
            painter.fill(white, (252, 250, 246))
            iris = mix(mix((94, 60, 34), (78, 128, 96), min(1, me.iris * 2)), (86, 138, 196), max(0.0, me.iris * 2 - 1))
            with painter.clipped(white):
                gx, gy = face.gaze[0] * width * 0.4 + self.yaw * width * 0.35, face.gaze[1] * height * 0.5
                radius = min(me.eye_size * 0.62, height * 0.95)
                painter.fill(ellipse(gx, gy, radius, radius), iris)
                painter.fill(ellipse(gx, gy, radius * 0.52, radius * 0.52), (18, 16, 20))
                if painter.line_art:
                    painter.canvas.drawCircle(gx, gy, radius * 0.7, skia.Paint(AntiAlias=True, Color=0xFF1A1A1E))
                painter.fill(
                    ellipse(gx - radius * 0.3, gy - radius * 0.35, radius * 0.24, radius * 0.24),
                    (255, 255, 255),
                    detail=True,
                )
            lid = skia.Path()
            lid.moveTo(-width * 1.06, 0.01)
            lid.cubicTo(-width * 0.5, -height * 1.05, width * 0.5, -height * 1.05, width * 1.06, 0.01)
            painter.stroke(lid, self.ink, 0.034 + 0.018 * (self.identity.beard == "none"))

    def _brow(self, painter: Painter, side: int, squeeze: float) -> None:
        me, face = self.identity, self.face
        y = me.eye_height - me.brow_height - face.brow_lift
        inner = me.eye_spacing - me.eye_size * 1.05
        outer = me.eye_spacing + me.eye_size * 1.3
        path = skia.Path()
        x0, _ = self.place(side * inner, y)
        x1, _ = self.place(side * me.eye_spacing, y)
        x2, _ = self.place(side * outer, y)
        swing = face.brow_turn * 0.2
        path.moveTo(x0, y + swing)
        path.quadTo(x1, y - me.brow_arch * 2 - 0.02, x2, y - swing * 0.7 + 0.02)
        painter.stroke(path, shade(self.hair, -0.25), me.brow_thickness * (0.8 + 0.2 * squeeze))

    def _nose(self, painter: Painter) -> None:
        me, turn = self.identity, math.sin(self._turn)
        tip_x, tip_y = self.place(0, me.eye_height + me.nose_length)
        tip_x += turn * 0.13
        half = me.nose_width / 2
        bridge_x, bridge_y = self.place(0.0, me.eye_height + 0.04)
        dark = shade(self.skin, -0.30)
        side = 1 if turn >= 0 else -1
        shadow = smooth(
            [
                (bridge_x + side * 0.05, bridge_y),
                (tip_x + side * half * 1.0, tip_y - 0.05),
                (tip_x + side * half * 0.4, tip_y + 0.06),
                (tip_x, tip_y - 0.02),
            ]
        )
        painter.fill(shadow, dark, alpha=0.30 + 0.25 * me.nose_bridge, detail=True)
        line = skia.Path()
        line.moveTo(tip_x - half, tip_y - 0.02)
        line.cubicTo(tip_x - half * 0.9, tip_y + 0.10, tip_x + half * 0.9, tip_y + 0.10, tip_x + half, tip_y - 0.02)
        painter.stroke(line, shade(self.skin, -0.50), 0.034)
        painter.glow(tip_x - 0.02, tip_y - 0.06, half * 0.9, shade(self.skin, 0.5), 0.5)

    def _mouth(self, painter: Painter) -> None:
        me, face = self.identity, self.face
        y = me.mouth_height
        half = me.mouth_width * face.widen * 0.62
        left, right = self.place(-half, y), self.place(half, y)
        centre = self.place(0, y)
        lift = face.smile
        lips = mix(self.skin, (170, 52, 60), 0.42)
        if face.open_mouth > 0.02:
            opening = smooth(
                [
                    (left[0], y - lift * 0.75),
                    (centre[0] - half * 0.4, y - lift * 0.15 - face.open_mouth * 0.30),
                    (centre[0] + half * 0.4, y - lift * 0.15 - face.open_mouth * 0.30),
                    (right[0], y - lift * 0.75),
                    (centre[0] + half * 0.55, y + face.open_mouth * 0.75),
                    (centre[0] - half * 0.55, y + face.open_mouth * 0.75),
                ]
            )
            painter.fill(opening, (86, 26, 34))
            if painter.line_art:
                painter.canvas.drawPath(opening, skia.Paint(AntiAlias=True, Color=0xFF1A1A1E))
            with painter.clipped(opening):
                if face.teeth:
                    painter.fill(
                        ellipse(centre[0], y - face.open_mouth * 0.32 - lift * 0.1, half, face.open_mouth * 0.34),
                        (250, 246, 238),
                    )
                painter.fill(
                    ellipse(centre[0], y + face.open_mouth * 0.85, half * 0.6, face.open_mouth * 0.45),
                    (206, 92, 96),
                    detail=True,
                )
            painter.stroke(opening, shade(lips, -0.2), 0.03 + me.lip * 0.35)
            return
        curve = skia.Path()
        curve.moveTo(left[0], y - lift * 0.75 + face.skew)
        curve.cubicTo(
            left[0] + half * 0.5,
            y + lift * 0.62,
            right[0] - half * 0.5,
            y + lift * 0.62,
            right[0],
            y - lift * 0.75 - face.skew,
        )
        if me.lip > 0.035:
            lower = skia.Path()
            lower.moveTo(left[0] + half * 0.24, y + lift * 0.1)
            lower.quadTo(centre[0], y + lift * 0.62 + me.lip * 2.3, right[0] - half * 0.24, y + lift * 0.1)
            painter.fill(lower, lips, detail=True)
        painter.stroke(curve, shade(lips, -0.45), 0.042)

    def _beard(self, painter: Painter) -> None:
        me = self.identity
        if me.beard == "none":
            return
        colour = shade(self.hair, -0.05)
        y = me.mouth_height
        half = me.mouth_width * 0.62
        if me.beard in {"full", "long", "stubble"}:
            chin = me.chin_length + 0.1
            left, right = self.place(-me.head_width * 0.99, 0.24), self.place(me.head_width * 0.99, 0.24)
            inner_left, inner_right = self.place(-half * 1.28, y - 0.16), self.place(half * 1.28, y - 0.16)
            path = smooth(
                [
                    left,
                    self.place(-me.head_width * 0.8, 0.42),
                    inner_left,
                    self.place(0, y - 0.19),
                    inner_right,
                    self.place(me.head_width * 0.8, 0.42),
                    right,
                    (me.head_width * 1.2, 0.7),
                    (0.3, chin + 0.3),
                    (-0.3, chin + 0.3),
                    (-me.head_width * 1.2, 0.7),
                ],
                tension=0.35,
            )
            painter.fill(
                path,
                colour,
                alpha=0.34 if me.beard == "stubble" else 1.0,
                detail=me.beard == "stubble",
                outline=0.0 if me.beard == "stubble" else 0.012,
            )
        if me.beard in {"moustache", "goatee"}:
            painter.fill(
                smooth(
                    [
                        self.place(-half * 1.15, y - 0.02),
                        self.place(-half * 0.5, y - 0.16),
                        self.place(0, y - 0.12),
                        self.place(half * 0.5, y - 0.16),
                        self.place(half * 1.15, y - 0.02),
                        self.place(0, y - 0.05),
                    ]
                ),
                colour,
            )
        if me.beard == "goatee":
            painter.fill(
                smooth(
                    [
                        self.place(-half * 0.62, y + 0.12),
                        self.place(half * 0.62, y + 0.12),
                        self.place(half * 0.46, me.chin_length),
                        self.place(0, me.chin_length + 0.1),
                        self.place(-half * 0.46, me.chin_length),
                    ]
                ),
                colour,
            )

    def draw_long_beard(self, painter: Painter) -> None:
        """The part of a long beard that falls over the chest; drawn after the body."""
        me = self.identity
        if me.beard != "long":
            return
        chin = me.chin_length
        painter.fill(
            smooth(
                [
                    (-me.jaw_width * 0.72, 0.68),
                    (me.jaw_width * 0.72, 0.68),
                    (0.42, chin + 0.38),
                    (0.05, chin + 0.78),
                    (-0.42, chin + 0.38),
                ]
            ),
            shade(self.hair, -0.05),
            outline=0.015,
        )
        with painter.clipped(self.outline()):
            self._beard(painter)
        self._mouth(painter)

    def _hair(self, painter: Painter) -> None:
        from creative_lab.illustrator.hair import draw_hair

        draw_hair(painter, self)

    def _hat(self, painter: Painter) -> None:
        from creative_lab.illustrator.hair import draw_hat

        draw_hat(painter, self)

    def _glasses(self, painter: Painter) -> None:
        me = self.identity
        radius = me.eye_size * 1.45
        left, right = self.place(-me.eye_spacing, me.eye_height), self.place(me.eye_spacing, me.eye_height)
        for x, y in (left, right):
            painter.stroke(ellipse(x, y + 0.02, radius, radius * 0.92), (40, 36, 44), 0.04)
        bridge = skia.Path()
        bridge.moveTo(left[0] + radius, left[1])
        bridge.quadTo((left[0] + right[0]) / 2, left[1] - 0.08, right[0] - radius, right[1])
        painter.stroke(bridge, (40, 36, 44), 0.04)

    def _landmarks(self, painter: Painter) -> Landmarks:
        me = self.identity
        half = me.mouth_width * self.face.widen * 0.62
        nose = self.place(0, me.eye_height + me.nose_length)
        outline = self.outline()
        outline.transform(painter.canvas.getTotalMatrix())
        face = outline.computeTightBounds()
        eyes = sorted(painter.point(*self.place(side * me.eye_spacing, me.eye_height)) for side in (-1, 1))
        mouth = sorted(painter.point(*self.place(side * half, me.mouth_height)) for side in (-1, 1))
        return Landmarks(
            left_eye=eyes[0],
            right_eye=eyes[1],
            nose=painter.point(nose[0] + math.sin(self._turn) * 0.13, nose[1]),
            mouth_left=mouth[0],
            mouth_right=mouth[1],
            box=(face.left(), face.top(), face.right(), face.bottom()),
        )
