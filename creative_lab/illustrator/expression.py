"""What faces do: ten expressions as a few numbers each."""

from __future__ import annotations

from dataclasses import dataclass

from creative_lab.illustrator.painter import Point


@dataclass(frozen=True)
class Expression:
    """What the face does. Lengths in half head heights; ``open_eyes`` is a factor of the eye's height."""

    brow_lift: float = 0.0
    brow_turn: float = 0.0
    open_eyes: float = 1.0
    gaze: Point = (0.0, 0.0)
    smile: float = 0.0
    open_mouth: float = 0.0
    widen: float = 1.0
    teeth: bool = False
    blush: float = 0.0
    skew: float = 0.0


EXPRESSIONS: dict[str, Expression] = {
    "neutral": Expression(),
    "happy": Expression(brow_lift=0.02, smile=0.12, widen=1.18, blush=0.35, open_eyes=0.92),
    "laughing": Expression(
        brow_lift=0.05, open_eyes=0.12, smile=0.16, open_mouth=0.24, widen=1.3, teeth=True, blush=0.5
    ),
    "sad": Expression(brow_lift=0.03, brow_turn=-0.42, open_eyes=0.72, gaze=(0, 0.35), smile=-0.11, widen=0.88),
    "angry": Expression(
        brow_lift=-0.08, brow_turn=0.5, open_eyes=0.72, smile=-0.08, widen=0.95, open_mouth=0.05, teeth=True
    ),
    "surprised": Expression(brow_lift=0.13, open_eyes=1.38, open_mouth=0.26, widen=0.62),
    "afraid": Expression(
        brow_lift=0.10, brow_turn=-0.38, open_eyes=1.25, smile=-0.05, open_mouth=0.10, widen=1.05, teeth=True
    ),
    "thoughtful": Expression(brow_lift=0.04, brow_turn=0.08, open_eyes=0.85, gaze=(0.5, -0.55), widen=0.72, skew=0.06),
    "disgusted": Expression(brow_lift=-0.05, brow_turn=0.26, open_eyes=0.52, smile=-0.10, widen=0.85, skew=-0.08),
    "asleep": Expression(open_eyes=0.0, smile=0.02, widen=0.85),
}
