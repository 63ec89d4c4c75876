"""AIR, Civitai's names of models: ``urn:air:{ecosystem}:lora:civitai:{modelId}@{versionId}``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from creative_lab.imaging.errors import ImagingError

if TYPE_CHECKING:
    from creative_lab.imaging.presets import Architecture

_AIR = re.compile(r"urn:air:(?P<ecosystem>[a-z0-9]{1,40}):lora:civitai:(?P<model>[0-9]{1,12})@(?P<version>[0-9]{1,12})")

_ECOSYSTEMS: dict[str, Architecture] = {
    "sd1": "sd15",
    "sdxl": "sdxl",
    "flux1": "flux1",
    "flux2": "flux2",
    "qwen": "qwen",
}


@dataclass(frozen=True)
class Air:
    """One version of a LoRA at Civitai."""

    ecosystem: str
    model_id: int
    version_id: int

    @property
    def architecture(self) -> Architecture | None:
        """The architecture the ecosystem stands for; None when it is unknown, which nobody may guess."""
        if self.ecosystem.startswith("zimage"):
            return "zimage"
        return _ECOSYSTEMS.get(self.ecosystem)


def parse_air(text: str) -> Air:
    """Read an AIR of a LoRA. Raises :class:`ImagingError` for anything else."""
    found = _AIR.fullmatch(text.strip()) if text.isascii() else None
    if not found:
        raise ImagingError(f"{text[:120]!r} is no AIR: expected urn:air:ECOSYSTEM:lora:civitai:MODEL@VERSION")
    return Air(found["ecosystem"], int(found["model"]), int(found["version"]))
