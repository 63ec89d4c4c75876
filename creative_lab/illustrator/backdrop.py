"""Where a scene happens: 15 settings, five times of day, five kinds of weather.

A backdrop fills a frame that is ``aspect`` wide and 1 high, with the origin at the top left and the ground line at
``HORIZON``. Details are placed by a seeded generator, so a setting has the same furniture for the same seed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from creative_lab.illustrator.painter import Colour, Painter, mix
from creative_lab.illustrator.places import SETTINGS
from creative_lab.illustrator.stage import HORIZON, Stage, weather

TIMES = ("dawn", "morning", "noon", "evening", "night")
WEATHERS = ("clear", "cloudy", "rain", "snow", "fog")

_LIGHT: dict[str, tuple[Colour, float]] = {
    "dawn": ((255, 214, 196), 0.30),
    "morning": ((255, 250, 240), 0.0),
    "noon": ((255, 255, 255), 0.0),
    "evening": ((255, 190, 140), 0.42),
    "night": ((92, 104, 178), 0.62),
}


@dataclass(frozen=True)
class Surroundings:
    """Setting, time and weather of a scene."""

    setting: str
    time: str = "noon"
    weather: str = "clear"

    def __post_init__(self) -> None:
        for value, known, name in (
            (self.setting, tuple(SETTINGS), "setting"),
            (self.time, TIMES, "time of day"),
            (self.weather, WEATHERS, "weather"),
        ):
            if value not in known:
                raise ValueError(f"unknown {name} {value!r}; known: {', '.join(known)}")

    @property
    def indoors(self) -> bool:
        """Whether weather shows only behind a window."""
        return self.setting in INDOORS


INDOORS = frozenset({"kitchen", "living room", "office", "classroom", "workshop", "library"})


def draw_backdrop(painter: Painter, where: Surroundings, *, aspect: float, seed: int) -> None:
    """Draw the setting into the current frame (``aspect`` × 1)."""
    stage = Stage(painter, aspect, np.random.default_rng([5_003, seed]), where)
    SETTINGS[where.setting](stage)


def draw_air(painter: Painter, where: Surroundings, *, aspect: float, seed: int) -> None:
    """Rain, snow, fog and the colour of the light, over everything else in the current frame."""
    if not where.indoors:
        weather(painter, where, 0.0, 0.0, aspect, 1.0, np.random.default_rng([5_009, seed]))
    colour, strength = _LIGHT[where.time]
    painter.tint(mix((255, 255, 255), colour, strength * (0.55 if where.indoors else 1.0)), 1.0 if strength else 0.0)


__all__ = ["HORIZON", "INDOORS", "SETTINGS", "TIMES", "WEATHERS", "Surroundings", "draw_air", "draw_backdrop"]
