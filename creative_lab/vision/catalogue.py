"""Which model fills which role: the measuring part of ``data/presets.json``."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from creative_lab.weights.errors import ModelError
from creative_lab.weights.measuring import ROLES, HostedVision, MeasuringPreset, Role, check_encoders, fitting_roles

if TYPE_CHECKING:
    from creative_lab.settings import Settings


class _Measuring(BaseModel):
    """The part of the file that this room reads; what draws is another room's."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    measuring: tuple[MeasuringPreset, ...] = ()
    hosted_vision: tuple[HostedVision, ...] = ()
    roles: dict[str, dict[str, str | None]]


class MeasuringCatalogue:
    """The measuring models of an installation."""

    def __init__(self, settings: Settings) -> None:
        """Reads DATA_DIR/presets.json. Raises :class:`ModelError` naming file and field."""
        self.settings = settings
        path = settings.data_dir / "presets.json"
        try:
            stamp = path.stat().st_mtime_ns
        except OSError as error:
            raise ModelError(f"{path}: the model catalogue cannot be read ({error.strerror})") from error
        self._read = _parse(path, stamp)

    def entry(self, slug: str) -> MeasuringPreset:
        """The measuring model ``slug``."""
        for entry in self._read.measuring:
            if entry.slug == slug:
                return entry
        known = ", ".join(entry.slug for entry in self._read.measuring)
        raise ModelError(f"there is no measuring model {slug!r} in presets.json; known: {known}")

    def role(self, role: Role, profile: str) -> MeasuringPreset | HostedVision | None:
        """What fills ``role`` in ``profile``; None where nothing does. Raises ModelError for an unknown profile."""
        roles = self._read.roles.get(profile)
        if roles is None:
            known = ", ".join(self._read.roles)
            raise ModelError(f"there is no profile {profile!r} in presets.json; known: {known}")
        if role not in roles:
            raise ModelError(f"no role {role!r} in the profile {profile!r} of presets.json")
        slug = roles[role]
        if slug is None:
            return None
        hosted = next((entry for entry in self._read.hosted_vision if entry.slug == slug), None)
        entry = hosted or self.entry(slug)
        if not entry.is_active:
            raise ModelError(f"the model {slug} is switched off in presets.json")
        return entry


@lru_cache(maxsize=8)
def _parse(path: Path, stamp: int) -> _Measuring:  # noqa: ARG001 - the stamp is part of the cache's key
    try:
        read = _Measuring.model_validate(json.loads(path.read_text(encoding="utf-8")))
        check_encoders(read.measuring)
        _check_roles(read.roles, fitting_roles(read.measuring, read.hosted_vision))
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc'])) or 'file'}: {problem['msg']}" for problem in error.errors()[:5]
        )
        raise ModelError(f"{path}: {problems}") from error
    except (ValueError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: {error}") from error
    return read


def _check_roles(roles: dict[str, Any], fitting: dict[str, set[str]]) -> None:
    for profile, filled in roles.items():
        for role in ROLES:
            slug = filled.get(role)
            if slug is not None and slug not in fitting[role]:
                raise ValueError(f"roles.{profile}.{role}: there is no such model as {slug!r}")
