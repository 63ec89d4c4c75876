"""The family of a preset, by the name of its pipeline."""

from __future__ import annotations

from creative_lab.imaging.devices import Device
from creative_lab.imaging.errors import ImagingError
from creative_lab.imaging.pipelines.base import Family, Located
from creative_lab.imaging.pipelines.clip_families import (
    Sd15ControlNetFamily,
    Sd15Family,
    SdxlControlNetFamily,
    SdxlFamily,
)
from creative_lab.imaging.pipelines.transformer_families import FluxFamily, QwenImageFamily, ZImageFamily

FAMILIES: dict[str, type[Family]] = {
    "AutoPipelineForText2Image": SdxlFamily,
    "FluxPipeline": FluxFamily,
    "QwenImagePipeline": QwenImageFamily,
    "StableDiffusionPipeline": Sd15Family,
    "StableDiffusionXLPipeline": SdxlFamily,
    "ZImagePipeline": ZImageFamily,
}
"""Adding a family: its class, a line here, a preset."""

CONTROLLED: dict[str, type[Family]] = {"sdxl": SdxlControlNetFamily, "sd15": Sd15ControlNetFamily}
"""The family that follows a control picture, by architecture."""


def family_for(located: Located) -> type[Family]:
    """The class that loads and draws with this model. Raises :class:`ImagingError` for what nobody wrote yet."""
    preset = located.preset
    table, key = (CONTROLLED, str(preset.base_architecture)) if located.controlnet else (FAMILIES, preset.pipeline)
    if key not in table:
        raise ImagingError(
            f"{preset.slug}: there is no family for {key}{' with ControlNet' * bool(located.controlnet)}"
        )
    for adapter in (located.controlnet, located.ip_adapter):
        if adapter and adapter[0].base_architecture != preset.base_architecture:
            raise ImagingError(
                f"{adapter[0].slug} is made for {adapter[0].base_architecture}, "
                f"{preset.slug} is {preset.base_architecture}"
            )
    return table[key]


def load(located: Located, device: Device) -> Family:
    """Load a model and whatever hangs on it."""
    family = family_for(located)(located, device)
    family.load()
    return family
