"""Language models on this machine, through transformers, held to a schema by outlines.

One model is resident at a time. It is loaded on first use and again only when the model id or the 4-bit flag changes;
the same loaded model serves every schema.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import logging
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from creative_lab.language.errors import CallError
from creative_lab.language.remote import Answer
from creative_lab.settings import Settings

log = logging.getLogger(__name__)

LOADS_KEPT = 32
"""Compiled grammars kept per loaded model."""


class LocalModels:
    """The resident model of this process. ``allow_download`` lets missing files be fetched; default is never."""

    def __init__(self, *, allow_download: bool = False) -> None:
        self._allow_download = allow_download
        self._lock = threading.Lock()
        self._loaded: tuple[str, bool] | None = None
        self._model: Any = None
        self._generators: dict[str, Any] = {}
        self.loads = 0

    def generate(
        self,
        model_id: str,
        messages: Sequence[Mapping[str, str]],
        *,
        schema: type[BaseModel] | None,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int | None = None,
        load_in_4bit: bool = False,
    ) -> Answer:
        """The model's answer; with ``schema`` every token is held to its JSON grammar."""
        raise NotImplementedError


def shared_local_models(settings: Settings) -> LocalModels:
    """The one loader of this process."""
    raise NotImplementedError


_ = (contextlib, gc, hashlib, CallError)
