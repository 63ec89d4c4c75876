"""Random descriptions by seed: what the miniature models are trained on. A seed always gives the same description."""

from __future__ import annotations

import numpy as np

from creative_lab.illustrator.backdrop import INDOORS, SETTINGS, TIMES, WEATHERS, Surroundings
from creative_lab.illustrator.expression import EXPRESSIONS
from creative_lab.illustrator.face import HATS
from creative_lab.illustrator.figure import Person
from creative_lab.illustrator.garments import CATEGORIES, PATTERNS, Garment
from creative_lab.illustrator.identity import Identity
from creative_lab.illustrator.look import Look
from creative_lab.illustrator.palette import CLOTH
from creative_lab.illustrator.pose import ACTIONS
from creative_lab.illustrator.props import ANIMALS, PROPS, Prop
from creative_lab.illustrator.scene import ANGLES, SHOTS, Scene

COLOURS = tuple(CLOTH)
_BY_LAYER = {
    layer: tuple(name for name, (where, _) in CATEGORIES.items() if where == layer)
    for layer in ("top", "bottom", "outer", "dress", "shoes", "accessory")
}
_ANIMAL_COLOURS = ("brown", "black", "grey", "white", "camel", "rust")


def _pick(rng: np.random.Generator, options: tuple[str, ...] | list[str]) -> str:
    return options[int(rng.integers(len(options)))]


def sample_garment(rng: np.random.Generator, layer: str, *, patterned: float = 0.35) -> Garment:
    """A random garment of ``layer``; ``patterned`` is the share that is not plain."""
    category = _pick(rng, _BY_LAYER[layer])
    pattern = _pick(rng, PATTERNS[1:]) if rng.random() < patterned and layer not in {"shoes", "accessory"} else "plain"
    return Garment(category, _pick(rng, CATEGORIES[category][1]), _pick(rng, COLOURS), pattern)


def sample_clothes(rng: np.random.Generator, *, outer: float = 0.25, accessory: float = 0.0) -> tuple[Garment, ...]:
    """A whole outfit: a dress or top and bottom, shoes, sometimes something over it."""
    if rng.random() < 0.25:
        pieces = [sample_garment(rng, "dress"), sample_garment(rng, "shoes")]
    else:
        pieces = [sample_garment(rng, "top"), sample_garment(rng, "bottom"), sample_garment(rng, "shoes")]
    if rng.random() < outer:
        pieces.append(sample_garment(rng, "outer"))
    if rng.random() < accessory:
        pieces.append(sample_garment(rng, "accessory"))
    return tuple(pieces)


def sample_person(rng: np.random.Generator, *, identity: Identity | None = None) -> Person:
    """Somebody with random clothes, action and expression."""
    hat = _pick(rng, HATS[1:]) if rng.random() < 0.35 else "none"
    return Person(
        identity=identity or Identity.from_seed(int(rng.integers(1_000_000))),
        garments=sample_clothes(rng),
        action=_pick(rng, tuple(ACTIONS)),
        expression=_pick(rng, tuple(EXPRESSIONS)),
        hat=hat,
        hat_colour=_pick(rng, COLOURS),
        mirrored=bool(rng.random() < 0.5),
    )


def sample_scene(
    seed: int, *, identity: Identity | None = None, people: int | None = None, shot: str | None = None
) -> Scene:
    """Scene number ``seed``; ``identity`` fixes the first person's face."""
    rng = np.random.default_rng([8_001, seed])
    shots = tuple(SHOTS)
    shot = shot or str(rng.choice(shots, p=[0.06, 0.16, 0.18, 0.22, 0.16, 0.16, 0.06]))
    count = people or int(rng.choice([1, 2, 3], p=[0.68, 0.24, 0.08]))
    if people is None and shot in {"extreme close-up", "close-up"}:
        count = 1  # a second face would be cut off by the picture's edge
    cast = tuple(sample_person(rng, identity=identity if index == 0 else None) for index in range(count))
    setting = _pick(rng, tuple(SETTINGS))
    weather = "clear" if setting in INDOORS or rng.random() < 0.5 else _pick(rng, WEATHERS[1:])
    props = []
    for _ in range(int(rng.choice([0, 1, 2], p=[0.45, 0.43, 0.12]))):
        name = _pick(rng, tuple(PROPS))
        props.append(Prop(name, _pick(rng, _ANIMAL_COLOURS if name in ANIMALS else COLOURS)))
    return Scene(
        people=cast,
        surroundings=Surroundings(setting, _pick(rng, TIMES), weather),
        props=tuple(props),
        shot=shot,
        angle=str(rng.choice(ANGLES, p=[0.67, 0.12, 0.13, 0.08])),
        seed=int(rng.integers(2**31)),
    )


def sample_look(seed: int) -> Look:
    """Look number ``seed``."""
    rng = np.random.default_rng([8_009, seed])
    models = tuple(
        Person(
            identity=Identity.from_seed(int(rng.integers(1_000_000))),
            garments=sample_clothes(rng, outer=0.45, accessory=0.5),
            action="standing" if rng.random() < 0.6 else "walking",
            expression=_pick(rng, ("neutral", "thoughtful", "happy")),
            hat=_pick(rng, HATS[1:5]) if rng.random() < 0.2 else "none",
            hat_colour=_pick(rng, COLOURS),
            mirrored=bool(rng.random() < 0.5),
        )
        for _ in range(3)
    )
    return Look((models[0], models[1], models[2]), seed=int(rng.integers(2**31)))
