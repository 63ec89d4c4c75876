"""The model catalogue: reads ``data/presets.json``, finds entries by slug and role, and says where weights are."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import ValidationError

from creative_lab.imaging.errors import ImagingError
from creative_lab.imaging.presets import (
    ControlNetPreset,
    HostedModel,
    IpAdapterPreset,
    LoraPreset,
    ModelPreset,
    Presets,
)
from creative_lab.settings import Settings
from creative_lab.weights.entries import Weights
from creative_lab.weights.measuring import MeasuringPreset
from creative_lab.weights.places import PlaceState, bytes_here, located, place_of, state_of

AnyWeights = ModelPreset | ControlNetPreset | IpAdapterPreset | MeasuringPreset
Entry = TypeVar("Entry")
State = PlaceState | Literal["hosted", "switched off"]


@dataclass(frozen=True)
class Listed:
    """One line of ``models list``."""

    slug: str
    label: str
    kind: Literal["model", "hosted", "controlnet", "ip-adapter", "lora", "measuring"]
    architecture: str | None
    state: State
    licence: str
    commercial: bool | None
    size_bytes: int | None
    vram_mb: int | None
    roles: tuple[str, ...]


class Catalogue:
    """The validated catalogue of an installation."""

    def __init__(self, presets: Presets, settings: Settings) -> None:
        self.presets = presets
        self.settings = settings

    @classmethod
    def load(cls, settings: Settings) -> Catalogue:
        """Read DATA_DIR/presets.json. Raises :class:`ImagingError` naming file and field."""
        return cls(_read(settings.data_dir / "presets.json"), settings)

    def model(self, slug: str) -> ModelPreset:
        """The diffusion model ``slug``; inactive ones are refused."""
        found = _find(self.presets.models, slug, "diffusion model")
        if not found.is_active:
            raise ImagingError(f"the model {slug} is switched off in presets.json ({found.notes or 'no reason given'})")
        return found

    def hosted(self, slug: str) -> HostedModel:
        """The hosted model ``slug``."""
        return _find(self.presets.hosted, slug, "hosted model")

    def is_hosted(self, slug: str) -> bool:
        """Whether ``slug`` is a model behind an API."""
        return any(entry.slug == slug for entry in self.presets.hosted)

    def controlnet(self, slug: str) -> ControlNetPreset:
        """The ControlNet ``slug``."""
        return _find(self.presets.controlnets, slug, "ControlNet")

    def ip_adapter(self, slug: str) -> IpAdapterPreset:
        """The IP-Adapter ``slug``."""
        return _find(self.presets.ip_adapters, slug, "IP-Adapter")

    def lora(self, slug: str) -> LoraPreset:
        """The LoRA ``slug``."""
        return _find(self.presets.loras, slug, "LoRA")

    def loras_for(self, model: ModelPreset, theme: str | None = None) -> list[LoraPreset]:
        """The LoRAs that fit ``model``, of one theme where given; none for qwen."""
        return [
            lora
            for lora in self.presets.loras
            if lora.is_active
            and lora.base_architecture == model.base_architecture
            and (theme is None or lora.theme == theme)
        ]

    def role(self, role: str, profile: str | None = None) -> str | None:
        """Slug of the model that fills ``role`` (picture, clip, faces, …) in a profile; None where none does."""
        roles: dict[str, Any] = {name: dict(filled) for name, filled in self.presets.roles.items()}
        chosen = roles.get(profile or self.settings.profile)
        if chosen is None or role not in chosen:
            raise ImagingError(f"no role {role!r} in the profile {profile or self.settings.profile!r} of presets.json")
        return chosen[role]

    def weights(self, slug: str) -> AnyWeights:
        """Anything with files of its own: a model, a ControlNet, an IP-Adapter or a model that measures."""
        entries: tuple[AnyWeights, ...] = (
            *self.presets.models,
            *self.presets.controlnets,
            *self.presets.ip_adapters,
            *self.presets.measuring,
        )
        return _find(entries, slug, "downloadable model")

    def place(self, weights: Weights) -> Path:
        """Folder (or single file) where the weights of an entry belong, whether they are there or not."""
        return place_of(self.settings, weights)

    def located(self, weights: AnyWeights) -> Path:
        """Where the weights are. Raises :class:`ModelNotHere` saying what to do when they are not, or not whole."""
        return located(self.settings, weights)

    def state(self, weights: AnyWeights) -> State:
        """Whether the weights of an entry are on this machine."""
        return state_of(self.settings, weights)

    def lora_path(self, lora: LoraPreset) -> Path:
        """Where the file of a LoRA belongs: its configured path, else loras/civitai_VERSION.safetensors."""
        from creative_lab.imaging.air import parse_air

        if lora.path:
            return self.settings.models_root / lora.path
        assert lora.air is not None
        return self.settings.models_root / "loras" / f"civitai_{parse_air(lora.air).version_id}.safetensors"

    def lora_state(self, lora: LoraPreset) -> State:
        """Whether the file of a LoRA is on this machine."""
        return "here" if self.lora_path(lora).is_file() else "not pulled"

    def listing(self) -> list[Listed]:
        """Every entry with its state, licence, size, memory and roles."""
        filled: dict[str, list[str]] = {}
        for profile, roles in self.presets.roles.items():
            for role, slug in roles.items():
                if slug:
                    filled.setdefault(slug, []).append(f"{profile}: {role}")

        def line(entry: Any, kind: Any, architecture: str | None, state: State, licence: Any) -> Listed:
            return Listed(
                slug=entry.slug,
                label=entry.label,
                kind=kind,
                architecture=architecture,
                state=state if entry.is_active else "switched off",
                licence=licence.name if licence else "unknown",
                commercial=licence.commercial if licence else None,
                size_bytes=self._size(entry),
                vram_mb=getattr(entry, "vram_usage", None),
                roles=tuple(filled.get(entry.slug, ())),
            )

        lines = [line(e, "model", e.base_architecture, self.state(e), e.licence) for e in self.presets.models]
        lines += [
            line(e, "controlnet", e.base_architecture, self.state(e), e.licence) for e in self.presets.controlnets
        ]
        lines += [
            line(e, "ip-adapter", e.base_architecture, self.state(e), e.licence) for e in self.presets.ip_adapters
        ]
        for lora in self.presets.loras:
            lines.append(line(lora, "lora", lora.base_architecture, self.lora_state(lora), lora.licence))
        lines += [line(e, "measuring", None, self.state(e), e.licence) for e in self.presets.measuring]
        hosted: list[Any] = [*self.presets.hosted, *self.presets.hosted_vision]
        return lines + [line(e, "hosted", None, "hosted", e.licence) for e in hosted]

    def _size(self, entry: Any) -> int | None:
        """Bytes on disk, else as the catalogue says; None for hosted models and where nobody knows."""
        if isinstance(entry, LoraPreset):
            path = self.lora_path(entry)
            return path.stat().st_size if path.is_file() else None
        return bytes_here(self.settings, entry) if isinstance(entry, Weights) else None


def _find(entries: Iterable[Entry], slug: str, what: str) -> Entry:
    entries = tuple(entries)
    for entry in entries:
        if entry.slug == slug:  # type: ignore[attr-defined]
            return entry
    known = ", ".join(entry.slug for entry in entries) or "none"  # type: ignore[attr-defined]
    raise ImagingError(f"there is no {what} {slug!r} in presets.json; known: {known}")


def _read(path: Path) -> Presets:
    try:
        stamp = path.stat().st_mtime_ns
    except OSError as error:
        raise ImagingError(f"{path}: the model catalogue cannot be read ({error.strerror})") from error
    return _parse(path, stamp)


@lru_cache(maxsize=8)
def _parse(path: Path, stamp: int) -> Presets:  # noqa: ARG001 - the stamp is part of the cache's key
    try:
        return Presets.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ImagingError(f"{path}: not valid JSON: {error}") from error
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc'])) or 'file'}: {problem['msg']}" for problem in error.errors()[:5]
        )
        raise ImagingError(f"{path}: {problems}") from error
