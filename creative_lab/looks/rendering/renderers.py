"""Who draws a look: the world itself, a diffusion model of this machine, or a hosted model; one interface for all."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from creative_lab.looks.negatives import merged
from creative_lab.looks.rendering.drawn import PROVIDER, Light, draw

if TYPE_CHECKING:
    from creative_lab.imaging.generation import Generation, PictureStudio
    from creative_lab.imaging.hosted import HostedStudio
    from creative_lab.imaging.parameters import PictureRequest
    from creative_lab.settings import Settings

WIDTH, HEIGHT = 1280, 720
"""Size that is asked for, 16:9; models that cannot draw it draw the nearest that they can."""


@dataclass(frozen=True)
class Order:
    """One look to be drawn."""

    look_id: str
    outfits: tuple[Mapping[str, Any], ...]
    prompt: str
    avoid_suffix: str
    negative_phrases: tuple[str, ...]
    seed: int


@dataclass(frozen=True)
class Rendered:
    """A drawn look: the encoded picture, how it was made, and the truth where it is known (PNG, else None)."""

    data: bytes
    seed: int | None
    recipe: str
    """JSON."""
    cost_usd: float | None
    truth: bytes | None = None
    notes: tuple[str, ...] = ()


class Renderer(Protocol):
    """Draws looks one by one."""

    model: str
    """Slug or id of the model."""
    name: str
    """How it draws: illustrator, diffusers, or the provider of a hosted model."""

    def render(self, order: Order) -> Rendered:
        """Draw one look. Raises an error of the imaging room, or ValueError, when it cannot be drawn."""


class IllustratorRenderer:
    """The drawn world, from the manifest; it knows the truth about its pictures and costs nothing."""

    model = PROVIDER
    name = "illustrator"

    def __init__(self, *, width: int = WIDTH, height: int = HEIGHT, light: Light | None = None) -> None:
        self.width, self.height, self.light = width, height, light or Light()

    def render(self, order: Order) -> Rendered:
        """See :class:`Renderer`; the same order always gives the same bytes."""
        from PIL import Image
        from PIL.PngImagePlugin import PngInfo

        drawn = draw(order.outfits, order.seed, width=self.width, height=self.height, light=self.light)
        recipe = json.dumps(
            {
                "renderer": self.name,
                "model": self.model,
                "look_id": order.look_id,
                "seed": order.seed,
                "width": self.width,
                "height": self.height,
                "light": vars(self.light),
                "outfits": list(order.outfits),
            },
            ensure_ascii=False,
            sort_keys=True,
        )
        info = PngInfo()
        info.add_itxt("creative_lab_look", recipe)
        out = io.BytesIO()
        Image.fromarray(drawn.pixels).save(out, "PNG", pnginfo=info, compress_level=4)
        return Rendered(out.getvalue(), order.seed, recipe, 0.0, drawn.truth.png())


class ModelRenderer:
    """A model of the catalogue, on this machine or behind an API."""

    def __init__(self, studio: PictureStudio | HostedStudio, model: str, name: str) -> None:
        self.studio, self.model, self.name = studio, model, name

    def render(self, order: Order) -> Rendered:
        """See :class:`Renderer`."""
        from creative_lab.imaging.recipe import finished_png, recipe_json, secrets_of

        settings = self.studio.settings
        drawn: Generation = self.studio.generate(self._request(order))
        picture = drawn.pictures[0]
        data = finished_png(picture.image, picture.recipe, settings)
        recipe = recipe_json(picture.recipe, secrets=secrets_of(settings))
        # A model on this machine sends no bill.
        cost = drawn.cost_usd if self.studio.catalogue.is_hosted(self.model) else 0.0
        return Rendered(data, picture.seed, recipe, cost, None, tuple(drawn.notes))

    def _request(self, order: Order) -> PictureRequest:
        from creative_lab.imaging.parameters import PictureRequest
        from creative_lab.imaging.presets import Overrides

        catalogue = self.studio.catalogue
        if catalogue.is_hosted(self.model):
            negative = catalogue.hosted(self.model).supports_negative_prompt
        else:
            negative = catalogue.model(self.model).supports_negative_prompt
        # A model without a field of its own for it is told in the prompt what to leave out.
        prompt = order.prompt if negative else merged(order.prompt, order.avoid_suffix)
        return PictureRequest(
            self.model,
            prompt,
            negative_prompt=", ".join(order.negative_phrases) or None if negative else None,
            seed=order.seed,
            overrides=Overrides(width=WIDTH, height=HEIGHT),
        )


def renderer_for(settings: Settings, model: str | None = None) -> Renderer:
    """The renderer of an installation: ``model`` (Control setting), else what the profile draws pictures with.

    In the miniature profile the world draws unless a model is named. Raises
    :class:`~creative_lab.imaging.errors.ImagingError` for an unknown model.
    """
    if model == PROVIDER or (model is None and settings.profile == "miniature"):
        return IllustratorRenderer()
    from creative_lab.imaging.catalogue import Catalogue
    from creative_lab.imaging.errors import ImagingError

    catalogue = Catalogue.load(settings)
    slug = model or catalogue.presets.roles[settings.profile].get("picture")
    if slug is None:
        raise ImagingError(
            f"no model draws pictures in the profile {settings.profile}: name one in the Control settings"
        )
    if catalogue.is_hosted(slug):
        from creative_lab.imaging.hosted import HostedStudio

        return ModelRenderer(HostedStudio(catalogue), slug, catalogue.hosted(slug).provider)
    from creative_lab.imaging.generation import PictureStudio

    catalogue.model(slug)
    return ModelRenderer(PictureStudio(settings, catalogue=catalogue), slug, "diffusers")
