"""Which provider answers for a model id, by the profile of the settings."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from pydantic import SecretStr

from creative_lab.language.errors import CallError
from creative_lab.language.types import DRAFTER_MODEL
from creative_lab.settings import Settings

Provider = Literal["embedded/drafter", "transformers", "openai-compatible", "openai", "anthropic", "gemini"]

HOSTED_PROVIDERS: dict[str, str] = {
    "openai": "openai_api_key",
    "anthropic": "anthropic_api_key",
    "gemini": "gemini_api_key",
}
"""Prefix of a hosted model id to the setting that holds its key. Others are reached through ``llm_api_base``."""


@dataclass(frozen=True)
class Route:
    """One way to an answer. ``model`` is what the provider is asked for."""

    provider: Provider
    model: str
    api_base: str = ""
    api_key: SecretStr | None = None

    @property
    def remote(self) -> bool:
        """Whether the answer comes over the network (loopback included)."""
        return self.provider not in {"embedded/drafter", "transformers"}


def resolve(settings: Settings, model_id: str) -> Route:
    """The route of ``model_id``.

    - ``embedded/drafter`` is always the offline drafter, and in the profile ``miniature`` so is everything else.
    - ``studio``: the server at ``llm_api_base`` when there is one, else a local model by its Hugging Face id.
    - ``hosted``: the provider that the id's prefix names, else ``llm_api_base``, else the model ``hosted_model``.
    """
    if model_id == DRAFTER_MODEL or settings.profile == "miniature":
        return Route("embedded/drafter", DRAFTER_MODEL)
    server = None
    if settings.llm_api_base:
        server = Route("openai-compatible", model_id, settings.llm_api_base.rstrip("/"), settings.llm_api_key)
    if settings.profile == "studio":
        return server or Route("transformers", model_id)
    hosted = _hosted(settings, model_id)
    if hosted or server:
        return hosted or server  # type: ignore[return-value]  # one of them is there
    stand_in = _hosted(settings, settings.hosted_model)
    if stand_in is None:
        raise CallError(
            f"CREATIVE_LAB_HOSTED_MODEL must begin with one of {', '.join(f'{name}/' for name in HOSTED_PROVIDERS)}",
            "configuration",
        )
    return stand_in


def _hosted(settings: Settings, model_id: str) -> Route | None:
    prefix, slash, _ = model_id.partition("/")
    if not slash or prefix not in HOSTED_PROVIDERS:
        return None
    return Route(prefix, model_id, api_key=getattr(settings, HOSTED_PROVIDERS[prefix]))  # type: ignore[arg-type]


def check_reachable(settings: Settings, route: Route) -> None:
    """Refuse, before anything connects, what the settings forbid or what cannot work for want of a key."""
    if not route.remote:
        return
    if route.provider == "openai-compatible":
        host = host_of(route.api_base)
        if settings.offline and not is_loopback(host):
            raise CallError(f"CREATIVE_LAB_OFFLINE is set and {host} is not this machine", "offline")
        return
    if settings.offline:
        raise CallError(f"CREATIVE_LAB_OFFLINE is set and {route.provider} is a hosted provider", "offline")
    if route.api_key is None or not route.api_key.get_secret_value():
        raise CallError(
            f"the model {route.model} needs a key: set CREATIVE_LAB_{HOSTED_PROVIDERS[route.provider].upper()}",
            "configuration",
        )


def host_of(url: str) -> str:
    """Host name of an http or https URL; anything else is a mistake in the settings."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise CallError("CREATIVE_LAB_LLM_API_BASE must be an http:// or https:// URL", "configuration")
    return parts.hostname


def is_loopback(host: str) -> bool:
    """Whether ``host`` names this machine without asking a name server."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
