"""The lab's Dagster instance: its home folder, the instance object, and the environment of child processes."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from creative_lab.lake.fs import FileSystem
from creative_lab.settings import REPOSITORY_ROOT, Settings, get_settings

if TYPE_CHECKING:
    from dagster import DagsterInstance

_NOT_INHERITED = ("DAGSTER_HOME",)


def dagster_home(settings: Settings | None = None) -> Path:
    """The folder for ``DAGSTER_HOME``: ``HOME/dagster`` with a current copy of the setting ``dagster_yaml``.

    The default is the repository's own; ``deploy/`` has variants. The copy is overwritten when it differs.
    """
    settings = settings or get_settings()
    home = settings.home / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    wanted = settings.dagster_yaml.read_bytes()
    copy = home / "dagster.yaml"
    if not copy.exists() or copy.read_bytes() != wanted:
        FileSystem(home).write_bytes("dagster.yaml", wanted)
    return home


def environment(settings: Settings | None = None) -> dict[str, str]:
    """Environment for a child process that is to use this lab: its home, its server, its code, no telemetry."""
    settings = settings or get_settings()
    child = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    child |= {
        "CREATIVE_LAB_HOME": str(settings.home),
        "CREATIVE_LAB_DAGSTER_YAML": str(settings.dagster_yaml),
        "DAGSTER_HOME": str(dagster_home(settings)),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "PYTHONPATH": os.pathsep.join(part for part in (str(REPOSITORY_ROOT), child.get("PYTHONPATH")) if part),
        # The programs next to this interpreter come first, also when its environment is not activated.
        "PATH": os.pathsep.join(part for part in (str(Path(sys.executable).parent), child.get("PATH")) if part),
    }
    if settings.postgres_url is not None:
        child["CREATIVE_LAB_POSTGRES_URL"] = settings.postgres_url.get_secret_value()
    return child


def lab_instance(settings: Settings | None = None) -> DagsterInstance:
    """The instance that webserver, daemon and run workers share.

    The storage reads :func:`creative_lab.settings.get_settings`, so ``settings`` must describe the same lab; a
    different one is refused with ValueError rather than silently mixed up.
    """
    from dagster import DagsterInstance
    from dagster._core.instance.ref import InstanceRef

    own = get_settings()
    settings = settings or own
    if (settings.home, settings.postgres_url) != (own.home, own.postgres_url):
        raise ValueError(f"this process belongs to the lab in {own.home}, not to the one in {settings.home}")
    return DagsterInstance.from_ref(InstanceRef.from_dir(str(dagster_home(settings))))
