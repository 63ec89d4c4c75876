"""Who a drawn person is: a vector of face geometry, so that thousands of people are told apart by the face alone.

Clothes are not part of an identity: the same person may wear anything. Hair, beard, skin and age are.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields, replace

import numpy as np

HAIR_STYLES = ("bald", "cropped", "short", "side parting", "curly", "bob", "long", "bun", "ponytail", "afro")
BEARDS = ("none", "stubble", "moustache", "goatee", "full", "long")
HAIR_COLOURS = ("black", "dark brown", "brown", "red", "blond", "grey", "white")

_RANGES: dict[str, tuple[float, float]] = {
    "head_width": (0.74, 0.94),
    "jaw_width": (0.46, 0.80),
    "chin_length": (0.90, 1.22),
    "cheek": (0.0, 1.0),
    "forehead": (0.88, 1.12),
    "eye_spacing": (0.31, 0.42),
    "eye_size": (0.155, 0.225),
    "eye_height": (-0.08, 0.12),
    "eye_tilt": (-0.22, 0.22),
    "eye_shape": (0.62, 1.08),
    "iris": (0.0, 1.0),
    "brow_thickness": (0.045, 0.125),
    "brow_height": (0.24, 0.36),
    "brow_arch": (-0.05, 0.12),
    "nose_length": (0.26, 0.50),
    "nose_width": (0.15, 0.36),
    "nose_bridge": (0.0, 1.0),
    "mouth_width": (0.34, 0.58),
    "mouth_height": (0.52, 0.66),
    "lip": (0.02, 0.11),
    "ear_size": (0.12, 0.28),
}
"""Geometry in units of half the head's height; the face looks ahead and its centre is the origin."""


@dataclass(frozen=True)
class Identity:
    """A person's face. Lengths are in units of half the head's height (see ``_RANGES``), shares are 0–1."""

    head_width: float
    jaw_width: float
    chin_length: float
    cheek: float
    forehead: float
    eye_spacing: float
    eye_size: float
    eye_height: float
    eye_tilt: float
    eye_shape: float
    iris: float
    brow_thickness: float
    brow_height: float
    brow_arch: float
    nose_length: float
    nose_width: float
    nose_bridge: float
    mouth_width: float
    mouth_height: float
    lip: float
    ear_size: float
    skin: int
    hair_style: str
    hair_colour: str
    beard: str
    age: float
    freckles: bool
    glasses: bool
    build: float

    @classmethod
    def from_seed(cls, seed: int) -> Identity:
        """Person number ``seed``; the same number is always the same person."""
        rng = np.random.default_rng([7_001, seed])
        geometry = {name: float(rng.uniform(low, high)) for name, (low, high) in _RANGES.items()}
        age = float(rng.beta(1.6, 2.0))
        greying = rng.random() < max(0.0, (age - 0.55) * 2.2)
        skin = int(rng.integers(0, 8))
        # Fair hair is common on fair skin and rare on dark skin, as among people.
        weights = np.array([1.0, 1.0, 1.0, 0.8, 1.0]) if skin < 3 else np.array([3.0, 2.0, 1.0, 0.25, 0.15])
        natural = str(rng.choice(HAIR_COLOURS[:5], p=weights / weights.sum()))
        hair_colour = str(rng.choice(HAIR_COLOURS[5:])) if greying else natural
        bearded = rng.random() < 0.34
        style = str(rng.choice(HAIR_STYLES[:6] if bearded else HAIR_STYLES))
        return cls(
            **geometry,
            skin=skin,
            hair_style=style,
            hair_colour=hair_colour,
            beard=str(rng.choice(BEARDS[1:])) if bearded else "none",
            age=age,
            freckles=bool(rng.random() < 0.12),
            glasses=bool(rng.random() < 0.14),
            build=float(rng.uniform(0.86, 1.2)),
        )

    def vector(self) -> np.ndarray:
        """The identity as float32 numbers in 0–1 (categories one-hot), for distances between people."""
        numbers = [(getattr(self, name) - low) / (high - low) for name, (low, high) in _RANGES.items()]
        numbers += [self.skin / 7, self.age, float(self.freckles), float(self.glasses), (self.build - 0.86) / 0.34]
        for value, options in (
            (self.hair_style, HAIR_STYLES),
            (self.hair_colour, HAIR_COLOURS),
            (self.beard, BEARDS),
        ):
            numbers += [float(value == option) for option in options]
        return np.asarray(numbers, np.float32)

    def variant(self, **changes: object) -> Identity:
        """The same person with some features changed (a haircut, a beard); unknown names raise ``TypeError``."""
        return replace(self, **changes)  # type: ignore[arg-type]

    @property
    def identity_id(self) -> str:
        """A short name made from all features: equal for equal faces."""
        import hashlib

        text = "|".join(f"{value:.4f}" if isinstance(value, float) else str(value) for value in astuple(self))
        return "p" + hashlib.sha256(text.encode()).hexdigest()[:11]


GEOMETRY = tuple(field.name for field in fields(Identity) if field.name in _RANGES)
"""Names of the face's measures, in the order of the vector."""
