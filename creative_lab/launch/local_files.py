"""Where Dagster keeps its own files: below the lab's home, wherever that is.

Dagster's own classes want a fixed ``base_dir`` in ``dagster.yaml``, or an environment variable that must be set.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster._config.config_schema import UserConfigSchema
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.storage.root import LocalArtifactStorage
from dagster._serdes import ConfigurableClassData

from creative_lab.settings import Settings, get_settings


def dagster_dir(settings: Settings | None = None) -> Path:
    """Folder below the lab's home for files of Dagster: compute logs, logs of run workers, device locks."""
    return (settings or get_settings()).home / "dagster"


class LabArtifactStorage(LocalArtifactStorage):
    """Dagster's own files below the lab's home, wherever that is (a plain ``base_dir`` needs a fixed path)."""

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """No setting."""
        return {}

    @classmethod
    def from_config_value(
        cls,
        inst_data: ConfigurableClassData | None,
        config_value: Mapping[str, Any],  # noqa: ARG003
    ) -> LabArtifactStorage:
        """Called by Dagster in every process that opens the instance."""
        base = dagster_dir()
        base.mkdir(parents=True, exist_ok=True)
        return cls(base_dir=str(base), inst_data=inst_data)


class LabComputeLogs(LocalComputeLogManager):
    """What steps print, below the lab's home."""

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """No setting."""
        return {}

    @classmethod
    def from_config_value(
        cls,
        inst_data: ConfigurableClassData | None,
        config_value: Mapping[str, Any],  # noqa: ARG003
    ) -> LabComputeLogs:
        """Called by Dagster in every process that opens the instance."""
        return cls(base_dir=str(dagster_dir() / "compute_logs"), inst_data=inst_data)
