"""One picture through litellm's image generation; kept apart because litellm is slow to import."""

from __future__ import annotations

import base64
import binascii
import os
from typing import TYPE_CHECKING, Any

from creative_lab.imaging.errors import ImagingError, PassingError

if TYPE_CHECKING:
    from creative_lab.settings import Settings


def draw(
    model: str, prompt: str, size: str, settings: Settings, *, base_url: str | None, extra: dict[str, Any]
) -> bytes | str:
    """The picture's bytes, or the address it waits at.

    litellm's own retries are off: the caller counts attempts. Raises :class:`PassingError` for rate limits, timeouts
    and faults of the server, :class:`ImagingError` for refusals.
    """
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # its price list would be fetched at import
    import litellm

    litellm.telemetry = False
    keys = {"openai": settings.openai_api_key, "gemini": settings.gemini_api_key}
    key = keys.get(model.split("/", maxsplit=1)[0]) or settings.llm_api_key
    base = base_url or settings.llm_api_base
    if settings.offline and not (base or "").startswith(("http://127.0.0.1", "http://localhost")):
        raise ImagingError("CREATIVE_LAB_OFFLINE is set: hosted models cannot be reached")
    if key is None:
        raise ImagingError(f"{model} needs a key: set CREATIVE_LAB_{model.split('/', maxsplit=1)[0].upper()}_API_KEY")
    if model.startswith("openai/"):
        extra = extra | {"client": _client_without_retries(key.get_secret_value(), base)}
    try:
        answer = litellm.image_generation(
            model=model,
            prompt=prompt,
            size=size,
            n=1,
            timeout=settings.llm_timeout_s,
            api_key=key.get_secret_value(),
            api_base=base,
            drop_params=True,  # for this call only: as a module switch it would change the calls of other rooms
            **extra,
        )
    except (
        litellm.RateLimitError,
        litellm.Timeout,
        litellm.APIConnectionError,
        litellm.InternalServerError,
        litellm.ServiceUnavailableError,
    ) as error:
        raise PassingError(f"{model}: {type(error).__name__}") from error
    except Exception as error:
        status = getattr(error, "status_code", None)
        if isinstance(status, int) and status >= 500:
            raise PassingError(f"{model} answered {status}") from error
        raise ImagingError(f"{model} refuses: {type(error).__name__}: {str(error)[:300]}") from error
    first = answer.data[0] if answer.data else None
    encoded, url = getattr(first, "b64_json", None), getattr(first, "url", None)
    if encoded:
        try:
            return base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError) as error:
            raise ImagingError(f"{model} sent a picture that is not Base64") from error
    if url:
        return str(url)
    raise ImagingError(f"{model} answered without a picture")


def _client_without_retries(key: str, base: str | None) -> Any:
    """OpenAI's client that tries once: litellm loses max_retries=0 and sets 2 on any client it is given."""
    import openai

    class Once(openai.OpenAI):
        max_retries = property(lambda _self: 0, lambda _self, _value: None)

    return Once(api_key=key, base_url=base)
