"""What ``creative-lab doctor`` looks at. Keys are reported as present or absent, never shown."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from creative_lab.settings import Settings

Level = Literal["good", "note", "bad"]
LEAST_FREE_GB = 2.0


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    level: Level
    what: str
    found: str

    @property
    def mark(self) -> str:
        """How the table shows the level."""
        return {"good": "ok", "note": "–", "bad": "BAD"}[self.level]


def examine(settings: Settings) -> list[Finding]:
    """All findings; nothing is changed except that the embedded server is started and the database made."""
    return [*_machine(settings), *_state(settings), *_roles(settings), *_models(settings), *_surroundings()]


def _machine(settings: Settings) -> Iterator[Finding]:
    version = platform.python_version()
    right = (3, 11) <= sys.version_info[:2] < (3, 13)
    yield Finding("good" if right else "bad", "Python", version if right else f"{version}; 3.11 or 3.12 is needed")
    import psutil

    memory = psutil.virtual_memory().total / 1e9
    yield Finding("good" if memory > 3.5 else "note", "Memory", f"{memory:.0f} GB, {os.cpu_count()} cores")
    settings.home.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(settings.home).free / 1e9
    yield Finding("good" if free > LEAST_FREE_GB else "bad", "Disk", f"{free:.1f} GB free at {settings.home}")
    writable = os.access(settings.home, os.W_OK)
    yield Finding("good" if writable else "bad", "Home", "writable" if writable else f"{settings.home} is not writable")
    yield Finding("note", "GPU", _gpu())


def _gpu() -> str:
    from creative_lab.launch.devices import discover

    try:
        devices = discover()
    except Exception as error:
        return f"could not ask the driver: {error}"
    return f"{len(devices)} cards" if devices else "none: work runs on the processor"


def _state(settings: Settings) -> Iterator[Finding]:
    from sqlalchemy import func, select, text

    from creative_lab.state import db
    from creative_lab.state.models import Campaign, Country, Target

    where = "the server of CREATIVE_LAB_POSTGRES_URL" if settings.postgres_url else "embedded server"
    try:
        db.upgrade(settings)
        with db.session_scope(settings) as session:
            version = session.scalar(text("show server_version"))
            counts = [session.scalar(select(func.count()).select_from(model)) for model in (Country, Target, Campaign)]
    except Exception as error:
        yield Finding("bad", "Postgres", f"{where}: {str(error).splitlines()[0]}")
        return
    yield Finding("good", "Postgres", f"{where}, version {version}")
    countries, targets, spots = counts
    level: Level = "good" if countries else "note"
    hint = "" if countries else " (creative-lab import data/reference)"
    yield Finding(level, "Reference data", f"{countries} countries, {targets} targets, {spots} spots{hint}")


def _roles(settings: Settings) -> Iterator[Finding]:
    yield Finding("good", "Profile", settings.profile)
    if settings.profile == "miniature":
        who = "embedded/drafter: works by rule, offline; it adapts within a language and cannot translate"
    elif settings.llm_api_base:
        who = f"the OpenAI-compatible server at {_without_password(settings.llm_api_base)}"
    elif settings.profile == "studio":
        who = "local models through transformers, from the Hugging Face cache"
    else:
        who = f"{settings.hosted_model} for models without a provider of their own"
    yield Finding("good", "Language models", who)
    present = [name for name in _keys() if getattr(settings, name) is not None]
    yield Finding("note", "Keys", f"present: {', '.join(present)}" if present else "none")
    yield Finding("note", "Network", "refused except to this machine" if settings.offline else "allowed")
    yield Finding("note", "Approval", "asked for" if settings.review else "not asked for (CREATIVE_LAB_REVIEW)")


def _models(settings: Settings) -> Iterator[Finding]:
    """One line per role that draws, looks at or scores pictures: its model, or why there is none."""
    from creative_lab.imaging.catalogue import Catalogue
    from creative_lab.imaging.presets import ROLES
    from creative_lab.vision.models import VisionModels
    from creative_lab.weights.errors import ModelError
    from creative_lab.weights.measuring import ROLES as MEASURING_ROLES

    def line(role: str, slug: str | None, missing: str) -> Finding:
        return Finding("note" if missing else "good", f"Role {role}", missing or str(slug))

    try:
        catalogue, vision = Catalogue.load(settings), VisionModels(settings)
        for role in ROLES:
            slug, missing = catalogue.role(role), ""
            if slug is None:
                missing = f"the profile {settings.profile} names no model for {role}"
            elif not catalogue.is_hosted(slug):
                try:
                    catalogue.located(catalogue.weights(slug))
                except ModelError as error:
                    missing = str(error)
            yield line(role, slug, missing)
        hosted = {entry.slug for entry in catalogue.presets.hosted_vision}
        for measuring in MEASURING_ROLES:
            slug = vision.slug(measuring)
            yield line(measuring, slug, "" if slug in hosted else vision.missing(measuring))
    except ModelError as error:
        yield Finding("bad", "Picture models", str(error))


def _keys() -> list[str]:
    """Names of the settings that hold a key or token."""
    secret = [name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)]
    return [name for name in secret if name != "postgres_url"]


def _without_password(url: str) -> str:
    """A URL without what may stand in it as user and password, or after a question mark."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _surroundings() -> Iterator[Finding]:
    for name, port in (("Dagster UI", 3000), ("review page", 3001)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                yield Finding("good", f"Port {port}", f"free for the {name}")
            except OSError:
                yield Finding("note", f"Port {port}", f"in use; start with --port for the {name}")
    browser = next((name for name in ("chromium", "google-chrome") if shutil.which(name)), None)
    yield Finding("note", "Browser", browser or "no chromium: browser tests would be skipped")
