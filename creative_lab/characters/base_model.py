"""The diffusion model that a character is trained for: which one, why not, and how it is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from creative_lab.characters.errors import CharacterError
from creative_lab.characters.recipe import MINIATURE, STANDARD, TrainingRecipe
from creative_lab.imaging import devices
from creative_lab.imaging.catalogue import Catalogue
from creative_lab.imaging.presets import ModelPreset

if TYPE_CHECKING:
    from creative_lab.settings import Settings


@dataclass
class BaseModel:
    """A loaded model."""

    slug: str
    sha256: str | None
    preset: ModelPreset
    device: devices.Device
    pipeline: Any


def choose(settings: Settings, slug: str | None = None) -> ModelPreset:
    """The model to train for: ``slug``, else the one that fills the role picture.

    Raises :class:`CharacterError` for a hosted model, which cannot be trained here, and for one that is not SDXL.
    """
    catalogue = Catalogue.load(settings)
    chosen = slug or catalogue.role("picture")
    if chosen is None:
        raise CharacterError(f"the profile {settings.profile} names no model for pictures; name one (base_model)")
    if catalogue.is_hosted(chosen):
        raise CharacterError(
            f"{chosen} is a hosted model: training needs a local model. Name one (base_model: sdxl_base), or use the "
            "profile studio or miniature"
        )
    preset = catalogue.model(chosen)
    if preset.base_architecture != "sdxl":
        raise CharacterError(f"{chosen} is {preset.base_architecture}: LoRAs of characters are trained for SDXL models")
    return preset


def standard_recipe(preset: ModelPreset) -> TrainingRecipe:
    """The settings to begin from for a model."""
    return MINIATURE if preset.miniature else STANDARD


@contextmanager
def loaded(settings: Settings, preset: ModelPreset) -> Iterator[BaseModel]:
    """The model with its weights, given back at the end. Raises an error of ``weights`` when it is not here."""
    from creative_lab.imaging.pipelines.base import Located
    from creative_lab.imaging.pipelines.factory import load

    device = devices.choose_device(settings)
    family = load(Located(preset, Catalogue.load(settings).located(preset)), device)
    try:
        if family.placement != "resident":
            raise CharacterError(
                f"{preset.slug} does not fit as a whole into the memory of this machine's {device}; training needs that"
            )
        # Latents are exact only in float32: SDXL's autoencoder overflows in float16.
        family.pipeline.vae.float()
        digest = family.verified.digest if family.verified else None
        yield BaseModel(preset.slug, digest, preset, device, family.pipeline)
    finally:
        family.unload()
