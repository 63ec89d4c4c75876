"""Line art by the illustrator: how the wireframe method draws where the picture model knows no lines.

The illustrator draws the scene that the words describe, as black lines on white, in milliseconds. It is no diffusion
model, and rows say so: their model is ``embedded/illustrator``.
"""

from __future__ import annotations

import datetime
import hashlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from creative_lab.storyboards.cinematographer import WorldScene

if TYPE_CHECKING:
    from creative_lab.imaging.generation import Generation
    from creative_lab.imaging.parameters import PictureRequest

MODEL = "embedded/illustrator"
WIDTH, HEIGHT = 640, 360


class LineArtStudio:
    """Draws one scene in lines; variations differ in what the seed decides: places, sides, clothes."""

    def __init__(self, world: WorldScene, *, who: str, identity: dict[str, Any] | None = None) -> None:
        self.world = world
        self.who = who
        self.identity = identity

    def generate(self, request: PictureRequest, *, cancelled: Callable[[], bool] | None = None) -> Generation:
        """All pictures of a request. Raises :class:`Cancelled` between pictures."""
        from PIL import Image

        from creative_lab.illustrator.scene import draw_scene
        from creative_lab.imaging.errors import Cancelled
        from creative_lab.imaging.generation import Generation, Picture
        from creative_lab.imaging.recipe import Recipe

        width = WIDTH if request.overrides.width is None else request.overrides.width
        height = HEIGHT if request.overrides.height is None else request.overrides.height
        began = time.perf_counter()
        pictures: list[Picture] = []
        for seed in request.seeds or (0,):
            if cancelled and cancelled():
                raise Cancelled(f"cancelled after {len(pictures)} pictures")
            if self.world.people or self.world.with_subject:
                pixels = draw_scene(self._scene(seed), width, height, style="line art").pixels
            else:
                pixels = self._empty(seed, width, height)
            recipe = Recipe(
                prompt=request.prompt,
                drawn_prompt=request.prompt,
                negative_prompt=request.negative_prompt,
                model=MODEL,
                width=width,
                height=height,
                seed=seed,
                backend="miniature",
                drawn_at=datetime.datetime.now(datetime.UTC),
            )
            pictures.append(Picture(Image.fromarray(pixels), seed, recipe))
        return Generation(
            pictures=pictures,
            model=MODEL,
            model_sha256=None,
            backend="miniature",
            batches=[1] * len(pictures),
            notes=["line art by the illustrator: the picture model of this profile draws no lines"],
            wall_s=time.perf_counter() - began,
            cost_usd=0.0,
        )

    def _empty(self, seed: int, width: int, height: int) -> Any:
        """The place alone, with its things on the ground: nobody is in this scene."""
        from creative_lab.illustrator.backdrop import Surroundings, draw_air, draw_backdrop
        from creative_lab.illustrator.painter import Painter
        from creative_lab.illustrator.props import Prop, draw_prop

        where = Surroundings(self.world.setting, self.world.time, self.world.weather)
        painter = Painter(width, height, line_art=True, masks=False)
        with painter.moved(scale=height):
            draw_backdrop(painter, where, aspect=width / height, seed=seed)
            for number, phrase in enumerate(self.world.things):
                with painter.moved(x=width / height * (0.36 + 0.3 * number), y=0.88, scale=0.45):
                    draw_prop(painter, _prop(phrase, Prop))
            draw_air(painter, where, aspect=width / height, seed=seed)
        return painter.rgb()

    def _scene(self, seed: int) -> Any:
        import numpy as np

        from creative_lab.illustrator.backdrop import Surroundings
        from creative_lab.illustrator.figure import Person
        from creative_lab.illustrator.identity import Identity
        from creative_lab.illustrator.props import Prop
        from creative_lab.illustrator.sample import sample_clothes
        from creative_lab.illustrator.scene import Scene

        world, dice = self.world, np.random.default_rng([4_441, seed])
        lead_face = Identity(**self.identity) if self.identity else Identity.from_seed(_number(self.who))
        people = min(3, max(1, world.people))
        cast = []
        for index in range(people):
            lead = index == 0 and world.with_subject
            # Clothes follow the person, not the seed: somebody wears the same in every frame.
            clothes = np.random.default_rng([4_447, _number(self.who) if lead else index])
            cast.append(
                Person(
                    identity=lead_face if lead else Identity.from_seed(10_000 + index),
                    garments=sample_clothes(clothes),
                    action=world.action if index == 0 else "standing",
                    expression="neutral" if world.expression == "calm" or index else world.expression,
                    mirrored=bool(dice.random() < 0.5),
                )
            )
        return Scene(
            people=tuple(cast),
            surroundings=Surroundings(world.setting, world.time, world.weather),
            props=tuple(_prop(phrase, Prop) for phrase in world.things),
            shot=world.shot,
            angle=world.angle or "eye level",
            seed=seed,
        )


def _prop(phrase: str, prop: Any) -> Any:
    colour, _, name = phrase.rpartition(" ")
    return prop(name, colour) if colour else prop(name)


def _number(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest()[:6], 16)
