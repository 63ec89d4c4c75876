"""Drawing with a real vector rasteriser (Skia), in colour or as black-and-white line art, with a mask per part.

Everything is drawn twice when masks are asked for: with anti-aliasing into the picture, and without into an *index
picture* that holds the number of the part on top, so that masks follow occlusion exactly.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import skia

Colour = tuple[int, int, int]
Point = tuple[float, float]

LINE_INK: Colour = (26, 26, 30)
PAPER: Colour = (255, 255, 255)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """``first`` with ``share`` (0–1) of ``second`` in it, in linear light so that mixes don't go muddy."""
    share = min(1.0, max(0.0, share))
    return tuple(
        round((((a / 255) ** 2.2) * (1 - share) + ((b / 255) ** 2.2) * share) ** (1 / 2.2) * 255)
        for a, b in zip(first, second, strict=True)
    )


def shade(colour: Colour, amount: float) -> Colour:
    """``colour`` darker (negative ``amount``) or lighter (positive), shadows leaning to blue and lights to cream."""
    return mix(colour, (255, 246, 226), amount) if amount > 0 else mix(colour, (24, 22, 54), -amount)


def _argb(colour: Colour, alpha: float = 1.0) -> int:
    return int(skia.ColorSetARGB(round(alpha * 255), *colour))


def _clockwise(points: Sequence[Point]) -> list[Point]:
    """``points`` in one common direction, so that overlapping shapes of one path add up instead of cutting holes."""
    area = sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(points, [*points[1:], points[0]], strict=True))
    return list(points) if area >= 0 else list(reversed(points))


def smooth(points: Sequence[Point], *, closed: bool = True, tension: float = 0.5) -> skia.Path:
    """A path through ``points`` as a Catmull–Rom spline (Catmull and Rom 1974) in Bézier form."""
    path = skia.Path()
    if closed:
        points = _clockwise(points)
    count = len(points)
    path.moveTo(*points[0])
    for index in range(count if closed else count - 1):
        before = points[(index - 1) % count] if closed or index > 0 else points[0]
        start, end = points[index], points[(index + 1) % count]
        after = points[(index + 2) % count] if closed or index + 2 < count else end
        k = tension / 3 * 2
        path.cubicTo(
            start[0] + (end[0] - before[0]) * k / 2,
            start[1] + (end[1] - before[1]) * k / 2,
            end[0] - (after[0] - start[0]) * k / 2,
            end[1] - (after[1] - start[1]) * k / 2,
            *end,
        )
    if closed:
        path.close()
    return path


def polygon(points: Sequence[Point]) -> skia.Path:
    """A closed path with straight sides."""
    path = skia.Path()
    path.addPoly([skia.Point(*point) for point in _clockwise(points)], True)
    return path


def limb(points: Sequence[Point], widths: Sequence[float]) -> skia.Path:
    """A tapered tube along ``points``; ``widths`` are its full widths at each of them. Ends and joints are round."""
    path = skia.Path()
    for index, ((x, y), width) in enumerate(zip(points, widths, strict=True)):
        path.addCircle(x, y, width / 2)
        if index == 0:
            continue
        x0, y0 = points[index - 1]
        length = math.hypot(x - x0, y - y0) or 1e-6
        nx, ny = -(y - y0) / length, (x - x0) / length
        a, b = widths[index - 1] / 2, width / 2
        sides = [
            (x0 - nx * a, y0 - ny * a),
            (x - nx * b, y - ny * b),
            (x + nx * b, y + ny * b),
            (x0 + nx * a, y0 + ny * a),
        ]
        path.addPoly([skia.Point(*point) for point in _clockwise(sides)], True)
    return path


def joined(*paths: skia.Path) -> skia.Path:
    """Several overlapping shapes as one: filled and outlined as their union (the line is drawn below the fill)."""
    path = skia.Path()
    for part in paths:
        path.addPath(part)
    return path


def ellipse(x: float, y: float, rx: float, ry: float) -> skia.Path:
    """An upright ellipse around (x, y)."""
    path = skia.Path()
    path.addOval(skia.Rect.MakeLTRB(x - rx, y - ry, x + rx, y + ry))
    return path


def box(left: float, top: float, right: float, bottom: float, radius: float = 0.0) -> skia.Path:
    """A rectangle, with round corners when ``radius`` is given."""
    path = skia.Path()
    path.addRoundRect(skia.Rect.MakeLTRB(left, top, right, bottom), radius, radius)
    return path


class Painter:
    """A canvas of ``width`` × ``height`` pixels that remembers which part is on top of every pixel."""

    def __init__(self, width: int, height: int, *, line_art: bool = False, masks: bool = False) -> None:
        self.width, self.height, self.line_art = width, height, line_art
        self.pixels = np.zeros((height, width, 4), np.uint8)
        self._surface = skia.Surface(self.pixels, colorType=skia.kRGBA_8888_ColorType)
        self.canvas = self._surface.getCanvas()
        self.canvas.clear(_argb(PAPER))
        self.index = np.zeros((height, width, 4), np.uint8) if masks else None
        self._index_canvas = None
        if self.index is not None:
            self._index_surface = skia.Surface(self.index, colorType=skia.kRGBA_8888_ColorType)
            self._index_canvas = self._index_surface.getCanvas()
            self._index_canvas.clear(skia.ColorBLACK)
        self._blur = 0.0
        self._part: int | None = None

    @contextmanager
    def moved(
        self, *, x: float = 0, y: float = 0, scale: float = 1, turn: float = 0, flip: bool = False
    ) -> Iterator[None]:
        """Draw in a frame whose origin is at (x, y), ``scale`` times as large, turned by ``turn`` degrees."""
        canvases = [canvas for canvas in (self.canvas, self._index_canvas) if canvas is not None]
        for canvas in canvases:
            canvas.save()
            canvas.translate(x, y)
            canvas.rotate(turn)
            canvas.scale(-scale if flip else scale, scale)
        try:
            yield
        finally:
            for canvas in canvases:
                canvas.restore()

    @contextmanager
    def clipped(self, path: skia.Path) -> Iterator[None]:
        """Draw only inside ``path``."""
        canvases = [canvas for canvas in (self.canvas, self._index_canvas) if canvas is not None]
        for canvas in canvases:
            canvas.save()
            canvas.clipPath(path, doAntiAlias=canvas is self.canvas)
        try:
            yield
        finally:
            for canvas in canvases:
                canvas.restore()

    @contextmanager
    def softened(self, radius: float) -> Iterator[None]:
        """Everything drawn inside is blurred by ``radius`` pixels (a lens out of focus)."""
        if radius < 0.3 or self.line_art:
            yield
            return
        paint = skia.Paint(ImageFilter=skia.ImageFilters.Blur(radius, radius, skia.TileMode.kClamp))
        self.canvas.saveLayer(None, paint)
        try:
            yield
        finally:
            self.canvas.restore()

    @contextmanager
    def as_part(self, part: int) -> Iterator[None]:
        """Everything filled inside counts as ``part`` in the index picture, whatever its own number says."""
        before, self._part = self._part, part or self._part
        try:
            yield
        finally:
            self._part = before

    def part_pixels(self, part: int) -> int:
        """How many pixels show ``part`` so far; 0 when the painter was made without masks."""
        return 0 if self.index is None else int((self.index[..., 0] == part).sum())

    def point(self, x: float, y: float) -> Point:
        """Where (x, y) of the current frame lies in pixels."""
        mapped = self.canvas.getTotalMatrix().mapXY(x, y)
        return float(mapped.x()), float(mapped.y())

    def fill(
        self,
        path: skia.Path,
        colour: Colour,
        *,
        part: int = 0,
        alpha: float = 1.0,
        to: Colour | None = None,
        axis: tuple[Point, Point] | None = None,
        outline: float = 0.0,
        detail: bool = False,
    ) -> None:
        """Fill ``path``, with ``to`` and ``axis`` in a gradient; ``outline`` is the width of its ink line.

        Line art fills with paper and always draws the outline, except for a ``detail`` (a light or a shadow), which
        it leaves out.
        """
        part = part if self._part is None else self._part
        if self._index_canvas is not None and not detail and alpha > 0.5:
            self._index_canvas.drawPath(path, skia.Paint(AntiAlias=False, Color=skia.ColorSetRGB(part, 0, 0)))
        if self.line_art:
            if detail:
                return
            self.stroke(path, LINE_INK, outline * 2)
            self.canvas.drawPath(path, skia.Paint(AntiAlias=True, Color=_argb(PAPER)))
            return
        paint = skia.Paint(AntiAlias=True, Color=_argb(colour, alpha))
        if to is not None and axis is not None:
            paint.setShader(
                skia.GradientShader.MakeLinear(
                    points=[skia.Point(*axis[0]), skia.Point(*axis[1])], colors=[_argb(colour, alpha), _argb(to, alpha)]
                )
            )
        if outline > 0:
            self.stroke(path, shade(colour, -0.55), outline * 2)
        self.canvas.drawPath(path, paint)

    def glow(self, x: float, y: float, radius: float, colour: Colour, alpha: float = 0.6) -> None:
        """A round light that fades to nothing at ``radius``."""
        if self.line_art:
            return
        paint = skia.Paint(AntiAlias=True)
        paint.setShader(
            skia.GradientShader.MakeRadial(
                center=skia.Point(x, y), radius=radius, colors=[_argb(colour, alpha), _argb(colour, 0.0)]
            )
        )
        self.canvas.drawCircle(x, y, radius, paint)

    def stroke(self, path: skia.Path, colour: Colour, width: float, *, alpha: float = 1.0) -> None:
        """Draw the line of ``path``, ``width`` wide in the current frame (never thinner than a hair in line art)."""
        scale = self.canvas.getTotalMatrix().getScaleX() or self.canvas.getTotalMatrix().getSkewX() or 1.0
        if self.line_art:
            colour, alpha = LINE_INK, 1.0
            width = max(width, 1.8 * max(1.0, self.height / 240) / abs(scale))
        self.canvas.drawPath(
            path,
            skia.Paint(
                AntiAlias=True,
                Color=_argb(colour, alpha),
                Style=skia.Paint.kStroke_Style,
                StrokeWidth=width,
                StrokeCap=skia.Paint.kRound_Cap,
                StrokeJoin=skia.Paint.kRound_Join,
            ),
        )

    def tint(self, colour: Colour, alpha: float) -> None:
        """Lay a transparent colour over everything drawn so far (evening, fog)."""
        if not self.line_art and alpha > 0:
            self.canvas.drawPaint(skia.Paint(Color=_argb(colour, alpha), BlendMode=skia.BlendMode.kMultiply))

    def rgb(self) -> np.ndarray:
        """The picture as uint8 (height, width, 3)."""
        return self.pixels[..., :3].copy()

    def part_mask(self, part: int) -> np.ndarray:
        """Where ``part`` is on top, as bool (height, width). Raises when the painter was made without masks."""
        if self.index is None:
            raise ValueError("this picture was drawn without masks")
        return self.index[..., 0] == part
